"""What the built book shows is what the notebooks have stored.

The build has executed every notebook; its outputs are read, not computed again. Their
words and whole numbers must be the stored ones, and other numbers within a unit of the
last digit shown or a hundredth, for processors differ. Streams are joined, pictures and
widgets are not compared. A cell that tells time has the tag `nbval-ignore-output`.
"""

import math
import re
import sys
from collections import defaultdict

import pytest
from jupyter_cache import get_cache
from nbval.plugin import coalesce_streams

from .sources import NOTEBOOKS, ROOT, code_cells, read

TELLS_TIME = "nbval-ignore-output"
TEXT = {"text/plain", "text/markdown", "text/html", "text/latex"}
WIDGET = 'class="vaetut-explorer'
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


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


def shown(cell) -> dict[str, str]:
    """Return the text that a cell shows, by the kind of output."""
    found = defaultdict(str)
    for output in coalesce_streams(cell.outputs):
        if output.output_type == "stream" and output.name == "stdout":
            found[output.name] += output.text
        for kind, value in output.get("data", {}).items():
            if kind in TEXT and WIDGET not in value:
                found[kind] += value
    return dict(found)


def alike(one: str, other: str) -> bool:
    """Return whether two texts have the same words, and nearly the same numbers."""
    if NUMBER.split(one) != NUMBER.split(other):
        return False
    for a, b in zip(NUMBER.findall(one), NUMBER.findall(other), strict=True):
        if a == b:
            continue
        x, y = (float(text.replace(",", "")) for text in (a, b))
        digits = len(a.partition(".")[2])
        near = math.isclose(x, y, rel_tol=0.01, abs_tol=1.01 / 10**digits)
        if not (digits and near):
            return False
    return True


def test_no_cell_failed(pair):
    _, executed = pair
    for cell in executed:
        errors = [x for x in cell.outputs if x.output_type == "error"]
        assert errors == [], cell.source


def test_cells_show_what_is_stored(pair):
    stored, executed = pair
    for before, now in zip(stored, executed, strict=True):
        if TELLS_TIME in before.metadata.get("tags", []):
            continue
        texts, found = shown(before), shown(now)
        assert texts.keys() == found.keys(), before.source
        for kind, text in texts.items():
            assert alike(text, found[kind]), f"{before.source}\n{text}\n{found[kind]}"


def test_which_texts_are_alike():
    assert alike("IoU 0.931, 1,024 images", "IoU 0.932, 1,024 images")
    assert not alike("IoU 0.931", "IoU 0.951")
    assert not alike("IoU 0.931", "Dice 0.931")
    assert not alike("3 of 10", "4 of 10")
    assert not alike("1, 2", "1, 2, 3")
