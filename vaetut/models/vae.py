"""The variational autoencoder (Kingma and Welling 2014, arXiv:1312.6114)."""

import keras
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
    2017 for other β). A variant overrides `regularizer` alone. Raises ValueError for
    a negative β. Taught in chapter 02.
    """

    parts = ("reconstruction", "kl", "regularizer")

    def __init__(self, encoder, decoder, beta=1.0, seed=0, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        if not beta >= 0:
            raise ValueError(f"beta must be 0 or more, not {beta}.")
        self.beta, self.seed = float(beta), int(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, images, epsilon=None):
        mean, log_var = self.encoder(unit_interval(images))
        if epsilon is None:
            epsilon = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return self.decoder(draw_codes(mean, log_var, epsilon)), mean, log_var

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
        return self._encoded(images)

    def reconstruct(self, images):
        """Return the images decoded from the posterior means of `images`."""
        return self.decode(self.encode(images)[0])

    def get_config(self):
        return super().get_config() | {"beta": self.beta, "seed": self.seed}
