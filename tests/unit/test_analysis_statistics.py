"""Intervals over seeds and images, against what they must cover."""

import json

import numpy as np
import pytest
from scipy import stats

from vaetut.analysis import (
    bootstrap_interval,
    hierarchical_interval,
    interval,
    paired_interval,
)


def _draws(rng):
    return rng.standard_normal((2000, 5))


def test_interval_is_student_t():
    values = [1.0, 2.0, 4.0, 5.5, 3.0]
    got = interval(values, level=0.9)
    low, high = stats.t.interval(0.9, 4, np.mean(values), stats.sem(values))
    assert got == pytest.approx((np.mean(values), low, high, 5))


@pytest.mark.parametrize("make", [interval, lambda v: bootstrap_interval(v, 0)])
def test_one_value_has_no_spread_and_is_json(make):
    got = make([2.5])
    assert got == (2.5, 2.5, 2.5, 1)
    assert json.loads(json.dumps(got._asdict())) == got._asdict()


def test_results_are_plain_numbers():
    values = np.arange(5, dtype=np.float32)
    for got in (interval(values), bootstrap_interval(values, 0)):
        assert [type(x) for x in got] == [float, float, float, int]


def test_paired_interval_ignores_what_pairs_share():
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 100, size=8)
    a, b = shared + 1 + rng.normal(0, 0.1, 8), shared
    got = paired_interval(a, b)
    assert 0 < got.low < got.mean < got.high < 2
    assert got == interval(a - b)


def test_interval_covers_at_its_level():
    rng = np.random.default_rng(1)
    hits = sum(abs(i.mean) <= i.high - i.mean for i in map(interval, _draws(rng)))
    assert hits / 2000 == pytest.approx(0.95, abs=4 * (0.95 * 0.05 / 2000) ** 0.5)


def test_bootstrap_agrees_with_student_and_is_reproducible():
    values = np.random.default_rng(2).exponential(size=5000)
    got, t = bootstrap_interval(values, seed=3), interval(values)
    assert got == bootstrap_interval(values, seed=np.random.default_rng(3))
    assert got.mean == t.mean and got.n == 5000
    assert (got.low, got.high) == pytest.approx((t.low, t.high), abs=0.004)
    wide = bootstrap_interval(values, seed=3, level=0.99, draws=500)
    assert wide.low < got.low and wide.high > got.high


# ---- Seeds, and images within them


@pytest.mark.parametrize("within", [0.3, 3])
def test_hierarchical_interval_covers_about_its_level(within):
    rng, hits = np.random.default_rng(4), 0
    for _ in range(400):
        seeds = rng.standard_normal((10, 1))
        values = seeds + within * rng.standard_normal((10, 20))
        got = hierarchical_interval(values, rng, draws=300)
        hits += got.low <= 0 <= got.high
    assert 0.86 < hits / 400 < 0.98


def test_hierarchical_interval_has_the_spread_of_both_levels():
    rng = np.random.default_rng(5)
    values = 2 * rng.standard_normal((40, 1)) + rng.standard_normal((40, 5))
    got = hierarchical_interval(values)
    between, each = values.mean(1).var(), values.var(1).mean() / 5
    half = 1.96 * ((between + each) / 40) ** 0.5
    assert (got.mean, got.n) == (pytest.approx(values.mean()), 40)
    assert (got.high - got.low) / 2 == pytest.approx(half, rel=0.08)


def test_a_seed_counts_once_however_many_its_images():
    values = [np.zeros(1000), np.ones(2), np.full(7, 5.0)]
    got = hierarchical_interval(values, draws=100)
    assert (got.mean, got.low, got.high) == pytest.approx((2, 0, 5), abs=1e-12)
    assert [type(x) for x in got] == [float, float, float, int]
    assert got == hierarchical_interval(values, np.random.default_rng(0), draws=100)
    assert got != hierarchical_interval(values, seed=1, level=0.5, draws=100)
    assert hierarchical_interval(values, draws=1).n == 3  # most seeds never drawn


def test_one_seed_has_no_spread_between_seeds():
    assert hierarchical_interval([[1, 2, 6]]) == (3, 3, 3, 1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hierarchical_interval([]), "values is empty"),
        (lambda: hierarchical_interval([[1], []]), r"values\[1\] is empty"),
        (lambda: hierarchical_interval([1, 2]), r"values\[0\] must have 1 axes"),
        (lambda: hierarchical_interval([[1], [np.nan]]), r"values\[1\] holds NaN"),
        (lambda: hierarchical_interval([[1]], seed=None), "seed must be"),
        (lambda: hierarchical_interval([[1]], level=95), "level must lie"),
        (lambda: hierarchical_interval([[1]], draws=0), "draws must be"),
        (lambda: interval([]), "values is empty"),
        (lambda: interval([1, np.nan]), "values holds NaN"),
        (lambda: interval([[1, 2]]), "values must have 1 axes"),
        (lambda: interval([1, 2], level=95), "level must lie"),
        (lambda: paired_interval([1, 2], [1]), "a and b must pair"),
        (lambda: paired_interval([1, 2], [1, np.inf]), "b holds NaN"),
        (lambda: bootstrap_interval([1, 2], 0, draws=0), "draws must be"),
        (lambda: bootstrap_interval([1, 2], None), "seed must be"),
        (lambda: bootstrap_interval([], 0), "values is empty"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
