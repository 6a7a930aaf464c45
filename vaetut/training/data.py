"""The images that a recipe trains on and is tested with, and their weights."""

import numpy as np

from vaetut import datasets
from vaetut.datasets import Dataset
from vaetut.recipes import Recipe


def load_data(recipe: Recipe, seed: int) -> tuple[Dataset, Dataset]:
    """Return the training and the test images of a recipe.

    The seed draws which of them, if a recipe takes a part. Raises ValueError for an
    unknown data set or more images than it has, DataError for a damaged file.
    """
    train = datasets.load(recipe.dataset, "train")
    test = datasets.load(recipe.dataset, "test")
    if recipe.images is not None:
        train = train.subset(recipe.images, seed)
    if recipe.test_images is not None:
        test = test.subset(recipe.test_images, seed)
    return train, test


def sample_weights(recipe: Recipe, train: Dataset) -> np.ndarray | None:
    """Return what each training image of a recipe weighs, (n,), 1 on average; or None.

    Raises ValueError where the images' factors are not known.
    """
    if recipe.sample_weights is None:
        return None
    if train.factors is None:
        raise ValueError(
            f"Recipe {recipe.name!r} weighs images by b, which {train.name!r} does not "
            "know: take a polar set, or sample_weights=none."
        )
    weights = datasets.polar.weights(train.factors)
    return (weights / weights.mean()).astype(np.float32)
