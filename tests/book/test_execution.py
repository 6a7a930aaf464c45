"""Notebooks are executed side by side, into the cache that the build reads."""

import copy
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
    written = {}
    for name, other in (("one", "two"), ("two", "one")):
        wait = come.format(f"{name}.came", f"{other}.came")
        path = tmp_path / f"{name}.ipynb"
        written[path] = notebook(f"import glob, time\n{wait}\nprint('met')")
        nbformat.write(written[path], path)
    said = []
    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
    execution.fill(tmp_path / "cache", copy.deepcopy(written), 60, said.append)
    assert len(said) == 2 and all("executed" in line for line in said)

    cache = get_cache(str(tmp_path / "cache"))
    for path in written:
        _, found = cache.merge_match_into_notebook(nbformat.read(path, as_version=4))
        assert found.cells[0].outputs[0].text == "met\n"

    execution.fill(tmp_path / "cache", written, 60, said.append)
    assert len(said) == 2, "what was there is executed again"


def test_one_that_fails_is_left_to_the_build(execution, tmp_path):
    path = tmp_path / "one.ipynb"
    nbformat.write(notebook("1 / 0"), path)
    said = []
    execution.fill(tmp_path / "cache", {path: notebook("1 / 0")}, 60, said.append)
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
