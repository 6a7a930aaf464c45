"""Points (a, b) of the parameter plane: samples, holes, transects, weights."""

from typing import NamedTuple

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


class Disc(NamedTuple):
    """A round hole; the one of the reference unless told otherwise."""

    center: tuple[float, float] = HOLE_CENTER
    radius: float = HOLE_RADIUS

    def distance(self, factors) -> np.ndarray:
        """Return how far points (n, 2) are from the edge, (n,), negative inside."""
        radius = checks.positive("radius", self.radius)
        offsets = checks.points(factors) - checks.point("center", self.center)
        return np.hypot(*offsets.T) - radius


class Strip(NamedTuple):
    """A hole of all points with low ≤ b ≤ high; an end at infinity is a half plane."""

    low: float
    high: float

    def distance(self, factors) -> np.ndarray:
        """Return how far points (n, 2) are from the edge, (n,), negative inside."""
        b = checks.points(factors)[:, 1]
        return np.maximum(self.low - b, b - self.high)


HOLES = {  # name -> what is removed; "disc" is the reference's
    "disc": Disc(),
    **{f"disc-{radius}": Disc(radius=radius) for radius in (0.1, 0.5, 0.7)},
    # At a corner of the plane, twice the radius is the same area: extrapolation.
    "corner": Disc((A_RANGE[1], B_RANGE[1]), 2 * HOLE_RADIUS),
    "band": Strip(HOLE_CENTER[1] - HOLE_RADIUS, HOLE_CENTER[1] + HOLE_RADIUS),
    "half": Strip(HOLE_CENTER[1], np.inf),
}


def hole_named(hole) -> Disc | Strip:
    """Return a hole, or the one of that name; raises ValueError if unknown."""
    if not isinstance(hole, str):
        return hole
    if hole not in HOLES:
        raise ValueError(
            f"There is no hole {hole!r}: choose one of {', '.join(HOLES)}."
        )
    return HOLES[hole]


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
    """Return which points (n, 2) are kept outside a round hole, as booleans (n,).

    A point at a distance of at most `radius` from `center` is removed. Raises
    ValueError for a radius that is not positive, or if the hole removes every point.
    """
    return outside(factors, Disc(center, radius))


def outside(factors, hole="disc") -> np.ndarray:
    """Return which points (n, 2) are kept outside a hole, as booleans (n,).

    hole: a name in `HOLES`, a `Disc` or a `Strip`; its edge belongs to it. Raises
    ValueError for an unknown name, or if the hole removes every point.
    """
    hole = hole_named(hole)
    kept = hole.distance(factors) > 0
    if not kept.any():
        raise ValueError(
            f"{hole} removes all {len(kept)} points: take a smaller hole or more "
            "points."
        )
    return kept


def transect(start, end, n: int = 15) -> np.ndarray:
    """Return n equally spaced points from start to end, both included, (n, 2).

    The course's three are `transect(*TRANSECTS["P1"])`, "P2" and "P3". Raises
    ValueError for n < 2, an end that is not a point, or one outside the plane.
    """
    start, end = checks.point("start", start), checks.point("end", end)
    for name, (a, b) in {"start": start, "end": end}.items():
        if not (A_RANGE[0] <= a <= A_RANGE[1] and B_RANGE[0] <= b <= B_RANGE[1]):
            raise ValueError(
                f"The transect leaves the plane: its {name} ({a:g}, {b:g}) is not "
                f"within a = {A_RANGE} and b = {B_RANGE}."
            )
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
