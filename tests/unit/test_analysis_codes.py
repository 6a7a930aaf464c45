"""Clouds whose radii, moments, clusters and maps are known."""

import numpy as np
import pytest
from scipy import stats

from vaetut.analysis import (
    coordinate_statistics,
    embed,
    expected_radius,
    gap_statistic,
    gaussian_inertia,
    inertia,
    posterior_statistics,
    radius_shares,
    radius_statistics,
)

RNG = np.random.default_rng(0)
SHELL = RNG.normal(size=(2000, 256))


def sphere(n, d, radius):
    points = np.random.default_rng(1).normal(size=(n, d))
    return radius * points / np.linalg.norm(points, axis=1, keepdims=True)


def groups(count, n=600, d=8, apart=10.0):
    """Return n points in as many round groups of sd 1."""
    rng = np.random.default_rng(2)
    centres = apart * rng.normal(size=(count, d))
    return centres[np.arange(n) % count] + rng.normal(size=(n, d)), np.arange(n) % count


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


def test_shares_count_the_codes_between_edges():
    codes = np.array([[1.0, 0], [0, 2], [2.5, 0], [0, 3], [9, 0]])
    assert radius_shares(codes, [1, 2, 3]).tolist() == [0.2, 0.6]
    assert radius_shares(codes, [0, 0.5, 10]).tolist() == [0, 1]


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
    assert radius_shares(SHELL, [14, 19])[0] > 0.99
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
    monkeypatch.setattr("vaetut.analysis.codes._CHUNK", 4000)
    for one, other in zip(whole, coordinate_statistics(codes), strict=True):
        np.testing.assert_allclose(one, other)


# ---- Posteriors


def test_a_posterior_is_measured_by_hand():
    mean = np.array([[3.0, 4.0], [0.0, 10.0]])
    z = np.array([[6.0, 8.0], [0.0, 10.04]])
    log_var = np.array([[-10.0, -2.0], [-8.0, 0.0]])
    found = posterior_statistics(mean, log_var, z)
    assert found[:3] == (-10, -5, 0)
    assert found.mean_shift_max == pytest.approx(4)
    assert found.mean_shift_share == 0.5
    assert posterior_statistics(mean, log_var, z, 0.03).mean_shift_share == 0.75
    assert found.radius_deviation == pytest.approx((1 + 0.004) / 2)
    assert found.radius_of_mean == pytest.approx(7.5)
    assert found.radius_of_z == pytest.approx(10.02)


def test_drawn_codes_shift_as_their_variance_says():
    sd = 0.02
    z = SHELL + sd * RNG.normal(size=SHELL.shape)
    found = posterior_statistics(SHELL, np.full(SHELL.shape, 2 * np.log(sd)), z)
    assert found.mean_shift_share == pytest.approx(2 * stats.norm.sf(2.5), rel=0.03)
    assert found.log_var_mean == pytest.approx(2 * np.log(sd))
    # Along the mean alone: E|N(0, sd²)| = sd √(2/π).
    expected = sd * (2 / np.pi) ** 0.5 / 16
    assert found.radius_deviation == pytest.approx(expected, rel=0.06)


# ---- Clusters


def test_one_centre_leaves_the_variance_and_one_a_code_hardly_any():
    codes = RNG.normal(size=(40, 3)) + 5
    variance = codes.var(0).sum()
    assert inertia(codes, [1], 0) == pytest.approx(variance, rel=0.01)
    assert inertia(codes, [40], 0) < 0.1 * variance


def test_inertia_falls_to_the_spread_of_planted_groups():
    codes, _ = groups(5)
    found = inertia(codes, [2, 3, 5, 8], 0)
    assert (np.diff(found) < 0).all()
    assert found[2] == pytest.approx(8, rel=0.1)  # d times a variance of 1
    np.testing.assert_array_equal(found, inertia(codes, [2, 3, 5, 8], 0))


def test_the_gap_finds_planted_groups_and_none_in_a_gaussian():
    codes, _ = groups(5)
    gaps = gap_statistic(codes, [1, 2, 5, 8], 0, draws=2)
    assert gaps[0] == pytest.approx(0, abs=0.01)
    assert gaps.argmax() == 2 and gaps[2] > 1
    stretched = RNG.normal(size=(1500, 6)) * [5, 3, 1, 1, 0.5, 0.1] + 7
    gaps = gap_statistic(stretched, [1, 2, 5, 20], 0)
    assert gaps == pytest.approx(0, abs=0.12)
    assert gaps[0] == pytest.approx(0, abs=0.01)


def test_a_gaussians_inertia_is_that_of_its_shape():
    codes, _ = groups(5)
    found = gaussian_inertia(codes, [1], 3)
    assert found == pytest.approx(codes.var(0).sum(), rel=0.01)
    np.testing.assert_array_equal(found, gaussian_inertia(codes, [1], 3))


# ---- A map


def test_a_map_keeps_groups_together():
    codes, group = groups(3, n=120)
    found = embed(codes, 0, perplexity=10, iterations=300)
    assert found.shape == (120, 2) and found.dtype == np.float32
    square = ((found[:, None] - found) ** 2).sum(-1)
    np.fill_diagonal(square, np.inf)
    assert (group[square.argmin(1)] == group).mean() > 0.95
    again = embed(codes, 0, perplexity=10, iterations=300)
    np.testing.assert_array_equal(found, again)


def test_a_map_of_few_codes_takes_the_components_there_are():
    assert embed(SHELL[:12], 0, perplexity=3, iterations=250).shape == (12, 2)
    assert embed(SHELL[:40, :2], 0, perplexity=5, iterations=250).shape == (40, 2)


# ---- What is refused

ONES = np.ones((5, 3))


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: radius_statistics(ONES[:1]), "2 or more, not 1"),
        (lambda: radius_statistics(ONES[0]), "2 axes"),
        (lambda: radius_statistics(ONES * np.nan), "NaN"),
        (lambda: radius_statistics(ONES, 0), "width must be above 0"),
        (lambda: radius_shares(ONES, [1]), "edges must be two"),
        (lambda: radius_shares(ONES, [2, 1]), "edges must be two"),
        (lambda: expected_radius(0), "d must be a whole"),
        (lambda: expected_radius(2, -1), "sd must be above 0"),
        (lambda: coordinate_statistics(ONES[:1]), "2 or more"),
        (lambda: posterior_statistics(ONES, ONES, ONES[:3]), "one shape"),
        (lambda: posterior_statistics(ONES * 0, ONES, ONES), "row of zeros"),
        (lambda: posterior_statistics(ONES, ONES * np.inf, ONES), "log_var holds NaN"),
        (lambda: inertia(ONES, [6], 0), "at most the number of codes, 5, not 6"),
        (lambda: inertia(ONES, [], 0), "ks is empty"),
        (lambda: inertia(ONES, [2.5], 0), "ks must be a whole"),
        (lambda: inertia(ONES, [2], None), "seed"),
        (lambda: gaussian_inertia(ONES, [6], 0), "at most"),
        (lambda: gaussian_inertia(ONES, [2], 0), "all the same"),
        (lambda: gap_statistic(ONES, [2], 0), "number of different codes"),
        (lambda: gap_statistic(SHELL[:9], [2], 0, draws=0), "draws"),
        (lambda: embed(ONES, 0), "perplexity must lie from 1 to below"),
        (lambda: embed(ONES, 0, 2), "all the same"),
        (lambda: embed(SHELL[:9, :1], 0, 2), "two dimensions"),
        (lambda: embed(SHELL[:9], 0, 2, early_exaggeration=0), "early_exagg"),
        (lambda: embed(SHELL[:9], 0, 2, iterations=10), "iterations"),
        (lambda: embed(SHELL[:9], 0, 2, components=1), "components"),
    ],
)
def test_bad_input_is_named(call, word):
    with pytest.raises(ValueError, match=word):
        call()
