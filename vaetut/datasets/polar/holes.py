"""Holes in the plane of (a, b): what is removed before a model is trained."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vaetut import checks
from vaetut.datasets.polar.curve import A_RANGE, B_RANGE

HOLE_CENTER = (1.25, 1.0)
HOLE_RADIUS = 0.3


class Disc(NamedTuple):
    """A round hole; the one of the reference unless told otherwise."""

    center: tuple[float, float] = HOLE_CENTER
    radius: float = HOLE_RADIUS

    def distance(self, factors: ArrayLike) -> np.ndarray:
        """Return how far points (n, 2) are from the edge, (n,), negative inside.

        In units of a and b. Raises ValueError for points that are none.
        """
        radius = checks.positive("radius", self.radius)
        offsets = checks.points("factors", factors, empty=True) - checks.point(
            "center", self.center
        )
        return np.hypot(*offsets.T) - radius


class Strip(NamedTuple):
    """A hole of all points with low ≤ b ≤ high; an end at infinity is a half plane."""

    low: float
    high: float

    def distance(self, factors: ArrayLike) -> np.ndarray:
        """Return how far points (n, 2) are from the edge, (n,), negative inside.

        In units of a and b. Raises ValueError for points that are none.
        """
        b = checks.points("factors", factors, empty=True)[:, 1]
        return np.maximum(self.low - b, b - self.high)


HOLES: dict[str, Disc | Strip] = {  # name -> what is removed; "disc" is the reference's
    "disc": Disc(),
    **{f"disc-{radius}": Disc(radius=radius) for radius in (0.1, 0.5, 0.7)},
    # At a corner of the plane, twice the radius is the same area: extrapolation.
    "corner": Disc((A_RANGE[1], B_RANGE[1]), 2 * HOLE_RADIUS),
    "band": Strip(HOLE_CENTER[1] - HOLE_RADIUS, HOLE_CENTER[1] + HOLE_RADIUS),
    "half": Strip(HOLE_CENTER[1], np.inf),
}


def hole_named(hole: str | Disc | Strip) -> Disc | Strip:
    """Return a hole, or the one of that name; raises ValueError if unknown."""
    if isinstance(hole, (Disc, Strip)):
        return hole
    return HOLES[checks.one_of("hole", hole, HOLES)]


def in_hole(factors: ArrayLike, hole: str | Disc | Strip = "disc") -> np.ndarray:
    """Return which points (n, 2) lie in a hole, as booleans (n,).

    hole: a name in `HOLES`, a `Disc` or a `Strip`; its edge belongs to it. Raises
    ValueError for an unknown name.
    """
    return hole_named(hole).distance(factors) <= 0


def outside(factors: ArrayLike, hole: str | Disc | Strip = "disc") -> np.ndarray:
    """Return which points (n, 2) are kept outside a hole, as booleans (n,).

    The hole as for `in_hole`. Raises ValueError if it removes every point.
    """
    kept = ~in_hole(factors, hole)
    if not kept.any():
        raise ValueError(
            f"{hole} removes all {len(kept)} points: take a smaller hole or more "
            "points."
        )
    return kept
