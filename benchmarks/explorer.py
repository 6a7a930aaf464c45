"""How long from a slider to the image, in the page against Keras in the kernel?

A page made of the explorer's own HTML is driven in headless Chromium, from the disk;
the explorer itself says how long after the slider's event the image was there. Between
the frames Keras decodes the same code, a batch of one, as the live widget does. Whole
VAEs run in the page as well: there it is from a picture to the answer, against
Keras's `reconstruct`.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from playwright.sync_api import Page, sync_playwright

from vaetut import datasets
from vaetut.datasets import polar
from vaetut.models import conv_decoder
from vaetut.runs import load_or_train
from vaetut.training import backends
from vaetut.widgets import LatentExplorer
from vaetut.widgets.draw_explorer import networks_of
from vaetut.widgets.page import SCRIPT

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import common
from tests.browser.chromium import find_chromium

QUESTION = __doc__.splitlines()[0]
FRAMES, QUICK_FRAMES = 80, 4
SET = "(e, v) => { e.value = v; e.dispatchEvent(new Event('input')) }"


def measure(page: Page, name: str, decoder: keras.Model, frames: int) -> dict[str, Any]:
    """Return milliseconds in the page and in Keras for one decoder."""
    explorer = LatentExplorer(decoder)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "page.html")
        path.write_text(f"<!doctype html><meta charset=utf-8>{explorer.to_html()}")
        page.goto(path.as_uri())
        page.wait_for_selector(".vaetut-widget[data-frame]")
    widget = page.locator(".vaetut-widget")
    slider, ours, theirs = widget.locator("input").first, [], []
    for value in np.linspace(1, 499, frames).astype(int):
        frame = widget.get_attribute("data-frame")
        slider.evaluate(SET, str(value))
        page.wait_for_selector(f".vaetut-widget:not([data-frame='{frame}'])")
        ours.append(float(widget.get_attribute("data-lag")))
        start = time.perf_counter()
        explorer.decode([value / 500, 0.5])
        theirs.append(1000 * (time.perf_counter() - start))
    ratios = [t / o for o, t in zip(ours, theirs, strict=True)]
    low, high = np.quantile(ratios, [0.05, 0.95])
    return {
        "case": name,
        "ours": round(statistics.median(ours), 1),
        "theirs": round(statistics.median(theirs), 1),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(low, 2), round(high, 2)],
        "frames": frames,
        "weights_bytes": 2 * decoder.count_params(),
    }


# In the page: the bundle as a module, whose background runs encoder and decoder.
AUTOENCODE = """async ([script, networks, images, d]) => {
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { default: widgets } = await import(address);
  const took = [];
  let answer;
  const { send, close } = widgets.inBackground((told) => answer(told));
  send(["networks", networks]);
  for (const image of images) {
    const start = performance.now();
    const pixels = Float32Array.from(image), epsilon = new Float32Array(d);
    await new Promise((done) => {
      answer = done;
      send(["autoencode", 0, pixels, epsilon, 1]);
    });
    took.push(performance.now() - start);
  }
  close();
  return took;
}"""


def measure_whole(
    page: Page, name: str, model: keras.Model, images: np.ndarray
) -> dict[str, Any]:
    """Return milliseconds from an image to what is decoded of it, page and Keras."""
    networks = networks_of(model)
    rows = (images / 255).reshape(len(images), -1).round(6).tolist()
    d = networks[1]["dimension"]
    page.goto("about:blank")
    page.evaluate(AUTOENCODE, [SCRIPT, networks, rows[:2], d])
    model.reconstruct(images[:1])
    ours = page.evaluate(AUTOENCODE, [SCRIPT, networks, rows, d])[1:]
    theirs = []
    for image in images[1:]:
        start = time.perf_counter()
        model.reconstruct(image[None])
        theirs.append(1000 * (time.perf_counter() - start))
    sizes = model.encoder.count_params() + model.decoder.count_params()
    case = common.cost_case(name, ours, theirs)
    return case | {"frames": len(ours), "weights_bytes": 2 * sizes}


def whole_vaes(frames: int) -> list[tuple[str, keras.Model, np.ndarray]]:
    """Return the course's VAEs of clothes and of stars, with a name and images each."""
    clothes = datasets.load("fashion-mnist", "test").images[: frames + 1]
    vae, stars = (
        load_or_train(name, say=str).model for name in ("fashion-vae", "polar-vae")
    )
    drawn = polar.draw(polar.sample(frames + 1, 0), stars.encoder.input_shape[1])
    return [
        ("32×32 VAE, encoder and decoder", vae, clothes),
        ("128×128 star, encoder and decoder", stars, drawn),
    ]


def main(quick: bool = False) -> dict[str, Any]:
    """Measure decoders of 32×32 and 128×128, and whole VAEs; store the result.

    `quick`: a few frames, not stored.
    """
    frames = QUICK_FRAMES if quick else FRAMES
    decoders = {
        "32×32, 246,273 weights": load_or_train("fashion-vae", say=str).model.decoder,
        "128×128, compact": conv_decoder((128, 128, 1), 2, (8, 16, 32, 64, 64)),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page()
        cases = [measure(page, *item, frames) for item in decoders.items()]
        cases += [measure_whole(page, *whole) for whole in whole_vaes(frames)]
        version = browser.version
        browser.close()
    return common.publish(
        __file__,
        QUESTION,
        "ms",
        cases,
        backends.hardware(),
        store=not quick,
        versions=backends.versions() | {"chromium": version},
    )


if __name__ == "__main__":
    common.command(QUESTION, main)
