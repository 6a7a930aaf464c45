"""The accounts of trainings: reconstruction, KL and total in any unit that is used."""

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vaetut.widgets.checks import is_text, names_of
from vaetut.widgets.explorer import COLOURS, Explorer, OneOf, Whole, short

PARTS = ("reconstruction", "kl")
WEIGHT = 500  # of a mean over pixels, in the best-known example


class LossLedger(Explorer):
    """What trainings cost over their epochs, in the unit that one likes.

    `histories` has, by the name of a training, its "beta" and, epoch by epoch, the
    "reconstruction" and the "kl", all in nats per image; other entries are left out.
    All trainings have as many epochs, two or more. The units are those of `units_of`,
    for images of `pixels` subpixels and codes of `dimensions`. A unit changes the log
    of a training and not the training. `label` names what tells trainings apart;
    `run`, `unit` and `epoch`, from 0, are where to start: the first training, nats per
    image and the last epoch. `alt` describes the still picture of a page without
    JavaScript.

    In Jupyter the traits `run`, `unit` and `epoch` follow the page, and the page them.
    As `text/html` the ledger works without kernel and network. Raises ValueError,
    naming what is wrong and what to give. Used in chapter 03.
    """

    kind = "vaetut-ledger"
    view = ("run", "unit", "epoch")

    run = OneOf().tag(sync=True)
    unit = OneOf("units").tag(sync=True)
    epoch = Whole().tag(sync=True)

    def __init__(
        self,
        histories: dict,
        *,
        pixels: int = 32 * 32,
        dimensions: int = 2,
        label: str = "β",
        run: str | None = None,
        unit: str | None = None,
        epoch: int | None = None,
        alt: str | None = None,
    ) -> None:
        self.names = names_of("histories", histories, 'give {"β = 1": history, …}')
        self.accounts = {name: _account(name, histories[name]) for name in self.names}
        lengths = {len(account["kl"]) for account in self.accounts.values()}
        if len(lengths) > 1 or min(lengths) < 2:
            raise ValueError(
                f"histories have {sorted(lengths)} epochs: give all the same number, "
                "two or more."
            )
        if not is_text(label):
            raise ValueError(f"label is {label!r}: say what tells trainings apart.")
        self.label = label
        self.units = units_of(pixels, dimensions)
        self.last = lengths.pop() - 1
        state = {
            "label": label,
            "runs": [self._pack(name) for name in self.names],
            "units": [
                {"name": name, "factors": factors}
                for name, factors in self.units.items()
            ],
        }
        super().__init__(
            state,
            alt,
            run=self.names[0] if run is None else run,
            unit=next(iter(self.units)) if unit is None else unit,
            epoch=self.last if epoch is None else epoch,
        )

    def _pack(self, name: str) -> dict:
        """Return what a page needs of a training, ready for JSON."""
        account = self.accounts[name]
        parts = {part: short(account[part]) for part in PARTS}
        return {"name": name, "beta": account["beta"]} | parts

    def entries(self) -> dict[str, float]:
        """Return the account of the chosen training, unit and epoch, as a log has it.

        "weight" is the factor of the KL, "term" their product, and "total" the sum of
        reconstruction and term. "bare beta" is the β, in nats per image, of a training
        that adds the KL to the reconstruction of this unit without a weight.
        """
        account, (w, k) = self.accounts[self.run], self.units[self.unit]
        reconstruction, kl = (float(account[part][self.epoch]) for part in PARTS)
        weight = account["beta"] * w / k
        return {
            "reconstruction": w * reconstruction,
            "kl": k * kl,
            "weight": weight,
            "term": weight * k * kl,
            "total": w * (reconstruction + account["beta"] * kl),
            "bare beta": k / w,
        }

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        found = {name: f"{value:.4g}" for name, value in self.entries().items()}
        return (
            f"Reconstruction and weighted KL of the training {self.label} = {self.run} "
            f"over {self.last + 1} epochs, stacked, in the unit {self.unit!r}. In "
            f"epoch {self.epoch + 1} the reconstruction is {found['reconstruction']}, "
            f"the KL {found['kl']} with the weight {found['weight']}, the total "
            f"{found['total']}. A bare KL added in this unit is β = "
            f"{found['bare beta']}. With JavaScript training, unit and epoch can be "
            "chosen."
        )

    def draw(self) -> Figure:
        """Return the still picture: the stack over the epochs, and the account."""
        figure = Figure(figsize=(7.5, 3.2), dpi=100, layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
        account, w = self.accounts[self.run], self.units[self.unit][0]
        epochs = np.arange(1, self.last + 2)
        parts = w * account["reconstruction"], w * account["beta"] * account["kl"]
        names = "reconstruction", "weight × KL"
        left.stackplot(epochs, *parts, labels=names, colors=COLOURS[:2], alpha=0.7)
        left.axvline(self.epoch + 1, color="#222222", lw=1)
        left.set(xlabel="epoch", xticks=epochs, title=f"{self.label} = {self.run}")
        left.legend(fontsize=8, loc="lower left")
        for row, (name, value) in enumerate(self.entries().items()):
            right.text(0, -row, name)
            right.text(1, -row, f"{value:.4g}", ha="right")
        right.set(xlim=(0, 1), ylim=(-5.5, 1.5), title=self.unit)
        right.set_axis_off()
        return figure


def units_of(pixels: int, dimensions: int) -> dict[str, tuple[float, float]]:
    """Return the units in use: name → the factors of reconstruction and of KL.

    The factors make a unit's numbers from nats per image. Raises ValueError unless
    `pixels` and `dimensions` are at least 1.
    """
    for name, value in {"pixels": pixels, "dimensions": dimensions}.items():
        if not (isinstance(value, (int, np.integer)) and value >= 1):
            raise ValueError(f"{name} is {value!r}: give a whole number from 1 on.")
    return {
        "nats per image: sum BCE, sum KL": (1.0, 1.0),
        f"{WEIGHT} · mean BCE, sum KL": (WEIGHT / pixels, 1.0),
        "mean BCE, sum KL": (1 / pixels, 1.0),
        "mean BCE, mean KL": (1 / pixels, 1 / dimensions),
    }


def _account(name: str, history: dict[str, Any]) -> dict:
    """Return a training's β and parts as floats, or say what is wrong with them."""
    missing = [key for key in ("beta", *PARTS) if key not in history]
    if missing:
        raise ValueError(
            f"history {name!r} has no {', '.join(missing)}: give beta, reconstruction "
            "and kl, in nats per image."
        )
    beta, *parts = (np.asarray(history[key], float) for key in ("beta", *PARTS))
    if beta.ndim or not 0 <= beta < math.inf:
        raise ValueError(f"beta of {name!r} is {history['beta']!r}: give 0 or more.")
    if any(p.ndim != 1 or p.shape != parts[0].shape for p in parts):
        shapes = " and ".join(str(part.shape) for part in parts)
        raise ValueError(
            f"parts of {name!r} have shapes {shapes}: give (epochs,) both."
        )
    if not np.isfinite(parts).all():
        raise ValueError(f"parts of {name!r} have NaN or infinity: end before that.")
    return {"beta": float(beta), **dict(zip(PARTS, parts, strict=True))}
