"""The digest that keys the execution cache sees all that it should."""

import importlib.util
import shutil
import sys

import pytest

from .sources import ROOT


@pytest.fixture
def extension(tmp_path, monkeypatch):
    """Return the book's extension, in a tree of its own."""
    for name in (
        "_ext/vaetut_book.py",
        "_ext/execution.py",
        "requirements.txt",
        "constraints.txt",
    ):
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
    for name in ("models/vae.py", "pretrained/vae/weights.safetensors"):
        path = tmp_path / "vaetut" / name
        path.parent.mkdir(parents=True)
        path.write_text("first")
    source = tmp_path / "_ext" / "vaetut_book.py"
    monkeypatch.syspath_prepend(source.parent)
    monkeypatch.delitem(sys.modules, "execution", raising=False)
    spec = importlib.util.spec_from_file_location("extension_copy", source)
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
