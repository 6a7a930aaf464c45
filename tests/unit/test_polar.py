"""The polar sets: geometry by hand, pixels against a supersampled curve, files."""

import json
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import binary_dilation, gaussian_filter
from scipy.spatial import cKDTree

from vaetut import atomic, datasets
from vaetut.datasets import DataError, Dataset, files, polar

SEEDS = range(40)
CORNERS = [[0.5, 0.0], [2.0, 0.0], [0.5, 2.0], [2.0, 2.0]]
HOLES = ("disc-0.1", "disc-0.5", "disc-0.7", "corner", "band", "half")
NAMES = [
    f"polar{name}{end}"
    for name in ("", "-128", "-64", "-reference", "-reference-64")
    for end in (
        "",
        "-punctured",
        *(f"-without-{hole}" for hole in HOLES if name == "-64"),
    )
]


# Geometry


def test_the_radius_is_the_formula():
    assert polar.curve(1.25, 0.5, 0.0) == 1.75
    assert polar.curve(1.25, 0.5, np.pi) == pytest.approx(0.75)
    radii = polar.curve(np.array([[1.0], [2.0]]), 0.0, np.linspace(0, 1, 7))
    np.testing.assert_array_equal(radii, [[1.0] * 7, [2.0] * 7])


def test_contours_are_closed_and_have_the_shape_of_their_factors():
    a, b = np.full((2, 3), 1.0), np.full((2, 3), 0.5)
    points = polar.contour(a, b, n=101)
    assert points.shape == (2, 3, 101, 2)
    np.testing.assert_array_equal(points[..., 0, :], points[..., -1, :])
    np.testing.assert_allclose(points[0, 0, 50], [1.5, 0.0], atol=1e-15)  # θ = 0
    np.testing.assert_allclose(points[0, 0, 0], [-0.5, 0.0], atol=1e-15)  # θ = −π
    assert polar.contour(1.0, 0.5).shape == (500, 2)


def test_samples_fill_the_rectangle_and_do_not_depend_on_n():
    points = polar.sample(5000, seed=3)
    np.testing.assert_array_equal(points[:70], polar.sample(70, seed=3))
    assert (points != polar.sample(5000, seed=4)).all()
    np.testing.assert_allclose(points.min(axis=0), [0.5, 0.0], atol=0.01)
    np.testing.assert_allclose(points.max(axis=0), [2.0, 2.0], atol=0.01)
    np.testing.assert_allclose(points.mean(axis=0), [1.25, 1.0], atol=0.03)


def test_the_hole_removes_its_edge_and_nothing_beyond():
    points = [[1.25, 1.0], [1.5, 1.0], [1.25, 0.75], [1.51, 1.0], [0.5, 0.0]]
    kept = polar.outside(points, polar.Disc((1.25, 1.0), 0.25))
    assert kept.tolist() == [False, False, False, True, True]


def test_a_curve_crosses_itself_where_its_radius_turns_negative():
    points = polar.sample(200, 1)
    crossed = polar.crosses(points)
    radii = polar.curve(*points.T[..., None], np.linspace(-np.pi, np.pi, 1001))
    np.testing.assert_array_equal(crossed, radii.min(axis=1) < 0)
    assert polar.crosses([[1, 1], [1, 1.1]]).tolist() == [False, True]
    assert 0 < crossed.mean() < 1 and polar.crosses(np.empty((0, 2))).shape == (0,)


def test_what_is_not_in_a_hole_is_outside_unless_nothing_is():
    points = polar.sample(50, 1)
    for hole in polar.HOLES:
        inside = polar.in_hole(points, hole)
        np.testing.assert_array_equal(polar.outside(points, hole), ~inside)
    assert polar.in_hole(CORNERS, polar.Disc(radius=5)).all()
    assert polar.in_hole(np.empty((0, 2))).shape == (0,)


def test_the_hole_takes_the_share_of_its_area():
    removed = [polar.in_hole(polar.sample(5000, seed)).mean() for seed in SEEDS]
    expected = np.pi * 0.3**2 / 3
    assert round(expected, 3) == 0.094
    # the standard error of 40 draws of 5,000 points is 0.07 %
    assert np.mean(removed) == pytest.approx(expected, abs=0.002)


def test_transects_cross_the_hole_at_the_points_computed_by_hand():
    p1, p2, p3 = (polar.transect(*polar.TRANSECTS[p]) for p in ("P1", "P2", "P3"))
    np.testing.assert_allclose(p1[[0, 1, 7, 14], 1], [0, 1 / 7, 1, 2])
    np.testing.assert_array_equal(p1[:, 0], 1.25)
    np.testing.assert_allclose(p2[[0, 1, 7, 14], 0], [0.5, 0.5 + 1.5 / 14, 1.25, 2])
    np.testing.assert_allclose(p3[7], [1.25, 1.0])
    np.testing.assert_allclose(p3[1], [0.5 + 1.5 / 14, 2 - 1 / 7])
    # steps of 1/7, 3/28 and 5/28 against a radius of 0.3: 2, 2 and 1 on either side
    inside = [polar.in_hole(p).sum() for p in (p1, p2, p3)]
    assert inside == [5, 5, 3]


def test_the_lattice_lies_as_in_a_plot():
    points = polar.grid(3, 4)
    assert points.shape == (12, 2)
    assert points[[0, 3, 8, 11]].tolist() == [[0.5, 2], [2, 2], [0.5, 0], [2, 0]]
    assert points[1].tolist() == [1.0, 2.0] and points[4].tolist() == [0.5, 1.0]


def test_small_amplitudes_weigh_most():
    weights = polar.weights([[1, 0.0], [2, 0.5], [0.5, 2.0]])
    assert weights.tolist() == [1.0, 0.75, 0.0]


# Pixels


def supersampled(a, b, size, times=15):
    """Return an image from the distances of fine pixels to a finely drawn curve."""
    scale, fine = size / (2 * polar.render.LIMIT), (np.arange(times) + 0.5) / times
    curve = size / 2 + scale * polar.contour(a, b, n=60 * size) * [1, -1]
    near = np.zeros((size, size), bool)
    near[tuple(curve.astype(int).T[::-1])] = True
    near = np.argwhere(binary_dilation(near, iterations=2))
    pixels = near[:, None, None, ::-1] + np.stack(np.meshgrid(fine, fine), axis=-1)
    reach = size / 128 / 2
    distances, _ = cKDTree(curve).query(pixels, distance_upper_bound=reach)
    image = np.zeros((size, size))
    image[tuple(near.T)] = np.isfinite(distances).mean(axis=(1, 2))
    return image


@pytest.mark.parametrize("factors", [(1.25, 0.4), (1.25, 1.0), (0.8, 1.6)])
def test_strokes_are_those_of_a_supersampled_curve(factors):
    difference = polar.draw([factors])[0, ..., 0] / 255 - supersampled(*factors, 256)
    assert (difference**2).mean() < 2e-5
    assert abs(difference.mean()) < 2e-4


@pytest.mark.parametrize("size", [64, 128, 256])
def test_every_size_has_the_same_ink(size):
    images = polar.draw(polar.sample(1000, seed=0), size)
    assert images.shape == (1000, size, size, 1) and images.dtype == np.uint8
    assert 0.0215 < images.mean() / 255 < 0.0223
    assert images.max() == 255


def test_a_circle_has_the_ink_of_its_circumference_and_no_overlap():
    image = polar.draw([[1.5, 0.0]], 256, line_width=1.0)[0, ..., 0]
    assert image.sum() / 255 == pytest.approx(2 * np.pi * 1.5 * 32, rel=0.01)
    ring = image[126:130, 128 + 46 : 128 + 51].astype(int)  # at θ = 0, where it closes
    np.testing.assert_allclose(ring.sum(axis=1), 255, atol=3)


def test_images_are_upright_and_centred():
    image = polar.draw([[1.0, 0.5]], 64)[0, ..., 0]
    np.testing.assert_allclose(image.astype(int), image[::-1], atol=1)  # about y = 0
    assert image[:, 32 + 12].any() and not image[:, 32 - 13].any()  # petal to the right


def test_a_smaller_limit_shows_more_closely():
    wide, close = (polar.draw([[1.0, 0.0]], 64, limit=m) for m in (4.0, 2.0))
    assert close.sum() == pytest.approx(2 * wide.sum(), rel=0.02)


@pytest.mark.parametrize("draw", polar.CANVASES.values(), ids=polar.CANVASES)
def test_an_image_depends_on_its_own_factors_only(draw):
    points = polar.sample(6, seed=2)
    together = draw(points, 64)
    alone = np.concatenate([draw(points[[k]], 64) for k in (5, 3, 1)])
    np.testing.assert_array_equal(together[[5, 3, 1]], alone)
    styles = {"path.simplify_threshold": 1.0, "agg.path.chunksize": 101}
    with matplotlib.rc_context(styles | {"path.snap": True}):
        np.testing.assert_array_equal(draw(points, 64), together)
    assert draw(np.empty((0, 2)), 64).shape == (0, 64, 64, 1)


def test_another_process_draws_the_same():
    code = (
        "import hashlib; from vaetut.datasets import polar; "
        "images = polar.make_polar(n=30, seed=5, size=64).images; "
        "print(hashlib.sha256(images.tobytes()).hexdigest())"
    )
    run = [sys.executable, "-c", code]
    found = subprocess.run(run, capture_output=True, check=True, text=True).stdout
    images = polar.make_polar(n=30, seed=5, size=64).images
    assert found.strip() == atomic.sha256(images.tobytes())


def test_the_reference_turns_circles_into_ellipses_and_centres_each_curve():
    circle, star = polar.draw_reference([[1.5, 0.0], [1.5, 1.5]])[..., 0] > 60
    rows, columns = (np.flatnonzero(circle.any(axis=axis)) for axis in (1, 0))
    diameter = 2 * 1.5 * 17.51 + 2.17
    assert np.ptp(rows) + 1 == pytest.approx(diameter * 256 / 172, abs=2)
    assert np.ptp(columns) + 1 == pytest.approx(diameter * 256 / 229, abs=2)
    assert rows.mean() == pytest.approx(83.42 * 256 / 172 - 0.5, abs=1)
    for image in (circle, star):
        columns = np.flatnonzero(image.any(axis=0))
        middle = (columns[0] + columns[-1]) / 2
        assert middle == pytest.approx(118.95 * 256 / 229 - 0.5, abs=1)


# The inverse


@pytest.mark.parametrize(
    ("size", "canvas"), [(64, "square"), (128, "square"), (64, "reference")]
)
def test_factors_are_recovered(size, canvas):
    factors = np.concatenate([polar.sample(30, seed=6), CORNERS])
    images = polar.CANVASES[canvas](factors, size)
    fit = polar.fit_factors(images, canvas)
    np.testing.assert_allclose(fit.factors, factors, atol=0.01)
    assert fit.residual.max() < 1e-3
    scaled = polar.fit_factors(images / 255, canvas)
    np.testing.assert_allclose(scaled.factors, fit.factors, atol=1e-3)


def test_factors_of_soft_dim_noisy_images_are_recovered():
    factors = polar.sample(40, seed=7)
    sharp = polar.draw(factors, 128) / 255
    noise = np.random.default_rng(0).normal(0, 0.01, sharp.shape)
    soft = 0.7 * gaussian_filter(sharp, (0, 1.5, 1.5, 0)) + noise
    fit = polar.fit_factors(np.clip(soft, 0, 1))
    errors = np.abs(fit.factors - factors).max(axis=1)
    assert np.median(errors) < 0.005 and errors.max() < 0.03
    assert fit.residual.max() < 0.05


def test_the_residual_tells_a_star_from_something_else():
    square = np.zeros((1, 64, 64, 1), np.uint8)
    square[:, 20:44, 20:44] = 255
    star = polar.draw([[1.0, 1.0]], 64)
    black = np.zeros_like(star)
    fit = polar.fit_factors(np.concatenate([star, square, black]))
    assert fit.residual[0] < 0.001 < 0.2 < fit.residual[1]
    assert fit.residual[2] == 1 and np.isnan(fit.factors[2]).all()
    assert polar.fit_factors(star[:0]).factors.shape == (0, 2)
    assert np.isnan(polar.fit_factors(black).factors).all()


# Data sets


@pytest.fixture
def blank(monkeypatch):
    """Draw nothing: what a set holds is told by its factors."""
    canvas = {"square": lambda points, size: np.zeros((len(points), 8, 8, 1), np.uint8)}
    monkeypatch.setattr(polar.render, "CANVASES", canvas)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_hole_is_disjoint_from_training_and_test(seed, blank):
    hole, *rest = (
        polar.make_polar(n=300 + seed, seed=seed, split=split, hole="disc").factors
        for split in ("hole", "train", "test")
    )
    distance = np.hypot(*(np.concatenate(rest) - polar.HOLE_CENTER).T)
    assert distance.min() > polar.HOLE_RADIUS
    assert np.hypot(*(hole - polar.HOLE_CENTER).T).max() <= polar.HOLE_RADIUS
    points = np.concatenate([hole, *rest])
    np.testing.assert_array_equal(
        np.sort(points, axis=0), np.sort(polar.sample(300 + seed, seed), axis=0)
    )


@pytest.mark.parametrize(
    ("seed", "counts"),
    [(polar.REFERENCE_SEED, (4499, 501, 4299, 211, 490)), (0, None)],
)
def test_the_reference_numbers_and_no_leak_between_full_and_punctured(
    seed, counts, blank
):
    def factors(*chosen):
        split, punctured = chosen
        return polar.make_polar(
            seed=seed, size=8, split=split, hole="disc" if punctured else None
        ).factors

    splits = [("train", False), ("test", False), ("train", True), ("test", True)]
    splits = [factors(*chosen) for chosen in [*splits, ("hole", True)]]
    if counts:
        assert tuple(map(len, splits)) == counts
    full, full_test, punctured, punctured_test, hole = splits
    assert (len(full), len(full_test)) == (4499, 501)
    assert len(punctured) + len(punctured_test) + len(hole) == 5000
    trained = {tuple(point) for part in (full, punctured) for point in part}
    assert not trained & {tuple(point) for point in punctured_test}


def test_a_set_says_what_it_is():
    data = polar.make_polar(n=40, seed=1, size=32, split="test", hole="disc")
    assert (data.name, data.split) == ("polar-32-punctured", "test")
    assert data.factor_names == ("a", "b") and "CC BY" in data.source
    np.testing.assert_array_equal(data.images, polar.draw(data.factors, 32))
    reference = polar.make_polar(n=40, canvas="reference")
    assert reference.name == "polar-reference"
    np.testing.assert_array_equal(
        reference.images, polar.draw_reference(reference.factors)
    )


def test_the_names_of_the_course_are_loaded_once_and_read_only():
    assert [name for name in datasets.SOURCES if name.startswith("polar")] == NAMES
    data = datasets.load("polar-64-punctured", "test")
    assert data is datasets.load("polar-64-punctured", "test")
    assert data.name == "polar-64-punctured" and data.image_shape == (64, 64, 1)
    assert datasets.load("polar-reference", "test").image_shape == (256, 256, 1)
    for array in (data.images, data.factors):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_every_hole_removes_what_its_name_says():
    points = polar.sample(4000, 3)
    a, b = points.T
    removed = {name: ~polar.outside(points, name) for name in polar.HOLES}
    np.testing.assert_array_equal(removed["disc"], polar.in_hole(points))
    np.testing.assert_array_equal(removed["band"], np.abs(b - 1) <= 0.3)
    np.testing.assert_array_equal(removed["half"], b >= 1)
    np.testing.assert_array_equal(removed["corner"], np.hypot(a - 2, b - 2) <= 0.6)
    for radius in (0.1, 0.5, 0.7):
        near = np.hypot(a - 1.25, b - 1) <= radius
        np.testing.assert_array_equal(removed[f"disc-{radius}"], near)
    # The corner has the area of the disc: what differs is that it is outside.
    assert removed["corner"].mean() == pytest.approx(removed["disc"].mean(), abs=0.02)


@pytest.mark.parametrize("hole", ["corner", "half", polar.Disc((1.0, 1.0), 0.2)])
def test_a_set_with_a_hole_keeps_it_apart(hole):
    data = {s: polar.make_polar(80, size=16, split=s, hole=hole) for s in polar.SPLITS}
    assert sum(map(len, data.values())) == 80
    assert not polar.outside(np.vstack([[9, 0], data["hole"].factors]), hole)[1:].any()
    assert polar.outside(data["train"].factors, hole).all()
    assert polar.outside(data["test"].factors, hole).all()


def test_sources_say_what_they_are_and_find_nothing_wrong():
    for name, source in datasets.SOURCES.items():
        assert source.about and "\n" not in source.about
        drawn = name.startswith(("polar", "faces"))
        assert (source.make is None) == (not drawn)
        assert source.verify() == []


def test_verify_notices_other_points_and_other_ink(monkeypatch):
    monkeypatch.setitem(polar.sets.POINTS_SHA256, 0, "0" * 64)
    monkeypatch.setattr(polar.render, "CANVASES", {"square": lambda f, n: np.ones(1)})
    points, ink = polar.verify("polar-64")
    assert "seed 0" in points and "ink" in ink and "constraints.txt" in ink


@pytest.mark.parametrize("format", ["png", "npz"])
def test_a_source_is_made_on_disk(tmp_path, monkeypatch, format):
    monkeypatch.setitem(polar.SETS, "polar-64-punctured", SMALL)
    paths = polar.make("polar-64-punctured", tmp_path, format)
    read = {"png": files.load_folder, "npz": files.load_npz}[format]
    for path, split in zip(paths, ("train", "test", "hole"), strict=True):
        same(read(path), polar.make_polar(split=split, **SMALL))


SMALL = {"n": 60, "seed": 1, "size": 16, "hole": "disc"}


# Files


def same(one, other):
    for field in ("name", "split", "source", "class_names", "factor_names"):
        assert getattr(one, field) == getattr(other, field)
    for field in ("images", "factors", "labels", "attributes"):
        left, right = getattr(one, field), getattr(other, field)
        assert (left is None) == (right is None)
        if left is not None:
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)


def coloured():
    rng = np.random.default_rng(0)
    return Dataset(
        name="x",
        split="train",
        images=rng.integers(0, 256, (11, 4, 6, 3), dtype=np.uint8),
        source="nobody",
        labels=np.arange(11) % 2,
        class_names=("even", "odd"),
        factors=rng.normal(size=(11, 2)).astype(np.float32),
        attributes=rng.random((11, 3)) < 0.5,
        attribute_names=("p", "q", "r"),
    )


FORMS = {
    "folder": (files.save_folder, files.load_folder),
    "npz": (files.save_npz, files.load_npz),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "data",
    [
        polar.make_polar(n=20, size=16),
        coloured(),
        coloured().take([]),
        datasets.load("fashion-mnist", "test").take(slice(3)),
    ],
    ids=["polar", "colour", "empty", "labels"],
)
def test_files_round_trip_exactly(tmp_path, form, data):
    save, load = FORMS[form]
    path = tmp_path / "new" / "set"
    save(data, path)
    same(load(path), data)
    assert [p.name for p in path.parent.iterdir()] == ["set"]  # nothing else stays


def test_the_table_is_for_people(tmp_path):
    data = polar.make_polar(n=20, size=16)
    files.save_folder(data, tmp_path / "set")
    header, first, *_ = (tmp_path / "set" / "factors.csv").read_text().splitlines()
    assert header == "file,sha256,a,b"
    assert first.startswith("00.png,")
    assert first.endswith(",".join(repr(float(v)) for v in data.factors[0]))
    picture = np.asarray(Image.open(tmp_path / "set" / "00.png"))
    np.testing.assert_array_equal(picture, data.images[0, ..., 0])


@pytest.mark.parametrize("name", ["07.png", "factors.csv", "dataset.json"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "altered"])
def test_a_damaged_folder_names_the_file_and_the_mend(tmp_path, name, damage):
    files.save_folder(polar.make_polar(n=20, size=16), tmp_path / "set")
    path = tmp_path / "set" / name
    raw = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(raw[: len(raw) // 2])
    else:
        path.write_bytes(raw.replace(b"16", b"17").replace(b"IDAT", b"IDAx"))
        if raw == path.read_bytes():
            path.write_bytes(raw[:-1] + b"9")
    with pytest.raises(DataError, match="again") as error:
        files.load_folder(tmp_path / "set")
    assert name in str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"no zip", None, "half", "flipped", "other arrays", "pickle"]
)
def test_a_damaged_npz_names_the_file_and_the_mend(tmp_path, content):
    path = tmp_path / "set.npz"
    files.save_npz(polar.make_polar(n=20, size=16), path)
    raw = path.read_bytes()
    if content is None:
        path.unlink()
    elif content == "other arrays":
        np.savez(path, images=np.zeros(3))
    elif content == "pickle":
        np.savez(path, about=np.array({}, dtype=object))
    else:
        middle = len(raw) // 2
        flipped = raw[:middle] + bytes([raw[middle] ^ 255]) + raw[middle + 1 :]
        path.write_bytes({"half": raw[:middle], "flipped": flipped}.get(content, b"x"))
    with pytest.raises(DataError, match="again") as error:
        files.load_npz(path)
    assert "set.npz" in str(error.value)


@pytest.mark.parametrize("form", FORMS)
def test_a_write_that_fails_leaves_what_was_there(tmp_path, form, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    save, load = FORMS[form]
    path = tmp_path / "set"
    data = polar.make_polar(n=20, size=16)
    if form == "npz":
        save(data, path)
    monkeypatch.setattr(atomic.os, "replace", full)
    with pytest.raises(DataError, match="No space left") as error:
        save(polar.make_polar(n=30, size=16), path)
    assert "free some space" in str(error.value)
    if form == "npz":
        same(load(path), data)
    assert len(list(tmp_path.iterdir())) == (form == "npz")


def test_a_folder_in_use_is_not_written_over(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        files.save_folder(polar.make_polar(n=20, size=16), tmp_path)
    with pytest.raises(ValueError, match="2 channels"):
        files.save_folder(
            Dataset("x", "train", np.zeros((1, 4, 4, 2), np.uint8), ""), tmp_path / "x"
        )


# Bad input

NAN = float("nan")
STAR = np.zeros((1, 32, 32, 1), np.uint8)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: polar.curve(NAN, 1, 0), "a holds NaN"),
        (lambda: polar.curve(1, np.inf, 0), "b holds NaN"),
        (lambda: polar.contour(1, 1, n=2), "n must be a whole number >= 3, not 2"),
        (lambda: polar.contour(1, 1, n=9.5), "whole number"),
        (lambda: polar.sample(0, 0), ">= 1, not 0"),
        (lambda: polar.sample(5, -1), "seed must be a whole number >= 0, not -1"),
        (lambda: polar.sample(5, 0, a_range=(2, 1)), "a_range"),
        (lambda: polar.sample(5, 0, b_range=(0, NAN)), "b_range"),
        (lambda: polar.in_hole(CORNERS, polar.Disc(radius=-0.3)), "above 0, not -0.3"),
        (lambda: polar.outside([[1, 1]], polar.Disc(radius=NAN)), "radius holds NaN"),
        (
            lambda: polar.outside([[1, 1]], polar.Disc(center=(NAN, 1))),
            "center holds NaN",
        ),
        (lambda: polar.outside([[1, 1]], polar.Disc(center=1.25)), "one point"),
        (lambda: polar.outside([[1, NAN]]), "factors holds? NaN"),
        (lambda: polar.outside([1.25, 1]), r"must be \(n, 2\), .* not \(2,\)"),
        (lambda: polar.outside(CORNERS, polar.Disc(radius=5)), "removes all 4"),
        (lambda: polar.transect((1, 0), (1, 1), n=1), "n must be .* >= 2"),
        (lambda: polar.transect((1, 0), (1, 1, 1)), "end"),
        (
            lambda: polar.transect((1, 0), (1, 2.1)),
            r"leaves the plane: its end \(1, 2.1",
        ),
        (lambda: polar.outside(CORNERS, "disk"), "no hole 'disk': choose one of disc"),
        (lambda: polar.grid(1, 5), "rows must be .* >= 2, not 1"),
        (lambda: polar.grid(5, 1), "cols must be .* >= 2, not 1"),
        (lambda: polar.weights([[1, 2.5]]), "outside b_range"),
        (lambda: polar.draw([[1, 1]], size=4), "size must be .* from 8 to 4096"),
        (lambda: polar.draw([[1, 1]], size=1e9), "whole number"),
        (lambda: polar.draw([[1, 1]], size=10**9), "from 8 to 4096"),
        (lambda: polar.draw([[1, 1]], line_width=0), "line_width must be above 0"),
        (lambda: polar.draw([[1, 1]], line_width=99), "quarter"),
        (lambda: polar.draw([[1, 1]], limit=NAN), "limit holds NaN"),
        (lambda: polar.draw([[1, 1, 1]]), r"factors must be \(n, 2\)"),
        (lambda: polar.draw([[1, NAN]]), "NaN"),
        (lambda: polar.draw_reference([[1, 1]], size=0), "size must be .* not 0"),
        (lambda: polar.fit_factors(STAR[0]), "shape"),
        (lambda: polar.fit_factors(STAR[:, :8]), "shape"),
        (lambda: polar.fit_factors(STAR[:, :8, :8]), "size must be .* from 16"),
        (lambda: polar.fit_factors(STAR + 2.0), "scale them"),
        (lambda: polar.fit_factors(STAR * NAN), "images holds? NaN"),
        (lambda: polar.fit_factors(STAR + np.uint8(1), "round"), "no canvas 'round'"),
        (lambda: polar.make_polar(n=1), "n must be .* >= 2, not 1"),
        (lambda: polar.make_polar(n=2, size=0), "size must be .* not 0"),
        (lambda: polar.make_polar(split="dev"), "train, test"),
        (lambda: polar.make_polar(split="hole"), "train, test"),
        (lambda: polar.make_polar(canvas="round", n=5), "square, reference"),
        (lambda: polar.make_polar(n=9, hole=polar.Disc(radius=5)), "removes all 9"),
        (
            lambda: polar.make_polar(n=2, seed=1, hole="disc", split="hole"),
            "none is left",
        ),
        (lambda: polar.load("polar-65"), "polar-64"),
        (lambda: datasets.load("polar-64", "hole"), "train, test"),
        (lambda: polar.make("polar-64", "x", "zip"), "png, npz"),
    ],
)
def test_input_that_makes_no_sense_is_named(call, word):
    with pytest.raises(ValueError, match=word):
        call()


# The benchmark


def test_the_rivals_draw_the_same_curves():
    from benchmarks import polar_renderer

    factors = polar.sample(3, seed=8)
    ours = polar.draw(factors)[..., 0] / 255
    kept = polar_renderer.figure_kept(factors) / 255
    assert ((ours - kept) ** 2).mean() < 1e-4
    images = polar_renderer.figure_an_image(factors)
    assert images.shape == (3, 256, 256) and 0.005 < (images / 255).mean() < 0.05
    stored = json.loads((polar_renderer.common.RESULTS / STORED).read_text("utf8"))
    first = stored["cases"][0]
    assert first["ours"] > 1500 and first["ratio"] > 20


STORED = "polar_renderer.json"
