"""Where a VAE's numbers are: parameters, multiplications and memory, part by part."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from vaetut.widgets.explorer import COLOURS, Among, Explorer

STOPS = {  # of the sliders; an extra layer of 0 units is none
    "side": (32, 64, 96, 128, 160, 192, 224, 256),
    "layers": (2, 3, 4, 5),
    "dimensions": (2, 16, 32, 64, 128, 256, 384, 512, 768, 1024, 1600),
    "extra": (0, 16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024),
    "batch": (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
}
SOURCE = {"side": 96, "layers": 4, "dimensions": 256, "extra": 0, "batch": 128}
# What differs, and the millions of encoder and decoder, as printed.
PUBLISHED: tuple[tuple[str, dict[str, int], str, str | None], ...] = (
    ("512 dimensions", {"dimensions": 512}, "9.83", "5.1"),
    ("256 dimensions", {}, "5.11", "2.76"),
    ("extra layer of 384", {"extra": 384}, "4.13", None),
    ("extra layer of 256", {"extra": 256}, "2.88", None),
)
FILTERS, CHANNELS, KERNEL = (32, 64, 128, 256, 512), 3, 3
COPIES = 4  # of a weight in training: itself, its gradient and Adam's two means
BYTES = 4  # of a float32
PARTS = (
    "encoder: convolutions",
    "encoder: extra layer",
    "encoder: two heads",
    "decoder: first layer",
    "decoder: convolutions",
)
# Convolutions blue, heads orange, the extra layer purple, the first layer grey.
KINDS = (0, 2, 1, 3, 0)


class Part(NamedTuple):
    """What one part of a VAE has."""

    parameters: int  # batch normalization's four numbers a channel included
    macs: int  # multiply-accumulates of one image
    floats: int  # kept of one image until its gradients are taken


def account(side: int, layers: int, dimensions: int, extra: int = 0) -> dict[str, Part]:
    """Return what each part of a VAE for side×side colour images has, by its name.

    It is the network "faces" with the first `layers` of 32, 64, 128, 256 and 512 maps:
    convolutions of stride 2, each with batch normalization and LeakyReLU, two heads of
    `dimensions` behind an `extra` layer of so many units, none if 0, and the mirrored
    decoder. The images count among the first part's floats.
    """
    filters = FILTERS[:layers]
    maps = (CHANNELS, *filters)
    sides = [side >> k for k in range(layers + 1)]
    flat = sides[-1] ** 2 * maps[-1]
    width = extra or flat
    down = up = Part(0, 0, 0)
    for k in range(layers):
        kernel = KERNEL**2 * maps[k] * maps[k + 1]
        macs = kernel * sides[k + 1] ** 2
        normed = 4 * maps[k + 1]  # mean, variance, scale and shift
        kept = 3 * maps[k + 1] * sides[k + 1] ** 2  # convolved, normalized, activated
        down = _sum(down, Part(kernel + maps[k + 1] + normed, macs, kept))
        last = k == 0  # of the decoder: neither normalized nor activated
        own = Part(
            kernel + maps[k] + (0 if last else 4 * maps[k]),
            macs,
            (1 if last else 3) * maps[k] * sides[k] ** 2,
        )
        up = _sum(up, own)
    down = _sum(down, Part(0, 0, CHANNELS * side**2))
    between = Part((flat + 1) * extra, flat * extra, 2 * extra)
    heads = Part(
        2 * (width + 1) * dimensions, 2 * width * dimensions, 3 * dimensions
    )  # mean, log-variance and z
    first = Part((dimensions + 1) * flat, dimensions * flat, flat)
    parts = (down, between if extra else Part(0, 0, 0), heads, first, up)
    return dict(zip(PARTS, parts, strict=True))


def _sum(one: Part, other: Part) -> Part:
    return Part(*map(sum, zip(one, other, strict=True)))


def memory(parts: dict[str, Part], batch: int) -> dict[str, int]:
    """Return the bytes of a step of training with Adam in float32, by use.

    A part has its weights four times, as weights, gradients and Adam's two means;
    "kept of the images" is what the batch leaves on its way forward. What a step needs
    for a moment, and the framework itself, are not in it.
    """
    found = {name: COPIES * BYTES * part.parameters for name, part in parts.items()}
    kept = BYTES * batch * sum(part.floats for part in parts.values())
    return found | {"kept of the images": kept}


class ParameterLedger(Explorer):
    """Parameters, multiplications and memory of a VAE for faces, part by part.

    The network is that of `account`. `side` is the images' side in pixels, `layers`
    the number of convolutions, `dimensions` those of z, `extra` the units of a layer
    before the two heads, 0 for none, and `batch` the images of a step; each is one of
    `STOPS`. The page has bars to one scale, with the source's published counts, which
    are also buttons. `alt` describes the still picture of a page without JavaScript.

    In Jupyter the five traits follow the page, and the page them. As `text/html` the
    ledger works without kernel and network. Raises ValueError, naming what is wrong
    and what to give. Used in chapter 06.
    """

    kind = "vaetut-parameters"
    view = tuple(STOPS)

    side = Among(STOPS["side"], SOURCE["side"]).tag(sync=True)
    layers = Among(STOPS["layers"], SOURCE["layers"]).tag(sync=True)
    dimensions = Among(STOPS["dimensions"], SOURCE["dimensions"]).tag(sync=True)
    extra = Among(STOPS["extra"], SOURCE["extra"]).tag(sync=True)
    batch = Among(STOPS["batch"], SOURCE["batch"]).tag(sync=True)

    def __init__(self, *, alt: str | None = None, **settings: Any) -> None:
        for name in settings:
            if name not in STOPS:
                raise ValueError(
                    f"There is no {name!r}: give {', '.join(STOPS)} or alt."
                )
        published = [
            {"name": name, "set": SOURCE | change, "encoder": down, "decoder": up}
            for name, change, down, up in PUBLISHED
        ]
        state = {
            "stops": STOPS,
            "filters": FILTERS,
            "channels": CHANNELS,
            "kernel": KERNEL,
            "parts": [
                {"name": name, "kind": kind}
                for name, kind in zip(PARTS, KINDS, strict=True)
            ],
            "published": published,
        }
        super().__init__(state, alt, **settings)

    def parts(self) -> dict[str, Part]:
        """Return what each part has, as `account` does."""
        return account(self.side, self.layers, self.dimensions, self.extra)

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        parts = self.parts()
        counts = np.array([part.parameters for part in parts.values()]) / 1e6
        used = memory(parts, self.batch)
        heads = parts[PARTS[2]]
        macs = sum(part.macs for part in parts.values())
        extra = f"an extra layer of {self.extra}" if self.extra else "no extra layer"
        return (
            f"Stacked bars of a VAE for {self.side}×{self.side} images with "
            f"{self.layers} convolutions, {self.dimensions} dimensions and {extra}. "
            f"Parameters: encoder {counts[:3].sum():.2f} million, of which the two "
            f"heads {counts[2]:.2f}, decoder {counts[3:].sum():.2f}. Multiplications: "
            f"{macs / 1e6:.0f} million an image, {heads.macs / macs:.0%} in the heads. "
            f"Memory of a step with {self.batch} images: "
            f"{sum(used.values()) / 1e6:.0f} MB, of which "
            f"{used['kept of the images'] / 1e6:.0f} are kept of the images. With "
            "JavaScript all sizes can be moved."
        )

    def draw(self) -> Figure:
        """Return the still picture: three stacked bars."""
        parts = self.parts()
        used = memory(parts, self.batch)
        rows = {
            "encoder, million parameters": [p.parameters for p in parts.values()][:3],
            "decoder, million parameters": [p.parameters for p in parts.values()][3:],
            "million multiplications an image": [p.macs for p in parts.values()],
            f"MB in training, batch of {self.batch}": list(used.values()),
        }
        figure = Figure(figsize=(7.5, 3.4), dpi=100, layout="constrained")
        columns = figure.subplots(4, 1)
        for axes, (title, values) in zip(columns, rows.items(), strict=True):
            kinds = KINDS[3:] if title.startswith("decoder") else KINDS
            left = 0.0
            for k, value in enumerate(values):
                colour = COLOURS[kinds[k]] if k < len(kinds) else "#88BBDD"
                axes.barh(0, value / 1e6, left=left, color=colour)
                left += value / 1e6
            axes.set_yticks([])
            axes.set_title(f"{title}: {left:.3g}", fontsize=9, loc="left")
            axes.spines[["top", "right", "left"]].set_visible(False)
        columns[1].sharex(columns[0])
        return figure
