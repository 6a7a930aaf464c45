"""The 40 attributes of a face under CelebA's names, in the order of its columns."""

import numpy as np
from numpy.typing import ArrayLike

from vaetut.datasets.faces.factors import INDEX, check_factors

# name -> whether a face has it, from its factors; CelebA's "Attractive", which no
# factor decides, gives its place to "Facing_Left"
RULES = {
    "5_o_Clock_Shadow": lambda f: (f.stubble > 0.3) & (f.beard < 0.3),
    "Arched_Eyebrows": lambda f: f.brow_arch > 0.5,
    "Facing_Left": lambda f: f.yaw < 0,
    "Bags_Under_Eyes": lambda f: f.eye_bags > 0.3,
    "Bald": lambda f: f.bald > 0.5,
    "Bangs": lambda f: f.haired & (f.bangs > 0.3),
    "Big_Lips": lambda f: f.lips > 1.2,
    "Big_Nose": lambda f: f.nose_width * f.nose_depth > 1.2,
    "Black_Hair": lambda f: f.haired & (f.gray < 0.5) & (f.hair_tone < 0.2),
    "Blond_Hair": lambda f: f.haired & (f.gray < 0.5) & (f.hair_tone > 0.62),
    "Blurry": lambda f: f.blur > 0.3,
    "Brown_Hair": lambda f: (
        f.haired & (f.gray < 0.5) & (f.hair_tone >= 0.2) & (f.hair_tone < 0.5)
    ),
    "Bushy_Eyebrows": lambda f: f.brow_thickness > 1.25,
    "Chubby": lambda f: f.fullness > 0.5,
    "Double_Chin": lambda f: f.double_chin > 0.3,
    "Eyeglasses": lambda f: f.glasses > 0.5,
    "Goatee": lambda f: f.goatee > 0.3,
    "Gray_Hair": lambda f: f.haired & (f.gray >= 0.5),
    "Heavy_Makeup": lambda f: (f.eye_makeup > 0.4) & (f.lipstick > 0.3),
    "High_Cheekbones": lambda f: f.cheekbones > 0.6,
    "Male": lambda f: f.male > 0.5,
    "Mouth_Slightly_Open": lambda f: f.mouth_open > 0.2,
    "Mustache": lambda f: f.mustache > 0.3,
    "Narrow_Eyes": lambda f: f.eye_open < 0.65,
    "No_Beard": lambda f: np.maximum.reduce([f.beard, f.goatee, f.mustache]) < 0.3,
    "Oval_Face": lambda f: (f.jaw < 0.4) & (f.face_length > 0.98),
    "Pale_Skin": lambda f: f.skin_tone < 0.12,
    "Pointy_Nose": lambda f: f.nose_point > 0.6,
    "Receding_Hairline": lambda f: (f.receding > 0.3) | (f.bald > 0.5),
    "Rosy_Cheeks": lambda f: f.blush > 0.3,
    "Sideburns": lambda f: f.sideburns > 0.3,
    "Smiling": lambda f: f.smile > 0.35,
    "Straight_Hair": lambda f: f.haired & (f.hair_wave < 0.3),
    "Wavy_Hair": lambda f: f.haired & (f.hair_wave > 0.6),
    "Wearing_Earrings": lambda f: f.earrings > 0.5,
    "Wearing_Hat": lambda f: f.hat > 0.5,
    "Wearing_Lipstick": lambda f: f.lipstick > 0.3,
    "Wearing_Necklace": lambda f: f.necklace > 0.5,
    "Wearing_Necktie": lambda f: f.tie > 0.5,
    "Young": lambda f: f.age < 0.55,
}
ATTRIBUTE_NAMES = tuple(RULES)


class _Columns:
    """The factors of faces by name, and whether there is hair to be seen."""

    def __init__(self, factors: np.ndarray) -> None:
        self._factors = factors
        self.haired = (self.bald <= 0.5) & (self.hat <= 0.5)

    def __getattr__(self, name: str) -> np.ndarray:
        return self._factors[:, INDEX[name]]


def attributes_of(factors: ArrayLike) -> np.ndarray:
    """Return the attributes (n, 40), bool, that faces of these factors (n, k) have.

    Raises ValueError for factors that are none.
    """
    columns = _Columns(check_factors(factors))
    return np.stack([rule(columns) for rule in RULES.values()], axis=1)
