"""Colours and light; pictures are float32 (faces, 3, pixels) in [0, 1]."""

import numpy as np

from vaetut.datasets.faces.geometry import Looks, unit

SKIN = np.array(  # from light to dark
    [
        [0.98, 0.87, 0.80],
        [0.95, 0.79, 0.68],
        [0.87, 0.67, 0.53],
        [0.73, 0.52, 0.38],
        [0.54, 0.36, 0.25],
        [0.37, 0.24, 0.17],
    ],
    np.float32,
)
HAIR = np.array(  # black, dark brown, brown, auburn, fair, blond
    [
        [0.07, 0.06, 0.06],
        [0.17, 0.11, 0.08],
        [0.33, 0.20, 0.12],
        [0.50, 0.27, 0.14],
        [0.70, 0.52, 0.30],
        [0.90, 0.77, 0.52],
    ],
    np.float32,
)
GREY_HAIR = np.array([0.72, 0.71, 0.70], np.float32)
IRIS = np.array(  # dark brown, brown, hazel, green, blue, grey
    [
        [0.16, 0.09, 0.05],
        [0.32, 0.18, 0.08],
        [0.46, 0.32, 0.14],
        [0.36, 0.44, 0.24],
        [0.26, 0.44, 0.62],
        [0.46, 0.52, 0.58],
    ],
    np.float32,
)
LIPSTICK = np.array(
    [[0.86, 0.36, 0.24], [0.78, 0.10, 0.16], [0.72, 0.16, 0.34], [0.42, 0.08, 0.24]],
    np.float32,
)


def along(scale: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return colours (n, 3, 1) at places `value` (n, 1) in [0, 1] of a scale (m, 3)."""
    place = np.clip(value, 0, 1) * (len(scale) - 1)
    low = np.minimum(place.astype(int), len(scale) - 2)[:, 0]
    share = (place[:, 0] - low).astype(np.float32)[:, None]
    return (scale[low] * (1 - share) + scale[low + 1] * share)[..., None]


def from_hsv(
    hue: np.ndarray, saturation: np.ndarray, value: np.ndarray | float
) -> np.ndarray:
    """Return colours (n, 3, 1) of hue, saturation and value, (n, 1) in [0, 1] each."""
    phase = np.array([0.0, 2 / 3, 1 / 3], np.float32)
    ramp = np.clip(np.abs((hue + phase) % 1 * 6 - 3) - 1, 0, 1)
    return (value * (1 - saturation * (1 - ramp)))[..., None]


def skin(f: Looks) -> np.ndarray:
    """Return the colour of a face's skin.

    (n, 3, 1) in [0, 1], from its tone and undertone.
    """
    tone = along(SKIN, f.skin_tone)
    warm = np.array([0.035, 0.0, -0.04], np.float32)[:, None]
    return tone * (1 + warm * f.undertone[..., None])


def hair(f: Looks) -> np.ndarray:
    """Return the colour of a face's hair.

    (n, 3, 1) in [0, 1], from its tone and the share of grey.
    """
    return mix(along(HAIR, f.hair_tone), GREY_HAIR[:, None], 0.9 * f.gray[..., None])


def mix(one: np.ndarray, other: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """Return `share` of the other colour and the rest of the one.

    `one` and `other` are colours or pictures that broadcast; `share` is in [0, 1].
    """
    return one + (other - one) * share


def over(
    picture: np.ndarray, mask: np.ndarray, colour: np.ndarray | np.floating
) -> None:
    """Lay a colour, or a picture, over a picture where a mask (n, p) says so.

    `picture` (n, 3, p) is changed in place; the mask is in [0, 1].
    """
    picture += mask[:, None] * (colour - picture)


def lit(f: Looks, normal: tuple[np.ndarray, ...]) -> np.ndarray:
    """Return the light (n, 3, p) that surfaces of a normal reflect.

    Lambert's cosine on top of a sky that is brighter above.
    """
    lx, ly, lz = _lamp(f)
    nx, ny, nz = normal
    direct = np.maximum(nx * lx + ny * ly + nz * lz, 0)
    sky = f.ambient * (0.88 + 0.12 * ny)
    strength = (sky + (1.06 - f.ambient) * direct)[:, None]
    warm = np.array([0.06, 0.0, -0.08], np.float32)[:, None]
    return strength * (1 + warm * f.warmth[..., None])


def gloss(f: Looks, normal: tuple[np.ndarray, ...], shine: np.ndarray) -> np.ndarray:
    """Return the gloss (n, p) of surfaces of a normal, as shiny as `shine` (n, 1) says.

    Source: Blinn 1977, Models of light reflection for computer synthesized pictures.
    """
    lx, ly, lz = _lamp(f)
    nx, ny, nz = normal
    hx, hy, hz = unit(lx, ly, lz + 1)
    cosine = np.maximum(nx * hx + ny * hy + nz * hz, 0)
    eighth = cosine * cosine
    eighth = eighth * eighth
    eighth = eighth * eighth
    return shine * eighth * eighth


def _lamp(f):
    """Return the direction (n, 1) each of the light."""
    return unit(f.light_x, f.light_y, np.ones_like(f.light_x))
