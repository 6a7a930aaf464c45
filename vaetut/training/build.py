"""From a recipe to its data, its untrained model and optimizer; weights in and out."""

import keras
import numpy as np

from vaetut import datasets
from vaetut.models import VAE, Autoencoder, ImageModel, conv_decoder, conv_encoder
from vaetut.training import engine
from vaetut.training.recipe import Recipe
from vaetut.training.record import RunError


def build_model(
    recipe: Recipe, seed: int = 0, precision: str = "float32"
) -> ImageModel:
    """Return the untrained model of a recipe, its initial weights drawn by the seed.

    Raises ValueError for a precision, a model or a data set that there is not.
    """
    keras.utils.set_random_seed(seed)
    shape = datasets.load(recipe.dataset, "test").image_shape
    size = {"latent_dim": recipe.latent_dim, "filters": recipe.filters}
    with engine.layers_in(precision):
        decoder = conv_decoder(shape, **size)
        if recipe.model == "autoencoder":
            return Autoencoder(conv_encoder(shape, **size), decoder)
        if recipe.model == "vae":
            encoder = conv_encoder(shape, heads=("mean", "log_var"), **size)
            return VAE(encoder, decoder, beta=recipe.beta, seed=seed)
    raise ValueError(f"There is no model {recipe.model!r}: autoencoder or vae.")


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
