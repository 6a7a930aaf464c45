"""Stars r = b·cos 5θ + a: images of two known factors, with a hole to look into.

Geometry (`curve`, `contour`), points of the plane (`sample`, `puncture`, `HOLES`,
`transect`, `grid`, `weights`), drawing (`draw`, `draw_reference`), its inverse
(`fit_factors`) and data sets (`make_polar`, `load`, `make`, `verify`). After M-Lin-DM,
"Zero-shot Learning with VAEs", 2021, part 1.
"""

from vaetut.datasets.polar.curve import A_RANGE, B_RANGE, FACTOR_NAMES, contour, curve
from vaetut.datasets.polar.fit import Fit, fit_factors
from vaetut.datasets.polar.points import (
    HOLE_CENTER,
    HOLE_RADIUS,
    HOLES,
    TRANSECTS,
    Disc,
    Strip,
    grid,
    hole_named,
    outside,
    puncture,
    sample,
    transect,
    weights,
)
from vaetut.datasets.polar.render import CANVASES, draw, draw_reference
from vaetut.datasets.polar.sets import (
    REFERENCE_SEED,
    SETS,
    SPLITS,
    load,
    make,
    make_polar,
    verify,
)

__all__ = [
    "A_RANGE",
    "B_RANGE",
    "CANVASES",
    "FACTOR_NAMES",
    "HOLES",
    "HOLE_CENTER",
    "HOLE_RADIUS",
    "REFERENCE_SEED",
    "SETS",
    "SPLITS",
    "TRANSECTS",
    "Disc",
    "Fit",
    "Strip",
    "contour",
    "curve",
    "draw",
    "draw_reference",
    "fit_factors",
    "grid",
    "hole_named",
    "load",
    "make",
    "make_polar",
    "outside",
    "puncture",
    "sample",
    "transect",
    "verify",
    "weights",
]
