"""Planted groups, their inertia, and maps that keep them together."""

import numpy as np
import pytest

from vaetut.analysis import (
    embed,
    gaussian_inertia,
    inertia,
)

RNG = np.random.default_rng(0)
SHELL = RNG.normal(size=(2000, 256))


def groups(count, n=600, d=8, apart=10.0):
    """Return n points in as many round groups of sd 1."""
    rng = np.random.default_rng(2)
    centres = apart * rng.normal(size=(count, d))
    return centres[np.arange(n) % count] + rng.normal(size=(n, d)), np.arange(n) % count


ONES = np.ones((5, 3))


# ---- Clusters


def test_one_centre_leaves_the_variance_and_one_a_code_hardly_any():
    codes = RNG.normal(size=(40, 3)) + 5
    variance = codes.var(0).sum()
    assert inertia(codes, [1], 0) == pytest.approx(variance, rel=0.01)
    assert inertia(codes, [40], 0) < 0.1 * variance


def test_inertia_falls_to_the_spread_of_planted_groups():
    codes, _ = groups(5)
    found = inertia(codes, [2, 3, 5, 8], 0)
    assert (np.diff(found) < 0).all()
    assert found[2] == pytest.approx(8, rel=0.1)  # d times a variance of 1
    np.testing.assert_array_equal(found, inertia(codes, [2, 3, 5, 8], 0))


def test_a_gaussians_inertia_is_that_of_its_shape():
    codes, _ = groups(5)
    found = gaussian_inertia(codes, [1], 3)
    assert found == pytest.approx(codes.var(0).sum(), rel=0.01)
    np.testing.assert_array_equal(found, gaussian_inertia(codes, [1], 3))


# ---- A map


def test_a_map_keeps_groups_together():
    codes, group = groups(3, n=120)
    found = embed(codes, 0, perplexity=10, iterations=300)
    assert found.shape == (120, 2) and found.dtype == np.float32
    square = ((found[:, None] - found) ** 2).sum(-1)
    np.fill_diagonal(square, np.inf)
    assert (group[square.argmin(1)] == group).mean() > 0.95
    again = embed(codes, 0, perplexity=10, iterations=300)
    np.testing.assert_array_equal(found, again)


def test_a_map_of_few_codes_takes_the_components_there_are():
    assert embed(SHELL[:12], 0, perplexity=3, iterations=250).shape == (12, 2)
    assert embed(SHELL[:40, :2], 0, perplexity=5, iterations=250).shape == (40, 2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: inertia(ONES, [6], 0), "at most the number of codes, 5, not 6"),
        (lambda: inertia(ONES, [], 0), "ks is empty"),
        (lambda: inertia(ONES, [2.5], 0), "ks must be a whole"),
        (lambda: inertia(ONES, [2], None), "seed"),
        (lambda: gaussian_inertia(ONES, [6], 0), "at most"),
        (lambda: gaussian_inertia(ONES, [2], 0), "all the same"),
        (lambda: embed(ONES, 0), "perplexity must lie from 1 to below"),
        (lambda: embed(ONES, 0, 2), "all the same"),
        (lambda: embed(SHELL[:9, :1], 0, 2), "two dimensions"),
        (lambda: embed(SHELL[:9], 0, 2, early_exaggeration=0), "early_exagg"),
        (lambda: embed(SHELL[:9], 0, 2, iterations=10), "iterations"),
        (lambda: embed(SHELL[:9], 0, 2, components=1), "components"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
