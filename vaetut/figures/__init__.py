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
from vaetut.figures.style import CLASS_COLOURS

__all__ = [
    "CLASS_COLOURS",
    "beta_curves",
    "beta_strip",
    "cloud",
    "compare",
    "denoising",
    "entropy_floor",
    "gap_map",
    "history",
    "image_rows",
    "ladder",
    "mosaic",
    "plane_twice",
    "samples_on_cloud",
    "two_clouds",
]
