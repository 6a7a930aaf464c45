"""The digest that keys the execution cache sees all that it should."""

import importlib.util
import shutil
import sys

import pytest
from docutils import nodes

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


def of_run(recipe, n=1):
    """Return a run of `list_runs`, as far as it is shown."""
    kl = {"mean": 5.0, "low": 4.0, "high": 6.0, "n": n}
    return {
        "recipe": recipe,
        "scale": "laptop",
        "seeds": n,
        "hardware": "a CPU",
        "backend": "keras",
        "seconds": 61.0,
        "parameters": {"total": 1234},
        "metrics": {"kl": kl, "iou": kl},
        "stale": False,
    }


def test_a_row_of_runs_says_what_was_trained(extension):
    cells = extension.Runs.cells(of_run("polar-small", n=3))
    assert cells == (
        *("`polar-small` laptop", "3", "a CPU, keras", "1 min 1 s", "1,234"),
        "kl 5 (4 to 6)",
    )
    stale = of_run("polar-small+beta=2+gamma=0") | {"stale": True}
    changed, *_, loss = extension.Runs.cells(stale)
    assert changed == "`+beta=2` `+gamma=0` laptop (**stale**)" and loss == "kl 5"


def test_variants_stand_below_their_recipe_and_are_folded_where_they_are_many(
    extension, monkeypatch
):
    few = [of_run(f"faces-vae+beta={k}") for k in range(3)]
    many = [of_run(f"polar-small+beta={k}") for k in range(4)]
    listed = [of_run("polar-small"), of_run("faces-vae"), *few, *many]
    monkeypatch.setattr("vaetut.runs.list_runs", lambda: listed)
    runs = object.__new__(extension.Runs)  # what Sphinx gives it is not needed
    parsed = []
    monkeypatch.setattr(runs, "markup", lambda header, rows, *_: [r[0] for r in rows])
    monkeypatch.setattr(runs, "parse_text_to_nodes", lambda x: parsed.append(x) or [])
    monkeypatch.setattr(runs, "folded", lambda base, found: (base, len(found)))
    runs.run()
    first = [f"`{name}` laptop" for name in ("polar-small", "faces-vae")]
    assert parsed[0] == [*first, *(f"`+beta={k}` laptop" for k in range(3))]
    assert parsed[1:] == [("polar-small", 4)]


def test_what_a_card_takes_is_not_measured_yet_or_a_table(extension):
    row = {"recipe": "a", "scale": "full", "card": "NVIDIA H200", "seeds": 2}
    row |= {"seconds": 90.0, "images_per_second": 1234.5}
    cells = extension.GpuRuns.cells(row)
    assert cells == ("`a` full", "NVIDIA H200", "2", "1.5", "1,234")
    assert extension.GpuRuns.cells(row | {"images_per_second": None})[-1] == ""


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
