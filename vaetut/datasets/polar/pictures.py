"""Anyone's pictures of polar curves, brought to the form of the course's images.

Pictures come on other canvases: other limits, another shape or size, another line
width, black on white, in colour, transparent, with 16 bits.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageChops
from scipy.ndimage import distance_transform_edt, gaussian_filter

from vaetut.atomic import shown
from vaetut.datasets.pictures import read_picture
from vaetut.datasets.polar.curve import contour
from vaetut.datasets.polar.fit import _look as look
from vaetut.datasets.polar.fit import fit_factors
from vaetut.datasets.polar.render import (
    LIMIT,
    REFERENCE_CENTER,
    REFERENCE_HEIGHT,
    REFERENCE_SCALE,
    REFERENCE_WIDTH,
    canvas_named,
)

ASPECTS, FORMS = ("equal", "stretched"), ("axes", "reference")
FAINT, GREY = 1 / 8, 0.1  # brightest pixel at least, background at most
COARSE = 2.0  # pixels a unit at least
PROBE = 128  # pixels a side of the image that is fitted to centre a picture
WORK = 1024  # pixels along the side where the edges of a stroke are moved, or more
FIT = 256  # pixels a side of the images that are fitted: any size fits as well there
TOLERANCE = 1.25  # times the ink of the course's stroke, or its part: left as given
MOST = 4.0  # times that ink, or its part, and no stroke is normalised
WORSE = 0.05  # by so much may the residual grow when a stroke is normalised
BLUR = 0.6  # standard deviation, in pixels of the picture
LOBES = 3  # of the Lanczos kernel


class View(NamedTuple):
    """How a picture shows the plane."""

    limits: tuple[float, float, float, float] = (-LIMIT, LIMIT, -LIMIT, LIMIT)
    # xmin, xmax, ymin, ymax, at the outer edges of the picture
    aspect: str = "equal"
    # "equal": a unit is as many pixels along x as along y. A picture of another shape
    # than its limits shows more of the plane at both ends of one axis, as with
    # matplotlib's axis("equal"). "stretched": the limits fill a picture of any shape.
    form: str = "axes"
    # "axes": as above. "reference": as `draw_reference`, re-centred by its extent on a
    # canvas like 229×172, at any size or stretched; it needs no limits.
    invert: bool = False  # black on white


VIEW = View()  # white on black, both axes from −4 to 4


# ---- Reading


def read_strokes(path: Path, invert: bool = False) -> np.ndarray:
    """Return a picture as white strokes on black, (height, width) floats in [0, 1].

    Colours count as their brightest channel, so that a blue stroke is as bright as a
    white one; what is transparent is black, or white, like paper, with `invert`.
    Raises DataError, naming the file, for one that cannot be read, and ValueError for
    one that is bright where it should be dark (polarity), or too dim or too grey
    (range).
    """
    ground = "white" if invert else "black"
    image = read_picture(Path(path), "RGB", ground, "Give a PNG or JPEG file.")
    levels = np.asarray(ImageChops.invert(image) if invert else image).max(axis=-1)
    grey, name = levels / np.float32(255), shown(path)
    mean, background, brightest = grey.mean(), np.median(grey), grey.max()
    if mean > 0.5:
        what = "inverted, it is" if invert else "it is"
        mend = "leave out --invert" if invert else "--invert takes black on white"
        raise ValueError(
            f"{name} has the wrong polarity: {what} bright, {mean:.2f} on average, "
            f"and strokes must be white on black: {mend}."
        )
    if brightest < FAINT:
        raise ValueError(
            f"{name} has the wrong range: its brightest pixel is {brightest:.3g} of 1. "
            "Scale its values to 0…255, or 0…65535 with 16 bits; black strokes on "
            "nothing need --invert."
        )
    if background > GREY:
        raise ValueError(
            f"{name} has the wrong range: its background is {background:.2f} of 1, "
            "and must be black."
        )
    return grey


# ---- To the canvas of a model


def to_canvas(
    picture: ArrayLike, size: int, canvas: str = "square", view: View = VIEW
) -> np.ndarray:
    """Return a picture (h, w) in [0, 1] as the course draws it, (size, size, 1) uint8.

    canvas: "square" or "reference"; view: how the picture shows the plane. Where it
    shows less than the canvas, there is black. Reducing averages over areas, as a
    rasteriser does: a stroke keeps its ink. Where one of both is centred by the
    curve's extent, a fit of the curve says where. Raises ValueError for limits, an
    aspect or a form that are none, for a picture that is too coarse, or of which
    nothing lies on the canvas.
    """
    picture = np.asarray(picture, np.float32)
    window = _window(picture, canvas, view)
    if canvas == "reference" == view.form:
        image = _bilinear(picture, size)
    else:
        image = _finish(_resample(picture, window, *_shape(size, canvas)), size, canvas)
    image = np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)[..., None]
    if image.max() < 255 * FAINT / 4:
        raise ValueError("nothing bright lies on the canvas: are --limits right?")
    return image


def normalise_stroke(
    picture: ArrayLike,
    factors: ArrayLike,
    size: int,
    canvas: str = "square",
    view: View = VIEW,
) -> np.ndarray:
    """Return `to_canvas` of a picture with its stroke made as wide as the course's.

    Both edges of the stroke, where the picture has half its brightness, are moved by
    the same distance, in or out, until it has the ink of the curve of `factors` (2,);
    it is white then. Nothing is drawn anew: where the picture strays from the curve,
    so does what is returned, and what ran together in a wide stroke stays so.
    """
    picture = np.asarray(picture, np.float32)
    window = _window(picture, canvas, view)
    height, width = _shape(size, canvas)
    zoom = -(-WORK // max(height, width))
    # A stroke thinner than a pixel comes as beads: blurred, its ridge is even.
    blurred = gaussian_filter(picture, BLUR)
    large = _resample(blurred, window, zoom * height, zoom * width)
    distance = _signed_distance(large > _level(large) / 2)
    ink = canvas_named(canvas)(np.reshape(factors, (1, 2)), size).mean() / 255
    stroke = _with_ink(distance, ink).reshape(height, zoom, width, zoom)
    image = _finish(stroke.mean((1, 3), dtype=np.float32), size, canvas)
    return np.round(255 * image).astype(np.uint8)[..., None]


def _level(image: np.ndarray) -> float:
    """Return the brightness below which a quarter of a stroke's light lies."""
    values = np.sort(image[image > GREY], axis=None)
    light = np.cumsum(values, dtype=float)
    if not len(light):
        return GREY
    return float(values[np.searchsorted(light, light[-1] / 4)])


def _signed_distance(mask: np.ndarray) -> np.ndarray:
    """Return how far pixels lie within a mask, in pixels, negative outside."""
    inside, outside = distance_transform_edt(mask), distance_transform_edt(~mask)
    return np.where(mask, inside - 0.5, 0.5 - outside)


def _with_ink(distance: np.ndarray, ink: float) -> np.ndarray:
    """Return what lies deeper than some distance, which gives it a mean of `ink`."""
    low, high = distance.min() - 1, distance.max() + 1
    for _ in range(24):
        edge = (low + high) / 2
        stroke = np.clip(distance - edge + 0.5, 0, 1)
        low, high = (edge, high) if stroke.mean() > ink else (low, edge)
    return stroke


class Aligned(NamedTuple):
    """A picture in the form of the course's images, and what it shows."""

    image: np.ndarray  # (size, size, 1) uint8
    factors: np.ndarray  # (2,): the (a, b) that fit it
    residual: float  # share of its contrast that those leave unexplained
    ink_ratio: float  # its ink before, over that of the course's stroke at its factors
    stroke: str  # "as given" or "normalised"
    detail: float  # pixels of the picture to one of the canvas


def align(
    picture: ArrayLike, size: int, canvas: str = "square", view: View = VIEW
) -> Aligned:
    """Return a picture (h, w) in [0, 1] in the form of the course's images.

    `to_canvas`, and where its ink is more than `TOLERANCE` times the course's, or less
    than that part of it, `normalise_stroke`: by its factors, which are then fitted
    once more. A stroke is left as given if its ink is more than `MOST` times the
    course's, or if normalised it fits worse. Raises ValueError as `to_canvas` does.
    """
    picture = np.asarray(picture, np.float32)
    image, seen = (to_canvas(picture, s, canvas, view) for s in (size, FIT))
    found, stroke = _fit(seen, seen, canvas), "as given"
    if TOLERANCE < _times(found[2]) <= MOST:
        mended = normalise_stroke(picture, found[0], FIT, canvas, view)
        again = _fit(mended, seen, canvas)
        if again[1] < found[1] + WORSE and _times(again[2]) <= MOST:
            found, stroke = min(found, again, key=lambda fit: fit[1]), "normalised"
            image = normalise_stroke(picture, found[0], size, canvas, view)
    left, right, top, bottom = _window(picture, canvas, view)
    height, width = _shape(size, canvas)
    detail = min((right - left) / width, (bottom - top) / height)
    return Aligned(image, *found, stroke, detail)


def _fit(
    image: np.ndarray, seen: np.ndarray, canvas: str
) -> tuple[np.ndarray, float, float]:
    """Return factors and residual of an image, and the ink of the one that was seen.

    The residual is that of `fit_factors` without what an even grey explains, so that
    noise is no curve.
    """
    fit = fit_factors(image[None], canvas)
    light = look(image[None] / np.float32(255))
    residual = fit.residual[0] * (light**2).mean() / max(light.var(), 1e-12)
    drawn = canvas_named(canvas)(fit.factors, len(seen))
    return fit.factors[0], float(residual), float(seen.mean() / drawn.mean())


def _times(ratio: float) -> float:
    return max(ratio, 1 / ratio)


def _shape(size: int, canvas: str) -> tuple[int, int]:
    """Return height and width of a canvas before it is stretched to a square."""
    reference = canvas == "reference"
    return (REFERENCE_HEIGHT, REFERENCE_WIDTH) if reference else (size, size)


def _finish(image: np.ndarray, size: int, canvas: str) -> np.ndarray:
    """Return an image on a canvas as it is after the canvas was stretched."""
    return _bilinear(image, size) if canvas == "reference" else image


def _bilinear(image: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(
        Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)
    )


def _window(
    picture: np.ndarray, canvas: str, view: View
) -> tuple[float, float, float, float]:
    """Return where a canvas lies in a picture: left, right, top, bottom in pixels."""
    _check(view)
    height, width = picture.shape
    center = 0.0
    if (canvas == "reference") != (view.form == "reference"):
        center = _center(picture, view)
    x = _limits(canvas, center)
    seen = _limits("reference", center) if view.form == "reference" else view.limits
    if view.form == "axes" and view.aspect == "equal":
        seen = _equal(seen, height, width)
    left, right, bottom, top = seen
    columns, rows = width / (right - left), height / (top - bottom)
    if min(columns, rows) < COARSE:
        raise ValueError(
            f"its size is too small, {width}×{height} pixels: {min(columns, rows):.2g} "
            f"pixels a unit, and {COARSE:g} are needed."
        )
    return (
        (x[0] - left) * columns,
        (x[1] - left) * columns,
        (top - x[3]) * rows,
        (top - x[2]) * rows,
    )


def _check(view: View) -> None:
    for name, value, known in (
        ("aspect", view.aspect, ASPECTS),
        ("form", view.form, FORMS),
    ):
        if value not in known:
            raise ValueError(f"{name} is {value!r}: choose {' or '.join(known)}.")
    ends = np.asarray(view.limits, float)
    if (
        ends.shape != (4,)
        or not np.isfinite(ends).all()
        or (ends[::2] >= ends[1::2]).any()
    ):
        raise ValueError(
            f"limits are {view.limits}: give xmin < xmax and ymin < ymax, in units."
        )


def _limits(canvas: str, center: float) -> tuple[float, float, float, float]:
    """Return the limits of a canvas on which a curve's extent is centred there."""
    if canvas != "reference":
        return -LIMIT, LIMIT, -LIMIT, LIMIT
    left, top = np.divide(REFERENCE_CENTER, REFERENCE_SCALE)
    return (
        center - left,
        center - left + REFERENCE_WIDTH / REFERENCE_SCALE,
        top - REFERENCE_HEIGHT / REFERENCE_SCALE,
        top,
    )


def _equal(
    limits: tuple[float, float, float, float], height: int, width: int
) -> tuple[float, float, float, float]:
    """Return limits widened along one axis to the shape of a picture."""
    left, right, bottom, top = limits
    scale = min(width / (right - left), height / (top - bottom))
    x, y = (left + right) / 2, (bottom + top) / 2
    dx, dy = width / scale / 2, height / scale / 2
    return x - dx, x + dx, y - dy, y + dy


def _center(picture: np.ndarray, view: View) -> float:
    """Return the middle of a curve's extent along x, in units, from a fit."""
    canvas = "reference" if view.form == "reference" else "square"
    seen = to_canvas(picture, PROBE, canvas, view)
    x = contour(*fit_factors(seen[None], canvas).factors[0])[:, 0]
    return float(x.min() + x.max()) / 2


def _resample(
    picture: np.ndarray,
    window: tuple[float, float, float, float],
    height: int,
    width: int,
) -> np.ndarray:
    left, right, top, bottom = window
    rows = _weights(picture.shape[0], top, bottom, height)
    return rows @ picture @ _weights(picture.shape[1], left, right, width).T


def _weights(pixels: int, start: float, stop: float, count: int) -> np.ndarray:
    """Return the (count, pixels) matrix that makes new pixels from start to stop.

    Those may lie outside of the old ones, which is black. Larger pixels are means over
    their areas, smaller ones are interpolated after Lanczos.
    """
    edges = np.linspace(start, stop, count + 1)[:, None]
    step = (stop - start) / count
    old = np.arange(-LOBES, pixels + LOBES)
    if step >= 1:
        overlap = np.minimum(edges[1:], old + 1) - np.maximum(edges[:-1], old)
        weights = np.maximum(overlap, 0) / step
    else:
        offset = (edges[1:] + edges[:-1]) / 2 - (old + 0.5)
        kernel = np.sinc(offset) * np.sinc(offset / LOBES)
        kernel[np.abs(offset) >= LOBES] = 0
        total = kernel.sum(axis=1, keepdims=True)
        weights = np.divide(kernel, total, out=np.zeros_like(kernel), where=total > 0.5)
    return weights[:, LOBES:-LOBES].astype(np.float32)
