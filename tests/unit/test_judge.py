"""Anyone's images, brought to a model's form and measured with the course's ruler."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import uniform_filter

from vaetut import analysis
from vaetut.__main__ import main
from vaetut.datasets import polar
from vaetut.datasets.files import save_folder
from vaetut.datasets.polar.pictures import (
    View,
    align,
    normalise_stroke,
    read_strokes,
    to_canvas,
)
from vaetut.measures.judge import MEASURES, judge
from vaetut.models import NETWORKS, VAE

POINTS = np.array([[1.3, 0.9], [0.8, 0.3], [1.7, 0.5], [1.0, 1.8]])
HOLE, SET = POINTS[:1], "polar-64-punctured"


@pytest.fixture
def pictures(tmp_path):
    for name, grey in (("dark.png", 40), ("light.jpg", 200)):
        Image.fromarray(np.full((50, 40, 3), grey, np.uint8)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not an image")
    return tmp_path


def test_judge_reports_each_image_and_the_means(capsys, pictures):
    assert main(["judge", "fashion-vae", str(pictures), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["file"] for row in report["images"]] == ["dark.png", "light.jpg"]
    errors = [row["mse"] for row in report["images"]]
    assert report["mean"]["mse"] == pytest.approx(np.mean(errors))
    assert main(["judge", "fashion-ae", str(pictures)]) == 0
    assert "mean" in capsys.readouterr().out


def test_judge_names_what_it_cannot_read(capsys, pictures):
    (pictures / "broken.png").write_bytes(b"no image")
    assert main(["judge", "fashion-ae", str(pictures)]) == 1
    assert "broken.png" in capsys.readouterr().err
    assert main(["judge", "fashion-ae", str(pictures / "nowhere")]) == 1
    assert "not a folder" in capsys.readouterr().err


def test_judge_wants_images(capsys, tmp_path):
    assert main(["judge", "fashion-ae", str(tmp_path)]) == 1
    assert "holds no image" in capsys.readouterr().err


# ---- To the model's canvas, without any model


def drawn(points, size=256, **options):
    return polar.draw(points, size, **options)[..., 0] / np.float32(255)


def on_axes(limits, height, width, points=POINTS):
    """Show curves on other axes: look up points in images that are larger by far."""
    left, right, bottom, top = limits
    y = top - (np.arange(height) + 0.5) * (top - bottom) / height
    x = left + (np.arange(width) + 0.5) * (right - left) / width
    rows, columns = (((4 + side) * 256).astype(int) for side in (-y, x))
    large = [uniform_filter(image, 7) for image in drawn(points, 2048)]
    return np.stack(large)[:, rows.clip(0, 2047)[:, None], columns.clip(0, 2047)]


def same(images, points, size, canvas="square", least=0.9):
    true = polar.CANVASES[canvas](points, size)
    threshold = 0.5 * min(1, size / 128)
    assert analysis.iou(np.stack(images), true, threshold).min() > least


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("given", [256, 300, 512])
def test_another_size_is_reduced_to_what_would_be_drawn(size, given):
    images = [to_canvas(image, size) for image in drawn(POINTS, given)]
    same(images, POINTS, size, least=0.95)
    true = polar.draw(POINTS, size)
    assert np.square((np.stack(images) - true / 1.0) / 255).mean() < 2e-4
    assert np.stack(images).mean() == pytest.approx(true.mean(), rel=0.04)


def test_an_image_in_the_models_form_stays_what_it_is():
    for image in polar.draw(POINTS, 64):
        assert np.array_equal(to_canvas(image[..., 0] / np.float32(255), 64), image)
    view = View(form="reference")
    for image in polar.draw_reference(POINTS, 64):
        picture = image[..., 0] / np.float32(255)
        assert np.array_equal(to_canvas(picture, 64, "reference", view), image)


@pytest.mark.parametrize(
    "limits, shape, view",
    [
        ((-5, 5, -5, 5), (500, 500), View(limits=(-5, 5, -5, 5))),
        ((-4, 5, -5, 4), (450, 450), View(limits=(-4, 5, -5, 4))),
        ((-6, 6, -4, 4), (400, 600), View()),  # shows more along x
        ((-4, 4, -6, 6), (600, 400), View()),  # and along y
        ((-4, 4, -4, 4), (400, 700), View(aspect="stretched")),
        ((-5, 4, -4, 6), (600, 450), View((-5, 4, -4, 6), "stretched")),
    ],
)
def test_other_axes_give_the_same_image_and_the_same_factors(limits, shape, view):
    points = POINTS[[0, 3]]
    pictures = on_axes(limits, *shape, points)
    for picture, point in zip(pictures, points, strict=True):
        found = align(picture, 64, view=view)
        assert found.factors == pytest.approx(point, abs=0.01)
        assert found.residual < 0.02
        same([found.image], point[None], 64, least=0.85)


def test_a_wrong_aspect_is_seen_in_the_residual():
    picture = on_axes((-4, 4, -4, 4), 400, 700, HOLE)[0]
    assert align(picture, 64).residual > 0.1


@pytest.mark.parametrize("width, least", [(0.5, 0.95), (1.6, 0.95), (2, 0.9), (3, 0.8)])
def test_other_line_widths_are_normalised_without_drawing_anew(width, least):
    pictures = drawn(POINTS[:2], 512, line_width=4 * width)
    found = [align(picture, 64) for picture in pictures]
    same([one.image for one in found], POINTS[:2], 64, least=least)
    for one, point in zip(found, POINTS[:2], strict=True):
        assert one.stroke == "normalised"
        assert one.ink_ratio == pytest.approx(width, rel=0.2)
        assert np.linalg.norm(one.factors - point) < (0.01 if width < 1 else 0.1)
    # What is no part of the curve is still there afterwards.
    pictures[0, 48 : 48 + int(4 * width), 40:200] = 1
    assert normalise_stroke(pictures[0], POINTS[0], 64)[5:8, 5:25].max() > 60


def test_strokes_like_the_models_are_left_as_given():
    for width in (0.9, 1.0, 1.1):
        found = align(drawn(HOLE, 512, line_width=4 * width)[0], 128)
        assert found.stroke == "as given"
        assert found.factors == pytest.approx(HOLE[0], abs=0.01)


def test_dim_strokes_are_brightened():
    found = align(0.4 * drawn(HOLE, 512)[0], 128)
    assert found.stroke == "normalised"
    assert found.ink_ratio == pytest.approx(0.4, abs=0.02)
    same([found.image], HOLE, 128, least=0.8)


def test_any_canvas_is_aligned_to_any_other():
    view, points = View(form="reference"), POINTS[[0, 3]]
    for picture, point in zip(drawn(points, 512), points, strict=True):
        found = align(picture, 64, "reference")
        assert np.linalg.norm(found.factors - point) < 0.02
        same([found.image], point[None], 64, "reference")
    for picture, point in zip(polar.draw_reference(points), points, strict=True):
        picture = picture[..., 0] / np.float32(255)
        small = align(picture, 64, "reference", view)
        assert small.stroke == "as given"
        same([small.image], point[None], 64, "reference")
        found = align(picture, 64, view=view)
        assert np.linalg.norm(found.factors - point) < 0.1
        same([found.image], point[None], 64, least=0.75)


@pytest.mark.parametrize("what", ["square", "noise", "ellipse"])
def test_what_is_no_such_curve_has_a_high_residual(what):
    y, x = np.mgrid[:256, :256] - 128
    shapes = {
        "square": np.maximum(abs(x), abs(y)) // 2 == 30,
        "noise": np.random.default_rng(0).random((256, 256)) > 0.95,
        "ellipse": abs(np.hypot(x / 1.4, y) - 45) < 1.5,
    }
    assert align(shapes[what].astype(np.float32), 64).residual > 0.1


@pytest.mark.parametrize(
    "picture, view, words",
    [
        (np.ones((9, 9)), View(), "its size is too small, 9×9"),
        (drawn(HOLE)[0], View(limits=(4, -4, -4, 4)), "xmin < xmax"),
        (drawn(HOLE)[0], View(limits=(9, 17, -4, 4)), "are --limits right"),
        (drawn(HOLE)[0], View(aspect="auto"), "aspect is 'auto'"),
        (drawn(HOLE)[0], View(form="round"), "form is 'round'"),
    ],
)
def test_a_picture_that_cannot_be_aligned_is_an_error_that_says_why(
    picture, view, words
):
    with pytest.raises(ValueError, match=words.replace("(", ".")):
        to_canvas(picture, 64, view=view)


# ---- Reading


def written(path, array, mode=None):
    Image.fromarray(array, mode).save(path)
    return path


def test_every_kind_of_picture_is_read_as_white_on_black(tmp_path):
    grey = polar.draw(HOLE, 128)[0, ..., 0]
    none, full = np.zeros_like(grey), np.full_like(grey, 255)
    kinds = {
        "grey": (grey, False),
        "deep": (grey.astype(np.uint16) * 257, False),
        "paper": (255 - grey, True),
        "blue": (np.stack([none, none, grey], -1), False),
        "red on paper": (np.stack([full, 255 - grey, 255 - grey], -1), True),
        "clear": (np.stack([full, full, full, grey], -1), False),
        "black on nothing": (np.stack([none, none, none, grey], -1), True),
    }
    for name, (array, invert) in kinds.items():
        read = read_strokes(written(tmp_path / f"{name}.png", array), invert)
        assert np.abs(read - grey / 255).max() < 0.01, name


@pytest.mark.parametrize(
    "array, invert, words",
    [
        (255 - polar.draw(HOLE, 64)[0, ..., 0], False, "polarity.*--invert takes"),
        (polar.draw(HOLE, 64)[0, ..., 0], True, "polarity.*leave out --invert"),
        (polar.draw(HOLE, 64)[0, ..., 0] // 64, False, "range.*brightest pixel"),
        (polar.draw(HOLE, 64)[0, ..., 0] // 2 + 60, False, "range.*background"),
    ],
)
def test_what_is_wrong_with_a_picture_is_named(tmp_path, array, invert, words):
    with pytest.raises(ValueError, match="one.png has the wrong " + words):
        read_strokes(written(tmp_path / "one.png", array), invert)


# ---- With a model


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    encoder, decoder = NETWORKS["upsampling"]
    shape, filters = (64, 64, 1), (4, 4, 4, 4)
    return VAE(
        encoder(shape, 3, filters, heads=("mean",)),
        decoder(shape, 3, filters),
        posterior_sd=0.1,
    )


@pytest.fixture
def curves(tmp_path):
    points = np.vstack([POINTS, [[1.25, 0.62]]])
    for k, image in enumerate(polar.draw(points, 200)[..., 0]):
        written(tmp_path / f"{k}.png", image)
    return tmp_path


def test_a_strangers_curves_are_measured_as_trained_runs_are(model, curves):
    report = judge(model, curves, SET)
    rows = report["images"]
    assert [row["region"] for row in rows] == ["hole", "far", "far", "far", "shell"]
    assert {row["stroke"] for row in rows} == {"as given"}
    assert not any(row["warnings"] for row in rows)
    for name in MEASURES:
        values = [row[name] for row in rows]
        assert report["mean"][name] == pytest.approx(np.mean(values))
        assert report["regions"]["far"][name] == pytest.approx(np.mean(values[1:4]))
    counts = {name: row["images"] for name, row in report["regions"].items()}
    assert counts == {"hole": 1, "shell": 1, "far": 3}
    images = np.stack(
        [to_canvas(read_strokes(curves / f"{k}.png"), 64) for k in range(5)]
    )
    logits = model.decode_logits(model.encode(images)[0])
    excess = analysis.excess_bce(images, logits)
    assert [row["excess_bce"] for row in rows] == pytest.approx(excess)
    for row in rows:
        error = np.linalg.norm(np.subtract(row["factors"], row["drawn_factors"]))
        assert row["factor_error"] == pytest.approx(error)


def test_the_courses_own_folders_are_judged_by_their_factors(model, tmp_path):
    data = polar.make_polar(n=20, size=64, split="test")
    save_folder(data, tmp_path / "test")
    rows = judge(model, tmp_path / "test", SET)["images"]
    assert [row["true_factors"] for row in rows] == data.factors.tolist()
    table = tmp_path / "test" / "factors.csv"
    table.write_text(table.read_text().replace("0.png", "7.png"))
    with pytest.raises(ValueError, match=r"no a and b of 0\.png"):
        judge(model, tmp_path / "test", SET)


def test_factors_that_an_image_does_not_show_are_a_warning(model, curves):
    lines = [f"{k}.png,{a},{b}" for k, (a, b) in enumerate([*POINTS, (0.6, 1.9)])]
    (curves / "factors.csv").write_text("\n".join(["file,a,b", *lines]))
    rows = judge(model, curves, SET)["images"]
    assert [len(row["warnings"]) for row in rows] == [0, 0, 0, 0, 1]
    assert "factors.csv says (0.60, 1.90)" in rows[4]["warnings"][0]
    (curves / "factors.csv").write_text("\n".join(["file,a,b,sha256", "0.png,1,1,0"]))
    with pytest.raises(ValueError, match="SHA-256"):
        judge(model, curves, SET)


def test_the_command_prints_a_table_or_json_and_warns(
    capsys, monkeypatch, model, curves
):
    run = SimpleNamespace(model=model, record=SimpleNamespace(fields={"dataset": SET}))
    monkeypatch.setattr("vaetut.runs.load_or_train", lambda *args, **options: run)
    y, x = np.mgrid[:200, :200] - 100
    frame = (np.maximum(abs(x), abs(y)) // 2 == 30).astype(np.uint8) * 255
    written(curves / "frame.png", frame)
    assert main(["judge", "polar-vae", str(curves)]) == 0
    out, err = capsys.readouterr()
    head, *lines = out.splitlines()
    assert head.split()[:4] == ["file", "bce", "excess", "mse"]
    assert [line.split()[0] for line in lines][-4:] == [
        "mean",
        "hole,",
        "shell,",
        "far,",
    ]
    assert "no curve" in lines[5] and "frame.png: no curve r = " in err
    command = ["judge", "polar-vae", str(curves), "--json", "--limits", "-5", "5"]
    assert main([*command, "-5", "5", "--aspect", "stretched"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["images"][5]["region"] is None
    assert report["images"][1]["factors"] == pytest.approx([1, 0.375], abs=0.02)
    assert main(["judge", "polar-vae", str(curves), "--invert"]) == 1
    assert "0.png has the wrong polarity" in capsys.readouterr().err


def test_options_of_curves_are_refused_for_other_models(capsys, pictures):
    assert main(["judge", "fashion-ae", str(pictures), "--invert"]) == 1
    assert "for models of polar curves" in capsys.readouterr().err
