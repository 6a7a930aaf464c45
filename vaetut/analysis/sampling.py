"""Ways of sampling a latent space, and whether samples fall into gaps between codes.

`codes` is always (n, d): the codes of an autoencoder, or the posterior means of a VAE.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from vaetut.analysis.cloud import fit_gaussian
from vaetut.analysis.neighbours import nearest_distance
from vaetut.checks import (
    COUNT,
    Seed,
    finite_array,
    fraction,
    random_generator,
    room,
    same_columns,
    whole_number,
)

GRID_D = 20  # dimensions of a grid at most: two codes a side are a million


def sample_box(codes: ArrayLike, n: int, seed: Seed) -> np.ndarray:
    """Return n samples (n, d), uniform in the bounding box of the codes (m, d).

    `seed` is an int or a Generator; the unit is that of the codes. Raises ValueError
    for n < 1, NaN or infinity.
    """
    codes, n = finite_array("codes", codes, ndim=2), whole_number("n", n)
    room("n and the columns of codes", n, codes.shape[1])
    rng = random_generator(seed)
    return rng.uniform(codes.min(0), codes.max(0), size=(n, codes.shape[1]))


def sample_gaussian(codes: ArrayLike, n: int, seed: Seed) -> np.ndarray:
    """Return n samples (n, d) from the Gaussian fitted to the codes (m, d).

    Centre and covariance are the maximum-likelihood ones. Raises ValueError for n < 1,
    NaN or infinity.
    """
    codes, n = finite_array("codes", codes, ndim=2), whole_number("n", n)
    room("n and the columns of codes", n, codes.shape[1])
    values, vectors = np.linalg.eigh(fit_gaussian(codes)[1])
    normal = random_generator(seed).standard_normal((n, codes.shape[1]))
    root = vectors * np.sqrt(np.maximum(values, 0))
    return codes.mean(0) + normal @ root.T


def sample_prior(n: int, d: int, seed: Seed) -> np.ndarray:
    """Return n samples (n, d) from the prior N(0, I).

    `seed` is an int or a Generator. Raises ValueError for n or d below 1.
    """
    shape = whole_number("n", n), whole_number("d", d)
    room("n and d", *shape)
    return random_generator(seed).standard_normal(shape)


def prior_grid(side: int, d: int = 2, eps: float | None = None) -> np.ndarray:
    """Return the codes at the centres of side^d cells of equal prior mass.

    The result is (side^d, d): Phi^-1((k + 1/2) / side) along each axis, row by row
    from the top (large y) to the bottom, each row from left to right.  With `eps`
    the axes run from Phi^-1(eps) to Phi^-1(1 - eps) in even steps of Phi instead.
    Raises ValueError for more than ten million codes, or an eps that is not between 0
    and 0.5.
    """
    d = whole_number("d", d, 1, GRID_D)
    side = _side(side, d)
    # Not linspace(0, 1), as often seen: Phi^-1 of 0 and 1 is -inf and inf.
    p = (np.arange(side) + 0.5) / side
    if eps is not None:
        if fraction("eps", eps) >= 0.5 or side < 2:
            raise ValueError("eps must lie between 0 and 0.5, and side be 2 or more")
        p = np.linspace(eps, 1 - eps, side)
    return _grid([ndtri(p)] * d)


def box_grid(codes: ArrayLike, side: int) -> np.ndarray:
    """Return the codes at the centres of side^d even cells of the codes' bounding box.

    `codes` (n, d) give (side^d, d), in the order of `prior_grid`. Raises ValueError for
    more than ten million codes.
    """
    codes = finite_array("codes", codes, ndim=2)
    if codes.shape[1] > GRID_D:
        raise ValueError(f"codes must have at most {GRID_D} columns for a grid")
    side = _side(side, codes.shape[1])
    p = (np.arange(side) + 0.5) / side
    pairs = zip(codes.min(0), codes.max(0), strict=True)
    return _grid([low + (high - low) * p for low, high in pairs])


def _grid(axes):
    """Return all points of ascending axes, the first running fastest, others down."""
    slow = [axis[::-1] for axis in axes[:0:-1]]
    points = np.meshgrid(*slow, axes[0], indexing="ij")
    return np.stack([p.ravel() for p in points[::-1]], axis=1)


def _side(side, d):
    side = whole_number("side", side)
    if side**d > COUNT:
        raise ValueError(f"side {side} in {d} dimensions is too many codes: lower it")
    return side


def to_uniform(z: ArrayLike) -> np.ndarray:
    """Return Phi(z), in [0, 1], of codes of any shape: uniform where z ~ N(0, 1).

    Raises ValueError for NaN or infinity.
    """
    return ndtr(finite_array("z", z))


def in_gap(codes: ArrayLike, samples: ArrayLike, quantile: float = 0.99) -> np.ndarray:
    """Return which samples lie farther from the codes than codes do from each other.

    `codes` (n, d), `samples` (m, d) give (m,) bool: the distance to the nearest code
    exceeds the `quantile` of the codes' own leave-one-out nearest distances. Raises
    ValueError for fewer than two codes, or a quantile outside (0, 1).
    """
    codes = finite_array("codes", codes, ndim=2)
    samples = finite_array("samples", samples, ndim=2)
    quantile = fraction("quantile", quantile)
    if len(codes) < 2:
        raise ValueError("codes must have two or more rows to be near one another")
    same_columns("codes", codes, "samples", samples)
    own = nearest_distance(codes, codes, exclude_self=True)
    return nearest_distance(samples, codes) > np.quantile(own, quantile)


def gap_fraction(codes: ArrayLike, samples: ArrayLike, quantile: float = 0.99) -> float:
    """Return the share of samples that lie in a gap between the codes, in [0, 1].

    Arguments as in `in_gap`.  Calibrated: samples from the distribution of the codes
    give 1 - quantile, whatever that distribution is. Raises as it does.
    """
    return float(in_gap(codes, samples, quantile).mean())
