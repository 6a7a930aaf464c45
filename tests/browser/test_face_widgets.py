"""The explorers of the faces chapters in Chromium: on a page, and as live views."""

import base64
import json

import keras
import nbformat
import numpy as np
import pytest

from vaetut.models.faces import faces_decoder
from vaetut.widgets.beta_explorer import BetaExplorer, Strength
from vaetut.widgets.face_explorer import FaceExplorer
from vaetut.widgets.packing import decode_packed
from vaetut.widgets.radius_explorer import RadiusExplorer

from .conftest import DESKTOP, PAGE, PHONE, Watched
from .test_explorers import CONTRASTS

SIZE, D, N, STEPS = 48, 256, 8, 5
FILTERS = (16, 32, 64, 128)  # the laptop's
NAMES = ("Smiling", "Hair length", "Age", "Eyeglasses", "Turned", "Light")
BETAS = ("0", "0.01", "0.1", "1", "10")
KINDS = ("faces", "radius", "beta")


def decoder(seed, normalization=True):
    """Return an untrained decoder of faces whose images vary, as after a training."""
    keras.utils.set_random_seed(seed)
    model = faces_decoder((SIZE, SIZE, 3), D, FILTERS, normalization=normalization)
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        values = np.asarray(weight)
        if "variance" in weight.path or "gamma" in weight.path:
            values = values * rng.uniform(0.5, 1.5, values.shape)
        elif "beta" in weight.path or "mean" in weight.path or "bias" in weight.path:
            values = rng.normal(scale=0.1, size=values.shape)
        weight.assign(np.asarray(values, np.float16).astype(np.float32))
    logits = np.asarray(model(rng.normal(size=(N, D))))
    last = model.get_layer("logits").kernel
    last.assign(np.float16(last * 1.5 / logits.std()).astype(np.float32))
    return model


def draw_faces(n, smile=0.0, seed=0, size=SIZE):
    """Return simple faces, uint8 (n, size, size, 3): what they are is to be seen."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    images = np.empty((n, size, size, 3))
    for image in images:
        ground, skin = (
            rng.uniform(0, 1, 3),
            rng.uniform(0.4, 0.9) * np.array([1, 0.8, 0.7]),
        )
        image[:] = ground * (1 - 0.2 * y[..., None])
        image[(x / 0.6) ** 2 + (y / 0.8) ** 2 < 1] = skin
        for side in (-0.25, 0.25):
            image[(x - side) ** 2 + (y + 0.2) ** 2 < 0.006] = 0.1
        mouth = abs(y - 0.42 + 0.25 * smile * (x**2 - 0.04)) < 0.035
        image[mouth & (abs(x) < 0.28)] = [0.6, 0.1, 0.1]
    return np.rint(255 * images).astype(np.uint8)


@pytest.fixture(scope="module")
def explorers():
    rng = np.random.default_rng(1)
    vae, ae = decoder(1), decoder(2, normalization=False)
    truths = {
        name: np.stack([draw_faces(N, a) for a in np.linspace(-2, 2, STEPS)], axis=1)
        for name in NAMES[:2]
    }
    truths["Hair length"] = truths["Hair length"][:, ::2]
    rows = [
        Strength(
            beta,
            draw_faces(N, k / 2),
            draw_faces(N, -k / 2, seed=9),
            np.histogram(rng.normal(30 / (k + 1), 2, 999), 100, (0, 50))[0],
            {"KL": f"{30 * k} nats", "reconstruction": f"{3000 + k} nats"},
        )
        for k, beta in enumerate(BETAS)
    ]
    radii = {"AE": rng.normal(30, 4, 999), "VAE": rng.normal(6, 1, 999)}
    return {
        "faces": FaceExplorer(
            vae,
            rng.normal(size=(N, D)),
            0.3 * rng.normal(size=(len(NAMES), D)),
            NAMES,
            thumbnails=draw_faces(N),
            truths=truths,
        ),
        "radius": RadiusExplorer({"AE": ae, "VAE": vae}, radii=radii),
        "beta": BetaExplorer(rows, originals=draw_faces(N), dimension=D),
    }


@pytest.fixture
def show(open_widgets):
    """Return a function that opens explorers and waits for their frames."""

    def show(*explorers, scripts=True, **options):
        watched = open_widgets(*explorers, java_script_enabled=scripts, **options)
        if scripts:
            for widget in watched.page.locator(".vaetut-explorer").all():
                settle(widget)
        return watched

    return show


def only(watched):
    return watched.page, watched.page.locator(".vaetut-explorer")


def settle(widget):
    """Wait until pictures are loaded and the last frame is drawn."""
    widget.page.wait_for_function(
        """node => node.matches("[data-ready], .vaetut-radius[data-frame]") &&
          (node.matches(".vaetut-beta") ||
            node.dataset.frame && node.getAttribute("aria-busy") === "false")""",
        arg=widget.element_handle(),
        timeout=20_000,
    )


def pixels(canvas):
    """Return the image that a canvas enlarges, uint8 (h, w, 3)."""
    text = canvas.evaluate(
        """({ small }) => {
          const { width, height } = small;
          const { data } = small.getContext("2d").getImageData(0, 0, width, height);
          let text = "";
          for (const byte of data) text += String.fromCharCode(byte);
          return JSON.stringify([height, width, btoa(text)]);
        }"""
    )
    height, width, data = json.loads(text)
    image = np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)
    assert (image[..., 3] == 255).all()
    return image[..., :3].astype(int)


def slider(widget, name=None):
    """Return the slider of a name, or the first."""
    return widget.get_by_role("slider", name=name).first


def drive(widget, name, value):
    """Move a slider as a reader does, and wait for the frame."""
    slider(widget, name).fill(str(value))
    settle(widget)


def drag(page, start, end, steps=4):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=steps)
    page.mouse.up()


def off(shown, expected):
    """Return by how many grey levels images differ at most."""
    return np.abs(np.stack(shown) - np.asarray(expected, int)).max()


# ---- What is decoded


def faces_shown(widget):
    return [
        pixels(widget.locator(f"[data-face={kind}]")) for kind in ("plain", "moved")
    ]


def test_the_moved_face_is_that_of_keras(show, explorers):
    explorer = explorers["faces"]
    watched = show(explorer)
    _, widget = only(watched)
    rng, seen = np.random.default_rng(0), []
    for face in range(N):
        widget.get_by_role("button", name=f"Face {face + 1}").click()
        amounts = rng.integers(-20, 21, len(NAMES)) / 10
        for name, amount in zip(NAMES, amounts, strict=True):
            drive(widget, name, round(10 * amount))
        assert json.loads(widget.get_attribute("data-amounts")) == pytest.approx(
            amounts
        )
        assert off(faces_shown(widget), explorer.decode(face, amounts)) <= 1
        seen.append(faces_shown(widget)[1])
    assert np.std(seen, axis=0).mean() > 10
    assert not watched.troubles


def models_shown(widget, name):
    canvases = widget.locator(f"[data-model={name}] canvas").all()
    return [pixels(canvas) for canvas in canvases]


@pytest.mark.parametrize("shape", ["sphere", "cube"])
def test_the_random_faces_are_those_of_keras(show, explorers, shape):
    explorer = explorers["radius"]
    watched = show(explorer)
    _, widget = only(watched)
    words = {
        "sphere": "on a sphere of radius r",
        "cube": "uniform in the cube from −r to r",
    }
    widget.locator("select").select_option(words[shape])
    for step in (0, 10, 64, 160):
        drive(widget, None, step)
        r = explorer.reach[shape] * step / 160
        assert float(widget.get_attribute("data-r")) == pytest.approx(r)
        for name, images in explorer.decode(shape, r).items():
            shown = models_shown(widget, name)
            assert len(shown) == N and off(shown, images) <= 1
            if step == 64:
                assert np.std(shown, axis=0).mean() > 10
    assert not watched.troubles


def test_the_page_decodes_where_no_worker_may_start(show, explorers):
    watched = show(explorers["faces"], init="delete window.Worker")
    _, widget = only(watched)
    drive(widget, "Age", 20)
    assert (
        off(faces_shown(widget), explorers["faces"].decode(0, [0, 0, 2, 0, 0, 0])) <= 1
    )
    assert not watched.troubles


def test_what_is_packed_is_what_is_shown_far_out(show, explorers):
    explorer = explorers["radius"]
    _, widget = only(show(explorer))
    drive(widget, None, 160)
    for panel in explorer.panels:
        logits = decode_packed(panel.packed, explorer.codes("sphere", 40))
        expected = np.rint(127.5 * (1 + np.tanh(logits / 2)))
        assert off(models_shown(widget, panel.name), expected) <= 1


@pytest.mark.parametrize(("kind", "most"), [("faces", 100), ("radius", 300)])
def test_speed_is_that_of_dragging(show, explorers, kind, most, capsys):
    """Not more than on a busy machine: what it is alone is printed."""
    _, widget = only(show(explorers[kind]))
    times = []
    for value in range(0, 20):
        drive(widget, "Smiling" if kind == "faces" else None, value)
        times.append(float(widget.get_attribute("data-lag")))
    with capsys.disabled():
        print(f"\n{kind}: slider to images {np.median(times):.1f} ms")
    assert np.median(times) < most


# ---- How they are moved


def test_mouse_and_keys_move_a_face(show, explorers):
    explorer = explorers["faces"]
    watched = show(explorer)
    page, widget = only(watched)

    def place():
        settle(widget)
        amounts = json.loads(widget.get_attribute("data-amounts"))
        return int(widget.get_attribute("data-face")), amounts

    slider(widget, "Smiling").focus()
    for key, amount in [("ArrowRight", 0.1), ("End", 2), ("ArrowLeft", 1.9)]:
        page.keyboard.press(key)
        assert place() == (0, [amount, 0, 0, 0, 0, 0])
    box = slider(widget, "Light").bounding_box()
    y = box["y"] + box["height"] / 2
    drag(page, (box["x"] + box["width"] / 2, y), (box["x"] + 4, y))
    assert place() == (0, [1.9, 0, 0, 0, 0, -2])
    widget.get_by_role("button", name="Another face").click()
    assert place() == (1, [1.9, 0, 0, 0, 0, -2])
    assert off(faces_shown(widget), explorer.decode(*place())) <= 1
    picks = widget.get_by_role("group", name="Face to start at").locator("button")
    picks.nth(1).focus()
    for key, face in [
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("ArrowUp", 0),
        ("ArrowLeft", 7),
    ]:
        page.keyboard.press(key)
        assert place()[0] == face
        assert picks.nth(face).get_attribute("aria-pressed") == "true"
        assert picks.nth(face).evaluate("node => node === document.activeElement")
    widget.get_by_role("button", name="Another face").click()
    widget.get_by_role("button", name="Reset all attributes").click()
    assert place() == (0, [0] * 6)
    assert not watched.troubles


def test_the_truth_is_that_of_the_slider_moved_last(show, explorers):
    explorer = explorers["faces"]
    _, widget = only(show(explorer))
    original = pixels(widget.locator("[data-face=original]"))
    assert np.array_equal(original, explorer.thumbnails[0])
    for name, value, near in [
        ("Smiling", 20, 4),
        ("Smiling", 4, 2),
        ("Hair length", -20, 0),
        ("Hair length", 11, 2),
        ("Age", 20, 1),  # has no truth: that of the hair stays out of it
    ]:
        drive(widget, name, value)
        film = widget.locator(".vf-strip canvas:not([hidden])").all()
        shown = name if name in explorer.truths else None
        assert widget.locator(".vf-film").is_visible() == bool(shown)
        if not shown:
            continue
        truths = explorer.truths[name][0].astype(int)
        assert len(film) == len(truths)
        for canvas, truth in zip(film, truths, strict=True):
            assert np.abs(pixels(canvas) - truth).mean() < 3  # JPEG
        marked = [canvas.evaluate("n => n.matches('.vf-near')") for canvas in film]
        assert marked == [k == near for k in range(len(film))]
        beside = pixels(widget.locator("[data-face=truth]"))
        assert np.array_equal(beside, pixels(film[near]))


def test_mouse_and_keys_move_the_radius(show, explorers):
    explorer = explorers["radius"]
    watched = show(explorer)
    page, widget = only(watched)

    def place():
        settle(widget)
        return widget.get_attribute("data-shape"), float(widget.get_attribute("data-r"))

    assert place() == ("sphere", 16)
    slider(widget).focus()
    for key, r in [("ArrowRight", 16.25), ("End", 40), ("Home", 0)]:
        page.keyboard.press(key)
        assert place() == ("sphere", r)
    ground = widget.locator(".vx-ground").bounding_box()
    y = ground["y"] + 30
    x = [ground["x"] + share * ground["width"] for share in (0.2, 0.4)]
    drag(page, (x[0], y), (x[1], y))
    assert place() == ("sphere", 16)
    before = models_shown(widget, "VAE")
    widget.locator("select").select_option("uniform in the cube from −r to r")
    shape, r = place()
    assert (shape, r) == ("cube", pytest.approx(16 * np.sqrt(3 / D), abs=0.05))
    assert explorer.length("cube", r) == pytest.approx(16, abs=0.5)
    assert f"r = {r:.2f}, codes about" in widget.locator("p.vx-words").inner_text()
    assert not np.array_equal(before, models_shown(widget, "VAE"))
    assert not watched.troubles


def test_the_hills_are_where_the_codes_are(show, explorers):
    explorer = explorers["radius"]
    _, widget = only(show(explorer))
    for words in ("on a sphere of radius r", "uniform in the cube from −r to r"):
        widget.locator("select").select_option(words)
        drive(widget, None, 60)
        shape, r = (
            widget.get_attribute("data-shape"),
            float(widget.get_attribute("data-r")),
        )
        ground = widget.locator(".vx-ground").bounding_box()
        scale = ground["width"] / explorer.reach[shape] / explorer.length(shape, 1)
        hill = widget.locator(".vi-hill.vx-k0").bounding_box()
        ends = hill["x"], hill["x"] + hill["width"]
        high = explorer.radii["AE"].max() * scale
        assert ends[1] - ground["x"] == pytest.approx(
            min(high, ground["width"]), abs=0.5 * scale + 3
        )
        length = explorer.length(shape, r)
        shares = {name: explorer.share(name, length) for name in explorer.names}
        text = widget.locator("p.vx-words").inner_text()
        for name, share in shares.items():
            said = text[text.index(f" {name} ") :].split(" ")[2].strip(",.")
            number = {"none": 0, "all": 100}.get(said) or float(
                said.replace("none", "0")
            )
            assert number == pytest.approx(100 * share, abs=1.1)


def test_the_strips_are_those_of_the_strength(show, explorers):
    explorer = explorers["beta"]
    watched = show(explorer)
    page, widget = only(watched)
    assert widget.get_attribute("data-run") == "0.1"

    def strip(kind):
        return [pixels(c) for c in widget.locator(f"[data-faces={kind}] canvas").all()]

    for key, run in [("ArrowRight", "1"), ("End", "10"), ("Home", "0")]:
        slider(widget).press(key)
        row = explorer.rows[explorer.names.index(run)]
        assert widget.get_attribute("data-run") == run
        assert widget.locator("output").inner_text() == run
        assert slider(widget).get_attribute("aria-valuetext") == f"β = {run}"
        for kind, images in [
            ("originals", explorer.originals),
            ("reconstructions", row.reconstructions),
            ("random", row.random),
        ]:
            shown = np.stack(strip(kind))
            assert shown.shape == images.shape
            assert np.abs(shown - images.astype(int)).mean() < 3  # JPEG
        cells = widget.locator("td").all_inner_texts()
        assert cells == list(row.numbers.values())
        ground = widget.locator(".vx-ground").bounding_box()
        hill = widget.locator(".vi-hill").bounding_box()
        reach = 0.5 * max(len(row.counts) for row in explorer.rows)
        share = 0.5 * len(row.counts) / reach
        assert hill["width"] == pytest.approx(share * ground["width"], abs=3)
        mark = widget.locator(".vb-prior").bounding_box()
        share = 16 / reach
        assert mark["x"] - ground["x"] == pytest.approx(share * ground["width"], abs=2)
    box = slider(widget).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4 + 4, box["y"] + box["height"] / 2)
    assert widget.get_attribute("data-run") == "0.01"
    assert not watched.troubles


# ---- Who looks at them


def test_all_share_a_page(show, explorers):
    watched = show(*explorers.values(), explorers["faces"])
    widgets = watched.page.locator(".vaetut-explorer").all()
    drive(widgets[0], "Age", 5)
    drive(widgets[1], None, 12)
    assert widgets[3].get_attribute("data-amounts") == "[0,0,0,0,0,0]"
    assert widgets[0].get_attribute("data-amounts") == "[0,0,0.5,0,0,0]"
    assert not watched.troubles


@pytest.mark.parametrize(
    ("kind", "before", "heard"),
    [
        ("faces", 3, "Face 1: Smiling +0.4. Length of its code: "),
        (
            "radius",
            31,
            "r = 8.00. Codes of real images that are shorter: AE none, VAE ",
        ),
        ("beta", 2, "β = 1: KL 90 nats, reconstruction 3003 nats, codes most often "),
    ],
)
def test_they_tell_a_screen_reader(show, explorers, kind, before, heard):
    page, widget = only(show(explorers[kind]))
    slider(widget).fill(str(before))
    slider(widget).press("ArrowRight")
    widget.locator("[aria-live=polite]").get_by_text(heard).wait_for(state="attached")
    assert widget.get_attribute("role") == "group"
    assert widget.get_attribute("aria-label")
    for node in widget.locator("input, select, button").all():
        assert node.get_attribute("data-lm-suppress-shortcuts") == "true"
        named = "n => n.getAttribute('aria-label') || n.labels?.[0]?.textContent"
        assert node.evaluate(named)
    for node in widget.locator("[role=img]").all():
        assert node.get_attribute("aria-label")
    for canvas in widget.locator("canvas:not([role=img])").all():
        assert canvas.get_attribute("aria-hidden") == "true"
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("width", [320, 390, 700])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_wider_than_the_page(show, explorers, kind, width):
    page, widget = only(show(explorers[kind], viewport=PHONE | {"width": width}))
    widget.locator("input").first.fill("3")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size(PHONE | {"width": 300})
    page.wait_for_function("document.documentElement.scrollWidth <= 320")


@pytest.mark.parametrize(("width", "least"), [(1280, 192), (700, 192), (390, 165)])
def test_a_face_is_large_and_smooth(show, explorers, width, least):
    _, widget = only(show(explorers["faces"], viewport={"width": width, "height": 900}))
    for canvas in widget.locator("[data-face]").all():
        assert canvas.bounding_box()["width"] >= least
        assert canvas.evaluate("node => node.width") >= 480
        rendering = "node => getComputedStyle(node).imageRendering"
        assert canvas.evaluate(rendering) == "auto"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_either_theme_can_be_read(show, explorers, kind, theme):
    page = show(explorers[kind]).page
    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    page.add_style_tag(content='[data-theme="dark"] { --jp-layout-color0: #121212 }')
    script = CONTRASTS.replace(".vx-curve, .vg-line", ".vi-hill, .vb-prior")
    text, lines = page.evaluate(script)
    assert len(text) > 12 and min(text) >= 4.5
    assert kind == "faces" or (len(lines) > 1 and min(lines) >= 2.7)


@pytest.mark.parametrize("kind", KINDS)
def test_without_javascript_there_is_a_picture_with_words(show, explorers, kind):
    page = show(explorers[kind], scripts=False).page
    picture = page.get_by_role("img")
    assert picture.get_attribute("alt") == explorers[kind].alt
    assert picture.bounding_box()["width"] > 300


@pytest.mark.parametrize("kind", KINDS)
def test_a_finger_scrolls_past(show, explorers, kind):
    options = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
    watched = show(explorers[kind], **options)
    _, widget = only(watched)
    action = "node => getComputedStyle(node).touchAction"
    assert widget.evaluate(action) == "auto"
    if kind == "radius":
        assert widget.locator(".vx-plot").evaluate(action) == "pan-y"
    assert not watched.troubles


# ---- In Jupyter

LIVE = """async ([script, state, values]) => {
  const blob = new Blob([script], { type: "text/javascript" });
  const { default: widget } = await import(URL.createObjectURL(blob));
  const heard = [];
  const view = (text) => new DataView(
    Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const tell = (name, ...rest) => [...heard].forEach(
    ([event, listener]) => event === name && listener(...rest));
  const model = {
    get: (name) => values[name],
    set: (name, value) => {
      if (values[name] === value) return;
      values[name] = value;
      tell(`change:${name}`);
    },
    save_changes: () => (window.saved = { ...values }),
    on: (event, listener) => heard.push([event, listener]),
    off: (event, listener) => heard.splice(heard.findIndex(
      ([e, l]) => e === event && l === listener), 1),
    send: async (message) => {
      await null;
      if (message.kind === "state")
        return tell("msg:custom", { kind: "state", state }, []);
      const images = await window.kernel(message);
      const { number } = message;
      if (typeof images === "string")
        return tell("msg:custom", { kind: "error", text: images }, []);
      const others = { kind: "images", number: number + 1, ms: 1 };
      tell("msg:custom", others, []);
      tell("msg:custom", { kind: "images", number, ms: 1 }, images.map(view));
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
        ("faces", "amounts", [0, 1, 0, 0, 0, 0], [0.1, 1, 0, 0, 0, 0]),
        ("radius", "radius", 3, 3.25),
        ("beta", "run", "0.01", "0.1"),
    ],
)
def test_the_live_view_and_the_kernel_follow_each_other(
    browser, explorers, kind, trait, first, second
):
    """The module as anywidget runs it, with a kernel behind a pretended model."""
    explorer, asked = explorers[kind], []
    before = {name: getattr(explorer, name) for name in explorer.view}

    def kernel(message):
        asked.append(message)
        if len(asked) == 2:
            return "ValueError: pretended."
        images = explorer.images(message["wish"])
        return [base64.b64encode(image.tobytes()).decode() for image in images]

    with browser.new_context() as context:
        watched = Watched(context.new_page(), "")
        page = watched.page
        page.expose_function("kernel", kernel)
        page.set_content(PAGE.format("<main></main>"))
        page.add_style_tag(content=explorer._css)
        state = json.loads(json.dumps(explorer.state))
        assert "networks" not in state
        page.evaluate(LIVE, [str(explorer._esm), state, before])
        widget = page.locator(f".vaetut-explorer.vaetut-{kind}")
        settle(widget)
        page.evaluate("([name, v]) => model.set(name, v)", [trait, first])
        if kind != "beta":  # the second wish goes wrong, and is said
            widget.get_by_role("alert").get_by_text("ValueError: pretended.").wait_for()
        slider(widget).press("ArrowRight")
        settle(widget)
        assert page.evaluate("window.saved") == before | {trait: second}
        setattr(explorer, trait, second)  # what a view sends is valid
        setattr(explorer, trait, before[trait])
        if kind == "faces":
            assert asked[-1]["wish"] == {"face": 0, "amounts": second}
            assert off(faces_shown(widget), explorer.decode(0, second)) == 0
        if kind == "radius":
            assert asked[-1]["wish"] == {"shape": "sphere", "r": second}
            for name, images in explorer.decode("sphere", second).items():
                assert off(models_shown(widget, name), images) == 0
        if kind != "beta":
            assert widget.get_by_role("alert").inner_text() == ""
        assert page.evaluate("window.close_widget()") == 0
        assert not watched.troubles


CELL = """
import keras
import nbformat
import numpy as np
from vaetut.models.faces import faces_decoder
from vaetut.widgets import FaceExplorer
keras.utils.set_random_seed(1)
decoder = faces_decoder((16, 16, 3), 8, (4, 4))
rng = np.random.default_rng(0)
names = ["Smiling", "Age"]
FaceExplorer(decoder, 9 * rng.normal(size=(3, 8)), 9 * rng.normal(size=(2, 8)), names)
"""


def test_the_live_view_moves_in_jupyterlab(browser, jupyterlab):
    address, folder = jupyterlab
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(CELL)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, folder / "live.ipynb")
    with browser.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}/lab/tree/live.ipynb?reset")
        page.locator(".jp-CodeCell .cm-content").first.click(timeout=60_000)
        page.wait_for_selector(
            "text=Kernel status: Idle", state="attached", timeout=60_000
        )
        page.keyboard.press("Control+Enter")
        widget = page.locator(".vaetut-faces[data-frame]")
        widget.wait_for(timeout=60_000)
        before = faces_shown(widget)
        assert np.array_equal(*before)
        slider(widget, "Age").press("End")
        page.locator(".vaetut-faces[data-amounts='[0,2]']").wait_for()
        settle(widget)
        plain, moved = faces_shown(widget)
        assert np.array_equal(plain, before[0])
        assert not np.array_equal(moved, before[1])
        assert not errors
