"""What the explorers of chapters 09 and 10 share: traits, state and a still picture."""

import base64
import io
from numbers import Integral

import anywidget
import numpy as np
import traitlets
from matplotlib.figure import Figure
from PIL import Image

from vaetut.widgets.page import standalone

STEPS = 32767  # int16, either side of zero
COLOURS = ("#0077BB", "#EE7733", "#AA3377", "#666666")  # as in shared.css
DASHES = ("-", "--", ":", "--")


class OneOf(traitlets.TraitType):
    """One of the widget's `names`; another raises ValueError with the choice."""

    default_value = ""

    def validate(self, owner, value) -> str:
        """Return the name."""
        if value not in owner.names:
            choice = ", ".join(map(repr, owner.names))
            raise ValueError(f"{self.name} is {value!r}: choose one of {choice}.")
        return str(value)


class Whole(traitlets.TraitType):
    """A whole number from 0 to the widget's `last`; another raises ValueError."""

    default_value = 0

    def validate(self, owner, value) -> int:
        """Return the number as an int."""
        if not (isinstance(value, Integral) and 0 <= value <= owner.last):
            raise ValueError(
                f"{self.name} is {value!r}: give a whole number from 0 to {owner.last}."
            )
        return int(value)


class Explorer(anywidget.AnyWidget):
    """A widget of which page and kernel share the traits in `view`.

    One that derives from it sets `_esm` and `_css` to what `joined` returns, and has
    `describe` and `draw`. `state` is what a page needs besides the traits, ready for
    JSON. Raises ValueError for an `alt` that is empty.
    """

    kind = ""  # the class of its root, which the script looks for
    view = ()

    def __init__(self, state: dict, alt: str | None, **traits):
        if alt is not None and not alt.strip():
            raise ValueError("alt is empty: say in a sentence what the picture shows.")
        self.given_alt = alt
        self.state = state  # sent when a view asks: a trait would be saved
        given = {name: value for name, value in traits.items() if value is not None}
        super().__init__(**given)
        self.on_msg(self._answer)

    @property
    def alt(self) -> str:
        """What the still picture shows, in words."""
        return self.given_alt or self.describe()

    def describe(self) -> str:
        """Return what the still picture shows, in words, where no alt was given."""
        raise NotImplementedError

    def draw(self) -> Figure:
        """Return the still picture that a page without JavaScript shows."""
        raise NotImplementedError

    def still_png(self) -> bytes:
        """Return the still picture as a PNG."""
        stream, small = io.BytesIO(), io.BytesIO()
        self.draw().savefig(stream, format="png")
        picture = Image.open(stream).convert("RGB").quantize(256)
        picture.save(small, "PNG", optimize=True)
        return small.getvalue()

    def to_html(self) -> str:
        """Return the explorer as HTML that needs nothing else: the built book's."""
        state = self.state | {
            "start": {name: getattr(self, name) for name in self.view}
        }
        name = f"vaetut-explorer {self.kind}"
        png = self.still_png()
        return standalone(name, str(self._css), str(self._esm), state, png, self.alt)

    def _answer(self, _, message, buffers):
        """Answer a live view that asks for what no trait holds."""
        if message.get("kind") == "state":
            self.send({"kind": "state", "state": self.state})

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return data | {"text/html": self.to_html(), "text/plain": self.alt}, metadata


def pack_steps(values) -> dict:
    """Return finite numbers as int16 steps of the largest, ready for JSON.

    The error is at most half a step, the largest / 65534.
    """
    values = np.asarray(values, float)
    span = float(np.abs(values).max()) or 1.0
    steps = np.rint(values / span * STEPS).astype("<i2")
    return {"span": span, "data": base64.b64encode(steps.tobytes()).decode()}


def short(values) -> list:
    """Return numbers with six digits: more is not seen."""
    return [float(f"{value:.6g}") for value in np.ravel(values)]


def names_of(what: str, mapping, mend: str) -> list[str]:
    """Return the keys of a mapping that has some, all texts, or say what to give."""
    if not isinstance(mapping, dict) or not mapping:
        raise ValueError(f"{what} is {type(mapping).__name__} or empty: {mend}.")
    for name in mapping:
        if not (isinstance(name, str) and name.strip()):
            raise ValueError(f"{what} has the name {name!r}: give each a short text.")
    return list(mapping)


def plane(ranges) -> tuple:
    """Return the ranges of a and b as floats, or say what is wrong with them."""
    try:
        pairs = np.asarray(ranges, float)
    except (TypeError, ValueError):
        pairs = np.empty(0)
    if pairs.shape != (2, 2) or not (pairs[:, 0] < pairs[:, 1]).all():
        raise ValueError(f"ranges are {ranges!r}: give ((a0, a1), (b0, b1)), growing.")
    return tuple(map(tuple, pairs.tolist()))
