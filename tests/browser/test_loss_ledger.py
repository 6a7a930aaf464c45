"""The loss ledger in Chromium: on a page, and as a live view."""

import pytest

from vaetut.widgets.loss_ledger import LossLedger

from .conftest import PAGE, PHONE, Watched
from .test_explorers import CONTRASTS, LIVE

EPOCHS = 5
HISTORIES = {
    name: {
        "beta": beta,
        "reconstruction": [300 + 9 * beta - 9 * k for k in range(EPOCHS)],
        "kl": [kl + 0.4 * k for k in range(EPOCHS)],
    }
    for name, beta, kl in [("0", 0, 12), ("2.05", 2.048, 4), ("128", 128, 0.01)]
}
ROOT = ".vaetut-ledger"


@pytest.fixture(scope="module")
def ledger():
    return LossLedger(HISTORIES, run="2.05")


@pytest.fixture
def show(open_widgets):
    """Return a function that opens ledgers and waits for them."""

    def show(*ledgers, scripts=True, **options):
        watched = open_widgets(*ledgers, java_script_enabled=scripts, **options)
        if scripts:
            watched.page.wait_for_selector(f"{ROOT}[data-live] table")
        return watched

    return show


def account(widget):
    """Return the table's numbers by row: in the log, and in nats."""
    rows = widget.locator("tbody tr").all()
    found = {}
    for row in rows:
        name = row.locator("th").inner_text().strip("×+=\n ")
        found[name] = [float(cell) for cell in row.locator("td").all_inner_texts()]
    return found


def choose(widget, **choices):
    for label, value in choices.items():
        widget.get_by_role("combobox", name=label).select_option(value)


@pytest.mark.parametrize("run", HISTORIES)
def test_every_unit_shows_pythons_account(show, ledger, run):
    watched = show(ledger)
    widget = watched.page.locator(ROOT)
    choose(widget, Training=run)
    for unit in ledger.units:
        choose(widget, Unit=unit)
        expected = LossLedger(HISTORIES, run=run, unit=unit).entries()
        shown = {name: log for name, (log, _) in account(widget).items()}
        for name, key in {
            "reconstruction": "reconstruction",
            "KL": "kl",
            "weight of the KL": "weight",
            "weight × KL": "term",
            "total": "total",
        }.items():
            assert shown[name] == pytest.approx(expected[key], rel=2e-3, abs=1e-9)
        parts = shown["reconstruction"] + shown["weight × KL"]
        assert shown["total"] == pytest.approx(parts, rel=2e-5)
        assert f"β = {expected['bare beta']:.4g}" in widget.inner_text()
    assert not watched.troubles


def test_the_nats_stay_while_the_unit_changes(show, ledger):
    widget = show(ledger).page.locator(ROOT)
    nats = {name: right for name, (_, right) in account(widget).items()}
    for unit in ledger.units:
        choose(widget, Unit=unit)
        assert {n: right for n, (_, right) in account(widget).items()} == nats


def test_mouse_and_keys_move_the_epoch(show, ledger):
    watched = show(ledger)
    page, widget = watched.page, watched.page.locator(ROOT)
    slider = widget.locator("input[type=range]")
    assert slider.get_attribute("aria-valuetext") == "epoch 5"
    slider.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "epoch 4"
    slider.press("Home")
    expected = LossLedger(HISTORIES, run="2.05", epoch=0).entries()["total"]
    assert account(widget)["total"][0] == pytest.approx(expected, abs=0.01)
    box = widget.locator("svg").bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 60, steps=4)
    page.mouse.up()
    assert slider.get_attribute("aria-valuetext") == "epoch 5"
    assert not watched.troubles


def test_two_ledgers_share_a_page(show, ledger):
    watched = show(ledger, LossLedger(HISTORIES, run="128"))
    first, second = watched.page.locator(ROOT).all()
    before = account(second)
    choose(first, Training="0")
    assert account(second) == before and account(first)["weight of the KL"][0] == 0
    assert not watched.troubles


def test_names_are_there_for_screen_readers(show, ledger):
    widget = show(ledger).page.locator(ROOT)
    assert widget.get_attribute("role") == "group"
    assert widget.get_attribute("aria-label") == "Loss ledger"
    assert "total over the epochs" in widget.locator("svg").get_attribute("aria-label")
    heard = widget.locator("[aria-live=polite]")
    choose(widget, Unit=list(ledger.units)[1])
    heard.get_by_text("500 · mean BCE, sum KL: reconstruction").wait_for(
        state="attached"
    )


@pytest.mark.parametrize("width", [320, 390, 700])
def test_nothing_is_wider_than_the_page(show, ledger, width):
    page = show(ledger, viewport={"width": width, "height": 844}).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_either_theme_can_be_read(show, ledger, theme):
    page = show(ledger).page
    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    page.add_style_tag(content='[data-theme="dark"] { --jp-layout-color0: #121212 }')
    text, lines = page.evaluate(CONTRASTS)
    assert len(text) > 20 and min(text) >= 4.5
    assert len(lines) > 1 and min(lines) >= 2.7


def test_without_javascript_there_is_a_picture_with_words(show, ledger):
    page = show(ledger, scripts=False).page
    picture = page.get_by_role("img")
    assert picture.get_attribute("alt") == ledger.alt
    assert picture.bounding_box()["width"] > 300


def test_a_finger_scrolls_past(show, ledger):
    watched = show(ledger, viewport=PHONE, has_touch=True, is_mobile=True)
    svg = watched.page.locator(f"{ROOT} svg")
    assert svg.evaluate("node => getComputedStyle(node).touchAction") == "pan-y"
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
        choose(widget, Training="128")
        assert page.evaluate("window.saved.run") == "128"
        page.evaluate("model.set('run', '0'), model.set('epoch', 0)")
        assert account(widget)["total"] == [300, 300]
        widget.locator("input").press("End")
        assert page.evaluate("window.saved.epoch") == EPOCHS - 1
        assert page.evaluate("window.close_widget()") == 0
        assert not watched.troubles
