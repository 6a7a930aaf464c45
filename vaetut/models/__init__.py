"""Keras 3 networks, losses and models, on `keras.ops` only: any backend."""

from vaetut.models.autoencoder import Autoencoder, ImageModel
from vaetut.models.losses import (
    bernoulli_nats,
    effective_beta,
    gaussian_kl,
    unit_interval,
)
from vaetut.models.networks import conv_decoder, conv_encoder
from vaetut.models.vae import VAE, draw_codes

__all__ = [
    "VAE",
    "Autoencoder",
    "ImageModel",
    "bernoulli_nats",
    "conv_decoder",
    "conv_encoder",
    "draw_codes",
    "effective_beta",
    "gaussian_kl",
    "unit_interval",
]
