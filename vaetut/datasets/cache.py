"""Arrays that took long to make, kept on disk and read back as memory maps.

What a name and a key stand for is one folder of .npy files in VAETUT_CACHE, or in the
user's cache. Its `about.json` holds the key and of each file its size, its SHA-256 and
the shape and type of its array. The folder appears when it is whole, or not at all.
"""

import json
import os
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import DTypeLike

from vaetut import atomic, checks, formats
from vaetut.atomic import DataError, shown

ABOUT = "about.json"
HASHED_BELOW = 200_000_000  # bytes: larger files are hashed by `verify` alone


def cached(name: str, key: dict, write: Callable[[Path], None]) -> dict:
    """Return the arrays of a key by the names of their files, as read-only maps.

    If they are not there, `write` fills the folder that it is given with .npy files.
    The key is JSON and says all that the arrays depend on. The hash of a file below
    `HASHED_BELOW` bytes is checked once in a process. Raises DataError, naming the
    file, if one is damaged, or naming VAETUT_CACHE if none can be written.
    """
    folder = folder_of(name, key)
    if not os.path.lexists(folder):
        _fill(folder, key, write)
    return {
        Path(file).stem: _array(folder / file, entry, once=True)
        for file, entry in _about(folder)["files"].items()
    }


def verify(name: str) -> list[str]:
    """Return what is wrong with all that is kept under a name, one line each.

    Every file is hashed, whatever its size. Nothing kept, nothing wrong.
    """
    problems = []
    folders = root().glob(f"{name}-*") if os.path.isdir(root()) else ()
    for folder in sorted(folders):
        if not re.fullmatch(r"[0-9a-f]{12}", folder.name.removeprefix(f"{name}-")):
            continue
        try:
            files = _about(folder)["files"]
        except DataError as error:
            problems.append(str(error))
            continue
        for file, entry in files.items():
            try:
                _array(folder / file, entry, once=False)
            except DataError as error:
                problems.append(str(error))
    return problems


def root() -> Path:
    """Return the folder of all that is kept: VAETUT_CACHE, or the user's cache."""
    given = checks.named_path("VAETUT_CACHE")
    return given or platformdirs.user_cache_path("vaetut") / "datasets"


def folder_of(name: str, key: dict) -> Path:
    """Return the folder in which the arrays of a key are, or will be.

    Its name is that of the arrays and twelve digits of the SHA-256 of the key, which is
    JSON. Nothing is made or read.
    """
    text = json.dumps(_plain(key), sort_keys=True)
    return root() / f"{name}-{atomic.sha256(text.encode())[:12]}"


def write_rows(
    path: Path, shape: tuple, dtype: DTypeLike, chunks: Iterable[np.ndarray]
) -> None:
    """Write a .npy file of a shape and type chunk by chunk, never holding it whole.

    A full disk is an OSError here, where writing to a memory map ends the process.
    Raises ValueError if the chunks are of another type or do not make up the shape.
    """
    dtype, rows = np.dtype(dtype), 0
    shape = tuple(int(length) for length in shape)
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks:
            if chunk.dtype != dtype or chunk.shape[1:] != shape[1:]:
                raise ValueError(
                    f"{path.name}: a chunk of {chunk.dtype} {chunk.shape} is no part "
                    f"of {dtype} {shape}."
                )
            file.write(np.ascontiguousarray(chunk).data)
            rows += len(chunk)
    if rows != shape[0]:
        raise ValueError(f"{path.name}: the chunks have {rows} rows, not {shape[0]}.")


def _plain(key: dict) -> dict:
    """Return a key as it comes back from JSON."""
    return json.loads(json.dumps(key))


def _mend(folder: Path) -> str:
    return f"Remove {folder}: it is made again when it is asked for."


def _fill(folder: Path, key: dict, write: Callable[[Path], None]) -> None:
    """Write a folder; if another process or thread was faster, its folder stays."""
    remedy = "Free some space, or set VAETUT_CACHE to a folder that can be written to."
    with atomic.appears_whole(folder, DataError, remedy, keep=True) as temporary:
        temporary.mkdir()
        write(temporary)
        about = {"key": _plain(key), "files": _entries(temporary)}
        (temporary / ABOUT).write_text(json.dumps(about, indent=1) + "\n", "utf8")


def _entries(folder: Path) -> dict:
    """Return what `about.json` says of each file in a folder just filled."""
    paths = sorted(folder.iterdir())
    strange = [path.name for path in paths if path.suffix != ".npy"]
    if strange or not paths:
        raise ValueError(
            f"write must fill its folder with .npy files, not {strange or 'nothing'}."
        )
    entries = {}
    for path in paths:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        entries[path.name] = {
            "size": path.stat().st_size,
            "sha256": atomic.file_sha256(path),
            "shape": list(array.shape),
            "dtype": array.dtype.str,
        }
    return entries


def _about(folder: Path) -> dict:
    """Return what `about.json` says, if the folder is named after its key."""
    path, what = folder / ABOUT, "a description of the files beside it"
    about = formats.read_json(path, what, DataError, _mend(folder))
    with formats.parsing(path, what, DataError, _mend(folder)):
        for file, entry in about["files"].items():
            formats.plain_name(file)
            for size in (entry["size"], *entry["shape"]):
                checks.whole_number("a size", size, 0, 2**60)
            _ = entry["sha256"] + "", np.dtype(entry["dtype"])
        named = folder_of(folder.name.rpartition("-")[0], about["key"]).name
    if named != folder.name:
        key = shown(about["key"])[:300]
        raise DataError(f"{path} has another key: {key}. {_mend(folder)}")
    return about


def _array(path: Path, entry: dict, once: bool) -> np.ndarray:
    """Return the array in a file that is as its entry says.

    `once`: hash small files only, and those only the first time in this process.
    """
    mend = _mend(path.parent)
    size = atomic.check_file(path, DataError, mend, most=2**60)
    if size != entry["size"]:
        raise DataError(
            f"{path} is damaged: it has {size} bytes, expected {entry['size']}. {mend}"
        )
    try:
        found = entry["sha256"]
        if not once:
            found = atomic.file_sha256(path)
        elif size < HASHED_BELOW:
            found = _sha256_once(path, size, path.stat().st_mtime_ns)
        atomic.check_sha256(path, found, entry["sha256"], DataError, mend)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror or error}). {mend}"
        ) from error
    with formats.parsing(path, "a .npy file", DataError, mend):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    if [array.dtype.str, *array.shape] != [entry["dtype"], *entry["shape"]]:
        raise DataError(
            f"{path} is damaged: it holds {array.dtype} {array.shape}, expected "
            f"{np.dtype(entry['dtype'])} {tuple(entry['shape'])}. {mend}"
        )
    return array


@lru_cache(maxsize=256)
def _sha256_once(path: Path, size: int, changed: int) -> str:
    return atomic.file_sha256(path)
