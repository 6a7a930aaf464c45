"""The figures of the chapters on faces."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from vaetut import figures
from vaetut.analysis import Interval
from vaetut.datasets.faces import ATTRIBUTE_NAMES
from vaetut.figures import faces

matplotlib.use("Agg")
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 255, (9, 16, 16, 3), dtype=np.uint8)
SHARES = IMAGES / 255
POINTS = RNG.normal(size=(60, 2))
BAND = (np.arange(1.0, 5), np.arange(4.0), np.arange(2.0, 6))
SKILL = dict(zip(ATTRIBUTE_NAMES, RNG.uniform(0.5, 1, 40), strict=True))
SPREADS = {name: Interval(v, v - 0.1, v + 0.1, 3) for name, v in SKILL.items()}

DRAWN = {
    "montage": lambda: figures.montage(IMAGES, 4),
    "montage of shares": lambda: figures.montage(SHARES, 3),
    "face_rows": lambda: figures.face_rows({"x": IMAGES, "y": IMAGES[::-1]}),
    "face_rows with titles": lambda: figures.face_rows(
        {"x": SHARES}, list("abcdefghi")
    ),
    "factor_strips": lambda: figures.factor_strips(
        {"yaw": IMAGES, "hair_tone": IMAGES}
    ),
    "factor_strips in columns": lambda: figures.factor_strips(
        {"yaw": IMAGES, "age": IMAGES, "jaw": IMAGES}, columns=2
    ),
    "factor_strips in too many columns": lambda: figures.factor_strips(
        {"yaw": IMAGES}, columns=2
    ),
    "attribute_bars": lambda: figures.attribute_bars({"a": SKILL}),
    "attribute_bars of two": lambda: figures.attribute_bars(
        {"a": SKILL, "b": SPREADS}, "accuracy", chance=0.5
    ),
    "radius_histograms": lambda: figures.radius_histograms({"a": POINTS[:, 0] ** 2}),
    "radius_histograms of two": lambda: figures.radius_histograms(
        {"a": [1, 2, 3], "b": [2, 2, 2]}, {"√d": 2, "box": 1}
    ),
    "inertia_curves": lambda: figures.inertia_curves(
        [1, 2, 4, 8], {"a": [4, 3, 2, 1], "b": BAND}, {"a": [4, 4, 3, 3], "c": BAND}
    ),
    "strength_curves": lambda: figures.strength_curves(
        [1e-5, 2e-5, 0.1, 5],
        {"KL": {"a": BAND}, "radius": {"a": BAND, "b": BAND}, "other": {"c": BAND}},
    ),
    "spectra": lambda: figures.spectra({"real": [4, 2, 1], "a": [3, 1, 0.5]}),
}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_is_drawn_opaque(name):
    figure = DRAWN[name]()
    assert isinstance(figure, Figure)
    assert figure.get_facecolor() == (1, 1, 1, 1)
    figure.canvas.draw()


def test_no_figure_of_faces_is_forgotten():
    ours = {
        name
        for name in figures.__all__
        if getattr(getattr(figures, name), "__module__", "") == faces.__name__
    }
    assert {name.split()[0] for name in DRAWN} == ours


@pytest.mark.parametrize("images", [IMAGES, SHARES])
def test_a_montage_shows_every_pixel_and_leaves_the_rest_white(images):
    figure = figures.montage(images[:3], 2)
    figure.canvas.draw()
    shown = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    times = shown.shape[0] // 32
    assert shown.shape == (32 * times, 32 * times, 3)
    sheet = shown[times // 2 :: times, times // 2 :: times].astype(int)
    assert np.abs(sheet[:16, 16:] - IMAGES[1]).max() <= 1
    assert np.abs(sheet[16:, :16] - IMAGES[2]).max() <= 1
    assert (sheet[16:, 16:] == 255).all()


def test_rows_of_faces_have_their_labels_beside_them():
    figure = figures.face_rows({"truth": IMAGES, "model": IMAGES}, list("abcdefghi"))
    (axis,) = figure.axes
    labels = dict(zip(axis.get_yticks(), axis.get_yticklabels(), strict=True))
    sheet = axis.get_images()[0].get_array()
    assert [text.get_text() for text in labels.values()] == ["truth", "model"]
    for middle in labels:
        row = sheet[int(middle) - 7 : int(middle) + 9]
        np.testing.assert_array_equal(row[:, :16], IMAGES[0])
    assert [text.get_text() for text in axis.get_xticklabels()] == list("abcdefghi")


def test_strips_fill_one_column_after_the_other():
    strips = {name: IMAGES for name in ("yaw", "hair_tone", "age")}
    figure = figures.factor_strips(strips, columns=2)
    labels = [[t.get_text() for t in a.get_yticklabels()] for a in figure.axes]
    assert labels[0] == ["yaw", "hair tone"] and labels[1][0] == "age"
    assert not labels[1][1].strip()


def test_the_attribute_read_best_is_on_top_and_its_name_has_spaces():
    values = {"Bald": 0.6, "Wearing_Hat": 0.9, "Young": 0.7}
    figure = figures.attribute_bars({"a": values, "b": dict.fromkeys(values, 0.5)})
    (axis,) = figure.axes
    labels = [text.get_text() for text in axis.get_yticklabels()]
    assert labels == ["Wearing Hat", "Young", "Bald"]
    assert axis.get_ylim()[0] > axis.get_ylim()[1]
    first, second = axis.get_lines()
    assert first.get_xdata().tolist() == [0.9, 0.7, 0.6]
    assert set(second.get_xdata()) == {0.5}


def test_the_shares_of_a_histogram_add_to_one():
    figure = figures.radius_histograms({"a": [1, 2, 3, 3], "b": [1, 9]}, {"x": 4})
    for patch in figure.axes[0].patches:
        assert patch.get_data().values.sum() == pytest.approx(1)
    assert "x" in [text.get_text() for text in figure.axes[0].texts]


def test_a_reference_has_the_colour_of_its_curve():
    figure = figures.inertia_curves(
        [1, 2], {"a": [2, 1], "b": [2, 1]}, {"b": [2, 2], "none": [2, 2]}
    )
    a, b, of_b, none = figure.axes[0].get_lines()
    assert of_b.get_color() == b.get_color() != a.get_color()
    assert none.get_color() not in (a.get_color(), b.get_color())
    assert of_b.get_linestyle() == none.get_linestyle() == "--"


def test_a_series_has_one_colour_in_all_panels():
    panels = {"x": {"a": BAND}, "y": {"b": BAND, "a": BAND}}
    figure = figures.strength_curves([1e-5, 2e-5, 1, 50], panels)
    colours = {}
    for axis in figure.axes:
        assert axis.get_xscale() == "log"
        ticks = [text.get_text() for text in axis.get_xticklabels()]
        assert ticks == ["$10^{-5}$", r"$2 \cdot 10^{-5}$", "1", "50"]
        for line in axis.get_lines():
            colours.setdefault(line.get_label(), set()).add(line.get_color())
    assert {name: len(c) for name, c in colours.items()} == {"a": 1, "b": 1}
    assert colours["a"] != colours["b"]
