"""A canvas to draw on, and what a model makes of the drawing, in the page itself."""

from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from numpy.typing import ArrayLike

from vaetut.figures.style import CLASS_COLOURS
from vaetut.models import ImageModel
from vaetut.widgets.checks import greys, is_text, wrong
from vaetut.widgets.decoding import codes_of
from vaetut.widgets.explorer import Explorer, Whole, pack_bytes, quantise, strip
from vaetut.widgets.packing import pack_decoder, pack_encoder

MAX_DOTS = 1200  # of the cloud, that a page carries
ACCENT = "#d1495b"


class DrawExplorer(Explorer):
    """A canvas whose picture is encoded and decoded as one draws.

    `model` is an autoencoder or a VAE of grey images with a code of two numbers.
    `examples`, uint8 or floats in [0, 1] (m, h, w, 1) with a name each in `names`, are
    pictures to start from; `codes` (n, 2) with `labels` (n,), indices into
    `class_names`, is the cloud behind. The picture, which may also be a photograph that
    is dropped, pasted or chosen, is brought to the model's form. The page shows μ ± σ
    as an ellipse, a code z = μ + σ ε drawn from it, the decoder's answer, and the loss
    in nats, split as in the text. `inverted` shows ink on white. `alt` describes the
    still picture of a page without JavaScript.

    The page computes with float16 weights, in Jupyter as well; the trait `example`
    follows the page, and the page it. Raises ValueError, naming what is wrong and what
    to give. Used in chapters 01 and 02.
    """

    kind = "vaetut-draw"
    view = ("example",)

    example = Whole().tag(sync=True)

    def __init__(
        self,
        model: ImageModel,
        codes: ArrayLike,
        labels: ArrayLike,
        class_names: tuple[str, ...],
        *,
        examples: ArrayLike,
        names: tuple[str, ...],
        inverted: bool = False,
        alt: str | None = None,
        **traits: Any,
    ) -> None:
        networks = networks_of(model)
        self.model, self.inverted = model, bool(inverted)
        shape = networks[0]["image"]
        dimension = networks[1]["dimension"]
        if shape[2] != 1 or dimension != 2:
            mend = "give a model of grey images with a code of two numbers"
            raise wrong("model", f"has images {shape} and {dimension} units", mend)
        self.codes = codes_of(codes, 2, "codes")
        self.labels, self.class_names = _labels(labels, class_names, len(self.codes))
        self.examples = _examples(examples, shape)
        self.names = tuple(names)
        if len(self.names) != len(self.examples) or not all(map(is_text, self.names)):
            mend = f"give {len(self.examples)} short texts, one an example"
            raise wrong("names", f"are {self.names!r}", mend)
        kept = np.linspace(0, len(self.codes) - 1, MAX_DOTS).astype(int)
        kept = np.unique(kept)
        low, high = np.quantile(self.codes, [0.002, 0.998], axis=0)
        edge = 0.08 * (high - low)
        state = {
            "networks": networks,
            "image": shape,
            "sd": posterior_sd(model),
            "beta": getattr(model, "beta", None),
            "cloud": quantise(self.codes[kept]),
            "kinds": pack_bytes(self.labels[kept].astype(np.uint8)),
            "classes": list(self.class_names),
            "colours": CLASS_COLOURS,
            "limits": np.stack([low - edge, high + edge], axis=1).tolist(),
            "examples": strip(self.examples),
            "names": list(self.names),
            "inverted": self.inverted,
        }
        super().__init__(state, alt, **traits)

    @property
    def last(self) -> int:
        """The last example's number."""
        return len(self.examples) - 1

    def posterior(self, images: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return means and standard deviations, (n, d) each, of images (n, h, w, 1)."""
        return posterior(self.model, images)

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        mean, sd = (v[0] for v in self.posterior(self.examples[[self.example]]))
        return (
            f"The picture {self.names[self.example]!r}, its place μ = ({mean[0]:.2f}, "
            f"{mean[1]:.2f}) with σ = ({sd[0]:.2f}, {sd[1]:.2f}) among "
            f"{len(self.codes)} codes of {len(self.class_names)} classes, and what the "
            "decoder makes of μ. With JavaScript one can draw a picture of one's own."
        )

    def draw(self) -> Figure:
        """Return the still picture: input, its place in the cloud, and the answer."""
        image = self.examples[[self.example]]
        mean, sd = (v[0] for v in self.posterior(image))
        answer = self.model.decode(mean[None])[0]
        figure = Figure(figsize=(7.6, 3), dpi=100, layout="constrained")
        left, plane, right = figure.subplots(1, 3, width_ratios=(1, 1.5, 1))
        grey = "gray_r" if self.inverted else "gray"
        for axes, picture, title in (
            (left, image[0] / 255, "input"),
            (right, answer, "decoded from μ"),
        ):
            axes.imshow(picture, cmap=grey, vmin=0, vmax=1)
            axes.set_title(title, fontsize=9)
            axes.set_axis_off()
        wheel = np.array(CLASS_COLOURS)
        colours = wheel[self.labels % len(wheel)]
        plane.scatter(*self.codes.T, s=2, linewidths=0, alpha=0.6, color=colours)
        for k in (1, 2):
            ring = Ellipse(mean, *(2 * k * sd), fill=False, color=ACCENT, lw=2)
            plane.add_patch(ring)
        plane.plot(*mean, "o", markersize=5, color=ACCENT)
        plane.set(xlim=self.state["limits"][0], ylim=self.state["limits"][1])
        plane.tick_params(labelsize=7)
        plane.set_box_aspect(1)
        return figure


def networks_of(model: Any) -> list[dict[str, Any]]:
    """Return a model's encoder and decoder as a page runs them, with their dimension.

    Raises ValueError for what has no such two networks, or what a page cannot run.
    """
    if not isinstance(model, keras.Model) or not hasattr(model, "decoder"):
        mend = "give an Autoencoder or a VAE, such as run.model"
        raise wrong("model", f"is {type(model).__name__}", mend)
    decoder = pack_decoder(model.decoder)
    dimension = model.decoder.inputs[0].shape[1]
    return [pack_encoder(model.encoder), decoder | {"dimension": dimension}]


def posterior_sd(model: Any) -> float | None:
    """Return σ of a model's codes: 0 without noise, None where the encoder gives it."""
    if not hasattr(model, "posterior"):
        return 0.0
    return model.posterior_sd


def posterior(model: Any, images: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return means and standard deviations, (n, d) each, of images (n, h, w, c)."""
    found = model.encode(images)
    if not hasattr(model, "posterior"):
        return found, np.zeros_like(found)
    mean, log_var = found
    return mean, np.exp(0.5 * log_var)


def _examples(images: ArrayLike, shape: list[int]) -> np.ndarray:
    """Return pictures to start from as uint8 (m, h, w, 1)."""
    images = np.asarray(images)
    if images.ndim != 4 or not len(images) or list(images.shape[1:]) != shape:
        size = ", ".join(map(str, shape))
        mend = f"give (m, {size}), as the model's"
        raise wrong("examples", f"have shape {images.shape}", mend)
    return greys("examples", images)


def _labels(
    labels: ArrayLike, names: tuple[str, ...], n: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels (n,) as ints and the names of the classes."""
    labels = np.asarray(labels)
    if labels.shape != (n,) or not np.issubdtype(labels.dtype, np.integer):
        mend = f"give {n} integers, one a code"
        raise wrong("labels", f"are {labels.dtype} of shape {labels.shape}", mend)
    if labels.min() < 0 or labels.max() >= len(names) or len(names) > 255:
        mend = "count labels from 0, one name each, 255 at most"
        raise wrong("class_names", f"are {len(names)} for {labels.max()}", mend)
    return labels.astype(int), tuple(map(str, names))
