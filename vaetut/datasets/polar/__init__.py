"""Stars r = b·cos 5θ + a: images of two known factors, with a hole to look into.

Geometry (`curve`, `contour`), points of the plane (`sample`, `in_hole`, `HOLES`,
`transect`, `grid`, `weights`), drawing (`draw`, `draw_reference`), its inverse
(`fit_factors`) and data sets (`make_polar`, `load`, `make`, `verify`). After M-Lin-DM,
"Zero-shot Learning with VAEs", 2021, part 1.
"""

from vaetut.datasets.polar.curve import (
    A_RANGE,
    B_RANGE,
    FACTOR_NAMES,
    contour,
    crosses,
    curve,
)
from vaetut.datasets.polar.fit import Fit, fit_factors
from vaetut.datasets.polar.holes import (
    HOLE_CENTER,
    HOLE_RADIUS,
    HOLES,
    Disc,
    Strip,
    hole_named,
    in_hole,
    outside,
)
from vaetut.datasets.polar.points import sample, weights
from vaetut.datasets.polar.render import CANVASES, draw, draw_reference
from vaetut.datasets.polar.sets import (
    REFERENCE_SEED,
    SETS,
    SPLITS,
    image_shape,
    load,
    make,
    make_polar,
    verify,
)
from vaetut.datasets.polar.transects import TRANSECTS, grid, transect

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
    "crosses",
    "curve",
    "draw",
    "draw_reference",
    "fit_factors",
    "grid",
    "hole_named",
    "image_shape",
    "in_hole",
    "load",
    "make",
    "make_polar",
    "outside",
    "sample",
    "transect",
    "verify",
    "weights",
]
