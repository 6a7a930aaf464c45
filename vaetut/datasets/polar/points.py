"""Points (a, b) of the parameter plane: samples, the hole, transects, weights."""

import numpy as np

from vaetut.datasets.polar import checks
from vaetut.datasets.polar.curve import A_RANGE, B_RANGE

HOLE_CENTER = (1.25, 1.0)
HOLE_RADIUS = 0.3
TRANSECTS = {  # all cross the hole's centre
    "P1": ((1.25, 0.0), (1.25, 2.0)),
    "P2": ((0.5, 1.0), (2.0, 1.0)),
    "P3": ((0.5, 2.0), (2.0, 0.0)),
}


def sample(n: int, seed: int, a_range=A_RANGE, b_range=B_RANGE) -> np.ndarray:
    """Return n points (a, b) drawn uniformly over a rectangle, (n, 2).

    Point k depends on the seed alone, not on n. Raises ValueError for n < 1, a
    negative seed or a range that is none.
    """
    shape = (checks.whole("n", n, least=1), 2)
    rng = np.random.default_rng(checks.whole("seed", seed, least=0))
    low, high = np.transpose(
        [checks.interval("a_range", a_range), checks.interval("b_range", b_range)]
    )
    return low + (high - low) * rng.random(shape)


def puncture(factors, center=HOLE_CENTER, radius: float = HOLE_RADIUS) -> np.ndarray:
    """Return which points (n, 2) are kept outside a hole, as booleans (n,).

    A point at a distance of at most `radius` from `center` is removed. Raises
    ValueError for a radius that is not positive, or if the hole removes every point.
    """
    factors, center = checks.points(factors), checks.point("center", center)
    radius = checks.positive("radius", radius)
    kept = np.hypot(*(factors - center).T) > radius
    if not kept.any():
        raise ValueError(
            f"A hole of radius {radius:g} at ({center[0]:g}, {center[1]:g}) removes "
            f"all {len(kept)} points: take a smaller radius or more points."
        )
    return kept


def transect(start, end, n: int = 15) -> np.ndarray:
    """Return n equally spaced points from start to end, both included, (n, 2).

    The course's three are `transect(*TRANSECTS["P1"])`, "P2" and "P3". Raises
    ValueError for n < 2 or an end that is not a point.
    """
    start, end = checks.point("start", start), checks.point("end", end)
    return np.linspace(start, end, checks.whole("n", n, least=2))


def grid(rows: int, cols: int, a_range=A_RANGE, b_range=B_RANGE) -> np.ndarray:
    """Return a lattice of points over a rectangle, (rows·cols, 2).

    Row by row as in a plot: a grows to the right, b upwards, so the first row has the
    largest b. Raises ValueError for fewer than two rows or columns.
    """
    a = np.linspace(
        *checks.interval("a_range", a_range), checks.whole("cols", cols, least=2)
    )
    b = np.linspace(
        *checks.interval("b_range", b_range), checks.whole("rows", rows, least=2)
    )
    return np.stack(np.meshgrid(a, b[::-1]), axis=-1).reshape(-1, 2)


def weights(factors, b_range=B_RANGE) -> np.ndarray:
    """Return a sample weight a point (n, 2): 1 at the lowest b, 0 at the highest.

    It falls linearly with b. The source's text says "proportional to b", its script
    and its colours −b: the script is what it trained with. Raises ValueError for a b
    outside the range.
    """
    low, high = checks.interval("b_range", b_range)
    b = checks.points(factors)[:, 1]
    if len(b) and not (low <= b.min() and b.max() <= high):
        raise ValueError(
            f"b runs from {b.min():g} to {b.max():g}, outside b_range ({low:g}, "
            f"{high:g}): give the range that the points were drawn from."
        )
    return (high - b) / (high - low)
