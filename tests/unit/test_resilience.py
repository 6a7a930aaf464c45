"""A training that is killed, stopped, locked out, or whose loss breaks."""

import dataclasses
import json
import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from vaetut import atomic
from vaetut.atomic import RunError
from vaetut.recipes import get_recipe
from vaetut.runs import measuring, train_run
from vaetut.runs.record import read_record
from vaetut.training import backends, checkpoint, stopping, train
from vaetut.training.checkpoint import Diverged
from vaetut.training.weights import export_weights, pack_weights

# Thirty steps an epoch, the state on disk after every one. Each training is a process
# of its own, forked before the backend has run anything; one of them is killed twice.
PROGRAM = """
import dataclasses, json, os, pathlib, signal, sys, time, traceback
from vaetut import atomic
from vaetut.recipes import get_recipe
from vaetut.training import backends, train, stopping
from vaetut.training.weights import export_weights, pack_weights

stopping.SNAPSHOT_SECONDS = 0
atomic._sync = lambda path: None  # no power cut: what a dead process wrote is there
recipe = dataclasses.replace(
    get_recipe("fashion-vae", "smoke"), epochs=3, batch_size=10, filters=(4,),
    schedule="cosine", warmup=0.1, images=150, test_images=20,
)
folder = pathlib.Path(sys.argv[1])

def start(name):
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        if name == "resident":
            backends.resident = lambda size: True
            options = backends.compile_options()
            if os.environ["KERAS_BACKEND"] == "jax":  # one program, and a rest of three
                options |= {"steps_per_execution": 4}
            backends.compile_options = lambda: options
        lines = []
        model, history, _ = train(
            recipe, 5, folder / f"{name}.checkpoint", lines.append
        )
        raw = pack_weights(export_weights(model))
        (folder / f"{name}.weights").write_bytes(raw)
        (folder / f"{name}.json").write_text(json.dumps([lines[0], history]))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)

def reached(name):
    path = folder / f"{name}.checkpoint"
    if not path.exists():
        return 0, 0
    progress = json.loads(path.read_bytes().split(b"\\n", 2)[1])["progress"]
    return progress["epoch"], progress["step"]

if os.environ["KERAS_BACKEND"] == "torch":
    import torch._dynamo  # which Keras imports at the first step, in seconds
others = [start("whole"), start("resident")]
for until in ((0, 7), (1, 5)):
    child = start("killed")
    while reached("killed") < until:
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert not (folder / "killed.json").exists()
for child in (*others, start("killed")):
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.fixture(scope="module", params=["tensorflow", "jax", "torch"])
def ended(request, tmp_path_factory):
    """Return what trainings came to on a backend: first line, history, weights."""
    if request.param != "tensorflow":
        pytest.importorskip(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    # Most of the time would go into making JAX's programs fast, and into waiting.
    fast = {"KERAS_BACKEND": request.param, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    fast |= {"OMP_NUM_THREADS": "1", "JAX_COMPILATION_CACHE_DIR": str(folder / "jax")}
    fast |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    fast |= {"JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        env=os.environ | fast,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {
        path.stem: (
            *json.loads(path.read_text()),
            path.with_suffix(".weights").read_bytes(),
        )
        for path in folder.glob("*.json")
    }


def test_killed_in_the_middle_of_an_epoch_twice_it_ends_the_same(ended):
    assert "epoch 1/3" in ended["whole"][0]
    assert "going on after epoch 1 and" in ended["killed"][0]
    assert ended["killed"][1:] == ended["whole"][1:]


def test_images_that_lie_on_the_device_change_nothing(ended):
    """Nor do several steps a call, which JAX then runs as one program."""
    (_, history, weights), (_, expected, same) = (
        ended[name] for name in ("resident", "whole")
    )
    assert history.keys() == expected.keys() and weights == same
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-6)


def outcome(trained):
    return pack_weights(export_weights(trained.model)), trained.history


def small(**changes):
    return dataclasses.replace(
        get_recipe("fashion-vae", "smoke"),
        **({"filters": (4, 8), "epochs": 2, "test_images": 40} | changes),
    )


class StopAfter(keras.callbacks.Callback):
    """Does something after so many batches, by default what a panel's button does."""

    def __init__(self, batches, act=None):
        super().__init__()
        self.left, self.act = batches, act

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            if self.act is None:
                self.model.stop_training = True
            else:
                self.act()


def stopped(recipe, path, batches=2, act=None):
    with pytest.raises(KeyboardInterrupt, match="saved: the same command goes on from"):
        train(recipe, 0, path, str, callbacks=[StopAfter(batches, act)])


@pytest.fixture(scope="module")
def whole():
    """What comes of a training that nothing stopped."""
    return outcome(train(small(), 0, say=str))


@pytest.mark.parametrize(
    ("batches", "after"),
    [(2, "epoch 0 and 2 steps"), (3, "epoch 1"), (4, "epoch 1 and 1 steps")],
)
def test_a_callback_may_stop_a_training_anywhere(batches, after, whole, tmp_path):
    path, lines = tmp_path / "checkpoint", []
    stopped(small(), path, batches)
    assert outcome(train(small(), 0, path, lines.append)) == whole
    assert lines[0].endswith(f"going on after {after}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_in_the_middle_of_an_epoch(number, whole, tmp_path):
    before = signal.getsignal(number)
    path = tmp_path / "checkpoint"
    stopped(small(), path, 2, lambda: signal.raise_signal(number))
    assert signal.getsignal(number) == before
    assert outcome(train(small(), 0, path, str)) == whole


def test_a_training_can_start_anew(tmp_path):
    path, lines = tmp_path / "checkpoint", []
    stopped(small(), path)
    train(small(epochs=1), 0, path, lines.append, resume=False)
    assert "epoch 1/1" in lines[0]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The bytes of a checkpoint of `small` with seed 0, two steps old."""
    path = tmp_path_factory.mktemp("kept") / "checkpoint"
    stopped(small(), path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("changes", "seed", "precision", "words"),
    [
        ({"learning_rate": 0.1}, 0, "float32", "another recipe or seed.*Delete it"),
        ({"filters": (8, 8)}, 0, "float32", "another recipe or seed.*Delete it"),
        ({}, 1, "float32", "another recipe or seed.*Delete it"),
        ({}, 0, "bfloat16", "written with precision float32.*Delete it"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(
    changes, seed, precision, words, kept, tmp_path
):
    path = tmp_path / "checkpoint"
    path.write_bytes(kept)
    with pytest.raises(RunError, match=words):
        train(small(**changes), seed, path, str, precision=precision)
    assert path.read_bytes() == kept


# ---- What decides bits


@pytest.mark.attack("settings")
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("threads", lambda: 77, r"threads 77, before \d+$"),
        ("onednn", lambda: "maybe", "onednn maybe, before (True|False)$"),
        ("hardware", lambda: "an abacus", "hardware an abacus, before .* cores"),
        ("versions", lambda: {"keras": "4"}, "versions {'keras': '4'}, before {'pyth"),
    ],
)
def test_going_on_under_other_conditions_is_said_and_noted(
    name, value, says, kept, tmp_path, monkeypatch
):
    path, lines = tmp_path / "checkpoint", []
    path.write_bytes(kept)
    monkeypatch.setattr(backends, name, value)
    cost = train(small(), 0, path, lines.append).cost
    assert re.search(
        f"going on after epoch 0 and 2 steps; not to the same.*{says}", lines[0]
    )
    before, now = cost.conditions
    assert now[name] == value() and before == now | {name: before[name]}
    # What is left is to be measured, which changes no weights.
    monkeypatch.undo()
    lines.clear()
    assert train(small(), 0, path, lines.append).cost.conditions == [before, now]
    assert lines[0].endswith("going on after epoch 2")


@pytest.mark.attack("settings")
def test_a_switch_of_the_environment_is_noted(kept, tmp_path, monkeypatch):
    path, lines = tmp_path / "checkpoint", []
    path.write_bytes(kept)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    train(small(), 0, path, lines.append)
    assert "switches {'ONEDNN_MAX_CPU_ISA': 'AVX2'}, before {}" in lines[0]


def test_a_checkpoint_that_notes_no_conditions_goes_on(kept, tmp_path):
    """One that an older version wrote."""
    path, lines = tmp_path / "checkpoint", []
    head, _, raw = kept.partition(b"\n")[2].partition(b"\n")
    content = json.loads(head)
    assert content["progress"].pop("conditions")
    body = json.dumps(content).encode() + b"\n" + raw
    path.write_bytes(atomic.sha256(body).encode() + b"\n" + body)
    cost = train(small(), 0, path, lines.append).cost
    assert "threads" in lines[0] and "before not noted" in lines[0]
    assert cost.conditions[0] == {} and len(cost.conditions) == 2


@pytest.mark.attack("settings")
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_the_threads_and_onednn_that_count_are_those_noted(backend):
    """They are set before the backend starts; one thread is seen where it is asked."""
    if backend != "tensorflow":
        pytest.importorskip(backend)
    program = "from vaetut.training import backends as b; import json; "
    program += "print(json.dumps(b.conditions('cpu', 1, 'float32')))"
    fixed = {"KERAS_BACKEND": backend, "TF_ENABLE_ONEDNN_OPTS": "0"}
    fixed[backends.THREADS[backend]] = "1"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | fixed,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert (found["backend"], found["threads"]) == (backend, 1)
    assert found["onednn"] is (False if backend == "tensorflow" else None)


OLDER = b'{"digest": "0"}\n'


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (atomic.sha256(OLDER).encode() + b"\n" + OLDER, "another version of vaetut"),
        (b"half a checkpoint", "damaged"),
        (b"", "damaged"),
    ],
    ids=["older", "half", "empty"],
)
def test_a_checkpoint_that_cannot_be_read_is_refused(raw, words, tmp_path):
    (tmp_path / "checkpoint").write_bytes(raw)
    with pytest.raises(RunError, match=f"{words}.*Delete it") as error:
        train(small(), 0, tmp_path / "checkpoint", str)
    Path(str(error.value).rpartition(": ")[2]).unlink()
    trained = train(small(epochs=1), 0, tmp_path / "checkpoint", str)
    assert len(trained.history["loss"]) == 1


def test_a_full_disk_keeps_the_last_good_state(kept, tmp_path, monkeypatch):
    path = tmp_path / "checkpoint"
    path.write_bytes(kept)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="The disk is full: free"):
        train(small(), 0, path, str)
    assert path.read_bytes() == kept and list(tmp_path.iterdir()) == [path]


# ---- A loss that breaks


def test_a_loss_that_breaks_is_caught_at_once_with_its_cause(tmp_path):
    says = r"epoch 1, step \d of 30: .* learning rate"
    with pytest.raises(Diverged, match=says) as error:
        train_run(small(learning_rate=1e9, batch_size=10), 0, tmp_path / "seed-0", str)
    assert isinstance(error.value, RunError)
    assert isinstance(error.value, FloatingPointError)
    assert not (tmp_path / "seed-0.json").exists()


def test_the_last_good_state_survives_a_loss_that_breaks(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(stopping, "SNAPSHOT_SECONDS", 0)
    path = tmp_path / "checkpoint"

    class Break(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                weight = self.model.trainable_variables[0]
                weight.assign(np.full(weight.shape, np.nan))

    says = r"step 2 of 3: .* no longer finite.*keeps the last good"
    with pytest.raises(Diverged, match=says):
        train(small(), 0, path, str, callbacks=[Break()])
    assert outcome(train(small(), 0, path, str)) == whole


def test_the_cause_of_a_broken_loss():
    nan = {"reconstruction": math.nan, "kl": math.nan}

    def cause(losses, parts=nan, epsilon=3.0):
        return stopping.likely_cause(losses, parts, epsilon, 1e-3)

    steady = [300.0, 290.0, 295.0]
    assert "had grown from 300 to 9e+04" in cause([300.0, 2e3, 9e4])
    assert "extreme ε of 5.30" in cause(steady, epsilon=5.3)
    assert "KL loss alone" in cause(steady, {"reconstruction": 1.0, "kl": math.inf})
    assert "without a sign" in cause(steady) and "first steps" in cause([])
    assert "below 0.001" in cause(steady, epsilon=None)


@pytest.mark.parametrize(
    ("changes", "draws"), [({}, 1), ({"model": "tc-vae", "gamma": 1.0}, 2)]
)
def test_the_extreme_epsilon_is_the_largest_that_the_step_drew(
    changes, draws, monkeypatch
):
    """The ε of a step, all of them, are drawn again from their generator's state."""
    monkeypatch.setattr(stopping, "EXTREME", 0.0)
    largest = []

    class Spy(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            generator = keras.random.SeedGenerator(0)
            generator.state.assign(self.model.seed_generator.state)
            self.before = keras.ops.convert_to_numpy(generator.state)
            drawn = [keras.random.normal((100, 2), seed=generator) for _ in "12"]
            largest[:] = [float(np.abs(d).max()) for d in drawn[:draws]]

        def on_train_batch_end(self, batch, logs=None):
            after = keras.ops.convert_to_numpy(self.model.seed_generator.state)
            assert (after - self.before).tolist() == [0, draws] == [0, self.model.draws]

    # With this seed the first ε of the step is the larger one: one draw misses it.
    with pytest.raises(Diverged, match="An extreme ε of") as error:
        train(small(learning_rate=1e9, **changes), 2, say=str, callbacks=[Spy()])
    assert len(largest) == draws and largest[0] == max(largest)
    assert f"extreme ε of {max(largest):.2f}" in str(error.value)


# ---- One run, by one process, to its record


def test_one_run_is_trained_by_one_process(tmp_path):
    stem = tmp_path / "seed-0"
    holds = "import sys, filelock; held = filelock.FileLock(sys.argv[1])"
    holds += "; held.acquire(); print(flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", holds, str(tmp_path / ".seed-0.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    process.stdout.readline()
    with pytest.raises(RunError, match="being trained by another process"):
        train_run(small(), 0, stem, str)
    process.kill()
    process.communicate()
    with checkpoint.lock(stem):  # the dead hold nothing
        pass


def test_a_folder_that_takes_no_lock_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="VAETUT_RUNS"):
        train_run(small(), 0, tmp_path / "file" / "seed-0", str)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, MemoryError])
def test_a_measuring_that_breaks_off_goes_on_to_the_same_run(
    failure, whole, tmp_path, monkeypatch
):
    """The checkpoint of the last epoch stays until the record is written."""
    stem, lines, seen = tmp_path / "seed-0", [], []

    def measure(model, test):
        seen.append(pack_weights(export_weights(model)))
        if len(seen) == 1:
            raise failure
        return {"bce": 0.25}, {}

    monkeypatch.setattr(measuring, "measure_labelled", measure)
    with pytest.raises(failure):
        train_run(small(), 0, stem, str)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"seed-0.checkpoint", ".seed-0.lock"}

    run = train_run(small(), 0, stem, lines.append)
    assert len(lines) == 1 and lines[0].endswith("going on after epoch 2")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"seed-0.json", "seed-0.safetensors", ".seed-0.lock"}
    assert seen[0] == seen[1]
    record = read_record(stem.with_suffix(".json"))
    assert record == run.record and record.metrics == {"bce": 0.25}
    weights = stem.with_suffix(".safetensors").read_bytes()
    assert (weights, record.history) == whole
    assert record.images_per_second > 0 and record.seconds > 0


def test_a_number_that_is_not_registered_is_not_recorded(tmp_path, monkeypatch):
    for found, word in (
        (({"bces": 0.25}, {}), "no metric 'bces': is it bce.*vaetut/metrics.py"),
        (({"bce": 0.25}, {"radii": [1.0]}), "no profile 'radii': register it in"),
    ):
        monkeypatch.setattr(measuring, "measure_labelled", lambda *_, f=found: f)
        with pytest.raises(ValueError, match=word):
            train_run(small(), 0, tmp_path / "seed-0", str)
    # Named rightly, it goes on from the end of the training.
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"seed-0.checkpoint", ".seed-0.lock"}


def test_what_cannot_be_measured_is_not_trained(tmp_path):
    recipe = get_recipe("fashion-ae+dataset=polar-64", "smoke")
    says = "cannot be measured: .*'autoencoder' on 'polar-64'.* choose one, or train"
    with pytest.raises(ValueError, match=says):
        train_run(recipe, 0, tmp_path / "seed-0", str)
    assert not list(tmp_path.iterdir())
