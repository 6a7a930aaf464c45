"""The loss ledger in Chromium: its account, and its epochs."""

import pytest
from widget_table import HISTORIES, example

from vaetut.widgets.loss_ledger import LossLedger

from .looking import drag, spot


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
def test_every_unit_shows_pythons_account(show, run):
    watched = show(example("LossLedger"))
    widget = watched.root
    choose(widget, Training=run)
    for unit in example("LossLedger").units:
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


def test_the_nats_stay_while_the_unit_changes(show):
    widget = show(example("LossLedger")).root
    nats = {name: right for name, (_, right) in account(widget).items()}
    for unit in example("LossLedger").units:
        choose(widget, Unit=unit)
        assert {n: right for n, (_, right) in account(widget).items()} == nats


def test_mouse_and_keys_move_the_epoch(show):
    watched = show(example("LossLedger"))
    page, widget = watched.page, watched.root
    slider = widget.locator("input[type=range]")
    assert slider.get_attribute("aria-valuetext") == "epoch 5"
    slider.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "epoch 4"
    slider.press("Home")
    expected = LossLedger(HISTORIES, run="2.05", epoch=0).entries()["total"]
    assert account(widget)["total"][0] == pytest.approx(expected, abs=0.01)
    chart = widget.locator("svg")
    drag(page, spot(chart, 0.1, 0.3), spot(chart, 0.98, 0.3))
    assert slider.get_attribute("aria-valuetext") == "epoch 5"
    assert not watched.troubles
