"""How many polar images a second does one core draw, against a figure an image?

In one process, in turns: the library's renderer, and the source's way in matplotlib (a
figure of MATLAB's size, plot, save as PNG, read, resize to 256×256). The second case
gives the rival what it can have: one figure of 256×256 pixels, kept, and no file.
"""

import io
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from vaetut.datasets import polar

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import common

QUESTION = __doc__.splitlines()[0]
SIZE, DPI = 256, 100
OURS, THEIRS = 400, 20  # images a turn
ROUNDS, SECONDS = 12, 8  # at least so many rounds, at least so long


def bare_axes(figure: Figure) -> Axes:
    """Return axes as the source sets them: −4 to 4, equal, hidden."""
    axes = figure.add_subplot()
    axes.axis([-4, 4, -4, 4])
    axes.set_aspect("equal")
    axes.axis("off")
    return axes


def figure_an_image(factors: np.ndarray) -> np.ndarray:
    """Return images (n, SIZE, SIZE) of factors (n, 2), drawn as the source does.

    Each takes a figure, a file and a resize.
    """
    from matplotlib import pyplot as plt

    images = []
    for points in polar.contour(*factors.T):
        figure = plt.figure(figsize=(5.6, 4.2), dpi=DPI)
        bare_axes(figure).plot(*points.T, "k", linewidth=2)
        file = io.BytesIO()
        figure.savefig(file, format="png")
        plt.close(figure)
        grey = Image.open(file).convert("L").resize((SIZE, SIZE))
        images.append(255 - np.asarray(grey))
    return np.stack(images)


def figure_kept(factors: np.ndarray) -> np.ndarray:
    """Return images (n, SIZE, SIZE) of factors (n, 2), drawn into one kept figure."""
    figure = Figure(figsize=(SIZE / DPI, SIZE / DPI), dpi=DPI)
    canvas = FigureCanvasAgg(figure)
    axes = bare_axes(figure)
    axes.set_position([0, 0, 1, 1])
    (line,) = axes.plot([], [], "k", linewidth=2 * 72 / DPI)
    images = []
    for points in polar.contour(*factors.T):
        line.set_data(*points.T)
        canvas.draw()
        images.append(255 - np.asarray(canvas.buffer_rgba())[..., 0])
    return np.stack(images)


def main(quick: bool = False) -> dict[str, Any]:
    """Measure both rivals; return the result, and store it if not quick.

    `quick`: one short round.
    """
    from vaetut.training import backends  # Keras; drawing needs none

    matplotlib.use("agg")  # what a machine without a screen has
    rounds, seconds = (1, 0) if quick else (ROUNDS, SECONDS)
    factors = polar.sample(OURS, seed=0)
    ways = {
        "256×256, a figure an image": (polar.draw, figure_an_image),
        "256×256, one figure kept": (polar.draw, figure_kept),
        "the reference's canvas": (polar.draw_reference, figure_an_image),
    }
    cases = []
    for name, (ours, theirs) in ways.items():
        runs = {
            "ours": common.timed(lambda draw=ours: draw(factors, SIZE)),
            "theirs": common.timed(lambda draw=theirs: draw(factors[:THEIRS])),
        }
        for run in runs.values():  # the first imports
            run()
        took = common.take_turns(runs, rounds, seconds)
        case = common.rate_case(name, took["ours"], took["theirs"], (OURS, THEIRS))
        cases.append(case)
    return common.publish(
        __file__,
        QUESTION,
        "images a second",
        cases,
        backends.hardware(),
        store=not quick,
        versions=backends.versions() | {"matplotlib": matplotlib.__version__},
    )


if __name__ == "__main__":
    common.command(QUESTION, main)
