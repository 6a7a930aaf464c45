"""How many dimensions a cloud has: those it spans, and those it is.

`points` is always (n, d): codes, contours or images, flattened. A sheet that is curled
up spans many dimensions (`principal_shares`) and is of two (`two_nearest_dimension`).
"""

import numpy as np
from numpy.typing import ArrayLike

from vaetut.checks import finite_array, fraction


def principal_shares(points: ArrayLike) -> np.ndarray:
    """Return the share of the variance in each principal component, largest first.

    `points` (n, d) give (min(n, d),), which add up to 1. Raises ValueError where all
    points are the same. Source: Pearson 1901, On lines and planes of closest fit.
    """
    points = finite_array("points", points, ndim=2)
    centred = points - points.mean(axis=0)
    n, d = centred.shape
    # The smaller of the two products has the same eigenvalues.
    product = centred @ centred.T if n < d else centred.T @ centred
    variances = np.maximum(np.linalg.eigvalsh(product)[::-1], 0)
    if not variances.sum() > 0:
        raise ValueError("points are all the same: there is no variance to share")
    return variances / variances.sum()


def components_needed(shares: ArrayLike, share: float = 0.95) -> int:
    """Return how many of the largest shares it takes to reach `share` of their sum.

    `shares` (k,) as `principal_shares` returns them. Raises ValueError for a share
    outside (0, 1).
    """
    shares, share = finite_array("shares", shares, ndim=1), fraction("share", share)
    held = np.cumsum(np.sort(shares)[::-1])
    return int(np.searchsorted(held, share * held[-1] * (1 - 1e-12)) + 1)


def two_nearest_dimension(points: ArrayLike, discard: float = 0.1) -> float:
    """Return the intrinsic dimension of a cloud by each point's two neighbours.

    With µ the ratio of a point's second nearest distance to its nearest, a cloud that
    is even on the scale of those distances has P(ratio > µ) = µ^-d, whatever its
    density. d is the slope of -log P over log µ through the origin, without the
    `discard` of largest ratios. What is beyond that scale, noise or a bend, is not
    seen: state n. Repeated points are dropped; raises ValueError where fewer than ten
    are left. Source: Facco et al. 2017, Estimating the intrinsic dimension of datasets
    by a minimal neighborhood information, equation 5.
    """
    from sklearn.neighbors import NearestNeighbors  # slow to import, and only here

    points = np.unique(finite_array("points", points, ndim=2, dtype=None), axis=0)
    if len(points) < 10:
        raise ValueError(
            f"points must be ten or more different ones, not {len(points)}"
        )
    search = NearestNeighbors(n_neighbors=2).fit(points)
    first, second = search.kneighbors()[0].T  # of each point, itself aside
    ratio = np.sort(second / first)
    kept = int((1 - fraction("discard", discard)) * len(ratio))
    x = np.log(ratio[:kept])
    y = -np.log1p(-np.arange(1, kept + 1) / len(ratio))
    return float(x @ y / (x @ x))
