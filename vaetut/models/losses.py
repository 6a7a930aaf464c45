"""The terms of every loss of the course, in nats per image."""

from keras import ops

from vaetut import checks
from vaetut.models.tensor import Tensor


def unit_interval(images: Tensor) -> Tensor:
    """Return images of any shape as float32 in [0, 1]; integers are taken as 0…255.

    The cast happens where the model runs, so uint8 is what travels to the device.
    """
    whole = "int" in str(images.dtype)
    images = ops.cast(images, "float32")
    return images / 255.0 if whole else images


def bernoulli_nats(images: Tensor, logits: Tensor) -> Tensor:
    """Return the binary cross-entropy summed over all subpixels of each image.

    `images` in [0, 1] and `logits`, both (n, h, w, c), give (n,) in nats per image.
    It is computed from logits in float32: a probability within 1e-7 of 1 rounds to 1
    in bfloat16, and its logarithm to minus infinity. Taught in chapter 01.
    """
    logits = ops.cast(logits, "float32")
    return ops.sum(ops.softplus(logits) - images * logits, axis=(1, 2, 3))


def gaussian_kl(mean: Tensor, log_var: Tensor) -> Tensor:
    """Return KL(N(mean, exp(log_var)) ‖ N(0, I)) of each image.

    Both arguments (n, d) give (n,) in nats per image, summed over the dimensions.
    Source: Kingma and Welling 2014 (arXiv:1312.6114), appendix B. Derived in
    chapter 02.
    """
    mean, log_var = ops.cast(mean, "float32"), ops.cast(log_var, "float32")
    per_dimension = 1.0 + log_var - ops.square(mean) - ops.exp(log_var)
    return -0.5 * ops.sum(per_dimension, axis=-1)


def effective_beta(
    subpixels: int, reconstruction_weight: float = 1.0, kl_weight: float = 1.0
) -> float:
    """Return the β, in nats per image, of a loss with the mean over subpixels.

    `reconstruction_weight · mean BCE + kl_weight · KL` has the minima of
    `sum BCE + β · KL` with β = kl_weight · subpixels / reconstruction_weight.
    Raises ValueError unless subpixels and reconstruction_weight are positive and
    kl_weight is not negative.
    """
    checks.positive("subpixels", subpixels)
    checks.positive("reconstruction_weight", reconstruction_weight)
    checks.not_negative("kl_weight", kl_weight)
    return kl_weight * subpixels / reconstruction_weight
