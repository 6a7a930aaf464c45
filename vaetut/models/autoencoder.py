"""The autoencoder, and what it shares with every model of images in the course."""

import math

import keras
import numpy as np
from keras import ops

from vaetut.models.losses import bernoulli_nats, unit_interval

FORWARD_PIXELS = 500 * 32 * 32  # of the images that go through a network at a time


class ImageModel(keras.Model):
    """An encoder and a decoder with a loss in nats per image.

    A subclass names its `parts`, says what `call` returns, and makes `loss_terms`
    of that. Every part becomes a metric, an epoch's mean over images like the loss
    itself, in training and in validation. Raises ValueError for networks that bring
    losses of their own: the parts would no longer add up to the loss.
    """

    parts = ("reconstruction",)
    draws = 0  # of ε in a step of training

    def __init__(self, encoder, decoder, **kwargs):
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

    def loss_terms(self, images, *outputs):
        """Return {"loss": …} and each of `parts`, arrays (n,) in nats per image.

        `images` are in [0, 1]; `outputs` is what `call` returned for them.
        """
        raise NotImplementedError

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Return the mean loss of a batch and update the mean of each part.

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

    def target(self, x, y):
        """Return what `loss_terms` compares outputs with: here the images."""
        return unit_interval(x)

    def decode(self, codes):
        """Return the images (n, h, w, c), float32 in [0, 1], of NumPy codes (n, d)."""
        return _sigmoid(self.decode_logits(codes))

    def decode_logits(self, codes):
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

    def _encoded(self, images):
        """Return what the encoder says of NumPy images, checked and scaled."""
        images = check_images(images, self.encoder.input_shape[1:])
        return _forward(self.encoder, images)

    def get_config(self):
        networks = {"encoder": self.encoder, "decoder": self.decoder}
        serialize = keras.saving.serialize_keras_object
        return super().get_config() | {k: serialize(v) for k, v in networks.items()}

    @classmethod
    def from_config(cls, config):
        restore = keras.saving.deserialize_keras_object
        networks = {k: restore(config[k]) for k in ("encoder", "decoder")}
        return cls(**(config | networks))


@keras.saving.register_keras_serializable(package="vaetut")
class Autoencoder(ImageModel):
    """An autoencoder: reconstruct an image from its code, and nothing else.

    `call` maps images (n, h, w, c) to logits of the same shape; the loss is the
    Bernoulli reconstruction in nats per image. Taught in chapter 01.
    """

    def call(self, images, training=None):
        # Keras hands `training` on to the layers only where `call` takes it as well.
        return self.decoder(self.encoder(unit_interval(images)))

    def loss_terms(self, images, logits):
        reconstruction = bernoulli_nats(images, logits)
        return {"loss": reconstruction, "reconstruction": reconstruction}

    def encode(self, images):
        """Return the codes (n, d) of NumPy images, uint8 or float in [0, 1]."""
        return self._encoded(images)

    def reconstruct(self, images):
        """Return the images decoded from the codes of `images`."""
        return self.decode(self.encode(images))


def check_images(images, image_shape):
    """Return NumPy images as float32 (n, h, w, c) in [0, 1].

    Takes uint8 or floats in [0, 1]. Raises ValueError naming what is wrong and how
    to mend it: shape, dtype, range or NaN.
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


def _forward(network, inputs):
    """Return what a network makes of a NumPy array, batch by batch, as NumPy.

    `Model.predict` would trace a function anew for every model and last batch, which
    takes longer than the few batches of a chapter.
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


def _sigmoid(logits):
    return 0.5 * (1 + np.tanh(0.5 * logits))  # never overflows
