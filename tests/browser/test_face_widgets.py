"""The explorers of the faces chapters in Chromium: what is theirs alone."""

import json

import numpy as np
import pytest
from widget_table import ATTRIBUTES, DIMENSIONS, FACES, WIDGETS, example

from vaetut.widgets.packing import decode_packed

from .looking import drag, press, spent, wait_until_ready
from .looking import pixels as pixels_of


def pixels(canvas):
    """Return what a canvas shows as numbers that can be subtracted."""
    return pixels_of(canvas).astype(int)


def settle(widget):
    """Wait until pictures are loaded and the last frame is drawn."""
    classes = widget.get_attribute("class").split()
    (ready,) = (entry.ready for entry in WIDGETS if entry.kind in classes)
    wait_until_ready(widget, ready)


def slider(widget, name=None):
    """Return the slider of a name, or the first."""
    return widget.get_by_role("slider", name=name).first


def drive(widget, name, value):
    """Move a slider as a reader does, and wait for the frame."""
    slider(widget, name).fill(str(value))
    settle(widget)


def off(shown, expected):
    """Return by how many grey levels images differ at most."""
    return np.abs(np.stack(shown) - np.asarray(expected, int)).max()


# ---- What is decoded


def faces_shown(widget):
    return [
        pixels(widget.locator(f"[data-face={kind}]")) for kind in ("plain", "moved")
    ]


def test_the_moved_face_is_that_of_keras(show):
    explorer = example("FaceExplorer")
    watched = show(explorer)
    widget = watched.root
    rng, seen = np.random.default_rng(0), []
    for face in range(FACES):
        widget.get_by_role("button", name=f"Face {face + 1}").click()
        amounts = rng.integers(-20, 21, len(ATTRIBUTES)) / 10
        for name, amount in zip(ATTRIBUTES, amounts, strict=True):
            drive(widget, name, round(10 * amount))
        assert json.loads(widget.get_attribute("data-amounts")) == pytest.approx(
            amounts
        )
        assert off(faces_shown(widget), explorer.decode(face, amounts)) <= 1
        seen.append(faces_shown(widget)[1])
    assert np.std(seen, axis=0).mean() > 10
    assert not watched.troubles


def models_shown(widget, name):
    canvases = widget.locator(f"[data-model={name}] canvas").all()
    return [pixels(canvas) for canvas in canvases]


@pytest.mark.parametrize("shape", ["sphere", "cube"])
def test_the_random_faces_are_those_of_keras(show, shape):
    explorer = example("RadiusExplorer")
    watched = show(explorer)
    widget = watched.root
    words = {
        "sphere": "on a sphere of radius r",
        "cube": "uniform in the cube from −r to r",
    }
    widget.locator("select").select_option(words[shape])
    for step in (0, 10, 64, 160):
        drive(widget, None, step)
        r = explorer.reach[shape] * step / 160
        assert float(widget.get_attribute("data-r")) == pytest.approx(r)
        for name, images in explorer.decode(shape, r).items():
            shown = models_shown(widget, name)
            assert len(shown) == FACES and off(shown, images) <= 1
            if step == 64:
                assert np.std(shown, axis=0).mean() > 10
    assert not watched.troubles


def test_the_page_decodes_where_no_worker_may_start(show):
    watched = show(example("FaceExplorer"), init="delete window.Worker")
    widget = watched.root
    drive(widget, "Age", 20)
    assert (
        off(faces_shown(widget), example("FaceExplorer").decode(0, [0, 0, 2, 0, 0, 0]))
        <= 1
    )
    assert not watched.troubles


def test_what_is_packed_is_what_is_shown_far_out(show):
    explorer = example("RadiusExplorer")
    widget = show(explorer).root
    drive(widget, None, 160)
    for panel in explorer.panels:
        logits = decode_packed(panel.packed, explorer.codes("sphere", 40))
        expected = np.rint(127.5 * (1 + np.tanh(logits / 2)))
        assert off(models_shown(widget, panel.name), expected) <= 1


@pytest.mark.parametrize(
    ("name", "most"), [("FaceExplorer", 80), ("RadiusExplorer", 150)]
)
def test_speed_is_that_of_dragging(show, name, most, capsys):
    widget = show(example(name)).root
    times = []
    with spent(widget.page) as worked:
        for value in range(0, 20):
            drive(widget, "Smiling" if name == "FaceExplorer" else None, value)
            times.append(float(widget.get_attribute("data-lag")))
    lag, work = np.median(times), worked[0] / len(times)
    with capsys.disabled():
        print(f"\n{name}: slider to images {lag:.1f} ms, {work:.1f} of work")
    assert work < most


# ---- How they are moved


def test_mouse_and_keys_move_a_face(show):
    explorer = example("FaceExplorer")
    watched = show(explorer)
    page, widget = watched.page, watched.root

    def place():
        settle(widget)
        amounts = json.loads(widget.get_attribute("data-amounts"))
        return int(widget.get_attribute("data-face")), amounts

    slider(widget, "Smiling").focus()
    for key, amount in [("ArrowRight", 0.1), ("End", 2), ("ArrowLeft", 1.9)]:
        press(page, key)
        assert place() == (0, [amount, 0, 0, 0, 0, 0])
    box = slider(widget, "Light").bounding_box()
    y = box["y"] + box["height"] / 2
    drag(page, (box["x"] + box["width"] / 2, y), (box["x"] + 4, y))
    assert place() == (0, [1.9, 0, 0, 0, 0, -2])
    widget.get_by_role("button", name="Another face").click()
    assert place() == (1, [1.9, 0, 0, 0, 0, -2])
    assert off(faces_shown(widget), explorer.decode(*place())) <= 1
    picks = widget.get_by_role("group", name="Face to start at").locator("button")
    picks.nth(1).focus()
    for key, face in [
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("ArrowUp", 0),
        ("ArrowLeft", 7),
    ]:
        press(page, key)
        assert place()[0] == face
        assert picks.nth(face).get_attribute("aria-pressed") == "true"
        assert picks.nth(face).evaluate("node => node === document.activeElement")
    widget.get_by_role("button", name="Another face").click()
    widget.get_by_role("button", name="Reset all attributes").click()
    assert place() == (0, [0] * 6)
    assert not watched.troubles


def test_the_truth_is_that_of_the_slider_moved_last(show):
    explorer = example("FaceExplorer")
    widget = show(explorer).root
    original = pixels(widget.locator("[data-face=original]"))
    assert np.array_equal(original, explorer.thumbnails[0])
    for name, value, near in [
        ("Smiling", 20, 4),
        ("Smiling", 4, 2),
        ("Hair length", -20, 0),
        ("Hair length", 11, 2),
        ("Age", 20, 1),  # has no truth: that of the hair stays out of it
    ]:
        drive(widget, name, value)
        film = widget.locator(".vf-strip canvas:not([hidden])").all()
        shown = name if name in explorer.truths else None
        assert widget.locator(".vf-film").is_visible() == bool(shown)
        if not shown:
            continue
        truths = explorer.truths[name][0].astype(int)
        assert len(film) == len(truths)
        for canvas, truth in zip(film, truths, strict=True):
            assert np.abs(pixels(canvas) - truth).mean() < 3  # JPEG
        marked = [canvas.evaluate("n => n.matches('.vf-near')") for canvas in film]
        assert marked == [k == near for k in range(len(film))]
        beside = pixels(widget.locator("[data-face=truth]"))
        assert np.array_equal(beside, pixels(film[near]))


def test_mouse_and_keys_move_the_radius(show):
    explorer = example("RadiusExplorer")
    watched = show(explorer)
    page, widget = watched.page, watched.root

    def place():
        settle(widget)
        return widget.get_attribute("data-shape"), float(widget.get_attribute("data-r"))

    assert place() == ("sphere", 16)
    slider(widget).focus()
    for key, r in [("ArrowRight", 16.25), ("End", 40), ("Home", 0)]:
        press(page, key)
        assert place() == ("sphere", r)
    ground = widget.locator(".vx-ground").bounding_box()
    y = ground["y"] + 30
    x = [ground["x"] + share * ground["width"] for share in (0.2, 0.4)]
    drag(page, (x[0], y), (x[1], y))
    assert place() == ("sphere", 16)
    before = models_shown(widget, "VAE")
    widget.locator("select").select_option("uniform in the cube from −r to r")
    shape, r = place()
    assert (shape, r) == ("cube", pytest.approx(16 * np.sqrt(3 / DIMENSIONS), abs=0.05))
    assert explorer.length("cube", r) == pytest.approx(16, abs=0.5)
    assert f"r = {r:.2f}, codes about" in widget.locator("p.vx-words").inner_text()
    assert not np.array_equal(before, models_shown(widget, "VAE"))
    assert not watched.troubles


def test_the_hills_are_where_the_codes_are(show):
    explorer = example("RadiusExplorer")
    widget = show(explorer).root
    for words in ("on a sphere of radius r", "uniform in the cube from −r to r"):
        widget.locator("select").select_option(words)
        drive(widget, None, 60)
        shape, r = (
            widget.get_attribute("data-shape"),
            float(widget.get_attribute("data-r")),
        )
        ground = widget.locator(".vx-ground").bounding_box()
        scale = ground["width"] / explorer.reach[shape] / explorer.length(shape, 1)
        hill = widget.locator(".vi-hill.vx-k0").bounding_box()
        ends = hill["x"], hill["x"] + hill["width"]
        high = explorer.radii["AE"].max() * scale
        assert ends[1] - ground["x"] == pytest.approx(
            min(high, ground["width"]), abs=0.5 * scale + 3
        )
        length = explorer.length(shape, r)
        shares = {name: explorer.share(name, length) for name in explorer.names}
        text = widget.locator("p.vx-words").inner_text()
        for name, share in shares.items():
            said = text[text.index(f" {name} ") :].split(" ")[2].strip(",.")
            number = {"none": 0, "all": 100}.get(said) or float(
                said.replace("none", "0")
            )
            assert number == pytest.approx(100 * share, abs=1.1)


def test_the_strips_are_those_of_the_strength(show):
    explorer = example("BetaExplorer")
    watched = show(explorer)
    page, widget = watched.page, watched.root
    assert widget.get_attribute("data-run") == "0.1"

    def strip(kind):
        return [pixels(c) for c in widget.locator(f"[data-faces={kind}] canvas").all()]

    for key, run in [("ArrowRight", "1"), ("End", "10"), ("Home", "0")]:
        slider(widget).press(key)
        row = explorer.rows[explorer.names.index(run)]
        assert widget.get_attribute("data-run") == run
        assert widget.locator("output").inner_text() == run
        assert slider(widget).get_attribute("aria-valuetext") == f"β = {run}"
        for kind, images in [
            ("originals", explorer.originals),
            ("reconstructions", row.reconstructions),
            ("random", row.random),
        ]:
            shown = np.stack(strip(kind))
            assert shown.shape == images.shape
            assert np.abs(shown - images.astype(int)).mean() < 3  # JPEG
        cells = widget.locator("td").all_inner_texts()
        assert cells == list(row.numbers.values())
        ground = widget.locator(".vx-ground").bounding_box()
        hill = widget.locator(".vi-hill").bounding_box()
        reach = 0.5 * max(len(row.counts) for row in explorer.rows)
        share = 0.5 * len(row.counts) / reach
        assert hill["width"] == pytest.approx(share * ground["width"], abs=3)
        mark = widget.locator(".vb-prior").bounding_box()
        share = 16 / reach
        assert mark["x"] - ground["x"] == pytest.approx(share * ground["width"], abs=2)
    box = slider(widget).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4 + 4, box["y"] + box["height"] / 2)
    assert widget.get_attribute("data-run") == "0.01"
    assert not watched.troubles


# ---- Who looks at them


@pytest.mark.parametrize(("width", "least"), [(1280, 192), (700, 192), (390, 165)])
def test_a_face_is_large_and_smooth(show, width, least):
    widget = show(
        example("FaceExplorer"), viewport={"width": width, "height": 900}
    ).root
    for canvas in widget.locator("[data-face]").all():
        assert canvas.bounding_box()["width"] >= least
        assert canvas.evaluate("node => node.width") >= 480
        rendering = "node => getComputedStyle(node).imageRendering"
        assert canvas.evaluate(rendering) == "auto"
