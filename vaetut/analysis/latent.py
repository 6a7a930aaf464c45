"""The latent space as a cloud of codes: gaps, class areas, shape, aggregate posterior.

`codes` is always (n, d): the codes of an autoencoder, or the posterior means of a VAE.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import logsumexp, ndtr, ndtri

from vaetut.analysis.likelihood import LOG_2PI, gaussian_kl, gaussian_log_density
from vaetut.analysis.statistics import (
    finite_array,
    fraction,
    random_generator,
    whole_number,
)

_TREE_MAX_D = 16  # above it a k-d tree visits nearly all points: multiply instead
_CHUNK = 4_000_000  # numbers held at once as float64: 32 MB


# ---- Nearest neighbours


def _nearest(queries, references, exclude_self):
    """Return (distance, index) of the nearest reference of each query."""
    queries = finite_array("queries", queries, ndim=2, dtype=None)
    references = finite_array("references", references, ndim=2, dtype=None)
    if queries.shape[1] != references.shape[1]:
        raise ValueError(
            f"queries and references must have as many columns: "
            f"{queries.shape[1]} and {references.shape[1]}"
        )
    if exclude_self and (len(queries) != len(references) or len(queries) < 2):
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
    size = max(1, min(2000, _CHUNK // queries.shape[1]))
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


def nearest_distance(queries, references, exclude_self=False):
    """Return the Euclidean distance of each query to its nearest reference.

    `queries` (m, d), `references` (n, d) give (m,), in the unit of the codes.  With
    `exclude_self`, queries and references are the same rows and row i does not count
    as its own neighbour (a duplicate of it does).  Images: flatten them first.  A k-d
    tree up to d = 16, beyond that matrix products in chunks.
    """
    return _nearest(queries, references, exclude_self)[0]


def nearest_index(queries, references, exclude_self=False):
    """Return the row of the nearest reference of each query, (m,) int.

    Arguments as in `nearest_distance`; of equally near ones any is returned.
    """
    return _nearest(queries, references, exclude_self)[1]


# ---- Three ways of sampling a latent space


def _fit(codes):
    """Return centre (d,) and maximum-likelihood covariance (d, d)."""
    centre = codes.mean(0)
    return centre, (codes - centre).T @ (codes - centre) / len(codes)


def sample_box(codes, n, seed):
    """Return n samples (n, d), uniform in the bounding box of the codes (m, d)."""
    codes, n = finite_array("codes", codes, ndim=2), whole_number("n", n)
    rng = random_generator(seed)
    return rng.uniform(codes.min(0), codes.max(0), size=(n, codes.shape[1]))


def sample_gaussian(codes, n, seed):
    """Return n samples (n, d) from the Gaussian fitted to the codes (m, d).

    Centre and covariance are the maximum-likelihood ones.
    """
    codes, n = finite_array("codes", codes, ndim=2), whole_number("n", n)
    values, vectors = np.linalg.eigh(_fit(codes)[1])
    normal = random_generator(seed).standard_normal((n, codes.shape[1]))
    root = vectors * np.sqrt(np.maximum(values, 0))
    return codes.mean(0) + normal @ root.T


def sample_prior(n, d, seed):
    """Return n samples (n, d) from the prior N(0, I)."""
    shape = whole_number("n", n), whole_number("d", d)
    return random_generator(seed).standard_normal(shape)


# ---- Gaps and classes


def in_gap(codes, samples, quantile=0.99):
    """Return which samples lie farther from the codes than codes do from each other.

    `codes` (n, d), `samples` (m, d) give (m,) bool: the distance to the nearest code
    exceeds the `quantile` of the codes' own leave-one-out nearest distances.
    """
    codes = finite_array("codes", codes, ndim=2)
    samples = finite_array("samples", samples, ndim=2)
    quantile = fraction("quantile", quantile)
    if len(codes) < 2:
        raise ValueError("codes must have two or more rows to be near one another")
    own = nearest_distance(codes, codes, exclude_self=True)
    return nearest_distance(samples, codes) > np.quantile(own, quantile)


def gap_fraction(codes, samples, quantile=0.99):
    """Return the share of samples that lie in a gap between the codes, in [0, 1].

    Arguments as in `in_gap`.  Calibrated: samples from the distribution of the codes
    give 1 - quantile, whatever that distribution is.
    """
    return float(in_gap(codes, samples, quantile).mean())


def _labels(labels, n, n_classes=None):
    """Return labels as int (n,) and the number of classes."""
    labels = finite_array("labels", labels, ndim=1)
    if len(labels) != n:
        raise ValueError(f"labels must have one entry a code: {len(labels)} for {n}")
    if (labels < 0).any() or (labels != np.round(labels)).any():
        raise ValueError("labels must be whole numbers from 0")
    labels = labels.astype(int)
    least = int(labels.max()) + 1
    if n_classes is None:
        return labels, least
    return labels, whole_number("n_classes", n_classes, least=least)


def class_shares(codes, labels, samples, n_classes=None):
    """Return how often a sample falls to each class: its Voronoi area.

    `codes` (n, d) with `labels` (n,) from 0, `samples` (m, d): the share of samples
    whose nearest code has each label, (n_classes,), which add up to 1.
    """
    codes = finite_array("codes", codes, ndim=2)
    labels, n_classes = _labels(labels, len(codes), n_classes)
    samples = finite_array("samples", samples, ndim=2)
    nearest = labels[nearest_index(samples, codes)]
    return np.bincount(nearest, minlength=n_classes) / len(samples)


def effective_classes(shares):
    """Return exp(entropy) of shares (k,): k where all are equal, 1 where one rules.

    Raises ValueError where they are negative or do not add up to 1.
    Source: Hill 1973, Diversity and evenness, order 1.
    """
    shares = finite_array("shares", shares, ndim=1)
    if (shares < 0).any() or not np.isclose(shares.sum(), 1, atol=1e-6):
        raise ValueError("shares must be >= 0 and add up to 1: divide by their sum")
    present = shares[shares > 0]
    return float(np.exp(-(present * np.log(present)).sum()))


def density_area(codes, mass=0.9, cells=128):
    """Return the area of the smallest region that holds `mass` of a 2-D cloud.

    `codes` (n, 2) give an area in squared units of the codes; 0 where they lie on a
    line.  The density is a Gaussian KDE with Scott's bandwidth, n^(-1/6) times the
    cloud's covariance root, summed on cells x cells.  The KDE widens: of a Gaussian
    cloud the area comes out 1 + n^(-1/3) times too large, of a cloud in several
    pieces more.  Compare clouds of like n.
    Source: Hyndman 1996, Computing and graphing highest density regions.
    """
    codes, mass = finite_array("codes", codes, ndim=2), fraction("mass", mass)
    cells = whole_number("cells", cells, least=8)
    if codes.shape[1] != 2:
        raise ValueError(f"codes must have 2 columns, not {codes.shape[1]}")
    centre, covariance = _fit(codes)
    values, vectors = np.linalg.eigh(covariance)
    if values[0] <= 1e-12 * values[1]:
        return 0.0
    # White codes have a round kernel, which is a product over the two axes.
    white = (codes - centre) @ vectors / np.sqrt(values)
    width = len(codes) ** (-1 / 6)
    low, high = white.min(0) - 4 * width, white.max(0) + 4 * width
    step = (high - low) / cells
    grid = low + (np.arange(cells)[:, None] + 0.5) * step
    density = np.zeros((cells, cells))
    size = _CHUNK // (2 * cells) + 1
    for i in range(0, len(white), size):
        kernel = np.exp(-0.5 * ((grid[:, None] - white[i : i + size]) / width) ** 2)
        density += kernel[..., 0] @ kernel[..., 1].T
    held = np.cumsum(np.sort(density, axis=None)[::-1]) / density.sum()
    count = np.interp(mass, held, np.arange(1, held.size + 1))
    return float(count * step.prod() * np.sqrt(values.prod()))


def class_areas(codes, labels, mass=0.9):
    """Return the `density_area` of each class as a share of the whole cloud's.

    `codes` (n, 2), `labels` (n,) from 0 give (classes,), without unit.  Classes
    overlap, so that the shares need not add up to 1.  A class of a tenth of the codes
    is smoothed more than the whole, by some 5 % at n = 10,000.  Raises ValueError
    where a class up to the largest label has no code.
    """
    codes = finite_array("codes", codes, ndim=2)
    labels, n_classes = _labels(labels, len(codes))
    absent = np.flatnonzero(np.bincount(labels) == 0)
    if len(absent):
        raise ValueError(f"labels hold no code of class {absent[0]}: number from 0")
    whole = density_area(codes, mass)
    if whole == 0:
        raise ValueError("codes lie on a line: a cloud without area has no shares")
    areas = [density_area(codes[labels == k], mass) for k in range(n_classes)]
    return np.array(areas) / whole


# ---- The shape of a cloud


class CloudStatistics(NamedTuple):
    """Where a cloud lies and how far from Gaussian it is."""

    centre: np.ndarray  # (d,) mean of the codes
    covariance: np.ndarray  # (d, d) maximum-likelihood
    offset: float  # |centre| over the rms radius / sqrt(d)
    anisotropy: float  # longest over shortest axis of the covariance, >= 1
    skewness: float  # Mardia's b1; 0 for a Gaussian
    kurtosis: float  # Mardia's b2; d (d + 2) for a Gaussian, 8 for d = 2
    radius_ratio: float  # largest radius over rms radius, both about the centre
    kl: float  # KL(fitted Gaussian || N(0, I)) in nats


def cloud_statistics(codes):
    """Return the statistics of a cloud of codes (n, d), n > d.

    Raises ValueError where the codes lie in a plane of fewer than d dimensions.
    Source: Mardia 1970, Measures of multivariate skewness and kurtosis with
    applications, sections 2 and 3.
    """
    codes = finite_array("codes", codes, ndim=2)
    d = codes.shape[1]
    centre, covariance = _fit(codes)
    values, vectors = np.linalg.eigh(covariance)
    if len(codes) <= d or values[0] <= 1e-12 * values[-1]:
        raise ValueError(
            f"codes must be more than {d} and span {d} dimensions: drop the constant "
            "or repeated columns"
        )
    radius = np.linalg.norm(codes - centre, axis=1)
    rms = np.sqrt(values.sum())
    white = (codes - centre) @ vectors / np.sqrt(values)
    third = np.zeros((d * d, d))  # b1 is the squared norm of the third moments
    size = _CHUNK // d**2 + 1
    for i in range(0, len(white), size):
        w = white[i : i + size]
        third += (w[:, :, None] * w[:, None]).reshape(len(w), -1).T @ w
    return CloudStatistics(
        centre=centre,
        covariance=covariance,
        offset=float(np.linalg.norm(centre) / (rms / d**0.5)),
        anisotropy=float(np.sqrt(values[-1] / values[0])),
        skewness=float(((third / len(codes)) ** 2).sum()),
        kurtosis=float(((white**2).sum(1) ** 2).mean()),
        radius_ratio=float(radius.max() / rms),
        kl=float(0.5 * (values - 1 - np.log(values)).sum() + 0.5 * centre @ centre),
    )


# ---- The posterior over all images


class ActiveUnits(NamedTuple):
    """Which latent dimensions carry anything of the image."""

    variances: np.ndarray  # (d,) variance over images of the posterior mean
    count: int  # how many exceed the threshold


def active_units(means, threshold=0.01):
    """Return the variance of each dimension's posterior mean, and how many are active.

    `means` (n, d); a dimension is active where that variance exceeds `threshold`, in
    squared units of the code.
    Source: Burda et al. 2016, Importance weighted autoencoders, section 5.2.
    """
    means = finite_array("means", means, ndim=2)
    threshold = float(finite_array("threshold", threshold, ndim=0))
    if threshold < 0 or len(means) < 2:
        raise ValueError("threshold must be >= 0, and means have two or more rows")
    variances = means.var(0)
    return ActiveUnits(variances, int((variances > threshold).sum()))


class AggregatePosterior(NamedTuple):
    """The KL loss taken apart, in nats: kl = mutual_information + marginal_kl."""

    kl: float  # mean over images of KL(q(z|x) || N(0, I)), closed form
    mutual_information: float  # I(x; z) under q: what a code tells of its image
    marginal_kl: float  # KL(q(z) || N(0, I)), of the aggregate posterior


def _log_aggregate(z, mean, log_var):
    """Return log q(z) = log mean_j N(z; mean_j, exp(log_var_j)), (len(z),)."""
    precision = np.exp(-log_var)
    slope = np.hstack([-0.5 * precision, mean * precision]).T
    level = -0.5 * (mean**2 * precision + log_var + LOG_2PI).sum(1)
    size = max(1, _CHUNK // len(mean))
    result = np.empty(len(z))
    for i in range(0, len(z), size):
        part = z[i : i + size]
        result[i : i + size] = logsumexp(np.hstack([part**2, part]) @ slope + level, 1)
    return result - np.log(len(mean))


def aggregate_posterior(mean, log_var, seed, n_samples=1):
    """Return the ELBO surgery of n posteriors: KL = mutual information + marginal KL.

    `mean`, `log_var` (n, d), log_var above about -25; `n_samples` codes are drawn from
    each posterior, at a cost of n^2 n_samples.  q(z) is the mixture of all n
    posteriors, a code's own among them.  Only E log q(z) is estimated; kl and the
    expectations of log q(z|x) and log p(z) are closed forms, so that
    kl = mutual_information + marginal_kl holds exactly by construction, while the two
    parts carry the same Monte Carlo error with opposite signs.  The mixture is of
    these n images: mutual_information is at most log n, up to that error.  Made-up
    means want another seed than this one: noise that repeats them biases the result.
    Source: Hoffman & Johnson 2016, ELBO surgery: yet another way to carve up the
    variational evidence lower bound.
    """
    kl = float(gaussian_kl(mean, log_var).mean())
    mean, log_var = np.asarray(mean, float), np.asarray(log_var, float)
    rng, variance = random_generator(seed), np.exp(log_var)
    own = -0.5 * (1 + log_var + LOG_2PI).sum(1)  # E log q(z|x)
    prior = -0.5 * (mean**2 + variance + LOG_2PI).sum(1)  # E log p(z)
    log_q, controls = [], []
    for _ in range(whole_number("n_samples", n_samples)):
        z = mean + np.sqrt(variance) * rng.standard_normal(mean.shape)
        log_q.append(_log_aggregate(z, mean, log_var))
        own_noise = gaussian_log_density(z, mean, log_var) - own
        prior_noise = gaussian_log_density(z) - prior
        controls.append(np.stack([own_noise, prior_noise], axis=1))
    # Both noises have mean 0 and go with log q(z): take out what they explain.
    log_q, controls = np.concatenate(log_q), np.concatenate(controls)
    centred = controls - controls.mean(0)
    weights = np.linalg.lstsq(centred, log_q - log_q.mean(), rcond=None)[0]
    expected = float(log_q.mean() - controls.mean(0) @ weights)
    return AggregatePosterior(
        kl=kl,
        mutual_information=float(own.mean()) - expected,
        marginal_kl=expected - float(prior.mean()),
    )


# ---- Grids of codes


def _grid(axes):
    """Return all points of ascending axes, the first running fastest, others down."""
    slow = [axis[::-1] for axis in axes[:0:-1]]
    points = np.meshgrid(*slow, axes[0], indexing="ij")
    return np.stack([p.ravel() for p in points[::-1]], axis=1)


def _side(side, d):
    side = whole_number("side", side)
    if side**d > 10_000_000:
        raise ValueError(f"side {side} in {d} dimensions is too many codes: lower it")
    return side


def prior_grid(side, d=2, eps=None):
    """Return the codes at the centres of side^d cells of equal prior mass.

    The result is (side^d, d): Phi^-1((k + 1/2) / side) along each axis, row by row
    from the top (large y) to the bottom, each row from left to right.  With `eps`
    the axes run from Phi^-1(eps) to Phi^-1(1 - eps) in even steps of Phi instead.
    """
    d = whole_number("d", d)
    side = _side(side, d)
    # Not linspace(0, 1), as often seen: Phi^-1 of 0 and 1 is -inf and inf.
    p = (np.arange(side) + 0.5) / side
    if eps is not None:
        if fraction("eps", eps) >= 0.5 or side < 2:
            raise ValueError("eps must lie between 0 and 0.5, and side be 2 or more")
        p = np.linspace(eps, 1 - eps, side)
    return _grid([ndtri(p)] * d)


def box_grid(codes, side):
    """Return the codes at the centres of side^d even cells of the codes' bounding box.

    `codes` (n, d) give (side^d, d), in the order of `prior_grid`.
    """
    codes = finite_array("codes", codes, ndim=2)
    side = _side(side, codes.shape[1])
    p = (np.arange(side) + 0.5) / side
    pairs = zip(codes.min(0), codes.max(0), strict=True)
    return _grid([low + (high - low) * p for low, high in pairs])


def to_uniform(z):
    """Return Phi(z), in [0, 1], of codes of any shape: uniform where z ~ N(0, 1)."""
    return ndtr(finite_array("z", z))
