"""Sheets whose tangents, lines, flatness and dimension are known."""

import numpy as np
import pytest

from vaetut.analysis import (
    grid_lines,
    linear_ratio,
    path_length,
    sheet_map,
    sheet_statistics,
    straight,
    tangents,
    turning,
)

RNG = np.random.default_rng(0)
RANGES = ((0.5, 2.0), (0.0, 2.0))


def cylinder(factors):
    """Return codes (n, 3) on a cylinder of radius 2: a goes round it, b along it."""
    a, b = factors.T
    return np.stack([2 * np.cos(a), 2 * np.sin(a), 3 * b], axis=1)


def cylinder_tangents(factors):
    a, zero = factors[:, 0], np.zeros(len(factors))
    along_a = np.stack([-2 * np.sin(a), 2 * np.cos(a), zero], axis=1)
    return np.stack([along_a, np.stack([zero, zero, zero + 3], axis=1)], axis=1)


STARS = RNG.uniform(*np.transpose(RANGES), size=(3000, 2))
INNER = RNG.uniform([0.7, 0.2], [1.8, 1.8], size=(40, 2))
CODES = RNG.normal(size=(50, 3))
LINE = straight([0, 0], [1, 1], 5)
NAN = np.full((5, 2), np.nan)
POINTS = RNG.uniform(size=(50, 2))


@pytest.mark.parametrize(
    ("smoothing", "noise", "codes_within", "tangents_within"),
    [(0.0, 0.0, 1e-3, 0.02), (0.1, 0.0, 5e-3, 0.05), (0.1, 0.05, 0.06, 0.6)],
)
def test_a_sheet_map_finds_a_cylinder(smoothing, noise, codes_within, tangents_within):
    codes = cylinder(STARS) + noise * RNG.normal(size=(len(STARS), 3))
    mapping = sheet_map(STARS, codes, smoothing)
    found, true = mapping(INNER), cylinder(INNER)
    np.testing.assert_allclose(found, true, atol=codes_within)
    slopes = tangents(mapping, INNER)
    assert slopes.shape == (40, 2, 3)
    np.testing.assert_allclose(slopes, cylinder_tangents(INNER), atol=tangents_within)


def test_smoothing_takes_off_the_ripples_that_would_pass_for_curvature():
    codes = cylinder(STARS) + 0.05 * RNG.normal(size=(len(STARS), 3))
    line = np.stack([np.linspace(0.7, 1.8, 41), np.ones(41)], axis=1)
    rough = turning(sheet_map(STARS, codes, smoothing=0)(line))
    smooth = turning(sheet_map(STARS, codes, smoothing=0.1)(line))
    true = turning(cylinder(line))
    assert rough > 5 * true and smooth < 1.5 * true


@pytest.mark.parametrize("share", [0.5, 1, 2])
def test_smoothing_halves_the_wavelength_it_says(share):
    knots, smoothing, area = 1000, 0.1, 3.0
    length = share * 2 * np.pi * (smoothing * area / (8 * np.pi * knots)) ** 0.25
    assert length / share == pytest.approx(0.37, abs=0.005)

    def wave(points):
        return np.sin(2 * np.pi / length * points[:, 1:] + [0, np.pi / 2])

    found = sheet_map(STARS, wave(STARS), smoothing)(INNER)
    gain = (found * wave(INNER)).sum() / 40
    assert gain == pytest.approx(1 / (1 + share**-4), abs=0.08)


def test_a_sheet_map_of_an_affine_sheet_is_exact_from_any_knots():
    slope, shift = RNG.normal(size=(2, 4)), RNG.normal(size=4)
    for knots, smoothing in [(3, 0.0), (50, 0.1), (10**6, 0.1)]:
        mapping = sheet_map(STARS[:90], STARS[:90] @ slope + shift, smoothing, knots)
        assert mapping(INNER) == pytest.approx(INNER @ slope + shift, abs=1e-8)
        assert tangents(mapping, INNER) == pytest.approx(
            np.broadcast_to(slope, (40, 2, 4)), abs=1e-6
        )


def test_knots_are_drawn_by_the_seed():
    one, same, other = (
        sheet_map(STARS, cylinder(STARS), knots=50, seed=seed)(INNER)
        for seed in (1, 1, 2)
    )
    assert (one == same).all() and np.abs(one - other).max() > 1e-4


@pytest.mark.parametrize("ranges", [None, RANGES])
def test_tangents_of_a_known_map(ranges):
    found = tangents(cylinder, INNER, ranges=ranges)
    np.testing.assert_allclose(found, cylinder_tangents(INNER), atol=1e-5)


def test_steps_of_tangents_are_shares_of_ranges():
    seen = []
    tangents(lambda p: seen.append(p) or p, [[1.0, 1.0]], 0.1, RANGES)
    assert np.ptp(seen[0], axis=0) == pytest.approx([0.3, 0.4])


def test_grid_lines_keep_one_factor_and_run_through_the_other():
    grid = grid_lines(lambda p: p, RANGES, lines=3, count=5)
    assert grid.shape == (2, 3, 5, 2)
    assert (grid[0, :, :, 0] == np.linspace(0.5, 2, 5)).all()
    assert (grid[0, :, :, 1] == [[0], [1], [2]]).all()
    assert (grid[1, :, :, 0] == [[0.5], [1.25], [2]]).all()
    assert (grid[1, :, :, 1] == np.linspace(0, 2, 5)).all()


def test_lines_round_a_cylinder_curve_and_lines_along_it_do_not():
    mapping = sheet_map(STARS, cylinder(STARS))
    round_it, along_it = grid_lines(mapping, ((0.7, 1.8), (0.2, 1.8)), lines=4)
    for line in round_it:
        curvature = np.radians(turning(line)) / path_length(line)
        assert curvature == pytest.approx(0.5, rel=0.04)  # 1 / its radius
        assert turning(line) == pytest.approx(np.degrees(1.1), abs=2)
        assert linear_ratio(line) == pytest.approx(np.sin(0.55) / 0.55, abs=2e-3)
    for line in along_it:
        assert np.radians(turning(line)) / path_length(line) < 0.02
        assert linear_ratio(line) == pytest.approx(1, abs=1e-4)


# ---- The sheet


def test_a_flat_sheet_is_flat_and_straight_in_any_space():
    factors = RNG.uniform(size=(400, 2))
    codes = factors @ RNG.normal(size=(2, 5)) + 3
    got = sheet_statistics(codes, factors)
    assert got.shares[:2].sum() == pytest.approx(1) and len(got.shares) == 5
    assert got.third_share == pytest.approx(0, abs=1e-12)
    assert got.local_flatness == pytest.approx(0, abs=1e-6)
    assert got.dimension == pytest.approx(2, abs=0.4)
    assert got.r2 == pytest.approx([1, 1])
    plane = sheet_statistics(factors, factors)
    assert plane.third_share == plane.local_flatness == 0


def test_a_bent_sheet_is_flat_nearby_and_a_ball_nowhere():
    t = RNG.uniform(0, np.pi, size=1500)
    factors = np.stack([t, RNG.uniform(size=1500)], axis=1)
    arch = np.stack([np.cos(t), np.sin(t), factors[:, 1]], axis=1)
    got = sheet_statistics(arch, factors)
    assert got.third_share > 0.05 and got.local_flatness < 0.15
    assert got.dimension == pytest.approx(2, abs=0.2)
    assert 0.9 < got.r2[0] < 0.999 and got.r2[1] == pytest.approx(1)
    ball = sheet_statistics(RNG.normal(size=(1500, 3)), factors)
    assert ball.local_flatness > 0.4 and ball.dimension > 2.7
    assert (ball.r2 < 0.02).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sheet_map(CODES, CODES), r"factors must be \(n, 2\)"),
        (lambda: sheet_map(STARS[:50], CODES[1:]), "factors and codes must have"),
        (lambda: sheet_map(STARS[:5], NAN), "codes holds NaN"),
        (lambda: sheet_map(NAN, NAN), "factors holds NaN"),
        (lambda: sheet_map(STARS[:2], CODES[:2]), "factors lie on a line"),
        (lambda: sheet_map(LINE, LINE), "factors lie on a line"),
        (lambda: sheet_map(STARS[:50], CODES, -1), "smoothing must be 0 or more"),
        (lambda: sheet_map(STARS[:50], CODES, knots=2), "knots must be"),
        (lambda: sheet_map(STARS[:50], CODES, seed=None), "seed must be"),
        (lambda: sheet_map(STARS[[0, 0, 1, 2]], CODES[:4], 0), "hold a point twice"),
        (lambda: sheet_map(STARS[:50], CODES)(CODES), r"points must be \(n, 2\)"),
        (lambda: sheet_map(STARS[:50], CODES)(NAN), "points holds NaN"),
        (lambda: tangents(cylinder, CODES), r"points must be \(n, 2\)"),
        (lambda: tangents(cylinder, LINE, 0), "step must be above 0"),
        (lambda: tangents(cylinder, LINE, 1e-20), "lost in the rounding of points"),
        (lambda: tangents(cylinder, LINE, ranges=[[0, 1]]), "ranges must be"),
        (lambda: tangents(lambda p: p[1:], LINE), "mapping must give a code a point"),
        (lambda: tangents(lambda p: p * np.nan, LINE), "codes of mapping holds NaN"),
        (lambda: grid_lines(cylinder, ((1, 0), (0, 1))), "ranges must be"),
        (lambda: grid_lines(cylinder, RANGES, lines=1), "lines must be"),
        (lambda: grid_lines(cylinder, RANGES, count=2), "count must be"),
        (lambda: sheet_statistics(CODES[1:], POINTS), "codes and factors must"),
        (lambda: sheet_statistics(CODES[:9], POINTS[:9]), "codes must be 30 or more"),
        (lambda: sheet_statistics(CODES, POINTS * [1, 0]), "factors must vary"),
        (lambda: sheet_statistics(CODES, POINTS, k=3), "k must be"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
