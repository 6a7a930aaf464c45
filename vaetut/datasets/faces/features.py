"""What is on the front of a head: relief, eyes, brows, mouth, beard.

Coordinates (x, y) are those of the head's own frame, so that all turns with it; what
comes in pairs is computed once, of |x|.
"""

import numpy as np

from vaetut.datasets.faces import colour, noise
from vaetut.datasets.faces.geometry import (
    EYES,
    Hit,
    Looks,
    Rays,
    bell,
    head,
    rough,
    smooth,
    step,
)

MOUTH = -0.395  # its height for a face of ordinary length
BROWS = 0.135


def relief(f: Looks, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how far nose, cheeks, lips and chin stand out at (x, y).

    `x`, `y` (n, p) in the frame of the head, as the heights (n, p): the unit is half a
    picture's side.
    """
    ax = np.abs(x)
    tip = _tip(f)
    # The nose: a ridge that rises from the bridge to the tip and falls to the lip.
    rise = np.clip((0.05 - y) / (0.05 - tip), 0, 1)
    end = 1 - smooth(tip - y, -0.015, 0.05)
    wide = 0.036 + (0.030 + 0.022 * f.nose_width) * rise * (1 - 0.5 * f.nose_point)
    height = 0.20 * f.nose_depth * (0.22 + 0.78 * rise * rise) * smooth(rise, 0, 0.25)
    raised = height * end * bell(x, wide)
    wing = bell(ax - 0.068 * f.nose_width, 0.036) * bell(y - tip - 0.022, 0.042)
    raised += 0.055 * wing * f.nose_depth * (1 - 0.6 * f.nose_point)
    raised += 0.035 * f.nose_point * bell(x, 0.035) * bell(y - tip - 0.02, 0.035)
    # Sockets, eyeballs and the brow above.
    side = ax - EYES * f.eye_distance
    raised -= 0.050 * bell(side + 0.02, 0.13) * bell(y - 0.015, 0.075)
    raised += 0.030 * bell(side, 0.085) * bell(y, 0.06)
    ridge = 0.014 + 0.018 * f.male
    raised += ridge * bell(y - 0.12, 0.05) * bell(ax - 0.2, 0.18)
    # Cheeks: their bones, what smiling lifts, what fills them below.
    lift = np.maximum(f.smile, 0)
    bone = 0.008 + 0.075 * f.cheekbones + 0.034 * lift
    raised += bone * bell(ax - 0.31, 0.115) * bell(y + 0.165 - 0.02 * lift, 0.085)
    hollow = 0.045 * f.fullness - 0.040 * f.cheekbones * (1 - f.fullness)
    raised += hollow * bell(ax - 0.33, 0.13) * bell(y + 0.36, 0.12)
    # Muzzle, lips and chin.
    mouth = _mouth(f)
    raised += 0.030 * bell(x, 0.2) * bell(y - mouth, 0.13)
    raised += 0.016 * f.lips * bell(x, 0.13) * bell(np.abs(y - mouth) - 0.035, 0.03)
    low = -0.57 * f.face_length
    raised += (
        (0.020 + 0.014 * f.jaw) * bell(x, 0.10 + 0.04 * f.jaw) * bell(y - low, 0.06)
    )
    return raised


def _tip(f):
    return -0.235 * f.nose_length * (0.5 + 0.5 * f.face_length)


def _mouth(f):
    return MOUTH * f.face_length + f.mouth_height


def surface(r: Rays, f: Looks) -> tuple[Hit, tuple]:
    """Return where rays meet a face, and the normals of its relief there.

    The normals are three arrays (n, p) in the frame of the camera, of length 1.
    """
    base = head(r, f)
    x, y = base.x, base.y
    front = smooth(base.normal[2], 0.05, 0.45)
    for _ in range(2):  # what stands out is met sooner
        raised = relief(f, x, y) * front
        t = raised / r.dz
        x, y = base.x + t * r.dx, base.y + t * r.dy
    raised = relief(f, x, y) * front
    hit = Hit(base.cover, x, y, base.z + raised, base.normal)
    return hit, rough(base, r, raised)


def face(r: Rays, f: Looks, hair_colour: np.ndarray) -> tuple[Hit, np.ndarray]:
    """Return a hit, and the picture (n, 3, p) of a face without hair on its skull.

    `hair_colour` (n, 3, 1) is that of brows and beard.
    """
    hit, normal = surface(r, f)
    x, y = hit.x, hit.y
    ax = np.abs(x)
    skin = np.repeat(colour.skin(f), x.shape[1], axis=2)
    _complexion(r, f, skin, x, ax, y)
    _beard(r, f, skin, x, ax, y, hit.z, hair_colour)
    _folds(r, f, skin, x, ax, y)
    _lips(r, f, skin, x, ax, y)
    _nostrils(r, f, skin, x, ax, y)
    light = colour.lit(f, normal)
    picture = skin * light
    picture += colour.gloss(f, normal, 0.05 + 0.22 * f.shine)[:, None]
    _eyes(r, f, picture, x, ax, y, light)
    _brows(r, f, picture, x, ax, y, hair_colour)
    return hit, picture


def _complexion(r, f, skin, x, ax, y):
    """Redness, blush, freckles and shade under the eyes."""
    mouth = _mouth(f)
    cheeks = bell(ax - 0.30, 0.13) * bell(y + 0.20, 0.10)
    nose = bell(x, 0.08) * bell(y - _tip(f), 0.07)
    red = 0.10 * cheeks + 0.12 * nose + 0.5 * f.blush * cheeks
    shift = np.array([0.10, -0.16, -0.12], np.float32)[:, None]
    skin *= 1 + red[:, None] * shift
    spots = noise.at(x * 60 + 300 + 256 * f.texture, y * 60 + 300, 1.0)
    area = np.clip(cheeks + 0.7 * nose + 0.6 * bell(x, 0.2) * bell(y + 0.08, 0.1), 0, 1)
    spotted = f.freckles * area * (spots > 1.0)
    shift = np.array([-0.12, -0.20, -0.24], np.float32)[:, None]
    skin *= 1 + spotted[:, None] * shift
    side = ax - EYES * f.eye_distance
    under = bell(side + 0.01, 0.085) * bell(y + 0.085, 0.028)
    above = bell(side, 0.12) * bell(y - 0.055, 0.035)
    shade = 0.10 * above + (0.06 + 0.30 * f.eye_bags) * under
    shade += 0.10 * bell(x, 0.16) * bell(y - mouth + 0.115, 0.03)
    skin *= 1 - shade[:, None]
    tint = np.array([-0.1, -0.35, 0.05], np.float32)[:, None]  # eye shadow
    skin *= 1 + (0.8 * f.eye_makeup * above)[:, None] * tint


def _folds(r, f, skin, x, ax, y):
    """Wrinkles, the folds of smiles and age, and a double chin."""
    mouth = _mouth(f)
    old = smooth(f.age, 0.35, 1.0)
    line = 0.7 * r.pixel + 0.008
    # From the wings of the nose to the corners of the mouth.
    top = _tip(f) + 0.03
    s = np.clip((top - y) / (top - mouth + 0.03), 0, 1)
    path = 0.10 + 0.105 * s + 0.03 * np.maximum(f.smile, 0) * s
    strong = 0.16 * np.maximum(f.smile, 0) + 0.24 * old
    dark = strong * bell(ax - path, 2 * line) * (s > 0) * (s < 1)
    # The forehead, the corners of the eyes.
    ripples = np.maximum(np.cos((y - 0.02 * bell(x, 0.25)) * 70), 0)
    brow = ripples * smooth(y, 0.2, 0.25) * (1 - smooth(y, 0.4, 0.45))
    dark += 0.22 * old * brow * bell(x, 0.33)
    corner = ax - (EYES * f.eye_distance + 0.13 * f.eye_size)
    rays = np.maximum(np.cos((y + 0.01) / (corner + 0.1) * 9), 0)
    feet = rays * smooth(corner, 0, 0.02) * (1 - smooth(corner, 0.06, 0.09))
    dark += (0.22 * old + 0.08 * np.maximum(f.smile, 0)) * feet * bell(y, 0.06)
    chin = -0.60 * f.face_length + 0.10 * x * x
    dark += 0.80 * f.double_chin * bell(y - chin + 0.10 * ax, 0.026) * bell(x, 0.26)
    dark += 0.10 * (1 + f.jaw) * bell(x, 0.09) * bell(y - chin - 0.095, 0.02)
    skin *= 1 - np.minimum(dark, 0.7)[:, None]


def _nostrils(r, f, skin, x, ax, y):
    tip = _tip(f)
    wide = 0.042 * f.nose_width
    holes = bell((ax - wide) / 0.020, 1) * bell((y - tip + 0.030) / 0.011, 1)
    under = bell(x, 0.075 * f.nose_width) * bell(y - tip + 0.040, 0.018)
    sides = bell(ax - 0.098 * f.nose_width, 0.014) * bell(y - tip - 0.005, 0.03)
    skin *= 1 - np.minimum(0.75 * holes + 0.25 * under + 0.22 * sides, 0.85)[:, None]


def _lips(r, f, skin, x, ax, y):
    """Lips, teeth and the dark between them."""
    smile, opened = f.smile, f.mouth_open
    half = 0.19 * f.mouth_width * (1 + 0.28 * np.maximum(smile, 0) - 0.10 * opened)
    u = ax / half
    inside = np.maximum(1 - u * u, 0)
    line = _mouth(f) + 0.080 * smile * (u * u - 0.35)
    gap = (0.016 * np.maximum(smile, 0) + 0.095 * opened) * np.sqrt(inside)
    bow = 1 - 0.28 * bell(x, 0.022) + 0.10 * bell(ax - 0.035, 0.03)
    upper = line + 0.35 * gap + 0.036 * f.lips * inside * bow
    lower = line - 0.65 * gap - 0.050 * f.lips * inside**0.8
    d = r.pixel
    lips = step(upper - y, d) * step(y - lower, d) * step(half - ax, d)
    bare = colour.mix(
        colour.skin(f) * np.array([0.86, 0.62, 0.62], np.float32)[:, None],
        np.array([0.62, 0.30, 0.30], np.float32)[:, None],
        0.25,
    )
    painted = colour.along(colour.LIPSTICK, f.lipstick_hue)
    tint = colour.mix(bare, painted, 0.85 * f.lipstick[..., None])
    edge = 0.75 + 0.25 * f.lipstick
    colour.over(skin, lips * edge, tint)
    skin *= 1 - (0.25 * lips * bell(y - lower, 0.012))[:, None]
    top, bottom = line + 0.35 * gap, line - 0.65 * gap
    mouth = step(top - y, d) * step(y - bottom, d) * step(half - ax, d)
    mouth *= np.minimum(1, gap / d)
    dark = np.array([0.20, 0.07, 0.07], np.float32)[:, None]
    colour.over(skin, mouth, dark)
    # The upper teeth show in a smile, and some of them in any open mouth.
    edge = top - (0.024 + 0.03 * np.maximum(smile, 0)) * np.sqrt(inside)
    teeth = mouth * step(y - edge, d) * step(0.86 - u, 0.2) * smooth(gap, 0.008, 0.03)
    white = np.array([0.95, 0.93, 0.88], np.float32)[:, None]
    colour.over(skin, teeth * (0.55 + 0.4 * np.maximum(smile, 0)), white)
    # Where the lips meet, and the corners.
    closed = bell(y - line, 0.010 + 0.4 * d) * step(half * 1.02 - ax, d)
    shade = 0.55 * closed * (1 - smooth(gap, 0.005, 0.03))
    shade += 0.30 * bell(ax - half, 0.020) * bell(y - line, 0.022)
    skin *= 1 - shade[:, None]


def _eyes(r, f, picture, x, ax, y, light):
    """Both eyes at once: white, iris, pupil, glint, lids and lashes."""
    d = r.pixel
    half = 0.114 * f.eye_size
    u = (ax - EYES * f.eye_distance) / half
    v = y - f.eye_tilt * half * u
    inside = np.maximum(1 - u * u, 0)
    squint = f.eye_open * (1 - 0.22 * np.maximum(f.smile, 0))
    upper = 0.062 * squint * inside * (1 + 0.12 * u)
    lower = -0.036 * squint * np.sqrt(inside) * (1 - 0.35 * np.maximum(f.smile, 0))
    within = step(half * 1.0 - np.abs(u) * half, d)
    opening = step(upper - v, d) * step(v - lower, d) * within
    white = np.array([0.93, 0.92, 0.91], np.float32)[:, None]
    shade = 1 - 0.35 * bell(v - upper, 0.022)
    eye = white * shade[:, None] * (1 - 0.25 * (u * u))[:, None]
    eye = eye * np.clip(light, 0.3, 1.05)
    # Eyes look the same way: to the right is outwards for one, inwards for the other.
    outward = np.sign(x)
    ix = (ax - EYES * f.eye_distance) - 0.07 * f.gaze_x * outward
    iy = v - 0.004 - 0.06 * f.gaze_y
    distance = np.sqrt(ix * ix + iy * iy)
    radius = 0.049
    iris = colour.along(colour.IRIS, f.iris) * (0.85 + 0.5 * distance / radius)[:, None]
    colour.over(eye, step(radius - distance, d), iris)
    colour.over(eye, 0.5 * bell(distance - radius, 0.008), np.float32(0.06))
    colour.over(eye, step(0.021 - distance, d), np.float32(0.02))
    glint = np.hypot(ix * outward - 0.016 * np.sign(f.light_x) - 0.002, iy - 0.018)
    colour.over(eye, 0.9 * step(0.011 - glint, d), np.float32(1.0))
    colour.over(picture, opening, eye)
    # Lashes: darker and thicker the more make-up, and the crease above the lid.
    near = step(half * 1.10 - np.abs(u) * half, 2 * d)
    thick = 0.007 + 0.012 * f.eye_makeup + 0.25 * d
    lashes = bell(v - upper - 0.004, thick) * near
    lashes += (0.25 + 0.45 * f.eye_makeup) * bell(v - lower, 0.6 * thick) * near
    wing = bell(u - 1.05, 0.2) * bell(v - 0.012, 0.018) * f.eye_makeup
    dark = np.clip(0.70 * lashes + 0.5 * wing, 0, 0.95)
    colour.over(picture, dark, np.array([0.07, 0.05, 0.05], np.float32)[:, None])
    crease = bell(v - 1.25 * upper - 0.030, 0.010) * near
    picture *= 1 - (0.22 * crease)[:, None]


def _brows(r, f, picture, x, ax, y, hair_colour):
    """Eyebrows, of the hair's colour but darker."""
    start, end = 0.085, 0.385
    s = (ax - start) / (end - start)
    arch = 0.045 * f.brow_arch * (1 - ((s - 0.62) / 0.62) ** 2)
    middle = BROWS + f.brow_height + arch + f.brow_tilt * 0.10 * (s - 0.4)
    thick = 0.020 * f.brow_thickness * np.clip(1.25 - 0.85 * s, 0.2, 1)
    within = smooth(s, -0.05, 0.12) * (1 - smooth(s, 0.85, 1.02))
    hairs = 1 + 0.25 * noise.at(x * 90 - y * 60 + 400 + 256 * f.texture, y * 50 + 400)
    mask = np.clip(step(thick - np.abs(y - middle), r.pixel) * within * hairs, 0, 1)
    dense = 0.62 + 0.2 * (f.brow_thickness - 0.4)
    colour.over(picture, mask * np.minimum(dense, 0.95), 0.62 * hair_colour)


def _beard(r, f, skin, x, ax, y, z, hair_colour):
    """Stubble, mustache, goatee and full beard, where they grow."""
    if not (f.stubble + f.mustache + f.goatee + f.beard + f.sideburns > 0).any():
        return
    mouth = _mouth(f)
    d = 2.5 * r.pixel
    half = 0.17 * f.mouth_width
    cheek = -0.20 - 0.40 * (0.42 - ax)  # the line of a beard on the cheek
    jaw = step(np.minimum(cheek, mouth + 0.05 + 0 * x) - y, 2 * d)
    jaw = np.maximum(jaw, step(cheek - y, 2 * d) * step(ax - 0.27, 3 * d))
    lip_top = mouth + 0.04 * f.lips + 0.01
    above = step(y - lip_top, d) * step(_tip(f) - 0.045 - y, d)
    above *= step(half * 1.12 - ax - 0.9 * (y - lip_top), d)
    hang = step(half * 1.22 - ax, d) * step(ax - half * 0.92, d)
    hang *= step(lip_top + 0.01 - y, d) * step(y - mouth + 0.09, d)
    below = mouth - 0.055 * f.lips
    chin = step(0.135 - ax + 0.15 * (y - below), d) * step(below - 0.015 - y, d)
    side = step(ax - 0.44 * f.face_width, 2 * d) * step(y + 0.34, d) * step(0.05 - y, d)
    grain = noise.at(x * 120 + 500 + 256 * f.texture, y * 120 + 500, 0.7)
    shade = 0.42 * f.stubble * np.maximum.reduce([jaw, above, chin])
    grey = 0.55 * hair_colour + 0.10
    colour.over(skin, np.clip(shade * (1 + 0.3 * grain), 0, 1), grey)
    dense = np.maximum.reduce(
        [
            f.mustache * above,
            np.minimum(f.mustache, f.goatee) * hang,
            f.goatee * chin,
            f.beard * jaw,
            f.sideburns * side,
        ]
    )
    mask = np.clip(dense * (0.95 + 0.18 * grain), 0, 0.97)
    colour.over(skin, mask, hair_colour * (0.85 + 0.12 * grain)[:, None])
