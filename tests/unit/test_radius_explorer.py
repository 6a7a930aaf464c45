"""The radius explorer without a browser: refusals, codes and packing."""

import keras
import numpy as np
import pytest
from scipy import stats
from widget_table import page_state, unpack_steps

from vaetut.models.faces import faces_decoder
from vaetut.widgets.packing import decode_packed
from vaetut.widgets.radius_explorer import BINS, RadiusExplorer, in_cube

RNG = np.random.default_rng(0)
D, SIZE, N = 6, 16, 5
DIRECTIONS = RNG.normal(size=(N, D))
RADII = {"AE": RNG.normal(30, 3, 500), "VAE": RNG.normal(6, 1, 400)}


def decoder(seed, d=D, size=SIZE, **options):
    keras.utils.set_random_seed(seed)
    return faces_decoder((size, size, 3), d, (4, 6), **options)


DECODERS = {"AE": decoder(1, normalization=False), "VAE": decoder(2)}


def make(decoders=None, directions=DIRECTIONS, **changes):
    """Return an explorer of untrained decoders."""
    return RadiusExplorer(
        decoders or DECODERS, directions, **{"radii": RADII} | changes
    )


@pytest.fixture(scope="module")
def explorer():
    return make()


# ---- Traits and refusals


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decoders": DECODERS["AE"]}, 'decoders is .*: give {"VAE": decoder'),
        ({"decoders": {" ": DECODERS["AE"]}}, "decoders has the name ' '"),
        (
            {"decoders": dict.fromkeys("abc", DECODERS["AE"])},
            "decoders are 3: give one",
        ),
        ({"decoders": {"AE": "x"}, "radii": None}, "must be a Keras model"),
        (
            {"decoders": DECODERS | {"VAE": decoder(0, d=7)}},
            "'VAE' differs from 'AE' in its dimension, 7 against 6",
        ),
        (
            {"decoders": DECODERS | {"VAE": decoder(0, size=32)}},
            r"'VAE' differs from 'AE' in its image shape, \(32, 32, 3\) against",
        ),
        ({"directions": DIRECTIONS[:, 1:]}, r"directions .* \(5, 5\): give \(n, 6\)"),
        ({"directions": DIRECTIONS[0]}, r"directions .* \(6,\): give"),
        ({"directions": np.ones((17, D))}, "directions are 17: give at most 16"),
        ({"directions": np.zeros((2, D))}, "directions have NaN, infinity or 0"),
        ({"directions": np.full((2, D), np.nan)}, "directions have NaN"),
        (
            {"radii": {"AE": [1.0]}},
            "radii have the names AE: give those of the decoders",
        ),
        ({"radii": [1.0]}, "radii have the names 1.0"),
        (
            {"radii": RADII | {"VAE": np.ones((2, D))}},
            r"'VAE' .* \(2, 6\): give \(m,\)",
        ),
        ({"radii": RADII | {"VAE": []}}, r"'VAE' have shape \(0,\)"),
        ({"radii": RADII | {"VAE": [-1.0]}}, "'VAE' have NaN, infinity or less than 0"),
        ({"radii": RADII | {"VAE": [np.inf]}}, "'VAE' have NaN, infinity"),
        ({"reach": 0}, "reach is 0: give a number above 0"),
        ({"cube": np.inf}, "cube is inf: give"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


# ---- Codes


def test_codes_are_on_the_sphere_in_the_same_directions(explorer):
    codes = explorer.codes("sphere", 7)
    assert np.linalg.norm(codes, axis=1) == pytest.approx(7)
    along = DIRECTIONS / np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)
    assert codes / 7 == pytest.approx(along)
    assert explorer.length("sphere", 7) == pytest.approx(7)


def test_codes_are_uniform_in_the_cube():
    directions = np.random.default_rng(3).normal(size=(40, 256))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points = in_cube(directions)
    assert np.abs(points).max() < 1
    assert np.array_equal(np.sign(points), np.sign(directions))
    assert stats.kstest(points.ravel(), stats.uniform(-1, 2).cdf).statistic < 0.02


def test_random_directions_are_the_same_each_time():
    first, second = (make(directions=None) for _ in range(2))
    assert np.array_equal(first.points["sphere"], second.points["sphere"])
    assert first.points["sphere"].shape == (8, D)


def test_a_share_is_that_of_shorter_codes(explorer):
    assert explorer.share("AE", 0) == 0 and explorer.share("VAE", 40) == 1
    assert explorer.share("AE", 30) == pytest.approx(0.5, abs=0.05)


def test_both_models_decode_the_same_codes(explorer):
    for shape, r in [("sphere", 16), ("cube", 2)]:
        drawn = explorer.decode(shape, r)
        assert list(drawn) == ["AE", "VAE"]
        for name, images in drawn.items():
            logits = np.asarray(DECODERS[name](explorer.codes(shape, r)))
            expected = np.rint(255 / (1 + np.exp(-logits)))
            assert np.abs(images - expected).max() <= 1


# ---- What a page and a view get


def test_a_page_has_what_it_needs_to_decode_the_same(explorer):
    state = page_state(explorer)
    assert state["models"] == ["AE", "VAE"] and state["faces"] == N
    assert state["image"] == [SIZE, SIZE, 3]
    for shape, packed in state["points"].items():
        points = unpack_steps(packed, D)
        for network, images in zip(
            state["networks"], explorer.decode(shape, 5).values(), strict=True
        ):
            drawn = 255 / (1 + np.exp(-decode_packed(network, 5 * points)))
            assert np.abs(drawn - images).max() <= 1


def test_histograms_hold_every_code(explorer):
    state = page_state(explorer)
    assert state["bin"] == 40 / BINS
    for name, hill in zip(state["models"], state["hills"], strict=True):
        assert sum(hill["counts"]) == len(RADII[name])
        peak = state["bin"] * (0.5 + np.argmax(hill["counts"]))
        assert peak == pytest.approx(np.median(RADII[name]), abs=4)
        percents = np.quantile(RADII[name], np.linspace(0, 1, 101))
        assert hill["percents"] == pytest.approx(percents, rel=1e-5)


def test_it_goes_with_one_model_and_without_radii():
    explorer = make({"VAE": DECODERS["VAE"]}, radii=None, shape="cube", side=2.5)
    state = page_state(explorer)
    assert state["hills"] == [None] and len(state["networks"]) == 1
    assert state["start"] == {"shape": "cube", "radius": 16, "side": 2.5}
    assert "in the cube from −r to r = 2.5, decoded by VAE." in explorer.alt
    assert "shorter" not in explorer.alt
    assert explorer.still_png()


def test_the_kernel_answers_with_all_images(explorer, monkeypatch):
    sent = []
    monkeypatch.setattr(explorer, "send", lambda *a, **k: sent.append((*a, k)))
    wish = {"shape": "cube", "r": 2.0}
    explorer._handle_custom_msg({"kind": "decode", "number": 3, "wish": wish}, [])
    ((answer, options),) = sent
    assert answer["kind"] == "images" and answer["number"] == 3
    drawn = explorer.decode("cube", 2.0)
    expected = [image.tobytes() for name in ("AE", "VAE") for image in drawn[name]]
    assert options["buffers"] == expected


def test_the_alt_says_where_r_is(explorer):
    assert explorer.alt == (
        "5 random codes on a sphere of radius r = 16, decoded by AE and VAE. Codes of "
        "real images that are shorter: AE 0 %, VAE 100 %. With JavaScript r can be "
        "moved."
    )
