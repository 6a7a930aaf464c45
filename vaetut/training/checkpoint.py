"""The state of a training on disk: written whole, put back exactly, owned by one."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from filelock import FileLock, Timeout

from vaetut import atomic, formats
from vaetut.atomic import RunError
from vaetut.training.weights import pack_weights, unpack_weights

WRITABLE = "Set VAETUT_RUNS to a folder that can be written to."
BUSY = "is being trained by another process: wait for it, or set VAETUT_RUNS elsewhere."


class Diverged(RunError, FloatingPointError):
    """A training whose loss or weights are no longer finite."""


class Checkpoint:
    """A training's state in one file: its SHA-256, a line of JSON, the variables.

    `identity` holds plain values: whose state it is; `variables` are Keras'. Without
    a path nothing is ever written.
    """

    path: Any  # Path | None

    def __init__(
        self,
        path: Path | None,
        identity: dict[str, Any],
        variables: Sequence[keras.Variable],
    ) -> None:
        self.path, self.identity = path, identity
        self.variables = {f"{k:04d}": v for k, v in enumerate(variables)}

    def exists(self) -> bool:
        """Return whether there is anything to go on from."""
        return self.path is not None and self.path.exists()

    def remove(self) -> None:
        """Delete the file if it is there."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def save(self, progress: dict[str, Any], write: bool = True) -> None:
        """Replace the file by the variables as they are, with the progress made.

        `progress` holds plain values. Of several processes all must call it, for some
        variables are read together, and one of them with `write`. Raises Diverged, and
        keeps the file, if a variable is not finite; RunError if the file cannot be
        written.
        """
        arrays = {}
        for name, variable in self.variables.items():
            arrays[name] = keras.ops.convert_to_numpy(variable)
            if not np.isfinite(arrays[name]).all():
                raise Diverged(f"{variable.path} is no longer finite.")
        if not write or self.path is None:
            return
        head = json.dumps(self.identity | {"progress": progress})
        body = head.encode() + b"\n" + pack_weights(arrays)
        raw = atomic.sha256(body).encode() + b"\n" + body
        atomic.write_atomically(self.path, raw, RunError, WRITABLE)

    def restore(self) -> dict[str, Any]:
        """Put the file into the variables and return the `progress` saved with them.

        Raises RunError, naming the file, if it cannot be read, is damaged, another
        training's or holds what no training has; the variables then are as they were.
        """
        remedy = f"Delete it to start anew: {self.path}"
        stated, _, body = atomic.read_bytes(self.path, RunError, remedy).partition(
            b"\n"
        )
        if atomic.sha256(body).encode() != stated:
            raise RunError(f"The checkpoint {self.path.name} is damaged. {remedy}")
        line, _, raw = body.partition(b"\n")
        head = formats.parse_json(line, self.path, "a checkpoint", RunError, remedy)
        if not head.keys() >= self.identity.keys():
            raise RunError(
                f"The checkpoint {self.path.name} is of another version of vaetut. "
                f"{remedy}"
            )
        for name in ("backend", "precision"):
            if head[name] != self.identity[name]:
                raise RunError(
                    f"The checkpoint {self.path.name} was written with {name} "
                    f"{head[name]}, not {self.identity[name]}: ask for {head[name]} to "
                    f"go on. {remedy}"
                )
        arrays = unpack_weights(raw, self.path, remedy)
        shapes = {name: tuple(v.shape) for name, v in self.variables.items()}
        if {name: head[name] for name in self.identity} != self.identity or shapes != {
            name: array.shape for name, array in arrays.items()
        }:
            raise RunError(
                f"The checkpoint {self.path.name} is of another recipe or seed. "
                f"{remedy}"
            )
        with formats.parsing(self.path, "a checkpoint", RunError, remedy):
            for name, variable in self.variables.items():
                _check(arrays[name], variable)
            progress = head["progress"]
        for name, variable in self.variables.items():
            variable.assign(arrays[name])
        return progress


def _check(array: np.ndarray, variable: keras.Variable) -> None:
    """Raise ValueError unless an array is what `Checkpoint.save` makes of a variable.

    Keras keeps whole numbers in as many bits as its backend likes.
    """
    wanted = np.dtype(keras.backend.standardize_dtype(variable.dtype)).kind
    if array.dtype.kind != wanted or not np.isfinite(array).all():
        raise ValueError(
            f"{variable.path} is of {array.dtype} or not finite, not {variable.dtype}"
        )


class BusyError(RunError):
    """Another process is training the same run."""


@contextlib.contextmanager
def lock(stem: Path, busy: str = BUSY, remedy: str = WRITABLE) -> Iterator[None]:
    """Hold a run's lock, which the system frees when the process ends in any way.

    Raises BusyError, which is a RunError and says that the stem is `busy`, if another
    process holds it, and RunError with the `remedy` if the folder takes no file.
    """
    path = stem.with_name(f".{stem.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(path, timeout=0)
        held.acquire()
    except Timeout as error:
        raise BusyError(f"{stem} {busy}") from error
    except OSError as error:
        raise RunError(
            f"{path} could not be written ({error.strerror}). {remedy}"
        ) from error
    try:
        yield
    finally:
        held.release()
