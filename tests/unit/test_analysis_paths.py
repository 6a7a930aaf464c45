"""Paths whose length, turning and evenness are known."""

import numpy as np
import pytest

from vaetut.analysis import (
    largest_step,
    linear_ratio,
    path_length,
    resample,
    straight,
    turning,
    unevenness,
)

RNG = np.random.default_rng(0)


def arc(angle, radius=1.0, count=200):
    """Return points (count, 2) on a circle from 0 to an angle."""
    t = np.linspace(0, angle, count)
    return radius * np.stack([np.cos(t), np.sin(t)], axis=1)


CODES = RNG.normal(size=(50, 3))
LINE = straight([0, 0], [1, 1], 5)
NAN = np.full((5, 2), np.nan)
NAN = np.full((1, 2), np.nan)


def test_a_straight_path_does_not_turn_and_one_that_goes_back_turns_most():
    path = np.array([0, 0.1, 0.3, 1.7, 2])[:, None] * [1.0, 2.0, -3.0]
    assert turning(path) == pytest.approx(0, abs=1e-6)
    assert linear_ratio(path) == pytest.approx(1)
    # A flat corner keeps its digits: the bend is 1e-9 of the sides.
    flat = turning([[0, 0], [1, 1e-9], [2, 0]])
    assert np.radians(flat) == pytest.approx(2e-9)
    assert turning([[0, 0], [1, 0], [0.5, 0]]) == pytest.approx(180)


def test_a_half_circle_turns_by_180_degrees_and_its_chord_is_2_over_pi():
    path = arc(np.pi, radius=3, count=400)
    assert turning(path) == pytest.approx(180, abs=0.5)
    assert linear_ratio(path) == pytest.approx(2 / np.pi, abs=1e-4)
    assert path_length(path) == pytest.approx(3 * np.pi, abs=1e-3)
    assert linear_ratio(arc(2 * np.pi)) == pytest.approx(0, abs=1e-12)


def test_turning_counts_every_corner():
    assert turning([[0, 0], [1, 0], [1, 1], [2, 1]]) == pytest.approx(180)


def test_resampling_evens_the_steps_and_keeps_the_ends():
    t = np.pi * np.linspace(0, 1, 3000) ** 3
    path = np.stack([np.cos(t), np.sin(t), 0 * t], axis=1)
    even = resample(path, 50)
    assert even.shape == (50, 3)
    assert (even[[0, -1]] == path[[0, -1]]).all()
    assert unevenness(path) > 0.5 and unevenness(even) < 1e-4
    assert np.linalg.norm(even, axis=1) == pytest.approx(np.ones(50), abs=1e-5)
    repeated = resample([[0, 0], [0, 0], [0, 3], [0, 3], [1, 3], [1, 3]], 5)
    assert repeated.tolist() == [[0, 0], [0, 1], [0, 2], [0, 3], [1, 3]]


def test_a_straight_line_is_even():
    line = straight([0, 1, 2], [4, 1, 0], 9)
    assert line.shape == (9, 3) and line[4].tolist() == [2, 1, 1]
    assert unevenness(line) == pytest.approx(0, abs=1e-12)
    assert unevenness([[0], [1], [4]]) == pytest.approx(0.5)


def test_a_gap_is_in_median_steps():
    assert largest_step([[0, 0], [0, 1], [0, 2], [3, 2], [4, 2]]) == 3
    assert largest_step(np.arange(6.0)[:, None] * [1, 2, 3]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: path_length([1, 2]), "path must have 2 axes"),
        (lambda: path_length(LINE[:1]), "path must have 2 or more points, not 1"),
        (lambda: linear_ratio(LINE[[0, 0]]), "stays at one point"),
        (lambda: linear_ratio(NAN), "path holds NaN"),
        (lambda: turning(LINE[:2]), "path must have 3 or more"),
        (lambda: turning(LINE[[0, 1, 1]]), "path stands still"),
        (lambda: unevenness(LINE[:2]), "path must have 3 or more"),
        (lambda: unevenness(LINE[[0, 0, 0]]), "stays at one point"),
        (lambda: straight([0, 1], [0, 1, 2], 5), "must be of one space"),
        (lambda: straight([0, 1], [0, 1], 5), "are the same point"),
        (lambda: straight([0, np.inf], [0, 1], 5), "start holds NaN or infinity"),
        (lambda: straight([0, 1], [1, 1], 1), "count must be"),
        (lambda: resample(LINE, 1), "count must be"),
        (lambda: resample(LINE[[0, 0]], 9), "stays at one point"),
        (lambda: resample(NAN, 9), "path holds NaN"),
        (lambda: largest_step(CODES[:2]), "codes must be three"),
        (lambda: largest_step([[0], [0], [0], [1]]), "stand still"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
