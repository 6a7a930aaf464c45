"""The rotation explorer without a browser: curves, refusals and packing."""

import numpy as np
import pytest
from widget_table import page_state, unpack_steps

from vaetut.widgets.rotation_explorer import (
    ANGLES,
    DOTS,
    RotationExplorer,
    example_clouds,
    shown,
    turned,
)

RNG = np.random.default_rng(0)
SQUARE = RNG.uniform(-1, 1, (3000, 2))
FEW = RNG.normal(size=(50, 2)) * [2, 1] + [0.3, -1]


@pytest.fixture
def explorer():
    return RotationExplorer({"square": SQUARE, "trained codes": FEW})


# ---- What is computed


def test_the_curves_are_those_of_the_turned_codes():
    curves = turned(FEW)
    for angle in (0, 17, 45, 90):
        t = np.deg2rad(angle)
        u = FEW[:, 0] * np.cos(t) - FEW[:, 1] * np.sin(t)
        v = FEW[:, 0] * np.sin(t) + FEW[:, 1] * np.cos(t)
        assert curves["loss"][angle] == pytest.approx(np.abs(u * v).mean())
        assert curves["covariance"][angle] == pytest.approx(np.cov(u, v, ddof=0)[0, 1])
        assert curves["correlation"][angle] == pytest.approx(np.corrcoef(u, v)[0, 1])


def test_a_square_costs_a_sixth_at_45_degrees_and_never_covaries():
    clouds = example_clouds()
    curves = {name: turned(codes) for name, codes in clouds.items()}
    square = curves["uniform square"]
    assert square["loss"][[0, 45, 90]] == pytest.approx([1 / 4, 1 / 6, 1 / 4], abs=1e-3)
    assert np.abs(square["covariance"]).max() < 1e-12
    for curve in curves.values():
        assert curve["loss"][0] == pytest.approx(1 / 4)
    assert curves["Gaussian"]["loss"] == pytest.approx(np.full(91, 1 / 4), rel=3e-3)
    assert curves["Laplace"]["loss"][45] == pytest.approx(3 / 8, rel=0.01)
    assert curves["rectangle 1.4:1"]["loss"].argmin() == 45
    assert curves["rectangle 1.7:1"]["loss"].argmin() in range(25, 32)
    assert curves["rectangle 2:1"]["loss"].argmin() in (0, 90)
    assert curves["rectangle 2:1"]["covariance"][45] > 0.2


@pytest.mark.parametrize("n", [0, 12, -8, 8.5])
def test_example_clouds_are_mirrored_eighths(n):
    with pytest.raises(ValueError, match=f"^n is {n}: give a multiple of 8"):
        example_clouds(n)
    assert all(codes.shape == (16, 2) for codes in example_clouds(16).values())


# ---- Traits and refusals


@pytest.mark.parametrize(
    ("clouds", "message"),
    [
        ({}, "clouds is dict or empty: give {"),
        ([SQUARE], "clouds is list or empty"),
        ({" ": SQUARE}, "clouds has the name ' ': give each a short text"),
        ({3: SQUARE}, "clouds has the name 3"),
        ({"s": SQUARE.T}, r"cloud 's' has shape \(2, 3000\): give \(n, 2\)"),
        ({"s": SQUARE[:2]}, "at least 3"),
        ({"s": SQUARE * np.nan}, "cloud 's' has NaN or infinity: leave"),
        ({"s": 0 * SQUARE}, "cloud 's' is all zeros"),
    ],
)
def test_what_makes_no_sense_is_refused(clouds, message):
    with pytest.raises(ValueError, match=f"^{message}|{message}"):
        RotationExplorer(clouds)


# ---- What a page and a view get


def test_values_come_back(explorer):
    state = page_state(explorer)
    assert state["start"] == {"shape": "square", "angle": 0}
    for packed, codes in zip(state["shapes"], [SQUARE, FEW], strict=True):
        dots = unpack_steps(packed["dots"], 2)
        assert len(dots) == min(DOTS, len(codes))
        assert (
            np.abs(dots - shown(codes)).max() <= packed["dots"]["span"] / 65534 * 1.01
        )
        assert packed["n"] == len(codes)
        for key, curve in turned(codes).items():
            assert len(packed[key]) == len(ANGLES)
            assert packed[key] == pytest.approx(curve, rel=1e-5)


def test_the_alt_has_the_numbers(explorer):
    explorer.angle = 45
    assert all(
        words in explorer.alt
        for words in ("codes of the square", "turned by 45°", "mean is 0.16")
    )
