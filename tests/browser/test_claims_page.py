"""The page of claims: complete without scripts, filtered with one, and never cut."""

from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import expect

from .conftest import DESKTOP, HTML, PHONE, new_context
from .looking import emulate, resize, set_theme
from .test_pages import CONTRASTS, WIDER_THAN_PAGE

PAGE = "book/claims.html"
NARROW = {"width": 320, "height": 700}
SHOWN = ".claim:visible"


@pytest.fixture(scope="module")
def entries(html):
    """Return the entries of the built page as they are written."""
    text = (html / PAGE).read_text("utf8")
    return BeautifulSoup(text, "html.parser").select("li.claim")


@pytest.fixture
def page(open_page):
    """Return the open page; nothing may go wrong on it."""
    with open_page(PAGE, "file") as watched:
        expect(watched.page.get_by_role("status")).to_contain_text("claims are shown")
        yield watched.page
        assert watched.troubles == []


def keys(entries, **wanted):
    """Return the anchors of the entries with these data."""
    return [
        entry["id"]
        for entry in entries
        if all(entry[f"data-{name}"] == value for name, value in wanted.items())
    ]


def expect_shown(page, entries, **wanted):
    """Wait until just these claims are shown, said how many, and their chapters."""
    expected = keys(entries, **wanted)
    status = page.get_by_role("status")
    expect(status).to_have_text(f"{len(expected)} of {len(entries)} claims are shown.")
    shown = page.locator(SHOWN).evaluate_all("found => found.map((x) => x.id)")
    assert shown == expected
    chapters = {key.split("-")[1] for key in expected}
    expect(page.locator(".claims-chapter:visible")).to_have_count(len(chapters))
    state = parse_qs(urlsplit(page.url).fragment)
    assert {name: value for name, (value,) in state.items()} == wanted


def test_all_claims_are_shown_without_scripts(browser, bases, entries):
    with new_context(browser, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{bases['file']}/{PAGE}")
        expect(page.locator(SHOWN)).to_have_count(len(entries))
        expect(page.locator(".claims-filter")).to_be_hidden()
        page.get_by_role("navigation", name="Chapters with claims").get_by_role(
            "link", name="9", exact=True
        ).click()
        expect(page.locator("#chapter-9 h3")).to_be_in_viewport()


def test_claims_are_chosen_by_mouse(page, entries):
    expect_shown(page, entries)
    page.get_by_label("refuted").check()
    expect_shown(page, entries, verdict="refuted")
    page.get_by_label("theirs", exact=True).check()
    expect_shown(page, entries, verdict="refuted", whose="theirs")
    post = "TF 2.8 series, XIII"
    page.get_by_label("Source").select_option(post)
    expect_shown(page, entries, verdict="refuted", whose="theirs", post=post)
    page.get_by_role("button", name="Show all").click()
    expect_shown(page, entries)
    page.get_by_label("Chapter", exact=True).select_option("9")
    expect_shown(page, entries, chapter="9")


def test_claims_are_chosen_by_keyboard(page, entries):
    page.get_by_label("any", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect_shown(page, entries, verdict="confirmed")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect_shown(page, entries, verdict="confirmed", whose="theirs")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect_shown(page, entries)


def test_where_nothing_fits_that_is_said(page):
    page.get_by_label("ours", exact=True).check()
    page.get_by_label("Chapter", exact=True).select_option("1")
    expect(page.get_by_role("status")).to_contain_text("No claim is like that")
    expect(page.locator(SHOWN)).to_have_count(0)


def test_the_address_keeps_what_is_chosen(page, entries):
    page.get_by_label("undecided").check()
    page.get_by_label("Chapter", exact=True).select_option("5")
    wanted = {"verdict": "undecided", "chapter": "5"}
    expect_shown(page, entries, **wanted)
    page.reload()
    expect_shown(page, entries, **wanted)
    page.goto(f"{page.url.split('#')[0]}#whose=reading")
    expect_shown(page, entries, whose="reading")


@pytest.mark.parametrize("bogus", ["verdict=true&chapter=99", "colour=red", "%E0%A4"])
def test_an_address_of_nothing_shows_all(page, entries, bogus):
    page.goto(f"{page.url.split('#')[0]}#{bogus}")
    expect(page.locator(SHOWN)).to_have_count(len(entries))


def test_an_address_of_a_claim_leads_to_it_whatever_was_chosen(page, entries):
    page.get_by_label("Chapter", exact=True).select_option("10")
    expect_shown(page, entries, chapter="10")
    page.evaluate("location.hash = 'claim-5-3'")
    expect(page.locator("#claim-5-3")).to_be_in_viewport()
    expect(page.locator(SHOWN)).to_have_count(len(entries))
    expect(page.get_by_label("Chapter", exact=True)).to_have_value("all")


@pytest.mark.parametrize("size", [DESKTOP, PHONE, NARROW], ids=lambda x: x["width"])
def test_nothing_is_cut_and_the_width_is_used(page, size, entries):
    resize(page, size)
    assert page.evaluate(WIDER_THAN_PAGE) == []
    inside = """found => found.every((node) => {
      const box = node.getBoundingClientRect();
      return box.left >= 0 && box.right <= innerWidth && box.width > 0;
    })"""
    for part in (".claim-verdict", ".claim-drawing", ".claim-drawing text", "dd"):
        parts = page.locator(f".claim {part}")
        assert parts.count() > 0 and parts.evaluate_all(inside), part
    article, claim = (
        page.locator(name).first.bounding_box() for name in (".bd-main", ".claim")
    )
    assert claim["width"] > 0.85 * article["width"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_small_print_has_contrast(page, theme):
    set_theme(page, theme)
    small = "dt, dd, dd a, strong, label, legend, button, select, caption, .claim-head"
    found = page.evaluate(CONTRASTS.replace("h1, h2, h3, p,", f"{small}, p,"))
    assert found == []


def test_a_verdict_has_its_own_colour_in_either_theme(page):
    for theme in ("light", "dark"):
        set_theme(page, theme)
        colours = {
            page.locator(f".claim.verdict-{verdict} .claim-verdict").first.evaluate(
                "node => getComputedStyle(node).color"
            )
            for verdict in ("confirmed", "refuted", "undecided", "theorem")
        }
        assert len(colours) == 4


def test_drawings_stay_in_forced_colours(browser, bases):
    with new_context(browser, forced_colors="active") as context:
        page = context.new_page()
        page.goto(f"{bases['file']}/{PAGE}")
        look = """node => [".claim-interval", ".claim-bound", ".claim-axis"].map(
          (part) => getComputedStyle(node.querySelector(part)).stroke)"""
        strokes = page.locator(".claim-drawing").first.evaluate(look)
        text, ground = page.evaluate(
            "['CanvasText', 'Canvas'].map((color) => {"
            " document.body.style.outlineColor = color;"
            " return getComputedStyle(document.body).outlineColor; })"
        )
        assert set(strokes) == {text} and text != ground


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_claims_are_printed_dark_on_white_and_no_filter(page, entries, theme):
    set_theme(page, theme)
    emulate(page, media="print")
    expect(page.locator(".claims-filter")).to_be_hidden()
    expect(page.locator(SHOWN)).to_have_count(len(entries))
    parts = page.locator(".claim :is(p, dt, dd, a, .claim-verdict)")
    assert parts.evaluate_all(
        """found => found.every((node) => getComputedStyle(node).color
          .match(/\\d+/g).slice(0, 3).every((value) => value < 170))"""
    )
    assert (
        page.locator(".claim").first.evaluate(
            "node => getComputedStyle(node).backgroundColor"
        )
        == "rgb(255, 255, 255)"
    )


def test_names_and_sizes_of_controls(page):
    """What axe-core would ask of them, WCAG 2.2: names, one of each id, 24 pixels."""
    for control in page.locator(".claims-filter :is(input, select, button)").all():
        assert control.evaluate(
            "node => node.textContent.trim() || node.labels?.[0].textContent.trim()"
        )
    for label in page.locator(".claims-filter :is(label, button)").all():
        assert label.bounding_box()["height"] >= 24
    ids = page.locator("[id]").evaluate_all("found => found.map((node) => node.id)")
    assert len(set(ids)) == len(ids)
    assert page.locator(".claims-filter fieldset:not(:has(> legend))").count() == 0
    assert page.locator(".claim-drawing:not([role=img][aria-label])").count() == 0


def test_every_link_leads_to_a_section(entries):
    wanted = {}
    for entry in entries:
        name, _, anchor = entry.find("a")["href"].partition("#")
        wanted.setdefault(name, set()).add(anchor)
    for name, anchors in wanted.items():
        text = (HTML / "book" / name).read_text("utf8")
        sections = BeautifulSoup(text, "html.parser").select("section[id]")
        assert anchors <= {section["id"] for section in sections}, name


def test_a_chapter_shows_its_own_claims(open_page, entries):
    with open_page("book/10-curved-factors.html") as watched:
        own = watched.page.locator(".claim")
        expect(own).to_have_count(len(keys(entries, chapter="10")))
        resize(watched.page, PHONE)
        for verdict in watched.page.locator(".claim-verdict").all():
            box = verdict.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
        own.first.get_by_role("link").click()
        expect(watched.page.locator("#how-curved > h2")).to_be_in_viewport()
