"""The curve r = b·cos 5θ + a, and its points as ground truth for images."""

import numpy as np
from numpy.typing import ArrayLike

from vaetut import checks

FACTOR_NAMES = ("a", "b")  # the size, the amplitude of the petals
A_RANGE = (0.5, 2.0)
B_RANGE = (0.0, 2.0)
PETALS = 5


def curve(a: ArrayLike, b: ArrayLike, theta: ArrayLike) -> np.ndarray:
    """Return the radius r = b·cos 5θ + a.

    a, b, theta: numbers or arrays that broadcast; r in the units of a and b, theta in
    radians. Where b > a the radius turns negative: loops through the origin. Raises
    ValueError for NaN or infinity.
    """
    a, b, theta = (
        checks.finite_array(name, values, empty=True)
        for name, values in {"a": a, "b": b, "theta": theta}.items()
    )
    try:
        return b * np.cos(PETALS * theta) + a
    except ValueError:
        raise ValueError(
            "a, b and theta must broadcast, add an axis of length 1: "
            f"{a.shape}, {b.shape}, {theta.shape}"
        ) from None


def crosses(factors: ArrayLike) -> np.ndarray:
    """Return for which points (n, 2) the curve crosses itself, b > a, as booleans (n,).

    Raises ValueError for another shape.
    """
    a, b = checks.points("factors", factors, empty=True).T
    return b > a


def contour(a: ArrayLike, b: ArrayLike, n: int = 500) -> np.ndarray:
    """Return n points (x, y) along the curve, the last on the first.

    a, b: numbers or arrays of one shape (…); returns (…, n, 2), θ from −π to π in
    equal steps. Raises ValueError for n < 3, NaN or infinity.
    """
    theta = np.linspace(-np.pi, np.pi, checks.whole_number("n", n, least=3))
    a = checks.finite_array("a", a, empty=True)
    b = checks.finite_array("b", b, empty=True)
    try:
        a, b = np.broadcast_arrays(a, b)
    except ValueError:
        raise ValueError(
            f"a and b must be of one shape: {a.shape} and {b.shape}"
        ) from None
    checks.room("a, b and n", a.size, len(theta), 2)
    radius = curve(a[..., None], b[..., None], theta)
    x, y = radius * np.cos(theta), radius * np.sin(theta)
    points = np.stack([x, y], axis=-1)
    points[..., -1, :] = points[..., 0, :]  # to the last bit
    return points
