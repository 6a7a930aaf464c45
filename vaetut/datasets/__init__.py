"""Images with what is known about them; nothing here is ever downloaded."""

from vaetut.datasets import fashion_mnist
from vaetut.datasets.record import DataError, Dataset

LOADERS = {"fashion-mnist": fashion_mnist.load}


def load(name: str, split: str = "train") -> Dataset:
    """Return one split of a data set of the course by its name.

    Raises ValueError for an unknown name or split, DataError for a damaged file.
    """
    if name not in LOADERS:
        raise ValueError(
            f"There is no data set {name!r}: choose one of {', '.join(LOADERS)}."
        )
    return LOADERS[name](split)


__all__ = ["LOADERS", "DataError", "Dataset", "fashion_mnist", "load"]
