"""Figures of chapter 05: what a weak KL loss leaves as it was, and what it sets.

A name that stands for an autoencoder begins with "autoencoder".
"""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats

from vaetut.figures.style import AE, GREY, LINES, MARKERS, VAE, canvas, checked


@checked
def radii_by_seed(
    groups: Mapping[str, Iterable[np.ndarray]], dimension: int, width: float = 0.5
) -> Figure:
    """Draw how many codes lie at each distance, a panel a model and a line a training.

    `groups`: name -> trainings, each the lengths (n,) of its codes; `width` is that of
    a bin. Grey: the lengths that codes of N(0, I) in `dimension` dimensions have.
    """
    figure, axes = canvas(1.55 * len(groups) + 0.5, len(groups), 1, sharex=True)
    every = [np.asarray(values) for some in groups.values() for values in some]
    most = max(np.quantile(values, 0.995) for values in every)
    edges = np.arange(0, max(most, 1.3 * dimension**0.5) + 2 * width, width)
    normal = np.diff(stats.chi.cdf(edges, dimension))
    for axis, (name, some) in zip(axes[:, 0], groups.items(), strict=True):
        colour = AE if name.startswith("autoencoder") else VAE
        axis.stairs(normal, edges, fill=True, color=GREY, alpha=0.28)
        for values in some:
            share = np.histogram(values, edges)[0] / len(values)
            axis.stairs(share, edges, color=colour, lw=1.6, alpha=0.8)
        tallest = max(np.histogram(v, edges)[0].max() / len(v) for v in some)
        axis.set_ylim(0, max(1.25 * tallest, 0.05))
        axis.set_title(name, fontsize=11, loc="left", color=colour)
        axis.tick_params(axis="both", labelsize=9)
        axis.yaxis.set_major_locator(MaxNLocator(3))
    axes[-1, 0].set_xlim(0, edges[-1])
    axes[-1, 0].set_xlabel("length of a code ‖z‖", fontsize=11)
    figure.supylabel("share of the codes", fontsize=11)
    return figure


@checked
def variance_law(
    betas: np.ndarray,
    measured: tuple[np.ndarray, np.ndarray, np.ndarray],
    predicted: np.ndarray,
    points: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> Figure:
    """Draw log-variances over β, and each one over what the curvature says of it.

    `betas` (k,); `measured` (low, mean, high), each (k,): the mean log-variance over
    the trainings; `predicted` (k,). `points`: name -> (predicted (n,), measured (n,)).
    """
    figure, ((left, right),) = canvas(3.9, 1, 2)
    low, mean, high = measured
    left.vlines(betas, low, high, color=VAE, lw=2.4)
    left.plot(betas, mean, "o", color=VAE, ms=7, label="measured")
    left.plot(
        betas,
        predicted,
        "D",
        color=AE,
        ms=8,
        mfc="none",
        mew=1.8,
        label="log β/(β + H)",
    )
    slope = mean[0] + np.log(np.asarray(betas) / betas[0])
    shown = slope < 1
    left.plot(
        np.asarray(betas)[shown],
        slope[shown],
        "--",
        color=GREY,
        lw=1.4,
        label="slope 1",
        zorder=0,
    )
    left.set_xscale("log")
    left.set_xlabel("β, nats an image", fontsize=11)
    left.set_ylabel("log-variance, mean", fontsize=11)
    left.legend(fontsize=10, frameon=False)
    ends = []
    for k, (name, (said, found)) in enumerate(points.items()):
        style = {"s": 9, "alpha": 0.35, "lw": 0, "rasterized": True}
        colour, marker = LINES[k % len(LINES)], MARKERS[k % len(MARKERS)]
        right.scatter(said, found, color=colour, marker=marker, label=name, **style)
        ends += [np.min(said), np.max(said), np.min(found), np.max(found)]
    line = [min(ends), max(ends)]
    right.plot(line, line, "--", color=GREY, lw=1.4, zorder=0)
    right.set_xlabel("log β/(β + H), one dimension of one image", fontsize=11)
    right.set_ylabel("its log-variance", fontsize=11)
    right.legend(fontsize=9.5, frameon=False, markerscale=2.5, handletextpad=0.1)
    for axis in (left, right):
        axis.tick_params(labelsize=9)
    return figure


@checked
def code_maps(panels: Mapping[str, tuple[np.ndarray, np.ndarray | None]]) -> Figure:
    """Draw maps of codes side by side, such as t-SNE's, coloured by an attribute.

    `panels`: title -> (points (n, 2), (n,) bool or None for all of one colour).
    """
    width = 8.0 / len(panels)
    figure, (axes,) = canvas(width + 0.35, 1, len(panels))
    style = {"s": 6, "alpha": 0.75, "lw": 0, "rasterized": True}
    for axis, (title, (points, yes)) in zip(axes, panels.items(), strict=True):
        points = np.asarray(points)
        if yes is None:
            axis.scatter(*points.T, color=GREY, **style)
        else:
            yes = np.asarray(yes, bool)
            axis.scatter(*points[~yes].T, color=VAE, **style)
            axis.scatter(*points[yes].T, color=AE, marker="^", **style)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        axis.set_aspect("equal", adjustable="datalim")
        axis.set_title(title, fontsize=11)
    return figure
