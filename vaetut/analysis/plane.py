"""Regions of the plane of factors around a hole, and distances in it.

`factors` are (n, 2), a row (a, b) an image.
"""

import numpy as np
from numpy.typing import ArrayLike

from vaetut import checks
from vaetut.checks import finite_array


def regions(distance: ArrayLike, width: float = 0.1) -> dict[str, np.ndarray]:
    """Return the regions of the plane as masks (n,): hole, shell and far.

    `distance` (n,) is signed, of each point to the edge of the hole, negative inside,
    in the units of a and b. "hole" is distance <= 0; "shell" beyond it up to `width`,
    to match the hole with points of its neighbourhood; "far" the rest. Raises
    ValueError for a width that is not above 0, NaN or infinity.
    """
    distance = finite_array("distance", distance, ndim=1)
    width = checks.positive("width", width)
    hole, far = distance <= 0, distance > width
    return {"hole": hole, "shell": ~hole & ~far, "far": far}


def factor_error(
    found: ArrayLike, factors: ArrayLike, ranges: ArrayLike | None = None
) -> np.ndarray:
    """Return the Euclidean distance of found factors to the true ones, (n,).

    `found`, `factors` (n, 2), in the units of a and b. Where `found` is NaN nothing
    was drawn, which counts as the worst answer: the farthest corner of `ranges`,
    ((a low, a high), (b low, b high)), by default those that `factors` span. Give
    them where `factors` are a few points, as on a transect. Raises ValueError for
    infinity, or where a NaN meets factors that span nothing.
    """
    factors, found = checks.points("factors", factors), _found(found)
    if found.shape != factors.shape:
        raise ValueError(
            f"found must pair with factors: {found.shape} and {factors.shape}"
        )
    lost = np.isnan(found).any(1)
    if ranges is None:
        low, high = factors.min(0), factors.max(0)
        if lost.any() and (low == high).all():
            raise ValueError(
                "found holds NaN and factors are one point, which says nothing of the "
                "worst answer: pass ranges"
            )
    else:
        low, high = checks.ranges("ranges", ranges).T
    worst = np.where(factors - low > high - factors, low, high)
    found[lost] = worst[lost]
    return np.linalg.norm(finite_array("found", found) - factors, axis=1)


def _found(values: ArrayLike) -> np.ndarray:
    """Return found factors as an array of its own, where NaN stands for none."""
    array = checks.whole_array("found", values)
    if array.dtype.kind not in "biuf":
        raise ValueError("found must hold real numbers in a regular array")
    return np.array(array, np.float64)
