"""The polar data sets of the course: drawn on demand, never stored with it."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from vaetut import atomic, checks
from vaetut.datasets.dataset import Dataset
from vaetut.datasets.files import save_splits
from vaetut.datasets.polar.curve import FACTOR_NAMES
from vaetut.datasets.polar.holes import HOLES, Disc, Strip, hole_named, outside
from vaetut.datasets.polar.points import sample
from vaetut.datasets.polar.render import (
    INK,
    LIMIT,
    REFERENCE_HEIGHT,
    REFERENCE_LINE_WIDTH,
    REFERENCE_SCALE,
    REFERENCE_WIDTH,
    canvas_named,
)

POINTS = 5000  # drawn for every set of the course, as in the reference
SIZE = 256  # pixels a side, the source's
SEED = 0
# The first seed of whose 5,000 points 490 lie in the hole, as in the reference's draw
REFERENCE_SEED = 128
TEST_SHARE = 501 / 5000  # the reference's 4,499 and 501 images
PUNCTURED_TEST_SHARE = 211 / 4510  # its 4,299 and 211
SPLITS = ("train", "test", "hole")
SOURCE = "Drawn by the course, CC BY 4.0; curve and hole after M-Lin-DM 2021"
POINTS_SHA256 = {  # of the 5,000 points of a seed, as little-endian float64
    SEED: ("7fcce66176ea1a6fd278c07c1c2ffc08fe9f945d1a690d3d924e3d30361b67aa"),
    REFERENCE_SEED: (
        "91d2869a61cd618899dc08007987dfe0dd97c99bf81cb052eaa7a3f6fcf057cc"
    ),
}


def make_polar(
    n: int = POINTS,
    seed: int = SEED,
    size: int = SIZE,
    split: str = "train",
    hole: str | Disc | Strip | None = None,
    canvas: str = "square",
) -> Dataset:
    """Return one split of the images of n points drawn uniformly over the plane.

    The last tenth of the points is "test", the rest "train". A set with a hole, which
    is a name in `HOLES`, a `Disc` or a `Strip`, leaves out the points in it first,
    keeps its last twentieth to test, and has a third split, "hole", of what it left
    out. The shares are those of the reference: 4,499 and 501 images for n = 5000, and
    4,299 and 211 with `REFERENCE_SEED` and "disc", where as many points lie in the
    hole as in the reference's draw. canvas: "square" or "reference". The factors are
    (a, b). Raises ValueError for numbers that make no sense, or a split without a
    point.
    """
    draw = canvas_named(canvas)
    size = checks.whole_number("size", size, least=8, most=4096)
    if hole is not None:
        hole_named(hole)
    points = _split_points(n, seed, split, hole)
    return Dataset(
        name=_name(size, canvas, hole),
        split=split,
        images=draw(points, size),
        source=SOURCE,
        factors=points,
        factor_names=FACTOR_NAMES,
    )


def _split_points(
    n: int, seed: int, split: str, hole: str | Disc | Strip | None
) -> np.ndarray:
    splits = SPLITS if hole else SPLITS[:2]
    owner = f"a polar set {'with' if hole else 'without'} a hole"
    checks.one_of("split", split, splits, owner)
    points = sample(checks.whole_number("n", n, least=2), seed)
    kept = outside(points, hole) if hole else np.full(len(points), True)
    if split == "hole":
        chosen = points[~kept]
    else:
        points = points[kept]
        share = PUNCTURED_TEST_SHARE if hole else TEST_SHARE
        border = len(points) - max(1, round(share * len(points)))
        chosen = points[border:] if split == "test" else points[:border]
    if not len(chosen):
        raise ValueError(
            f"Of {n} points none is left for the split {split!r}: take more points or "
            "another hole."
        )
    return chosen


def _name(size: int, canvas: str, hole: str | Disc | Strip | None) -> str:
    """Return what a set is called: "polar" with what it has that others have not."""
    parts = ["polar", "" if canvas == "square" else canvas]
    parts += ["" if size == SIZE else str(size)]
    if hole:
        known = isinstance(hole, str) and hole != "disc"
        parts.append(f"without-{hole}" if known else "punctured")
    return "-".join(part for part in parts if part)


def _sets(
    size: int, canvas: str, seed: int, holes: Iterable[str | None]
) -> dict[str, dict]:
    return {
        _name(size, canvas, hole): {
            "size": size,
            "canvas": canvas,
            "seed": seed,
            "hole": hole,
        }
        for hole in holes
    }


SETS = {  # name -> the arguments of make_polar
    **_sets(SIZE, "square", SEED, (None, "disc")),
    **_sets(128, "square", SEED, (None, "disc")),
    **_sets(64, "square", SEED, (None, *HOLES)),
    **_sets(SIZE, "reference", REFERENCE_SEED, (None, "disc")),
    **_sets(64, "reference", REFERENCE_SEED, (None, "disc")),
}


def load(name: str, split: str = "train") -> Dataset:
    """Return one split of a set of the course, drawn at the first call of a process.

    name: a key of `SETS`; split: "train" or "test", and "hole" of a punctured set.
    The arrays are read-only. Raises ValueError for an unknown name or split.
    """
    return _load(_known(name), split)


def image_shape(name: str) -> tuple[int, int, int]:
    """Return height, width and channels of a set's images, which are not drawn."""
    size = SETS[_known(name)]["size"]
    return size, size, 1


@lru_cache(maxsize=4)  # 300 MB each at 256×256
def _load(name: str, split: str) -> Dataset:
    return make_polar(split=split, **SETS[name]).frozen()


def _known(name: str) -> str:
    return checks.one_of("polar set", name, SETS)


def make(name: str, folder: Path, format: str = "png") -> list[Path]:
    """Draw every split of a set into a folder and return what was written.

    format and errors as in `files.save_splits`; ValueError for an unknown name, too.
    """
    arguments = SETS[_known(name)]
    splits = SPLITS if arguments["hole"] else SPLITS[:2]

    def drawn(split):
        return make_polar(split=split, **arguments)

    return save_splits(drawn, splits, folder, format)


def verify(name: str) -> list[str]:
    """Return what this machine would draw differently, one line each; empty if nothing.

    The points of the seed must have the SHA-256 that the course knows, and a circle
    the ink of its circumference, within 2 %.
    """
    recipe = SETS[_known(name)]
    problems = []
    points = sample(POINTS, recipe["seed"]).astype("<f8")
    digest = atomic.sha256(points.tobytes())
    if digest != POINTS_SHA256[recipe["seed"]]:
        problems.append(
            f"{name}: seed {recipe['seed']} gives other points here (SHA-256 "
            f"{digest[:12]}…). Install the NumPy of constraints.txt."
        )
    drawn = canvas_named(recipe["canvas"])([[1.0, 0.0]], recipe["size"])
    ink, expected = drawn.mean() / 255, _circle_ink(recipe)
    if abs(ink / expected - 1) > 0.02:
        problems.append(
            f"{name}: a circle of radius 1 has {ink:.3%} ink instead of {expected:.3%}."
            " Install the matplotlib and Pillow of constraints.txt."
        )
    return problems


def _circle_ink(recipe: dict) -> float:
    """Return the share of a canvas that a circle of radius 1 covers."""
    if recipe["canvas"] == "reference":
        stroke = 2 * np.pi * REFERENCE_SCALE * REFERENCE_LINE_WIDTH
        return stroke / (REFERENCE_WIDTH * REFERENCE_HEIGHT)
    size = recipe["size"]
    return 2 * np.pi * (size / (2 * LIMIT)) * (size * INK) / size**2
