"""One function a figure; arrays in, a matplotlib figure out.

Every figure has an opaque background, so that it reads on a dark page as well, and
colours that people with a colour-blindness can tell apart.
"""

from vaetut.figures.comparisons import attribution, autopsy, edges_of_task, race, rungs
from vaetut.figures.cost import areas, changes, over_batch, ranks_kept, shares
from vaetut.figures.curves import (
    beta_curves,
    compare,
    denoising,
    entropy_floor,
    history,
    ladder,
)
from vaetut.figures.embedding import embedding
from vaetut.figures.faces import (
    attribute_bars,
    face_rows,
    factor_strips,
    inertia_curves,
    montage,
    radius_histograms,
    spectra,
    strength_curves,
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
from vaetut.figures.strength import code_maps, radii_by_seed, variance_law
from vaetut.figures.style import CLASS_COLOURS
from vaetut.figures.transects import errors_along, pairs, transect_plane, transect_rows

__all__ = [
    "CLASS_COLOURS",
    "angle_curves",
    "answers",
    "areas",
    "attribute_bars",
    "attribution",
    "autopsy",
    "bars_over",
    "beta_curves",
    "beta_strip",
    "changes",
    "cloud",
    "code_maps",
    "compare",
    "denoising",
    "dimensions",
    "distances",
    "edges_of_task",
    "embedding",
    "entropy_floor",
    "errors_along",
    "face_rows",
    "factor_montage",
    "factor_plane",
    "factor_sheet",
    "factor_strips",
    "flat_grids",
    "floor_map",
    "gap_map",
    "history",
    "hole_counts",
    "image_rows",
    "inertia_curves",
    "ladder",
    "loss_surfaces",
    "montage",
    "mosaic",
    "over_batch",
    "pairs",
    "plane_maps",
    "plane_twice",
    "race",
    "radii_by_seed",
    "radius_and_curve",
    "radius_histograms",
    "ranks",
    "ranks_kept",
    "rungs",
    "samples_on_cloud",
    "scores",
    "shares",
    "sheets",
    "spectra",
    "strength_curves",
    "transect_plane",
    "transect_rows",
    "two_clouds",
    "variance_law",
    "walks_in_plane",
]
