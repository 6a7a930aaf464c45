"""The digest that keys the execution cache sees all that it should."""

import importlib.util
import shutil

import joblib
import nbformat
import pytest
from jupyter_cache import get_cache

from .sources import ROOT


@pytest.fixture
def extension(tmp_path):
    """Return the module that executes notebooks, in a tree of its own."""
    for name in ("_ext/execution.py", "requirements.txt", "constraints.txt"):
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
    for name in ("models/vae.py", "pretrained/vae/weights.safetensors"):
        path = tmp_path / "vaetut" / name
        path.parent.mkdir(parents=True)
        path.write_text("first")
    source = tmp_path / "_ext" / "execution.py"
    spec = importlib.util.spec_from_file_location("execution_copy", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name",
    [
        "vaetut/models/vae.py",
        "vaetut/models/new.py",
        "vaetut/widgets/plane.js",
        "vaetut/widgets/plane.css",
        "vaetut/pretrained/vae/weights.safetensors",
        "vaetut/datasets/data/faces/SHA256SUMS",
        "requirements.txt",
        "constraints.txt",
    ],
)
def test_a_change_changes_the_digest(extension, name):
    before = extension.execution_digest()
    assert before == extension.execution_digest()
    path = extension.ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("second")
    assert before != extension.execution_digest()


def test_settings_of_the_run_change_the_digest(extension, monkeypatch):
    before = extension.execution_digest()
    monkeypatch.setenv("VAETUT_SCALE", "smoke")
    assert before != extension.execution_digest()


def notebook(source):
    """Return a notebook of one cell."""
    cell = nbformat.v4.new_code_cell(source)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})


def test_what_the_cache_lacks_is_executed_side_by_side(
    extension, tmp_path, monkeypatch
):
    """Each waits for the other's file: one after the other, neither would end."""
    come = "open({0!r}, 'w')\nwhile not glob.glob({1!r}): time.sleep(0.01)"
    paths = [tmp_path / "one.ipynb", tmp_path / "two.ipynb"]
    for path, other in zip(paths, reversed(paths), strict=True):
        wait = come.format(f"{path.stem}.came", f"{other.stem}.came")
        source = f"import glob, time\n{wait}\nprint('met')"
        nbformat.write(notebook(source), path)
    said = []
    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
    extension.fill(tmp_path / "cache", paths, timeout=60, say=said.append)
    assert len(said) == 2 and all("executed" in line for line in said)

    cache = get_cache(str(tmp_path / "cache"))
    for path in paths:
        _, found = cache.merge_match_into_notebook(nbformat.read(path, as_version=4))
        assert found.cells[0].outputs[0].text == "met\n"

    extension.fill(tmp_path / "cache", paths, timeout=60, say=said.append)
    assert len(said) == 2, "what was there is executed again"


def test_one_that_fails_is_left_to_the_build(extension, tmp_path):
    nbformat.write(notebook("1 / 0"), tmp_path / "one.ipynb")
    said = []
    extension.fill(tmp_path / "cache", [tmp_path / "one.ipynb"], 60, said.append)
    assert said == ["one.ipynb failed"]
    assert get_cache(str(tmp_path / "cache")).list_cache_records() == []


def test_a_kernel_has_its_share_of_the_cores(extension, tmp_path, monkeypatch):
    shares = []
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    extension.side_by_side(lambda path, share: shares.append(share), [tmp_path])
    (share,) = shares
    assert share == dict.fromkeys(extension.THREADS, "2")
