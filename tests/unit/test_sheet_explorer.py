"""The sheet explorer without a browser: traits, refusals, packing and HTML."""

import base64
import io
import itertools
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from vaetut.datasets import polar
from vaetut.widgets.sheet_explorer import (
    GREYS,
    MAX_POINTS,
    SCRIPT,
    SheetExplorer,
    Transect3D,
    sheet_frame,
)

ROTATION = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]


def on_sheet(factors, noise=0.0):
    """Return codes on a saddle that lies askew in latent space, (n, 3)."""
    a, b = np.transpose(factors)
    height = 0.5 * (a - 1.25) ** 2 - 0.3 * (b - 1) ** 2
    codes = np.stack([a - 1.25, 0.8 * (b - 1), height], axis=1)
    codes += noise * np.random.default_rng(1).normal(size=codes.shape)
    return codes @ ROTATION + [0.3, -0.2, 1.0]


def make_transect(name, k=15, size=64, made=True):
    """Return one of the course's transects, with images a model might make."""
    factors = polar.transect(*polar.TRANSECTS[name], k)
    truth = polar.draw(factors, size)
    blurred = (truth // 2 + np.roll(truth, 1, axis=1) // 3 + 8).astype(np.uint8)
    return Transect3D(
        name,
        on_sheet(factors, 0.01),
        factors,
        truth,
        blurred if made else None,
        polar.in_hole(factors),
    )


def make_explorer(**options):
    """Return what chapter 08 shows, but of a sheet that is known."""
    factors = polar.sample(4299, 0)
    factors = factors[polar.outside(factors)]
    angle = np.linspace(0, 2 * np.pi, 90)
    corners = np.array([(0.5, 0), (2, 0), (2, 2), (0.5, 2), (0.5, 0)])
    square = [np.linspace(p, q, 40) for p, q in itertools.pairwise(corners)]
    hole = 0.3 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + [1.25, 1]
    ends = [((a, 0), (a, 2)) for a in np.linspace(0.5, 2, 7)]
    ends += [((0.5, b), (2, b)) for b in np.linspace(0, 2, 9)]
    options = {
        "transects": [make_transect(name) for name in polar.TRANSECTS],
        "edges": {
            "edge of the square": on_sheet(np.concatenate(square)),
            "edge of the hole": on_sheet(hole),
        },
        "grid": [on_sheet(np.linspace(p, q, 40)) for p, q in ends],
    } | options
    return SheetExplorer(on_sheet(factors, 0.01), factors, **options)


@pytest.fixture(scope="module")
def explorer():
    return make_explorer()


@pytest.fixture(scope="module")
def html():
    return make_explorer(alt='A <sheet> & a "hole".').to_html()


def page_state(html):
    return json.loads(
        re.search(r'<script type="application/json">(.*?)</script>', html, re.S)[1]
    )


def unpacked(text, explorer):
    """Return codes (n, 3) from what a page carries."""
    steps = np.frombuffer(base64.b64decode(text), "<i2").reshape(-1, 3)
    return explorer.middle + steps / 32767 * explorer.span


# ---- Traits


def test_the_view_is_traits(explorer):
    explorer, seen = make_explorer(azimuth=10, elevation=-20), []
    traits = ["transect", "index", "azimuth", "elevation"]
    explorer.observe(seen.append, traits)
    assert [getattr(explorer, name) for name in traits] == ["P1", 7, 10, -20]
    explorer.transect = "P3"
    explorer.set_state({"index": 3, "azimuth": 180, "elevation": 90})
    assert [change["name"] for change in seen] == traits
    assert [getattr(explorer, name) for name in traits] == ["P3", 3, 180, 90]
    assert set(traits) < set(explorer.get_state())


def test_it_starts_where_it_is_told():
    explorer = make_explorer(transect="P2", index=0)
    assert (explorer.transect, explorer.index) == ("P2", 0)
    explorer = make_explorer(transect="P3")
    assert (explorer.transect, explorer.index) == ("P3", 7)


def test_the_index_stays_within_a_shorter_transect():
    transects = [make_transect("P1"), make_transect("P2", k=4)]
    explorer = make_explorer(transects=transects, index=14)
    explorer.transect = "P2"
    assert explorer.index == 3


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("transect", "P4", "is 'P4': choose one of 'P1', 'P2', 'P3'"),
        ("transect", None, "is None: choose one of"),
        ("index", -1, "is -1: give a whole number from 0 to 14"),
        ("index", 15, "is 15: give a whole number from 0 to 14"),
        ("index", 1.5, "is 1.5: give a whole number"),
        ("azimuth", 181, "is 181: give a number from -180 to 180"),
        ("elevation", np.nan, "is nan: give a number from -90 to 90"),
    ],
)
def test_a_view_that_is_none_is_refused(explorer, name, value, message):
    before = getattr(explorer, name)
    with pytest.raises(ValueError, match=f"^{name} {re.escape(message)}"):
        make_explorer(**{name: value})
    with pytest.raises(ValueError, match=f"^{name} {re.escape(message)}"):
        setattr(explorer, name, value)
    assert getattr(explorer, name) == before


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
        ({"alt": " "}, "alt is empty"),
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
    transect = make_transect("P1", k=4, size=8)._replace(**changes)
    with pytest.raises(ValueError, match=message):
        SheetExplorer(CODES, FACTORS, [transect])


def test_transects_are_three_of_different_names():
    transect = make_transect("P1", k=4, size=8)
    with pytest.raises(ValueError, match="each its own name"):
        SheetExplorer(CODES, FACTORS, [transect, transect])
    with pytest.raises(ValueError, match="4 transects: give at most 3"):
        SheetExplorer(CODES, FACTORS, [transect] * 4)


# ---- What is seen


def test_from_above_it_is_the_plane_of_factors():
    explorer = make_explorer(azimuth=0, elevation=90)
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
    explorer = make_explorer(inverted=inverted)
    for packed, transect in zip(
        explorer.state["transects"], explorer.transects, strict=True
    ):
        sprite = Image.open(io.BytesIO(base64.b64decode(packed["sprite"])))
        sprite = np.asarray(sprite).astype(int)
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


def test_the_kernel_answers_with_the_state(explorer, monkeypatch):
    sent = []
    monkeypatch.setattr(explorer, "send", sent.append)
    explorer._handle_custom_msg({"kind": "something else"}, [])
    assert not sent
    explorer._handle_custom_msg({"kind": "state"}, [])
    assert sent == [{"kind": "state", "state": explorer.state}]
    json.dumps(sent)


def test_html_stands_alone(html):
    assert 'alt="A &lt;sheet&gt; &amp; a &quot;hole&quot;."' in html
    quiet = html.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    assert not re.search(r"https?:|src=\"(?!data:)|@import|url\(", quiet)
    assert html.count("</script>") == 2
    start = {"transect": "P1", "index": 7, "azimuth": -25, "elevation": 45}
    assert page_state(html)["start"] == start


def test_html_is_the_same_twice():
    assert make_explorer().to_html() == make_explorer().to_html()


def test_html_starts_where_the_traits_are():
    explorer = make_explorer()
    explorer.transect, explorer.index, explorer.azimuth = "P2", 2, 60
    state = page_state(explorer.to_html())
    assert state["start"]["transect"] == "P2" and state["start"]["index"] == 2
    assert state["start"]["azimuth"] == 60 and state["view"]["azimuth"] == -25


def test_html_has_a_still_picture(html):
    png = base64.b64decode(re.search(r'data:image/png;base64,([^"]+)"', html)[1])
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    assert picture.std() > 10


@pytest.mark.parametrize("colour", ["a", None])
@pytest.mark.parametrize("made", [True, False])
def test_a_sheet_may_be_shown_plain(colour, made):
    transects = [make_transect("P1", made=made)]
    html = make_explorer(transects=transects, colour=colour, grid=()).to_html()
    assert page_state(html)["transects"][0]["rows"] == 1 + made
    bare = SheetExplorer(CODES, FACTORS, colour=colour)
    assert page_state(bare.to_html())["transects"] == []
    assert (bare.transect, bare.index, bare.current) == ("", 0, None)


def test_the_alt_says_what_is_there(explorer):
    for words in (
        "The codes of 3,905 images",
        "with the edge of the square and the edge of the hole.",
        "the transects P1, P2, P3; 5 of the 15 points of P1 lie in the hole",
    ):
        assert words in explorer.alt


def test_a_notebook_saves_no_codes_with_the_live_view(explorer):
    data, _ = explorer._repr_mimebundle_()
    assert {"text/html", "text/plain"} < set(data)
    assert data["text/plain"] == explorer.alt
    assert "application/vnd.jupyter.widget-view+json" in data
    saved = {k: v for k, v in explorer.get_state().items() if k not in ("_esm", "_css")}
    assert len(json.dumps(saved, default=str)) < 2000


def test_a_page_carries_little(html):
    assert SCRIPT.stat().st_size < 25_000
    assert len(html) < 250_000


def test_no_network_library_is_loaded():
    code = (
        "import sys; from vaetut.widgets import SheetExplorer; "
        "SheetExplorer([[0, 0, 0], [0, 1, 0], [1, 0, 0]], [[0, 0], [0, 1], [1, 0]])"
        ".to_html(); print('keras' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "False\n"
