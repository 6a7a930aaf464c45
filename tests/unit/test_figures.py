"""Every figure is drawn, opaque, and says what it should."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from vaetut import figures
from vaetut.analysis import Interval
from vaetut.runs import records

matplotlib.use("Agg")
RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(size=(9, 8, 8, 1))
CODES = RNG.normal(size=(60, 2))
LABELS = np.arange(60) % 10
NAMES = tuple("abcdefghij")
STARS = RNG.uniform(0.5, 2, size=(60, 2))
INSIDE = STARS[:, 0] > 1
SPREAD = Interval(1.0, 0.9, 1.1, 3)
LINE = np.linspace(STARS.min(0), STARS.max(0), 9)
IN_HOLE = np.arange(9) // 3 == 1
CODES3 = RNG.normal(size=(60, 3))
BAND = (np.arange(1.0, 10), np.arange(9.0), np.arange(2.0, 11))
SPREADS = {"hole": SPREAD, "far": (0.8, 0.7, 0.9)}

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
    "areas": lambda: figures.areas(
        {"encoder": {"conv_1": 10, "mean": 90, "log_var": 90}, "decoder": {"dense": 60}}
    ),
    "shares": lambda: figures.shares({"a": {"x": 3, "y": 0}}, {"a": "3 M"}),
    "over_batch": lambda: figures.over_batch(
        {"time": {"a": {1: [1.2, 1.3], 8: [1.1, 1.0]}}, "memory": {"a": {1: [1.2]}}}
    ),
    "ranks_kept": lambda: figures.ranks_kept(
        {"a": [0.7, 0.3]}, {"a": ([1, 2], [3, 0])}, floor=0.1, mark=(2, 1, "trained")
    ),
    "changes": lambda: figures.changes(
        {"loss": {"a": ([1, 2], SPREAD), "b": ([-1], SPREAD)}}
    ),
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
    "transect_plane": lambda: figures.transect_plane(STARS, STARS[:, 0], {"P1": LINE}),
    "transect_rows of one": lambda: figures.transect_rows(
        {"truth": IMAGES, "model": IMAGES}, IN_HOLE, ("b", list("abcdefghi"))
    ),
    "transect_rows of two": lambda: figures.transect_rows(
        {"P1": {"truth": IMAGES}, "P2": {"truth": IMAGES}},
        {"P1": IN_HOLE, "P2": ~IN_HOLE},
        {"P1": list("abcdefghi")},
    ),
    "pairs": lambda: figures.pairs(IMAGES, IMAGES, columns=5),
    "errors_along": lambda: figures.errors_along(
        {
            "P1": {
                "position": LINE[:, 0],
                "inside": IN_HOLE,
                "lines": {"model": BAND, "nearest": BAND[0]},
            }
        }
    ),
    "edges_of_task": lambda: figures.edges_of_task(
        {
            "size": {
                "x": np.arange(1, 10),
                "xlabel": "images",
                "log": True,
                "lines": {"a": BAND, "b": BAND, "nearest": BAND[0]},
            },
            "kind": {
                "x": list("abcdefghi"),
                "xlabel": "hole",
                "lines": {"a": BAND, "b": BAND, "nearest": BAND[0]},
            },
        }
    ),
    "race of equals": lambda: figures.race({"a": BAND[::2], "b": BAND[::2]}, {"5": 5}),
    "race": lambda: figures.race(
        {"a": (BAND[0], 1 / BAND[0]), "b": (30 * BAND[0], 1 / BAND[0])}, {"x": 0.5}
    ),
    "embedding": lambda: figures.embedding(
        CODES3,
        STARS,
        {"edge of the hole": CODES3[:9], "edge of the sheet": CODES3[9:]},
        {"P1": CODES3[:5]},
        images=[(CODES3[0], IMAGES[0]), (CODES3[1], IMAGES[1])],
    ),
    "embedding alone": lambda: figures.embedding(CODES3, STARS, {}, {}),
    "attribution": lambda: figures.attribution(
        {region: {"A": SPREAD, "B": SPREAD} for region in ("hole", "shell", "far")}
    ),
    "autopsy": lambda: figures.autopsy(
        {title: {"β": SPREADS, "network": SPREADS} for title in "ab"},
        {"a": SPREADS, "b": SPREADS},
    ),
    "flat_grids": lambda: figures.flat_grids(
        {k: CODES[:49].reshape(7, 7, 2) for k in "abcd"}, columns=3
    ),
    "sheets": lambda: figures.sheets(
        {k: CODES3[:49].reshape(7, 7, 3) for k in "ab"}, {"straight": CODES3[:2]}
    ),
    "loss_surfaces": lambda: figures.loss_surfaces(
        {"$x$": (np.arange(5), np.arange(4), RNG.uniform(size=(4, 5)), "x", "y")}
    ),
    "angle_curves": lambda: figures.angle_curves(
        {"level": (np.arange(9), np.ones(9)), "bent": (np.arange(9), BAND[2] / 2)}
    ),
    "scores": lambda: figures.scores(
        {k: {"values": SPREADS, "chance": {"hole": 0.5}} for k in "abcd"}, "γ"
    ),
    "ranks": lambda: figures.ranks({"a": [0.1, 0.9], "b": [0.5]}, "low", "high"),
    "walks_in_plane": lambda: figures.walks_in_plane(
        {"straight": LINE[None], "sheet": LINE[None]}, LINE[None, [0, -1]], [(0, 2)] * 2
    ),
    "bars_over": lambda: figures.bars_over({"straight": SPREAD, "a": SPREAD}, "error"),
    "plane_maps": lambda: figures.plane_maps(
        {"a": IMAGES[0, ..., 0], "b": IMAGES[1, ..., 0]}, [(0, 2), (0, 1)]
    ),
    "rungs": lambda: figures.rungs({"a": SPREADS, "b": SPREADS}, {"nearest": 0.5}),
    "radii_by_seed": lambda: figures.radii_by_seed(
        {"a": [RNG.uniform(10, 20, 99)] * 2, "b": [RNG.uniform(0, 30, 99)]}, 256
    ),
    "variance_law": lambda: figures.variance_law(
        [1e-3, 1.0], np.array([[-5, -1], [-4, 0], [-3, 1]]), [-4, 0], {"1": CODES.T}
    ),
    "code_maps": lambda: figures.code_maps(
        {"a": (CODES, LABELS > 5), "b": (CODES, None)}
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_is_drawn_opaque(name):
    figure = DRAWN[name]()
    assert isinstance(figure, Figure)
    assert figure.get_facecolor() == (1, 1, 1, 1)
    figure.canvas.draw()
    plt.close(figure)


def _home(name):
    """Return the module of a figure; those of faces have tests of their own."""
    return getattr(getattr(figures, name), "__module__", None)


def test_no_figure_is_forgotten():
    drawn = {name.split()[0] for name in DRAWN}
    of_faces = {n for n in figures.__all__ if _home(n) == "vaetut.figures.faces"}
    assert drawn == set(figures.__all__) - {"CLASS_COLOURS"} - of_faces


def test_lines_of_a_lattice_go_the_way_of_their_factor():
    from vaetut.datasets import polar
    from vaetut.figures.sheets import _lines_of

    lines = _lines_of(polar.grid(5, 7).reshape(5, 7, 2))
    for line in lines["a"]:  # b stays
        assert (np.diff(line[:, 0]) > 0).all() and np.ptp(line[:, 1]) == 0
    for line in lines["b"]:
        assert np.ptp(line[:, 0]) == 0 and (np.diff(line[:, 1]) < 0).all()


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


def test_runs_of_a_transect_in_the_hole():
    from vaetut.figures.transects import _runs

    assert _runs([True, False, True, True]) == [(0, 1), (2, 4)]
    assert _runs([False, False]) == []


def test_images_are_cut_around_the_middle_and_keep_their_ink():
    from vaetut.figures.transects import _bold, _cut

    images = np.zeros((2, 1, 64, 64, 1))
    images[0, 0, 20:44, 32] = images[1, 0, 30, 16] = 1
    cut = _cut(images)
    assert cut.shape[2] == cut.shape[3] < 64 and cut.sum() == images.sum()
    assert (64 - cut.shape[2]) % 2 == 0
    assert _cut(np.zeros((1, 1, 8, 8, 1))).shape == (1, 1, 8, 8, 1)
    assert _bold(cut).sum() > cut.sum() and _bold(cut).max() == 1


def test_names_at_the_ends_of_lines_do_not_touch():
    from vaetut.figures.comparisons import _end_labels
    from vaetut.figures.style import canvas

    figure, ((axis,),) = canvas(4)
    axis.set_ylim(0, 1)
    _end_labels(axis, [(name, 0.99, "k") for name in ("one", "two", "three")])
    heights = sorted(text.xy[1] for text in axis.texts)
    assert np.diff(heights).min() > 0.05 and heights[-1] <= 1
    plt.close(figure)


def test_the_change_that_does_most_is_on_top_and_the_best_rung_is_bold():
    weak, strong = {"hole": (0.9, 0.9, 0.9)}, {"hole": (0.2, 0.2, 0.2)}
    figure = figures.autopsy(
        {"a": {"weak": weak, "strong": strong}}, {"a": {"hole": (1, 1, 1)}}
    )
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["strong", "weak"]
    figure = figures.rungs({"weak": strong, "strong": weak})
    bold = [
        t.get_text()
        for t in figure.axes[0].get_yticklabels()
        if t.get_weight() == "bold"
    ]
    assert bold == ["strong"]
    plt.close("all")


def test_a_race_says_when_a_mark_was_reached():
    figure = figures.race({"a": ([1, 30, 600], [4, 2, 1])}, {"half": 2, "none": 0.5})
    said = {text.get_text() for text in figure.axes[0].texts}
    assert "30 s" in said and "10 min" not in said
    plt.close(figure)
