"""The weights of a model as arrays by name, as the bytes of a file, and back."""

from pathlib import Path

import keras
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_safetensors
from safetensors.numpy import save as format_safetensors

from vaetut import atomic
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

    Raises RunError if names or shapes are not those of the model.
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
    for name, weight in weights.items():
        weight.assign(arrays[name].astype("float32"))


def pack_weights(arrays: dict[str, np.ndarray]) -> bytes:
    """Return arrays as the bytes of a safetensors file."""
    return format_safetensors({k: np.asarray(v, order="C") for k, v in arrays.items()})


def unpack_weights(raw: bytes) -> dict[str, np.ndarray]:
    """Return the arrays in the bytes of a safetensors file.

    Raises RunError if the bytes are none.
    """
    try:
        return parse_safetensors(raw)
    except SafetensorError as error:
        raise RunError(f"These bytes are no safetensors file ({error}).") from error


def read_weights(path: Path, sha256: str, remedy: str) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file whose SHA-256 must be the one given.

    Raises RunError, naming the file and the remedy, if it is missing or altered.
    """
    return unpack_weights(atomic.read_bytes(path, RunError, remedy, sha256))
