"""Hair: what falls behind a head, and what lies on it."""

import numpy as np

from vaetut.datasets.faces import colour, noise
from vaetut.datasets.faces.geometry import (
    Looks,
    Rays,
    bell,
    head,
    smooth,
    step,
)


def behind(r: Rays, f: Looks, picture: np.ndarray, hair_colour: np.ndarray) -> None:
    """Draw long hair, which falls behind face and neck.

    `picture` (n, 3, p) is changed in place; `hair_colour` (n, 3, 1).
    """
    turn = 0.18 * np.sin(f.yaw)
    x, y = r.x + 0.3 * turn, r.y
    grown = smooth(f.hair_length, 0.28, 0.45)
    bottom = 0.0 - 1.15 * smooth(f.hair_length, 0.25, 1.0)
    volume = (0.05 + 0.11 * f.hair_volume + 0.06 * f.hair_wave) * grown
    ripple = 0.035 * f.hair_wave * np.sin(y * 15 + 9 * f.texture + 2 * np.sign(x))
    # Around the skull an arc, below it nearly straight.
    width = 0.53 * f.face_width + volume
    up = np.clip((y - 0.10) / (0.68 + volume), 0, 1)
    half = width * np.sqrt(1 - np.minimum(up, 1) ** 2) + ripple
    half = half * (1 - 0.16 * smooth(-y, 0.25, 1.0) * (1 - f.hair_wave))
    rough = 0.02 * noise.at(x * 40 + 300, y * 4 + 300, 1.0)
    mask = step(half - np.abs(x) + rough, 1.5 * r.pixel)
    mask *= step(y - bottom + 0.04 * np.cos(x * 9) + 2 * rough, 3 * r.pixel)
    strand = x * (70 - 25 * f.hair_wave) + 3.0 * f.hair_wave * np.sin(y * 15 + x * 5)
    tex = noise.at(strand + 400 + 256 * f.texture, y * 5 + 400, 1.0)
    shade = 0.62 + 0.10 * f.strands * tex + 0.20 * bell(np.abs(x) - half + 0.10, 0.09)
    shade *= 1 - 0.25 * bell(x, 0.4) * step(0 - y, 0.3)
    colour.over(picture, mask, hair_colour * np.clip(shade, 0, 1.3)[:, None])


def on_top(r: Rays, f: Looks, picture: np.ndarray, hair_colour: np.ndarray) -> None:
    """Draw the hair that lies on the skull, and bangs.

    `picture` (n, 3, p) is changed in place; `hair_colour` (n, 3, 1).
    """
    thick = 0.02 + 0.075 * f.hair_volume * smooth(f.hair_length, 0.0, 0.3)
    thick = thick + 0.02 * f.hair_wave
    shell = head(r, f, thick)
    x, y, z = shell.x, shell.y, shell.z
    ax = np.abs(x)
    angle = np.arctan2(ax, np.maximum(z, -0.2) + 0.10)  # 0 in front, at the ears π/2
    # The hairline: across the forehead, down the temples, to the ears.
    temple = smooth(angle, 0.62, 1.05)
    front = 0.47 + 0.03 * bell(x, 0.12)
    corners = bell(angle - 0.55, 0.30)
    front = front + 0.16 * f.receding * corners + 0.05 * f.receding
    low = -0.06 - 0.10 * smooth(f.hair_length, 0.15, 0.4) - 0.12 * f.sideburns
    line = front * (1 - temple) + low * temple
    lowered = 0.30 * f.bangs * (1 - temple)
    jag = 0.02 + 0.03 * f.bangs
    comb = noise.at((x - 0.2 * f.parting * y) * 55 + 300 + 256 * f.texture, y * 0 + 3)
    line = line - lowered + jag * comb * (0.4 + f.bangs)
    # Long hair hides the ears and falls down the cheeks' sides.
    long = smooth(f.hair_length, 0.3, 0.45)
    curtain = long * smooth(angle, 0.98 - 0.1 * f.hair_volume, 1.12)
    hang = -0.05 - 0.40 * smooth(f.hair_length, 0.3, 0.6)
    line = line + (np.minimum(hang, line) - line) * curtain
    # Bald: a ring at the sides and the back only.
    ring = step(angle - 1.15, 0.2) * step(0.26 - y, 0.06)
    kept = np.where(f.bald > 0.5, ring, 1)
    edge = (2 + 3 * f.bangs) * r.pixel + 0.03
    mask = shell.cover * step(y - line, edge) * kept
    cropped = 0.55 + 0.45 * smooth(f.hair_length, 0.0, 0.12)
    mask = mask * np.maximum(cropped, f.gray * 0.6)
    # Strands run from the parting outwards and down.
    part = 0.22 * f.parting
    around = np.arctan2(x - part, y + 0.25)
    wave = f.hair_wave * np.sin(y * 17 + 9 * f.texture) * 2.2
    tex = noise.at(around * 42 + wave + 400 + 256 * f.texture, y * 5 + 400, 1.0)
    light = colour.lit(f, shell.normal)
    gloss = colour.gloss(f, shell.normal, 0.10 + 0.12 * (1 - f.gray))
    rounded = 1 - (angle / 1.6) ** 2 * 0.25
    band = bell(y - 0.56 + 0.35 * x * x, 0.10) * (1 + 0.8 * tex * f.strands)
    shade = (0.86 + (0.07 + 0.13 * f.strands) * tex) * rounded
    line_of_parting = bell(x - part * (0.6 + y), 0.012 + 0.5 * r.pixel)
    shade *= 1 - 0.35 * line_of_parting * smooth(y, 0.45, 0.55) * (f.bangs < 0.3)
    tint = hair_colour * np.clip(shade, 0.2, 1.4)[:, None] * light
    tint += (gloss * band)[:, None]
    # A shadow that the hair throws on the forehead.
    under = shell.cover * step(y - line + 0.035, 0.05) * kept * smooth(angle, 1.3, 0.9)
    picture *= 1 - (0.22 * under * (f.bald < 0.5))[:, None]
    colour.over(picture, mask, tint)
