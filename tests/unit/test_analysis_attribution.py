"""Splines through known sheets, and the best codes of known decoders."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from vaetut.analysis import (
    bernoulli_entropy,
    best_codes,
    chunks,
    excess_bce,
    thin_plate,
)

RNG = np.random.default_rng(0)
GREY = RNG.uniform(0.02, 0.98, size=(5, 8, 6, 1))
GRID = np.stack(np.meshgrid(np.linspace(-2, 2, 9), np.linspace(-2, 2, 9)), -1)


def spots(codes):
    """Return logits (m, 9, 9, 1): a bright spot at the code."""
    square = ((GRID - codes[:, None, None]) ** 2).sum(-1)
    return (8 * np.exp(-square / 1.5) - 4)[..., None]


def ripples(codes):
    """Return logits (m, 4, 4, 1) with many minima."""
    waves = np.sin(codes @ np.linspace(-9, 7, 16 * codes.shape[1]).reshape(-1, 16))
    return (4 * waves).reshape(-1, 4, 4, 1)


POINTS = RNG.uniform(size=(50, 2))
CODES = RNG.normal(size=(50, 3))
START = np.zeros((1, 2, 2))
SPOT = expit(spots(np.zeros((1, 2))))


# ---- Attribution


@pytest.mark.parametrize("neighbors", [None, 12])
def test_a_thin_plate_is_exact_for_an_affine_sheet(neighbors):
    factors, at = RNG.uniform(size=(60, 2)), RNG.uniform(-0.5, 1.5, size=(9, 2))
    slope, shift = RNG.normal(size=(2, 4)), RNG.normal(size=4)
    codes = thin_plate(factors, factors @ slope + shift, at, neighbors)
    assert codes == pytest.approx(at @ slope + shift, abs=1e-8)


def test_a_thin_plate_goes_through_its_points_unless_smoothed():
    factors, codes = RNG.uniform(size=(40, 2)), RNG.normal(size=(40, 3))
    assert thin_plate(factors, codes, factors) == pytest.approx(codes, abs=1e-8)
    smooth = thin_plate(factors, codes, factors, smoothing=1e6)
    ones = np.column_stack([factors, np.ones(40)])
    plane = ones @ np.linalg.lstsq(ones, codes, rcond=None)[0]
    assert smooth == pytest.approx(plane, abs=1e-2)
    twice = np.concatenate([factors, factors])
    assert thin_plate(twice, [*codes, *codes], factors, smoothing=1e-3).shape == (40, 3)


@pytest.mark.parametrize("float32", [False, True])
def test_best_codes_find_the_code_of_a_decoded_image(float32, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 81 * 4 * 7)  # batches of 7
    true = RNG.uniform(-1.5, 1.5, size=(17, 2))
    images = expit(spots(true))
    start = np.concatenate(
        [RNG.uniform(-2, 2, size=(17, 3, 2)), true[:, None] + 0.5], axis=1
    )
    decode, atol = spots, 1e-6
    if float32:
        decode, atol = lambda z: spots(z.astype(np.float32)).astype(np.float32), 1e-3
    codes, nats = best_codes(decode, images, start)
    np.testing.assert_allclose(codes, true, atol=atol)
    assert nats == pytest.approx(bernoulli_entropy(images), abs=1e-3)


def test_best_codes_find_the_least_bce_of_an_image_that_cannot_be_drawn():
    images = expit(spots(np.array([[0.3, -0.2]]))) * 0.7 + 0.1
    got = best_codes(spots, images, np.array([[[0.8, 0.4]]]))

    def bce(z):
        logits = spots(z[None])
        return (np.logaddexp(0, logits) - images * logits).sum()

    best = minimize(bce, [0.3, -0.2], options={"gtol": 1e-8})
    np.testing.assert_allclose(got.codes[0], best.x, atol=1e-3)
    assert got.nats[0] == pytest.approx(best.fun, abs=1e-5)


@pytest.mark.parametrize("d", [1, 3])
def test_best_codes_are_never_worse_than_their_starts(d):
    images = RNG.uniform(size=(40, 4, 4, 1))
    start = RNG.normal(size=(40, 5, d))
    at_start = best_codes(ripples, images, start, steps=0)
    excess = [16 * excess_bce(images, ripples(start[:, j])) for j in range(5)]
    least = np.min(excess, axis=0) + bernoulli_entropy(images)
    assert at_start.nats == pytest.approx(least)
    assert (at_start.codes[:, None] == start).all(2).any(1).all()
    last = at_start.nats
    for steps in (1, 3, 10):
        got = best_codes(ripples, images, start, steps=steps)
        assert (got.nats <= last + 1e-9).all()
        logits = ripples(got.codes)
        own = 16 * excess_bce(images, logits) + bernoulli_entropy(images)
        assert own == pytest.approx(got.nats)
        last = got.nats
    assert (last < at_start.nats - 1e-3).mean() > 0.9


def test_best_codes_stand_where_a_dimension_draws_nothing_or_overflows():
    images = expit(spots(np.array([[0.5, 0.5]])))
    got = best_codes(lambda z: spots(z[:, :2]), images, np.array([[[0.0, 0.2, 7.0]]]))
    assert got.codes == pytest.approx(np.array([[0.5, 0.5, 7.0]]), abs=1e-6)

    def fragile(z):
        return np.where(np.abs(z[:, :1, None, None]) > 0.6, np.nan, spots(z))

    got = best_codes(fragile, images, np.array([[[-0.3, 0.2]]]))
    assert got.codes == pytest.approx(np.array([[0.5, 0.5]]), abs=1e-6)
    flat = best_codes(lambda z: np.zeros((len(z), 81)), images, np.ones((1, 2, 3)))
    assert (flat.codes == 1).all()
    assert flat.nats == pytest.approx([81 * np.log(2)])


def test_a_line_within_a_neighbourhood_is_named():
    line = np.stack([np.linspace(0, 1, 20), np.zeros(20)], axis=1)
    factors = np.concatenate([line, [[0.5, 50.0]]])
    with pytest.raises(ValueError, match="use more neighbors"):
        thin_plate(factors, np.ones((21, 1)), line, neighbors=4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: thin_plate(POINTS, CODES[1:], POINTS), "factors and codes must"),
        (lambda: thin_plate(POINTS, CODES, CODES), r"at must be \(m, 2\)"),
        (lambda: thin_plate(POINTS, CODES, POINTS, 2), "neighbors must be"),
        (lambda: thin_plate(POINTS, CODES, POINTS, None, -1), "smoothing must be"),
        (lambda: thin_plate(POINTS[:, [0, 0]], CODES, POINTS), "lie on a line"),
        (lambda: thin_plate(POINTS[[0, 0, 1]], CODES[:3], POINTS), "a point twice"),
        (lambda: best_codes(spots, SPOT, START[0]), "start must have 3 axes"),
        (lambda: best_codes(spots, GREY, START), "start and images must"),
        (lambda: best_codes(spots, SPOT, START, steps=-1), "steps must be"),
        (lambda: best_codes(spots, SPOT, START, nudge=0), "nudge must be"),
        (lambda: best_codes(ripples, SPOT, START), "decode_logits must give 81"),
        (lambda: best_codes(lambda z: np.nan * spots(z), SPOT, START), "gave NaN"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
