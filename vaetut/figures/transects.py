"""Figures of what a model draws in a hole of its training set, and along lines into it.

An interval is (mean, low, high), in numbers or arrays; an `Interval` will do. Along an
axis, one array without an interval is a reference, drawn dashed.
"""

from itertools import cycle, pairwise
from textwrap import fill

import numpy as np
from matplotlib.patches import Circle, ConnectionPatch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator, NullLocator
from mpl_toolkits.mplot3d.proj3d import proj_transform
from scipy.ndimage import maximum_filter

from vaetut.datasets.polar import HOLE_CENTER, HOLE_RADIUS
from vaetut.datasets.polar.render import INK as STROKE
from vaetut.figures.polar import FINE
from vaetut.figures.style import ACCENT, AE, DPI, INK, VAE, WIDTH, canvas

TRANSECTS = ((VAE, "o"), (AE, "s"), ("#AA3377", "D"))  # P1, P2, P3, as in the widgets
LINES = (VAE, AE, "#009988", "#AA3377", INK, "#999933", "#55AADD")
MARKERS = "osD^vPX"
REGIONS = {  # colour and filling
    "hole": (ACCENT, ACCENT),
    "shell": ("#AA7700", "#F2CC77"),
    "far": (VAE, "white"),
}
GREY, HAZE = "#777777", "#FBE9E4"  # references; the hole as an area
HALO = [withStroke(linewidth=3, foreground="white")]


# ---- The plane and its images


def transect_plane(factors, weights, transects):
    """Draw the training points by weight, the hole, and the transects' points.

    `factors` (n, 2), `weights` (n,); `transects`: name -> (k, 2), in units of a and b.
    """
    figure, ((axis,),) = canvas(6.4)
    shown = axis.scatter(
        *np.transpose(factors), c=weights, s=7, cmap="cividis", lw=0, rasterized=True
    )
    bar = figure.colorbar(shown, ax=axis, shrink=0.7, pad=0.06)
    bar.set_label("sample weight", fontsize=12)
    axis.add_patch(
        Circle(HOLE_CENTER, HOLE_RADIUS, fc=HAZE, ec=ACCENT, lw=2.5, zorder=2)
    )
    for (colour, marker), (name, points) in zip(
        TRANSECTS, transects.items(), strict=False
    ):
        points = np.asarray(points)
        style = {"color": colour, "marker": marker, "ms": 8, "mec": "white"}
        axis.plot(*points.T, lw=1.5, zorder=3, **style)
        along = (points[-1] - points[0]) / np.linalg.norm(points[-1] - points[0])
        for end, way in ((points[0], -along), (points[-1], along)):
            axis.annotate(
                name,
                end,
                xytext=19 * way,
                textcoords="offset points",
                color=colour,
                fontsize=14,
                weight="bold",
                ha="center",
                va="center",
                path_effects=HALO,
            )
    axis.set_xlabel("$a$, the size", fontsize=12)
    axis.set_ylabel("$b$, the petals", fontsize=12)
    axis.margins(0.15, 0.1)
    axis.set_aspect("equal")
    axis.tick_params(labelsize=10)
    return figure


def transect_rows(rows, inside, titles=None):
    """Draw rows of images along a transect, a red box around those in the hole.

    `rows`: label -> images (k, h, w, 1) in [0, 1], `inside` (k,) bool, `titles`: k
    texts above, or what they are and the texts, as ("b", texts). For several
    transects, each of these is a dictionary: name -> what it is for one. Margins are
    cut off and strokes thickened, everywhere alike.
    """
    if not isinstance(next(iter(rows.values())), dict):
        rows, inside = {"": rows}, {"": inside}
        titles = {"": titles} if titles else {}
    counts, titles = [len(block) for block in rows.values()], titles or {}
    high = 0.5 * sum(counts) + 0.32 * len(rows) + 0.25 * len(titles)
    figure, axes = canvas(high, len(rows), height_ratios=counts)
    figure.set_dpi(2 * DPI)  # to be enlarged
    lines = [np.asarray(line) for block in rows.values() for line in block.values()]
    lines = _cut(np.concatenate(lines)[None])[0]  # all at one scale
    for axis, (name, block) in zip(axes[:, 0], rows.items(), strict=True):
        k, size = len(inside[name]), len(inside[name]) * len(block)
        images, lines = lines[:size], lines[size:]
        images = images.reshape(len(block), k, *images.shape[1:])
        side = _show_rows(axis, images, block)
        for start, stop in _runs(inside[name]):
            box = Rectangle(
                (start * side - 0.5, -0.5),
                (stop - start) * side,
                len(block) * side,
                fill=False,
                ec=ACCENT,
                lw=2,
                clip_on=False,
            )
            axis.add_patch(box)
            axis.text(
                (start + stop) / 2 * side,
                (len(block) + 0.05) * side,
                "in the hole",
                color=ACCENT,
                fontsize=10,
                ha="center",
                va="top",
            )
        if titles.get(name) is not None:
            head, texts = _headed(titles[name])
            axis.xaxis.tick_top()
            axis.set_xticks((np.arange(k) + 0.5) * side - 0.5, texts, fontsize=9)
            axis.tick_params(axis="x", length=0, pad=3)
            axis.annotate(
                head,
                (0, 1),
                xytext=(-2, 5),
                xycoords="axes fraction",
                textcoords="offset points",
                fontsize=10,
                ha="right",
                annotation_clip=False,
            )
            for label, hidden in zip(axis.get_xticklabels(), inside[name], strict=True):
                label.set_color(ACCENT if hidden else INK)
        if name:
            axis.annotate(
                name,
                (0, 1),
                xytext=(-46, 4),
                xycoords="axes fraction",
                textcoords="offset points",
                fontsize=12,
                weight="bold",
                annotation_clip=False,
            )
    return figure


def _headed(titles):
    """Return what titles are, "" where they do not say, and the titles."""
    if len(titles) == 2 and not isinstance(titles[1], str):
        return titles
    return "", titles


def pairs(truth, others, columns=10, labels=("truth", "model")):
    """Draw images and, under each, what became of it, with strokes thickened.

    `truth`, `others` (n, h, w, 1) in [0, 1]; `labels` of the two rows.
    """
    truth, others = np.asarray(truth, float), np.asarray(others, float)
    blocks = -(-len(truth) // columns)
    figure, axes = canvas((2 * 7.2 / columns + 0.25) * blocks, blocks)
    figure.set_dpi(2 * DPI)  # to be enlarged
    images = np.zeros((2, blocks * columns, *truth.shape[1:]))
    images[:, : len(truth)] = truth, others
    images = _cut(images)
    for axis, block in zip(axes[:, 0], np.split(images, blocks, axis=1), strict=True):
        _show_rows(axis, block, labels, ruled=False)
    figure.get_layout_engine().set(hspace=0.05)
    return figure


def _show_rows(axis, images, labels, ruled=True):
    """Draw images (rows, k, h, w, 1) edge to edge; return the side of one in pixels."""
    images = _bold(images)[..., 0]
    rows, k, height, width = images.shape
    sheet = images.swapaxes(1, 2).reshape(rows * height, k * width)
    axis.imshow(sheet, **FINE)
    lines = [fill(label, 10) for label in labels]
    axis.set_yticks((np.arange(rows) + 0.5) * height - 0.5, lines, fontsize=10)
    axis.set_xticks([])
    axis.tick_params(axis="y", length=0)
    axis.spines[:].set_visible(False)
    for row in range(1, rows if ruled else 0):
        axis.axhline(row * height - 0.5, color="#DDDDDD", lw=0.8)
    return width


def _cut(images):
    """Return images (…, h, w, 1) cut to the square in the middle that has the ink."""
    size = min(images.shape[-3:-1])
    rows, columns = np.nonzero(images.reshape(-1, *images.shape[-3:-1]).max(0) > 0.1)
    if not len(rows):
        return images
    middle = np.array(images.shape[-3:-1]) / 2 - 0.5
    reach = np.abs(np.concatenate([rows - middle[0], columns - middle[1]])).max()
    spare = int(max(0, size / 2 - reach - 1 - 0.04 * size))
    keep = slice(spare, -spare or None)
    return images[..., keep, keep, :]


def _bold(images, more=0.014):
    """Return images with strokes wider by a share of their side, at full strength."""
    size = images.shape[-2]
    wide = 1 + max(1, round(more * size))
    ink = maximum_filter(images, (1,) * (images.ndim - 3) + (wide, wide, 1))
    return np.clip(ink / min(1, size * STROKE), 0, 1)  # a thin stroke is a grey one


def _runs(inside):
    """Return (start, stop) of each run of True."""
    steps = np.diff(np.concatenate([[False], inside, [False]]).astype(int))
    return list(zip(np.nonzero(steps == 1)[0], np.nonzero(steps == -1)[0], strict=True))


# ---- Along an axis


def errors_along(panels, label="excess BCE, nats per pixel"):
    """Draw errors along transects side by side, the hole shaded.

    `panels`: name -> a dictionary of position (k,), inside (k,) bool, lines: label ->
    interval of arrays (k,) or one array, and, if wanted, xlabel. `label` has the unit.
    """
    figure, (axes,) = canvas(3.6, 1, len(panels), sharey=True)
    for axis, (name, panel) in zip(axes, panels.items(), strict=True):
        x = np.asarray(panel["position"], float)
        for start, stop in _runs(panel["inside"]):
            low = x[max(start - 1, 0) : start + 1].mean()
            high = x[stop - 1 : stop + 1].mean()
            axis.axvspan(low, high, color=HAZE, lw=0, zorder=0)
            axis.text(
                (low + high) / 2,
                0.99,
                "hole",
                color=ACCENT,
                fontsize=11,
                ha="center",
                va="top",
                transform=axis.get_xaxis_transform(),
            )
        ends = _draw_lines(axis, x, panel["lines"])
        axis.set_title(name, fontsize=12, weight="bold")
        axis.set_xlabel(panel.get("xlabel", "position"), fontsize=11)
        axis.tick_params(labelsize=9)
    high = axes[0].get_ylim()[1]
    axes[0].set_ylim(0, 1.12 * high)
    axes[0].yaxis.set_major_locator(MaxNLocator(5))
    axes[0].set_ylabel(label, fontsize=11)
    _end_labels(axes[-1], ends)
    return figure


def edges_of_task(panels, label="IoU in the hole"):
    """Draw a measure over the difficulty of the task, a line a rung.

    `panels`: title -> a dictionary of x (k,), numbers or names of kinds, xlabel, log
    (False unless given) and lines: rung -> interval of arrays (k,), or one array.
    """
    widths = [2 + len(panel["x"]) for panel in panels.values()]
    figure, (axes,) = canvas(3.8, 1, len(panels), sharey=True, width_ratios=widths)
    for axis, (title, panel) in zip(axes, panels.items(), strict=True):
        x, kinds = panel["x"], isinstance(panel["x"][0], str)
        at = np.arange(len(x)) if kinds else np.asarray(x, float)
        ends = _draw_lines(axis, at, panel["lines"], dodge=0.12 if kinds else 0)
        if panel.get("log"):
            axis.set_xscale("log")
            axis.xaxis.set_minor_locator(NullLocator())
        names = [fill(kind, 9) for kind in x] if kinds else [f"{v:,g}" for v in at]
        axis.set_xticks(at, names, fontsize=9)
        if kinds:
            axis.set_xlim(-0.5, len(x) - 0.5)
        axis.set_title(title, fontsize=12)
        axis.set_xlabel(panel["xlabel"], fontsize=11)
        axis.tick_params(axis="y", labelsize=9)
    axes[0].set_ylabel(label, fontsize=11)
    _end_labels(axes[-1], ends)
    return figure


def race(lines, marks, label="validation loss, nats per image"):
    """Draw the loss over the seconds, and when each line first reaches each mark.

    `lines`: label -> (seconds (k,), loss (k,)); `marks`: label -> loss, drawn dashed.
    An axis is logarithmic where what it shows spans a wide enough range.
    What is higher than the early part of a run is cut off.
    """
    figure, ((axis,),) = canvas(4.2)
    runs, goals = [], list(marks.values())
    for colour, (name, (seconds, loss)) in zip(LINES, lines.items(), strict=False):
        seconds, loss = np.asarray(seconds, float), np.asarray(loss, float)
        runs.append((seconds, loss))
        axis.plot(seconds, loss, color=colour, lw=2.4)
        text = {"color": colour, "fontsize": 12, "textcoords": "offset points"}
        text |= {"path_effects": HALO, "weight": "bold"}
        axis.annotate(
            fill(name, 14),
            (seconds[-1], loss[-1]),
            xytext=(7, 0),
            va="center",
            annotation_clip=False,
            **text,
        )
        for first in (np.flatnonzero(loss <= goal)[:1] for goal in goals):
            for k in first:  # none, or one
                axis.plot(seconds[k], loss[k], "o", color=colour, ms=8, mec="white")
                place = seconds[k], loss[k]
                axis.annotate(_duration(seconds[k]), place, xytext=(6, 6), **text)
    last = [seconds[-1] for seconds, _ in runs]
    lowest = min([*goals, *(loss.min() for _, loss in runs)])
    top = 1.15 * max([*goals, *(np.quantile(loss, 0.9) for _, loss in runs)])
    if top > 3 * lowest:
        axis.set(yscale="log", ylim=(lowest / 1.12, top))
        _plain_log(axis.yaxis)
    else:
        axis.set_ylim(lowest - 0.12 * (top - lowest), top)
    if max(last) > 5 * min(last):
        seen = [seconds[loss <= top][0] for seconds, loss in runs]
        axis.set(xscale="log", xlim=(0.6 * min(seen), 1.2 * max(last)))
        _plain_log(axis.xaxis, [1, 2, 5])
    else:
        axis.set_xlim(left=0)
    for name, goal in marks.items():
        axis.axhline(goal, color=GREY, lw=1.4, ls="--", zorder=1)
        axis.annotate(
            name,
            (0, goal),
            xytext=(4, -4),
            xycoords=axis.get_yaxis_transform(),
            textcoords="offset points",
            color="#555555",
            fontsize=11,
            va="top",
            path_effects=HALO,
        )
    axis.set_xlabel("seconds of training", fontsize=11)
    axis.set_ylabel(label, fontsize=11)
    axis.tick_params(labelsize=10)
    return figure


def _duration(seconds):
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _plain_log(axis, steps=(1, 1.5, 2, 3, 4, 5, 7)):
    """Label a logarithmic axis at these steps of each decade, in plain figures."""
    low, high = axis.get_view_interval()
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    ticks = np.outer(decades, steps).ravel()
    ticks = ticks[(low <= ticks) & (ticks <= high)]
    axis.set_ticks(ticks, [f"{tick:,.12g}" for tick in ticks])
    axis.set_minor_locator(NullLocator())


def _draw_lines(axis, x, lines, dodge=0.0):
    """Draw label -> interval of arrays or one array; return (label, y, colour) of ends.

    With `dodge`, x are kinds: points side by side, with their intervals as bars.
    """
    ends, styles = [], cycle(zip(LINES, MARKERS, strict=True))
    models = sum(np.ndim(value[0]) > 0 for value in lines.values())
    shift = -dodge * (models - 1) / 2
    for name, value in lines.items():
        if np.ndim(value[0]) == 0:  # a reference
            if dodge:
                axis.hlines(value, x - 0.42, x + 0.42, color=GREY, ls="--", lw=1.4)
            else:
                axis.plot(x, value, "--", color=GREY, lw=1.4)
            ends.append((name, value[-1], GREY))
            continue
        colour, marker = next(styles)
        mean, low, high = np.asarray(value[:3], float)
        if dodge:
            axis.vlines(x + shift, low, high, color=colour, lw=1.6)
            axis.plot(x + shift, mean, marker, color=colour, ms=5)
            shift += dodge
        else:
            axis.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)
            axis.plot(x, mean, "-", marker=marker, color=colour, ms=4.5, lw=2)
        ends.append((name, mean[-1], colour))
    return ends


def _end_labels(axis, ends, size=11):
    """Write the names of lines right of an axis, moved apart where they would touch.

    `ends`: (name, y in data, colour). Call it when the axis has its limits.
    """
    names = [fill(name, 16) for name, _, _ in ends]
    place = axis.transScale + axis.transLimits
    wanted = [place.transform((axis.get_xlim()[1], y))[1] for _, y, _ in ends]
    line = size * 1.25 / 72 / (0.75 * axis.figure.get_figheight())
    tall = [line * (1 + name.count("\n")) for name in names]
    order = np.argsort(wanted, kind="stable")
    at, tall = np.clip(wanted, 0, 1), np.array(tall)
    for low, high in pairwise(order):
        at[high] = max(at[high], at[low] + (tall[low] + tall[high]) / 2)
    at[order[-1]] = min(at[order[-1]], 1.0)
    for high, low in pairwise(order[::-1]):
        at[low] = min(at[low], at[high] - (tall[low] + tall[high]) / 2)
    for k, (_, _, colour) in enumerate(ends):
        axis.annotate(
            names[k],
            (1, at[k]),
            xytext=(8, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            color=colour,
            fontsize=size,
            va="center",
            annotation_clip=False,
        )


# ---- The latent space


def embedding(codes, factors, edges, transects, images=None, view=(20, -60)):
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


# ---- Dots and intervals


def attribution(values, label="excess BCE, nats per pixel"):
    """Draw the error by the way a code was found, a dot with an interval a region.

    `values`: region ("hole", "shell", "far") -> way -> interval; `label` has the unit.
    """
    ways = list(next(iter(values.values())))
    figure, ((axis,),) = canvas(1.05 * len(ways) + 0.9)
    shifts = np.linspace(-0.24, 0.24, len(values)) if len(values) > 1 else [0]
    for shift, (region, found) in zip(shifts, values.items(), strict=True):
        for k, way in enumerate(ways):
            _dot(axis, region, found[way], k + shift)
        high = found[ways[0]][2]
        _beside(axis, region, (high, shift), _colour(region))
    for k in range(1, len(ways)):
        axis.axhline(k - 0.5, color="#DDDDDD", lw=0.8)
    axis.set_yticks(range(len(ways)), [fill(way, 26) for way in ways], fontsize=12)
    axis.set_ylim(len(ways) - 0.5, -0.5)
    axis.set_xlim(0, 1.04 * axis.dataLim.x1)
    _finish(axis, label)
    return figure


def autopsy(changes, base, label="IoU"):
    """Draw what one change does to each of two recipes, in the hole and far from it.

    `changes`: panel's title -> change -> region ("hole", "far") -> interval; `base`:
    panel's title -> region -> interval, of the recipe without a change, drawn as
    bands. The change that does most in the hole is on top.
    """
    count = max(map(len, changes.values()))
    figure, (axes,) = canvas(0.5 * count + 1.5, 1, len(changes), sharex=True)
    for axis, (title, rows) in zip(axes, changes.items(), strict=True):
        heads = _outwards(base[title])
        for region, interval in base[title].items():
            mean, low, high = interval[:3]
            colour = _colour(region)
            axis.axvspan(low, high, color=colour, alpha=0.15, lw=0, zorder=0)
            axis.axvline(mean, color=colour, lw=1.5, ls="--", zorder=1)
            axis.text(
                mean,
                1.01,
                f" {region} ",
                color=colour,
                fontsize=11,
                weight="bold",
                ha=heads[region],
                va="bottom",
                transform=axis.get_xaxis_transform(),
            )
        before = base[title]["hole"][0]
        order = sorted(rows, key=lambda row: -abs(rows[row]["hole"][0] - before))
        for k, row in enumerate(order):
            axis.axhline(k, color="#E5E5E5", lw=0.8, zorder=0)
            for region, interval in rows[row].items():
                shift = 0.13 if region == "far" else -0.13
                _dot(axis, region, interval, k + shift)
        axis.set_yticks(range(len(order)), [fill(row, 17) for row in order])
        axis.tick_params(axis="y", length=0, labelsize=10.5)
        axis.set_ylim(count - 0.5, -0.6)
        axis.set_title(fill(title, 30), fontsize=12, pad=20)
        _finish(axis, label)
    # An interval of three trainings may go where no IoU does.
    low, high = axes[0].get_xlim()
    axes[0].set_xlim(max(low, 0), min(high, 1.01))
    return figure


def rungs(values, floor=None, label="IoU"):
    """Draw the hole and the far field of each rung in one row, the best in bold.

    `values`: rung -> region ("hole", "far") -> interval; `floor`: what needs no
    learning, label -> value, drawn dashed. The best has the highest mean in the hole.
    """
    figure, ((axis,),) = canvas(0.52 * len(values) + 1.3)
    first = next(iter(values))
    best = max(values, key=lambda rung: values[rung]["hole"][0])
    for k, (rung, regions) in enumerate(values.items()):
        if rung == best:
            axis.axhspan(k - 0.5, k + 0.5, color="#EEF3F8", lw=0, zorder=0)
        means = [interval[0] for interval in regions.values()]
        axis.plot(means, [k] * len(means), color="#CCCCCC", lw=2, zorder=1)
        for region, interval in regions.items():
            _dot(axis, region, interval, k)
            towards = _outwards(regions)[region]
            end = interval[1 if towards == "right" else 2]
            style = {"weight": "bold"} if rung == best else {}
            _write(axis, f"{interval[0]:.2f}", (end, k), towards, region, **style)
    for k, region in enumerate(values[first]):
        axis.text(
            0.85 + 0.09 * k,
            -0.75,
            region,
            color=_colour(region),
            fontsize=12,
            weight="bold",
            transform=axis.get_yaxis_transform(),
        )
    low, high = axis.dataLim.intervalx
    for name, value in (floor or {}).items():
        axis.axvline(value, color=GREY, ls="--", lw=1.4, zorder=1)
        left = value < (low + high) / 2
        axis.annotate(
            name,
            (value, len(values) - 0.45),
            xytext=(5 if left else -5, 0),
            textcoords="offset points",
            color="#555555",
            fontsize=11,
            ha="left" if left else "right",
            va="top",
        )
    axis.set_yticks(range(len(values)), list(values), fontsize=11.5)
    axis.get_yticklabels()[list(values).index(best)].set_weight("bold")
    axis.tick_params(axis="y", length=0)
    axis.margins(x=0.1)
    axis.set_ylim(len(values) - 0.5 + (0.6 if floor else 0), -1)
    _finish(axis, label)
    return figure


def _colour(region):
    return REGIONS.get(region, (INK, INK))[0]


def _dot(axis, region, interval, y):
    """Draw a mean with its interval, in the colour of its region."""
    mean, low, high = interval[:3]
    edge, face = REGIONS.get(region, (INK, INK))
    axis.plot([low, high], [y, y], color=edge, lw=2.5, solid_capstyle="butt", zorder=3)
    axis.plot(mean, y, "o", ms=8, mec=edge, mfc=face, mew=1.8, zorder=4)


def _beside(axis, name, place, colour):
    axis.annotate(
        name,
        place,
        xytext=(9, 0),
        textcoords="offset points",
        color=colour,
        fontsize=12,
        weight="bold",
        va="center",
    )


def _outwards(regions):
    """Return where texts go that are to leave what lies between alone, by region."""
    lowest = min(regions, key=lambda region: regions[region][0])
    return {region: "right" if region == lowest else "left" for region in regions}


def _write(axis, name, place, towards, region, pad=6, **style):
    axis.annotate(
        name,
        place,
        xytext=(-pad if towards == "right" else pad, 0),
        textcoords="offset points",
        ha=towards,
        va="center",
        **{"color": _colour(region), "fontsize": 10, "path_effects": HALO} | style,
    )


def _finish(axis, label):
    axis.set_xlabel(label, fontsize=11)
    axis.tick_params(axis="x", labelsize=10)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
