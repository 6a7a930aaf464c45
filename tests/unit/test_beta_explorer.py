"""The beta explorer without a browser: refusals and packing."""

import numpy as np
import pytest
from widget_table import page_state, unpack_picture

from vaetut.widgets.beta_explorer import BetaExplorer, Strength

N, SIZE = 4, 16
LABELS = ("1e-05", "0.01", "1", "50")


def make_row(label="1", n=N, size=SIZE, seed=0, **changes):
    """Return a strength with images of noise."""
    rng = np.random.default_rng(seed)
    row = Strength(
        label,
        rng.integers(0, 256, (n, size, size, 3), np.uint8),
        rng.integers(0, 256, (n + 1, size, size, 3), np.uint8),
        np.histogram(rng.normal(8, 2, 300), 60, (0, 30))[0],
        {"KL": "31.2 nats", "active": "41"},
    )
    return row._replace(**changes)


ROWS = [make_row(label, seed=k) for k, label in enumerate(LABELS)]


@pytest.fixture(scope="module")
def explorer():
    return BetaExplorer(ROWS, originals=ROWS[3].reconstructions, dimension=256)


# ---- Traits and refusals


IMAGES = ROWS[0].reconstructions


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": " "}, "a row's label is ' ': give a short text"),
        ({"label": 1}, "a row's label is 1"),
        ({"reconstructions": IMAGES[0]}, r"row '1' has shape .*: give \(n, h, w, 3\)"),
        ({"reconstructions": IMAGES[:0]}, r"has shape \(0, "),
        ({"reconstructions": IMAGES.astype(int)}, "'1' is int64: give uint8, or"),
        ({"reconstructions": IMAGES / 100}, "beyond 0 to 1"),
        ({"random": IMAGES[:, 1:]}, r"random of row '1' .*: give \(n, 16, 16, 3\)"),
        ({"random": np.zeros((17, SIZE, SIZE, 3))}, "are 17: give at most 16"),
        ({"counts": np.ones((2, 2), int)}, r"counts .* give \(bins,\) whole numbers"),
        ({"counts": [0.5, 1]}, "counts .* float64"),
        ({"counts": [0, 0]}, "not all 0"),
        ({"counts": [-1, 2]}, "whole numbers from 0"),
        ({"counts": []}, r"shape \(0,\)"),
        ({"numbers": {"KL": 3.1}}, "numbers of row '1' .*: give texts by name"),
        ({"numbers": ["KL"]}, "numbers of row '1'"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        BetaExplorer([ROWS[0], make_row(**changes)])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "rows are 0: give two Strength or more"),
        ([ROWS[0]], "rows are 1: give two"),
        (["1", "2"], "rows have a str: give Strength"),
        ([ROWS[0], ROWS[0]], "rows are of 1e-05, 1e-05: give each its own label"),
        ([ROWS[0], make_row(n=3)], "'1' differs from '1e-05' in its reconstructions"),
        ([ROWS[0], make_row(random=IMAGES)], "differs from '1e-05' in its random"),
        ([ROWS[0], make_row(numbers={"KL": "3"})], r"numbers, \['KL'\] against"),
    ],
)
def test_rows_that_differ_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        BetaExplorer(rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"originals": IMAGES[1:]}, r"originals has shape .*: give \(4, 16, 16, 3\)"),
        ({"label": ""}, "label is '': give what the slider is of"),
        ({"width": 0}, "width is 0: give that of a bin, above 0"),
        ({"width": np.nan}, "width is nan"),
        ({"dimension": 0}, "dimension is 0: give that of the codes"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        BetaExplorer(ROWS, **options)


# ---- What a page and a view get


def test_images_and_numbers_come_back(explorer):
    state = page_state(explorer)
    assert state["image"] == [SIZE, SIZE] and state["prior"] == 16
    assert state["start"] == {"run": "1"} and state["label"] == "β"
    longest = max(np.flatnonzero(row.counts).max() + 1 for row in ROWS)
    assert state["bins"] == longest
    shown = unpack_picture(state["originals"])
    assert shown.shape == (N * SIZE, SIZE, 3)
    for packed, row in zip(state["rows"], ROWS, strict=True):
        assert packed["name"] == row.label and packed["faces"] == [N, N + 1]
        counts = np.pad(packed["counts"], (0, len(row.counts) - len(packed["counts"])))
        assert np.array_equal(counts, row.counts)
        assert dict(packed["numbers"]) == row.numbers
        for what in ("reconstructions", "random"):
            images = getattr(row, what)
            shown = unpack_picture(packed[what]).reshape(images.shape)
            assert np.abs(shown - images.astype(int)).mean() < 12  # noise, as JPEG


def test_floats_and_grey_images_are_images_too():
    row = make_row("2", reconstructions=np.float32(IMAGES[..., :1] / 255))
    shown = BetaExplorer([ROWS[0], row]).rows[1].reconstructions
    assert np.array_equal(shown, np.repeat(IMAGES[..., :1], 3, axis=3))


def test_it_goes_without_originals_and_numbers():
    rows = [row._replace(numbers={}) for row in ROWS]
    explorer = BetaExplorer(rows, label="fact", run="0.01")
    state = page_state(explorer)
    assert state["originals"] is None and state["prior"] is None
    words = "Reconstructions and random faces of the model trained with fact = 0.01"
    assert explorer.alt.startswith(words)
    assert explorer.still_png()


def test_the_alt_says_which_strength(explorer):
    peak = 0.5 * (0.5 + ROWS[2].counts.argmax())
    assert f"trained with β = 1, and the lengths of its codes, most often {peak:g}" in (
        explorer.alt
    )
    assert "KL 31.2 nats; active 41. With JavaScript β can be moved." in explorer.alt
