"""The record in which every data set of the course arrives."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from vaetut import checks

KINDS = {  # what is known of each image -> kinds of its dtype, in words, axes
    "factors": ("f", "floats", 2),
    "labels": ("iu", "whole numbers", 1),
    "attributes": ("b", "booleans", 2),
}
COLUMNS = tuple(KINDS)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images of one split with what is known about each of them.

    Raises ValueError if the images are not uint8 of shape (n, h, w, c), if a column is
    not of its kind or does not have one row an image, for factors that are not finite,
    and for a label that is no index into the class names.
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
        if np.ma.is_masked(images):
            raise ValueError(f"images of {self.name!r} have masked pixels: fill them.")
        for column in COLUMNS:
            if getattr(self, column) is not None:
                self._check_column(column)
        self._check_labels()
        if self.factors is not None:
            checks.finite_array(f"factors of {self.name!r}", self.factors, empty=True)

    def _check_column(self, column: str) -> None:
        """Raise ValueError unless a column is of its kind, a row an image."""
        kinds, wanted, ndim = KINDS[column]
        values, whose = getattr(self, column), f"{column} of {self.name!r}"
        if not isinstance(values, np.ndarray) or values.dtype.kind not in kinds:
            kind = getattr(values, "dtype", type(values).__name__)
            raise ValueError(f"{whose} must be an array of {wanted}, not {kind}.")
        if np.ma.is_masked(values):
            raise ValueError(f"{whose} have masked values: drop those images.")
        if values.ndim != ndim:
            raise ValueError(
                f"{whose} must have {ndim} axes, not shape {values.shape}."
            )
        if len(values) != len(self.images):
            raise ValueError(
                f"{whose} has {len(values)} rows for {len(self.images)} images: give "
                "one row an image."
            )

    def _check_labels(self) -> None:
        """Raise ValueError for a label that is no index into `class_names`."""
        if self.labels is None or not len(self.labels):
            return
        most = len(self.class_names) - 1 if self.class_names else 2**31
        for label in (self.labels.min(), self.labels.max()):
            checks.whole_number(f"labels of {self.name!r}", label, 0, most)

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
        ValueError if there are not that many images, or the seed is no whole number.
        """
        seed = checks.seed_number("seed", seed)
        try:
            n = checks.whole_number("n", n, 1, len(self))
        except ValueError:
            raise ValueError(
                f"A subset of {n!r} images cannot be drawn from the {len(self)} of "
                f"{self.name!r} ({self.split}): ask for 1 to {len(self)}."
            ) from None
        return self.take(np.random.default_rng(seed).permutation(len(self))[:n])
