"""The latent explorer in Chromium: its images, planes and path; and in the built book.

A page made of a widget's own HTML needs no book: most tests drive that. At the end,
every widget of the book is driven from the disk and from a server.
"""

import base64
import json
import re
import statistics

import keras
import numpy as np
import pytest
from keras import layers
from widget_table import example, plane_codes, random_weights

from vaetut.models import conv_decoder
from vaetut.widgets import LatentExplorer, Panel
from vaetut.widgets.packing import decode_packed

from .looking import (
    drag,
    open_live,
    pixels,
    press,
    rest,
    set_theme,
    spent,
    spot,
    wait_until_it_fits,
    wait_until_ready,
)

RNG = np.random.default_rng(0)


READY = "[data-frame][aria-busy=false]"


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


@pytest.fixture(scope="module")
def plane():
    return example("LatentExplorer")


@pytest.fixture(scope="module")
def pair(plane):
    first, codes = plane.panels[0], plane_codes()[0]
    second = random_weights(conv_decoder((16, 16, 1), 2, filters=(8, 8)))
    return LatentExplorer(
        [
            Panel(first.decoder, codes, limits=3, name="Autoencoder"),
            Panel(second, codes, values=codes[:, 0], limits=(0, 8), name="VAE"),
        ]
    )


def settle(widget):
    """Wait until the last frame is drawn, and return its codes, one a panel."""
    wait_until_ready(widget, READY)
    return json.loads(widget.get_attribute("data-codes"))


def shown(widget, panel=0):
    """Return the decoded image on the page as uint8 (h, w, 3)."""
    return pixels(widget.locator(".ve-out canvas").nth(panel))


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
        difference = np.abs(shown(widget).astype(int) - expected)
        assert difference.max() <= 1
        seen.append(shown(widget))
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
        with spent(widget.page) as worked:
            for value in range(0, 500, 10):
                set_slider(slider, str(value))
                wait_until_ready(widget, READY)
                times.append(float(widget.get_attribute("data-lag")))
        lag, work = statistics.median(times), worked[0] / len(times)
        with capsys.disabled():
            print(f"\n{name}: slider to image {lag:.1f} ms, {work:.1f} of work")
        assert work < 80


def test_the_page_decodes_where_no_worker_may_start(show, plane):
    watched = show(plane, init="delete window.Worker")
    widget = watched.page.locator(".vaetut-widget")
    (code,) = settle(widget)
    expected = plane.panels[0].draw([code])[0]
    assert np.abs(shown(widget).astype(int) - expected).max() <= 1
    assert not watched.troubles


# ---- How it is moved


def drive(widget):
    """Move a widget by mouse, keyboard and buttons; each changes the image."""
    page = widget.page

    def changes(act):
        before, image = settle(widget), shown(widget)
        act()
        assert settle(widget) != before
        assert not np.array_equal(shown(widget), image)

    for pad in widget.locator(".ve-pad").all():
        places = spot(pad, 0.3, 0.4), spot(pad, 0.8, 0.25)
        changes(lambda places=places: drag(page, *places, steps=10))
        pad.focus()
        changes(lambda: press(page, *3 * ["ArrowLeft"]))
        changes(lambda: press(page, *3 * ["Shift+ArrowDown"]))
    slider = widget.locator("input[type=range]").first
    slider.focus()
    changes(lambda: press(page, "PageDown", "PageDown"))
    changes(lambda: press(page, *9 * ["ArrowRight"]))
    play, reset = widget.locator("button").all()
    before = settle(widget)
    play.press("Enter")
    page.wait_for_function(
        "([node, before]) => node.dataset.codes !== before",
        arg=[widget.element_handle(), json.dumps(before, separators=(",", ":"))],
    )
    play.press("Enter")
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
        difference = shown(widget, k).astype(int) - panel.draw([code])[0]
        assert np.abs(difference).max() <= 1
    assert not watched.troubles


def test_the_nearest_image_is_shown(show, plane):
    widget = show(plane).page.locator(".vaetut-widget")
    images, codes = plane.panels[0].nearest
    for value in ("150", "300"):
        set_slider(widget.locator("input").first, value)
        (code,) = settle(widget)
        expected = images[((codes - code) ** 2).sum(1).argmin()]
        near = pixels(widget.locator(".ve-near canvas"))
        assert np.array_equal(near[..., :1], expected)


# ---- Who looks at it


def test_both_planes_have_names(show, pair):
    widget = show(pair).page.locator(".vaetut-widget")
    assert "Autoencoder" in widget.locator(".ve-pad").first.get_attribute("aria-label")
    slider = widget.get_by_label("z₁")
    assert slider.get_attribute("aria-valuetext").startswith("Autoencoder ")
    for canvas in widget.locator(".ve-out canvas").all():
        assert "z = (" in canvas.get_attribute("aria-label")
    heard = widget.locator("[aria-live=polite]")
    heard.get_by_text("VAE: z = (").wait_for(state="attached")


def test_reduced_motion_steps(show, plane):
    widget = show(plane, reduced_motion="reduce").page.locator(".vaetut-widget")
    play = widget.get_by_role("button", name="Step")
    before = settle(widget)
    play.click()
    stepped = settle(widget)
    rest(widget.page, frames=20)
    assert stepped != before and settle(widget) == stepped


@pytest.mark.parametrize("width", [320, 390, 700])
def test_two_planes_are_no_wider_than_the_page(show, pair, width):
    page = show(pair, viewport={"width": width, "height": 844}).page
    wait_until_it_fits(page, width)


def test_the_dark_cloud_is_drawn_for_dark(show, plane):
    page = show(plane).page
    light = page.locator(".ve-pad").screenshot()
    set_theme(page, "dark")
    page.wait_for_function(
        """() => { const c = document.querySelector('.ve-pad canvas');
          const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
          let dim = 0, all = 0;
          for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 120) {
            all++; dim += data[i] * 2 + data[i + 1] * 5 + data[i + 2] < 8 * 70; }
          return all > 500 && dim < 0.02 * all; }""",
    )
    assert page.locator(".ve-pad").screenshot() != light


def test_the_live_view_asks_the_kernel_for_both_planes(empty_page, pair):
    asked = []

    def kernel(message):
        asked.append(message["wish"]["position"])
        images = pair.decode(asked[-1])
        return [base64.b64encode(image.tobytes()).decode() for image in images]

    widget = open_live(empty_page.page, pair, kernel)
    set_slider(widget.locator("input").first, "100")
    codes = settle(widget)
    for k, (panel, code) in enumerate(zip(pair.panels, codes, strict=True)):
        assert np.array_equal(shown(widget, k), panel.draw([code])[0] + [0, 0, 0])
    assert asked[-1][0] == pytest.approx(0.2)
    assert not empty_page.troubles


# ---- The built book


def states_of(path):
    """Return the states of a page's latent explorers, with the weights they share."""
    found = r'<script type="application/json">(\{"widget".*?)</script>'
    states = [json.loads(text) for text in re.findall(found, path.read_text("utf-8"))]
    own = []  # of the page, as "#k" counts them
    for network in (net for state in states for net in state.get("networks", ())):
        if not network["weights"].startswith("#"):
            own.append(network["weights"])
        else:
            network["weights"] = own[int(network["weights"][1:])]
    return [state for state in states if state["widget"] == "vaetut-widget"]


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_every_widget_of_the_book_moves(html, open_page, scheme):
    pages = [
        path
        for path in sorted(html.rglob("*.html"))
        if '<div class="vaetut-explorer vaetut-widget"' in path.read_text("utf-8")
    ]
    assert pages, "No page of the built book has a latent explorer."
    for path in pages:
        states = states_of(path)
        with open_page(path.relative_to(html).as_posix(), scheme) as watched:
            widgets = watched.page.locator(".vaetut-widget").all()
            for state, widget in zip(states, widgets, strict=True):
                wait_until_ready(widget, READY)
                drive(widget)
                for i, code in enumerate(settle(widget)):
                    logits = decode_packed(state["networks"][i], [code])[0]
                    expected = 127.5 * (1 + np.tanh(logits / 2))
                    assert np.abs(shown(widget, i) - expected).max() <= 1
            assert not watched.troubles
