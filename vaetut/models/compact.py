"""Compact networks for strokes: one encoder, and decoders that know more and more.

Chapter 08 compares the decoders. All take codes (n, d) and return logits (n, h, w, 1)
of square images; the first line of each tells what it knows of what it draws; they take
4 to 13 million multiplications at 64×64. Each raises ValueError unless the image is a
grey square of 64 · 2^k pixels. Those without convolutions take `filters`, as all
decoders do, and use none.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from vaetut.models.networks import with_heads
from vaetut.models.tensor import ImageShape, Shape, Tensor

BASE = 8  # pixels a side of the smallest feature map
WIDTHS = (64, 48, 32)  # channels of the decoders' convolutions, from the base upwards
PATCH = 4  # pixels a side that the last convolution draws at once
BLANK = -3.5  # initial logit of every pixel: little ink, as in the images


def compact_encoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = (16, 32, 64, 64),
    heads: Sequence[str] = ("mean",),
    name: str = "encoder",
) -> keras.Model:
    """Return a network from images (n, h, w, c) to one (n, latent_dim) array a head.

    The first convolution reads patches, so that no other one works on the full size;
    the others halve the map until it is 8×8. Raises ValueError unless the image is a
    grey square of 64 · 2^k pixels.
    """
    side = _check_square(image_shape)
    patch = max(2, side // 64)
    images = x = keras.Input(image_shape, name="images")
    x = layers.Conv2D(
        filters[0], patch, strides=patch, activation="swish", name="patches"
    )(x)
    for k, width in enumerate(filters[1:], start=1):
        x = layers.Conv2D(
            width,
            3,
            strides=2 if x.shape[1] > BASE else 1,
            padding="same",
            activation="swish",
            name=f"conv_{k}",
        )(x)
    return with_heads(images, x, latent_dim, heads, name)


def transposed_decoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = (16, 32, 64, 64),
    normalization: bool = False,
) -> keras.Model:
    """Return a decoder that knows of what it draws only that it is local.

    Dense layers, then transposed convolutions of stride two, and a convolution that
    draws 4×4 pixels at once. `normalization` puts a batch normalization after every
    transposed one.
    """
    codes, x, side = _dense_map(image_shape, latent_dim, filters[-1])
    for k, width in enumerate(_widths(side), start=1):
        x = layers.Conv2DTranspose(width, 4, strides=2, padding="same", name=f"up_{k}")(
            x
        )
        x = _activated(x, k, normalization)
    return keras.Model(codes, _patches(x, side), name="decoder")


def upsampling_decoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = (16, 32, 64, 64),
) -> keras.Model:
    """Return a decoder as `transposed_decoder`, of upsampling and convolutions.

    Neighbouring pixels have the same value before a kernel has learned anything.
    Source: Odena et al. 2016, Deconvolution and checkerboard artifacts.
    """
    codes, x, side = _dense_map(image_shape, latent_dim, filters[-1])
    for k, width in enumerate(_widths(side), start=1):
        x = layers.UpSampling2D(2, name=f"double_{k}")(x)
        x = _convolution(x, width, k)
    return keras.Model(codes, _patches(x, side), name="decoder")


def coordinate_decoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = (16, 32, 64, 64),
) -> keras.Model:
    """Return a decoder whose convolutions know where they are.

    Two channels with x and y in [−1, 1] before every convolution. Source: Liu et al.
    2018, CoordConv (arXiv:1807.03247).
    """
    codes, x, side = _dense_map(image_shape, latent_dim, filters[-1])
    for k, width in enumerate(_widths(side), start=1):
        x = layers.UpSampling2D(2, name=f"double_{k}")(x)
        x = Coordinates(name=f"coordinates_{k}")(x)
        x = _convolution(x, width, k)
    x = Coordinates(name="coordinates")(x)
    return keras.Model(codes, _patches(x, side), name="decoder")


def broadcast_decoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = (16, 32, 64, 64),
) -> keras.Model:
    """Return a decoder that has the same code and its coordinates at every place.

    The code is repeated over a grid a quarter of the image's size, coordinates are
    appended, and convolutions of stride one follow. Source: Watters et al. 2019,
    Spatial Broadcast Decoder (arXiv:1901.07017).
    """
    side = _check_square(image_shape)
    grid = side // PATCH
    codes = x = keras.Input((latent_dim,), name="codes")
    x = layers.Dense(32, activation="swish", name="dense")(x)
    x = layers.RepeatVector(grid * grid, name="broadcast")(x)
    x = layers.Reshape((grid, grid, 32), name="grid")(x)
    x = Coordinates(name="coordinates")(x)
    for k in (1, 2, 3):
        x = _convolution(x, 32, k)
    return keras.Model(codes, _patches(x, side), name="decoder")


def fourier_decoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = (16, 32, 64, 64),
    frequencies: int = 32,
) -> keras.Model:
    """Return a decoder that is a function of the place: the same network at each pixel.

    Sines and cosines of random projections of (x, y) go through layers whose units
    the code scales and shifts; no pixel knows its neighbour. Sources: Tancik et al.
    2020, Fourier features (arXiv:2006.10739); Perez et al. 2018, FiLM
    (arXiv:1709.07871).
    """
    side = _check_square(image_shape)
    width, grid = 48, side // 2
    codes = keras.Input((latent_dim,), name="codes")
    style = layers.Dense(128, activation="swish", name="dense_1")(codes)
    style = layers.Dense(128, activation="swish", name="dense_2")(style)
    x = FourierFeatures(grid, frequencies, name="features")(style)
    for k in (1, 2):
        x = layers.Dense(width, name=f"pixel_{k}")(x)
        scale = layers.Dense(width, name=f"scale_{k}")(style)
        shift = layers.Dense(width, name=f"shift_{k}")(style)
        x = Modulation(name=f"modulation_{k}")([x, scale, shift])
    x = layers.Dense(4, bias_initializer=_blank(), name="ink")(x)
    x = layers.Reshape((grid, grid, 4), name="rows")(x)
    return keras.Model(codes, DepthToSpace(2, name="logits")(x), name="decoder")


def contour_decoder(
    image_shape: ImageShape,
    latent_dim: int,
    filters: Sequence[int] = (16, 32, 64, 64),
    knots: int = 128,
    limit: float = 4.0,
) -> keras.Model:
    """Return a decoder that knows that it draws a stroke, its radius over the angle.

    Two dense layers give the radius at `knots` angles, `Stroke` draws that line on a
    canvas whose axes run from −limit to limit, and a small network, the same at each
    pixel, turns its density into ink. It does not know that there are five petals, nor
    a and b.
    """
    side = _check_square(image_shape)
    codes = x = keras.Input((latent_dim,), name="codes")
    for k in (1, 2):
        x = layers.Dense(256, activation="swish", name=f"dense_{k}")(x)
    radius = layers.Dense(
        knots, bias_initializer=keras.initializers.Constant(1.25), name="radius"
    )(x)
    density = Stroke(side, limit, dtype="float32", name="stroke")(radius)
    ink = layers.Dense(
        1, kernel_initializer=_first_pen, dtype="float32", name="first_pen"
    )(density)
    x = layers.Dense(16, activation="swish", dtype="float32", name="pen_1")(density)
    x = layers.Dense(1, kernel_initializer="zeros", dtype="float32", name="pen_2")(x)
    logits = layers.Add(dtype="float32", name="logits")([ink, x])
    return keras.Model(codes, logits, name="decoder")


@keras.saving.register_keras_serializable(package="vaetut")
def _first_pen(shape: Shape, dtype: str | None = None) -> Tensor:
    """Return initial weights that draw a soft stroke, with gradients from afar."""
    return ops.convert_to_tensor(np.reshape([1.0, 1.0, 0.3], shape), dtype=dtype)


@keras.saving.register_keras_serializable(package="vaetut")
class Coordinates(layers.Layer):
    """Appends two channels to a map (n, h, w, c): x and y, from −1 to 1."""

    def call(self, x: Tensor) -> Tensor:
        """Return a map (n, h, w, c + 2)."""
        height, width = x.shape[1:3]
        rows, columns = np.meshgrid(
            np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij"
        )
        place = ops.convert_to_tensor(
            np.stack([columns, rows], axis=-1)[None].astype("float32"), dtype=x.dtype
        )
        return ops.concatenate([x, ops.repeat(place, ops.shape(x)[0], axis=0)], axis=-1)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return (n, h, w, c + 2) for (n, h, w, c)."""
        return (*shape[:-1], shape[-1] + 2)


@keras.saving.register_keras_serializable(package="vaetut")
class DepthToSpace(layers.Layer):
    """Turns channels into pixels: (n, h, w, k·k) to (n, k·h, k·w, 1)."""

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, x: Tensor) -> Tensor:
        """Return a map (n, k·h, k·w, 1)."""
        height, width = x.shape[1:3]
        k = self.size
        x = ops.reshape(x, (-1, height, width, k, k))
        x = ops.transpose(x, (0, 1, 3, 2, 4))
        return ops.reshape(x, (-1, height * k, width * k, 1))

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return (n, k·h, k·w, 1) for (n, h, w, k·k)."""
        n, height, width, _ = shape
        return (n, height * self.size, width * self.size, 1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which Keras makes this layer again."""
        return super().get_config() | {"size": self.size}


@keras.saving.register_keras_serializable(package="vaetut")
class FourierFeatures(layers.Layer):
    """Gives every place of a grid sines and cosines, whatever the input (n, d).

    The output is (n, side², 2·frequencies). The projections are drawn once, from a
    normal distribution of standard deviation `spread`, by a seed of their own: they are
    not trained. Source: Tancik et al. 2020 (arXiv:2006.10739).
    """

    def __init__(
        self, side: int, frequencies: int, spread: float = 4.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.side, self.frequencies, self.spread = side, frequencies, spread
        axis = (np.arange(side) + 0.5) / side * 2 - 1
        places = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        projections = np.random.default_rng(0).normal(0, spread, (2, frequencies))
        angles = places @ projections
        features = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
        self.features = features.astype("float32")

    def call(self, x: Tensor) -> Tensor:
        """Return the features (n, side², 2·frequencies), the same for each row."""
        features = ops.convert_to_tensor(self.features[None], dtype=x.dtype)
        return ops.repeat(features, ops.shape(x)[0], axis=0)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return (n, side², 2·frequencies) for (n, d)."""
        return (shape[0], *self.features.shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which Keras makes this layer again."""
        own = {k: getattr(self, k) for k in ("side", "frequencies", "spread")}
        return super().get_config() | own


@keras.saving.register_keras_serializable(package="vaetut")
class Modulation(layers.Layer):
    """Scales and shifts units (n, m, c) by (n, c), both of the code, then swish.

    Source: Perez et al. 2018, FiLM (arXiv:1709.07871), equation 2.
    """

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return units (n, m, c) of [units, scale, shift]."""
        x, scale, shift = inputs
        return ops.silu(x * (1 + scale[:, None]) + shift[:, None])

    def compute_output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the units, which is the first."""
        return shapes[0]


@keras.saving.register_keras_serializable(package="vaetut")
class Stroke(layers.Layer):
    """Draws the line with a radius at each of k angles on a canvas: a soft rasteriser.

    (n, k) to (n, side, side, 3): the logarithm of the line's density after Gaussian
    blurs of half a pixel, of √3 times that, and of a sixteenth of the side. A negative
    radius points in the opposite direction. Such a blur is the product of one along x
    and one along y, so that summing over the line's samples is one matrix product an
    image, and gradients reach every radius from every pixel. `limit`: the axes run
    from −limit to limit.
    """

    SAMPLES = 6  # of the line, for each pixel of the side
    COARSE = 8  # every so many of them for the widest blur
    FAINT = 1e-9  # the density that nothing is below

    def __init__(self, side: int, limit: float = 4.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.side, self.limit = side, limit

    def build(self, shape: Shape) -> None:
        """Prepare the spline through the radii of an input of shape (n, k)."""
        samples = self.SAMPLES * self.side
        angle = -np.pi + 2 * np.pi * np.arange(samples) / samples
        self.directions = np.stack([np.cos(angle), -np.sin(angle)]).astype("float32")
        self.spline = _interpolation(shape[-1], angle)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        samples = self.SAMPLES * self.side
        coarse = samples // self.COARSE
        return self.spline.size + (2 * samples + coarse) * self.side**2

    def call(self, radius: Tensor) -> Tensor:
        """Return three logarithms of densities, (n, side, side, 3), of radii (n, k)."""
        scale = self.side / (2 * self.limit)  # pixels a unit
        radius = ops.matmul(radius, ops.convert_to_tensor(self.spline))
        directions = ops.convert_to_tensor(self.directions)
        x, y = (scale * radius * directions[k] + self.side / 2 for k in (0, 1))
        length = ops.sqrt(_square_step(x) + _square_step(y) + 1e-8)[..., None]
        fine, coarse = 0.5 * math.sqrt(3), slice(None, None, self.COARSE)
        columns, rows = self._blurred(x, fine), self._blurred(y, fine)
        far = self.side / 16
        densities = [
            # The cube of a bell is a bell a √3 narrower.
            _product(rows**3 * length, columns**3),
            _product(rows * length, columns),
            _product(
                self._blurred(y[:, coarse], far) * length[:, coarse],
                self._blurred(x[:, coarse], far),
            ),
        ]
        units = (0.5, fine, far / self.COARSE)  # so that on the line it is about 1
        logs = [
            ops.log(density / (math.sqrt(2 * math.pi) * unit) + self.FAINT)
            for density, unit in zip(densities, units, strict=True)
        ]
        return ops.stack(logs, axis=-1)

    def _blurred(self, places: Tensor, blur: float) -> Tensor:
        """Return a bell around each place (n, m) at the centre of every pixel."""
        pixels = ops.arange(self.side, dtype="float32") + 0.5
        return ops.exp(ops.square(pixels - places[..., None]) / (-2 * blur**2))

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return (n, side, side, 3) for (n, k)."""
        return (shape[0], self.side, self.side, 3)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which Keras makes this layer again."""
        return super().get_config() | {"side": self.side, "limit": self.limit}


def _product(rows: Tensor, columns: Tensor) -> Tensor:
    """Return the sum over samples of rows (n, m, h) times columns (n, m, w)."""
    return ops.matmul(ops.transpose(rows, (0, 2, 1)), columns)


def _square_step(x: Tensor) -> Tensor:
    """Return the square of half the distance of the samples before and after."""
    return ops.square(ops.roll(x, -1, axis=1) - ops.roll(x, 1, axis=1)) / 4


def _interpolation(knots: int, angle: np.ndarray) -> np.ndarray:
    """Return the matrix (knots, m) that gives radii at angles from those at the knots.

    Knot k lies at −π + 2πk/knots; between them runs a Catmull–Rom spline.
    """
    place = (angle + np.pi) / (2 * np.pi) * knots
    below = np.floor(place).astype(int)
    t = (place - below)[:, None]
    values = np.hstack(
        [
            -0.5 * t + t**2 - 0.5 * t**3,
            1 - 2.5 * t**2 + 1.5 * t**3,
            0.5 * t + 2 * t**2 - 1.5 * t**3,
            -0.5 * t**2 + 0.5 * t**3,
        ]
    )
    matrix = np.zeros((knots, len(angle)), np.float32)
    for k in range(4):
        rows = (below + k - 1) % knots
        np.add.at(matrix, (rows, np.arange(len(angle))), values[:, k])
    return matrix


def _check_square(image_shape: ImageShape) -> int:
    """Return the side of a square grey image that these networks can draw."""
    height, width, channels = image_shape
    factor = height / 64
    if height != width or channels != 1 or factor < 1 or not math.log2(factor) % 1 == 0:
        raise ValueError(
            f"A compact network draws grey squares of 64, 128, 256, … pixels, not "
            f"{height}×{width}×{channels}: resize the images."
        )
    return height


def _widths(side: int) -> tuple[int, ...]:
    """Return the channels of as many doublings as it takes to a quarter of the side."""
    levels = round(math.log2(side // PATCH // BASE))
    return (WIDTHS + WIDTHS[-1:] * levels)[:levels]


def _dense_map(
    image_shape: ImageShape, latent_dim: int, channels: int
) -> tuple[Tensor, Tensor, int]:
    """Return codes, the smallest feature map made of them, and the image's side."""
    side = _check_square(image_shape)
    codes = x = keras.Input((latent_dim,), name="codes")
    for k in (1, 2):
        x = layers.Dense(256, activation="swish", name=f"dense_{k}")(x)
    x = layers.Dense(BASE * BASE * channels, activation="swish", name="map")(x)
    return codes, layers.Reshape((BASE, BASE, channels), name="reshape")(x), side


def _convolution(x: Tensor, width: int, k: int) -> Tensor:
    x = layers.Conv2D(width, 3, padding="same", name=f"conv_{k}")(x)
    return _activated(x, k)


def _activated(x: Tensor, k: int, normalization: bool = False) -> Tensor:
    if normalization:
        x = layers.BatchNormalization(name=f"norm_{k}")(x)
    return layers.Activation("swish", name=f"swish_{k}")(x)


def _patches(x: Tensor, side: int) -> Tensor:
    """Return logits from a map a quarter of the image's size."""
    x = layers.Conv2D(
        PATCH**2, 3, padding="same", bias_initializer=_blank(), name="patches"
    )(x)
    return DepthToSpace(PATCH, name="logits")(x)


def _blank() -> keras.initializers.Initializer:
    return keras.initializers.Constant(BLANK)
