"""The polar explorer without a browser: its points and its words."""

import base64

import numpy as np
import pytest
from widget_table import POINTS, make_polar

from vaetut.datasets import polar
from vaetut.widgets.polar_explorer import MAX_POINTS, PolarExplorer, describe


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (np.ones(2), r"shape \(2,\): give \(n, 2\)"),
        (np.ones((3, 3)), r"shape \(3, 3\)"),
        (np.ones((0, 2)), r"shape \(0, 2\)"),
        ([[0.4, 1.0]], "outside the plane: give a from 0.5 to 2 and b from 0 to 2"),
        ([[1.0, np.nan]], "outside the plane"),
        (np.ones((MAX_POINTS + 1, 2)), f"{MAX_POINTS + 1} points: give at most"),
    ],
)
def test_factors_that_are_no_points_of_the_plane_are_refused(factors, message):
    with pytest.raises(ValueError, match=message):
        PolarExplorer(factors)


# ---- What a page and a view get


def test_points_come_back_on_their_side_of_the_hole():
    packed = make_polar().state["points"]
    steps = np.frombuffer(base64.b64decode(packed["data"]), "<u2").reshape(-1, 2)
    low, high = np.transpose([polar.A_RANGE, polar.B_RANGE])
    points = low + steps / 65535 * (high - low)
    assert packed["n"] == 5000
    assert np.abs(points - POINTS).max() < 2e-5
    assert np.array_equal(polar.outside(points), polar.outside(POINTS))


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((1.25, 1.0, 0.1), ["in the hole, 0.00 from", "without inner loops", "0.10"]),
        ((1.0, 1.2), ["outside the hole, 0.32", "with inner loops", "-0.20 to 2.20"]),
    ],
)
def test_the_alt_says_where_the_point_is(place, words):
    for word in words:
        assert word in describe(*place)


def test_it_goes_without_points():
    html = PolarExplorer(a=0.5, b=2).to_html()
    assert "a = 0.50, b = 2.00 lies outside the hole, 1.25 from its centre" in html
