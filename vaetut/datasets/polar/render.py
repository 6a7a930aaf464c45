"""Anti-aliased strokes: factors (n, 2) in, uint8 images out, white on black.

Matplotlib's Agg rasteriser draws one closed path an image, without a figure. An image
depends on its own factors only, and is the same to the bit in every process of one
machine.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from vaetut import checks
from vaetut.datasets.polar.curve import contour

LIMIT = 4.0  # the axes run from −4 to 4
INK = 1 / 128  # line width of a square canvas, as a share of its side

# The reference's canvas, fitted to its published images; pixels.
REFERENCE_WIDTH, REFERENCE_HEIGHT = 229, 172
REFERENCE_SCALE = 17.51  # a unit
REFERENCE_LINE_WIDTH = 2.17
REFERENCE_CENTER = (118.95, 83.42)  # from the left, from the top


def draw(
    factors: ArrayLike,
    size: int = 256,
    line_width: float | None = None,
    limit: float = LIMIT,
) -> np.ndarray:
    """Return the curves of factors (n, 2) on square canvases, (n, size, size, 1).

    size and line_width are in pixels, the latter size/128 unless given: the same ink
    at every size. The axes run from −limit to limit; what lies beyond is cut off.
    Raises ValueError for numbers that make no sense.
    """
    factors = checks.points("factors", factors, empty=True)
    size = checks.whole_number("size", size, least=8, most=4096)
    width = checks.positive(
        "line_width", size * INK if line_width is None else line_width
    )
    if width > size / 4:
        raise ValueError(
            f"line_width is {width:g} pixels on a canvas of {size}: give at most a "
            "quarter of it."
        )
    checks.room("factors and size", len(factors), size, size, dtype=np.uint8)
    scale = size / (2 * checks.positive("limit", limit))
    paths = size / 2 + scale * contour(*factors.T)
    return _strokes(paths, size, size, width)[..., None]


def draw_reference(factors: ArrayLike, size: int = 256) -> np.ndarray:
    """Return the curves as the reference drew them, (n, size, size, 1).

    Each is centred horizontally by its own extent on a canvas of 229×172 pixels, which
    is then stretched to a square (bilinear): circles become ellipses. Raises
    ValueError for numbers that make no sense.
    """
    from PIL import Image

    factors = checks.points("factors", factors, empty=True)
    size = checks.whole_number("size", size, least=8, most=4096)
    checks.room("factors and size", len(factors), size, size, dtype=np.uint8)
    paths = contour(*factors.T)
    x = paths[..., 0]
    x -= (x.min(axis=1, keepdims=True) + x.max(axis=1, keepdims=True)) / 2
    left, top = REFERENCE_CENTER
    paths = (left, REFERENCE_HEIGHT - top) + REFERENCE_SCALE * paths
    canvases = _strokes(paths, REFERENCE_HEIGHT, REFERENCE_WIDTH, REFERENCE_LINE_WIDTH)
    images = np.empty((len(factors), size, size, 1), np.uint8)
    for image, canvas in zip(images, canvases, strict=True):
        stretched = Image.fromarray(canvas).resize(
            (size, size), Image.Resampling.BILINEAR
        )
        image[..., 0] = np.asarray(stretched)
    return images


CANVASES = {"square": draw, "reference": draw_reference}


def canvas_named(name: str) -> Callable[..., np.ndarray]:
    """Return the function that draws on a canvas; raises ValueError if unknown."""
    return CANVASES[checks.one_of("canvas", name, CANVASES)]


def _strokes(
    paths: np.ndarray, height: int, width: int, line_width: float
) -> np.ndarray:
    """Return strokes along closed paths (n, m, 2), in pixels from the lower left."""
    # Here, for importing Agg takes longer than loading most data sets.
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.path import Path
    from matplotlib.transforms import IdentityTransform

    renderer = RendererAgg(width, height, dpi=72)  # at 72 dpi a point is a pixel
    pen = renderer.new_gc()
    pen.set_linewidth(line_width)
    pen.set_snap(False)
    coverage = np.asarray(renderer.buffer_rgba())[..., 3]  # a view, not a copy
    # Closed: two ends that lie upon each other would be drawn twice.
    codes = np.full(paths.shape[1], Path.LINETO, Path.code_type)
    codes[0], codes[-1] = Path.MOVETO, Path.CLOSEPOLY
    images = np.empty((len(paths), height, width), np.uint8)
    for image, vertices in zip(images, paths, strict=True):
        renderer.clear()
        path = Path(vertices, codes)
        path.should_simplify = False  # whatever the user's matplotlibrc says
        renderer.draw_path(pen, path, IdentityTransform())
        image[:] = coverage
    return images
