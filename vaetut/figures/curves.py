"""Figures of numbers: histories, sweeps, comparisons over seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vaetut.analysis import Interval
from vaetut.figures.style import ACCENT, AE, INK, QUIET, VAE, canvas, checked

PARTS = {"loss": INK, "reconstruction": VAE, "regularizer": ACCENT}


@checked
def history(record: Any) -> Figure:
    """Draw the parts of the loss over the epochs, validation solid, training dashed.

    `record` is that of a run: it holds the parts of the loss, nats an image, an epoch
    each.
    """
    parts = [p for p in PARTS if p in record.history]
    parts = parts[1:] if len(parts) == 2 else parts  # an autoencoder's loss is one part
    figure, axes = canvas(2.6, 1, len(parts))
    epochs = np.arange(1, len(record.history["loss"]) + 1)
    for axis, part in zip(axes[0], parts, strict=True):
        axis.plot(epochs, record.history[part], "o--", color=QUIET, label="training")
        axis.plot(
            epochs,
            record.history[f"val_{part}"],
            "o-",
            color=PARTS[part],
            label="validation",
        )
        axis.set_title(f"{part}, nats per image", fontsize=9)
        axis.set(xlabel="epoch", xticks=epochs)
    axes[0, 0].legend(fontsize=8, frameon=False)
    return figure


@checked
def entropy_floor(grey: np.ndarray, image: np.ndarray, floor: np.ndarray) -> Figure:
    """Draw the entropy of a grey pixel over its value, and one image's floor as a map.

    `grey` (k,) values in [0, 1]; `image`, `floor` (h, w): pixels, and their entropy
    in nats.
    """
    figure, (axes,) = canvas(2.6, 1, 3, width_ratios=(1.5, 1, 1.15))
    entropy = -(grey * np.log(grey) + (1 - grey) * np.log1p(-grey))
    axes[0].plot(grey, entropy, color=VAE, lw=2)
    axes[0].set(xlabel="grey value $x$", ylabel="$H(x)$ in nats")
    axes[1].imshow(image, cmap="gray_r", vmin=0, vmax=1)
    shown = axes[2].imshow(floor, cmap="magma", vmin=0, vmax=np.log(2))
    figure.colorbar(shown, ax=axes[2], shrink=0.8)
    for axis, title in zip(axes[1:], ("image", "its floor, nats"), strict=True):
        axis.set_axis_off()
        axis.set_title(title, fontsize=9)
    return figure


@checked
def denoising(sigmas: np.ndarray, errors: Mapping[str, np.ndarray]) -> Figure:
    """Draw the error left in an image over the noise put in, a line a method.

    `sigmas` (k,); `errors`: method -> (k,) root mean squared error to the clean image.
    """
    figure, ((axis,),) = canvas(3.2)
    colours = (INK, AE, VAE, ACCENT)
    for colour, (name, values) in zip(colours, errors.items(), strict=False):
        axis.plot(sigmas, values, "o-", color=colour, ms=3, label=name)
    axis.set(xlabel="standard deviation of the noise", ylabel="error left (RMSE)")
    axis.set(xlim=(0, None), ylim=(0, None))
    axis.legend(fontsize=9, frameon=False)
    return figure


@checked
def compare(
    measures: Mapping[str, Mapping[str, tuple[np.ndarray, Interval]]], columns: int = 3
) -> Figure:
    """Draw each measure of two or more models, a dot a seed, the bar their interval.

    `measures`: title -> {model: (values (n,), Interval)}.
    """
    rows = -(-len(measures) // columns)
    figure, axes = canvas(1.9 * rows, rows, columns)
    for axis, (title, models) in zip(axes.flat, measures.items(), strict=False):
        for k, (name, (values, interval)) in enumerate(models.items()):
            colour = (AE, VAE)[name.startswith("VAE")]
            axis.barh(k, interval.mean, color=colour, alpha=0.25, height=0.7)
            axis.plot([interval.low, interval.high], [k, k], color=colour, lw=3)
            axis.plot(values, np.full(len(values), k), "o", color=INK, ms=2.5)
        axis.set_yticks(range(len(models)), list(models), fontsize=8)
        axis.invert_yaxis()
        axis.set_xlim(left=0)
        axis.set_title(title, fontsize=9)
    for axis in axes.flat[len(measures) :]:
        axis.set_axis_off()
    return figure


@checked
def beta_curves(
    betas: np.ndarray, panels: Mapping[str, Mapping[str, Sequence[np.ndarray]]]
) -> Figure:
    """Draw what β does, a line a quantity, with the range over the seeds.

    `betas` (k,); `panels`: title -> {name: k sequences, one value a seed}. β = 0 is
    drawn at the left end of the logarithmic axis.
    """
    figure, (axes,) = canvas(3.0, 1, len(panels))
    betas = np.asarray(betas)
    at = np.where(betas > 0, betas, betas[betas > 0].min() / 10)
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        for colour, (name, values) in zip((VAE, AE, INK), lines.items(), strict=False):
            low, mean, high = (
                [f(seeds) for seeds in values] for f in (np.min, np.mean, np.max)
            )
            axis.fill_between(at, low, high, color=colour, alpha=0.25, lw=0)
            axis.plot(at, mean, "o-", color=colour, ms=3, label=name)
        axis.set_xscale("log")
        axis.set_xticks(at, [f"{b:.3g}" for b in betas], fontsize=7, rotation=45)
        axis.minorticks_off()
        axis.set(xlabel="β (nats per image)")
        axis.set_title(title, fontsize=9)
        if len(lines) > 1:
            axis.legend(fontsize=8, frameon=False)
    return figure


@checked
def ladder(rungs: Mapping[str, Interval]) -> Figure:
    """Draw bounds on log p(x) as rungs, from the loosest to the value itself.

    `rungs`: name -> Interval in nats per image.
    """
    figure, ((axis,),) = canvas(0.55 * len(rungs) + 0.7)
    for k, interval in enumerate(rungs.values()):
        axis.plot([interval.low, interval.high], [k, k], color=VAE, lw=5, alpha=0.4)
        axis.plot(interval.mean, k, "o", color=INK, ms=5)
        axis.text(interval.mean, k - 0.25, f"{interval.mean:.2f}", ha="center")
    axis.set_yticks(range(len(rungs)), list(rungs))
    axis.set_ylim(len(rungs) - 0.5, -0.7)
    axis.set_xlabel("nats per image")
    return figure
