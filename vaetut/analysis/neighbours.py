"""The nearest of many: among codes, factors or images.

`queries` are (m, d) and `references` (n, d), a row a point.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from vaetut import checks
from vaetut.analysis.chunks import rows_at_once
from vaetut.checks import finite_array, whole_number

_TREE_MAX_D = 16  # above it a k-d tree visits nearly all points: multiply instead


def nearest_distance(
    queries: ArrayLike, references: ArrayLike, exclude_self: bool = False
) -> np.ndarray:
    """Return the Euclidean distance of each query to its nearest reference.

    `queries` (m, d), `references` (n, d) give (m,), in the unit of the codes.  With
    `exclude_self`, queries and references are the same rows and row i does not count
    as its own neighbour (a duplicate of it does).  Images: flatten them first.  A k-d
    tree up to d = 16, beyond that matrix products in chunks. Raises ValueError for two
    numbers of columns, or rows that cannot be the same.
    """
    return _nearest(queries, references, exclude_self)[0]


def nearest_index(
    queries: ArrayLike, references: ArrayLike, exclude_self: bool = False
) -> np.ndarray:
    """Return the row of the nearest reference of each query, (m,) int.

    Arguments as in `nearest_distance`; of equally near ones any is returned.
    """
    return _nearest(queries, references, exclude_self)[1]


def _nearest(queries, references, exclude_self):
    """Return (distance, index) of the nearest reference of each query."""
    queries = finite_array("queries", queries, ndim=2, dtype=None)
    references = finite_array("references", references, ndim=2, dtype=None)
    checks.same_columns("queries", queries, "references", references)
    if checks.flag("exclude_self", exclude_self) and (
        len(queries) != len(references) or len(queries) < 2
    ):
        raise ValueError(
            "exclude_self=True needs queries and references to be the same two or "
            f"more rows, not {len(queries)} and {len(references)}"
        )
    if queries.shape[1] > _TREE_MAX_D:
        return _nearest_by_product(queries, references, exclude_self)
    distance, index = cKDTree(references).query(queries, k=[1, 2][: 1 + exclude_self])
    rows = np.arange(len(queries))
    column = (index[:, 0] == rows).astype(int) if exclude_self else 0
    return distance[rows, column], index[rows, column]


def _nearest_by_product(queries, references, exclude_self):
    """Do the same by |r|^2 - 2 q.r, in chunks, and the distance by subtraction."""
    distance, index = np.empty(len(queries)), np.empty(len(queries), dtype=int)
    centre = references.mean(0, dtype=np.float64)  # less cancellation
    size = min(2000, rows_at_once(queries.shape[1]))
    for i in range(0, len(queries), size):
        q = queries[i : i + size] - centre
        rows, best = np.arange(len(q)), np.full(len(q), np.inf)
        for j in range(0, len(references), size):
            r = references[j : j + size] - centre
            square = (r**2).sum(1) - 2 * q @ r.T
            if exclude_self and i == j:
                np.fill_diagonal(square, np.inf)
            k = square.argmin(1)
            better = square[rows, k] < best
            index[i + rows[better]] = j + k[better]
            best = np.minimum(best, square[rows, k])
        gap = q - (references[index[i : i + size]] - centre)
        distance[i : i + size] = np.linalg.norm(gap, axis=1)
    return distance, index


def nearest_by_pixels(train: ArrayLike, images: ArrayLike) -> np.ndarray:
    """Return the row of the training image nearest in pixels to each image, (n,).

    `train` (m, h, w, 1), `images` (n, h, w, 1); Euclidean distance. The training
    images are turned to floats in pieces, so that uint8 ones may be many. Raises
    ValueError for two shapes of images, or values outside [0, 1].
    """
    train = checks.whole_array("train", train)
    queries = checks.flat_images("images", images)
    if train.shape[1:] != np.shape(images)[1:]:
        raise ValueError(
            f"train must have images of the shape of images: {train.shape} and "
            f"{np.shape(images)}"
        )
    rows = rows_at_once(queries.shape[1])
    index, best = np.zeros(len(queries), int), np.full(len(queries), np.inf)
    for start in range(0, max(1, len(train)), rows):
        part = checks.flat_images("train", train[start : start + rows])
        nearest = nearest_index(queries, part)
        distance = np.linalg.norm(queries - part[nearest], axis=1)
        better = distance < best
        index[better], best[better] = start + nearest[better], distance[better]
    return index


def nearest_by_factors(train_factors: ArrayLike, factors: ArrayLike) -> np.ndarray:
    """Return the row of the training point nearest in (a, b) to each point, (n,).

    `train_factors` (m, 2), `factors` (n, 2). Raises ValueError for points that are not
    (n, 2), NaN or infinity.
    """
    return nearest_index(
        checks.points("factors", factors), checks.points("train_factors", train_factors)
    )


def neighbour_average(
    train_images: ArrayLike, train_factors: ArrayLike, factors: ArrayLike, k: int = 8
) -> np.ndarray:
    """Return the mean of the k training images nearest in (a, b), (n, h, w, 1).

    `train_images` (m, h, w, 1), `train_factors` (m, 2), `factors` (n, 2): float32 in
    [0, 1], what a model that only blends would draw. Raises ValueError for a k above m,
    or as many images as points are not given.
    """
    train_images = checks.whole_array("train_images", train_images)
    if train_images.ndim != 4:
        raise ValueError(f"train_images must be (m, h, w, 1), not {train_images.shape}")
    train_factors = checks.points("train_factors", train_factors)
    factors, k = checks.points("factors", factors), whole_number("k", k)
    checks.same_rows("train_images", train_images, "train_factors", train_factors)
    if k > len(train_factors):
        raise ValueError(f"k must be at most the {len(train_factors)} images, not {k}")
    index = cKDTree(train_factors).query(factors, k=range(1, k + 1))[1]
    total = np.zeros((len(factors), *train_images.shape[1:]), np.float32)
    for rank in index.T:
        total += checks.unit_images("train_images", train_images[rank])
    return total / k
