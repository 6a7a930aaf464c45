"""The transect explorer in Chromium: by itself on a page, and as a live view."""

import base64
import io
import json

import nbformat
import numpy as np
import pytest
from PIL import Image

from vaetut.datasets import polar
from vaetut.widgets.transect_explorer import KINDS, TransectExplorer, Walk

from .conftest import DESKTOP, PAGE, PHONE, Watched
from .test_polar_explorer import CONTRASTS

N, SIZE = 11, 64
METRICS = ("IoU", "excess BCE (nats)")


def make_walks():
    """Return P1 to P3 of stars, with noise as answers and another star as nearest."""
    rng = np.random.default_rng(0)
    walks = []
    for name, ends in polar.TRANSECTS.items():
        factors = polar.transect(*ends, N)
        truth = polar.draw(factors, SIZE)
        noise = rng.integers(0, 256, truth.shape, np.uint8)
        nearest = polar.draw(np.clip(factors + 0.1, [0.5, 0], 2), SIZE)
        iou, other = rng.uniform(0.3, 0.8, (2, N))
        errors = {METRICS[0]: (iou, iou - 0.11, iou + 0.07), METRICS[1]: 431 * iou}
        others = {METRICS[0]: other, METRICS[1]: 431 * other}
        inside = polar.in_hole(factors)
        walks.append(Walk(name, factors, truth, noise, nearest, errors, inside, others))
    return walks


WALKS = make_walks()
BY_NAME = {walk.name: walk for walk in WALKS}


@pytest.fixture(scope="module")
def explorer():
    return TransectExplorer(WALKS, interval="over seeds")


@pytest.fixture
def show(open_widgets):
    """Return a function that opens explorers and waits for them."""

    def show(*explorers, scripts=True, **options):
        watched = open_widgets(*explorers, java_script_enabled=scripts, **options)
        if scripts:
            for k in range(len(explorers)):
                watched.page.locator("[data-ready]").nth(k).wait_for()
        return watched

    return show


def only(watched):
    return watched.page, watched.page.locator(".vaetut-transect")


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


def pixels(widget, kind):
    """Return a tile as uint8 (h, w, 4)."""
    text = widget.locator(f"canvas[data-kind={kind}]").evaluate(
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
    return widget.locator(".vt-words").inner_text()


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


# ---- What it shows


def test_the_tiles_are_the_given_images(show, explorer):
    watched = show(explorer)
    _, widget = only(watched)
    for name, index in [("P1", 0), ("P1", 5), ("P2", 10), ("P2", 3), ("P3", 1)]:
        set_to(widget, name, index)
        for kind in KINDS:
            shown = pixels(widget, kind)
            given = getattr(BY_NAME[name], kind)[index]
            assert shown.shape == (SIZE, SIZE, 4)
            assert np.array_equal(shown[..., :3], np.repeat(given, 3, -1)), kind
            assert (shown[..., 3] == 255).all()
    assert not watched.troubles


def test_laid_over_the_truth_they_agree_in_white(show, explorer):
    watched = show(explorer)
    _, widget = only(watched)
    widget.get_by_label("Lay over the truth").check()
    colours = np.array([[0xEE, 0x77, 0x33], [0x11, 0x88, 0xCC]])
    assert (colours.sum(0) == 255).all()
    for name, index in [("P1", 5), ("P2", 0), ("P2", 4)]:
        set_to(widget, name, index)
        walk = BY_NAME[name]
        truth = walk.truth[index].astype(float)
        assert np.array_equal(pixels(widget, "truth")[..., :1], walk.truth[index])
        for kind in ("reconstruction", "nearest"):
            mixed = (truth * colours[0] + getattr(walk, kind)[index] * colours[1]) / 255
            assert np.abs(pixels(widget, kind)[..., :3] - mixed).max() < 2.5
    title = widget.locator(".vt-tile-nearest .vt-title")
    assert title.inner_text() == "nearest image over truth"
    assert widget.get_by_text("only in the truth").is_visible()
    widget.get_by_label("Lay over the truth").uncheck()
    assert title.inner_text() == "nearest training image"
    assert not widget.get_by_text("only in the truth").is_visible()
    assert np.array_equal(pixels(widget, "nearest")[..., :1], walk.nearest[index])
    assert not watched.troubles


def test_strokes_stay_visible(show, explorer):
    """Pixels are kept sharp where a screen has a dot for each; else they are mixed."""
    _, widget = only(show(TransectExplorer(WALKS, height=40)))
    rendering = "node => getComputedStyle(node).imageRendering"
    truth = widget.locator("canvas").first
    assert truth.bounding_box()["height"] == pytest.approx(40, abs=0.5)
    assert truth.evaluate(rendering) == "auto"
    _, widget = only(show(explorer))
    assert widget.locator("canvas").first.evaluate(rendering) == "pixelated"


# ---- What it says


def test_the_line_of_text_has_the_numbers(show, explorer):
    _, widget = only(show(explorer))
    outcomes = set()
    for walk in WALKS:
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


def test_of_an_error_less_is_better(show, explorer):
    _, widget = only(show(explorer))
    walk = BY_NAME["P2"]
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
    walk = WALKS[0]._replace(nearest_errors=None)
    watched = show(TransectExplorer(walk))
    _, widget = only(watched)
    assert "nearest" not in words(widget) and "beats" not in words(widget)
    assert widget.locator(".vx-curve.vx-k3").count() == 0
    assert not widget.locator(".vt-mark-other").is_visible()
    assert widget.locator(".vx-value").count() == 1
    assert not watched.troubles


def test_the_chart_has_curves_hole_and_cursor(show, explorer):
    _, widget = only(show(explorer))
    plot = widget.locator(".vx-plot")
    ground = plot.locator(".vx-ground").bounding_box()
    ticks = [
        float(t)
        for t in plot.locator(":is(.vx-grid, .vx-zero) + text").all_text_contents()
    ]
    assert ticks == [0, 0.25, 0.5, 0.75, 1]
    walk = BY_NAME["P1"]
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


def test_every_tab_shows_its_own_transect(show, explorer):
    _, widget = only(show(explorer))
    for walk in WALKS:
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


def test_the_keyboard_alone_is_enough(show, explorer):
    watched = show(explorer)
    page, widget = only(watched)

    def press(key, times=1):
        for _ in range(times):
            page.keyboard.press(key)
        return place(widget)

    kind = "document.activeElement.type"
    outline = """() => {
      const { activeElement: node } = document;
      const outlined = node.type === "radio" ? node.nextSibling : node;
      return getComputedStyle(outlined).outlineStyle;
    }"""
    for expected in ("radio", "checkbox", "select-one", "range"):
        press("Tab")
        assert page.evaluate(kind) == expected
        if expected == "range":  # a ring around the thumb, which no style tells
            picture = Image.open(io.BytesIO(page.locator(":focus").screenshot()))
            assert (np.asarray(picture)[..., :3] == (0xCC, 0x33, 0x11)).all(-1).any()
        else:
            assert page.evaluate(outline) == "solid"
        if expected == "radio":
            assert press("ArrowRight", 2) == ("P3", 5)
            assert press("ArrowLeft") == ("P2", 5)
        if expected == "checkbox":
            press("Space")
            assert widget.get_by_label("Lay over the truth").is_checked()
        if expected == "select-one":
            press("ArrowDown")
            assert METRICS[1] in words(widget)
    assert press("ArrowRight") == ("P2", 6)
    assert press("ArrowLeft", 3) == ("P2", 3)
    assert press("End") == ("P2", 10)
    assert press("Home") == ("P2", 0)
    assert words(widget).startswith("a = 0.50, b = 1.00: outside the hole.")
    assert not watched.troubles


def test_the_slider_follows_the_mouse(show, explorer):
    watched = show(explorer)
    page, widget = only(watched)
    slider = widget.locator("input[type=range]").bounding_box()
    ground = widget.locator(".vx-plot .vx-ground").bounding_box()
    y = slider["y"] + slider["height"] / 2
    page.mouse.move(*middle(widget.locator("input[type=range]")))
    page.mouse.down()
    for index in (7, 10, 2):  # the thumb is under the cursor of the chart
        x = ground["x"] + ground["width"] * index / (N - 1)
        page.mouse.move(x, y, steps=3)
        assert place(widget) == ("P1", index)
        assert middle(widget.locator(".vx-cursor"))[0] == pytest.approx(x, abs=1)
    page.mouse.up()
    assert not watched.troubles


def test_the_chart_can_be_dragged(show, explorer):
    watched = show(explorer)
    page, widget = only(watched)
    ground = widget.locator(".vx-plot .vx-ground").bounding_box()

    def spot(share, off=0):
        return ground["x"] + share * ground["width"] + off, ground["y"] + 60

    page.mouse.move(*spot(0.2))
    assert place(widget) == ("P1", 5)
    page.mouse.down()
    assert place(widget) == ("P1", 2)
    page.mouse.move(*spot(0.83), steps=4)
    assert place(widget) == ("P1", 8)
    page.mouse.move(*spot(1, 300), steps=2)
    assert place(widget) == ("P1", 10)
    page.mouse.up()
    page.mouse.move(*spot(0.5))
    assert place(widget) == ("P1", 10)
    page.keyboard.press("ArrowLeft")  # the keys go on from there
    assert place(widget) == ("P1", 9)
    assert not watched.troubles


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_map_can_be_dragged(show, explorer, viewport):
    watched = show(explorer, viewport=viewport)
    page, widget = only(watched)
    ground = widget.locator(".vt-map .vx-ground").bounding_box()

    def spot(a, b):
        across, up = (a - 0.5) / 1.5, b / 2
        x, y = across * ground["width"], (1 - up) * ground["height"]
        return ground["x"] + x, ground["y"] + y

    page.mouse.move(*spot(1.27, 0.41))
    page.mouse.down()
    assert place(widget) == ("P1", 2)
    page.mouse.move(*spot(1.5, 1), steps=3)  # on the way of P2: P1 is kept
    assert place(widget) == ("P1", 5)
    page.mouse.move(*spot(1.6, 1.61), steps=3)
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


def test_a_finger_moves_the_cursor_and_scrolls_elsewhere(show, explorer):
    watched = show(explorer, viewport=PHONE, has_touch=True, is_mobile=True)
    _, widget = only(watched)
    plot = widget.locator(".vx-plot")
    plot.tap(position={"x": 60, "y": 50})
    assert place(widget)[1] <= 1
    action = "node => getComputedStyle(node).touchAction"
    assert plot.evaluate(action) == "pan-y"
    assert widget.locator(".vt-map").evaluate(action) == "none"
    assert widget.evaluate(action) == "auto"
    assert not watched.troubles


def test_two_explorers_share_a_page(show, explorer):
    watched = show(explorer, TransectExplorer(WALKS, walk="P2", index=1))
    first, second = watched.page.locator(".vaetut-transect").all()
    set_to(first, "P3", 9)
    assert place(first) == ("P3", 9)
    assert place(second) == ("P2", 1)
    assert not watched.troubles


# ---- Who looks at it


def test_names_are_there_for_screen_readers(show, explorer):
    _, widget = only(show(explorer))
    assert widget.get_attribute("role") == "group"
    assert widget.get_by_role("radiogroup", name="Transect").count() == 1
    assert widget.get_by_role("radio", name="P2").count() == 1
    assert widget.get_by_role("combobox", name="Measure").count() == 1
    slider = widget.get_by_role("slider", name="Place along the transect")
    assert slider.get_attribute("aria-valuetext") == "a = 1.25, b = 1.00, in the hole"
    for node in widget.locator("input, select").all():
        assert node.get_attribute("data-lm-suppress-shortcuts") == "true"
    truth = widget.get_by_role("img", name="truth at a = 1.25, b = 1.00")
    assert truth.count() == 1
    assert widget.get_by_role("img", name="IoU along P1").count() == 1
    heard = widget.locator("[aria-live=polite]")
    heard.get_by_text("P1, a = 1.25, b = 1.00: in the hole. IoU").wait_for()
    set_to(widget, index=1)
    set_to(widget, index=0)
    heard.get_by_text("P1, a = 1.25, b = 0.00: outside the hole. IoU").wait_for()


def test_nothing_moves_by_itself(show, explorer):
    page, widget = only(show(explorer, reduced_motion="reduce"))
    set_to(widget, "P3", 0)
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("width", [320, 390, 700])
def test_nothing_is_wider_than_the_page(show, explorer, width):
    page, widget = only(show(explorer, viewport={"width": width, "height": 844}))
    widget.get_by_label("Lay over the truth").check()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 300, "height": 844})
    page.wait_for_function(
        """() => document.querySelector(".vx-plot").clientWidth <= 300 &&
          document.documentElement.scrollWidth <= 320"""
    )


TEXTS = CONTRASTS.replace(".vaetut-polar", ".vaetut-transect").replace(
    "strong)", "strong):not(:checked + *)"
)  # the chosen tab is white on blue


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_either_theme_can_be_read(show, explorer, theme):
    page, widget = only(show(explorer))
    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    page.add_style_tag(content='[data-theme="dark"] { --jp-layout-color0: #121212 }')
    widget.get_by_label("Lay over the truth").check()
    for index in (5, 0):  # the answer's two colours
        set_to(widget, index=index)
        ratios = page.evaluate(TEXTS)
        assert len(ratios) > 20 and min(ratios) >= 4.5


def test_without_javascript_there_is_a_picture_with_words(show, explorer):
    page = show(explorer, scripts=False).page
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
              const values = { walk: "P2", index: 4 }, heard = [];
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
        page.locator("[data-ready]").wait_for()
        widget = page.locator(".vaetut-transect")
        page.add_style_tag(content=explorer._css)
        assert place(widget) == ("P2", 4)
        set_to(widget, "P3")
        assert page.evaluate("window.saved") == {"walk": "P3", "index": 4}
        page.evaluate("model.set('walk', 'P1'), model.set('index', 10)")
        assert place(widget) == ("P1", 10)
        assert "b = 2.00: outside the hole" in words(widget)
        assert np.array_equal(pixels(widget, "truth")[..., :1], WALKS[0].truth[10])
        widget.locator("input[type=range]").press("ArrowLeft")
        assert page.evaluate("window.saved.index") == 9
        assert page.evaluate("window.close_widget()") == 0
        assert not watched.troubles


CELLS = (
    "import numpy as np\n"
    "from vaetut.datasets import polar\n"
    "from vaetut.widgets.transect_explorer import TransectExplorer, Walk\n"
    "walks = []\n"
    "for name, ends in polar.TRANSECTS.items():\n"
    "    f = polar.transect(*ends, 11)\n"
    "    images = polar.draw(f, 64)\n"
    "    errors = {'IoU': np.linspace(0, 1, 11)}\n"
    "    inside = polar.in_hole(f)\n"
    "    walks.append(Walk(name, f, images, images, images, errors, inside))\n"
    "explorer = TransectExplorer(walks)\n"
    "explorer",
    "print('kernel has', explorer.walk, explorer.index)\n"
    "explorer.walk, explorer.index = 'P2', 1",
)


def test_the_traits_are_those_of_jupyterlab(browser, jupyterlab):
    address, folder = jupyterlab
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, folder / "walk.ipynb")
    with browser.new_context(viewport={"width": 1280, "height": 1600}) as context:
        page = context.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}/lab/tree/walk.ipynb?reset")
        cells = page.locator(".jp-CodeCell .cm-content")
        cells.first.click(timeout=60_000)
        page.wait_for_selector(
            "text=Kernel status: Idle", state="attached", timeout=60_000
        )
        page.keyboard.press("Control+Enter")
        widget = page.locator(".vaetut-transect[data-ready]")
        widget.wait_for(timeout=60_000)
        assert place(widget) == ("P1", 5)
        widget.locator("input[type=range]").press("ArrowRight")
        set_to(widget, "P3")
        assert place(widget) == ("P3", 6)
        cells.nth(1).click()
        page.keyboard.press("Control+Enter")
        page.get_by_text("kernel has P3 6").wait_for(timeout=20_000)
        widget.locator("strong", has_text="outside the hole").wait_for(timeout=20_000)
        assert place(widget) == ("P2", 1)
        assert not errors
