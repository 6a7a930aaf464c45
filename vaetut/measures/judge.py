"""How well a trained model reconstructs images it was never meant for."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.special import expit

from vaetut import analysis, atomic, checks, formats
from vaetut.atomic import DataError, shown
from vaetut.datasets import polar
from vaetut.datasets.files import TABLE
from vaetut.datasets.pictures import read_picture
from vaetut.datasets.polar.curve import FACTOR_NAMES
from vaetut.datasets.polar.pictures import (
    MOST,
    VIEW,
    Aligned,
    View,
    align,
    read_strokes,
)
from vaetut.measures.strokes import ink_threshold
from vaetut.models import VAE, ImageModel

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}
MEASURES = ("bce", "excess_bce", "mse", "iou", "dice", "chamfer", "factor_error")
CHUNK = 64  # pictures that are judged at a time
# When a picture of a curve is worth a warning:
NO_CURVE = 0.1  # its residual is above this,
OUTSIDE = 0.02  # it is so far outside the plane, in units of a and b,
DISAGREE = 0.1  # or so far from the factors in its table,
BLURRED = 0.75  # or it has fewer pixels to one of the model's


def judge(
    model: ImageModel, folder: Path, dataset: str | None = None, view: View = VIEW
) -> dict[str, Any]:
    """Return the reconstruction errors of every image in a folder, and their means.

    "images": a row a file, "mean": over all of them. "bce": nats a subpixel, "mse":
    mean squared error of values in [0, 1]. Images are brought to the model's size and
    channels; what is transparent is black for a grey model, as in Fashion-MNIST, and
    white for one of colours. `dataset` is what the model was trained on: for a polar
    set, `view` is how the images show the plane, and `judge_strokes` tells what is
    measured besides. Raises ValueError if the folder has no images, if one cannot be
    used, naming the file, and for a `view` where the set is not polar; DataError for a
    file that cannot be read.
    """
    paths = list_images(folder)
    if dataset in polar.SETS:
        return judge_strokes(model, paths, polar.SETS[dataset], view)
    if view != VIEW:
        raise ValueError(
            "--limits, --aspect, --canvas and --invert are for models of polar curves; "
            f"this one is of {dataset or 'other images'}."
        )
    images = _resized(paths, model.encoder.input_shape[1:])
    logits, drawn = _reconstructed(model, images)
    errors = _pixel_errors(images, logits, drawn)
    rows = [
        {"file": path.name} | {name: float(v[k]) for name, v in errors.items()}
        for k, path in enumerate(paths)
    ]
    return {"images": rows, "mean": _means(rows, errors)}


def list_images(folder: Path) -> list[Path]:
    """Return the paths of the images in a folder, sorted by name.

    Raises ValueError if it is no folder or holds none.
    """
    if not folder.is_dir():
        raise ValueError(
            f"{shown(folder)} is not a folder: give one with images in it."
        )
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not paths:
        kinds = ", ".join(sorted(SUFFIXES))
        raise ValueError(f"{shown(folder)} holds no image: {kinds} are read.")
    return paths


def _resized(paths: Sequence[Path], shape: tuple[int, int, int]) -> np.ndarray:
    height, width, channels = shape
    mode, ground = {1: ("L", "black"), 3: ("RGB", "white")}[channels]
    images = np.empty((len(paths), *shape), np.uint8)
    for image, path in zip(images, paths, strict=True):
        picture = read_picture(path, mode, ground)
        resized = picture.resize((width, height), Image.Resampling.LANCZOS)
        image[:] = np.asarray(resized).reshape(shape)
    return images


def _reconstructed(
    model: ImageModel, images: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the logits and the values in [0, 1] that a model makes of images."""
    codes = model.encode(images)
    logits = model.decode_logits(codes[0] if isinstance(model, VAE) else codes)
    return logits, expit(logits)


def _pixel_errors(
    images: np.ndarray, logits: np.ndarray, drawn: np.ndarray
) -> dict[str, np.ndarray]:
    """Return bce and mse of uint8 images, (n,) each."""
    truth = images / np.float32(255)
    bce = -analysis.bernoulli_log_likelihood(truth, logits) / truth[0].size
    return {"bce": bce, "mse": np.square(drawn - truth).mean((1, 2, 3))}


def _means(rows: Sequence[dict[str, Any]], names: Iterable[str]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in names}


# ---- Pictures of polar curves


def judge_strokes(
    model: ImageModel, paths: list[Path], options: dict[str, Any], view: View = VIEW
) -> dict[str, Any]:
    """Return how well a model of polar curves reconstructs pictures of such curves.

    `options` are those of the model's set in `polar.SETS`. A row has `MEASURES`, as
    trained runs are measured, and

        factors        (a, b) that fit the image
        residual       what they leave unexplained: above 0.1 it is no such curve
        true_factors   (a, b) in factors.csv, if the folder has one
        drawn_factors  (a, b) that fit the reconstruction, None if that is black
        factor_error   how far these are from true_factors, or else from factors
        ink_ratio      the picture's ink over that of the model's stroke at its factors
        stroke         "as given"; "normalised" where that is above 1.25 or below its
                       inverse, up to 4: the edges of the picture's own stroke are moved
                       until it has the model's ink (`normalise_stroke`), and that is
                       reconstructed and measured
        region         of the factors: "hole", "shell" or "far", by the model's hole or,
                       if it has none, the reference's; None if it is no curve
        warnings       what is odd about it, in words

    "mean" is over all images; "regions" has, for each with images in it, how many, and
    their means. Raises ValueError, naming the file, if one cannot be used.
    """
    known = read_factors(paths)
    rows: list[dict[str, Any]] = []
    for start in range(0, len(paths), CHUNK):
        part = slice(start, start + CHUNK)
        true = None if known is None else known[part]
        rows += _judge_chunk(model, paths[part], true, options, view)
    regions: dict[str, Any] = {}
    for row in rows:
        regions.setdefault(row["region"], []).append(row)
    regions = {
        name: {"images": len(regions[name])} | _means(regions[name], MEASURES)
        for name in ("hole", "shell", "far")
        if name in regions
    }
    return {"images": rows, "mean": _means(rows, MEASURES), "regions": regions}


def _judge_chunk(
    model: ImageModel,
    paths: Sequence[Path],
    true: np.ndarray | None,
    options: dict[str, Any],
    view: View,
) -> list[dict[str, Any]]:
    aligned = [_aligned(path, options, view) for path in paths]
    images = np.stack([one.image for one in aligned])
    factors = np.array([one.factors for one in aligned])
    found, errors = _stroke_errors(
        model, images, factors if true is None else true, options
    )
    masks = analysis.regions(
        polar.hole_named(options["hole"] or "disc").distance(factors)
    )
    rows = []
    for k, (path, one) in enumerate(zip(paths, aligned, strict=True)):
        row: dict[str, Any] = {"file": path.name}
        row |= {name: float(errors[name][k]) for name in MEASURES}
        region = next(name for name, mask in masks.items() if mask[k])
        row |= {
            "factors": one.factors.tolist(),
            "residual": one.residual,
            "drawn_factors": None if np.isnan(found[k]).any() else found[k].tolist(),
            "ink_ratio": one.ink_ratio,
            "stroke": one.stroke,
            "region": region if one.residual <= NO_CURVE else None,
        }
        if true is not None:
            row["true_factors"] = true[k].tolist()
        rows.append(row | {"warnings": _warnings(row, one.detail)})
    return rows


def _aligned(path: Path, options: dict[str, Any], view: View) -> Aligned:
    picture = read_strokes(path, view.invert)
    try:
        return align(picture, options["size"], options["canvas"], view)
    except ValueError as error:
        raise ValueError(f"{shown(path)}: {error}") from error


def _stroke_errors(
    model: ImageModel, images: np.ndarray, factors: np.ndarray, options: dict[str, Any]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the factors (n, 2) of reconstructions, and `MEASURES` of them, (n,) each.

    `factors` (n, 2) are the ones that they should have.
    """
    truth = checks.strokes(images, options["size"])
    threshold = ink_threshold(options["size"])
    logits, drawn = _reconstructed(model, images)
    found = polar.fit_factors(drawn, options["canvas"]).factors
    return found, _pixel_errors(images, logits, drawn) | {
        "excess_bce": analysis.excess_bce(truth, logits),
        "iou": analysis.iou(truth, drawn, threshold),
        "dice": analysis.soft_dice(truth, drawn),
        "chamfer": analysis.chamfer(truth, drawn, threshold),
        "factor_error": analysis.factor_error(
            found, factors, (polar.A_RANGE, polar.B_RANGE)
        ),
    }


def _warnings(row: dict[str, Any], detail: float) -> list[str]:
    (a, b), texts = row["factors"], []
    shows = f"(a, b) = ({a:.2f}, {b:.2f})"
    beyond = max(
        max(low - value, value - high)
        for value, (low, high) in ((a, polar.A_RANGE), (b, polar.B_RANGE))
    )
    if row["residual"] > NO_CURVE:
        texts.append(
            f"no curve r = b·cos 5θ + a fits it (residual {row['residual']:.2f}): is "
            "it one, and are --limits, --aspect and --canvas right?"
        )
    elif beyond > OUTSIDE:
        texts.append(
            f"it shows {shows}, outside the plane of a in {polar.A_RANGE} and b in "
            f"{polar.B_RANGE} that models know: are --limits right?"
        )
    true = row.get("true_factors")
    if true and math.dist(true, (a, b)) > DISAGREE:
        texts.append(
            f"it shows {shows}, and {TABLE} says ({true[0]:.2f}, {true[1]:.2f}): are "
            "--limits right?"
        )
    if not 1 / MOST <= row["ink_ratio"] <= MOST:
        texts.append(
            f"it has {row['ink_ratio']:.2g} times the ink of the model's stroke, too "
            "far from it to be normalised: draw its line thinner or wider"
        )
    if detail < BLURRED:
        texts.append(
            f"it is small, {detail:.2g} pixels to one of the model's: enlarged, its "
            "stroke is blurred"
        )
    return texts


def read_factors(paths: list[Path]) -> np.ndarray | None:
    """Return the (a, b) in factors.csv of images in its folder, (n, 2), or None.

    The course's own table of a data set; the columns file, a and b will do, and sha256
    is checked where it is there. Raises ValueError naming the image that has no a and
    b, or is another one; DataError for a table that cannot be read.
    """
    table = paths[0].with_name(TABLE)
    if not table.exists():
        return None
    mend = "Give it rows with file, a and b in UTF-8, or remove the table."
    head, *lines = formats.read_table(table, "a table", DataError, mend) or [[]]
    rows = {line["file"]: line for line in _by_name(head, lines) if "file" in line}
    factors = []
    for path in paths:
        row, name = rows.get(path.name, {}), shown(path.name)
        try:
            values = [float(row[name]) for name in FACTOR_NAMES]
            checks.point("a and b", values)
        except (KeyError, ValueError):
            raise ValueError(
                f"{shown(table)} says no a and b of {name}: give it a row with file, a "
                "and b, or remove the table."
            ) from None
        mend = "Copy it again, or remove the table."
        raw = atomic.read_bytes(path, DataError, mend)
        digest = atomic.sha256(raw)
        if row.get("sha256", digest) != digest:
            raise ValueError(
                f"{shown(path)} is not the image of {shown(table)}: its SHA-256 is "
                f"another. {mend}"
            )
        factors.append(values)
    return np.array(factors)


def _by_name(head: list[str], lines: list[list[str]]) -> list[dict[str, str]]:
    """Return the values of each line by the names in the head, as far as both go."""
    return [dict(zip(head, line, strict=False)) for line in lines]
