"""From a recipe and a seed to a trained model, one epoch at a time."""

import hashlib
import json
import math
import time
from pathlib import Path

import keras
import numpy as np
from safetensors.numpy import load as parse_safetensors

from vaetut import datasets
from vaetut.models import VAE, Autoencoder, ImageModel, conv_decoder, conv_encoder
from vaetut.training import engine
from vaetut.training.measure import measure
from vaetut.training.recipe import Recipe
from vaetut.training.record import (
    Record,
    RunError,
    pack_weights,
    write_atomically,
)

VALIDATION_BATCH = 500


def build_model(recipe: Recipe, seed: int = 0) -> ImageModel:
    """Return the untrained model of a recipe, its initial weights drawn by the seed.

    Raises ValueError for a model or data set the recipe names and there is none of.
    """
    keras.utils.set_random_seed(seed)
    shape = datasets.load(recipe.dataset, "test").image_shape
    size = {"latent_dim": recipe.latent_dim, "filters": recipe.filters}
    decoder = conv_decoder(shape, **size)
    if recipe.model == "autoencoder":
        return Autoencoder(conv_encoder(shape, **size), decoder)
    if recipe.model == "vae":
        encoder = conv_encoder(shape, heads=("mean", "log_var"), **size)
        return VAE(encoder, decoder, beta=recipe.beta, seed=seed)
    raise ValueError(f"There is no model {recipe.model!r}: autoencoder or vae.")


def load_data(recipe: Recipe, seed: int) -> tuple[datasets.Dataset, datasets.Dataset]:
    """Return the training and the test images of a recipe."""
    train = datasets.load(recipe.dataset, "train")
    test = datasets.load(recipe.dataset, "test")
    if recipe.images:
        train = train.subset(recipe.images, seed)
    if recipe.test_images:
        test = test.subset(recipe.test_images, seed)
    return train, test


def train(
    recipe: Recipe, seed: int, stem: Path, say=print, callbacks=()
) -> tuple[Record, ImageModel]:
    """Train a recipe with a seed and write `stem`.safetensors and `stem`.json.

    After every epoch the whole state goes to `stem`.checkpoint: a training that is
    killed goes on from there and ends with the same weights. The weights are stored as
    float16 and the metrics measured with what was stored. `say` gets one line an
    epoch; `callbacks` are Keras', for a `fit` an epoch. Raises RunError if a file
    cannot be written or the checkpoint is damaged, FloatingPointError if the loss is
    not finite, KeyboardInterrupt if a callback stops the training: the epoch it cut
    short does not count, the checkpoint of the one before is kept.
    """
    train_set, test_set = load_data(recipe, seed)
    model = build_model(recipe, seed)
    optimizer = keras.optimizers.get(
        {
            "class_name": recipe.optimizer,
            "config": {"learning_rate": recipe.learning_rate},
        }
    )
    model.compile(optimizer, **engine.compile_options())
    optimizer.build(model.trainable_variables)
    checkpoint = stem.with_suffix(".checkpoint")
    history, seconds = {}, 0.0
    if checkpoint.exists():
        history, seconds = _restore(checkpoint, recipe, model)
    done = len(next(iter(history.values()), []))
    if done:
        say(f"{recipe.name} seed {seed}: going on after epoch {done}")
    for epoch in range(done, recipe.epochs):
        start = time.perf_counter()
        order = np.random.default_rng((seed, epoch)).permutation(len(train_set))
        logs = model.fit(
            train_set.images[order],
            batch_size=recipe.batch_size,
            shuffle=False,
            initial_epoch=epoch,
            epochs=epoch + 1,
            validation_data=test_set.images,
            validation_batch_size=VALIDATION_BATCH,
            callbacks=list(callbacks),
            verbose=0,
        ).history
        if model.stop_training:
            raise KeyboardInterrupt(
                f"{recipe.name} seed {seed}: stopped in epoch {epoch + 1}, which does "
                f"not count; the same call goes on after epoch {epoch}."
            )
        took = time.perf_counter() - start
        seconds += took
        for name, (value,) in sorted(logs.items()):
            history.setdefault(name, []).append(float(value))
        say(progress_line(recipe, seed, history, took))
        if not np.isfinite(history["loss"][-1]):
            kept = f" The state before it is kept in {checkpoint}." if epoch else ""
            raise FloatingPointError(
                f"{recipe.name} seed {seed}: the loss became {history['loss'][-1]} in "
                f"epoch {epoch + 1}.{kept} A smaller learning rate is the usual cure."
            )
        if epoch + 1 < recipe.epochs:
            _save(checkpoint, recipe, model, history, seconds)
    raw, sha256 = pack_weights(export_weights(model))
    write_atomically(stem.with_suffix(".safetensors"), raw)
    import_weights(model, parse_safetensors(raw))
    networks = {"encoder": model.encoder, "decoder": model.decoder}
    parameters = {name: network.count_params() for name, network in networks.items()}
    record = Record(
        recipe=recipe.name,
        scale=recipe.scale,
        seed=seed,
        digest=recipe.digest,
        fields=recipe.fields,
        backend=keras.backend.backend(),
        hardware=engine.hardware(),
        versions=engine.versions(),
        seconds=round(seconds, 1),
        parameters=parameters | {"total": sum(parameters.values())},
        history=history,
        metrics=measure(model, test_set),
        weights_sha256=sha256,
    )
    write_atomically(stem.with_suffix(".json"), record.to_json())
    checkpoint.unlink(missing_ok=True)
    return record, model


def progress_line(recipe: Recipe, seed: int, history: dict, seconds: float) -> str:
    """Return what the last epoch came to, in one line."""
    logs = {name: values[-1] for name, values in history.items()}
    line = epoch_line(logs, len(history["loss"]), recipe.epochs, beta=recipe.beta)
    return f"{recipe.name} seed {seed} {line}, {seconds:.0f} s"


def epoch_line(logs, epoch, total, unit="nats per image", beta=None):
    """Return what an epoch came to, in one line: the terms add up to the loss.

    `logs` are Keras' of that epoch. With `beta` the regularizer is written as β·KL,
    if that is what it is.
    """
    digits = ".2f" if unit else ".4g"

    def terms(prefix):
        loss, reconstruction, regularizer, kl = (
            logs.get(prefix + part)
            for part in ("loss", "reconstruction", "regularizer", "kl")
        )
        line = f"{loss:{digits}}"
        if reconstruction is None or regularizer is None:
            return line
        line += f" = {reconstruction:{digits}} + "
        if None in (beta, kl) or not math.isclose(beta * kl, regularizer, rel_tol=1e-3):
            return line + f"{regularizer:{digits}}"
        return line + f"{beta:g}·{kl:.3f}"

    parts = [f"loss {terms('')}"] if "loss" in logs else []
    parts += [f"validation {terms('val_')}"] if "val_loss" in logs else []
    return f"epoch {epoch}/{total}: {', '.join(parts)} {unit}".rstrip()


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


def _state(model) -> dict:
    """Return every variable that the rest of a training depends on."""
    variables = [*model.variables, *model.optimizer.variables]
    return {f"{k:03d}": v for k, v in enumerate(variables)}


def _save(path, recipe, model, history, seconds):
    """Write a checkpoint: its SHA-256, a line of JSON, then the variables."""
    head = {"digest": recipe.digest, "history": history, "seconds": seconds}
    head["backend"] = keras.backend.backend()
    arrays = {k: keras.ops.convert_to_numpy(v) for k, v in _state(model).items()}
    body = json.dumps(head).encode() + b"\n" + pack_weights(arrays)[0]
    write_atomically(path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def _restore(path, recipe, model):
    """Put a checkpoint into a compiled model and return its history and seconds."""
    mend = f"Delete it to start anew: {path}"
    stated, _, body = path.read_bytes().partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != stated:
        raise RunError(f"The checkpoint {path.name} is damaged. {mend}")
    line, _, raw = body.partition(b"\n")
    head, arrays, state = json.loads(line), parse_safetensors(raw), _state(model)
    if head["digest"] != recipe.digest or arrays.keys() != state.keys():
        raise RunError(f"The checkpoint {path.name} is of another recipe. {mend}")
    if head["backend"] != keras.backend.backend():
        raise RunError(
            f"The checkpoint {path.name} was written on {head['backend']}: "
            f"set KERAS_BACKEND={head['backend']} to go on. {mend}"
        )
    for name, variable in state.items():
        variable.assign(arrays[name])
    return head["history"], head["seconds"]
