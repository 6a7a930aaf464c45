"""What is refused, and what is said of it."""

import numpy as np
import pytest

from vaetut import checks
from vaetut.checks import finite_array, fraction, random_generator, whole_number

BLACK = np.zeros((1, 8, 6, 1))


def test_checks_pass_good_input_on():
    assert finite_array("x", np.ones(2, np.float32), dtype=None).dtype == np.float32
    assert finite_array("x", np.ones(2, np.uint8), dtype=None).dtype == np.float64
    assert finite_array("x", [1e-80, 1e-50, 1e15]).tolist() == [0, 1e-50, 1e15]
    assert checks.log_variance("x", [-230.0]).tolist() == [-230]
    assert checks.seed_number("x", 2**70) == 2**70
    assert fraction("x", 0.25) == 0.25
    assert whole_number("x", np.int64(3)) == 3
    assert whole_number("x", 8, 1, 8) == 8
    rng = np.random.default_rng(0)
    assert random_generator(rng) is rng
    assert checks.positive("x", 2) == 2.0 and checks.not_negative("x", 0) == 0.0
    assert checks.points("x", np.empty((0, 2)), empty=True).shape == (0, 2)
    assert finite_array("x", [], empty=True).shape == (0,)
    assert checks.limits("x", (1, 2)) == (1.0, 2.0)
    assert checks.ranges("x", ((0, 1), (2, 3))).tolist() == [[0, 1], [2, 3]]
    assert checks.flat_images("x", BLACK).shape == (1, 48)
    assert checks.one_of("hat", "a", "ab") == "a"


# ---- What is asked of images


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_strokes_are_floats_in_the_unit_interval(dtype):
    images = np.zeros((2, 12, 12, 1), dtype)
    images[:, :, 3] = 1  # an upright line
    assert checks.strokes(images, size=12).dtype == dtype
    assert (checks.strokes((255 * images).astype(np.uint8)) == images).all()
    assert checks.strokes(images.tolist()).dtype == np.float64
    assert checks.strokes(BLACK).sum() == 0  # nothing drawn is no fault of the input


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (BLACK[0], r"shape \(8, 6, 1\): give \(n, height, width, 1\)"),
        (np.zeros((1, 8, 8, 3)), "turns colours grey"),
        ([np.zeros((8, 8, 1)), np.zeros((6, 6, 1))], "differ in shape"),
        (np.zeros((1, 8, 8, 1)), "have 8 x 8 pixels and need 16 x 16"),
        (np.zeros((1, 16, 8, 1)), "have 16 x 8 pixels and need 16 x 16"),
        (np.full((3, 16, 16, 1), 0.9), "mostly bright, 3 of 3.* pass 1 - images"),
        (np.full((3, 16, 16, 1), 230, np.uint8), "pass 255 - images"),
        (np.full((1, 16, 16, 1), 7.0), "run from 7 to 7.*by 1/255"),
        (np.full((1, 16, 16, 1), -0.1), "run from -0.1"),
        (np.zeros((1, 16, 16, 1), int), "dtype int64: give uint8"),
        (np.zeros((1, 16, 16, 1), bool), "dtype bool: give uint8"),
        (np.zeros((0, 16, 16, 1), np.uint8), "images is empty"),
        (np.full((1, 16, 16, 1), np.nan), "images holds NaN"),
    ],
)
def test_what_are_no_strokes_is_said(images, words):
    with pytest.raises(ValueError, match=words):
        checks.strokes(images, size=16)


def test_a_size_is_a_whole_number():
    with pytest.raises(ValueError, match="size must be"):
        checks.strokes(BLACK, size=8.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: finite_array("x", ["a"]), "x must hold real numbers"),
        (lambda: finite_array("x", [1j]), "x must hold real numbers"),
        (lambda: finite_array("x", [[1], [1, 2]]), "x must hold real numbers"),
        (lambda: fraction("x", "a"), "x must lie"),
        (lambda: fraction("x", 1.0), "x must lie"),
        (lambda: fraction("x", float("nan")), "x must lie"),
        (lambda: whole_number("x", 2.0), "x must be a whole number"),
        (lambda: whole_number("x", True), "x must be a whole number"),
        (lambda: whole_number("x", 0), "x must be a whole number >= 1"),
        (lambda: whole_number("x", 9, 1, 8), "x must be a whole number from 1 to 8"),
        (lambda: random_generator(-1), "seed must be a whole number >= 0, not -1"),
        (lambda: random_generator(None), "seed must be"),
        (lambda: finite_array("x", []), "x is empty"),
        (lambda: finite_array("x", [1, -2e15]), r"x holds -2e\+15, beyond ±1e\+15"),
        (lambda: finite_array("x", [10**400]), "x must hold real numbers"),
        (lambda: finite_array("x", ["1.5"]), "x must hold real numbers"),
        (lambda: finite_array("x", [None]), "x must hold real numbers"),
        (lambda: finite_array("x", np.ma.array([1, 2], mask=[0, 1])), "x holds masked"),
        (lambda: checks.log_variance("x", [61.0]), "x runs from 61"),
        (lambda: whole_number("x", 10**8), "more than 10,000,000"),
        (lambda: whole_number("x", 10**400), "a number of many digits"),
        (lambda: fraction("x", 1e-12), "x must lie at least 1e-09"),
        (lambda: checks.positive("x", 1e-80), r"x must be above 0 \(at least 1e-60\)"),
        (lambda: checks.room("n and d", 2**20, 2**20), "n and d ask for 1,048,576 × "),
        (lambda: checks.flag("x", 1), "x must be True or False, not 1"),
        (lambda: checks.items("x", "ab"), "x must be a list"),
        (lambda: checks.function("x", 3), "x must be a function, not 3"),
        (lambda: checks.same_columns("x", BLACK[0, 0], "y", BLACK[0, 0].T), "x and y"),
        (lambda: finite_array("x", [1, np.inf], empty=True), "x holds NaN or infinity"),
        (lambda: finite_array("x", [1], ndim=2), r"x must have 2 axes, not shape \(1,"),
        (lambda: fraction("x", [0.5]), "x must lie"),
        (lambda: checks.positive("x", 0), "x must be above 0, not 0"),
        (lambda: checks.positive("x", np.nan), "x holds NaN"),
        (lambda: checks.not_negative("x", -1), "x must be 0 or more, not -1"),
        (lambda: checks.point("x", [1, 2, 3]), r"x must be one point \(a, b\)"),
        (lambda: checks.points("x", [1, 2]), r"x must be \(n, 2\).*not \(2,\)"),
        (lambda: checks.points("x", np.empty((0, 2))), "x is empty"),
        (lambda: checks.points("x", np.empty((0, 3)), empty=True), r"not \(0, 3\)"),
        (lambda: checks.limits("x", (2, 1)), "low < high, not \\(2, 1"),
        (lambda: checks.limits("x", (0, np.inf)), "x holds NaN"),
        (lambda: checks.limits("x", "ab"), "x must hold real numbers"),
        (lambda: checks.ranges("x", [(0, 1), (1, 0)]), "x must be .*1.0, 0.0"),
        (lambda: checks.same_rows("x", [1], "y", []), "x and y .* rows: 1 and 0"),
        (lambda: checks.image_pair(BLACK, BLACK[:, 1:]), "others must pair"),
        (lambda: checks.one_of("hat", "c", "ab"), "no hat 'c': choose one of a, b"),
        (
            lambda: checks.one_of("hat", "c", "ab", "hers"),
            "no hat 'c' of hers: choose one of a, b",
        ),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# ---- Variables of the environment


@pytest.mark.attack("environment")
@pytest.mark.parametrize(
    ("words", "expected"),
    [(["1", "yes", "True", " on "], True), (["", "0", "no", "FALSE", "off"], False)],
)
def test_words_of_the_environment_are_read(words, expected, monkeypatch):
    monkeypatch.delenv("VAETUT_RETRAIN", raising=False)
    assert not checks.says_yes("VAETUT_RETRAIN")
    for word in words:
        monkeypatch.setenv("VAETUT_RETRAIN", word)
        assert checks.says_yes("VAETUT_RETRAIN") is expected


@pytest.mark.attack("environment")
def test_other_words_are_refused_by_name(monkeypatch):
    monkeypatch.setenv("VAETUT_RETRAIN", "ja")
    with pytest.raises(ValueError, match=r"VAETUT_RETRAIN must be .*yes.*not 'ja'"):
        checks.says_yes("VAETUT_RETRAIN")


@pytest.mark.attack("environment")
def test_a_path_of_the_environment_may_begin_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VAETUT_RUNS", "~/r")
    assert checks.named_path("VAETUT_RUNS") == tmp_path / "r"
    monkeypatch.setenv("VAETUT_RUNS", "")
    assert checks.named_path("VAETUT_RUNS") is None
    monkeypatch.setenv("VAETUT_RUNS", "~nobody-of-that-name/r")
    with pytest.raises(ValueError, match=r"VAETUT_RUNS='~nobody.* names no home"):
        checks.named_path("VAETUT_RUNS")
