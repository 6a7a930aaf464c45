"""The sheet that images of two factors form in a latent space of three, to turn."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.patches import ConnectionPatch
from numpy.typing import ArrayLike

from vaetut.widgets.checks import is_text
from vaetut.widgets.explorer import (
    COLOURS,
    Explorer,
    OneOf,
    Whole,
    Within,
    pack_bytes,
    pack_png,
    pack_steps,
)

MAX_POINTS = 20_000  # that a page carries, eight bytes each
DISTANCE = 4.0  # of the eye from the middle; the codes reach 1
GREYS = 32  # steps from black to white that images are kept in
NEAR = 12  # codes whose mean is where a side of the factors' plane is named
ALONG = 0.25  # of that side: transects like to end at its middle and its corners
HOLE, INK = "#CC3311", "#222222"  # as in sheet_explorer.css
MARKERS = "osD"  # of as many transects, in the first colours


class Transect3D(NamedTuple):
    """A line through the plane of factors, as a model sees it."""

    name: str
    codes: np.ndarray  # (k, 3)
    factors: np.ndarray  # (k, 2)
    truth: np.ndarray  # the images, uint8 (k, h, w, 1)
    reconstructions: np.ndarray | None  # what the model makes of them, or None
    inside: np.ndarray  # which of them lie in the hole, bool (k,)


class SheetExplorer(Explorer):
    """The codes of images of two factors in a latent space of three, to be turned.

    `codes` (n, 3) of the training images and their `factors` (n, 2) form a sheet.
    `transects` are up to three `Transect3D`: the images of the chosen one are tied to
    their codes by lines. `edges` are outlines on the sheet, label → codes (m, 3), to
    be closed by repeating the first; one with "hole" in its label is red and filled.
    `grid` are lines on the sheet, codes (m, 3) each, drawn faintly: those of a
    constant factor show how it bends. `names` are the factors', `colour` the one that
    colours the dots first (None for neither). `inverted` shows images as ink on white.
    `alt` describes the still picture that a page without JavaScript shows.

    The view turns around the sheet's normal: `azimuth` from −180 to 180 and
    `elevation` from −90 to 90 degrees. From straight above, at (0, 90), the first
    factor grows to the right and the second upwards, as in their plane. In Jupyter
    the traits `transect` (a name), `index`, `azimuth` and `elevation` follow the page,
    and the page them. As `text/html` the explorer works without kernel and network;
    codes are then int16 steps, within 1/65534 of the largest that is drawn, and images
    within 4 of 255 grey levels. Raises ValueError,
    naming what is wrong and what to give. Used in chapter 08.
    """

    kind = "vaetut-sheet"
    view = ("transect", "index", "azimuth", "elevation")

    transect = OneOf("choices").tag(sync=True)
    index = Whole().tag(sync=True)
    azimuth = Within(-180, 180, default=-25).tag(sync=True)
    elevation = Within(-90, 90, default=45).tag(sync=True)

    def __init__(
        self,
        codes: ArrayLike,
        factors: ArrayLike,
        transects: Iterable[Transect3D] = (),
        *,
        edges: Mapping[str, ArrayLike] | None = None,
        grid: Iterable[ArrayLike] = (),
        names: Sequence[str] = ("a", "b"),
        colour: str | None = "b",
        inverted: bool = False,
        alt: str | None = None,
        **traits: Any,
    ) -> None:
        self.codes = _codes("codes", codes)
        if len(self.codes) > MAX_POINTS:
            raise ValueError(
                f"codes are {len(self.codes)} points: give at most {MAX_POINTS}, for "
                "a page carries them all."
            )
        self.factors = _factors("factors", factors, len(self.codes))
        self.names = tuple(names)
        if len(self.names) != 2 or not all(isinstance(n, str) for n in self.names):
            raise ValueError(f"names are {names!r}: give two strings, one a factor.")
        if colour is not None and colour not in self.names:
            raise ValueError(
                f"colour is {colour!r}: give {self.names[0]!r}, {self.names[1]!r} or "
                "None."
            )
        self.colour, self.inverted = colour, inverted
        self.edges = {
            str(label): _line(f"edge {label!r}", line)
            for label, line in dict(edges or {}).items()
        }
        self.grid = [_line(f"line {k} of the grid", g) for k, g in enumerate(grid)]
        self.transects = [
            _transect(Transect3D(*transect), k) for k, transect in enumerate(transects)
        ]
        _check_together(self.transects)
        self.frame = sheet_frame(self.codes, self.factors)
        self.middle, self.span = self._extent()
        self.reach = float(np.linalg.norm(self.codes - self.middle, axis=1).max())
        if not self.reach > 0:
            raise ValueError("codes are all the same point: give those of a sheet.")
        if self.transects:
            first = self.transects[0]
            traits = {"transect": first.name} | traits
            if "index" not in traits:
                self.set_trait("transect", traits["transect"])
                traits["index"] = (self.last + 1) // 2
        super().__init__({}, alt, **traits)
        self.state |= self._pack()

    @property
    def choices(self) -> list[str]:
        """The names of the transects, or an empty one where there are none."""
        return [transect.name for transect in self.transects] or [""]

    @property
    def current(self) -> Transect3D | None:
        """The chosen transect, or None where there is none."""
        return next((t for t in self.transects if t.name == self.transect), None)

    @property
    def last(self) -> int:
        """The greatest index of the chosen transect."""
        return len(self.current.codes) - 1 if self.current else 0

    def project(self, points: ArrayLike) -> np.ndarray:
        """Return codes (m, 3) as seen: to the right, up and towards the eye, (m, 3).

        The codes' reach is 1 before perspective, which enlarges what is near.
        """
        a, e = np.deg2rad([self.azimuth, self.elevation])
        away = np.array([np.sin(a), np.cos(a), 0])
        up = np.array([0, 0, 1])
        turn = [
            [np.cos(a), -np.sin(a), 0],
            np.sin(e) * away + np.cos(e) * up,
            np.sin(e) * up - np.cos(e) * away,
        ]
        seen = (np.asarray(points) - self.middle) / self.reach @ self.frame.T
        seen = seen @ np.transpose(turn)
        seen[:, :2] *= DISTANCE / (DISTANCE - seen[:, 2:])
        return seen

    def draw(self) -> Figure:
        """Return the still picture: the view, with the chosen transect's images."""
        figure = Figure(figsize=(7.5, 5), dpi=100, layout="constrained")
        rows = 5 if self.current else 1
        layout = figure.add_gridspec(rows, 3, width_ratios=(4.4, 1, 1))
        axis = figure.add_subplot(layout[:, :1] if self.current else layout[:, :])
        self._draw_sheet(axis)
        if self.current:
            self._draw_images(figure, axis, layout, self.current)
        return figure

    @traitlets.observe("transect")
    def _keep_within(self, _: Any) -> None:
        self.index = min(self.index, self.last)

    def _extent(self) -> tuple[np.ndarray, float]:
        """Return the middle of the codes, and how far anything drawn is from it."""
        seen = self.codes @ self.frame.T
        middle = (seen.min(axis=0) + seen.max(axis=0)) / 2 @ self.frame
        parts = [self.codes, *self.edges.values(), *self.grid]
        drawn = np.concatenate([*parts, *(t.codes for t in self.transects)])
        return middle, float(np.abs(drawn - middle).max())

    def _pack(self) -> dict:
        """Return what a page needs, ready for JSON."""
        low, high = self.factors.min(axis=0), self.factors.max(axis=0)
        shades = (self.factors - low) / np.where(high > low, high - low, 1)
        return {
            "span": round(self.span / self.reach, 7),
            "frame": self.frame.round(6).tolist(),
            "distance": DISTANCE,
            "view": {"azimuth": self.azimuth, "elevation": self.elevation},
            "names": self.names,
            "colour": "" if self.colour is None else self.colour,
            "ranges": [[float(f"{x:.3g}") for x in p] for p in zip(low, high)],  # noqa: B905
            "codes": self._steps(self.codes),
            "shades": pack_bytes(np.rint(255 * shades).astype("u1")),
            "sides": [[words, self._steps(p)] for words, p in self._sides()],
            "edges": {name: self._steps(e) for name, e in self.edges.items()},
            "grid": [self._steps(line) for line in self.grid],
            "transects": [self._pack_transect(t) for t in self.transects],
        }

    def _pack_transect(self, transect: Transect3D) -> dict:
        images = [transect.truth, transect.reconstructions]
        rows = [np.hstack(list(x[..., 0])) for x in images if x is not None]
        sprite = np.rint(np.vstack(rows) / 255 * GREYS)
        sprite = GREYS - sprite if self.inverted else sprite
        return {
            "name": transect.name,
            "codes": self._steps(transect.codes),
            "factors": transect.factors.round(4).tolist(),
            "inside": transect.inside.astype(int).tolist(),
            "image": list(transect.truth.shape[1:3]),
            "rows": len(rows),
            "sprite": pack_png(np.rint(sprite * 255 / GREYS).astype(np.uint8)),
        }

    def _steps(self, points: np.ndarray) -> str:
        """Return points as int16 steps of the span around the middle, base64."""
        return pack_steps(points - self.middle, self.span)["data"]

    def _sides(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the words for each side of the factors' plane, with a code there."""
        low, high = self.factors.min(axis=0), self.factors.max(axis=0)
        places = (self.factors - low) / np.where(high > low, high - low, 1)
        for k, name in enumerate(self.names):
            for end, value in ((0, low[k]), (1, high[k])):
                target = np.full(2, ALONG)
                target[k] = end
                near = np.linalg.norm(places - target, axis=1).argsort(kind="stable")
                code = self.codes[near[:NEAR]].mean(axis=0, keepdims=True)
                yield f"{name} = {round(value, 1):g}", code

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        text = (
            f"The codes of {len(self.codes):,} images in a latent space of three "
            f"dimensions, as a cloud of dots that forms a sheet over {self.names[0]} "
            f"and {self.names[1]}"
        )
        text += f", with the {' and the '.join(self.edges)}. " if self.edges else ". "
        if self.current:
            inside = int(self.current.inside.sum())
            text += (
                f"Across it run the transects "
                f"{', '.join(t.name for t in self.transects)}; {inside} of the "
                f"{len(self.current.codes)} points of {self.transect} lie in the hole, "
                "as hollow markers. Beside it are images of points of "
                f"{self.transect}, tied to their codes by lines. "
            )
        return text + "With JavaScript the sheet can be turned."

    def _draw_sheet(self, axis: Axes) -> None:
        for line in self.grid:
            axis.plot(*self.project(line)[:, :2].T, color="#999999", lw=0.5, zorder=1)
        seen = self.project(self.codes)
        order = seen[:, 2].argsort(kind="stable")
        near = np.clip(np.round(2 * seen[order, 2] + 2), 0, 4)  # few, for a small PNG
        look: dict[str, Any] = {"c": "#777777"}
        if self.colour is not None:
            values = self.factors[order, self.names.index(self.colour)]
            look = {"c": values, "cmap": "viridis"}
        x, y, _ = seen[order].T
        dots = axis.scatter(x, y, s=3, alpha=0.3 + 0.17 * near, lw=0, **look)
        if self.colour is not None:
            bar: Any = axis.figure.colorbar(
                dots, ax=axis, location="left", shrink=0.4, aspect=15, pad=0
            )
            bar.solids.set(alpha=1)
            axis.figure.axes[-1].set_title(self.colour, fontsize=9)
            axis.figure.axes[-1].tick_params(labelsize=7)
        for label, line in self.edges.items():
            colour = HOLE if "hole" in label else INK
            x, y, _ = self.project(line).T
            axis.plot(x, y, color=colour, lw=1.3, label=label)
            if "hole" in label:
                axis.fill(x, y, color=HOLE, alpha=0.15, lw=0, zorder=0)
        for k, transect in enumerate(self.transects):
            chosen = transect.name == self.transect
            x, y, _ = self.project(transect.codes).T
            axis.plot(x, y, color=COLOURS[k], lw=2.2 if chosen else 1.2)
            face = np.where(transect.inside, "white", COLOURS[k])
            look = {"s": 26 if chosen else 9, "zorder": 4, "marker": MARKERS[k]}
            axis.scatter(x, y, c=face, edgecolors=COLOURS[k], lw=1.3, **look)
            where: dict[str, Any] = {"xytext": (4, 4), "textcoords": "offset points"}
            axis.annotate(transect.name, (x[-1], y[-1]), fontsize=9, **where)
        axis.set(aspect="equal")
        axis.set_axis_off()
        if self.edges:
            axis.legend(fontsize=7, frameon=False, loc="lower left")

    def _draw_images(
        self, figure: Figure, axis: Axes, layout: GridSpec, transect: Transect3D
    ) -> None:
        seen = self.project(transect.codes)
        picks = np.rint(np.linspace(0, self.last, layout.nrows)).astype(int)
        colour = COLOURS[self.transects.index(transect)]
        if seen[-1, 1] > seen[0, 1]:
            picks = picks[::-1]
        for row, k in enumerate(picks):
            pair = [transect.truth[k], transect.reconstructions]
            for column, image in enumerate(pair):
                if image is None:
                    continue
                image = image if column == 0 else image[k]
                small = figure.add_subplot(layout[row, 1 + column])
                ink = "gray_r" if self.inverted else "gray"
                small.imshow(image[..., 0], cmap=ink, vmin=0, vmax=255)
                small.set(xticks=[], yticks=[])
                edge = HOLE if transect.inside[k] else INK
                small.spines[:].set(color=edge, lw=2 if transect.inside[k] else 0.5)
                if row == 0:
                    small.set_title(("true", "model")[column], fontsize=9)
                if column == 0:
                    ends: Any = {"xyA": seen[k, :2], "xyB": (0, 0.5)}
                    inks: Any = {"coordsA": axis.transData, "coordsB": small.transAxes}
                    line = ConnectionPatch(**ends, **inks, color=colour, lw=0.8)
                    figure.add_artist(line)


def sheet_frame(codes: ArrayLike, factors: ArrayLike) -> np.ndarray:
    """Return a rotation, (3, 3): rows along the first factor, across it, and up.

    It comes from the plane fitted to the codes as a linear function of the factors;
    where that has no two directions, from the codes' principal axes.
    """
    codes, factors = np.asarray(codes), np.asarray(factors)
    centred = codes - codes.mean(axis=0)
    design = factors - factors.mean(axis=0)
    along, other = np.linalg.lstsq(design, centred, rcond=None)[0]
    up = np.cross(along, other)
    if np.linalg.norm(up) <= 1e-6 * (np.linalg.norm([along, other]) ** 2 + 1e-300):
        _, _, (along, other, _) = np.linalg.svd(
            np.vstack([centred, np.zeros((3, 3))]), full_matrices=False
        )
        up = np.cross(along, other)
    along, up = (v / np.linalg.norm(v) for v in (along, up))
    return np.array([along, np.cross(up, along), up])


def _codes(name: str, codes: ArrayLike) -> np.ndarray:
    """Return codes as floats (m, 3), or say what is wrong with them."""
    codes = np.asarray(codes, float)
    if codes.ndim != 2 or codes.shape[1] != 3 or not len(codes):
        raise ValueError(
            f"{name}: the codes have shape {codes.shape}: give (n, 3), a row a point "
            "of a latent space of three dimensions."
        )
    if not np.isfinite(codes).all():
        raise ValueError(f"{name}: there are NaN or infinite codes: leave them out.")
    return codes


def _line(name: str, codes: ArrayLike) -> np.ndarray:
    codes = _codes(name, codes)
    if len(codes) < 2:
        raise ValueError(f"{name} is a single point: give at least two.")
    return codes


def _factors(name: str, factors: ArrayLike, n: int) -> np.ndarray:
    """Return factors as floats (n, 2), or say what is wrong with them."""
    factors = np.asarray(factors, float)
    if factors.shape != (n, 2):
        raise ValueError(
            f"{name} have shape {factors.shape}: give ({n}, 2), a row of two factors a "
            "code."
        )
    if not np.isfinite(factors).all():
        raise ValueError(f"{name}: there are NaN or infinite ones: leave them out.")
    return factors


def _transect(transect: Transect3D, k: int) -> Transect3D:
    """Return a transect as arrays, or say what is wrong with it."""
    name = transect.name
    if not is_text(name):
        raise ValueError(f"transect {k} is named {name!r}: give it a name.")
    what = f"transect {name!r}"
    codes = _line(what, transect.codes)
    inside = np.asarray(transect.inside)
    if inside.shape != (len(codes),) or inside.dtype != bool:
        raise ValueError(
            f"{what}: inside is {inside.dtype} of shape {inside.shape}: give bool "
            f"({len(codes)},), whether each point lies in the hole."
        )
    truth = _images(what, "truth", transect.truth, len(codes))
    made = transect.reconstructions
    if made is not None:
        made = _images(what, "reconstructions", made, len(codes))
        if made.shape != truth.shape:
            raise ValueError(
                f"{what}: reconstructions have shape {made.shape}, the truth "
                f"{truth.shape}: give them of the same size."
            )
    factors = _factors(f"{what}: factors", transect.factors, len(codes))
    return Transect3D(name, codes, factors, truth, made, inside)


def _images(what: str, kind: str, images: ArrayLike, n: int) -> np.ndarray:
    images = np.asarray(images)
    shape = images.shape
    if images.ndim != 4 or len(images) != n or shape[3] != 1 or not images.size:
        raise ValueError(f"{what}: {kind} has shape {shape}: give ({n}, h, w, 1).")
    if images.dtype != np.uint8:
        raise ValueError(
            f"{what}: {kind} is {images.dtype}: give uint8, from 0 to 255."
        )
    return images


def _check_together(transects: Sequence[Transect3D]) -> None:
    """Raise ValueError for too many transects, or two of one name."""
    names = [transect.name for transect in transects]
    if len(names) > len(MARKERS):
        raise ValueError(
            f"{len(names)} transects: give at most {len(MARKERS)}, for there are no "
            "more colours that everyone can tell apart."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"transects are named {names}: give each its own name.")
