"""The shape of a cloud of codes: where it lies, its radii, and its coordinates.

`codes` is always (n, d): the codes of an autoencoder, or the posterior means of a VAE.
In many dimensions a Gaussian is a shell: nearly all of it lies at one radius.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, ndtr

from vaetut import checks
from vaetut.analysis.chunks import rows_at_once
from vaetut.checks import finite_array, whole_number


def fit_gaussian(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centre (d,) and maximum-likelihood covariance (d, d).

    `codes` (n, d), checked already; the covariance is that of n, not n - 1.
    """
    centre = codes.mean(0)
    return centre, (codes - centre).T @ (codes - centre) / len(codes)


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


def cloud_statistics(codes: ArrayLike) -> CloudStatistics:
    """Return the statistics of a cloud of codes (n, d), n > d.

    Raises ValueError where the codes lie in a plane of fewer than d dimensions.
    Source: Mardia 1970, Measures of multivariate skewness and kurtosis with
    applications, sections 2 and 3.
    """
    codes = finite_array("codes", codes, ndim=2)
    d = codes.shape[1]
    centre, covariance = fit_gaussian(codes)
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
    size = rows_at_once(d**2)
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


def as_codes(codes: ArrayLike, least: int = 2) -> np.ndarray:
    """Return codes (n, d), float32 kept as it is.

    Raises ValueError for fewer than `least` rows, for NaN or infinity.
    """
    codes = finite_array("codes", codes, ndim=2, dtype=None)
    if len(codes) < least:
        raise ValueError(f"codes must be {least} or more, not {len(codes)}")
    return codes


def norms(codes: np.ndarray) -> np.ndarray:
    """Return the norms (n,) of codes (n, d), summed in float64.

    They are in the unit of the codes.
    """
    return np.sqrt(np.einsum("nd,nd->n", codes, codes, dtype=np.float64))


class RadiusStatistics(NamedTuple):
    """How far codes lie from the origin, in the unit of the codes."""

    median: float
    mode: float  # middle of the fullest bin
    low: float  # 2.5 % lie nearer
    high: float  # 2.5 % lie farther
    mean: float
    sd: float  # n - 1


def radius_statistics(codes: ArrayLike, width: float = 0.5) -> RadiusStatistics:
    """Return where the norms of codes lie: median, mode, 95 % range, mean and sd.

    `codes` (n, d), n >= 2, in any unit, which the result keeps. The mode is the middle
    of the fullest bin of a histogram whose bins of `width` begin at 0; of equally full
    ones the innermost. Raises ValueError for fewer than two codes, or a width that is
    not above 0.
    """
    radii, width = norms(as_codes(codes)), checks.positive("width", width)
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


class ExpectedRadius(NamedTuple):
    """The norm of a Gaussian code, in the unit of its standard deviation."""

    mean: float
    sd: float


def expected_radius(d: int, sd: float = 1.0) -> ExpectedRadius:
    """Return the mean norm of a Gaussian in `d` dimensions, and its spread.

    N(0, sd² I): mean sd √2 Γ((d+1)/2) / Γ(d/2), which is near sd √(d - 1/2), and
    spread near sd/√2 in any number of dimensions: for d = 256 it is 15.98 ± 0.71. A
    cloud whose codes spread more than that has no one standard deviation. Raises
    ValueError for an sd that is not above 0. Source: the chi distribution; Johnson,
    Kotz & Balakrishnan 1994, Continuous univariate distributions 1, chapter 18.
    """
    d, sd = whole_number("d", d, 1, 2**53), checks.positive("sd", sd)
    if d > 1000:  # the difference below would be lost in rounding
        variance = 1 / 2 - 1 / (8 * d) - 1 / (16 * d**2)
        return ExpectedRadius(sd * (d - variance) ** 0.5, sd * variance**0.5)
    mean = 2**0.5 * float(np.exp(gammaln((d + 1) / 2) - gammaln(d / 2)))
    return ExpectedRadius(sd * mean, sd * (d - mean**2) ** 0.5)


class CoordinateStatistics(NamedTuple):
    """How each coordinate of the codes is spread, and how far from a Gaussian."""

    mean: np.ndarray  # (d,)
    sd: np.ndarray  # (d,), n - 1
    skewness: np.ndarray  # (d,), 0 for a Gaussian
    kurtosis: np.ndarray  # (d,), excess: 0 for a Gaussian, -1.2 if uniform
    ks: np.ndarray  # (d,), largest distance to the Gaussian's distribution function


def coordinate_statistics(codes: ArrayLike) -> CoordinateStatistics:
    """Return mean, sd, skewness, excess kurtosis and distance to a Gaussian of each.

    `codes` (n, d), n >= 2, one array (d,) a measure. Skewness and kurtosis are of the
    central moments, m3/m2^1.5 and m4/m2² - 3. `ks` is the Kolmogorov-Smirnov distance
    to the Gaussian of the same mean and sd, in [0, 1]: as those two are fitted it is
    about 0.6/√n for a Gaussian, and above 0.9/√n in one of twenty. Where a coordinate
    is constant the three are nan. Source: Lilliefors 1967, On the Kolmogorov-Smirnov
    test for normality with mean and variance unknown.
    """
    codes = as_codes(codes)
    n, d = codes.shape
    columns = rows_at_once(n)
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
