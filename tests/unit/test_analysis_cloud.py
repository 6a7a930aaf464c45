"""Clouds whose place, moments and radii are known."""

import numpy as np
import pytest
from scipy import stats

from vaetut.analysis import (
    chunks,
    cloud_statistics,
    coordinate_statistics,
    expected_radius,
    radius_statistics,
)

RNG = np.random.default_rng(0)
SHELL = RNG.normal(size=(2000, 256))


def sphere(n, d, radius):
    points = np.random.default_rng(1).normal(size=(n, d))
    return radius * points / np.linalg.norm(points, axis=1, keepdims=True)


ONES = np.ones((5, 3))
CODES = RNG.normal(size=(300, 2)) @ [[2, 0], [1, 0.5]] + [3, -1]
NAN = np.full((3, 2), np.nan)


# ---- Radii


def test_all_of_a_sphere_lies_at_its_radius():
    found = radius_statistics(sphere(300, 7, 16.3))
    assert (found.median, found.low, found.high) == pytest.approx((16.3, 16.3, 16.3))
    assert found.mean == pytest.approx(16.3) and found.sd < 1e-12
    assert found.mode == 16.25
    assert radius_statistics(sphere(300, 7, 16.3), 0.2).mode == pytest.approx(16.3)


def test_radii_are_those_of_numpy():
    codes = (RNG.gamma(2, size=(500, 3)) * 4).astype(np.float32)
    radii = np.linalg.norm(codes.astype(np.float64), axis=1)
    found = radius_statistics(codes)
    counts, edges = np.histogram(radii, np.arange(0, radii.max() + 1, 0.5))
    assert found.mode == edges[counts.argmax()] + 0.25
    assert found.median == pytest.approx(np.median(radii))
    assert (found.low, found.high) == pytest.approx(np.percentile(radii, [2.5, 97.5]))
    assert (found.mean, found.sd) == pytest.approx((radii.mean(), radii.std(ddof=1)))
    assert all(type(value) is float for value in found)


def test_far_codes_take_no_more_memory_and_the_inner_of_equal_bins_is_the_mode():
    assert radius_statistics([[1e12, 0], [0, 2e12]]).mode == pytest.approx(1e12)


@pytest.mark.parametrize("d", [1, 2, 3, 256, 1000, 1001, 5000])
def test_the_expected_radius_is_that_of_the_chi_distribution(d):
    chi, found = stats.chi(d), expected_radius(d, 2.0)
    assert found.mean == pytest.approx(2 * chi.mean(), rel=1e-10)
    assert found.sd == pytest.approx(2 * chi.std(), rel=1e-6)


def test_a_gaussian_of_256_dimensions_is_a_shell_at_16():
    expected, found = expected_radius(256), radius_statistics(SHELL)
    assert expected.mean == pytest.approx(15.984, abs=1e-3)
    assert expected.sd == pytest.approx(0.7068, abs=1e-4)
    assert found.mean == pytest.approx(expected.mean, abs=4 * 0.7068 / 2000**0.5)
    assert found.sd == pytest.approx(expected.sd, rel=0.06)
    assert abs(found.mode - 16) < 0.5
    assert expected_radius(10**12).mean == pytest.approx(1e6)
    assert expected_radius(10**12).sd == pytest.approx(0.5**0.5)


# ---- Coordinates


def test_moments_and_distance_are_scipys():
    codes = np.column_stack(
        [RNG.normal(3, 2, 700), RNG.exponential(1e-3, 700), RNG.integers(0, 4, 700)]
    )
    found = coordinate_statistics(codes)
    for i, column in enumerate(codes.T):
        mean, sd = column.mean(), column.std(ddof=1)
        assert found.mean[i] == pytest.approx(mean)
        assert found.sd[i] == pytest.approx(sd)
        assert found.skewness[i] == pytest.approx(stats.skew(column))
        assert found.kurtosis[i] == pytest.approx(stats.kurtosis(column))
        ks = stats.kstest(column, stats.norm(mean, sd).cdf).statistic
        assert found.ks[i] == pytest.approx(ks)


def test_known_shapes_are_told_apart():
    n = 20_000
    codes = np.column_stack(
        [RNG.normal(size=n), RNG.uniform(size=n), RNG.laplace(size=n)]
    )
    found = coordinate_statistics(codes * [1, 1e-6, 1e6])
    assert found.kurtosis == pytest.approx([0, -1.2, 3], abs=0.4)
    assert np.abs(found.skewness).max() < 0.15
    assert found.ks[0] < 1.1 / n**0.5 < found.ks[1:].min()


def test_a_gaussians_distance_is_as_documented():
    ks = coordinate_statistics(SHELL).ks * len(SHELL) ** 0.5
    assert ks.mean() == pytest.approx(0.62, abs=0.05)
    assert (ks > 0.9).mean() == pytest.approx(0.05, abs=0.04)


def test_a_constant_coordinate_has_no_shape_and_parts_change_nothing(monkeypatch):
    codes = np.column_stack([SHELL[:, :5], np.full(2000, 0.1)]).astype(np.float32)
    whole = coordinate_statistics(codes)
    assert whole.sd[5] == 0 and whole.mean[5] == pytest.approx(0.1)
    for values in (whole.skewness, whole.kurtosis, whole.ks):
        assert np.isnan(values).tolist() == [False] * 5 + [True]
    monkeypatch.setattr(chunks, "CHUNK", 4000)
    for one, other in zip(whole, coordinate_statistics(codes), strict=True):
        np.testing.assert_allclose(one, other)


# ---- Shapes


def test_cloud_statistics():
    square = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) * [2, 1] + [3, 4]
    got = cloud_statistics(square)
    assert got.centre == pytest.approx([3, 4])
    assert got.covariance == pytest.approx(np.diag([4, 1]))
    assert got.offset == pytest.approx(5 / np.sqrt(5 / 2))
    assert got.anisotropy == pytest.approx(2)
    assert got.skewness == pytest.approx(0, abs=1e-12)
    assert got.kurtosis == pytest.approx(4)
    assert got.radius_ratio == pytest.approx(1)
    assert got.kl == pytest.approx(0.5 * (4 + 1 - 2 - np.log(4) + 25))


def test_mardia_against_all_pairs(monkeypatch):
    codes = RNG.exponential(size=(200, 3))
    centred = codes - codes.mean(0)
    gram = centred @ np.linalg.inv(np.cov(codes.T, bias=True)) @ centred.T
    monkeypatch.setattr(chunks, "CHUNK", 9 * 30)
    got = cloud_statistics(codes)
    assert got.skewness == pytest.approx((gram**3).mean())
    assert got.kurtosis == pytest.approx((np.diag(gram) ** 2).mean())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: radius_statistics(ONES[:1]), "2 or more, not 1"),
        (lambda: radius_statistics(ONES[0]), "2 axes"),
        (lambda: radius_statistics(ONES * np.nan), "NaN"),
        (lambda: radius_statistics(ONES, 0), "width must be above 0"),
        (lambda: expected_radius(0), "d must be a whole"),
        (lambda: expected_radius(2, -1), "sd must be above 0"),
        (lambda: coordinate_statistics(ONES[:1]), "2 or more"),
        (lambda: cloud_statistics(CODES[:2]), "codes must be more than 2"),
        (lambda: cloud_statistics(CODES * [1, 0]), "span 2 dimensions"),
        (lambda: cloud_statistics(NAN), "codes holds NaN"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
