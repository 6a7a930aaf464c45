"""From a recipe to its data, its untrained model and optimizer; weights in and out."""

import inspect
from functools import partial

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
from vaetut.training import engine
from vaetut.training.recipe import Recipe
from vaetut.training.record import RunError

PLAIN = {"autoencoder": Autoencoder, "classifier": AttributeClassifier}  # without a β
VAES = {  # name of a recipe's model -> what makes it of the networks
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
    shape = datasets.load(recipe.dataset, "test").image_shape
    heads, options = {}, {}
    if recipe.model not in PLAIN:
        constant = recipe.posterior_sd is not None
        heads = {"heads": ("mean",) if constant else ("mean", "log_var")}
        options = {
            "beta": recipe.beta,
            "posterior_sd": recipe.posterior_sd,
            "clip": recipe.clip,
        }
        if recipe.gamma is not None:
            options["gamma"] = recipe.gamma
        if recipe.model not in VAES:
            raise ValueError(
                f"There is no model {recipe.model!r}: choose one of "
                f"{', '.join([*PLAIN, *VAES])}."
            )
    with engine.layers_in(precision):
        networks = _build_networks(recipe, shape, heads)
        if recipe.model in PLAIN:
            return PLAIN[recipe.model](*networks)
        return VAES[recipe.model](*networks, seed=seed, **options)


def _build_networks(recipe: Recipe, shape, heads: dict):
    """Return encoder and decoder with the options that a recipe sets."""
    if recipe.network not in NETWORKS:
        raise ValueError(
            f"There is no network {recipe.network!r}: choose one of "
            f"{', '.join(NETWORKS)}."
        )
    size = {"latent_dim": recipe.latent_dim, "filters": recipe.filters}
    options = {"kernels": recipe.kernels, "extra_dense": recipe.extra_dense}
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
    kinds = {
        "normal": lambda: keras.initializers.RandomNormal(stddev=0.05),
        "glorot": keras.initializers.GlorotUniform,
    }
    for layer in network.layers if initializer else ():
        if hasattr(layer, "kernel"):
            layer.kernel.assign(kinds[initializer]()(layer.kernel.shape))
            if layer.bias is not None:
                layer.bias.assign(np.zeros(layer.bias.shape))


def build_optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """Return the optimizer of a recipe for a training of so many steps in all."""
    rate = recipe.learning_rate
    if recipe.schedule == "cosine":
        warmup = round(recipe.warmup * steps)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else rate,
            decay_steps=steps - warmup,
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    config = {"learning_rate": rate}
    if recipe.epsilon is not None:
        config["epsilon"] = recipe.epsilon
    return keras.optimizers.get({"class_name": recipe.optimizer, "config": config})


def load_data(recipe: Recipe, seed: int) -> tuple[datasets.Dataset, datasets.Dataset]:
    """Return the training and the test images of a recipe."""
    train = datasets.load(recipe.dataset, "train")
    test = datasets.load(recipe.dataset, "test")
    if recipe.images:
        train = train.subset(recipe.images, seed)
    if recipe.test_images:
        test = test.subset(recipe.test_images, seed)
    return train, test


def image_weights(recipe: Recipe, train: datasets.Dataset) -> np.ndarray | None:
    """Return what each training image of a recipe weighs, (n,), 1 on average; or None.

    Raises ValueError where the images' factors are not known.
    """
    if recipe.weights is None:
        return None
    if train.factors is None:
        raise ValueError(
            f"Recipe {recipe.name!r} weighs images by b, which {train.name!r} does not "
            "know: take a polar set, or weights=none."
        )
    weights = datasets.polar.weights(train.factors)
    return (weights / weights.mean()).astype(np.float32)


def export_weights(model: ImageModel) -> dict[str, np.ndarray]:
    """Return the weights of encoder and decoder by their names, as float16."""
    return {
        f"{network.name}/{weight.path}": keras.ops.convert_to_numpy(weight).astype(
            np.float16
        )
        for network in (model.encoder, model.decoder)
        for weight in network.weights
    }


def import_weights(model: ImageModel, arrays: dict[str, np.ndarray]) -> None:
    """Assign arrays as `export_weights` names them.

    Raises RunError if names or shapes are not those of the model.
    """
    weights = {
        f"{network.name}/{weight.path}": weight
        for network in (model.encoder, model.decoder)
        for weight in network.weights
    }
    have = {name: tuple(weight.shape) for name, weight in weights.items()}
    given = {name: array.shape for name, array in arrays.items()}
    if have != given:
        differ = sorted({n for n, _ in have.items() ^ given.items()})
        raise RunError(
            f"These weights are of another network: {', '.join(differ)} differ in name "
            "or shape. Train the recipe again."
        )
    for name, weight in weights.items():
        weight.assign(arrays[name].astype("float32"))
