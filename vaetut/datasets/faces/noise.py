"""Smooth noise from one table: for strands of hair, skin, backgrounds and grain."""

from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter

SIDE = 256  # of the table, which repeats itself


@cache
def table(smoothness: float) -> np.ndarray:
    """Return noise (SIDE, SIDE) of mean 0 and standard deviation 1, as float32.

    It is smoothed by a Gaussian of `smoothness` cells, and read-only.
    """
    drawn = np.random.default_rng(0).standard_normal((SIDE, SIDE))
    if smoothness:
        drawn = gaussian_filter(drawn, smoothness, mode="wrap")
    noise = ((drawn - drawn.mean()) / drawn.std()).astype(np.float32)
    noise.flags.writeable = False
    return noise


def at(u: np.ndarray, v: np.ndarray, smoothness: float = 1.0) -> np.ndarray:
    """Return the noise at coordinates in cells of the table, which may be any.

    `u`, `v` of one shape, which the noise has: mean 0, standard deviation 1.
    """
    columns = u.astype(np.int32) & (SIDE - 1)
    rows = v.astype(np.int32) & (SIDE - 1)
    return table(smoothness).ravel()[rows * SIDE + columns]
