"""Bounds and quadrature against Monte Carlo, on a decoder of a few pixels."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit, logsumexp

from vaetut.analysis import (
    bernoulli_log_likelihood_matrix,
    box_grid,
    elbo,
    gaussian_kl,
    gaussian_log_density,
    importance_weighted_bound,
    log_importance_weights,
    prior_grid,
    quadrature,
)

RNG = np.random.default_rng(0)
WEIGHTS, BIAS = RNG.normal(size=(2, 8)) * 1.5, RNG.normal(size=8)
IMAGES = np.concatenate([RNG.integers(0, 2, (4, 8)), RNG.uniform(size=(2, 8))])


def decode(z):
    return z @ WEIGHTS + BIAS


def pieces(grid, size=20_000):
    for i in range(0, len(grid), size):
        yield bernoulli_log_likelihood_matrix(IMAGES, decode(grid[i : i + size]))


@pytest.fixture(scope="module")
def evidence():
    return quadrature(pieces(prior_grid(400)))


def test_quadrature_agrees_with_prior_samples(evidence):
    z = np.random.default_rng(1).standard_normal((300_000, 2))
    parts = [np.exp(part) for part in pieces(z, 100_000)]
    p = sum(part.sum(1) for part in parts) / len(z)
    square = sum((part**2).sum(1) for part in parts) / len(z)
    error = np.sqrt((square - p**2) / len(z)) / p
    assert error.max() < 0.005
    assert (np.abs(evidence.log_evidence - np.log(p)) < 4 * error).all()


def test_quadrature_converges_and_two_grids_agree(evidence):
    coarse = quadrature(pieces(prior_grid(100))).log_evidence
    assert evidence.log_evidence == pytest.approx(coarse, abs=2e-3)
    box = box_grid([[-8, -8], [8, 8]], 300)
    ratio = gaussian_log_density(box) + np.log(16**2)
    matrix = bernoulli_log_likelihood_matrix(IMAGES, decode(box)) + ratio
    even = quadrature([matrix]).log_evidence  # exact to rounding on the even grid
    assert evidence.log_evidence == pytest.approx(even, abs=5e-4)
    assert (evidence.effective_cells > 1000).all()


def test_binary_images_sum_to_one():
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    matrix = bernoulli_log_likelihood_matrix(bits, decode(prior_grid(60)))
    total = logsumexp(quadrature([matrix]).log_evidence)
    assert total == pytest.approx(0, abs=1e-10)


def test_effective_cells_warn_of_a_coarse_grid():
    sharp = bernoulli_log_likelihood_matrix(IMAGES[:1], 40 * decode(prior_grid(15)))
    assert quadrature([sharp]).effective_cells[0] < 10


def posterior():
    """A Gaussian near each posterior, by moments over the grid, a little too wide."""
    grid = prior_grid(200)
    w = np.exp(bernoulli_log_likelihood_matrix(IMAGES, decode(grid)))
    w /= w.sum(1, keepdims=True)
    mean = w @ grid
    return mean, np.log(1.3 * (w @ grid**2 - mean**2))


def test_bounds_rise_to_the_evidence(evidence):
    mean, log_var = posterior()
    rng, draws, k = np.random.default_rng(2), 200, 10
    z = mean[:, None] + np.exp(log_var / 2)[:, None] * rng.standard_normal(
        (len(IMAGES), draws * 10 * k, 2)
    )
    log_w = log_importance_weights(IMAGES, decode(z), z, mean, log_var)

    def bound(size):
        parts = log_w.reshape(-1, size)
        each = importance_weighted_bound(parts).reshape(len(IMAGES), -1)
        return each.mean(1), each.std(1) / np.sqrt(each.shape[1])

    ladder = [bound(1), bound(k), bound(10 * k)]
    assert ladder[0][0] == pytest.approx(elbo(log_w))
    ladder.append((evidence.log_evidence, np.zeros(len(IMAGES))))
    for (low, low_error), (high, high_error) in pairwise(ladder):
        assert (low <= high + 4 * (low_error + high_error)).all()
    assert (ladder[0][0] < ladder[-1][0] - 0.01).all()  # and the ELBO is not tight
    assert ladder[2][0] == pytest.approx(ladder[3][0], abs=0.02)


def test_elbo_gap_is_the_kl_to_the_posterior(evidence):
    """Sum the KL over an even grid: log p(x) - ELBO = KL(q(z|x) || p(z|x))."""
    mean, log_var = posterior()
    box = box_grid([[-8, -8], [8, 8]], 400)
    cell = (16 / 400) ** 2
    log_p = bernoulli_log_likelihood_matrix(IMAGES, decode(box))
    log_p += gaussian_log_density(box) - evidence.log_evidence[:, None]
    log_q = gaussian_log_density(box[None], mean[:, None], log_var[:, None])
    kl = (np.exp(log_q) * (log_q - log_p)).sum(1) * cell
    rng = np.random.default_rng(3)
    z = mean[:, None] + np.exp(log_var / 2)[:, None] * rng.standard_normal(
        (len(IMAGES), 20_000, 2)
    )
    log_w = log_importance_weights(IMAGES, decode(z), z, mean, log_var)
    error = log_w.std(1) / np.sqrt(20_000)
    gap = evidence.log_evidence - elbo(log_w)
    assert (np.abs(gap - kl) < 4 * error + 1e-3).all()


def test_gaussian_kl_against_monte_carlo():
    rng = np.random.default_rng(4)
    mean, log_var = rng.normal(size=(2, 5, 3))
    z = mean[:, None] + np.exp(log_var / 2)[:, None] * rng.normal(size=(5, 200_000, 3))
    ratio = gaussian_log_density(z, mean[:, None], log_var[:, None])
    ratio -= gaussian_log_density(z)
    error = ratio.std(1) / np.sqrt(ratio.shape[1])
    assert (np.abs(gaussian_kl(mean, log_var) - ratio.mean(1)) < 4 * error).all()


def test_grey_pixels_are_not_normalised():
    """The integral of p^x (1 - p)^(1 - x) over [0, 1] is below 1 for every p."""
    x = (np.arange(10_000)[:, None] + 0.5) / 10_000
    for p in (0.1, 0.5, 0.8):
        logit = np.log(p / (1 - p))
        total = np.exp(bernoulli_log_likelihood_matrix(x, [[logit]])).mean()
        exact = 0.5 if p == 0.5 else (2 * expit(logit) - 1) / logit
        assert total == pytest.approx(exact) and total < 0.9
