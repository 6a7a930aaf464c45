"""How long from a slider to the image, in the page against Keras in the kernel?

A page made of the explorer's own HTML is driven in headless Chromium, from the disk;
the explorer itself says how long after the slider's event the image was there. Between
the frames Keras decodes the same code, a batch of one, as the live widget does.
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

from vaetut.models import conv_decoder
from vaetut.runs import load_or_train
from vaetut.training import backends
from vaetut.widgets import LatentExplorer

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


def main(quick: bool = False) -> dict[str, Any]:
    """Measure a trained 32×32 decoder and a compact 128×128 one, and store the result.

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
