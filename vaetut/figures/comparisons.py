"""Recipes held against each other: over tasks, over time, change by change."""

from collections.abc import Mapping
from itertools import cycle, pairwise
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from vaetut.analysis import Interval
from vaetut.figures.style import (
    ACCENT,
    GREY,
    HALO,
    INK,
    LINES,
    MARKERS,
    VAE,
    canvas,
    checked,
)

REGIONS = {  # colour and filling
    "hole": (ACCENT, ACCENT),
    "shell": ("#AA7700", "#F2CC77"),
    "far": (VAE, "white"),
}


@checked
def edges_of_task(
    panels: Mapping[str, Mapping], label: str = "IoU in the hole"
) -> Figure:
    """Draw a measure over the difficulty of the task, a line a rung.

    `panels`: title -> a dictionary of x (k,), numbers or names of kinds, xlabel, log
    (False unless given) and lines: rung -> interval of arrays (k,), or one array.
    """
    widths = [2 + len(panel["x"]) for panel in panels.values()]
    figure, (axes,) = canvas(3.8, 1, len(panels), sharey=True, width_ratios=widths)
    for axis, (title, panel) in zip(axes, panels.items(), strict=True):
        x, kinds = panel["x"], isinstance(panel["x"][0], str)
        at = np.arange(len(x)) if kinds else np.asarray(x, float)
        ends = _draw_lines(axis, at, panel["lines"], dodge=0.12 if kinds else 0)
        if panel.get("log"):
            axis.set_xscale("log")
            axis.xaxis.set_minor_locator(NullLocator())
        names = [fill(kind, 9) for kind in x] if kinds else [f"{v:,g}" for v in at]
        axis.set_xticks(at, names, fontsize=9)
        if kinds:
            axis.set_xlim(-0.5, len(x) - 0.5)
        axis.set_title(title, fontsize=12)
        axis.set_xlabel(panel["xlabel"], fontsize=11)
        axis.tick_params(axis="y", labelsize=9)
    axes[0].set_ylabel(label, fontsize=11)
    _end_labels(axes[-1], ends)
    return figure


@checked
def race(
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]],
    marks: Mapping[str, float],
    label: str = "validation loss, nats per image",
) -> Figure:
    """Draw the loss over the seconds, and when each line first reaches each mark.

    `lines`: label -> (seconds (k,), loss (k,)); `marks`: label -> loss, drawn dashed.
    An axis is logarithmic where what it shows spans a wide enough range.
    What is higher than the early part of a run is cut off.
    """
    figure, ((axis,),) = canvas(4.2)
    runs, goals = [], list(marks.values())
    for colour, (name, (seconds, loss)) in zip(LINES, lines.items(), strict=False):
        seconds, loss = np.asarray(seconds, float), np.asarray(loss, float)
        runs.append((seconds, loss))
        axis.plot(seconds, loss, color=colour, lw=2.4)
        text = {"color": colour, "fontsize": 12, "textcoords": "offset points"}
        text |= {"path_effects": HALO, "weight": "bold"}
        axis.annotate(
            fill(name, 14),
            (seconds[-1], loss[-1]),
            xytext=(7, 0),
            va="center",
            annotation_clip=False,
            **text,
        )
        for first in (np.flatnonzero(loss <= goal)[:1] for goal in goals):
            for k in first:  # none, or one
                axis.plot(seconds[k], loss[k], "o", color=colour, ms=8, mec="white")
                place = seconds[k], loss[k]
                axis.annotate(_duration(seconds[k]), place, xytext=(6, 6), **text)
    last = [seconds[-1] for seconds, _ in runs]
    lowest = min([*goals, *(loss.min() for _, loss in runs)])
    top = 1.15 * max([*goals, *(np.quantile(loss, 0.9) for _, loss in runs)])
    if top > 3 * lowest:
        axis.set(yscale="log", ylim=(lowest / 1.12, top))
        _plain_log(axis.yaxis)
    else:
        axis.set_ylim(lowest - 0.12 * (top - lowest), top)
    if max(last) > 5 * min(last):
        seen = [seconds[loss <= top][0] for seconds, loss in runs]
        axis.set(xscale="log", xlim=(0.6 * min(seen), 1.2 * max(last)))
        _plain_log(axis.xaxis, [1, 2, 5])
    else:
        axis.set_xlim(left=0)
    for name, goal in marks.items():
        axis.axhline(goal, color=GREY, lw=1.4, ls="--", zorder=1)
        axis.annotate(
            name,
            (0, goal),
            xytext=(4, -4),
            xycoords=axis.get_yaxis_transform(),
            textcoords="offset points",
            color="#555555",
            fontsize=11,
            va="top",
            path_effects=HALO,
        )
    axis.set_xlabel("seconds of training", fontsize=11)
    axis.set_ylabel(label, fontsize=11)
    axis.tick_params(labelsize=10)
    return figure


def _duration(seconds):
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _plain_log(axis, steps=(1, 1.5, 2, 3, 4, 5, 7)):
    """Label a logarithmic axis at these steps of each decade, in plain figures."""
    low, high = axis.get_view_interval()
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    ticks = np.outer(decades, steps).ravel()
    ticks = ticks[(low <= ticks) & (ticks <= high)]
    axis.set_ticks(ticks, [f"{tick:,.12g}" for tick in ticks])
    axis.set_minor_locator(NullLocator())


def _draw_lines(axis, x, lines, dodge=0.0):
    """Draw label -> interval of arrays or one array; return (label, y, colour) of ends.

    With `dodge`, x are kinds: points side by side, with their intervals as bars.
    """
    ends, styles = [], cycle(zip(LINES, MARKERS, strict=True))
    models = sum(np.ndim(value[0]) > 0 for value in lines.values())
    shift = -dodge * (models - 1) / 2
    for name, value in lines.items():
        if np.ndim(value[0]) == 0:  # a reference
            if dodge:
                axis.hlines(value, x - 0.42, x + 0.42, color=GREY, ls="--", lw=1.4)
            else:
                axis.plot(x, value, "--", color=GREY, lw=1.4)
            ends.append((name, value[-1], GREY))
            continue
        colour, marker = next(styles)
        mean, low, high = np.asarray(value[:3], float)
        if dodge:
            axis.vlines(x + shift, low, high, color=colour, lw=1.6)
            axis.plot(x + shift, mean, marker, color=colour, ms=5)
            shift += dodge
        else:
            axis.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)
            axis.plot(x, mean, "-", marker=marker, color=colour, ms=4.5, lw=2)
        ends.append((name, mean[-1], colour))
    return ends


def _end_labels(axis, ends, size=11):
    """Write the names of lines right of an axis, moved apart where they would touch.

    `ends`: (name, y in data, colour). Call it when the axis has its limits.
    """
    names = [fill(name, 16) for name, _, _ in ends]
    place = axis.transScale + axis.transLimits
    wanted = [place.transform((axis.get_xlim()[1], y))[1] for _, y, _ in ends]
    line = size * 1.25 / 72 / (0.75 * axis.figure.get_figheight())
    tall = np.array([line * (1 + name.count("\n")) for name in names])
    order = np.argsort(wanted, kind="stable")
    at = np.clip(wanted, 0, 1)
    for low, high in pairwise(order):
        at[high] = max(at[high], at[low] + (tall[low] + tall[high]) / 2)
    at[order[-1]] = min(at[order[-1]], 1.0)
    for high, low in pairwise(order[::-1]):
        at[low] = min(at[low], at[high] - (tall[low] + tall[high]) / 2)
    for k, (_, _, colour) in enumerate(ends):
        axis.annotate(
            names[k],
            (1, at[k]),
            xytext=(8, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            color=colour,
            fontsize=size,
            va="center",
            annotation_clip=False,
        )


@checked
def attribution(
    values: Mapping[str, Mapping[str, Interval]],
    label: str = "excess BCE, nats per pixel",
) -> Figure:
    """Draw the error by the way a code was found, a dot with an interval a region.

    `values`: region ("hole", "shell", "far") -> way -> interval; `label` has the unit.
    """
    ways = list(next(iter(values.values())))
    figure, ((axis,),) = canvas(1.05 * len(ways) + 0.9)
    shifts = np.linspace(-0.24, 0.24, len(values)) if len(values) > 1 else [0]
    for shift, (region, found) in zip(shifts, values.items(), strict=True):
        for k, way in enumerate(ways):
            _dot(axis, region, found[way], k + shift)
        high = found[ways[0]][2]
        _beside(axis, region, (high, shift), _colour(region))
    for k in range(1, len(ways)):
        axis.axhline(k - 0.5, color="#DDDDDD", lw=0.8)
    axis.set_yticks(range(len(ways)), [fill(way, 26) for way in ways], fontsize=12)
    axis.set_ylim(len(ways) - 0.5, -0.5)
    axis.set_xlim(0, 1.04 * axis.dataLim.x1)
    _finish(axis, label)
    return figure


@checked
def autopsy(
    changes: Mapping[str, Mapping[str, Mapping[str, Interval]]],
    base: Mapping[str, Mapping[str, Interval]],
    label: str = "IoU",
) -> Figure:
    """Draw what one change does to each of two recipes, in the hole and far from it.

    `changes`: panel's title -> change -> region ("hole", "far") -> interval; `base`:
    panel's title -> region -> interval, of the recipe without a change, drawn as
    bands. The change that does most in the hole is on top.
    """
    count = max(map(len, changes.values()))
    figure, (axes,) = canvas(0.5 * count + 1.5, 1, len(changes), sharex=True)
    for axis, (title, rows) in zip(axes, changes.items(), strict=True):
        heads = _outwards(base[title])
        for region, interval in base[title].items():
            mean, low, high = interval[:3]
            colour = _colour(region)
            axis.axvspan(low, high, color=colour, alpha=0.15, lw=0, zorder=0)
            axis.axvline(mean, color=colour, lw=1.5, ls="--", zorder=1)
            axis.text(
                mean,
                1.01,
                f" {region} ",
                color=colour,
                fontsize=11,
                weight="bold",
                ha=heads[region],
                va="bottom",
                transform=axis.get_xaxis_transform(),
            )
        before = base[title]["hole"][0]
        order = sorted(rows, key=lambda row: -abs(rows[row]["hole"][0] - before))
        for k, row in enumerate(order):
            axis.axhline(k, color="#E5E5E5", lw=0.8, zorder=0)
            for region, interval in rows[row].items():
                shift = 0.13 if region == "far" else -0.13
                _dot(axis, region, interval, k + shift)
        axis.set_yticks(range(len(order)), [fill(row, 17) for row in order])
        axis.tick_params(axis="y", length=0, labelsize=10.5)
        axis.set_ylim(count - 0.5, -0.6)
        axis.set_title(fill(title, 30), fontsize=12, pad=20)
        _finish(axis, label)
    # An interval of three trainings may go where no IoU does.
    low, high = axes[0].get_xlim()
    axes[0].set_xlim(max(low, 0), min(high, 1.01))
    return figure


@checked
def rungs(
    values: Mapping[str, Mapping[str, Interval]],
    floor: Mapping[str, float] | None = None,
    label: str = "IoU",
) -> Figure:
    """Draw the hole and the far field of each rung in one row, the best in bold.

    `values`: rung -> region ("hole", "far") -> interval; `floor`: what needs no
    learning, label -> value, drawn dashed. The best has the highest mean in the hole.
    """
    figure, ((axis,),) = canvas(0.52 * len(values) + 1.3)
    first = next(iter(values))
    best = max(values, key=lambda rung: values[rung]["hole"][0])
    for k, (rung, regions) in enumerate(values.items()):
        if rung == best:
            axis.axhspan(k - 0.5, k + 0.5, color="#EEF3F8", lw=0, zorder=0)
        means = [interval[0] for interval in regions.values()]
        axis.plot(means, [k] * len(means), color="#CCCCCC", lw=2, zorder=1)
        for region, interval in regions.items():
            _dot(axis, region, interval, k)
            towards = _outwards(regions)[region]
            end = interval[1 if towards == "right" else 2]
            style = {"weight": "bold"} if rung == best else {}
            _write(axis, f"{interval[0]:.2f}", (end, k), towards, region, **style)
    for k, region in enumerate(values[first]):
        axis.text(
            0.85 + 0.09 * k,
            -0.75,
            region,
            color=_colour(region),
            fontsize=12,
            weight="bold",
            transform=axis.get_yaxis_transform(),
        )
    low, high = axis.dataLim.intervalx
    for name, value in (floor or {}).items():
        axis.axvline(value, color=GREY, ls="--", lw=1.4, zorder=1)
        left = value < (low + high) / 2
        axis.annotate(
            name,
            (value, len(values) - 0.45),
            xytext=(5 if left else -5, 0),
            textcoords="offset points",
            color="#555555",
            fontsize=11,
            ha="left" if left else "right",
            va="top",
        )
    axis.set_yticks(range(len(values)), list(values), fontsize=11.5)
    axis.get_yticklabels()[list(values).index(best)].set_weight("bold")
    axis.tick_params(axis="y", length=0)
    axis.margins(x=0.1)
    axis.set_ylim(len(values) - 0.5 + (0.6 if floor else 0), -1)
    _finish(axis, label)
    return figure


def _colour(region):
    return REGIONS.get(region, (INK, INK))[0]


def _dot(axis, region, interval, y):
    """Draw a mean with its interval, in the colour of its region."""
    mean, low, high = interval[:3]
    edge, face = REGIONS.get(region, (INK, INK))
    axis.plot([low, high], [y, y], color=edge, lw=2.5, solid_capstyle="butt", zorder=3)
    axis.plot(mean, y, "o", ms=8, mec=edge, mfc=face, mew=1.8, zorder=4)


def _beside(axis, name, place, colour):
    axis.annotate(
        name,
        place,
        xytext=(9, 0),
        textcoords="offset points",
        color=colour,
        fontsize=12,
        weight="bold",
        va="center",
    )


def _outwards(regions):
    """Return where texts go that are to leave what lies between alone, by region."""
    lowest = min(regions, key=lambda region: regions[region][0])
    return {region: "right" if region == lowest else "left" for region in regions}


def _write(axis, name, place, towards, region, pad=6, **style):
    axis.annotate(
        name,
        place,
        xytext=(-pad if towards == "right" else pad, 0),
        textcoords="offset points",
        ha=towards,
        va="center",
        **{"color": _colour(region), "fontsize": 10, "path_effects": HALO} | style,
    )


def _finish(axis, label):
    axis.set_xlabel(label, fontsize=11)
    axis.tick_params(axis="x", labelsize=10)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
