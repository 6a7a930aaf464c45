"""Rays through the pixels of a picture, and where they meet a head.

Arrays are float32 of shape (faces, pixels); what a face has one of is (faces, 1).
The camera looks along −z from far away; a head's own frame has its origin between the
eyes, x to the right of the picture, y upwards, z out of the face. The unit is half a
picture's side.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from vaetut.datasets.faces.factors import INDEX

EYES = 0.24  # half of the distance between the pupils
EYES_HEIGHT = 0.06  # of their midpoint in the picture
ZOOM = 1.12  # how much larger a face is in the picture than in its own units
EYES_DEPTH = 0.5  # how far the eyes lie before the axis about which a head turns
MIDDLE = 0.04  # where a skull is widest, above the eyes
CROWN = 0.72  # above that
CHIN = 0.66  # below the eyes, for a face of ordinary length


class Looks:
    """Factors (n, k) of some faces by name, each as a column (n, 1)."""

    def __init__(self, factors: np.ndarray) -> None:
        self.factors = factors

    def __getattr__(self, name: str) -> np.ndarray:
        return self.factors[:, INDEX[name], None]

    def take(self, rows: np.ndarray) -> "Looks":
        """Return some of the faces."""
        return Looks(self.factors[rows])


@dataclass
class Rays:
    """Where each pixel looks."""

    side: int  # pixels
    x: np.ndarray  # in the picture, straightened: from the head's axis to the right
    y: np.ndarray  # and upwards, from the eyes
    ox: np.ndarray  # the same point in the frame of the head
    oy: np.ndarray
    oz: np.ndarray
    dx: np.ndarray  # the direction to the camera there, one a face
    dy: np.ndarray
    dz: np.ndarray

    @property
    def pixel(self) -> float:
        """Width of a pixel, in units of a face."""
        return 2 / (ZOOM * self.side)

    def take(self, rows: np.ndarray) -> "Rays":
        """Return the rays of some of the faces."""
        some = {f.name: getattr(self, f.name) for f in fields(self)}
        return Rays(**{k: v if k == "side" else v[rows] for k, v in some.items()})

    def at_depth(self, z: float) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y in the head's frame where the rays reach a depth z there."""
        t = (z - self.oz) / self.dz
        return self.ox + t * self.dx, self.oy + t * self.dy


@dataclass
class Hit:
    """Where rays meet a surface."""

    cover: np.ndarray  # share of the pixel that the surface fills
    x: np.ndarray  # in the frame of the head
    y: np.ndarray
    z: np.ndarray
    normal: tuple  # three arrays, in the frame of the camera, of length 1


def rays(f: Looks, side: int) -> Rays:
    """Return the rays of pictures of side×side pixels of faces aligned by the eyes."""
    axis = ((np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1)[None]
    u = np.tile(axis, (1, side))
    v = np.repeat(-axis, side, axis=1)
    u = (u - f.shift_x) / (ZOOM * f.scale)
    v = (v - f.shift_y - EYES_HEIGHT) / (ZOOM * f.scale)
    cos, sin = np.cos(f.roll), np.sin(f.roll)
    x, y = u * cos + v * sin, v * cos - u * sin
    cy, sy = np.cos(f.yaw), np.sin(f.yaw)
    cp, sp = np.cos(f.pitch), np.sin(f.pitch)
    # The eyes stay where they are: the axis moves instead.
    x, y = x + EYES_DEPTH * sy * cp, y + EYES_DEPTH * sp
    deep = x * sy
    return Rays(
        side,
        x,
        y,
        ox=x * cy,
        oy=y * cp - deep * sp,
        oz=y * sp + deep * cp,
        dx=-sy,
        dy=-cy * sp,
        dz=cy * cp,
    )


def to_camera(
    f: Looks, x: np.ndarray, y: np.ndarray, z: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn vectors of the head's frame into the camera's.

    `x`, `y`, `z` (n, p) give three arrays (n, p).
    """
    cy, sy = np.cos(f.yaw), np.sin(f.yaw)
    cp, sp = np.cos(f.pitch), np.sin(f.pitch)
    y, z = y * cp + z * sp, z * cp - y * sp
    return x * cy + z * sy, y, z * cy - x * sy


def unit(
    x: np.ndarray, y: np.ndarray, z: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return vectors scaled to length 1.

    `x`, `y`, `z` (n, p) give three arrays (n, p).
    """
    scale = 1 / np.sqrt(x * x + y * y + z * z + 1e-12)
    return x * scale, y * scale, z * scale


def step(distance: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """Rise from 0 to 1 where a signed distance passes zero, over a width.

    `distance` (n, p) and `width` in one unit; positive is inside.
    """
    return np.clip(distance / width + 0.5, 0, 1)


def smooth(x: np.ndarray, low: np.ndarray | float, high: float) -> np.ndarray:
    """Rise smoothly from 0 at `low` to 1 at `high`.

    Any shape; with `low` above `high` it falls.
    """
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def bell(x: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """Return exp(−(x / width)²).

    `x` (n, p) is left as it is; `width` is in its unit.
    """
    x = x / width
    x *= x
    return np.exp(np.negative(x, out=x), out=x)


def ellipsoid(r: Rays, f: Looks, centre: Sequence, radii: Sequence) -> Hit:
    """Return where rays meet an ellipsoid of the head's frame.

    `centre` and `radii` are three numbers or arrays (n, 1) each, in units of a face.
    """
    origin = (r.ox - centre[0], r.oy - centre[1], r.oz - centre[2])
    return _meet(r, f, origin, centre, radii)


def _meet(r, f, origin, centre, radii):
    radii = [np.asarray(radius, np.float32) for radius in radii]
    q = [o / s for o, s in zip(origin, radii, strict=True)]
    e = [d / s for d, s in zip((r.dx, r.dy, r.dz), radii, strict=True)]
    a = e[0] * e[0] + e[1] * e[1] + e[2] * e[2]
    b = q[0] * e[0] + q[1] * e[1] + q[2] * e[2]
    c = q[0] * q[0] + q[1] * q[1] + q[2] * q[2] - 1
    nearest = b * b / a - c  # positive inside of the outline
    size = np.minimum(radii[0], radii[1]) / 2
    cover = step(nearest * size, r.pixel)
    t = (np.sqrt(np.maximum(a * nearest, 0)) - b) / a
    x, y, z = (o + t * d for o, d in zip(origin, (r.dx, r.dy, r.dz), strict=True))
    outwards = (p / (s * s) for p, s in zip((x, y, z), radii, strict=True))
    normal = unit(*to_camera(f, *outwards))
    return Hit(cover, x + centre[0], y + centre[1], z + centre[2], normal)


def head(r: Rays, f: Looks, more: np.ndarray | float = 0.0) -> Hit:
    """Return where rays meet a head, or a shell around it, thicker by `more`.

    A shell lies on the face and stands off the back of the head.
    Each cut through a head at a height y is an ellipse. Its width follows the outline
    from the front, its depth that from the side, where chins stand out.
    """
    down = CHIN * f.face_length + MIDDLE + more
    up = CROWN + more
    width = 0.535 * f.face_width + 0.06 * f.fullness + more
    depth = 0.60 + more
    square = 0.05 + 0.75 * f.jaw + 0.2 * f.fullness
    taper = 0.30 - 0.14 * f.jaw - 0.10 * f.fullness
    back = 0.04 + more
    oz = r.oz + back
    t = np.zeros_like(r.ox)
    for _ in range(3):
        y = r.oy + t * r.dy - MIDDLE
        below = y < 0
        far = np.abs(y) / np.where(below, down, up)
        s = np.minimum(far, 0.999)
        q = np.where(below, square, 0.05)
        sp = s * s * (1 - q + q * s)
        narrowing = np.where(below, 1 - taper * s * s, 1)
        a = width * np.sqrt(1 - sp) * narrowing
        s4 = s * s * s * s
        b = depth * np.sqrt(1 - np.where(below, s4 * s, s * s)) * (1 - 0.08 * s * below)
        a, b = np.maximum(a, 0.03), np.maximum(b, 0.03)
        qx, qz, ex, ez = r.ox / a, oz / b, r.dx / a, r.dz / b
        aa, bb = ex * ex + ez * ez, qx * ex + qz * ez
        nearest = bb * bb / aa - (qx * qx + qz * qz - 1)
        t = (np.sqrt(np.maximum(aa * nearest, 0)) - bb) / aa
    x, y, z = r.ox + t * r.dx, r.oy + t * r.dy, oz + t * r.dz
    # Near crown and chin a cut is small: the distance is that along y there.
    length = np.where(below, down, up)
    inside = np.minimum(nearest * a / 2, (1 - far) * length)
    slope = s * (1 - q + 1.5 * q * s) / (np.maximum(1 - sp, 1e-3) * length)
    normal = unit(
        *to_camera(f, x / (a * a), np.where(below, -slope, slope), z / (b * b))
    )
    return Hit(step(inside, r.pixel), x, y + MIDDLE, z - back, normal)


def rough(hit: Hit, r: Rays, height: np.ndarray) -> tuple:
    """Return the normals of a surface on which a height (n, p) is added.

    The height is in units of a face; the normals are three arrays (n, p).
    """
    shape = (len(height), r.side, r.side)
    h = height.reshape(shape)
    gx, gy = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    gx[:, :, 1:-1] = h[:, :, 2:] - h[:, :, :-2]
    gy[:, 1:-1] = h[:, :-2] - h[:, 2:]
    scale = np.maximum(hit.normal[2], 0.25) / (2 * r.pixel)
    nx = hit.normal[0] - gx.reshape(height.shape) * scale
    ny = hit.normal[1] - gy.reshape(height.shape) * scale
    return unit(nx, ny, hit.normal[2])
