"""Colour pictures for explorers: checked, in strips, packed as PNG or JPEG."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from vaetut.widgets.checks import greys, wrong
from vaetut.widgets.explorer import pack_png

JPEG_QUALITY = 92  # of 100


def colours(
    what: str, images: ArrayLike, shape: Sequence[int | None] = ()
) -> np.ndarray:
    """Return images as uint8 (n, h, w, 3), or say what is wrong with them.

    They are uint8 or floats in [0, 1] of one or three channels, and one below the other
    no higher than a browser takes. `shape` is what (n, h, w) must be, with None for
    what is free. Raises ValueError that starts with `what`.
    """
    images = np.asarray(images)
    wanted = tuple(shape) or (None, None, None)
    fits = images.ndim == 4 and images.size and images.shape[3] in (1, 3)
    if not fits or any(
        want not in (None, got)
        for want, got in zip(wanted, images.shape[:3], strict=True)
    ):
        sizes = zip(wanted, "nhw", strict=True)
        text = ", ".join(name if want is None else str(want) for want, name in sizes)
        raise wrong(what, f"has shape {images.shape}", f"give ({text}, 3)")
    return np.repeat(greys(what, images), 3 // images.shape[3], axis=3)


def picture_uri(images: ArrayLike, lossless: bool = False) -> str:
    """Return uint8 images (n, h, w, 3), one below the other, as a data URI.

    It is a PNG, or, unless `lossless`, a JPEG of quality 92 where that is smaller.
    """
    column = np.asarray(images).reshape(-1, *np.shape(images)[2:])
    kind, data = "png", pack_png(column)
    if not lossless:
        stream = io.BytesIO()
        options = {"quality": JPEG_QUALITY, "subsampling": 0, "optimize": True}
        Image.fromarray(column).save(stream, "JPEG", **options)
        small = base64.b64encode(stream.getvalue()).decode()
        if len(small) < len(data):
            kind, data = "jpeg", small
    return f"data:image/{kind};base64,{data}"
