"""Whether codes (n, d) lie in clusters, and a map of them to look at."""

import numpy as np
from numpy.typing import ArrayLike

from vaetut.analysis.cloud import as_codes
from vaetut.analysis.sampling import sample_gaussian
from vaetut.checks import (
    Seed,
    finite_array,
    random_generator,
    whole_array,
    whole_number,
)

EXTENT = 1e-15  # of codes at least


def inertia(codes: ArrayLike, ks: ArrayLike, seed: Seed) -> np.ndarray:
    """Return the mean squared distance to the nearest of k centres, for each k.

    `codes` (n, d) and whole numbers `ks` (m,) give (m,), in the codes' unit squared.
    The centres are those of k-means on mini-batches, the best of three runs drawn by
    `seed`. An elbow in it tells of clusters; it falls without one too, so compare with
    `gaussian_inertia`. Raises ValueError for a k above n. Source: Sculley 2010,
    Web-scale k-means clustering.
    """
    codes = _as_codes(codes)
    return _inertia(codes, _numbers_of_clusters(ks, len(codes)), random_generator(seed))


def gaussian_inertia(codes: ArrayLike, ks: ArrayLike, seed: Seed) -> np.ndarray:
    """Return `inertia` of as many draws from the Gaussian fitted to codes.

    Arguments and result as for `inertia`: the curve of a cloud of the same mean and
    covariance which has no clusters. The draws, from `seed` as well, are scaled to the
    codes' total variance, so that chance there is not taken for a difference. Raises
    ValueError for a k above n, or codes that are all the same.
    """
    codes, rng = _as_codes(codes), random_generator(seed)
    ks = _numbers_of_clusters(ks, len(codes))
    if (codes == codes[0]).all():
        raise ValueError("codes are all the same: there is no shape to draw from")
    draws = sample_gaussian(codes, len(codes), rng)
    scale = codes.var(0, dtype=np.float64).sum() / draws.var(0).sum()
    return scale * _inertia(draws, ks, rng)


def _as_codes(codes: ArrayLike, least: int = 2) -> np.ndarray:
    """Return codes (n, d) whose squared distances a float32 holds, as scikit-learn."""
    codes = as_codes(codes, least)
    extent = float(np.ptp(codes, axis=0).max())
    if 0 < extent < EXTENT:
        raise ValueError(
            f"codes extend over {extent:.2g}, and squares of less than {EXTENT:g} are "
            "lost: scale them up"
        )
    return codes


def _numbers_of_clusters(ks, n):
    values = np.ravel(whole_array("ks", ks)).tolist()
    if not values:
        raise ValueError("ks is empty: pass at least one number of clusters")
    ks = [whole_number("ks", k) for k in values]
    if max(ks) > n:
        raise ValueError(f"ks must be at most the number of codes, {n}, not {max(ks)}")
    return ks


def _inertia(codes, ks, rng):
    from sklearn.cluster import MiniBatchKMeans  # slow to import, and only here

    def fit(k):  # its own n_init compares starts before they have moved
        state = int(rng.integers(2**31))
        means = MiniBatchKMeans(k, n_init=1, random_state=state).fit(codes)
        return means.inertia_ / len(codes)

    return np.array([min(fit(k) for _ in range(3)) for k in ks])


def embed(
    codes: ArrayLike,
    seed: Seed,
    perplexity: float = 30,
    early_exaggeration: float = 12,
    components: int = 50,
    iterations: int = 1000,
) -> np.ndarray:
    """Return a map (n, 2) of codes (n, d) by t-SNE of their principal components.

    At most `components` of them are kept. `perplexity`, about the neighbours that a
    code heeds, lies below n; the first 250 of the `iterations` pull by
    `early_exaggeration`. It is float32, of no unit: neither distances between groups
    nor their sizes mean anything, and rounding alone makes another map on another
    machine. On one core it takes ten seconds for 2,000 codes. Raises ValueError for no
    more codes than the perplexity.
    Source: van der Maaten & Hinton 2008, Visualizing data using t-SNE.
    """
    from sklearn.decomposition import PCA  # slow to import, and only here
    from sklearn.manifold import TSNE

    codes = _as_codes(codes, 3)
    perplexity = float(finite_array("perplexity", perplexity, ndim=0))
    if not 1 <= perplexity < len(codes):
        raise ValueError(
            f"perplexity must lie from 1 to below the number of codes, {len(codes)}, "
            f"not {perplexity:g}"
        )
    early = float(finite_array("early_exaggeration", early_exaggeration, ndim=0))
    if early < 1:
        raise ValueError(f"early_exaggeration must be 1 or more, not {early:g}")
    components = min(whole_number("components", components, least=2), *codes.shape)
    iterations = whole_number("iterations", iterations, least=250)
    if codes.shape[1] < 2:
        raise ValueError("codes must have two dimensions or more, not 1")
    if (codes == codes[0]).all():
        raise ValueError("codes are all the same: there is nothing to map")
    state = int(random_generator(seed).integers(2**31))
    reduced = PCA(components, random_state=state).fit_transform(codes)
    tsne = TSNE(
        perplexity=perplexity,
        early_exaggeration=early,
        max_iter=iterations,
        random_state=state,
        init="pca",
    )
    return tsne.fit_transform(reduced.astype(np.float32))
