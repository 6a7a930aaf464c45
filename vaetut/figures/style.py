"""Colours and canvas shared by all figures."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from vaetut import checks

P = ParamSpec("P")
FAULTS = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    MemoryError,
)
PANELS = 400  # of a figure at most
MOST = 4096  # columns, rows and other counts of what is drawn
HIGHEST = 100.0  # inches of a figure
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


def checked(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let the function of a figure say by name what it cannot draw.

    Numbers in its arguments must be finite, however deep they lie, and counts whole
    and 1 or more. What does not fit together is a ValueError with the arguments and
    their shapes, and no figure is left half drawn.
    """
    signature = inspect.signature(draw)

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        arguments = signature.bind(*args, **kwargs).arguments
        for name, value in arguments.items():
            if signature.parameters[name].annotation is int:
                checks.whole_number(name, value, 1, MOST)
            _check_finite(name, value)
        before = set(plt.get_fignums())
        try:
            return draw(*args, **kwargs)
        except FAULTS as error:
            for number in set(plt.get_fignums()) - before:
                plt.close(number)
            given = ", ".join(f"{k}: {_form(v)}" for k, v in arguments.items())
            raise ValueError(
                f"{draw.__name__} cannot draw {given} ({error}). Its docstring says "
                "what it takes."
            ) from error

    return drawn


def _check_finite(name: str, value: Any) -> None:
    """Raise ValueError, naming it, for a number in a value that is not finite."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            _check_finite(f"{name}[{key!r}]", part)
    elif isinstance(value, (tuple, list)) and not _numbers(value):
        for k, part in enumerate(value):
            _check_finite(f"{name}[{k}]", part)
    elif isinstance(value, (float, np.ndarray, np.number, tuple, list)):
        array = checks.whole_array(name, value)
        if array.dtype.kind not in "USO":
            checks.finite_array(name, array, dtype=None, empty=True)


def _numbers(values: tuple | list) -> bool:
    return all(isinstance(v, (int, float, np.number)) for v in values)


def _form(value: Any) -> str:
    """Return what a value is, in short: the shape of an array, the names of parts."""
    if isinstance(value, Mapping):
        parts = ", ".join(f"{k!r}: {_form(v)}" for k, v in list(value.items())[:3])
        return f"{{{parts}{', …' if len(value) > 3 else ''}}}"
    if isinstance(value, np.ndarray):
        return str(value.shape)
    return checks.shorten(value)


def canvas(
    height: float, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, np.ndarray]:
    """Return a figure of the column's width and its array of axes, always 2-D.

    `height` is in inches; `options` are those of `plt.subplots`. Raises ValueError for
    no panel or more than `PANELS`, and for a figure higher than `HIGHEST`.
    """
    if not 1 <= rows * columns <= PANELS:
        raise ValueError(
            f"{rows} × {columns} panels are to be drawn, and 1 to {PANELS} can be"
        )
    if not 0 < height <= HIGHEST:
        raise ValueError(f"the figure would be {height:.3g} inches high")
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
    """Draw one image (h, w, c) or (h, w) in [0, 1] without axes.

    Noise beyond that is cut off. Raises ValueError for grey levels of 0 to 255, of
    which all but 0 would look the same.
    """
    image = np.asarray(image)
    if image.dtype.kind in "iu" and image.size and image.max() > 1:
        raise ValueError(f"images hold grey levels to {image.max()}: divide by 255")
    axis.imshow(np.squeeze(image), **IMAGES)
    axis.set_axis_off()


def tiled(images: np.ndarray, columns: int) -> np.ndarray:
    """Return images (n, h, w, c) side by side in rows, as one array (H, W, c).

    What the last row lacks is black, 0.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.size == 0:
        raise ValueError(f"images must be (n, h, w, c), at least one: {images.shape}")
    n, h, w, c = images.shape
    rows = -(-n // columns)
    sheet = np.zeros((rows * columns, h, w, c), images.dtype)
    sheet[:n] = images
    sheet = sheet.reshape(rows, columns, h, w, c).swapaxes(1, 2)
    return sheet.reshape(rows * h, columns * w, c)
