"""The losses against closed forms, Monte Carlo and each other."""

import keras
import numpy as np
import pytest
from keras import ops

from vaetut import analysis
from vaetut.models import bernoulli_nats, draw_codes, effective_beta, gaussian_kl

RNG = np.random.default_rng(0)


def number(tensor):
    return ops.convert_to_numpy(tensor)


def test_bernoulli_nats_is_the_textbook_cross_entropy():
    images = RNG.uniform(size=(5, 4, 4, 2)).astype("float32")
    logits = RNG.normal(0, 2, images.shape).astype("float32")
    p = 1 / (1 + np.exp(-logits.astype(float)))
    expected = -(images * np.log(p) + (1 - images) * np.log1p(-p)).sum((1, 2, 3))
    np.testing.assert_allclose(number(bernoulli_nats(images, logits)), expected, 1e-5)
    mean_bce = keras.losses.BinaryCrossentropy(from_logits=True)(images, logits)
    assert number(mean_bce) * 32 == pytest.approx(expected.mean(), rel=1e-5)


def test_bernoulli_nats_stays_finite_where_a_sigmoid_would_round_to_one():
    logits = np.full((1, 1, 1, 1), 200.0, "float32")
    black, white = (
        number(bernoulli_nats(np.full_like(logits, v), logits))[0] for v in (0.0, 1.0)
    )
    assert black == pytest.approx(200) and white == pytest.approx(0)


def test_the_least_cross_entropy_is_the_images_own_entropy():
    images = RNG.uniform(0.01, 0.99, (3, 4, 4, 1)).astype("float32")
    logits = np.log(images / (1 - images))
    floor = analysis.bernoulli_entropy(images)
    np.testing.assert_allclose(number(bernoulli_nats(images, logits)), floor, 1e-5)
    worse = number(bernoulli_nats(images, logits + 0.1))
    assert (worse > floor).all()
    assert analysis.bernoulli_entropy(np.eye(4)[None]) == pytest.approx(0)


def test_the_kl_agrees_with_monte_carlo_and_with_the_numpy_twin():
    mean = np.array([[0.3, -1.2], [2.0, 0.0]], "float32")
    log_var = np.array([[-1.0, 0.5], [-3.0, 0.0]], "float32")
    kl = number(gaussian_kl(mean, log_var))
    np.testing.assert_allclose(kl, analysis.gaussian_kl(mean, log_var), rtol=1e-5)
    epsilon = RNG.standard_normal((400_000, 1, 2))
    z = mean + np.exp(log_var / 2) * epsilon
    log_q = analysis.gaussian_log_density(z, mean, log_var)
    draws = log_q - analysis.gaussian_log_density(z)
    error = 5 * draws.std(0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(0) - kl) < error).all()


def test_the_kl_is_zero_at_the_prior_and_positive_elsewhere():
    zero = np.zeros((1, 3), "float32")
    assert number(gaussian_kl(zero, zero))[0] == 0
    moved = RNG.normal(0, 1, (100, 3)).astype("float32")
    assert (number(gaussian_kl(moved, moved)) > 0).all()


def test_codes_have_the_mean_and_variance_asked_for():
    mean, log_var = np.array([[1.0, -2.0]]), np.array([[0.0, -1.0]])
    z = number(draw_codes(mean, log_var, RNG.standard_normal((200_000, 2))))
    np.testing.assert_allclose(z.mean(0), mean[0], atol=0.02)
    np.testing.assert_allclose(z.var(0), np.exp(log_var[0]), rtol=0.02)


def test_the_sources_weights_are_this_effective_beta():
    """500·mean BCE + KL is 500/1024 of BCE + β·KL for every pair of values."""
    bce, kl = RNG.uniform(100, 400, 50), RNG.uniform(0, 20, 50)
    beta = effective_beta(1024, reconstruction_weight=500)
    np.testing.assert_allclose(500 * bce / 1024 + kl, 500 / 1024 * (bce + beta * kl))
