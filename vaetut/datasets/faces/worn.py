"""What is around a face and what is worn: from the background to the hat."""

import numpy as np

from vaetut.datasets.faces import colour, noise
from vaetut.datasets.faces.geometry import (
    CHIN,
    Looks,
    Rays,
    bell,
    ellipsoid,
    smooth,
    step,
)

GLASSES_DEPTH = 0.56  # before the axis of the head
GOLD = np.array([0.90, 0.74, 0.36], np.float32)[:, None]


def background(r: Rays, f: Looks) -> np.ndarray:
    """Return the picture (n, 3, p) of what is behind everything.

    A colour with a slope of light and soft spots.
    """
    x, y = r.x, r.y
    base = colour.from_hsv(
        f.background_hue, f.background_saturation, f.background_value
    )
    slope = 1 + 0.35 * f.background_slope * x + 0.12 * y
    spots = noise.at(x * 26 + 600 + 512 * f.texture, y * 26 + 600, 9.0)
    more = noise.at(x * 50 + 600 + 999 * f.texture, y * 50 + 600, 9.0)
    slope += f.background_spots * (0.16 * spots + 0.08 * more)
    return base * np.clip(slope, 0.2, 1.8)[:, None]


def body(r: Rays, f: Looks, picture: np.ndarray, skin: np.ndarray) -> None:
    """Draw neck and shoulders, with what is worn on them.

    `picture` (n, 3, p) is changed in place; `skin` (n, 3, 1).
    """
    d = r.pixel
    x, y = r.x - 0.10 * np.sin(f.yaw), r.y
    ax = np.abs(x)
    low = -CHIN * f.face_length
    wide = 0.27 + 0.06 * f.male + 0.05 * f.fullness + 0.05 * f.double_chin
    flare = 0.30 * smooth(-y, 0.66, 1.05) ** 2
    neck = step(wide + flare - ax, d) * step(-0.2 - y, d)
    round_ = 1 - 0.35 * (ax / (wide + flare)) ** 2
    shadow = 1 - 0.34 * bell(np.minimum(y - low + 0.18, 0), 0.22)
    shade = round_ * shadow * (f.ambient + 0.54 + 0.25 * f.light_x * x)
    colour.over(picture, neck, skin * np.clip(shade, 0.15, 1.1)[:, None])
    throat = 0.05 * (1 - f.tie) + 0.02
    top = -0.84 - 0.10 * (1 - smooth(ax, 0.2, 0.55)) + 0.06 * f.male
    top = top - 0.25 * np.maximum(ax - 0.45, 0)
    cut = np.where(f.tie > 0.5, 0.0, 0.16 * np.maximum(1 - ax / 0.3, 0))
    cloth = step(top - cut - y, d)
    own = colour.from_hsv(f.clothes_hue, f.clothes_saturation, f.clothes_value)
    fold = 0.85 + 0.10 * np.sin(x * 7 + 20 * f.texture) - 0.25 * ax
    colour.over(picture, cloth, own * np.clip(fold + throat, 0.3, 1.1)[:, None])
    tied = f.tie[:, 0] > 0.5
    if tied.any():
        some = picture[tied]
        _tie(f.take(tied), some, x[tied], y[tied], top[tied], d)
        picture[tied] = some
    adorned = f.necklace[:, 0] > 0.5
    if adorned.any():
        some, sx, sy = picture[adorned], x[adorned], y[adorned]
        chain = -0.83 + 0.55 * sx * sx
        bead = 0.55 + 0.45 * np.sin(sx * 90)
        mask = bell(sy - chain, 0.017 + 0.3 * d) * step(0.42 - np.abs(sx), d)
        mask *= 0.6 + 0.4 * bead
        colour.over(some, np.clip(1.2 * mask, 0, 1), GOLD * (0.8 + 0.3 * bead)[:, None])
        picture[adorned] = some


def _tie(f, picture, x, y, top, d):
    ax = np.abs(x)
    white = np.array([0.93, 0.93, 0.94], np.float32)[:, None]
    shirt = step(top + 0.03 - y, d) * step(0.30 + 0.55 * (y + 0.90) - ax, d)
    colour.over(picture, shirt, white)
    knot = step(0.055 - ax - 0.25 * np.abs(y + 0.84), d) * step(-0.79 - y, d)
    blade = step(0.035 + 0.16 * (-0.87 - y) - ax, d) * step(-0.86 - y, d)
    own = colour.from_hsv(f.tie_hue, 0.75 + 0 * f.tie, 0.55 + 0 * f.tie)
    stripes = 0.85 + 0.2 * np.sign(np.sin((x + y) * 45))
    colour.over(picture, np.maximum(knot, blade), own * stripes[:, None])


def ears(r: Rays, f: Looks, picture: np.ndarray, skin: np.ndarray) -> None:
    """Draw both ears, and rings where they are worn.

    `picture` (n, 3, p) is changed in place; `skin` (n, 3, 1).
    """
    covered = (f.hair_length > 0.42) & (f.bald < 0.5)
    for side in (-1, 1):
        at = side * (0.535 * f.face_width + 0.02 * f.fullness)
        size = f.ears
        hit = ellipsoid(
            r, f, (at, -0.06, -0.03), (0.05 * size, 0.14 * size, 0.075 * size)
        )
        light = colour.lit(f, hit.normal)
        inner = 1 - 0.30 * bell(hit.y + 0.05, 0.07) * bell(hit.z - 0.02, 0.04)
        tint = skin * np.array([1.0, 0.90, 0.88], np.float32)[:, None] * light
        mask = hit.cover * ~covered
        colour.over(picture, mask, tint * inner[:, None])


def earrings(r: Rays, f: Looks, picture: np.ndarray) -> None:
    """Draw a ring at each ear; of faces that wear them.

    `picture` (n, 3, p) is changed in place.
    """
    for side in (-1, 1):
        at = side * (0.56 * f.face_width + 0.02 * f.fullness)
        hit = ellipsoid(r, f, (at, -0.255, 0.03), (0.036, 0.058, 0.036))
        light = colour.lit(f, hit.normal)
        gloss = colour.gloss(f, hit.normal, np.ones_like(f.shine))
        colour.over(picture, hit.cover, GOLD * light + gloss[:, None])


def glasses(r: Rays, f: Looks, picture: np.ndarray) -> None:
    """Draw glasses; of faces that wear them.

    `picture` (n, 3, p) is changed in place.
    """
    d = r.pixel
    x, y = r.at_depth(GLASSES_DEPTH)
    ax, y = np.abs(x), y + 0.015
    u, v = (ax - 0.245 * f.eye_distance) / 0.175, y / 0.125
    power = 2.2 + 4 * f.glasses_shape
    ring = (np.abs(u) ** power + np.abs(v) ** power) ** (1 / power)
    distance = (1 - ring) * 0.14
    thick = 0.013 + 0.012 * f.glasses_shape
    inside = step(distance, d)
    tint = 0.06 + 0.86 * f.glasses_tint
    colour.over(
        picture, inside * tint, np.array([0.07, 0.07, 0.09], np.float32)[:, None]
    )
    glare = bell(u + 0.5 * v - 0.35, 0.13) * inside * (0.12 + 0.2 * f.glasses_tint)
    colour.over(picture, glare, np.float32(1))
    frame = step(thick - np.abs(distance), d)
    bridge = step(thick - np.abs(y - 0.03), d) * step(0.085 - ax, d)
    frame = np.maximum(frame, bridge)
    # The temples run back along the skull.
    z = 0.2
    bx, by = r.at_depth(z)
    arm = step(thick - np.abs(by + 0.015 - 0.03), d)
    arm *= step(np.abs(bx) - 0.43, d) * step(0.53 * f.face_width - np.abs(bx), d)
    frame = np.maximum(frame, arm)
    dark = colour.from_hsv(f.tie_hue, 0.5 * f.glasses_shape, 0.12 + 0 * f.glasses)
    colour.over(picture, frame, dark)


def hat(r: Rays, f: Looks, picture: np.ndarray) -> None:
    """Draw a hat; on faces that wear one.

    `picture` (n, 3, p) is changed in place.
    """
    own = colour.from_hsv(f.hat_hue, 0.5 + 0 * f.hat, f.hat_value)
    wide = 0.60 * f.face_width + 0.03
    crown = ellipsoid(r, f, (0 * wide, 0.30, -0.04), (wide, 0.56, 0.66))
    light = colour.lit(f, crown.normal)
    weave = 0.95 + 0.05 * noise.at(crown.x * 80 + 300, crown.y * 80 + 300, 0.7)
    band = 1 - 0.45 * step(crown.y - 0.37, 0.02) * step(0.47 - crown.y, 0.02)
    mask = crown.cover * step(crown.y - 0.34, r.pixel)
    colour.over(picture, mask, own * light * (weave * band)[:, None])
    brim = ellipsoid(r, f, (0 * wide, 0.35, 0.12), (wide + 0.16, 0.055, 0.66))
    light = colour.lit(f, brim.normal)
    shadow = (
        step(0.36 - r.y, 0.02) * step(r.y - 0.16, 0.12) * step(0.5 - np.abs(r.x), 0.1)
    )
    picture *= 1 - (0.28 * shadow)[:, None]
    colour.over(picture, brim.cover, own * light * np.float32(0.92))
