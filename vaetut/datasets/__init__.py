"""Images with what is known about them; nothing here is ever downloaded."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vaetut.datasets import fashion_mnist, files, polar
from vaetut.datasets.record import DataError, Dataset


@dataclass(frozen=True)
class Source:
    """Where a data set of the course comes from, and how to check it."""

    load: Callable[[str], Dataset]  # split -> images
    make: Callable[[Path, str], list[Path]] | None  # folder, format
    verify: Callable[[], list[str]]  # what is wrong here, one line each
    about: str  # one line


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
    )


SOURCES = {
    "fashion-mnist": Source(
        load=fashion_mnist.load,
        make=None,
        verify=fashion_mnist.verify,
        about="70,000 pieces of clothing in ten classes, 32×32; ships with the course",
    ),
    **{name: _polar(name) for name in polar.SETS},
}


def load(name: str, split: str = "train") -> Dataset:
    """Return one split of a data set of the course by its name.

    Raises ValueError for an unknown name or split, DataError for a damaged file.
    """
    if name not in SOURCES:
        raise ValueError(
            f"There is no data set {name!r}: choose one of {', '.join(SOURCES)}."
        )
    return SOURCES[name].load(split)


__all__ = [
    "SOURCES",
    "DataError",
    "Dataset",
    "Source",
    "fashion_mnist",
    "files",
    "load",
    "polar",
]
