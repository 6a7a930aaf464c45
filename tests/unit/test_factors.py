"""What is measured of the factors, on models whose sheet of codes is known."""

import numpy as np
import pytest

from vaetut import analysis
from vaetut.datasets import polar
from vaetut.measures import factors as factors_of
from vaetut.measures.factors import measure_factors

SIZE, THRESHOLD = 64, 0.25


class Known:
    """A perfect model: it reads (a, b) off an image and lays it on a known sheet.

    Off the sheet it draws the star of the nearest point of it.
    """

    def __init__(self, to_codes):
        self.to_codes = to_codes
        self.lattice = polar.grid(120, 120)
        self.there = to_codes(self.lattice)

    def encode(self, images):
        codes = self.to_codes(polar.fit_factors(images).factors)
        return codes.astype(np.float32), np.zeros_like(codes)

    def decode(self, codes):
        nearest = analysis.nearest_index(codes, self.there)
        return polar.draw(self.lattice[nearest], SIZE) / np.float32(255)


def flat(factors):
    """Codes that are the factors, about the origin, with a third unit that is off."""
    middle = [np.mean(polar.A_RANGE), np.mean(polar.B_RANGE)]
    return np.column_stack([factors - middle, np.zeros(len(factors))])


def rolled(factors):
    """Codes on three quarters of a cylinder, a around it and b along its axis."""
    angle = (factors[:, 0] - 1.25) * np.pi
    return np.column_stack([np.sin(angle), np.cos(angle), factors[:, 1] - 1])


def draw(points):
    return polar.draw(points, SIZE)


def redraw(images):
    found = polar.fit_factors(images).factors
    return found, analysis.iou(draw(found), images, THRESHOLD)


@pytest.fixture(scope="module")
def points():
    return polar.sample(600, 5)


@pytest.fixture(scope="module")
def measured(points):
    kinds = {"flat": flat, "rolled": rolled}
    return {
        name: measure_factors(
            Known(sheet), sheet(points), points, draw, redraw, seed=0, small=False
        )
        for name, sheet in kinds.items()
    }


def test_aligned_codes_of_a_flat_sheet(measured):
    found = measured["flat"][0]
    assert found["to_axis"] == pytest.approx(0, abs=0.1)
    assert found["between"] == pytest.approx(90, abs=0.1)
    assert found["sap"] > 0.95 and found["sap_rank"] > 0.97
    assert found["dci_disentanglement"] > 0.95 and found["factor_vae"] == 1
    assert found["straightness_a"] == pytest.approx(1, abs=1e-3)
    assert found["turning_b"] == pytest.approx(0, abs=0.5)
    # Radii lie at 45 degrees to the axes, and no unit is one of them.
    assert found["radii_to_axis"] == pytest.approx(45, abs=0.5)
    assert found["radii_sap"] < 0.3


def test_a_flat_sheet_is_walked_straight(measured):
    found = measured["flat"][0]
    assert found["straight_error"] < 0.02 and found["sheet_error"] < 0.02
    assert found["straight_to_sheet"] == pytest.approx(1, abs=0.4)
    assert found["straight_redrawn_iou"] > 0.9


def test_a_rolled_sheet_is_not(measured):
    found = measured["rolled"][0]
    assert found["sheet_error"] < 0.02
    assert found["straight_to_sheet"] > 3
    assert found["turning_a"] == pytest.approx(270 * 0.9, rel=0.1)
    assert found["turning_b"] < 25  # of a straight line: the fit's and the spline's
    chord = 2 * np.sin(0.9 * 0.75 * np.pi) / (0.9 * 1.5 * np.pi)
    assert found["straightness_a"] == pytest.approx(chord, abs=0.02)
    assert found["straightness_b"] > 0.99
    # Neighbours stay on the cylinder, where every image is a star.
    assert found["neighbours_redrawn_iou"] > 0.9


def test_the_codes_of_the_lattice_are_kept(measured):
    _, profiles = measured["rolled"]
    codes = np.stack([profiles[f"lattice_{k}"] for k in range(3)], axis=1)
    wanted = rolled(polar.grid(factors_of.LATTICE, factors_of.LATTICE))
    np.testing.assert_allclose(codes, wanted, atol=0.02)


def test_pairs_of_stars_are_far_apart_and_always_the_same():
    pairs = factors_of.pairs_of_stars(30)
    assert pairs.shape == (30, 2, 2)
    apart = np.linalg.norm(pairs[:, 0] - pairs[:, 1], axis=1)
    assert apart.min() >= factors_of.APART
    np.testing.assert_array_equal(pairs[:7], factors_of.pairs_of_stars(7))


def test_walks_end_where_they_should(points):
    codes, pairs = rolled(points), factors_of.pairs_of_stars(3)
    ends = rolled(pairs.reshape(-1, 2)).reshape(3, 2, 3)
    intended = np.linspace(pairs[:, 0], pairs[:, 1], 9, axis=1)
    walks = factors_of.walk_codes(rolled, codes, ends, intended)
    assert set(walks) == {"straight", "sheet", "neighbours"}
    for walk in walks.values():
        np.testing.assert_allclose(walk[:, [0, -1]], ends, atol=1e-9)
    radius = np.linalg.norm(walks["neighbours"][..., :2], axis=-1)
    assert radius.min() > 0.9  # along the cylinder, not across it
    assert np.linalg.norm(walks["straight"][..., :2], axis=-1).min() < 0.9
