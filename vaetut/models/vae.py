"""The variational autoencoder (Kingma and Welling 2014, arXiv:1312.6114)."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from vaetut.models.autoencoder import ImageModel
from vaetut.models.losses import bernoulli_nats, gaussian_kl, unit_interval
from vaetut.models.tensor import Tensor


def draw_codes(mean: Tensor, log_var: Tensor, epsilon: Tensor) -> Tensor:
    """Return z = mean + exp(½ log_var) · ε, so that gradients pass around ε.

    All are (n, d). Source: Kingma and Welling 2014 (arXiv:1312.6114), section 2.4, the
    reparameterization trick.
    """
    return mean + ops.exp(0.5 * log_var) * epsilon


@keras.saving.register_keras_serializable(package="vaetut")
class VAE(ImageModel):
    """A variational autoencoder with loss = reconstruction + regularizer.

    `encoder` returns mean and log-variance, (n, d) each. `call` returns logits, mean
    and log-variance, with a fresh ε from `seed` at every call unless one is given;
    the loss is in nats per image, so `beta` = 1 is the negative ELBO (Higgins et al.
    2017 for other β). A variant overrides `regularizer` or `posterior`. Taught in
    chapter 02.

    With a `posterior_sd` the encoder returns the mean alone and the posterior has the
    same standard deviation everywhere; the KL loss then holds the means to the origin
    and adds a constant. Source: M-Lin-DM 2021, "Zero-shot Learning with VAEs", part 2.
    Taught in chapter 08. `max_epsilon` bounds every component of ε. Raises ValueError
    for a negative β, or a posterior_sd or max_epsilon that is not positive.
    """

    parts: tuple[str, ...] = ("reconstruction", "kl", "regularizer")
    draws = 1

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        beta: float = 1.0,
        seed: int = 0,
        posterior_sd: float | None = None,
        max_epsilon: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, **kwargs)
        if not beta >= 0:
            raise ValueError(f"beta must be 0 or more, not {beta}.")
        if posterior_sd is not None and not 0 < posterior_sd < math.inf:
            raise ValueError(f"posterior_sd must be positive, not {posterior_sd}.")
        if max_epsilon is not None and not 0 < max_epsilon < math.inf:
            raise ValueError(f"max_epsilon must be positive, not {max_epsilon}.")
        self.max_epsilon = None if max_epsilon is None else float(max_epsilon)
        self.posterior_sd = None if posterior_sd is None else float(posterior_sd)
        self.beta, self.seed = float(beta), int(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(
        self,
        images: Tensor,
        epsilon: Tensor | None = None,
        training: bool | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (n, h, w, c), mean and log-variance, (n, d) each, of images.

        `epsilon` (n, d) is drawn from N(0, I) unless it is given.
        """
        # Keras hands `training` on to the layers only where `call` takes it as well.
        mean, log_var = self.posterior(unit_interval(images))
        if epsilon is None:
            epsilon = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        if self.max_epsilon is not None:
            epsilon = ops.clip(epsilon, -self.max_epsilon, self.max_epsilon)
        return self.decoder(draw_codes(mean, log_var, epsilon)), mean, log_var

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance, (n, d) each, of images in [0, 1]."""
        if self.posterior_sd is None:
            return self.encoder(images)
        mean = self.encoder(images)
        return mean, ops.full_like(mean, 2 * math.log(self.posterior_sd))

    def regularizer(self, mean: Tensor, log_var: Tensor) -> Tensor:
        """Return what the loss adds to the reconstruction, (n,) in nats per image."""
        return self.beta * gaussian_kl(mean, log_var)

    def loss_terms(
        self, images: Tensor, logits: Tensor, mean: Tensor, log_var: Tensor
    ) -> dict[str, Tensor]:
        """Return the loss and its parts, (n,) each in nats per image.

        loss = reconstruction + regularizer; "kl" is the divergence without β.
        """
        reconstruction = bernoulli_nats(images, logits)
        regularizer = self.regularizer(mean, log_var)
        return {
            "loss": reconstruction + regularizer,
            "reconstruction": reconstruction,
            "kl": gaussian_kl(mean, log_var),
            "regularizer": regularizer,
        }

    def encode(self, images: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and log-variance, (n, d) each, of NumPy images (n, h, w, c).

        They are uint8 or floats in [0, 1]; raises ValueError for others.
        """
        if self.posterior_sd is None:
            return self._encoded(images)
        mean = self._encoded(images)
        return mean, np.full_like(mean, 2 * math.log(self.posterior_sd))

    def reconstruct(self, images: ArrayLike) -> np.ndarray:
        """Return the images (n, h, w, c) decoded from the posterior means of `images`.

        Raises ValueError as `encode` does.
        """
        return self.decode(self.encode(images)[0])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which Keras makes this model again."""
        names = ("beta", "seed", "posterior_sd", "max_epsilon")
        own = {name: getattr(self, name) for name in names}
        return super().get_config() | own
