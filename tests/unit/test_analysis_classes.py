"""Voronoi shares, effective classes and areas on small clouds."""

import numpy as np
import pytest

from vaetut.analysis import (
    chunks,
    class_areas,
    class_shares,
    density_area,
    effective_classes,
)

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(300, 2)) @ [[2, 0], [1, 0.5]] + [3, -1]
LABELS = np.arange(300) % 3


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
    monkeypatch.setattr(chunks, "CHUNK", 256 * 50)
    assert density_area(CODES) == pytest.approx(area)


def test_class_areas():
    assert class_areas(CODES, LABELS) == pytest.approx(np.ones(3), abs=0.3)
    half = np.where(LABELS[:, None] == 1, 0.5 * CODES + 0.5 * CODES.mean(0), CODES)
    got = class_areas(half, LABELS)
    assert got[1] == pytest.approx(got[0] / 4, rel=0.3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
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
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
