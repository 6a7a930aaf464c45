"""A VAE of strokes that also learns how far each pixel is from the stroke."""

from typing import Any

import keras
from keras import ops

from vaetut.models.tensor import Tensor
from vaetut.models.vae import VAE


@keras.saving.register_keras_serializable(package="vaetut")
class DistanceVAE(VAE):
    """A VAE of strokes whose logits must also be a distance to the stroke.

    To the loss it adds `weight` times the squared difference between the distance in
    the image, `distance_field`, and the one that follows from the logits, in squared
    pixels, summed over the image: each pixel tells how far away the stroke is, and not
    only that it is dark there. The term is logged as "distance". Raises ValueError as
    `VAE` does.
    """

    parts = (*VAE.parts, "distance")
    height, slope = 4.0, 6.0  # the logit on the stroke, and its fall a pixel

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        weight: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, **kwargs)
        self.weight = float(weight)

    def loss_terms(
        self, images: Tensor, logits: Tensor, mean: Tensor, log_var: Tensor
    ) -> dict[str, Tensor]:
        """Return the terms of `VAE` with "distance" besides, (n,) each."""
        terms = super().loss_terms(images, logits, mean, log_var)
        drawn = (self.height - ops.cast(logits, "float32")) / self.slope
        error = ops.square(drawn - distance_field(images))
        terms["distance"] = self.weight * ops.sum(error, axis=(1, 2, 3))
        terms["loss"] = terms["loss"] + terms["distance"]
        return terms

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which Keras makes this model again."""
        return super().get_config() | {"weight": self.weight}


def distance_field(images: Tensor, reach: int = 4) -> Tensor:
    """Return how far each pixel is from ink, (n, h, w, 1), in pixels up to `reach`.

    `images` (n, h, w, 1) are in [0, 1]. With their ink grown by k pixels in every
    direction, the distance is the sum over k of what is still empty: a chessboard
    distance, with fractions where the ink is grey.
    """
    peak = ops.max(images, axis=(1, 2, 3), keepdims=True)
    ink = images / ops.maximum(peak, 1e-3)
    distance = 1.0 - ink
    for _ in range(reach - 1):
        ink = ops.max_pool(ink, 3, strides=1, padding="same")
        distance = distance + (1.0 - ink)
    return ops.stop_gradient(distance)
