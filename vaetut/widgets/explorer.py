"""What the explorers share: traits, state, packing and a still picture."""

import base64
import io
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import anywidget
import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from vaetut.widgets.page import SCRIPT, STYLE, standalone

STEPS = 32767  # int16, either side of zero
COLOURS = ("#0077BB", "#EE7733", "#AA3377", "#666666")  # as in shared.css
DASHES = ("-", "--", ":", "--")


class OneOf(traitlets.TraitType):
    """One of the widget's `names`; another raises ValueError with the choice.

    `names` is the attribute of the widget that has them.
    """

    default_value = ""

    def __init__(self, names: str = "names") -> None:
        super().__init__()
        self.names = names

    def validate(self, owner: Any, value: Any) -> str:
        """Return the name."""
        names = getattr(owner, self.names)
        if value not in names:
            choice = ", ".join(map(repr, names))
            raise ValueError(f"{self.name} is {value!r}: choose one of {choice}.")
        return str(value)


class Among(traitlets.TraitType):
    """One of a slider's stops; another number raises ValueError with the choice."""

    def __init__(self, stops: Sequence[float], default: float) -> None:
        super().__init__(default_value=default)
        self.stops = stops

    def validate(self, owner: Any, value: Any) -> float:
        """Return the stop."""
        if isinstance(value, (bool, str)) or value not in self.stops:
            choice = ", ".join(f"{stop:g}" for stop in self.stops)
            raise ValueError(f"{self.name} is {value!r}: choose one of {choice}.")
        return self.stops[self.stops.index(value)]


class Whole(traitlets.TraitType):
    """A whole number from 0 to the widget's `last`; another raises ValueError."""

    default_value = 0

    def validate(self, owner: Any, value: Any) -> int:
        """Return the number as an int."""
        whole = isinstance(value, Integral)
        if not (whole and 0 <= value <= owner.last):
            raise ValueError(
                f"{self.name} is {value!r}: give a whole number from 0 to {owner.last}."
            )
        return int(value)


class Within(traitlets.TraitType):
    """A finite number from low to high; another raises ValueError with both."""

    def __init__(self, low: float, high: float, default: float) -> None:
        super().__init__(default_value=default)
        self.low, self.high = low, high

    def validate(self, owner: Any, value: Any) -> float:
        """Return the number as a float."""
        real = isinstance(value, Real)
        if not (real and self.low <= value <= self.high):
            raise ValueError(
                f"{self.name} is {value}: give a number from {self.low:g} to "
                f"{self.high:g}."
            )
        return float(value)


class Explorer(anywidget.AnyWidget):
    """A widget of which page and kernel share the traits in `view`.

    One that derives from it has `describe` and `draw`, and a module of its kind in js.
    `state` is what a page needs besides the traits, ready for JSON. Raises ValueError
    for an `alt` that is empty.
    """

    _esm, _css = SCRIPT, STYLE
    kind: ClassVar[str] = ""  # the class of its root, which the script looks for
    view: ClassVar[tuple[str, ...]] = ()

    def __init__(self, state: dict, alt: str | None, **traits: Any) -> None:
        if alt is not None and not alt.strip():
            raise ValueError("alt is empty: say in a sentence what the picture shows.")
        self.given_alt = alt
        # Sent when a view asks: a trait would be saved.
        self.state = {"widget": self.kind} | state
        super().__init__(**traits)
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

    def page_state(self) -> dict:
        """Return what a page needs, which has no kernel, ready for JSON."""
        start = {name: getattr(self, name) for name in self.view}
        return self.state | {"start": start}

    def to_html(self) -> str:
        """Return the explorer as HTML that needs nothing else: the built book's."""
        name = f"vaetut-explorer {self.kind}"
        return standalone(name, self.page_state(), self.still_png(), self.alt)

    def _answer(self, _: Any, message: dict[str, Any], buffers: Any) -> None:
        """Answer a live view that asks for what no trait holds."""
        if message.get("kind") == "state":
            self.send({"kind": "state", "state": self.state})

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle: Any = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle
        return data | {"text/html": self.to_html(), "text/plain": self.alt}, metadata


def pack_bytes(array: np.ndarray) -> str:
    """Return an array's bytes in base64."""
    return base64.b64encode(array.tobytes()).decode()


def pack_steps(values: ArrayLike, span: float | None = None) -> dict:
    """Return finite numbers as int16 steps of the largest, ready for JSON.

    `span` takes the place of the largest; the error is at most half a step, it / 65534.
    """
    values = np.asarray(values, float)
    if span is None:
        span = float(np.abs(values).max()) or 1.0
    steps = np.rint(values / span * STEPS).astype("<i2")
    return {"span": span, "data": pack_bytes(steps)}


def quantise(
    codes: ArrayLike, low: ArrayLike | None = None, high: ArrayLike | None = None
) -> dict:
    """Return codes (n, d) as uint16 steps between their extremes, ready for JSON.

    The dict has `low` and `high`, (d,) each, which may be given, and `data`, base64;
    the error is at most half a step, (high − low) / 131070.
    """
    codes = np.asarray(codes, float)
    low = codes.min(axis=0) if low is None else np.asarray(low, float)
    high = codes.max(axis=0) if high is None else np.asarray(high, float)
    steps = np.rint((codes - low) / np.where(high > low, high - low, 1) * 65535)
    data = pack_bytes(steps.astype("<u2"))
    return {"low": low.tolist(), "high": high.tolist(), "data": data}


def pack_png(array: np.ndarray) -> str:
    """Return a uint8 picture as a PNG in base64."""
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode()


def strip(images: np.ndarray) -> str:
    """Return uint8 images (n, h, w) or (n, h, w, 1), one below the other, as a PNG."""
    return pack_png(images.reshape(-1, images.shape[2]))


def short(values: ArrayLike) -> list[float]:
    """Return numbers with six digits: more is not seen."""
    return [float(f"{value:.6g}") for value in np.ravel(values)]
