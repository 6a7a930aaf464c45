"""The plane of the polar images to move in: every point's curve, and the hole."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike

from vaetut.datasets.polar import (
    A_RANGE,
    B_RANGE,
    HOLE_CENTER,
    HOLE_RADIUS,
    TRANSECTS,
    curve,
    draw,
)
from vaetut.datasets.polar.curve import PETALS
from vaetut.datasets.polar.render import INK, LIMIT
from vaetut.widgets.checks import check_in_plane
from vaetut.widgets.explorer import Explorer, Within, quantise

RADIUS_RANGE = (0.1, 0.7)  # within which the hole lies in the plane as a whole
VERTICES = 500  # of a drawn curve, as `contour` has
MAX_POINTS = 20_000  # that a page carries, four bytes each
DOTS = 600  # of these are drawn; all are counted
HOLE, LOOPS = "#CC3311", "#0077BB"  # as in polar_explorer.css


class PolarExplorer(Explorer):
    """The plane of (a, b) to move in, with the image of each point and what it is.

    The page draws the curve as `vaetut.datasets.polar.draw` does, its radius over θ,
    and says whether the image would be in the punctured training set: whether the
    point lies in the hole of `radius`. `factors`, (n, 2), are sampled points before
    the hole is cut, such as `polar.sample(5000, seed=0)`: 600 of them are shown as
    dots, all are counted. `alt` describes the still picture that a page without
    JavaScript shows.

    In Jupyter the traits `a`, `b` and `radius` follow the page, and the page them. As
    `text/html` the explorer works without kernel and network. Raises ValueError,
    naming the range, for a, b, radius or factors outside it. Used in chapter 07.
    """

    kind = "vaetut-polar"
    view = ("a", "b", "radius")

    a = Within(*A_RANGE, default=1.4).tag(sync=True)
    b = Within(*B_RANGE, default=1.15).tag(sync=True)
    radius = Within(*RADIUS_RANGE, default=HOLE_RADIUS).tag(sync=True)

    def __init__(
        self, factors: ArrayLike | None = None, *, alt: str | None = None, **traits: Any
    ) -> None:
        self.factors = None if factors is None else _factors(factors)
        state = {
            "a": A_RANGE,
            "b": B_RANGE,
            "radius": RADIUS_RANGE,
            "center": HOLE_CENTER,
            "transects": TRANSECTS,
            "limit": LIMIT,
            "ink": INK,
            "petals": PETALS,
            "vertices": VERTICES,
            "dots": DOTS,
            "points": None if self.factors is None else _pack(self.factors),
        }
        super().__init__(state, alt, **traits)

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        return describe(self.a, self.b, self.radius)

    def draw(self) -> Figure:
        """Return the still picture: the plane with its point, the image, the radius."""
        figure = Figure(figsize=(7, 4), dpi=100, layout="constrained")
        axes = figure.subplot_mosaic(
            [["plane", "image"], ["plane", "radius"]],
            width_ratios=(1, 1.15),
            height_ratios=(1.5, 1),
        )
        _draw_plane(axes["plane"], self.a, self.b, self.radius, self.factors)
        image = draw([[self.a, self.b]])[0]
        axes["image"].imshow(image, cmap="gray", vmin=0, vmax=255)
        axes["image"].set_axis_off()
        _draw_radius(axes["radius"], self.a, self.b)
        return figure


def describe(a: float, b: float, radius: float = HOLE_RADIUS) -> str:
    """Return what the still picture of a point shows, in words."""
    distance = _distance((a, b))
    where = f"{'in' if distance <= radius else 'outside'} the hole"
    loops = "with inner loops, for b > a" if b > a else "without inner loops"
    return (
        f"The plane of a from {A_RANGE[0]:g} to {A_RANGE[1]:g} and b from "
        f"{B_RANGE[0]:g} to {B_RANGE[1]:g} with the line b = a, the transects "
        f"{', '.join(TRANSECTS)} and the hole, a disc of radius {radius:.2f} around "
        f"({HOLE_CENTER[0]:g}, {HOLE_CENTER[1]:g}) where they cross. The marked point "
        f"a = {a:.2f}, b = {b:.2f} lies {where}, {distance:.2f} from its centre. "
        f"Beside it its star, {loops}, and its radius over θ, from {a - b:.2f} to "
        f"{a + b:.2f}. With JavaScript the point can be moved."
    )


def _draw_plane(
    axes: Axes, a: float, b: float, radius: float, factors: np.ndarray | None
) -> None:
    (left, right), (_, top) = A_RANGE, B_RANGE
    axes.fill([left, right, left], [left, right, top], color=LOOPS, alpha=0.12, lw=0)
    axes.axline((0, 0), slope=1, color=LOOPS, lw=1)
    if factors is not None:
        dots = factors[:DOTS]
        lost = _distance(dots) <= radius
        x, y = dots[~lost].T
        axes.scatter(x, y, s=3, color="#777777", lw=0)
        x, y = dots[lost].T
        axes.scatter(x, y, s=5, facecolors="white", edgecolors=HOLE, lw=0.5)
    halo: dict[str, Any] = {
        "fontsize": 8,
        "path_effects": [withStroke(linewidth=2, foreground="w")],
    }
    axes.text(0.54, 1.22, "b > a:\ninner loops", color=LOOPS, **halo)
    for name, (start, end) in TRANSECTS.items():
        axes.plot(*np.transpose([start, end]), "--", color="#444444", lw=1)
        x, y = np.add(end, 0.13 * np.subtract(start, end))
        axes.text(x + 0.03, y + 0.02, name, **halo)
    angle = np.linspace(0, 2 * np.pi, 100)
    x = HOLE_CENTER[0] + radius * np.cos(angle)
    y = HOLE_CENTER[1] + radius * np.sin(angle)
    axes.fill(x, y, facecolor=HOLE + "22", edgecolor=HOLE)
    for width, colour in ((5, "white"), (2.5, "#222222")):
        ring: dict[str, Any] = {"markeredgewidth": width, "markeredgecolor": colour}
        axes.plot(a, b, "o", markersize=9, markerfacecolor="none", **ring)
    axes.set(xlim=A_RANGE, ylim=B_RANGE, aspect="equal", xlabel="a", ylabel="b")
    axes.set_yticks([0, 0.5, 1, 1.5, 2])
    axes.set_xticks([0.5, 1, 1.5, 2])
    axes.tick_params(labelsize=8)


def _draw_radius(axes: Axes, a: float, b: float) -> None:
    theta = np.linspace(-np.pi, np.pi, VERTICES)
    radius = curve(a, b, theta)
    axes.plot(theta, radius, color="#222222")
    axes.fill_between(theta, np.minimum(radius, 0), color=LOOPS, alpha=0.3, lw=0)
    axes.axhline(0, color="#777777", lw=1)
    axes.set(xlim=(-np.pi, np.pi), ylim=(A_RANGE[0] - B_RANGE[1], LIMIT))
    axes.set_xticks([-np.pi, 0, np.pi], ["−π", "θ = 0", "π"])
    axes.set_title("r = b cos 5θ + a", fontsize=9)
    axes.tick_params(labelsize=8)


def _distance(points: ArrayLike) -> np.ndarray:
    """Return the distances of points (…, 2) from the hole's centre, (…)."""
    return np.hypot(*np.moveaxis(np.subtract(points, HOLE_CENTER), -1, 0))


def _pack(factors: np.ndarray) -> dict:
    """Return points as uint16 steps of the ranges, with their number."""
    low, high = np.transpose([A_RANGE, B_RANGE])
    return {"n": len(factors)} | quantise(factors, low, high)


def _factors(factors: ArrayLike) -> np.ndarray:
    """Return points as floats (n, 2), or say what is wrong with them."""
    factors = np.asarray(factors, float)
    if factors.ndim != 2 or factors.shape[1] != 2 or not len(factors):
        raise ValueError(
            f"factors have shape {factors.shape}: give (n, 2), a row (a, b) a point."
        )
    if len(factors) > MAX_POINTS:
        raise ValueError(
            f"factors are {len(factors)} points: give at most {MAX_POINTS}, for a "
            "page carries them all."
        )
    check_in_plane("factors", factors)
    return factors
