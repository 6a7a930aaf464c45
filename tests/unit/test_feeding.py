"""How images get to where the model runs changes nothing but the speed."""

import dataclasses
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from vaetut.recipes import get_recipe
from vaetut.runs import train_run
from vaetut.runs.record import read_record
from vaetut.training import build, engine, feed
from vaetut.training.weights import read_weights

SMALL = dataclasses.replace(
    get_recipe("fashion-vae", "smoke"), filters=(4, 8), batch_size=40, epochs=2
)


def weights(stem):
    record = read_record(stem.with_suffix(".json"))
    return read_weights(stem.with_suffix(".safetensors"), record.weights_sha256)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    stem = tmp_path_factory.mktemp("plain") / "seed-0"
    record = train_run(SMALL, 0, stem, str).record
    return record, weights(stem)


def same(record, stem, plain):
    reference, arrays = plain
    assert record.history.keys() == reference.history.keys()
    for name, values in record.history.items():
        np.testing.assert_allclose(values, reference.history[name], rtol=1e-6)
    for name, array in weights(stem).items():
        np.testing.assert_array_equal(array, arrays[name])


def test_a_set_too_large_to_copy_is_gathered_batch_by_batch(
    plain, tmp_path, monkeypatch
):
    monkeypatch.setattr(feed, "COPY_LIMIT", 0)
    record = train_run(SMALL, 0, tmp_path / "seed-0", str).record
    same(record, tmp_path / "seed-0", plain)


def test_several_steps_a_call_with_a_rest(plain, tmp_path, monkeypatch):
    options = {"jit_compile": False, "steps_per_execution": 5}  # 8 steps an epoch
    monkeypatch.setattr(engine, "compile_options", lambda: options)
    record = train_run(SMALL, 0, tmp_path / "seed-0", str).record
    same(record, tmp_path / "seed-0", plain)


def test_images_that_lie_on_the_device(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "resident", lambda size: True)
    run = train_run(SMALL, 0, tmp_path / "seed-0", str)
    record, model = run.record, run.model
    same(record, tmp_path / "seed-0", plain)
    assert not any("images" in weight.path for weight in model.weights)


ELSEWHERE = """
import dataclasses, pathlib, sys
import numpy as np
from vaetut.training import engine
from vaetut.runs import train_run
from vaetut.recipes import get_recipe
recipe = dataclasses.replace(
    get_recipe("fashion-vae", "smoke"), filters=(4, 8), batch_size=40, epochs=2
)
root = pathlib.Path(sys.argv[1])
first = train_run(recipe, 0, root / "streamed", str).record
engine.resident = lambda size: True
second = train_run(recipe, 0, root / "resident", str).record
for name, values in first.history.items():
    np.testing.assert_allclose(second.history[name], values, rtol=1e-6)
assert first.weights_sha256 == second.weights_sha256
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_resident_images_on_the_other_backends(backend, tmp_path):
    pytest.importorskip(backend)
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path)],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_epoch_has_an_order_of_its_own_and_every_seed():
    orders = [feed.epoch_order(100, *key) for key in ((0, 0), (0, 1), (1, 0))]
    assert all(sorted(order) == list(range(100)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    np.testing.assert_array_equal(orders[0], feed.epoch_order(100, 0, 0))


def test_bfloat16_layers_with_a_float32_loss(tmp_path):
    lines = []
    record, model = train_run(
        SMALL, 0, tmp_path / "seed-0", lines.append, precision="bfloat16"
    )
    assert record.precision == "bfloat16"
    history = {name: np.array(values) for name, values in record.history.items()}
    total = history["reconstruction"] + SMALL.beta * history["kl"]
    np.testing.assert_allclose(history["loss"], total, rtol=2e-6)  # bfloat16 has 4e-3
    assert history["loss"][1] < history["loss"][0]
    assert model.decoder.compute_dtype == "float32"  # what is measured and used
    built = build.build_model(SMALL, 0, "bfloat16")
    assert built.decoder.get_layer("up_1").compute_dtype == "bfloat16"
    assert all(weight.dtype == "float32" for weight in built.trainable_weights)
    assert keras.config.dtype_policy().name == "float32"
    with pytest.raises(ValueError, match="no precision 'float8'"):
        build.build_model(SMALL, 0, "float8")


def test_the_schedule_rises_and_falls():
    recipe = dataclasses.replace(SMALL, schedule="cosine", warmup=0.1)
    optimizer = build.build_optimizer(recipe, 100)
    schedule = optimizer._learning_rate
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in range(101)]
    assert rates[0] == 0 and rates[5] == pytest.approx(recipe.learning_rate / 2)
    assert max(rates) == rates[10] == pytest.approx(recipe.learning_rate)
    assert rates[55] == pytest.approx(recipe.learning_rate / 2)
    assert rates[100] == pytest.approx(0, abs=1e-9)
    constant = build.build_optimizer(SMALL, 100)
    assert float(constant.learning_rate) == pytest.approx(SMALL.learning_rate)


def test_what_a_training_took_is_in_its_record(plain):
    record, _ = plain
    assert record.images_per_second > 0 and record.peak_memory_mb > 100
    assert record.devices == 1 and record.precision == "float32"
    assert record.peak_memory_mb <= engine.peak_memory_mb()
