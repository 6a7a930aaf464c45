"""Images with what is known about them; nothing is downloaded unless asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vaetut import checks
from vaetut.atomic import DataError
from vaetut.datasets import (
    cache,
    celeba,
    faces,
    fashion_mnist,
    files,
    lfw,
    pictures,
    polar,
)
from vaetut.datasets.dataset import Dataset


@dataclass(frozen=True)
class Source:
    """Where a data set of the course comes from, and how to check it."""

    load: Callable[[str], Dataset]  # split -> images
    make: Callable[[Path, str], list[Path]] | None  # folder, format
    verify: Callable[[], list[str]]  # what is wrong here, one line each
    about: str  # one line
    shape: tuple[int, int, int]  # of an image: height, width, channels
    knows: str | None  # of its images: "labels", "factors", "attributes" or nothing


def _polar(name: str) -> Source:
    options = polar.SETS[name]
    canvas = "the reference's" if options["canvas"] == "reference" else "square"
    hole = f", without the hole {options['hole']!r}" if options["hole"] else ""
    return Source(
        load=partial(polar.load, name),
        make=partial(polar.make, name),
        verify=partial(polar.verify, name),
        about=f"Stars of two factors, {options['size']}×{options['size']}, {canvas} "
        f"canvas{hole}; drawn when asked for",
        shape=polar.image_shape(name),
        knows="factors",
    )


def _faces(name: str) -> Source:
    size, train, test = faces.SETS[name]
    return Source(
        load=partial(faces.load, name),
        make=partial(faces.make, name),
        verify=partial(faces.verify, name),
        about=f"{train + test:,} faces of nobody with 40 attributes, {size}×{size}; "
        "drawn when asked for and kept",
        shape=(size, size, 3),
        knows="attributes",
    )


def _celeba(size: int) -> Source:
    return Source(
        load=partial(celeba.load, size),
        make=None,
        verify=partial(celeba.verify, size),
        about=f"CelebA's faces, {size}×{size}, from the folder in VAETUT_CELEBA",
        shape=(size, size, 3),
        knows="attributes",
    )


def _lfw(size: int) -> Source:
    return Source(
        load=partial(lfw.load, size),
        make=None,
        verify=partial(lfw.verify, size),
        about=f"Labeled Faces in the Wild, {size}×{size}, by scikit-learn; downloaded "
        "if VAETUT_LFW=1",
        shape=(size, size, 3),
        knows=None,
    )


SOURCES = {
    "fashion-mnist": Source(
        load=fashion_mnist.load,
        make=None,
        verify=fashion_mnist.verify,
        about="70,000 pieces of clothing in ten classes, 32×32; ships with the course",
        shape=(32, 32, 1),
        knows="labels",
    ),
    **{name: _polar(name) for name in polar.SETS},
    **{name: _faces(name) for name in faces.SETS},
    **{f"celeba-{size}": _celeba(size) for size in (48, 64, 96)},
    **{f"lfw-{size}": _lfw(size) for size in (48, 64, 96)},
}


def source(name: str) -> Source:
    """Return where a data set comes from; raises ValueError for an unknown name."""
    return SOURCES[checks.one_of("data set", name, SOURCES)]


def image_shape(name: str) -> tuple[int, int, int]:
    """Return height, width and channels of a data set's images, which are not read."""
    return source(name).shape


def load(name: str, split: str = "train") -> Dataset:
    """Return one split of a data set of the course by its name.

    Raises ValueError for an unknown name or split, DataError for a damaged file.
    """
    return source(name).load(split)


__all__ = [
    "SOURCES",
    "DataError",
    "Dataset",
    "Source",
    "cache",
    "celeba",
    "faces",
    "fashion_mnist",
    "files",
    "image_shape",
    "lfw",
    "load",
    "pictures",
    "polar",
    "source",
]
