"""What is measured of a model of the whole plane: does a latent unit encode a factor.

The scores of disentanglement, each beside what the same codes would score under axes
turned at random; how curved the lines of a and b are on the sheet of codes; and how
well images follow on a straight walk through latent space, or on one along the sheet.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import kurtosis

from vaetut import analysis
from vaetut.datasets import polar
from vaetut.models import VAE

RANGES = polar.A_RANGE, polar.B_RANGE
RADII = np.array([[1, 1], [1, -1]])  # (a, b) @ RADII: outer and inner radius of a star
CODES = 5000  # training codes at most that are scored
SMALL = 300  # codes of images drawn for it, where there are fewer than scores need
ROTATIONS = 200  # of the axes, at random
LATTICE = 21  # points a side of the lattice whose codes are kept
WALKS, STOPS = 20, 11  # pairs of stars, and points of a walk, its ends included
WALK_SEED = 20_001  # draws the pairs, the same for every model
APART = 0.8  # the least distance of a pair, in units of a and b
NEIGHBOURS = 10  # that a walk from code to code may step to

Draw = Callable[[np.ndarray], np.ndarray]  # points (n, 2) to images (n, h, w, 1)
Redraw = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
Ranges = Sequence[tuple[float, float]]  # low and high of each factor


def measure_factors(
    model: VAE,
    codes: np.ndarray,
    factors: np.ndarray,
    draw: Draw,
    redraw_iou: Redraw,
    seed: int,
    small: bool,
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Return the numbers of a model of the whole plane, and its codes on a lattice.

    `codes` (n, d) and `factors` (n, 2) are those of the training images. `draw` takes
    points (n, 2) to images (n, h, w, 1) as the model sees them, `redraw_iou` decoded
    images to their fitted factors (n, 2) and the IoU with the stars of those (n,). The
    seed draws rotations and forests. With `small`, fewer of each. Units: see
    `vaetut.metrics`.
    """
    codes, factors = codes[:CODES].astype(float), factors[:CODES]
    if small:
        factors = polar.sample(SMALL, WALK_SEED)
        codes = model.encode(draw(factors))[0].astype(float)
    metrics = _scores(codes, factors, seed, small)
    metrics["excess_kurtosis"] = _kurtosis(codes)
    sheet = analysis.sheet_map(factors, codes)
    metrics |= _lines(sheet, codes.shape[1], seed, small)
    metrics |= _walks(model, sheet, codes, draw, redraw_iou, small)
    lattice = model.encode(draw(polar.grid(LATTICE, LATTICE)))[0]
    return metrics, {f"lattice_{k}": column for k, column in enumerate(lattice.T)}


def _scores(
    codes: np.ndarray, factors: np.ndarray, seed: int, small: bool
) -> dict[str, float]:
    """Return every score of codes, and its rank among those of turned axes."""
    radii = factors @ RADII
    scores = {
        "sap": lambda c: analysis.sap(c, factors),
        "mig": lambda c: analysis.mig(c, factors),
        "radii_sap": lambda c: analysis.sap(c, radii),
        "entanglement": analysis.entanglement,
    }
    metrics: dict[str, float] = {}
    count = 10 if small else ROTATIONS
    for name, score in scores.items():
        null = analysis.rotation_null(score, codes, count, seed)
        metrics[name] = score(codes)
        metrics[f"{name}_chance"] = null.mean()
        metrics[f"{name}_rank"] = analysis.null_rank(metrics[name], null)
    forest = analysis.dci(codes, factors, seed, trees=5 if small else 50)
    metrics |= {f"dci_{name}": value for name, value in forest._asdict().items()}
    metrics["factor_vae"] = analysis.factor_vae_score(codes, factors, seed)
    return metrics


def _kurtosis(codes: np.ndarray) -> float:
    """Return the mean excess kurtosis along the two largest principal directions.

    It is 0 for a Gaussian and -1.2 for a uniform cloud.
    """
    centred = codes - codes.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2][:2]
    return kurtosis(centred @ directions.T).mean()


def _lines(sheet: Draw, dimension: int, seed: int, small: bool) -> dict[str, float]:
    """Return the directions of the lines of a and b, and how they bend."""
    inner = polar.grid(LATTICE, LATTICE, *_inset(RANGES))
    slopes = analysis.tangents(sheet, inner)
    found = analysis.orientation(slopes)
    radii = analysis.orientation(np.linalg.inv(RADII) @ slopes)
    turns = analysis.random_rotations(dimension, 10 if small else ROTATIONS, seed)
    null = [analysis.orientation(slopes @ turn.T).to_axis for turn in turns]
    lines = analysis.grid_lines(sheet, _inset(RANGES))
    metrics: dict[str, Any] = {
        "to_axis": found.to_axis,
        "to_axis_chance": np.mean(null),
        "to_axis_rank": analysis.null_rank(found.to_axis, np.array(null)),
        "between": found.between,
        "radii_to_axis": radii.to_axis,
        "radii_between": radii.between,
    }
    for name, some in zip("ab", lines, strict=True):
        metrics[f"turning_{name}"] = np.mean([analysis.turning(p) for p in some])
        metrics[f"straightness_{name}"] = np.mean(
            [analysis.linear_ratio(p) for p in some]
        )
    return metrics


def _inset(ranges: Ranges, share: float = 0.05) -> list[tuple[float, float]]:
    """Return ranges without their edges, where a spline has neighbours on one side."""
    return [
        (low + share * (high - low), high - share * (high - low))
        for low, high in ranges
    ]


def pairs_of_stars(count: int = WALKS) -> np.ndarray:
    """Return pairs of points at least `APART` apart, (count, 2, 2), always the same.

    A smaller count is the beginning of a larger one.
    """
    points = polar.sample(40 * count, WALK_SEED).reshape(-1, 2, 2)
    far = np.linalg.norm(points[:, 0] - points[:, 1], axis=1) >= APART
    return points[far][:count]


def walk_codes(
    sheet: Callable[[np.ndarray], np.ndarray],
    codes: np.ndarray,
    ends: np.ndarray,
    intended: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return the codes of walks between two codes, path -> (walks, stops, d).

    `sheet` is a map from factors (m, 2) to codes (m, d), as `analysis.sheet_map` fits;
    `codes` (n, d) are the training images'; `ends` (walks, 2, d) the codes to walk
    between; `intended` (walks, stops, 2) the factors at each stop. "straight" is a line
    through latent space, "sheet" the images of the intended factors under `sheet`,
    "neighbours" goes from code to code of training images, which takes no factors to
    find. Raises ValueError where the graph of neighbours does not connect two ends.
    """
    stops = intended.shape[1]
    # Two images may have the same code.
    nodes, where = np.unique(
        np.concatenate([ends.reshape(-1, ends.shape[-1]), codes]),
        axis=0,
        return_inverse=True,
    )
    graph = analysis.neighbour_graph(nodes, NEIGHBOURS)
    starts, goals = where.ravel()[: 2 * len(ends)].reshape(-1, 2).T
    return {
        "straight": np.stack([analysis.straight(a, b, stops) for a, b in ends]),
        "sheet": np.stack([sheet(points) for points in intended]),
        "neighbours": np.stack(
            [
                analysis.resample(nodes[analysis.graph_path(graph, i, j)], stops)
                for i, j in zip(starts, goals, strict=True)
            ]
        ),
    }


def _walks(
    model: VAE,
    sheet: Callable[[np.ndarray], np.ndarray],
    codes: np.ndarray,
    draw: Draw,
    redraw_iou: Redraw,
    small: bool,
) -> dict[str, float]:
    """Return how far the images of walks are from the intended stars, and from any."""
    pairs = pairs_of_stars(2 if small else WALKS)
    intended = np.linspace(pairs[:, 0], pairs[:, 1], STOPS, axis=1)
    ends = model.encode(draw(pairs.reshape(-1, 2)))[0].reshape(len(pairs), 2, -1)
    metrics: dict[str, float] = {}
    for path, walked in walk_codes(sheet, codes, ends, intended).items():
        inside = walked[:, 1:-1].reshape(-1, walked.shape[-1])
        found, redrawn = redraw_iou(model.decode(inside))
        meant = intended[:, 1:-1].reshape(-1, 2)
        error = analysis.factor_error(found, meant, RANGES)
        metrics[f"{path}_error"] = error.mean()
        metrics[f"{path}_redrawn_iou"] = redrawn.mean()
    metrics["straight_to_sheet"] = metrics["straight_error"] / metrics["sheet_error"]
    return metrics
