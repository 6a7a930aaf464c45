"""Finished runs in a few archives, to be carried home from a machine lent.

Such a machine may give back few files, and none with a "+" or "=" in its name.
"""

import io
import shutil
import tarfile
from pathlib import Path

from vaetut import atomic
from vaetut.atomic import RunError
from vaetut.runs.full_scale.results import ELSEWHERE
from vaetut.runs.record import Stored

LIMIT = 16 * 2**20 - 2**16  # bytes of an archive
ARCHIVES = 4  # of weights, beside the one of records
RECORDS, WEIGHTS = "records.tar", "weights-{}.tar"


def add(out: Path, run: Stored) -> str:
    """Take a finished run along; return what did not fit, as a sentence, or "".

    Every record is taken, and the weights of seed 0, float16: unpacked in
    `vaetut/pretrained` they are what `vaetut ship` puts there. Raises RunError if an
    archive cannot be written.
    """
    record = run.record
    stem = f"{record.recipe}/{record.scale}/seed-{record.seed}"
    _append(out / RECORDS, f"{stem}.json", record.to_json())
    if record.seed or run.weights is None:
        return ""
    for k in range(1, ARCHIVES + 1):
        archive = out / WEIGHTS.format(k)
        there = archive.stat().st_size if archive.exists() else 0
        if there + len(run.weights) + 3 * tarfile.BLOCKSIZE <= LIMIT:
            _append(archive, f"{stem}.safetensors", run.weights)
            return ""
    return f"the weights of {stem} did not fit into the archives: they are there alone"


def _append(archive: Path, name: str, raw: bytes) -> None:
    """Add a file to an archive, which is replaced when the new one is whole."""
    with atomic.appears_whole(archive, RunError, ELSEWHERE) as temporary:
        if archive.exists():
            shutil.copyfile(archive, temporary)
        about = tarfile.TarInfo(name)
        about.size = len(raw)
        with tarfile.open(temporary, "a") as tar:
            tar.addfile(about, io.BytesIO(raw))
