"""A run is there whole or not at all: killed, damaged, shipped, among strangers."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from vaetut import atomic
from vaetut.__main__ import main
from vaetut.atomic import RunError
from vaetut.recipes import get_recipe
from vaetut.runs import list_runs, load_or_train, pipeline, records, store
from vaetut.runs.record import Record, Stranger, commit, read_run, settle
from vaetut.training import build_model
from vaetut.training.weights import export_weights, pack_weights

NAME, SCALE = "fashion-ae", "smoke"
RECIPE = get_recipe(NAME, SCALE)


def record_of(seed, raw, recipe=RECIPE, **changes):
    """Return the record of a run whose weights are bytes, trained by nobody."""
    fields = {"digest": recipe.digest, "fields": recipe.fields, "backend": "tensorflow"}
    fields |= {"hardware": "none", "versions": {}, "seconds": 1.0}
    fields |= {"parameters": {"total": 1}, "history": {"loss": [1.0], "val_loss": [1]}}
    fields |= {"metrics": {"reconstruction": 250.0 + seed}}
    fields |= {"weights_sha256": atomic.sha256(raw)} | changes
    return Record(recipe=recipe.name, scale=recipe.scale, seed=seed, **fields)


@pytest.fixture(scope="module")
def weights():
    """The bytes of weights that fit, of two seeds."""
    return [pack_weights(export_weights(build_model(RECIPE, seed))) for seed in (0, 1)]


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path / "own"))
    for name in ("VAETUT_RETRAIN", "VAETUT_SCALE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "own"


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder of shipped runs of these tests' own."""
    folder = tmp_path / "shipped"
    for module in (store, pipeline):
        monkeypatch.setattr(module, "SHIPPED", folder)
    monkeypatch.setattr(store.list_runs, "__defaults__", (folder, True))
    monkeypatch.setattr(store.verify, "__defaults__", (folder,))
    return folder


def stem(root, seed, recipe=RECIPE):
    return store.stem(root, recipe, seed)


def files(root):
    """Return the bytes of each file under a folder, by its path in there."""
    found = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


# ---- One moment


def test_weights_wait_for_their_record(own, weights, monkeypatch):
    """Whatever ends between the two, the old run is there until the new one is."""
    path, (old, new) = stem(own, 0), weights
    commit(path, record_of(0, old), old)
    before = files(own)

    class Killed(BaseException):
        pass

    def write(target, *rest):
        if target.suffix == ".json":
            raise Killed
        plain(target, *rest)

    plain = atomic.write_atomically
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "write_atomically", write)
        with pytest.raises(Killed):
            commit(path, record_of(0, new), new)
    assert files(own).items() > before.items()
    assert read_run(path).weights == old

    monkeypatch.setattr("vaetut.runs.record.settle", lambda *_: None)  # killed there
    commit(path, record_of(0, new), new)
    assert path.with_suffix(".safetensors").read_bytes() == old
    assert read_run(path) == (record_of(0, new), new)
    settle(path, record_of(0, new))
    assert sorted(files(own)) == sorted(before)
    assert read_run(path) == (record_of(0, new), new)


def test_whoever_reads_during_a_commit_finds_one_of_both_runs(own, weights):
    """After the record is read the weights may be replaced: then it is read again."""
    path, (old, new) = stem(own, 0), weights
    commit(path, record_of(0, old), old)
    read = Path.read_bytes

    def replaced_meanwhile(file):
        if file.suffix == ".safetensors" and read(path.with_suffix(".json")) == before:
            commit(path, record_of(0, new), new)
        return read(file)

    before = read(path.with_suffix(".json"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", replaced_meanwhile)
        assert read_run(path) == (record_of(0, new), new)


# Kills by signal 9, each at another line of what commits, or within what is written.
KILLS = '''
import json, os, pathlib, shutil, signal, sys, traceback
from types import SimpleNamespace
from vaetut.recipes import get_recipe
from vaetut.runs import pipeline, store
from vaetut.runs.record import read_record

folder, kills = pathlib.Path(sys.argv[1]), int(sys.argv[2])
raw = (folder / "anew").read_bytes()
recipe = get_recipe("fashion-ae", "smoke")
store.SHIPPED = folder / "shipped"
store.restored = lambda root, recipe, run: None
TRACED = ("atomic.py", "record.py", "store.py", "pipeline.py", "<string>")


def in_halves(path, content):
    with open(path, "wb") as file:
        file.write(content[: len(content) // 2])
        file.flush()
        path.exists()
        file.write(content[len(content) // 2 :])


def ship():
    store.ship("fashion-ae", "smoke", str)


def retrain():
    """Train anew, in no time, and let everything else be as it is."""
    example = read_record(folder / "example.json")
    cost = {"seconds": 1.0, "images_per_second": None, "peak_memory_mb": 1}
    cost |= {"devices": 1, "precision": "float32", "conditions": []}
    model = SimpleNamespace()
    trained = SimpleNamespace(model=model, history=example.history)
    trained.cost = SimpleNamespace(_asdict=lambda: cost)

    def train(recipe, seed, checkpoint, **options):
        checkpoint.write_bytes(b"the last epoch")
        return trained

    pipeline.train = train
    pipeline.training_flops = lambda model: 1
    pipeline.export_weights = pipeline.unpack_weights = lambda given: given
    pipeline.pack_weights = lambda arrays: raw
    pipeline.build_model = lambda *given: model
    pipeline.import_weights = lambda *given: None
    pipeline._measured = lambda *given: (example.metrics, {})
    pipeline.count_parameters = lambda model: example.parameters
    path = store.stem(store.own_runs(), recipe, 0)
    pipeline.train_run(recipe, 0, path, str, resume=False)


def child(act, line=None):
    """Act in a process that is killed at a line; return how it ended and its lines."""
    count = folder / "count"
    pid = os.fork()
    if not pid:
        status, seen = 1, 0

        def trace(frame, event, argument):
            nonlocal seen
            if not frame.f_code.co_filename.endswith(TRACED):
                return None
            if event == "line":
                seen += 1
                if seen == line:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        try:
            pathlib.Path.write_bytes = in_halves
            sys.settrace(trace)
            act()
            sys.settrace(None)
            with open(count, "w") as file:
                file.write(str(seen))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    status = os.waitpid(pid, 0)[1]
    return status, int(count.read_text()) if not status else 0


def state(root):
    """Return the hashes of the weights of the whole runs in a folder; raise if any
    is not."""
    found = store.survey(root)
    assert not found.damaged and not found.strangers, found
    return {record.seed: record.weights_sha256[:8] for _, record in found.runs}


results = {}
for act, root in ((ship, store.SHIPPED), (retrain, store.own_runs())):
    begin = shutil.copytree(root, folder / "begin")
    status, lines = child(act)
    assert not status
    end, seen = state(root), []
    for k in range(kills):
        shutil.rmtree(root)
        shutil.copytree(begin, root)
        status, _ = child(act, 1 + (2 * k + 1) * lines // (2 * kills))
        assert status == signal.SIGKILL, status
        try:
            seen.append(state(root))
            assert not child(act)[0] and state(root) == end
            left = [path.name for path in root.rglob(".*.safetensors")]
            assert not left, left
        except (AssertionError, OSError, store.RunError) as error:
            seen.append(f"{k}: {error}")
    shutil.rmtree(begin)
    results[act.__name__] = {"lines": lines, "end": end, "seen": seen}
print(json.dumps(results))
'''


@pytest.fixture(scope="module")
def killed(tmp_path_factory, weights, kills):
    """What was there after each of the kills, in shipping and in training anew."""
    folder = tmp_path_factory.mktemp("killed")
    old, new = weights
    (folder / "anew").write_bytes(old)
    own, shipped = folder / "own", folder / "shipped"
    for seed in (0, 1):
        commit(stem(shipped, seed), record_of(seed, old), old if seed == 0 else None)
        commit(stem(own, seed), record_of(seed, new), new)
    shutil.copyfile(stem(own, 0).with_suffix(".json"), folder / "example.json")
    done = subprocess.run(
        [sys.executable, "-c", KILLS, str(folder), str(kills)],
        env=os.environ | {"VAETUT_RUNS": str(own)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.attack("ship")
def test_killed_in_ship_each_shipped_run_is_the_old_or_the_new_one(
    killed, weights, record_property
):
    _survived(killed["ship"], weights, record_property)


@pytest.mark.attack("training")
def test_killed_in_training_anew_the_run_is_the_old_or_the_new_one(
    killed, weights, record_property
):
    _survived(killed["retrain"], weights, record_property)


def _survived(found, weights, record_property):
    """Assert that both runs were whole after each kill, and count how often."""
    allowed = {atomic.sha256(raw)[:8] for raw in weights}
    well = [isinstance(each, dict) and len(each) == 2 for each in found["seen"]]
    record_property("survived", sum(well))
    assert all(well), found
    for each in found["seen"]:
        assert set(each.values()) <= allowed
    if len(well) > 9:  # killed before and after the moment
        assert found["end"] in found["seen"]
        assert any(each != found["end"] for each in found["seen"])


# ---- Shipping


@pytest.fixture
def to_ship(own, shipped, weights):
    """Own runs of two seeds, and what was shipped of them before."""
    old, new = weights
    for seed in (0, 1):
        commit(stem(shipped, seed), record_of(seed, old), old if seed == 0 else None)
        commit(stem(own, seed), record_of(seed, new), new)
    return files(shipped)


def test_ship_copies_every_record_and_the_weights_of_seed_0(
    to_ship, own, shipped, weights, capsys
):
    assert main(["ship", NAME, "--scale", SCALE]) == 0
    out, err = capsys.readouterr()
    visible = [path for path in shipped.rglob("seed-*")]
    assert sorted(out.split()) == sorted(map(str, visible)) and not err
    assert {p.name for p in visible} == {
        "seed-0.json",
        "seed-0.safetensors",
        "seed-1.json",
    }
    assert (
        store.verify(shipped) == []
        and store.read(shipped, RECIPE, 0).weights == weights[1]
    )
    assert records(NAME, SCALE, shipped) == records(NAME, SCALE, own)


@pytest.mark.attack("ship")
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("damage", ["cut", "gone", "others", "record", "stale"])
def test_a_run_that_is_not_whole_is_not_shipped_nor_any_other(
    damage, seed, to_ship, own, shipped, weights, capsys
):
    path = stem(own, seed).with_suffix(".safetensors")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "gone":
        path.unlink()
    elif damage == "others":
        path.write_bytes(weights[0])
    elif damage == "record":
        path.with_suffix(".json").write_text("{}")
    else:
        older = dataclasses.replace(RECIPE, learning_rate=0.5)
        commit(stem(own, seed), record_of(seed, weights[1], older), weights[1])
    assert main(["ship", NAME, "--scale", SCALE]) == 1
    assert f"seed-{seed}" in capsys.readouterr().err
    assert files(shipped) == to_ship


@pytest.mark.attack("ship")
@pytest.mark.parametrize("left", range(4))
def test_a_disk_that_fills_up_leaves_each_shipped_run_whole(
    left, to_ship, shipped, monkeypatch, capsys
):
    """The disk takes so many files, and then no more."""
    sync = os.fsync

    def fills_up(descriptor):
        nonlocal left
        if not left:
            raise OSError(28, "No space left on device")
        left -= 1
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fills_up)
        status = main(["ship", NAME, "--scale", SCALE])
    assert ("The disk is full: free some space" in capsys.readouterr().err) == bool(
        status
    )
    assert store.verify(shipped) == []
    assert main(["ship", NAME, "--scale", SCALE]) == 0  # as the message says
    assert store.verify(shipped) == []


def test_one_process_ships_at_a_time(to_ship, shipped, capsys):
    from vaetut.training.checkpoint import lock

    with lock(shipped / "ship"):
        assert main(["ship", NAME, "--scale", SCALE]) == 1
    assert "ship is what another process does: wait" in capsys.readouterr().err


# ---- Damaged runs: one answer, and a mend that works when typed


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def typed(sentence):
    """Run the command that a message ends with, as one would who types it."""
    command = sentence.strip().rpartition(": ")[2].split()
    if command[0] == "vaetut":
        return main(command[1:])
    return subprocess.run(command, capture_output=True).returncode


@pytest.mark.attack("own weights")
@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("damage", ["cut", "gone", "pipe", "record cut", "record gone"])
def test_a_damaged_run_is_damaged_for_all_and_its_mend_works(
    damage, seed, own, weights, capsys, monkeypatch
):
    path, raw = stem(own, seed), weights[0]
    commit(path, record_of(seed, raw), raw)
    file = path.with_suffix(".json" if "record" in damage else ".safetensors")
    if "cut" in damage:
        cut(file)
    else:
        file.unlink()
    if damage == "pipe":
        os.mkfifo(file)
    _fake_training(monkeypatch, weights[1])
    which = [NAME, "--scale", SCALE, "--seeds", f"{seed}-{seed}"]

    if damage == "record gone":  # then there is no run, for anybody
        assert store.finished(RECIPE, seed, shipped=False) is None
        assert "has no record" in store.verify(own)[0]
        assert main(["train", *which]) == 0
    else:
        with pytest.raises(RunError) as error:
            store.finished(RECIPE, seed)
        says = str(error.value)
        for command in (["train", *which], ["sweep", *which]):
            assert main(command) == 1
            assert says in capsys.readouterr().err
        with pytest.raises(RunError) as error:
            load_or_train(NAME, SCALE, seed, str)
        assert str(error.value) == says
        assert says in store.verify(own)
        assert typed(says) == 0
    assert store.verify(own) == []
    assert load_or_train(NAME, SCALE, seed, str).record.seed == seed
    capsys.readouterr()
    assert main(["train", *which]) == 0
    assert "is there already" in capsys.readouterr().out


def _fake_training(monkeypatch, raw):
    """Let a training take no time and end with the weights in bytes."""
    from vaetut.training.weights import import_weights, unpack_weights

    def train(recipe, seed, checkpoint, **options):
        model = build_model(recipe, seed)
        import_weights(model, unpack_weights(raw))
        cost = {"seconds": 1.0, "precision": "float32", "devices": 1}
        cost = SimpleNamespace(_asdict=lambda: cost_)
        return SimpleNamespace(model=model, history={"loss": [1.0]}, cost=cost)

    cost_ = {"seconds": 1.0, "precision": "float32", "devices": 1}
    monkeypatch.setattr(pipeline, "train", train)
    monkeypatch.setattr(pipeline, "_measured", lambda *_: ({"reconstruction": 1.0}, {}))


def test_a_stale_run_is_trained_again_as_its_message_says(own, weights, monkeypatch):
    older = dataclasses.replace(RECIPE, learning_rate=0.5)
    commit(stem(own, 2), record_of(2, weights[0], older), weights[0])
    with pytest.raises(RunError, match=r"is stale: .*learning_rate") as error:
        load_or_train(NAME, SCALE, 2, str)
    assert store.verify(own) == [str(error.value)]
    _fake_training(monkeypatch, weights[1])
    assert typed(str(error.value)) == 0
    assert load_or_train(NAME, SCALE, 2, str).record.seed == 2 and not store.verify(own)


def test_a_damaged_shipped_run_is_restored_as_its_message_says(
    own, shipped, weights, monkeypatch
):
    git = ["git", "-C", str(shipped), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    commit(stem(shipped, 0), record_of(0, weights[0]), weights[0])
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "shipped"]):
        subprocess.run([*git, *command], check=True)
    before = files(shipped / NAME)
    for damage in (cut, Path.unlink):
        for suffix in (".safetensors", ".json"):
            damage(stem(shipped, 0).with_suffix(suffix))
            (problem,) = store.verify(shipped)
            assert "seed-0" in problem
            if "has no record" not in problem:
                assert typed(problem) == 0
            else:
                subprocess.run([*git, "checkout", "--", "."], check=True)
            assert files(shipped / NAME) == before and store.verify(shipped) == []


def test_training_anew_that_was_stopped_goes_on_without_the_flag(
    own, monkeypatch, capsys
):
    recipe = get_recipe(f"{NAME}+batch_size=20+filters=4+images=60", SCALE)
    raw, path = pack_weights(export_weights(build_model(recipe))), stem(own, 0, recipe)
    old = record_of(0, raw, recipe)
    commit(path, old, raw)
    command, before = ["train", recipe.name, "--scale", SCALE], files(own)
    monkeypatch.setattr(pipeline, "_measured", lambda *_: ({"reconstruction": 1.0}, {}))

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 0

    def stopped(*given, callbacks, **options):
        return train(*given, callbacks=[Stop()], **options)

    train = pipeline.train
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "train", stopped)
        assert main([*command, "--no-resume"]) == 130
    says = "the same command goes on from there, without --no-resume"
    assert says in capsys.readouterr().err
    assert files(own).items() > before.items()  # the old run is whole
    assert store.finished(recipe, 0, shipped=False) == old
    assert main(command) == 0
    assert "going on after epoch 0 and 1 steps" in capsys.readouterr().out
    assert store.finished(recipe, 0, shipped=False).history != old.history
    assert not path.with_suffix(".checkpoint").exists()
    assert main(command) == 0
    assert "is there already" in capsys.readouterr().out


# ---- Strangers


def _copy(own):
    shutil.copy(f"{stem(own, 0)}.json", f"{stem(own, 99)}.json")


def _copy_with_weights(own):
    for suffix in (".json", ".safetensors"):
        shutil.copy(f"{stem(own, 0)}{suffix}", f"{stem(own, 99)}{suffix}")


def _other_scale(own):
    shutil.copytree(own / NAME / SCALE, own / NAME / "laptop")


def _other_recipe(own):
    shutil.copytree(own / NAME, own / "fashion-vae")


STRANGERS = {
    "a copy under another seed": (_copy, "seed-99.json is the record of fashion-ae"),
    "with its weights": (
        _copy_with_weights,
        "seed-99.json is the record of fashion-ae",
    ),
    "at another scale": (
        _other_scale,
        "laptop/seed-0.json is the record of fashion-ae",
    ),
    "of another recipe": (_other_recipe, "fashion-vae/smoke/seed-0.json is the record"),
    "a seed that is none": (
        lambda own: shutil.copy(f"{stem(own, 0)}.json", f"{stem(own, 0)}0 copy.json"),
        "copy.json is no run's file",
    ),
    "a zero before": (
        lambda own: shutil.copy(
            f"{stem(own, 0)}.json", own / NAME / SCALE / "seed-00.json"
        ),
        "seed-00.json is no run's file",
    ),
    "a folder": (lambda own: (own / "my+folder").mkdir(), "my\\+folder is named as no"),
    "a variant of nothing": (
        lambda own: (own / "fashion-ae+bets=1").mkdir(),
        "fashion-ae\\+bets=1 is named as no recipe",
    ),
    "a variant by another name": (
        lambda own: shutil.copytree(own / NAME, own / "fashion-ae+epochs=1"),
        "epochs=1/smoke does not count: at that scale it is fashion-ae",
    ),
    "notes": (
        lambda own: (own / "notes.txt").write_text("a"),
        "notes.txt is named as no",
    ),
    "notes inside": (
        lambda own: (own / NAME / "a.txt").write_text("a"),
        "a.txt is no scale's folder",
    ),
    "notes beside": (
        lambda own: (own / NAME / SCALE / "a.csv").write_text("a"),
        "a.csv is no run's file",
    ),
    "a folder named as a record": (
        lambda own: stem(own, 5).with_suffix(".json").mkdir(),
        "seed-5.json is no run's file",
    ),
    "a pipe named as a record": (
        lambda own: os.mkfifo(stem(own, 5).with_suffix(".json")),
        "seed-5.json is no run's file",
    ),
    "weights alone": (
        lambda own: stem(own, 5).with_suffix(".safetensors").write_bytes(b""),
        "seed-5.safetensors has no record",
    ),
}


@pytest.mark.attack("runs folder")
@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_is_named_and_ends_and_counts_nothing(
    name, own, shipped, weights, capsys
):
    put, says = STRANGERS[name]
    commit(stem(own, 0), record_of(0, weights[0]), weights[0])
    commit(stem(shipped, 0), record_of(0, weights[0]), weights[0])
    alone = list_runs(own)
    put(own)
    put(shipped)
    assert list_runs(own) == list_runs(shipped) == alone
    assert len(records(NAME, SCALE, own)) == len(records(NAME, root=shipped)) == 1
    for root in (own, shipped):
        (problem,) = store.verify(root)
        assert re.search(says, problem), problem
    assert main(["runs"]) == 0
    assert str(own) in capsys.readouterr().err
    assert main(["ship", NAME, "--scale", SCALE]) == 0
    if "seed-99" in says:
        assert "does not count: move it away" in capsys.readouterr().err
        with pytest.raises(Stranger):
            store.finished(RECIPE, 99)


@pytest.mark.attack("runs folder")
def test_a_damaged_run_of_your_own_ends_no_list(own, shipped, weights, capsys):
    for seed in (0, 1):
        commit(stem(own, seed), record_of(seed, weights[0]), weights[0])
    cut(stem(own, 1).with_suffix(".safetensors"))
    assert main(["runs"]) == 0
    out, err = capsys.readouterr()
    assert f"Your own, in {own}: mean loss" in out and "seed-1.safetensors" in err
    with pytest.raises(RunError, match=r"seed-1\.safetensors is damaged"):
        list_runs(own)


def test_verify_looks_at_your_own_runs_where_asked(
    own, shipped, weights, capsys, monkeypatch
):
    monkeypatch.setattr("vaetut.commands._broken_data", lambda sources: [])
    commit(stem(own, 0), record_of(0, weights[0]), weights[0])
    assert main(["verify", "--own"]) == 0
    assert f"So is every run in {own}." in capsys.readouterr().out
    cut(stem(own, 0).with_suffix(".safetensors"))
    assert main(["verify"]) == 0
    assert main(["verify", "--own"]) == 1
    assert "seed-0.safetensors is damaged" in capsys.readouterr().err


def test_weights_that_are_those_of_another_network_are_named_with_the_mend(
    own, weights
):
    raw = pack_weights({"some": np.zeros(3, np.float16)})
    says = {
        raw: "These weights are of another",
        b"no weights": "It is not a safetensors",
    }
    for content, words in says.items():
        commit(stem(own, 0), record_of(0, content), content)
        (problem,) = store.verify(own)
        assert f"seed-0.safetensors: {words}" in problem
        assert problem.endswith("vaetut train fashion-ae --scale smoke --no-resume")
