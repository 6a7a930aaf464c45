"""The gamma explorer without a browser: the view, refusals and packing."""

import numpy as np
import pytest
from widget_table import lattice, page_state, unpack_steps

from vaetut.widgets.gamma_explorer import GammaExplorer, middled, reach

LABELS = ("−4.1", "0", "410")
REFERENCE = {"alignment": 0.35}


def make_scores(names=("alignment", "MIG")):
    return {
        label: {name: (0.1 + k / 10, k / 10, 0.3 + k / 10) for name in names}
        for k, label in enumerate(LABELS)
    }


def make_explorer(d=3, **options):
    embeddings = {label: lattice(k, 4, 5, d) for k, label in enumerate(LABELS)}
    options = {"scores": make_scores(), "reference": REFERENCE} | options
    return GammaExplorer(embeddings, **options)


# ---- The view


def test_from_above_z1_is_to_the_right_and_z2_up():
    explorer = make_explorer(azimuth=0, elevation=90, fit=True)
    codes = middled(lattice(1, 4, 5))
    seen = explorer.project("0")
    assert seen == pytest.approx(codes[..., :2] / reach(codes), abs=1e-12)
    explorer.elevation = 0
    assert explorer.project("0") == pytest.approx(codes[..., [0, 2]] / reach(codes))
    explorer.fit = False  # the third run is the largest
    largest = reach(lattice(2, 4, 5))
    assert explorer.project("0") == pytest.approx(codes[..., [0, 2]] / largest)


def test_two_dimensions_are_drawn_flat():
    explorer = make_explorer(d=2, azimuth=70, elevation=-20, fit=True)
    codes = middled(lattice(0, 4, 5, 2))
    assert explorer.project("−4.1") == pytest.approx(codes / reach(codes))
    assert explorer.still_png()
    assert page_state(explorer)["flat"] is True


# ---- What is refused

CODES = lattice(0, 4, 5)


@pytest.mark.parametrize(
    ("embeddings", "options", "message"),
    [
        ({}, {}, "embeddings is dict or empty: give"),
        ({"0": CODES[0]}, {}, r"'0' has shape \(5, 3\): give \(na, nb, d\)"),
        ({"0": CODES[..., :1]}, {}, "with d = 2 or 3"),
        ({"0": CODES[:1]}, {}, "at least two values"),
        ({"0": CODES, "1": CODES[:3]}, {}, "give all runs the same lattice"),
        ({"0": CODES * np.nan}, {}, "embedding '0' has NaN or infinity: leave"),
        ({"0": 0 * CODES}, {}, "embeddings are points: give codes that are apart"),
        ({"0": np.ones((150, 150, 2))}, {}, "22500 points in all: give at most 20000"),
        ({"0": CODES}, {"scores": {"1": {}}}, "labels 1: give those of .* 0"),
        (
            {"0": CODES, "1": CODES},
            {"scores": {"0": {"MIG": (0, 0, 0)}, "1": {"SAP": (0, 0, 0)}}},
            "scores of '1' are SAP: give those of '0', MIG",
        ),
        (
            {"0": CODES},
            {"scores": {"0": {"MIG": (0.1, 0.2, 0.3)}}},
            r"'MIG' of '0' is \(0.1, 0.2, 0.3\): give \(mean, low, high\)",
        ),
        ({"0": CODES}, {"scores": {"0": {"MIG": 0.1}}}, "'MIG' of '0' is 0.1: give"),
        ({"0": CODES}, {"scores": {"0": {"MIG": [np.nan] * 3}}}, "finite and with"),
        ({"0": CODES}, {"reference": {"MIG": 0}}, "reference has 'MIG': .*are none"),
        (
            {"0": CODES},
            {"scores": {"0": {"MIG": (0, 0, 0)}}, "reference": {"MIG": np.inf}},
            "reference of 'MIG' is inf: leave it out",
        ),
        ({"0": CODES}, {"label": ""}, "label is ''"),
        ({"0": CODES}, {"ranges": ((0, 1), (1, 0))}, "ranges are .*growing"),
        ({"0": CODES}, {"ranges": 3}, "ranges are 3: give"),
    ],
)
def test_what_makes_no_sense_is_refused(embeddings, options, message):
    with pytest.raises(ValueError, match=message):
        GammaExplorer(embeddings, **options)


# ---- What a page and a view get


@pytest.mark.parametrize("d", [2, 3])
def test_values_come_back(d):
    state = page_state(make_explorer(d))
    assert state["shape"] == [4, 5] and [r["name"] for r in state["runs"]] == [*LABELS]
    assert state["reach"] == pytest.approx(reach(lattice(2, 4, 5, d)), rel=1e-5)
    for k, run in enumerate(state["runs"]):
        given, packed = middled(lattice(k, 4, 5, d)), run["codes"]
        codes = unpack_steps(packed, 3).reshape(4, 5, 3)
        assert np.abs(codes[..., :d] - given).max() <= packed["span"] / 65534 * 1.01
        assert not codes[..., d:].any()
        assert run["reach"] == pytest.approx(reach(lattice(k, 4, 5, d)), rel=1e-5)
    scores = {score["name"]: score for score in state["scores"]}
    assert scores["alignment"]["reference"] == 0.35
    assert scores["MIG"]["reference"] is None
    given = [make_scores()[label]["MIG"] for label in LABELS]
    assert np.allclose(scores["MIG"]["rows"], given)


def test_scores_may_be_left_out():
    explorer = make_explorer(scores=None, reference=None)
    assert page_state(explorer)["scores"] == []
    assert "scores" not in explorer.alt
    assert explorer.still_png()


def test_the_sides_are_those_of_the_lattice():
    sides = make_explorer(ranges=((0.5, 2), (-1, 1))).state["sides"]
    assert sides == [
        ("a = 0.5", 0, 0, 2),
        ("a = 2", 0, 3, 2),
        ("b = -1", 1, 2, 0),
        ("b = 1", 1, 2, 4),
    ]


def test_the_view_it_starts_with_is_the_one_to_go_back_to():
    explorer = make_explorer(azimuth=40, elevation=10)
    explorer.azimuth = 0
    state = page_state(explorer)
    assert state["back"] == {"azimuth": 40, "elevation": 10}
    assert state["start"]["azimuth"] == 0


def test_the_alt_has_the_scores():
    explorer = make_explorer(run="0")
    assert "run of γ = 0 encodes it" in explorer.alt
    assert "alignment 0.2 (0.1 to 0.4, by chance 0.35); MIG 0.2" in explorer.alt
