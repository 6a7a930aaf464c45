"""What is trained, as values: recipes, their catalogue, variants and experiments."""

from vaetut.recipes.catalogue import BETAS, CATALOGUE, get_recipe, sweep_name
from vaetut.recipes.experiments import EXPERIMENTS
from vaetut.recipes.recipe import SCALES, Recipe
from vaetut.recipes.seeds import parse_seeds
from vaetut.recipes.variants import parse_settings, variant

__all__ = [
    "BETAS",
    "CATALOGUE",
    "EXPERIMENTS",
    "SCALES",
    "Recipe",
    "get_recipe",
    "parse_seeds",
    "parse_settings",
    "sweep_name",
    "variant",
]
