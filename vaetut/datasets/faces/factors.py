"""The factors of a face: what each means, its range, and how likely its values are."""

import numpy as np
from numpy.typing import ArrayLike

from vaetut import checks

CHUNK = 1000  # faces that share a seed, so that n does not change face k

# name -> (lowest, highest, what it does); angles in radians, lengths in half images
FACTORS = {
    # pose and camera
    "yaw": (-0.55, 0.55, "turns the head; negative is to the left of the picture"),
    "pitch": (-0.2, 0.2, "nods"),
    "roll": (-0.08, 0.08, "tilts"),
    "scale": (0.94, 1.06, "size in the picture"),
    "shift_x": (-0.03, 0.03, "of the eyes' midpoint"),
    "shift_y": (-0.03, 0.03, "of the eyes' midpoint"),
    # the head
    "male": (0, 1, "brow ridge, jaw and neck; shifts how likely others are"),
    "age": (0, 1, "wrinkles, folds; shifts how likely others are"),
    "face_width": (0.88, 1.1, "of the skull"),
    "face_length": (0.92, 1.1, "from the eyes to the chin"),
    "jaw": (0, 1, "from tapered to square"),
    "fullness": (0, 1, "of cheeks and jaw"),
    "cheekbones": (0, 1, "how far they stand out"),
    "double_chin": (0, 1, "a second fold under the chin"),
    "ears": (0.8, 1.2, "their size"),
    # skin
    "skin_tone": (0, 1, "from light to dark"),
    "undertone": (-1, 1, "from cool to warm"),
    "shine": (0, 1, "of the highlights"),
    "blush": (0, 1, "redness of the cheeks"),
    "freckles": (0, 1, "on nose and cheeks"),
    "eye_bags": (0, 1, "folds and shade under the eyes"),
    # eyes and brows
    "eye_size": (0.85, 1.2, "width of the eyes"),
    "eye_distance": (0.94, 1.06, "between them"),
    "eye_open": (0.35, 1.15, "height of their opening"),
    "eye_tilt": (-0.25, 0.25, "outer corners up"),
    "iris": (0, 1, "colour: dark brown, hazel, green, blue, grey"),
    "gaze_x": (-0.5, 0.5, "to the right"),
    "gaze_y": (-0.3, 0.3, "upwards"),
    "eye_makeup": (0, 1, "lashes, liner and shadow"),
    "brow_thickness": (0.4, 1.8, "of the eyebrows"),
    "brow_arch": (0, 1, "of the eyebrows"),
    "brow_height": (-0.02, 0.04, "above its usual place"),
    "brow_tilt": (-0.25, 0.25, "outer ends up"),
    # nose and mouth
    "nose_width": (0.75, 1.4, "of its base"),
    "nose_length": (0.88, 1.15, "from bridge to tip"),
    "nose_depth": (0.7, 1.4, "how far it stands out"),
    "nose_point": (0, 1, "from round to pointed"),
    "mouth_width": (0.85, 1.2, "of the mouth at rest"),
    "mouth_height": (-0.02, 0.02, "above its usual place"),
    "lips": (0.5, 1.7, "their fullness"),
    "smile": (-0.3, 1, "corners up, cheeks raised, eyes narrowed"),
    "mouth_open": (0, 1, "from closed to wide"),
    "lipstick": (0, 1, "how much"),
    "lipstick_hue": (0, 1, "from orange over red to plum"),
    # hair
    "hair_tone": (0, 1, "black, brown, red, blond"),
    "gray": (0, 1, "share of grey hair"),
    "hair_length": (0, 1, "from cropped to below the shoulders"),
    "hair_volume": (0, 1, "how far it stands off the head"),
    "hair_wave": (0, 1, "from straight to wavy"),
    "parting": (-1, 1, "its place, from left to right"),
    "bangs": (0, 1, "hair over the forehead"),
    "receding": (0, 1, "of the hairline"),
    "bald": (0, 1, "hair only at the sides"),
    "strands": (0, 1, "their contrast"),
    "sideburns": (0, 1, "in front of the ears"),
    "stubble": (0, 1, "of a shaved beard"),
    "mustache": (0, 1, "how dense"),
    "goatee": (0, 1, "on the chin, how dense"),
    "beard": (0, 1, "on cheeks and jaw, how dense"),
    # what is worn
    "glasses": (0, 1, "worn above one half"),
    "glasses_shape": (0, 1, "from round to angular"),
    "glasses_tint": (0, 1, "of the lenses"),
    "hat": (0, 1, "worn above one half"),
    "hat_hue": (0, 1, "its colour"),
    "hat_value": (0.1, 0.95, "its brightness"),
    "earrings": (0, 1, "worn above one half"),
    "necklace": (0, 1, "worn above one half"),
    "tie": (0, 1, "worn above one half"),
    "tie_hue": (0, 1, "its colour"),
    "clothes_hue": (0, 1, "their colour"),
    "clothes_saturation": (0, 0.8, "of their colour"),
    "clothes_value": (0.08, 0.95, "their brightness"),
    # surroundings
    "background_hue": (0, 1, "its colour"),
    "background_saturation": (0, 0.6, "of its colour"),
    "background_value": (0.1, 0.95, "its brightness"),
    "background_slope": (-1, 1, "brighter to the right or the left"),
    "background_spots": (0, 1, "soft spots in it"),
    "light_x": (-0.9, 0.9, "where the light comes from, left or right"),
    "light_y": (-0.1, 0.9, "how high it stands"),
    "ambient": (0.35, 0.65, "share of the light that comes from everywhere"),
    "warmth": (-1, 1, "of the light, from bluish to golden"),
    "texture": (0, 1, "which noise: of strands, skin and grain"),
    "grain": (0, 1, "noise of the camera"),
    "blur": (0, 1, "of the picture"),
}
FACTOR_NAMES = tuple(FACTORS)
RANGES = np.array([row[:2] for row in FACTORS.values()], np.float32)
INDEX = {name: k for k, name in enumerate(FACTOR_NAMES)}


def draw_factors(n: int, seed: int = 0) -> np.ndarray:
    """Return the factors (n, k), float32, of n faces, in the order of FACTOR_NAMES.

    Face k of a seed is the same for every n. The frequencies are made up: they give
    every attribute enough faces of both kinds and say nothing of any people. Raises
    ValueError for a negative number of faces, or a seed that is none.
    """
    n, seed = checks.whole_number("n", n, least=0), checks.seed_number("seed", seed)
    checks.room("n", n, len(FACTORS), dtype=np.float32)
    chunks = [_chunk(seed, k) for k in range(-(-n // CHUNK))]
    return np.concatenate(chunks or [np.empty((0, len(FACTORS)), np.float32)])[:n]


def check_factors(factors: ArrayLike) -> np.ndarray:
    """Return factors as float32 (n, k), or say what is wrong with them.

    Raises ValueError for another shape, NaN, or a value outside its range.
    """
    factors = checks.whole_array("factors", factors)
    if factors.dtype.kind not in "biuf":
        raise ValueError(f"factors must be numbers, not {factors.dtype}")
    with np.errstate(over="ignore"):
        factors = np.asarray(factors, np.float32)
    if factors.ndim != 2 or factors.shape[1] != len(FACTORS):
        raise ValueError(
            f"factors have shape {factors.shape}, expected (n, {len(FACTORS)}): one "
            "row a face, also for a single one."
        )
    low, high = RANGES.T
    slack = 1e-4 * (high - low)
    wrong = ~((factors >= low - slack) & (factors <= high + slack)).all(axis=0)
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"factors: {FACTOR_NAMES[k]!r} is NaN or outside [{low[k]:g}, {high[k]:g}] "
            "in at least one face: clip it to RANGES."
        )
    return factors


def with_factor(factors: ArrayLike, name: str, values: ArrayLike) -> np.ndarray:
    """Return factors (n, k) with one of them set to `values`, a number or (n,).

    Raises ValueError for a factor that there is not, for factors as `check_factors`,
    and for values that are none, or not one a face.
    """
    checks.one_of("factor", name, FACTOR_NAMES)
    changed = np.array(check_factors(factors))
    values = checks.finite_array("values", values, dtype=None, empty=True)
    if values.shape not in ((), (len(changed),)):
        raise ValueError(
            f"values must be a number, or ({len(changed)},) for the factors, not "
            f"{values.shape}"
        )
    changed[:, INDEX[name]] = values
    return changed


def _chunk(seed, k):
    """Draw the factors of one chunk of faces."""
    rng = np.random.default_rng((seed, k))
    low, high = RANGES.T
    drawn = low + (high - low) * rng.random((CHUNK, len(FACTORS)), np.float32)
    f = dict(zip(FACTOR_NAMES, drawn.T, strict=True))  # views of the columns
    for draw in (_who, _pose, _shape, _hair, _face, _worn, _around):
        draw(f, rng)
    return np.clip(drawn, low, high)


def _normal(f, name, rng, mean, sd):
    f[name][:] = mean + sd * rng.standard_normal(CHUNK, np.float32)


def _some(f, name, rng, share, low=0.35):
    """Leave a factor at zero but in a share of the faces, where it is above `low`."""
    amount = low + (1 - low) * rng.random(CHUNK, np.float32)
    f[name][:] = np.where(rng.random(CHUNK) < share, amount, 0)


def _who(f, rng):
    f["male"][:] = rng.random(CHUNK) < 0.45
    f["age"][:] = rng.beta(1.2, 1.8, CHUNK)


def _pose(f, rng):
    _normal(f, "yaw", rng, 0, 0.22)
    _normal(f, "pitch", rng, 0, 0.06)
    _normal(f, "roll", rng, 0, 0.03)
    _normal(f, "scale", rng, 1, 0.02)
    _normal(f, "shift_x", rng, 0, 0.01)
    _normal(f, "shift_y", rng, 0, 0.01)


def _shape(f, rng):
    male, age = f["male"], f["age"]
    f["skin_tone"][:] = rng.beta(1.0, 1.3, CHUNK)
    _normal(f, "face_width", rng, 0.97 + 0.03 * male, 0.035)
    _normal(f, "face_length", rng, 0.98 + 0.03 * male, 0.035)
    _normal(f, "jaw", rng, 0.25 + 0.4 * male, 0.17)
    f["fullness"][:] = rng.beta(1.3, 3, CHUNK) + 0.1 * age
    _some(f, "double_chin", rng, 0.1 + 0.6 * (f["fullness"] > 0.45))
    _normal(f, "ears", rng, 1, 0.08)
    _normal(f, "undertone", rng, 0, 0.4)
    f["shine"][:] = rng.beta(2, 3, CHUNK)


def _hair(f, rng):
    male, age = f["male"], f["age"]
    dark = f["skin_tone"]
    f["hair_tone"][:] = rng.beta(1, 1, CHUNK) * (1 - 0.75 * dark**0.7)
    grey = rng.random(CHUNK) < np.clip(1.6 * age - 0.75, 0, 0.9)
    f["gray"][:] = np.where(grey, rng.uniform(0.5, 1, CHUNK), 0)
    long = rng.beta(2.2, 1.5, CHUNK)
    short = rng.beta(1.1, 5, CHUNK)
    is_short = rng.random(CHUNK) < np.where(male > 0.5, 0.86, 0.15)
    f["hair_length"][:] = np.where(is_short, short, long)
    _some(f, "bangs", rng, np.where(male > 0.5, 0.12, 0.25))
    _some(f, "receding", rng, np.where(male > 0.5, 0.15 + 0.4 * age, 0.04))
    _some(f, "bald", rng, np.where(male > 0.5, 0.03 + 0.2 * age, 0.004), 0.7)
    f["bangs"][(f["receding"] > 0.2) | (f["bald"] > 0.5)] = 0
    bearded = male > 0.5
    _some(f, "stubble", rng, 0.35 * bearded)
    _some(f, "mustache", rng, 0.28 * bearded, 0.5)
    _some(f, "goatee", rng, 0.2 * bearded, 0.5)
    _some(f, "beard", rng, 0.17 * bearded, 0.5)
    full = f["beard"] > 0
    f["goatee"][full] = np.maximum(f["goatee"], f["beard"])[full]
    often = full & (rng.random(CHUNK) < 0.9)
    f["mustache"][often] = np.maximum(f["mustache"], f["beard"])[often]
    f["stubble"][full] = 0
    _some(f, "sideburns", rng, 0.24 * bearded + 0.6 * full, 0.5)


def _face(f, rng):
    male, age = f["male"], f["age"]
    _some(f, "blush", rng, np.where(male > 0.5, 0.04, 0.2))
    _some(f, "freckles", rng, 0.1 * (f["skin_tone"] < 0.5))
    _some(f, "eye_bags", rng, 0.1 + 0.35 * age)
    _normal(f, "eye_size", rng, 1.03 - 0.04 * male, 0.05)
    narrow = rng.random(CHUNK) < 0.15
    f["eye_open"][:] = np.where(
        narrow, rng.uniform(0.38, 0.62, CHUNK), rng.normal(0.92, 0.09, CHUNK)
    )
    _normal(f, "eye_tilt", rng, 0.02, 0.07)
    f["iris"][:] = rng.random(CHUNK) * (1 - 0.7 * f["skin_tone"])
    _normal(f, "gaze_x", rng, 0, 0.15)
    _normal(f, "gaze_y", rng, 0, 0.08)
    _normal(f, "brow_thickness", rng, 0.9 + 0.35 * male, 0.2)
    f["brow_arch"][:] = rng.beta(1.5, 2 + 1.5 * male, CHUNK)
    _normal(f, "brow_height", rng, 0.005, 0.01)
    _normal(f, "brow_tilt", rng, 0, 0.07)
    _normal(f, "nose_width", rng, 1 + 0.06 * male, 0.12)
    _normal(f, "nose_length", rng, 1 + 0.02 * male, 0.045)
    _normal(f, "nose_depth", rng, 1 + 0.05 * male, 0.12)
    _normal(f, "mouth_width", rng, 1, 0.06)
    _normal(f, "mouth_height", rng, 0, 0.007)
    _normal(f, "lips", rng, 1.08 - 0.15 * male, 0.2)
    happy = rng.random(CHUNK) < 0.5
    f["smile"][:] = np.where(
        happy, rng.uniform(0.45, 1, CHUNK), rng.normal(0.06, 0.11, CHUNK)
    )
    opened = rng.random(CHUNK) < np.where(happy, 0.65, 0.25)
    f["mouth_open"][:] = np.where(
        opened, rng.uniform(0.25, 0.9, CHUNK), rng.uniform(0, 0.08, CHUNK)
    )
    made_up = rng.random(CHUNK) < np.where(male > 0.5, 0.01, 0.5)
    f["eye_makeup"][:] = np.where(
        made_up, rng.uniform(0.4, 1, CHUNK), rng.uniform(0, 0.15, CHUNK)
    )
    painted = rng.random(CHUNK) < np.where(made_up, 0.75, np.where(male, 0.005, 0.2))
    f["lipstick"][:] = np.where(painted, rng.uniform(0.4, 1, CHUNK), 0)


def _worn(f, rng):
    male, age = f["male"] > 0.5, f["age"]
    for name, share in (
        ("glasses", 0.1 + 0.12 * age),
        ("hat", 0.08),
        ("earrings", np.where(male, 0.03, 0.35)),
        ("necklace", np.where(male, 0.03, 0.25)),
        ("tie", np.where(male, 0.22, 0.01)),
    ):
        worn = rng.random(CHUNK) < share
        f[name][:] = np.where(
            worn, rng.uniform(0.6, 1, CHUNK), rng.uniform(0, 0.4, CHUNK)
        )
    dark = rng.random(CHUNK) < 0.2
    f["glasses_tint"][:] = np.where(
        dark, rng.uniform(0.6, 1, CHUNK), rng.uniform(0, 0.2, CHUNK)
    )


def _around(f, rng):
    f["background_saturation"][:] = rng.beta(1, 2, CHUNK) * 0.6
    _normal(f, "background_slope", rng, 0, 0.35)
    _some(f, "background_spots", rng, 0.5)
    _normal(f, "light_x", rng, 0, 0.35)
    _normal(f, "light_y", rng, 0.4, 0.18)
    _normal(f, "ambient", rng, 0.5, 0.05)
    _normal(f, "warmth", rng, 0, 0.35)
    f["grain"][:] = rng.beta(1, 3, CHUNK)
    _some(f, "blur", rng, 0.07, 0.5)
