"""What every widget keeps without a browser: traits, refusals, state and HTML."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import widget_table
from widget_table import WIDGETS, example, page_state, unpack_picture

from vaetut import widgets
from vaetut.widgets.page import SHARED

REFUSED = [(widget, *row) for widget in WIDGETS for row in widget.refused]
NAMED = [widget for widget in WIDGETS if widget.named]


def carried(html):
    """Return the state that a page carries."""
    script = r'<script type="application/json">(.*?)</script>'
    return json.loads(re.search(script, html, re.S)[1])


def alone(html):
    """Return whether HTML asks for nothing else, and ends no script early."""
    quiet = html.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    address = r"https?:|src=\"(?!data:)|@import|url\(|^import "
    return not re.search(address, quiet, re.M) and html.count("</script>") == 2


@pytest.fixture(scope="module", params=WIDGETS, ids=str)
def widget(request):
    return request.param


@pytest.fixture(scope="module")
def made(widget):
    return example(widget.name)


@pytest.fixture(scope="module")
def html(made):
    return made.to_html()


def test_every_widget_is_in_the_table_and_found_by_name():
    names = {widget.name for widget in WIDGETS}
    others = {"Panel", "TrainingPanel"}  # a part of one, and a callback
    assert names | others == set(widgets.__all__) == set(widgets.HOMES)
    for name in names:
        assert getattr(widgets, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Explorer'"):
        widgets.Explorer  # noqa: B018


# ---- Traits and refusals


def test_kernel_and_view_set_the_same_traits(widget):
    explorer, seen = widget.make(), []
    names = list(explorer.view)
    assert {name: getattr(explorer, name) for name in names} == widget.start
    assert set(names) <= set(explorer.get_state())
    if not names:  # its point is the view's own
        return
    explorer.observe(seen.append, names)
    explorer.set_state(widget.moved)
    for name, value in widget.start.items():
        setattr(explorer, name, like_numpy(value))
    assert [change["name"] for change in seen] == 2 * names
    values = [change["new"] for change in seen]
    assert values == [*widget.moved.values(), *widget.start.values()]


def like_numpy(value):
    """Return numbers as NumPy has them, all else as it is."""
    if isinstance(value, (str, bool)):
        return value
    return np.asarray(value)[()]


@pytest.mark.parametrize(("widget", "name", "value", "mend"), REFUSED, ids=str)
def test_a_value_that_there_is_not_is_refused(widget, name, value, mend):
    explorer = example(widget.name)
    message = f"^{name} is .*{re.escape(mend)}"
    before = getattr(explorer, name)
    with pytest.raises(ValueError, match=message):
        setattr(explorer, name, value)
    assert getattr(explorer, name) == before
    with pytest.raises(ValueError, match=message):
        widget.make(**{name: value})


def test_an_empty_alt_is_refused(widget):
    with pytest.raises(ValueError, match="alt is empty"):
        widget.make(alt=" ")


# ---- What a page and a view get


def test_the_kernel_answers_with_the_state(widget, made, monkeypatch):
    sent = []
    monkeypatch.setattr(made, "send", sent.append)
    made._handle_custom_msg({"kind": "something else"}, [])
    assert not sent
    made._handle_custom_msg({"kind": "state"}, [])
    assert sent == [{"kind": "state", "state": made.state}]
    assert ("weights" in json.dumps(sent)) == widget.engine


def test_html_stands_alone(widget, made, html):
    assert alone(html)
    assert carried(html) == page_state(made)
    for network in carried(html).get("networks", []):  # which are packed once
        assert html.count(network["weights"]) == 1
    assert len(html) - sum(map(len, SHARED)) < widget.page


@pytest.mark.parametrize("widget", NAMED, ids=str)
def test_a_name_cannot_end_a_script(widget):
    name = '</script> <b> & "P"'
    html = widget.named(name).to_html()
    assert alone(html)
    assert json.dumps(name) in json.dumps(carried(html))


def test_html_has_the_given_alt_and_starts_where_the_traits_are(widget):
    explorer = widget.make(alt='A <plane> & a "star".')
    if widget.trait:
        setattr(explorer, widget.trait, widget.saved)
    html = explorer.to_html()
    assert explorer.alt == 'A <plane> & a "star".'
    assert 'alt="A &lt;plane&gt; &amp; a &quot;star&quot;."' in html
    start = {name: getattr(explorer, name) for name in explorer.view}
    assert carried(html)["start"] == start


def test_html_has_a_still_picture(html):
    data = re.search(r'data:image/png;base64,([^"]+)"', html)[1]
    assert unpack_picture(data).std() > 10


def test_a_notebook_saves_the_same_html_and_little_of_the_live_view(widget, html):
    explorer = widget.make()
    data, _ = explorer._repr_mimebundle_()
    assert data["text/html"] == html
    assert data["text/plain"] == explorer.alt
    assert "application/vnd.jupyter.widget-view+json" in data
    state = explorer.get_state()
    saved = {k: v for k, v in state.items() if k not in ("_esm", "_css")}
    assert len(json.dumps(saved, default=str)) < 2000


def test_only_widgets_that_decode_load_keras():
    """Whoever reads a chapter that only draws waits for no Keras."""
    code = (
        "import sys; from widget_table import WIDGETS\n"
        "for widget in WIDGETS:\n"
        "    if not widget.keras:\n"
        "        widget.make().to_html()\n"
        "        assert 'keras' not in sys.modules, widget.name\n"
        "print('done')"
    )
    folder = Path(widget_table.__file__).parent
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder
    )
    assert answer.stdout == "done\n", answer.stderr
