"""The polar explorer without a browser: traits, refusals, state and HTML."""

import base64
import json
import re
import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from vaetut.datasets import polar
from vaetut.widgets.polar_explorer import MAX_POINTS, SCRIPT, PolarExplorer, describe

FACTORS = polar.sample(5000, seed=0)


@pytest.fixture(scope="module")
def html():
    return PolarExplorer(FACTORS, alt='A <plane> & a "star".').to_html()


def page_state(html):
    return json.loads(
        re.search(r'<script type="application/json">(.*?)</script>', html, re.S)[1]
    )


# ---- Traits


def test_a_place_is_a_trait():
    explorer, seen = PolarExplorer(a=0.5, b=np.float32(2), radius=0.7), []
    explorer.observe(seen.append, ["a", "b", "radius"])
    assert (explorer.a, explorer.b, explorer.radius) == (0.5, 2.0, 0.7)
    explorer.a = 2
    explorer.set_state({"b": 0.25, "radius": 0.1})
    assert [change["name"] for change in seen] == ["a", "b", "radius"]
    assert (explorer.a, explorer.b, explorer.radius) == (2, 0.25, 0.1)
    assert {"a", "b", "radius"} < set(explorer.get_state())


@pytest.mark.parametrize(
    ("name", "value", "span"),
    [
        ("a", 0.49, "0.5 to 2"),
        ("a", 2.01, "0.5 to 2"),
        ("a", np.nan, "0.5 to 2"),
        ("b", -0.01, "0 to 2"),
        ("b", "1", "0 to 2"),
        ("b", None, "0 to 2"),
        ("radius", 0.05, "0.1 to 0.7"),
        ("radius", np.inf, "0.1 to 0.7"),
    ],
)
def test_numbers_outside_their_range_are_refused(name, value, span):
    message = f"^{name} is .*: give a number from {span}"
    with pytest.raises(ValueError, match=message):
        PolarExplorer(**{name: value})
    explorer = PolarExplorer()
    before = getattr(explorer, name)
    with pytest.raises(ValueError, match=message):
        setattr(explorer, name, value)
    assert getattr(explorer, name) == before


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (np.ones(2), r"shape \(2,\): give \(n, 2\)"),
        (np.ones((3, 3)), r"shape \(3, 3\)"),
        (np.ones((0, 2)), r"shape \(0, 2\)"),
        ([[0.4, 1.0]], "outside the plane: give a from 0.5 to 2 and b from 0 to 2"),
        ([[1.0, np.nan]], "outside the plane"),
        (np.ones((MAX_POINTS + 1, 2)), f"{MAX_POINTS + 1} points: give at most"),
    ],
)
def test_factors_that_are_no_points_of_the_plane_are_refused(factors, message):
    with pytest.raises(ValueError, match=message):
        PolarExplorer(factors)


def test_an_empty_alt_is_refused():
    with pytest.raises(ValueError, match="alt is empty"):
        PolarExplorer(alt=" ")


# ---- What a page and a view get


def test_the_kernel_answers_with_the_state(monkeypatch):
    explorer, sent = PolarExplorer(FACTORS), []
    monkeypatch.setattr(explorer, "send", sent.append)
    explorer._handle_custom_msg({"kind": "something else"}, [])
    assert not sent
    explorer._handle_custom_msg({"kind": "state"}, [])
    assert sent == [{"kind": "state", "state": explorer.state}]
    json.dumps(sent)


def test_points_come_back_on_their_side_of_the_hole():
    packed = PolarExplorer(FACTORS).state["points"]
    steps = np.frombuffer(base64.b64decode(packed["data"]), "<u2").reshape(-1, 2)
    low, high = np.transpose([polar.A_RANGE, polar.B_RANGE])
    points = low + steps / 65535 * (high - low)
    assert packed["n"] == 5000
    assert np.abs(points - FACTORS).max() < 2e-5
    assert np.array_equal(polar.outside(points), polar.outside(FACTORS))


def test_html_stands_alone(html):
    assert 'alt="A &lt;plane&gt; &amp; a &quot;star&quot;."' in html
    quiet = html.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    assert not re.search(r"https?:|src=\"(?!data:)|@import|url\(", quiet)
    assert html.count("</script>") == 2
    state = page_state(html)
    assert state["start"] == {"a": 1.4, "b": 1.15, "radius": 0.3}
    assert state["transects"]["P1"] == [[1.25, 0], [1.25, 2]]


def test_html_has_a_still_picture(html):
    png = base64.b64decode(re.search(r'data:image/png;base64,([^"]+)"', html)[1])
    picture = np.asarray(Image.open(BytesIO(png)).convert("L"))
    assert picture.std() > 10


def test_html_starts_where_the_traits_are():
    explorer = PolarExplorer()
    explorer.a, explorer.b = 0.5, 2
    html = explorer.to_html()
    assert page_state(html)["start"] == {"a": 0.5, "b": 2, "radius": 0.3}
    assert page_state(html)["points"] is None
    assert "a = 0.50, b = 2.00 lies outside the hole, 1.25 from its centre" in html


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((1.25, 1.0, 0.1), ["in the hole, 0.00 from", "without inner loops", "0.10"]),
        ((1.0, 1.2), ["outside the hole, 0.32", "with inner loops", "-0.20 to 2.20"]),
    ],
)
def test_the_alt_says_where_the_point_is(place, words):
    for word in words:
        assert word in describe(*place)


def test_a_notebook_saves_no_points_with_the_live_view():
    explorer = PolarExplorer(FACTORS)
    data, _ = explorer._repr_mimebundle_()
    assert {"text/html", "text/plain"} < set(data)
    assert data["text/plain"] == explorer.alt
    assert "application/vnd.jupyter.widget-view+json" in data
    saved = {k: v for k, v in explorer.get_state().items() if k not in ("_esm", "_css")}
    assert len(json.dumps(saved, default=str)) < 2000


def test_a_page_carries_little(html):
    assert SCRIPT.stat().st_size < 15_000
    assert len(html) < 90_000


def test_no_network_library_is_loaded():
    """Chapter 07 draws; whoever reads it waits for no Keras."""
    code = (
        "import sys; from vaetut.widgets import PolarExplorer; "
        "PolarExplorer().to_html(); print('keras' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "False\n"


def test_every_widget_is_found_by_name():
    import vaetut.widgets as widgets

    assert set(widgets.HOMES) == set(widgets.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Explorer'"):
        widgets.Explorer  # noqa: B018
