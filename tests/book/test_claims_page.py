"""The claims as entries: nothing is lost on the way from the rows to the page."""

import contextlib
import importlib
import io
import json
import re
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from docutils.nodes import make_id

from vaetut import claims
from vaetut.__main__ import main

from .sources import NOTEBOOKS, ROOT, markdown

HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ROW = claims.Row(
    *(3, "A <claim> (measured (so) here).", "reading", "a post", "Gaps", "−1"),
    *(5.0, 4.0, 6.0, 7, "seeds", "full", "nats", "below 6 nats", None, 6.0, False),
    *(0.03, 0.06, "confirmed", "undecided"),
)


@pytest.fixture(scope="module")
def page():
    """Return the extension that shows claims."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "_ext")
        yield importlib.import_module("claims_page")


@pytest.fixture(scope="module")
def listed():
    """Return what `vaetut claims --json` prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(["claims", "--json"]) == 0
    return json.loads(printed.getvalue())


@pytest.fixture(scope="module")
def rows():
    """Return the book's claims."""
    return claims.rows(claims.CLAIMS)


@pytest.fixture(scope="module")
def entries(page, rows):
    """Return the entries of all claims as parsed HTML."""
    shown = page.entries(rows, lambda chapter, section: f"{chapter}#{section}")
    return parsed(page.raw("entries", shown)).select("li.claim")


def parsed(node):
    return BeautifulSoup(node.astext(), "html.parser")


def entry(page, row):
    found = page.entries([row], lambda chapter, section: "address#there")
    return parsed(page.raw("entries", found)).li


def words(element):
    return " ".join(element.get_text(" ").split())


# ---- All of them


def test_every_claim_has_an_entry_with_all_that_is_known_of_it(entries, listed):
    assert len(entries) == len(listed) == len({entry["id"] for entry in entries})
    for entry, row in zip(entries, listed, strict=True):
        text = words(entry)
        verdict = row["verdict"] or "theorem"
        assert words(entry.strong) == verdict == entry["data-verdict"]
        assert f"verdict-{verdict}" in entry["class"]
        assert claims.WHOSE[row["whose"]] in text and row["source"] in text
        assert entry["data-whose"] == row["whose"]
        assert entry["data-chapter"] == f"{row['chapter']}"
        assert " ".join(row["theirs"].split()) in text
        assert f"{row['n']} {row['of']}" in text
        link = entry.find("a")
        assert link["href"] == f"{row['chapter']}#{row['section']}"
        assert row["section"] in words(link)


def test_claims_words_are_whole(entries, listed):
    for entry, row in zip(entries, listed, strict=True):
        shown = words(entry.select_one(".claim-words"))
        measured = entry.select_one(".claim-measured")
        if measured:
            shown = f"{shown.removesuffix('.')} {words(measured)}."
        assert shown == row["claim"]


def test_a_test_has_a_drawing_in_words_and_a_theorem_a_reason(entries, listed):
    for entry, row in zip(entries, listed, strict=True):
        picture = entry.select_one("svg[role=img]")
        if row["kind"] == "theorem":
            assert picture is None and row["reason"] in words(entry)
            continue
        says = picture["aria-label"]
        assert row["rule"] in says and says.endswith(".")
        lines = picture.select(".claim-bound")
        assert len(lines) == sum(row[end] is not None for end in ("least", "most"))
        assert "Holm" in words(entry)


def test_counts_are_those_of_the_command_line(page, rows, listed):
    table = parsed(page.raw("counts", page.counts(rows)))
    found = {
        words(line.th): [int(words(cell)) for cell in line.select("td")]
        for line in table.select("tbody tr")
    }

    def counted(chosen):
        verdicts = [row["verdict"] or "theorem" for row in chosen]
        return [verdicts.count(v) for v in (*page.VERDICTS, "theorem")]

    assert found["All"] == counted(listed)
    theirs = [row for row in listed if row["whose"] == "theirs"]
    assert found["All of theirs"] == counted(theirs)
    for post in claims.POSTS:
        of_it = [r for r in theirs if f"{r['source']},".startswith(f"{post},")]
        assert found[post] == counted(of_it)
    assert found["Our reading of theirs"] == counted(
        [row for row in listed if row["whose"] == "reading"]
    )
    confirmed, refuted, undecided, _ = found["All of theirs"]
    assert words(table.p) == (
        f"Of {confirmed + refuted + undecided} claims in the authors’ own words, "
        f"{confirmed} hold , {refuted} do not , and {undecided} are undecided ."
    )


def test_every_section_is_there(page, listed):
    headings = {
        int(path.name[:2]): {make_id(h) for h in HEADING.findall(markdown(path))}
        for path in NOTEBOOKS
        if path.name[:2].isdigit()
    }
    for row in listed:
        assert page.slug(row["section"]) in headings[row["chapter"]], row["claim"]


def test_the_filter_offers_every_choice_and_waits_for_its_script(page, listed):
    titles = {row["chapter"]: f"{row['chapter']}. A title" for row in listed}
    posts = dict(zip(claims.POSTS, claims.POSTS, strict=True))
    html = parsed(page.raw("filters", titles, posts, "claims.js"))
    form = html.form
    assert form.has_attr("hidden") and html.script["src"] == "claims.js"
    offered = {
        name: {x.get("value") for x in form.select(f"[name={name}]")}
        for name in ("verdict", "whose")
    }
    assert offered["verdict"] == {"all", *page.VERDICTS, "theorem"}
    assert offered["whose"] == {"all", *claims.WHOSE}
    choices = [
        {x["value"] for x in form.select(f"[name={name}] option")}
        for name in ("post", "chapter")
    ]
    assert choices == [{"all", *claims.POSTS}, {"all", *map(str, titles)}]
    assert all(fieldset.legend for fieldset in form.select("fieldset"))
    assert form.select_one("[role=status]")
    anchors = {link["href"] for link in html.nav.select("a")}
    assert anchors == {f"#chapter-{chapter}" for chapter in titles}


# ---- One of them


def test_an_entry_says_what_it_is_of(page):
    html = entry(page, ROW)
    assert html["id"] == "claim-3-1" and html.a["href"] == "address#there"
    assert words(html.select_one(".claim-head")) == (
        "undecided after correction our reading of theirs: a post "
        "measured in Chapter 3, Gaps"
    )
    assert words(html.select_one(".claim-words")) == "A <claim>."
    assert words(html.select_one(".claim-measured")) == "(measured (so) here)"
    assert words(html.select_one(".claim-picture p")) == (
        "Must be below 6 nats. 7 seeds, not paired, full scale."
    )
    assert words(html.dl) == (
        "Theirs −1 Ours 5 nats (4 to 6) Test p = 0.06 after Holm’s correction, "
        "= 0.03 before: the interval alone says confirmed"
    )


def test_an_entry_says_what_it_is_at_another_scale(page):
    other = replace(ROW, mean=-7.0, low=-8.0, high=-6.0, scale="laptop")
    html = entry(page, replace(ROW, also=(replace(other, alone="refuted"),)))
    assert words(html.dl).endswith(
        "At laptop scale −7 nats (−8 to −6) of 7 seeds: the interval alone says refuted"
    )


@pytest.mark.parametrize(
    ("claim", "parts"),
    [
        ("All is well.", ("All is well.", "")),
        ("All (well).", ("All.", "well")),
        ("5 − (4 + 2) is less (than 0).", ("5 − (4 + 2) is less.", "than 0")),
        ("N(0, I) is round (N(0, I) (so)).", ("N(0, I) is round.", "N(0, I) (so)")),
        ("Codes of N(0, I).", ("Codes of N(0, I).", "")),
    ],
)
def test_brackets_at_the_end_say_how_it_is_measured(page, claim, parts):
    assert page.split(claim) == parts


@pytest.mark.parametrize(
    ("least", "most"), [(None, 6.0), (2.0, None), (2.0, 9.0), (-50.0, 50.0), (4.5, 5.5)]
)
def test_a_drawing_has_interval_and_bounds_at_their_places(page, least, most):
    row = replace(ROW, least=least, most=most)
    drawn = page.drawing(row)
    assert 0 < drawn.low < drawn.mean < drawn.high < 100
    values, places = [4.0, 5.0, 6.0], [drawn.low, drawn.mean, drawn.high]
    sides = [bound for bound in (least, most) if bound is not None]
    values += sides
    places += [bound.at for bound in drawn.bounds]
    scale = (drawn.high - drawn.low) / 2
    for value, place in zip(values, places, strict=True):
        assert place - drawn.mean == pytest.approx(scale * (value - 5), abs=0.05)
    assert drawn.start == (0 if least is None else places[3])
    assert drawn.end == (100 if most is None else places[-1])


@pytest.mark.parametrize(
    ("alone", "says"),
    [
        ("confirmed", "The whole interval, 4 to 6, lies where the claim holds"),
        ("refuted", "The whole interval, 4 to 6, lies outside of where the claim"),
        ("undecided", "The interval, 4 to 6, reaches over a bound of where the claim"),
    ],
)
def test_a_drawing_says_where_the_interval_lies(page, alone, says):
    drawn = page.drawing(replace(ROW, alone=alone))
    assert drawn.says.startswith(says) and drawn.says.endswith("below 6 nats.")


def test_a_single_value_is_drawn_without_an_interval(page):
    drawn = page.drawing(replace(ROW, low=None, high=None, n=1))
    assert drawn.low == drawn.mean == drawn.high
    assert drawn.says.startswith("A single value, without an interval.")


def test_values_at_their_bound_are_drawn(page):
    drawn = page.drawing(replace(ROW, mean=6.0, low=6.0, high=6.0))
    assert drawn.low == drawn.high == drawn.bounds[0].at == 50


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "< 0.001"), (0.00123, "= 0.0012"), (0.051, "= 0.051"), (1.0, "= 1")],
)
def test_p_values_are_short(page, p, text):
    assert page.small(p) == text


def test_a_section_that_is_not_there_is_a_warning(page, monkeypatch, tmp_path):
    from types import SimpleNamespace

    from docutils import nodes

    path = tmp_path / "claims.toml"
    path.write_text(
        '[[claim]]\nchapter = 1\nclaim = "One."\nsection = "Gaps"\n'
        '[[claim]]\nchapter = 1\nclaim = "Two."\nsection = "Gasp"\n'
    )
    monkeypatch.setattr(page, "CLAIMS", path)
    said = []
    monkeypatch.setattr(page.logger, "warning", lambda text, *x: said.append(text % x))
    name = "book/01-autoencoder"
    toc = nodes.bullet_list("", nodes.reference("", "", anchorname="#gaps"))
    page.check_links(None, SimpleNamespace(found_docs={name}, tocs={name: toc}))
    assert said == [
        "The claim 'Two.' is measured in section 'Gasp', which is not in chapter 1: "
        "change its `section` in claims.toml."
    ]
