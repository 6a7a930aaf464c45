"""Overlaps, distances and excess entropy of images drawn by hand."""

import numpy as np
import pytest
from scipy.special import logit

from vaetut.analysis import (
    bernoulli_entropy,
    chamfer,
    excess_bce,
    iou,
    soft_dice,
)

RNG = np.random.default_rng(0)
GREY = RNG.uniform(0.02, 0.98, size=(5, 8, 6, 1))
BLACK = np.zeros((1, 8, 6, 1))


def strokes(*columns, rows=slice(None), shape=(16, 12)):
    """Return images with one upright line each."""
    images = np.zeros((len(columns), *shape, 1))
    for image, column in zip(images, columns, strict=True):
        image[rows, column] = 1
    return images


# ---- Metrics


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_image_itself_has_no_excess(dtype):
    images = GREY.astype(dtype)
    assert excess_bce(images, logit(images)) == pytest.approx(0, abs=1e-7)
    grey = np.full((1, 4, 4, 1), 0.5)
    p = 0.8  # KL of a coin from one of p
    excess = 0.5 * np.log(0.25 / (p * (1 - p)))
    assert excess_bce(grey, np.full(grey.shape, logit(p))) == pytest.approx([excess])


def test_excess_is_of_the_logits_and_not_clipped():
    assert excess_bce(BLACK, BLACK + 400) == pytest.approx([400])
    assert excess_bce(BLACK, BLACK - 400) == pytest.approx([0], abs=1e-12)
    image = (255 * GREY).astype(np.uint8)
    bce = excess_bce(image, logit(GREY)) + bernoulli_entropy(image / 255) / 48
    by_hand = -(image / 255 * np.log(GREY) + (1 - image / 255) * np.log(1 - GREY))
    assert bce == pytest.approx(by_hand.mean((1, 2, 3)), rel=1e-5)


def test_iou_of_half_an_overlap_is_a_third():
    wide = strokes(slice(2, 4), slice(2, 4), slice(2, 4))
    other = strokes(slice(3, 5), slice(2, 4), slice(7, 9))
    assert iou(wide, other) == pytest.approx([1 / 3, 1, 0])
    assert iou(BLACK, BLACK) == [1]
    assert iou(0.4 * wide, 0.3 * other).tolist() == [1, 1, 1]  # empty, above 0.5
    assert iou(0.4 * wide, 0.3 * other, threshold=0.2) == pytest.approx([1 / 3, 1, 0])


def test_soft_dice_is_one_for_itself_and_linear_in_overlap():
    assert soft_dice(GREY, GREY) == pytest.approx(1)
    assert soft_dice(BLACK, BLACK) == [1]
    wide, other = strokes(slice(2, 4)), strokes(slice(3, 5))
    assert soft_dice(wide, other) == pytest.approx([0.5])
    assert soft_dice(wide, 0.5 * wide) == pytest.approx([0.8])
    assert soft_dice(wide, 0 * wide) == [0]


def test_a_shift_is_its_own_chamfer_distance():
    lines = strokes(3, 3, 3)
    assert chamfer(lines, strokes(3, 4, 8)).tolist() == [0, 1, 5]
    short = strokes(3, rows=slice(4, 12))
    # A line of 16 and its middle 8: 4 + 3 + 2 + 1 pixels away at both ends.
    assert chamfer(lines[:1], short) == pytest.approx([(20 / 16 + 0) / 2])
    assert chamfer(short, lines[:1]) == chamfer(lines[:1], short)


def test_chamfer_of_nothing_is_the_diagonal():
    assert chamfer(BLACK, BLACK) == [0]
    line = strokes(1, shape=(8, 6))
    assert chamfer(BLACK, line) == chamfer(line, BLACK) == [10]
    assert chamfer(0.3 * line, line) == [10]
    assert chamfer(0.3 * line, line, threshold=0.25) == [0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: excess_bce(GREY, GREY[:2]), "logits must pair with images"),
        (lambda: excess_bce(GREY, np.full(GREY.shape, np.inf)), "logits holds NaN"),
        (lambda: excess_bce(GREY + 1, GREY), "images run from"),
        (lambda: iou(GREY, GREY[:1]), "others must pair with images"),
        (lambda: iou(GREY, GREY, threshold=1), "threshold must lie"),
        (lambda: soft_dice(GREY[..., 0], GREY), "images have shape"),
        (lambda: soft_dice(GREY, GREY * np.nan), "others holds NaN"),
        (lambda: chamfer(GREY, GREY, threshold=128), "threshold must lie"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
