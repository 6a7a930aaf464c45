"""A recipe's optimizer and its learning-rate schedule."""

from typing import Any

import keras

from vaetut.recipes import Recipe


def build_optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """Return the optimizer of a recipe for a training of so many steps in all.

    Raises ValueError for an optimizer that Keras does not have.
    """
    config: dict[str, Any] = {"learning_rate": build_schedule(recipe, steps)}
    if recipe.optimizer_epsilon is not None:
        config["epsilon"] = recipe.optimizer_epsilon
    return keras.optimizers.get({"class_name": recipe.optimizer, "config": config})


def build_schedule(
    recipe: Recipe, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate of a recipe: a number, or a function of the step."""
    rate = recipe.learning_rate
    if recipe.schedule == "constant":
        return rate
    warmup = round(recipe.warmup * steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else rate,
        decay_steps=steps - warmup,
        warmup_target=rate if warmup else None,
        warmup_steps=warmup,
    )
