"""Regions, metrics, baselines, attribution and sheets whose answers are known."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit

from vaetut.analysis import (
    bernoulli_entropy,
    best_codes,
    chamfer,
    check_strokes,
    excess_bce,
    excess_bce_of_images,
    factor_error,
    gap,
    iou,
    nearest_by_factors,
    nearest_by_pixels,
    neighbour_average,
    region_means,
    regions,
    sheet_statistics,
    soft_dice,
    thin_plate,
    transects,
)

RNG = np.random.default_rng(0)
GREY = RNG.uniform(0.02, 0.98, size=(5, 8, 6, 1))
BLACK = np.zeros((1, 8, 6, 1))


def strokes(*columns, rows=slice(None), shape=(16, 12)):
    """Return images with one upright line each."""
    images = np.zeros((len(columns), *shape, 1))
    for image, column in zip(images, columns, strict=True):
        image[rows, column] = 1
    return images


# ---- What is asked of images


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_strokes_are_floats_in_the_unit_interval(dtype):
    images = strokes(3, 4, shape=(12, 12)).astype(dtype)
    assert check_strokes(images, size=12).dtype == dtype
    assert (check_strokes((255 * images).astype(np.uint8)) == images).all()
    assert check_strokes(images.tolist()).dtype == np.float64
    assert check_strokes(BLACK).sum() == 0  # nothing drawn is no fault of the input


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (BLACK[0], r"shape \(8, 6, 1\): give \(n, height, width, 1\)"),
        (np.zeros((1, 8, 8, 3)), "turns colours grey"),
        ([np.zeros((8, 8, 1)), np.zeros((6, 6, 1))], "differ in shape"),
        (np.zeros((1, 8, 8, 1)), "have 8 x 8 pixels and need 16 x 16"),
        (np.zeros((1, 16, 8, 1)), "have 16 x 8 pixels and need 16 x 16"),
        (np.full((3, 16, 16, 1), 0.9), "mostly bright, 3 of 3.* pass 1 - images"),
        (np.full((3, 16, 16, 1), 230, np.uint8), "pass 255 - images"),
        (np.full((1, 16, 16, 1), 7.0), "run from 7 to 7.*by 1/255"),
        (np.full((1, 16, 16, 1), -0.1), "run from -0.1"),
        (np.zeros((1, 16, 16, 1), int), "dtype int64: give uint8"),
        (np.zeros((1, 16, 16, 1), bool), "dtype bool: give uint8"),
        (np.zeros((0, 16, 16, 1), np.uint8), "images is empty"),
        (np.full((1, 16, 16, 1), np.nan), "images holds NaN"),
    ],
)
def test_what_are_no_strokes_is_said(images, words):
    with pytest.raises(ValueError, match=words):
        check_strokes(images, size=16)


def test_a_size_is_a_whole_number():
    with pytest.raises(ValueError, match="size must be"):
        check_strokes(BLACK, size=8.0)


# ---- Regions


def test_regions_part_the_plane_at_the_edge_and_at_the_shell():
    masks = regions([-0.1, 0, 0.1, 0.11], [[1, 2], [1, 1], [2, 1], [0, 1]])
    assert {name: np.flatnonzero(m).tolist() for name, m in masks.items()} == {
        "hole": [0, 1],
        "shell": [2],
        "far": [3],
        "crossed": [0, 3],
        "uncrossed": [1, 2],
    }
    assert list(regions([0.15], width=0.2)) == ["hole", "shell", "far"]
    assert regions([0.15], width=0.2)["shell"].all()
    assert region_means([1, 3, 5, 7], masks)["hole"] == 2
    assert type(region_means([1, 3, 5, 7], masks)["far"]) is float


# ---- Metrics


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_image_itself_has_no_excess(dtype):
    images = GREY.astype(dtype)
    assert excess_bce(images, logit(images)) == pytest.approx(0, abs=1e-7)
    grey = np.full((1, 4, 4, 1), 0.5)
    p = 0.8  # KL of a coin from one of p
    excess = 0.5 * np.log(0.25 / (p * (1 - p)))
    assert excess_bce(grey, np.full(grey.shape, logit(p))) == pytest.approx([excess])


def test_excess_is_of_the_logits_and_not_clipped():
    assert excess_bce(BLACK, BLACK + 400) == pytest.approx([400])
    assert excess_bce(BLACK, BLACK - 400) == pytest.approx([0], abs=1e-12)
    image = (255 * GREY).astype(np.uint8)
    bce = excess_bce(image, logit(GREY)) + bernoulli_entropy(image / 255) / 48
    by_hand = -(image / 255 * np.log(GREY) + (1 - image / 255) * np.log(1 - GREY))
    assert bce == pytest.approx(by_hand.mean((1, 2, 3)), rel=1e-5)


def test_excess_of_images_is_that_of_logits_within_the_clip():
    other = RNG.uniform(0.02, 0.98, size=GREY.shape)
    expected = excess_bce(GREY, logit(other))
    assert excess_bce_of_images(GREY, other) == pytest.approx(expected)
    eight = np.round(255 * other).astype(np.uint8)
    assert excess_bce_of_images(GREY, eight) == pytest.approx(expected, abs=2e-3)
    floor = -np.log(1 - 1 / 510)
    assert excess_bce_of_images(BLACK, BLACK) == pytest.approx([floor])
    worst = excess_bce_of_images(BLACK, BLACK + 1, clip=0.01)
    assert worst == pytest.approx([-np.log(0.01)])


def test_iou_of_half_an_overlap_is_a_third():
    wide = strokes(slice(2, 4), slice(2, 4), slice(2, 4))
    other = strokes(slice(3, 5), slice(2, 4), slice(7, 9))
    assert iou(wide, other) == pytest.approx([1 / 3, 1, 0])
    assert iou(BLACK, BLACK) == [1]
    assert iou(0.4 * wide, 0.3 * other).tolist() == [1, 1, 1]  # empty, above 0.5
    assert iou(0.4 * wide, 0.3 * other, threshold=0.2) == pytest.approx([1 / 3, 1, 0])


def test_soft_dice_is_one_for_itself_and_linear_in_overlap():
    assert soft_dice(GREY, GREY) == pytest.approx(1)
    assert soft_dice(BLACK, BLACK) == [1]
    wide, other = strokes(slice(2, 4)), strokes(slice(3, 5))
    assert soft_dice(wide, other) == pytest.approx([0.5])
    assert soft_dice(wide, 0.5 * wide) == pytest.approx([0.8])
    assert soft_dice(wide, 0 * wide) == [0]


def test_a_shift_is_its_own_chamfer_distance():
    lines = strokes(3, 3, 3)
    assert chamfer(lines, strokes(3, 4, 8)).tolist() == [0, 1, 5]
    short = strokes(3, rows=slice(4, 12))
    # A line of 16 and its middle 8: 4 + 3 + 2 + 1 pixels away at both ends.
    assert chamfer(lines[:1], short) == pytest.approx([(20 / 16 + 0) / 2])
    assert chamfer(short, lines[:1]) == chamfer(lines[:1], short)


def test_chamfer_of_nothing_is_the_diagonal():
    assert chamfer(BLACK, BLACK) == [0]
    line = strokes(1, shape=(8, 6))
    assert chamfer(BLACK, line) == chamfer(line, BLACK) == [10]
    assert chamfer(0.3 * line, line) == [10]
    assert chamfer(0.3 * line, line, threshold=0.25) == [0]


def test_a_curve_that_is_not_found_is_as_wrong_as_can_be():
    factors = np.array([[0.5, 0.0], [2.0, 2.0], [1.0, 1.5]])
    found = factors + np.array([[0.3, 0.4], [0, 0], [np.nan, 0]])
    assert factor_error(found, factors) == pytest.approx([0.5, 0, np.hypot(1, 1.5)])
    ranges = ((0.0, 3.0), (0.0, 4.0))
    lone = factor_error([[np.nan, np.nan]], [[1, 1]], ranges)
    assert lone == pytest.approx([np.hypot(2, 3)])
    assert np.isnan(found[2, 0])  # as it was passed


# ---- Baselines


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_nearest_by_pixels_is_nearest_of_all_in_every_piece(dtype, monkeypatch):
    monkeypatch.setattr(transects, "_CHUNK", 48 * 7)
    train = RNG.integers(0, 256, size=(30, 8, 6, 1))
    images = train[[4, 29, 0, 17]] + RNG.integers(-3, 4, size=(4, 8, 6, 1))
    train, images = train.astype(float), np.clip(images, 0, 255) / 255
    train = train.astype(np.uint8) if dtype == np.uint8 else np.float32(train / 255)
    assert nearest_by_pixels(train, images).tolist() == [4, 29, 0, 17]


def test_nearest_by_factors_and_the_average_of_neighbours():
    factors = np.array([[0, 0], [1, 0], [0, 1], [5, 5]], float)
    assert nearest_by_factors(factors, [[4, 4], [0.9, 0]]).tolist() == [3, 1]
    images = np.full((4, 8, 6, 1), 0, np.uint8)
    images[:] = np.array([0, 51, 102, 255])[:, None, None, None]
    near = neighbour_average(images, factors, [[0.1, 0.2], [4, 4]], k=3)
    assert near.shape == (2, 8, 6, 1) and near.dtype == np.float32
    assert near[0] == pytest.approx(0.2) and near[1] == pytest.approx(1.6 / 3)
    one = neighbour_average(images / 255, factors, factors, k=1)
    assert one == pytest.approx(images / 255)


# ---- Attribution


@pytest.mark.parametrize("neighbors", [None, 12])
def test_a_thin_plate_is_exact_for_an_affine_sheet(neighbors):
    factors, at = RNG.uniform(size=(60, 2)), RNG.uniform(-0.5, 1.5, size=(9, 2))
    slope, shift = RNG.normal(size=(2, 4)), RNG.normal(size=4)
    codes = thin_plate(factors, factors @ slope + shift, at, neighbors)
    assert codes == pytest.approx(at @ slope + shift, abs=1e-8)


def test_a_thin_plate_goes_through_its_points_unless_smoothed():
    factors, codes = RNG.uniform(size=(40, 2)), RNG.normal(size=(40, 3))
    assert thin_plate(factors, codes, factors) == pytest.approx(codes, abs=1e-8)
    smooth = thin_plate(factors, codes, factors, smoothing=1e6)
    ones = np.column_stack([factors, np.ones(40)])
    plane = ones @ np.linalg.lstsq(ones, codes, rcond=None)[0]
    assert smooth == pytest.approx(plane, abs=1e-2)
    twice = np.concatenate([factors, factors])
    assert thin_plate(twice, [*codes, *codes], factors, smoothing=1e-3).shape == (40, 3)


GRID = np.stack(np.meshgrid(np.linspace(-2, 2, 9), np.linspace(-2, 2, 9)), -1)


def spots(codes):
    """Return logits (m, 9, 9, 1): a bright spot at the code."""
    square = ((GRID - codes[:, None, None]) ** 2).sum(-1)
    return (8 * np.exp(-square / 1.5) - 4)[..., None]


def ripples(codes):
    """Return logits (m, 4, 4, 1) with many minima."""
    waves = np.sin(codes @ np.linspace(-9, 7, 16 * codes.shape[1]).reshape(-1, 16))
    return (4 * waves).reshape(-1, 4, 4, 1)


@pytest.mark.parametrize("float32", [False, True])
def test_best_codes_find_the_code_of_a_decoded_image(float32, monkeypatch):
    monkeypatch.setattr(transects, "_CHUNK", 81 * 4 * 7)  # batches of 7
    true = RNG.uniform(-1.5, 1.5, size=(17, 2))
    images = expit(spots(true))
    start = np.concatenate(
        [RNG.uniform(-2, 2, size=(17, 3, 2)), true[:, None] + 0.5], axis=1
    )
    decode, atol = spots, 1e-6
    if float32:
        decode, atol = lambda z: spots(z.astype(np.float32)).astype(np.float32), 1e-3
    codes, nats = best_codes(decode, images, start)
    np.testing.assert_allclose(codes, true, atol=atol)
    assert nats == pytest.approx(bernoulli_entropy(images), abs=1e-3)


def test_best_codes_find_the_least_bce_of_an_image_that_cannot_be_drawn():
    images = expit(spots(np.array([[0.3, -0.2]]))) * 0.7 + 0.1
    got = best_codes(spots, images, np.array([[[0.8, 0.4]]]))

    def bce(z):
        logits = spots(z[None])
        return (np.logaddexp(0, logits) - images * logits).sum()

    best = minimize(bce, [0.3, -0.2], options={"gtol": 1e-8})
    np.testing.assert_allclose(got.codes[0], best.x, atol=1e-3)
    assert got.nats[0] == pytest.approx(best.fun, abs=1e-5)


@pytest.mark.parametrize("d", [1, 3])
def test_best_codes_are_never_worse_than_their_starts(d):
    images = RNG.uniform(size=(40, 4, 4, 1))
    start = RNG.normal(size=(40, 5, d))
    at_start = best_codes(ripples, images, start, steps=0)
    excess = [16 * excess_bce(images, ripples(start[:, j])) for j in range(5)]
    least = np.min(excess, axis=0) + bernoulli_entropy(images)
    assert at_start.nats == pytest.approx(least)
    assert (at_start.codes[:, None] == start).all(2).any(1).all()
    last = at_start.nats
    for steps in (1, 3, 10):
        got = best_codes(ripples, images, start, steps=steps)
        assert (got.nats <= last + 1e-9).all()
        logits = ripples(got.codes)
        own = 16 * excess_bce(images, logits) + bernoulli_entropy(images)
        assert own == pytest.approx(got.nats)
        last = got.nats
    assert (last < at_start.nats - 1e-3).mean() > 0.9


def test_best_codes_stand_where_a_dimension_draws_nothing_or_overflows():
    images = expit(spots(np.array([[0.5, 0.5]])))
    got = best_codes(lambda z: spots(z[:, :2]), images, np.array([[[0.0, 0.2, 7.0]]]))
    assert got.codes == pytest.approx(np.array([[0.5, 0.5, 7.0]]), abs=1e-6)

    def fragile(z):
        return np.where(np.abs(z[:, :1, None, None]) > 0.6, np.nan, spots(z))

    got = best_codes(fragile, images, np.array([[[-0.3, 0.2]]]))
    assert got.codes == pytest.approx(np.array([[0.5, 0.5]]), abs=1e-6)
    flat = best_codes(lambda z: np.zeros((len(z), 81)), images, np.ones((1, 2, 3)))
    assert (flat.codes == 1).all()
    assert flat.nats == pytest.approx([81 * np.log(2)])


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


def test_a_gap_is_in_median_steps():
    assert gap([[0, 0], [0, 1], [0, 2], [3, 2], [4, 2]]) == 3
    assert gap(np.arange(6.0)[:, None] * [1, 2, 3]) == pytest.approx(1)


# ---- Bad input

POINTS = RNG.uniform(size=(50, 2))
CODES = RNG.normal(size=(50, 3))
NAN = np.full((1, 2), np.nan)
START = np.zeros((1, 2, 2))
SPOT = expit(spots(np.zeros((1, 2))))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: regions([[0.1]]), "distance must have 1 axes"),
        (lambda: regions([0.1], width=0), "width must be above 0"),
        (lambda: regions([0.1], [[1, 2], [1, 2]]), "factors and distance must"),
        (lambda: regions([0.1], [[1, 2, 3]]), r"factors must be \(n, 2\)"),
        (lambda: region_means([1.0], regions([0.5])), "region 'hole' has no point"),
        (lambda: region_means([1, 2], {"x": [0, 1]}), "'x' must be a mask of 2"),
        (lambda: region_means([1, 2], {"x": [True]}), "'x' must be a mask of 2"),
        (lambda: region_means([np.nan], {"x": [True]}), "values holds NaN"),
        (lambda: excess_bce(GREY, GREY[:2]), "logits must pair with images"),
        (lambda: excess_bce(GREY, np.full(GREY.shape, np.inf)), "logits holds NaN"),
        (lambda: excess_bce(GREY + 1, GREY), "images run from"),
        (lambda: excess_bce_of_images(GREY, GREY * 9), "probabilities run from"),
        (lambda: excess_bce_of_images(GREY, GREY, 0), "clip must lie"),
        (lambda: excess_bce_of_images(GREY, GREY, 0.5), "clip must lie"),
        (lambda: iou(GREY, GREY[:1]), "others must pair with images"),
        (lambda: iou(GREY, GREY, threshold=1), "threshold must lie"),
        (lambda: soft_dice(GREY[..., 0], GREY), "images have shape"),
        (lambda: soft_dice(GREY, GREY * np.nan), "others holds NaN"),
        (lambda: chamfer(GREY, GREY, threshold=128), "threshold must lie"),
        (lambda: factor_error(NAN, POINTS), "found must pair"),
        (lambda: factor_error(NAN, [[1, 1]]), "pass ranges"),
        (lambda: factor_error(NAN, [[1, 1]], [[0, 1], [1, 0]]), "ranges must be"),
        (lambda: factor_error(NAN, [[1, 1]], [[0, 1]]), "ranges must be"),
        (lambda: factor_error([[np.inf, 1]], [[1, 1]]), "found holds NaN or inf"),
        (lambda: nearest_by_pixels(GREY, BLACK[:, 1:]), "train must have images"),
        (lambda: nearest_by_pixels(GREY[:0], BLACK), "train is empty"),
        (lambda: nearest_by_factors(CODES, POINTS), "train_factors must be"),
        (lambda: neighbour_average(GREY, POINTS, POINTS), "train_images and train_f"),
        (
            lambda: neighbour_average(GREY, POINTS[:5], POINTS),
            "k must be at most the 5",
        ),
        (lambda: thin_plate(POINTS, CODES[1:], POINTS), "factors and codes must"),
        (lambda: thin_plate(POINTS, CODES, CODES), r"at must be \(m, 2\)"),
        (lambda: thin_plate(POINTS, CODES, POINTS, 2), "neighbors must be"),
        (lambda: thin_plate(POINTS, CODES, POINTS, None, -1), "smoothing must be"),
        (lambda: thin_plate(POINTS[:, [0, 0]], CODES, POINTS), "lie on a line"),
        (lambda: thin_plate(POINTS[[0, 0, 1]], CODES[:3], POINTS), "a point twice"),
        (lambda: best_codes(spots, SPOT, START[0]), "start must have 3 axes"),
        (lambda: best_codes(spots, GREY, START), "start and images must"),
        (lambda: best_codes(spots, SPOT, START, steps=-1), "steps must be"),
        (lambda: best_codes(spots, SPOT, START, nudge=0), "nudge must be"),
        (lambda: best_codes(ripples, SPOT, START), "decode_logits must give 81"),
        (lambda: best_codes(lambda z: np.nan * spots(z), SPOT, START), "gave NaN"),
        (lambda: sheet_statistics(CODES[1:], POINTS), "codes and factors must"),
        (lambda: sheet_statistics(CODES[:9], POINTS[:9]), "codes must be 30 or more"),
        (lambda: sheet_statistics(CODES, POINTS * [1, 0]), "factors must vary"),
        (lambda: sheet_statistics(CODES, POINTS, k=3), "k must be"),
        (lambda: gap(CODES[:2]), "codes must be three"),
        (lambda: gap([[0], [0], [0], [1]]), "stand still"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_line_within_a_neighbourhood_is_named():
    line = np.stack([np.linspace(0, 1, 20), np.zeros(20)], axis=1)
    factors = np.concatenate([line, [[0.5, 50.0]]])
    with pytest.raises(ValueError, match="use more neighbors"):
        thin_plate(factors, np.ones((21, 1)), line, neighbors=4)
