"""The polar explorer in Chromium: its star, its plane and its words."""

import numpy as np
import pytest
from widget_table import POINTS, example

from vaetut.datasets import polar
from vaetut.widgets.polar_explorer import DOTS, PolarExplorer

from .conftest import PHONE
from .looking import contrasts, move, pixels, press, set_theme


def place(widget):
    """Return the numbers beside the sliders: a, b, radius."""
    return [float(text) for text in widget.locator("output").all_inner_texts()]


def set_to(widget, **values):
    """Move sliders as a reader does."""
    for name, value in values.items():
        widget.locator(f"input[name={name}]").evaluate(
            """(node, value) => {
              node.value = value;
              node.dispatchEvent(new Event("input"));
            }""",
            str(value),
        )


def words(widget):
    return widget.locator(".vp-words").inner_text()


# ---- What it draws


@pytest.mark.parametrize("size", [128, 256])
def test_the_star_is_that_of_the_data_set(show, size):
    watched = show(example("PolarExplorer"), device_scale_factor=1)
    page, widget = watched.page, watched.root
    page.add_style_tag(content=f".vp-image {{ width: {size}px !important }}")
    page.wait_for_function(
        "size => document.querySelector('canvas').width === size", arg=size
    )
    # Two decimals, as the sliders have; the corners, loops that meet, a circle.
    random = np.round(polar.sample(20, seed=1), 2)
    corners = [[0.5, 0], [2, 0], [0.5, 2], [2, 2], [1, 1], [1.25, 1]]
    for a, b in [*random, *corners]:
        set_to(widget, a=a, b=b)
        drawn = pixels(widget.locator("canvas"))
        assert drawn.shape == (size, size, 3)
        assert (drawn[..., :1] == drawn).all()
        expected = polar.draw([[a, b]], size)[0, ..., 0].astype(int)
        difference = np.abs(drawn[..., 0] - expected)
        # A stroke wider by 5 % or a shift of a twentieth of a pixel is beyond.
        assert difference.mean() < 0.35  # grey levels
        assert difference.sum() < 0.035 * expected.sum()
    assert not watched.troubles


@pytest.mark.parametrize("ratio", [1, 2, 2.625])
def test_the_star_has_a_dot_for_each_of_the_screens(show, ratio):
    page = show(
        example("PolarExplorer"), device_scale_factor=ratio, viewport=PHONE
    ).page
    canvas = page.locator(".vaetut-polar canvas")
    width = canvas.evaluate("canvas => canvas.clientWidth")
    assert canvas.evaluate("canvas => canvas.width") == round(width * ratio)


def test_the_plane_shows_the_hole_and_the_points(show):
    widget = show(example("PolarExplorer")).root

    def dots(name):
        return widget.locator(name).get_attribute("d").count("M")

    for radius in (0.1, 0.3, 0.7):
        set_to(widget, radius=radius)
        lost = polar.in_hole(POINTS, polar.Disc(radius=radius))
        shown = lost[:DOTS].sum()
        assert dots(".vp-lost") == dots(".vp-hollow") == shown
        assert dots(".vp-kept") == DOTS - shown
        text = widget.locator(".vp-sliders .vx-small").inner_text()
        share = np.pi * radius**2 / 3
        assert text.startswith(f"{lost.sum():,} of 5,000 points lie in it.")
        assert f"{100 * share:.1f} %, predicts {5000 * share:,.0f}." in text
    assert widget.locator(".vp-transect").count() == 3 + 1  # and the mean radius
    hole = widget.locator(".vp-hole").bounding_box()
    assert hole["width"] == pytest.approx(hole["height"], abs=0.5)


# ---- What it says


def test_it_says_whether_the_model_sees_the_image(show):
    watched = show(example("PolarExplorer"))
    widget = watched.root
    kept = POINTS[polar.outside(POINTS)]
    places = [*np.round(polar.sample(30, seed=2), 2), [1.25, 1], [1.4, 1.15]]
    answers = set()
    for a, b in places:
        set_to(widget, a=a, b=b)
        distance = np.hypot(a - 1.25, b - 1)
        answer = "No" if distance <= 0.3 else "Yes"
        answers.add(answer)
        assert widget.locator("strong").inner_text() == answer
        assert f"the hole, {distance:.2f} from its centre" in words(widget)
        near = np.hypot(*(kept - [a, b]).T).min()
        assert f"nearest sample outside the hole is {near:.2f} away" in words(widget)
    assert answers == {"No", "Yes"}
    assert not watched.troubles


@pytest.mark.parametrize(
    ("a", "b", "words_of_it"),
    [
        (1.0, 1.6, "b > a: the radius goes negative, down to −0.60."),
        (1.4, 1.15, "b < a: the radius stays positive, from 0.25 to 2.55."),
        (0.7, 0.7, "b = a: the radius just reaches 0."),
        (0.7, 0.0, "b = 0: the radius is 0.70 all around."),
    ],
)
def test_it_says_whether_there_are_loops(show, a, b, words_of_it):
    widget = show(example("PolarExplorer")).root
    set_to(widget, a=a, b=b)
    assert words_of_it in words(widget)
    label = widget.locator(".vp-plot").get_attribute("aria-label")
    assert f"to {a + b:.2f}" in label


def test_the_rim_belongs_to_the_hole(show):
    # 1.55 − 1.25 is a little more than 0.3 in floating point.
    widget = show(PolarExplorer(a=1.55, b=1.0)).root
    assert widget.locator("strong").inner_text() == "No"
    assert "nearest" not in words(widget)  # it was given no points


# ---- How it is moved


def test_the_point_follows_the_mouse(show):
    watched = show(example("PolarExplorer"))
    page, widget = watched.page, watched.root
    box = widget.locator(".vp-pad rect").bounding_box()

    def spot(a, b):
        across, up = (a - 0.5) / 1.5, b / 2
        return box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"]

    before = pixels(widget.locator("canvas"))
    move(page, spot(0.8, 0.5))
    assert place(widget)[:2] == [1.4, 1.15]
    page.mouse.down()
    assert place(widget)[:2] == pytest.approx([0.8, 0.5], abs=0.02)
    move(page, spot(1.7, 1.6), steps=4)
    assert place(widget)[:2] == pytest.approx([1.7, 1.6], abs=0.02)
    move(page, spot(3.0, -1.0), steps=4)
    assert place(widget)[:2] == [2, 0]
    page.mouse.up()
    move(page, spot(1.0, 1.0))
    assert place(widget)[:2] == [2, 0]
    dot = widget.locator(".vp-dot").bounding_box()
    middle = dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2
    assert middle == pytest.approx(spot(2, 0), abs=1.5)
    assert not np.array_equal(pixels(widget.locator("canvas")), before)
    assert not watched.troubles


def test_the_keyboard_alone_is_enough(show):
    watched = show(example("PolarExplorer"))
    page, widget = watched.page, watched.root

    def after(key, times=1):
        press(page, *times * [key])
        return place(widget)

    after("Tab")
    focused = "document.activeElement.classList[0] ?? document.activeElement.name"
    assert page.evaluate(focused) == "vp-pad"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    assert after("ArrowLeft", 2) == [1.36, 1.15, 0.3]
    assert after("ArrowUp") == [1.36, 1.17, 0.3]
    assert after("Shift+ArrowDown", 3) == [1.36, 0.87, 0.3]
    assert after("Shift+ArrowRight", 9) == [2, 0.87, 0.3]
    assert after("Control+ArrowLeft") == [2, 0.87, 0.3]
    for name, key, expected in [
        ("a", "Home", [0.5, 0.87, 0.3]),
        ("b", "ArrowRight", [0.5, 0.88, 0.3]),
        ("radius", "End", [0.5, 0.88, 0.7]),
    ]:
        after("Tab")
        assert page.evaluate(focused) == name
        assert after(key) == expected
    assert not watched.troubles


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_answers_can_be_read(show, theme):
    watched = show(example("PolarExplorer"))
    set_theme(watched.page, theme)
    for b, answer in [(1.15, "No"), (2, "Yes")]:
        set_to(watched.root, b=b)
        assert watched.root.locator("strong").inner_text() == answer
        assert min(contrasts(watched.root)[0]) >= 4.5
