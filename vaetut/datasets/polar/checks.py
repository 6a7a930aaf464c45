"""What the functions of this package ask of what they are given."""

import operator

import numpy as np


def whole(name: str, value, least: int, most: int | None = None) -> int:
    """Return a whole number within its limits; raises ValueError naming it."""
    limits = f"{least} or more" if most is None else f"{least} to {most}"
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(
            f"{name} is {value!r}: give a whole number, {limits}."
        ) from None
    if number < least or (most is not None and number > most):
        raise ValueError(f"{name} is {number}: give {limits}.")
    return number


def positive(name: str, value: float) -> float:
    """Return a finite number above zero; raises ValueError naming it."""
    if not (np.ndim(value) == 0 and np.isfinite(value) and value > 0):
        raise ValueError(f"{name} is {value}: give a finite number above 0.")
    return float(value)


def interval(name: str, value) -> tuple[float, float]:
    """Return (low, high), finite and in that order; raises ValueError naming it."""
    ends = np.asarray(value, float)
    if ends.shape != (2,) or not np.isfinite(ends).all() or not ends[0] < ends[1]:
        raise ValueError(f"{name} is {value}: give (low, high) with low < high.")
    return float(ends[0]), float(ends[1])


def finite(name: str, value) -> np.ndarray:
    """Return an array of floats; raises ValueError if any is NaN or infinite."""
    array = np.asarray(value, float)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity: give finite numbers.")
    return array


def point(name: str, value) -> np.ndarray:
    """Return one point (a, b); raises ValueError naming it."""
    array = finite(name, value)
    if array.shape != (2,):
        raise ValueError(f"{name} is {value}: give one point (a, b).")
    return array


def points(factors) -> np.ndarray:
    """Return factors (n, 2) of floats; raises ValueError for another shape or NaN."""
    array = finite("factors", factors)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(
            f"factors have shape {array.shape}: give (n, 2), a row (a, b) an image."
        )
    return array
