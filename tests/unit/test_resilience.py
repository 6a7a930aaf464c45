"""A training that is killed, stopped, locked out, or whose loss breaks."""

import dataclasses
import hashlib
import math
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from vaetut.atomic import RunError
from vaetut.recipes import get_recipe
from vaetut.runs import train_run
from vaetut.runs.record import read_record
from vaetut.training import checkpoint, watch
from vaetut.training.checkpoint import Diverged

# Thirty steps an epoch, the state on disk after every one.
PROGRAM = """
import dataclasses, pathlib, sys
from vaetut.recipes import get_recipe
from vaetut.training import watch
from vaetut.runs import train_run
watch.SNAPSHOT_SECONDS = 0
recipe = dataclasses.replace(
    get_recipe("fashion-vae", "smoke"), epochs=3, batch_size=10, filters=(4, 8),
    schedule="cosine", warmup=0.1,
)
print("ready", flush=True)
train_run(recipe, 5, pathlib.Path(sys.argv[1]), say=lambda line: print(line, flush=True))
"""


def start(stem, backend="tensorflow"):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(stem)],
        env=os.environ | {"KERAS_BACKEND": backend},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(stem, backend="tensorflow"):
    process = start(stem, backend)
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-2000:]
    return out


def when(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert condition()


def outcome(stem):
    history = read_record(stem.with_suffix(".json")).history
    return stem.with_suffix(".safetensors").read_bytes(), history


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_killed_in_the_middle_of_an_epoch_twice_it_ends_the_same(backend, tmp_path):
    if backend != "tensorflow":
        pytest.importorskip(backend)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(whole, backend)
    saved = killed.with_suffix(".checkpoint")
    for delay in (0.05, 0.4):  # within the first epochs, whatever the machine
        before = saved.read_bytes() if saved.exists() else b""
        process = start(killed, backend)
        when(lambda before=before: saved.exists() and saved.read_bytes() != before)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not killed.with_suffix(".json").exists()
    assert "going on after epoch" in finish(killed, backend)
    assert not saved.exists()
    assert outcome(killed) == outcome(whole)


def test_a_signal_saves_in_the_middle_of_an_epoch_and_says_how_to_go_on(tmp_path):
    stem = tmp_path / "seed-5"
    process = start(stem)
    when(stem.with_suffix(".checkpoint").exists)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode
    assert "saved: the same command goes on from there" in errors
    assert stem.with_suffix(".checkpoint").exists()
    assert "going on after epoch" in finish(stem)


def test_one_run_is_trained_by_one_process(tmp_path):
    stem = tmp_path / "seed-5"
    process = start(stem)
    when(stem.with_suffix(".checkpoint").exists)
    with pytest.raises(RunError, match="being trained by another process"):
        train_run(small(), 5, stem, str)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with checkpoint.lock(stem):  # the dead hold nothing
        pass


def test_a_folder_that_takes_no_lock_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="VAETUT_RUNS"):
        train_run(small(), 0, tmp_path / "file" / "seed-0", str)


def small(**changes):
    return dataclasses.replace(
        get_recipe("fashion-vae", "smoke"),
        **({"filters": (4, 8), "epochs": 2} | changes),
    )


class StopAfter(keras.callbacks.Callback):
    """Sets `stop_training` after so many batches, as the panel's button does."""

    def __init__(self, batches):
        super().__init__()
        self.left = batches

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            self.model.stop_training = True


def stopped(recipe, stem, batches=2):
    with pytest.raises(KeyboardInterrupt, match="goes on from there"):
        train_run(recipe, 0, stem, str, callbacks=[StopAfter(batches)])


@pytest.mark.parametrize("batches", [2, 3, 4])
def test_a_callback_may_stop_a_training_anywhere(batches, tmp_path):
    recipe, lines = small(), []
    stopped(recipe, tmp_path / "stopped", batches)
    train_run(recipe, 0, tmp_path / "stopped", lines.append)
    train_run(recipe, 0, tmp_path / "whole", str)
    after = {2: "epoch 0 and 2 steps", 3: "epoch 1", 4: "epoch 1 and 1 steps"}
    assert lines[0].endswith(f"going on after {after[batches]}")
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "whole")


def test_a_training_can_start_anew(tmp_path):
    stopped(small(), tmp_path / "seed-0")
    lines = []
    train_run(small(), 0, tmp_path / "seed-0", lines.append, resume=False)
    assert "epoch 1/2" in lines[0]


@pytest.mark.parametrize("change", [{"learning_rate": 0.1}, {"filters": (8, 8)}])
def test_a_checkpoint_of_another_recipe_is_refused(change, tmp_path):
    stopped(small(), tmp_path / "seed-0")
    kept = (tmp_path / "seed-0.checkpoint").read_bytes()
    with pytest.raises(RunError, match=r"another recipe or seed.*Delete it"):
        train_run(small(**change), 0, tmp_path / "seed-0", str)
    with pytest.raises(RunError, match="another recipe or seed"):
        train_run(small(), 1, tmp_path / "seed-0", str)
    with pytest.raises(RunError, match="written with precision float32"):
        train_run(small(), 0, tmp_path / "seed-0", str, precision="bfloat16")
    assert (tmp_path / "seed-0.checkpoint").read_bytes() == kept


def test_a_checkpoint_of_an_older_version_is_refused(tmp_path):
    body = b'{"digest": "0"}\n'
    signed = hashlib.sha256(body).hexdigest().encode() + b"\n" + body
    (tmp_path / "seed-0.checkpoint").write_bytes(signed)
    with pytest.raises(RunError, match=r"another version of vaetut.*Delete it"):
        train_run(small(), 0, tmp_path / "seed-0", str)


@pytest.mark.parametrize("damage", [b"half a checkpoint", b""])
def test_a_damaged_checkpoint_is_refused(damage, tmp_path):
    (tmp_path / "seed-0.checkpoint").write_bytes(damage)
    with pytest.raises(RunError, match=r"damaged.*Delete it"):
        train_run(small(), 0, tmp_path / "seed-0", str)


def test_a_full_disk_keeps_the_last_good_state(tmp_path, monkeypatch):
    stopped(small(), tmp_path / "seed-0")
    kept = (tmp_path / "seed-0.checkpoint").read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="The disk is full: free"):
        train_run(small(), 0, tmp_path / "seed-0", str)
    assert (tmp_path / "seed-0.checkpoint").read_bytes() == kept
    assert {p.name for p in tmp_path.iterdir()} == {"seed-0.checkpoint", ".seed-0.lock"}


def test_a_loss_that_breaks_is_caught_at_once_with_its_cause(tmp_path):
    with pytest.raises(
        Diverged, match=r"epoch 1, step \d of 30: .* learning rate"
    ) as e:
        train_run(small(learning_rate=1e9, batch_size=10), 0, tmp_path / "seed-0", str)
    assert isinstance(e.value, RunError) and isinstance(e.value, FloatingPointError)
    assert not (tmp_path / "seed-0.json").exists()


def test_the_last_good_state_survives_a_loss_that_breaks(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "SNAPSHOT_SECONDS", 0)

    class Break(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                weight = self.model.trainable_variables[0]
                weight.assign(np.full(weight.shape, np.nan))

    with pytest.raises(
        Diverged, match=r"step 2 of 3: .* no longer finite.*keeps the l"
    ):
        train_run(small(), 0, tmp_path / "seed-0", str, callbacks=[Break()])
    train_run(small(), 0, tmp_path / "seed-0", str)
    train_run(small(), 0, tmp_path / "whole", str)
    assert outcome(tmp_path / "seed-0") == outcome(tmp_path / "whole")


def test_the_cause_of_a_broken_loss():
    nan = {"reconstruction": math.nan, "kl": math.nan}

    def cause(losses, parts=nan, epsilon=3.0):
        return watch.likely_cause(losses, parts, epsilon, 1e-3)

    steady = [300.0, 290.0, 295.0]
    assert "had grown from 300 to 9e+04" in cause([300.0, 2e3, 9e4])
    assert "extreme ε of 5.30" in cause(steady, epsilon=5.3)
    assert "KL loss alone" in cause(steady, {"reconstruction": 1.0, "kl": math.inf})
    assert "without a sign" in cause(steady) and "first steps" in cause([])
    assert "below 0.001" in cause(steady, epsilon=None)


def test_the_extreme_epsilon_is_the_one_that_was_drawn(tmp_path, monkeypatch):
    """The ε of a step is drawn again from the state of its generator."""
    monkeypatch.setattr(watch, "EXTREME", 0.0)
    drawn = []

    class Spy(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            generator = keras.random.SeedGenerator(0)
            generator.state.assign(self.model.seed_generator.state)
            epsilon = keras.random.normal((100, 2), seed=generator)
            drawn.append(float(np.abs(keras.ops.convert_to_numpy(epsilon)).max()))

    with pytest.raises(Diverged, match="An extreme ε of") as error:
        train_run(
            small(learning_rate=1e9), 0, tmp_path / "seed-0", str, callbacks=[Spy()]
        )
    assert f"extreme ε of {drawn[-1]:.2f}" in str(error.value)
