"""Labeled Faces in the Wild (Huang et al. 2007), through scikit-learn, on request.

The pictures are used if scikit-learn has them already. They are downloaded (200 MB)
only if VAETUT_LFW is 1, or `load` is told to.
"""

import tarfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaetut import atomic, checks
from vaetut.atomic import DataError
from vaetut.datasets import cache
from vaetut.datasets.dataset import Dataset

if TYPE_CHECKING:
    from sklearn.utils import Bunch

VARIABLE, HOME = "VAETUT_LFW", "VAETUT_LFW_HOME"
SOURCE = (
    "Labeled Faces in the Wild, Huang et al. 2007, for research; the reader's own copy"
)
SPLITS = ("train", "test")
PICTURES, PEOPLE = 13_233, 5_749
ROWS, COLUMNS = (36, 196), (45, 205)  # of 250×250: framed about as our CelebA is
SMALLEST, LARGEST = 8, ROWS[1] - ROWS[0]
CHUNK = 1024  # pictures turned to bytes at once
VERSION = 1  # of all that turns pictures into arrays


def load(size: int, split: str = "train", download: bool | None = None) -> Dataset:
    """Return the pictures of about 90 % (train) or 10 % (test) of the people.

    uint8 (n, size, size, 3), without attributes: rows 36 to 195 and columns 45 to 204
    of the funneled pictures, reduced once and cached. Who is in which split follows
    from the name alone. `download`: by default, whether VAETUT_LFW is 1.
    VAETUT_LFW_HOME is scikit-learn's `data_home`. Reading the pictures for the first
    time takes up to 3 GB of memory at size 96.

    Raises ValueError for an unknown split or an impossible size, DataError if the
    pictures are not there, or not all of them.
    """
    checks.one_of("split", split, SPLITS, "LFW")
    size = checks.whole_number("size", size, SMALLEST, LARGEST)
    if download is None:
        download = checks.says_yes(VARIABLE)
    name = f"lfw-{size}"
    key = {"version": VERSION, "size": size, "rows": ROWS, "columns": COLUMNS}
    arrays = cache.cached(name, key, partial(_write, size, download))
    return Dataset(name=name, split=split, images=arrays[split], source=SOURCE)


def verify(size: int) -> list[str]:
    """Return what is wrong with what the cache holds of LFW, one line each."""
    return cache.verify(f"lfw-{size}")


def is_test(person: str) -> bool:
    """Return whether a person belongs to the test split: one in ten, by the name.

    It is the name's SHA-256 that decides, the same for everyone.
    """
    return int(atomic.sha256(person.encode()), 16) % 10 == 0


def _write(size: int, download: bool, folder: Path) -> None:
    people = _fetch(size, download)
    images, names = people.images, people.target_names
    if (len(images), len(names)) != (PICTURES, PEOPLE):
        raise DataError(
            f"scikit-learn's LFW has {len(images)} pictures of {len(names)} people, "
            f"expected {PICTURES} of {PEOPLE}. {_again()}"
        )
    if images.shape[1:] != (size, size, 3):
        raise DataError(
            f"scikit-learn's LFW came as {images.shape[1:]}, expected "
            f"{(size, size, 3)}. {_again()}"
        )
    chosen = np.array([is_test(str(name)) for name in names])[people.target]
    for split, rows in (("train", ~chosen), ("test", chosen)):
        rows = np.flatnonzero(rows)
        shape = (len(rows), size, size, 3)
        chunks = (
            np.rint(images[rows[k : k + CHUNK]] * 255).astype(np.uint8)
            for k in range(0, len(rows), CHUNK)
        )
        cache.write_rows(folder / f"{split}.npy", shape, np.uint8, chunks)


def _fetch(size: int, download: bool) -> "Bunch":
    """Return scikit-learn's record, from the disk if it can be."""
    from sklearn.datasets import fetch_lfw_people

    fetch = partial(
        fetch_lfw_people,
        data_home=_home(),
        color=True,
        slice_=(slice(*ROWS), slice(*COLUMNS)),
        # Half a pixel more, as scikit-learn cuts off what is behind the point.
        resize=(size + 0.5) / LARGEST,
    )
    try:
        return fetch(download_if_missing=False)
    except BROKEN as error:
        if not download:
            raise DataError(
                f"scikit-learn has no whole LFW here ({error}). To download it "
                f"(200 MB), set {VARIABLE}=1 or pass download=True; where it is "
                f"already, set {HOME} to the folder that holds lfw_home."
            ) from error
    try:
        return fetch(download_if_missing=True)
    except BROKEN as error:
        raise DataError(
            f"LFW could not be downloaded by scikit-learn ({error}). {_again()}"
        ) from error


BROKEN = (OSError, RuntimeError, ValueError, EOFError, tarfile.TarError)


def _home() -> str | None:
    given = checks.named_path(HOME)
    return None if given is None else str(given)


def _again() -> str:
    from sklearn.datasets import get_data_home

    place = Path(get_data_home(_home())) / "lfw_home"
    return f"Remove {place} and load it again with {VARIABLE}=1."
