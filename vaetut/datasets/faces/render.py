"""From factors to pictures: ray casting in NumPy, some faces at a time."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter

from vaetut import checks
from vaetut.datasets.faces import colour, features, hair, noise, worn
from vaetut.datasets.faces.factors import check_factors
from vaetut.datasets.faces.geometry import Looks, rays

VERSION = 1  # of what is drawn: part of the cache's key
BLOCK_PIXELS = 2**15  # drawn at a time: arrays that stay in a core's cache
SIDES = (16, 512)  # pixels


def render_faces(
    factors: ArrayLike, size: int = 96, workers: int | None = None
) -> np.ndarray:
    """Return the pictures, uint8 (n, size, size, 3), of faces of these factors (n, k).

    `workers` threads draw at once; None: one a core. The result does not depend on
    them. Raises ValueError for factors outside their ranges, or a size that is not a
    whole number from 16 to 512.
    """
    factors = check_factors(factors)
    size = checks.whole_number("size", size, *SIDES)
    if workers is not None:
        workers = checks.whole_number("workers", workers, 1, 1024)
    checks.room("factors and size", len(factors), size, size, 3, dtype=np.uint8)
    pictures = np.empty((len(factors), size, size, 3), np.uint8)
    block = max(1, BLOCK_PIXELS // size**2)

    def draw(start):
        part = slice(start, start + block)
        pictures[part] = _draw(factors[part], size)

    starts = range(0, len(factors), block)
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        list(pool.map(draw, starts))
    return pictures


def _draw(factors, size):
    """Draw some faces, from the back to the front."""
    f = Looks(factors)
    r = rays(f, size)
    skin, hair_colour = colour.skin(f), colour.hair(f)
    picture = worn.background(r, f)
    _where(
        (f.hair_length > 0.28) & (f.bald < 0.5), hair.behind, r, f, picture, hair_colour
    )
    worn.body(r, f, picture, skin)
    worn.ears(r, f, picture, skin)
    hit, face = features.face(r, f, hair_colour)
    colour.over(picture, hit.cover, face)
    hair.on_top(r, f, picture, hair_colour)
    _where(f.earrings > 0.5, worn.earrings, r, f, picture)
    _where(f.glasses > 0.5, worn.glasses, r, f, picture)
    _where(f.hat > 0.5, worn.hat, r, f, picture)
    return _photograph(f, picture, size)


def _where(mask, draw, r, f, picture, *others):
    """Draw something on the faces that have it."""
    rows = np.flatnonzero(mask[:, 0])
    if len(rows):
        some = picture[rows]
        draw(r.take(rows), f.take(rows), some, *(o[rows] for o in others))
        picture[rows] = some


def _photograph(f, picture, size):
    """Return what a camera makes of a picture: blur, grain, eight bits."""
    picture = picture.reshape(len(picture), 3, size, size)
    for k in np.flatnonzero(f.blur[:, 0] > 0.05):
        sigma = 0.024 * size * f.blur[k, 0]
        picture[k] = gaussian_filter(picture[k], (0, sigma, sigma))
    side = np.arange(size)
    places = (f.texture * 997).astype(int)
    rows, columns = (side + places)[:, :, None], (side + 3 * places)[:, None]
    grain = noise.table(0.6)[rows % noise.SIDE, columns % noise.SIDE]
    picture += (0.03 * f.grain[..., None] * grain)[:, None]
    np.clip(picture, 0, 1, out=picture)
    return (picture * 255 + 0.5).astype(np.uint8).transpose(0, 2, 3, 1)
