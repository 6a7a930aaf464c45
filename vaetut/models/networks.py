"""Builders of encoders and decoders: stacks of strided convolutions."""

import math

import keras
from keras import layers


def conv_encoder(
    image_shape, latent_dim, filters=(32, 64, 128), heads=("code",), name="encoder"
):
    """Return a network from images (n, h, w, c) to one (n, latent_dim) array a head.

    Each convolution halves the image. Raises ValueError if it cannot. Taught in
    chapter 01; chapter 02 gives it two heads, `("mean", "log_var")`.
    """
    _check_halving(image_shape, filters)
    images = x = keras.Input(image_shape, name="images")
    for k, width in enumerate(filters, start=1):
        x = layers.Conv2D(
            width, 3, strides=2, padding="same", activation="relu", name=f"conv_{k}"
        )(x)
    x = layers.Flatten(name="flatten")(x)
    outputs = [layers.Dense(latent_dim, name=head)(x) for head in heads]
    return keras.Model(images, outputs if len(heads) > 1 else outputs[0], name=name)


def conv_decoder(image_shape, latent_dim, filters=(32, 64, 128), name="decoder"):
    """Return the mirror of `conv_encoder`: codes (n, d) to logits (n, h, w, c).

    `filters` are the encoder's, read backwards here. The output has no sigmoid: the
    loss is computed from logits. Raises ValueError if the image cannot be halved.
    """
    height, width = _check_halving(image_shape, filters)
    codes = x = keras.Input((latent_dim,), name="codes")
    x = layers.Dense(height * width * filters[-1], name="dense")(x)
    x = layers.Reshape((height, width, filters[-1]), name="reshape")(x)
    for k, channels in enumerate(reversed(filters), start=1):
        x = layers.Conv2DTranspose(
            channels, 3, strides=2, padding="same", activation="relu", name=f"up_{k}"
        )(x)
    logits = layers.Conv2D(image_shape[-1], 3, padding="same", name="logits")(x)
    return keras.Model(codes, logits, name=name)


def _check_halving(image_shape, filters):
    """Return height and width after one halving a filter, or say why there is none."""
    height, width, _ = image_shape
    factor = 2 ** len(filters)
    if not filters or height % factor or width % factor:
        sides = math.ceil(height / factor) * factor, math.ceil(width / factor) * factor
        raise ValueError(
            f"{len(filters)} convolutions of stride 2 need an image whose sides are "
            f"multiples of {factor}, not {height}×{width}: pad it to "
            f"{sides[0]}×{sides[1]} or give at least one and not so many filters."
        )
    return height // factor, width // factor
