"""The transect explorer without a browser: refusals, packing and words."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from widget_table import page_state, unpack_picture

from vaetut.datasets import polar
from vaetut.widgets.checks import LONGEST
from vaetut.widgets.transect_explorer import KINDS, TransectExplorer, Walk, describe

N = 9


def make_walk(name="P1", n=N, size=(6, 5), seed=0, **changes):
    """Return a walk of noise whose errors have an interval for one of two metrics."""
    rng = np.random.default_rng(seed)
    factors = polar.transect(*polar.TRANSECTS.get(name, polar.TRANSECTS["P1"]), n)
    truth, answer, nearest = rng.integers(0, 256, (3, n, *size, 1), np.uint8)
    mean = rng.uniform(0.3, 0.8, n)
    walk = Walk(
        name,
        factors,
        truth,
        answer,
        nearest,
        {"IoU": (mean, mean - 0.1, mean + 0.1), "excess BCE": 300 * mean},
        polar.in_hole(factors),
        {"IoU": rng.uniform(0, 1, n), "excess BCE": rng.uniform(0, 500, n)},
    )
    return walk._replace(**changes)


@pytest.fixture
def explorer():
    walks = [make_walk(name, seed=k) for k, name in enumerate(polar.TRANSECTS)]
    return TransectExplorer(walks)


# ---- Traits


def test_it_starts_where_it_is_told():
    explorer = TransectExplorer([make_walk("P1"), make_walk("P2")], walk="P2", index=0)
    assert page_state(explorer)["start"] == {"walk": "P2", "index": 0}
    explorer.walk, explorer.index = "P1", 1
    assert page_state(explorer)["start"] == {"walk": "P1", "index": 1}


def test_one_walk_needs_no_list():
    assert len(TransectExplorer(make_walk()).state["walks"]) == 1


# ---- What is refused


def bent():
    factors = make_walk().factors.copy()
    factors[3, 0] += 0.01
    return factors


IMAGES = make_walk().truth
SERIES = np.linspace(0, 1, N)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": " "}, "a walk's name is ' ': give a short text"),
        ({"factors": np.ones((1, 2))}, r"factors of .* shape \(1, 2\): give \(n, 2\)"),
        ({"factors": np.ones((N, 3))}, r"factors of walk 'P1' have shape \(9, 3\)"),
        ({"factors": np.zeros((N, 2))}, "outside the plane: give a from 0.5 to 2 and"),
        ({"factors": np.full((N, 2), np.nan)}, "factors .* outside the plane"),
        ({"factors": np.ones((N, 2))}, "not equally spaced .*: take polar.transect"),
        ({"factors": bent()}, "not equally spaced along a line"),
        (
            {"truth": IMAGES[:-1]},
            "truth of walk 'P1' has 8 images: give 9, one a point",
        ),
        ({"truth": IMAGES[..., 0]}, r"truth .* \(9, 6, 5\): give \(9, h, w, 1\)"),
        ({"nearest": np.repeat(IMAGES, 3, -1)}, r"nearest .* shape \(9, 6, 5, 3\)"),
        ({"nearest": IMAGES[:, 1:]}, r"images .* nearest \(9, 5, 5, 1\): give all the"),
        ({"truth": IMAGES.astype(int)}, "truth .* int64: give uint8, or floats from 0"),
        ({"truth": IMAGES / 254}, "truth .* beyond 0 to 1"),
        ({"reconstruction": IMAGES * np.nan}, "reconstruction .* beyond 0 to 1"),
        ({"truth": np.zeros((N, LONGEST, 1, 1))}, f"n·h at most {LONGEST}"),
        ({"errors": {}}, "errors of walk 'P1' is an empty dict.*: give at least one"),
        ({"errors": SERIES}, "errors of walk 'P1' is an empty ndarray or none"),
        ({"errors": {"IoU": SERIES[1:]}}, r"errors\['IoU'\] .* \(8,\): give an array"),
        ({"errors": {"IoU": (SERIES, SERIES)}}, r"shape \(2, 9\).* mean, low and high"),
        ({"errors": {"IoU": (SERIES, SERIES[1:])}}, "give an array"),
        ({"errors": {"IoU": SERIES * np.nan}}, r"\['IoU'\] .* NaN or infinity: leave"),
        (
            {"errors": {"IoU": (SERIES, SERIES + 1, SERIES)}},
            "a mean beyond its interval: give mean, low and high",
        ),
        (
            {"nearest_errors": {"IoU": SERIES}},
            "labels IoU: give those of errors, IoU, e",
        ),
        (
            {"inside": SERIES},
            r"inside .* float64 of shape \(9,\): give booleans \(9,\)",
        ),
        ({"inside": SERIES[1:] > 0}, r"inside .* shape \(8,\)"),
        ({"inside": SERIES < 0}, "inside .* does not fit the hole of radius 0.3"),
    ],
)
def test_a_walk_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        TransectExplorer(make_walk(**changes))


def test_the_nearest_have_no_interval():
    errors = {"IoU": (SERIES,) * 3, "excess BCE": SERIES}
    with pytest.raises(ValueError, match=r"nearest_errors\['IoU'\] .* \(9,\)\."):
        TransectExplorer(make_walk(nearest_errors=errors))


@pytest.mark.parametrize(
    ("walks", "message"),
    [
        ([], "walks are none: give a Walk"),
        (["P1"], "walks have a str: give Walk"),
        ([make_walk(), make_walk()], "walks are named P1, P1: give each its own name"),
        ([make_walk(), make_walk("P2", n=8)], "'P2' differs .* points, 8 against 9"),
        (
            [make_walk(), make_walk("P2", size=(6, 6))],
            r"image size, \(6, 6, 1\) against",
        ),
        (
            [make_walk(), make_walk("P2", errors={"IoU": SERIES}, nearest_errors=None)],
            "metrics, .*: give all walks the same",
        ),
    ],
)
def test_walks_that_differ_are_refused(walks, message):
    with pytest.raises(ValueError, match=message):
        TransectExplorer(walks)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hole": (1.25, 1.0)}, r"hole is .*: give \(\(a, b\), radius\)"),
        ({"hole": ((1.25, 1.0), 0)}, "radius > 0"),
        ({"hole": ((1.25, np.nan), 1)}, "hole is"),
        ({"hole": ((1.25, 1.0), 0.6)}, "give the hole that was cut"),
        ({"height": 0}, "height is 0: give a positive number"),
        ({"height": "big"}, "height is big"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TransectExplorer(make_walk(), **options)


# ---- What a page and a view get


def test_images_come_back_to_the_last_grey_level(explorer):
    state = page_state(explorer)
    assert state["image"] == [6, 5] and state["points"] == N
    for k, (name, packed) in enumerate(
        zip(polar.TRANSECTS, state["walks"], strict=True)
    ):
        given = make_walk(name, seed=k)
        for kind in KINDS:
            images = unpack_picture(packed["strips"][kind]).reshape(given.truth.shape)
            assert images.dtype == np.uint8
            assert np.array_equal(images, getattr(given, kind))


def test_floats_are_rounded_to_grey_levels():
    walk = make_walk(reconstruction=np.float32(IMAGES / 255))
    packed = TransectExplorer(walk).state["walks"][0]["strips"]["reconstruction"]
    assert np.array_equal(unpack_picture(packed).reshape(IMAGES.shape), IMAGES)


def test_errors_come_with_six_digits(explorer):
    walk, packed = make_walk(), explorer.state["walks"][0]
    for name, series in zip(("mean", "low", "high"), walk.errors["IoU"], strict=True):
        assert packed["errors"]["IoU"][name] == pytest.approx(series, rel=1e-5)
    assert set(packed["errors"]["excess BCE"]) == {"mean"}
    assert packed["nearest"]["IoU"] == pytest.approx(
        walk.nearest_errors["IoU"], rel=1e-5
    )
    assert packed["inside"] == walk.inside.astype(int).tolist()
    bare = TransectExplorer(make_walk(nearest_errors=None)).state["walks"][0]
    assert bare["nearest"] is None


def test_it_knows_which_measures_should_be_high():
    def higher(**options):
        metrics = TransectExplorer(make_walk(), **options).state["metrics"]
        return {metric["label"]: metric["higher"] for metric in metrics}

    assert higher() == {"IoU": True, "excess BCE": False}
    assert higher(higher="excess BCE") == {"IoU": False, "excess BCE": True}


@pytest.mark.parametrize(
    ("line", "hole", "span"),
    [
        (((1.25, 0), (1.25, 2)), ((1.25, 1), 0.3), [0.7, 1.3]),
        (((0.5, 1), (2, 1)), ((1.25, 1), 0.3), [0.9 / 1.5, 2.1 / 1.5]),
        (((2, 0), (0.5, 2)), ((1.25, 1), 0.25), [0.8, 1.2]),
        (((0.5, 1.24), (2, 1.24)), ((1.25, 1), 0.3), [0.57 / 0.75, 0.93 / 0.75]),
        (((1.25, 1), (1.25, 2)), ((1.25, 1), 0.3), [0, 0.6]),
        (((1.25, 1.5), (1.25, 2)), ((1.25, 1), 0.3), None),
        (((0.5, 0), (0.5, 2)), ((1.25, 1), 0.3), None),
    ],
)
def test_the_hole_is_where_the_line_crosses_it(line, hole, span):
    factors = polar.transect(*line, N)
    inside = np.hypot(*(factors - hole[0]).T) <= hole[1]
    walk = make_walk(factors=factors, inside=inside)
    explorer = TransectExplorer(walk, hole=hole)
    half = (N - 1) / 2  # the spans above run from 0 to 2
    expected = span and pytest.approx([half * end for end in span], abs=1e-4)
    assert explorer.state["walks"][0]["span"] == expected
    assert explorer.draw().axes


def test_the_rim_may_belong_to_either_side():
    factors = polar.transect((0.5, 1), (2, 1), 11)  # 0.95 and 1.55 lie on the rim
    for depth in (-1e-9, 1e-9):
        inside = np.abs(factors[:, 0] - 1.25) <= 0.3 + depth
        assert TransectExplorer(make_walk(n=11, factors=factors, inside=inside))


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (
            4,
            ["P1 from (a, b) = (1.25, 0) to (1.25, 2)", "b = 1.00, in the hole", "IoU"],
        ),
        (
            0,
            ["b = 0.00, outside the hole", "of the nearest", "within the hole it runs"],
        ),
    ],
)
def test_the_alt_says_where_the_point_is(explorer, index, words):
    alt = describe(explorer.walks[0], index)
    explorer.index = index
    assert explorer.alt == alt
    assert all(word in alt for word in words)
    bare = explorer.walks[0]._replace(nearest_errors=None, inside=np.zeros(N, bool))
    assert "of the nearest" not in describe(bare, index)
    assert "it runs from" not in describe(bare, index)


def real_walk(name, ends):
    """Return a walk of 31 stars of 128×128, with blurred ones as the answers."""
    factors = polar.transect(*ends, 31)
    truth = polar.draw(factors, 128)
    blurred = gaussian_filter(truth.astype(float), (0, 1.2, 1.2, 0))
    nearest = polar.draw(np.clip(factors + 0.02, [0.5, 0], 2), 128)
    errors = {"IoU": np.linspace(0, 1, 31)}
    inside = polar.in_hole(factors)
    return Walk(
        name,
        factors,
        truth,
        blurred / 255,
        nearest,
        errors,
        inside,
        nearest_errors=None,
    )


def test_a_page_carries_three_walks_and_is_the_same_twice():
    walks = [real_walk(name, ends) for name, ends in polar.TRANSECTS.items()]
    html = TransectExplorer(walks).to_html()
    assert len(html) < 900_000
    assert TransectExplorer(walks).to_html() == html
