"""The way back: which (a, b) an image shows, found by drawing until it fits."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vaetut import checks
from vaetut.datasets.polar.curve import A_RANGE, B_RANGE
from vaetut.datasets.polar.render import CANVASES, LIMIT, canvas_named
from vaetut.datasets.polar.transects import grid

SIGHT = 48  # pixels a side of the blurred images that are compared
BLUR = 0.125  # standard deviation of the blur, in units of the square axes
CANDIDATES = (41, 31)  # rows, columns of the lattice that is looked through first
CANDIDATE_SIZE = 64  # pixels a side; blurred, they look the same at any size
MARGIN = 0.1  # how far outside the ranges an image may be found
NUDGE = 0.005  # half the step of the central differences
STEPS = 12  # of Gauss–Newton at most; five are usual
SETTLED = 5e-4  # a step shorter than this is the last
CHUNK = 64  # images that are fitted at a time


class Fit(NamedTuple):
    """What `fit_factors` found."""

    factors: np.ndarray  # (n, 2): a, b; NaN for an image without light
    residual: np.ndarray  # (n,): share of the blurred image's energy left unexplained


def fit_factors(images: ArrayLike, canvas: str = "square") -> Fit:
    """Return the (a, b) whose drawn curve fits each image best, and how well.

    images: (n, size, size, 1), uint8 or floats in [0, 1], as sharp or soft, bright or
    dim as they are; canvas: "square" or "reference", as they were drawn. Images and
    drawings are compared blurred, up to a factor in brightness: the best of a lattice
    of candidates, then Gauss–Newton. Raises ValueError for images of another shape,
    with values outside [0, 1], or NaN.
    """
    checks.one_of("canvas", canvas, CANVASES)
    images = _as_floats(images)
    parts = [
        _fit_chunk(images[i : i + CHUNK], canvas) for i in range(0, len(images), CHUNK)
    ]
    if not parts:
        return Fit(np.empty((0, 2)), np.empty(0))
    return Fit(*map(np.concatenate, zip(*parts, strict=True)))


def _as_floats(images: ArrayLike) -> np.ndarray:
    images = np.asarray(checks.whole_array("images", images))
    if images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 1:
        raise ValueError(
            f"images have shape {images.shape}: give (n, size, size, 1); a single one "
            "is images[None]."
        )
    checks.whole_number("the images' size", images.shape[1], least=16, most=4096)
    if images.dtype == np.uint8:
        return images
    images = checks.finite_array("images", images, empty=True)
    if images.size and not (images.min() >= 0 and images.max() <= 1):
        raise ValueError(
            f"images run from {images.min():g} to {images.max():g}: scale them to "
            "[0, 1], or give uint8."
        )
    return images


def _fit_chunk(images: np.ndarray, canvas: str) -> tuple[np.ndarray, np.ndarray]:
    size = images.shape[1]
    seen = _look(images / 255 if images.dtype == np.uint8 else images)
    energy = (seen**2).sum(axis=1)
    lit = energy > 0
    factors, residual = np.full((len(images), 2), np.nan), np.ones(len(images))
    if lit.any():
        seen = seen[lit] / np.sqrt(energy[lit, None])
        points, looks = _candidates(canvas)
        start = points[np.argmax(seen @ looks.T, axis=1)]
        factors[lit], residual[lit] = _refine(seen, start, size, canvas)
    return factors, residual


@lru_cache
def _candidates(canvas: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the lattice, and how its images look: mean zero, unit energy."""
    points = grid(*CANDIDATES)
    looks = _draw_looks(points, CANDIDATE_SIZE, canvas)
    looks -= looks.mean(axis=1, keepdims=True)
    return points, looks / np.linalg.norm(looks, axis=1, keepdims=True)


def _draw_looks(points: np.ndarray, size: int, canvas: str) -> np.ndarray:
    return _look(canvas_named(canvas)(points, size) / np.float32(255))


def _look(images: np.ndarray) -> np.ndarray:
    """Return images (n, size, size, 1) blurred and coarsened, (n, SIGHT²)."""
    n, size = images.shape[:2]
    lens = _lens(size)
    # Two products of large matrices: thousands of small ones wait for their threads.
    rows = images[..., 0].astype(np.float32).reshape(-1, size) @ lens.T
    columns = rows.reshape(n, size, SIGHT).swapaxes(1, 2).reshape(-1, size)
    return (columns @ lens.T).reshape(n, SIGHT**2)  # transposed, all alike


@lru_cache(maxsize=8)
def _lens(size: int) -> np.ndarray:
    """Return the (SIGHT, size) matrix of Gaussian windows along one side."""
    pixels = (np.arange(size) + 0.5) / size
    centres = (np.arange(SIGHT) + 0.5) / SIGHT
    sigma = BLUR / (2 * LIMIT)
    windows = np.exp(-(((pixels - centres[:, None]) / sigma) ** 2) / 2)
    return (windows / windows.sum(axis=1, keepdims=True)).astype(np.float32)


def _refine(
    seen: np.ndarray, start: np.ndarray, size: int, canvas: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best factors and residuals met on the way of Gauss–Newton.

    seen: (n, SIGHT²) of unit energy; start: (n, 2).
    """
    low, high = np.add(np.transpose([A_RANGE, B_RANGE]), [[-MARGIN], [MARGIN]])
    here, best, residual = start.copy(), start.copy(), np.full(len(seen), np.inf)
    moving = np.arange(len(seen))
    for _ in range(STEPS):
        error, step = _gauss_newton(seen[moving], here[moving], size, canvas)
        better = error < residual[moving]
        improved = moving[better]
        best[improved], residual[improved] = here[improved], error[better]
        here[moving] = np.clip(here[moving] + step, low, high)
        moving = moving[np.abs(step).max(axis=1) > SETTLED]
        if not len(moving):
            break
    return best, residual


def _gauss_newton(
    seen: np.ndarray, factors: np.ndarray, size: int, canvas: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the residual (n,) at the factors and the step (n, 2) from there."""
    nudges = NUDGE * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    points = (factors + nudges[:, None]).reshape(-1, 2)
    looks = _draw_looks(points, size, canvas).reshape(5, len(factors), -1)
    drawn = looks[0]
    by_a, by_b = (looks[[1, 3]] - looks[[2, 4]]) / (2 * NUDGE)
    # seen ≈ gain · (drawn + softness · its Laplacian + δa · by_a + δb · by_b) + haze,
    # linear in haze, gain, gain·softness, gain·δa, gain·δb
    haze, spread = np.ones_like(drawn), _laplacian(drawn)
    columns = np.stack([haze, drawn, spread, by_a, by_b], axis=1).astype(float)
    normal = np.einsum("nip,njp->nij", columns, columns)
    right = np.einsum("nip,np->ni", columns, seen)[..., None]
    _, gain, _, *moves = np.linalg.solve(normal, right)[..., 0].T
    step = np.stack(moves, axis=-1) / np.maximum(gain, 1e-3)[:, None]
    still = np.linalg.solve(normal[:, :3, :3], right[:, :3])
    explained = (still * right[:, :3]).sum(axis=(1, 2))
    return 1 - explained, np.clip(step, -MARGIN, MARGIN)


def _laplacian(looks: np.ndarray) -> np.ndarray:
    """Return what a little more blur adds, (n, SIGHT²)."""
    square = looks.reshape(-1, SIGHT, SIGHT)
    around = np.pad(square, ((0, 0), (1, 1), (1, 1)), mode="edge")
    neighbours = (
        around[:, 2:, 1:-1]
        + around[:, :-2, 1:-1]
        + around[:, 1:-1, 2:]
        + around[:, 1:-1, :-2]
    )
    return (neighbours - 4 * square).reshape(looks.shape)
