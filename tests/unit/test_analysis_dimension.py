"""Dimensions of clouds whose dimension is known."""

import numpy as np
import pytest

from vaetut.analysis import (
    components_needed,
    principal_shares,
    two_nearest_dimension,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(40, 7), (7, 40)])
def test_shares_are_those_of_scikit_learn(shape):
    from sklearn.decomposition import PCA

    points = RNG.normal(size=shape) * 3 + 100
    expected = PCA().fit(points).explained_variance_ratio_
    assert principal_shares(points) == pytest.approx(expected, abs=1e-12)
    assert principal_shares(points).sum() == pytest.approx(1)


def test_a_flat_sheet_needs_two_components_however_it_lies():
    sheet = RNG.uniform(size=(200, 2)) @ RNG.normal(size=(2, 50)) + 5
    shares = principal_shares(sheet)
    assert shares[:2].sum() == pytest.approx(1)
    assert components_needed(shares, 0.999) == 2


def test_components_are_counted_from_the_largest():
    assert components_needed([0.1, 0.6, 0.3], 0.6) == 1
    assert components_needed([0.1, 0.6, 0.3], 0.61) == 2
    assert components_needed([0.1, 0.6, 0.3], 0.95) == 3


@pytest.mark.parametrize("d", [1, 2, 5])
def test_two_neighbours_find_the_dimension_of_a_cube(d):
    found = [
        two_nearest_dimension(np.random.default_rng(s).uniform(size=(1000, d)))
        for s in range(8)
    ]
    assert np.mean(found) == pytest.approx(d, rel=0.1)  # its edges bias it


def test_a_rolled_sheet_is_two_and_spans_three():
    t, h = RNG.uniform(3, 12, 2000), RNG.uniform(0, 20, 2000)
    roll = np.stack([t * np.cos(t), h, t * np.sin(t)], axis=1)
    assert two_nearest_dimension(roll) == pytest.approx(2, abs=0.2)
    assert components_needed(principal_shares(roll)) == 3


def test_neither_density_nor_scale_nor_copies_matter():
    sheet = RNG.normal(size=(1500, 2))
    one = two_nearest_dimension(sheet)
    assert one == pytest.approx(2, abs=0.2)
    assert two_nearest_dimension(1000 * sheet) == pytest.approx(one)
    assert two_nearest_dimension(np.repeat(sheet, 2, axis=0)) == pytest.approx(one)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: principal_shares(np.ones((5, 3))), "all the same"),
        (lambda: principal_shares(np.ones(5)), "2 axes"),
        (lambda: principal_shares([[1, np.nan]]), "NaN"),
        (lambda: components_needed([], 0.9), "empty"),
        (lambda: components_needed([1.0], 1.0), "share must lie"),
        (lambda: two_nearest_dimension(np.ones((30, 2))), "ten or more"),
        (lambda: two_nearest_dimension(RNG.normal(size=(30, 2)), 1.5), "discard"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
