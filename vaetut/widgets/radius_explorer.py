"""Faces of random codes: how far from the origin, and where the real codes lie."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy.special import erf

from vaetut.widgets.checks import is_above_zero, names_of
from vaetut.widgets.decoding import DecodingExplorer, panels_of
from vaetut.widgets.explorer import (
    COLOURS,
    OneOf,
    pack_steps,
    short,
)

STEPS = 160  # of the slider
BINS = 80  # of the histograms
MOST_MODELS, MOST_FACES = 2, 16
SHAPES = ("sphere", "cube")


class UpTo(traitlets.TraitType):
    """A number from 0 to the widget's `reach` of a shape; else ValueError."""

    default_value = 0.0

    def __init__(self, shape: str) -> None:
        super().__init__()
        self.shape = shape

    def validate(self, owner: Any, value: Any) -> float:
        """Return the number as a float."""
        high = owner.reach[self.shape]
        real = np.isscalar(value) and np.isreal(value)
        if not (real and 0 <= value <= high):
            raise ValueError(
                f"{self.name} is {value!r}: give a number from 0 to {high:g}."
            )
        return float(value)


class RadiusExplorer(DecodingExplorer):
    """What models draw of random codes on a sphere, or in a cube, by a slider of r.

    `decoders` has one or two Keras models by name, of codes (n, d); all decode the
    same codes: r · u on the sphere, with `directions` u (n, d) of any length but 0, or
    eight random ones; and in the cube from −r to r the point that u becomes when
    coordinates of a Gaussian are made uniform. `radii` has by the same names the
    lengths (m,) of the codes of real images, whose histogram lies behind the slider.
    `reach` is the largest r on the sphere, `cube` that of the cube. `shape`, "sphere"
    or "cube", `radius` on the sphere and `side` in the cube are where to start.
    `alt` describes the still picture that a page without JavaScript shows.

    In Jupyter the kernel decodes, and the traits `shape`, `radius` and `side` follow
    the page, and the page them. As `text/html` the explorer works without kernel and
    network. Raises ValueError, naming what is wrong and what to give. Used in chapters
    04 and 05.
    """

    kind = "vaetut-radius"
    view = ("shape", "radius", "side")

    shape = OneOf("shapes").tag(sync=True)
    radius = UpTo("sphere").tag(sync=True)
    side = UpTo("cube").tag(sync=True)

    def __init__(
        self,
        decoders: dict,
        directions: ArrayLike | None = None,
        *,
        radii: dict | None = None,
        reach: float = 40.0,
        cube: float = 8.0,
        shape: str = "sphere",
        radius: float = 16.0,
        side: float = 1.0,
        alt: str | None = None,
    ) -> None:
        mend = 'give {"VAE": decoder, …}'
        self.names, self.shapes = names_of("decoders", decoders, mend), SHAPES
        if len(self.names) > MOST_MODELS:
            raise ValueError(f"decoders are {len(self.names)}: give one or two.")
        self.reach = {"sphere": _reach("reach", reach), "cube": _reach("cube", cube)}
        panels = panels_of(decoders)
        sphere = _directions(directions, panels[0].dimension)
        self.points = {"sphere": sphere, "cube": in_cube(sphere)}
        self.radii = _radii(radii or {}, self.names)
        state = {
            "models": self.names,
            "faces": len(sphere),
            "steps": STEPS,
            "reach": self.reach,
            "points": {name: pack_steps(rows) for name, rows in self.points.items()},
            "hills": [self._hill(name) for name in self.names],
            "bin": self.reach["sphere"] / BINS,
        }
        traits = {"shape": shape, "radius": radius, "side": side}
        super().__init__(panels, state, alt, **traits)

    def _hill(self, name: str) -> dict | None:
        """Return a model's histogram, and its codes' lengths at 0 to 100 percent."""
        if name not in self.radii:
            return None
        lengths = self.radii[name]
        wide = self.reach["sphere"] / BINS
        bins = np.arange(0, lengths.max() + 2 * wide, wide)
        counts = np.histogram(lengths, bins)[0]
        percents = np.quantile(lengths, np.linspace(0, 1, 101))
        return {"counts": counts.tolist(), "percents": short(percents)}

    @property
    def r(self) -> float:
        """The radius of the sphere, or half the side of the cube, that is shown."""
        return self.radius if self.shape == "sphere" else self.side

    def codes(self, shape: str, r: float) -> np.ndarray:
        """Return the codes (n, d) of a sphere or a cube of that r."""
        return r * self.points[shape]

    def length(self, shape: str, r: float) -> float:
        """Return the root mean square of the codes' lengths."""
        return float(np.sqrt((self.codes(shape, r) ** 2).sum(axis=1).mean()))

    def share(self, name: str, length: float) -> float:
        """Return the share of a model's codes of real images that are shorter."""
        return float((self.radii[name] < length).mean())

    def decode(self, shape: str, r: float) -> dict[str, np.ndarray]:
        """Return by model what it draws of a shape's codes, uint8 (n, h, w, c)."""
        codes = self.codes(shape, r)
        return {panel.name: panel.draw(codes) for panel in self.panels}

    def images(self, wish: dict) -> list[np.ndarray]:
        """Return the images (h, w, c) of all models, one model after the other."""
        drawn = self.decode(wish["shape"], wish["r"])
        return [image for images in drawn.values() for image in images]

    def _place(self) -> str:
        words = {
            "sphere": "on a sphere of radius r",
            "cube": "in the cube from −r to r",
        }
        return words[self.shape]

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        length = self.length(self.shape, self.r)
        text = (
            f"{len(self.points['sphere'])} random codes {self._place()} = {self.r:g}, "
            f"decoded by {' and '.join(self.names)}. "
        )
        if self.radii:
            shares = [
                f"{name} {100 * self.share(name, length):.0f} %" for name in self.radii
            ]
            text += f"Codes of real images that are shorter: {', '.join(shares)}. "
        return text + "With JavaScript r can be moved."

    def draw(self) -> Figure:
        """Return the still picture: a row of faces a model, and the histograms."""
        n, length = len(self.points["sphere"]), self.length(self.shape, self.r)
        rows = len(self.names) + bool(self.radii)
        size = (7.5, 1.25 * len(self.names) + (1.6 if self.radii else 0))
        figure = Figure(figsize=size, dpi=100, layout="constrained")
        ratios = [1] * len(self.names) + [1.3] * bool(self.radii)
        grid = figure.add_gridspec(rows, n, height_ratios=ratios)
        for row, (name, images) in enumerate(self.decode(self.shape, self.r).items()):
            for column, image in enumerate(images):
                axes = figure.add_subplot(grid[row, column])
                grey: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 255}
                axes.imshow(image, interpolation="bicubic", **grey)
                axes.set_axis_off()
                if not column:
                    axes.set_title(name, fontsize=9, loc="left")
        if self.radii:
            axes = figure.add_subplot(grid[-1, :])
            for k, (name, lengths) in enumerate(self.radii.items()):
                look: dict[str, Any] = {"color": COLOURS[k], "label": name}
                axes.hist(lengths, BINS, density=True, alpha=0.5, **look)
            axes.axvline(length, color="#222222")
            axes.set(
                xlabel="length of the codes of real images, and of these", yticks=()
            )
            axes.legend(fontsize=8, frameon=False)
        return figure


def in_cube(directions: ArrayLike) -> np.ndarray:
    """Return points in the cube from −1 to 1, uniform for uniform directions (n, d).

    Coordinates of a direction times √d are nearly Gaussian; the distribution function
    of a Gaussian makes them uniform.
    """
    directions = np.asarray(directions, float)
    return erf(directions * np.sqrt(directions.shape[1] / 2))


# ---- What is refused


def _reach(what: str, value: Any) -> float:
    if not is_above_zero(value):
        raise ValueError(f"{what} is {value!r}: give a number above 0.")
    return float(value)


def _directions(directions: ArrayLike | None, d: int) -> np.ndarray:
    """Return directions (n, d) of length 1, or say what is wrong with them."""
    if directions is None:
        directions = np.random.default_rng(0).normal(size=(8, d))
    directions = np.asarray(directions, float)
    if directions.ndim != 2 or directions.shape[1] != d or not directions.size:
        raise ValueError(
            f"directions have shape {directions.shape}: give (n, {d}) for these "
            "decoders, one row a face."
        )
    if len(directions) > MOST_FACES:
        raise ValueError(
            f"directions are {len(directions)}: give at most {MOST_FACES}, for all are "
            "decoded whenever the slider moves."
        )
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ValueError(
            "directions have NaN, infinity or 0 as a length: leave it out."
        )
    return directions / lengths


def _radii(radii: dict[str, Any], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return lengths as floats (m,), or say what is wrong with them."""
    if radii and (not isinstance(radii, dict) or set(radii) != set(names)):
        raise ValueError(
            f"radii have the names {', '.join(map(str, radii))}: give those of the "
            f"decoders, {', '.join(names)}."
        )
    checked = {}
    for name in names if radii else ():
        lengths = np.asarray(radii[name], float)
        if lengths.ndim != 1 or not lengths.size:
            raise ValueError(
                f"radii of {name!r} have shape {lengths.shape}: give (m,), the length "
                "of each code."
            )
        if not (np.isfinite(lengths).all() and (lengths >= 0).all()):
            raise ValueError(f"radii of {name!r} have NaN, infinity or less than 0.")
        checked[name] = lengths
    return checked
