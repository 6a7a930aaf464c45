"""How images get to where the model runs changes nothing but the speed."""

import dataclasses

import keras
import numpy as np
import pytest

from vaetut.recipes import get_recipe
from vaetut.runs import measuring, train_run
from vaetut.training import backends, build_model, feed, train, trainer
from vaetut.training.devices import Devices
from vaetut.training.optimizer import build_optimizer
from vaetut.training.weights import export_weights

SMALL = dataclasses.replace(
    get_recipe("fashion-vae", "smoke"),
    **{"filters": (4, 8), "batch_size": 40, "epochs": 2, "test_images": 40},
)


@pytest.fixture(scope="module")
def plain():
    return train(SMALL, 0, say=str)


def same(trained, plain):
    assert trained.history.keys() == plain.history.keys()
    for name, values in trained.history.items():
        np.testing.assert_allclose(values, plain.history[name], rtol=1e-6)
    arrays = export_weights(plain.model)
    for name, array in export_weights(trained.model).items():
        np.testing.assert_array_equal(array, arrays[name])


def test_a_set_too_large_to_copy_is_gathered_batch_by_batch(plain, monkeypatch):
    monkeypatch.setattr(feed, "COPY_LIMIT", 0)
    same(train(SMALL, 0, say=str), plain)


def test_several_steps_a_call_with_a_rest(plain, monkeypatch):
    options = {"jit_compile": False, "steps_per_execution": 5}  # 8 steps an epoch
    monkeypatch.setattr(backends, "compile_options", lambda: options)
    same(train(SMALL, 0, say=str), plain)


def test_images_that_lie_on_the_device(plain, monkeypatch):
    """On the other backends as well: see test_resilience."""
    monkeypatch.setattr(backends, "resident", lambda size: True)
    trained = train(SMALL, 0, say=str)
    same(trained, plain)
    assert not any("images" in weight.path for weight in trained.model.weights)


def test_the_rate_leaves_the_first_epoch_out_where_there_are_others(plain):
    """What it compiles is no part of it; alone it is better than none."""
    images = plain.cost.images_per_second
    alone = train(dataclasses.replace(SMALL, epochs=1), 0, say=str)
    assert alone.cost.images_per_second > 0 and images > 0
    training = trainer._Training(SMALL, 0, None, Devices("cpu"), "float32")
    training.timed(100, 50.0)
    assert training.result().cost.images_per_second == 2
    training.timed(100, 10.0)
    assert training.result().cost.images_per_second == 10


def test_every_epoch_has_an_order_of_its_own_and_every_seed():
    orders = [feed.epoch_order(100, *key) for key in ((0, 0), (0, 1), (1, 0))]
    assert all(sorted(order) == list(range(100)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    np.testing.assert_array_equal(orders[0], feed.epoch_order(100, 0, 0))


def test_bfloat16_layers_with_a_float32_loss():
    model, history, cost = train(SMALL, 0, say=str, precision="bfloat16")
    assert cost.precision == "bfloat16"
    history = {name: np.array(values) for name, values in history.items()}
    total = history["reconstruction"] + SMALL.beta * history["kl"]
    np.testing.assert_allclose(history["loss"], total, rtol=2e-6)  # bfloat16 has 4e-3
    assert history["loss"][1] < history["loss"][0]
    assert model.decoder.get_layer("up_1").compute_dtype == "bfloat16"
    assert all(weight.dtype == "float32" for weight in model.trainable_weights)
    assert keras.config.dtype_policy().name == "float32"
    with pytest.raises(ValueError, match="no precision 'float8'"):
        build_model(SMALL, 0, "float8")


def test_a_run_of_bfloat16_layers_is_measured_and_used_in_float32(
    tmp_path, monkeypatch
):
    used = []

    def measure(model, test):
        used.append(model.decoder.compute_dtype)
        return {}, {}

    monkeypatch.setattr(measuring, "measure_labelled", measure)
    short = dataclasses.replace(SMALL, epochs=1, images=40)
    run = train_run(short, 0, tmp_path / "seed-0", str, precision="bfloat16")
    assert run.record.precision == "bfloat16"
    assert used == [run.model.decoder.compute_dtype] == ["float32"]


def test_the_schedule_rises_and_falls():
    recipe = dataclasses.replace(SMALL, schedule="cosine", warmup=0.1)
    optimizer = build_optimizer(recipe, 100)
    schedule = optimizer._learning_rate
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in range(101)]
    assert rates[0] == 0 and rates[5] == pytest.approx(recipe.learning_rate / 2)
    assert max(rates) == rates[10] == pytest.approx(recipe.learning_rate)
    assert rates[55] == pytest.approx(recipe.learning_rate / 2)
    assert rates[100] == pytest.approx(0, abs=1e-9)
    constant = build_optimizer(SMALL, 100)
    assert float(constant.learning_rate) == pytest.approx(SMALL.learning_rate)


def test_what_a_training_took(plain):
    cost = plain.cost
    assert cost.seconds > 0 and cost.images_per_second > 0
    assert 100 < cost.peak_memory_mb <= backends.peak_memory_mb()
    assert cost.devices == 1 and cost.precision == "float32"
