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
    "a link": re.compile(r"\]\([\w./-]*(?:#|\.md|\.ipynb|:)"),
    "emphasis": re.compile(r"\*\*\w"),
}
NAN = re.compile(r"\bnan\b", re.IGNORECASE)
SEEN = "img, svg, canvas, table, video, iframe, .vaetut-explorer"


SAMPLES = {
    "a table's pipes": "| a | b |\n|---|---|",
    "a substitution": "about {{ vae.kl }} nats",
    "an empty number": "about <data value=vae.kl>9</data> nats",
    "a role": "{cite:p}kingma2014, {term}`unit`",
    "a directive": "```{claims} 3",
    "a link": "[the planes](#fig-planes)",
    "emphasis": "**never** mind",
}


@pytest.fixture(params=PAGES, ids=lambda path: path.stem)
def page(request):
    """Return the article of a built page."""
    path = HTML / request.param
    if not path.exists():
        pytest.fail(f"There is no {path.relative_to(ROOT)}: run `make book`.")
    soup = BeautifulSoup(path.read_text("utf-8"), "html.parser")
    return soup.select_one("article")


@pytest.mark.parametrize("what", RAW)
def test_raw_markup_is_seen(what):
    seen = [name for name, pattern in RAW.items() if pattern.search(SAMPLES[what])]
    assert seen == [what]
    assert not RAW[what].search("f(x) = |x|, a[b](c) and {1, 2} of 2 ** 3: see (2.1).")


@pytest.mark.attack("pages")
def test_nothing_shows_its_markup(page):
    for node in page.select("pre, code, script, style, .math, .sig"):
        node.decompose()
    text = page.get_text()
    found = {what: pattern.findall(text) for what, pattern in RAW.items()}
    assert found == {what: [] for what in RAW}


@pytest.mark.attack("pages")
def test_no_output_is_empty(page):
    for output in page.select(".cell_output > *"):
        shown = output.get_text(strip=True) or output.select_one(SEEN)
        assert shown or output.name in ("img", "script", "style"), output


@pytest.mark.attack("pages")
def test_no_output_fails_but_those_that_are_to(page):
    """A cell that is to fail has the tag raises-exception."""
    for cell in page.select(".cell:not(.tag_raises-exception)"):
        assert cell.select(".traceback, .stderr") == []


@pytest.mark.attack("pages")
def test_no_number_is_missing(page):
    assert all(node.get_text(strip=True) for node in page.select("data"))
    shown = [node.get_text(" ") for node in page.select(".cell_output, td, data")]
    assert [text for text in shown if NAN.search(text)] == []
