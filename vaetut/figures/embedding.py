"""The sheet of codes in three dimensions, with transects and stars on it."""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.proj3d import proj_transform

from vaetut.figures.polar import FINE
from vaetut.figures.style import ACCENT, HALO, INK, WIDTH, canvas, checked
from vaetut.figures.transects import TRANSECTS, _bold, _cut


@checked
def embedding(
    codes: np.ndarray,
    factors: np.ndarray,
    edges: Mapping[str, np.ndarray],
    transects: Mapping[str, np.ndarray],
    images: Iterable[tuple[np.ndarray, np.ndarray]] | None = None,
    view: tuple[float, float] = (20, -60),
) -> Figure:
    """Draw codes in three dimensions by b, with outlines and transects as lines.

    `codes` (n, 3), `factors` (n, 2); `edges`: label -> (m, 3), such as the outlines of
    the hole and of the sheet; `transects`: name -> (k, 3); `images`: pairs of a code
    (3,) and an image (h, w, 1) in [0, 1], drawn at the sides, tied to their codes;
    `view`: elevation and azimuth in degrees.
    """
    figure, ((axis,),) = canvas(6.2, subplot_kw={"projection": "3d"})
    figure.set_layout_engine("none")
    side = 0.13 if images else 0.0
    axis.set_position((side, 0.1, 1 - 2 * side, 0.9))
    codes = np.asarray(codes)
    shown = axis.scatter(
        *codes.T,
        c=np.asarray(factors)[:, 1],
        s=6,
        cmap="cividis",
        alpha=0.6,
        lw=0,
        rasterized=True,
    )
    text = {"fontsize": 12, "weight": "bold", "path_effects": HALO, "zorder": 20}
    for label, line in edges.items():
        colour = ACCENT if "hole" in label else INK
        axis.plot(*np.transpose(line), color=colour, lw=2.2, zorder=9)
    for (colour, marker), line in zip(TRANSECTS, transects.values(), strict=False):
        line = np.asarray(line)
        style = {"color": colour, "marker": marker, "ms": 5, "mec": "white", "mew": 0.6}
        axis.plot(*line.T, lw=3, zorder=10, **style)
    axis.view_init(*view)
    spans = np.ptp(np.reshape(axis.get_w_lims(), (3, 2)), axis=1)
    axis.set_box_aspect(spans, zoom=0.92 if images else 1.12)
    axis.set(xlabel="$z_1$", ylabel="$z_2$", zlabel="$z_3$")
    for each in (axis.xaxis, axis.yaxis, axis.zaxis):
        each.pane.set(facecolor="white", edgecolor="#DDDDDD")
        each.set_tick_params(labelsize=8)
        each.set_major_locator(MaxNLocator(4))
        each.labelpad = 3
    axis.grid(False)
    bar = figure.colorbar(
        shown, cax=figure.add_axes((0.36, 0.075, 0.28, 0.018)), orientation="horizontal"
    )
    if bar.solids is not None:
        bar.solids.set_alpha(1)
    bar.set_label("$b$, the petals", fontsize=11)
    for label, line in edges.items():
        _name_edge(axis, label, np.asarray(line), text)
    middle = _on_screen(axis, codes).mean(0)
    for (colour, _), (name, line) in zip(TRANSECTS, transects.items(), strict=False):
        ends = _on_screen(axis, [line[0], line[-1]])
        away = ends - middle
        k = np.hypot(*away.T).argmax()
        axis.annotate(
            name,
            ends[k],
            xytext=14 * away[k] / np.hypot(*away[k]),
            textcoords="offset points",
            color=colour,
            ha="center",
            va="center",
            **text,
        )
    if images:
        _tie(figure, axis, images, transects)
    return figure


def _on_screen(axis, points):
    """Return points (n, 3) as places (n, 2) in the flat coordinates of an axis."""
    return np.transpose(proj_transform(*np.transpose(points), axis.get_proj())[:2])


def _name_edge(axis, label, line, text):
    """Write the name of an outline, away from the middle of what is seen."""
    places = _on_screen(axis, line)
    colour = ACCENT if "hole" in label else INK
    k = places[:, 1].argmax() if "hole" in label else places[:, 1].argmin()
    axis.annotate(
        label,
        places[k],
        xytext=(0, 9 if "hole" in label else -9),
        textcoords="offset points",
        color=colour,
        ha="center",
        va="bottom" if "hole" in label else "top",
        **text,
    )


def _tie(figure, axis, images, transects):
    """Draw images at the left and right, each tied to its code by a line."""
    codes = np.array([code for code, _ in images])
    drawn = _bold(_cut(np.stack([image for _, image in images]).astype(float)))
    places = _on_screen(axis, codes)
    by_x = np.argsort(places[:, 0])
    half = -(-len(images) // 2)
    sides = ((0.01, by_x[:half]), (0.99, by_x[half:]))
    tall = min(0.15, 0.86 / half)
    wide = tall * figure.get_figheight() / WIDTH
    for x, chosen in sides:
        chosen = chosen[np.argsort(-places[chosen, 1])]
        tops = np.linspace(0.99, 0.01 + tall, half)[: len(chosen)]
        for k, top in zip(chosen, tops, strict=True):
            colour = _colour_of(codes[k], transects)
            left = x if x < 0.5 else x - wide
            inset = figure.add_axes((left, top - tall, wide, tall))
            inset.imshow(drawn[k, ..., 0], **FINE)
            inset.set(xticks=[], yticks=[])
            inset.spines[:].set(color=colour, lw=2)
            tie = ConnectionPatch(
                (1 if x < 0.5 else 0, 0.5),
                places[k],
                "axes fraction",
                "data",
                axesA=inset,
                axesB=axis,
                color=colour,
                lw=1.1,
                alpha=0.9,
            )
            figure.add_artist(tie)


def _colour_of(code, transects):
    """Return the colour of the transect that comes nearest to a code."""
    gaps = [
        np.linalg.norm(np.asarray(line) - code, axis=1).min()
        for line in transects.values()
    ]
    return TRANSECTS[int(np.argmin(gaps))][0] if gaps else INK
