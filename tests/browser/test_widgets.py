"""The latent explorer in Chromium: by itself on a page, and in the built book.

A page made of a widget's own HTML needs no book: most tests drive that. At the end,
every widget of the book is driven from the disk and from a server.
"""

import base64
import json
import re
import statistics

import keras
import nbformat
import numpy as np
import pytest
from keras import layers

from vaetut.models import conv_decoder
from vaetut.widgets import LatentExplorer, Panel
from vaetut.widgets.packing import decode_packed

from .conftest import PAGE, PHONE, Watched

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(400, 2)) * [1, 0.6] + [0, 0.3]
LABELS = (np.arctan2(*CODES.T) > 0).astype(int) + 2 * (CODES[:, 0] > 0.5)
NAMES = ("north", "south", "north-east", "south-east")


def random_weights(model, scale=0.15):
    """Return the model with weights that float16 holds and images that vary."""
    for weight in model.weights:
        values = RNG.normal(scale=scale, size=weight.shape)
        if "variance" in weight.path:
            values = np.abs(values) + 0.5
        weight.assign(values.astype(np.float16).astype(np.float32))
    return model


def mixed_decoder():
    """Return a colour decoder with every kind of layer, and nothing to fold."""
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(3 * 4 * 8, activation="elu"),
            layers.Reshape((3, 4, 8)),
            layers.UpSampling2D((2, 1)),
            layers.Conv2DTranspose(8, (4, 5), strides=(2, 3), padding="same"),
            layers.LeakyReLU(0.1),
            layers.Conv2D(6, (3, 4), padding="same", activation="swish"),
            layers.Conv2DTranspose(6, 3, strides=2, activation="tanh"),
            layers.Conv2D(5, 3, strides=2, activation="softplus"),
            layers.Dense(3),
        ]
    )
    return random_weights(model, scale=0.3)


def normalised_decoder():
    """Return a decoder whose normalisations are folded, and one that cannot be."""
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4 * 4 * 8),
            layers.Reshape((4, 4, 8)),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.BatchNormalization(),
            layers.Activation("sigmoid"),
            layers.Conv2DTranspose(1, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
        ]
    )
    return random_weights(model, scale=1)


# A module's fixtures are made once a worker; weights are drawn, not trained.
@pytest.fixture(scope="module")
def plane():
    decoder = random_weights(conv_decoder((32, 32, 1), 2))
    pool = (RNG.integers(0, 255, (50, 32, 32, 1), np.uint8), CODES[:50])
    return LatentExplorer(
        decoder, CODES, labels=LABELS, class_names=NAMES, nearest=pool, limits=3
    )


@pytest.fixture(scope="module")
def pair(plane):
    first = plane.panels[0]
    second = random_weights(conv_decoder((16, 16, 1), 2, filters=(8, 8)))
    return LatentExplorer(
        [
            Panel(first.decoder, CODES, limits=3, name="Autoencoder"),
            Panel(second, CODES, values=CODES[:, 0], limits=(0, 8), name="VAE"),
        ]
    )


@pytest.fixture
def show(open_widgets):
    """Return a function that opens explorers and waits for their frames."""

    def show(*explorers, **options):
        watched = open_widgets(*explorers, **options)
        if options.get("java_script_enabled", True):
            wait_for_frame(watched.page.locator(".vaetut-widget").last)
        return watched

    return show


def wait_for_frame(widget, after=None):
    """Wait until a widget has drawn a frame, another one than `after`."""
    widget.scroll_into_view_if_needed()
    widget.page.wait_for_function(
        "([node, after]) => node.dataset.frame && node.dataset.frame !== after",
        arg=[widget.element_handle(), after],
        timeout=20_000,
    )


def settle(widget):
    """Wait until the last frame is drawn, and return its codes, one a panel."""
    wait_for_frame(widget)
    widget.page.wait_for_function(
        "node => node.getAttribute('aria-busy') === 'false'",
        arg=widget.element_handle(),
    )
    return json.loads(widget.get_attribute("data-codes"))


def pixels(widget, panel=0):
    """Return the decoded image on the page as uint8 (h, w, 3)."""
    canvas = widget.locator(".ve-out canvas").nth(panel)
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
    image = np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)
    assert (image[..., 3] == 255).all()
    return image[..., :3]


def set_slider(slider, value):
    slider.evaluate(
        """(node, value) => {
          node.value = value;
          node.dispatchEvent(new Event("input"));
        }""",
        value,
    )


# ---- What it draws


@pytest.mark.parametrize("kind", ["plane", "mixed", "normalised"])
def test_images_are_those_of_keras(show, plane, kind):
    if kind == "plane":
        explorer = plane
    else:
        make = {"mixed": mixed_decoder, "normalised": normalised_decoder}[kind]
        explorer = LatentExplorer(make(), limits=2)
    watched = show(explorer)
    widget = watched.page.locator(".vaetut-widget")
    sliders = widget.locator("input[type=range]").all()
    seen = []
    for _ in range(24):
        for slider in sliders:
            set_slider(slider, str(RNG.integers(501)))
        (code,) = settle(widget)
        expected = explorer.panels[0].draw([code])[0]
        if kind == "normalised":  # what is folded is rounded to float16 once more
            logits = decode_packed(explorer.panels[0].packed, [code])[0]
            expected = np.rint(127.5 * (1 + np.tanh(logits / 2)))
        difference = np.abs(pixels(widget).astype(int) - expected)
        assert difference.max() <= 1
        seen.append(pixels(widget))
    assert np.std(seen, axis=0).mean() > 1
    assert not watched.troubles


def test_speed_is_that_of_dragging(show, capsys):
    decoders = {
        "32 × 32, the course's": conv_decoder((32, 32, 1), 2),
        "128 × 128, compact": conv_decoder((128, 128, 1), 2, (8, 16, 32, 64, 64)),
    }
    for name, decoder in decoders.items():
        widget = show(LatentExplorer(decoder)).page.locator(".vaetut-widget")
        slider = widget.locator("input").first
        times = []
        for value in range(0, 500, 10):
            frame = widget.get_attribute("data-frame")
            set_slider(slider, str(value))
            wait_for_frame(widget, after=frame)
            times.append(float(widget.get_attribute("data-lag")))
        with capsys.disabled():
            print(f"\n{name}: slider to image {statistics.median(times):.1f} ms")
        assert statistics.median(times) < 150  # a busy machine; see benchmarks


def test_the_page_decodes_where_no_worker_may_start(show, plane):
    watched = show(plane, init="delete window.Worker")
    widget = watched.page.locator(".vaetut-widget")
    (code,) = settle(widget)
    expected = plane.panels[0].draw([code])[0]
    assert np.abs(pixels(widget).astype(int) - expected).max() <= 1
    assert not watched.troubles


# ---- How it is moved


def drive(widget):
    """Move a widget by mouse, keyboard and buttons; each changes the image."""

    def changes(act):
        before = settle(widget), pixels(widget)
        act()
        after = settle(widget), pixels(widget)
        assert before[0] != after[0]
        assert not np.array_equal(before[1], after[1])

    mouse, keyboard = widget.page.mouse, widget.page.keyboard
    pads = widget.locator(".ve-pad")
    for pad in pads.all():
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        spot = lambda x, y, box=box: (  # noqa: E731
            box["x"] + x * box["width"],
            box["y"] + y * box["height"],
        )

        def drag(spot=spot):
            mouse.move(*spot(0.3, 0.4))
            mouse.down()
            mouse.move(*spot(0.6, 0.35), steps=5)
            mouse.move(*spot(0.8, 0.25), steps=5)
            mouse.up()

        changes(drag)
        pad.focus()
        for key in ("ArrowLeft", "Shift+ArrowDown"):
            changes(lambda key=key: [keyboard.press(key) for _ in range(3)])
    slider = widget.locator("input[type=range]").first
    slider.focus()
    changes(lambda: [keyboard.press("PageDown") for _ in range(2)])
    changes(lambda: [keyboard.press("ArrowRight") for _ in range(9)])
    play, reset = widget.locator("button").all()
    play.focus()
    changes(
        lambda: (
            keyboard.press("Enter")
            or widget.page.wait_for_timeout(700)
            or keyboard.press("Enter")
        )
    )
    moved = settle(widget)
    reset.click()
    assert settle(widget) != moved


def test_one_plane_moves(show, plane):
    watched = show(plane)
    drive(watched.page.locator(".vaetut-widget"))
    assert not watched.troubles


def test_a_drag_moves_both_planes(show, pair):
    watched = show(pair)
    widget = watched.page.locator(".vaetut-widget")
    drive(widget)
    left, right = (np.array(code) for code in settle(widget))
    assert (left + 3) / 6 == pytest.approx(right / 8)
    for k, (panel, code) in enumerate(zip(pair.panels, (left, right), strict=True)):
        difference = pixels(widget, k).astype(int) - panel.draw([code])[0]
        assert np.abs(difference).max() <= 1
    assert not watched.troubles


def test_two_explorers_share_a_page(show, plane, pair):
    watched = show(plane, pair)
    first, second = watched.page.locator(".vaetut-widget").all()
    before = settle(second)
    set_slider(first.locator("input").first, "17")
    assert settle(first)[0][0] == pytest.approx(-3 + 6 * 17 / 500)
    assert settle(second) == before
    assert not watched.troubles


def test_a_finger_moves_the_point_but_scrolls_elsewhere(show, plane):
    watched = show(plane, viewport=PHONE, has_touch=True, is_mobile=True)
    widget = watched.page.locator(".vaetut-widget")
    pad = widget.locator(".ve-pad")
    before = settle(widget)
    pad.tap(position={"x": 40, "y": 50})
    (code,) = settle(widget)
    assert [code] != before and code[0] < -1.5 and code[1] > 1.5
    actions = "nodes => nodes.map(n => getComputedStyle(n).touchAction)"
    assert pad.evaluate(f"n => ({actions})([n])") == ["none"]
    assert widget.evaluate(f"n => ({actions})([n])") == ["auto"]


def test_the_nearest_image_is_shown(show, plane):
    watched = show(plane)
    widget = watched.page.locator(".vaetut-widget")
    images, codes = plane.panels[0].nearest
    for value in ("150", "300"):
        set_slider(widget.locator("input").first, value)
        (code,) = settle(widget)
        expected = images[((codes - code) ** 2).sum(1).argmin()]
        shown = widget.locator(".ve-near canvas").evaluate(
            "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
        )
        shown = np.array(shown).reshape(32, 32, 4)[..., :1]
        assert np.array_equal(shown, expected)


# ---- Who looks at it


def test_names_are_there_for_screen_readers(show, pair):
    widget = show(pair).page.locator(".vaetut-widget")
    settle(widget)
    assert widget.get_attribute("role") == "group"
    assert "Autoencoder" in widget.locator(".ve-pad").first.get_attribute("aria-label")
    slider = widget.get_by_label("z₁")
    assert slider.get_attribute("aria-valuetext").startswith("Autoencoder ")
    assert slider.get_attribute("data-lm-suppress-shortcuts") == "true"
    for canvas in widget.locator(".ve-out canvas").all():
        assert "z = (" in canvas.get_attribute("aria-label")
    heard = widget.locator("[aria-live=polite]")
    widget.page.wait_for_timeout(800)
    assert "VAE: z = (" in heard.inner_text()


def test_reduced_motion_steps(show, plane):
    widget = show(plane, reduced_motion="reduce").page.locator(".vaetut-widget")
    play = widget.get_by_role("button", name="Step")
    before = settle(widget)
    play.click()
    stepped = settle(widget)
    widget.page.wait_for_timeout(500)
    assert stepped != before and settle(widget) == stepped


@pytest.mark.parametrize("width", [320, 390, 700])
def test_nothing_is_wider_than_the_page(show, plane, pair, width):
    page = show(plane, pair, viewport={"width": width, "height": 844}).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_dark_cloud_is_drawn_for_dark(show, plane):
    page = show(plane).page
    light = page.locator(".ve-pad").screenshot()
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_timeout(200)
    ground = page.evaluate(
        """() => { const c = document.querySelector('.ve-pad canvas');
          const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
          let dim = 0, all = 0;
          for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 120) {
            all++; dim += data[i] * 2 + data[i + 1] * 5 + data[i + 2] < 8 * 70; }
          return [dim, all]; }"""
    )
    assert ground[1] > 500 and ground[0] < 0.02 * ground[1]
    assert page.locator(".ve-pad").screenshot() != light


def test_without_javascript_there_is_a_picture_with_words(show, plane):
    page = show(plane, java_script_enabled=False).page
    picture = page.get_by_role("img")
    assert picture.get_attribute("alt") == plane.alt
    assert picture.bounding_box()["width"] > 300


def test_the_live_view_asks_the_kernel(browser, pair, tmp_path):
    """The module as anywidget runs it, with a kernel behind a pretended model."""
    with browser.new_context() as context:
        watched = Watched(context.new_page(), "")
        page = watched.page
        asked = []

        def kernel(message):
            asked.append(message)
            images = pair.decode(message["wish"]["position"])
            return [base64.b64encode(image.tobytes()).decode() for image in images]

        page.expose_function("kernel", kernel)
        page.set_content(PAGE.format("<main></main>"))
        page.evaluate(
            """async ([script, state]) => {
              const blob = new Blob([script], { type: "text/javascript" });
              const url = URL.createObjectURL(blob);
              const { default: widget } = await import(url);
              const listeners = [];
              const bytes = (text) => 
                Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
              const view = (text) => new DataView(bytes(text).buffer);
              const model = {
                on: (_, listener) => listeners.push(listener),
                off: (_, listener) => listeners.splice(listeners.indexOf(listener), 1),
                send: async (message) => {
                  if (message.kind === "state") {
                    await null;
                    for (const listener of [...listeners])
                      listener({ kind: "state", state }, []);
                    return;
                  }
                  const images = await window.kernel(message);
                  const answer = { kind: "images", number: message.number, ms: 1 };
                  for (const listener of listeners) listener(answer, images.map(view));
                },
              };
              const el = document.querySelector("main");
              const close = await widget.render({ model, el });
              window.close_widget = () => (close(), listeners.length);
            }""",
            [str(pair._esm), pair.state],
        )
        widget = page.locator(".vaetut-widget")
        wait_for_frame(widget)
        set_slider(widget.locator("input").first, "100")
        codes = settle(widget)
        for k, (panel, code) in enumerate(zip(pair.panels, codes, strict=True)):
            assert np.array_equal(pixels(widget, k), panel.draw([code])[0] + [0, 0, 0])
        assert asked[-1]["wish"]["position"][0] == pytest.approx(0.2)
        assert page.evaluate("window.close_widget()") == 0
        assert not watched.troubles


# ---- The built book


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_every_widget_of_the_book_moves(html, open_page, scheme):
    pages = [
        path
        for path in sorted(html.rglob("*.html"))
        if '<div class="vaetut-explorer vaetut-widget"' in path.read_text("utf-8")
    ]
    if not pages:
        pytest.skip("No page of the built book has a widget.")
    for path in pages:
        states = [
            json.loads(text)
            for text in re.findall(
                r'<script type="application/json">(\{"colours".*?)</script>',
                path.read_text("utf-8"),
            )
        ]
        with open_page(path.relative_to(html).as_posix(), scheme) as watched:
            widgets = watched.page.locator(".vaetut-widget").all()
            for state, widget in zip(states, widgets, strict=True):
                wait_for_frame(widget)
                drive(widget)
                for i, code in enumerate(settle(widget)):
                    logits = decode_packed(state["networks"][i], [code])[0]
                    expected = 127.5 * (1 + np.tanh(logits / 2))
                    assert np.abs(pixels(widget, i) - expected).max() <= 1
            assert not watched.troubles


# ---- JupyterLab


LIVE = """
import keras
from vaetut.models import conv_decoder
from vaetut.widgets import LatentExplorer
keras.utils.set_random_seed(1)
decoder = conv_decoder((8, 8, 1), 2, filters=(4,))
decoder.set_weights([4 * w for w in decoder.get_weights()])
LatentExplorer(decoder)
"""


def test_the_live_view_moves_in_jupyterlab(browser, jupyterlab):
    address, folder = jupyterlab
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(LIVE)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, folder / "live.ipynb")
    with browser.new_context() as context:
        page = context.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}/lab/tree/live.ipynb?reset")
        cell = page.locator(".jp-CodeCell .cm-content").first
        cell.click(timeout=60_000)
        page.wait_for_selector(
            "text=Kernel status: Idle", state="attached", timeout=60_000
        )
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(".vaetut-widget[data-frame]", timeout=60_000)
        drive(page.locator(".vaetut-widget"))
        assert not errors
