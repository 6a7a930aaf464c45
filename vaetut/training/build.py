"""From a recipe to its untrained model."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np

from vaetut import datasets
from vaetut.models import (
    DIPVAE,
    NETWORKS,
    TCVAE,
    VAE,
    AttributeClassifier,
    Autoencoder,
    DistanceVAE,
    EntanglementVAE,
    ImageModel,
)
from vaetut.recipes import Recipe
from vaetut.training import backends

# Name of a recipe's model -> what makes it of encoder and decoder.
PLAIN: dict[str, Callable[..., ImageModel]] = {  # without a β
    "autoencoder": Autoencoder,
    "classifier": AttributeClassifier,
}
VAES: dict[str, Callable[..., VAE]] = {
    "vae": VAE,
    "distance-vae": DistanceVAE,
    "entanglement-vae": EntanglementVAE,
    "dip-vae-i": partial(DIPVAE, of="means"),
    "dip-vae-ii": partial(DIPVAE, of="codes"),
    "tc-vae": TCVAE,
}


def build_model(
    recipe: Recipe, seed: int = 0, precision: str = "float32"
) -> ImageModel:
    """Return the untrained model of a recipe, its initial weights drawn by the seed.

    Raises ValueError for a precision, a model, a network or a data set that there is
    not, and for an option that the network does not have.
    """
    keras.utils.set_random_seed(seed)
    shape = datasets.image_shape(recipe.dataset)
    heads: dict[str, Any] = {}
    options: dict[str, Any] = {}
    if recipe.model not in PLAIN:
        constant = recipe.posterior_sd is not None
        heads = {"heads": ("mean",) if constant else ("mean", "log_var")}
        options = {
            "beta": recipe.beta,
            "posterior_sd": recipe.posterior_sd,
            "max_epsilon": recipe.max_epsilon,
        }
        if recipe.gamma is not None:
            options["gamma"] = recipe.gamma
        if recipe.model not in VAES:
            raise ValueError(
                f"There is no model {recipe.model!r}: choose one of "
                f"{', '.join([*PLAIN, *VAES])}."
            )
    with backends.layers_in(precision):
        networks = _build_networks(recipe, shape, heads)
        if recipe.model in PLAIN:
            return PLAIN[recipe.model](*networks)
        return VAES[recipe.model](*networks, seed=seed, **options)


def _build_networks(
    recipe: Recipe, shape: tuple[int, int, int], heads: dict[str, Any]
) -> list[keras.Model]:
    """Return encoder and decoder with the options that a recipe sets."""
    if recipe.network not in NETWORKS:
        raise ValueError(
            f"There is no network {recipe.network!r}: choose one of "
            f"{', '.join(NETWORKS)}."
        )
    size: dict[str, Any] = {"latent_dim": recipe.latent_dim, "filters": recipe.filters}
    options: dict[str, Any]
    options = {"kernel_sizes": recipe.kernel_sizes, "extra_dense": recipe.extra_dense}
    options = {name: value for name, value in options.items() if value is not None}
    if recipe.normalization is not None:
        options["normalization"] = recipe.normalization == "batch"
    builders = NETWORKS[recipe.network]
    known = [inspect.signature(builder).parameters for builder in builders]
    for name in options:
        if not any(name in parameters for parameters in known):
            raise ValueError(
                f"The network {recipe.network!r} has no {name} to choose: leave "
                "it none."
            )
    networks = [
        builder(shape, **size, **own, **{k: options[k] for k in options if k in takes})
        for builder, takes, own in zip(builders, known, (heads, {}), strict=True)
    ]
    for network in networks:
        _initialize(network, recipe.initializer)
    return networks


def _initialize(network: keras.Model, initializer: str | None) -> None:
    """Draw every kernel of a network anew, and set its biases to zero."""
    kinds: dict[str | None, Callable[[], keras.initializers.Initializer]] = {
        "normal": lambda: keras.initializers.RandomNormal(stddev=0.05),
        "glorot": keras.initializers.GlorotUniform,
    }
    for layer in network.layers if initializer else ():
        if hasattr(layer, "kernel"):
            layer.kernel.assign(kinds[initializer]()(layer.kernel.shape))
            if layer.bias is not None:
                layer.bias.assign(np.zeros(layer.bias.shape))
