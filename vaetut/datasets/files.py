"""Data sets on disk and back, exactly: a folder of PNG files, or one .npz file.

A folder holds an image a file, `factors.csv` with a row an image (file, its SHA-256,
factors, label, attributes) and `dataset.json` with the rest and the SHA-256 of the
table. Both forms appear under their name when they are whole, or not at all.
"""

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from vaetut import atomic, checks
from vaetut.atomic import DataError
from vaetut.datasets.dataset import COLUMNS, Dataset

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

    Raises DataError, naming the file, if it is missing, damaged or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(file["about"].item())
            columns = {c: file[c] for c in COLUMNS if c in file.files}
            return _dataset(about, file["images"], columns)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror or error}). {MEND}"
        ) from error
    except (*BROKEN, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(
            f"{path} is not a whole data set ({error!r}). {MEND}"
        ) from error


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
    raw = _read(folder / ABOUT)
    try:
        about = json.loads(raw)
        table = _read(folder / TABLE, about["table_sha256"])
        header, *rows = csv.reader(io.StringIO(table.decode("utf8")))
        images = np.empty((len(rows), *about["image_shape"]), np.uint8)
        for image, (name, sha256, *_) in zip(images, rows, strict=True):
            image[:] = _pixels(_read(folder / name, sha256)).reshape(image.shape)
        values = np.array([row[2:] for row in rows]).reshape(len(rows), len(header) - 2)
        return _dataset(about, images, _split_columns(about, values))
    except BROKEN as error:
        problem = f"{folder / ABOUT} does not describe a data set ({error!r}). {MEND}"
        raise DataError(problem) from error


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


BROKEN = (ValueError, KeyError, TypeError, AttributeError, IndexError)


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
    known: dict = {k: tuple(about[k]) for k in about if k.endswith("_names")}
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


def _pixels(png: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)))


def _read(path: Path, stated: str | None = None) -> bytes:
    return atomic.read_bytes(path, DataError, MEND, stated)


def _whole(target: Path) -> AbstractContextManager[Path]:
    place = "Free some space, or choose a place that can be written to."
    return atomic.appears_whole(target, DataError, place)
