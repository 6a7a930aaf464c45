"""The catalogue: every training of the course, declared once, at three scales."""

from dataclasses import replace

from vaetut.models import effective_beta
from vaetut.training.recipe import SCALES, Recipe
from vaetut.training.variants import parse_settings, variant

# The source minimises 500 · (mean BCE over 32·32 pixels) + KL: β = 1024 / 500.
SOURCE_BETA = effective_beta(32 * 32, reconstruction_weight=500)

# From the autoencoder's end to collapse, about half a decade a step.
BETAS = (0.0, 0.02, 0.2, SOURCE_BETA, 8.0, 32.0, 128.0)

# What a smaller scale changes. A recipe's own declaration is the full scale.
LAPTOP = {"images": 20_000}
SMOKE = {"images": 300, "test_images": 200, "epochs": 1}

FASHION_AE = Recipe(
    name="fashion-ae",
    scale="full",
    dataset="fashion-mnist",
    model="autoencoder",
    learning_rate=1e-3,  # Adam's default, which the source takes
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


def sweep_name(beta: float) -> str:
    """Return the name of the recipe of the β sweep with this β."""
    same = beta == FASHION_VAE.beta
    return FASHION_VAE.name if same else f"{FASHION_VAE.name}-beta-{beta:g}"


CATALOGUE = {
    recipe.name: recipe
    for recipe in (
        FASHION_AE,
        *(replace(FASHION_VAE, name=sweep_name(b), beta=b) for b in BETAS),
    )
}


def get_recipe(name: str, scale: str = "full") -> Recipe:
    """Return the recipe of that name, or variant of one, at that scale.

    A variant is written as in `fashion-vae+beta=0.5`. Raises ValueError for an unknown
    name, field or scale, naming those there are.
    """
    base, *changes = name.split("+")
    if base not in CATALOGUE:
        raise ValueError(
            f"There is no recipe {base!r}: choose one of {', '.join(CATALOGUE)}."
        )
    if scale not in SCALES:
        raise ValueError(
            f"There is no scale {scale!r}: choose one of {', '.join(SCALES)}."
        )
    change = {"full": {}, "laptop": LAPTOP, "smoke": SMOKE}[scale]
    recipe = replace(CATALOGUE[base], scale=scale, **change)
    settings = parse_settings(changes)
    return variant(recipe, **{field: values[0] for field, values in settings.items()})
