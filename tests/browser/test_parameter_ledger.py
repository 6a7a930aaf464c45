"""The parameter ledger in Chromium: its numbers, bars and buttons."""

import pytest
from widget_table import example

from vaetut.widgets.parameter_ledger import (
    PUBLISHED,
    SOURCE,
    STOPS,
    ParameterLedger,
    memory,
)

from .looking import narrow

SIZES = [
    {},
    {"side": 128, "layers": 5, "dimensions": 1024, "extra": 96, "batch": 16},
    {"side": 32, "layers": 2, "dimensions": 2, "extra": 16, "batch": 1},
    {"layers": 3, "dimensions": 512},
]


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
def test_the_page_has_pythons_numbers(show, sizes):
    watched = show(example("ParameterLedger"))
    widget = watched.root
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


def test_the_bars_are_as_long_as_the_numbers(show):
    widget = show(example("ParameterLedger")).root
    bars = widget.locator(".vq-bar").all()
    encoder = [part.bounding_box()["width"] for part in bars[0].locator("span").all()]
    decoder = [part.bounding_box()["width"] for part in bars[1].locator("span").all()]
    parts = [part.parameters for part in example("ParameterLedger").parts().values()]
    whole = bars[0].bounding_box()["width"]
    expected = [whole * n / 10.5e6 for n in (parts[0], *parts[2:])]  # no extra layer
    assert encoder + decoder == pytest.approx(expected, abs=1)
    for bar in bars[2:]:
        widths = [part.bounding_box()["width"] for part in bar.locator("span").all()]
        assert sum(widths) == pytest.approx(whole, abs=1)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda row: row[0])
def test_a_button_sets_what_was_published(show, published):
    name, change, encoder, _ = published
    watched = show(example("ParameterLedger"))
    widget = watched.root
    move(widget, layers=2, batch=8)
    assert widget.locator(".vq-mark:visible").count() == 0
    button = widget.get_by_role("button", name=f"As published: {name}")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert widget.locator("button[aria-pressed=true]").count() == 1
    assert f"parameters: {encoder} million" in widget.locator("p").all_inner_texts()[0]
    for key, value in (SOURCE | change | {"batch": 8}).items():
        assert widget.get_attribute(f"data-{key}") == str(value)
    assert widget.locator(".vq-mark:visible").count() == 6
    move(widget, dimensions=1600, side=256)  # the longest bars
    narrow(watched.page, 320)
    assert not watched.troubles


def test_keys_move_a_slider(show):
    watched = show(example("ParameterLedger"))
    widget = watched.root
    slider = widget.locator("input[name=extra]")
    assert slider.get_attribute("aria-valuetext") == "none"
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "16"
    slider.press("End")
    assert widget.get_attribute("data-extra") == "1024"
    assert not watched.troubles
