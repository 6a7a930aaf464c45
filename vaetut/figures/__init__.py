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
from vaetut.figures.sheets import (
    angle_curves,
    bars_over,
    flat_grids,
    loss_surfaces,
    plane_maps,
    ranks,
    scores,
    sheets,
    walks_in_plane,
)
from vaetut.figures.style import CLASS_COLOURS
from vaetut.figures.transects import (
    attribution,
    autopsy,
    edges_of_task,
    embedding,
    errors_along,
    pairs,
    race,
    rungs,
    transect_plane,
    transect_rows,
)

__all__ = [
    "CLASS_COLOURS",
    "angle_curves",
    "answers",
    "attribution",
    "autopsy",
    "bars_over",
    "beta_curves",
    "beta_strip",
    "cloud",
    "compare",
    "denoising",
    "dimensions",
    "distances",
    "edges_of_task",
    "embedding",
    "entropy_floor",
    "errors_along",
    "factor_montage",
    "factor_plane",
    "factor_sheet",
    "flat_grids",
    "floor_map",
    "gap_map",
    "history",
    "hole_counts",
    "image_rows",
    "ladder",
    "loss_surfaces",
    "mosaic",
    "pairs",
    "plane_maps",
    "plane_twice",
    "race",
    "radius_and_curve",
    "ranks",
    "rungs",
    "samples_on_cloud",
    "scores",
    "sheets",
    "transect_plane",
    "transect_rows",
    "two_clouds",
    "walks_in_plane",
]
