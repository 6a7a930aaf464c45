"""The transect explorer in Chromium: its tiles, its chart, its map and its words."""

import io

import numpy as np
import pytest
from PIL import Image
from widget_table import METRICS, example, transect_walks

from vaetut.widgets.transect_explorer import KINDS, TransectExplorer

from .conftest import DESKTOP, PHONE
from .looking import contrasts, middle, move, narrow, pixels, press, set_theme

N = 11  # points of a walk


NAMED = {walk.name: walk for walk in transect_walks()}


def place(widget):
    """Return the transect that is chosen and the slider's index."""
    tab = widget.locator("input[type=radio]:checked").input_value()
    return tab, int(widget.locator("input[type=range]").input_value())


def set_to(widget, walk=None, index=None, metric=None):
    """Choose as a reader does."""
    if walk is not None:
        widget.get_by_label(walk, exact=True).check()
    if metric is not None:
        widget.locator("select").select_option(metric)
    if index is not None:
        widget.locator("input[type=range]").fill(str(index))


def tile(widget, kind):
    """Return a tile's image."""
    return pixels(widget.locator(f"canvas[data-kind={kind}]"))


def words(widget):
    return widget.locator(".vt-words").inner_text()


# ---- What it shows


def test_the_tiles_are_the_given_images(show):
    watched = show(example("TransectExplorer"))
    widget = watched.root
    for name, index in [("P1", 0), ("P1", 5), ("P2", 10), ("P2", 3), ("P3", 1)]:
        set_to(widget, name, index)
        for kind in KINDS:
            shown = tile(widget, kind)
            given = getattr(NAMED[name], kind)[index]
            assert np.array_equal(shown, np.repeat(given, 3, -1)), kind
    assert not watched.troubles


def test_laid_over_the_truth_they_agree_in_white(show):
    watched = show(example("TransectExplorer"))
    widget = watched.root
    widget.get_by_label("Lay over the truth").check()
    colours = np.array([[0xEE, 0x77, 0x33], [0x11, 0x88, 0xCC]])
    assert (colours.sum(0) == 255).all()
    for name, index in [("P1", 5), ("P2", 0), ("P2", 4)]:
        set_to(widget, name, index)
        walk = NAMED[name]
        truth = walk.truth[index].astype(float)
        assert np.array_equal(tile(widget, "truth")[..., :1], walk.truth[index])
        for kind in ("reconstruction", "nearest"):
            mixed = (truth * colours[0] + getattr(walk, kind)[index] * colours[1]) / 255
            assert np.abs(tile(widget, kind)[..., :3] - mixed).max() < 2.5
    title = widget.locator(".vt-tile-nearest .vt-title")
    assert title.inner_text() == "nearest image over truth"
    assert widget.get_by_text("only in the truth").is_visible()
    widget.get_by_label("Lay over the truth").uncheck()
    assert title.inner_text() == "nearest training image"
    assert not widget.get_by_text("only in the truth").is_visible()
    assert np.array_equal(tile(widget, "nearest")[..., :1], walk.nearest[index])
    assert not watched.troubles


def test_strokes_stay_visible(show):
    """Pixels are kept sharp where a screen has a dot for each; else they are mixed."""
    widget = show(TransectExplorer(transect_walks(), height=40)).root
    rendering = "node => getComputedStyle(node).imageRendering"
    truth = widget.locator("canvas").first
    assert truth.bounding_box()["height"] == pytest.approx(40, abs=0.5)
    assert truth.evaluate(rendering) == "auto"
    widget = show(example("TransectExplorer")).root
    assert widget.locator("canvas").first.evaluate(rendering) == "pixelated"


# ---- What it says


def test_the_line_of_text_has_the_numbers(show):
    widget = show(example("TransectExplorer")).root
    outcomes = set()
    for walk in transect_walks():
        for index in range(N):
            set_to(widget, walk.name, index)
            a, b = walk.factors[index]
            mean, low, high = (values[index] for values in walk.errors["IoU"])
            other = walk.nearest_errors["IoU"][index]
            if low <= other <= high:
                outcome = "No clear difference here"
            elif mean > other:
                outcome = "The model beats the nearest training image here."
            else:
                outcome = "The nearest training image beats the model here."
            outcomes.add(outcome)
            text = words(widget)
            where = "in" if walk.inside[index] else "outside"
            assert text.startswith(f"a = {a:.2f}, b = {b:.2f}: {where} the hole. IoU ")
            assert f"IoU {mean:.2f} ({low:.2f} to {high:.2f}), nearest" in text
            assert f"nearest training image {other:.2f}." in text
            assert outcome in text
    assert len(outcomes) == 3


def test_of_an_error_less_is_better(show):
    widget = show(example("TransectExplorer")).root
    walk = NAMED["P2"]
    set_to(widget, "P2", metric=METRICS[1])
    assert widget.get_by_text("lower is better").is_visible()
    assert not widget.get_by_text("over seeds").is_visible()
    mean, other = walk.errors[METRICS[1]], walk.nearest_errors[METRICS[1]]
    for index in range(N):
        set_to(widget, index=index)
        winner = "model" if mean[index] < other[index] else "nearest training image"
        assert f"{METRICS[1]} {mean[index]:.0f}, nearest" in words(widget)
        assert f"The {winner} beats" in words(widget)
    wins = (mean < other)[walk.inside].sum()
    points = walk.inside.sum()
    assert widget.locator(".vt-tally").inner_text() == (
        f"P2 has {points} of its {N} points in the hole. By {METRICS[1]} the model "
        f"beats the nearest training image at {wins} of them and loses at "
        f"{points - wins}."
    )


def test_without_errors_of_the_nearest_nothing_is_compared(show):
    walk = transect_walks()[0]._replace(nearest_errors=None)
    watched = show(TransectExplorer(walk))
    widget = watched.root
    assert "nearest" not in words(widget) and "beats" not in words(widget)
    assert widget.locator(".vx-curve.vx-k3").count() == 0
    assert not widget.locator(".vt-mark-other").is_visible()
    assert widget.locator(".vx-value").count() == 1
    assert not watched.troubles


def test_the_chart_has_curves_hole_and_cursor(show):
    widget = show(example("TransectExplorer")).root
    plot = widget.locator(".vx-plot")
    ground = plot.locator(".vx-ground").bounding_box()
    ticks = [
        float(t)
        for t in plot.locator(":is(.vx-grid, .vx-zero) + text").all_text_contents()
    ]
    assert ticks == [0, 0.25, 0.5, 0.75, 1]
    walk = NAMED["P1"]
    span = plot.locator(".vt-span").bounding_box()
    assert span["x"] == pytest.approx(ground["x"] + 0.35 * ground["width"], abs=1)
    assert span["width"] == pytest.approx(0.3 * ground["width"], abs=1)
    assert plot.get_by_text("never seen").is_visible()
    assert plot.locator(".vt-band").count() == 1
    for index in (0, 5, 6, 10):
        set_to(widget, index=index)
        x = ground["x"] + ground["width"] * index / (N - 1)
        cursor = plot.locator(".vx-cursor").bounding_box()
        assert cursor["x"] + cursor["width"] / 2 == pytest.approx(x, abs=1)
        for kind, value in [
            ("vx-k0", walk.errors["IoU"][0][index]),
            ("vx-k3", walk.nearest_errors["IoU"][index]),
        ]:
            y = ground["y"] + ground["height"] * (1 - value)
            spot = middle(plot.locator(f".vx-spot.{kind}"))
            assert spot == pytest.approx((x, y), abs=1.5)
            tag = plot.locator(f".vx-value.{kind}")
            assert tag.text_content() == f"{value:.2f}"
            box = tag.bounding_box()
            assert box["x"] >= ground["x"]
            assert box["x"] + box["width"] <= ground["x"] + ground["width"]
        boxes = [tag.bounding_box() for tag in plot.locator(".vx-value").all()]
        assert boxes[0]["y"] + 14 <= boxes[1]["y"]


def test_every_tab_shows_its_own_transect(show):
    widget = show(example("TransectExplorer")).root
    for walk in transect_walks():
        set_to(widget, walk.name)
        assert place(widget) == (walk.name, N // 2)
        now = widget.locator(".vt-line.vt-now")
        assert now.count() == 1
        assert now.get_attribute("data-name") == walk.name
        names = widget.locator(".vx-plot text.vx-mid").all_text_contents()
        corners = [f"{v:g}" for v in walk.factors[[0, -1]].T.ravel()]
        coordinates = [name for name in names if name != "never seen"]
        a0, b0, *_, a1, b1 = coordinates
        assert [a0, a1, b0, b1] == corners
    ring = widget.locator(".vt-map .vt-dot")
    assert middle(ring) == pytest.approx(middle(widget.locator(".vt-hole")), abs=1)


# ---- How it is moved


def test_the_keyboard_alone_is_enough(show):
    watched = show(example("TransectExplorer"))
    page, widget = watched.page, watched.root

    def after(key, times=1):
        press(page, *times * [key])
        return place(widget)

    kind = "document.activeElement.type"
    outline = """() => {
      const { activeElement: node } = document;
      const outlined = node.type === "radio" ? node.nextSibling : node;
      return getComputedStyle(outlined).outlineStyle;
    }"""
    for expected in ("radio", "checkbox", "select-one", "range"):
        after("Tab")
        assert page.evaluate(kind) == expected
        if expected == "range":  # a ring around the thumb, which no style tells
            picture = Image.open(io.BytesIO(page.locator(":focus").screenshot()))
            assert (np.asarray(picture)[..., :3] == (0xCC, 0x33, 0x11)).all(-1).any()
        else:
            assert page.evaluate(outline) == "solid"
        if expected == "radio":
            assert after("ArrowRight", 2) == ("P3", 5)
            assert after("ArrowLeft") == ("P2", 5)
        if expected == "checkbox":
            after("Space")
            assert widget.get_by_label("Lay over the truth").is_checked()
        if expected == "select-one":
            after("ArrowDown")
            assert METRICS[1] in words(widget)
    assert after("ArrowRight") == ("P2", 6)
    assert after("ArrowLeft", 3) == ("P2", 3)
    assert after("End") == ("P2", 10)
    assert after("Home") == ("P2", 0)
    assert words(widget).startswith("a = 0.50, b = 1.00: outside the hole.")
    said = page.evaluate("document.activeElement.getAttribute('aria-valuetext')")
    assert said == "a = 0.50, b = 1.00, outside the hole"
    assert not watched.troubles


def test_the_slider_follows_the_mouse(show):
    watched = show(example("TransectExplorer"))
    page, widget = watched.page, watched.root
    slider = widget.locator("input[type=range]").bounding_box()
    ground = widget.locator(".vx-plot .vx-ground").bounding_box()
    y = slider["y"] + slider["height"] / 2
    move(page, middle(widget.locator("input[type=range]")))
    page.mouse.down()
    for index in (7, 10, 2):  # the thumb is under the cursor of the chart
        x = ground["x"] + ground["width"] * index / (N - 1)
        move(page, (x, y), steps=3)
        assert place(widget) == ("P1", index)
        assert middle(widget.locator(".vx-cursor"))[0] == pytest.approx(x, abs=1)
    page.mouse.up()
    assert not watched.troubles


def test_the_chart_can_be_dragged(show):
    watched = show(example("TransectExplorer"))
    page, widget = watched.page, watched.root
    ground = widget.locator(".vx-plot .vx-ground").bounding_box()

    def spot(share, off=0):
        return ground["x"] + share * ground["width"] + off, ground["y"] + 60

    move(page, spot(0.2))
    assert place(widget) == ("P1", 5)
    page.mouse.down()
    assert place(widget) == ("P1", 2)
    move(page, spot(0.83), steps=4)
    assert place(widget) == ("P1", 8)
    move(page, spot(1, 300), steps=2)
    assert place(widget) == ("P1", 10)
    page.mouse.up()
    move(page, spot(0.5))
    assert place(widget) == ("P1", 10)
    press(page, "ArrowLeft")  # the keys go on from there
    assert place(widget) == ("P1", 9)
    assert not watched.troubles


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_map_can_be_dragged(show, viewport):
    watched = show(example("TransectExplorer"), viewport=viewport)
    page, widget = watched.page, watched.root
    ground = widget.locator(".vt-map .vx-ground").bounding_box()

    def spot(a, b):
        across, up = (a - 0.5) / 1.5, b / 2
        x, y = across * ground["width"], (1 - up) * ground["height"]
        return ground["x"] + x, ground["y"] + y

    move(page, spot(1.27, 0.41))
    page.mouse.down()
    assert place(widget) == ("P1", 2)
    move(page, spot(1.5, 1), steps=3)  # on the way of P2: P1 is kept
    assert place(widget) == ("P1", 5)
    move(page, spot(1.6, 1.61), steps=3)
    assert place(widget) == ("P1", 8)
    ring = middle(widget.locator(".vt-dot"))
    assert ring == pytest.approx(spot(1.25, 1.6), abs=1.5)
    page.mouse.up()
    page.mouse.click(*spot(1.26, 1.01))  # where they cross: P1 is kept
    assert place(widget) == ("P1", 5)
    page.mouse.click(*spot(0.8, 1.6))
    assert place(widget) == ("P3", 2)
    page.mouse.click(*spot(1.99, 1))
    assert place(widget) == ("P2", 10)
    assert not watched.troubles


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_answers_over_the_truth_can_be_read(show, theme):
    watched = show(example("TransectExplorer"))
    set_theme(watched.page, theme)
    watched.root.get_by_label("Lay over the truth").check()
    for index, where in [(5, "in the hole"), (0, "outside the hole")]:
        set_to(watched.root, index=index)
        assert where in words(watched.root)
        assert min(contrasts(watched.root)[0]) >= 4.5
    narrow(watched.page, 320)
