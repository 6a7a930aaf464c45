"""The parameter ledger in Chromium: on a page, and as a live view."""

import pytest

from vaetut.widgets.parameter_ledger import (
    PARTS,
    PUBLISHED,
    SOURCE,
    STOPS,
    ParameterLedger,
    memory,
)

from .conftest import PAGE, PHONE, Watched
from .test_explorers import CONTRASTS, LIVE

ROOT = ".vaetut-parameters"
SIZES = [
    {},
    {"side": 128, "layers": 5, "dimensions": 1024, "extra": 96, "batch": 16},
    {"side": 32, "layers": 2, "dimensions": 2, "extra": 16, "batch": 1},
    {"layers": 3, "dimensions": 512},
]


@pytest.fixture(scope="module")
def ledger():
    return ParameterLedger()


@pytest.fixture
def show(open_widgets):
    """Return a function that opens ledgers and waits for them."""

    def show(*ledgers, scripts=True, **options):
        watched = open_widgets(*ledgers, java_script_enabled=scripts, **options)
        if scripts:
            watched.page.wait_for_selector(f"{ROOT}[data-live] table")
        return watched

    return show


def move(widget, **sizes):
    """Move sliders to stops as a reader does."""
    for name, value in sizes.items():
        stop = STOPS[name].index(value)
        widget.locator(f"input[name={name}]").fill(str(stop))


def table(widget):
    """Return the table's numbers by row."""
    rows = widget.locator("tbody tr").all()
    return {
        row.locator("th").inner_text().strip(): [
            float(cell) for cell in row.locator("td").all_inner_texts() if cell
        ]
        for row in rows
    }


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_the_page_has_pythons_numbers(show, ledger, sizes):
    watched = show(ledger)
    widget = watched.page.locator(ROOT)
    move(widget, **SOURCE | sizes)
    there = ParameterLedger(**SOURCE | sizes)
    parts, used = there.parts(), memory(there.parts(), there.batch)
    found = table(widget)
    for name, part in parts.items():
        expected = [part.parameters, part.macs, used[name]]
        expected = [value / 1e6 for value in expected]
        assert found[name] == pytest.approx(expected, rel=6e-3, abs=6e-3)
    kept = used["kept of the images"] / 1e6
    assert found["kept of the images"] == pytest.approx([kept], rel=6e-3, abs=6e-3)
    assert found["total"][2] == pytest.approx(sum(used.values()) / 1e6, rel=6e-3)
    assert not watched.troubles


def test_the_bars_are_as_long_as_the_numbers(show, ledger):
    widget = show(ledger).page.locator(ROOT)
    bars = widget.locator(".vp-bar").all()
    encoder = [part.bounding_box()["width"] for part in bars[0].locator("span").all()]
    decoder = [part.bounding_box()["width"] for part in bars[1].locator("span").all()]
    parts = [part.parameters for part in ledger.parts().values()]
    whole = bars[0].bounding_box()["width"]
    expected = [whole * n / 10.5e6 for n in (parts[0], *parts[2:])]  # no extra layer
    assert encoder + decoder == pytest.approx(expected, abs=1)
    for bar in bars[2:]:
        widths = [part.bounding_box()["width"] for part in bar.locator("span").all()]
        assert sum(widths) == pytest.approx(whole, abs=1)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda row: row[0])
def test_a_button_sets_what_was_published(show, ledger, published):
    name, change, encoder, _ = published
    watched = show(ledger)
    widget = watched.page.locator(ROOT)
    move(widget, layers=2, batch=8)
    assert widget.locator(".vp-mark:visible").count() == 0
    button = widget.get_by_role("button", name=f"As published: {name}")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert widget.locator("button[aria-pressed=true]").count() == 1
    assert f"parameters: {encoder} million" in widget.locator("p").all_inner_texts()[0]
    for key, value in (SOURCE | change | {"batch": 8}).items():
        assert widget.get_attribute(f"data-{key}") == str(value)
    assert widget.locator(".vp-mark:visible").count() == 6
    assert not watched.troubles


def test_keys_move_a_slider(show, ledger):
    watched = show(ledger)
    widget = watched.page.locator(ROOT)
    slider = widget.locator("input[name=extra]")
    assert slider.get_attribute("aria-valuetext") == "none"
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "16"
    slider.press("End")
    assert widget.get_attribute("data-extra") == "1024"
    assert not watched.troubles


def test_two_ledgers_share_a_page(show, ledger):
    watched = show(ledger, ParameterLedger(side=64))
    first, second = watched.page.locator(ROOT).all()
    before = table(second)
    move(first, dimensions=2)
    assert table(second) == before != table(first)
    assert not watched.troubles


def test_names_are_there_for_screen_readers(show, ledger):
    widget = show(ledger).page.locator(ROOT)
    assert widget.get_attribute("role") == "group"
    assert widget.get_attribute("aria-label") == "Parameter ledger"
    for node in widget.locator("input, button").all():
        assert node.get_attribute("data-lm-suppress-shortcuts") == "true"
    move(widget, dimensions=512)
    heard = widget.locator("[aria-live=polite]")
    heard.get_by_text("Encoder 9.83, decoder 5.12 million").wait_for(state="attached")


@pytest.mark.parametrize("width", [320, 390, 700])
def test_nothing_is_wider_than_the_page(show, ledger, width):
    page = show(ledger, viewport={"width": width, "height": 844}).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    move(page.locator(ROOT), dimensions=1600, side=256)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_either_theme_can_be_read(show, ledger, theme):
    page = show(ledger).page
    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    page.add_style_tag(content='[data-theme="dark"] { --jp-layout-color0: #121212 }')
    text, _ = page.evaluate(CONTRASTS)
    assert len(text) > 20 and min(text) >= 4.5


def test_without_javascript_there_is_a_picture_with_words(show, ledger):
    page = show(ledger, scripts=False).page
    picture = page.get_by_role("img")
    assert picture.get_attribute("alt") == ledger.alt
    assert picture.bounding_box()["width"] > 300


def test_a_finger_moves_a_slider(show, ledger):
    watched = show(ledger, viewport=PHONE, has_touch=True, is_mobile=True)
    widget = watched.page.locator(ROOT)
    widget.locator("input[name=side]").tap(position={"x": 2, "y": 10})
    assert widget.get_attribute("data-side") == "32"
    assert not watched.troubles


def test_the_live_view_and_the_kernel_follow_each_other(browser, ledger):
    """The module as anywidget runs it, with a pretended model behind it."""
    with browser.new_context() as context:
        watched = Watched(context.new_page(), "")
        page = watched.page
        page.set_content(PAGE.format("<main></main>"))
        values = {name: getattr(ledger, name) for name in ledger.view}
        page.evaluate(LIVE, [str(ledger._esm), ledger.state, values])
        widget = page.locator(ROOT)
        move(widget, extra=256)
        assert page.evaluate("window.saved") == values | {"extra": 256}
        page.evaluate("model.set('extra', 0), model.set('dimensions', 512)")
        assert table(widget)[PARTS[2]][0] == 9.44
        assert page.evaluate("window.close_widget()") == 0
        assert not watched.troubles
