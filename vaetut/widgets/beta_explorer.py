"""What the strength of the KL loss does to faces, by slider over trained models."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vaetut.widgets.checks import check_alike, is_above_zero, is_text
from vaetut.widgets.explorer import COLOURS, Explorer, OneOf
from vaetut.widgets.pictures import colours, picture_uri

MOST_FACES = 16


class Strength(NamedTuple):
    """A model trained with one strength of the KL loss, and what became of it.

    Images are uint8 or floats in [0, 1], (n, h, w, 3).
    """

    label: str  # the strength, on the slider: "0.01"
    reconstructions: np.ndarray  # of the same images for all strengths
    random: np.ndarray  # decoded from z ~ N(0, I), the same z for all strengths
    counts: np.ndarray  # (bins,) of the lengths of the codes of images, from 0
    numbers: dict  # name → text, such as {"KL": "31.2 nats"}


class BetaExplorer(Explorer):
    """Trained strengths of the KL loss along a slider: faces, codes and numbers.

    `rows` are a `Strength` each, in the slider's order, with as many faces, images of
    one size and the same names of numbers. `originals` (n, h, w, 3) are the images
    that were reconstructed. `width` is that of a histogram's bin; `dimension` is that
    of the codes, for a mark at its square root, where codes of N(0, I) lie. `label`
    names the slider, `run` is the strength to start at: the middle one unless given.
    `alt` describes the still picture that a page without JavaScript shows.

    In Jupyter the trait `run` follows the page, and the page it. As `text/html` the
    explorer works without kernel and network; strips of faces are JPEG where that is
    smaller. Raises ValueError, naming what is wrong and what to give. Used in
    chapter 05.
    """

    kind = "vaetut-beta"
    view = ("run",)

    run = OneOf().tag(sync=True)

    def __init__(
        self,
        rows: Iterable[Strength],
        *,
        originals: ArrayLike | None = None,
        label: str = "β",
        width: float = 0.5,
        dimension: int | None = None,
        run: str | None = None,
        alt: str | None = None,
    ) -> None:
        self.rows = _rows(rows)
        self.names = [row.label for row in self.rows]
        self.originals: np.ndarray | None = None
        strip = None
        if originals is not None:
            shape = self.rows[0].reconstructions.shape[:3]
            self.originals = colours("originals", originals, shape)
            strip = picture_uri(self.originals)
        if not is_text(label):
            raise ValueError(f"label is {label!r}: give what the slider is of, like β.")
        if not is_above_zero(width):
            raise ValueError(f"width is {width!r}: give that of a bin, above 0.")
        scalar = np.isscalar(dimension)
        if dimension is not None and not (scalar and dimension >= 1):
            raise ValueError(f"dimension is {dimension!r}: give that of the codes.")
        self.label, self.width, self.dimension = label, float(width), dimension
        state = {
            "label": label,
            "image": self.rows[0].random.shape[1:3],
            "originals": strip,
            "width": self.width,
            "bins": max(len(row.counts) for row in self.rows),
            "prior": None if dimension is None else float(np.sqrt(dimension)),
            "rows": [_packed(row) for row in self.rows],
        }
        run = self.names[len(self.names) // 2] if run is None else run
        super().__init__(state, alt, run=run)

    def _here(self) -> Strength:
        return self.rows[self.names.index(self.run)]

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        row = self._here()
        numbers = "; ".join(f"{name} {text}" for name, text in row.numbers.items())
        shown = "Originals, reconstructions" if self.originals is not None else ""
        return (
            f"{shown or 'Reconstructions'} and random faces of the model trained with "
            f"{self.label} = {self.run}, and the lengths of its "
            f"codes, most often {self.width * (0.5 + row.counts.argmax()):g}. "
            f"{numbers + '. ' if numbers else ''}With JavaScript {self.label} can be "
            "moved."
        )

    def draw(self) -> Figure:
        """Return the still picture: the strips, the histogram and the numbers."""
        row = self._here()
        strips = {"reconstructed": row.reconstructions, "random": row.random}
        if self.originals is not None:
            strips = {"original": self.originals} | strips
        size = (7.5, 1.1 * len(strips) + 1.9)
        figure = Figure(figsize=size, dpi=100, layout="constrained")
        ratios = [*[1] * len(strips), 1.6]
        axes = figure.subplots(len(ratios), 1, height_ratios=ratios)
        for place, (name, images) in zip(axes, strips.items(), strict=False):
            place.imshow(np.concatenate(images, axis=1), interpolation="bicubic")
            place.set_title(name, fontsize=9, loc="left")
            place.set_axis_off()
        edges = self.width * np.arange(len(row.counts) + 1)
        axes[-1].stairs(row.counts, edges, fill=True, color=COLOURS[0], alpha=0.6)
        axes[-1].set(xlabel="length of the codes", yticks=(), xlim=(0, None))
        numbers = ", ".join(f"{name} {text}" for name, text in row.numbers.items())
        title = f"{self.label} = {self.run}" + (f": {numbers}" if numbers else "")
        axes[-1].set_title(title, fontsize=9, loc="left", wrap=True)
        return figure


def _packed(row: Strength) -> dict:
    """Return a checked row as what a page needs to show it, ready for JSON."""
    return {
        "name": row.label,
        "reconstructions": picture_uri(row.reconstructions),
        "random": picture_uri(row.random),
        "faces": [len(row.reconstructions), len(row.random)],
        "counts": row.counts.tolist(),
        "numbers": list(row.numbers.items()),
    }


# ---- What is refused


def _rows(rows: Iterable[Strength]) -> list[Strength]:
    """Return rows with their arrays in order, or say what is wrong with them."""
    rows = [_row(row) for row in rows]
    if len(rows) < 2:
        raise ValueError(f"rows are {len(rows)}: give two Strength or more.")
    labels = [row.label for row in rows]
    if len(set(labels)) < len(labels):
        raise ValueError(f"rows are of {', '.join(labels)}: give each its own label.")
    properties = {
        row.label: {
            "reconstructions": row.reconstructions.shape,
            "random": row.random.shape,
            "numbers": list(row.numbers),
        }
        for row in rows
    }
    check_alike("row", properties)
    return rows


def _row(row: Strength) -> Strength:
    """Return a row with uint8 images and counts as ints, or say what is wrong."""
    if not isinstance(row, Strength):
        raise ValueError(
            f"rows have a {type(row).__name__}: give Strength(label, …) each."
        )
    if not is_text(row.label):
        raise ValueError(f"a row's label is {row.label!r}: give a short text.")
    images: dict[str, Any] = {}
    for what in ("reconstructions", "random"):
        size = images["reconstructions"].shape[1:3] if images else (None, None)
        given, named = getattr(row, what), f"{what} of row {row.label!r}"
        images[what] = colours(named, given, (None, *size))
        if len(images[what]) > MOST_FACES:
            raise ValueError(
                f"{named} are {len(images[what])}: give at most {MOST_FACES}."
            )
    counts = np.asarray(row.counts)
    whole = counts.ndim == 1 and counts.size and counts.dtype.kind in "iu"
    if not whole or counts.min() < 0 or not counts.any():
        raise ValueError(
            f"counts of row {row.label!r} are {counts.dtype} of shape {counts.shape}: "
            "give (bins,) whole numbers from 0, not all 0."
        )
    if not isinstance(row.numbers, dict) or not all(
        isinstance(text, str) for pair in row.numbers.items() for text in pair
    ):
        raise ValueError(
            f"numbers of row {row.label!r} are {row.numbers!r}: give texts by name."
        )
    return row._replace(counts=np.trim_zeros(counts, "b"), **images)
