"""Figures of what networks cost: parameters, multiplications, memory, and ranks."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from vaetut.analysis import Interval
from vaetut.figures.style import ACCENT, AE, INK, QUIET, VAE, canvas, checked

PARTS = (VAE, "#AA3377", AE, "#666666", "#88BBDD", "#DDCC77")
SMALL = 0.15  # of a network: what has less is stacked with the others


@checked
def areas(networks: Mapping[str, Mapping[str, int]]) -> Figure:
    """Draw the parameters of networks as areas, all to one scale.

    `networks`: title -> {layer: how many parameters, 0 or more}. The layers with a
    seventh of a network or more have a column each, the others share one.
    """
    whole = {title: sum(layers.values()) for title, layers in networks.items()}
    figure, ((axis,),) = canvas(3.2)
    most, left = max(whole.values()), 0.0
    for title, layers in networks.items():
        width = whole[title] / most
        axis.text(left, 1.03, f"{title}: {whole[title] / 1e6:.2f} million", fontsize=9)
        columns = _columns(layers, SMALL * whole[title])
        start = left
        for column in columns:
            wide, low = width * sum(column.values()) / whole[title], 0.0
            for name, count in column.items():
                high = count / sum(column.values())
                colour = _colour(name)
                box = {"width": wide, "height": high, "facecolor": colour}
                axis.add_patch(_rectangle((start, low), **box))
                _write(axis, name, count, (start, low), wide, high)
                low += high
            start += wide
        left += width + 0.06
    axis.set(xlim=(0, left - 0.06), ylim=(0, 1.12))
    axis.set_axis_off()
    return figure


def _columns(layers, least):
    """Return layers in columns: the small ones in one, the largest below."""
    ordered = dict(sorted(layers.items(), key=lambda item: -item[1]))
    small = {k: v for k, v in ordered.items() if 0 < v < least}
    large = [{k: v} for k, v in ordered.items() if v >= least]
    return ([small] if small else []) + large


def _colour(name):
    """Return the colour of a layer: dense ones stand out."""
    dense = {"mean": AE, "log_var": "#F5A875", "extra": "#AA3377", "dense": "#666666"}
    return dense.get(name, VAE)


def _rectangle(corner, **options):
    from matplotlib.patches import Rectangle

    return Rectangle(corner, edgecolor="white", lw=1, **options)


def _write(axis, name, count, corner, wide, high):
    """Write a layer's name into its area where there is room."""
    if high < 0.06 or wide < 0.04:
        return
    thin = wide < 0.15
    words = name if thin else f"{name}\n{count / 1e6:.2f} M"
    x, y = corner[0] + wide / 2, corner[1] + high / 2
    colour = INK if name in ("mean", "log_var") else "white"
    style = {"ha": "center", "va": "center", "color": colour}
    axis.text(x, y, words, fontsize=7 if thin else 9, **style)


@checked
def shares(
    rows: Mapping[str, Mapping[str, float]], labels: Mapping[str, str] | None = None
) -> Figure:
    """Draw what each part has of several totals, a bar a total, all as long.

    `rows`: title -> {part: amount, 0 or more}, the same parts in each. `labels`: title
    -> words at the bar's end, such as the total.
    """
    figure, ((axis,),) = canvas(0.45 * len(rows) + 0.9)
    parts = list(next(iter(rows.values())))
    for k, (title, amounts) in enumerate(rows.items()):
        left, whole = 0.0, sum(amounts.values())
        for colour, part in zip(PARTS, parts, strict=False):
            share = 100 * amounts[part] / whole
            named = {"label": part} if k == 0 else {}
            axis.barh(k, share, left=left, color=colour, edgecolor="white", **named)
            if share >= 6:
                ink = "white" if colour in PARTS[:2] + PARTS[3:4] else INK
                style = {"ha": "center", "va": "center", "color": ink, "fontsize": 8}
                axis.text(left + share / 2, k, f"{share:.0f} %", **style)
            left += share
        if labels:
            axis.text(101, k, labels[title], va="center", fontsize=8)
    axis.set_yticks(range(len(rows)), list(rows), fontsize=8)
    axis.set(xlim=(0, 114 if labels else 100), xticks=[])
    axis.invert_yaxis()
    axis.spines[["left", "bottom"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


@checked
def over_batch(panels: Mapping[str, Mapping[str, Mapping[int, np.ndarray]]]) -> Figure:
    """Draw ratios over the size of the batch, a line a way, a small dot a turn.

    `panels`: title -> {name: {batch: ratios}}; 1 is a line.
    """
    figure, (axes,) = canvas(2.8, 1, len(panels), sharey=True)
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        axis.axhline(1, color=INK, lw=0.8)
        batches = sorted({n for line in lines.values() for n in line})
        for colour, (name, line) in zip((VAE, AE, INK), lines.items(), strict=False):
            own = sorted(line)
            middle = [np.median(line[n]) for n in own]
            axis.plot(own, middle, "o-", color=colour, ms=5, label=name)
            for n in own:
                dots = np.full(len(line[n]), n)
                axis.plot(dots, line[n], ".", color=colour, ms=3, alpha=0.5)
        axis.set_xscale("log")
        axis.set_xticks(batches, [str(n) for n in batches])
        axis.minorticks_off()
        axis.set(xlabel="images in a batch")
        axis.set_title(title, fontsize=9)
    axes[0].set_ylabel("without : with the layer")
    axes[0].legend(fontsize=8, frameon=False)
    return figure


@checked
def ranks_kept(
    spectra: Mapping[str, np.ndarray],
    losses: Mapping[str, tuple[np.ndarray, np.ndarray]],
    floor: float | None = None,
    mark: tuple[int, float, str] | None = None,
) -> Figure:
    """Draw how much is explained over the rank, and what is lost by keeping so many.

    `spectra`: name -> shares (k,) that each direction has, falling; `losses`: name ->
    (ranks, nats above the whole). `mark` is (rank, nats, words) of one to compare.
    """
    figure, ((left, right),) = canvas(3.0, 1, 2)
    for colour, (name, own) in zip((AE, VAE), spectra.items(), strict=False):
        explained = 100 * np.cumsum(own)
        ranks = np.arange(1, len(own) + 1)
        left.plot(ranks, explained, color=colour, lw=2, label=name)
    left.set(xscale="log", ylim=(0, 102), xlabel="directions kept", ylabel="%")
    left.set_title("explained", fontsize=9)
    for colour, (name, (ranks, nats)) in zip((AE, VAE), losses.items(), strict=False):
        nats = np.maximum(nats, floor or 0)
        right.plot(ranks, nats, "o-", color=colour, ms=3, label=name)
    if mark:
        *place, words = mark
        right.plot(*place, "*", color=ACCENT, ms=11)
        right.annotate(words, place, (6, 5), textcoords="offset points")
    right.set(xscale="log", yscale="log", xlabel="directions kept")
    right.set_title("lost, nats per image", fontsize=9)
    for axis in (left, right):
        axis.legend(fontsize=8, frameon=False)
        ticks = [k for k in (1, 4, 16, 64, 256) if k <= axis.get_xlim()[1]]
        axis.set_xticks(ticks, [str(k) for k in ticks])
        axis.minorticks_off()
    return figure


@checked
def changes(
    measures: Mapping[str, Mapping[str, tuple[np.ndarray, Interval]]],
) -> Figure:
    """Draw changes against a baseline in per cent, a dot a seed and an interval.

    `measures`: title -> {name: (values in per cent (n,), Interval of them)}. A row a
    measure, a colour a name; grey is no change.
    """
    names = list(next(iter(measures.values())))
    figure, ((axis,),) = canvas(0.24 * len(measures) * len(names) + 0.9)
    axis.axvline(0, color=QUIET, lw=3)
    for row, found in enumerate(measures.values()):
        for k, (name, (values, interval)) in enumerate(found.items()):
            y = row + 0.3 * (k - (len(names) - 1) / 2)
            colour = (VAE, AE, INK)[k]
            named = {"label": name} if row == 0 else {}
            ends = [interval.low, interval.high]
            axis.plot(ends, [y, y], color=colour, lw=5, alpha=0.35)
            axis.plot(interval.mean, y, "D", color=colour, ms=5, **named)
            axis.plot(values, np.full(len(values), y), ".", color=INK, ms=3)
    axis.set_yticks(range(len(measures)), list(measures), fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel("change by the extra layer, %")
    axis.legend(fontsize=8, frameon=False)
    return figure
