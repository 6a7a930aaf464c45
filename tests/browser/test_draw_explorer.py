"""The draw and the star explorer in Chromium: numbers as Keras has, and bad input."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from widget_table import make_draw, make_star, small_vae, star_vae

from vaetut.datasets import polar
from vaetut.models import Autoencoder, conv_encoder
from vaetut.widgets.draw_explorer import posterior

from .looking import drag, pixels, spot, wait_until_ready

READY = "[data-code][aria-busy=false]"
DROP = """([node, name, type, text]) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type }));
  node.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
}"""
PASTE = """([node, text]) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const options = { clipboardData: data, bubbles: true };
  node.dispatchEvent(new ClipboardEvent("paste", options));
}"""


def numbers(widget, name):
    wait_until_ready(widget, READY)
    return np.array(json.loads(widget.get_attribute(f"data-{name}")))


def grey(widget, name):
    """Return what a canvas shows, as numbers in [0, 1] of shape (1, h, w, 1)."""
    return pixels(widget.locator(f".vd-{name}"))[None, ..., :1] / 255


def drop(widget, data, name="picture.png", kind="image/png"):
    text = base64.b64encode(data).decode()
    widget.evaluate(
        "(node, rest) => (" + DROP + ")([node, ...rest])", [name, kind, text]
    )


def png(array, mode="L"):
    stream = io.BytesIO()
    Image.fromarray(array, mode).save(stream, "PNG")
    return stream.getvalue()


def trouble(widget):
    return widget.locator(".vd-trouble")


@pytest.fixture
def drawing(show):
    watched = show(make_draw())
    yield watched
    assert not watched.troubles


def compare(widget, model):
    """Compare a page's answer with Keras, from what the page gave the model."""
    image = grey(widget, "form").astype(np.float32)
    mean, sd = posterior(model, image)
    assert np.abs(numbers(widget, "mean") - mean[0]).max() < 1e-3
    assert np.abs(numbers(widget, "sd") - sd[0]).max() < 1e-3
    answer = 255 * model.decode(numbers(widget, "code")[None])[0, ..., 0]
    shown = pixels(widget.locator(".vd-answer"))[..., 0]
    assert np.abs(shown - answer).max() <= 1


def test_examples_and_drawings_are_encoded_as_in_keras(drawing):
    widget, model = drawing.root, small_vae()
    for key in ("ArrowRight", "End"):
        widget.get_by_label("Example").press(key)
        wait_until_ready(widget, READY)
        compare(widget, model)
    given = make_draw().examples[-1, ..., 0] / 255
    assert np.array_equal(grey(widget, "form")[0, ..., 0], given)  # to the last bit
    canvas, before = widget.locator(".vd-canvas"), grey(widget, "form")
    drag(widget.page, spot(canvas, 0.1, 0.2), spot(canvas, 0.9, 0.25))
    wait_until_ready(widget, READY)
    assert grey(widget, "form").sum() > before.sum() + 10
    compare(widget, model)


def test_epsilon_is_drawn_from_the_posterior(drawing):
    widget, codes = drawing.root, []
    for _ in range(40):
        widget.get_by_role("button", name="Draw ε again").click()
        codes.append(numbers(widget, "code"))
    mean, sd = numbers(widget, "mean"), numbers(widget, "sd")
    z = (np.array(codes) - mean) / sd
    assert 0.6 < z.std() < 1.4 and abs(z.mean()) < 0.5
    widget.get_by_role("button", name="Set ε to 0").click()
    assert np.allclose(numbers(widget, "code"), mean, atol=1e-6)


def test_the_loss_is_split_and_adds_up(drawing):
    widget, model = drawing.root, small_vae()
    image = grey(widget, "form").astype(np.float32)
    logits = model.decode_logits(numbers(widget, "code")[None])[0]
    nats = np.sum(np.logaddexp(0, logits) - image[0] * logits)
    cells = [
        float(row.locator("td").last.inner_text().replace("−", "-"))
        for row in widget.locator(".vm-loss tr").all()
    ]
    mean, sd = numbers(widget, "mean"), numbers(widget, "sd")
    kl = 0.5 * np.sum(mean**2 + sd**2 - 1 - 2 * np.log(sd))
    assert cells[0] == pytest.approx(nats, rel=1e-3)
    assert cells[1] == pytest.approx(model.beta * kl, abs=0.02)
    assert cells[0] + cells[1] == pytest.approx(cells[2], abs=1e-6)


def test_an_autoencoder_has_no_noise(show):
    model = Autoencoder(conv_encoder((32, 32, 1), 2), small_vae().decoder)
    widget = show(make_draw(model=model)).root
    compare(widget, model)
    assert widget.get_by_role("button", name="ε").count() == 0
    assert widget.locator(".vm-loss tr").count() == 1


# ---- Pictures from outside


def test_a_large_photograph_is_brought_to_the_models_form(drawing):
    """Twenty megapixels: dark ink on paper, with the picture in the middle."""
    widget = drawing.root
    photograph = np.full((4000, 5000), 230, np.uint8)
    photograph[1500:2500, 2000:3000] = 40
    before = widget.locator(".vd-form")
    look = before.evaluate("node => node.toDataURL()")
    drop(widget, png(photograph))
    widget.page.wait_for_function(
        "([node, look]) => node.toDataURL() !== look",
        arg=[before.element_handle(), look],
    )
    compare(widget, small_vae())
    form = grey(widget, "form")[0, ..., 0]
    assert form[16, 16] > 0.95 and form[2, 2] < 0.05
    assert 0.04 < form.mean() < 0.2
    assert trouble(widget).inner_text() == ""


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>'
CLEAR = np.zeros((40, 40, 4), np.uint8)
BAD = {
    "clear": ((png(CLEAR, "RGBA"),), "transparent throughout"),
    "grey": ((png(np.full((40, 40), 90, np.uint8)),), "of one grey"),
    "text": ((b"no picture at all", "notes.png"), "“notes.png” is no picture"),
    "svg": ((SVG, "drawing.svg", "image/svg+xml"), "save it as PNG or JPEG"),
    "hidden svg": ((SVG, "drawing.png"), "save it as PNG or JPEG"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_said_and_changes_nothing(drawing, name):
    given, words = BAD[name]
    before = grey(drawing.root, "form")
    drop(drawing.root, *given)
    trouble(drawing.root).get_by_text(words).wait_for()
    assert np.array_equal(grey(drawing.root, "form"), before)


def test_a_pasted_svg_and_a_pasted_text_are_said(drawing):
    for text, words in ((SVG.decode(), "save it as PNG or JPEG"), ("x", "no picture")):
        drawing.root.evaluate("(node, text) => (" + PASTE + ")([node, text])", text)
        trouble(drawing.root).get_by_text(words).wait_for()


def test_a_half_transparent_picture_lies_on_paper(drawing):
    widget, seen = drawing.root, drawing.root.locator(".vd-form")
    picture = CLEAR.copy()
    picture[10:30, 10:30] = [20, 20, 20, 255]
    look = seen.evaluate("node => node.toDataURL()")
    drop(widget, png(picture, "RGBA"))
    widget.page.wait_for_function(
        "([node, look]) => node.toDataURL() !== look",
        arg=[seen.element_handle(), look],
    )
    form = grey(widget, "form")[0, ..., 0]
    assert form[16, 16] > 0.95 and form[1, 1] < 0.05


def test_an_empty_canvas_and_one_all_ink_are_said(drawing):
    widget, canvas = drawing.root, drawing.root.locator(".vd-canvas")
    widget.get_by_role("button", name="Clear").click()
    trouble(widget).get_by_text("The canvas is empty").wait_for()
    widget.get_by_label("Brush").press("End")
    for down in np.linspace(0.02, 0.98, 12):
        drag(widget.page, spot(canvas, 0.01, down), spot(canvas, 0.99, down), steps=2)
    trouble(widget).get_by_text("All is ink").wait_for()
    compare(widget, small_vae())


# ---- Stars


def test_a_star_is_answered_as_in_keras_and_the_best_code_is_better(show):
    model, watched = star_vae(), show(make_star())
    widget = watched.root
    wait_until_ready(widget, "[data-best][aria-busy=false]")
    truth, answer, _, best = widget.locator(".vy-tile canvas").all()
    image = pixels(truth)[None, ..., :1] / np.float32(255)
    drawn = polar.draw([[1.25, 1.0]], 32)[0, ..., 0] / 255
    assert np.abs(image[0, ..., 0] - drawn).mean() < 0.02
    mean = json.loads(widget.get_attribute("data-mean"))
    assert np.allclose(mean, posterior(model, image)[0][0], atol=1e-3)
    shown = 255 * model.decode(np.array([mean]))[0, ..., 0]
    assert np.abs(pixels(answer)[..., 0] - shown).max() <= 1
    logits = model.decode_logits(np.array([mean]))[0]
    nats = np.sum(np.logaddexp(0, logits) - image[0] * logits)
    assert float(widget.get_attribute("data-best")) <= nats + 1e-3
    assert pixels(best).std() > 0
    assert not watched.troubles


def test_words_say_whether_a_star_is_in_the_hole(show):
    widget = show(make_star(a=0.6, b=0.2)).root
    wait_until_ready(widget, "[data-best][aria-busy=false]")
    assert "Outside the hole" in widget.inner_text()
    tiles = widget.locator(".vy-tile canvas")
    before = tiles.evaluate_all("nodes => nodes.map((n) => n.toDataURL()).join()")
    widget.get_by_role("button", name="Put the star into").click()
    assert "In the hole, 0.00 from its middle" in widget.inner_text()
    wait_until_ready(widget, "[data-best][aria-busy=false]")
    after = tiles.evaluate_all("nodes => nodes.map((n) => n.toDataURL()).join()")
    assert after != before
