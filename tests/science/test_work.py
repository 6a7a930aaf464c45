"""Operations and bytes of a training step: by hand, and as the compiler counts."""

import json
import os
import subprocess
import sys

import keras
import pytest
from keras import layers

from vaetut.models import Autoencoder
from vaetut.models.networks import macs
from vaetut.models.work import Work, training_flops, training_memory, training_work
from vaetut.recipes import get_recipe
from vaetut.training import build_model

# XLA counts one compiled step of training, on the CPU. It fuses what it can, and counts
# every element-wise operation and the optimizer's.
PROGRAM = """
import json, sys
import jax, keras, numpy as np
from vaetut.models.work import training_work
from vaetut.recipes import get_recipe
from vaetut.training import build_model

batch, found = 8, {}
for name in sys.argv[1:]:
    model = build_model(get_recipe(name, "smoke"), 0)
    model.compile(keras.optimizers.Adam(1e-3))
    model.optimizer.build(model.trainable_variables)
    images = np.zeros((batch, *model.encoder.input_shape[1:]), "float32")
    model._symbolic_build(data_batch=(images,))
    state = model._get_jax_state(
        trainable_variables=True, non_trainable_variables=True,
        optimizer_variables=True, metrics_variables=True,
    )
    step = jax.jit(model.train_step).lower(state, (images,)).compile()
    counted = step.cost_analysis()
    work = training_work(model, batch)
    found[name] = {
        "flops": [sum(w.flops for w in work.values()), counted["flops"]],
        "bytes": [sum(w.bytes for w in work.values()), counted["bytes accessed"]],
    }
print(json.dumps(found))
"""
COUNTED = ("fashion-vae", "polar-reference", "faces-ae")


@pytest.fixture(scope="module")
def counted():
    """Return recipe → ours and XLA's count of flops and bytes."""
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", PROGRAM, *COUNTED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert not done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", COUNTED)
def test_xla_counts_about_as_many_operations(counted, name):
    ours, theirs = counted[name]["flops"]
    assert 0.8 < ours / theirs < 1.25


@pytest.mark.parametrize("name", COUNTED)
def test_ours_are_the_fewest_bytes(counted, name):
    ours, theirs = counted[name]["bytes"]
    assert 0.4 < ours / theirs < 1


def small():
    """Return an autoencoder of one convolution and one dense layer each way."""
    images = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(images)
    x = layers.MaxPooling2D(2, name="pool")(x)
    codes = layers.Dense(2, name="code")(layers.Flatten()(x))
    inner = keras.Input((2,))
    x = layers.BatchNormalization(name="norm")(layers.Dense(64, name="dense")(inner))
    x = layers.Reshape((8, 8, 1))(layers.LeakyReLU()(x))
    return Autoencoder(keras.Model(images, codes), keras.Model(inner, x))


def test_each_layer_is_counted_as_by_hand():
    work = {k.partition("/")[2] or k: w for k, w in training_work(small(), 3).items()}
    assert set(work) == {"conv", "pool", "code", "dense", "norm", "optimizer"}
    # Forward and the gradient of the weights; the images need none.
    assert work["conv"].flops == 2 * 2 * 3 * 8 * 8 * 9 * 4
    assert work["conv"].bytes == 2 * 4 * (3 * 64 + 36 + 4 + 3 * 256)
    assert work["pool"] == Work(0, 2 * 4 * 3 * (256 + 64))
    assert work["code"] == Work(3 * 2 * 3 * 64 * 2, 3 * 4 * (3 * 64 + 130 + 3 * 2))
    assert work["norm"] == Work(0, 8 * 4 * 3 * 64)
    assert work["optimizer"] == Work(0, 28 * (40 + 130 + 192 + 128))


def test_numbers_of_half_the_width_are_half_the_bytes():
    model = small()
    wide, narrow = (training_work(model, 3, width) for width in (4, 2))
    assert all(w.bytes == 2 * narrow[k].bytes for k, w in wide.items() if w.flops)


def test_memory_is_of_a_step_or_of_a_validation():
    weights = 16 * (40 + 130 + 192 + 256)
    step = 4 * 3 * (256 + 64 + 2 + 64 + 64 + 64)
    assert training_memory(small(), 3, 1) == step + weights
    assert training_memory(small(), 1, 100) == 4 * 100 * (64 + 256) + weights


def test_a_layer_is_bound_by_operations_or_by_bytes():
    assert Work(100, 10).seconds(rate=10, bandwidth=10) == 10
    assert Work(100, 10).seconds(rate=1000, bandwidth=1) == 10


def test_flops_of_training_leave_out_the_images_gradient():
    model = build_model(get_recipe("fashion-ae"), 0)
    forward = macs(model.encoder) + macs(model.decoder)
    assert training_flops(model) == 6 * forward - 2 * 16 * 16 * 9 * 32
