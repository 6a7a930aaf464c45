"""Figures of the plane (a, b) and of the stars that lie in it."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from scipy.stats import norm

from vaetut.datasets.polar import A_RANGE, B_RANGE, HOLE_CENTER, HOLE_RADIUS, contour
from vaetut.datasets.polar import curve as radius_of
from vaetut.figures.style import (
    ACCENT,
    AE,
    IMAGES,
    INK,
    QUIET,
    VAE,
    WIDTH,
    canvas,
    checked,
    tiled,
)

SPAN = np.array([A_RANGE, B_RANGE])  # rows: a, b; columns: low, high
FINE = IMAGES | {"interpolation": "antialiased"}  # strokes shown smaller than drawn
SIZES = ("#88CCEE", VAE, "#332288")  # small, middle, large images


def _plane(axis, hole=True, line=True, colour=ACCENT):
    """Label an axis as the plane of factors, with the hole and the line b = a."""
    if line:
        axis.plot(A_RANGE, A_RANGE, "--", color=colour, lw=1.6)
        axis.text(
            0.62,
            0.54,
            "$b = a$",
            color=colour,
            fontsize=11,
            rotation=45,
            ha="center",
            va="center",
            bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none"},
        )
    if hole:
        axis.add_patch(
            Circle(HOLE_CENTER, HOLE_RADIUS, fill=False, color=colour, lw=1.8)
        )
    axis.set_xlabel("$a$, the size", fontsize=11)
    axis.set_ylabel("$b$, the petals", fontsize=11)
    axis.set_aspect("equal")


@checked
def factor_sheet(images: np.ndarray, rows: int, columns: int) -> Figure:
    """Draw a lattice of stars at their places in the plane, with hole and b = a.

    `images` (rows · columns, n, n, 1) in [0, 1], in the order of `polar.grid`.
    """
    step = (SPAN[:, 1] - SPAN[:, 0]) / (columns - 1, rows - 1)
    low, high = SPAN[:, 0] - step / 2, SPAN[:, 1] + step / 2
    figure, ((axis,),) = canvas(WIDTH * 1.22)
    side = images.shape[1]  # a cell is as much taller as its steps are
    more = max(0, round(side * (step[1] / step[0] - 1) / 2))
    sheet = tiled(np.pad(images, ((0, 0), (more, more), (0, 0), (0, 0))), columns)
    axis.imshow(sheet[..., 0], extent=(low[0], high[0], low[1], high[1]), **FINE)
    _plane(axis)
    return figure


@checked
def radius_and_curve(stars: Sequence[tuple[float, float]]) -> Figure:
    """Draw r over θ and, below, the curve, red where the radius is negative.

    `stars`: pairs (a, b).
    """
    figure, axes = canvas(4.6, 2, len(stars), height_ratios=(1, 1.45), sharey="row")
    theta = np.linspace(-np.pi, np.pi, 2001)
    for (top, bottom), (a, b) in zip(axes.T, stars, strict=True):
        radius, path = radius_of(a, b, theta), contour(a, b, len(theta))
        parts = ((radius >= 0, INK, 1.4), (radius <= 0, ACCENT, 1.8))
        for part, colour, width in parts:
            top.plot(theta, np.where(part, radius, np.nan), color=colour, lw=width)
            x, y = np.where(part[:, None], path, np.nan).T
            bottom.plot(x, y, color=colour, lw=width)
        top.axhline(0, color=QUIET, lw=0.8, zorder=0)
        top.set_title(f"a = {a:g}, b = {b:g}", fontsize=11)
        top.set_xticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
        top.set_xlabel("θ", fontsize=10)
        bottom.set_aspect("equal")
        bottom.set_axis_off()
    axes[0, 0].set_ylabel("radius $r$", fontsize=10)
    return figure


@checked
def factor_plane(points: np.ndarray, kept: np.ndarray, weights: np.ndarray) -> Figure:
    """Draw a sample with its hole, and beside it the weight of each point.

    `points` (n, 2), `kept` (n,) bool, `weights` (n,).
    """
    figure, ((left, right),) = canvas(4.7, 1, 2)
    left.scatter(*points[kept].T, s=2, color="#777777", linewidths=0, rasterized=True)
    left.scatter(*points[~kept].T, s=4, color=ACCENT, linewidths=0, rasterized=True)
    left.set_title(f"{kept.sum():,} kept, {(~kept).sum():,} removed", fontsize=11)
    shown = right.scatter(
        *points[kept].T, c=weights[kept], s=2, cmap="cividis", rasterized=True
    )
    right.set_title("sample weight", fontsize=11)
    figure.colorbar(shown, ax=right, shrink=0.7)
    _plane(left, hole=False, colour=INK)
    _plane(right, hole=False, line=False)
    return figure


@checked
def hole_counts(
    counts: np.ndarray, expected: float, spread: float, marks: Mapping[str, float]
) -> Figure:
    """Draw how many points a hole takes over many draws, and the binomial's curve.

    `counts` (k,), `expected` and `spread` the binomial's mean and standard deviation;
    `marks`: name -> count, drawn as lines.
    """
    figure, ((axis,),) = canvas(3.2)
    edges = np.arange(min(counts) - 0.5, max(counts) + 9, 8)
    axis.hist(counts, edges, color=VAE, alpha=0.45)
    x = np.linspace(expected - 4 * spread, expected + 4 * spread, 300)
    density = norm.pdf(x, expected, spread)
    axis.plot(x, density * len(counts) * 8, color=INK, lw=1.5)
    top = 1.25 * axis.get_ylim()[1]
    for name, count in marks.items():
        axis.axvline(count, color=ACCENT, lw=2)
        axis.text(count + 1, top, name, color=ACCENT, fontsize=11, va="top")
    axis.set(ylim=(0, top), xlim=(expected - 4 * spread, expected + 4 * spread))
    axis.set_xlabel("points in the hole", fontsize=10)
    axis.set_ylabel("draws", fontsize=10)
    return figure


@checked
def factor_montage(
    points: np.ndarray, images: np.ndarray, reach: float = 0.08
) -> Figure:
    """Draw images at their own places in the plane, as many as have room.

    `points` (n, 2), `images` (n, h, w, 1) in [0, 1]; `reach` is half the side of an
    image, in units of a and b.
    """
    figure, ((axis,),) = canvas(WIDTH * 1.22)
    placed = np.empty((0, 2))
    for point, image in zip(points, images, strict=True):
        if (np.abs(placed - point).max(axis=1) > 1.25 * reach).all():
            placed = np.vstack([placed, point])
            (a, b), ink = point, np.squeeze(image)
            extent = (a - reach, a + reach, b - reach, b + reach)
            axis.imshow(ink, alpha=ink, extent=extent, **FINE)
    (low_a, high_a), (low_b, high_b) = np.add(SPAN, (-reach, reach))
    axis.set(xlim=(low_a, high_a), ylim=(low_b, high_b))
    _plane(axis)
    return figure


@checked
def floor_map(
    floors: np.ndarray, lengths: np.ndarray, sizes: Mapping[int, np.ndarray]
) -> Figure:
    """Draw the floor over the plane, and each image's floor over its curve's length.

    `floors` (rows, columns), nats, in the order of `polar.grid`; `lengths` (n,) in
    units of the axes; `sizes`: size -> floors (n,) of the same curves, nats.
    """
    figure, ((left, right),) = canvas(4.4, 1, 2)
    step = (SPAN[:, 1] - SPAN[:, 0]) / np.subtract(floors.shape[::-1], 1)
    (low_a, high_a), (low_b, high_b) = SPAN + step[:, None] / 2 * [-1, 1]
    extent = (low_a, high_a, low_b, high_b)
    shown = left.imshow(floors, extent=extent, cmap="magma", vmin=0)
    figure.colorbar(shown, ax=left, shrink=0.75)
    _plane(left, colour="white", line=False)
    left.set_title("floor, nats per image", fontsize=11)
    for colour, (size, values) in zip(SIZES, sizes.items(), strict=False):
        right.plot(lengths, values, "o", ms=2, color=colour)
        far = np.argmax(lengths)
        right.annotate(
            f"{size}×{size}",
            (lengths[far], values[far]),
            xytext=(0, 8),
            textcoords="offset points",
            color=colour,
            fontsize=10,
            ha="right",
        )
    right.set(xlim=(0, None), ylim=(0, None))
    right.set_xlabel("length of the curve", fontsize=10)
    right.set_title("the same, over the length", fontsize=11)
    return figure


@checked
def distances(
    steps: np.ndarray,
    contours: np.ndarray,
    pixels: Mapping[int, np.ndarray],
    marks: Mapping[str, float],
) -> Figure:
    """Draw distances between curves, and between images, over the step in (a, b).

    `steps` (k,); `contours` (m, 2): step and distance of pairs; `pixels`: size ->
    mean squared errors (k,); `marks`: name -> mean squared error, drawn as a line.
    """
    figure, ((left, right),) = canvas(4.0, 1, 2)
    left.plot(*np.transpose(contours), "o", ms=1.5, color=VAE, rasterized=True)
    left.set(xlim=(0, None), ylim=(0, None))
    left.set_xlabel(r"$\sqrt{\Delta a^2 + \Delta b^2/2}$", fontsize=10)
    left.set_title("RMS distance of two curves", fontsize=11)
    for colour, (size, values) in zip(SIZES, pixels.items(), strict=False):
        right.plot(steps, values, "o-", ms=3, color=colour, label=f"{size}×{size}")
    for name, value in marks.items():
        above = value == max(marks.values())
        right.axhline(value, color=ACCENT, lw=1.6, ls=":" if above else "--")
        right.text(
            steps[0],
            value * (1.06 if above else 0.94),
            name,
            color=ACCENT,
            fontsize=10,
            va="bottom" if above else "top",
        )
    right.set(xscale="log", yscale="log")
    right.set_xlabel("step in $(a, b)$", fontsize=10)
    right.set_title("mean squared error of two images", fontsize=11)
    right.legend(fontsize=9, frameon=False, loc="lower right")
    return figure


@checked
def answers(
    target: np.ndarray, images: Mapping[str, np.ndarray], columns: int = 3
) -> Figure:
    """Draw images in black over the target in red, each with its title.

    `target` (h, w) in [0, 1]; `images`: title -> (h, w) in [0, 1].
    """
    rows = -(-len(images) // columns)
    figure, axes = canvas(rows * 2.9, rows, columns)
    red = np.broadcast_to(to_rgb(ACCENT), (*target.shape, 3))
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (title, image) in zip(axes.flat, images.items(), strict=False):
        axis.imshow(red, alpha=0.45 * target)
        axis.imshow(image, alpha=image, **FINE)
        axis.set_title(title, fontsize=12)
    return figure


@checked
def dimensions(
    spectra: Mapping[str, np.ndarray],
    estimates: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> Figure:
    """Draw how many components a cloud spans, and its dimension by neighbours.

    `spectra`: name -> shares of the variance, largest first; `estimates`: name ->
    (numbers of points (k,), estimates (k, seeds)).
    """
    figure, ((left, right),) = canvas(4.0, 1, 2)
    colours = dict(zip(spectra, (AE, *SIZES), strict=False))
    for name, shares in spectra.items():
        count = np.arange(1, len(shares) + 1)
        left.plot(count, np.cumsum(shares), lw=2, color=colours[name], label=name)
    left.axvline(2, color=QUIET, lw=1, zorder=0)
    left.set(xscale="log", ylim=(0, 1.03))
    left.set_xlabel("principal components", fontsize=10)
    left.set_title("share of the variance they explain", fontsize=11)
    left.legend(fontsize=9, frameon=False, loc="lower right")
    for name, (numbers, values) in estimates.items():
        right.plot(numbers, np.mean(values, 1), "o-", ms=4, color=colours[name])
        low, high = np.min(values, 1), np.max(values, 1)
        right.fill_between(numbers, low, high, color=colours[name], alpha=0.2, lw=0)
    right.axhline(2, color=QUIET, lw=1, zorder=0)
    right.set(xscale="log", ylim=(0, None))
    right.set_xticks(numbers, [f"{n:,}" for n in numbers])
    right.minorticks_off()
    right.set_xlabel("number of images", fontsize=10)
    right.set_title("dimension by nearest neighbours", fontsize=11)
    return figure
