"""The autoencoder, and what it shares with every model of images in the course."""

import math
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from vaetut.models.losses import bernoulli_nats, unit_interval
from vaetut.models.tensor import Tensor

FORWARD_PIXELS = 500 * 32 * 32  # of the images that go through a network at a time


class ImageModel(keras.Model):
    """An encoder and a decoder with a loss in nats per image.

    A subclass names its `parts`, defines `call`, and computes `loss_terms` from what
    that returns. Every part becomes a metric, an epoch's mean over images like the loss
    itself, in training and in validation. Raises ValueError for networks that bring
    losses of their own: the parts would no longer add up to the loss.
    """

    parts: tuple[str, ...] = ("reconstruction",)
    draws = 0  # of ε in a step of training

    def __init__(
        self, encoder: keras.Model, decoder: keras.Model, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        for network in (encoder, decoder):
            if network.losses:
                raise ValueError(
                    f"{network.name!r} adds losses of its own (a weight regularizer?): "
                    "remove them, or count them in an override of loss_terms."
                )
        self.encoder, self.decoder = encoder, decoder
        self.part_means = [keras.metrics.Mean(name=part) for part in self.parts]
        self.built = True  # as both networks are

    def loss_terms(self, images: Tensor, *outputs: Tensor) -> dict[str, Tensor]:
        """Return {"loss": …} and each of `parts`, arrays (n,) in nats per image.

        `images` (n, h, w, c) are in [0, 1]; `outputs` is what `call` returned for them.
        A subclass must define it: raises NotImplementedError here.
        """
        raise NotImplementedError

    def compute_loss(
        self,
        x: Tensor | None = None,
        y: Tensor | None = None,
        y_pred: Tensor | None = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """Return the mean loss of a batch, a number, and update the mean of each part.

        `sample_weight` (n,) multiplies each image's terms. Keras hands it on only
        where `fit` is given a y as well: pass the images twice.
        """
        outputs = y_pred if isinstance(y_pred, (tuple, list)) else (y_pred,)
        terms = self.loss_terms(self.target(x, y), *outputs)
        if sample_weight is not None:
            weight = ops.cast(ops.reshape(sample_weight, (-1,)), "float32")
            terms = {name: weight * values for name, values in terms.items()}
        for mean in self.part_means:
            mean.update_state(terms[mean.name])
        return ops.mean(terms["loss"])

    def target(self, x: Tensor, y: Tensor | None) -> Tensor:
        """Return what `loss_terms` compares outputs with: here the images in [0, 1]."""
        return unit_interval(x)

    def decode(self, codes: ArrayLike) -> np.ndarray:
        """Return the images (n, h, w, c), float32 in [0, 1], of NumPy codes (n, d).

        Raises ValueError as `decode_logits` does.
        """
        return _sigmoid(self.decode_logits(codes))

    def decode_logits(self, codes: ArrayLike) -> np.ndarray:
        """Return the decoder's logits (n, h, w, c) for NumPy codes (n, d).

        Raises ValueError if the codes are not finite or of another dimension.
        """
        codes = np.asarray(codes, np.float32)
        dimension = self.decoder.input_shape[-1]
        if codes.ndim != 2 or codes.shape[1] != dimension or not codes.size:
            raise ValueError(
                f"codes must have shape (n, {dimension}), not {codes.shape}: "
                "one row a point, also for a single one."
            )
        if not np.isfinite(codes).all():
            raise ValueError("codes hold NaN or infinity: give finite numbers.")
        return _forward(self.decoder, codes)

    def _encoded(self, images: ArrayLike) -> Any:
        """Return the encoder's output for NumPy images, one array or several."""
        images = check_images(images, self.encoder.input_shape[1:])
        return _forward(self.encoder, images)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which Keras makes this model again."""
        networks = {"encoder": self.encoder, "decoder": self.decoder}
        serialize = keras.saving.serialize_keras_object
        return super().get_config() | {k: serialize(v) for k, v in networks.items()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the model of a `get_config`, as Keras loads it."""
        restore = keras.saving.deserialize_keras_object
        networks = {k: restore(config[k]) for k in ("encoder", "decoder")}
        return cls(**(config | networks))


@keras.saving.register_keras_serializable(package="vaetut")
class Autoencoder(ImageModel):
    """An autoencoder: reconstruct an image from its code, and nothing else.

    `call` maps images (n, h, w, c) to logits of the same shape; the loss is the
    Bernoulli reconstruction in nats per image. Taught in chapter 01.
    """

    def call(self, images: Tensor, training: bool | None = None) -> Tensor:
        """Return the logits (n, h, w, c) of images of that shape."""
        # Keras hands `training` on to the layers only where `call` takes it as well.
        return self.decoder(self.encoder(unit_interval(images)))

    def loss_terms(self, images: Tensor, logits: Tensor) -> dict[str, Tensor]:
        """Return the loss, which is the reconstruction, (n,) in nats per image."""
        reconstruction = bernoulli_nats(images, logits)
        return {"loss": reconstruction, "reconstruction": reconstruction}

    def encode(self, images: ArrayLike) -> np.ndarray:
        """Return the codes (n, d) of NumPy images (n, h, w, c).

        They are uint8 or floats in [0, 1]; raises ValueError for others.
        """
        return self._encoded(images)

    def reconstruct(self, images: ArrayLike) -> np.ndarray:
        """Return the images (n, h, w, c) decoded from the codes of `images`.

        Raises ValueError as `encode` does.
        """
        return self.decode(self.encode(images))


def check_images(images: ArrayLike, image_shape: Sequence[int]) -> np.ndarray:
    """Return NumPy images as float32 (n, h, w, c) in [0, 1].

    Takes uint8 or floats in [0, 1]. Raises ValueError naming what is wrong and its
    remedy: shape, dtype, range or NaN.
    """
    images, image_shape = np.asarray(images), tuple(image_shape)
    if images.ndim != 4 or images.shape[1:] != image_shape or not len(images):
        hint = " (a single image is images[:1])" if images.shape == image_shape else ""
        raise ValueError(
            f"images have shape {images.shape}, this model takes "
            f"(n, {', '.join(map(str, image_shape))}){hint}."
        )
    if images.dtype == np.uint8:
        return images.astype(np.float32) / 255
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(
            f"images are {images.dtype}: give uint8 in 0…255 or floats in [0, 1]."
        )
    if not (images.min() >= 0 and images.max() <= 1):  # False for NaN as well
        raise ValueError(
            f"images range from {images.min()} to {images.max()}, which is not within "
            "[0, 1]: divide by 255, or replace NaN."
        )
    return images.astype(np.float32)


def _forward(network: keras.Model, inputs: np.ndarray) -> Any:
    """Return what a network makes of a NumPy array, batch by batch, as NumPy.

    It is one array, or a list of them if the network has several outputs.
    `Model.predict` would trace a function anew for every model and last batch, which
    takes longer than the two or three batches of a chapter.
    """
    outputs = []
    ends = (network.inputs[0].shape, network.outputs[0].shape)  # one is an image's
    pixels = max(math.prod(shape[1:3]) for shape in ends if len(shape) == 4)
    size = max(1, FORWARD_PIXELS // pixels)
    for start in range(0, len(inputs), size):
        output = network(inputs[start : start + size], training=False)
        several = output if isinstance(output, (list, tuple)) else [output]
        outputs.append([ops.convert_to_numpy(part) for part in several])
    joined = [np.concatenate(parts) for parts in zip(*outputs, strict=True)]
    return joined if len(joined) > 1 else joined[0]


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * logits))  # never overflows
