"""Points (a, b) drawn from the plane, and what each of them weighs."""

import numpy as np
from numpy.typing import ArrayLike

from vaetut import checks
from vaetut.datasets.polar.curve import A_RANGE, B_RANGE


def sample(
    n: int, seed: int, a_range: ArrayLike = A_RANGE, b_range: ArrayLike = B_RANGE
) -> np.ndarray:
    """Return n points (a, b) drawn uniformly over a rectangle, (n, 2).

    Point k depends on the seed alone, not on n. Raises ValueError for n < 1, a
    negative seed or a range that is none.
    """
    shape = (checks.whole_number("n", n, least=1), 2)
    rng = np.random.default_rng(checks.seed_number("seed", seed))
    low, high = np.transpose(
        [checks.limits("a_range", a_range), checks.limits("b_range", b_range)]
    )
    return low + (high - low) * rng.random(shape)


def weights(factors: ArrayLike, b_range: ArrayLike = B_RANGE) -> np.ndarray:
    """Return a sample weight a point (n, 2): 1 at the lowest b, 0 at the highest.

    It falls linearly with b. The source's text says "proportional to b", its script
    and its colours −b: the script is what it trained with. Raises ValueError for a b
    outside the range.
    """
    low, high = checks.limits("b_range", b_range)
    b = checks.points("factors", factors, empty=True)[:, 1]
    if len(b) and not (low <= b.min() and b.max() <= high):
        raise ValueError(
            f"b runs from {b.min():g} to {b.max():g}, outside b_range ({low:g}, "
            f"{high:g}): give the range that the points were drawn from."
        )
    return (high - b) / (high - low)
