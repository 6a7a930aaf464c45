"""What a training leaves behind, and how it gets onto disk and back, whole or not."""

import contextlib
import errno
import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from safetensors.numpy import load as parse_safetensors
from safetensors.numpy import save as format_safetensors

from vaetut.training.recipe import digest


class RunError(Exception):
    """A run is missing, damaged, stale, or could not be written."""


class Diverged(RunError, FloatingPointError):
    """A training whose loss is no longer finite."""


@dataclass(frozen=True)
class Record:
    """Everything about a finished training but its weights; JSON on disk."""

    recipe: str  # name in the catalogue
    scale: str
    seed: int
    digest: str  # of the recipe it was trained from
    fields: dict  # of that recipe, to be read by people
    backend: str
    hardware: str
    versions: dict  # package -> version
    seconds: float  # of training, validation included, measuring not
    parameters: dict  # "encoder", "decoder", "total"
    history: dict  # quantity -> one value an epoch
    metrics: dict  # measured on the test images with the weights as stored
    weights_sha256: str  # of the safetensors file, shipped or not
    profiles: dict = field(default_factory=dict)  # quantity -> one value an image
    precision: str = "float32"  # of the layers; weights and losses are float32
    devices: int = 1  # over all processes
    images_per_second: float | None = None  # of training alone; None: not measured
    peak_memory_mb: int | None = None  # of the device, on a CPU of the process

    def to_json(self) -> bytes:
        """Return the record as JSON that carries the SHA-256 of its own content."""
        content = asdict(self)
        signed = {"sha256": _content_sha256(content)} | content
        return (json.dumps(signed, indent=1) + "\n").encode()


def _content_sha256(content: dict) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_record(path: Path) -> Record:
    """Return the record in a JSON file.

    Raises RunError, naming the file, if it is not whole or was altered by hand.
    """
    try:
        content = json.loads(path.read_bytes())
        stated = content.pop("sha256")
        record = Record(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path} is not a whole run record ({error}). {MEND}") from error
    if stated != _content_sha256(content) or record.digest != digest(record.fields):
        raise RunError(f"{path} was altered: its content has another SHA-256. {MEND}")
    return record


WRITABLE = "Set VAETUT_RUNS to a folder that can be written to."
MEND = "Restore it from git, or train the run again: vaetut train NAME --scale SCALE."


def read_weights(path: Path, sha256: str) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file whose SHA-256 must be the one given.

    Raises RunError, naming the file, if it is missing, truncated or altered.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}). {MEND}") from error
    found = hashlib.sha256(raw).hexdigest()
    if found != sha256:
        raise RunError(
            f"{path} is damaged: its SHA-256 is {found[:12]}…, its record says "
            f"{sha256[:12]}…. {MEND}"
        )
    return parse_safetensors(raw)


def write_atomically(path: Path, content: bytes, mend: str = WRITABLE) -> None:
    """Write a file so that a reader sees it whole or not at all.

    The bytes go to a temporary name beside it, reach the disk, and are renamed.
    Raises RunError, naming the file and the mend, if that fails; what was there before
    stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        need = f"{len(content) / 1e6:.1f} MB"
        mend = {
            errno.ENOSPC: f"The disk is full: free {need} and run the same command.",
            errno.EDQUOT: f"The quota is used up: free {need}.",
        }.get(error.errno, mend)
        raise RunError(
            f"{path} could not be written ({error.strerror}). {mend}"
        ) from error


def pack_weights(arrays: dict[str, np.ndarray]) -> tuple[bytes, str]:
    """Return arrays as the bytes of a safetensors file, and their SHA-256."""
    raw = format_safetensors({k: np.asarray(v, order="C") for k, v in arrays.items()})
    return raw, hashlib.sha256(raw).hexdigest()
