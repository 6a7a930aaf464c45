import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from vaetut import figures
from vaetut.analysis import Interval
from vaetut.training import records

matplotlib.use("Agg")
RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(size=(9, 8, 8, 1))
CODES = RNG.normal(size=(60, 2))
LABELS = np.arange(60) % 10
NAMES = tuple("abcdefghij")
STARS = RNG.uniform(0.5, 2, size=(60, 2))
INSIDE = STARS[:, 0] > 1
SPREAD = Interval(1.0, 0.9, 1.1, 3)

DRAWN = {
    "image_rows": lambda: figures.image_rows(
        {"x": IMAGES, "y": IMAGES}, list("abcdefghi")
    ),
    "mosaic": lambda: figures.mosaic(IMAGES, 3, axes_titles=("a", "b")),
    "samples_on_cloud": lambda: figures.samples_on_cloud(
        CODES, CODES[:9], IMAGES, np.arange(9) % 2 == 0
    ),
    "cloud": lambda: figures.cloud(CODES, LABELS, NAMES),
    "two_clouds": lambda: figures.two_clouds({"a": CODES, "b": CODES}, LABELS, NAMES),
    "plane_twice": lambda: figures.plane_twice(CODES, LABELS, NAMES),
    "gap_map": lambda: figures.gap_map({"a": CODES, "b": CODES}, side=20),
    "beta_strip": lambda: figures.beta_strip({"β = 1": (CODES, LABELS, IMAGES)}),
    "history of a VAE": lambda: figures.history(records("fashion-vae")[0]),
    "history of an AE": lambda: figures.history(records("fashion-ae")[0]),
    "entropy_floor": lambda: figures.entropy_floor(
        np.linspace(0.1, 0.9, 9), IMAGES[0, ..., 0], IMAGES[1, ..., 0]
    ),
    "denoising": lambda: figures.denoising([0, 1], {"a": [1, 2], "b": [2, 1]}),
    "compare": lambda: figures.compare({"gap": {"AE": ([1, 1], SPREAD)}}),
    "beta_curves": lambda: figures.beta_curves([0, 1], {"KL": {"a": [[1, 2], [3, 4]]}}),
    "factor_sheet": lambda: figures.factor_sheet(IMAGES, 3, 3),
    "radius_and_curve": lambda: figures.radius_and_curve([(1, 0.5), (1, 1.5)]),
    "factor_plane": lambda: figures.factor_plane(STARS, INSIDE, STARS[:, 0]),
    "hole_counts": lambda: figures.hole_counts([470, 480, 450], 471, 21, {"490": 490}),
    "factor_montage": lambda: figures.factor_montage(STARS[:9], IMAGES),
    "floor_map": lambda: figures.floor_map(
        IMAGES[0, ..., 0], STARS[:, 0], {64: STARS[:, 1], 128: 2 * STARS[:, 1]}
    ),
    "distances": lambda: figures.distances(
        [0.1, 1], STARS, {64: [1, 2]}, {"mean image": 1.5}
    ),
    "answers": lambda: figures.answers(IMAGES[0, ..., 0], {"a": IMAGES[1, ..., 0]}),
    "dimensions": lambda: figures.dimensions(
        {"curves": [0.6, 0.4], "64×64": [0.5, 0.3, 0.2]},
        {"64×64": ([100, 200], [[2, 2.1], [2.2, 2.3]])},
    ),
    "ladder": lambda: figures.ladder({"ELBO": SPREAD, "log p": SPREAD}),
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_is_drawn_opaque(name):
    figure = DRAWN[name]()
    assert isinstance(figure, Figure)
    assert figure.get_facecolor() == (1, 1, 1, 1)
    figure.canvas.draw()
    plt.close(figure)


def test_no_figure_is_forgotten():
    drawn = {name.split()[0] for name in DRAWN}
    assert drawn == set(figures.__all__) - {"CLASS_COLOURS"}


def test_a_mosaic_is_read_row_by_row():
    from vaetut.figures.style import tiled

    sheet = tiled(np.arange(4).reshape(4, 1, 1, 1), 2)[..., 0]
    assert sheet.tolist() == [[0, 1], [2, 3]]
    assert tiled(np.ones((3, 1, 1, 1)), 2)[1, 1, 0] == 0


def test_ten_colours_for_ten_classes():
    assert len(set(figures.CLASS_COLOURS)) == 10


def test_labels_that_would_cover_each_other_move_apart():
    from vaetut.figures.latent import _apart

    placed = _apart(np.array([[0.0, 0.0], [0.01, 0.01], [5, 0.02]]), np.array([10, 10]))
    assert placed[1, 1] - placed[0, 1] >= 0.5 and placed[2, 1] == 0.02
