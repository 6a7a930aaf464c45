"""The variational autoencoder (Kingma and Welling 2014, arXiv:1312.6114)."""

import math

import keras
import numpy as np
from keras import ops

from vaetut.models.autoencoder import ImageModel
from vaetut.models.losses import bernoulli_nats, gaussian_kl, unit_interval


def draw_codes(mean, log_var, epsilon):
    """Return z = mean + exp(½ log_var) · ε, so that gradients pass around ε."""
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
    Taught in chapter 08. Raises ValueError for a negative β, or a posterior_sd that is
    not positive.
    """

    parts = ("reconstruction", "kl", "regularizer")
    draws = 1

    def __init__(
        self,
        encoder,
        decoder,
        beta=1.0,
        seed=0,
        posterior_sd=None,
        max_epsilon=None,
        **kwargs,
    ):
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

    def call(self, images, epsilon=None, training=None):
        # Keras hands `training` on to the layers only where `call` takes it as well.
        mean, log_var = self.posterior(unit_interval(images))
        if epsilon is None:
            epsilon = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        if self.max_epsilon is not None:
            epsilon = ops.clip(epsilon, -self.max_epsilon, self.max_epsilon)
        return self.decoder(draw_codes(mean, log_var, epsilon)), mean, log_var

    def posterior(self, images):
        """Return mean and log-variance, (n, d) each, of images in [0, 1]."""
        if self.posterior_sd is None:
            return self.encoder(images)
        mean = self.encoder(images)
        return mean, ops.full_like(mean, 2 * math.log(self.posterior_sd))

    def regularizer(self, mean, log_var):
        """Return what the loss adds to the reconstruction, (n,) in nats per image."""
        return self.beta * gaussian_kl(mean, log_var)

    def loss_terms(self, images, logits, mean, log_var):
        reconstruction = bernoulli_nats(images, logits)
        regularizer = self.regularizer(mean, log_var)
        return {
            "loss": reconstruction + regularizer,
            "reconstruction": reconstruction,
            "kl": gaussian_kl(mean, log_var),
            "regularizer": regularizer,
        }

    def encode(self, images):
        """Return mean and log-variance, (n, d) each, of NumPy images."""
        if self.posterior_sd is None:
            return self._encoded(images)
        mean = self._encoded(images)
        return mean, np.full_like(mean, 2 * math.log(self.posterior_sd))

    def reconstruct(self, images):
        """Return the images decoded from the posterior means of `images`."""
        return self.decode(self.encode(images)[0])

    def get_config(self):
        names = ("beta", "seed", "posterior_sd", "max_epsilon")
        own = {name: getattr(self, name) for name in names}
        return super().get_config() | own
