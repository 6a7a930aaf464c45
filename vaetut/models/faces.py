"""Networks for images of faces: the source's, and two against what blurs or rasters.

At 96×96 with 256 dimensions of z: 5.11 million parameters in the encoder, 4.7 of them
in its two heads, and 2.76 million in the decoder. Source: "Variational Autoencoder with
Tensorflow", parts XI and XII. Taught in chapters 04 to 06.
"""

from collections.abc import Sequence
from functools import partial

import keras
from keras import layers

from vaetut.models.networks import check_halving, with_heads
from vaetut.models.tensor import ImageShape, Tensor

FILTERS = (32, 64, 128, 256)
KERNEL = 3  # pixels a side, where a recipe does not say otherwise
SLOPE = 0.3  # of LeakyReLU below zero


def faces_encoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = FILTERS,
    heads: Sequence[str] = ("code",),
    kernel_sizes: Sequence[int] | None = None,
    normalization: bool = True,
    extra_dense: int | None = None,
    residual: bool = False,
    name: str = "encoder",
) -> keras.Model:
    """Return a network from images (n, h, w, c) to one (n, latent_dim) array a head.

    Convolutions of stride two, each with a batch normalization unless `normalization`
    is False, and LeakyReLU; `kernel_sizes`, in pixels, are 3 if None. `extra_dense`
    puts a layer of so many units between the flattened map and the heads. With
    `residual` a block follows every convolution. Raises ValueError if the image cannot
    be halved, or there is not one kernel size for each filter.
    """
    check_halving(image_shape, filters)
    images = x = keras.Input(image_shape, name="images")
    sides = _sides(filters, kernel_sizes)
    for k, (width, side) in enumerate(zip(filters, sides, strict=True), start=1):
        x = layers.Conv2D(width, side, strides=2, padding="same", name=f"conv_{k}")(x)
        x = _activated(x, k, normalization)
        if residual:
            x = _residual(x, k, normalization)
    if extra_dense:
        x = layers.Flatten(name="flatten_maps")(x)
        x = layers.Dense(extra_dense, name="extra")(x)
        x = layers.LeakyReLU(SLOPE, name="leaky_extra")(x)
    return with_heads(images, x, latent_dim, heads, name)


def faces_decoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = FILTERS,
    kernel_sizes: Sequence[int] | None = None,
    normalization: bool = True,
    residual: bool = False,
    name: str = "decoder",
) -> keras.Model:
    """Return the mirror of `faces_encoder`: codes (n, d) to logits (n, h, w, c).

    `filters` and `kernel_sizes` are the encoder's, read backwards; the last transposed
    convolution draws the logits, with neither normalization nor activation. Raises
    ValueError as the encoder does.
    """
    codes, x = _first_map(image_shape, latent_dim, filters)
    *sides, last = reversed(_sides(filters, kernel_sizes))
    for k, (width, side) in enumerate(zip(filters[-2::-1], sides, strict=True), 1):
        x = layers.Conv2DTranspose(
            width, side, strides=2, padding="same", name=f"up_{k}"
        )(x)
        x = _activated(x, k, normalization)
        if residual:
            x = _residual(x, k, normalization)
    logits = layers.Conv2DTranspose(
        image_shape[-1], last, strides=2, padding="same", name="logits"
    )(x)
    return keras.Model(codes, logits, name=name)


residual_encoder = partial(faces_encoder, residual=True)
residual_decoder = partial(faces_decoder, residual=True)


def upsampling_decoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = FILTERS,
    kernel_sizes: Sequence[int] | None = None,
    normalization: bool = True,
    name: str = "decoder",
) -> keras.Model:
    """Return a decoder as `faces_decoder`, of upsampling and convolutions.

    It has as many parameters and four times the multiplications, and every pixel takes
    equally many of them. Raises ValueError as the encoder does. Source: Odena et al.
    2016, Deconvolution and checkerboard artifacts.
    """
    codes, x = _first_map(image_shape, latent_dim, filters)
    *sides, last = reversed(_sides(filters, kernel_sizes))
    for k, (width, side) in enumerate(zip(filters[-2::-1], sides, strict=True), 1):
        x = layers.UpSampling2D(2, name=f"double_{k}")(x)
        x = layers.Conv2D(width, side, padding="same", name=f"conv_{k}")(x)
        x = _activated(x, k, normalization)
    x = layers.UpSampling2D(2, name=f"double_{len(filters)}")(x)
    logits = layers.Conv2D(image_shape[-1], last, padding="same", name="logits")(x)
    return keras.Model(codes, logits, name=name)


def _sides(
    filters: Sequence[int], kernel_sizes: Sequence[int] | None
) -> tuple[int, ...]:
    """Return the side of every convolution's kernel."""
    sides = tuple(kernel_sizes) if kernel_sizes else (KERNEL,) * len(filters)
    if len(sides) != len(filters):
        raise ValueError(
            f"There are {len(sides)} kernel sizes for {len(filters)} filters: give one "
            "each."
        )
    return sides


def _first_map(
    image_shape: ImageShape, latent_dim: int, filters: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Return codes, and the smallest map that a dense layer makes of them."""
    height, width = check_halving(image_shape, filters)
    codes = keras.Input((latent_dim,), name="codes")
    x = layers.Dense(height * width * filters[-1], name="dense")(codes)
    return codes, layers.Reshape((height, width, filters[-1]), name="reshape")(x)


def _activated(x: Tensor, k: int, normalization: bool) -> Tensor:
    if normalization:
        x = layers.BatchNormalization(name=f"norm_{k}")(x)
    return layers.LeakyReLU(SLOPE, name=f"leaky_{k}")(x)


def _residual(x: Tensor, k: int, normalization: bool) -> Tensor:
    """Return a map plus what a bottleneck of half its channels makes of it.

    Source: He et al. 2016, Deep Residual Learning (arXiv:1512.03385), figure 5.
    """
    width, y = x.shape[-1], x
    for part, (channels, side) in enumerate(
        ((max(width // 2, 1), 1), (max(width // 2, 1), 3), (width, 1)), start=1
    ):
        name = f"residual_{k}_{part}"
        y = layers.Conv2D(channels, side, padding="same", name=name)(y)
        if normalization:
            y = layers.BatchNormalization(name=f"norm_{name}")(y)
        if part < 3:
            y = layers.LeakyReLU(SLOPE, name=f"leaky_{name}")(y)
    return layers.Add(name=f"sum_{k}")([x, y])
