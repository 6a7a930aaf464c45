"""Figures of faces: sheets of them, and what is measured of their codes.

Images are (n, h, w, 3), uint8 or in [0, 1]. An interval is (mean, low, high), in
numbers or arrays; an `Interval` will do.
"""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from vaetut.analysis import Interval
from vaetut.figures.polar import FINE
from vaetut.figures.style import (
    ACCENT,
    DPI,
    GREY,
    HALO,
    LINES,
    MARKERS,
    WIDTH,
    canvas,
    checked,
    tiled,
)

DASHES = ("-", "--", ":", "-.")  # where lines have no markers
RULE = 0.04  # of a face's side: the white line between rows


# ---- Sheets of faces


@checked
def montage(images: np.ndarray, columns: int = 12) -> Figure:
    """Draw faces edge to edge over the whole figure, without losing a pixel of them.

    Made to be enlarged or printed. What the last row lacks stays white.
    """
    images = np.asarray(images)
    spare = _white(images, -len(images) % columns)
    sheet = tiled(np.concatenate([images, spare]), columns)
    height, width = sheet.shape[:2]
    figure, ((axis,),) = canvas(WIDTH * height / width)
    figure.set_layout_engine("none")
    figure.set_dpi(width * -(-DPI * WIDTH // width) / WIDTH)
    axis.set_position((0, 0, 1, 1))
    axis.imshow(sheet, interpolation="nearest", aspect="auto")
    axis.set_axis_off()
    return figure


@checked
def face_rows(
    rows: Mapping[str, np.ndarray], titles: Sequence[str] | None = None
) -> Figure:
    """Draw rows of faces under each other, each with its label, column by column alike.

    `rows`: label -> n images; `titles`: n texts on top, or fewer with gaps as "".
    """
    rows = {label: np.asarray(images) for label, images in rows.items()}
    n = len(next(iter(rows.values())))
    figure, ((axis,),) = canvas(0.88 * WIDTH * (1 + RULE) * len(rows) / n + 0.25)
    _show_rows(axis, rows)
    if titles:
        side = next(iter(rows.values())).shape[2]
        axis.xaxis.tick_top()
        at = (np.arange(n) + 0.5) * side - 0.5
        axis.set_xticks(at, titles, fontsize=10)
        axis.tick_params(axis="x", length=0, pad=2)
    return figure


@checked
def factor_strips(strips: Mapping[str, np.ndarray], columns: int = 1) -> Figure:
    """Draw what each factor does, a strip of faces a factor, from low to high.

    `strips`: factor -> images of the same face, the factor growing; `columns` of strips
    side by side, filled from top to bottom.
    """
    names = list(strips)
    each = -(-len(names) // columns)
    steps = len(strips[names[0]])
    wide = WIDTH / columns - 0.9  # without the names
    figure, (axes,) = canvas(wide / steps * (1 + RULE) * each + 0.35, 1, columns)
    for k, axis in enumerate(axes):
        some = names[k * each : (k + 1) * each]
        if not some:
            axis.set_axis_off()
            continue
        rows = {_words(name): np.asarray(strips[name]) for name in some}
        rows |= {" " * (i + 1): _like(rows) for i in range(each - len(some))}
        _show_rows(axis, rows)
        width = axis.get_images()[0].get_array().shape[1]
        axis.xaxis.tick_top()
        axis.set_xticks([0, width - 1], ["low", "high"], fontsize=9, color=GREY)
        for text, side in zip(axis.get_xticklabels(), ("left", "right"), strict=True):
            text.set_ha(side)
        axis.tick_params(axis="x", length=0, pad=1)
    return figure


def _show_rows(axis, rows):
    """Draw label -> images edge to edge, a white line between the rows."""
    blocks = np.stack(list(rows.values()))
    _, n, height, width, _ = blocks.shape
    rule = max(1, round(RULE * height))
    lines = [tiled(images, n) for images in blocks]
    between = _white(lines[0], rule)
    sheet = np.concatenate([part for line in lines for part in (line, between)][:-1])
    axis.imshow(sheet, interpolation=FINE["interpolation"])
    at = np.arange(len(rows)) * (height + rule) + height / 2 - 0.5
    axis.set_yticks(at, [fill(label, 16) for label in rows], fontsize=10)
    axis.set_xticks([])
    axis.tick_params(axis="y", length=0)
    axis.spines[:].set_visible(False)
    axis.figure.set_dpi(np.clip(n * width / (0.88 * WIDTH), DPI, 2 * DPI))


def _like(rows):
    """Return white images like those of the first row."""
    return _white(first := next(iter(rows.values())), len(first))


def _white(images, n):
    """Return n white images like these."""
    most = 255 if images.dtype == np.uint8 else 1
    return np.full((n, *images.shape[1:]), most, images.dtype)


def _words(name):
    return name.replace("_", " ")


# ---- Attributes


@checked
def attribute_bars(
    values: Mapping[str, Mapping[str, float | Interval]],
    label: str = "balanced accuracy",
    chance: float | None = None,
) -> Figure:
    """Draw a measure of every attribute, one line each, the highest on top.

    `values`: series -> {attribute: number or interval}; the first series sets the
    order. `label` of the axis; `chance`: where a dashed line stands for no skill.
    """
    first = next(iter(values.values()))
    names = sorted(first, key=lambda name: _interval(first[name])[0], reverse=True)
    figure, ((axis,),) = canvas(0.215 * len(names) + 1.0)
    at = np.arange(len(names))
    means = {
        series: np.array([_interval(v[name]) for name in names])
        for series, v in values.items()
    }
    every = np.stack(list(means.values()))[..., 0]
    start = every.min(axis=0) if chance is None else np.full(len(names), chance)
    axis.hlines(at, start, every.max(axis=0), color="#DDDDDD", lw=2, zorder=1)
    for k, (series, intervals) in enumerate(means.items()):
        mean, low, high = intervals.T
        colour = LINES[k % len(LINES)]
        axis.hlines(at, low, high, color=colour, lw=2, zorder=2)
        style = {"ms": 6.5, "mec": "white", "mew": 0.6, "zorder": 3, "color": colour}
        axis.plot(mean, at, MARKERS[k % len(MARKERS)], label=series, **style)
    if chance is not None:
        axis.axvline(chance, color=GREY, ls="--", lw=1.2, zorder=0)
    axis.set_yticks(at, [_words(name) for name in names], fontsize=9.5)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=10)
    axis.spines["left"].set_visible(False)
    axis.set_xlabel(label, fontsize=11)
    axis.grid(axis="x", color="#EEEEEE", zorder=0)
    axis.set_axisbelow(True)
    if len(values) > 1:
        _legend_above(figure, axis)
    return figure


def _interval(value):
    """Return a number or an interval as (mean, low, high)."""
    return (value,) * 3 if np.ndim(value) == 0 else tuple(value[:3])


def _legend_above(figure, axis):
    """Put the names of what an axis shows above it, in one row."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=len(labels),
        fontsize=10.5,
        frameon=False,
    )


# ---- Codes


@checked
def radius_histograms(
    radii: Mapping[str, np.ndarray],
    expected: Mapping[str, float] | None = None,
    label: str = "length of a code",
) -> Figure:
    """Draw how the lengths of codes are spread, a curve a kind, and lengths expected.

    `radii`: name -> (n,); `expected`: name -> length, dashed, such as √d for N(0, I).
    """
    figure, ((axis,),) = canvas(3.4)
    radii = {name: np.asarray(values, float) for name, values in radii.items()}
    every = np.concatenate(list(radii.values()))
    edges = np.histogram_bin_edges(every, np.clip(int(len(every) ** 0.5), 20, 90))
    for k, (name, values) in enumerate(radii.items()):
        colour, dash = LINES[k % len(LINES)], DASHES[k % len(DASHES)]
        counts = np.histogram(values, edges)[0] / len(values)
        axis.stairs(counts, edges, fill=True, color=colour, alpha=0.15)
        axis.stairs(counts, edges, color=colour, lw=2, ls=dash, label=name)
    top = 1.16 * axis.get_ylim()[1]
    expected = expected or {}
    for k, (name, length) in enumerate(sorted(expected.items(), key=lambda e: e[1])):
        left = k == 0 and len(expected) > 1  # out of the way of the others
        axis.axvline(length, color=ACCENT, lw=1.5, ls="--")
        axis.annotate(
            name,
            (length, top * (1 - 0.09 * max(0, k - 1))),
            xytext=(-5 if left else 5, -3),
            textcoords="offset points",
            color=ACCENT,
            fontsize=11,
            ha="right" if left else "left",
            va="top",
            path_effects=HALO,
        )
    axis.set(xlim=(0, None), ylim=(0, top))
    axis.set_xlabel(label, fontsize=11)
    axis.set_ylabel("share of the codes", fontsize=11)
    if len(radii) > 1:
        _legend_above(figure, axis)
    return figure


@checked
def inertia_curves(
    ks: np.ndarray,
    curves: Mapping[str, np.ndarray | Interval],
    references: Mapping[str, np.ndarray | Interval] | None = None,
    label: str = "inertia left, of one cluster's",
) -> Figure:
    """Draw how far codes lie from the centres of k clusters, over k.

    `ks` (m,); `curves`: name -> (m,) or an interval of them; `references`: the same,
    dashed, such as a Gaussian of the same mean and covariance without clusters.
    """
    figure, ((axis,),) = canvas(3.6)
    for k, (name, values) in enumerate(curves.items()):
        colour, marker = LINES[k % len(LINES)], MARKERS[k % len(MARKERS)]
        _line(axis, ks, values, color=colour, marker=marker, ms=5, lw=2, label=name)
    for name, values in (references or {}).items():
        colour = (
            LINES[list(curves).index(name) % len(LINES)] if name in curves else GREY
        )
        title = f"{name}, reference" if name in curves else name
        _line(axis, ks, values, color=colour, ls="--", lw=1.8, label=title)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("clusters $k$", fontsize=11)
    axis.set_ylabel(label, fontsize=11)
    axis.legend(fontsize=10, frameon=False)
    return figure


def _line(axis, x, values, **style):
    """Draw values (m,), or an interval of them as a line with a band."""
    values = np.asarray(values if np.ndim(values[0]) == 0 else values[:3], float)
    if values.ndim == 2:
        axis.fill_between(x, *values[1:], color=style["color"], alpha=0.2, lw=0)
        values = values[0]
    axis.plot(x, values, **style)


@checked
def strength_curves(
    strengths: np.ndarray,
    panels: Mapping[str, Mapping[str, Interval]],
    columns: int = 2,
    label: str = "weight of the KL loss",
) -> Figure:
    """Draw what a factor in front of a loss does, on a logarithmic axis with bars.

    `strengths` (k,), all positive; `panels`: title -> {series: interval of (k,)}. A
    series has one colour in all panels; a title has the unit.
    """
    strengths = np.asarray(strengths, float)
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = canvas(2.5 * rows + 0.4, rows, columns, sharex=True)
    order = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    for axis, (title, lines) in zip(axes.flat, panels.items(), strict=False):
        for name, interval in lines.items():
            k = order.index(name)
            mean, low, high = np.asarray(interval[:3], float)
            colour = LINES[k % len(LINES)]
            axis.vlines(strengths, low, high, color=colour, lw=2.2)
            style = {"ms": 5, "lw": 1.6, "color": colour, "label": name}
            axis.plot(strengths, mean, marker=MARKERS[k % len(MARKERS)], **style)
        axis.set_xscale("log")
        axis.set_xticks(strengths, [_plain(s) for s in strengths])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.tick_params(axis="x", labelsize=9, labelbottom=True)
        axis.tick_params(axis="y", labelsize=9)
        axis.yaxis.set_major_locator(MaxNLocator(5))
        axis.set_title(fill(title, 40), fontsize=11)
        if len(lines) > 1:
            axis.legend(fontsize=9.5, frameon=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    figure.supxlabel(label, fontsize=11)
    return figure


def _plain(value):
    """Return a number for an axis, very small ones as a power of ten."""
    if value >= 1e-3:
        return f"{value:g}"
    digits, power = f"{value:.0e}".split("e")
    times = "" if digits == "1" else rf"{digits} \cdot "
    return f"${times}10^{{{int(power)}}}$"


@checked
def spectra(
    curves: Mapping[str, np.ndarray], label: str = "power, mean over the images"
) -> Figure:
    """Draw the power of images over spatial frequency, both logarithmic.

    `curves`: name -> (m,), power at 1, 2, … m periods across an image. The first is
    what the others are held against, drawn in grey and wider.
    """
    figure, ((axis,),) = canvas(3.6)
    for k, (name, power) in enumerate(curves.items()):
        colour = GREY if k == 0 else LINES[(k - 1) % len(LINES)]
        dash = "-" if k == 0 else DASHES[(k - 1) % len(DASHES)]
        periods = np.arange(1, len(power) + 1)
        axis.plot(periods, power, dash, color=colour, lw=2 + 2.5 * (k == 0), label=name)
    axis.set(xscale="log", yscale="log")
    ticks = 2 ** np.arange(int(np.log2(max(map(len, curves.values())))) + 1)
    axis.set_xticks(ticks, [str(tick) for tick in ticks])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("periods across the image", fontsize=11)
    axis.set_ylabel(label, fontsize=11)
    axis.legend(fontsize=10, frameon=False)
    return figure
