"""Anyone's pictures, read in one way, whatever form they come in.

A picture is turned upright as its EXIF says, 16 bits a channel are scaled to 8, and
what is transparent shows the ground that the caller states. What is no ordinary file,
or too large, is refused by its name before anything of it is decoded.
"""

from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from vaetut import atomic, checks
from vaetut.atomic import DataError, shown

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")  # that Pillow may decode
PIXELS = 2**26  # at most, 8192×8192: 270 MB while it is decoded
BYTES = 2**28  # of a file at most: so many pixels in three colours, as they are
GROUNDS = ("black", "white")
MEND = "Give a JPEG or PNG file."


def read_picture(
    path: Path, mode: str = "RGB", ground: str = "white", mend: str = MEND
) -> "Image.Image":
    """Return the picture in a file, upright, in 8 bits, without transparency.

    mode: "RGB" or "L", grey; ground: "white" or "black", which shows where the picture
    is transparent. Of several frames it is the first. Raises DataError, naming the file
    and the `mend`, if it is missing, no ordinary file, no picture in one of `FORMATS`,
    damaged, of floats or more than 16 bits, or of more than `PIXELS`; ValueError for
    another mode or ground.
    """
    from PIL import Image, ImageOps

    checks.one_of("mode", mode, ("RGB", "L"))
    checks.one_of("ground", ground, GROUNDS)
    image = open_picture(path, mend)
    try:
        image = _eight_bits(ImageOps.exif_transpose(image))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            opaque = Image.new("RGBA", image.size, ground)
            image = Image.alpha_composite(opaque, image)
        return image.convert(mode)
    except Exception as fault:  # of a strange EXIF or palette anything may come
        raise _undecoded(path, fault, mend) from fault


def open_picture(path: Path, mend: str = MEND) -> "Image.Image":
    """Return the decoded picture in a file, as it is: of any size, mode and turn.

    Raises as `read_picture`, but for what is done to the picture there.
    """
    atomic.check_file(path, DataError, mend, BYTES)
    try:
        with open(path, "rb") as file:
            return decode(file, path, mend)
    except OSError as error:
        raise DataError(
            f"{shown(path)} cannot be read ({error.strerror}). {mend}"
        ) from error


def decode(file: IO[bytes], path: Path, mend: str = MEND) -> "Image.Image":
    """Return the decoded picture that an open file holds, as it is.

    `path` is what the file is called. Raises DataError, naming it and the `mend`, if
    it is no picture in one of `FORMATS`, damaged, or of more than `PIXELS`.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file, formats=FORMATS) as image:
            width, height = image.size
            if width * height > PIXELS:
                raise ValueError(
                    f"it is {width}×{height}; more than {PIXELS:,} pixels are too many"
                )
            image.load()
            return image
    except UnidentifiedImageError as error:
        raise DataError(
            f"{shown(path)} is no picture that can be read. {mend}"
        ) from error
    # Pillow's decoders raise SyntaxError, struct.error, DecompressionBombError, …
    except Exception as fault:
        raise _undecoded(path, fault, mend) from fault


def _undecoded(path: Path, fault: Exception, mend: str) -> DataError:
    return DataError(f"{shown(path)} cannot be decoded ({shown(fault)}). {mend}")


def _eight_bits(image: "Image.Image") -> "Image.Image":
    """Return a picture with 8 bits a channel; what is transparent stays so."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError("it holds floats: save it with 8 or 16 bits")
    if not image.mode.startswith("I"):
        return image
    deep = np.asarray(image)
    if deep.size and (deep.min() < 0 or deep.max() > 65535):
        raise ValueError("it has more than 16 bits a channel: save it with 8 or 16")
    grey = Image.fromarray(np.rint(deep / np.float32(257)).astype(np.uint8))
    clear = image.info.get("transparency")
    if clear is not None:
        grey.putalpha(Image.fromarray(np.uint8(255) * (deep != clear)))
    return grey
