"""The shape of a path through a latent space, and points along it.

A `path` is (n, d), its points in order, of codes, factors or flattened images.
"""

import numpy as np
from numpy.typing import ArrayLike

from vaetut.checks import finite_array, whole_number


def path_length(path: ArrayLike) -> float:
    """Return the length of a path (n, d), the sum of its steps, in its own unit.

    Raises ValueError for fewer than two points.
    """
    return float(_step_lengths(as_path(path, 2)).sum())


def linear_ratio(path: ArrayLike) -> float:
    """Return the chord of a path over its length: 1 if straight, 0 if it closes.

    `path` (n, d). Raises ValueError where it stays at one point.
    """
    path = as_path(path, 2)
    chord, length = np.linalg.norm(path[-1] - path[0]), path_length(path)
    if length == 0:
        raise ValueError("path stays at one point: it has no length to compare with")
    return float(chord / length)


def turning(path: ArrayLike) -> float:
    """Return by how many degrees a path (n, d) turns in all, 0 if straight.

    The sum of the angles between its successive steps, to whichever side. It counts a
    jitter of the points in full: smooth or resample them first. Raises ValueError
    where the path stands still.
    """
    path = as_path(path, 3)
    steps = np.diff(path, axis=0)
    if (step_norms(steps) == 0).any():
        raise ValueError("path stands still: drop repeated points, or resample it")
    last, next_ = steps[:-1] / step_norms(steps[:-1])[:, None], steps[1:]
    angles = np.arctan2(step_norms(_sideways(last, next_)), (last * next_).sum(1))
    return float(np.degrees(angles.sum()))


def unevenness(path: ArrayLike) -> float:
    """Return the standard deviation of a path's steps over their mean, 0 if even.

    `path` (n, d), n >= 3: of factors (a, b), it tells how smoothly a walk changes what
    is drawn. Raises ValueError where the path stays at one point.
    Source: Pearson 1896, the coefficient of variation.
    """
    lengths = _step_lengths(as_path(path, 3))
    if not lengths.any():
        raise ValueError("path stays at one point: it has no steps to compare")
    return float(lengths.std() / lengths.mean())


def straight(start: ArrayLike, end: ArrayLike, count: int) -> np.ndarray:
    """Return `count` evenly spaced points from `start` (d,) to `end` (d,), (count, d).

    Both ends are among them. Raises ValueError where they are the same.
    """
    start, end = finite_array("start", start, ndim=1), finite_array("end", end, ndim=1)
    if start.shape != end.shape:
        raise ValueError(
            f"start and end must be of one space: {start.shape} and {end.shape}"
        )
    if (start == end).all():
        raise ValueError("start and end are the same point: no line joins them")
    return np.linspace(start, end, whole_number("count", count, least=2))


def resample(path: ArrayLike, count: int) -> np.ndarray:
    """Return `count` points (count, d) evenly spaced by length along a path (n, d).

    They lie on its steps, and both ends are kept. Raises ValueError where it stays at
    one point.
    """
    path, count = as_path(path, 2), whole_number("count", count, least=2)
    lengths = _step_lengths(path)
    kept = np.concatenate([[True], lengths > 0])
    if not lengths.any():
        raise ValueError("path stays at one point: give one that goes somewhere")
    reached = np.concatenate([[0], np.cumsum(lengths[lengths > 0])])
    at, columns = np.linspace(0, reached[-1], count), path[kept].T
    return np.stack([np.interp(at, reached, column) for column in columns], axis=1)


def as_path(path: ArrayLike, least: int) -> np.ndarray:
    """Return a path (n, d) of finite numbers with at least so many points.

    Raises ValueError for fewer than `least`.
    """
    path = finite_array("path", path, ndim=2)
    if len(path) < least:
        raise ValueError(f"path must have {least} or more points, not {len(path)}")
    return path


def step_norms(vectors: np.ndarray) -> np.ndarray:
    """Return the Euclidean lengths (…) of vectors (…, d).

    They are in the unit of the vectors.
    """
    return np.linalg.norm(vectors, axis=-1)


def _step_lengths(path):
    return step_norms(np.diff(path, axis=0))


def _sideways(along, vectors):
    """Return the part of vectors (n, d) at right angles to along (n, d), none of it 0.

    It loses nothing to rounding where two steps hardly turn.
    """
    share = (along * vectors).sum(1) / (along**2).sum(1)
    return vectors - share[:, None] * along


def largest_step(codes: ArrayLike) -> float:
    """Return the largest step of codes along a transect over their median step.

    `codes` (n, d) in the order of the transect, n >= 3; 1 where all steps are alike.
    Raises ValueError where half of the steps are 0.
    """
    codes = finite_array("codes", codes, ndim=2)
    if len(codes) < 3:
        raise ValueError(f"codes must be three or more along a line, not {len(codes)}")
    steps = np.linalg.norm(np.diff(codes, axis=0), axis=1)
    median = float(np.median(steps))
    if median == 0:
        raise ValueError("codes stand still for half of their steps: drop repeats")
    return float(steps.max()) / median
