"""KL, Bernoulli likelihoods, bounds and quadrature on small arrays."""

import numpy as np
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import multivariate_normal

from vaetut.analysis import (
    bernoulli_log_likelihood,
    bernoulli_log_likelihood_matrix,
    chunks,
    elbo,
    gaussian_kl,
    gaussian_log_density,
    importance_weighted_bound,
    likelihood,
    log_importance_weights,
    quadrature,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(size=(3, 4, 4, 1))
LOGITS = RNG.normal(size=(5, 4, 4, 1)) * 3
MEAN, LOG_VAR = RNG.normal(size=(2, 3, 2))
Z = RNG.normal(size=(3, 6, 2))
Z_LOGITS = RNG.normal(size=(3, 6, 4, 4, 1))


def test_gaussian_kl():
    assert gaussian_kl(np.zeros((2, 3)), np.zeros((2, 3))) == pytest.approx([0, 0])
    got = gaussian_kl([[1.0, 2.0]], [[0.0, np.log(4)]])
    assert got == pytest.approx([0.5 * (1 + 4 + 3 - np.log(4))])


def test_gaussian_log_density():
    got = gaussian_log_density(Z, MEAN[:, None], LOG_VAR[:, None])
    want = multivariate_normal(MEAN[1], np.diag(np.exp(LOG_VAR[1]))).logpdf(Z[1])
    assert got.shape == (3, 6) and got[1] == pytest.approx(want)
    assert gaussian_log_density([0.0, 0.0]) == pytest.approx(-np.log(2 * np.pi))


def test_bernoulli_is_minus_cross_entropy_and_does_not_overflow():
    p = expit(LOGITS[:3])
    want = (IMAGES * np.log(p) + (1 - IMAGES) * np.log1p(-p)).sum((1, 2, 3))
    assert bernoulli_log_likelihood(IMAGES, LOGITS[:3]) == pytest.approx(want)
    assert likelihood.softplus(np.array([-1e4, 0, 1e4])) == pytest.approx(
        [0, np.log(2), 1e4]
    )


def test_matrix_holds_every_pair(monkeypatch):
    got = bernoulli_log_likelihood_matrix(IMAGES, LOGITS)
    want = [[bernoulli_log_likelihood([x], [y])[0] for y in LOGITS] for x in IMAGES]
    assert got.shape == (3, 5) and got == pytest.approx(np.array(want))
    monkeypatch.setattr(chunks, "CHUNK", 33)  # two rows at a time
    assert bernoulli_log_likelihood_matrix(IMAGES, LOGITS) == pytest.approx(got)
    paired = bernoulli_log_likelihood(IMAGES, LOGITS[:3])
    assert paired == pytest.approx(np.diag(got[:, :3]))


def test_float32_is_summed_in_float64():
    images, logits = np.float32(IMAGES), np.float32(LOGITS)
    want = bernoulli_log_likelihood_matrix(np.float64(images), np.float64(logits))
    got = bernoulli_log_likelihood_matrix(images, logits)
    assert got.dtype == np.float64 and np.allclose(got, want, rtol=1e-12)


def test_log_importance_weights_are_the_three_terms():
    got = log_importance_weights(IMAGES, Z_LOGITS, Z, MEAN, LOG_VAR)
    want = [
        bernoulli_log_likelihood(IMAGES, Z_LOGITS[:, k])
        + gaussian_log_density(Z[:, k])
        - gaussian_log_density(Z[:, k], MEAN, LOG_VAR)
        for k in range(6)
    ]
    assert got.shape == (3, 6) and got == pytest.approx(np.transpose(want))


def test_bounds():
    log_w = np.array([[0.0, np.log(3)], [-1000.0, -1000.0]])
    assert elbo(log_w) == pytest.approx([np.log(3) / 2, -1000])
    assert importance_weighted_bound(log_w) == pytest.approx([np.log(2), -1000])


def test_quadrature_in_pieces_is_that_of_the_whole():
    matrix = RNG.normal(size=(4, 50)) * 30 - 800
    whole = logsumexp(matrix, axis=1) - np.log(50)
    assert quadrature([matrix]).log_evidence == pytest.approx(whole)
    got = quadrature(matrix[:, i : i + 7] for i in range(0, 50, 7))
    assert got.log_evidence == pytest.approx(whole) and got.cells == 50
    effective = np.exp(2 * logsumexp(matrix, 1) - logsumexp(2 * matrix, 1))
    assert got.effective_cells == pytest.approx(effective)
    assert quadrature([np.zeros((1, 9))]).effective_cells == pytest.approx([9])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gaussian_kl(MEAN, LOG_VAR[:2]), "log_var must have the shape"),
        (lambda: gaussian_kl(MEAN[0], LOG_VAR[0]), "mean must have 2 axes"),
        (lambda: gaussian_kl(MEAN, LOG_VAR * np.nan), "log_var holds NaN"),
        (lambda: gaussian_kl(np.zeros((0, 2)), np.zeros((0, 2))), "mean is empty"),
        (lambda: gaussian_log_density(Z, MEAN), "must broadcast with z"),
        (lambda: gaussian_log_density([[0.0]], MEAN), "must broadcast with z"),
        (lambda: gaussian_log_density([np.nan]), "z holds NaN"),
        (lambda: bernoulli_log_likelihood(IMAGES, LOGITS), "logits must pair"),
        (lambda: bernoulli_log_likelihood(IMAGES * 255, LOGITS[:3]), "divide grey"),
        (lambda: bernoulli_log_likelihood([1, 0], [1, 0]), "images needs 1 leading"),
        (
            lambda: bernoulli_log_likelihood_matrix(IMAGES, LOGITS[:, :2]),
            "logits must have the pixels",
        ),
        (
            lambda: bernoulli_log_likelihood_matrix(IMAGES, LOGITS * np.inf),
            "logits holds NaN",
        ),
        (
            lambda: log_importance_weights(IMAGES, Z_LOGITS[:, :2], Z, MEAN, LOG_VAR),
            "logits must be",
        ),
        (
            lambda: log_importance_weights(
                IMAGES, Z_LOGITS, Z, MEAN[:, :1], LOG_VAR[:, :1]
            ),
            "mean must be",
        ),
        (
            lambda: log_importance_weights(IMAGES, Z_LOGITS, Z[0], MEAN, LOG_VAR),
            "z must have 3 axes",
        ),
        (lambda: elbo([1.0, 2.0]), "log_w must have 2 axes"),
        (lambda: importance_weighted_bound([[np.nan]]), "log_w holds NaN"),
        (lambda: quadrature([]), "matrices is empty"),
        (
            lambda: quadrature([np.zeros((2, 3)), np.zeros((3, 3))]),
            "matrices must all hold",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
