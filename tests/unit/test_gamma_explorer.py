"""The gamma explorer without a browser: the view, refusals, packing and HTML."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from vaetut.widgets.gamma_explorer import SCRIPT, GammaExplorer, middled, reach

LABELS = ("−4.1", "0", "410")
REFERENCE = {"alignment": 0.35}


def lattice(k, d=3):
    """Return codes (4, 5, d) of a bent sheet, askew and of another size for each k."""
    a, b = np.meshgrid(np.linspace(-1, 1, 4), np.linspace(-1, 1, 5), indexing="ij")
    codes = np.stack([a, b, a * a - 0.3 * b], axis=2)[..., :d]
    turn = np.linalg.qr(np.random.default_rng(k).normal(size=(d, d)))[0]
    return (1 + k) * codes @ turn + 0.5


def make_scores(names=("alignment", "MIG")):
    return {
        label: {name: (0.1 + k / 10, k / 10, 0.3 + k / 10) for name in names}
        for k, label in enumerate(LABELS)
    }


def make_explorer(d=3, **options):
    embeddings = {label: lattice(k, d) for k, label in enumerate(LABELS)}
    options = {"scores": make_scores(), "reference": REFERENCE} | options
    return GammaExplorer(embeddings, **options)


def page_state(html):
    return json.loads(
        re.search(r'<script type="application/json">(.*?)</script>', html, re.S)[1]
    )


# ---- The view


def test_the_view_is_traits():
    explorer, seen = make_explorer(), []
    traits = ["run", "azimuth", "elevation", "fit"]
    assert [getattr(explorer, name) for name in traits] == ["−4.1", -25, 30, False]
    explorer.observe(seen.append, traits)
    explorer.run = "410"
    explorer.set_state({"azimuth": 10, "elevation": 90, "fit": True})
    assert [getattr(explorer, name) for name in traits] == ["410", 10, 90, True]
    assert [change["name"] for change in seen] == traits


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("run", "7", "is '7': choose one of '−4.1', '0', '410'"),
        ("azimuth", 181, "is 181: give a number from -180 to 180"),
        ("elevation", np.nan, "is nan: give a number from -90 to 90"),
    ],
)
def test_a_view_that_is_none_is_refused(name, value, message):
    explorer = make_explorer()
    before = getattr(explorer, name)
    for act in (
        lambda: setattr(explorer, name, value),
        lambda: make_explorer(**{name: value}),
    ):
        with pytest.raises(ValueError, match=f"^{name} {message}"):
            act()
    assert getattr(explorer, name) == before


def test_from_above_z1_is_to_the_right_and_z2_up():
    explorer = make_explorer(azimuth=0, elevation=90, fit=True)
    codes = middled(lattice(1))
    seen = explorer.project("0")
    assert seen == pytest.approx(codes[..., :2] / reach(codes), abs=1e-12)
    explorer.elevation = 0
    assert explorer.project("0") == pytest.approx(codes[..., [0, 2]] / reach(codes))
    explorer.fit = False  # the third run is the largest
    largest = reach(lattice(2))
    assert explorer.project("0") == pytest.approx(codes[..., [0, 2]] / largest)


def test_two_dimensions_are_drawn_flat():
    explorer = make_explorer(d=2, azimuth=70, elevation=-20, fit=True)
    codes = middled(lattice(0, 2))
    assert explorer.project("−4.1") == pytest.approx(codes / reach(codes))
    assert page_state(explorer.to_html())["flat"] is True


# ---- What is refused

CODES = lattice(0)


@pytest.mark.parametrize(
    ("embeddings", "options", "message"),
    [
        ({}, {}, "embeddings is dict or empty: give"),
        ({"0": CODES[0]}, {}, r"'0' has shape \(5, 3\): give \(na, nb, d\)"),
        ({"0": CODES[..., :1]}, {}, "with d = 2 or 3"),
        ({"0": CODES[:1]}, {}, "at least two values"),
        ({"0": CODES, "1": CODES[:3]}, {}, "give all runs the same lattice"),
        ({"0": CODES * np.nan}, {}, "embedding '0' has NaN or infinity: leave"),
        ({"0": 0 * CODES}, {}, "embeddings are points: give codes that are apart"),
        ({"0": np.ones((150, 150, 2))}, {}, "22500 points in all: give at most 20000"),
        ({"0": CODES}, {"scores": {"1": {}}}, "labels 1: give those of .* 0"),
        (
            {"0": CODES, "1": CODES},
            {"scores": {"0": {"MIG": (0, 0, 0)}, "1": {"SAP": (0, 0, 0)}}},
            "scores of '1' are SAP: give those of '0', MIG",
        ),
        (
            {"0": CODES},
            {"scores": {"0": {"MIG": (0.1, 0.2, 0.3)}}},
            r"'MIG' of '0' is \(0.1, 0.2, 0.3\): give \(mean, low, high\)",
        ),
        ({"0": CODES}, {"scores": {"0": {"MIG": 0.1}}}, "'MIG' of '0' is 0.1: give"),
        ({"0": CODES}, {"scores": {"0": {"MIG": [np.nan] * 3}}}, "finite and with"),
        ({"0": CODES}, {"reference": {"MIG": 0}}, "reference has 'MIG': .*are none"),
        (
            {"0": CODES},
            {"scores": {"0": {"MIG": (0, 0, 0)}}, "reference": {"MIG": np.inf}},
            "reference of 'MIG' is inf: leave it out",
        ),
        ({"0": CODES}, {"label": ""}, "label is ''"),
        ({"0": CODES}, {"ranges": ((0, 1), (1, 0))}, "ranges are .*growing"),
        ({"0": CODES}, {"ranges": 3}, "ranges are 3: give"),
        ({"0": CODES}, {"alt": " "}, "alt is empty"),
    ],
)
def test_what_makes_no_sense_is_refused(embeddings, options, message):
    with pytest.raises(ValueError, match=message):
        GammaExplorer(embeddings, **options)


# ---- What a page and a view get


@pytest.mark.parametrize("d", [2, 3])
def test_values_come_back(d):
    state = page_state(make_explorer(d).to_html())
    assert state["shape"] == [4, 5] and [r["name"] for r in state["runs"]] == [*LABELS]
    assert state["reach"] == pytest.approx(reach(lattice(2, d)), rel=1e-5)
    for k, run in enumerate(state["runs"]):
        given, packed = middled(lattice(k, d)), run["codes"]
        steps = np.frombuffer(base64.b64decode(packed["data"]), "<i2")
        codes = steps.reshape(4, 5, 3) / 32767 * packed["span"]
        assert np.abs(codes[..., :d] - given).max() <= packed["span"] / 65534 * 1.01
        assert not codes[..., d:].any()
        assert run["reach"] == pytest.approx(reach(lattice(k, d)), rel=1e-5)
    scores = {score["name"]: score for score in state["scores"]}
    assert scores["alignment"]["reference"] == 0.35
    assert scores["MIG"]["reference"] is None
    given = [make_scores()[label]["MIG"] for label in LABELS]
    assert np.allclose(scores["MIG"]["rows"], given)


def test_scores_may_be_left_out():
    explorer = make_explorer(scores=None, reference=None)
    assert page_state(explorer.to_html())["scores"] == []
    assert "scores" not in explorer.alt


def test_the_sides_are_those_of_the_lattice():
    sides = make_explorer(ranges=((0.5, 2), (-1, 1))).state["sides"]
    assert sides == [
        ("a = 0.5", 0, 0, 2),
        ("a = 2", 0, 3, 2),
        ("b = -1", 1, 2, 0),
        ("b = 1", 1, 2, 4),
    ]


def test_the_view_it_starts_with_is_the_one_to_go_back_to():
    explorer = make_explorer(azimuth=40, elevation=10)
    explorer.azimuth = 0
    state = page_state(explorer.to_html())
    assert state["back"] == {"azimuth": 40, "elevation": 10}
    assert state["start"]["azimuth"] == 0


def test_the_kernel_answers_with_the_state(monkeypatch):
    explorer, sent = make_explorer(), []
    monkeypatch.setattr(explorer, "send", sent.append)
    explorer._handle_custom_msg({"kind": "state"}, [])
    assert sent == [{"kind": "state", "state": explorer.state}]
    json.dumps(sent)


def test_html_stands_alone():
    name = '</script> <b> & "P"'
    explorer = GammaExplorer({name: CODES}, alt='A <sheet> & a "run".')
    html = explorer.to_html()
    assert 'alt="A &lt;sheet&gt; &amp; a &quot;run&quot;."' in html
    quiet = html.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    assert not re.search(r"https?:|src=\"(?!data:)|@import|url\(|^import ", quiet, re.M)
    assert html.count("</script>") == 2
    assert page_state(html)["runs"][0]["name"] == name


def test_html_has_a_still_picture_and_is_the_same_twice():
    html = make_explorer().to_html()
    data = re.search(r'data:image/png;base64,([^"]+)"', html)[1]
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).std() > 10
    assert make_explorer().to_html() == html


def test_the_alt_has_the_scores():
    explorer = make_explorer(run="0")
    assert "run of γ = 0 encodes it" in explorer.alt
    assert "alignment 0.2 (0.1 to 0.4, by chance 0.35); MIG 0.2" in explorer.alt
    assert explorer._repr_mimebundle_()[0]["text/plain"] == explorer.alt


def test_a_notebook_saves_no_codes_with_the_live_view():
    explorer = make_explorer()
    data, _ = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    saved = {k: v for k, v in explorer.get_state().items() if k not in ("_esm", "_css")}
    assert len(json.dumps(saved, default=str)) < 2000


def test_a_page_carries_little():
    assert len(make_explorer().to_html()) < 70_000
    parts = [SCRIPT, SCRIPT.with_name("shared.js")]
    assert sum(part.stat().st_size for part in parts) < 25_000
