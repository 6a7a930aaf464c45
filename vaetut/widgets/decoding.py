"""Explorers that decode: the kernel in Jupyter, the page itself where there is none."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from vaetut.widgets.explorer import Explorer
from vaetut.widgets.packing import ends_in_sigmoid, pack_decoder


@dataclass(frozen=True, eq=False)
class Panel:
    """One decoder of an explorer, with the codes of its cloud.

    `codes` (n, d) are coloured by `labels`, int (n,), indices into `class_names`, or
    by `values`, float (n,), a factor called `values_name`. `limits` is the range of
    the plane: r for −r…r, (low, high) for all dimensions, or one pair a dimension
    (d, 2); without it, the range of the codes. `nearest` is a pair of uint8 images
    (m, h, w, c) and their codes (m, d): the one nearest to the point is shown.

    Raises ValueError, naming the argument or the layer, for a decoder that a page
    cannot run (see `pack_decoder`), a cloud or limits of another dimension than the
    decoder's, limits without width, and values that are not finite.
    """

    decoder: keras.Model
    codes: np.ndarray | None = None
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    values: np.ndarray | None = None
    values_name: str = ""
    limits: Any = None
    nearest: tuple[np.ndarray, np.ndarray] | None = None
    name: str = ""
    packed: dict = field(init=False, repr=False)  # what `pack_decoder` gives

    def __post_init__(self) -> None:
        def put(key: str, value: Any) -> None:
            object.__setattr__(self, key, value)

        put("packed", pack_decoder(self.decoder))
        if self.codes is not None:
            put("codes", codes_of(self.codes, self.dimension, "codes"))
        put("limits", _limits(self.limits, self.codes, self.dimension))
        for key in ("labels", "values"):
            if getattr(self, key) is not None:
                put(key, _column(getattr(self, key), self.codes, key))
        if self.labels is not None:
            put("class_names", _class_names(self.labels, self.class_names))
        if self.nearest is not None:
            put("nearest", _nearest(self.nearest, self.image_shape, self.dimension))

    @property
    def dimension(self) -> int:
        """The dimension d of the latent space."""
        return self.decoder.inputs[0].shape[1]

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height, width and channels of the decoded image."""
        return tuple(self.decoder.outputs[0].shape[1:])

    def code(self, position: ArrayLike) -> np.ndarray:
        """Return the codes at positions in [0, 1]^d of the limits, both (…, d)."""
        low, high = self.limits.T
        return low + np.asarray(position) * (high - low)

    def position(self, codes: ArrayLike) -> np.ndarray:
        """Return the positions in [0, 1]^d of codes, both (…, d)."""
        low, high = self.limits.T
        return (np.asarray(codes) - low) / (high - low)

    def draw(self, codes: ArrayLike) -> np.ndarray:
        """Return the uint8 images (n, h, w, c) the decoder gives for codes (n, d)."""
        outputs = self.decoder(np.asarray(codes, np.float32), training=False)
        outputs = keras.ops.convert_to_numpy(outputs).astype(np.float64)
        if not ends_in_sigmoid(self.decoder):
            outputs = 0.5 * (1 + np.tanh(0.5 * outputs))
        return np.rint(255 * outputs).astype(np.uint8)


class DecodingExplorer(Explorer):
    """An explorer with decoders, of which one frame at a time is asked for.

    `panels` is a list of `Panel`. One that derives from it has `images`. In
    Jupyter the view asks with what `images` takes; as `text/html` the explorer brings
    the weights, in float16 and once, and the page decodes.
    """

    def __init__(
        self, panels: list[Panel], state: dict, alt: str | None, **traits: Any
    ) -> None:
        self.panels = panels
        image = {"image": panels[0].image_shape}
        super().__init__(state | image, alt, **traits)

    def images(self, wish: dict) -> list:
        """Return the uint8 images (h, w, c) of a frame that a view wishes for."""
        raise NotImplementedError

    def page_state(self) -> dict:
        """Return what a page needs, which decodes itself, ready for JSON."""
        networks = [panel.packed for panel in self.panels]
        return super().page_state() | {"networks": networks}

    def _answer(self, _: Any, message: dict[str, Any], buffers: Any) -> None:
        """Answer a request of the live view: messages in, images out."""
        super()._answer(_, message, buffers)
        if message.get("kind") != "decode":
            return
        start = time.perf_counter()
        try:
            images = self.images(message["wish"])
        except Exception as error:
            self.send({"kind": "error", "text": f"{type(error).__name__}: {error}"})
            raise
        ms = 1000 * (time.perf_counter() - start)
        answer = {"kind": "images", "number": message["number"], "ms": ms}
        self.send(answer, buffers=[image.tobytes() for image in images])


def panels_of(decoders: dict) -> list[Panel]:
    """Return a `Panel` for each of the Keras models by name.

    Raises ValueError as `Panel` does for a decoder that a page cannot run, and unless
    all have one latent dimension and one image size.
    """
    panels = [Panel(model, name=name) for name, model in decoders.items()]
    first = panels[0]
    for panel in panels[1:]:
        for what in ("dimension", "image_shape"):
            mine, its = getattr(first, what), getattr(panel, what)
            if mine != its:
                raise ValueError(
                    f"decoder {panel.name!r} differs from {first.name!r} in its "
                    f"{what.replace('_', ' ')}, {its} against {mine}: give all the "
                    "same."
                )
    return panels


# ---- What is refused


def codes_of(codes: ArrayLike, dimension: int, name: str) -> np.ndarray:
    """Return codes as floats (n, d), or say what is wrong with them."""
    codes = np.asarray(codes, float)
    if codes.ndim != 2 or codes.shape[1] != dimension or not len(codes):
        raise ValueError(
            f"{name} must have shape (n, {dimension}) for this decoder, not "
            f"{codes.shape}: one row a point."
        )
    if not np.isfinite(codes).all():
        raise ValueError(f"{name} hold NaN or infinity: give finite numbers.")
    return codes


def _limits(
    limits: ArrayLike | None, codes: np.ndarray | None, dimension: int
) -> np.ndarray:
    """Return limits as floats (d, 2)."""
    if limits is None:
        if codes is None:
            limits = 3.0  # three standard deviations of the prior
        else:
            low, high = np.quantile(codes, [0.002, 0.998], axis=0)
            edge = 0.06 * (high - low)
            limits = np.stack([low - edge, high + edge], axis=-1)
    limits = np.asarray(limits, float)
    if limits.ndim == 0:
        limits = np.array([-limits, limits])
    if limits.shape == (2,):
        limits = np.tile(limits, (dimension, 1))
    if limits.shape != (dimension, 2):
        raise ValueError(
            f"limits must be r, (low, high) or have shape ({dimension}, 2), not "
            f"{limits.shape}."
        )
    if not (np.isfinite(limits).all() and (limits[:, 0] < limits[:, 1]).all()):
        raise ValueError(
            f"limits {limits.tolist()} have no width: each low must be less than its "
            "high, and a single number more than 0."
        )
    return limits


def _column(values: ArrayLike, codes: np.ndarray | None, name: str) -> np.ndarray:
    """Return labels (n,) as ints or values (n,) as floats, one a code."""
    values = np.asarray(values)
    if codes is None or values.shape != (len(codes),):
        rows = "no codes" if codes is None else f"{len(codes)} codes"
        raise ValueError(
            f"{name} have shape {values.shape} for {rows}: give one a code."
        )
    if name == "values":
        if not np.isfinite(values.astype(float)).all():
            raise ValueError("values hold NaN or infinity: give finite numbers.")
        return values.astype(float)
    if not np.issubdtype(values.dtype, np.integer):
        raise ValueError(
            f"labels are {values.dtype}: give integers, or call them values if they "
            "are a factor."
        )
    return values.astype(int)


def _class_names(labels: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
    """Return a name for every label."""
    count = int(labels.max()) + 1
    names = tuple(map(str, names)) or tuple(map(str, range(count)))
    if labels.min() < 0 or count > len(names) or len(names) > 255:
        raise ValueError(
            f"labels go from {labels.min()} to {labels.max()}, class_names has "
            f"{len(names)} names: labels count from 0, one name each (255 at most)."
        )
    return names


def _nearest(
    nearest: Any, image_shape: tuple[int, ...], dimension: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return images (m, h, w, c) and codes (m, d) of the nearest ones' pool."""
    try:
        images, codes = nearest
    except (TypeError, ValueError):
        raise ValueError("nearest must be a pair (images, codes).") from None
    images, codes = np.asarray(images), codes_of(codes, dimension, "nearest codes")
    if images.dtype != np.uint8 or images.shape != (len(codes), *image_shape):
        raise ValueError(
            f"nearest images are {images.dtype} {images.shape}, they must be uint8 "
            f"{(len(codes), *image_shape)}: one a code, as large as decoded ones."
        )
    return images, codes
