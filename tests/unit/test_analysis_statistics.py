"""Intervals over seeds and images, against what they must cover."""

import json

import numpy as np
import pytest
from scipy import stats

from vaetut.analysis import (
    Share,
    bootstrap_interval,
    hierarchical_interval,
    holm,
    interval,
    mean_estimate,
    paired_interval,
    ratio_estimate,
    ratio_interval,
    welch_estimate,
    welch_interval,
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
        (lambda: welch_interval([1, 2], [np.nan]), "b holds NaN"),
        (lambda: ratio_interval([1, 2], [1, 0], paired=False), "b must be above 0"),
        (lambda: ratio_interval([1, -2], [1, 2], paired=True), "a must be above 0"),
        (lambda: ratio_interval([1, 2], [1], paired=True), "a and b must pair"),
        (lambda: mean_estimate([1, 2]).interval(95), "level must lie"),
        (lambda: holm([0.1, 1.1]), "p_values must lie"),
        (lambda: bootstrap_interval([1, 2], 0, draws=0), "draws must be"),
        (lambda: bootstrap_interval([1, 2], None), "seed must be"),
        (lambda: bootstrap_interval([], 0), "values is empty"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


A = [3.1, 2.9, 3.4, 3.0, 3.3, 2.8]
B = [1.0, 1.9, 1.4, 2.6]


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_welch_is_scipys(level):
    theirs = stats.ttest_ind(A, B, equal_var=False)
    low, high = theirs.confidence_interval(level)
    difference = np.mean(A) - np.mean(B)
    assert welch_interval(A, B, level) == pytest.approx((difference, low, high, 4))
    assert welch_estimate(A, B).p_value(0) == pytest.approx(theirs.pvalue)
    assert welch_estimate(A, B).freedom == pytest.approx(theirs.df)


def test_the_p_value_of_a_mean_is_scipys():
    assert mean_estimate(A).p_value(2.9) == pytest.approx(
        stats.ttest_1samp(A, 2.9).pvalue
    )


@pytest.mark.parametrize(
    "estimate",
    [
        mean_estimate(A),
        welch_estimate(A, B),
        ratio_estimate(A, B, paired=False),
        ratio_estimate(A[:4], B, paired=True),
        Share(7, 40),
        Share(0, 40),
    ],
)
def test_a_bound_at_an_end_of_the_interval_has_a_p_value_of_five_per_cent(estimate):
    found = estimate.interval()
    ends = [end for end in (found.low, found.high) if end > 0]
    assert ends
    for end in ends:
        assert estimate.p_value(end) == pytest.approx(0.05)
        beyond = end + np.sign(end - found.mean) * 1e-3
        assert estimate.p_value(beyond) < 0.05 < estimate.p_value(found.mean)


def test_a_ratio_and_its_inverse_say_the_same():
    for paired, a in ((False, A), (True, A[:4])):
        one, other = ratio_interval(a, B, paired), ratio_interval(B, a, paired)
        assert (one.low, one.high) == pytest.approx((1 / other.high, 1 / other.low))
        means = [np.exp(np.mean(np.log(values))) for values in (a, B)]
        assert one.mean == pytest.approx(means[0] / means[1])
        assert ratio_estimate(a, B, paired).p_value(-1) == 0


def test_an_interval_covers_the_truth_in_19_of_20_cases():
    rng, held = np.random.default_rng(0), {"welch": [], "ratio": []}
    for _ in range(2000):
        a, b = rng.normal(10, 1, 10), rng.normal(8, 0.3, 5)
        found = welch_interval(a, b)
        held["welch"].append(found.low <= 2 <= found.high)
        found = ratio_interval(a, b, paired=False)
        held["ratio"].append(found.low <= 1.25 <= found.high)
    for name, hits in held.items():
        assert np.mean(hits) == pytest.approx(0.95, abs=0.015), name


def test_pairs_that_share_their_noise_have_the_narrower_interval():
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, 8)
    a, b = 10 + noise + rng.normal(0, 0.1, 8), 9 + noise
    widths = [i.high - i.low for i in (paired_interval(a, b), welch_interval(a, b))]
    assert widths[0] < widths[1] / 3


def test_one_value_or_equal_values_do_not_crash():
    assert mean_estimate([2.0]).interval() == (2, 2, 2, 1)
    assert mean_estimate([2.0]).p_value(0) == 1
    assert welch_estimate([2.0], A).p_value(0) == 1
    assert welch_interval([2.0, 2.0], [1.0, 1.0, 1.0]) == (1, 1, 1, 2)
    assert mean_estimate([0.1] * 10).interval() == (0.1, 0.1, 0.1, 10)
    assert [mean_estimate([2.0, 2.0]).p_value(x) for x in (1, 2)] == [0, 1]
    assert ratio_interval([3.0, 3.0], [3.0, 3.0], paired=True) == (1, 1, 1, 2)


def test_a_share_of_none_has_an_interval():
    found = Share(0, 1000).interval()
    assert found.low == 0 and found.high == pytest.approx(1 - 0.025 ** (1 / 1000))
    assert Share(0, 1000).p_value(0.0) == 1 and Share(1, 1000).p_value(0.0) == 0
    assert Share(5, 10).p_value(1.5) == 0


def test_holm_on_a_worked_example():
    # 4 × .01, 3 × .0125, 2 × .03, 1 × .04; none may fall below the one before.
    found = holm([0.04, 0.0125, 0.01, 0.03])
    assert found == pytest.approx([0.06, 0.04, 0.04, 0.06])
    assert holm([0.6, 0.7]) == [1, 1] and holm([]) == []
