"""Builders of encoders and decoders: stacks of strided convolutions."""

import math
from collections.abc import Callable, Sequence

import keras
from keras import layers

from vaetut.models.tensor import ImageShape, Tensor


def conv_encoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = (32, 64, 128),
    heads: Sequence[str] = ("code",),
    name: str = "encoder",
) -> keras.Model:
    """Return a network from images (n, h, w, c) to one (n, latent_dim) array a head.

    Each convolution halves the image. Codes are float32 where the layers before
    compute in bfloat16. Raises ValueError if the image cannot be halved. Taught in
    chapter 01; chapter 02 gives it two heads, `("mean", "log_var")`.
    """
    check_halving(image_shape, filters)
    images = x = keras.Input(image_shape, name="images")
    for k, width in enumerate(filters, start=1):
        x = layers.Conv2D(
            width, 3, strides=2, padding="same", activation="relu", name=f"conv_{k}"
        )(x)
    return with_heads(images, x, latent_dim, heads, name)


def with_heads(
    images: Tensor,
    maps: Tensor,
    latent_dim: int,
    heads: Sequence[str],
    name: str,
    initializer: Callable[[], keras.initializers.Initializer] | None = None,
) -> keras.Model:
    """Return an encoder that ends in a float32 dense layer a head, one or several.

    `images` is its input (n, h, w, c), `maps` what its convolutions make of it. Each
    output is (n, latent_dim) and has the name of its head. `initializer` makes a fresh
    initializer of kernels; None: Keras's own.
    """
    flat = layers.Flatten(name="flatten")(maps)
    outputs = []
    for head in heads:
        own = {"kernel_initializer": initializer()} if initializer else {}
        dense = layers.Dense(latent_dim, dtype="float32", name=head, **own)
        outputs.append(dense(flat))
    return keras.Model(images, outputs if len(heads) > 1 else outputs[0], name=name)


def conv_decoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = (32, 64, 128),
    name: str = "decoder",
) -> keras.Model:
    """Return the mirror of `conv_encoder`: codes (n, d) to logits (n, h, w, c).

    `filters` are the encoder's, read backwards here. The output has no sigmoid: the
    loss is computed from logits. Raises ValueError if the image cannot be halved.
    """
    height, width = check_halving(image_shape, filters)
    codes = x = keras.Input((latent_dim,), name="codes")
    x = layers.Dense(height * width * filters[-1], name="dense")(x)
    x = layers.Reshape((height, width, filters[-1]), name="reshape")(x)
    for k, channels in enumerate(reversed(filters), start=1):
        x = layers.Conv2DTranspose(
            channels, 3, strides=2, padding="same", activation="relu", name=f"up_{k}"
        )(x)
    logits = layers.Conv2D(image_shape[-1], 3, padding="same", name="logits")(x)
    return keras.Model(codes, logits, name=name)


def check_halving(image_shape: ImageShape, filters: Sequence[int]) -> tuple[int, int]:
    """Return height and width, in pixels, after one halving a filter.

    Raises ValueError if there is no filter, or a side that cannot be halved so often.
    """
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


def macs(network: keras.Model) -> int:
    """Return how many multiply-accumulates a network computes for one image.

    Counts the kernels of Conv2D, Conv2DTranspose and Dense layers, of nested networks
    as well, and the number that a layer has as `macs`; biases, activations and batch
    normalization are left out. The zeros of "same" padding count. Raises ValueError for
    any other layer that has weights.
    """
    return sum(layer_macs(layer) for layer in network.layers)


def layer_macs(layer: layers.Layer) -> int:
    """Return how often the kernel of one layer is applied to an image, times its size.

    Raises ValueError as `macs` does.
    """
    if isinstance(layer, keras.Model):
        return macs(layer)
    if hasattr(layer, "macs"):
        return layer.macs
    if not layer.weights or isinstance(layer, layers.BatchNormalization):
        return 0
    if isinstance(layer, (layers.Conv2D, layers.Dense)):
        places = layer.output.shape[1:-1]
    elif isinstance(layer, layers.Conv2DTranspose):
        places = layer.input.shape[1:-1]
    else:
        raise ValueError(
            f"There is no count for {type(layer).__name__} ({layer.name!r}): say in "
            "macs how often its kernel is applied."
        )
    return math.prod(places) * math.prod(layer.kernel.shape)
