"""Finished runs in a few archives, to be carried home from a machine lent.

Such a machine may give back few files, and none with a "+" or "=" in its name.
"""

import io
import shutil
import tarfile
from pathlib import Path

from vaetut import atomic
from vaetut.atomic import RunError
from vaetut.recipes import Recipe
from vaetut.runs.full_scale.results import ELSEWHERE

LIMIT = 16 * 2**20 - 2**16  # bytes of an archive
ARCHIVES = 4  # of weights, beside the one of records
RECORDS, WEIGHTS = "records.tar", "weights-{}.tar"


def add(out: Path, stem: Path, recipe: Recipe) -> str:
    """Take a finished run along; return what did not fit, as a sentence, or "".

    `stem` is the path of its files without their suffix. Every record is taken, and the
    weights of seed 0, float16, which are what the course ships. Unpacked in a folder
    of runs, the archives are runs. Raises RunError if an archive cannot be written.
    """
    folder = f"{recipe.name}/{recipe.scale}"
    record, weights = (stem.with_suffix(s) for s in (".json", ".safetensors"))
    _append(out / RECORDS, record, f"{folder}/{record.name}")
    if stem.name != "seed-0":
        return ""
    for k in range(1, ARCHIVES + 1):
        archive = out / WEIGHTS.format(k)
        there = archive.stat().st_size if archive.exists() else 0
        if there + weights.stat().st_size + 3 * tarfile.BLOCKSIZE <= LIMIT:
            _append(archive, weights, f"{folder}/{weights.name}")
            return ""
    return f"its weights did not fit into the archives: {weights}"


def _append(archive: Path, path: Path, name: str) -> None:
    """Add a file to an archive, which is replaced when the new one is whole."""
    with atomic.appears_whole(archive, RunError, ELSEWHERE) as temporary:
        if archive.exists():
            shutil.copyfile(archive, temporary)
        raw = path.read_bytes()
        about = tarfile.TarInfo(name)
        about.size = len(raw)
        with tarfile.open(temporary, "a") as tar:
            tar.addfile(about, io.BytesIO(raw))
