"""The nearest of codes, images and factors, against all pairs."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from vaetut.analysis import (
    chunks,
    nearest_by_factors,
    nearest_by_pixels,
    nearest_distance,
    nearest_index,
    neighbour_average,
)

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(300, 2)) @ [[2, 0], [1, 0.5]] + [3, -1]
GREY = RNG.uniform(0.02, 0.98, size=(5, 8, 6, 1))
BLACK = np.zeros((1, 8, 6, 1))
POINTS = RNG.uniform(size=(50, 2))
NAN = np.full((1, 2), np.nan)


# ---- Nearest neighbours


@pytest.mark.parametrize("d", [1, 2, 16, 17, 300])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_nearest_matches_all_pairs(d, dtype, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 60 * d)  # several chunks
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


# ---- Baselines


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_nearest_by_pixels_is_nearest_of_all_in_every_piece(dtype, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 48 * 7)
    train = RNG.integers(0, 256, size=(30, 8, 6, 1))
    images = train[[4, 29, 0, 17]] + RNG.integers(-3, 4, size=(4, 8, 6, 1))
    train, images = train.astype(float), np.clip(images, 0, 255) / 255
    train = train.astype(np.uint8) if dtype == np.uint8 else np.float32(train / 255)
    assert nearest_by_pixels(train, images).tolist() == [4, 29, 0, 17]


def test_nearest_by_factors_and_the_average_of_neighbours():
    factors = np.array([[0, 0], [1, 0], [0, 1], [5, 5]], float)
    assert nearest_by_factors(factors, [[4, 4], [0.9, 0]]).tolist() == [3, 1]
    images = np.full((4, 8, 6, 1), 0, np.uint8)
    images[:] = np.array([0, 51, 102, 255])[:, None, None, None]
    near = neighbour_average(images, factors, [[0.1, 0.2], [4, 4]], k=3)
    assert near.shape == (2, 8, 6, 1) and near.dtype == np.float32
    assert near[0] == pytest.approx(0.2) and near[1] == pytest.approx(1.6 / 3)
    one = neighbour_average(images / 255, factors, factors, k=1)
    assert one == pytest.approx(images / 255)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nearest_distance(CODES[0], CODES), "queries must have 2 axes"),
        (lambda: nearest_distance(CODES, NAN), "references holds NaN"),
        (lambda: nearest_distance(CODES, CODES[:, :1]), "as many columns"),
        (lambda: nearest_distance(CODES, CODES[:9], exclude_self=True), "exclude_self"),
        (lambda: nearest_index(CODES[:1], CODES[:1], exclude_self=True), "two or"),
        (lambda: nearest_index(CODES, CODES[:0]), "references is empty"),
        (lambda: nearest_by_pixels(GREY, BLACK[:, 1:]), "train must have images"),
        (lambda: nearest_by_pixels(GREY[:0], BLACK), "train is empty"),
        (lambda: nearest_by_factors(np.ones((5, 3)), POINTS), "train_factors must be"),
        (lambda: neighbour_average(GREY, POINTS, POINTS), "train_images and train_f"),
        (
            lambda: neighbour_average(GREY, POINTS[:5], POINTS),
            "k must be at most the 5",
        ),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
