"""The walk explorer without a browser: refusals and packing."""

import numpy as np
import pytest
from widget_table import WAYS, page_state, unpack_picture

from vaetut.widgets.checks import LONGEST
from vaetut.widgets.walk_explorer import PairOfWalks, WalkExplorer

N = 7


def make_pair(name="small to large", n=N, size=(6, 5), ways=WAYS, seed=0, **changes):
    """Return a pair of walks of noise."""
    rng = np.random.default_rng(seed)
    walk = PairOfWalks(
        name,
        {way: rng.integers(0, 256, (n, *size, 1), np.uint8) for way in ways},
        rng.integers(0, 256, (n, *size), np.uint8),
        {way: rng.uniform(0, 0.5, n) for way in ways},
        {way: rng.uniform(0.5, 2, (n, 2)) for way in ways},
        np.linspace((0.6, 0.2), (1.9, 1.8), n),
    )
    return walk._replace(**changes)


@pytest.fixture
def explorer():
    return WalkExplorer([make_pair(), make_pair("round to petals", seed=1)])


# ---- Traits and refusals


def test_it_starts_where_it_is_told():
    pairs = [make_pair(), make_pair("other")]
    explorer = WalkExplorer(pairs, pair="other", index=0)
    state = page_state(explorer)
    assert state["start"] == {"pair": "other", "index": 0}


def with_way(what, value, way="straight"):
    return {what: getattr(make_pair(), what) | {way: value}}


IMAGES = make_pair().images["straight"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": " "}, "a pair's name is ' ': give a short text"),
        ({"images": {"straight": IMAGES}}, "give a dict of two to 3 ways"),
        ({"images": [IMAGES]}, "images of pair .* have a list instead of ways: give"),
        ({"intended": np.ones((N, 3))}, r"intended .* \(7, 3\): give \(n, 2\)"),
        ({"intended": np.ones((1, 2))}, "intended .* single point: give at least two"),
        ({"intended": np.full((N, 2), np.nan)}, "intended .* NaN or infinity"),
        ({"truth": IMAGES[:-1]}, r"truth .* \(6, 6, 5\): give \(7, h, w\), one a step"),
        ({"truth": np.repeat(IMAGES, 3, -1)}, r"truth .* shape \(7, 6, 5, 3\)"),
        ({"truth": IMAGES.astype(int)}, "truth .* int64: give uint8, or floats"),
        ({"truth": IMAGES / 200}, "truth .* beyond 0 to 1"),
        ({"truth": np.zeros((N, LONGEST, 1))}, f"n·h at most {LONGEST}"),
        (
            with_way("images", IMAGES[:, 1:]),
            r"images\['straight'\] .* the truth's size",
        ),
        (with_way("images", IMAGES, "new") | {}, "give a dict of two to 3 ways"),
        ({"errors": {}}, "errors .* ways none: give the ways 'straight', 'along"),
        ({"factors": {"x": 1}}, "factors of pair .* have the ways 'x': give the ways"),
        (with_way("errors", np.ones(N - 1)), r"errors\['straight'\] .* give \(7,\)"),
        (with_way("errors", np.full(N, np.nan)), "errors.* NaN or infinity: leave the"),
        (with_way("factors", np.ones((N, 3))), r"factors\['.* give \(7, 2\)"),
    ],
)
def test_a_pair_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        WalkExplorer(make_pair(**changes))


@pytest.mark.parametrize(
    ("walks", "message"),
    [
        ([], "walks are none: give a PairOfWalks"),
        (["P1"], "walks have a str: give PairOfWalks"),
        ([make_pair(), make_pair()], "give each its own name"),
        ([make_pair(), make_pair("b", n=6)], "'b' differs .* steps, 6 against 7"),
        ([make_pair(), make_pair("b", size=(6, 6))], "image size"),
        ([make_pair(), make_pair("b", ways=WAYS[:2])], "ways, .*: give all pairs the"),
    ],
)
def test_pairs_that_differ_are_refused(walks, message):
    with pytest.raises(ValueError, match=message):
        WalkExplorer(walks)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"error": " "}, "error is ' ': give its name"),
        ({"ranges": ((2, 0.5), (0, 2))}, "ranges are .*growing"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        WalkExplorer(make_pair(), **options)


# ---- What a page and a view get


@pytest.mark.parametrize("ways", [WAYS[:2], WAYS])
def test_images_and_numbers_come_back(ways):
    walk = make_pair(ways=ways)
    explorer = WalkExplorer([walk])
    assert explorer.still_png()
    state = page_state(explorer)
    assert state["ways"] == [*ways]
    assert state["image"] == [6, 5] and state["points"] == N
    (packed,) = state["pairs"]
    assert np.array_equal(
        unpack_picture(packed["truth"]).reshape(walk.truth.shape), walk.truth
    )
    for k, way in enumerate(ways):
        images = unpack_picture(packed["strips"][k]).reshape(walk.images[way].shape)
        assert images.dtype == np.uint8
        assert np.array_equal(images, walk.images[way])
        assert packed["errors"][k] == pytest.approx(walk.errors[way], rel=1e-5)
        assert np.allclose(packed["factors"][k], walk.factors[way], rtol=1e-5)
    assert np.allclose(packed["intended"], walk.intended, rtol=1e-5)


def test_floats_are_rounded_to_grey_levels():
    walk = make_pair(truth=np.float32(IMAGES / 255))
    packed = WalkExplorer(walk).state["pairs"][0]["truth"]
    assert np.array_equal(unpack_picture(packed).reshape(IMAGES.shape), IMAGES)


def test_ways_may_come_in_another_order():
    walk = make_pair()
    errors = dict(reversed(walk.errors.items()))
    packed = WalkExplorer(walk._replace(errors=errors)).state["pairs"][0]
    assert packed["errors"][0] == pytest.approx(walk.errors[WAYS[0]], rel=1e-5)


def test_the_alt_says_how_far_off_each_way_is(explorer):
    walk = make_pair()
    assert "a = 0.60, b = 0.20 to that of a = 1.90, b = 1.80, at step 4" in explorer.alt
    for way, values in walk.errors.items():
        words = f"{way} {values[3]:.3g} here and {values.max():.3g} at most"
        assert words in explorer.alt
