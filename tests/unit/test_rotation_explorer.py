"""The rotation explorer without a browser: curves, refusals, packing and HTML."""

import base64
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from vaetut.widgets.rotation_explorer import (
    ANGLES,
    DOTS,
    SCRIPT,
    RotationExplorer,
    example_clouds,
    shown,
    turned,
)

RNG = np.random.default_rng(0)
SQUARE = RNG.uniform(-1, 1, (3000, 2))
FEW = RNG.normal(size=(50, 2)) * [2, 1] + [0.3, -1]


@pytest.fixture
def explorer():
    return RotationExplorer({"square": SQUARE, "trained codes": FEW})


def page_state(html):
    return json.loads(
        re.search(r'<script type="application/json">(.*?)</script>', html, re.S)[1]
    )


def unpacked(packed):
    """Return points (n, 2) from what a page carries."""
    steps = np.frombuffer(base64.b64decode(packed["data"]), "<i2").reshape(-1, 2)
    return steps / 32767 * packed["span"]


# ---- What is computed


def test_the_curves_are_those_of_the_turned_codes():
    curves = turned(FEW)
    for angle in (0, 17, 45, 90):
        t = np.deg2rad(angle)
        u = FEW[:, 0] * np.cos(t) - FEW[:, 1] * np.sin(t)
        v = FEW[:, 0] * np.sin(t) + FEW[:, 1] * np.cos(t)
        assert curves["loss"][angle] == pytest.approx(np.abs(u * v).mean())
        assert curves["covariance"][angle] == pytest.approx(np.cov(u, v, ddof=0)[0, 1])
        assert curves["correlation"][angle] == pytest.approx(np.corrcoef(u, v)[0, 1])


def test_a_square_costs_a_sixth_at_45_degrees_and_never_covaries():
    clouds = example_clouds()
    curves = {name: turned(codes) for name, codes in clouds.items()}
    square = curves["uniform square"]
    assert square["loss"][[0, 45, 90]] == pytest.approx([1 / 4, 1 / 6, 1 / 4], abs=1e-3)
    assert np.abs(square["covariance"]).max() < 1e-12
    for curve in curves.values():
        assert curve["loss"][0] == pytest.approx(1 / 4)
    assert curves["Gaussian"]["loss"] == pytest.approx(np.full(91, 1 / 4), rel=3e-3)
    assert curves["Laplace"]["loss"][45] == pytest.approx(3 / 8, rel=0.01)
    assert curves["rectangle 1.4:1"]["loss"].argmin() == 45
    assert curves["rectangle 1.7:1"]["loss"].argmin() in range(25, 32)
    assert curves["rectangle 2:1"]["loss"].argmin() in (0, 90)
    assert curves["rectangle 2:1"]["covariance"][45] > 0.2


@pytest.mark.parametrize("n", [0, 12, -8, 8.5])
def test_example_clouds_are_mirrored_eighths(n):
    with pytest.raises(ValueError, match=f"^n is {n}: give a multiple of 8"):
        example_clouds(n)
    assert all(codes.shape == (16, 2) for codes in example_clouds(16).values())


# ---- Traits and refusals


def test_shape_and_angle_are_traits(explorer):
    seen = []
    assert (explorer.shape, explorer.angle) == ("square", 0)
    explorer.observe(seen.append, ["shape", "angle"])
    explorer.angle = np.int64(45)
    explorer.set_state({"shape": "trained codes", "angle": 90})
    assert (explorer.shape, explorer.angle) == ("trained codes", 90)
    assert [change["name"] for change in seen] == ["angle", "shape", "angle"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("shape", "disc", "is 'disc': choose one of 'square', 'trained codes'"),
        ("angle", -1, "is -1: give a whole number from 0 to 90"),
        ("angle", 91, "is 91: give"),
        ("angle", 4.5, "is 4.5: give"),
    ],
)
def test_a_place_that_is_none_is_refused(explorer, name, value, message):
    before = getattr(explorer, name)
    with pytest.raises(ValueError, match=f"^{name} {message}"):
        setattr(explorer, name, value)
    with pytest.raises(ValueError, match=f"^{name} {message}"):
        RotationExplorer(explorer.clouds, **{name: value})
    assert getattr(explorer, name) == before


@pytest.mark.parametrize(
    ("clouds", "options", "message"),
    [
        ({}, {}, "clouds is dict or empty: give {"),
        ([SQUARE], {}, "clouds is list or empty"),
        ({" ": SQUARE}, {}, "clouds has the name ' ': give each a short text"),
        ({3: SQUARE}, {}, "clouds has the name 3"),
        ({"s": SQUARE.T}, {}, r"cloud 's' has shape \(2, 3000\): give \(n, 2\)"),
        ({"s": SQUARE[:2]}, {}, "at least 3"),
        ({"s": SQUARE * np.nan}, {}, "cloud 's' has NaN or infinity: leave"),
        ({"s": 0 * SQUARE}, {}, "cloud 's' is all zeros"),
        ({"s": SQUARE}, {"alt": " "}, "alt is empty"),
    ],
)
def test_what_makes_no_sense_is_refused(clouds, options, message):
    with pytest.raises(ValueError, match=f"^{message}|{message}"):
        RotationExplorer(clouds, **options)


# ---- What a page and a view get


def test_values_come_back(explorer):
    state = page_state(explorer.to_html())
    assert state["start"] == {"shape": "square", "angle": 0}
    for packed, codes in zip(state["shapes"], [SQUARE, FEW], strict=True):
        dots = unpacked(packed["dots"])
        assert len(dots) == min(DOTS, len(codes))
        assert (
            np.abs(dots - shown(codes)).max() <= packed["dots"]["span"] / 65534 * 1.01
        )
        assert packed["n"] == len(codes)
        for key, curve in turned(codes).items():
            assert len(packed[key]) == len(ANGLES)
            assert packed[key] == pytest.approx(curve, rel=1e-5)


def test_the_kernel_answers_with_the_state(explorer, monkeypatch):
    sent = []
    monkeypatch.setattr(explorer, "send", sent.append)
    explorer._handle_custom_msg({"kind": "something else"}, [])
    assert not sent
    explorer._handle_custom_msg({"kind": "state"}, [])
    assert sent == [{"kind": "state", "state": explorer.state}]


def test_html_stands_alone():
    name = '</script> <b> & "P"'
    html = RotationExplorer({name: FEW}, alt='A <cloud> & a "curve".').to_html()
    assert 'alt="A &lt;cloud&gt; &amp; a &quot;curve&quot;."' in html
    quiet = html.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    assert not re.search(r"https?:|src=\"(?!data:)|@import|url\(|^import ", quiet, re.M)
    assert html.count("</script>") == 2
    assert page_state(html)["shapes"][0]["name"] == name


def test_html_has_a_still_picture_and_is_the_same_twice(explorer):
    html = explorer.to_html()
    data = re.search(r'data:image/png;base64,([^"]+)"', html)[1]
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).std() > 10
    assert RotationExplorer(explorer.clouds).to_html() == html


def test_the_alt_has_the_numbers(explorer):
    explorer.angle = 45
    assert all(
        words in explorer.alt
        for words in ("codes of the square", "turned by 45°", "mean is 0.16")
    )
    assert explorer._repr_mimebundle_()[0]["text/plain"] == explorer.alt


def test_a_notebook_saves_no_points_with_the_live_view(explorer):
    data, _ = explorer._repr_mimebundle_()
    assert {"text/html", "text/plain"} < set(data)
    assert "application/vnd.jupyter.widget-view+json" in data
    saved = {k: v for k, v in explorer.get_state().items() if k not in ("_esm", "_css")}
    assert len(json.dumps(saved, default=str)) < 2000


def test_a_page_carries_little():
    assert len(RotationExplorer(example_clouds()).to_html()) < 120_000
    parts = [SCRIPT, SCRIPT.with_name("shared.js")]
    assert sum(part.stat().st_size for part in parts) < 25_000


def test_no_network_library_is_loaded():
    code = (
        "import sys; from vaetut.widgets import "
        "GammaExplorer, RotationExplorer, WalkExplorer; "
        "print('keras' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "False\n"
