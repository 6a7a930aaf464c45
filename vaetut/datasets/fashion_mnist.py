"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747), MIT licence.

The four IDX files travel with the package, in `data/fashion-mnist/`, beside their
licence and their SHA-256 sums.
"""

import gzip
import io
import math
from functools import lru_cache
from pathlib import Path

import numpy as np

from vaetut import atomic, checks, formats
from vaetut.atomic import DataError
from vaetut.datasets.dataset import Dataset

FOLDER = Path(__file__).parent / "data" / "fashion-mnist"
SOURCE = "Fashion-MNIST, Zalando Research 2017, MIT licence"
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
PREFIX = {"train": "train", "test": "t10k"}
PADDING = 2  # black pixels on each side: 28 + 2·2 = 32, which halves three times


def load(split: str = "train", folder: Path = FOLDER) -> Dataset:
    """Return the 60,000 training or the 10,000 test images, padded to 32×32×1.

    Raises ValueError for an unknown split, DataError for a missing or altered file.
    """
    checks.one_of("split", split, PREFIX, "Fashion-MNIST")
    return _load(split, Path(folder))


@lru_cache(maxsize=2)
def _load(split: str, folder: Path) -> Dataset:
    images = read_idx(folder / f"{PREFIX[split]}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{PREFIX[split]}-labels-idx1-ubyte.gz")
    border = (PADDING, PADDING)
    images = np.pad(images, ((0, 0), border, border))[..., None]
    labels = labels.astype(np.int64)
    return Dataset(
        name="fashion-mnist",
        split=split,
        images=images,
        source=SOURCE,
        labels=labels,
        class_names=CLASS_NAMES,
    ).frozen()


def read_idx(path: Path) -> np.ndarray:
    """Return the uint8 array in a gzipped IDX file after checking its SHA-256.

    The expected sum stands in `SHA256SUMS` in the same folder. Raises DataError,
    naming the file, if it is missing, altered, truncated or not IDX.
    """
    raw, name = verified_bytes(path), Path(path.name)
    with formats.parsing(name, "a gzip file", DataError, MEND):
        content = _unzipped(raw)
    # IDX: two zero bytes, the type (8 is uint8), the rank, then each length, big-endian
    if content[:3] != b"\0\0\x08":
        raise DataError(f"{path.name} is not an IDX file of unsigned bytes. {MEND}")
    with formats.parsing(name, "a whole IDX file", DataError, MEND):
        rank = content[3]
        lengths = np.frombuffer(content, ">u4", count=rank, offset=4).tolist()
        data = np.frombuffer(content, np.uint8, offset=4 + 4 * rank)
    if data.size != math.prod(lengths):
        raise DataError(
            f"{path.name} announces {math.prod(lengths)} values and holds {data.size}. "
            f"{MEND}"
        )
    return data.reshape(lengths)


def _unzipped(raw: bytes) -> bytes:
    """Return what gzip has packed, if it is no more than `formats.UNFOLDED` bytes."""
    with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
        content = file.read(formats.UNFOLDED + 1)
    formats.check_unfolded(len(content), len(raw))
    return content


MEND = "Restore it: git checkout -- vaetut/datasets/data/fashion-mnist"


def verified_bytes(path: Path) -> bytes:
    """Return a file's bytes if their SHA-256 is the one in `SHA256SUMS` beside it.

    Raises DataError naming the file if it or its sum is missing, or they differ.
    """
    sums = path.with_name("SHA256SUMS")
    listed = atomic.read_bytes(sums, DataError, MEND, most=formats.LARGEST_JSON)
    with formats.parsing(sums, "a list of SHA-256 sums", DataError, MEND):
        lines = map(str.split, listed.decode("utf8").splitlines())
        expected = {name: digest for digest, name in lines}
    stated = expected.get(path.name, "none listed")
    return atomic.read_bytes(path, DataError, MEND, stated)


def available(folder: Path = FOLDER) -> bool:
    """Return whether the files lie in a folder: a copy of the course may lack them."""
    return (Path(folder) / "SHA256SUMS").exists()


def verify(folder: Path = FOLDER) -> list[str]:
    """Return what is wrong with the shipped files, one line each; empty if nothing."""
    problems = []
    for prefix in PREFIX.values():
        for kind in ("images-idx3", "labels-idx1"):
            try:
                verified_bytes(Path(folder) / f"{prefix}-{kind}-ubyte.gz")
            except DataError as error:
                problems.append(str(error))
    return problems
