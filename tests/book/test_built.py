"""What a built page shows is what was meant: no markup, nothing empty, no failure."""

import re

import pytest
from bs4 import BeautifulSoup

from .sources import ROOT, documents

HTML = ROOT / "_build" / "html"
PAGES = [path.relative_to(ROOT).with_suffix(".html") for path in documents()]

# What nobody means to show, in prose and in outputs. Code that is shown may have it.
RAW = {
    "a table's pipes": re.compile(r"^\s*\|.*\|", re.MULTILINE),
    "a substitution": re.compile(r"\{\{\s*[\w.]+\s*\}\}"),
    "an empty number": re.compile(r"<data\b"),
    "a role": re.compile(r"\{[a-z]+(?::[a-z]+)?\}(?=\s*`|\w)"),
    "a directive": re.compile(r"^\s*(?:`{3,}|:{3,})\{[a-z-]+\}", re.MULTILINE),
    "a link": re.compile(r"\]\([\w./#-]+\)"),
    "emphasis": re.compile(r"\*\*\w"),
}
NAN = re.compile(r"\bnan\b", re.IGNORECASE)
SEEN = "img, svg, canvas, table, video, iframe, .vaetut-explorer"


@pytest.fixture(params=PAGES, ids=lambda path: path.stem)
def page(request):
    """Return the article of a built page."""
    path = HTML / request.param
    if not path.exists():
        pytest.fail(f"There is no {path.relative_to(ROOT)}: run `make book`.")
    soup = BeautifulSoup(path.read_text("utf-8"), "html.parser")
    return soup.select_one("article")


def test_nothing_shows_its_markup(page):
    for node in page.select("pre, code, script, style, .math"):
        node.decompose()
    text = page.get_text()
    found = {what: pattern.findall(text) for what, pattern in RAW.items()}
    assert found == {what: [] for what in RAW}


def test_no_output_is_empty(page):
    for output in page.select(".cell_output > *"):
        shown = output.get_text(strip=True) or output.select_one(SEEN)
        assert shown or output.name in ("img", "script", "style"), output


def test_no_output_fails_but_those_that_are_to(page):
    """A cell that is to fail has the tag raises-exception."""
    for cell in page.select(".cell:not(.tag_raises-exception)"):
        assert cell.select(".traceback, .stderr") == []


def test_no_number_is_missing(page):
    numbers = [node.get_text(strip=True) for node in page.select("data")]
    outputs = [node.get_text(" ") for node in page.select(".cell_output")]
    for node in page.select("code, pre, script, style"):
        node.decompose()
    assert all(numbers)
    assert [text for text in [*outputs, page.get_text(" ")] if NAN.search(text)] == []
