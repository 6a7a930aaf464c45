"""Shortest ways through a latent space: over neighbouring codes, or in pixels.

`codes` are (n, d); `decode` takes codes (n, d) to floats (n, ...).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, sparse
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from vaetut import checks
from vaetut.analysis.chunks import rows_at_once
from vaetut.analysis.paths import as_path, step_norms
from vaetut.checks import finite_array, whole_number


def neighbour_graph(
    codes: ArrayLike, k: int = 10, metric: ArrayLike | None = None
) -> sparse.csr_array:
    """Return the graph that joins each code to its `k` nearest, sparse (n, n).

    `codes` (n, d). It is symmetric; an entry is the length of that edge: Euclidean, or
    with a `metric` M (n, d, d), as `pullback_metric` gives it, the root of
    Δᵀ (M_i + M_j) Δ / 2, with Δ the step from code i to j. Neighbours are Euclidean in
    both cases. Raises ValueError for a repeated code, or a metric that is not
    symmetric or gives a negative square.
    Source: Tenenbaum et al. 2000, A global geometric framework (Isomap).
    """
    codes = finite_array("codes", codes, ndim=2)
    k, n = whole_number("k", k), len(codes)
    if k >= n:
        raise ValueError(f"k must be below the number of codes, {n}, not {k}")
    if len(np.unique(codes, axis=0)) < n:
        raise ValueError("codes hold a point twice: drop repeats, by np.unique")
    nearest = cKDTree(codes).query(codes, k=k + 1)[1][:, 1:]  # the first is itself
    pairs = np.stack([np.repeat(np.arange(n), k), nearest.ravel()], axis=1)
    i, j = np.unique(np.sort(pairs, axis=1), axis=0).T
    lengths = _edge_lengths(codes, i, j, metric)
    rows, columns = np.concatenate([i, j]), np.concatenate([j, i])
    return sparse.csr_array(
        (np.concatenate([lengths, lengths]), (rows, columns)), shape=(n, n)
    )


def _edge_lengths(codes, i, j, metric):
    steps = codes[j] - codes[i]
    if metric is None:
        return step_norms(steps)
    metric, (n, d) = finite_array("metric", metric, ndim=3), codes.shape
    if metric.shape != (n, d, d):
        raise ValueError(f"metric must be {(n, d, d)} for the codes: {metric.shape}")
    scale = np.abs(metric).max((1, 2))
    unlike = np.abs(metric - metric.swapaxes(1, 2)).max((1, 2))
    if (unlike > 1e-6 * scale).any():
        raise ValueError("metric must be symmetric: average it with its transpose")
    squares = np.einsum("ei,eij,ej->e", steps, (metric[i] + metric[j]) / 2, steps)
    if (squares < -1e-6 * (scale[i] + scale[j]) * (steps**2).sum(1)).any():
        raise ValueError("metric gives negative squares: pass JᵀJ, which cannot")
    return np.sqrt(np.maximum(squares, 0))


def graph_path(
    graph: sparse.sparray | sparse.spmatrix, start: int, end: int
) -> np.ndarray:
    """Return the shortest path from node `start` to node `end`, their indices (m,).

    `graph` is sparse (n, n), symmetric, with lengths as entries, as `neighbour_graph`
    makes it. Both ends are in the path; it is one node where they are the same. Raises
    ValueError where no path joins them.
    Source: Dijkstra 1959, A note on two problems in connexion with graphs.
    """
    if not sparse.issparse(graph) or graph.ndim != 2 or len(set(graph.shape)) > 1:
        raise ValueError("graph must be a square sparse array: see neighbour_graph")
    lengths = graph.tocsr()
    if lengths.nnz and finite_array("graph", lengths.data).min() < 0:
        raise ValueError("graph holds negative lengths: Dijkstra's path needs >= 0")
    start, end = whole_number("start", start, 0), whole_number("end", end, 0)
    n = graph.shape[0]
    if max(start, end) >= n:
        raise ValueError(f"start and end must be below {n}: {start} and {end}")
    _, before = dijkstra(lengths, indices=start, return_predecessors=True)
    path = [end]
    while path[-1] != start:
        if before[path[-1]] < 0:
            raise ValueError(
                f"graph does not join node {start} to {end}: raise k in neighbour_graph"
            )
        path.append(int(before[path[-1]]))
    return np.array(path[::-1])


def pullback_metric(
    decode: Callable[[np.ndarray], ArrayLike], codes: ArrayLike, step: float = 5e-3
) -> np.ndarray:
    """Return the metric that the decoder's images give to latent space, (n, d, d).

    JᵀJ with J the slopes of `decode` at each of the codes (n, d): δᵀ M δ is the square
    of the change of the image, summed over pixels, for a small change δ of the code.
    Decode to grey levels, not logits, to measure what is seen. `step` is half of the
    central difference, in units of the codes; it decodes 2d images a code, in pieces.
    Raises ValueError where `decode` gives NaN, integers or another number of images.
    Source: Arvanitidis et al. 2018, arXiv:1710.11379, section 2.
    """
    checks.function("decode", decode)
    codes, step = finite_array("codes", codes, ndim=2), checks.positive("step", step)
    _not_lost(codes, step)
    pixels = _decoded(decode, codes[:1]).shape[1]
    n, d = codes.shape
    metric = np.empty((n, d, d))
    for part in _parts(codes, d, pixels):
        ahead, behind = _around(decode, codes[part], step * np.eye(d), pixels)
        slopes = (ahead - behind) / (2 * step)
        metric[part] = slopes @ slopes.swapaxes(1, 2)
    return metric


class Geodesic(NamedTuple):
    """What `geodesic` found."""

    path: np.ndarray  # (n, d) codes, the ends as they were
    energy: np.ndarray  # (iterations done + 1,) squares of pixels; never increases
    converged: bool  # False: it ran out of iterations, and more would lower it


def geodesic(
    decode: Callable[[np.ndarray], ArrayLike],
    path: ArrayLike,
    iterations: int = 50,
    step: float = 5e-3,
) -> Geodesic:
    """Return the path between two codes along which the decoded image changes least.

    `path` (n, d) is where it starts, most often `straight`; its ends stay. It lowers
    the energy (n - 1) Σ |g(z_i+1) - g(z_i)|², with g = `decode`, flattened, in at most
    `iterations` steps δ: (H + λ diag JᵀJ) δ = -gradient, λ raised until the energy
    falls. J are the slopes of the differences of g, H is JᵀJ and the bends of g, for
    Gauss and Newton's JᵀJ alone takes hundreds of steps where images bend much; both
    by central differences of half width `step`. It decodes (d² + d + 1)(n - 2) codes a
    step, or a few more; n times d may be a few hundred.

    It finds the minimum nearest to the start, and knows nothing of where codes lie: it
    may leave the sheet. The energy is at least the square of the decoded length, and
    equal to it for even steps. Strokes that no longer overlap are no farther apart for
    being farther away, so with few points the least energy is a jump: look at the
    `unevenness` of the decoded path, and take more points or blur what is decoded.
    Raises ValueError for equal ends, or as `pullback_metric` does.
    Source: Shao et al. 2018, arXiv:1711.08014, algorithm 1 (the energy); Arvanitidis et
    al. 2018, arXiv:1710.11379; Marquardt 1963 (the damping).
    """
    checks.function("decode", decode)
    path, step = as_path(path, 3).copy(), checks.positive("step", step)
    iterations = whole_number("iterations", iterations, least=0)
    if (path[0] == path[-1]).all():
        raise ValueError("path ends where it starts: its shortest walk is to stay")
    _not_lost(path, step)
    images = _decoded(decode, path)
    energies, damping, converged = [_energy(images)], 1e-3, False
    while not converged and len(energies) <= iterations:
        downhill, products, hessian = _slopes_of_energy(decode, path, images, step)
        moved = _lower(decode, path, images, downhill, products, hessian, damping)
        if moved is None:
            converged = True
        else:
            path, images, damping = moved
            energies.append(_energy(images))
            converged = energies[-2] - energies[-1] <= _LEAST_GAIN * energies[-2]
    return Geodesic(path, np.array(energies), converged)


_LEAST_GAIN = 1e-8  # of the energy: a step that gains less is the last
_LAST_DAMPING = 1e8  # a path that does not gain at it has arrived


def _lower(
    decode: Callable[[np.ndarray], ArrayLike],
    path: np.ndarray,
    images: np.ndarray,
    downhill: np.ndarray,
    products: np.ndarray,
    hessian: np.ndarray,
    damping: float,
) -> tuple[np.ndarray, np.ndarray, float] | None:
    """Return a path of less energy, its images and the next damping, None if none."""
    # A code that draws nothing has slopes of 0: keep the matrix regular there.
    scale = products + 1e-6 * products.max() + np.finfo(float).tiny ** 0.5
    while damping <= _LAST_DAMPING:
        try:
            damped = hessian + np.diag(damping * scale)
            change = linalg.solve(damped, downhill, assume_a="pos")
        except linalg.LinAlgError:  # uphill somewhere, or flat
            damping *= 10
            continue
        tried = path.copy()
        tried[1:-1] += change.reshape(tried[1:-1].shape)
        inner = _decoded(decode, tried[1:-1], images.shape[1], finite=False)
        tried_images = np.concatenate([images[:1], inner, images[-1:]])
        if _energy(tried_images) < _energy(images):
            return tried, tried_images, max(damping / 10, 1e-10)
        damping *= 10
    return None


def _energy(images):
    """Return the energy of images (n, pixels) along a path, inf where it is NaN."""
    with np.errstate(invalid="ignore", over="ignore"):
        energy = (len(images) - 1) * (np.diff(images, axis=0) ** 2).sum()
    return float(energy) if np.isfinite(energy) else np.inf


def _slopes_of_energy(decode, path, images, step):
    """Return downhill (md,), the diagonal of JᵀJ (md,) and the Hessian (md, md).

    Of half the energy, without its factor, over the m = n - 2 inner codes; `images`
    (n, pixels) of the path. The Hessian has three diagonals of blocks (d, d).
    """
    bend = np.diff(images, n=2, axis=0)
    slopes, bends = _slopes_and_bends(decode, path[1:-1], images[1:-1], bend, step)
    m, d = slopes.shape[:2]
    blocks, i = np.zeros((m, d, m, d)), np.arange(m)
    products = 2 * slopes @ slopes.swapaxes(1, 2)
    blocks[i, :, i] = products - bends
    beside = -slopes[:-1] @ slopes[1:].swapaxes(1, 2)
    blocks[i[:-1], :, i[1:]] = beside
    blocks[i[1:], :, i[:-1]] = beside.swapaxes(1, 2)
    downhill = (slopes @ bend[..., None]).ravel()
    diagonal = np.diagonal(products, axis1=1, axis2=2).ravel()
    return downhill, diagonal, blocks.reshape(m * d, m * d)


def _slopes_and_bends(decode, codes, images, weights, step):
    """Return slopes (m, d, pixels) and the second slopes (m, d, d) of weights · g.

    `images` and `weights` (m, pixels). With s(q) the second difference along q, those
    along axes j and k together are (s(j + k) - s(j) - s(k)) / 2.
    """
    d, pixels = codes.shape[1], images.shape[1]
    j, k = np.triu_indices(d, 1)
    axes = np.eye(d)
    directions = np.concatenate([axes, axes[j] + axes[k]])
    slopes, seconds = np.empty((*codes.shape, pixels)), []
    for part in _parts(codes, len(directions), pixels):
        ahead, behind = _around(decode, codes[part], step * directions, pixels)
        slopes[part] = (ahead[:, :d] - behind[:, :d]) / (2 * step)
        second = (ahead - images[part, None]) + (behind - images[part, None])
        seconds.append((second @ weights[part, :, None])[..., 0] / step**2)
    along = np.concatenate(seconds)
    bends = along[:, :d, None] * axes
    bends[:, j, k] = (along[:, d:] - along[:, j] - along[:, k]) / 2
    bends[:, k, j] = bends[:, j, k]
    return slopes, bends


def _not_lost(codes, step):
    if (codes + step == codes - step).any():
        raise ValueError(f"step {step:g} is lost in the rounding of codes: raise it")


def _parts(codes, directions, pixels):
    """Return slices of the codes, as many at a time as memory is meant to hold."""
    rows = rows_at_once(2 * directions * pixels)
    return [slice(i, i + rows) for i in range(0, len(codes), rows)]


def _around(decode, codes, steps, pixels):
    """Return images at codes (n, d) +- each of steps (q, d), (2, n, q, pixels)."""
    around = np.stack([codes[:, None] + steps, codes[:, None] - steps])
    images = _decoded(decode, around.reshape(-1, codes.shape[1]), pixels)
    return images.reshape(*around.shape[:3], pixels)


def _decoded(decode, codes, pixels=None, finite=True):
    """Return what decode gives for codes (n, d) as (n, pixels), or what is wrong."""
    images = np.asarray(decode(codes))
    if images.ndim < 2 or len(images) != len(codes):
        raise ValueError(
            f"decode must give an image a code, not {images.shape} for {len(codes)}"
        )
    if images.dtype.kind != "f":
        raise ValueError(
            f"decode gives {images.dtype}, which has no slopes: give floats"
        )
    if finite:
        images = finite_array("images of decode", images)
    images = images.reshape(len(images), -1).astype(np.float64, copy=False)
    if images.shape[1] == 0 or pixels not in (None, images.shape[1]):
        raise ValueError(
            f"decode must give images of one size: {images.shape[1]} pixels, "
            f"before {pixels}"
        )
    return images
