"""The polar explorer in Chromium: by itself on a page, and as a live view."""

import base64
import json

import nbformat
import numpy as np
import pytest

from vaetut.datasets import polar
from vaetut.widgets.polar_explorer import DOTS, PolarExplorer

from .conftest import PAGE, PHONE, Watched

FACTORS = polar.sample(5000, seed=0)


@pytest.fixture(scope="module")
def explorer():
    return PolarExplorer(FACTORS)


@pytest.fixture
def show(open_widgets):
    return open_widgets


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


def pixels(widget):
    """Return the star on the page as uint8 (h, w, 4)."""
    text = widget.locator("canvas").evaluate(
        """canvas => {
          const { width, height } = canvas;
          const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
          let text = "";
          for (const byte of data) text += String.fromCharCode(byte);
          return JSON.stringify([height, width, btoa(text)]);
        }"""
    )
    height, width, data = json.loads(text)
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)


def words(widget):
    return widget.locator(".vp-words").inner_text()


# ---- What it draws


@pytest.mark.parametrize("size", [128, 256])
def test_the_star_is_that_of_the_data_set(show, explorer, size):
    watched = show(explorer, device_scale_factor=1)
    page, widget = watched.page, watched.page.locator(".vaetut-polar")
    page.add_style_tag(content=f".vp-image {{ width: {size}px !important }}")
    page.wait_for_function(
        "size => document.querySelector('canvas').width === size", arg=size
    )
    # Two decimals, as the sliders have; the corners, loops that meet, a circle.
    random = np.round(polar.sample(20, seed=1), 2)
    corners = [[0.5, 0], [2, 0], [0.5, 2], [2, 2], [1, 1], [1.25, 1]]
    for a, b in [*random, *corners]:
        set_to(widget, a=a, b=b)
        drawn = pixels(widget)
        assert drawn.shape == (size, size, 4)
        assert (drawn[..., 3] == 255).all()
        assert (drawn[..., :1] == drawn[..., :3]).all()
        expected = polar.draw([[a, b]], size)[0, ..., 0].astype(int)
        difference = np.abs(drawn[..., 0] - expected)
        # A stroke wider by 5 % or a shift of a twentieth of a pixel is beyond.
        assert difference.mean() < 0.35  # grey levels
        assert difference.sum() < 0.035 * expected.sum()
    assert not watched.troubles


@pytest.mark.parametrize("ratio", [1, 2, 2.625])
def test_the_star_has_a_dot_for_each_of_the_screens(show, explorer, ratio):
    page = show(explorer, device_scale_factor=ratio, viewport=PHONE).page
    page.wait_for_function("document.querySelector('canvas').width !== 300")
    canvas = page.locator(".vaetut-polar canvas")
    width = canvas.evaluate("canvas => canvas.clientWidth")
    assert canvas.evaluate("canvas => canvas.width") == round(width * ratio)


def test_the_plane_shows_the_hole_and_the_points(show, explorer):
    widget = show(explorer).page.locator(".vaetut-polar")

    def dots(name):
        return widget.locator(name).get_attribute("d").count("M")

    for radius in (0.1, 0.3, 0.7):
        set_to(widget, radius=radius)
        lost = polar.in_hole(FACTORS, polar.Disc(radius=radius))
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


def test_it_says_whether_the_model_sees_the_image(show, explorer):
    watched = show(explorer)
    widget = watched.page.locator(".vaetut-polar")
    kept = FACTORS[polar.outside(FACTORS)]
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
def test_it_says_whether_there_are_loops(show, explorer, a, b, words_of_it):
    widget = show(explorer).page.locator(".vaetut-polar")
    set_to(widget, a=a, b=b)
    assert words_of_it in words(widget)
    label = widget.locator(".vp-plot").get_attribute("aria-label")
    assert f"to {a + b:.2f}" in label


def test_the_rim_belongs_to_the_hole(show):
    # 1.55 − 1.25 is a little more than 0.3 in floating point.
    widget = show(PolarExplorer(a=1.55, b=1.0)).page.locator(".vaetut-polar")
    assert widget.locator("strong").inner_text() == "No"
    assert "nearest" not in words(widget)  # it was given no points


# ---- How it is moved


def test_the_point_follows_the_mouse(show, explorer):
    watched = show(explorer)
    page, widget = watched.page, watched.page.locator(".vaetut-polar")
    box = widget.locator(".vp-pad rect").bounding_box()

    def spot(a, b):
        across, up = (a - 0.5) / 1.5, b / 2
        return box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"]

    before = pixels(widget)
    page.mouse.move(*spot(0.8, 0.5))
    assert place(widget)[:2] == [1.4, 1.15]
    page.mouse.down()
    assert place(widget)[:2] == pytest.approx([0.8, 0.5], abs=0.02)
    page.mouse.move(*spot(1.7, 1.6), steps=4)
    assert place(widget)[:2] == pytest.approx([1.7, 1.6], abs=0.02)
    page.mouse.move(*spot(3.0, -1.0), steps=4)
    assert place(widget)[:2] == [2, 0]
    page.mouse.up()
    page.mouse.move(*spot(1.0, 1.0))
    assert place(widget)[:2] == [2, 0]
    dot = widget.locator(".vp-dot").bounding_box()
    middle = dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2
    assert middle == pytest.approx(spot(2, 0), abs=1.5)
    assert not np.array_equal(pixels(widget), before)
    assert not watched.troubles


def test_the_keyboard_alone_is_enough(show, explorer):
    watched = show(explorer)
    page, widget = watched.page, watched.page.locator(".vaetut-polar")

    def press(key, times=1):
        for _ in range(times):
            page.keyboard.press(key)
        return place(widget)

    press("Tab")
    focused = "document.activeElement.classList[0] ?? document.activeElement.name"
    assert page.evaluate(focused) == "vp-pad"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    assert press("ArrowLeft", 2) == [1.36, 1.15, 0.3]
    assert press("ArrowUp") == [1.36, 1.17, 0.3]
    assert press("Shift+ArrowDown", 3) == [1.36, 0.87, 0.3]
    assert press("Shift+ArrowRight", 9) == [2, 0.87, 0.3]
    assert press("Control+ArrowLeft") == [2, 0.87, 0.3]
    for name, key, expected in [
        ("a", "Home", [0.5, 0.87, 0.3]),
        ("b", "ArrowRight", [0.5, 0.88, 0.3]),
        ("radius", "End", [0.5, 0.88, 0.7]),
    ]:
        press("Tab")
        assert page.evaluate(focused) == name
        assert press(key) == expected
    assert not watched.troubles


def test_a_finger_moves_the_point_but_scrolls_elsewhere(show, explorer):
    watched = show(explorer, viewport=PHONE, has_touch=True, is_mobile=True)
    widget = watched.page.locator(".vaetut-polar")
    pad = widget.locator(".vp-pad")
    pad.tap(position={"x": 60, "y": 50})
    a, b, _ = place(widget)
    assert a < 0.9 and b > 1.6
    action = "node => getComputedStyle(node).touchAction"
    assert pad.evaluate(action) == "none" and widget.evaluate(action) == "auto"


def test_two_explorers_share_a_page(show, explorer):
    watched = show(explorer, PolarExplorer(a=0.6, b=0.4))
    first, second = watched.page.locator(".vaetut-polar").all()
    set_to(first, a=1.9, radius=0.5)
    assert place(first) == [1.9, 1.15, 0.5]
    assert place(second) == [0.6, 0.4, 0.3]
    assert not watched.troubles


# ---- Who looks at it


def test_names_are_there_for_screen_readers(show, explorer):
    widget = show(explorer).page.locator(".vaetut-polar")
    assert widget.get_attribute("role") == "group"
    assert "arrow keys" in widget.locator(".vp-pad").get_attribute("aria-label")
    for name in ("a (size)", "b (petals)", "hole radius"):
        slider = widget.get_by_label(name)
        assert slider.get_attribute("data-lm-suppress-shortcuts") == "true"
    star = widget.locator("canvas").get_attribute("aria-label")
    assert "a = 1.40, b = 1.15" in star
    heard = widget.locator("[aria-live=polite]")
    heard.get_by_text("No. It lies in the hole, 0.21 from its centre").wait_for()
    set_to(widget, a=0.6)
    set_to(widget, a=0.7)
    heard.get_by_text("a 0.70, b 1.15. Yes. It lies outside").wait_for()
    assert "b > a" in heard.inner_text()


def test_nothing_moves_by_itself(show, explorer):
    page = show(explorer, reduced_motion="reduce").page
    set_to(page.locator(".vaetut-polar"), b=2)
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("width", [320, 390, 700])
def test_nothing_is_wider_than_the_page(show, explorer, width):
    page = show(explorer, viewport={"width": width, "height": 844}).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {
    willReadFrequently: true });
  const luminance = (colour, ground) => {
    for (const fill of [ground, colour]) {
      canvas.fillStyle = fill;
      canvas.fillRect(0, 0, 1, 1);
    }
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const page = getComputedStyle(document.body).backgroundColor;
  const solid = page === "rgba(0, 0, 0, 0)" ? "#fff" : page;
  return [...document.querySelectorAll(".vaetut-polar :is(text, p, span, strong)")]
    .map((node) => {
      const style = getComputedStyle(node);
      const chip = node.tagName === "STRONG";
      const ground = chip ? style.backgroundColor : solid;
      const ink = node.tagName === "text" ? style.fill : style.color;
      const pair = [luminance(ink, ground), luminance(ground, ground)];
      return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    });
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_either_theme_can_be_read(show, explorer, theme):
    page = show(explorer).page
    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    for b in (1.15, 2):  # the answer's two colours
        set_to(page.locator(".vaetut-polar"), b=b)
        ratios = page.evaluate(CONTRASTS)
        assert len(ratios) > 20 and min(ratios) >= 4.5


def test_without_javascript_there_is_a_picture_with_words(show, explorer):
    page = show(explorer, java_script_enabled=False).page
    picture = page.get_by_role("img")
    assert picture.get_attribute("alt") == explorer.alt
    assert picture.bounding_box()["width"] > 300


# ---- In Jupyter


def test_the_live_view_and_the_kernel_follow_each_other(browser, explorer):
    """The module as anywidget runs it, with a pretended model behind it."""
    with browser.new_context() as context:
        watched = Watched(context.new_page(), "")
        page = watched.page
        page.set_content(PAGE.format("<main></main>"))
        page.evaluate(
            """async ([script, state]) => {
              const blob = new Blob([script], { type: "text/javascript" });
              const url = URL.createObjectURL(blob);
              const { default: widget } = await import(url);
              const values = { a: 0.618, b: 0.5, radius: 0.3 }, heard = [];
              const model = {
                get: (name) => values[name],
                set: (name, value) => {
                  if (values[name] === value) return;
                  values[name] = value;
                  for (const [event, listener] of [...heard])
                    if (event === `change:${name}`) listener();
                },
                save_changes: () => (window.saved = { ...values }),
                on: (event, listener) => heard.push([event, listener]),
                off: (event, listener) => heard.splice(heard.findIndex(
                  ([e, l]) => e === event && l === listener), 1),
                send: async ({ kind }) => {
                  await null;
                  for (const [event, listener] of [...heard])
                    if (event === "msg:custom") listener({ kind, state }, []);
                },
              };
              const el = document.querySelector("main");
              const close = await widget.render({ model, el });
              window.model = model;
              window.close_widget = () => (close(), heard.length);
            }""",
            [str(explorer._esm), explorer.state],
        )
        widget = page.locator(".vaetut-polar")
        assert place(widget) == [0.62, 0.5, 0.3]
        set_to(widget, b=1.9)
        # What was not touched stays as the kernel gave it.
        assert page.evaluate("window.saved") == {"a": 0.618, "b": 1.9, "radius": 0.3}
        page.evaluate(
            "model.set('a', 1.25), model.set('b', 1), model.set('radius', 0.2)"
        )
        assert place(widget) == [1.25, 1, 0.2]
        assert "No" in words(widget)
        widget.locator(".vp-pad").press("ArrowRight")
        assert page.evaluate("window.saved.a") == 1.27
        assert page.evaluate("window.close_widget()") == 0
        assert not watched.troubles


CELLS = (
    "from vaetut.widgets import PolarExplorer\n"
    "explorer = PolarExplorer(b=0.5)\n"
    "explorer",
    "explorer.a = 0.77\nprint('kernel has', explorer.b)",
)


def test_the_traits_are_those_of_jupyterlab(browser, jupyterlab):
    address, folder = jupyterlab
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, folder / "live.ipynb")
    with browser.new_context() as context:
        page = context.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}/lab/tree/live.ipynb?reset")
        cells = page.locator(".jp-CodeCell .cm-content")
        cells.first.click(timeout=60_000)
        page.wait_for_selector(
            "text=Kernel status: Idle", state="attached", timeout=60_000
        )
        page.keyboard.press("Control+Enter")
        widget = page.locator(".vaetut-polar[role=group]")
        widget.wait_for(timeout=60_000)
        assert place(widget) == [1.4, 0.5, 0.3]
        widget.locator(".vp-pad").press("Shift+ArrowUp")
        assert place(widget) == [1.4, 0.6, 0.3]
        cells.nth(1).click()
        page.keyboard.press("Control+Enter")
        page.get_by_text("kernel has 0.6").wait_for(timeout=20_000)
        widget.locator("output", has_text="0.77").wait_for(timeout=20_000)
        assert place(widget) == [0.77, 0.6, 0.3]
        assert not errors
