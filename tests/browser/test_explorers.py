"""The explorers of chapters 09 and 10 in Chromium: on a page, and as live views."""

import base64
import json
import re

import nbformat
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from vaetut.datasets import polar
from vaetut.widgets.gamma_explorer import GammaExplorer
from vaetut.widgets.rotation_explorer import (
    RotationExplorer,
    example_clouds,
    rotation,
    shown,
    turned,
)
from vaetut.widgets.walk_explorer import PairOfWalks, WalkExplorer

from .conftest import PAGE, PHONE, Watched

RNG = np.random.default_rng(0)
CLOUDS = {
    **example_clouds(),
    "trained codes": RNG.normal(size=(200, 2)) * [2, 1] + [0.3, -1],
}
LABELS = ("−4.1", "0", "41", "410")
N, SIZE = 11, 48
WAYS = ("straight", "along the sheet", "nearest neighbours")
PAIRS = {"small to large": ((0.6, 0.2), (1.9, 1.8)), "b alone": ((1, 0.1), (1, 1.9))}


def lattice(k):
    """Return codes (5, 7, 3) of a bent sheet, smaller for each k."""
    a, b = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 7), indexing="ij")
    turn = np.linalg.qr(np.random.default_rng(k).normal(size=(3, 3)))[0]
    codes = np.stack([a, b, 0.4 * a * a - 0.3 * b], axis=2)
    return (2 - 0.4 * k) * codes @ turn + 0.5


def make_walk(name, ways=WAYS):
    """Return walks between two stars that leave the straight line, each elsewhere."""
    steps = np.linspace(0, 1, N)[:, None]
    start, end = map(np.array, PAIRS[name])
    intended = start + steps * (end - start)
    factors, images, errors = {}, {}, {}
    for k, way in enumerate(ways):
        bend = np.sin(np.pi * steps) * [0.3 - 0.2 * k, -0.25 * k]
        factors[way] = np.clip(intended + bend, [0.5, 0], 2)
        drawn = polar.draw(factors[way], SIZE).astype(float)
        images[way] = gaussian_filter(drawn, (0, 0.7, 0.7, 0)) / 255
        errors[way] = np.linalg.norm(factors[way] - intended, axis=1)
    truth = polar.draw(intended, SIZE)
    return PairOfWalks(name, images, truth, errors, factors, intended)


WALKS = {name: make_walk(name) for name in PAIRS}


@pytest.fixture(scope="module")
def explorers():
    scores = {
        label: {
            "alignment": (0.3 + k / 10, 0.2 + k / 10, 0.4 + k / 10),
            "angle (°)": (30 - k, 20 - k, 40 - k),
        }
        for k, label in enumerate(LABELS)
    }
    embeddings = {label: lattice(k) for k, label in enumerate(LABELS)}
    return {
        "rotation": RotationExplorer(CLOUDS),
        "gamma": GammaExplorer(embeddings, scores, reference={"alignment": 0.35}),
        "walk": WalkExplorer(list(WALKS.values())),
    }


KINDS = ("rotation", "gamma", "walk")


@pytest.fixture
def show(open_widgets):
    """Return a function that opens explorers and waits for them."""

    def show(*explorers, scripts=True, **options):
        watched = open_widgets(*explorers, java_script_enabled=scripts, **options)
        if scripts:
            watched.page.wait_for_function(
                """() => [...document.querySelectorAll(".vaetut-explorer")].every(
                  (root) => root.matches("[data-live]:not(.vaetut-walk), [data-ready]")
                )"""
            )
        return watched

    return show


def only(watched):
    return watched.page, watched.page.locator(".vaetut-explorer")


def slider(widget):
    return widget.locator("input[type=range]")


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, start, end, steps=4):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=steps)
    page.mouse.up()


def path_points(path):
    """Return the points (n, 2) of a path's own coordinates."""
    numbers = re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get_attribute("d"))
    return np.array(numbers, float)


# ---- Rotation


def said(widget):
    """Return loss, covariance and correlation as the page has them in words."""
    words = widget.locator(".vr-now").inner_text().replace("−", "-")
    numbers = re.findall(r"-?\d+\.\d{3}", words)
    return [float(number) for number in numbers]


def test_the_rotation_says_what_numpy_computes(show, explorers):
    watched = show(explorers["rotation"])
    _, widget = only(watched)
    for name, codes in CLOUDS.items():
        widget.get_by_label("Shape").select_option(name)
        for angle in (0, 28, 45, 90):
            slider(widget).fill(str(angle))
            curves = turned(codes)
            keys = ("loss", "covariance", "correlation")
            expected = [curves[key][angle] for key in keys]
            assert said(widget) == pytest.approx(expected, abs=6e-4)
            assert widget.locator(".vr-now").inner_text().startswith(f"{angle}°: mean")
    widget.get_by_label("Shape").select_option("uniform square")
    assert widget.get_by_text("It is cheapest at 45°: 0.167, against 0.250").count()
    widget.get_by_label("Shape").select_option("Gaussian")
    assert widget.get_by_text("It costs nearly the same at every angle").count()
    assert not watched.troubles


def test_the_dots_are_the_turned_codes(show, explorers):
    explorer = explorers["rotation"]
    _, widget = only(show(explorer))
    widget.get_by_label("Shape").select_option("trained codes")
    slider(widget).fill("30")
    dots = shown(CLOUDS["trained codes"]) @ rotation(30).T
    reach, most = (explorer.state["shapes"][-1][key] for key in ("reach", "most"))
    places = 160 + 146 * dots / reach * [1, -1]
    level = np.minimum(5, 6 * np.abs(dots.prod(axis=1)) / most).astype(int)
    assert len(set(level)) == 6
    for k in range(6):
        drawn = path_points(widget.locator(f".vr-b{k}"))
        # A code at the edge of a colour may fall to either side of it.
        near = [np.abs(places - point).max(axis=1).argmin() for point in drawn]
        assert np.abs(places[near] - drawn).max() < 0.12
        assert abs(len(drawn) - (level == k).sum()) <= 1


def test_the_rotation_follows_keys_and_mouse(show, explorers):
    watched = show(explorers["rotation"])
    page, widget = only(watched)

    def angle():
        return int(slider(widget).input_value())

    slider(widget).focus()
    for key, expected in [("ArrowRight", 1), ("End", 90), ("ArrowLeft", 89)]:
        page.keyboard.press(key)
        assert angle() == expected
    ground = widget.locator(".vx-ground").last.bounding_box()

    def spot(share, y=60):
        return ground["x"] + share * ground["width"], ground["y"] + y

    drag(page, spot(0.2), spot(2 / 3))
    assert angle() == 60
    thumb = slider(widget).bounding_box()
    down = thumb["y"] + thumb["height"] / 2 - ground["y"]
    drag(page, spot(2 / 3, down), spot(1 / 3, down))
    assert angle() == 30
    x, y = middle(widget.locator(".vr-cloud"))
    drag(page, (x + 80, y), (x + 80, y - 80), steps=12)  # 45° counterclockwise
    assert angle() == pytest.approx(75, abs=2)
    drag(page, (x, y - 80), (x + 80, y), steps=12)  # 90° back
    assert angle() == 0
    page.keyboard.press("ArrowRight")  # the keys go on from there
    assert angle() == 1
    assert not watched.troubles


# ---- Gamma


def projected(explorer, page, run, azimuth, elevation, fit):
    """Return where a run's lattice is in the pad, pixels (na, nb, 2)."""
    explorer.set_trait("azimuth", azimuth)
    explorer.set_trait("elevation", elevation)
    explorer.set_trait("fit", fit)
    box = page.locator(".vg-pad").bounding_box()
    scale = 0.42 * min(box["width"], box["height"])
    seen = explorer.project(run) * [scale, -scale]
    return seen + np.array([box["width"], box["height"]]) / 2


@pytest.mark.parametrize("fit", [False, True])
@pytest.mark.parametrize("view", [(-25, 30), (0, 90), (-90, 0)])
def test_the_lattice_is_where_python_projects_it(show, explorers, view, fit):
    old = explorers["gamma"]
    names = {label: old.embeddings[label] for label in LABELS}
    azimuth, elevation = view
    explorer = GammaExplorer(names, azimuth=azimuth, elevation=elevation, fit=fit)
    watched = show(explorer)
    page, widget = only(watched)
    assert widget.locator("tr").count() == 0
    for k, run in enumerate(LABELS):
        slider(widget).fill(str(k))
        expected = projected(explorer, page, run, azimuth, elevation, fit)
        for i in (0, 2, 4):
            line = path_points(widget.locator(".vg-line.vx-k0").nth(i))
            assert np.abs(line - expected[i]).max() < 0.2
        for j in (0, 6):
            line = path_points(widget.locator(".vg-line.vx-k1").nth(j))
            assert np.abs(line - expected[:, j]).max() < 0.2
    assert not watched.troubles


def test_the_view_stays_while_gamma_moves(show, explorers):
    watched = show(explorers["gamma"])
    page, widget = only(watched)

    def view():
        data = widget.evaluate("node => ({ ...node.dataset })")
        return float(data["azimuth"]), float(data["elevation"])

    before = view()
    x, y = middle(widget.locator(".vg-pad"))
    drag(page, (x, y), (x + 60, y + 20))
    assert view() == pytest.approx((before[0] + 30, before[1] + 10), abs=0.5)
    now = view()
    for key, run in [("ArrowRight", "0"), ("End", "410"), ("ArrowLeft", "41")]:
        slider(widget).press(key)
        assert widget.get_attribute("data-run") == run
        assert widget.locator("output").inner_text() == run
        assert view() == now
    pad = widget.locator(".vg-pad")
    pad.press("ArrowRight")
    pad.press("Shift+ArrowUp")
    assert view() == pytest.approx((now[0] + 5, now[1] - 15))
    pad.press("Home")
    assert view() == before
    widget.get_by_role("button", name="Look along z₃").click()
    assert view() == (0, 90)
    widget.get_by_role("button", name="Reset view").click()
    assert view() == before
    first = widget.locator(".vg-line").first
    common = path_points(first)
    widget.get_by_label("Fit each run").check()
    assert np.ptp(path_points(first), axis=0).max() > np.ptp(common, axis=0).max()
    assert not watched.troubles


def test_the_table_has_mean_interval_and_chance(show, explorers):
    explorer = explorers["gamma"]
    _, widget = only(show(explorer))
    for k, label in enumerate(LABELS):
        slider(widget).fill(str(k))
        rows = widget.locator(".vg-scores tr").all()
        assert len(rows) == 2
        for row, (name, score) in zip(
            rows, explorer.scores[label].items(), strict=True
        ):
            assert row.locator("th").inner_text() == name
            numbers = re.findall(r"[\d.]+", row.locator(".vg-value").inner_text())
            assert [float(number) for number in numbers] == pytest.approx(score)
        mean, low, high = explorer.scores[label]["alignment"]
        bar, dot = rows[0].locator(".vg-bar"), rows[0].locator(".vg-dot")
        ends = [float(bar.get_attribute(key)) for key in ("x1", "x2")]
        share = (float(dot.get_attribute("cx")) - ends[0]) / (ends[1] - ends[0])
        assert share == pytest.approx((mean - low) / (high - low))
    assert widget.locator(".vg-chance").count() == 1


# ---- Walks


def pixels(canvas):
    """Return a canvas as uint8 (h, w, 4)."""
    text = canvas.evaluate(
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


def test_the_walks_show_the_given_images_and_errors(show, explorers):
    watched = show(explorers["walk"])
    _, widget = only(watched)
    for name, index in [("small to large", 0), ("b alone", 4), ("small to large", 10)]:
        widget.locator("select").select_option(name)
        slider(widget).fill(str(index))
        walk = WALKS[name]
        tiles = widget.locator(".vw-tile").all()
        for tile, way in zip(tiles, WAYS, strict=True):
            given = np.rint(255 * walk.images[way][index])
            made = pixels(tile.locator("canvas").first)
            assert np.array_equal(made[..., :3], np.repeat(given, 3, -1))
            truth = pixels(tile.locator("canvas").last)
            assert np.array_equal(truth[..., :1], walk.truth[index])
            error = float(tile.locator("strong").inner_text())
            assert error == pytest.approx(walk.errors[way][index], abs=6e-4)
        a, b = walk.intended[index]
        words = f"Step {index + 1} of {N}: meant is a = {a:.2f}, b = {b:.2f}."
        assert words in widget.locator(".vx-words").inner_text()
    assert not watched.troubles


def test_the_map_has_the_factors(show, explorers):
    _, widget = only(show(explorers["walk"]))
    slider(widget).fill("7")
    walk = WALKS["small to large"]
    ground = widget.locator(".vw-map .vx-ground").bounding_box()

    def at(point):
        a, b = point
        across, down = (a - 0.5) / 1.5 * ground["width"], (1 - b / 2) * ground["height"]
        return ground["x"] + across, ground["y"] + down

    for k, way in enumerate(WAYS):
        spot = middle(widget.locator(f".vw-spot.vx-k{k}"))
        assert spot == pytest.approx(at(walk.factors[way][7]), abs=1.5)
    assert middle(widget.locator(".vw-aim")) == pytest.approx(
        at(walk.intended[7]), abs=1.5
    )


def test_one_slider_moves_all_ways(show, explorers):
    watched = show(explorers["walk"])
    page, widget = only(watched)

    def index():
        return int(slider(widget).input_value())

    assert index() == N // 2
    slider(widget).focus()
    for key, expected in [("ArrowRight", 6), ("Home", 0), ("ArrowRight", 1)]:
        page.keyboard.press(key)
        assert index() == expected
    ground = widget.locator(".vx-chart .vx-ground").bounding_box()

    def spot(share, y=60):
        return ground["x"] + share * ground["width"], ground["y"] + y

    drag(page, spot(0.2), spot(0.8))
    assert index() == 8
    cursor = middle(widget.locator(".vx-cursor"))[0]
    assert cursor == pytest.approx(spot(0.8)[0], abs=1)
    plane = widget.locator(".vw-map .vx-ground").bounding_box()
    places = (WALKS["small to large"].intended[[2, 9]] - [0.5, 0]) / [1.5, 2]
    start, end = (
        (plane["x"] + x * plane["width"], plane["y"] + (1 - y) * plane["height"])
        for x, y in places
    )
    drag(page, start, end)
    assert index() == 9
    page.keyboard.press("ArrowLeft")  # the keys go on from there
    assert index() == 8
    assert not watched.troubles


def test_values_at_the_cursor_do_not_overlap(show, explorers):
    _, widget = only(show(explorers["walk"]))
    for k in range(N):
        slider(widget).fill(str(k))
        ground = widget.locator(".vx-chart .vx-ground").bounding_box()
        tags = [tag.bounding_box() for tag in widget.locator(".vx-value").all()]
        tops = sorted(tag["y"] for tag in tags)
        assert len(tags) == 3 and np.diff(tops).min() >= 14
        for tag in tags:
            assert tag["x"] >= ground["x"] - 1
            assert tag["x"] + tag["width"] <= ground["x"] + ground["width"] + 1


# ---- Who looks at them


def test_all_three_share_a_page(show, explorers):
    watched = show(*explorers.values(), explorers["rotation"])
    page = watched.page
    roots = page.locator(".vaetut-explorer").all()
    slider(roots[0]).fill("45")
    slider(roots[2]).fill("1")
    values = [slider(root).input_value() for root in roots]
    assert values == ["45", "0", "1", "0"]
    assert not watched.troubles


@pytest.mark.parametrize(
    ("kind", "before", "heard"),
    [
        ("rotation", 44, "uniform square, 45°: mean |μ1 μ2| 0.167, covariance 0.000"),
        ("gamma", 0, "γ = 0: alignment 0.40 (0.30 to 0.50, by chance 0.35), angle (°)"),
        (
            "walk",
            2,
            "small to large, Step 4 of 11: meant is a = 0.99, b = 0.68. Factor",
        ),
    ],
)
def test_they_tell_a_screen_reader(show, explorers, kind, before, heard):
    page, widget = only(show(explorers[kind]))
    slider(widget).fill(str(before))
    slider(widget).press("ArrowRight")
    widget.locator("[aria-live=polite]").get_by_text(heard).wait_for()
    assert widget.get_attribute("role") == "group"
    for node in widget.locator("input, select, button").all():
        assert node.get_attribute("data-lm-suppress-shortcuts") == "true"
        named = "n => n.getAttribute('aria-label') || n.labels?.[0]?.textContent"
        assert node.evaluate(named)
    reached = set()
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        reached.add(page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
    assert len(reached) >= 2
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("width", [320, 390, 700])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_wider_than_the_page(show, explorers, kind, width):
    page, widget = only(show(explorers[kind], viewport=PHONE | {"width": width}))
    slider(widget).fill("3")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size(PHONE | {"width": 300})
    page.wait_for_function("document.documentElement.scrollWidth <= 320")


@pytest.mark.parametrize("kind", KINDS)
def test_a_finger_moves_the_slider_and_scrolls_elsewhere(show, explorers, kind):
    options = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
    watched = show(explorers[kind], **options)
    _, widget = only(watched)
    action = "node => getComputedStyle(node).touchAction"
    assert widget.evaluate(action) == "auto"
    before = slider(widget).input_value()
    if kind == "gamma":
        assert widget.locator(".vg-pad").evaluate(action) == "pan-y"
    else:
        plot = widget.locator(".vx-plot")
        plot.tap(position={"x": 250, "y": 60})
        assert slider(widget).input_value() != before
        assert plot.evaluate(action) == "pan-y"
    assert not watched.troubles


CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {
    willReadFrequently: true });
  const page = getComputedStyle(document.body).backgroundColor;
  const solid = page === "rgba(0, 0, 0, 0)" ? "#fff" : page;
  const luminance = (colour) => {
    for (const fill of [solid, colour]) {
      canvas.fillStyle = fill;
      canvas.fillRect(0, 0, 1, 1);
    }
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (ink) => {
    const pair = [luminance(ink), luminance(solid)];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  };
  const all = (where) => [...document.querySelectorAll(`.vaetut-explorer ${where}`)];
  return [
    all(":is(text, p, span, label, strong, th, td, caption, button, select)")
      .filter((node) => node.checkVisibility())
      .map((node) => {
        const style = getComputedStyle(node);
        return ratio(node.tagName === "text" ? style.fill : style.color);
      }),
    all(":is(.vx-curve, .vg-line, .vg-chance, .vr-dots)")
      .map((node) => ratio(getComputedStyle(node).stroke)),
  ];
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_either_theme_can_be_read(show, explorers, kind, theme):
    page = show(explorers[kind]).page
    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    page.add_style_tag(content='[data-theme="dark"] { --jp-layout-color0: #121212 }')
    text, lines = page.evaluate(CONTRASTS)
    assert len(text) > 15 and min(text) >= 4.5
    assert len(lines) > 1 and min(lines) >= 2.7


@pytest.mark.parametrize("kind", KINDS)
def test_without_javascript_there_is_a_picture_with_words(show, explorers, kind):
    page = show(explorers[kind], scripts=False).page
    picture = page.get_by_role("img")
    assert picture.get_attribute("alt") == explorers[kind].alt
    assert picture.bounding_box()["width"] > 300


# ---- In Jupyter

LIVE = """async ([script, state, values]) => {
  const blob = new Blob([script], { type: "text/javascript" });
  const { default: widget } = await import(URL.createObjectURL(blob));
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
}"""


@pytest.mark.parametrize(
    ("kind", "trait", "first", "second"),
    [
        ("rotation", "angle", (12, "12"), (13, "13")),
        ("gamma", "run", ("0", "1"), ("41", "2")),
        ("walk", "index", (4, "4"), (5, "5")),
    ],
)
def test_the_live_view_and_the_kernel_follow_each_other(
    browser, explorers, kind, trait, first, second
):
    """The module as anywidget runs it, with a pretended model behind it."""
    explorer = explorers[kind]
    values = {name: getattr(explorer, name) for name in explorer.view}
    with browser.new_context() as context:
        watched = Watched(context.new_page(), "")
        page = watched.page
        page.set_content(PAGE.format("<main></main>"))
        page.add_style_tag(content=explorer._css)
        page.evaluate(LIVE, [str(explorer._esm), explorer.state, values])
        widget = page.locator(f".vaetut-explorer.vaetut-{kind}")
        value, shown = first
        page.evaluate("([name, v]) => model.set(name, v)", [trait, value])
        assert slider(widget).input_value() == shown
        slider(widget).press("ArrowRight")
        value, shown = second
        assert slider(widget).input_value() == shown
        assert page.evaluate("window.saved") == values | {trait: value}
        setattr(explorer, trait, value)  # what a view sends is valid
        assert page.evaluate("window.close_widget()") == 0
        assert not watched.troubles


CELLS = (
    "import numpy as np\n"
    "from vaetut.widgets import GammaExplorer\n"
    "codes = np.random.default_rng(0).normal(size=(4, 5, 3))\n"
    "explorer = GammaExplorer({'0': codes, '1': 2 * codes, '2': codes})\n"
    "explorer",
    "print('kernel has', explorer.run, explorer.fit)\nexplorer.run = '2'",
)


def test_the_traits_are_those_of_jupyterlab(browser, jupyterlab):
    address, folder = jupyterlab
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, folder / "gamma.ipynb")
    with browser.new_context(viewport={"width": 1280, "height": 1600}) as context:
        page = context.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}/lab/tree/gamma.ipynb?reset")
        cells = page.locator(".jp-CodeCell .cm-content")
        cells.first.click(timeout=60_000)
        page.wait_for_selector(
            "text=Kernel status: Idle", state="attached", timeout=60_000
        )
        page.keyboard.press("Control+Enter")
        widget = page.locator(".vaetut-gamma[data-run]")
        widget.wait_for(timeout=60_000)
        slider(widget).press("ArrowRight")
        widget.get_by_label("Fit each run").check()
        cells.nth(1).click()
        page.keyboard.press("Control+Enter")
        page.get_by_text("kernel has 1 True").wait_for(timeout=20_000)
        page.locator(".vaetut-gamma[data-run='2']").wait_for(timeout=20_000)
        assert slider(widget).input_value() == "2"
        assert not errors
