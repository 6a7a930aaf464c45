"""What a cloud of codes in many dimensions is like: radii, coordinates, clusters, maps.

`codes` is always (n, d): the codes of an autoencoder, or the posterior means of a VAE.
In many dimensions a Gaussian is a shell: nearly all of it lies at one radius.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, ndtr

from vaetut.analysis.latent import sample_gaussian
from vaetut.analysis.statistics import finite_array, random_generator, whole_number

_CHUNK = 4_000_000  # numbers held at once as float64: 32 MB


def _codes(codes, least=2):
    """Return codes (n, d), float32 kept as it is."""
    codes = finite_array("codes", codes, ndim=2, dtype=None)
    if len(codes) < least:
        raise ValueError(f"codes must be {least} or more, not {len(codes)}")
    return codes


def _radii(codes):
    """Return the norms (n,) of codes (n, d), summed in float64."""
    return np.sqrt(np.einsum("nd,nd->n", codes, codes, dtype=np.float64))


# ---- Radii


class RadiusStatistics(NamedTuple):
    """How far codes lie from the origin, in the unit of the codes."""

    median: float
    mode: float  # middle of the fullest bin
    low: float  # 2.5 % lie nearer
    high: float  # 2.5 % lie farther
    mean: float
    sd: float  # n - 1


def radius_statistics(codes, width=0.5):
    """Return where the norms of codes lie: median, mode, 95 % range, mean and sd.

    `codes` (n, d), n >= 2, in any unit, which the result keeps. The mode is the middle
    of the fullest bin of a histogram whose bins of `width` begin at 0; of equally full
    ones the innermost. Raises ValueError for fewer than two codes, or a width that is
    not above 0.
    """
    radii, width = _radii(_codes(codes)), float(finite_array("width", width, ndim=0))
    if width <= 0:
        raise ValueError(f"width must be above 0, not {width:g}")
    bins, counts = np.unique(np.floor(radii / width), return_counts=True)
    low, median, high = np.quantile(radii, [0.025, 0.5, 0.975])
    return RadiusStatistics(
        median=float(median),
        mode=float((bins[counts.argmax()] + 0.5) * width),
        low=float(low),
        high=float(high),
        mean=float(radii.mean()),
        sd=float(radii.std(ddof=1)),
    )


def radius_shares(codes, edges):
    """Return the share of codes whose norm lies between each edge and the next.

    `codes` (n, d), `edges` (b + 1,), rising, in the unit of the codes, give (b,). An
    edge belongs to the shell outside it, the last to the last. What lies beyond the
    edges is in none: the shares need not add up to 1. Raises ValueError for edges that
    do not rise.
    """
    radii, edges = _radii(_codes(codes, 1)), finite_array("edges", edges, ndim=1)
    if len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError("edges must be two or more, each above the one before")
    return np.histogram(radii, edges)[0] / len(radii)


class ExpectedRadius(NamedTuple):
    """The norm of a Gaussian code, in the unit of its standard deviation."""

    mean: float
    sd: float


def expected_radius(d, sd=1.0):
    """Return the mean norm of a Gaussian in `d` dimensions, and its spread.

    N(0, sd² I): mean sd √2 Γ((d+1)/2) / Γ(d/2), which is near sd √(d - 1/2), and
    spread near sd/√2 in any number of dimensions: for d = 256 it is 15.98 ± 0.71. A
    cloud whose codes spread more than that has no one standard deviation. Raises
    ValueError for an sd that is not above 0. Source: the chi distribution; Johnson,
    Kotz & Balakrishnan 1994, Continuous univariate distributions 1, chapter 18.
    """
    d, sd = whole_number("d", d), float(finite_array("sd", sd, ndim=0))
    if sd <= 0:
        raise ValueError(f"sd must be above 0, not {sd:g}")
    if d > 1000:  # the difference below would be lost in rounding
        variance = 1 / 2 - 1 / (8 * d) - 1 / (16 * d**2)
        return ExpectedRadius(sd * (d - variance) ** 0.5, sd * variance**0.5)
    mean = 2**0.5 * float(np.exp(gammaln((d + 1) / 2) - gammaln(d / 2)))
    return ExpectedRadius(sd * mean, sd * (d - mean**2) ** 0.5)


# ---- Coordinates


class CoordinateStatistics(NamedTuple):
    """How each coordinate of the codes is spread, and how far from a Gaussian."""

    mean: np.ndarray  # (d,)
    sd: np.ndarray  # (d,), n - 1
    skewness: np.ndarray  # (d,), 0 for a Gaussian
    kurtosis: np.ndarray  # (d,), excess: 0 for a Gaussian, -1.2 if uniform
    ks: np.ndarray  # (d,), largest distance to the Gaussian's distribution function


def coordinate_statistics(codes):
    """Return mean, sd, skewness, excess kurtosis and distance to a Gaussian of each.

    `codes` (n, d), n >= 2, one array (d,) a measure. Skewness and kurtosis are of the
    central moments, m3/m2^1.5 and m4/m2² - 3. `ks` is the Kolmogorov-Smirnov distance
    to the Gaussian of the same mean and sd, in [0, 1]: as those two are fitted it is
    about 0.6/√n for a Gaussian, and above 0.9/√n in one of twenty. Where a coordinate
    is constant the three are nan. Source: Lilliefors 1967, On the Kolmogorov-Smirnov
    test for normality with mean and variance unknown.
    """
    codes = _codes(codes)
    n, d = codes.shape
    columns = max(1, _CHUNK // n)
    parts = [
        _spread(codes[:, i : i + columns].astype(np.float64))
        for i in range(0, d, columns)
    ]
    return CoordinateStatistics(*(np.concatenate(p) for p in zip(*parts, strict=True)))


def _spread(columns):
    """Return the statistics (d,) of columns (n, d)."""
    n, mean, varies = len(columns), columns.mean(0), np.ptp(columns, axis=0) > 0
    # By the range first: a fourth power must neither overflow nor vanish.
    width = np.where(varies, np.ptp(columns, axis=0), 1)
    scaled = np.where(varies, (columns - mean) / width, 0)
    sd = scaled.std(0, ddof=1)
    standard = np.sort(scaled, axis=0) / np.where(varies, sd, 1)
    m2 = np.where(varies, (standard**2).mean(0), 1)
    skewness = (standard**3).mean(0) / m2**1.5
    kurtosis = (standard**4).mean(0) / m2**2 - 3
    height, step = ndtr(standard), np.arange(n + 1)[:, None] / n
    ks = np.maximum((step[1:] - height).max(0), (height - step[:-1]).max(0))
    shape = [np.where(varies, values, np.nan) for values in (skewness, kurtosis, ks)]
    return mean, width * sd, *shape


# ---- Posteriors


class PosteriorStatistics(NamedTuple):
    """How wide posteriors are, and how far what is drawn from them lies off."""

    log_var_min: float
    log_var_mean: float
    log_var_max: float
    mean_shift_max: float  # the largest |z - mean| of a component
    mean_shift_share: float  # of components farther off than the threshold
    radius_deviation: float  # the mean of | ‖z‖ - ‖mean‖ | / ‖mean‖
    radius_of_mean: float  # the mean of ‖mean‖
    radius_of_z: float  # the mean of ‖z‖


def posterior_statistics(mean, log_var, z, threshold=0.05):
    """Return how wide posteriors are, and how far drawn codes lie from their means.

    `mean`, `log_var` and `z` (n, d): what an encoder gives for n images, and a code
    drawn for each. Log-variances are in nats, the rest in the unit of the codes; a
    component counts as shifted above `threshold`. Raises ValueError where the three
    differ in shape, or a mean is 0 throughout, over which there is no ratio.
    """
    arrays = {"mean": mean, "log_var": log_var, "z": z}
    mean, log_var, z = (
        finite_array(name, values, ndim=2, dtype=None)
        for name, values in arrays.items()
    )
    if not mean.shape == log_var.shape == z.shape:
        raise ValueError(
            "mean, log_var and z must be of one shape, not "
            f"{mean.shape}, {log_var.shape} and {z.shape}"
        )
    threshold = float(finite_array("threshold", threshold, ndim=0))
    of_mean, of_z = _radii(mean), _radii(z)
    if not of_mean.all():
        raise ValueError("mean holds a row of zeros: drop it, it has no direction")
    shift = np.abs(z - mean)
    return PosteriorStatistics(
        log_var_min=float(log_var.min()),
        log_var_mean=float(log_var.mean(dtype=np.float64)),
        log_var_max=float(log_var.max()),
        mean_shift_max=float(shift.max()),
        mean_shift_share=float((shift > threshold).mean()),
        radius_deviation=float((np.abs(of_z - of_mean) / of_mean).mean()),
        radius_of_mean=float(of_mean.mean()),
        radius_of_z=float(of_z.mean()),
    )


# ---- Clusters


def inertia(codes, ks, seed):
    """Return the mean squared distance to the nearest of k centres, for each k.

    `codes` (n, d) and whole numbers `ks` (m,) give (m,), in the codes' unit squared.
    The centres are those of k-means on mini-batches, the best of three runs drawn by
    `seed`. An elbow in it tells of clusters; it falls without one too, so compare with
    `gaussian_inertia`. Raises ValueError for a k above n. Source: Sculley 2010,
    Web-scale k-means clustering.
    """
    codes = _codes(codes)
    return _inertia(codes, _numbers_of_clusters(ks, len(codes)), random_generator(seed))


def gaussian_inertia(codes, ks, seed):
    """Return `inertia` of as many draws from the Gaussian fitted to codes.

    Arguments and result as for `inertia`: the curve of a cloud of the same mean and
    covariance which has no clusters. The draws, from `seed` as well, are scaled to the
    codes' total variance, so that chance there is not taken for a difference.
    """
    codes, rng = _codes(codes), random_generator(seed)
    ks = _numbers_of_clusters(ks, len(codes))
    if (codes == codes[0]).all():
        raise ValueError("codes are all the same: there is no shape to draw from")
    draws = sample_gaussian(codes, len(codes), rng)
    scale = codes.var(0, dtype=np.float64).sum() / draws.var(0).sum()
    return scale * _inertia(draws, ks, rng)


def gap_statistic(codes, ks, seed, draws=1):
    """Return how much better k centres fit codes than a Gaussian of the same shape.

    `codes` (n, d) and `ks` (m,) give (m,): the logarithm of `gaussian_inertia`, its
    mean over `draws`, less that of `inertia`. It stays near 0 where there are no
    clusters, and rises up to their number where there are. Against a Gaussian it sees
    heavy tails and curved sheets too; chance moves it by some hundredths, and it leans
    below 0 where codes are hardly more than their dimensions. Source: Tibshirani,
    Walther & Hastie 2001, Estimating the number of clusters by the gap statistic, who
    compare with a uniform cloud.
    """
    rng = random_generator(seed)
    own = np.log(_above_zero(inertia(codes, ks, rng)))
    others = [
        np.log(_above_zero(gaussian_inertia(codes, ks, rng)))
        for _ in range(whole_number("draws", draws))
    ]
    return np.mean(others, axis=0) - own


def _above_zero(values):
    if not (values > 0).all():
        raise ValueError("ks reach the number of different codes: try fewer clusters")
    return values


def _numbers_of_clusters(ks, n):
    values = np.ravel(ks).tolist()
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


# ---- A map


def embed(
    codes, seed, perplexity=30, early_exaggeration=12, components=50, iterations=1000
):
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

    codes = _codes(codes, 3)
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
