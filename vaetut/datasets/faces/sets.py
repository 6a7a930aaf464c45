"""The sets of faces of the course: drawn when first asked for, then kept on disk."""

from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from vaetut import checks
from vaetut.datasets import cache
from vaetut.datasets.dataset import Dataset
from vaetut.datasets.faces.attributes import ATTRIBUTE_NAMES, attributes_of
from vaetut.datasets.faces.factors import CHUNK, FACTOR_NAMES, draw_factors
from vaetut.datasets.faces.render import SIDES, VERSION, render_faces
from vaetut.datasets.files import save_splits

SOURCE = (
    "Faces of nobody, drawn by the course by casting rays at a head of "
    f"{len(FACTOR_NAMES)} factors; CC BY 4.0"
)
SEEDS = {"train": 0, "test": 1}
SETS = {  # name -> pixels a side, faces to train on, faces to test on
    "faces-96": (96, 170_000, 2_000),  # as many as the source trained on
    "faces-96-50k": (96, 50_000, 2_000),  # the first of them
    "faces-64": (64, 20_000, 2_000),
    "faces-48": (48, 20_000, 2_000),
    "faces-48-few": (48, 400, 200),
}


def make_faces(n: int, seed: int = 0, size: int = 96, split: str = "train") -> Dataset:
    """Return n faces with their factors and attributes, drawn now.

    Face k of a seed and size is the same for every n. `split` is but its name. Raises
    ValueError for numbers that make no sense.
    """
    size = checks.whole_number("size", size, *SIDES)
    n = checks.whole_number("n", n, least=0)
    checks.room("n and size", n, size, size, 3, dtype=np.uint8)
    factors = draw_factors(n, seed)
    return Dataset(
        name=f"faces-{size}",
        split=split,
        images=render_faces(factors, size),
        source=SOURCE,
        factors=factors,
        factor_names=FACTOR_NAMES,
        attributes=attributes_of(factors),
        attribute_names=ATTRIBUTE_NAMES,
    )


def load(name: str, split: str = "train") -> Dataset:
    """Return one split of a set of the course; its images are a map of a file.

    name: a key of `SETS`; split: "train" or "test". The first call on a machine draws
    the faces and keeps them (27 KiB a face of 96×96), any later one opens the file.
    Raises ValueError for an unknown name or split, DataError for a damaged file.
    """
    return _load(_known(name), checks.one_of("split", split, SEEDS, "a set of faces"))


@lru_cache(maxsize=8)
def _load(name, split):
    size, *counts = SETS[name]
    n = counts[list(SEEDS).index(split)]
    factors = draw_factors(n, SEEDS[split])
    key = {"version": VERSION, "n": n, "seed": SEEDS[split], "size": size}

    def write(folder):
        cache.write_rows(
            folder / "images.npy",
            (n, size, size, 3),
            np.uint8,
            (
                render_faces(factors[start : start + CHUNK], size)
                for start in range(0, n, CHUNK)
            ),
        )

    return Dataset(
        name=name,
        split=split,
        images=cache.cached(_kept(name, split), key, write)["images"],
        source=SOURCE,
        factors=factors,
        factor_names=FACTOR_NAMES,
        attributes=attributes_of(factors),
        attribute_names=ATTRIBUTE_NAMES,
    )


def _kept(name, split):
    """Return under which name the cache keeps the images of a split."""
    return f"{name}-{split}"


def _known(name):
    return checks.one_of("set of faces", name, SETS)


def make(name: str, folder: Path, format: str = "png") -> list[Path]:
    """Write both splits of a set into a folder and return what was written.

    format and errors as in `files.save_splits`; ValueError for an unknown name, too.
    """
    return save_splits(partial(load, _known(name)), SEEDS, folder, format)


def verify(name: str) -> list[str]:
    """Return what is wrong with the files kept of a set, one line each.

    Every file must have its hash, and its last face must be the one this machine draws,
    within one grey level. Nothing kept, nothing wrong.
    """
    size, *counts = SETS[_known(name)]
    problems = []
    for (split, seed), n in zip(SEEDS.items(), counts, strict=True):
        broken = cache.verify(_kept(name, split))
        key = {"version": VERSION, "n": n, "seed": seed, "size": size}
        folder = cache.folder_of(_kept(name, split), key)
        if not broken and folder.exists():
            drawn = render_faces(draw_factors(n, seed)[-1:], size)[0]
            kept = np.load(folder / "images.npy", mmap_mode="r")[-1]
            if np.abs(drawn.astype(int) - kept).max() > 1:
                broken = [
                    f"{folder}: its last face is another one than is drawn here. "
                    "Remove the folder: it is drawn again when it is asked for."
                ]
        problems += broken
    return problems
