"""A walk through the hole, by slider: the truth, the model's answer, its error."""

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import ArrayLike

from vaetut.datasets.polar import A_RANGE, B_RANGE, HOLE_CENTER, HOLE_RADIUS
from vaetut.widgets.checks import (
    check_alike,
    check_in_plane,
    check_own_names,
    greys,
    is_text,
    wrong,
)
from vaetut.widgets.explorer import (
    COLOURS,
    Explorer,
    OneOf,
    Whole,
    short,
    strip,
)

KINDS = {  # as the page titles them
    "truth": "truth",
    "reconstruction": "model’s answer",
    "nearest": "nearest training image",
}
CLOSE = 1e-6  # within which points are equally spaced, or lie on the hole's rim
HOLE, MODEL, QUIET = "#CC3311", COLOURS[0], COLOURS[3]  # as in shared.css


class Walk(NamedTuple):
    """A straight line of n points (a, b), with what a model makes of each.

    Images are uint8 or floats in [0, 1]. `errors` has, by the metric's label, an array
    (n,), or three of them: mean, low and high. `nearest_errors` has the same labels,
    an array (n,) each.
    """

    name: str  # "P1"
    factors: np.ndarray  # (n, 2), equally spaced, as polar.transect returns them
    truth: np.ndarray  # (n, h, w, 1)
    reconstruction: np.ndarray  # (n, h, w, 1), the model's answers
    nearest: np.ndarray  # (n, h, w, 1), the training images nearest to the truths
    errors: Mapping  # of the reconstructions
    inside: np.ndarray  # (n,) booleans: which points lie in the hole
    nearest_errors: Mapping | None = None  # of the nearest training images


class TransectExplorer(Explorer):
    """A slider along lines through the plane of (a, b), and across its hole.

    At each point the page shows the truth, the model's answer and the nearest training
    image, each by itself or over the truth, and below them an error along the line.

    `walks`: a `Walk` or several, with as many points, images of one size and the same
    metrics. `height`: at most so many CSS pixels high are the images; they fill the
    width unless given. `hole`: its centre (a, b) and radius. `higher`: the labels of
    the metrics of which more is better; of the others less is. `interval`: what low
    and high are, in the legend's words. `alt` describes the still picture that a page
    without JavaScript shows. `walk` and `index`: where to start; in the middle of the
    first walk unless given.

    In Jupyter the traits `walk` and `index` follow the page, and the page them. As
    `text/html` the explorer works without kernel and network. Raises ValueError,
    naming what is wrong and the mend. Used in chapter 08.
    """

    kind = "vaetut-transect"
    view = ("walk", "index")

    walk = OneOf().tag(sync=True)
    index = Whole().tag(sync=True)

    def __init__(
        self,
        walks: Walk | Iterable[Walk],
        height: float | None = None,
        *,
        hole: tuple[tuple[float, float], float] = (HOLE_CENTER, HOLE_RADIUS),
        higher: str | Iterable[str] = ("IoU",),
        interval: str = "interval",
        alt: str | None = None,
        walk: str | None = None,
        index: int | None = None,
    ) -> None:
        if height is not None and not (isinstance(height, Real) and 0 < height < 1e4):
            raise ValueError(f"height is {height}: give a positive number of pixels.")
        self.hole = _hole(hole)
        self.walks = _walks([walks] if isinstance(walks, Walk) else walks, self.hole)
        self.names = [walk.name for walk in self.walks]
        first = self.walks[0]
        self.last = len(first.factors) - 1
        higher = {higher} if isinstance(higher, str) else set(higher)
        state = {
            "a": A_RANGE,
            "b": B_RANGE,
            "hole": self.hole,
            "height": height,
            "kinds": KINDS,
            "interval": interval,
            "image": first.truth.shape[1:3],
            "points": self.last + 1,
            "metrics": [{"label": m, "higher": m in higher} for m in first.errors],
            "walks": [_packed(walk, self.hole) for walk in self.walks],
        }
        walk = first.name if walk is None else walk
        index = (self.last + 1) // 2 if index is None else index
        super().__init__(state, alt, walk=walk, index=index)

    def _here(self) -> Walk:
        return self.walks[self.names.index(self.walk)]

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        return describe(self._here(), self.index)

    def draw(self) -> Figure:
        """Return the still picture: the point's place, its images, its error."""
        walk, i = self._here(), self.index
        figure = Figure(figsize=(7.6, 4.4), dpi=100, layout="constrained")
        axes = figure.subplot_mosaic(
            [["plane", *KINDS], ["error"] * 4], height_ratios=(1.25, 1)
        )
        _draw_plane(axes["plane"], walk, i, self.hole)
        for kind, title in KINDS.items():
            image = getattr(walk, kind)[i]
            axes[kind].imshow(image, cmap="gray", vmin=0, vmax=255)
            axes[kind].set_title(title, fontsize=9)
            axes[kind].set_axis_off()
        _draw_error(axes["error"], walk, i, _crossing(walk.factors, self.hole))
        return figure


def describe(walk: Walk, index: int) -> str:
    """Return what the still picture of a checked walk's point shows, in words."""
    a, b = walk.factors[index]
    metric, (mean, *_) = next(iter(walk.errors.items()))
    start, end = (f"({x:g}, {y:g})" for x, y in walk.factors[[0, -1]].round(6))
    error = f"{metric} along the transect, here {mean[index]:.3g}"
    if walk.nearest_errors is not None:
        error += f", of the nearest {walk.nearest_errors[metric][index]:.3g}"
    if walk.inside.any():
        low, high = mean[walk.inside].min(), mean[walk.inside].max()
        error += f"; within the hole it runs from {low:.3g} to {high:.3g}"
    return (
        f"The transect {walk.name} from (a, b) = {start} to {end} at a = {a:.2f}, "
        f"b = {b:.2f}, {_where(walk, index)}. Side by side its place in the plane, the "
        "truth, the model’s answer and the nearest training image. Below, "
        f"{error}. With JavaScript the point can be moved."
    )


def _draw_plane(
    axes: Axes, walk: Walk, index: int, hole: tuple[tuple[float, float], float]
) -> None:
    axes.add_patch(Circle(*hole, facecolor=HOLE + "22", edgecolor=HOLE))
    axes.plot(*walk.factors.T, color="#444444", lw=1)
    for width, colour in ((5, "white"), (2.5, "#222222")):
        ring: dict[str, Any] = {"markeredgewidth": width, "markeredgecolor": colour}
        axes.plot(*walk.factors[index], "o", ms=8, markerfacecolor="none", **ring)
    axes.set(xlim=A_RANGE, ylim=B_RANGE, aspect="equal", xlabel="a", ylabel="b")
    axes.set_title(walk.name, fontsize=9)
    axes.set_xticks([0.5, 1, 1.5, 2])
    axes.set_yticks([0, 0.5, 1, 1.5, 2])
    axes.tick_params(labelsize=7)


def _draw_error(axes: Axes, walk: Walk, index: int, span: list[float] | None) -> None:
    metric, (mean, *bounds) = next(iter(walk.errors.items()))
    steps = np.arange(len(mean))
    if span:
        axes.axvspan(*span, color=HOLE, alpha=0.12, lw=0)
        place: dict[str, Any] = {
            "transform": axes.get_xaxis_transform(),
            "ha": "center",
        }
        words: dict[str, Any] = {"color": HOLE, "fontsize": 8}
        axes.text(sum(span) / 2, 1.03, "never seen", **place, **words)
    if bounds:
        axes.fill_between(steps, *bounds, color=MODEL, alpha=0.25, lw=0)
    axes.plot(steps, mean, color=MODEL, label=KINDS["reconstruction"])
    if walk.nearest_errors is not None:
        dashes: dict[str, Any] = {"color": QUIET, "ls": "--", "label": KINDS["nearest"]}
        axes.plot(steps, walk.nearest_errors[metric], **dashes)
    axes.axvline(index, color="#222222", lw=1)
    places = np.linspace(0, len(mean) - 1, 5)
    names = [f"{a:.3g}, {b:.3g}" for a, b in _between(walk.factors, places)]
    axes.set_xticks(places, ["a, b = " + names[0], *names[1:]])
    axes.set_ylabel(metric, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.margins(x=0.01)
    axes.legend(fontsize=8, frameon=False, loc="best")


def _between(factors: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the points (m, 2) at places along a line, in steps from its start."""
    start, end = factors[[0, -1]]
    points = start + np.divide(places, len(factors) - 1)[:, None] * (end - start)
    return points.round(9) + 0.0  # no −0


def _where(walk: Walk, index: int) -> str:
    return "in the hole" if walk.inside[index] else "outside the hole"


# ---- What a page gets


def _packed(walk: Walk, hole: tuple[tuple[float, float], float]) -> dict:
    """Return a checked walk as what a page needs to show it, ready for JSON."""
    errors = {
        metric: dict(zip(("mean", "low", "high"), map(short, series), strict=False))
        for metric, series in walk.errors.items()
    }
    nearest = walk.nearest_errors
    return {
        "name": walk.name,
        "start": short(walk.factors[0]),
        "end": short(walk.factors[-1]),
        "inside": walk.inside.astype(int).tolist(),
        "span": _crossing(walk.factors, hole),
        "strips": {kind: strip(getattr(walk, kind)) for kind in KINDS},
        "errors": errors,
        "nearest": nearest and {m: short(values) for m, values in nearest.items()},
    }


def _crossing(
    factors: np.ndarray, hole: tuple[tuple[float, float], float]
) -> list[float] | None:
    """Return where a line enters and leaves the hole, in steps from its start."""
    (center, radius), (start, end) = hole, factors[[0, -1]]
    way = end - start
    length = np.hypot(*way)
    middle = np.dot(np.subtract(center, start), way) / length
    aside = np.linalg.norm(np.subtract(center, start) - middle * way / length)
    if aside >= radius:
        return None
    half = np.sqrt(radius**2 - aside**2)
    ends = np.clip([middle - half, middle + half], 0, length)
    if ends[0] == ends[1]:
        return None
    return short(ends / length * (len(factors) - 1))


# ---- What is refused


def _hole(hole: Any) -> tuple[tuple[float, float], float]:
    """Return ((a, b), radius) as floats, or say what is wrong with them."""
    try:
        (a, b), radius = hole
        a, b, radius = float(a), float(b), float(radius)
    except (TypeError, ValueError):
        radius = np.nan
    if not (0 < radius < np.inf and np.isfinite([a, b]).all()):
        raise ValueError(f"hole is {hole!r}: give ((a, b), radius), with radius > 0.")
    return (a, b), radius


def _walks(
    walks: Iterable[Walk], hole: tuple[tuple[float, float], float]
) -> list[Walk]:
    """Return walks with their arrays in order, or say what is wrong with them."""
    walks = [_walk(walk, hole) for walk in walks]
    if not walks:
        raise ValueError("walks are none: give a Walk or more.")
    check_own_names("walks", [walk.name for walk in walks])
    properties = {
        walk.name: {
            "points": len(walk.factors),
            "image size": walk.truth.shape[1:],
            "metrics": list(walk.errors),
        }
        for walk in walks
    }
    check_alike("walk", properties)
    return walks


def _walk(walk: Walk, hole: tuple[tuple[float, float], float]) -> Walk:
    """Return a walk with float errors and uint8 images, or say what is wrong."""
    if not isinstance(walk, Walk):
        raise ValueError(
            f"walks have a {type(walk).__name__}: give Walk(name, factors, truth, …)."
        )
    if not is_text(walk.name):
        raise ValueError(f"a walk's name is {walk.name!r}: give a short text, like P1.")
    factors = _points(walk)
    n = len(factors)
    inside = np.asarray(walk.inside)
    if inside.shape != (n,) or inside.dtype != bool:
        raise _wrong(
            walk,
            "inside",
            f"is {inside.dtype} of shape {inside.shape}",
            f"give booleans ({n},), such as polar.in_hole(factors)",
        )
    center, radius = hole
    depth = radius - np.hypot(*(factors - center).T)
    if ((depth > 0) != inside)[np.abs(depth) > CLOSE].any():
        raise _wrong(
            walk,
            "inside",
            f"does not fit the hole of radius {radius:g} around {center}",
            "give the hole that was cut, hole=((a, b), radius)",
        )
    images: dict[str, Any] = {kind: _images(walk, kind, n) for kind in KINDS}
    if len({image.shape for image in images.values()}) > 1:
        shapes = ", ".join(f"{kind} {x.shape}" for kind, x in images.items())
        raise _wrong(walk, "images", f"have shapes {shapes}", "give all the same")
    errors: dict[str, Any] = {}
    for metric, values in _mapping(walk, "errors").items():
        errors[metric] = _series(walk, f"errors[{metric!r}]", values, n)
    nearest = walk.nearest_errors
    if nearest is not None:
        if set(_mapping(walk, "nearest_errors")) != set(errors):
            raise _wrong(
                walk,
                "nearest_errors",
                f"has the labels {', '.join(nearest)}",
                f"give those of errors, {', '.join(errors)}",
            )
        nearest = {
            metric: _series(walk, f"nearest_errors[{metric!r}]", values, n, alone=True)
            for metric, values in nearest.items()
        }
    return walk._replace(
        factors=factors,
        inside=inside,
        errors=errors,
        nearest_errors=nearest,
        **images,
    )


def _wrong(walk: Walk, what: str, fault: str, mend: str) -> ValueError:
    return wrong(f"{what} of walk {walk.name!r}", fault, mend)


def _points(walk: Walk) -> np.ndarray:
    factors = np.asarray(walk.factors, float)
    if factors.ndim != 2 or factors.shape[1] != 2 or len(factors) < 2:
        mend = "give (n, 2), a row (a, b) a point, at least two"
        raise _wrong(walk, "factors", f"have shape {factors.shape}", mend)
    check_in_plane(f"factors of walk {walk.name!r}", factors)
    steps = np.diff(factors, axis=0)
    if np.ptp(steps, axis=0).max() > CLOSE or not np.abs(steps).max() > CLOSE:
        mend = "take polar.transect(start, end, n)"
        raise _wrong(walk, "factors", "are not equally spaced along a line", mend)
    return factors


def _images(walk: Walk, kind: str, n: int) -> np.ndarray:
    images = np.asarray(getattr(walk, kind))
    if images.ndim != 4 or images.shape[-1] != 1 or not images.size:
        mend = f"give ({n}, h, w, 1)"
        raise _wrong(walk, kind, f"has shape {images.shape}", mend)
    if len(images) != n:
        mend = f"give {n}, one a point of factors"
        raise _wrong(walk, kind, f"has {len(images)} images", mend)
    return greys(f"{kind} of walk {walk.name!r}", images)


def _mapping(walk: Walk, what: str) -> Mapping[str, Any]:
    values = getattr(walk, what)
    if not isinstance(values, Mapping) or not values:
        kind = type(values).__name__
        mend = 'give at least one metric, {"IoU": array}'
        raise _wrong(walk, what, f"is an empty {kind} or none", mend)
    return values


def _series(
    walk: Walk, what: str, values: ArrayLike, n: int, alone: bool = False
) -> Any:
    """Return an array (n,), or a tuple of one, or of three: mean, low and high."""
    try:
        series = np.asarray(values, float)
    except ValueError:
        series = np.empty(0)
    shapes = [(n,)] if alone else [(n,), (1, n), (3, n)]
    if series.shape not in shapes:
        mend = f"give an array ({n},)" + ("" if alone else ", or mean, low and high")
        raise _wrong(walk, what, f"has shape {series.shape}", mend)
    if not np.isfinite(series).all():
        raise _wrong(walk, what, "has NaN or infinity", "leave out what has no error")
    if series.size == n:
        return series if alone else (series.reshape(n),)
    mean, low, high = series
    if not ((low <= mean) & (mean <= high)).all():
        mend = "give mean, low and high"
        raise _wrong(walk, what, "has a mean beyond its interval", mend)
    return mean, low, high
