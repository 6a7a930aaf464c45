"""What the built book shows is what the notebooks have stored.

The build has executed every notebook; its outputs are read, not computed again. Cells
tagged `nbval-check-output` must have the stored ones, by nbval's rules: streams are
joined, pictures and the random names of live widgets are not compared.
"""

import sys
from collections import defaultdict

import pytest
from jupyter_cache import get_cache
from nbval.plugin import coalesce_streams

from .sources import NOTEBOOKS, ROOT, code_cells, read

TAG = "nbval-check-output"
NOT_COMPARED = {
    "image/png",
    "image/jpeg",
    "application/vnd.jupyter.widget-view+json",
}


@pytest.fixture
def cache(monkeypatch):
    """Return the build's cache of what was executed with the library as it is."""
    monkeypatch.syspath_prepend(ROOT / "_ext")
    monkeypatch.delitem(sys.modules, "execution", raising=False)
    import execution

    folder = execution.CACHES / execution.execution_digest()
    if not folder.is_dir():
        pytest.fail("The book was not built with this library: run `make book`.")
    return get_cache(str(folder))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def pair(request, cache):
    """Return a chapter's code cells as they are stored, and as the build ran them."""
    stored = read(request.param)
    try:
        _, executed = cache.merge_match_into_notebook(read(request.param))
    except KeyError:
        pytest.fail("The book was not built with this notebook: run `make book`.")
    return code_cells(stored), code_cells(executed)


def compared(cell) -> dict[str, list[str]]:
    """Return what is compared of a cell: kind of output -> every output of it."""
    found = defaultdict(list)
    for output in coalesce_streams(cell.outputs):
        if output.output_type == "stream":
            found[output.name].append(output.text)
        for kind, value in output.get("data", {}).items():
            if kind not in NOT_COMPARED:
                found[kind].append(value)
    found.pop("stderr", None)  # backends log there; neither place keeps it
    return dict(found)


def test_no_cell_failed(pair):
    _, executed = pair
    for cell in executed:
        errors = [x for x in cell.outputs if x.output_type == "error"]
        assert errors == [], cell.source


def test_checked_cells_show_what_is_stored(pair):
    stored, executed = pair
    checked = [
        i for i, cell in enumerate(stored) if TAG in cell.metadata.get("tags", [])
    ]
    for i in checked:
        assert compared(executed[i]) == compared(stored[i]), stored[i].source
