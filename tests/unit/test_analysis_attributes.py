"""Attributes planted in Gaussian codes, whose accuracies are known."""

import warnings

import numpy as np
import pytest
from scipy import stats

from vaetut.analysis import (
    attributes,
    balanced_accuracy,
    probe,
)

RNG = np.random.default_rng(0)


def planted(n, d, share, apart, seed):
    """Return codes whose classes are `apart` standard deviations apart along axis 0."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((n, 1), bool)
    truth[: max(2, round(share * n))] = True
    codes = rng.normal(size=(n, d))
    codes[:, 0] += apart * truth[:, 0]
    return codes, truth


CODES = RNG.normal(size=(6, 2))
YES = np.array([[0, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 1], [0, 1, 1], [1, 0, 0]])


# ---- Balanced accuracy


def test_balanced_accuracy_is_scikit_learns():
    from sklearn.metrics import balanced_accuracy_score

    truth, said = RNG.random((200, 3)) < 0.2, RNG.random((200, 3)) < [0.1, 0.5, 0.9]
    found = balanced_accuracy(truth, said)
    expected = [balanced_accuracy_score(truth[:, j], said[:, j]) for j in range(3)]
    assert found == pytest.approx(expected)
    assert type(balanced_accuracy(truth[:, 0], said[:, 0])) is float


def test_always_no_is_chance_and_a_constant_truth_has_no_accuracy():
    rare = np.arange(100) == 7
    assert balanced_accuracy(rare, np.zeros(100)) == 0.5
    assert balanced_accuracy(rare, rare) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(balanced_accuracy(np.ones(4), np.ones(4)))
        both = np.array([[0, 0], [0, 1]])
        assert np.isnan(balanced_accuracy(both, both)).tolist() == [True, False]


# ---- The probe


@pytest.mark.parametrize("share", [0.5, 0.05])
def test_a_probe_reaches_what_the_best_reading_of_two_gaussians_has(share):
    train, test = (planted(5000, 10, share, 3.0, seed) for seed in (1, 2))
    found = probe(*train, *test)
    assert found.accuracy[0] == pytest.approx(stats.norm.cdf(1.5), abs=0.02)
    weights = found.weights[:, 0] / np.linalg.norm(found.weights)
    assert weights[0] > 0.98
    # The threshold lies midway, at 1.5, however rare the attribute.
    middle = -found.bias[0] / found.weights[0, 0]
    assert middle == pytest.approx(1.5, abs=0.2)


def test_a_rare_attribute_among_many_dimensions_is_not_passed_over():
    found = [
        probe(*planted(400, 200, 0.1, 5.0, s), *planted(2000, 200, 0.1, 5.0, s + 9))
        for s in range(4)
    ]
    assert np.mean([f.accuracy[0] for f in found]) > 0.9


def test_its_leave_one_out_scores_are_those_of_leaving_one_out():
    codes, targets = RNG.normal(size=(30, 4)), RNG.choice([-1.0, 1.0], size=(30, 2))
    codes -= codes.mean(0)
    scores = attributes._ridge(codes, targets, 0.1)[1]
    for i in (0, 17):
        kept = np.arange(30) != i
        x = np.column_stack([codes[kept], np.ones(29)])
        penalty = np.diag([3.0] * 4 + [0])  # 30 rows times 0.1, not of the constant
        slopes = np.linalg.solve(x.T @ x + penalty, x.T @ targets[kept])
        expected = np.append(codes[i], 1) @ slopes - targets.mean(0)
        assert scores[i] == pytest.approx(expected)


def test_chance_is_a_half():
    codes, truth = RNG.normal(size=(4000, 20)), RNG.random((4000, 6)) < 0.3
    found = probe(codes[:2000], truth[:2000], codes[2000:], truth[2000:])
    assert found.accuracy == pytest.approx(0.5, abs=0.05)


def test_weights_and_bias_say_what_the_accuracy_counts():
    codes, truth = planted(600, 5, 0.3, 1.0, 3)
    found = probe(codes, truth, codes, truth)
    said = codes @ found.weights + found.bias > 0
    assert found.accuracy == pytest.approx(balanced_accuracy(truth, said))
    assert found.weights.shape == (5, 1) and found.bias.shape == (1,)


def test_neither_scale_nor_offset_nor_dead_dimensions_matter():
    codes, truth = planted(600, 5, 0.3, 1.0, 3)
    scale, offset = np.array([1e-4, 1, 10, 1e5, 1]), np.array([0, 5, -1, 1e6, 0])
    one = probe(codes, truth, codes, truth).accuracy
    moved = np.column_stack([codes * scale + offset, np.full(600, 0.3)])
    other = probe(moved, truth, moved, truth)
    assert other.accuracy == pytest.approx(one, abs=0.005)
    assert other.weights[5, 0] == 0


def test_a_constant_attribute_has_no_accuracy_and_disturbs_no_other():
    codes, truth = planted(300, 4, 0.4, 2.0, 5)
    alone = probe(codes, truth, codes, truth)
    more = np.column_stack([truth, np.ones(300), np.zeros(300), truth])
    test = more.copy()
    test[:, 3] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = probe(codes, more, codes, test)
    assert np.isnan(found.accuracy).tolist() == [False, True, True, True]
    assert found.accuracy[0] == pytest.approx(alone.accuracy[0])
    assert not found.weights[:, 1:3].any() and not found.bias[1:3].any()


def test_few_codes_or_a_single_yes_do_not_break_it():
    codes, truth = RNG.normal(size=(20, 50)), np.arange(20)[:, None] == [3, 4]
    found = probe(codes, truth, codes, truth)
    assert np.isfinite(found.weights).all() and np.isfinite(found.accuracy).all()
    twins = np.array([[0.0], [0.0], [1.0], [1.0]])
    assert probe(twins, twins, twins, twins).accuracy == 1
    assert np.isfinite(probe(twins[:2], twins[1:3], twins, twins).weights).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: balanced_accuracy([1, 0], [1, 0, 1]), "one shape"),
        (lambda: balanced_accuracy([1, 2], [1, 0]), "truth must hold nothing but"),
        (lambda: balanced_accuracy([], []), "truth is empty"),
        (lambda: probe(CODES, YES[:5], CODES, YES), "as many rows: 6 and 5"),
        (lambda: probe(CODES, YES, CODES, YES[:5]), "test_attributes"),
        (lambda: probe(CODES, YES, CODES[:, :1], YES), "as many columns"),
        (lambda: probe(CODES, YES, CODES, YES[:, :1]), "as many columns"),
        (lambda: probe(CODES[:1], YES[:1], CODES, YES), "2 or more"),
        (lambda: probe(CODES, YES, CODES, YES, ridge=0), "ridge must be above 0"),
        (lambda: probe(CODES * np.nan, YES, CODES, YES), "codes holds NaN"),
        (lambda: probe(CODES, YES * 2, CODES, YES), "nothing but no and yes"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
