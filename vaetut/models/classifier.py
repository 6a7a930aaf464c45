"""A classifier of attributes: the judge of images that a decoder drew."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import ArrayLike

from vaetut.models.autoencoder import ImageModel
from vaetut.models.losses import unit_interval
from vaetut.models.networks import check_halving, with_heads
from vaetut.models.tensor import ImageShape, Tensor

ATTRIBUTES = 40  # of a face, as CelebA counts them


def classifier_encoder(
    image_shape: ImageShape,
    latent_dim: int = 64,
    filters: Sequence[int] = (32, 64, 128, 256),
    heads: Sequence[str] = ("features",),
    name: str = "encoder",
) -> keras.Model:
    """Return a network from images (n, h, w, c) to features (n, latent_dim).

    Convolutions of stride two with batch normalization; the features themselves are
    linear in the last map, so that a Gaussian describes them. Raises ValueError if the
    image cannot be halved.
    """
    check_halving(image_shape, filters)
    images = x = keras.Input(image_shape, name="images")
    for k, width in enumerate(filters, start=1):
        x = layers.Conv2D(width, 3, strides=2, padding="same", name=f"conv_{k}")(x)
        x = layers.BatchNormalization(name=f"norm_{k}")(x)
        x = layers.ReLU(name=f"relu_{k}")(x)
    return with_heads(images, x, latent_dim, heads, name)


def classifier_decoder(
    image_shape: ImageShape,
    latent_dim: int = 64,
    filters: Sequence[int] = (32, 64, 128, 256),
    attributes: int = ATTRIBUTES,
    name: str = "decoder",
) -> keras.Model:
    """Return a network from features (n, latent_dim) to logits (n, attributes).

    `image_shape` and `filters` are arguments of every decoder, and are not used here.
    """
    features = keras.Input((latent_dim,), name="features")
    x = layers.ReLU(name="relu")(features)
    logits = layers.Dense(attributes, dtype="float32", name="logits")(x)
    return keras.Model(features, logits, name=name)


@keras.saving.register_keras_serializable(package="vaetut")
class AttributeClassifier(ImageModel):
    """A classifier of binary attributes, which are what `fit` takes as y, (n, m).

    The encoder makes features of images, the decoder logits of features. The loss is
    the binary cross-entropy summed over the attributes, in nats per image; "accuracy"
    the share of them that are right. Taught in chapter 04.
    """

    parts = ("accuracy",)
    needs_attributes = True

    def call(self, images: Tensor, training: bool | None = None) -> Tensor:
        """Return the logits (n, m) of images (n, h, w, c)."""
        return self.decoder(self.encoder(unit_interval(images)))

    def loss_terms(self, attributes: Tensor, logits: Tensor) -> dict[str, Tensor]:
        """Return {"loss": …, "accuracy": …}, (n,) each, of attributes (n, m)."""
        truth, logits = ops.cast(attributes, "float32"), ops.cast(logits, "float32")
        right = ops.equal(truth > 0.5, logits > 0)
        return {
            "loss": ops.sum(ops.softplus(logits) - truth * logits, axis=-1),
            "accuracy": ops.mean(ops.cast(right, "float32"), axis=-1),
        }

    def target(self, x: Tensor, y: Tensor | None) -> Tensor:
        """Return the attributes (n, m) that `fit` was given as y.

        Raises ValueError if there are none.
        """
        if y is None:
            raise ValueError("AttributeClassifier is fitted with images and y, (n, m).")
        return y

    def features(self, images: ArrayLike) -> np.ndarray:
        """Return the features (n, d), float32, of NumPy images (n, h, w, c).

        They are uint8 or floats in [0, 1]; raises ValueError for others.
        """
        return self._encoded(images)

    def classify(self, images: ArrayLike) -> np.ndarray:
        """Return the logit of every attribute, (n, m), of NumPy images.

        Raises ValueError as `features` does.
        """
        logits = self.decoder(self.features(images), training=False)
        return ops.convert_to_numpy(logits)
