"""What functions ask of what they are given: one check each, which names the argument.

Every check returns the value as it is to be used, or raises ValueError with the name,
what is wrong and the mend.
"""

import math
import operator
import os
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

Seed = int | np.random.Generator  # what random numbers are drawn from

# Measures sum fourth powers in float64, and squares in float32. Those of 1e15 are far
# below what either holds (1e308, 1e38), those of 1e-60 far above the least (1e-308);
# and up to 1e15 a float64 tells any two whole numbers apart.
LARGEST = 1e15  # a number's size at most
SMALLEST = 1e-60  # what is nearer to 0 counts as 0
LOG_VARIANCES = (-230.0, 60.0)  # a standard deviation of 1e-50 to 1e13
COUNT = 10_000_000  # things that are made at a time: more take hours
MEMORY = 2**32  # bytes of an array that is made: 4 GiB
MARGIN = 1e-9  # that a share keeps from 0 and 1: quantiles beyond are none


def finite_array(
    name: str,
    values: ArrayLike,
    ndim: int | None = None,
    dtype: DTypeLike | None = np.float64,
    empty: bool = False,
) -> np.ndarray:
    """Return `values` as an array of finite numbers, or say what is wrong.

    `ndim` is the number of axes it must have (None: any); `dtype=None` keeps
    float32, so that large images are not copied. It must hold a value, unless it may
    be `empty`. Numbers nearer to 0 than `SMALLEST` become 0. Raises ValueError, naming
    it and the mend, for what is no such array, NaN, infinity, a number beyond
    `LARGEST`, or a mask: what is masked would count.
    """
    array = _real_array(name, values)
    if dtype is not None or array.dtype != np.float32:
        array = array.astype(np.float64, copy=False)
    if ndim is not None and array.ndim != ndim:
        raise ValueError(
            f"{name} must have {ndim} axes, not shape {array.shape}: reshape it"
        )
    if array.size == 0:
        if empty:
            return array
        raise ValueError(f"{name} is empty: pass at least one value")
    low, high = array.min(), array.max()  # NaN if there is one
    if not (low >= -LARGEST and high <= LARGEST):
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinity: drop or mend those values")
        worst = high if high > LARGEST else low
        raise ValueError(
            f"{name} holds {worst:g}, beyond ±{LARGEST:g}, where squares and products "
            "are lost: scale it down"
        )
    if array.dtype == np.float64:
        tiny = (array > -SMALLEST) & (array < SMALLEST) & (array != 0)
        if tiny.any():
            array = np.where(tiny, 0.0, array)
    return array


def _real_array(name: str, values: ArrayLike) -> np.ndarray:
    """Return `values` as an array of real numbers, of any kind and size."""
    array = np.asarray(whole_array(name, values))
    try:
        numbers = array.dtype.kind in "biuf" or (
            array.dtype == object and all(isinstance(v, Real) for v in array.flat)
        )
        if not numbers:
            raise TypeError
        return array.astype(np.float64) if array.dtype == object else array
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must hold real numbers in a regular array") from None


def log_variance(name: str, values: ArrayLike, **options: Any) -> np.ndarray:
    """Return logarithms of variances as `finite_array`, within `LOG_VARIANCES`.

    `options` are those of `finite_array`. Raises ValueError, naming them, for others.
    """
    array = finite_array(name, values, **options)
    least, most = LOG_VARIANCES
    if array.size and not (array.min() >= least and array.max() <= most):
        raise ValueError(
            f"{name} runs from {array.min():g} to {array.max():g}: logarithms of "
            f"variances lie from {least:g} to {most:g}; clip them"
        )
    return array


def whole_number(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """Return `value` as an int from `least` to `most`.

    Without `most` the limit is `COUNT`, of things that are made or held.
    """
    number = _index(value)
    limits = f">= {least}" if most is None else f"from {least} to {most}"
    if number is None or number < least or (most is not None and number > most):
        raise ValueError(
            f"{name} must be a whole number {limits}, not {shorten(value)}"
        )
    if most is None and number > COUNT:
        raise ValueError(
            f"{name} is {shorten(value)}, and more than {COUNT:,} at a time would take "
            "hours: ask for fewer"
        )
    return number


def seed_number(name: str, value: Any) -> int:
    """Return a seed as an int of 0 or more, however large."""
    number = _index(value)
    if number is None or number < 0:
        raise ValueError(f"{name} must be a whole number >= 0, not {shorten(value)}")
    return number


def flag(name: str, value: Any) -> bool:
    """Return True or False as it is; raises ValueError, naming it, for what is none."""
    if not isinstance(value, (bool, np.bool)):
        raise ValueError(f"{name} must be True or False, not {shorten(value)}")
    return bool(value)


def items(name: str, values: Any) -> list[Any]:
    """Return a list of what there is to go through; raises ValueError for what is none.

    A text is none: it would be taken letter by letter.
    """
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise ValueError(f"{name} must be a list or an array, not {shorten(values)}")
    return list(values)


def whole_array(name: str, values: ArrayLike) -> np.ndarray:
    """Return an array of any kind, nothing of which is masked.

    Raises ValueError, naming it, for a ragged one.
    """
    if np.ma.is_masked(values):
        raise ValueError(f"{name} holds masked values: fill them, or drop them")
    try:
        return np.asanyarray(values)
    except ValueError:
        raise ValueError(
            f"{name} must hold real numbers in a regular array: parts differ in shape"
        ) from None


def function(name: str, value: Any) -> Any:
    """Return a function as it is; raises ValueError, naming it, for what is none."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, not {shorten(value)}")
    return value


def room(what: str, *lengths: int, dtype: DTypeLike = np.float64) -> None:
    """Raise ValueError if an array of these lengths is larger than `MEMORY`.

    `what` names the arguments that decide them.
    """
    size = math.prod(lengths) * np.dtype(dtype).itemsize
    if size > MEMORY:
        shape = " × ".join(f"{length:,}" for length in lengths)
        raise ValueError(
            f"{what} ask for {shape} numbers, {size / 2**30:,.0f} GiB, and at most "
            f"{MEMORY // 2**30} are made at a time: ask for fewer"
        )


def _index(value: Any) -> int | None:
    """Return a whole number as an int, or None for what is none."""
    try:
        return None if isinstance(value, (bool, np.bool)) else operator.index(value)
    except TypeError:
        return None


def shorten(value: Any) -> str:
    """Return a value as a message shows it, however long it is."""
    if isinstance(value, int) and abs(value) > 10**20:
        return "a number of many digits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def one_of(kind: str, value: str, choices: Iterable[str], owner: str = "") -> str:
    """Return a name that is among the choices.

    Raises ValueError, naming the `kind` of thing, its `owner` if any, and the choices.
    """
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:
        whose = f" of {owner}" if owner else ""
        raise ValueError(
            f"There is no {kind} {shorten(value)}{whose}: choose one of "
            f"{', '.join(choices)}."
        )
    return value


def fraction(name: str, value: Any) -> float:
    """Return `value` as a float strictly between 0 and 1, `MARGIN` from either."""
    real = isinstance(value, (int, float, np.integer, np.floating))
    if not real or not 0 < value < 1:
        raise ValueError(
            f"{name} must lie strictly between 0 and 1, not {shorten(value)}"
        )
    if not MARGIN <= value <= 1 - MARGIN:
        raise ValueError(
            f"{name} must lie at least {MARGIN:g} from 0 and from 1, not {value!r}"
        )
    return float(value)


def positive(name: str, value: float) -> float:
    """Return a finite number above zero, as a float."""
    number = float(finite_array(name, value, ndim=0))
    if number <= 0:
        least = f" (at least {SMALLEST:g})" if np.all(np.greater(value, 0)) else ""
        raise ValueError(f"{name} must be above 0{least}, not {shorten(value)}")
    return number


def not_negative(name: str, value: float) -> float:
    """Return a finite number of zero or more, as a float."""
    number = float(finite_array(name, value, ndim=0))
    if number < 0:
        raise ValueError(f"{name} must be 0 or more, not {shorten(value)}")
    return number


def random_generator(seed: Seed) -> np.random.Generator:
    """Return the NumPy Generator for `seed`, an int >= 0 or a Generator.

    None is refused: every number of the course can be drawn again.
    """
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(seed_number("seed", seed))


# ---- Points of a plane of factors, a row (a, b) each


def point(name: str, value: ArrayLike) -> np.ndarray:
    """Return one point (a, b), a float array (2,)."""
    array = finite_array(name, value)
    if array.shape != (2,):
        raise ValueError(f"{name} must be one point (a, b), not {shorten(value)}")
    return array


def points(name: str, factors: ArrayLike, empty: bool = False) -> np.ndarray:
    """Return points (n, 2) as floats; with `empty` there may be none, (0, 2)."""
    array = finite_array(name, factors, empty=empty)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{name} must be (n, 2), a row (a, b), not {array.shape}")
    return array


def limits(name: str, value: ArrayLike) -> tuple[float, float]:
    """Return (low, high), finite floats in that order."""
    ends = finite_array(name, value)
    if ends.shape != (2,) or not ends[0] < ends[1]:
        raise ValueError(
            f"{name} must be (low, high) with low < high, not {shorten(value)}"
        )
    return float(ends[0]), float(ends[1])


def ranges(name: str, value: ArrayLike) -> np.ndarray:
    """Return ((a low, a high), (b low, b high)) as an array (2, 2)."""
    ends = finite_array(name, value)
    if ends.shape != (2, 2) or not (ends[:, 0] < ends[:, 1]).all():
        raise ValueError(
            f"{name} must be ((low, high), (low, high)), not {ends.tolist()}"
        )
    return ends


def same_rows(
    name: str, values: np.ndarray, other_name: str, others: np.ndarray
) -> None:
    """Raise ValueError unless two arrays have as many rows."""
    if len(values) != len(others):
        raise ValueError(
            f"{name} and {other_name} must have as many rows: {len(values)} "
            f"and {len(others)}"
        )


def same_columns(
    name: str, values: np.ndarray, other_name: str, others: np.ndarray
) -> None:
    """Raise ValueError unless two arrays (n, d) have as many columns."""
    if values.shape[1] != others.shape[1]:
        raise ValueError(
            f"{name} and {other_name} must have as many columns: {values.shape[1]} "
            f"and {others.shape[1]}"
        )


# ---- Images, (n, h, w, 1)


def unit_images(name: str, images: ArrayLike) -> np.ndarray:
    """Return grey images (n, h, w, 1), uint8 or in [0, 1], as floats in [0, 1]."""
    images = np.asarray(whole_array(name, images))
    if images.ndim != 4 or images.shape[3] != 1:
        raise ValueError(
            f"{name} have shape {images.shape}: give (n, height, width, 1); "
            "images[..., None] adds a channel, images.mean(-1, keepdims=True) "
            "turns colours grey"
        )
    if images.size == 0:
        raise ValueError(f"{name} is empty: pass at least one image with pixels")
    if images.dtype == np.uint8:
        return images / np.float32(255)
    if images.dtype.kind != "f":
        raise ValueError(
            f"{name} are of dtype {images.dtype}: give uint8, or floats in [0, 1]"
        )
    images = finite_array(name, images, dtype=None)
    if images.min() < 0 or images.max() > 1:
        raise ValueError(
            f"{name} run from {images.min():g} to {images.max():g}: scale them to "
            "[0, 1], grey levels by 1/255"
        )
    return images


def flat_images(name: str, images: ArrayLike) -> np.ndarray:
    """Return grey images as rows (n, h·w) of floats in [0, 1]."""
    images = unit_images(name, images)
    return images.reshape(len(images), -1)


def image_pair(
    images: ArrayLike, others: ArrayLike, name: str = "others"
) -> tuple[np.ndarray, np.ndarray]:
    """Return two sets of grey images of one shape as floats in [0, 1]."""
    images, others = unit_images("images", images), unit_images(name, others)
    same_shape(images, others, name)
    return images, others


def same_shape(images: np.ndarray, others: np.ndarray, name: str) -> None:
    """Raise ValueError unless an array pairs with images."""
    if images.shape != others.shape:
        raise ValueError(
            f"{name} must pair with images: {others.shape} and {images.shape}"
        )


def strokes(images: ArrayLike, size: int | None = None) -> np.ndarray:
    """Return images of white strokes on black as floats in [0, 1].

    `images` (n, h, w, 1), uint8 or floats; `size` is the side in pixels that a model
    needs, None any. Images that are bright on average are refused.
    """
    found = unit_images("images", images)
    height, width = found.shape[1:3]
    if size is not None:
        size = whole_number("size", size)
        if (height, width) != (size, size):
            raise ValueError(
                f"images have {height} x {width} pixels and need {size} x {size}: "
                "draw or resize them at that size"
            )
    bright = np.count_nonzero(found.mean((1, 2, 3)) > 0.5)
    if bright:
        white = 255 if np.asarray(images).dtype == np.uint8 else 1
        raise ValueError(
            f"images are mostly bright, {bright} of {len(found)}: strokes must be "
            f"white on black, so pass {white} - images"
        )
    return found


YES, NO = ("1", "yes", "true", "on"), ("", "0", "no", "false", "off")


def says_yes(variable: str) -> bool:
    """Return whether a variable of the environment says yes; unset says no.

    Raises ValueError, naming it, for a word that is neither.
    """
    word = os.environ.get(variable, "").strip().lower()
    if word not in (*YES, *NO):
        raise ValueError(
            f"{variable} must be one of {', '.join(YES)}, or {', '.join(NO[1:])}, not "
            f"{word!r}"
        )
    return word in YES


def named_path(variable: str) -> Path | None:
    """Return the path in a variable of the environment, `~` read; None: it is unset.

    Raises ValueError, naming it, if `~` stands for nobody's home.
    """
    given = os.environ.get(variable)
    try:
        return Path(given).expanduser() if given else None
    except RuntimeError as error:
        raise ValueError(
            f"{variable}={given!r} names no home: write the whole path"
        ) from error
