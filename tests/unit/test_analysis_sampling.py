"""Samplers, gaps and grids on small clouds."""

import numpy as np
import pytest
from scipy.stats import norm

from vaetut.analysis import (
    box_grid,
    gap_fraction,
    in_gap,
    prior_grid,
    sample_box,
    sample_gaussian,
    sample_prior,
    to_uniform,
)

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(300, 2)) @ [[2, 0], [1, 0.5]] + [3, -1]
NAN = np.full((3, 2), np.nan)


# ---- Samplers


def test_samplers_have_the_shape_and_repeat():
    for draw in (
        lambda seed: sample_box(CODES, 50, seed),
        lambda seed: sample_gaussian(CODES, 50, seed),
        lambda seed: sample_prior(50, 2, seed),
    ):
        assert draw(1).shape == (50, 2)
        assert (draw(1) == draw(np.random.default_rng(1))).all()
        assert (draw(1) != draw(2)).any()


def test_samplers_follow_the_codes():
    box = sample_box(CODES, 20_000, 0)
    assert (box >= CODES.min(0)).all() and (box <= CODES.max(0)).all()
    assert box.mean(0) == pytest.approx((CODES.min(0) + CODES.max(0)) / 2, abs=0.1)
    gauss = sample_gaussian(CODES, 50_000, 0)
    assert gauss.mean(0) == pytest.approx(CODES.mean(0), abs=0.05)
    assert np.cov(gauss.T) == pytest.approx(np.cov(CODES.T), abs=0.15)
    flat = sample_gaussian(CODES * [1, 0], 10, 0)  # a collapsed dimension stays so
    assert flat[:, 1] == pytest.approx(np.zeros(10), abs=1e-7)


# ---- Gaps and classes


def test_in_gap_marks_what_is_far():
    mask = in_gap(CODES, [[3, -1], [100, 100], CODES[7]])
    assert mask.tolist() == [False, True, False]
    assert gap_fraction(CODES, [[3, -1], [100, 100]]) == 0.5
    samples = sample_box(CODES, 500, 0)
    fractions = [gap_fraction(CODES, samples, q) for q in (0.5, 0.9, 0.99)]
    assert fractions == sorted(fractions, reverse=True)


# ---- Grids


def test_prior_grid_reads_like_a_page():
    grid = prior_grid(3)
    a = norm.ppf(5 / 6)
    want = [
        [-a, a],
        [0, a],
        [a, a],
        [-a, 0],
        [0, 0],
        [a, 0],
        [-a, -a],
        [0, -a],
        [a, -a],
    ]
    assert grid == pytest.approx(np.array(want), abs=1e-12)
    assert to_uniform(grid[:3, 0]) == pytest.approx([1 / 6, 1 / 2, 5 / 6])
    assert prior_grid(4, d=1)[:, 0] == pytest.approx(
        norm.ppf([0.125, 0.375, 0.625, 0.875])
    )
    assert prior_grid(5, d=3).shape == (125, 3)
    assert len(np.unique(prior_grid(5, d=3), axis=0)) == 125


def test_prior_grid_eps_sets_the_edges():
    grid = prior_grid(5, eps=0.01)
    assert to_uniform(grid[:5, 0]) == pytest.approx(np.linspace(0.01, 0.99, 5))


def test_box_grid():
    got = box_grid([[0, 0], [4, 2]], 2)
    assert got.tolist() == [[1, 1.5], [3, 1.5], [1, 0.5], [3, 0.5]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sample_box(CODES, 0, 0), "n must be"),
        (lambda: sample_box(NAN, 5, 0), "codes holds NaN"),
        (lambda: sample_gaussian(CODES, 5, None), "seed must be"),
        (lambda: sample_gaussian(CODES[0], 5, 0), "codes must have 2 axes"),
        (lambda: sample_prior(5, 0, 0), "d must be"),
        (lambda: in_gap(CODES, CODES, quantile=99), "quantile must lie"),
        (lambda: in_gap(CODES[:1], CODES), "codes must have two"),
        (lambda: gap_fraction(CODES, NAN), "samples holds NaN"),
        (lambda: prior_grid(0), "side must be"),
        (lambda: prior_grid(10, d=100), "d must be a whole number from 1 to 20"),
        (lambda: prior_grid(5, eps=0.7), "eps must lie"),
        (lambda: box_grid(CODES[0], 3), "codes must have 2 axes"),
        (lambda: box_grid(CODES, 2.5), "side must be"),
        (lambda: to_uniform([np.nan]), "z holds NaN"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
