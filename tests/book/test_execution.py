"""Notebooks are executed side by side, into the cache that the build reads."""

import sys

import joblib
import nbformat
import pytest
from jupyter_cache import get_cache

from .sources import ROOT


@pytest.fixture
def execution(monkeypatch):
    """Return the module that executes notebooks."""
    monkeypatch.syspath_prepend(ROOT / "_ext")
    monkeypatch.delitem(sys.modules, "execution", raising=False)
    import execution

    return execution


def notebook(source):
    """Return a notebook of one cell."""
    cell = nbformat.v4.new_code_cell(source)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})


def test_what_the_cache_lacks_is_executed_side_by_side(
    execution, tmp_path, monkeypatch
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
    execution.fill(tmp_path / "cache", paths, timeout=60, say=said.append)
    assert len(said) == 2 and all("executed" in line for line in said)

    cache = get_cache(str(tmp_path / "cache"))
    for path in paths:
        _, found = cache.merge_match_into_notebook(nbformat.read(path, as_version=4))
        assert found.cells[0].outputs[0].text == "met\n"

    execution.fill(tmp_path / "cache", paths, timeout=60, say=said.append)
    assert len(said) == 2, "what was there is executed again"


def test_one_that_fails_is_left_to_the_build(execution, tmp_path):
    nbformat.write(notebook("1 / 0"), tmp_path / "one.ipynb")
    said = []
    execution.fill(tmp_path / "cache", [tmp_path / "one.ipynb"], 60, said.append)
    assert said == ["one.ipynb failed"]
    assert get_cache(str(tmp_path / "cache")).list_cache_records() == []


def test_a_kernel_has_its_share_of_the_cores(execution, tmp_path, monkeypatch):
    shares = []
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    path = tmp_path / "one.ipynb"
    nbformat.write(notebook(""), path)
    execution.side_by_side(lambda path, share: shares.append(share), [path])
    (share,) = shares
    assert share == dict.fromkeys(execution.THREADS, "2")
