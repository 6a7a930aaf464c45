"""The explorers of chapters 09 and 10 in Chromium: what is theirs alone."""

import re

import numpy as np
import pytest
from widget_table import GAMMAS, WAYS, clouds, example, pair_of_walks

from vaetut.widgets.gamma_explorer import GammaExplorer
from vaetut.widgets.rotation_explorer import rotation, shown, turned

from .looking import drag, middle, pixels, press

N = 11  # steps of a walk


def slider(widget):
    return widget.locator("input[type=range]")


def path_points(path):
    """Return the points (n, 2) of a path's own coordinates."""
    numbers = re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get_attribute("d"))
    return np.array(numbers, float)


# ---- Rotation


def said(widget):
    """Return loss, covariance and correlation as the page has them in words."""
    words = widget.locator(".vr-now").inner_text().replace("−", "-")
    numbers = re.findall(r"-?\d+\.\d{3}", words)
    return [float(number) for number in numbers]


def test_the_rotation_says_what_numpy_computes(show):
    watched = show(example("RotationExplorer"))
    widget = watched.root
    for name, codes in clouds().items():
        widget.get_by_label("Shape").select_option(name)
        for angle in (0, 28, 45, 90):
            slider(widget).fill(str(angle))
            curves = turned(codes)
            keys = ("loss", "covariance", "correlation")
            expected = [curves[key][angle] for key in keys]
            assert said(widget) == pytest.approx(expected, abs=6e-4)
            assert widget.locator(".vr-now").inner_text().startswith(f"{angle}°: mean")
    widget.get_by_label("Shape").select_option("uniform square")
    assert widget.get_by_text("It is cheapest at 45°: 0.167, against 0.250").count()
    widget.get_by_label("Shape").select_option("Gaussian")
    assert widget.get_by_text("It costs nearly the same at every angle").count()
    assert not watched.troubles


def test_the_dots_are_the_turned_codes(show):
    explorer = example("RotationExplorer")
    widget = show(explorer).root
    widget.get_by_label("Shape").select_option("trained codes")
    slider(widget).fill("30")
    dots = shown(clouds()["trained codes"]) @ rotation(30).T
    reach, most = (explorer.state["shapes"][-1][key] for key in ("reach", "most"))
    places = 160 + 146 * dots / reach * [1, -1]
    level = np.minimum(5, 6 * np.abs(dots.prod(axis=1)) / most).astype(int)
    assert len(set(level)) == 6
    for k in range(6):
        drawn = path_points(widget.locator(f".vr-b{k}"))
        # A code at the edge of a colour may fall to either side of it.
        near = [np.abs(places - point).max(axis=1).argmin() for point in drawn]
        assert np.abs(places[near] - drawn).max() < 0.12
        assert abs(len(drawn) - (level == k).sum()) <= 1


def test_the_rotation_follows_keys_and_mouse(show):
    watched = show(example("RotationExplorer"))
    page, widget = watched.page, watched.root

    def angle():
        return int(slider(widget).input_value())

    slider(widget).focus()
    for key, expected in [("ArrowRight", 1), ("End", 90), ("ArrowLeft", 89)]:
        press(page, key)
        assert angle() == expected
    ground = widget.locator(".vx-ground").last.bounding_box()

    def spot(share, y=60):
        return ground["x"] + share * ground["width"], ground["y"] + y

    drag(page, spot(0.2), spot(2 / 3))
    assert angle() == 60
    thumb = slider(widget).bounding_box()
    down = thumb["y"] + thumb["height"] / 2 - ground["y"]
    drag(page, spot(2 / 3, down), spot(1 / 3, down))
    assert angle() == 30
    x, y = middle(widget.locator(".vr-cloud"))
    drag(page, (x + 80, y), (x + 80, y - 80), steps=12)  # 45° counterclockwise
    assert angle() == pytest.approx(75, abs=2)
    drag(page, (x, y - 80), (x + 80, y), steps=12)  # 90° back
    assert angle() == 0
    press(page, "ArrowRight")  # the keys go on from there
    assert angle() == 1
    assert not watched.troubles


# ---- Gamma


def projected(explorer, page, run, azimuth, elevation, fit):
    """Return where a run's lattice is in the pad, pixels (na, nb, 2)."""
    explorer.set_trait("azimuth", azimuth)
    explorer.set_trait("elevation", elevation)
    explorer.set_trait("fit", fit)
    box = page.locator(".vg-pad").bounding_box()
    scale = 0.42 * min(box["width"], box["height"])
    seen = explorer.project(run) * [scale, -scale]
    return seen + np.array([box["width"], box["height"]]) / 2


@pytest.mark.parametrize("fit", [False, True])
@pytest.mark.parametrize("view", [(-25, 30), (0, 90), (-90, 0)])
def test_the_lattice_is_where_python_projects_it(show, view, fit):
    old = example("GammaExplorer")
    names = {label: old.embeddings[label] for label in GAMMAS}
    azimuth, elevation = view
    explorer = GammaExplorer(names, azimuth=azimuth, elevation=elevation, fit=fit)
    watched = show(explorer)
    page, widget = watched.page, watched.root
    assert widget.locator("tr").count() == 0
    for k, run in enumerate(GAMMAS):
        slider(widget).fill(str(k))
        expected = projected(explorer, page, run, azimuth, elevation, fit)
        for i in (0, 2, 4):
            line = path_points(widget.locator(".vg-line.vx-k0").nth(i))
            assert np.abs(line - expected[i]).max() < 0.2
        for j in (0, 6):
            line = path_points(widget.locator(".vg-line.vx-k1").nth(j))
            assert np.abs(line - expected[:, j]).max() < 0.2
    assert not watched.troubles


def test_the_view_stays_while_gamma_moves(show):
    watched = show(example("GammaExplorer"))
    page, widget = watched.page, watched.root

    def view():
        data = widget.evaluate("node => ({ ...node.dataset })")
        return float(data["azimuth"]), float(data["elevation"])

    before = view()
    x, y = middle(widget.locator(".vg-pad"))
    drag(page, (x, y), (x + 60, y + 20))
    assert view() == pytest.approx((before[0] + 30, before[1] + 10), abs=0.5)
    now = view()
    for key, run in [("ArrowRight", "0"), ("End", "410"), ("ArrowLeft", "41")]:
        slider(widget).press(key)
        assert widget.get_attribute("data-run") == run
        assert widget.locator("output").inner_text() == run
        assert view() == now
    pad = widget.locator(".vg-pad")
    pad.press("ArrowRight")
    pad.press("Shift+ArrowUp")
    assert view() == pytest.approx((now[0] + 5, now[1] - 15))
    pad.press("Home")
    assert view() == before
    widget.get_by_role("button", name="Look along z₃").click()
    assert view() == (0, 90)
    widget.get_by_role("button", name="Reset view").click()
    assert view() == before
    first = widget.locator(".vg-line").first
    common = path_points(first)
    widget.get_by_label("Fit each run").check()
    assert np.ptp(path_points(first), axis=0).max() > np.ptp(common, axis=0).max()
    assert not watched.troubles


def test_the_table_has_mean_interval_and_chance(show):
    explorer = example("GammaExplorer")
    widget = show(explorer).root
    for k, label in enumerate(GAMMAS):
        slider(widget).fill(str(k))
        rows = widget.locator(".vg-scores tr").all()
        assert len(rows) == 2
        for row, (name, score) in zip(
            rows, explorer.scores[label].items(), strict=True
        ):
            assert row.locator("th").inner_text() == name
            numbers = re.findall(r"[\d.]+", row.locator(".vg-value").inner_text())
            assert [float(number) for number in numbers] == pytest.approx(score)
        mean, low, high = explorer.scores[label]["alignment"]
        bar, dot = rows[0].locator(".vg-bar"), rows[0].locator(".vg-dot")
        ends = [float(bar.get_attribute(key)) for key in ("x1", "x2")]
        share = (float(dot.get_attribute("cx")) - ends[0]) / (ends[1] - ends[0])
        assert share == pytest.approx((mean - low) / (high - low))
    assert widget.locator(".vg-chance").count() == 1


# ---- Walks


def test_the_walks_show_the_given_images_and_errors(show):
    watched = show(example("WalkExplorer"))
    widget = watched.root
    for name, index in [("small to large", 0), ("b alone", 4), ("small to large", 10)]:
        widget.locator("select").select_option(name)
        slider(widget).fill(str(index))
        walk = pair_of_walks(name)
        tiles = widget.locator(".vw-tile").all()
        for tile, way in zip(tiles, WAYS, strict=True):
            given = np.rint(255 * walk.images[way][index])
            made = pixels(tile.locator("canvas").first)
            assert np.array_equal(made[..., :3], np.repeat(given, 3, -1))
            truth = pixels(tile.locator("canvas").last)
            assert np.array_equal(truth[..., :1], walk.truth[index])
            error = float(tile.locator("strong").inner_text())
            assert error == pytest.approx(walk.errors[way][index], abs=6e-4)
        a, b = walk.intended[index]
        words = f"Step {index + 1} of {N}: meant is a = {a:.2f}, b = {b:.2f}."
        assert words in widget.locator(".vx-words").inner_text()
    assert not watched.troubles


def test_the_map_has_the_factors(show):
    widget = show(example("WalkExplorer")).root
    slider(widget).fill("7")
    walk = pair_of_walks("small to large")
    ground = widget.locator(".vw-map .vx-ground").bounding_box()

    def at(point):
        a, b = point
        across, down = (a - 0.5) / 1.5 * ground["width"], (1 - b / 2) * ground["height"]
        return ground["x"] + across, ground["y"] + down

    for k, way in enumerate(WAYS):
        spot = middle(widget.locator(f".vw-spot.vx-k{k}"))
        assert spot == pytest.approx(at(walk.factors[way][7]), abs=1.5)
    assert middle(widget.locator(".vw-aim")) == pytest.approx(
        at(walk.intended[7]), abs=1.5
    )


def test_one_slider_moves_all_ways(show):
    watched = show(example("WalkExplorer"))
    page, widget = watched.page, watched.root

    def index():
        return int(slider(widget).input_value())

    assert index() == N // 2
    slider(widget).focus()
    for key, expected in [("ArrowRight", 6), ("Home", 0), ("ArrowRight", 1)]:
        press(page, key)
        assert index() == expected
    ground = widget.locator(".vx-chart .vx-ground").bounding_box()

    def spot(share, y=60):
        return ground["x"] + share * ground["width"], ground["y"] + y

    drag(page, spot(0.2), spot(0.8))
    assert index() == 8
    cursor = middle(widget.locator(".vx-cursor"))[0]
    assert cursor == pytest.approx(spot(0.8)[0], abs=1)
    plane = widget.locator(".vw-map .vx-ground").bounding_box()
    places = (pair_of_walks("small to large").intended[[2, 9]] - [0.5, 0]) / [1.5, 2]
    start, end = (
        (plane["x"] + x * plane["width"], plane["y"] + (1 - y) * plane["height"])
        for x, y in places
    )
    drag(page, start, end)
    assert index() == 9
    press(page, "ArrowLeft")  # the keys go on from there
    assert index() == 8
    assert not watched.troubles


def test_values_at_the_cursor_do_not_overlap(show):
    widget = show(example("WalkExplorer")).root
    for k in range(N):
        slider(widget).fill(str(k))
        ground = widget.locator(".vx-chart .vx-ground").bounding_box()
        tags = [tag.bounding_box() for tag in widget.locator(".vx-value").all()]
        tops = sorted(tag["y"] for tag in tags)
        assert len(tags) == 3 and np.diff(tops).min() >= 14
        for tag in tags:
            assert tag["x"] >= ground["x"] - 1
            assert tag["x"] + tag["width"] <= ground["x"] + ground["width"] + 1
