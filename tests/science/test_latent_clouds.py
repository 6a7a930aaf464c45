"""The measures of a latent cloud against what is known in closed form."""

import numpy as np
import pytest
from scipy.stats import chi2, norm

from vaetut.analysis import (
    aggregate_posterior,
    class_shares,
    cloud_statistics,
    density_area,
    gap_fraction,
    sample_box,
    sample_gaussian,
)


def _gaussian(rng, n):
    return rng.normal(size=(n, 2)) @ [[3, 0], [2, 0.5]]


def _uniform(rng, n):
    return rng.uniform(size=(n, 2))


def _heavy_tails(rng, n):
    return rng.standard_t(2, size=(n, 2))


def _ring(rng, n):
    angle = rng.uniform(0, 2 * np.pi, n)
    radius = rng.normal(5, 0.1, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _islands(rng, n):
    return rng.normal(size=(n, 2)) * 0.1 + rng.integers(0, 5, size=(n, 2))


def _five_dimensions(rng, n):
    return rng.normal(size=(n, 5))


CLOUDS = [_gaussian, _uniform, _heavy_tails, _ring, _islands, _five_dimensions]


@pytest.mark.parametrize("quantile", [0.9, 0.99])
@pytest.mark.parametrize("draw", CLOUDS, ids=lambda f: f.__name__)
def test_gap_fraction_is_calibrated(draw, quantile):
    rng, n, repeats, p = np.random.default_rng(0), 5000, 10, 1 - quantile
    got = [gap_fraction(draw(rng, n), draw(rng, n), quantile) for _ in range(repeats)]
    # Binomial variance of the samples, and twice of the threshold's: two codes that
    # are each other's nearest share one leave-one-out distance.
    error = np.sqrt(p * quantile * (1 + 2) / n)
    assert np.mean(got) == pytest.approx(p, abs=4 * error / np.sqrt(repeats))
    assert np.std(got) < 2 * error


def test_a_box_around_islands_falls_into_gaps():
    rng = np.random.default_rng(1)
    codes = _islands(rng, 10_000)
    # 25 islands hold their codes within about 3.5 sigma of 0.1: 9.6 of a box of 4.7^2
    box, fitted = (f(codes, 20_000, 2) for f in (sample_box, sample_gaussian))
    assert 0.5 < gap_fraction(codes, box) < 0.8
    assert gap_fraction(codes, fitted) > 0.5


@pytest.mark.parametrize("mass", [0.5, 0.9])
@pytest.mark.parametrize("n", [1000, 4000])
def test_density_area_of_a_gaussian(mass, n):
    root = np.array([[3, 0], [2, 0.5]])
    areas = [
        density_area(np.random.default_rng(seed).normal(size=(n, 2)) @ root, mass)
        for seed in range(5)
    ]
    # The KDE of a Gaussian with covariance S is one with (1 + n^(-1/3)) S on average.
    exact = np.pi * chi2(2).ppf(mass) * 1.5 * (1 + n ** (-1 / 3))
    # log det of a sample covariance has variance 4 / n: area / 2, over five clouds.
    assert np.mean(areas) == pytest.approx(exact, rel=0.02 + 3 * np.sqrt(1 / n / 5))


def test_density_area_does_not_fill_the_space_between_pieces():
    rng = np.random.default_rng(3)
    near = rng.normal(size=(20_000, 2))
    two = np.concatenate([near[:10_000], near[10_000:] + np.array([20, 0])])
    # Scott's rule takes its width from the whole, and so from the distance between
    # the pieces: in units of a piece h^2 = 20000^(-1/3) (1 + 10^2) = 3.7 along x.
    ratio = density_area(two) / density_area(near)
    assert ratio == pytest.approx(2 * np.sqrt(1 + 3.7), rel=0.1)


def test_class_shares_are_voronoi_areas():
    codes, labels = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [3.0, 3.0]], [0, 0, 1, 2]
    samples = np.random.default_rng(4).uniform(0, 3, size=(40_000, 2))
    fine = (np.stack(np.meshgrid(*[np.arange(600)] * 2), -1).reshape(-1, 2) + 0.5) / 200
    exact = class_shares(codes, labels, fine)
    got = class_shares(codes, labels, samples)
    assert got == pytest.approx(exact, abs=4 * np.sqrt(0.25 / 40_000))


def test_mardia_of_a_gaussian_follows_its_law():
    n, d = 2000, 2
    rng = np.random.default_rng(5)
    all_ = [cloud_statistics(_gaussian(rng, n)) for _ in range(200)]
    skewness = np.array([s.skewness for s in all_]) * n / 6
    kurtosis = np.array([s.kurtosis for s in all_])
    # n b1 / 6 is chi2 with d (d + 1) (d + 2) / 6 = 4 degrees; b2 has mean
    # d (d + 2) (n - 1) / (n + 1) and variance 8 d (d + 2) / n.
    assert skewness.mean() == pytest.approx(4, abs=4 * np.sqrt(8 / 200))
    spread = np.sqrt(8 * d * (d + 2) / n / 200)
    assert kurtosis.mean() == pytest.approx(8 * (n - 1) / (n + 1), abs=4 * spread)


def test_kl_of_the_fitted_gaussian_by_monte_carlo():
    rng = np.random.default_rng(6)
    codes = _gaussian(rng, 5000) + np.array([1, -2])
    s = cloud_statistics(codes)
    z = sample_gaussian(codes, 200_000, 7)
    inverse = np.linalg.inv(s.covariance)
    quad = np.einsum("ni,ij,nj->n", z - s.centre, inverse, z - s.centre)
    _, log_det = np.linalg.slogdet(s.covariance)
    log_ratio = -0.5 * (quad + log_det) + 0.5 * (z**2).sum(1)
    error = log_ratio.std() / np.sqrt(len(z))
    assert s.kl == pytest.approx(log_ratio.mean(), abs=4 * error)


@pytest.mark.parametrize("s", [0.8, 0.3])
def test_surgery_where_the_aggregate_is_the_prior(s):
    n, d = 4000, 2
    mean = np.random.default_rng(8).normal(size=(n, d)) * np.sqrt(1 - s**2)
    log_var = np.full((n, d), 2 * np.log(s))
    got = aggregate_posterior(mean, log_var, seed=9)
    # q(z|x) = N(x, s^2) with x ~ N(0, 1 - s^2): q(z) = N(0, 1), I = -log s a dimension.
    # Of n images the mixture differs from that by about 1 / (n s^d) and the spread of
    # their means by 1 / sqrt(n).
    slack = 4 / np.sqrt(n) + 1 / (n * s**d)
    assert got.mutual_information == pytest.approx(-d * np.log(s), abs=slack)
    assert got.marginal_kl == pytest.approx(0, abs=slack)
    total = got.mutual_information + got.marginal_kl
    assert total == pytest.approx(got.kl, abs=1e-10)


def test_surgery_of_a_shifted_and_narrow_aggregate():
    n, s2, v, shift = 4000, 0.25, 0.5, 1.5
    mean = shift + np.random.default_rng(10).normal(size=(n, 1)) * np.sqrt(v)
    got = aggregate_posterior(mean, np.full((n, 1), np.log(s2)), seed=11)
    w = v + s2  # q(z) = N(shift, w)
    assert got.mutual_information == pytest.approx(0.5 * np.log(w / s2), abs=0.03)
    # The mean of n means is off by sqrt(v / n), which shift multiplies.
    exact = 0.5 * (shift**2 + w - 1 - np.log(w))
    assert got.marginal_kl == pytest.approx(exact, abs=4 * shift * np.sqrt(v / n))


def test_surgery_of_a_finite_mixture_by_integration():
    rng = np.random.default_rng(12)
    mean, log_var = rng.normal(size=(50, 1)), rng.normal(size=(50, 1)) * 0.5 - 3
    z = np.linspace(-8, 8, 40_001)
    q = norm.pdf(z, mean, np.exp(log_var / 2)).mean(0)
    ratio = np.log(np.maximum(q, 1e-300)) - norm.logpdf(z)
    exact = (q * ratio).sum() * (z[1] - z[0])
    got = [
        aggregate_posterior(mean, log_var, seed, n_samples=10).marginal_kl
        for seed in range(100)
    ]
    assert np.mean(got) == pytest.approx(exact, abs=4 * np.std(got) / 10)
    assert np.std(got) < 0.02
