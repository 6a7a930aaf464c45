"""What widgets check of their arguments: each says what is wrong, and what to give."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vaetut.datasets.polar import A_RANGE, B_RANGE

LONGEST = 32_767  # pixels: browsers decode no longer picture


def wrong(what: str, fault: str, mend: str) -> ValueError:
    """Return the error that says what is wrong with an argument, and what to do."""
    return ValueError(f"{what} {fault}: {mend}.")


def is_text(value: object) -> bool:
    """Return whether a value is a text that has more than spaces."""
    return isinstance(value, str) and bool(value.strip())


def is_above_zero(value: Any) -> bool:
    """Return whether a value is a finite number above 0."""
    real = np.isscalar(value) and np.isreal(value)
    return bool(real and 0 < value < np.inf)


def names_of(what: str, mapping: Any, mend: str) -> list[str]:
    """Return the keys of a mapping that has some, all texts, or say what to give."""
    if not isinstance(mapping, dict) or not mapping:
        raise ValueError(f"{what} is {type(mapping).__name__} or empty: {mend}.")
    for name in mapping:
        if not is_text(name):
            raise ValueError(f"{what} has the name {name!r}: give each a short text.")
    return list(mapping)


def plane(ranges: ArrayLike) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ranges of a and b as floats, or say what is wrong with them."""
    try:
        pairs = np.asarray(ranges, float)
    except (TypeError, ValueError):
        pairs = np.empty(0)
    if pairs.shape != (2, 2) or not (pairs[:, 0] < pairs[:, 1]).all():
        raise ValueError(f"ranges are {ranges!r}: give ((a0, a1), (b0, b1)), growing.")
    (a0, a1), (b0, b1) = pairs.tolist()
    return (a0, a1), (b0, b1)


def check_in_plane(what: str, factors: np.ndarray) -> None:
    """Raise ValueError unless points (n, 2) are of the plane of the polar images."""
    low, high = np.transpose([A_RANGE, B_RANGE])
    if not ((low <= factors) & (factors <= high)).all():
        mend = (
            f"give a from {low[0]:g} to {high[0]:g} and b from {low[1]:g} to "
            f"{high[1]:g}"
        )
        raise wrong(what, "lie outside the plane", mend)


def check_own_names(what: str, names: list[str]) -> None:
    """Raise ValueError unless things have a name of their own each."""
    if len(set(names)) < len(names):
        mend = "give each its own name"
        raise wrong(what, f"are named {', '.join(names)}", mend)


def check_alike(kind: str, properties: dict[str, dict]) -> None:
    """Raise ValueError unless all things of a kind have the same properties.

    `properties` has by the name of each thing what must be the same, by its name.
    """
    (first, wanted), *others = properties.items()
    for name, found in others:
        for what, its in found.items():
            if its != wanted[what]:
                raise ValueError(
                    f"{kind} {name!r} differs from {first!r} in its {what}, {its} "
                    f"against {wanted[what]}: give all {kind}s the same."
                )


def greys(what: str, images: np.ndarray) -> np.ndarray:
    """Return images (n, h, w, …) as uint8, or say what is wrong with them.

    They are uint8 or floats in [0, 1], and fit in a strip.
    """
    n, height, width = images.shape[:3]
    if n * height > LONGEST or width > LONGEST:
        mend = f"give fewer or smaller ones, n·h at most {LONGEST}"
        raise wrong(what, f"has shape {images.shape}", mend)
    if images.dtype == np.uint8:
        return images
    mend = "give uint8, or floats from 0 to 1"
    if images.dtype.kind != "f":
        raise wrong(what, f"is {images.dtype}", mend)
    if not ((images >= 0) & (images <= 1)).all():
        raise wrong(what, "has values beyond 0 to 1, or none", mend)
    return np.rint(images * 255.0).astype(np.uint8)
