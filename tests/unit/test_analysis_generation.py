"""Clouds whose distance and overlap are known, and images whose detail is."""

import numpy as np
import pytest
from scipy import linalg, ndimage

from vaetut.analysis import (
    chunks,
    frechet_distance,
    precision_recall,
    sharpness,
    spectrum,
)

RNG = np.random.default_rng(0)
CLOUD = RNG.normal(size=(400, 6))


def exactly(n, mean, covariance):
    """Return a cloud whose sample mean and covariance (n - 1) are exactly these."""
    cloud = RNG.normal(size=(n, len(mean)))
    cloud -= cloud.mean(0)
    cloud = cloud @ np.linalg.inv(np.linalg.cholesky(np.cov(cloud.T))).T
    return mean + cloud @ np.linalg.cholesky(covariance).T


# ---- The distance of two clouds


def test_the_distance_of_round_gaussians_is_in_closed_form():
    spreads, others = np.array([1.0, 4.0, 0.25]), np.array([9.0, 1.0, 0.25])
    a = exactly(50, np.zeros(3), np.diag(spreads))
    b = exactly(70, np.array([1.0, -2.0, 0.5]), np.diag(others))
    expected = 5.25 + ((spreads**0.5 - others**0.5) ** 2).sum()
    assert frechet_distance(a, b) == pytest.approx(expected)
    assert frechet_distance(b, a) == pytest.approx(expected)


def test_it_is_the_formula_with_a_matrix_root():
    a, b = CLOUD @ RNG.normal(size=(6, 6)), RNG.gamma(2, size=(300, 6))
    one, other = np.cov(a.T), np.cov(b.T)
    root = linalg.sqrtm(one @ other).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(one + other - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_a_shift_counts_by_its_square_and_a_cloud_is_at_its_own_place():
    assert frechet_distance(CLOUD, CLOUD) == pytest.approx(0, abs=1e-12)
    assert frechet_distance(CLOUD, CLOUD + 3) == pytest.approx(6 * 9)
    assert frechet_distance(CLOUD, 2 * CLOUD) == pytest.approx(
        CLOUD.var(0, ddof=1).sum() + (CLOUD.mean(0) ** 2).sum()
    )


def test_flat_clouds_and_fewer_rows_than_features_are_exact():
    flat = np.column_stack([CLOUD, np.zeros((400, 3)), CLOUD])
    assert frechet_distance(flat, flat) == pytest.approx(0, abs=1e-10)
    assert frechet_distance(flat, flat + 1e-3) == pytest.approx(15e-6, rel=1e-4)
    few = RNG.normal(size=(5, 40))
    assert frechet_distance(few, few[::-1]) == pytest.approx(0, abs=1e-10)
    assert frechet_distance(few, few @ np.eye(40)[::-1]) > 1


@pytest.mark.parametrize(("n", "f"), [(2000, 32), (4000, 64)])
def test_few_rows_raise_it_by_what_the_documentation_says(n, f):
    rng = np.random.default_rng(1)
    found = frechet_distance(*rng.normal(scale=3, size=(2, n, f)))
    assert found == pytest.approx(9 * f**2 * 2 / n / 4, rel=0.2)


# ---- Precision and recall


def test_one_cloud_reaches_itself_and_none_reaches_a_far_one():
    assert precision_recall(CLOUD, CLOUD) == (1, 1)
    assert precision_recall(CLOUD, CLOUD + 100) == (0, 0)
    again = RNG.normal(size=(400, 2))
    assert min(precision_recall(CLOUD[:, :2], again)) > 0.9


def test_on_a_line_it_is_counted_by_hand():
    real = np.array([[0.0], [1.0], [3.0]])  # reaches, k = 1: 1, 1, 2
    fake = np.array([[-1.0], [2.5], [5.5], [9.0]])  # reaches 3.5, 3, 3, 3.5
    found = precision_recall(real, fake, k=1)
    assert found.precision == 0.5 and found.recall == 1.0
    assert precision_recall(real, fake - 20, k=1) == (0, 0)


def test_a_generator_of_half_the_modes_is_precise_and_forgets():
    modes = np.array([[0.0, 0], [50, 0]])
    real = np.repeat(modes, 300, axis=0) + RNG.normal(size=(600, 2))
    fake = RNG.normal(size=(600, 2))
    found = precision_recall(real, fake)
    assert found.precision > 0.9
    assert found.recall == pytest.approx(0.5, abs=0.05)
    back = precision_recall(fake, real)
    assert back == (found.recall, found.precision)


def test_it_is_the_definition_in_parts_as_well(monkeypatch):
    real, fake = RNG.normal(size=(60, 4)) + 1e4, RNG.normal(size=(50, 4)) * 1.5 + 1e4
    own = np.linalg.norm(real[:, None] - real, axis=-1)
    reach = np.sort(own, axis=1)[:, 3]
    inside = np.linalg.norm(fake[:, None] - real, axis=-1) <= reach
    assert precision_recall(real, fake).precision == inside.any(1).mean()
    monkeypatch.setattr(chunks, "CHUNK", 130)
    assert precision_recall(real, fake).precision == inside.any(1).mean()


def test_copies_lie_within_a_reach_of_nothing():
    points = 1e3 + np.repeat(RNG.normal(size=(5, 30)), 4, axis=0)
    assert precision_recall(points, points[::4]).precision == 1


# ---- Sharpness


def test_the_laplacian_of_known_images_is_known():
    y, x = np.mgrid[:12, :16] / 16
    flat, ramp = np.full((12, 16), 0.3), (x + y) / 2
    bowl = x**2 / 2 + y**2 / 2
    images = np.stack([flat, ramp, bowl])[..., None]
    # Second differences of a bowl: 2 · (1/16)² in all.
    assert sharpness(images) == pytest.approx([0, 0, (2 / 256) ** 2], abs=1e-10)
    board = np.indices((9, 9)).sum(0) % 2
    assert sharpness(board[None, ..., None].astype(float)) == pytest.approx(16)


def test_noise_has_twenty_times_its_variance_and_blur_has_less():
    noise = np.clip(0.5 + 0.1 * RNG.normal(size=(20, 64, 64, 1)), 0, 1)
    assert sharpness(noise).mean() == pytest.approx(20 * 0.01, rel=0.03)
    blurred = ndimage.gaussian_filter(noise, (0, 1, 1, 0))
    assert (sharpness(blurred) < 0.1 * sharpness(noise)).all()


def test_bytes_are_read_as_shares_and_colours_by_their_brightness():
    images = RNG.integers(0, 256, size=(7, 10, 12, 3), dtype=np.uint8)
    assert sharpness(images) == pytest.approx(sharpness(images / 255), rel=1e-5)
    light = (images / 255) @ [0.299, 0.587, 0.114]
    assert sharpness(images) == pytest.approx(sharpness(light[..., None]), rel=1e-4)
    grey = np.repeat(images[..., :1], 3, axis=-1)
    assert sharpness(grey) == pytest.approx(sharpness(images[..., :1]), rel=1e-4)


def test_a_memory_map_is_read_in_parts(tmp_path, monkeypatch):
    images = RNG.integers(0, 256, size=(9, 8, 8, 3), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    monkeypatch.setattr(chunks, "CHUNK", 400)
    assert sharpness(mapped) == pytest.approx(sharpness(images))
    found = spectrum(mapped)
    monkeypatch.undo()
    np.testing.assert_allclose(found.power, spectrum(images).power, rtol=1e-4)


# ---- The spectrum


@pytest.mark.parametrize("shape", [(48, 48), (64, 40), (33, 45)])
def test_white_noise_has_its_variance_at_every_frequency(shape):
    noise = np.clip(0.5 + 0.1 * RNG.normal(size=(150, *shape, 1)), 0, 1)
    found = spectrum(noise)
    bands = min(shape) // 2
    assert found.power.shape == (150, bands)
    assert found.frequency == pytest.approx(np.arange(1, bands + 1) / min(shape))
    assert found.power.mean(0)[2:] == pytest.approx(0.01, rel=0.15)
    assert found.power[:, 2:].mean() == pytest.approx(0.01, rel=0.02)


@pytest.mark.parametrize("angle", [0, 30, 90])
def test_a_wave_is_found_at_its_frequency_in_any_direction(angle):
    y, x = np.mgrid[:48, :48]
    along = np.cos(np.radians(angle)) * x + np.sin(np.radians(angle)) * y
    wave = 0.5 + 0.4 * np.sin(2 * np.pi * 10 / 48 * along)
    found = spectrum(wave[None, ..., None])
    assert found.frequency[found.power[0].argmax()] == pytest.approx(10 / 48)
    assert found.power[0, 8:11].sum() > 0.98 * found.power.sum()


def test_blur_lowers_each_band_as_its_transfer_function_says():
    noise = np.clip(0.5 + 0.1 * RNG.normal(size=(100, 64, 64, 1)), 0, 1)
    sigma = 1.0
    blurred = ndimage.gaussian_filter(noise, (0, sigma, sigma, 0), mode="wrap")
    one, other = spectrum(noise), spectrum(blurred)
    ratio = other.power.mean(0) / one.power.mean(0)
    expected = np.exp(-((2 * np.pi * one.frequency * sigma) ** 2))
    assert ratio[4:20] == pytest.approx(expected[4:20], rel=0.2)


def test_borders_and_brightness_do_not_pass_for_detail():
    ramp = np.tile(np.linspace(0, 1, 48), (48, 1))[None, ..., None]
    found = spectrum(ramp).power[0]
    assert found[6:].sum() < 1e-4 * found.sum()
    assert spectrum(np.full((1, 8, 8, 1), 0.7)).power == pytest.approx(0, abs=1e-10)


# ---- What is refused
IMAGE = np.full((1, 8, 8, 3), 0.5)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: frechet_distance(CLOUD, CLOUD[:, :2]), "as many features: 6 and 2"),
        (lambda: frechet_distance(CLOUD, CLOUD[:1]), "b must have two rows"),
        (lambda: frechet_distance(CLOUD[0], CLOUD), "a must have 2 axes"),
        (lambda: frechet_distance(CLOUD, CLOUD * np.nan), "b holds NaN"),
        (lambda: precision_recall(CLOUD, CLOUD[:3]), "number of rows, 3, not 3"),
        (lambda: precision_recall(CLOUD, CLOUD, 0), "k must be a whole"),
        (lambda: precision_recall(CLOUD, CLOUD[:, :2]), "real and fake"),
        (lambda: sharpness(IMAGE[0]), "must be \\(n, h, w, 3\\)"),
        (lambda: sharpness(IMAGE[..., :2]), "must be \\(n, h, w, 3\\)"),
        (lambda: sharpness(IMAGE[:0]), "empty"),
        (lambda: sharpness(IMAGE[:, :2]), "3 pixels wide and high"),
        (lambda: sharpness(IMAGE * 255), "clip or scale"),
        (lambda: sharpness(IMAGE - 1), "clip or scale"),
        (lambda: sharpness(IMAGE.astype(int)), "uint8 or floats, not int"),
        (lambda: sharpness(IMAGE * np.nan), "NaN"),
        (lambda: spectrum(IMAGE[:, :3]), "4 pixels wide and high"),
        (lambda: spectrum(IMAGE * np.inf), "infinity"),
    ],
)
def test_bad_input_is_named(call, word):
    with pytest.raises(ValueError, match=word):
        call()
