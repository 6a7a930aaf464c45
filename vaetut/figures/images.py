"""Figures made of images."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from vaetut.figures.style import (
    ACCENT,
    QUIET,
    WIDTH,
    canvas,
    checked,
    show_image,
    tiled,
)


@checked
def image_rows(
    rows: Mapping[str, np.ndarray], columns: Sequence[str] | None = None
) -> Figure:
    """Draw rows of images under each other, column by column the same.

    `rows`: title -> images (n, h, w, c) in [0, 1]; `columns`: n titles on top.
    """
    n = len(next(iter(rows.values())))
    height = WIDTH / n * len(rows) * 1.25 + 0.2
    figure, axes = canvas(height, len(rows), n)
    for line, (title, images) in zip(axes, rows.items(), strict=True):
        for axis, image in zip(line, images, strict=True):
            show_image(axis, image)
        line[0].text(
            -0.08,
            0.5,
            title,
            transform=line[0].transAxes,
            rotation=90,
            ha="right",
            va="center",
            fontsize=9,
        )
    for axis, title in zip(axes[0], columns or [""] * n, strict=True):
        axis.set_title(title, fontsize=7)
    return figure


@checked
def mosaic(
    images: np.ndarray, columns: int, axes_titles: tuple[str, str] | None = None
) -> Figure:
    """Draw images (n, h, w, c) in [0, 1] edge to edge, row by row.

    `axes_titles`: what grows to the right and what grows upwards.
    """
    sheet = tiled(images, columns)
    figure, ((axis,),) = canvas(WIDTH * 0.86 * sheet.shape[0] / sheet.shape[1])
    show_image(axis, sheet)
    if axes_titles:
        axis.set_axis_on()
        axis.set(xticks=[], yticks=[])
        axis.set_xlabel(f"{axes_titles[0]} →", fontsize=9)
        axis.set_ylabel(f"{axes_titles[1]} →", fontsize=9)
    return figure


@checked
def samples_on_cloud(
    codes: np.ndarray, samples: np.ndarray, images: np.ndarray, in_gap: np.ndarray
) -> Figure:
    """Draw sampled points over a cloud of codes, and beside it what they decode to.

    `codes` (n, 2), `samples` (m, 2), `images` (m, h, w, c) in [0, 1], `in_gap` (m,)
    bool: those points and their images are marked.
    """
    columns = 6
    rows = -(-len(samples) // columns)
    figure, ((left, right),) = canvas(3.4, 1, 2, width_ratios=(1, 1.5))
    left.scatter(*codes.T, s=1, c=QUIET, rasterized=True)
    for k, (point, gap) in enumerate(zip(samples, in_gap, strict=True), start=1):
        colour = ACCENT if gap else "black"
        left.text(*point, str(k), color=colour, fontsize=9, ha="center", weight="bold")
    left.set_aspect("equal", adjustable="datalim")
    left.set(xlabel="$z_1$", ylabel="$z_2$")
    height, width = images.shape[1:3]
    show_image(right, tiled(images, columns))
    for k, gap in enumerate(in_gap):
        row, column = divmod(k, columns)
        right.text(
            column * width + 1,
            row * height + 1,
            str(k + 1),
            color=ACCENT if gap else "black",
            fontsize=8,
            weight="bold",
            va="top",
        )
    right.set_ylim(rows * height, 0)
    left.set_title("red: in a gap", color=ACCENT, fontsize=9)
    right.set_title("what the points decode to", fontsize=9)
    return figure
