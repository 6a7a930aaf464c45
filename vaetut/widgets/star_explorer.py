"""The plane of (a, b) to put a star in, and what a model of stars answers."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vaetut import analysis
from vaetut.datasets.polar import (
    A_RANGE,
    B_RANGE,
    HOLE_CENTER,
    HOLE_RADIUS,
    TRANSECTS,
    draw,
    in_hole,
)
from vaetut.datasets.polar.curve import PETALS
from vaetut.datasets.polar.render import INK, LIMIT
from vaetut.measures.strokes import ink_threshold
from vaetut.models import ImageModel
from vaetut.widgets.checks import check_in_plane, wrong
from vaetut.widgets.draw_explorer import networks_of, posterior_sd
from vaetut.widgets.explorer import Explorer, Within, quantise

MAX_STARS = 5000  # of the training set, that a page carries
VERTICES = 500  # of a drawn curve, as `contour` has
STEPS = 120  # of the search for the best code


class StarExplorer(Explorer):
    """A star put anywhere in the plane of (a, b), and four answers to it.

    They are the truth, the model's own answer from z = μ + σ ε, the training star
    nearest in the plane, drawn from its `factors` (n, 2), and what the decoder makes of
    the best code that a search finds, from μ on. Each has its IoU with the truth, and
    the model's two their reconstruction in nats. `model` is a VAE of square grey images
    of stars, trained outside the hole. `alt` describes the still picture of a page
    without JavaScript.

    The page computes with float16 weights, in Jupyter as well; the traits `a` and `b`
    follow the page, and the page them. Raises ValueError, naming what is wrong and what
    to give. Used in chapter 08.
    """

    kind = "vaetut-star"
    view = ("a", "b")

    a = Within(*A_RANGE, default=1.25).tag(sync=True)
    b = Within(*B_RANGE, default=1.0).tag(sync=True)

    def __init__(
        self,
        model: ImageModel,
        factors: ArrayLike,
        *,
        alt: str | None = None,
        **traits: Any,
    ) -> None:
        networks = networks_of(model)
        height, width, channels = networks[0]["image"]
        if height != width or channels != 1:
            mend = "give a model of square grey images of stars"
            raise wrong("model", f"has images {networks[0]['image']}", mend)
        self.model, self.size = model, width
        self.factors = _factors(factors)
        low, high = np.transpose([A_RANGE, B_RANGE])
        state = {
            "networks": networks,
            "image": [height, width, channels],
            "sd": posterior_sd(model),
            "beta": getattr(model, "beta", None),
            "points": quantise(self.factors, low, high),
            "threshold": ink_threshold(width),
            "steps": STEPS,
            "a": A_RANGE,
            "b": B_RANGE,
            "center": HOLE_CENTER,
            "radius": HOLE_RADIUS,
            "transects": TRANSECTS,
            "limit": LIMIT,
            "ink": INK,
            "petals": PETALS,
            "vertices": VERTICES,
        }
        super().__init__(state, alt, **traits)

    def answers(self) -> dict[str, np.ndarray]:
        """Return truth, the model's answer from μ and the nearest star, (h, w) each."""
        place = np.array([[self.a, self.b]])
        truth = draw(place, self.size) / 255
        near = analysis.nearest_by_factors(self.factors, place)
        return {
            "truth": truth[0, ..., 0],
            "the model's answer": self.model.reconstruct(truth)[0, ..., 0],
            "nearest training star": draw(self.factors[near], self.size)[0, ..., 0]
            / 255,
        }

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        where = "in" if in_hole([[self.a, self.b]])[0] else "outside"
        return (
            "The plane of a and b with the hole and the training stars, a point at "
            f"a = {self.a:.2f}, b = {self.b:.2f}, {where} the hole, and beside it its "
            "star, the model's answer to that, and the nearest training star. With "
            "JavaScript the star can be put anywhere."
        )

    def draw(self) -> Figure:
        """Return the still picture: the plane, and three images."""
        figure = Figure(figsize=(8, 2.6), dpi=100, layout="constrained")
        plane, *tiles = figure.subplots(1, 4, width_ratios=(1.1, 1, 1, 1))
        plane.scatter(*self.factors.T, s=1, color="#777777", linewidths=0)
        turn = np.linspace(0, 2 * np.pi, 90)
        x, y = HOLE_CENTER
        plane.plot(x + HOLE_RADIUS * np.cos(turn), y + HOLE_RADIUS * np.sin(turn), "r")
        plane.plot(self.a, self.b, "ko", markersize=7, markerfacecolor="none", mew=2)
        plane.set(xlim=A_RANGE, ylim=B_RANGE, aspect="equal", xlabel="a", ylabel="b")
        plane.tick_params(labelsize=7)
        for axes, (name, image) in zip(tiles, self.answers().items(), strict=True):
            axes.imshow(image, cmap="gray", vmin=0, vmax=1)
            axes.set_title(name, fontsize=9)
            axes.set_axis_off()
        return figure


def _factors(factors: ArrayLike) -> np.ndarray:
    """Return training points as floats (n, 2), at most 5,000 of them, spread evenly."""
    factors = np.asarray(factors, float)
    if factors.ndim != 2 or factors.shape[1] != 2 or not len(factors):
        mend = "give (n, 2), a row (a, b) a star, such as train.factors"
        raise wrong("factors", f"have shape {factors.shape}", mend)
    check_in_plane("factors", factors)
    kept = np.linspace(0, len(factors) - 1, MAX_STARS).astype(int)
    return factors[np.unique(kept)]
