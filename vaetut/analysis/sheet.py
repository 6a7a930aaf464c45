"""The sheet on which the codes of a plane of factors lie: how flat, and as a map.

`factors` are (n, 2), a row (a, b) an image; `codes` are (n, d).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from vaetut import checks
from vaetut.analysis.attribution import thin_plate
from vaetut.analysis.dimension import principal_shares, two_nearest_dimension
from vaetut.checks import Seed, finite_array, random_generator, whole_number


class SheetStatistics(NamedTuple):
    """The shape of the sheet on which the codes of a plane of factors lie."""

    shares: np.ndarray  # (min(n, d),) of variance in each principal component
    third_share: float  # the third of them: how far it leaves a plane; 0 for d < 3
    local_flatness: float  # third over first local singular value; 0 is flat, or d < 3
    dimension: float  # intrinsic: 2 is a sheet
    r2: np.ndarray  # (2,) of a and of b as linear functions of the code, in sample


def sheet_statistics(
    codes: ArrayLike, factors: ArrayLike, k: int = 30
) -> SheetStatistics:
    """Return how flat, how thick and how straight the sheet of codes is.

    `codes` (n, d), `factors` (n, 2). `local_flatness` is the median over codes of the
    ratio of the third to the first singular value of its `k` nearest codes, itself
    among them; it sees noise as well as bends. `r2` is a linear regression's on the
    same points. Raises ValueError for fewer codes than k or d + 2, or a factor that
    does not vary. Source: of `dimension`, see `two_nearest_dimension`.
    """
    codes, factors = (
        finite_array("codes", codes, ndim=2),
        checks.points("factors", factors),
    )
    checks.same_rows("codes", codes, "factors", factors)
    k = whole_number("k", k, least=4)
    needed = max(k, codes.shape[1] + 2)
    if len(codes) < needed:
        raise ValueError(f"codes must be {needed} or more, not {len(codes)}")
    if (np.ptp(factors, axis=0) == 0).any():
        raise ValueError(
            "factors must vary, both a and b: codes of a line are no sheet"
        )
    if len(np.unique(codes, axis=0)) < 10:
        raise ValueError("codes must be ten or more different ones")
    shares = principal_shares(codes)
    return SheetStatistics(
        shares=shares,
        third_share=float(shares[2]) if len(shares) > 2 else 0.0,
        local_flatness=_local_flatness(codes, k),
        dimension=two_nearest_dimension(codes),
        r2=_linear_r2(codes, factors),
    )


def _local_flatness(codes, k):
    if codes.shape[1] < 3:
        return 0.0
    around = codes[cKDTree(codes).query(codes, k=k)[1]]
    around -= around.mean(1, keepdims=True)
    values = np.linalg.svd(around, compute_uv=False)
    first, third = values[:, 0], values[:, 2]
    ratios = np.divide(third, first, out=np.zeros(len(codes)), where=first > 0)
    return float(np.median(ratios))


def _linear_r2(codes, factors):
    """Return the share (2,) of each factor's variance that codes explain linearly."""
    columns = np.column_stack([codes - codes.mean(0), np.ones(len(codes))])
    fitted = columns @ np.linalg.lstsq(columns, factors, rcond=None)[0]
    return 1 - ((factors - fitted) ** 2).sum(0) / (len(factors) * factors.var(0))


def sheet_map(
    factors: ArrayLike,
    codes: ArrayLike,
    smoothing: float = 0.01,
    knots: int = 1000,
    seed: Seed = 0,
) -> Callable[[ArrayLike], np.ndarray]:
    """Return the sheet as a function, from points (m, 2) of the plane to codes (m, d).

    A thin-plate spline, as `thin_plate`, fitted once, to `knots` of the training
    points `factors` (n, 2) and `codes` (n, d) drawn by `seed`. `smoothing` S takes the
    encoder's ripples off, which would pass for curvature: it halves those of
    wavelength 2π (S A / 8π k)^(1/4), for k knots on an area A of the plane, and leaves
    much longer ones: 0.21 as it stands, on an area of 3. Turning has no value of its
    own where there are ripples: state S and k with it. Beyond the points, and in a
    hole between them, the map goes on smoothly. Raises ValueError for points on a
    line, or repeated ones with no smoothing.
    Source: Duchon 1977, Splines minimizing rotation-invariant semi-norms.
    """
    from scipy.interpolate import RBFInterpolator  # slow to import, and only here

    factors, codes = (
        checks.points("factors", factors),
        finite_array("codes", codes, ndim=2),
    )
    checks.same_rows("factors", factors, "codes", codes)
    knots, rng = whole_number("knots", knots, least=3), random_generator(seed)
    if knots < len(factors):
        kept = np.sort(rng.choice(len(factors), knots, replace=False))
        factors, codes = factors[kept], codes[kept]
    thin_plate(factors, codes, factors[:1], smoothing=smoothing)  # says what is wrong
    spline = RBFInterpolator(factors, codes, smoothing=smoothing)

    def mapping(points):
        return spline(checks.points("points", points))

    return mapping


def tangents(
    mapping: Callable[[np.ndarray], ArrayLike],
    points: ArrayLike,
    step: float = 1e-3,
    ranges: ArrayLike | None = None,
) -> np.ndarray:
    """Return how codes change with each factor, (n, 2, d), by central differences.

    `mapping` takes points (m, 2) to codes (m, d), as `sheet_map` makes it; `points`
    (n, 2). [:, 0] is along a, [:, 1] along b, in units of the codes per unit of the
    factor. `step` is half the difference in units of a and b; with `ranges`,
    ((a low, a high), (b low, b high)), as a share of each range. Raises ValueError
    for a step that is lost in rounding.
    """
    checks.function("mapping", mapping)
    points, step = checks.points("points", points), checks.positive("step", step)
    widths = (
        np.ones(2)
        if ranges is None
        else np.ptp(checks.ranges("ranges", ranges), axis=1)
    )
    steps = step * np.diag(widths)
    around = np.stack([points[:, None] + steps, points[:, None] - steps])
    if (around[0] == around[1]).all(-1).any():
        raise ValueError(f"step {step:g} is lost in the rounding of points: raise it")
    ahead, behind = np.split(_mapped(mapping, around.reshape(-1, 2)), 2)
    slopes = (ahead - behind).reshape(len(points), 2, -1)
    return slopes / (2 * step * widths[:, None])


def grid_lines(
    mapping: Callable[[np.ndarray], ArrayLike],
    ranges: ArrayLike,
    lines: int = 9,
    count: int = 41,
) -> np.ndarray:
    """Return the lines of constant factors on the sheet, (2, lines, count, d).

    `mapping` as for `tangents`; `ranges` ((a low, a high), (b low, b high)). [0] are
    `lines` along a, one for each of as many values of b, evenly from low to high; [1]
    those along b. Each has `count` points, evenly spaced in the factor it goes along.
    Raises ValueError for ranges that are none, or a mapping that gives no code a point.
    """
    checks.function("mapping", mapping)
    (a_low, a_high), (b_low, b_high) = checks.ranges("ranges", ranges)
    lines, count = whole_number("lines", lines, 2), whole_number("count", count, 3)
    along_a = np.meshgrid(
        np.linspace(a_low, a_high, count), np.linspace(b_low, b_high, lines)
    )
    along_b = np.meshgrid(
        np.linspace(a_low, a_high, lines),
        np.linspace(b_low, b_high, count),
        indexing="ij",
    )
    points = np.moveaxis(np.stack([along_a, along_b]), 1, -1)
    return _mapped(mapping, points.reshape(-1, 2)).reshape(2, lines, count, -1)


def _mapped(mapping, points):
    """Return the codes of points (m, 2), checked: (m, d)."""
    codes = finite_array("codes of mapping", mapping(points), ndim=2)
    if len(codes) != len(points):
        raise ValueError(
            f"mapping must give a code a point: {len(codes)} for {len(points)}"
        )
    return codes
