"""Figures of a sheet of codes: its lines of a and b, its scores, walks along it.

A lattice of codes is (rows, columns, d) as `polar.grid` orders it: a grows along a row,
b from the last row to the first. An interval is (mean, low, high); an `Interval` will
do.
"""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaetut.analysis import Interval
from vaetut.figures.style import (
    ACCENT,
    AE,
    GREY,
    HALO,
    LINES,
    MARKERS,
    QUIET,
    VAE,
    canvas,
    checked,
)

LINES_OF = {"a": AE, "b": VAE}  # colour of the lines along which a factor grows
EVERY = 2  # of the lattice's lines are drawn
WALKS = {  # the colour of each way to walk, as in the widget
    "straight": VAE,
    "sheet": AE,
    "neighbours": "#AA3377",
}


# ---- The lines of a and b


@checked
def flat_grids(panels: Mapping[str, np.ndarray], columns: int = 3) -> Figure:
    """Draw lattices of codes in the plane by their lines of a and b, at one scale.

    `panels`: title -> lattice (rows, columns, 2). The axes are the two units.
    """
    count = len(panels)
    columns = min(columns, count)
    rows = -(-count // columns)
    figure, axes = canvas(8.4 / columns * rows, rows, columns, sharex=True, sharey=True)
    reach = 1.06 * max(np.abs(lattice).max() for lattice in panels.values())
    for axis, (title, lattice) in zip(axes.flat, panels.items(), strict=False):
        axis.axhline(0, color=QUIET, lw=1, zorder=0)
        axis.axvline(0, color=QUIET, lw=1, zorder=0)
        for name, lines in _lines_of(lattice).items():
            axis.add_collection(LineCollection(lines, colors=LINES_OF[name], lw=1.2))
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        axis.set_title(title, fontsize=11)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.yaxis.set_major_locator(MaxNLocator(5))
    for axis in axes.flat[count:]:
        axis.set_axis_off()
    for axis in axes[-1]:
        axis.set_xlabel("unit 1", fontsize=10)
    for axis in axes[:, 0]:
        axis.set_ylabel("unit 2", fontsize=10)
    _name_lines(figure)
    return figure


@checked
def sheets(
    panels: Mapping[str, np.ndarray],
    paths: Mapping[str, np.ndarray] | None = None,
    view: tuple[float, float] = (20, -60),
) -> Figure:
    """Draw lattices of codes in three dimensions, side by side, each at its own scale.

    `panels`: title -> lattice (rows, columns, 3); `paths`: label -> (n, 3), drawn on
    every panel, whose lines are then grey; `view`: elevation and azimuth in degrees.
    """
    figure, (axes,) = canvas(
        7.4 / len(panels) + 0.7, 1, len(panels), subplot_kw={"projection": "3d"}
    )
    for axis, (title, lattice) in zip(axes, panels.items(), strict=True):
        for name, lines in _lines_of(lattice).items():
            style = {"color": QUIET if paths else LINES_OF[name], "lw": 0.9}
            for line in lines:
                axis.plot(*line.T, alpha=0.8, **style)
        for label, path in (paths or {}).items():
            axis.plot(*np.transpose(path), color=WALKS.get(label, ACCENT), lw=3.2)
        axis.view_init(*view)
        spans = np.ptp(np.reshape(axis.get_w_lims(), (3, 2)), axis=1)
        axis.set_box_aspect(spans, zoom=1.05)
        axis.set_title(title, fontsize=11)
        axis.set_xlabel("unit 1", fontsize=9, labelpad=-4)
        axis.set_ylabel("unit 2", fontsize=9, labelpad=-4)
        axis.set_zlabel("unit 3", fontsize=9, labelpad=-4)
        axis.tick_params(labelsize=7, pad=-2)
        for each in (axis.xaxis, axis.yaxis, axis.zaxis):
            each.pane.set(facecolor="white", edgecolor="#DDDDDD")
            each.set_major_locator(MaxNLocator(4))
        axis.grid(False)
    _name_lines(figure, {k: WALKS.get(k, ACCENT) for k in paths} if paths else None)
    return figure


def _lines_of(lattice):
    """Return the lines along a, and along b, of a lattice."""
    lattice = np.asarray(lattice)
    return {"a": lattice[::EVERY], "b": lattice[:, ::EVERY].swapaxes(0, 1)}


def _name_lines(figure, names=None):
    """Write above a figure what its colours are: of `names`, or of lines of factors."""
    kinds = {"a": "$a$ grows along these", "b": "$b$ along these"}
    names = names or {kinds[name]: colour for name, colour in LINES_OF.items()}
    handles = [
        figure.axes[0].plot([], [], color=colour, lw=2.5, label=name)[0]
        for name, colour in names.items()
    ]
    figure.legend(
        handles=handles, loc="outside upper center", ncols=4, frameon=False, fontsize=11
    )


# ---- Losses


@checked
def loss_surfaces(
    panels: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray, str, str]],
) -> Figure:
    """Draw functions of two variables as shaded maps with level lines, side by side.

    `panels`: title -> (x (k,), y (m,), values (m, k), name of x, name of y).
    """
    figure, (axes,) = canvas(3.3, 1, len(panels))
    for axis, (title, (x, y, values, below, left)) in zip(
        axes, panels.items(), strict=True
    ):
        shown = axis.contourf(x, y, values, 24, cmap="cividis")
        axis.contour(x, y, values, 8, colors="white", linewidths=0.7, alpha=0.8)
        axis.set(xlabel=below, ylabel=left, aspect="equal")
        axis.set_title(title, fontsize=11)
        figure.colorbar(shown, ax=axis, shrink=0.7, ticks=MaxNLocator(4))
    return figure


@checked
def angle_curves(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], relative: bool = True
) -> Figure:
    """Draw the entanglement of clouds over the angle by which they are turned.

    `curves`: name -> (angles in degrees (m,), values (m,)); `relative` to the value
    at 0. The least of each is marked.
    """
    figure, ((axis,),) = canvas(3.8)
    for colour, marker, (name, (angles, values)) in zip(
        LINES, MARKERS, curves.items(), strict=False
    ):
        values = np.asarray(values) / (values[0] if relative else 1)
        axis.plot(angles, values, color=colour, lw=2.2)
        least = int(np.argmin(values))
        if values[least] < 0.99 * values.max():  # a level line has no least
            style = {"color": colour, "ms": 9, "mec": "white"}
            axis.plot(angles[least], values[least], marker, **style)
        apart = np.abs(values - values[0])
        far = apart.argmax() if apart.max() > 0.01 * values[0] else 5 * len(angles) // 6
        axis.annotate(
            name,
            (angles[far], values[far]),
            xytext=(0, 7 if values[far] >= values[0] else -17),
            textcoords="offset points",
            color=colour,
            ha="center",
            fontsize=11,
            weight="bold",
            path_effects=HALO,
        )
    axis.set_xlabel("turned by, degrees", fontsize=11)
    axis.set_ylabel("mean $|z_1 z_2|$" + ", at 0° = 1" * relative, fontsize=11)
    axis.set_xticks(np.arange(0, 91, 15))
    axis.tick_params(labelsize=10)
    return figure


# ---- Scores


@checked
def scores(panels: Mapping[str, Mapping], xlabel: str, columns: int = 3) -> Figure:
    """Draw scores of one kind of run after the other, each with its interval.

    `panels`: title -> a dictionary of `values`: label of the run -> interval, and
    perhaps `chance`: label -> what axes turned at random have, drawn as a bar.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = canvas(2.7 * rows + 0.3, rows, columns)
    for axis, (title, panel) in zip(axes.flat, panels.items(), strict=False):
        values, chance = panel["values"], panel.get("chance", {})
        for k, (name, interval) in enumerate(values.items()):
            mean, low, high = interval[:3]
            axis.plot([k, k], [low, high], color=VAE, lw=2.2)
            axis.plot(k, mean, "o", color=VAE, ms=6)
            if name in chance:
                axis.hlines(chance[name], k - 0.35, k + 0.35, color=GREY, lw=2.4)
        axis.set_xticks(range(len(values)), list(values), fontsize=9)
        axis.set_xlim(-0.6, len(values) - 0.4)
        axis.set_title(fill(title, 28), fontsize=11)
        axis.tick_params(axis="y", labelsize=9)
        axis.yaxis.set_major_locator(MaxNLocator(5))
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis in axes[-1]:
        axis.set_xlabel(xlabel, fontsize=10)
    return figure


@checked
def ranks(groups: Mapping[str, np.ndarray], low_means: str, high_means: str) -> Figure:
    """Draw where runs stand among their own codes under axes turned at random.

    `groups`: label -> ranks (n,) in [0, 1], one a run. 0.5 is no preference; the band
    is where the mean of so many uniform ones lies in 95 % of cases.
    `low_means` and `high_means` say what a rank near 0 and near 1 means.
    """
    figure, ((axis,),) = canvas(0.52 * len(groups) + 1.3)
    for k, values in enumerate(groups.values()):
        half = 1.96 / np.sqrt(12 * len(values))
        axis.barh(k, 2 * half, left=0.5 - half, height=0.7, color="#E5E5E5", zorder=0)
        axis.plot(values, np.full(len(values), k), "o", ms=6, color=VAE, alpha=0.5)
        axis.plot(np.mean(values), k, "D", ms=9, color=ACCENT, mec="white", zorder=4)
    axis.axvline(0.5, color=GREY, lw=1.4, ls="--", zorder=1)
    axis.set_yticks(range(len(groups)), list(groups), fontsize=11)
    axis.set_ylim(len(groups) - 0.5, -0.5)
    axis.set_xlim(-0.03, 1.03)
    axis.set_xlabel(f"← {low_means}        rank        {high_means} →", fontsize=11)
    axis.tick_params(axis="x", labelsize=10)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    return figure


# ---- Walks


@checked
def walks_in_plane(
    paths: Mapping[str, np.ndarray], ends: np.ndarray, ranges: np.ndarray
) -> Figure:
    """Draw where walks lead in the plane of factors.

    `paths`: way -> walks (k, n, 2), the factors read off their images, NaN where there
    is none; `ends` (k, 2, 2) the stars walked between; `ranges` of a and of b.
    """
    figure, (axes,) = canvas(8.6 / len(paths), 1, len(paths), sharey=True)
    for axis, (way, walks) in zip(axes, paths.items(), strict=True):
        for walk, (start, end) in zip(walks, ends, strict=True):
            axis.plot(*np.transpose([start, end]), color=QUIET, lw=1.2, zorder=1)
            axis.plot(*walk.T, "-o", color=WALKS.get(way, VAE), ms=3.5, lw=1.4)
            axis.plot(*np.transpose([start, end]), "s", color="#222222", ms=5, zorder=4)
        axis.set_title(way, fontsize=12, color=WALKS.get(way, VAE), weight="bold")
        axis.set_xlabel("$a$, the size", fontsize=11)
        (low, high), (bottom, top) = ranges
        axis.set(xlim=(low - 0.15, high + 0.15), ylim=(bottom - 0.15, top + 0.15))
        axis.set_aspect("equal")
        axis.tick_params(labelsize=9)
    axes[0].set_ylabel("$b$, the petals", fontsize=11)
    return figure


@checked
def bars_over(
    values: Mapping[str, Interval], label: str, order: Sequence[str] | None = None
) -> Figure:
    """Draw a measure of several ways, each an interval, as dots on one line a way.

    `values`: way -> interval; `label` has the unit.
    """
    figure, ((axis,),) = canvas(0.55 * len(values) + 0.9)
    names = order or list(values)
    for k, way in enumerate(names):
        mean, low, high = values[way][:3]
        colour = WALKS.get(way, VAE)
        axis.plot([low, high], [k, k], color=colour, lw=2.5)
        axis.plot(mean, k, "o", ms=8, color=colour)
        axis.annotate(
            f"{mean:.2g}",
            (high, k),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=11,
            weight="bold",
        )
    axis.set_yticks(range(len(names)), names, fontsize=11.5)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_xlim(left=0)
    axis.margins(x=0.12)
    axis.set_xlabel(label, fontsize=11)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    return figure


@checked
def plane_maps(panels: Mapping[str, np.ndarray], ranges: np.ndarray) -> Figure:
    """Draw quantities over the plane of factors as shaded maps, side by side.

    `panels`: title -> values (rows, columns), b growing upwards from the last row;
    `ranges` of a and of b. The highest fiftieth of the values has one colour.
    """
    figure, (axes,) = canvas(7.6 / len(panels) + 0.4, 1, len(panels))
    extent = [*ranges[0], *ranges[1]]
    for axis, (title, values) in zip(axes, panels.items(), strict=True):
        style = {"cmap": "cividis", "vmin": 0, "vmax": np.quantile(values, 0.98)}
        shown = axis.imshow(values, extent=extent, aspect="equal", **style)
        axis.set_title(fill(title, 26), fontsize=11)
        axis.set(xlabel="$a$, the size", ylabel="$b$, the petals")
        figure.colorbar(shown, ax=axis, shrink=0.8, ticks=MaxNLocator(5), extend="max")
    return figure
