"""Posteriors by hand, and the surgery of the KL loss at its ends."""

import numpy as np
import pytest
from scipy import stats
from scipy.stats import norm

from vaetut.analysis import (
    active_units,
    aggregate_posterior,
    chunks,
    gaussian_kl,
    posterior,
    posterior_statistics,
)

RNG = np.random.default_rng(0)
SHELL = RNG.normal(size=(2000, 256))
ONES = np.ones((5, 3))
CODES = RNG.normal(size=(300, 2)) @ [[2, 0], [1, 0.5]] + [3, -1]


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


def test_active_units():
    means = RNG.normal(size=(1000, 3)) * [1, 0.05, 0.2]
    got = active_units(means)
    assert got.variances == pytest.approx(means.var(0)) and got.count == 2
    assert active_units(means, threshold=0.5).count == 1


# ---- The aggregate posterior


def test_surgery_adds_up_and_repeats(monkeypatch):
    mean, log_var = RNG.normal(size=(200, 3)), RNG.normal(size=(200, 3)) - 2
    got = aggregate_posterior(mean, log_var, seed=0)
    assert got.kl == pytest.approx(gaussian_kl(mean, log_var).mean())
    assert got.kl == pytest.approx(got.mutual_information + got.marginal_kl, abs=1e-10)
    assert all(type(x) is float for x in got)
    monkeypatch.setattr(chunks, "CHUNK", 200 * 7)
    again = aggregate_posterior(mean, log_var, np.random.default_rng(0))
    assert again == pytest.approx(got)


def test_surgery_at_its_ends():
    apart = np.arange(50.0)[:, None] * 100  # every image knows its code: log n
    got = aggregate_posterior(apart, np.zeros((50, 1)), seed=0)
    assert got.mutual_information == pytest.approx(np.log(50))
    same = aggregate_posterior(np.ones((50, 2)), np.zeros((50, 2)), seed=0)
    assert same == pytest.approx((1, 0, 1), abs=1e-9)  # a collapsed posterior


def test_log_aggregate_is_the_mixture():
    mean, log_var, z = RNG.normal(size=(3, 20, 2))
    density = norm.pdf(z[:, None], mean, np.exp(log_var / 2)).prod(2).mean(1)
    assert posterior._log_aggregate(z, mean, log_var) == pytest.approx(np.log(density))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: posterior_statistics(ONES, ONES, ONES[:3]), "one shape"),
        (lambda: posterior_statistics(ONES * 0, ONES, ONES), "row of zeros"),
        (lambda: posterior_statistics(ONES, ONES * np.inf, ONES), "log_var holds NaN"),
        (lambda: active_units(CODES, threshold=-1), "threshold must be"),
        (lambda: active_units(CODES[0]), "means must have 2 axes"),
        (lambda: aggregate_posterior(CODES, CODES[:5], 0), "log_var must have"),
        (lambda: aggregate_posterior(CODES, CODES, 0, n_samples=0), "n_samples must"),
        (lambda: aggregate_posterior(CODES, CODES, "a"), "seed must be"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
