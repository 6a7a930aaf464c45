"""Two or three ways between the same two stars, by slider, and how each goes wrong."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vaetut.datasets.polar import A_RANGE, B_RANGE
from vaetut.widgets.checks import (
    check_alike,
    check_own_names,
    greys,
    is_text,
    plane,
    wrong,
)
from vaetut.widgets.explorer import (
    COLOURS,
    DASHES,
    Explorer,
    OneOf,
    Whole,
    short,
    strip,
)

MOST_WAYS = 3  # for which there are colours that everyone can tell apart
MARKERS = "osD"


class PairOfWalks(NamedTuple):
    """Walks of n steps between the same two stars, one a way, the same for all pairs.

    Images are uint8 or floats in [0, 1], (n, h, w) or (n, h, w, 1).
    """

    name: str  # "small to large"
    images: dict  # way → the images decoded along it
    truth: np.ndarray  # the stars of the intended factors
    errors: dict  # way → (n,), such as the distance of the factors from those intended
    factors: dict  # way → (n, 2), the (a, b) fitted to its images
    intended: np.ndarray  # (n, 2), the (a, b) that each step should have


class WalkExplorer(Explorer):
    """Ways between two stars side by side: one slider moves along all of them.

    At each step the page shows what each way decodes, and below it the star that was
    meant; the factors of both in the plane of (a, b); and an error along the walk.
    `walks` are `PairOfWalks`, with two or three ways, the same for all, as many steps
    and images of one size. `error` is the error's name, `ranges` are those of a and b
    in the plane. `pair` and `index` are where to start: in the middle of the first
    unless given. `alt` describes the still picture that a page without JavaScript
    shows.

    In Jupyter the traits `pair` and `index` follow the page, and the page them. As
    `text/html` the explorer works without kernel and network. Raises ValueError,
    naming what is wrong and what to give. Used in chapter 10.
    """

    kind = "vaetut-walk"
    view = ("pair", "index")

    pair = OneOf().tag(sync=True)
    index = Whole().tag(sync=True)

    def __init__(
        self,
        walks: PairOfWalks | Iterable[PairOfWalks],
        *,
        error: str = "factor error",
        ranges: ArrayLike = (A_RANGE, B_RANGE),
        pair: str | None = None,
        index: int | None = None,
        alt: str | None = None,
    ) -> None:
        self.walks = _walks([walks] if isinstance(walks, PairOfWalks) else walks)
        self.names = [walk.name for walk in self.walks]
        first = self.walks[0]
        self.last = len(first.intended) - 1
        self.error, self.ranges = error, plane(ranges)
        if not is_text(error):
            raise ValueError(f"error is {error!r}: give its name, a short text.")
        state = {
            "ways": list(first.images),
            "points": self.last + 1,
            "image": first.truth.shape[1:3],
            "error": error,
            "ranges": self.ranges,
            "pairs": [_packed(walk) for walk in self.walks],
        }
        pair = first.name if pair is None else pair
        index = self.last // 2 if index is None else index
        super().__init__(state, alt, pair=pair, index=index)

    def _here(self) -> PairOfWalks:
        return self.walks[self.names.index(self.pair)]

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        walk = self._here()
        (a0, b0), (a1, b1) = walk.intended[0], walk.intended[-1]
        ways = [
            f"{way} {values[self.index]:.3g} here and {values.max():.3g} at most"
            for way, values in walk.errors.items()
        ]
        return (
            f"{walk.name}: {len(walk.images)} ways from the star of a = {a0:.2f}, "
            f"b = {b0:.2f} to that of a = {a1:.2f}, b = {b1:.2f}, at step "
            f"{self.index + 1} of {self.last + 1}. Side by side what each way decodes, "
            "above the star that was meant; the factors of both in the plane of a and "
            f"b; and the {self.error} along the walk: {'; '.join(ways)}. With "
            "JavaScript the step can be moved."
        )

    def draw(self) -> Figure:
        """Return the still picture: the plane, the images and the errors."""
        walk, i = self._here(), self.index
        ways = list(walk.images)
        places = [f"made {k}" for k in range(len(ways))]
        truths = [f"true {k}" for k in range(len(ways))]
        layout: list[Any] = [["plane", *places], ["plane", *truths]]
        layout.append(["error"] * (1 + len(ways)))
        figure = Figure(figsize=(7.5, 5.6), dpi=100, layout="constrained")
        axes = figure.subplot_mosaic(
            layout,
            height_ratios=(1, 1, 0.9),
            width_ratios=(1.5, *[1] * len(ways)),
        )
        axes["plane"].plot(*walk.intended.T, "--", color=COLOURS[3], lw=1)
        axes["plane"].plot(*walk.intended[i], "+", color="#222222", ms=12)
        (a, b), ground = self.ranges, axes["plane"]
        ground.set(xlim=a, ylim=b, aspect="equal", xlabel="a", ylabel="b")
        for k, way in enumerate(ways):
            look: dict[str, Any] = {"color": COLOURS[k], "ls": DASHES[k]}
            ground.plot(*walk.factors[way].T, **look)
            ground.plot(*walk.factors[way][i], MARKERS[k], color=COLOURS[k])
            axes["error"].plot(walk.errors[way], label=way, **look)
            for place, images in ((places, walk.images[way]), (truths, walk.truth)):
                axes[place[k]].imshow(images[i], cmap="gray", vmin=0, vmax=255)
                axes[place[k]].set_axis_off()
            axes[places[k]].set_title(way, fontsize=9)
            axes[truths[k]].set_title("truth", fontsize=9)
        axes["error"].axvline(i, color="#222222", lw=1)
        axes["error"].set(xlabel="step", ylabel=self.error)
        axes["error"].legend(fontsize=8, frameon=False)
        return figure


def _packed(walk: PairOfWalks) -> dict:
    """Return a checked pair as what a page needs to show it, ready for JSON."""
    return {
        "name": walk.name,
        "strips": [strip(images) for images in walk.images.values()],
        "truth": strip(walk.truth),
        "errors": [short(values) for values in walk.errors.values()],
        "factors": [[short(row) for row in way] for way in walk.factors.values()],
        "intended": [short(row) for row in walk.intended],
    }


# ---- What is refused


def _walks(walks: Iterable[PairOfWalks]) -> list[PairOfWalks]:
    """Return pairs with their arrays in order, or say what is wrong with them."""
    walks = [_walk(walk) for walk in walks]
    if not walks:
        raise ValueError("walks are none: give a PairOfWalks or more.")
    check_own_names("walks", [walk.name for walk in walks])
    properties = {
        walk.name: {
            "ways": list(walk.images),
            "steps": len(walk.intended),
            "image size": walk.truth.shape[1:],
        }
        for walk in walks
    }
    check_alike("pair", properties)
    return walks


def _walk(walk: PairOfWalks) -> PairOfWalks:
    """Return a pair with uint8 images and float errors, or say what is wrong."""
    if not isinstance(walk, PairOfWalks):
        raise ValueError(
            f"walks have a {type(walk).__name__}: give PairOfWalks(name, images, …)."
        )
    if not is_text(walk.name):
        raise ValueError(f"a pair's name is {walk.name!r}: give a short text.")
    ways = _ways(walk.images)
    if not isinstance(walk.images, dict) or not 2 <= len(walk.images) <= MOST_WAYS:
        mend = f"give a dict of two to {MOST_WAYS} ways"
        raise _wrong(walk, "images", f"have {ways}", mend)
    intended = _numbers(walk, "intended", walk.intended, (None, 2))
    n = len(intended)
    if n < 2:
        raise _wrong(walk, "intended", "is a single point", "give at least two steps")
    truth = _images(walk, "truth", walk.truth, n)
    checked: dict[str, Any] = {"images": {}, "errors": {}, "factors": {}}
    for what, values in checked.items():
        given = getattr(walk, what)
        if not isinstance(given, dict) or set(given) != set(walk.images):
            raise _wrong(walk, what, f"have {_ways(given)}", f"give {ways}, as images")
        for way in walk.images:
            label = f"{what}[{way!r}]"
            if what == "images":
                values[way] = _images(walk, label, given[way], n)
                if values[way].shape != truth.shape:
                    fault = f"has images {values[way].shape[1:]}"
                    mend = f"give the truth's size, {truth.shape[1:]}"
                    raise _wrong(walk, label, fault, mend)
            else:
                shape = (n,) if what == "errors" else (n, 2)
                values[way] = _numbers(walk, label, given[way], shape)
    return walk._replace(truth=truth, intended=intended, **checked)


def _ways(given: Any) -> str:
    """Return what a mapping has as ways, in words."""
    if not isinstance(given, dict):
        return f"a {type(given).__name__} instead of ways"
    return f"the ways {', '.join(map(repr, given)) or 'none'}"


def _wrong(walk: PairOfWalks, what: str, fault: str, mend: str) -> ValueError:
    return wrong(f"{what} of pair {walk.name!r}", fault, mend)


def _numbers(
    walk: PairOfWalks, what: str, values: ArrayLike, shape: tuple[int | None, ...]
) -> np.ndarray:
    values = np.asarray(values, float)
    fits = len(values.shape) == len(shape) and all(
        want in (None, size) for want, size in zip(shape, values.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("n" if size is None else str(size) for size in shape)
        mend = f"give ({wanted}{',' if len(shape) == 1 else ''})"
        raise _wrong(walk, what, f"has shape {values.shape}", mend)
    if not np.isfinite(values).all():
        raise _wrong(walk, what, "has NaN or infinity", "leave the pair out")
    return values


def _images(walk: PairOfWalks, what: str, images: ArrayLike, n: int) -> np.ndarray:
    """Return images as uint8 (n, h, w), or say what is wrong with them."""
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim != 3 or len(images) != n or not images.size:
        mend = f"give ({n}, h, w), one a step of intended"
        raise _wrong(walk, what, f"has shape {images.shape}", mend)
    return greys(f"{what} of pair {walk.name!r}", images)
