"""The list of trainings for a card: its budget, its results, and what goes wrong."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

import vaetut
from vaetut.__main__ import _parser, main
from vaetut.atomic import RunError
from vaetut.recipes import get_recipe
from vaetut.runs import full_scale, records
from vaetut.runs.full_scale import checks, page, parcels, queue
from vaetut.runs.full_scale.plan import GROUPS, Item, plan
from vaetut.runs.full_scale.queue import scale_of
from vaetut.runs.full_scale.results import Results
from vaetut.runs.measuring import measures_of
from vaetut.runs.record import Stored, read_record
from vaetut.training import budget

ROOT = Path(__file__).parents[2]
PRINTS = "print('a line'); print('{\"rate\": 3}')"
FAILS = "print('vaetut: it cannot'); raise SystemExit(1)"


def item(name, program=PRINTS, **more):
    """Return an item of a list whose process is a line of Python."""
    options = {"group": "checks", "about": "for a test"} | more
    return Item(name, command=("-c", program), **options)


@pytest.fixture
def spend(tmp_path, monkeypatch):
    """Return a function that spends minutes on items; it returns status and states."""
    monkeypatch.setattr(queue, "LEAST_SECONDS", 0.0)

    def run(*items, minutes=1.0):
        lines = []
        out = tmp_path / "out"
        status = full_scale.run(minutes, out, "smoke", say=lines.append, items=items)
        return status, states(out), lines

    run.out = tmp_path / "out"
    return run


def states(out):
    """Return name → state, as the results on disk have it."""
    rows = json.loads((out / "results.json").read_text())["results"]
    return {row["name"]: row["state"] for row in rows}


def note(out, name):
    """Return what the results on disk say of an item."""
    rows = json.loads((out / "results.json").read_text())["results"]
    return next(row["note"] for row in rows if row["name"] == name)


def test_the_list_runs_in_order_and_says_what_it_found(spend):
    status, found, lines = spend(item("one"), item("two"))
    assert status == 0 and found == {"one": "done", "two": "done"}
    text = (spend.out / "page.md").read_text("utf8")
    assert "| one | done |" in text and "rate 3" in text
    assert lines == (spend.out / "log.txt").read_text("utf8").splitlines()
    assert "    a line" in lines and lines[-1].startswith("2 done, of 2 in 1 minutes")


def test_what_is_done_is_not_done_again(spend):
    spend(item("one"))
    _, found, lines = spend(item("one", FAILS), item("two"))
    assert found == {"one": "done", "two": "done"} and lines[0] == "one: done before"


def test_a_failure_is_said_and_the_others_go_on(spend):
    status, found, _ = spend(item("one", FAILS), item("two"))
    assert status == 1 and found == {"one": "failed", "two": "done"}
    assert "| one | failed |" in (spend.out / "page.md").read_text("utf8")
    assert note(spend.out, "one") == "it cannot"
    assert spend(item("one"))[0] == 0  # the same command tries again


def test_without_what_is_required_nothing_else_begins(spend):
    with pytest.raises(RunError, match="it cannot"):
        spend(item("card", FAILS, required=True), item("two"))
    assert states(spend.out) == {"card": "failed", "two": ""}
    assert "| two | not begun |" in (spend.out / "page.md").read_text("utf8")


def test_a_budget_too_short_for_the_first_item_is_said(spend, monkeypatch):
    monkeypatch.setattr(queue, "LEAST_SECONDS", 20.0)
    with pytest.raises(RunError, match=r"0\.1 minutes are too short for 'one'.*--min"):
        spend(item("one"), minutes=0.1)
    assert states(spend.out) == {"one": "not begun"}
    with pytest.raises(ValueError, match="are no time"):
        spend(item("one"), minutes=0)


def test_what_the_time_does_not_suffice_for_is_stopped_and_what_was_done_stays(spend):
    slow = "import time; time.sleep(60)"
    status, found, _ = spend(item("one"), item("slow", slow), item("two"), minutes=0.02)
    assert status == 0
    assert found == {"one": "done", "slow": "stopped", "two": "not begun"}


def test_a_training_that_would_take_longer_says_how_long(spend):
    program = "print('vaetut: a seed 0: about 6 min more'); raise SystemExit(75)"
    status, found, _ = spend(item("a", program), item("b"))
    assert status == 0 and found == {"a": "too long", "b": "done"}
    assert note(spend.out, "a") == "a seed 0: about 6 min more"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("print('RESOURCE_EXHAUSTED: 9 GB'); raise SystemExit(1)", "too little memory"),
        ("import os; os.kill(os.getpid(), 9)", "want of memory"),
    ],
)
def test_too_little_memory_is_said_with_a_mend(spend, program, said):
    _, found, _ = spend(item("large", program), item("small"))
    assert found == {"large": "failed", "small": "done"}
    assert said in note(spend.out, "large")


def test_a_full_folder_is_said_and_what_was_done_stays(spend, monkeypatch):
    replacing = os.replace

    def full(source, target):
        if "two" in Path(source).read_text("utf8") and '"under way"' not in Path(
            source
        ).read_text("utf8"):
            raise OSError(errno.ENOSPC, "No space left on device")
        replacing(source, target)

    spend(item("one"))
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(RunError, match=r"results\.json.*The disk is full"):
        spend(item("one"), item("two"))
    assert states(spend.out)["one"] == "done"


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="--out FOLDER"):
        full_scale.run(1, tmp_path / "file" / "out", "smoke", items=[item("one")])


def test_results_of_another_scale_are_not_mixed(spend):
    spend(item("one"))
    with pytest.raises(RunError, match="smoke scale, not full"):
        full_scale.run(1, spend.out, "full", items=[item("one")])


def test_a_killed_command_goes_on_where_it_was(spend):
    program = """
import sys
from vaetut.runs import full_scale
from vaetut.runs.full_scale import queue
from vaetut.runs.full_scale.plan import Item
queue.LEAST_SECONDS = 0
kill = "import os; os.kill(os.getppid(), 9)"
items = [Item(n, "checks", ("-c", c), "") for n, c in (("one", ""), ("two", kill))]
full_scale.run(1, sys.argv[1], "smoke", items=items)
"""
    killed = subprocess.run([sys.executable, "-c", program, str(spend.out)], cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert states(spend.out) == {"one": "done", "two": "under way"}
    results = Results(spend.out, "smoke", [item("one"), item("two")])
    assert (results["two"].state, results["two"].note) == (
        "stopped",
        "the command was killed",
    )
    _, found, lines = spend(item("one", FAILS), item("two"))
    assert found == {"one": "done", "two": "done"} and "one: done before" in lines


def test_what_runs_beside_is_waited_for_by_what_needs_it(spend):
    beside = item("draw", "import time; time.sleep(1)", beside=True)
    _, found, lines = spend(beside, item("one"), item("two", needs="draw"))
    assert set(found.values()) == {"done"}
    ended = [line.partition(": done")[0] for line in lines if ": done" in line]
    assert ended == ["one", "draw", "two"]


def test_the_next_begins_while_a_training_is_measured(spend):
    slow = f"print('a: {budget.MEASURING}', flush=True); import time; time.sleep(1)"
    _, found, lines = spend(item("one", slow), item("two"))
    assert set(found.values()) == {"done"}
    ended = [line.partition(": done")[0] for line in lines if ": done" in line]
    assert ended == ["two", "one"]


def test_what_lacks_something_says_so(spend):
    items = (
        item("draw", FAILS, beside=True),
        item("one", needs="draw"),
        item("two", missing="PyTorch is not installed: pip install torch"),
    )
    _, found, _ = spend(*items)
    assert found == {"draw": "failed", "one": "not begun", "two": "not begun"}
    assert note(spend.out, "one") == "it needs 'draw', which is not done"
    assert "pip install torch" in note(spend.out, "two")


@pytest.mark.parametrize("scale", ["full", "smoke"])
def test_every_item_is_a_command_that_there_is(scale):
    parser, items = _parser(), plan(scale)
    assert len({one.name for one in items}) == len(items)
    assert [one.group for one in items if one.required] == ["checks"]
    for one in items:
        assert one.about and one.group in GROUPS
        assert one.needs is None or one.needs in {other.name for other in items}
        if one.command[:2] == ("-m", "vaetut"):
            parser.parse_args(one.command[2:])
        elif one.command[0] == "-m":
            assert one.command[2] in checks.CHECKS
        else:
            assert Path(one.command[0]).exists() and one.command[1]
        if one.training is not None:
            recipe = get_recipe(one.training[0], scale_of(one))
            assert measures_of(recipe) and recipe.name == one.training[0]


def test_the_list_goes_by_worth_and_leaves_groups_out_where_asked():
    items = plan("full")
    first = {group: [x.group for x in items].index(group) for group in GROUPS}
    first["speed"] = [x.name for x in items].index("rivals")
    first["faces"] = next(k for k, x in enumerate(items) if x.needs)
    assert list(GROUPS) == sorted(first, key=first.get)
    faces = plan("full", ["faces"])
    assert {x.group for x in faces} == {"checks", "faces"} and faces[0].required
    one = plan("smoke", ["polar-reference smoke seed 0"])
    assert [x.name for x in one] == ["machine", "polar-reference smoke seed 0"]
    with pytest.raises(ValueError, match="neither a group nor an item 'face'"):
        plan("full", ["face"])


def test_the_reference_is_as_published():
    names = [x.training for x in plan("full", ["reference"]) if x.training]
    assert names[0] == ("polar-reference", 0)
    ours, theirs = (get_recipe(name, "full") for name in (names[1][0], names[0][0]))
    assert ours == replace(
        theirs, name=ours.name, learning_rate=4e-3, schedule="cosine", warmup=0.03
    )
    assert [seed for name, seed in names if name == names[0][0]] == [0, 1, 2]


def test_finished_runs_are_packed_in_few_files(tmp_path, monkeypatch):
    monkeypatch.setattr(parcels, "LIMIT", 30_000)
    monkeypatch.setattr(parcels, "ARCHIVES", 2)
    shipped = records("polar-reference", "laptop")[0]
    out, said = tmp_path / "out", []
    out.mkdir()
    for name, seed in (("a=1", 0), ("a=1", 1), ("b", 0), ("c", 0)):
        record = replace(shipped, recipe=f"polar+{name}", scale="full", seed=seed)
        said.append(parcels.add(out, Stored(record, bytes(15_000))))
    assert sorted(path.name for path in out.iterdir()) == [
        "records.tar",
        "weights-1.tar",
        "weights-2.tar",
    ]
    assert all(re.fullmatch(r"[\w.-]+", path.name) for path in out.iterdir())
    assert said[:3] == ["", "", ""] and "did not fit" in said[3]
    assert all(path.stat().st_size <= 31_000 for path in out.glob("weights*"))
    with tarfile.open(out / "records.tar") as tar:
        assert tar.getnames()[1] == "polar+a=1/full/seed-1.json"
        tar.extractall(tmp_path / "runs", filter="data")
    home = tmp_path / "runs" / "polar+a=1" / "full"
    assert read_record(home / "seed-1.json").seed == 1


def test_the_page_says_the_share_of_the_matrix_rate():
    facts = {"images_per_second": 1000.0, "training_flops": 5e10, "precision": "x"}
    assert page.share(facts, {"x": 100.0}) == pytest.approx(0.5)
    assert page.share(facts, {}) is None


def test_what_a_benchmark_found_is_a_table_on_the_page(spend):
    found = {
        "cases": [{"case": "a: PyTorch", "ours": 5.0, "ratio": 2.5, "ratios": [2, 3]}],
        "shares": {"a": {"share": 0.25, "most": 0.5}},
    }
    spend(item("rivals", f"print({json.dumps(found)!r})", group="speed"))
    text = (spend.out / "page.md").read_text("utf8")
    assert "rivals, cases:\n\n| case | ours | ratio |\n| --- | --- | --- |" in text
    assert "| a: PyTorch | 5 | 2.5 |" in text and "| a | 0.25 | 0.5 |" in text


def test_what_a_record_says_of_cost_goes_to_the_page(spend, monkeypatch):
    record = replace(
        records("polar-reference", "laptop")[0],
        **{"images_per_second": 50.0, "training_flops": 10**12},
    )
    results = Results(spend.out, "full", plan("full", ["reference"]))
    one = results.items[-1]
    results.put(one, "done", 12.0, facts=page.facts_of(record))
    page.write(results)
    text = (spend.out / "page.md").read_text("utf8")
    assert re.search(r"polar-reference full seed 2 \|.*\| 50 \| not known", text)


def test_without_a_card_the_check_of_the_machine_says_what_to_do(monkeypatch):
    monkeypatch.setattr(checks.backends, "accelerator", lambda: None)
    with pytest.raises(RunError, match=r"finds no GPU here.*--rehearse"):
        checks.machine("full")


def test_a_card_with_too_little_memory_is_refused():
    needed = {"small": 10**9, "large": 3 * 10**9}
    with pytest.raises(RunError, match=r"2\.0 GB free and large needs 3\.0"):
        checks.check_memory(2 * 10**9, needed)
    checks.check_memory(4 * 10**9, needed)
    checks.check_memory(None, needed)


def test_a_training_that_does_not_fit_stops_saved_and_goes_on(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path))
    monkeypatch.setattr(budget, "WARM_SECONDS", 0.0)
    name = "fashion-vae+epochs=3+filters=4"
    command = ["train", name, "--scale", "smoke"]
    assert main([*command, "--minutes", "0.0001"]) == budget.TooLong.status
    assert "it would take about" in capsys.readouterr().err
    folder = tmp_path / name / "smoke"
    assert (folder / "seed-0.checkpoint").exists()
    assert main([*command, "--minutes", "60"]) == 0
    assert "going on after" in capsys.readouterr().out
    assert (folder / "seed-0.json").exists()


def test_rehearsed_where_there_is_neither_data_nor_weights_nor_tensorflow(tmp_path):
    """The whole command, on JAX, in a copy of the package as it travels."""
    away = shutil.ignore_patterns("pretrained", "data", "__pycache__")
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "vaetut", copy / "vaetut", ignore=_only_top(away))
    (copy / "sitecustomize.py").write_text(
        "import sys\nsys.modules['tensorflow'] = None\n"
    )
    name = "polar-reference smoke seed 0"
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(copy),
        "VAETUT_CACHE": str(tmp_path / "cache"),
        "VAETUT_RUNS": str(tmp_path / "runs"),
    }
    out = tmp_path / "out"
    command = [sys.executable, "-m", "vaetut", "full-scale", "--rehearse", "--out", out]
    done = subprocess.run(
        [*command, "--minutes", "20", "--only", name],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert states(out) == {"machine": "done", name: "done"}
    assert len(list(out.iterdir())) <= 8
    machine, trained = json.loads((out / "results.json").read_text())["results"]
    assert machine["facts"]["backend"] == "jax"
    assert "tensorflow" not in machine["facts"]["versions"]
    assert trained["facts"]["training_flops"] > 0
    with tarfile.open(out / "records.tar") as tar:
        assert tar.getnames() == ["polar-reference/smoke/seed-0.json"]
    assert vaetut.__file__ != str(copy / "vaetut" / "__init__.py")


def _only_top(ignore):
    """Return what leaves out data and weights, and no folder of code of such a name."""

    def without(folder, names):
        found = ignore(folder, names)
        return {n for n in found if not (Path(folder, n) / "__init__.py").exists()}

    return without
