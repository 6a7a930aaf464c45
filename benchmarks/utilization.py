"""Which share of the machine's matrix rate does a training step reach?

Ours is the rate of whole training steps, input pipeline, optimizer and metrics
included; theirs is that of a large matrix product, in the layers' precision, on the
same backend and device. They take turns. `vaetut/models/work.py` counts the operations
of an image in training. The backend is Keras'.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks import common

if TYPE_CHECKING:
    import keras

    from vaetut.recipes import Recipe

QUESTION = __doc__.splitlines()[0]
RECIPES = ("fashion-ae", "fashion-vae")
PRECISIONS = ("float32", "bfloat16")
ROUNDS, SECONDS = 5, 60
SIDE, PRODUCTS = {"cpu": 2048, "gpu": 8192}, {"cpu": 4, "gpu": 100}
# Steps of a turn: many enough that what `fit` does once does not count.
STEPS = {"cpu": 50, "gpu": 400}
SEED = 0


def steps_way(
    recipe: Recipe, precision: str, steps: int
) -> tuple[keras.Model, int, Callable[[], object]]:
    """Return model, images a turn, and a function that trains on them."""
    import keras
    import numpy as np

    from vaetut import datasets
    from vaetut.training import backends, build_model

    model = build_model(recipe, SEED, precision=precision)
    model.compile(
        keras.optimizers.Adam(recipe.learning_rate), **backends.compile_options()
    )
    images = datasets.load(recipe.dataset, "train").images
    wanted = np.arange(steps * recipe.batch_size) % len(images)
    images = images[wanted]
    options = {"batch_size": recipe.batch_size, "shuffle": False, "verbose": 0}
    return model, len(images), lambda: model.fit(images, **options)


def product_way(precision: str, side: int, products: int) -> Callable[[], None]:
    """Return a function that multiplies matrices (side, side), one after another."""
    import keras
    import numpy as np
    from keras import ops

    # Entries of variance 1 / side: a product has about the size of its factors.
    drawn = np.random.default_rng(SEED).standard_normal((side, side)) / side**0.5
    matrix = ops.cast(ops.convert_to_tensor(drawn.astype("float32")), precision)

    def run() -> None:
        product = matrix
        for _ in range(products):
            product = ops.matmul(product, matrix)
        keras.ops.convert_to_numpy(ops.cast(product[0, 0], "float32"))

    return run


def measure(recipe: Recipe, precision: str, quick: bool) -> dict[str, Any]:
    """Return the case of a recipe in one precision."""
    import keras

    from vaetut import datasets
    from vaetut.models.networks import macs
    from vaetut.models.work import training_flops
    from vaetut.training import backends

    device = "cpu" if backends.accelerator() is None else "gpu"
    steps = 2 if quick else STEPS[device]
    side, products = (256, 2) if quick else (SIDE[device], PRODUCTS[device])
    model, images, train = steps_way(recipe, precision, steps)
    runs = {"steps": train}
    runs |= {name: product_way(name, side, products) for name in PRECISIONS}
    for run in runs.values():  # the first time compiles
        run()
    took = common.take_turns(
        {name: common.timed(run) for name, run in runs.items()},
        1 if quick else ROUNDS,
        0 if quick else SECONDS,
    )
    flops, forward = training_flops(model), macs(model.encoder) + macs(model.decoder)
    tera = {name: products * 2 * side**3 / 1e12 for name in PRECISIONS}
    case = common.rate_case(
        f"{recipe.name} in {precision} on {keras.backend.backend()}",
        took["steps"],
        took[precision],
        (images * flops / 1e12, tera[precision]),
        digits=4,
    )
    rate = images / statistics.median(took["steps"])
    epoch = recipe.images or len(datasets.load(recipe.dataset, "train"))
    return case | {
        "macs_forward": forward,
        "flops_an_image": flops,
        "batch": recipe.batch_size,
        "images_a_second": round(rate, 1),
        "seconds_an_epoch": round(epoch / rate, 1),
        "matrix": {
            name: round(tera[name] / statistics.median(took[name]), 4)
            for name in PRECISIONS
        },
    }


def main(
    recipe: str | None = None,
    precision: str = "float32",
    quick: bool = False,
    scale: str = "full",
) -> dict[str, Any]:
    """Return the share for a recipe, by name, at its batch size, in a precision.

    Without a recipe, the first two of the catalogue are measured and the result is
    stored. `quick`: two steps and small matrices, not stored.
    """
    from vaetut.recipes import get_recipe
    from vaetut.training import backends

    names = [recipe] if recipe else RECIPES[: 1 if quick else None]
    cases = [measure(get_recipe(name, scale), precision, quick) for name in names]
    return common.publish(
        __file__,
        QUESTION,
        "TFLOP/s",
        cases,
        backends.hardware(),
        store=not quick and recipe is None,
        reads="the share of the matrix rate that training reaches",
        versions=backends.versions(),
    )


if __name__ == "__main__":
    common.command(QUESTION, main)
