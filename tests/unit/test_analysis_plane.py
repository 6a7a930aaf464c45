"""Regions around a hole, and distances in the plane, by hand."""

import numpy as np
import pytest

from vaetut.analysis import (
    factor_error,
    regions,
)

RNG = np.random.default_rng(0)
POINTS = RNG.uniform(size=(50, 2))
NAN = np.full((1, 2), np.nan)


# ---- Regions


def test_regions_part_the_plane_at_the_edge_and_at_the_shell():
    masks = regions([-0.1, 0, 0.1, 0.11])
    assert {name: np.flatnonzero(m).tolist() for name, m in masks.items()} == {
        "hole": [0, 1],
        "shell": [2],
        "far": [3],
    }
    assert list(regions([0.15], width=0.2)) == ["hole", "shell", "far"]
    assert regions([0.15], width=0.2)["shell"].all()


def test_a_curve_that_is_not_found_is_as_wrong_as_can_be():
    factors = np.array([[0.5, 0.0], [2.0, 2.0], [1.0, 1.5]])
    found = factors + np.array([[0.3, 0.4], [0, 0], [np.nan, 0]])
    assert factor_error(found, factors) == pytest.approx([0.5, 0, np.hypot(1, 1.5)])
    ranges = ((0.0, 3.0), (0.0, 4.0))
    lone = factor_error([[np.nan, np.nan]], [[1, 1]], ranges)
    assert lone == pytest.approx([np.hypot(2, 3)])
    assert np.isnan(found[2, 0])  # as it was passed


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: regions([[0.1]]), "distance must have 1 axes"),
        (lambda: regions([0.1], width=0), "width must be above 0"),
        (lambda: regions([]), "distance is empty"),
        (lambda: factor_error(NAN, POINTS), "found must pair"),
        (lambda: factor_error(NAN[:0], NAN[:0]), "factors is empty"),
        (lambda: factor_error(NAN, [[1, 1]]), "pass ranges"),
        (lambda: factor_error(NAN, [[1, 1]], [[0, 1], [1, 0]]), "ranges must be"),
        (lambda: factor_error(NAN, [[1, 1]], [[0, 1]]), "ranges must be"),
        (lambda: factor_error([[np.inf, 1]], [[1, 1]]), "found holds NaN or inf"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
