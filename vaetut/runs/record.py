"""What a training leaves behind, and how it gets onto disk and back, whole or not."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vaetut import atomic
from vaetut.atomic import RunError
from vaetut.recipes.recipe import digest
from vaetut.runs.old_names import is_old

REMEDY = "Restore it from git, or train the run again: vaetut train NAME --scale SCALE."


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

    def to_json(self) -> bytes:
        """Return the record as JSON that carries the SHA-256 of its own content."""
        content = asdict(self)
        signed = {"sha256": sign(content)} | content
        return (json.dumps(signed, indent=1) + "\n").encode()


def sign(content: dict[str, Any]) -> str:
    """Return the SHA-256 of a record's content, which stands in its file."""
    return atomic.sha256(json.dumps(content, sort_keys=True).encode())


def read_record(path: Path) -> Record:
    """Return the record in a JSON file.

    Raises RunError, naming the file, if it is not whole or was altered by hand.
    """
    try:
        content = json.loads(path.read_bytes())
        old, stated = is_old(content), content.pop("sha256")
        record = Record(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(
            f"{path} is not a whole run record ({error}). {REMEDY}"
        ) from error
    if old:
        raise RunError(
            f"{path} has names of an older version of vaetut: `vaetut migrate` writes "
            "your records anew and changes no value."
        )
    if stated != sign(content) or record.digest != digest(record.fields):
        raise RunError(f"{path} was altered: its content has another SHA-256. {REMEDY}")
    return record
