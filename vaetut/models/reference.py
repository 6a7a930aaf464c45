"""The networks of the zero-shot posts, layer by layer as published.

At 256×256 and with its own filters: 345,411 parameters in the encoder and 204,545 in
the decoder, 8.65 billion multiply-accumulates an image. Source: M-Lin-DM 2021,
"Zero-shot Learning with VAEs", part 2.
"""

from collections.abc import Sequence

import keras
from keras import layers

from vaetut.models.networks import with_heads
from vaetut.models.tensor import ImageShape, Tensor

FILTERS = (64, 64, 128, 128)


def reference_encoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = FILTERS,
    heads: Sequence[str] = ("mean",),
    name: str = "encoder",
) -> keras.Model:
    """Return the encoder: images (n, h, w, c) to one (n, latent_dim) array a head.

    A convolution without padding and a maximum over 2×2, four times. Kernels are drawn
    from a normal distribution of standard deviation 0.05.
    """
    images = x = keras.Input(image_shape, name="images")
    for k, width in enumerate(filters, start=1):
        x = layers.Conv2D(
            width, 3, activation="relu", name=f"conv_{k}", kernel_initializer=_normal()
        )(x)
        x = layers.MaxPooling2D(2, padding="same", name=f"pool_{k}")(x)
    return with_heads(images, x, latent_dim, heads, name, initializer=_normal)


def reference_decoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = FILTERS,
    normalization: bool = True,
) -> keras.Model:
    """Return the decoder: codes (n, d) to logits (n, h, w, c).

    A dense layer without bias, three doublings each followed by a transposed
    convolution of stride one, and two of 1×1 that mix channels; batch normalization
    between them unless `normalization` is False. The published one ends in a sigmoid,
    which is here a part of the loss. `filters` are the encoder's. Raises ValueError
    unless the sides are multiples of 8.
    """
    height, width, channels = image_shape
    if height % 8 or width % 8:
        raise ValueError(
            f"The reference's decoder draws sides that are multiples of 8, not "
            f"{height}×{width}."
        )
    narrow = filters[0] // 4
    codes = x = keras.Input((latent_dim,), name="codes")
    x = layers.Dense(
        height * width // 64 * narrow, activation="relu", use_bias=False, name="dense"
    )(x)
    x = layers.Reshape((height // 8, width // 8, narrow), name="reshape")(x)
    for k, wide in enumerate((filters[0], filters[1], filters[2]), start=1):
        x = layers.UpSampling2D(2, name=f"double_{k}")(x)
        x = layers.Conv2DTranspose(
            wide,
            3,
            padding="same",
            activation="relu",
            name=f"up_{k}",
            kernel_initializer=_normal(),
        )(x)
        x = _normalized(x, normalization, k)
    x = layers.Conv2DTranspose(
        2 * filters[3], 1, activation="relu", name="mix", kernel_initializer=_normal()
    )(x)
    x = _normalized(x, normalization, 4)
    logits = layers.Conv2DTranspose(
        channels, 1, name="logits", kernel_initializer=_normal()
    )(x)
    return keras.Model(codes, logits, name="decoder")


def _normalized(x: Tensor, normalization: bool, k: int) -> Tensor:
    return layers.BatchNormalization(name=f"norm_{k}")(x) if normalization else x


def _normal() -> keras.initializers.Initializer:
    """Return a fresh initializer: the same object would draw the same kernel again."""
    return keras.initializers.RandomNormal(stddev=0.05)
