"""The sheet explorer without a browser: refusals, the view and packing."""

import base64

import numpy as np
import pytest
from widget_table import (
    example,
    make_sheet,
    make_transect3d,
    on_sheet,
    page_state,
    unpack_picture,
    unpack_steps,
)

from vaetut.widgets.sheet_explorer import (
    GREYS,
    MAX_POINTS,
    SheetExplorer,
    sheet_frame,
)


@pytest.fixture(scope="module")
def explorer():
    return example("SheetExplorer")


def unpacked(text, explorer):
    """Return codes (n, 3) from what a page carries."""
    packed = {"data": text, "span": explorer.span}
    return explorer.middle + unpack_steps(packed, 3)


# ---- Traits


def test_it_starts_where_it_is_told():
    explorer = make_sheet(transect="P2", index=0)
    assert (explorer.transect, explorer.index) == ("P2", 0)
    explorer = make_sheet(transect="P3")
    assert (explorer.transect, explorer.index) == ("P3", 7)


def test_the_index_stays_within_a_shorter_transect():
    transects = [make_transect3d("P1"), make_transect3d("P2", k=4)]
    explorer = make_sheet(transects=transects, index=14)
    explorer.transect = "P2"
    assert explorer.index == 3


# ---- Refusals

CODES, FACTORS = np.eye(3), np.array([[0, 0], [0, 1], [1, 0.5]])


@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        (np.ones((3, 2)), FACTORS, r"codes: .* shape \(3, 2\): give \(n, 3\)"),
        (np.ones((0, 3)), FACTORS, r"shape \(0, 3\)"),
        (CODES * np.nan, FACTORS, "codes: there are NaN or infinite codes"),
        (np.ones((3, 3)), FACTORS, "all the same point"),
        (np.ones((MAX_POINTS + 1, 3)), FACTORS, "points: give at most"),
        (CODES, FACTORS[:2], r"factors have shape \(2, 2\): give \(3, 2\)"),
        (CODES, np.full((3, 2), np.inf), "factors: there are NaN or infinite"),
    ],
)
def test_what_is_no_sheet_is_refused(codes, factors, message):
    with pytest.raises(ValueError, match=message):
        SheetExplorer(codes, factors)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["a"]}, "names are .*: give two strings"),
        ({"colour": "c"}, "colour is 'c': give 'a', 'b' or None"),
        ({"edges": {"rim": np.ones((4, 2))}}, "edge 'rim': .*give"),
        ({"edges": {"rim": np.ones((1, 3))}}, "edge 'rim' is a single point"),
        ({"grid": [CODES, np.ones(3)]}, "line 1 of the grid: "),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SheetExplorer(CODES, FACTORS, **options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "transect 0 is named ''"),
        ({"codes": np.ones((4, 2))}, r"transect 'P1': .*give \(n, 3\)"),
        ({"factors": np.ones((3, 2))}, r"'P1': factors have shape .*give \(4, 2\)"),
        ({"inside": np.ones(4)}, r"'P1': inside is float64 .*give bool \(4,\)"),
        ({"truth": np.ones((4, 8, 8))}, r"'P1': truth has shape .*\(4, h, w, 1\)"),
        ({"truth": np.ones((4, 8, 8, 1))}, "'P1': truth is float64: give uint8"),
        (
            {"reconstructions": np.zeros((4, 9, 9, 1), np.uint8)},
            "'P1': reconstructions have shape .*of the same size",
        ),
    ],
)
def test_a_transect_that_does_not_fit_is_refused(changes, message):
    transect = make_transect3d("P1", k=4, size=8)._replace(**changes)
    with pytest.raises(ValueError, match=message):
        SheetExplorer(CODES, FACTORS, [transect])


def test_transects_are_three_of_different_names():
    transect = make_transect3d("P1", k=4, size=8)
    with pytest.raises(ValueError, match="each its own name"):
        SheetExplorer(CODES, FACTORS, [transect, transect])
    with pytest.raises(ValueError, match="4 transects: give at most 3"):
        SheetExplorer(CODES, FACTORS, [transect] * 4)


# ---- What is seen


def test_from_above_it_is_the_plane_of_factors():
    explorer = make_sheet(azimuth=0, elevation=90)
    x, y, _ = explorer.project(explorer.codes).T
    assert np.corrcoef(x, explorer.factors[:, 0])[0, 1] > 0.97
    assert np.corrcoef(y, explorer.factors[:, 1])[0, 1] > 0.97


@pytest.mark.parametrize("flat", [False, True])
def test_the_frame_is_a_rotation(explorer, flat):
    factors = explorer.factors.copy()
    if flat:  # the plane of the factors has then one direction only
        factors[:, 1] = 3
    frame = sheet_frame(explorer.codes, factors)
    assert np.allclose(frame @ frame.T, np.eye(3))
    assert np.linalg.det(frame) == pytest.approx(1)


def test_of_two_codes_there_is_a_view_as_well():
    assert SheetExplorer([[0, 0, 0], [0, 0, 1.0]], [[0, 0], [1, 1]]).to_html()


def test_codes_come_back_within_half_a_step(explorer):
    state, bound = explorer.state, explorer.span / 65534 * 1.001
    pairs = [
        (state["codes"], explorer.codes),
        *zip(state["edges"].values(), explorer.edges.values(), strict=True),
        *zip(state["grid"], explorer.grid, strict=True),
    ]
    for packed, transect in zip(state["transects"], explorer.transects, strict=True):
        pairs.append((packed["codes"], transect.codes))
    for text, codes in pairs:
        assert np.abs(unpacked(text, explorer) - codes).max() <= bound
    shades = np.frombuffer(base64.b64decode(state["shades"]), "u1").reshape(-1, 2)
    low, high = explorer.factors.min(axis=0), explorer.factors.max(axis=0)
    error = low + shades / 255 * (high - low) - explorer.factors
    assert (np.abs(error) <= (high - low) / 509).all()


@pytest.mark.parametrize("inverted", [False, True])
def test_images_come_back_within_four_grey_levels(inverted):
    explorer = make_sheet(inverted=inverted)
    for packed, transect in zip(
        explorer.state["transects"], explorer.transects, strict=True
    ):
        sprite = unpack_picture(packed["sprite"]).astype(int)
        assert sprite.shape == (128, 15 * 64) and packed["rows"] == 2
        assert len(np.unique(sprite)) <= GREYS + 1
        sprite = 255 - sprite if inverted else sprite
        for row, images in enumerate(transect[3:5]):
            drawn = sprite[64 * row : 64 * (row + 1)].reshape(64, 15, 64)
            assert np.abs(drawn.swapaxes(0, 1) - images[..., 0]).max() <= 4


def test_sides_are_named_where_they_are(explorer):
    sides = dict(explorer.state["sides"])
    assert list(sides) == ["a = 0.5", "a = 2", "b = 0", "b = 2"]
    for words, factors in [("a = 0.5", (0.5, 0.5)), ("b = 2", (0.875, 2))]:
        code = unpacked(sides[words], explorer)
        assert np.linalg.norm(code - on_sheet([factors])) < 0.1


# ---- What a page and a view get


@pytest.mark.parametrize("colour", ["a", None])
@pytest.mark.parametrize("made", [True, False])
def test_a_sheet_may_be_shown_plain(colour, made):
    transect = make_transect3d("P1")
    if not made:
        transect = transect._replace(reconstructions=None)
    plain = make_sheet(transects=[transect], colour=colour, grid=())
    assert plain.still_png()
    assert page_state(plain)["transects"][0]["rows"] == 1 + made
    bare = SheetExplorer(CODES, FACTORS, colour=colour)
    assert bare.still_png()
    assert page_state(bare)["transects"] == []
    assert (bare.transect, bare.index, bare.current) == ("", 0, None)


def test_the_alt_says_what_is_there(explorer):
    for words in (
        "The codes of 4,299 images",
        "with the edge of the hole.",
        "the transects P1, P2, P3; 5 of the 15 points of P1 lie in the hole",
    ):
        assert words in explorer.alt
