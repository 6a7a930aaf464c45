"""The sheet explorer in Chromium: by itself on a page, and as a live view."""

import re

import nbformat
import numpy as np
import pytest

from vaetut.datasets import polar
from vaetut.widgets.sheet_explorer import SheetExplorer, Transect3D

from .conftest import PHONE, Watched

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>t</title>
<style>html[data-theme="dark"] body {{ background: #121212; color: #ddd;
--pst-color-background: #121212 }} html {{ background: #fff }}</style></head>
<body><p>Before.</p>{}<p>After.</p><div style="height: 80rem"></div></body></html>"""

ROTATION = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
COUNT = 4299


def on_sheet(factors, noise=0.0):
    """Return codes on a saddle that lies askew in latent space, (n, 3)."""
    a, b = np.transpose(factors)
    height = 0.5 * (a - 1.25) ** 2 - 0.3 * (b - 1) ** 2
    codes = np.stack([a - 1.25, 0.8 * (b - 1), height], axis=1)
    codes += noise * np.random.default_rng(1).normal(size=codes.shape)
    return codes @ ROTATION


def make_explorer(**options):
    """Return a sheet of 4,299 codes with its three transects."""
    factors = polar.sample(2 * COUNT, 0)
    factors = factors[polar.outside(factors)][:COUNT]
    transects = []
    for name, ends in polar.TRANSECTS.items():
        line = polar.transect(*ends)
        truth = polar.draw(line, 64)
        inside = polar.in_hole(line)
        made = (truth // 2).astype(np.uint8)
        transects.append(Transect3D(name, on_sheet(line), line, truth, made, inside))
    angle = np.linspace(0, 2 * np.pi, 90)
    hole = 0.3 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + [1.25, 1]
    edges = {"edge of the hole": on_sheet(hole)}
    ends = [((0.5, b), (2, b)) for b in np.linspace(0, 2, 9)]
    grid = [on_sheet(np.linspace(p, q, 40)) for p, q in ends]
    codes = on_sheet(factors, 0.01)
    options = {"transects": transects, "edges": edges, "grid": grid} | options
    return SheetExplorer(codes, factors, **options)


@pytest.fixture(scope="module")
def explorer():
    return make_explorer()


@pytest.fixture
def show(open_widgets):
    """Return a function that opens explorers and waits for what they draw."""

    def show(*explorers, script="", **options):
        watched = open_widgets(*explorers, page=PAGE, init=script, **options)
        settle(watched.page)
        return watched

    return show


def settle(page):
    """Wait until what was asked for is drawn."""
    page.evaluate(
        "new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
    )


def state(widget):
    """Return what the widget says it shows: azimuth, elevation, transect, index."""
    data = widget.evaluate("node => ({ ...node.dataset })")
    view = float(data["azimuth"]), float(data["elevation"])
    return *view, data["transect"], int(data["index"])


def markers(widget, transect=0):
    """Return where the markers of a transect are in the pad, pixels (k, 2)."""
    moves = widget.locator(f".vs-pad .vs-t{transect} .vs-mark").evaluate_all(
        "nodes => nodes.map((node) => node.getAttribute('transform'))"
    )
    return np.array([re.findall(r"-?[\d.]+", move)[:2] for move in moves], float)


def dots(widget):
    """Return the canvas of dots as a string, to compare."""
    settle(widget.page)
    return widget.locator(".vs-pad canvas").evaluate("canvas => canvas.toDataURL()")


def words(widget):
    return widget.locator(".vs-words").inner_text()


def drag(page, pad, right, down, steps=5):
    box = pad.bounding_box()
    x, y = box["x"] + 0.9 * box["width"], box["y"] + 0.1 * box["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right, y + down, steps=steps)
    page.mouse.up()
    settle(page)


# ---- What it draws


@pytest.mark.parametrize(("azimuth", "elevation"), [(-25, 45), (0, 90), (130, -20)])
def test_markers_are_where_python_projects_them(show, azimuth, elevation):
    explorer = make_explorer(azimuth=azimuth, elevation=elevation)
    widget = show(explorer).page.locator(".vaetut-sheet")
    size = widget.locator(".vs-pad").evaluate("n => [n.clientWidth, n.clientHeight]")
    scale = 0.45 * min(size[0], 1.1 * size[1])
    for k, transect in enumerate(explorer.transects):
        seen = explorer.project(transect.codes)[:, :2] * [scale, -scale]
        expected = seen + np.array(size) / 2
        assert np.abs(markers(widget, k) - expected).max() < 0.1  # pixels


def test_what_lies_in_the_hole_is_hollow_and_ringed(show, explorer):
    widget = show(explorer).page.locator(".vaetut-sheet")
    for k, transect in enumerate(explorer.transects):
        hollow = widget.locator(f".vs-pad .vs-t{k} .vs-mark.vs-inside")
        assert hollow.count() == transect.inside.sum() > 0
    assert widget.locator(".vs-pad .vs-hole").count() == 1
    assert widget.locator(".vs-pad .vs-grid").count() == 9
    ringed = widget.locator(".vs-pair.vs-in")
    assert ringed.count() == 3  # of seven that are shown
    assert "hole" in widget.locator(".vs-legend").inner_text()


def test_the_images_are_the_transects(show, explorer):
    widget = show(explorer).page.locator(".vaetut-sheet")
    # Of P1 the last is at the top, as it is in the view.
    for row, index in enumerate((14, 12, 9, 7, 5, 2, 0)):
        pair = widget.locator(".vs-pair").nth(row)
        for column, images in enumerate(explorer.transects[0][3:5]):
            drawn = pair.locator("canvas").nth(column)
            pixels = drawn.evaluate(
                """canvas => [...canvas.getContext("2d").getImageData(
                  0, 0, canvas.width, canvas.height).data]"""
            )
            pixels = np.reshape(pixels, (64, 64, 4))[..., 0]
            assert np.abs(pixels - images[index, ..., 0].astype(int)).max() <= 4


def test_each_image_is_tied_to_its_code(show, explorer):
    page = show(explorer).page
    widget = page.locator(".vaetut-sheet")
    pad, places = widget.locator(".vs-pad").bounding_box(), markers(widget)
    ties = widget.locator(".vs-tie")
    assert ties.count() == 7
    for row, index in enumerate((14, 12, 9, 7, 5, 2, 0)):
        ends = ties.nth(row).evaluate(
            "node => ['x1', 'y1', 'x2', 'y2'].map((k) => +node.getAttribute(k))"
        )
        assert ends[:2] == pytest.approx(places[index], abs=0.2)
        pair = widget.locator(".vs-pair").nth(row).bounding_box()
        assert ends[2] == pytest.approx(pair["x"] - pad["x"], abs=1)
        middle = pair["y"] + pair["height"] / 2 - pad["y"]
        assert ends[3] == pytest.approx(middle, abs=1)
    assert widget.locator(".vs-tie.vs-now").count() == 1


# ---- How it is moved


def test_a_drag_turns_it(show, explorer):
    watched = show(explorer)
    page, widget = watched.page, watched.page.locator(".vaetut-sheet")
    pad, before = widget.locator(".vs-pad"), dots(widget)
    drag(page, pad, -100, 0)
    assert state(widget)[:2] == pytest.approx((-75, 45), abs=1)
    after = dots(widget)
    assert after != before
    drag(page, pad, 0, 300)
    assert state(widget)[:2] == pytest.approx((-75, 90), abs=1)
    # Back to where it was: the same picture, for it is a rotation and no drift.
    widget.get_by_role("button", name="Reset view").click()
    assert state(widget)[:2] == (-25, 45)
    assert dots(widget) == before
    page.mouse.move(300, 300)
    assert state(widget)[:2] == (-25, 45)
    drag(page, pad, -700, 0)  # half around and more
    assert -180 <= state(widget)[0] <= 180
    assert not watched.troubles


def test_the_keyboard_alone_is_enough(show, explorer):
    watched = show(explorer)
    page, widget = watched.page, watched.page.locator(".vaetut-sheet")

    def press(key, times=1):
        for _ in range(times):
            page.keyboard.press(key)
        return state(widget)

    press("Tab")
    assert page.evaluate("document.activeElement.classList[0]") == "vs-pad"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    assert press("ArrowRight", 2)[:2] == (-15, 45)
    assert press("Shift+ArrowUp")[:2] == (-15, 30)
    assert press("ArrowDown", 13)[:2] == (-15, 90)
    assert press("Control+ArrowLeft")[:2] == (-15, 90)
    press("+", 2)
    assert widget.get_attribute("data-zoom") == "1.56"
    press("-")
    assert widget.get_attribute("data-zoom") == "1.25"
    assert press("Home")[:2] == (-25, 45)
    assert widget.get_attribute("data-zoom") == "1.00"
    press("Tab")
    assert press("ArrowRight")[2:] == ("P2", 7)
    press("Tab")
    assert press("Home")[2:] == ("P2", 0)
    assert press("ArrowRight")[2:] == ("P2", 1)
    press("Tab")
    assert page.evaluate("document.activeElement.name") == "colour"
    press("Tab", 4)
    assert page.evaluate("document.activeElement.name") == "turning"
    assert not watched.troubles


def test_slider_and_radio_choose_a_point(show, explorer):
    watched = show(explorer)
    widget = watched.page.locator(".vaetut-sheet")
    assert words(widget) == "P1, point 8 of 15: a = 1.25, b = 1.00, in the hole"
    widget.get_by_label("P3").check()
    assert words(widget) == "P3, point 8 of 15: a = 1.25, b = 1.00, in the hole"
    widget.get_by_label("Point").fill("0")
    assert words(widget) == "P3, point 1 of 15: a = 0.50, b = 2.00, outside the hole"
    assert widget.get_by_label("Point").get_attribute("aria-valuetext") == words(widget)
    assert state(widget)[2:] == ("P3", 0)
    widget.get_by_label("P2").check()
    assert state(widget)[2:] == ("P2", 0)
    assert not watched.troubles


def test_every_point_has_its_image_among_those_shown(show, explorer):
    page = show(explorer).page
    widget = page.locator(".vaetut-sheet")
    for index in range(15):
        widget.get_by_label("Point").fill(str(index))
        settle(page)
        assert widget.locator(".vs-pair.vs-now").count() == 1
        inside = explorer.transects[0].inside[index]
        assert widget.locator(".vs-pair.vs-now.vs-in").count() == inside


def test_a_click_on_a_marker_or_an_image_chooses_it(show, explorer):
    watched = show(explorer)
    page, widget = watched.page, watched.page.locator(".vaetut-sheet")
    box = widget.locator(".vs-pad").bounding_box()

    def click(transect, index):
        x, y = markers(widget, transect)[index]
        page.mouse.click(box["x"] + x, box["y"] + y)
        settle(page)
        return state(widget)[2:]

    assert click(0, 2) == ("P1", 2)
    assert click(1, 12) == ("P2", 12)
    assert click(2, 1) == ("P3", 1)
    page.mouse.click(box["x"] + 20, box["y"] + 20)  # nothing there
    assert state(widget) == (-25, 45, "P3", 1)
    widget.locator(".vs-pair").last.click()
    assert state(widget)[2:] == ("P3", 14)  # P3 runs downwards in this view
    assert not watched.troubles


def test_only_the_wheel_with_control_zooms(show, explorer):
    page = show(explorer, viewport={"width": 1000, "height": 500}).page
    widget = page.locator(".vaetut-sheet")
    box = widget.locator(".vs-pad").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.wheel(0, 120)
    page.wait_for_function("scrollY > 50")
    assert widget.get_attribute("data-zoom") == "1.00"
    scrolled = page.evaluate("scrollY")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    page.wait_for_function("document.querySelector('[data-zoom]').dataset.zoom > 1.2")
    assert page.evaluate("scrollY") == scrolled
    widget.get_by_role("button", name="Zoom out").click()
    widget.get_by_role("button", name="Zoom out").click()
    assert float(widget.get_attribute("data-zoom")) < 1


def test_a_finger_turns_it_but_scrolls_the_page_upwards(show, explorer):
    watched = show(explorer, viewport=PHONE, has_touch=True, is_mobile=True)
    page, widget = watched.page, watched.page.locator(".vaetut-sheet")
    pad = widget.locator(".vs-pad")
    action = "node => getComputedStyle(node).touchAction"
    assert pad.evaluate(action) == "pan-y" and widget.evaluate(action) == "auto"
    x, y = markers(widget)[1]
    pad.tap(position={"x": x, "y": y})
    assert state(widget)[2:] == ("P1", 1)
    box, session = pad.bounding_box(), page.context.new_cdp_session(page)

    def swipe(right, down):
        x, y = box["x"] + 200, box["y"] + 250
        for k in range(6):
            session.send(
                "Input.dispatchTouchEvent",
                {
                    "type": "touchMove" if k else "touchStart",
                    "touchPoints": [{"x": x + right * k / 5, "y": y + down * k / 5}],
                },
            )
        session.send(
            "Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []}
        )
        settle(page)

    swipe(-100, 0)
    azimuth = state(widget)[0]
    assert azimuth < -40 and page.evaluate("scrollY") == 0
    swipe(0, -150)
    page.wait_for_function("scrollY > 50")
    assert state(widget)[0] == azimuth
    assert not watched.troubles


def test_the_colour_is_a_or_b_or_neither(show, explorer):
    widget = show(explorer).page.locator(".vaetut-sheet")
    scale, pictures = widget.locator(".vs-scale"), set()
    for colour, ends in [("b", "0.0 2.0"), ("a", "0.5 2.0")]:
        widget.get_by_label("Colour").select_option(colour)
        assert scale.inner_text().split() == ends.split()
        pictures.add(dots(widget))
    widget.get_by_label("Colour").select_option("neither")
    assert not scale.is_visible()
    pictures.add(dots(widget))
    assert len(pictures) == 3


def test_it_turns_by_itself_when_asked(show, explorer):
    watched = show(explorer)
    page, widget = watched.page, watched.page.locator(".vaetut-sheet")
    page.wait_for_timeout(200)
    assert state(widget)[0] == -25
    turning = widget.get_by_label("Turn by itself")
    turning.check()
    azimuth = "+document.querySelector('[data-azimuth]').dataset.azimuth"
    page.wait_for_function(f"{azimuth} > -22")
    turning.uncheck()
    settle(page)
    stopped = state(widget)[0]
    page.wait_for_timeout(200)
    assert state(widget)[0] == stopped
    assert not watched.troubles


def test_it_rests_where_the_reader_asks_for_less_motion(show, explorer):
    page = show(explorer, reduced_motion="reduce").page
    assert page.get_by_label("Turn by itself").is_disabled()
    assert page.evaluate("document.getAnimations().length") == 0


TIMED = """const ask = requestAnimationFrame;
window.times = [];
window.requestAnimationFrame = (act) => ask((now) => {
  const start = performance.now();
  act(now);
  times.push(performance.now() - start);
});"""


def test_a_frame_of_4299_codes_takes_few_milliseconds(show, explorer):
    page = show(explorer, script=TIMED).page
    pad = page.locator(".vs-pad")
    page.evaluate("times.length = 0")
    for _ in range(30):
        pad.press("ArrowRight")
        settle(page)
    # Each turn asks for one frame of drawing, the rest only wait.
    times = sorted(page.evaluate("times"))[-30:]
    assert np.median(times) < 50  # about 2 on an idle core


def test_two_explorers_share_a_page(show, explorer):
    watched = show(explorer, make_explorer(transect="P2", azimuth=10))
    first, second = watched.page.locator(".vaetut-sheet").all()
    first.get_by_label("P3").check()
    first.locator(".vs-pad").press("ArrowLeft")
    assert state(first) == (-30, 45, "P3", 7)
    assert state(second) == (10, 45, "P2", 7)
    assert second.get_by_label("P2").is_checked()
    assert not watched.troubles


def test_a_sheet_without_transects_is_a_cloud_to_turn(show):
    watched = show(make_explorer(transects=[], edges=None, grid=(), colour=None))
    widget = watched.page.locator(".vaetut-sheet")
    assert not widget.locator(".vs-strip, .vs-words, input[type=range]").count()
    before = dots(widget)
    widget.locator(".vs-pad").press("ArrowLeft")
    assert dots(widget) != before
    assert not watched.troubles


# ---- Who looks at it


def test_names_are_there_for_screen_readers(show, explorer):
    widget = show(explorer).page.locator(".vaetut-sheet")
    assert widget.get_attribute("role") == "group"
    label = widget.locator(".vs-pad").get_attribute("aria-label")
    assert "codes of 4,299 images" in label and "arrow keys turn" in label
    for name in ("P1", "Point", "Colour", "Turn by itself"):
        control = widget.get_by_label(name, exact=True)
        assert control.get_attribute("data-lm-suppress-shortcuts") == "true"
    assert widget.get_by_role("group", name="Transect").count() == 1
    heard = widget.locator("[aria-live=polite]")
    assert heard.inner_text().startswith("P1, point 8 of 15")


@pytest.mark.parametrize("width", [320, 390, 600, 820])
def test_nothing_is_wider_than_the_page(show, explorer, width):
    page = show(explorer, viewport={"width": width, "height": 844}).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beside = page.evaluate(
        """() => document.querySelector(".vs-strip").offsetLeft
          > document.querySelector(".vs-pad").offsetWidth"""
    )
    assert beside == (width > 592)
    assert page.locator(".vs-pair:visible").count() == (7 if beside else 5)
    strip = page.locator(".vs-strip").bounding_box()
    for pair in page.locator(".vs-pair:visible").all():
        box = pair.bounding_box()
        assert box["y"] + box["height"] <= strip["y"] + strip["height"] + 1
        assert box["x"] + box["width"] <= strip["x"] + strip["width"] + 1


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
  const ratio = (ink) => {
    const pair = [luminance(ink, solid), luminance(solid, solid)];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  };
  const all = (where) => [...document.querySelectorAll(`.vaetut-sheet ${where}`)];
  return [
    all(":is(text, p, span, label, legend, button, select)").map((node) => {
      const style = getComputedStyle(node);
      return ratio(node.tagName === "text" ? style.fill : style.color);
    }),
    all(":is(.vs-path, .vs-hole)").map((node) => ratio(getComputedStyle(node).stroke)),
  ];
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_either_theme_can_be_read(show, explorer, theme):
    page = show(explorer).page
    light = dots(page.locator(".vaetut-sheet"))
    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    assert (dots(page.locator(".vaetut-sheet")) == light) == (theme == "light")
    text, lines = page.evaluate(CONTRASTS)
    assert len(text) > 20 and min(text) >= 4.5
    assert len(lines) == 5 and min(lines) >= 2.7


def test_without_javascript_there_is_a_picture_with_words(show, explorer, browser):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.set_content(PAGE.format(explorer.to_html()))
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
        page.add_style_tag(content=explorer._css)
        page.evaluate(
            """async ([script, state]) => {
              const blob = new Blob([script], { type: "text/javascript" });
              const url = URL.createObjectURL(blob);
              const { default: widget } = await import(url);
              const values = { transect: "P2", index: 3, azimuth: 12.5, elevation: 20 };
              const heard = [];
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
        widget = page.locator(".vaetut-sheet")
        assert state(widget) == (12.5, 20, "P2", 3)
        widget.locator(".vs-pad").press("ArrowRight")
        saved = {"transect": "P2", "index": 3, "azimuth": 17.5, "elevation": 20}
        assert page.evaluate("window.saved") == saved
        widget.get_by_label("Point").fill("9")
        assert page.evaluate("window.saved") == saved | {"index": 9}
        page.evaluate("model.set('transect', 'P3'), model.set('elevation', 60)")
        assert state(widget) == (17.5, 60, "P3", 9)
        assert words(widget).startswith("P3, point 10 of 15")
        assert page.evaluate("window.close_widget()") == 0
        assert not watched.troubles


CELLS = (
    "import numpy as np\n"
    "from vaetut.widgets import SheetExplorer\n"
    "from vaetut.widgets.sheet_explorer import Transect3D\n"
    "rng = np.random.default_rng(0)\n"
    "factors = rng.random((50, 2))\n"
    "codes = np.c_[factors, factors.prod(axis=1)]\n"
    "image = np.zeros((5, 8, 8, 1), np.uint8)\n"
    "lines = [Transect3D(name, codes[:5], factors[:5], image, None, image.any((1, 2, "
    "3)))\n         for name in ('P1', 'P2')]\n"
    "explorer = SheetExplorer(codes, factors, lines, azimuth=30)\n"
    "explorer",
    "explorer.transect = 'P2'\nprint('kernel has', explorer.azimuth)",
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
        widget = page.locator(".vaetut-sheet[role=group]")
        widget.wait_for(timeout=60_000)
        assert state(widget) == (30, 45, "P1", 2)
        widget.locator(".vs-pad").press("Shift+ArrowRight")
        assert state(widget) == (45, 45, "P1", 2)
        cells.nth(1).click()
        page.keyboard.press("Control+Enter")
        page.get_by_text("kernel has 45.0").wait_for(timeout=20_000)
        widget.get_by_text("P2, point 3 of 5").wait_for(timeout=20_000)
        assert state(widget) == (45, 45, "P2", 2)
        assert not errors
