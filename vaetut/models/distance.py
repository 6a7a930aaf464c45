"""A VAE of strokes that also learns how far each pixel is from the stroke."""

import keras
from keras import ops

from vaetut.models.vae import VAE


@keras.saving.register_keras_serializable(package="vaetut")
class DistanceVAE(VAE):
    """A VAE of strokes whose logits must also be a distance to the stroke.

    To the loss it adds `weight` times the squared difference between the distance in
    the image, `distance_field`, and the one that the logits say, summed over pixels:
    each pixel knows how far away the stroke is, and not only that it is dark there.
    """

    parts = (*VAE.parts, "distance")
    height, slope = 4.0, 6.0  # the logit on the stroke, and its fall a pixel

    def __init__(self, encoder, decoder, weight=0.02, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.weight = float(weight)

    def loss_terms(self, images, logits, mean, log_var):
        terms = super().loss_terms(images, logits, mean, log_var)
        said = (self.height - ops.cast(logits, "float32")) / self.slope
        error = ops.square(said - distance_field(images))
        terms["distance"] = self.weight * ops.sum(error, axis=(1, 2, 3))
        terms["loss"] = terms["loss"] + terms["distance"]
        return terms

    def get_config(self):
        return super().get_config() | {"weight": self.weight}


def distance_field(images, reach=4):
    """Return how far each pixel is from ink, (n, h, w, 1), in pixels up to `reach`.

    With the ink in [0, 1] grown by k pixels in every direction, the distance is the
    sum over k of what is still empty: a chessboard distance, with fractions where the
    ink is grey.
    """
    peak = ops.max(images, axis=(1, 2, 3), keepdims=True)
    ink = images / ops.maximum(peak, 1e-3)
    distance = 1.0 - ink
    for _ in range(reach - 1):
        ink = ops.max_pool(ink, 3, strides=1, padding="same")
        distance = distance + (1.0 - ink)
    return ops.stop_gradient(distance)
