"""The catalogue: every training of the course, declared once, at three scales.

A recipe's own declaration is the full scale; beside it stands what a smaller one
changes.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vaetut import checks
from vaetut.models import effective_beta
from vaetut.recipes.recipe import SCALES, Recipe
from vaetut.recipes.variants import split_settings, variant

Scales = dict[str, dict[str, Any]]  # scale -> field -> its value at that scale

# The source minimises 500 · (mean BCE over 32·32 pixels) + KL: β = 1024 / 500.
SOURCE_BETA = effective_beta(32 * 32, reconstruction_weight=500)

# From the autoencoder's end to collapse, about half a decade a step.
BETAS = (0.0, 0.02, 0.2, SOURCE_BETA, 8.0, 32.0, 128.0)

FASHION_AE = Recipe(
    name="fashion-ae",
    scale="full",
    dataset="fashion-mnist",
    model="autoencoder",
    learning_rate=1e-3,  # Adam's default, which the source takes
    optimizer_epsilon=32
    * 32
    * 1e-7,  # Adam's ε for the source's mean over pixels, for our sum
    epochs=3,
)
FASHION_VAE = Recipe(
    name="fashion-vae",
    scale="full",
    dataset="fashion-mnist",
    model="vae",
    beta=SOURCE_BETA,
    learning_rate=5e-4,
    epochs=5,
)
FASHION_SCALES: Scales = {
    "laptop": {"images": 20_000},
    "smoke": {"images": 300, "test_images": 200, "epochs": 1},
}


def sweep_name(beta: float) -> str:
    """Return the name of the recipe of the β sweep with this β.

    Raises ValueError for a β that is negative or no number.
    """
    beta = checks.not_negative("beta", beta)
    same = beta == FASHION_VAE.beta
    return FASHION_VAE.name if same else f"{FASHION_VAE.name}-beta-{beta:g}"


def polar_beta(size: int, kl_weight: float) -> float:
    """Return β for images of size×size, of a weight in the polar posts' unit.

    They add kl_weight times the mean over 3 dimensions of μ² + σ² − log σ² − 1, which
    is 2/3 of the KL, to the mean over pixels of the cross-entropy. β is for nats per
    image. Source: M-Lin-DM 2021, "Zero-shot Learning with VAEs".
    """
    return effective_beta(size * size, kl_weight=2 / 3 * kl_weight)


def polar_gamma(size: int, weight: float) -> float:
    """Return γ for images of size×size, of the entanglement's weight in those posts.

    γ is for nats per image, the posts' weight for nats per pixel.
    """
    return weight * size * size


POLAR_VAE = Recipe(
    name="polar-vae",
    scale="full",
    dataset="polar-punctured",
    model="vae",
    network="transposed",
    latent_dim=3,
    filters=(16, 32, 64, 64),
    beta=1.0,  # the ELBO itself
    posterior_sd=0.1,
    learning_rate=4e-3,
    schedule="cosine",
    warmup=0.03,
    epochs=30,
    batch_size=16,
)
POLAR_SCALES: Scales = {
    "laptop": {"dataset": "polar-128-punctured", "epochs": 14},
    "smoke": {
        "dataset": "polar-64-punctured",
        "images": 64,
        "test_images": 32,
        "epochs": 1,
    },
}
# On images of the reference's own geometry, with the β of its third part.
POLAR_COMPACT = replace(
    POLAR_VAE,
    name="polar-compact",
    dataset="polar-reference",
    beta=polar_beta(256, 1e-3),
    epochs=18,
)
# For comparisons and sweeps: the same at a size that takes half a minute.
POLAR_SMALL = replace(
    POLAR_VAE, name="polar-small", dataset="polar-128-punctured", epochs=14
)
SMALL_SCALES: Scales = {
    "laptop": {"dataset": "polar-64-punctured", "epochs": 4},
    "smoke": POLAR_SCALES["smoke"] | {"images": 48},
}
COMPACT_SCALES: Scales = {
    "laptop": {"dataset": "polar-reference-64", "beta": polar_beta(64, 1e-3)},
    "smoke": POLAR_SCALES["smoke"]
    | {"dataset": "polar-reference-64", "beta": polar_beta(64, 1e-3)},
}
# What the decoders that chapter 08 compares change in `polar-small`, the first of them.
RUNGS: dict[str, dict[str, Any]] = {
    "upsampling": {"network": "upsampling"},
    "coordinate": {"network": "coordinate"},
    "broadcast": {"network": "broadcast"},
    "fourier": {"network": "fourier"},
    "distance": {"model": "distance-vae"},
    "contour": {"network": "contour"},
}
REFERENCE = Recipe(
    name="polar-reference",
    scale="full",
    dataset="polar-reference-punctured",
    model="vae",
    network="reference",
    latent_dim=3,
    filters=(64, 64, 128, 128),
    beta=polar_beta(256, 8e-3),
    posterior_sd=0.1,
    learning_rate=1e-4,
    epochs=30,
    batch_size=8,
    shuffle=False,
    sample_weights="b-batch",
)
REFERENCE_SCALES: Scales = {
    # A quarter of the filters and of the side: 1/256 of the work.
    "laptop": {
        "dataset": "polar-reference-64-punctured",
        "filters": (16, 16, 32, 32),
        "beta": polar_beta(64, 8e-3),
        "epochs": 4,
    },
    "smoke": POLAR_SCALES["smoke"]
    | {
        "dataset": "polar-reference-64-punctured",
        "filters": (4, 4, 8, 8),
        "beta": polar_beta(64, 8e-3),
    },
}
# On the whole plane: the third part's loss, and what it is compared with as a variant.
ENTANGLEMENT = replace(
    POLAR_SMALL,
    name="polar-entanglement",
    dataset="polar-128",
    model="entanglement-vae",
    beta=polar_beta(128, 1e-3),
    gamma=polar_gamma(128, 1e-4),
)
ENTANGLEMENT_SCALES: Scales = {
    scale: change
    | {
        "dataset": "polar-64",
        "beta": polar_beta(64, 1e-3),
        "gamma": polar_gamma(64, 1e-4),
    }
    for scale, change in SMALL_SCALES.items()
}


# ---- Faces


def faces_beta(size: int, kl_weight: float) -> float:
    """Return β for faces of size×size, of the source's weight of the KL loss.

    The source calls the weight `fact`: it adds that times the KL to the cross-entropy
    summed over 96×96 pixels and averaged over three channels. At another size β keeps
    its share of the pixels.
    """
    return round(effective_beta(3, kl_weight=kl_weight) * (size / 96) ** 2, 9)


SOURCE_KL_WEIGHT, TINY_KL_WEIGHT = 5.0, 1e-5
KL_WEIGHTS = (TINY_KL_WEIGHT, 1e-3, 0.01, 0.1, 1.0, SOURCE_KL_WEIGHT, 50.0)
FACES_VAE = Recipe(
    name="faces-vae",
    scale="full",
    dataset="faces-96",
    model="vae",
    network="faces",
    latent_dim=256,
    filters=(32, 64, 128, 256),
    beta=faces_beta(96, SOURCE_KL_WEIGHT),
    learning_rate=5e-4,
    epochs=24,
    batch_size=128,
)


def strength_name(kl_weight: float) -> str:
    """Return the name of the VAE of faces with the source's weight of the KL loss."""
    named = {SOURCE_KL_WEIGHT: FACES_VAE.name, TINY_KL_WEIGHT: "faces-tiny-kl"}
    return named.get(kl_weight, f"{FACES_VAE.name}-kl-{kl_weight:g}")


FACES_SCALES: Scales = {
    "laptop": {
        "dataset": "faces-48",
        "images": 12_000,
        "filters": (16, 32, 64, 128),
        "epochs": 20,
    },
    "smoke": {
        "dataset": "faces-48-few",
        "images": 64,
        "test_images": 32,
        "filters": (4, 8, 8, 16),
        "epochs": 1,
    },
}


def _with_beta(kl_weight: float) -> Scales:
    """Return the smaller scales of a VAE of faces with a weight of the KL loss."""
    beta = {"beta": faces_beta(48, kl_weight)}
    return {scale: change | beta for scale, change in FACES_SCALES.items()}


def _with_dense(laptop: int, smoke: int) -> Scales:
    """Return the smaller scales of a VAE of faces with an extra layer so wide."""
    scales = _with_beta(SOURCE_KL_WEIGHT)
    units = {"laptop": laptop, "smoke": smoke}
    return {k: scales[k] | {"extra_dense": n} for k, n in units.items()}


# The source's autoencoder has no batch normalization.
FACES_AE = replace(
    FACES_VAE, name="faces-ae", model="autoencoder", beta=None, normalization="off"
)
FACES_DETAILED = replace(
    FACES_AE,
    name="faces-detailed",
    latent_dim=1600,
    filters=(64, 64, 128, 128),
    kernel_sizes=(5, 5, 3, 3),
)
DETAILED_SCALES: Scales = {
    "laptop": FACES_SCALES["laptop"] | {"latent_dim": 400, "filters": (32, 32, 64, 64)},
    "smoke": FACES_SCALES["smoke"] | {"latent_dim": 400, "filters": (4, 4, 8, 8)},
}
# It judges what the others draw.
FACES_CLASSIFIER = replace(
    FACES_VAE,
    name="faces-classifier",
    model="classifier",
    network="classifier",
    latent_dim=64,  # features
    beta=None,
    learning_rate=1e-3,
    schedule="cosine",
    epochs=12,
)
CLASSIFIER_SCALES: Scales = FACES_SCALES | {
    "laptop": FACES_SCALES["laptop"] | {"images": None, "epochs": 12}
}


def _declared() -> Iterator[tuple[Recipe, Scales]]:
    """Yield every recipe at full scale with what its smaller scales change."""
    yield FASHION_AE, FASHION_SCALES
    for beta in BETAS:
        yield replace(FASHION_VAE, name=sweep_name(beta), beta=beta), FASHION_SCALES
    yield POLAR_VAE, POLAR_SCALES
    yield POLAR_COMPACT, COMPACT_SCALES
    yield POLAR_SMALL, SMALL_SCALES
    for decoder, change in RUNGS.items():
        yield replace(POLAR_SMALL, name=f"polar-{decoder}", **change), SMALL_SCALES
    yield REFERENCE, REFERENCE_SCALES
    yield ENTANGLEMENT, ENTANGLEMENT_SCALES
    yield FACES_AE, FACES_SCALES
    for weight in KL_WEIGHTS:
        beta = faces_beta(96, weight)
        yield (
            replace(FACES_VAE, name=strength_name(weight), beta=beta),
            _with_beta(weight),
        )
    for units, smaller in ((256, (64, 8)), (384, (96, 12))):
        wide = replace(FACES_VAE, name=f"faces-dense-{units}", extra_dense=units)
        yield wide, _with_dense(*smaller)
    yield FACES_DETAILED, DETAILED_SCALES
    yield FACES_CLASSIFIER, CLASSIFIER_SCALES


CATALOGUE = {recipe.name: recipe for recipe, _ in _declared()}
CHANGES = {recipe.name: changes for recipe, changes in _declared()}


def get_recipe(name: str, scale: str = "full") -> Recipe:
    """Return the recipe of that name, or variant of one, at that scale.

    A variant is written as in `fashion-vae+beta=0.5+filters=16x32`, one value a field.
    Raises ValueError for an unknown name, field or scale, naming those there are, and
    for several values, which are for a sweep.
    """
    base, *changes = name.split("+") if isinstance(name, str) else (name,)
    checks.one_of("recipe", base, CATALOGUE)
    checks.one_of("scale", scale, SCALES)
    change = {} if scale == "full" else CHANGES[base][scale]
    recipe = replace(CATALOGUE[base], scale=scale, **change)
    return variant(recipe, **split_settings(changes))
