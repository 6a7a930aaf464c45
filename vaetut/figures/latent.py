"""Figures of a latent plane."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from vaetut.analysis import box_grid, in_gap, to_uniform
from vaetut.figures.style import (
    ACCENT,
    CLASS_COLOURS,
    WIDTH,
    canvas,
    checked,
    show_image,
    tiled,
)

COLOURS = ListedColormap(CLASS_COLOURS)


def draw_cloud(
    axis: Axes,
    codes: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    size: float = 2.0,
) -> None:
    """Scatter codes (n, 2) by class and write each name at its class's median.

    `labels` (n,) are indices into `class_names`; `size` is that of a dot, in points
    squared.
    """
    x, y = codes.T
    axis.scatter(
        x,
        y,
        c=labels,
        cmap=COLOURS,
        vmin=-0.5,
        vmax=len(CLASS_COLOURS) - 0.5,
        s=size,
        alpha=0.6,
        linewidths=0,
        rasterized=True,
    )
    present = [k for k in range(len(class_names)) if (labels == k).any()]
    medians = np.array([np.median(codes[labels == k], axis=0) for k in present])
    if present:
        places = _apart(medians, np.ptp(codes, 0))
        for k, (x, y) in zip(present, places, strict=True):
            axis.text(
                x,
                y,
                class_names[k],
                color="black",
                fontsize=8,
                ha="center",
                va="center",
                bbox={
                    "boxstyle": "round,pad=0.15",
                    "fc": "white",
                    "ec": CLASS_COLOURS[k],
                    "alpha": 0.85,
                },
            )


def _apart(places, span):
    """Return label places (n, 2), moved up where one would cover another."""
    order, placed = np.argsort(places[:, 1]), places.astype(float)
    for i, k in enumerate(order):
        for other in order[:i]:
            dx, dy = (placed[k] - placed[other]) / span
            if abs(dx) < 0.17 and dy < 0.055:
                placed[k, 1] = placed[other, 1] + 0.055 * span[1]
    return placed


@checked
def cloud(codes: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Draw the codes (n, 2) of images, coloured and named by class.

    `labels` (n,) are indices into `class_names`.
    """
    figure, ((axis,),) = canvas(6.2)
    draw_cloud(axis, codes, labels, class_names, size=4)
    axis.set_aspect("equal", adjustable="datalim")
    axis.set(xlabel="$z_1$", ylabel="$z_2$")
    return figure


@checked
def plane_twice(
    codes: np.ndarray, labels: np.ndarray, class_names: Sequence[str]
) -> Figure:
    """Draw the plane by z with the prior's circles, and beside it by p = Φ(z).

    `codes` (n, 2), `labels` (n,), indices into `class_names`.
    """
    figure, ((left, right),) = canvas(4.2, 1, 2)
    draw_cloud(left, codes, labels, class_names)
    angle = np.linspace(0, 2 * np.pi, 200)
    for mass in (0.5, 0.9, 0.99):  # a circle holds 1 - exp(-r²/2) of N(0, I)
        radius = np.sqrt(-2 * np.log(1 - mass))
        circle = radius * np.cos(angle), radius * np.sin(angle)
        left.plot(*circle, color="black", lw=0.8, ls="--")
        left.text(0, radius, f"{mass:.0%}", fontsize=8, ha="center", va="bottom")
    left.set_aspect("equal", adjustable="datalim")
    left.set(xlabel="$z_1$", ylabel="$z_2$")
    draw_cloud(right, to_uniform(codes), labels, class_names)
    right.set_aspect("equal")
    right.set(xlabel=r"$\Phi(z_1)$", ylabel=r"$\Phi(z_2)$", xlim=(0, 1), ylim=(0, 1))
    return figure


@checked
def gap_map(planes: Mapping[str, np.ndarray], side: int = 160) -> Figure:
    """Draw where a point of the plane lies in a gap, for several clouds.

    `planes`: title -> codes (n, 2). White: within reach of a code; red: in a gap, by
    the measure of `vaetut.analysis.in_gap`.
    """
    height = min(WIDTH / len(planes) * 1.08, 5.2)
    figure, axes = canvas(height, 1, len(planes))
    for axis, (title, codes) in zip(axes[0], planes.items(), strict=True):
        low, high = codes.min(0), codes.max(0)
        gap = in_gap(codes, box_grid(codes, side)).reshape(side, side)
        extent = (low[0], high[0], low[1], high[1])
        axis.imshow(
            gap,
            extent=extent,
            cmap=ListedColormap(["white", ACCENT]),
            alpha=0.45,
            aspect="auto",
        )
        axis.scatter(*codes.T, s=0.6, c="black", linewidths=0, rasterized=True)
        axis.set_title(f"{title}: {gap.mean():.0%} of the box is gap", fontsize=9)
        axis.set(xlabel="$z_1$", ylabel="$z_2$")
    return figure


@checked
def beta_strip(
    planes: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> Figure:
    """Draw a model a column: its codes, and what a grid of its plane decodes to.

    `planes`: title -> (codes (n, 2), labels (n,), images (k², h, w, c) row by row).
    """
    figure, axes = canvas(WIDTH / len(planes) * 2.35, 2, len(planes))
    for (top, bottom), (title, plane) in zip(axes.T, planes.items(), strict=True):
        codes, labels, images = plane
        draw_cloud(top, codes, labels, class_names=(), size=0.8)
        reach = np.abs(codes).max() * 1.05
        top.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[])
        top.spines[:].set_visible(True)
        top.set_aspect("equal")
        top.set_title(title, fontsize=8)
        top.set_xlabel(f"±{reach:.2g}", fontsize=7)
        show_image(bottom, tiled(images, int(np.sqrt(len(images)))))
    return figure


@checked
def two_clouds(
    planes: Mapping[str, np.ndarray], labels: np.ndarray, class_names: Sequence[str]
) -> Figure:
    """Draw clouds of codes of the same images side by side, coloured by class.

    `planes`: title -> codes (n, 2).
    """
    figure, axes = canvas(WIDTH / len(planes) * 1.05, 1, len(planes))
    for axis, (title, codes) in zip(axes[0], planes.items(), strict=True):
        draw_cloud(axis, codes, labels, class_names)
        axis.plot(0, 0, "+", color="black", ms=12)
        axis.set_aspect("equal", adjustable="datalim")
        axis.set(xlabel="$z_1$", ylabel="$z_2$")
        axis.set_title(title, fontsize=10)
    return figure
