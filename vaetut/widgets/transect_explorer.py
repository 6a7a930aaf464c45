"""A walk through the hole, by slider: the truth, the model's answer, its error."""

import base64
import io
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import NamedTuple

import anywidget
import numpy as np
import traitlets
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from PIL import Image

from vaetut.datasets.polar import A_RANGE, B_RANGE, HOLE_CENTER, HOLE_RADIUS
from vaetut.widgets.page import standalone

HERE = Path(__file__).parent
SCRIPT, STYLE = HERE / "transect_explorer.js", HERE / "transect_explorer.css"

KINDS = {  # as the page titles them
    "truth": "truth",
    "reconstruction": "model’s answer",
    "nearest": "nearest training image",
}
LONGEST = 32_767  # pixels: browsers decode no longer picture
CLOSE = 1e-6  # within which points are equally spaced, or lie on the hole's rim
HOLE, MODEL, QUIET = "#CC3311", "#0077BB", "#666666"  # as in transect_explorer.css


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


class OneOf(traitlets.TraitType):
    """One of what the explorer has; another raises ValueError with the choice."""

    def validate(self, owner, value):
        """Return the value: a walk's name, or the index of a point."""
        if self.name == "walk":
            names = [walk["name"] for walk in owner.state["walks"]]
            if value not in names:
                raise ValueError(
                    f"walk is {value!r}: choose one of {', '.join(names)}."
                )
            return str(value)
        last = owner.state["points"] - 1
        if not (isinstance(value, Integral) and 0 <= value <= last):
            raise ValueError(
                f"index is {value!r}: give a whole number from 0 to {last}."
            )
        return int(value)


class TransectExplorer(anywidget.AnyWidget):
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

    _esm = SCRIPT
    _css = STYLE

    walk = OneOf().tag(sync=True)
    index = OneOf().tag(sync=True)

    def __init__(
        self,
        walks,
        height: float | None = None,
        *,
        hole=(HOLE_CENTER, HOLE_RADIUS),
        higher=("IoU",),
        interval: str = "interval",
        alt: str | None = None,
        walk: str | None = None,
        index: int | None = None,
    ):
        if alt is not None and not alt.strip():
            raise ValueError("alt is empty: say in a sentence what the picture shows.")
        if height is not None and not (isinstance(height, Real) and 0 < height < 1e4):
            raise ValueError(f"height is {height}: give a positive number of pixels.")
        self.given_alt = alt
        self.hole = _hole(hole)
        self.walks = _walks([walks] if isinstance(walks, Walk) else walks, self.hole)
        first = self.walks[0]
        higher = {higher} if isinstance(higher, str) else set(higher)
        self.state = {  # sent when a view asks: a trait would be saved with the page
            "a": A_RANGE,
            "b": B_RANGE,
            "hole": self.hole,
            "height": height,
            "kinds": KINDS,
            "interval": interval,
            "image": first.truth.shape[1:3],
            "points": len(first.factors),
            "metrics": [{"label": m, "higher": m in higher} for m in first.errors],
            "walks": [_packed(walk, self.hole) for walk in self.walks],
        }
        middle = self.state["points"] // 2
        super().__init__(
            walk=first.name if walk is None else walk,
            index=middle if index is None else index,
        )
        self.on_msg(self._answer)

    @property
    def alt(self) -> str:
        """What the still picture shows, in words."""
        return self.given_alt or describe(self._here(), self.index)

    def _here(self) -> Walk:
        return next(walk for walk in self.walks if walk.name == self.walk)

    def _answer(self, _, message, buffers):
        """Answer a live view that asks for what no trait holds."""
        if message.get("kind") == "state":
            self.send({"kind": "state", "state": self.state})

    def to_html(self) -> str:
        """Return the explorer as HTML that needs nothing else: the built book's."""
        state = self.state | {"start": {"walk": self.walk, "index": self.index}}
        png = still_png(self._here(), self.index, self.hole)
        return standalone("vaetut-transect", STYLE, SCRIPT, state, png, self.alt)

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return data | {"text/html": self.to_html(), "text/plain": self.alt}, metadata


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


def still_png(walk: Walk, index: int, hole=(HOLE_CENTER, HOLE_RADIUS)) -> bytes:
    """Return a PNG of a checked walk's point: its place, its images, its error."""
    figure = Figure(figsize=(7.6, 4.4), dpi=100, layout="constrained")
    axes = figure.subplot_mosaic(
        [["plane", *KINDS], ["error"] * 4], height_ratios=(1.25, 1)
    )
    _draw_plane(axes["plane"], walk, index, hole)
    for kind, title in KINDS.items():
        image = getattr(walk, kind)[index]
        axes[kind].imshow(image, cmap="gray", vmin=0, vmax=255)
        axes[kind].set_title(title, fontsize=9)
        axes[kind].set_axis_off()
    _draw_error(axes["error"], walk, index, _crossing(walk.factors, hole))
    stream, small = io.BytesIO(), io.BytesIO()
    figure.savefig(stream, format="png")
    Image.open(stream).convert("RGB").quantize(256).save(small, "PNG", optimize=True)
    return small.getvalue()


def _draw_plane(axes, walk, index, hole):
    axes.add_patch(Circle(*hole, facecolor=HOLE + "22", edgecolor=HOLE))
    axes.plot(*walk.factors.T, color="#444444", lw=1)
    for width, colour in ((5, "white"), (2.5, "#222222")):
        ring = {"markeredgewidth": width, "markeredgecolor": colour}
        axes.plot(*walk.factors[index], "o", ms=8, markerfacecolor="none", **ring)
    axes.set(xlim=A_RANGE, ylim=B_RANGE, aspect="equal", xlabel="a", ylabel="b")
    axes.set_title(walk.name, fontsize=9)
    axes.set_xticks([0.5, 1, 1.5, 2])
    axes.set_yticks([0, 0.5, 1, 1.5, 2])
    axes.tick_params(labelsize=7)


def _draw_error(axes, walk, index, span):
    metric, (mean, *bounds) = next(iter(walk.errors.items()))
    steps = np.arange(len(mean))
    if span:
        axes.axvspan(*span, color=HOLE, alpha=0.12, lw=0)
        place = {"transform": axes.get_xaxis_transform(), "ha": "center"}
        words = {"color": HOLE, "fontsize": 8}
        axes.text(sum(span) / 2, 1.03, "never seen", **place, **words)
    if bounds:
        axes.fill_between(steps, *bounds, color=MODEL, alpha=0.25, lw=0)
    axes.plot(steps, mean, color=MODEL, label=KINDS["reconstruction"])
    if walk.nearest_errors is not None:
        dashes = {"color": QUIET, "ls": "--", "label": KINDS["nearest"]}
        axes.plot(steps, walk.nearest_errors[metric], **dashes)
    axes.axvline(index, color="#222222", lw=1)
    places = np.linspace(0, len(mean) - 1, 5)
    names = [f"{a:.3g}, {b:.3g}" for a, b in _between(walk.factors, places)]
    axes.set_xticks(places, ["a, b = " + names[0], *names[1:]])
    axes.set_ylabel(metric, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.margins(x=0.01)
    axes.legend(fontsize=8, frameon=False, loc="best")


def _between(factors, places) -> np.ndarray:
    """Return the points (m, 2) at places along a line, in steps from its start."""
    start, end = factors[[0, -1]]
    points = start + np.divide(places, len(factors) - 1)[:, None] * (end - start)
    return points.round(9) + 0.0  # no −0


def _where(walk, index) -> str:
    return "in the hole" if walk.inside[index] else "outside the hole"


# ---- What a page gets


def _packed(walk, hole) -> dict:
    """Return a checked walk as what a page needs to show it, ready for JSON."""
    errors = {
        metric: dict(zip(("mean", "low", "high"), map(_short, series), strict=False))
        for metric, series in walk.errors.items()
    }
    nearest = walk.nearest_errors
    return {
        "name": walk.name,
        "start": _short(walk.factors[0]),
        "end": _short(walk.factors[-1]),
        "inside": walk.inside.astype(int).tolist(),
        "span": _crossing(walk.factors, hole),
        "strips": {kind: strip(getattr(walk, kind)) for kind in KINDS},
        "errors": errors,
        "nearest": nearest and {m: _short(values) for m, values in nearest.items()},
    }


def strip(images) -> str:
    """Return uint8 images (n, h, w, 1) one below the other, as a base64 PNG."""
    stream = io.BytesIO()
    tall = images.reshape(-1, images.shape[2])
    Image.fromarray(tall).save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode()


def _short(values) -> list:
    """Return numbers with six digits: more is not seen."""
    return [float(f"{value:.6g}") for value in values]


def _crossing(factors, hole) -> list | None:
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
    return _short(ends / length * (len(factors) - 1))


# ---- What is refused


def _hole(hole) -> tuple:
    """Return ((a, b), radius) as floats, or say what is wrong with them."""
    try:
        (a, b), radius = hole
        a, b, radius = float(a), float(b), float(radius)
    except (TypeError, ValueError):
        radius = np.nan
    if not (0 < radius < np.inf and np.isfinite([a, b]).all()):
        raise ValueError(f"hole is {hole!r}: give ((a, b), radius), with radius > 0.")
    return (a, b), radius


def _walks(walks, hole) -> list[Walk]:
    """Return walks with their arrays in order, or say what is wrong with them."""
    walks = [_walk(walk, hole) for walk in walks]
    if not walks:
        raise ValueError("walks are none: give a Walk or more.")
    names = [walk.name for walk in walks]
    if len(set(names)) < len(names):
        raise ValueError(f"walks are named {', '.join(names)}: give each its own name.")
    first = walks[0]
    for walk in walks[1:]:
        for what, mine, its in [
            ("points", len(first.factors), len(walk.factors)),
            ("image size", first.truth.shape[1:], walk.truth.shape[1:]),
            ("metrics", list(first.errors), list(walk.errors)),
        ]:
            if mine != its:
                raise ValueError(
                    f"walk {walk.name!r} differs from {first.name!r} in its {what}, "
                    f"{its} against {mine}: give all walks the same."
                )
    return walks


def _walk(walk, hole) -> Walk:
    """Return a walk with float errors and uint8 images, or say what is wrong."""
    if not isinstance(walk, Walk):
        raise ValueError(
            f"walks have a {type(walk).__name__}: give Walk(name, factors, truth, …)."
        )
    if not (isinstance(walk.name, str) and walk.name.strip()):
        raise ValueError(f"a walk's name is {walk.name!r}: give a short text, like P1.")
    factors = _points(walk)
    n = len(factors)
    inside = np.asarray(walk.inside)
    if inside.shape != (n,) or inside.dtype != bool:
        raise _wrong(
            walk,
            "inside",
            f"is {inside.dtype} of shape {inside.shape}",
            f"give booleans ({n},), such as ~polar.puncture(factors)",
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
    images = {kind: _images(walk, kind, n) for kind in KINDS}
    if len({image.shape for image in images.values()}) > 1:
        shapes = ", ".join(f"{kind} {x.shape}" for kind, x in images.items())
        raise _wrong(walk, "images", f"have shapes {shapes}", "give all the same")
    errors = {}
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


def _wrong(walk, what, fault, mend) -> ValueError:
    return ValueError(f"{what} of walk {walk.name!r} {fault}: {mend}.")


def _points(walk) -> np.ndarray:
    factors = np.asarray(walk.factors, float)
    if factors.ndim != 2 or factors.shape[1] != 2 or len(factors) < 2:
        mend = "give (n, 2), a row (a, b) a point, at least two"
        raise _wrong(walk, "factors", f"have shape {factors.shape}", mend)
    low, high = np.transpose([A_RANGE, B_RANGE])
    if not ((low <= factors) & (factors <= high)).all():
        mend = (
            f"give a from {low[0]:g} to {high[0]:g} and b from {low[1]:g} to "
            f"{high[1]:g}"
        )
        raise _wrong(walk, "factors", "lie outside the plane", mend)
    steps = np.diff(factors, axis=0)
    if np.ptp(steps, axis=0).max() > CLOSE or not np.abs(steps).max() > CLOSE:
        mend = "take polar.transect(start, end, n)"
        raise _wrong(walk, "factors", "are not equally spaced along a line", mend)
    return factors


def _images(walk, kind, n) -> np.ndarray:
    images = np.asarray(getattr(walk, kind))
    if images.ndim != 4 or images.shape[-1] != 1 or not images.size:
        mend = f"give ({n}, h, w, 1)"
        raise _wrong(walk, kind, f"has shape {images.shape}", mend)
    if len(images) != n:
        mend = f"give {n}, one a point of factors"
        raise _wrong(walk, kind, f"has {len(images)} images", mend)
    if n * images.shape[1] > LONGEST or images.shape[2] > LONGEST:
        mend = f"give fewer or smaller ones, n·h at most {LONGEST}"
        raise _wrong(walk, kind, f"has shape {images.shape}", mend)
    if images.dtype == np.uint8:
        return images
    mend = "give uint8, or floats from 0 to 1"
    if images.dtype.kind != "f":
        raise _wrong(walk, kind, f"is {images.dtype}", mend)
    if not ((images >= 0) & (images <= 1)).all():
        raise _wrong(walk, kind, "has values beyond 0 to 1, or none", mend)
    return np.rint(images * 255.0).astype(np.uint8)


def _mapping(walk, what) -> Mapping:
    values = getattr(walk, what)
    if not isinstance(values, Mapping) or not values:
        kind = type(values).__name__
        mend = 'give at least one metric, {"IoU": array}'
        raise _wrong(walk, what, f"is an empty {kind} or none", mend)
    return values


def _series(walk, what, values, n, alone=False):
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
