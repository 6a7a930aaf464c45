"""What the weight of a loss does: each trained run's codes of a lattice, and scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vaetut.datasets.polar import A_RANGE, B_RANGE
from vaetut.widgets.checks import is_text, names_of, plane
from vaetut.widgets.explorer import (
    COLOURS,
    Explorer,
    OneOf,
    Within,
    pack_steps,
)

VIEW = {"azimuth": -25.0, "elevation": 30.0}  # degrees
MAX_POINTS = 20_000  # of all runs' lattices, that a page carries


class GammaExplorer(Explorer):
    """Trained runs along a slider: a lattice of (a, b) as each encodes it, and scores.

    `embeddings` are the codes by the slider's label, in its order: (na, nb, d) each, of
    a lattice whose first index is a's and whose second is b's, d = 2 or 3. Lines of a
    constant a are drawn in one colour, of a constant b in another, with the latent axes
    through the lattice's middle and without perspective: what is parallel stays so.
    All runs have one scale, or, with `fit`, each its own.

    `scores` are, by the same labels, the run's by name, (mean, low, high) each, such as
    {"410": {"alignment": (0.8, 0.7, 0.9)}}; or empty. `reference` has by name the value
    expected by chance, `chance` says of what, `interval` what low and high are. `label`
    names the slider, `ranges` are those of a and b, `run` is the label to start at.
    `alt` describes the still picture that a page without JavaScript shows.

    The view has an `azimuth` from −180 to 180 and an `elevation` from −90 to 90
    degrees and stays while the run changes; at (0, 90) z1 grows to the right and z2
    upwards, as codes of two dimensions always do. In Jupyter the traits `run`,
    `azimuth`, `elevation` and `fit` follow the page, and the page them. As `text/html`
    the explorer works without kernel and network; codes are then int16 steps. Raises
    ValueError, naming what is wrong and what to give. Used in chapter 09.
    """

    kind = "vaetut-gamma"
    view = ("run", "azimuth", "elevation", "fit")

    run = OneOf().tag(sync=True)
    azimuth = Within(-180, 180, default=VIEW["azimuth"]).tag(sync=True)
    elevation = Within(-90, 90, default=VIEW["elevation"]).tag(sync=True)
    fit = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        embeddings: dict,
        scores: dict | None = None,
        *,
        reference: dict | None = None,
        label: str = "γ",
        chance: str = "random rotation",
        interval: str = "mean and interval",
        ranges: ArrayLike = (A_RANGE, B_RANGE),
        run: str | None = None,
        alt: str | None = None,
        **view: Any,
    ) -> None:
        mend = 'give {"0": codes (na, nb, d), …}, a label of the slider each'
        self.names = names_of("embeddings", embeddings, mend)
        self.embeddings = _embeddings(embeddings)
        self.scores = _scores(scores or {}, self.names)
        self.reference = _reference(reference or {}, self.scores[self.names[0]])
        self.ranges = plane(ranges)
        if not is_text(label):
            raise ValueError(f"label is {label!r}: give what the slider is of, like γ.")
        self.label = label
        self.reach = max(map(reach, self.embeddings.values()))
        if not self.reach > 0:
            raise ValueError("embeddings are points: give codes that are apart.")
        run = self.names[0] if run is None else run
        state = self._pack(chance, interval)
        super().__init__(state, alt, run=run, **view)
        self.state["back"] = {name: getattr(self, name) for name in VIEW}

    def project(self, run: str) -> np.ndarray:
        """Return a run's lattice as seen, (na, nb, 2): to the right and up.

        The reach is 1, of all runs or, with `fit`, of this one.
        """
        codes = middled(self.embeddings[run])
        seen = codes / ((reach(codes) or 1.0) if self.fit else self.reach)
        if seen.shape[2] == 2:
            return seen
        return seen @ self._turn().T

    def _turn(self) -> np.ndarray:
        """Return the rows to the right and up, (2, 3), of the latent axes as seen."""
        a, e = np.deg2rad([self.azimuth, self.elevation])
        up = [np.sin(e) * np.sin(a), np.sin(e) * np.cos(a), np.cos(e)]
        return np.array([[np.cos(a), -np.sin(a), 0], up])

    def _pack(self, chance: str, interval: str) -> dict:
        """Return what a page needs besides the traits, ready for JSON."""
        na, nb, d = self.embeddings[self.names[0]].shape
        runs = []
        for name in self.names:
            codes = middled(self.embeddings[name])
            full = np.concatenate([codes, np.zeros((na, nb, 3 - d))], axis=2)
            own = reach(codes) or 1.0
            runs.append(
                {
                    "name": name,
                    "codes": pack_steps(full),
                    "reach": float(f"{own:.6g}"),
                }
            )
        (a0, a1), (b0, b1) = self.ranges
        sides = [
            (f"a = {a0:g}", 0, 0, nb // 2),
            (f"a = {a1:g}", 0, na - 1, nb // 2),
            (f"b = {b0:g}", 1, na // 2, 0),
            (f"b = {b1:g}", 1, na // 2, nb - 1),
        ]
        scores = [
            {
                "name": score,
                "rows": [self.scores[name][score] for name in self.names],
                "reference": self.reference.get(score),
            }
            for score in self.scores[self.names[0]]
        ]
        return {
            "label": self.label,
            "chance": chance,
            "interval": interval,
            "flat": d == 2,
            "shape": (na, nb),
            "reach": float(f"{self.reach:.6g}"),
            "runs": runs,
            "sides": sides,
            "scores": scores,
        }

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        na, nb, d = self.embeddings[self.run].shape
        text = (
            f"A lattice of {na} values of a and {nb} of b in a latent space of "
            f"{'two' if d == 2 else 'three'} dimensions, as the run of {self.label} = "
            f"{self.run} encodes it: lines of constant a in blue, of constant b in "
            "orange, with the latent axes. "
        )
        if scores := self.scores[self.run]:
            said = [
                _said(name, score, self.reference) for name, score in scores.items()
            ]
            text += f"Its scores: {'; '.join(said)}. "
        return text + f"With JavaScript {self.label} can be moved and the view turned."

    def draw(self) -> Figure:
        """Return the still picture: the lattice as seen, and the scores."""
        scores = self.scores[self.run]
        figure = Figure(figsize=(7.5, 4), dpi=100, layout="constrained")
        columns = figure.subplots(1, 2 if scores else 1, squeeze=False)[0]
        self._draw_lattice(columns[0])
        if scores:
            self._draw_scores(columns[1], scores)
        return figure

    def _draw_lattice(self, axes: Axes) -> None:
        seen = self.project(self.run)
        turn = np.eye(2) if self.embeddings[self.run].shape[2] == 2 else self._turn()
        for k, arm in enumerate(1.1 * turn.T):
            axes.plot(*np.transpose([-arm, arm]), color="#777777", lw=0.8)
            axes.annotate(f"z{'₁₂₃'[k]}", 1.08 * arm, ha="center", va="center")
        for k, lattice in enumerate((seen, seen.swapaxes(0, 1))):
            for i, line in enumerate(lattice):
                edge = i in (0, len(lattice) - 1)
                axes.plot(*line.T, color=COLOURS[k], lw=1.8 if edge else 0.9)
        axes.set(aspect="equal", title=f"{self.label} = {self.run}")
        axes.set_axis_off()

    def _draw_scores(self, axes: Axes, scores: dict[str, Any]) -> None:
        for row, (name, score) in enumerate(scores.items()):
            said = _said("", score, self.reference | {"": self.reference.get(name)})
            axes.text(0, -row, name, fontsize=9, weight="bold")
            axes.text(0, -row - 0.35, said.strip(), fontsize=9)
        axes.set(xlim=(0, 1), ylim=(-len(scores), 1))
        axes.set_axis_off()


def middled(codes: np.ndarray) -> np.ndarray:
    """Return codes (…, d) with the middle of their extent at 0."""
    flat = codes.reshape(-1, codes.shape[-1])
    return codes - (flat.min(axis=0) + flat.max(axis=0)) / 2


def reach(codes: np.ndarray) -> float:
    """Return how far codes (…, d) lie from the middle of their extent, at most."""
    return float(np.linalg.norm(middled(codes), axis=-1).max())


def _said(name: str, score: Sequence[float], reference: dict[str, Any]) -> str:
    mean, low, high = score
    chance = reference.get(name)
    chance = "" if chance is None else f", by chance {chance:.3g}"
    return f"{name} {mean:.3g} ({low:.3g} to {high:.3g}{chance})"


# ---- What is refused


def _embeddings(embeddings: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return codes as floats (na, nb, d), or say what is wrong with them."""
    arrays = {name: np.asarray(codes, float) for name, codes in embeddings.items()}
    first, shape = next((name, codes.shape) for name, codes in arrays.items())
    for name, codes in arrays.items():
        if codes.ndim != 3 or codes.shape[2] not in (2, 3) or min(codes.shape) < 2:
            raise ValueError(
                f"embedding {name!r} has shape {codes.shape}: give (na, nb, d), at "
                "least two values of a and b, with d = 2 or 3."
            )
        if codes.shape != shape:
            raise ValueError(
                f"embedding {name!r} has shape {codes.shape}, {first!r} {shape}: give "
                "all runs the same lattice."
            )
        if not np.isfinite(codes).all():
            raise ValueError(f"embedding {name!r} has NaN or infinity: leave it out.")
    points = len(arrays) * shape[0] * shape[1]
    if points > MAX_POINTS:
        raise ValueError(
            f"embeddings are {points} points in all: give at most {MAX_POINTS}, by a "
            "coarser lattice or fewer runs, for a page carries them all."
        )
    return arrays


def _scores(scores: dict[str, Any], names: Sequence[str]) -> dict[str, dict]:
    """Return each run's scores as three floats, or say what is wrong with them."""
    if not scores:
        return {name: {} for name in names}
    if not isinstance(scores, dict) or set(scores) != set(names):
        raise ValueError(
            f"scores have the labels {', '.join(map(str, scores))}: give those of the "
            f"embeddings, {', '.join(names)}."
        )
    first = list(scores[names[0]])
    checked = {}
    for name in names:
        if set(scores[name]) != set(first):
            raise ValueError(
                f"scores of {name!r} are {', '.join(scores[name])}: give those of "
                f"{names[0]!r}, {', '.join(first)}."
            )
        checked[name] = {
            score: _triple(name, score, scores[name][score]) for score in first
        }
    return checked


def _triple(name: str, score: str, values: Any) -> tuple[float, float, float]:
    try:
        mean, low, high = (float(value) for value in values)
    except (TypeError, ValueError):
        mean = low = high = np.nan
    if not (np.isfinite([low, high]).all() and low <= mean <= high):
        raise ValueError(
            f"score {score!r} of {name!r} is {values!r}: give (mean, low, high), "
            "finite and with the mean between both."
        )
    mean, low, high = (float(f"{value:.6g}") for value in (mean, low, high))
    return mean, low, high


def _reference(reference: dict[str, Any], scores: dict[str, Any]) -> dict[str, float]:
    for name, value in reference.items():
        if name not in scores:
            raise ValueError(
                f"reference has {name!r}: give names of scores, "
                f"{', '.join(scores) or 'of which there are none'}."
            )
        if not np.isfinite(value):
            raise ValueError(f"reference of {name!r} is {value}: leave it out.")
    return {name: float(f"{value:.6g}") for name, value in reference.items()}
