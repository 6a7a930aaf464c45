"""Encoders as a page gets them: the same numbers as Keras, or a refusal with a mend."""

import json

import keras
import numpy as np
import pytest
from keras import layers
from widget_table import random_weights

from vaetut.models import conv_encoder
from vaetut.models.compact import broadcast_decoder, transposed_decoder
from vaetut.models.reference import reference_encoder
from vaetut.widgets.packing import (
    decode_packed,
    pack_decoder,
    pack_encoder,
    run_packed,
)

RNG = np.random.default_rng(0)


def several_kinds():
    """Return an encoder of colour images with every kind of layer in it."""
    images = x = keras.Input((13, 10, 3))
    x = layers.Conv2D(6, (3, 4), strides=(2, 1), padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.LeakyReLU(0.1)(x)
    x = layers.MaxPooling2D((2, 3), strides=2, padding="same")(x)
    x = layers.Conv2D(5, 3, activation="relu")(x)
    x = layers.MaxPooling2D(2, strides=1)(x)
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    x = layers.Dense(7, activation="tanh")(x)
    heads = [layers.Dense(2, name="mean")(x), layers.Dense(3, name="other")(x)]
    return keras.Model(images, heads)


ENCODERS = {
    "one head": lambda: conv_encoder((16, 16, 1), 3, (4, 8)),
    "two heads": lambda: conv_encoder((16, 8, 1), 2, (4, 8), ("mean", "log_var")),
    "the reference's": lambda: reference_encoder((40, 40, 1), 3, (4, 4, 4, 4)),
    "several kinds": several_kinds,
}


@pytest.mark.parametrize("name", ENCODERS)
def test_a_packed_encoder_gives_what_keras_gives(name):
    encoder = random_weights(ENCODERS[name](), scale=0.3)
    packed = json.loads(json.dumps(pack_encoder(encoder)))
    images = RNG.uniform(size=(4, *encoder.input_shape[1:]))
    outputs = encoder(images.astype(np.float32), training=False)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    expected = np.concatenate([np.asarray(output) for output in outputs], axis=1)
    assert packed["image"] == list(encoder.input_shape[1:])
    assert list(packed["heads"].values()) == [x.shape[1] for x in outputs]
    # What normalization is folded into is rounded to float16 once more.
    within = 1e-2 if name == "several kinds" else 1e-4
    assert np.abs(run_packed(packed, images) - expected).max() < within
    assert np.abs(expected).max() > 10 * within


DECODERS = {
    "transposed": lambda: transposed_decoder((64, 64, 1), 3),
    "broadcast": lambda: broadcast_decoder((64, 64, 1), 3),
}


@pytest.mark.parametrize("name", DECODERS)
def test_a_packed_decoder_of_stars_gives_what_keras_gives(name):
    decoder = random_weights(DECODERS[name](), scale=0.2)
    packed = json.loads(json.dumps(pack_decoder(decoder)))
    codes = RNG.normal(size=(3, 3))
    expected = np.asarray(decoder(codes.astype(np.float32), training=False))
    assert np.abs(decode_packed(packed, codes) - expected).max() < 1e-4
    assert expected.std() > 0.01


def test_heads_have_their_names():
    encoder = conv_encoder((8, 8, 1), 2, (4,), ("mean", "log_var"))
    assert pack_encoder(encoder)["heads"] == {"mean": 2, "log_var": 2}


def in_sequence():
    """Return an encoder whose second head takes the first."""
    images = keras.Input((8, 8, 1))
    first = layers.Dense(2, name="first")(layers.Flatten()(images))
    return keras.Model(images, [first, layers.Dense(2, name="second")(first)])


REFUSED = {
    "encoder must be a Keras model": lambda: "encoder",
    "images are": lambda: keras.Sequential([keras.Input((8,)), layers.Dense(2)]),
    "codes are": lambda: keras.Sequential([keras.Input((8, 8, 1)), layers.Dense(2)]),
    "'second' .* beside the other heads: let all take": in_sequence,
    "'average' .* is not supported: use Dense": lambda: keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.AveragePooling2D(2, name="average"),
            layers.Flatten(),
        ]
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_a_page_cannot_run_is_refused(words):
    with pytest.raises(ValueError, match=words):
        pack_encoder(REFUSED[words]())
