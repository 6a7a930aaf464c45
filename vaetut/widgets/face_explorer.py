"""A face moved along attributes in latent space, beside what it should have become."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import keras
import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vaetut.widgets.checks import is_text
from vaetut.widgets.decoding import DecodingExplorer, panels_of
from vaetut.widgets.explorer import Whole, pack_steps, quantise
from vaetut.widgets.pictures import colours, picture_uri

REACH = 2.0  # of an attribute, either way, in differences of the class means
MOST_FACES, MOST_ATTRIBUTES = 16, 10  # for which there is room


class Amounts(traitlets.TraitType):
    """A number for each of the widget's `names`, within ±REACH; else ValueError."""

    default_value = ()

    def validate(self, owner: Any, value: Any) -> list[float]:
        """Return the numbers as a list of floats."""
        fits = isinstance(value, (list, tuple, np.ndarray))
        fits = fits and len(value) == len(owner.names)
        fits = fits and all(isinstance(amount, Real) for amount in value)
        if not fits or not all(abs(amount) <= REACH for amount in value):
            raise ValueError(
                f"{self.name} are {value!r}: give {len(owner.names)} numbers from "
                f"{-REACH:g} to {REACH:g}, one each of {', '.join(owner.names)}."
            )
        return [float(amount) for amount in value]


class FaceExplorer(DecodingExplorer):
    """A face to move along attributes: smile, hair, age, one slider each.

    `decoder` is a Keras model from codes (n, d) to logits (n, h, w, c). `codes` (n, d)
    are those of the faces to start at, `vectors` (m, d) the differences that the
    attributes `names` make in latent space: a slider adds −2 to 2 of them to the code.
    `thumbnails` (n, h, w, 3) are the original pictures. `truths` has, for some of the
    names, these faces drawn anew with the attribute changed in equal steps from −2 to
    2, (n, steps, h, w, 3): the strip of the slider moved last is shown. Images are
    uint8 or floats in [0, 1]. `face` and `amounts`, by name, are where to start.
    `alt` describes the still picture that a page without JavaScript shows.

    In Jupyter the kernel decodes, and the traits `face` and `amounts`, in the order of
    the names, follow the page, and the page them. As `text/html` the explorer works
    without kernel and network: it brings the decoder in float16 and the truths as
    JPEG where that is smaller. Raises ValueError, naming what is wrong and what to
    give. Used in chapter 04.
    """

    kind = "vaetut-faces"
    view = ("face", "amounts")

    face = Whole().tag(sync=True)
    amounts = Amounts().tag(sync=True)

    def __init__(
        self,
        decoder: keras.Model,
        codes: ArrayLike,
        vectors: ArrayLike,
        names: str | Sequence[str],
        *,
        thumbnails: ArrayLike | None = None,
        truths: dict | None = None,
        face: int = 0,
        amounts: dict | None = None,
        alt: str | None = None,
    ) -> None:
        self.names = _names(names)
        self.codes = _rows("codes", codes)
        self.vectors = _rows("vectors", vectors)
        panels = panels_of({"": decoder})
        d, size = panels[0].dimension, panels[0].image_shape[:2]
        n, m = len(self.codes), len(self.names)
        if self.codes.shape != (n, d) or n > MOST_FACES:
            raise ValueError(
                f"codes have shape {self.codes.shape}: give (n, {d}) for this decoder, "
                f"of at most {MOST_FACES} faces."
            )
        if self.vectors.shape != (m, d):
            raise ValueError(
                f"vectors have shape {self.vectors.shape}: give ({m}, {d}), one each "
                f"of {', '.join(self.names)}."
            )
        self.last = n - 1
        self.thumbnails: np.ndarray | None = None
        picture = None
        if thumbnails is not None:
            self.thumbnails = colours("thumbnails", thumbnails, (n, *size))
            picture = picture_uri(self.thumbnails, lossless=True)
        self.truths = _truths(truths or {}, self.names, n, size)
        state = {
            "names": self.names,
            "reach": REACH,
            "faces": n,
            "codes": quantise(self.codes),
            "vectors": pack_steps(self.vectors),
            "thumbnails": picture,
            "truths": {
                name: {"steps": strips.shape[1], "strip": picture_uri(_column(strips))}
                for name, strips in self.truths.items()
            },
        }
        start = self._amounts_of(amounts or {})
        super().__init__(panels, state, alt, face=face, amounts=start)

    def _amounts_of(self, amounts: dict[str, float]) -> list[float]:
        """Return amounts by name as a list in the order of the names."""
        for name in amounts:
            if name not in self.names:
                choice = ", ".join(map(repr, self.names))
                raise ValueError(f"amounts have {name!r}: choose of {choice}.")
        return [amounts.get(name, 0.0) for name in self.names]

    def move(self, face: int, amounts: ArrayLike) -> np.ndarray:
        """Return the code (d,) of a face with so much of each attribute added."""
        return self.codes[face] + np.asarray(amounts, float) @ self.vectors

    def decode(self, face: int, amounts: ArrayLike) -> np.ndarray:
        """Return what the decoder draws, uint8 (2, h, w, c): a face as it is, moved."""
        codes = [self.codes[face], self.move(face, amounts)]
        return self.panels[0].draw(codes)

    def images(self, wish: dict) -> list[np.ndarray]:
        """Return a face's reconstruction and the face moved, uint8 (h, w, c) each."""
        return list(self.decode(wish["face"], wish["amounts"]))

    def _columns(self) -> list[tuple[str, np.ndarray]]:
        """Return the images of the still picture, each with its title."""
        plain, moved = self.decode(self.face, self.amounts)
        columns = [("reconstruction", plain)]
        if self.thumbnails is not None:
            columns.insert(0, ("original", self.thumbnails[self.face]))
        if any(self.amounts):
            return [*columns, (_said(self.names, self.amounts), moved)]
        for name, row in zip(self.names, np.eye(len(self.names)), strict=True):
            image = self.decode(self.face, REACH * row)[1]
            columns.append((_said([name], [REACH]), image))
        return columns

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        titles = ", ".join(title for title, _ in self._columns())
        return (
            f"Face {self.face + 1} of {self.last + 1}: {titles}. The numbers are "
            "differences of the class means in latent space. With JavaScript "
            f"{len(self.names)} attributes can be moved."
        )

    def draw(self) -> Figure:
        """Return the still picture: the face, and its attributes moved."""
        columns = self._columns()
        across = min(len(columns), 5)
        down = -(-len(columns) // across)
        size = (1.5 * across, 1.75 * down)
        figure = Figure(figsize=size, dpi=100, layout="constrained")
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for place in axes:
            place.set_axis_off()
        for place, (title, image) in zip(axes, columns, strict=False):
            grey = {"cmap": "gray", "vmin": 0, "vmax": 255}
            place.imshow(image, interpolation="bicubic", **grey)
            place.set_title(title, fontsize=8)
        return figure


def _said(names: Sequence[str], amounts: Sequence[float]) -> str:
    """Return the amounts that are not 0, in words."""
    pairs = zip(names, amounts, strict=True)
    text = ", ".join(f"{name} {amount:+.1f}" for name, amount in pairs if amount)
    return text.replace("-", "−")


def _column(strips: np.ndarray) -> np.ndarray:
    """Return images (n, steps, h, w, 3) as (n · steps, h, w, 3)."""
    return strips.reshape(-1, *strips.shape[2:])


# ---- What is refused


def _names(names: str | Sequence[str]) -> list[str]:
    names = [names] if isinstance(names, str) else list(names)
    if not 1 <= len(names) <= MOST_ATTRIBUTES or len(set(names)) < len(names):
        raise ValueError(
            f"names are {', '.join(map(repr, names)) or 'none'}: give 1 to "
            f"{MOST_ATTRIBUTES} attributes, each once."
        )
    for name in names:
        if not is_text(name):
            raise ValueError(f"names have {name!r}: give each a short text.")
    return names


def _rows(what: str, values: ArrayLike) -> np.ndarray:
    """Return codes or vectors as floats (n, d), or say what is wrong with them."""
    values = np.asarray(values, float)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"{what} have shape {values.shape}: give (n, d).")
    if not np.isfinite(values).all():
        raise ValueError(f"{what} have NaN or infinity: give finite numbers.")
    return values


def _truths(
    truths: dict[str, Any], names: Sequence[str], n: int, size: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """Return strips as uint8 (n, steps, h, w, 3), or say what is wrong with them."""
    checked = {}
    for name, strips in truths.items():
        if name not in names:
            choice = ", ".join(map(repr, names))
            raise ValueError(f"truths have {name!r}: choose of {choice}.")
        strips, what = np.asarray(strips), f"truths[{name!r}]"
        if strips.ndim != 5 or len(strips) != n or strips.shape[1] < 2:
            raise ValueError(
                f"{what} has shape {strips.shape}: give ({n}, steps, {size[0]}, "
                f"{size[1]}, 3), two steps or more."
            )
        flat = colours(what, _column(strips), (None, *size))
        checked[name] = flat.reshape(n, -1, *flat.shape[1:])
    return checked
