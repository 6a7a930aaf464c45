"""Likelihoods and bounds in nats per image: KL, ELBO, importance weights, evidence.

Pixels are taken as Bernoulli with the decoder's logits.  With grey pixels in [0, 1]
instead of 0 and 1 that "likelihood" is not normalised: its integral over [0, 1] is
not 1 (Loaiza-Ganem & Cunningham 2019, The continuous Bernoulli).  The numbers compare
models on the same images; they are no densities to set against other likelihoods.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr, logsumexp

from vaetut.analysis.chunks import rows_at_once
from vaetut.checks import finite_array, log_variance

LOG_2PI = float(np.log(2 * np.pi))


def softplus(logits: np.ndarray) -> np.ndarray:
    """Return log(1 + exp(logits)) elementwise, without overflow.

    `logits` are of any shape, which the result keeps.
    """
    return np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))


def as_posterior(mean: ArrayLike, log_var: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and log_var as float64 (n, d), checked to pair up."""
    mean = finite_array("mean", mean, ndim=2)
    log_var = log_variance("log_var", log_var, ndim=2)
    if mean.shape != log_var.shape:
        raise ValueError(
            f"log_var must have the shape of mean, {mean.shape}, not {log_var.shape}"
        )
    return mean, log_var


def _pixels(name: str, values: ArrayLike, axes: int) -> np.ndarray:
    """Return values with all axes after the first `axes` flattened into one."""
    values = finite_array(name, values, dtype=None)
    if values.ndim <= axes:
        raise ValueError(
            f"{name} needs {axes} leading axes and then pixels, not {values.shape}"
        )
    values = values.reshape(*values.shape[:axes], -1)
    if name == "images" and (values.min() < 0 or values.max() > 1):
        raise ValueError("images must lie in [0, 1]: divide grey levels by 255")
    return values


def gaussian_kl(mean: ArrayLike, log_var: ArrayLike) -> np.ndarray:
    """Return KL(N(mean, exp(log_var)) || N(0, I)) of each image, in nats.

    `mean`, `log_var` (n, d) give (n,): 1/2 sum(mean^2 + exp(log_var) - 1 - log_var).
    Raises ValueError for two shapes, NaN or infinity.
    Source: Kingma & Welling 2014, Auto-encoding variational Bayes, appendix B.
    """
    mean, log_var = as_posterior(mean, log_var)
    return 0.5 * (mean**2 + np.expm1(log_var) - log_var).sum(1)


def gaussian_log_density(
    z: ArrayLike, mean: ArrayLike = 0.0, log_var: ArrayLike = 0.0
) -> np.ndarray | np.float64:
    """Return log N(z; mean, diag exp(log_var)), in nats, summed over the last axis.

    `z` (..., d) gives (...); `mean` and `log_var` broadcast with it, (d,) or (..., d),
    and their defaults make it the prior N(0, I). Raises ValueError for shapes that do
    not broadcast with z.
    """
    z = np.atleast_1d(finite_array("z", z))
    mean, log_var = finite_array("mean", mean), log_variance("log_var", log_var)
    try:
        shape = np.broadcast_shapes(z.shape, mean.shape, log_var.shape)
    except ValueError:
        shape = (None,)
    if shape[-1] != z.shape[-1]:
        raise ValueError(
            f"mean {mean.shape} and log_var {log_var.shape} must broadcast with z, "
            f"{z.shape}: add an axis of length 1"
        )
    return -0.5 * ((z - mean) ** 2 * np.exp(-log_var) + log_var + LOG_2PI).sum(-1)


def bernoulli_log_likelihood(images: ArrayLike, logits: ArrayLike) -> np.ndarray:
    """Return log p(image | logits) of each pair, in nats per image.

    `images` (n, ...) in [0, 1] and `logits` (n, ...) of the same shape give (n,):
    the sum over pixels of x l - softplus(l), minus the binary cross-entropy.  Grey
    pixels make it an unnormalised score (see the top of this module). Raises ValueError
    for images outside [0, 1], or logits of another shape.
    """
    images, logits = _pixels("images", images, 1), _pixels("logits", logits, 1)
    if images.shape != logits.shape:
        raise ValueError(
            f"logits must pair with images: {images.shape} and {logits.shape} flattened"
        )
    result = np.empty(len(images))
    rows = rows_at_once(images.shape[1])
    for i in range(0, len(images), rows):
        part = logits[i : i + rows].astype(np.float64)
        result[i : i + rows] = (images[i : i + rows] * part - softplus(part)).sum(1)
    return result


def bernoulli_entropy(images: ArrayLike) -> np.ndarray:
    """Return the entropy of each image's pixels as Bernoulli variables, (n,) in nats.

    `images` (n, …) in [0, 1].  It is the least cross-entropy that any reconstruction
    can have, reached by the image itself: 0 for black and white, log 2 for mid-grey.
    Raises ValueError for images outside [0, 1].
    """
    images = _pixels("images", images, 1)
    return (entr(images) + entr(1 - images)).sum(1)


def bernoulli_log_likelihood_matrix(images: ArrayLike, logits: ArrayLike) -> np.ndarray:
    """Return log p(image i | logits j) of all pairs, in nats per image.

    `images` (n, ...) in [0, 1] and `logits` (m, ...) with as many pixels give (n, m),
    by one matrix product: x_i . l_j - sum softplus(l_j).  The result holds n m
    float64: pass the logits of a fine grid in pieces (see `quadrature`). Raises
    ValueError for images outside [0, 1], or another number of pixels.
    """
    images, logits = _pixels("images", images, 1), _pixels("logits", logits, 1)
    if images.shape[1] != logits.shape[1]:
        raise ValueError(
            f"logits must have the pixels of images: {logits.shape[1]} "
            f"and {images.shape[1]} a row"
        )
    images = images.astype(np.float64, copy=False)
    result = np.empty((len(images), len(logits)))
    rows = rows_at_once(images.shape[1])
    for j in range(0, len(logits), rows):
        part = logits[j : j + rows].astype(np.float64)
        result[:, j : j + rows] = images @ part.T - softplus(part).sum(1)
    return result


def log_importance_weights(
    images: ArrayLike,
    logits: ArrayLike,
    z: ArrayLike,
    mean: ArrayLike,
    log_var: ArrayLike,
) -> np.ndarray:
    """Return log p(x|z) + log p(z) - log q(z|x), in nats, for k codes an image.

    Shapes: `images` (n, ...) in [0, 1]; `logits` (n, k, ...) decoded from `z`
    (n, k, d), drawn from the posterior with `mean` and `log_var` (n, d); the result
    is (n, k). Raises ValueError for shapes that do not match.
    Source: Burda et al. 2016, Importance weighted autoencoders, eq. 8.
    """
    images, logits = _pixels("images", images, 1), _pixels("logits", logits, 2)
    mean, log_var = as_posterior(mean, log_var)
    z = finite_array("z", z, ndim=3)
    n, k, d = z.shape
    if logits.shape != (n, k, images.shape[1]) or len(images) != n:
        raise ValueError(
            f"logits must be (n, k, pixels) for z {z.shape} and images "
            f"{images.shape}, not {logits.shape}"
        )
    if mean.shape != (n, d):
        raise ValueError(f"mean must be {(n, d)} for z {z.shape}, not {mean.shape}")
    log_p_x = np.empty((n, k))
    for i in range(n):
        part = logits[i].astype(np.float64)
        log_p_x[i] = part @ images[i] - softplus(part).sum(1)
    log_q = gaussian_log_density(z, mean[:, None], log_var[:, None])
    return log_p_x + gaussian_log_density(z) - log_q


def elbo(log_w: ArrayLike) -> np.ndarray:
    """Return the evidence lower bound of each image, in nats: the mean of log w.

    `log_w` (n, k) of `log_importance_weights` gives (n,). Raises ValueError for another
    number of axes, NaN or infinity.
    Source: Kingma & Welling 2014, eq. 2.
    """
    return finite_array("log_w", log_w, ndim=2).mean(1)


def importance_weighted_bound(log_w: ArrayLike) -> np.ndarray:
    """Return the k-sample bound on log p(x) of each image, in nats.

    `log_w` (n, k) of `log_importance_weights` gives (n,): log of the mean of w.  Its
    expectation rises with k from the ELBO (k = 1) towards log p(x). Raises ValueError
    for another number of axes, NaN or infinity.
    Source: Burda et al. 2016, Importance weighted autoencoders, eq. 8.
    """
    log_w = finite_array("log_w", log_w, ndim=2)
    return logsumexp(log_w, axis=1) - np.log(log_w.shape[1])


class Quadrature(NamedTuple):
    """What `quadrature` finds for n images on a grid of codes."""

    log_evidence: np.ndarray  # (n,) log p(x) in nats
    effective_cells: np.ndarray  # (n,) cells that share p(z|x); trust it above ~10
    cells: int  # cells of the whole grid


def quadrature(matrices: Iterable[ArrayLike]) -> Quadrature:
    """Return log p(x) from log p(x|z) on a grid of codes that comes in pieces.

    `matrices`: an iterable of (n, m_i) log-likelihoods in nats, the same n images
    against successive pieces of the grid; only one piece is held at a time.  All
    cells count alike: p(x) = mean over cells of p(x|z), right for `prior_grid`, whose
    cells have equal prior mass.  For an even grid over a box of area A, which is finer
    in the tails of the prior, add gaussian_log_density(z) + log A to each column.

    `effective_cells` is (sum w)^2 / sum w^2 with w = p(x|z): where it is near 1 the
    posterior is narrower than a cell, and log_evidence is not to be trusted. Raises
    ValueError for pieces of other images than the first, or none.
    """
    top = total = squares = np.empty(0)
    cells = 0
    if isinstance(matrices, str) or not isinstance(matrices, Iterable):
        raise ValueError("matrices must be pieces to go through, one by one")
    for piece in matrices:
        matrix = finite_array("matrices", piece, ndim=2)
        if not cells:
            top = np.full(len(matrix), -np.inf)
            total, squares = np.zeros((2, len(matrix)))
        if len(matrix) != len(top):
            raise ValueError(
                f"matrices must all hold the same images: {len(top)}, {len(matrix)}"
            )
        higher = np.maximum(top, matrix.max(1))
        scale, w = np.exp(top - higher), np.exp(matrix - higher[:, None])
        total = total * scale + w.sum(1)
        squares = squares * scale**2 + (w**2).sum(1)
        top, cells = higher, cells + matrix.shape[1]
    if not cells:
        raise ValueError("matrices is empty: pass at least one piece of the grid")
    return Quadrature(top + np.log(total / cells), total**2 / squares, cells)
