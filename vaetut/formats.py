"""One parser a format: what a file says, or an error that names it and the mend.

A file may be anyone's. Whatever its parser raises becomes the error that the caller
promises, and nothing is unfolded that is far larger than the file. A hash proves that a
file is whole, not that it makes sense: values are checked by who knows their meaning.
"""

import contextlib
import csv
import io
import json
import math
import types
import typing
import zipfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from vaetut import atomic
from vaetut.atomic import shown

T = TypeVar("T")
LARGEST_JSON = 2**24  # bytes; parsed it takes up to thirty times as much
LARGEST_TABLE = 2**30  # bytes
UNFOLDED = 2**30  # bytes that any file may unfold to,
RATIO = 100  # or so many times its own size: black images shrink as far


@contextlib.contextmanager
def parsing(
    path: Path, what: str, error: type[Exception], remedy: str
) -> Iterator[None]:
    """Turn whatever goes wrong within into `error`: the file is not `what` it must be.

    The error names the file, the fault and the `remedy`. Errors of that type pass.
    """
    try:
        yield
    except error:
        raise
    # A parser of strange bytes may raise anything: RecursionError, MemoryError, …
    except Exception as fault:
        reason = shown(f"{type(fault).__name__}: {fault}")[:300]
        raise error(f"{shown(path)} is not {what} ({reason}). {remedy}") from fault


def read_json(
    path: Path,
    what: str,
    error: type[Exception],
    remedy: str,
    stated: str | None = None,
) -> dict[str, Any]:
    """Return the object in a JSON file, whose SHA-256 must be the one stated, if any.

    Raises `error` if it cannot be read, is no JSON, or another value than an object.
    """
    raw = atomic.read_bytes(path, error, remedy, stated, most=LARGEST_JSON)
    return parse_json(raw, path, what, error, remedy)


def parse_json(
    raw: bytes | str, path: Path, what: str, error: type[Exception], remedy: str
) -> dict[str, Any]:
    """Return the object in JSON that stands in a file.

    Raises `error`, naming the file, if it is none.
    """
    with parsing(path, what, error, remedy):
        found = json.loads(raw)
        if not isinstance(found, dict):
            raise TypeError(f"it holds a {type(found).__name__}, not an object")
    return found


def build(kind: Callable[..., T], values: dict, endless: Collection[str] = ()) -> T:
    """Return a dataclass of values out of JSON, each of the type that its field has.

    Numbers are finite but in the fields named in `endless`. Raises ValueError, naming
    the field, for a value of another type or a field that there is not, and TypeError
    for one that is missing.
    """
    hints = typing.get_type_hints(kind)
    for name, value in values.items():
        if name not in hints:
            raise ValueError(f"there is no field {name!r}")
        if not _fits(value, hints[name], name in endless):
            raise ValueError(f"{name} is {repr(value)[:80]}, not {hints[name]}")
    return kind(**values)


def _fits(value: Any, hint: Any, endless: bool) -> bool:
    """Return whether a value out of JSON is of a type."""
    origin, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if hint is Any:
        return True
    if origin is types.UnionType:
        return any(_fits(value, one, endless) for one in inner)
    if origin is list:
        return type(value) is list and all(_fits(v, inner[0], endless) for v in value)
    if origin is dict:
        return type(value) is dict and all(
            _fits(v, inner[1], endless) for v in value.values()
        )
    if origin is float:
        return type(value) in (int, float) and (endless or math.isfinite(value))
    return type(value) is origin


def read_table(
    path: Path,
    what: str,
    error: type[Exception],
    remedy: str,
    stated: str | None = None,
) -> list[list[str]]:
    """Return the rows of a CSV file in UTF-8, without the empty ones.

    Its SHA-256 must be the one stated, if any is. Raises `error`, naming the file, if
    it cannot be read or is no such table.
    """
    raw = atomic.read_bytes(path, error, remedy, stated, most=LARGEST_TABLE)
    with parsing(path, what, error, remedy):
        lines = io.StringIO(raw.decode("utf-8-sig"), newline="")
        return [row for row in csv.reader(lines, strict=True) if row]


def read_npz(
    path: Path, what: str, error: type[Exception], remedy: str, names: Collection[str]
) -> dict[str, np.ndarray]:
    """Return those arrays of an .npz file that have one of the `names`.

    Raises `error`, naming the file, if it cannot be read, is no such file, holds what
    is no plain array, or unfolds to more than `UNFOLDED` bytes and `RATIO` times its
    size.
    """
    size, arrays = atomic.check_file(path, error, remedy, most=2**40), {}
    with parsing(path, what, error, remedy), zipfile.ZipFile(path) as archive:
        members = {
            info.filename.removesuffix(".npy"): info for info in archive.infolist()
        }
        wanted = {name: members[name] for name in names if name in members}
        check_unfolded(sum(info.file_size for info in wanted.values()), size)
        for name, info in wanted.items():
            with archive.open(info) as member:
                _check_header(member, name, info.file_size)
            with archive.open(info) as member:
                arrays[name] = np.lib.format.read_array(member, allow_pickle=False)
    return arrays


def check_unfolded(unfolded: int, packed: int) -> None:
    """Raise ValueError if so many bytes are too many for a file of `packed` bytes."""
    if unfolded > max(UNFOLDED, RATIO * packed):
        raise ValueError(f"{packed:,} bytes would unfold to {unfolded:,}")


def _check_header(member: Any, name: str, size: int) -> None:
    """Raise ValueError unless an array in a file of so many bytes is as announced."""
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(member)
    announced = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or min(shape, default=0) < 0:
        raise ValueError(f"{name} is no array of plain numbers")
    if announced != size - member.tell():
        raise ValueError(
            f"{name} announces {announced:,} bytes and has {size - member.tell():,}"
        )


def plain_name(name: object) -> str:
    """Return the name of a file that lies beside the one that names it.

    Raises ValueError for a path that leads elsewhere, or no name at all.
    """
    if (
        not isinstance(name, str)
        or name in ("", ".", "..")
        or set(name) & set("/\\\0:")
    ):
        raise ValueError(f"{name!r} is no file of this folder")
    return name
