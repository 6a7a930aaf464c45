"""Keras 3 networks, losses and models, on `keras.ops` only: any backend."""

from collections.abc import Callable

import keras

from vaetut.models import classifier, compact, faces, reference
from vaetut.models.autoencoder import Autoencoder, ImageModel
from vaetut.models.classifier import AttributeClassifier
from vaetut.models.distance import DistanceVAE
from vaetut.models.losses import (
    bernoulli_nats,
    effective_beta,
    gaussian_kl,
    unit_interval,
)
from vaetut.models.networks import conv_decoder, conv_encoder
from vaetut.models.regularizers import DIPVAE, TCVAE, EntanglementVAE
from vaetut.models.vae import VAE, draw_codes

Builder = Callable[..., keras.Model]
NETWORKS: dict[str, tuple[Builder, Builder]] = {  # name -> of encoder, of decoder
    "conv": (conv_encoder, conv_decoder),
    "reference": (reference.reference_encoder, reference.reference_decoder),
    **{
        name: (compact.compact_encoder, getattr(compact, f"{name}_decoder"))
        for name in (
            "transposed",
            "upsampling",
            "coordinate",
            "broadcast",
            "fourier",
            "contour",
        )
    },
    "faces": (faces.faces_encoder, faces.faces_decoder),
    "faces-residual": (faces.residual_encoder, faces.residual_decoder),
    "faces-upsampling": (faces.faces_encoder, faces.upsampling_decoder),
    "classifier": (classifier.classifier_encoder, classifier.classifier_decoder),
}

__all__ = [
    "DIPVAE",
    "NETWORKS",
    "TCVAE",
    "VAE",
    "AttributeClassifier",
    "Autoencoder",
    "DistanceVAE",
    "EntanglementVAE",
    "ImageModel",
    "bernoulli_nats",
    "conv_decoder",
    "conv_encoder",
    "draw_codes",
    "effective_beta",
    "gaussian_kl",
    "unit_interval",
]
