"""The weights of a model as arrays by name, as the bytes of a file, and back."""

from pathlib import Path

import keras
import numpy as np
from safetensors.numpy import load as parse_safetensors
from safetensors.numpy import save as format_safetensors

from vaetut import formats
from vaetut.atomic import RunError
from vaetut.models import ImageModel


def _named(model: ImageModel) -> dict[str, keras.Variable]:
    """Return the weights of encoder and decoder by their names."""
    return {
        f"{network.name}/{weight.path}": weight
        for network in (model.encoder, model.decoder)
        for weight in network.weights
    }


def export_weights(model: ImageModel) -> dict[str, np.ndarray]:
    """Return the weights of encoder and decoder by their names, as float16."""
    return {
        name: keras.ops.convert_to_numpy(weight).astype(np.float16)
        for name, weight in _named(model).items()
    }


def import_weights(model: ImageModel, arrays: dict[str, np.ndarray]) -> None:
    """Assign arrays as `export_weights` names them.

    Raises RunError if names or shapes are not those of the model, and for numbers that
    are not finite, or of another type or size than `export_weights` gives.
    """
    weights = _named(model)
    have = {name: tuple(weight.shape) for name, weight in weights.items()}
    given = {name: array.shape for name, array in arrays.items()}
    if have != given:
        differ = sorted({n for n, _ in have.items() ^ given.items()})
        raise RunError(
            f"These weights are of another network: {', '.join(differ)} differ in name "
            "or shape. Train the recipe again."
        )
    for name, array in arrays.items():
        if array.dtype not in (np.float16, np.float32):
            raise RunError(f"These are no weights: {name} is of {array.dtype}.")
        if array.size and not np.abs(array).max() <= np.finfo(np.float16).max:
            raise RunError(
                f"These are no weights: {name} holds NaN, infinity or a number beyond "
                "those of float16."
            )
    for name, weight in weights.items():
        weight.assign(arrays[name].astype("float32"))


def pack_weights(arrays: dict[str, np.ndarray]) -> bytes:
    """Return arrays as the bytes of a safetensors file."""
    return format_safetensors({k: np.asarray(v, order="C") for k, v in arrays.items()})


def unpack_weights(
    raw: bytes, path: Path = Path("It"), remedy: str = ""
) -> dict[str, np.ndarray]:
    """Return the arrays in the bytes of a safetensors file, which is called `path`.

    Raises RunError, naming it and the remedy, if the bytes are none.
    """
    with formats.parsing(path, "a safetensors file", RunError, remedy):
        return parse_safetensors(raw)
