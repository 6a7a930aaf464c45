"""Data sets on disk and back, exactly: a folder of PNG files, or one .npz file.

A folder holds an image a file, `factors.csv` with a row an image (file, its SHA-256,
factors, label, attributes) and `dataset.json` with the rest and the SHA-256 of the
table. Both forms appear under their name when they are whole, or not at all.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from vaetut import atomic, checks, formats
from vaetut.atomic import DataError
from vaetut.datasets.dataset import COLUMNS, Dataset
from vaetut.datasets.pictures import decode

NAMES = ("class_names", "factor_names", "attribute_names")
TABLE, ABOUT = "factors.csv", "dataset.json"
MEND = "Make the data set again, or copy it again from where it is whole."


def save_npz(data: Dataset, path: Path) -> None:
    """Write a data set into one compressed .npz file, in place of what is there.

    Raises DataError, naming the file, if that fails; what was there before stays.
    """
    columns = {c: getattr(data, c) for c in COLUMNS if getattr(data, c) is not None}
    with _whole(Path(path)) as temporary, open(temporary, "wb") as file:
        about = np.array(json.dumps(_about(data)))
        np.savez_compressed(file, about=about, images=data.images, **columns)


def load_npz(path: Path) -> Dataset:
    """Return the data set in a file that `save_npz` wrote.

    Raises DataError, naming the file, if it is missing, damaged or something else, or
    unfolds to far more than its size.
    """
    path, what = Path(path), "a whole data set"
    names = ("about", "images", *COLUMNS)
    arrays = formats.read_npz(path, what, DataError, MEND, names)
    with formats.parsing(path, what, DataError, MEND):
        text = arrays.pop("about").item()
        about = formats.parse_json(text, path, what, DataError, MEND)
        return _dataset(about, arrays.pop("images"), arrays)


def save_folder(data: Dataset, folder: Path) -> None:
    """Write a data set into a new folder of PNG files with a table of its factors.

    Raises DataError if the folder holds something already or cannot be written, and
    ValueError for images that are neither grey (1 channel) nor colour (3).
    """
    folder = Path(folder)
    channels = data.image_shape[-1]
    if channels not in (1, 3):
        raise ValueError(f"PNG files of {channels} channels: give 1 or 3, or an .npz.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is not empty: remove it or choose another folder.")
    with _whole(folder) as temporary:
        temporary.mkdir()
        digits = len(str(max(len(data) - 1, 0)))
        rows = []
        for k in range(len(data)):
            name, png = f"{k:0{digits}d}.png", _png(data.images[k])
            (temporary / name).write_bytes(png)
            rows.append([name, atomic.sha256(png), *_values(data, k)])
        table = _csv([_header(data), *rows])
        (temporary / TABLE).write_bytes(table)
        about = _about(data) | {"table_sha256": atomic.sha256(table)}
        (temporary / ABOUT).write_text(json.dumps(about, indent=1) + "\n", "utf8")


def load_folder(folder: Path) -> Dataset:
    """Return the data set in a folder that `save_folder` wrote.

    Raises DataError, naming the file, if one is missing, damaged or altered.
    """
    folder = Path(folder)
    path, what = folder / ABOUT, "the description of a data set"
    about = formats.read_json(path, what, DataError, MEND)
    with formats.parsing(path, what, DataError, MEND):
        stated, shape = about["table_sha256"], tuple(about["image_shape"])
    header, rows, files = _table(folder, stated)
    with formats.parsing(path, what, DataError, MEND):
        images = _images(files, [row[1] for row in rows], shape)
        values = np.array([row[2:] for row in rows]).reshape(len(rows), len(header) - 2)
        return _dataset(about, images, _split_columns(about, values))


def _table(folder: Path, sha256: str) -> tuple[list, list[list], list[Path]]:
    """Return the head and the rows of a folder's table, and the file of each row."""
    path, what = folder / TABLE, "the table of a data set"
    table = formats.read_table(path, what, DataError, MEND, sha256)
    with formats.parsing(path, what, DataError, MEND):
        header, *rows = table
        if any(len(row) != len(header) or len(row) < 2 for row in table):
            raise ValueError("its rows differ in length")
        files = [_beside(folder, row[0]) for row in rows]
        if len(set(files)) < len(files):
            raise ValueError("a file stands in it twice")
    return header, rows, files


def _beside(folder: Path, name: str) -> Path:
    """Return the path of a file of a folder; a link must not lead out of it."""
    path = folder / formats.plain_name(name)
    if path.resolve().parent != folder.resolve():
        raise ValueError(f"{name!r} is a link that leads out of the folder")
    return path


def _images(files: list[Path], hashes: list[str], shape: tuple) -> np.ndarray:
    """Return the images (n, h, w, c) in PNG files, which must have these hashes."""
    height, width, channels = (checks.whole_number("image_shape", k) for k in shape)
    total = len(files) * height * width * channels
    packed = sum(atomic.check_file(path, DataError, MEND) for path in files)
    formats.check_unfolded(total, packed)
    images = np.empty((len(files), height, width, channels), np.uint8)
    for image, path, sha256 in zip(images, files, hashes, strict=True):
        raw = atomic.read_bytes(path, DataError, MEND, sha256)
        pixels = np.asarray(decode(io.BytesIO(raw), path, MEND))
        if pixels.shape[:2] != (height, width) or pixels.size != image.size:
            raise ValueError(f"{path.name} is {pixels.shape}, expected {shape}")
        image[:] = pixels.reshape(image.shape)
    return images


FORMATS = {"png": (save_folder, ""), "npz": (save_npz, ".npz")}


def save_splits(
    load: Callable[[str], Dataset],
    splits: Iterable[str],
    folder: Path,
    format: str = "png",
) -> list[Path]:
    """Write splits of a data set into a folder and return what was written.

    `load(split)` gives the images of a split when its turn comes. format: "png" for a
    folder a split with its factors.csv, "npz" for a file a split. Raises ValueError
    for an unknown format, DataError if something cannot be written.
    """
    save, suffix = FORMATS[checks.one_of("format", format, FORMATS)]
    paths = []
    for split in splits:
        paths.append(Path(folder, split + suffix))
        save(load(split), paths[-1])
    return paths


def _about(data: Dataset) -> dict:
    """Return what is known about a data set besides its arrays; JSON."""
    arrays = {c: getattr(data, c) for c in COLUMNS if getattr(data, c) is not None}
    return {
        "name": data.name,
        "split": data.split,
        "source": data.source,
        "class_names": data.class_names,
        "factor_names": data.factor_names,
        "attribute_names": data.attribute_names,
        "image_shape": data.image_shape,
        "columns": {c: [a.dtype.str, a.shape[1:]] for c, a in arrays.items()},
    }


def _dataset(about: dict, images: np.ndarray, columns: dict) -> Dataset:
    known: dict = {k: tuple(map(str, about[k])) for k in about if k in NAMES}
    known |= {k: about[k] for k in ("name", "split", "source")} | columns
    return Dataset(images=images, **known)


def _header(data: Dataset) -> list[str]:
    groups = (
        (data.factors, data.factor_names, "factor"),
        (data.labels, ("label",), "label"),
        (data.attributes, data.attribute_names, "attribute"),
    )
    header = ["file", "sha256"]
    for values, names, fallback in groups:
        width = 0 if values is None else values[:1].size if len(values) else len(names)
        spare = [f"{fallback} {i}" for i in range(len(names), width)]
        header += [*names[:width], *spare]
    return header


def _values(data: Dataset, k: int) -> list:
    """Return the numbers of one row, each written so that it reads back the same."""
    columns = [getattr(data, c) for c in COLUMNS if getattr(data, c) is not None]
    return [
        repr(float(v) if c.dtype.kind == "f" else int(v))
        for c in columns
        for v in np.atleast_1d(c[k])
    ]


def _split_columns(about: dict, values: np.ndarray) -> dict:
    columns, start = {}, 0
    for name, (dtype, shape) in about["columns"].items():
        stop = start + int(np.prod(shape, dtype=int))
        number = float if np.dtype(dtype).kind == "f" else int
        column = values[:, start:stop].astype(number).astype(dtype)
        columns[name] = column.reshape(len(values), *shape)
        start = stop
    return columns


def _csv(rows: list) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf8")


def _png(image: np.ndarray) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _whole(target: Path) -> AbstractContextManager[Path]:
    place = "Free some space, or choose a place that can be written to."
    return atomic.appears_whole(target, DataError, place)
