"""Colours and canvas shared by all figures."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

# Ten classes: Paul Tol's "muted" qualitative scheme and one grey.
CLASS_COLOURS = (
    "#332288",
    "#88CCEE",
    "#44AA99",
    "#117733",
    "#999933",
    "#DDCC77",
    "#CC6677",
    "#882255",
    "#AA4499",
    "#666666",
)
INK, ACCENT, QUIET = "#222222", "#CC3311", "#BBBBBB"
AE, VAE = "#EE7733", "#0077BB"  # the two models, wherever they meet
LINES = (VAE, AE, "#009988", "#AA3377", INK, "#999933", "#55AADD")
MARKERS = "osD^vPX"
GREY, HAZE = "#777777", "#FBE9E4"  # references; the hole as an area
HALO = [withStroke(linewidth=3, foreground="white")]
IMAGES: dict[str, Any] = {
    "cmap": "gray_r",
    "vmin": 0,
    "vmax": 1,
    "interpolation": "nearest",
}
WIDTH = 8.0  # inches; the page's column
DPI = 110


def canvas(
    height: float, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, np.ndarray]:
    """Return a figure of the column's width and its array of axes, always 2-D.

    `height` is in inches; `options` are those of `plt.subplots`.
    """
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(WIDTH, height),
        squeeze=False,
        layout="constrained",
        dpi=DPI,
        facecolor="white",
        **options,
    )
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    return figure, axes


def show_image(axis: Axes, image: np.ndarray) -> None:
    """Draw one image (h, w, c) or (h, w) in [0, 1] without axes."""
    axis.imshow(np.squeeze(image), **IMAGES)
    axis.set_axis_off()


def tiled(images: np.ndarray, columns: int) -> np.ndarray:
    """Return images (n, h, w, c) side by side in rows, as one array (H, W, c).

    What the last row lacks is black, 0.
    """
    images = np.asarray(images)
    n, h, w, c = images.shape
    rows = -(-n // columns)
    sheet = np.zeros((rows * columns, h, w, c), images.dtype)
    sheet[:n] = images
    sheet = sheet.reshape(rows, columns, h, w, c).swapaxes(1, 2)
    return sheet.reshape(rows * h, columns * w, c)
