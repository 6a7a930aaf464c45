"""Transects through the plane of (a, b): where they run, what is drawn along them."""

from collections.abc import Mapping
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import MaxNLocator
from scipy.ndimage import maximum_filter

from vaetut.datasets.polar import HOLE_CENTER, HOLE_RADIUS
from vaetut.datasets.polar.render import INK as STROKE
from vaetut.figures.comparisons import _draw_lines, _end_labels
from vaetut.figures.polar import FINE
from vaetut.figures.style import ACCENT, AE, DPI, HALO, HAZE, INK, VAE, canvas, checked

TRANSECTS = ((VAE, "o"), (AE, "s"), ("#AA3377", "D"))  # P1, P2, P3, as in the widgets


@checked
def transect_plane(
    factors: np.ndarray, weights: np.ndarray, transects: Mapping[str, np.ndarray]
) -> Figure:
    """Draw the training points by weight, the hole, and the transects' points.

    `factors` (n, 2), `weights` (n,); `transects`: name -> (k, 2), in units of a and b.
    """
    figure, ((axis,),) = canvas(6.4)
    shown = axis.scatter(
        *np.transpose(factors), c=weights, s=7, cmap="cividis", lw=0, rasterized=True
    )
    bar = figure.colorbar(shown, ax=axis, shrink=0.7, pad=0.06)
    bar.set_label("sample weight", fontsize=12)
    axis.add_patch(
        Circle(HOLE_CENTER, HOLE_RADIUS, fc=HAZE, ec=ACCENT, lw=2.5, zorder=2)
    )
    for (colour, marker), (name, points) in zip(
        TRANSECTS, transects.items(), strict=False
    ):
        points = np.asarray(points)
        style = {"color": colour, "marker": marker, "ms": 8, "mec": "white"}
        axis.plot(*points.T, lw=1.5, zorder=3, **style)
        along = (points[-1] - points[0]) / np.linalg.norm(points[-1] - points[0])
        for end, way in ((points[0], -along), (points[-1], along)):
            axis.annotate(
                name,
                end,
                xytext=19 * way,
                textcoords="offset points",
                color=colour,
                fontsize=14,
                weight="bold",
                ha="center",
                va="center",
                path_effects=HALO,
            )
    axis.set_xlabel("$a$, the size", fontsize=12)
    axis.set_ylabel("$b$, the petals", fontsize=12)
    axis.margins(0.15, 0.1)
    axis.set_aspect("equal")
    axis.tick_params(labelsize=10)
    return figure


@checked
def transect_rows(rows: Mapping[str, Any], inside: Any, titles: Any = None) -> Figure:
    """Draw rows of images along a transect, a red box around those in the hole.

    `rows`: label -> images (k, h, w, 1) in [0, 1], `inside` (k,) bool, `titles`: k
    texts above, or what they are and the texts, as ("b", texts). For several
    transects, each of these is a dictionary: name -> what it is for one. Margins are
    cut off and strokes thickened, everywhere alike.
    """
    if not isinstance(next(iter(rows.values())), dict):
        rows, inside = {"": rows}, {"": inside}
        titles = {"": titles} if titles else {}
    counts, titles = [len(block) for block in rows.values()], titles or {}
    high = 0.5 * sum(counts) + 0.32 * len(rows) + 0.25 * len(titles)
    figure, axes = canvas(high, len(rows), height_ratios=counts)
    figure.set_dpi(2 * DPI)  # to be enlarged
    lines = [np.asarray(line) for block in rows.values() for line in block.values()]
    lines = _cut(np.concatenate(lines)[None])[0]  # all at one scale
    for axis, (name, block) in zip(axes[:, 0], rows.items(), strict=True):
        k, size = len(inside[name]), len(inside[name]) * len(block)
        images, lines = lines[:size], lines[size:]
        images = images.reshape(len(block), k, *images.shape[1:])
        side = _show_rows(axis, images, block)
        for start, stop in _runs(inside[name]):
            box = Rectangle(
                (start * side - 0.5, -0.5),
                (stop - start) * side,
                len(block) * side,
                fill=False,
                ec=ACCENT,
                lw=2,
                clip_on=False,
            )
            axis.add_patch(box)
            axis.text(
                (start + stop) / 2 * side,
                (len(block) + 0.05) * side,
                "in the hole",
                color=ACCENT,
                fontsize=10,
                ha="center",
                va="top",
            )
        if titles.get(name) is not None:
            head, texts = _headed(titles[name])
            axis.xaxis.tick_top()
            axis.set_xticks((np.arange(k) + 0.5) * side - 0.5, texts, fontsize=9)
            axis.tick_params(axis="x", length=0, pad=3)
            _at_corner(axis, head, (-2, 5), fontsize=10, ha="right")
            for label, hidden in zip(axis.get_xticklabels(), inside[name], strict=True):
                label.set_color(ACCENT if hidden else INK)
        if name:
            _at_corner(axis, name, (-46, 4), fontsize=12, weight="bold")
    return figure


def _at_corner(axis, text, offset, **style):
    """Write a text so many points off the upper left corner."""
    axis.annotate(
        text,
        (0, 1),
        xytext=offset,
        xycoords="axes fraction",
        textcoords="offset points",
        annotation_clip=False,
        **style,
    )


def _headed(titles):
    """Return what titles are, "" where they do not say, and the titles."""
    if len(titles) == 2 and not isinstance(titles[1], str):
        return titles
    return "", titles


@checked
def pairs(
    truth: np.ndarray,
    others: np.ndarray,
    columns: int = 10,
    labels: tuple[str, str] = ("truth", "model"),
) -> Figure:
    """Draw images and, under each, what became of it, with strokes thickened.

    `truth`, `others` (n, h, w, 1) in [0, 1]; `labels` of the two rows.
    """
    truth, others = np.asarray(truth, float), np.asarray(others, float)
    blocks = -(-len(truth) // columns)
    figure, axes = canvas((2 * 7.2 / columns + 0.25) * blocks, blocks)
    figure.set_dpi(2 * DPI)  # to be enlarged
    images = np.zeros((2, blocks * columns, *truth.shape[1:]))
    images[:, : len(truth)] = truth, others
    images = _cut(images)
    for axis, block in zip(axes[:, 0], np.split(images, blocks, axis=1), strict=True):
        _show_rows(axis, block, labels, ruled=False)
    figure.set_layout_engine("constrained", hspace=0.05)
    return figure


def _show_rows(axis, images, labels, ruled=True):
    """Draw images (rows, k, h, w, 1) edge to edge; return the side of one in pixels."""
    images = _bold(images)[..., 0]
    rows, k, height, width = images.shape
    sheet = images.swapaxes(1, 2).reshape(rows * height, k * width)
    axis.imshow(sheet, **FINE)
    lines = [fill(label, 10) for label in labels]
    axis.set_yticks((np.arange(rows) + 0.5) * height - 0.5, lines, fontsize=10)
    axis.set_xticks([])
    axis.tick_params(axis="y", length=0)
    axis.spines[:].set_visible(False)
    for row in range(1, rows if ruled else 0):
        axis.axhline(row * height - 0.5, color="#DDDDDD", lw=0.8)
    return width


def _cut(images):
    """Return images (…, h, w, 1) cut to the square in the middle that has the ink."""
    size = min(images.shape[-3:-1])
    rows, columns = np.nonzero(images.reshape(-1, *images.shape[-3:-1]).max(0) > 0.1)
    if not len(rows):
        return images
    middle = np.array(images.shape[-3:-1]) / 2 - 0.5
    reach = np.abs(np.concatenate([rows - middle[0], columns - middle[1]])).max()
    spare = int(max(0, size / 2 - reach - 1 - 0.04 * size))
    keep = slice(spare, -spare or None)
    return images[..., keep, keep, :]


def _bold(images, more=0.014):
    """Return images with strokes wider by a share of their side, at full strength."""
    size = images.shape[-2]
    wide = 1 + max(1, round(more * size))
    ink = maximum_filter(images, (1,) * (images.ndim - 3) + (wide, wide, 1))
    return np.clip(ink / min(1, size * STROKE), 0, 1)  # a thin stroke is a grey one


def _runs(inside):
    """Return (start, stop) of each run of True."""
    steps = np.diff(np.concatenate([[False], inside, [False]]).astype(int))
    return list(zip(np.nonzero(steps == 1)[0], np.nonzero(steps == -1)[0], strict=True))


@checked
def errors_along(
    panels: Mapping[str, Mapping], label: str = "excess BCE, nats per pixel"
) -> Figure:
    """Draw errors along transects side by side, the hole shaded.

    `panels`: name -> a dictionary of position (k,), inside (k,) bool, lines: label ->
    interval of arrays (k,) or one array, and, if wanted, xlabel. `label` has the unit.
    """
    figure, (axes,) = canvas(3.6, 1, len(panels), sharey=True)
    for axis, (name, panel) in zip(axes, panels.items(), strict=True):
        x = np.asarray(panel["position"], float)
        for start, stop in _runs(panel["inside"]):
            low = x[max(start - 1, 0) : start + 1].mean()
            high = x[stop - 1 : stop + 1].mean()
            axis.axvspan(low, high, color=HAZE, lw=0, zorder=0)
            axis.text(
                (low + high) / 2,
                0.99,
                "hole",
                color=ACCENT,
                fontsize=11,
                ha="center",
                va="top",
                transform=axis.get_xaxis_transform(),
            )
        ends = _draw_lines(axis, x, panel["lines"])
        axis.set_title(name, fontsize=12, weight="bold")
        axis.set_xlabel(panel.get("xlabel", "position"), fontsize=11)
        axis.tick_params(labelsize=9)
    high = axes[0].get_ylim()[1]
    axes[0].set_ylim(0, 1.12 * high)
    axes[0].yaxis.set_major_locator(MaxNLocator(5))
    axes[0].set_ylabel(label, fontsize=11)
    _end_labels(axes[-1], ends)
    return figure
