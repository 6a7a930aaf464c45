"""The digest that keys the execution cache sees all that it should."""

import importlib.util
import shutil
import sys

import pytest
from docutils import nodes

from vaetut.claims import Row

from .sources import ROOT


@pytest.fixture
def extension(tmp_path, monkeypatch):
    """Return the book's extension, in a tree of its own."""
    for name in (
        "_ext/vaetut_book.py",
        "_ext/execution.py",
        "_ext/prose.py",
        "requirements.txt",
        "constraints.txt",
    ):
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
    for name in ("models/vae.py", "pretrained/vae/weights.safetensors"):
        path = tmp_path / "vaetut" / name
        path.parent.mkdir(parents=True)
        path.write_text("first")
    source = tmp_path / "_ext" / "vaetut_book.py"
    monkeypatch.syspath_prepend(source.parent)
    for name in ("execution", "prose"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    spec = importlib.util.spec_from_file_location("extension_copy", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name",
    [
        "vaetut/models/vae.py",
        "vaetut/models/new.py",
        "vaetut/widgets/plane.js",
        "vaetut/widgets/plane.css",
        "vaetut/pretrained/vae/weights.safetensors",
        "vaetut/datasets/data/faces/SHA256SUMS",
        "requirements.txt",
        "constraints.txt",
    ],
)
def test_a_change_changes_the_digest(extension, name):
    before = extension.execution_digest()
    assert before == extension.execution_digest()
    path = extension.ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("second")
    assert before != extension.execution_digest()


def test_settings_of_the_run_change_the_digest(extension, monkeypatch):
    before = extension.execution_digest()
    monkeypatch.setenv("VAETUT_SCALE", "smoke")
    assert before != extension.execution_digest()


def test_a_verdict_has_a_class_by_its_first_word(extension):
    rows = []
    for text in ("Verdict", "confirmed", "undecided after correction"):
        entry = nodes.entry("", nodes.paragraph(text=text))
        rows.append(nodes.row("", nodes.entry("", nodes.paragraph(text="-")), entry))
    extension.mark_verdicts(nodes.tbody("", *rows))
    assert [row.children[-1]["classes"] for row in rows[1:]] == [
        ["verdict-confirmed"],
        ["verdict-undecided"],
    ]
    assert not any(row.children[0]["classes"] for row in rows)


def test_a_row_of_claims_says_what_it_is_of(extension):
    one = Row(
        *(3, "A claim.", "reading", "a post", "1", 5.0, 4.0, 6.0, 7, "seeds", "full"),
        *("nats", "below 6 nats", False, 0.03, 0.06, "confirmed", "undecided"),
    )
    chapter, claim, theirs, ours, verdict = extension.Claims.cells(one)
    assert (chapter, theirs) == ("3", "1")
    assert claim == "A claim.\n\na post (our reading of theirs)."
    assert ours == (
        "5 nats (4 to 6)\n\nMust be below 6 nats. 7 seeds, not paired, full scale."
    )
    assert verdict == "undecided after correction\n\nThe interval alone: confirmed."


def test_a_page_keeps_what_its_widgets_share_once(extension):
    """And each state: the widgets themselves stay."""
    from vaetut.widgets import LossLedger, RotationExplorer
    from vaetut.widgets.page import SHARED

    history = {"beta": 1, "reconstruction": [2.0, 1.0], "kl": [0.0, 1.0]}
    made = [
        LossLedger({"1": history}),
        RotationExplorer({"row": [[0, 1], [1, 0], [2, 2]]}),
    ]
    doctree = nodes.section()
    for explorer in (*made, made[0]):
        doctree += nodes.raw("", explorer.to_html(), format="html")
    doctree += nodes.raw("", SHARED[0], format="latex")  # no affair of a page
    extension.share_once(None, doctree, "page")
    first, second, third, other = map(nodes.Element.astext, doctree.children)
    assert first == made[0].to_html() and other == SHARED[0]
    for text, explorer in ((second, made[1]), (third, made[0])):
        style, script = SHARED
        whole = explorer.to_html()
        assert text == whole.removeprefix(style).removesuffix(script) != whole


def test_a_page_keeps_each_networks_weights_once(extension):
    """Two widgets of one decoder: the second says where its weights are."""
    states = ['"weights":"AAAA"', '"weights":"BBBB","x":1', '"weights":"AAAA"']
    doctree = nodes.section()
    for state in (*states, '"weights":"BBBB"'):
        doctree += nodes.raw("", f"{{{state}}}", format="html")
    extension.share_once(None, doctree, "page")
    kept = [f"{{{state}}}" for state in states[:2]]
    shared = ['{"weights":"#0"}', '{"weights":"#1"}']
    assert [node.astext() for node in doctree.children] == kept + shared
