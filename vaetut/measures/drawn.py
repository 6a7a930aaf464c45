"""What is measured of images that the course draws on demand, seed by seed."""

from functools import cache

import numpy as np

from vaetut import analysis
from vaetut.datasets import polar


@cache
def polar_measures() -> dict[str, list[float]]:
    """Return what can be claimed of the polar images, metric -> a value a seed."""
    draws = [polar.sample(5000, seed) for seed in range(1000)]
    holes = [points[polar.in_hole(points)] for points in draws]
    removed = np.array([len(hole) for hole in holes])
    by_seed = [_image_measures(points) for points in draws[:5]]
    return {
        "removed": removed.tolist(),
        "at_most_410": (removed <= 410).astype(float).tolist(),
        "at_least_490": (removed >= 490).astype(float).tolist(),
        "crossed": [float(polar.crosses(points).mean()) for points in draws],
        "hole_crossed": [float(polar.crosses(points).mean()) for points in holes],
        **{name: [found[name] for found in by_seed] for name in by_seed[0]},
    }


def _image_measures(points: np.ndarray) -> dict[str, float]:
    """Return the measures of one draw of points (n, 2) that need its images."""
    small_images = polar.draw(points[:500], 64) / 255
    small = small_images.reshape(500, -1)
    a, b = points[:500].T
    curves = polar.contour(a, b, n=100).reshape(500, -1)
    subset = points[:80]
    inward = np.where(subset[:, :1] < 1.25, 1, -1) * [1, 0]
    images = {s: polar.draw(subset + s * inward) / 255 for s in (0, 1 / 16, 1 / 8)}
    near, far = (((images[s] - images[0]) ** 2).mean() for s in (1 / 16, 1 / 8))
    canvases = {
        "bce_floor": images[0],
        "bce_floor_reference": polar.draw_reference(subset) / 255,
    }
    measures = {
        name: analysis.bernoulli_entropy(drawn).mean() / drawn[0].size
        for name, drawn in canvases.items()
    } | {
        "doubling": (far / near) ** 0.5,
        "pixel_dimension": analysis.two_nearest_dimension(small),
        "curve_dimension": analysis.two_nearest_dimension(curves),
        "pixel_plane": analysis.principal_shares(small)[:2].sum(),
        "curve_plane": analysis.principal_shares(curves)[:2].sum(),
    }
    middle = np.mean([polar.A_RANGE, polar.B_RANGE], axis=1)
    above, below = (points[:500] > middle).all(1), (points[:500] < middle).all(1)
    for group, inside in (("large", above), ("small", below)):
        one, other = small_images[inside][:-1], small_images[inside][1:]
        measures[f"pair_distance_{group}"] = ((one - other) ** 2).mean() ** 0.5
        measures[f"pair_dice_{group}"] = analysis.soft_dice(one, other).mean()
    return {name: float(value) for name, value in measures.items()}


DRAWN = {"polar": polar_measures}  # by the name that claims and prose use
