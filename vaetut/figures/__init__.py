"""One function a figure; arrays in, a matplotlib figure out.

Every figure has an opaque background, so that it reads on a dark page as well, and
colours that people with a colour-blindness can tell apart.
"""

from vaetut.figures.curves import (
    beta_curves,
    compare,
    denoising,
    entropy_floor,
    history,
    ladder,
)
from vaetut.figures.images import image_rows, mosaic, samples_on_cloud
from vaetut.figures.latent import (
    beta_strip,
    cloud,
    gap_map,
    plane_twice,
    two_clouds,
)
from vaetut.figures.polar import (
    answers,
    dimensions,
    distances,
    factor_montage,
    factor_plane,
    factor_sheet,
    floor_map,
    hole_counts,
    radius_and_curve,
)
from vaetut.figures.style import CLASS_COLOURS

__all__ = [
    "CLASS_COLOURS",
    "answers",
    "beta_curves",
    "beta_strip",
    "cloud",
    "compare",
    "denoising",
    "dimensions",
    "distances",
    "entropy_floor",
    "factor_montage",
    "factor_plane",
    "factor_sheet",
    "floor_map",
    "gap_map",
    "history",
    "hole_counts",
    "image_rows",
    "ladder",
    "mosaic",
    "plane_twice",
    "radius_and_curve",
    "samples_on_cloud",
    "two_clouds",
]
