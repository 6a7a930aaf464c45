"""Whose fault an error is: the encoder's, the decoder's, or the sheet's.

A = D(E(x)), B = D(f(a, b)) with f a spline through the training points, C the least
error of any D(z). C bad: the decoder cannot draw it. C good, A bad: the encoder
misplaces it. B good: the sheet goes on where it should. (arXiv:2204.02283)
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from vaetut import checks
from vaetut.analysis.chunks import rows_at_once
from vaetut.analysis.likelihood import softplus
from vaetut.checks import finite_array, whole_number


def thin_plate(
    factors: ArrayLike,
    codes: ArrayLike,
    at: ArrayLike,
    neighbors: int | None = None,
    smoothing: float = 0.0,
) -> np.ndarray:
    """Return codes (m, d) at points `at` (m, k) by a thin-plate spline through others.

    `factors` (n, k) and `codes` (n, d) are the training points; the two may change
    places, to read factors off codes. All n at once take
    n^3 steps: pass a few thousand, or `neighbors`, the number of nearest ones to use.
    `smoothing` 0 goes through every point. Decoded, they tell whether the sheet
    continues into the hole. Raises ValueError for points on a line or repeated ones.
    Source: Duchon 1977, Splines minimizing rotation-invariant semi-norms.
    """
    from scipy.interpolate import RBFInterpolator  # slow to import, and only here

    factors = finite_array("factors", factors, ndim=2)
    codes = finite_array("codes", codes, ndim=2)
    at = finite_array("at", at, ndim=2)
    if at.shape[1] != factors.shape[1]:
        raise ValueError(
            f"at must be (m, {factors.shape[1]}) as the factors are, not {at.shape}"
        )
    checks.same_rows("factors", factors, "codes", codes)
    smoothing = checks.not_negative("smoothing", smoothing)
    if neighbors is not None:
        neighbors = whole_number("neighbors", neighbors, least=3)
    if smoothing == 0 and len(np.unique(factors, axis=0)) < len(factors):
        raise ValueError("factors hold a point twice: drop one, or pass smoothing > 0")
    if np.linalg.matrix_rank(factors - factors.mean(0)) < factors.shape[1]:
        raise ValueError("factors lie on a line: a surface needs three corners")
    try:
        spline = RBFInterpolator(factors, codes, neighbors, smoothing)
        return spline(at)
    except np.linalg.LinAlgError:
        raise ValueError(
            "factors lie on a line within a neighbourhood: use more neighbors"
        ) from None


class BestCodes(NamedTuple):
    """What `best_codes` found."""

    codes: np.ndarray  # (n, d)
    nats: np.ndarray  # (n,) binary cross-entropy per image, its entropy included


def best_codes(
    decode_logits: Callable[[np.ndarray], ArrayLike],
    images: ArrayLike,
    start: ArrayLike,
    steps: int = 20,
    nudge: float = 5e-3,
) -> BestCodes:
    """Return the codes whose decoded logits fit each image best, and how well.

    `decode_logits` takes codes (m, d) to logits (m, h, w, 1); `images` (n, h, w, 1);
    `start` (n, k, d) holds k codes an image, of which the best is improved in at most
    `steps`, and never left for a worse one. `nudge` is half the step of the central
    differences, in units of the codes. A step is Levenberg's: with J the slopes of
    the logits and p = sigmoid(logits), it solves (JᵀWJ + λD) δ = Jᵀ(x - p),
    W = p(1 - p), D the diagonal, for several λ an image, and takes the best. It finds
    the minimum nearest to a start: give several. It decodes (2d + 4) codes an image a
    step. Raises ValueError for images that are none, logits that do not match them, or
    NaN at a start.
    Source: Marquardt 1963; Amari 1998, Natural gradient works efficiently.
    """
    checks.function("decode_logits", decode_logits)
    images = checks.flat_images("images", images).astype(np.float64)
    start = finite_array("start", start, ndim=3)
    checks.same_rows("start", start, "images", images)
    steps = whole_number("steps", steps, least=0)
    nudge = checks.positive("nudge", nudge)
    k, d = start.shape[1:]
    rows = rows_at_once(images.shape[1] * max(k, 2 * d, len(_DAMPINGS)))
    codes, nats = np.empty((len(images), d)), np.empty(len(images))
    for i in range(0, len(images), rows):
        part = slice(i, i + rows)
        codes[part], nats[part] = _fit_codes(
            decode_logits, images[part], start[part], steps, nudge
        )
    return BestCodes(codes, nats)


_DAMPINGS = np.array([1e-2, 1e0, 1e2, 1e4])  # tried at a time, times an image's own λ
_LAST_DAMPING = 1e8  # an image that does not gain at it has arrived
_LEAST_GAIN = 1e-8  # of the nats: a step that gains less is the last


def _fit_codes(decode_logits, images, start, steps, nudge):
    """Return the best codes (n, d) and nats (n,) of images (n, pixels)."""
    n, pixels = images.shape
    rows, damping = np.arange(n), np.full(n, 1e-2)
    logits = _decode(decode_logits, start.swapaxes(0, 1), pixels)
    nats = _nats(images, logits)
    if not np.isfinite(nats).all():
        raise ValueError("decode_logits gave NaN or infinity at the codes of start")
    best = nats.argmin(0)
    codes, logits, nats = start[rows, best], logits[best, rows], nats[best, rows]
    for _ in range(steps):
        slopes = _slopes(decode_logits, codes, nudge, pixels)
        dampings = damping * _DAMPINGS[:, None]
        tried = codes + _damped_steps(slopes, images, expit(logits), dampings)
        tried_logits = _decode(decode_logits, tried, pixels)
        tried_nats = _nats(images, tried_logits)
        best = tried_nats.argmin(0)
        gain = nats - tried_nats[best, rows]
        better = gain > 0
        moved = best[better], rows[better]
        codes[better], logits[better] = tried[moved], tried_logits[moved]
        nats[better] = tried_nats[moved]
        damping *= np.where(better, _DAMPINGS[best], _DAMPINGS[-1])
        damping = np.maximum(damping, 1e-10)
        arrived = np.where(better, gain <= _LEAST_GAIN * nats, damping > _LAST_DAMPING)
        if arrived.all():
            break
    return codes, nats


def _decode(decode_logits, codes, pixels):
    """Return the logits (t, n, pixels) of codes (t, n, d)."""
    t, n, d = codes.shape
    logits = np.asarray(decode_logits(codes.reshape(-1, d)), np.float64)
    if logits.size != t * n * pixels:
        raise ValueError(
            f"decode_logits must give {pixels} logits a code, as images have pixels, "
            f"not {logits.shape} for {t * n} codes"
        )
    return logits.reshape(t, n, pixels)


def _nats(images, logits):
    """Return the cross-entropy (t, n) of logits (t, n, pixels), inf where it is NaN."""
    with np.errstate(invalid="ignore", over="ignore"):
        nats = (softplus(logits) - images * logits).sum(2)
    return np.where(np.isfinite(nats), nats, np.inf)


def _slopes(decode_logits, codes, nudge, pixels):
    """Return the slopes of the logits by central differences, (d, n, pixels)."""
    nudges = nudge * np.eye(codes.shape[1])[:, None]
    around = np.concatenate([codes + nudges, codes - nudges])
    ahead, behind = np.split(_decode(decode_logits, around, pixels), 2)
    return np.nan_to_num((ahead - behind) / (2 * nudge))


def _damped_steps(slopes, images, p, dampings):
    """Return the steps (t, n, d) for dampings (t, n) at probabilities p (n, pixels)."""
    slopes = slopes.swapaxes(0, 1)
    right = slopes @ (images - p)[..., None]
    curvature = (slopes * (p * (1 - p))[:, None]) @ slopes.swapaxes(1, 2)
    diagonal = np.diagonal(curvature, axis1=1, axis2=2)
    # A dimension that draws nothing has a slope of 0: keep the matrix regular there.
    floor = 1e-6 * diagonal.max(1, keepdims=True) + np.finfo(float).tiny ** 0.5
    scale = np.eye(diagonal.shape[1]) * (diagonal + floor)[:, None]
    damped = curvature + dampings[..., None, None] * scale
    return np.linalg.solve(damped, np.broadcast_to(right, (*damped.shape[:3], 1)))[
        ..., 0
    ]
