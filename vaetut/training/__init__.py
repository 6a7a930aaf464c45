"""Recipes, the trainer, and the runs that come out of it."""

from vaetut.training.build import build_model
from vaetut.training.recipe import SCALES, Recipe
from vaetut.training.recipes import BETAS, CATALOGUE, get_recipe, sweep_name
from vaetut.training.record import Record, RunError
from vaetut.training.runs import (
    Run,
    list_runs,
    load_or_train,
    records,
    summary,
    verify,
)
from vaetut.training.trainer import train

__all__ = [
    "BETAS",
    "CATALOGUE",
    "SCALES",
    "Recipe",
    "Record",
    "Run",
    "RunError",
    "build_model",
    "get_recipe",
    "list_runs",
    "load_or_train",
    "records",
    "summary",
    "sweep_name",
    "train",
    "verify",
]
