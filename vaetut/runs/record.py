"""What a training leaves behind, and how it gets onto disk and back, whole or not."""

import contextlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from vaetut import atomic, checks, formats
from vaetut.atomic import RunError
from vaetut.recipes.recipe import SCALES, digest
from vaetut.runs.old_names import is_old
from vaetut.training.checkpoint import WRITABLE

WHOLE = "a whole run record"
REMEDY = "Restore it from a copy, or train the run again with --no-resume."


class Stranger(RunError):
    """A file in a folder of runs that is none of the run that its path names."""


@dataclass(frozen=True)
class Record:
    """Everything about a finished training but its weights; JSON on disk."""

    recipe: str  # name in the catalogue
    scale: str
    seed: int
    digest: str  # of the recipe it was trained from
    fields: dict[str, Any]  # of that recipe, to be read by people
    backend: str
    hardware: str
    versions: dict[str, str]  # package -> version
    seconds: float  # of training, validation included, measuring not
    parameters: dict[str, int]  # "encoder", "decoder", "total"
    history: dict[str, list[float]]  # quantity -> one value an epoch
    metrics: dict[str, float]  # measured on the test images with the weights as stored
    weights_sha256: str  # of the safetensors file, shipped or not
    profiles: dict[str, list[float]] = field(default_factory=dict)  # one value an image
    precision: str = "float32"  # of the layers; weights and losses are float32
    devices: int = 1  # over all processes
    images_per_second: float | None = None  # of training alone; None: not measured
    peak_memory_mb: int | None = None  # of the device, on a CPU of the process
    training_flops: int | None = None  # of an image's step; None: not counted
    # What decides its bits, see `backends.conditions`: several where the training went
    # on under others; none: not noted.
    conditions: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> bytes:
        """Return the record as JSON that carries the SHA-256 of its own content."""
        content = asdict(self)
        signed = {"sha256": sign(content)} | content
        return (json.dumps(signed, indent=1) + "\n").encode()


def sign(content: dict[str, Any]) -> str:
    """Return the SHA-256 of a record's content, which stands in its file."""
    return atomic.sha256(json.dumps(content, sort_keys=True).encode())


class Stored(NamedTuple):
    """A run as it lies on disk, whole."""

    record: Record
    weights: bytes | None  # of a safetensors file; None: the record alone is kept


def read_record(path: Path, remedy: str = REMEDY) -> Record:
    """Return the record in a JSON file.

    Raises RunError, naming the file and the remedy, if it is not whole or was altered
    by hand, or holds what no training leaves.
    """
    _refuse_pipe(path, remedy)
    content = formats.read_json(path, WHOLE, RunError, remedy)
    with formats.parsing(path, WHOLE, RunError, remedy):
        old, stated = is_old(content), content.pop("sha256")
        signed = sign(content)
    if old:
        raise RunError(
            f"{path} has names of an older version of vaetut: `vaetut migrate` writes "
            "your records anew and changes no value."
        )
    if stated != signed:
        raise RunError(f"{path} was altered: its content has another SHA-256. {remedy}")
    with formats.parsing(path, WHOLE, RunError, remedy):
        record = formats.build(Record, content, endless=["history"])
        _check(record)
    return record


def _check(record: Record) -> None:
    """Raise ValueError for a record that no training leaves, whoever signed it."""
    checks.one_of("scale", record.scale, SCALES)
    checks.seed_number("seed", record.seed)
    checks.whole_number("devices", record.devices)
    checks.not_negative("seconds", record.seconds)
    for name, count in record.parameters.items():
        checks.whole_number(f"parameters[{name!r}]", count, 0, 2**40)
    for name, values in record.history.items():
        if len(values) != record.fields["epochs"]:
            raise ValueError(f"history has {len(values)} values of {name!r}")
    if record.digest != digest(record.fields):
        raise ValueError("its digest is not that of its fields")
    if not re.fullmatch("[0-9a-f]{64}", record.weights_sha256):
        raise ValueError("weights_sha256 is no SHA-256")


# ---- Two files and one moment: the record names the hash of its weights, which wait
# under a name of their own until it is there.


def commit(
    stem: Path, record: Record, weights: bytes | None, remedy: str = WRITABLE
) -> None:
    """Put a run in the place of what is at a stem: at one moment, whole, or not at all.

    The moment is the record's. Whoever reads before it finds the old run, after it the
    new one, however this ends. With None for `weights` those that are there stay. One
    process at a time may commit to a stem. Raises RunError, with the remedy, if a file
    cannot be written: the old run is there then.
    """
    if weights is not None:
        waiting = _waiting(stem, record)
        atomic.write_atomically(waiting, weights, RunError, remedy)
    path = stem.with_suffix(".json")
    atomic.write_atomically(path, record.to_json(), RunError, remedy)
    settle(stem, record)


def settle(stem: Path, record: Record) -> None:
    """Give the weights of a committed run their usual name, and remove others'.

    They are found without that, so that a failure is none.
    """
    with contextlib.suppress(OSError):
        if _waiting(stem, record).exists():
            os.replace(_waiting(stem, record), stem.with_suffix(".safetensors"))
        for left in stem.parent.glob(f".{stem.name}.*.safetensors"):
            left.unlink()


def _waiting(stem: Path, record: Record) -> Path:
    """Return where weights lie before their record is there."""
    return stem.with_name(f".{stem.name}.{record.weights_sha256[:16]}.safetensors")


def read_run(stem: Path, remedy: str = REMEDY) -> Stored | None:
    """Return the run at a stem; None if there is none, for there is no record.

    Raises RunError, naming the file and the remedy, if it is damaged.
    """
    path = stem.with_suffix(".json")
    while path.exists():
        record = read_record(path, remedy)
        try:
            return Stored(record, _read_weights(stem, record, remedy))
        except RunError:
            # Another process may have put a run in its place between the two.
            if not path.exists() or read_record(path, remedy) == record:
                raise
    return None


def _read_weights(stem: Path, record: Record, remedy: str) -> bytes | None:
    """Return the weights of a record, which may wait for their name; None: none."""
    path = stem.with_suffix(".safetensors")
    with contextlib.suppress(RunError):
        return atomic.read_bytes(
            _waiting(stem, record), RunError, remedy, record.weights_sha256
        )
    if not path.exists():
        return None
    _refuse_pipe(path, remedy)
    return atomic.read_bytes(path, RunError, remedy, record.weights_sha256)


def _refuse_pipe(path: Path, remedy: str) -> None:
    """Raise RunError for what is there and no file: a pipe would never end."""
    if path.exists() and not path.is_file():
        raise RunError(f"{path} is no file: move it away. {remedy}")
