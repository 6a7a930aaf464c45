"""One latent plane to drag over, alive in Jupyter and in the built book."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike

from vaetut.figures.style import CLASS_COLOURS
from vaetut.widgets.decoding import DecodingExplorer, Panel, codes_of
from vaetut.widgets.explorer import pack_bytes, pack_png, quantise

MAX_POINTS = 2000  # of the cloud, and of the nearest images, that a page carries
MAX_NEAREST = 500
MAX_SLIDERS = 16


class LatentExplorer(DecodingExplorer):
    """A latent space to move in, with the image its decoder draws beside it.

    `decoder` is a Keras model from codes (n, d) to logits (n, h, w, c), described by
    the arguments of `Panel`; or one `Panel`, or a list of them, whose points then move
    together: the same place within the limits of each. For d = 2 the explorer is a
    plane to drag over, else a slider for each of `dimensions` (the first 16 without
    it). It plays along `path`, codes (m, d) of the first panel (without it a circle
    through the cloud), in `seconds`, and starts at the path's first point. `inverted`
    shows images as ink on white, as the book's figures do. `alt`
    describes the still picture that a page without JavaScript shows.

    In Jupyter the kernel decodes. As `text/html` the explorer brings float16 weights
    and decodes in the page, without a network. Raises ValueError as `Panel` does, and
    for panels of different dimensions. Used in chapters 01 and 02.
    """

    kind = "vaetut-widget"

    def __init__(
        self,
        decoder: keras.Model | Panel | Sequence[Panel],
        codes: ArrayLike | None = None,
        *,
        path: ArrayLike | None = None,
        seconds: float = 16.0,
        dimensions: Iterable[int] | None = None,
        inverted: bool = False,
        alt: str | None = None,
        **panel: Any,
    ) -> None:
        panels = _panels(decoder, codes, panel)
        first = panels[0]
        d = first.dimension
        if path is None:
            way, closed = _circle(first), True
        else:
            points = codes_of(path, d, "path")
            if len(points) < 2:
                raise ValueError("path has one point: give two or more codes.")
            closed = bool(np.allclose(points[0], points[-1]))
            way = np.clip(first.position(points), 0, 1)
        if not seconds > 0:
            raise ValueError(f"seconds must be positive, not {seconds}.")
        self.position = way[0]
        state = {
            "colours": CLASS_COLOURS,
            "inverted": bool(inverted),
            "sliders": _sliders(dimensions, d),
            "position": way[0].tolist(),
            "path": way.round(5).tolist(),
            "closed": closed,
            "seconds": float(seconds),
            **_panel_states(panels),
        }
        super().__init__(panels, state, alt)

    def decode(self, position: ArrayLike) -> list[np.ndarray]:
        """Return each panel's uint8 image (h, w, c) at a position (d,) in [0, 1]^d."""
        return decode(self.panels, position)

    def images(self, wish: dict[str, Any]) -> list[np.ndarray]:
        """Return what `decode` does at a view's position; the still picture follows."""
        images = self.decode(wish["position"])
        self.position = np.asarray(wish["position"])
        return images

    def describe(self) -> str:
        """Return what the still picture shows, in words."""
        return _default_alt(self.panels, self.position)

    def draw(self) -> Figure:
        """Return the still picture: each panel's cloud, point and decoded image."""
        plane = self.panels[0].dimension == 2
        columns = [c for _ in self.panels for c in ([1.6, 1] if plane else [1])]
        size = (1.9 * sum(columns), 3.2)
        figure = Figure(figsize=size, dpi=100, layout="constrained")
        axes = figure.subplots(1, len(columns), width_ratios=columns, squeeze=False)[0]
        images = self.decode(self.position)
        for k, (panel, image) in enumerate(zip(self.panels, images, strict=True)):
            if plane:
                _draw_plane(axes[2 * k], panel, panel.code(self.position))
            picture = axes[2 * k + 1 if plane else k]
            grey = "gray_r" if self.state["inverted"] else "gray"
            picture.imshow(image, cmap=grey, vmin=0, vmax=255)
            picture.set_title("decoded" if plane else panel.name, fontsize=9)
            picture.set_axis_off()
        return figure


def decode(panels: Sequence[Panel], position: ArrayLike) -> list[np.ndarray]:
    """Return each panel's uint8 image (h, w, c) at one position (d,) in [0, 1]^d.

    Raises ValueError for a position of another dimension or outside.
    """
    position = np.asarray(position, float)
    d = panels[0].dimension
    inside = position.shape == (d,) and (position >= 0).all() and (position <= 1).all()
    if not inside:
        raise ValueError(f"position must be {d} numbers from 0 to 1, not {position}.")
    return [panel.draw(panel.code(position)[None])[0] for panel in panels]


def _draw_plane(axes: Axes, panel: Panel, code: np.ndarray) -> None:
    if panel.codes is not None:
        colours: dict[str, Any] = {"color": "#667"}
        if panel.labels is not None:
            wheel = np.array(CLASS_COLOURS)
            colours = {"color": wheel[panel.labels % len(wheel)]}
        elif panel.values is not None:
            colours = {"c": panel.values, "cmap": "cividis"}
        x, y = panel.codes.T
        axes.scatter(x, y, s=2, linewidths=0, alpha=0.7, **colours)
        halo = [withStroke(linewidth=2, foreground="white")]
        for x, y, name in _labels(panel):
            axes.text(x, y, name, fontsize=7, ha="center", path_effects=halo)
    for width, colour in ((5, "white"), (2.5, "#d1495b")):
        ring: dict[str, Any] = {"markeredgewidth": width, "markeredgecolor": colour}
        axes.plot(*code, "o", markersize=9, markerfacecolor="none", **ring)
    axes.set(xlim=panel.limits[0], ylim=panel.limits[1])
    axes.set_title(panel.name or "latent plane", fontsize=9)
    axes.tick_params(labelsize=7)
    axes.set_box_aspect(1)


def _labels(panel: Panel) -> list[tuple[float, float, str]]:
    """Return where to write each class name (x, y, name): its median, or just above."""
    step = 0.05 * (panel.limits[1, 1] - panel.limits[1, 0])
    wide = 0.2 * (panel.limits[0, 1] - panel.limits[0, 0])
    placed: list[tuple[float, float, str]] = []
    for kind in sorted(_classes(panel), key=lambda kind: kind["median"][1]):
        x, y = kind["median"]
        for other_x, other_y, _ in placed:
            if abs(x - other_x) < wide and y < other_y + step:
                y = other_y + step
        placed.append((x, y, kind["name"]))
    return placed


# ---- The state that travels to a page


def _panel_states(panels: Sequence[Panel]) -> dict[str, Any]:
    """Return what the page needs of all panels; equal sheets of images travel once."""
    states, sheets = [], []
    for panel in panels:
        state = {
            "name": panel.name,
            "image": list(panel.image_shape),
            "limits": panel.limits.tolist(),
        }
        if panel.codes is not None:
            kept = _sample(len(panel.codes), MAX_POINTS)
            state["cloud"] = quantise(panel.codes[kept])
            if panel.labels is not None:
                state["classes"] = _classes(panel)
                state["kinds"] = _bytes(panel.labels[kept])
            elif panel.values is not None:
                low, high = float(panel.values.min()), float(panel.values.max())
                level = (panel.values[kept] - low) / (high - low or 1)
                state["kinds"] = _bytes(np.rint(255 * level))
                state |= {"values": [low, high], "values_name": panel.values_name}
        if panel.nearest is not None:
            images, codes = panel.nearest
            kept = _sample(len(images), MAX_NEAREST)
            sheet = _sheet(images[kept])
            if sheet not in sheets:
                sheets.append(sheet)
            state |= {"near": quantise(codes[kept]), "sheet": sheets.index(sheet)}
            state["nearest"] = f"nearest of {len(kept)} images"
        states.append(state)
    return {"panels": states, "sheets": sheets}


def _classes(panel: Panel) -> list[dict[str, Any]]:
    """Return name and median code of every class, in the order of the names."""
    if panel.codes is None or panel.labels is None:
        return []
    medians = []
    for label, name in enumerate(panel.class_names):
        codes = panel.codes[panel.labels == label]
        centre = np.median(codes, axis=0) if len(codes) else panel.limits.mean(1)
        medians.append({"name": str(name), "median": centre.tolist()})
    return medians


def _sample(n: int, most: int) -> np.ndarray:
    """Return at most that many of n row numbers, the same ones each time."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, most, replace=False))


def _bytes(values: ArrayLike) -> str:
    return pack_bytes(np.asarray(values).astype(np.uint8))


def _sheet(images: np.ndarray) -> str:
    """Return images (m, h, w, c) as one PNG, row by row, in a data URI."""
    m, h, w, c = images.shape
    across = int(np.ceil(np.sqrt(m)))
    down = -(-m // across)
    sheet = np.zeros((across * down, h, w, c), np.uint8)
    sheet[:m] = images
    sheet = sheet.reshape(down, across, h, w, c).swapaxes(1, 2)
    sheet = sheet.reshape(down * h, across * w, c)
    return "data:image/png;base64," + pack_png(sheet[..., 0] if c == 1 else sheet)


def _sliders(dimensions: Iterable[int] | None, d: int) -> list[dict[str, Any]]:
    """Return number and name of each dimension that gets a slider."""
    if dimensions is None:
        dimensions = range(min(d, MAX_SLIDERS))
    chosen = [int(k) for k in dimensions]
    if not chosen or len(chosen) > MAX_SLIDERS or not all(0 <= k < d for k in chosen):
        raise ValueError(
            f"dimensions must be 1 to {MAX_SLIDERS} numbers from 0 to {d - 1}, "
            f"not {chosen}."
        )
    digits = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
    return [{"dimension": k, "name": f"z{k + 1}".translate(digits)} for k in chosen]


def _circle(panel: Panel) -> np.ndarray:
    """Return positions on a closed ellipse through the middle of the cloud."""
    d = panel.dimension
    centre, radius = np.full(d, 0.5), np.full(d, 0.3)
    if panel.codes is not None:
        cloud = panel.position(panel.codes)
        centre = np.median(cloud, axis=0)
        radius = np.diff(np.quantile(cloud, [0.2, 0.8], axis=0), axis=0)[0] / 2
    angle = np.linspace(0, 2 * np.pi, 73)
    path = np.tile(centre, (len(angle), 1))
    for k, wave in zip(range(d), (np.cos, np.sin), strict=False):
        path[:, k] += radius[k] * wave(angle)
    path[-1] = path[0]
    return np.clip(path, 0, 1)


def _default_alt(panels: Sequence[Panel], position: np.ndarray) -> str:
    """Return a sentence on what the still picture shows."""
    parts = []
    for panel in panels:
        code = ", ".join(f"{z:.2f}" for z in panel.code(position)[:4])
        text = f"the image decoded{f' by {panel.name}' if panel.name else ''} at "
        text += f"z = ({code}{', …' if panel.dimension > 4 else ''})"
        if panel.dimension == 2 and panel.codes is not None:
            text += f", beside its latent plane with {len(panel.codes)} codes"
            if panel.labels is not None:
                text += f" of {len(panel.class_names)} classes"
            elif panel.values is not None:
                text += f" coloured by {panel.values_name or 'a factor'}"
        parts.append(text)
    sentence = "; ".join(parts)
    return (
        f"{sentence[0].upper()}{sentence[1:]}. With JavaScript the point can be moved."
    )


# ---- Arguments


def _panels(decoder: Any, codes: Any, arguments: dict[str, Any]) -> list[Panel]:
    """Return the panels an explorer was given, in either form."""
    if isinstance(decoder, Panel):
        decoder = [decoder]
    if not isinstance(decoder, (list, tuple)):
        return [Panel(decoder, codes, **arguments)]
    if codes is not None or arguments:
        given = ["codes"] * (codes is not None) + list(arguments)
        raise ValueError(f"{', '.join(given)}: with panels, give this to each Panel.")
    panels = list(decoder)
    if not panels or not all(isinstance(panel, Panel) for panel in panels):
        raise ValueError("panels must be at least one Panel(decoder, codes, …).")
    dimensions = [panel.dimension for panel in panels]
    if len(set(dimensions)) > 1:
        raise ValueError(
            f"the panels have latent dimensions {dimensions}: one drag moves all, so "
            "make an explorer for each dimension."
        )
    return panels
