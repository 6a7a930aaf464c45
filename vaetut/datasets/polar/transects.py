"""Lines and lattices of points through the plane of (a, b)."""

import numpy as np
from numpy.typing import ArrayLike

from vaetut import checks
from vaetut.datasets.polar.curve import A_RANGE, B_RANGE

TRANSECTS = {  # all cross the hole's centre
    "P1": ((1.25, 0.0), (1.25, 2.0)),
    "P2": ((0.5, 1.0), (2.0, 1.0)),
    "P3": ((0.5, 2.0), (2.0, 0.0)),
}


def transect(start: ArrayLike, end: ArrayLike, n: int = 15) -> np.ndarray:
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
    return np.linspace(start, end, checks.whole_number("n", n, least=2))


def grid(
    rows: int, cols: int, a_range: ArrayLike = A_RANGE, b_range: ArrayLike = B_RANGE
) -> np.ndarray:
    """Return a lattice of points over a rectangle, (rows·cols, 2).

    Row by row as in a plot: a grows to the right, b upwards, so the first row has the
    largest b. Raises ValueError for fewer than two rows or columns.
    """
    rows = checks.whole_number("rows", rows, least=2)
    cols = checks.whole_number("cols", cols, least=2)
    checks.room("rows and cols", rows, cols, 2)
    a = np.linspace(*checks.limits("a_range", a_range), cols)
    b = np.linspace(*checks.limits("b_range", b_range), rows)
    return np.stack(np.meshgrid(a, b[::-1]), axis=-1).reshape(-1, 2)
