"""Neighbours, samplers, gaps, areas, shapes and grids on small clouds."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import norm

from vaetut.analysis import (
    active_units,
    aggregate_posterior,
    box_grid,
    class_areas,
    class_shares,
    cloud_statistics,
    density_area,
    effective_classes,
    gap_fraction,
    gaussian_kl,
    in_gap,
    latent,
    nearest_distance,
    nearest_index,
    prior_grid,
    sample_box,
    sample_gaussian,
    sample_prior,
    to_uniform,
)

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(300, 2)) @ [[2, 0], [1, 0.5]] + [3, -1]
LABELS = np.arange(300) % 3


# ---- Nearest neighbours


@pytest.mark.parametrize("d", [1, 2, 16, 17, 300])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_nearest_matches_all_pairs(d, dtype, monkeypatch):
    monkeypatch.setattr(latent, "_CHUNK", 60 * d)  # several chunks
    q = RNG.normal(size=(130, d)).astype(dtype)
    r = RNG.normal(size=(170, d)).astype(dtype) + dtype(100)
    pairs = cdist(q, r)
    assert nearest_distance(q, r) == pytest.approx(pairs.min(1))
    assert (nearest_index(q, r) == pairs.argmin(1)).all()
    own = cdist(r, r) + np.diag(np.full(170, np.inf))
    assert nearest_distance(r, r, exclude_self=True) == pytest.approx(own.min(1))
    assert (nearest_index(r, r, exclude_self=True) == own.argmin(1)).all()


@pytest.mark.parametrize("d", [2, 40])
def test_a_duplicate_is_a_neighbour_but_a_row_is_not_its_own(d):
    codes = np.repeat(RNG.normal(size=(4, d)), [1, 2, 3, 1], axis=0)
    got = nearest_distance(codes, codes, exclude_self=True)
    assert (got == 0).tolist() == [False, True, True, True, True, True, False]
    index = nearest_index(codes, codes, exclude_self=True)
    assert (index != np.arange(7)).all()
    assert (nearest_distance(codes, codes) == 0).all()


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


def test_class_shares():
    codes, labels = [[0.0, 0], [10, 0], [20, 0]], [0, 2, 2]
    got = class_shares(codes, labels, [[1, 1], [9, 1], [11, 1], [30, 0]])
    assert got.tolist() == [0.25, 0, 0.75]
    assert class_shares(codes, labels, [[1, 1]], n_classes=5).tolist() == [
        1,
        0,
        0,
        0,
        0,
    ]


def test_effective_classes():
    assert effective_classes(np.full(10, 0.1)) == pytest.approx(10)
    assert effective_classes([1, 0, 0]) == pytest.approx(1)


def test_density_area_goes_with_the_unit_and_not_with_rotation():
    area = density_area(CODES)
    turn = [[0.6, -0.8], [0.8, 0.6]]
    assert density_area(CODES @ turn + 7) == pytest.approx(area, rel=0.02)
    assert density_area(CODES * [1, 3]) == pytest.approx(3 * area, rel=0.02)
    assert density_area(CODES, mass=0.5) < area / 2
    assert density_area(CODES, cells=400) == pytest.approx(area, rel=0.01)
    assert density_area(CODES * [1, 0]) == density_area([[1, 2]]) == 0


def test_density_area_in_chunks(monkeypatch):
    area = density_area(CODES)
    monkeypatch.setattr(latent, "_CHUNK", 256 * 50)
    assert density_area(CODES) == pytest.approx(area)


def test_class_areas():
    assert class_areas(CODES, LABELS) == pytest.approx(np.ones(3), abs=0.3)
    half = np.where(LABELS[:, None] == 1, 0.5 * CODES + 0.5 * CODES.mean(0), CODES)
    got = class_areas(half, LABELS)
    assert got[1] == pytest.approx(got[0] / 4, rel=0.3)


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
    monkeypatch.setattr(latent, "_CHUNK", 9 * 30)
    got = cloud_statistics(codes)
    assert got.skewness == pytest.approx((gram**3).mean())
    assert got.kurtosis == pytest.approx((np.diag(gram) ** 2).mean())


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
    monkeypatch.setattr(latent, "_CHUNK", 200 * 7)
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
    assert latent._log_aggregate(z, mean, log_var) == pytest.approx(np.log(density))


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


NAN = np.full((3, 2), np.nan)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nearest_distance(CODES[0], CODES), "queries must have 2 axes"),
        (lambda: nearest_distance(CODES, NAN), "references holds NaN"),
        (lambda: nearest_distance(CODES, CODES[:, :1]), "as many columns"),
        (lambda: nearest_distance(CODES, CODES[:9], exclude_self=True), "exclude_self"),
        (lambda: nearest_index(CODES[:1], CODES[:1], exclude_self=True), "two or"),
        (lambda: nearest_index(CODES, CODES[:0]), "references is empty"),
        (lambda: sample_box(CODES, 0, 0), "n must be"),
        (lambda: sample_box(NAN, 5, 0), "codes holds NaN"),
        (lambda: sample_gaussian(CODES, 5, None), "seed must be"),
        (lambda: sample_gaussian(CODES[0], 5, 0), "codes must have 2 axes"),
        (lambda: sample_prior(5, 0, 0), "d must be"),
        (lambda: in_gap(CODES, CODES, quantile=99), "quantile must lie"),
        (lambda: in_gap(CODES[:1], CODES), "codes must have two"),
        (lambda: gap_fraction(CODES, NAN), "samples holds NaN"),
        (lambda: class_shares(CODES, LABELS[:5], CODES), "labels must have one"),
        (lambda: class_shares(CODES, LABELS - 1, CODES), "labels must be whole"),
        (lambda: class_shares(CODES, LABELS + 0.5, CODES), "labels must be whole"),
        (lambda: class_shares(CODES, LABELS, CODES, n_classes=2), "n_classes must be"),
        (lambda: class_shares(CODES, LABELS, CODES[:0]), "samples is empty"),
        (lambda: effective_classes([0.5, 0.6]), "shares must be"),
        (lambda: effective_classes([1.5, -0.5]), "shares must be"),
        (lambda: density_area(CODES[:, :1]), "codes must have 2 columns"),
        (lambda: density_area(CODES, mass=1), "mass must lie"),
        (lambda: density_area(CODES, cells=4), "cells must be"),
        (lambda: class_areas(CODES, LABELS * 2), "no code of class 1"),
        (lambda: class_areas(CODES * [1, 0], LABELS), "codes lie on a line"),
        (lambda: cloud_statistics(CODES[:2]), "codes must be more than 2"),
        (lambda: cloud_statistics(CODES * [1, 0]), "span 2 dimensions"),
        (lambda: cloud_statistics(NAN), "codes holds NaN"),
        (lambda: active_units(CODES, threshold=-1), "threshold must be"),
        (lambda: active_units(CODES[0]), "means must have 2 axes"),
        (lambda: aggregate_posterior(CODES, CODES[:5], 0), "log_var must have"),
        (lambda: aggregate_posterior(CODES, CODES, 0, n_samples=0), "n_samples must"),
        (lambda: aggregate_posterior(CODES, CODES, "a"), "seed must be"),
        (lambda: prior_grid(0), "side must be"),
        (lambda: prior_grid(10, d=100), "too many codes"),
        (lambda: prior_grid(5, eps=0.7), "eps must lie"),
        (lambda: box_grid(CODES[0], 3), "codes must have 2 axes"),
        (lambda: box_grid(CODES, 2.5), "side must be"),
        (lambda: to_uniform([np.nan]), "z holds NaN"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
