"""The record in which every data set of the course arrives."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

COLUMNS = ("factors", "labels", "attributes")  # what is known of each image


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images of one split with what is known about each of them.

    Raises ValueError if the images are not uint8 of shape (n, h, w, c), or if a
    column does not have one row an image.
    """

    name: str  # the data set, as in vaetut.datasets.load
    split: str  # "train", "validation" or "test"
    images: np.ndarray  # uint8, (n, h, w, c)
    source: str  # who made the images, and under which licence
    labels: np.ndarray | None = None  # int, (n,): index into class_names
    class_names: tuple[str, ...] = ()
    factors: np.ndarray | None = None  # float, (n, k): what generated the image
    factor_names: tuple[str, ...] = ()
    attributes: np.ndarray | None = None  # bool, (n, m): what the image shows
    attribute_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        images = self.images
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
            raise ValueError(
                f"images of {self.name!r} must be a uint8 array, not "
                f"{getattr(images, 'dtype', type(images).__name__)}: "
                "scale them to 0…255 and round."
            )
        if images.ndim != 4:
            raise ValueError(
                f"images of {self.name!r} must have shape (n, height, width, channels)"
                f", not {images.shape}: grey ones are images[..., None]."
            )
        for column in COLUMNS:
            values = getattr(self, column)
            if values is not None and len(values) != len(images):
                raise ValueError(
                    f"{column} of {self.name!r} has {len(values)} rows for "
                    f"{len(images)} images: give one row an image."
                )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        return self.images.shape[1:]

    def take(self, indices: ArrayLike) -> "Dataset":
        """Return the images at `indices`, in that order, with all their columns.

        `indices`: whatever an array takes, as a slice, numbers or a mask. Raises
        IndexError for one beyond the images.
        """
        columns = {
            c: getattr(self, c)[indices]
            for c in ("images", *COLUMNS)
            if getattr(self, c) is not None
        }
        return replace(self, **columns)

    def frozen(self) -> "Dataset":
        """Return the data set itself with read-only arrays, which a cache may keep.

        Raises ValueError, as NumPy does, where an array is written to afterwards.
        """
        for column in ("images", *COLUMNS):
            if getattr(self, column) is not None:
                getattr(self, column).flags.writeable = False
        return self

    def subset(self, n: int, seed: int = 0) -> "Dataset":
        """Return `n` images drawn without replacement; the same seed, the same images.

        A smaller subset of the same seed is the beginning of a larger one. Raises
        ValueError if there are not that many images.
        """
        if not 1 <= n <= len(self):
            raise ValueError(
                f"A subset of {n} images cannot be drawn from the {len(self)} of "
                f"{self.name!r} ({self.split}): ask for 1 to {len(self)}."
            )
        return self.take(np.random.default_rng(seed).permutation(len(self))[:n])
