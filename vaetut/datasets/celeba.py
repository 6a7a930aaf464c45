"""CelebA (Liu et al. 2015), from a folder of the reader's own; any one picture, too.

The course neither holds CelebA nor fetches it: VAETUT_CELEBA names the folder. In it
are `img_align_celeba`, and as .txt (CelebA's form) or .csv (Kaggle's)
`list_attr_celeba` and `list_eval_partition`.
"""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaetut import atomic, checks, formats
from vaetut.atomic import DataError, shown
from vaetut.datasets import cache
from vaetut.datasets.dataset import Dataset
from vaetut.datasets.pictures import open_picture, read_picture

if TYPE_CHECKING:
    from PIL import Image

VARIABLE = "VAETUT_CELEBA"
SOURCE = (
    "CelebA, Liu et al. 2015, for non-commercial research, not to be redistributed; "
    "the reader's own copy"
)
SPLITS = {"train": 0, "validation": 1, "test": 2}  # numbers of CelebA's partition
PICTURES = "img_align_celeba"
ATTRIBUTES, PARTITION = "list_attr_celeba", "list_eval_partition"
WIDTH, HEIGHT = 178, 218
ROWS, COLUMNS = (40, 188), (15, 163)  # the square cut out: 148×148, the whole head
SMALLEST, LARGEST = 8, ROWS[1] - ROWS[0]
CHUNK = 2048  # pictures decoded before they are written
VERSION = 1  # of all that turns files into arrays
ATTRIBUTE_NAMES = tuple(
    """5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips
    Big_Nose Black_Hair Blond_Hair Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin
    Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male Mouth_Slightly_Open
    Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline
    Rosy_Cheeks Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat
    Wearing_Lipstick Wearing_Necklace Wearing_Necktie Young""".split()
)
LAYOUT = (
    f"Unpack CelebA's aligned pictures so that the folder holds {PICTURES} with "
    f"000001.jpg and so on, {ATTRIBUTES}.txt and {PARTITION}.txt (or both as .csv)."
)
MEND = "Restore it from CelebA's own archive."


def load(size: int, split: str = "train", limit: int | None = None) -> Dataset:
    """Return one split of the reader's CelebA: uint8 (n, size, size, 3), attributes.

    Of each picture of 178×218 the rows 40 to 187 and columns 15 to 162 are cut out and
    reduced to size×size, once: then they come from the cache, as read-only maps.
    `limit`: the first pictures of the split only. Attributes are bool (n, 40).

    Raises ValueError for an unknown split and an impossible size or limit, DataError
    if the folder is not named, or is not CelebA: it names the file and the mend.
    """
    checks.one_of("split", split, SPLITS, "CelebA")
    size = checks.whole_number("size", size, SMALLEST, LARGEST)
    if limit is not None:
        limit = checks.whole_number("limit", limit)
    tables, fingerprint = _find_tables()
    key = {
        "version": VERSION,
        "size": size,
        "split": split,
        "limit": limit,
        "rows": ROWS,
        "columns": COLUMNS,
        **fingerprint,
    }
    name = f"celeba-{size}"
    arrays = cache.cached(name, key, partial(_write, tables, size, split, limit))
    return Dataset(
        name=name,
        split=split,
        images=arrays["images"],
        source=SOURCE,
        attributes=arrays["attributes"],
        attribute_names=ATTRIBUTE_NAMES,
    )


def verify(size: int) -> list[str]:
    """Return what is wrong with CelebA of one size here, one line each.

    That is the folder, if one is named, and what the cache holds.
    """
    problems = []
    if os.environ.get(VARIABLE):
        try:
            _find_tables()
        except DataError as error:
            problems.append(str(error))
    return problems + cache.verify(f"celeba-{size}")


def find_folder() -> Path:
    """Return the folder that VAETUT_CELEBA names; DataError if it is none.

    Raises DataError, saying where CelebA is to be had, if it names none or no folder.
    """
    given = os.environ.get(VARIABLE)
    if not given:
        raise DataError(
            f"CelebA is not part of the course. Get it from its official site (CelebA, "
            f"Liu et al. 2015), under its terms, and set {VARIABLE} to its folder. "
            f"{LAYOUT}"
        )
    path = Path(given).expanduser()
    if not os.path.isdir(path):
        raise DataError(
            f"{path} is no folder: set {VARIABLE} to the one that holds {PICTURES}."
        )
    return path


def _find_tables() -> tuple["_Tables", dict]:
    """Return the parts of the reader's folder, and what tells it from another."""
    root = find_folder()
    try:
        tables = _Tables(root)
        return tables, tables.fingerprint()
    except OSError as error:
        raise DataError(
            f"{error.filename or root} cannot be read ({error.strerror}): get "
            f"permission to, or set {VARIABLE} to another copy."
        ) from error


class _Tables:
    """Where the parts of a CelebA folder are, and what its two tables say."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pictures = self._pictures()
        self.names = sorted(
            entry.name
            for entry in os.scandir(self.pictures)
            if re.fullmatch(r"\d{6}\.jpg", entry.name)
        )
        if not self.names:
            raise DataError(
                f"{self.pictures} holds no pictures such as 000001.jpg, but "
                f"{_content(self.pictures)}. {LAYOUT}"
            )
        self.attributes = self._table(ATTRIBUTES)
        self.partition = self._table(PARTITION)

    def _pictures(self) -> Path:
        path = self.root / PICTURES
        if not path.is_dir():
            raise DataError(
                f"{self.root} holds no folder {PICTURES}, but {_content(self.root)}. "
                f"{LAYOUT}"
            )
        # Kaggle's archive has a folder of the same name within.
        return path / PICTURES if (path / PICTURES).is_dir() else path

    def _table(self, stem: str) -> Path:
        for suffix in (".txt", ".csv"):
            if (self.root / f"{stem}{suffix}").is_file():
                return self.root / f"{stem}{suffix}"
        raise DataError(
            f"{self.root} holds neither {stem}.txt nor {stem}.csv, but "
            f"{_content(self.root)}. {LAYOUT}"
        )

    def fingerprint(self) -> dict:
        """Return what tells this folder from another, without reading its pictures.

        That is how many pictures there are, the bytes of about 1,000, and both tables'
        SHA-256. Raises DataError for a table that cannot be read.
        """
        step = max(len(self.names) // 1000, 1)
        paths = [self.pictures / name for name in self.names[::step]]
        return {
            "pictures": len(self.names),
            "bytes_of_some": sum(path.stat().st_size for path in paths),
            "attributes": atomic.sha256(_read(self.attributes)),
            "partition": atomic.sha256(_read(self.partition)),
        }

    def split(self, split: str) -> tuple[list[str], np.ndarray]:
        """Return names and attributes, bool (n, 40), of a split, in CelebA's order.

        Raises DataError, naming the table, where it is not CelebA's.
        """
        names, rows = self._rows(self.attributes, ATTRIBUTE_NAMES)
        self._compare(self.attributes, names)
        values = _numbers(self.attributes, names, rows, {"-1", "1"})
        listed, parts = self._rows(self.partition, ("partition",))
        self._compare(self.partition, listed)
        numbers = _numbers(self.partition, listed, parts, {"0", "1", "2"})
        part = dict(zip(listed, numbers[:, 0].tolist(), strict=True))
        chosen = [k for k, name in enumerate(names) if part[name] == SPLITS[split]]
        if not chosen:
            raise DataError(
                f"{self.partition} puts no picture into {split!r} ({SPLITS[split]}). "
                f"{MEND}"
            )
        return [names[k] for k in chosen], values[chosen] == 1

    def _rows(self, path: Path, columns: tuple) -> tuple[list[str], list[list[str]]]:
        """Return the names of the pictures and the words beside them."""
        if path.suffix == ".csv":
            what = "a table of CelebA"
            head, *rows = formats.read_table(path, what, DataError, MEND) or [[]]
            head = head[1:]
        else:
            lines = _text(path).splitlines()
            rows = [line.split() for line in lines if line.strip()]
            head = list(columns)
            if path.stem == ATTRIBUTES:
                first, rows = rows[:1], rows[1:]
                head, rows = rows[0] if rows else [], rows[1:]
                if first != [[str(len(rows))]]:
                    said = " ".join(*first) if first else "nothing"
                    raise DataError(
                        f"{path} announces {said[:20]!r} and lists {len(rows)} "
                        f"pictures. {MEND}"
                    )
        if head != list(columns):
            strange = sorted(set(head) ^ set(columns)) or "the same in another order"
            raise DataError(
                f"{path} has other columns than CelebA; the difference: {strange}. "
                f"{MEND}"
            )
        for row in rows:
            if len(row) != 1 + len(columns):
                raise DataError(
                    f"{path} has {len(row) - 1} values for {row[0]}, expected "
                    f"{len(columns)}. {MEND}"
                )
        return [row[0] for row in rows], [row[1:] for row in rows]

    def _compare(self, path: Path, listed: list[str]) -> None:
        """Raise DataError unless a table lists every picture of the folder once."""
        here = set(self.names)
        if len(listed) == len(here) and set(listed) == here:
            return
        problem = f"{path} lists {len(listed)} pictures, {self.pictures} holds "
        problem += f"{len(here)}"
        for text, names in (
            ("listed and not there", set(listed) - here),
            ("there and not listed", here - set(listed)),
        ):
            if names:
                problem += f"; {len(names)} {text}, the first {min(names)}"
        if len(set(listed)) < len(listed):
            problem += "; some are listed more than once"
        raise DataError(f"{problem}. Unpack CelebA's archive again, as a whole.")


def _write(
    tables: _Tables, size: int, split: str, limit: int | None, folder: Path
) -> None:
    names, attributes = tables.split(split)
    if limit is not None and limit > len(names):
        raise ValueError(
            f"The first {limit} of the {len(names)} pictures of CelebA's {split!r}: "
            f"ask for 1 to {len(names)}."
        )
    names, attributes = names[:limit], attributes[:limit]
    paths = [tables.pictures / name for name in names]
    shape = (len(paths), size, size, 3)
    cache.write_rows(folder / "images.npy", shape, np.uint8, _decoded(paths, size))
    np.save(folder / "attributes.npy", attributes)


def _decoded(paths: list[Path], size: int) -> Iterator[np.ndarray]:
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for start in range(0, len(paths), CHUNK):
            images = threads.map(partial(_aligned, size), paths[start : start + CHUNK])
            yield np.stack(list(images))


def _aligned(size: int, path: Path) -> np.ndarray:
    """Return the square of one of CelebA's pictures."""
    image = open_picture(path, MEND)
    if image.size != (WIDTH, HEIGHT) or image.mode != "RGB":
        width, height = image.size
        raise DataError(
            f"{path} is {width}×{height}, {image.mode}; CelebA's aligned pictures are "
            f"{WIDTH}×{HEIGHT}, RGB. {MEND}"
        )
    return _square(image, size, (COLUMNS[0], ROWS[0], COLUMNS[1], ROWS[1]))


def read_face(path: Path, size: int) -> np.ndarray:
    """Return the central square of one picture of the reader's: uint8 (size, size, 3).

    It may come in any form that `pictures.read_picture` takes; what is transparent
    becomes white. That it shows a face, large and upright in the middle as the models
    know them, is for the reader to see to.

    Raises DataError, naming the file, as `read_picture`, and for a picture smaller than
    size; ValueError for a size below 1.
    """
    size = checks.whole_number("size", size)
    path = Path(path)
    image = read_picture(path, "RGB", "white")
    if min(image.size) < size:
        width, height = image.size
        raise DataError(
            f"{shown(path)} is {width}×{height}, smaller than {size}×{size}: give a "
            "larger picture."
        )
    side = min(image.size)
    left, top = ((length - side) // 2 for length in image.size)
    return _square(image, size, (left, top, left + side, top + side))


def _square(image: "Image.Image", size: int, box: tuple) -> np.ndarray:
    from PIL import Image

    return np.array(image.resize((size, size), Image.Resampling.BICUBIC, box=box))


def _numbers(path: Path, names: list, rows: list, allowed: set) -> np.ndarray:
    """Return the words of a table as int8, (n, m), if all are among those allowed."""
    words = np.array(rows)
    wrong = ~np.isin(words, sorted(allowed))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DataError(
            f"{path} has the value {str(words[row, column])!r} for {names[row]}, "
            f"expected one of {', '.join(sorted(allowed))}. {MEND}"
        )
    return words.astype(np.int8)


def _content(folder: Path) -> str:
    """Return what is in a folder, in words."""
    names = sorted(path.name for path in folder.iterdir())
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more if names else "nothing"


def _read(path: Path) -> bytes:
    return atomic.read_bytes(path, DataError, MEND, most=formats.LARGEST_TABLE)


def _text(path: Path) -> str:
    with formats.parsing(path, "a text file", DataError, MEND):
        return _read(path).decode("utf-8-sig")
