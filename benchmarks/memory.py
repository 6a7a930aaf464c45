"""How much memory does a training take at its peak, against stock Keras?

A process a case: the whole training set loaded, then some steps of full batches. Ours
is `vaetut train`; the rival is the source's own code, which exists for the first two
recipes. On a GPU it is the device's memory that counts. `before` is what the process
held when the training began: the framework and the data.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks import common, rivals

if TYPE_CHECKING:
    import keras
    import numpy as np

QUESTION = __doc__.splitlines()[0]
STOCK = {"fashion-ae": "autoencoder", "fashion-vae": "vae"}
STEPS, QUICK_STEPS, REPEATS = 30, 2, 3
# Fields of a recipe that change no array's size.
SIZELESS = {
    "beta",
    "epochs",
    "initializer",
    "learning_rate",
    "optimizer",
    "optimizer_epsilon",
    "sample_weights",
    "scale",
    "schedule",
    "shuffle",
    "test_images",
    "warmup",
}


class Enough(Exception):
    """As many steps as were to be made."""


# In a process of its own


def answer(way: str, recipe: Any = None, steps: int = STEPS) -> Any:
    """List the recipes that differ in size, or measure one of them."""
    if way == "list":
        return sizes()
    from vaetut.training import backends

    before = {"ours": ours, "stock": stock}[way](recipe, steps)
    return {
        "peak": backends.peak_memory_mb(),
        "before": before,
        "hardware": backends.hardware(),
        "versions": backends.versions(),
    }


def sizes() -> list[str]:
    """Return the names of Fashion-MNIST's recipes, one of each size.

    One with a rival, if there is any.
    """
    from vaetut.recipes import CATALOGUE, get_recipe

    names = {}
    for name in (*STOCK, *CATALOGUE):
        fields = get_recipe(name).fields
        if fields["dataset"] != "fashion-mnist":
            continue
        size = {k: v for k, v in fields.items() if k not in SIZELESS}
        names.setdefault(repr(sorted(size.items())), name)
    return list(names.values())


def resident_mb() -> Any:
    """Return the memory that this process holds now, in MB; None off Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
    return round(int(line.split()[1]) * 1024 / 1e6)


def stop_after(steps: int) -> keras.callbacks.Callback:
    """Return a callback that ends a training by raising Enough."""
    import keras

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch + 1 >= steps:
                raise Enough

    return Stop()


def ours(name: str, steps: int) -> Any:
    """Train as `vaetut train` does; return the memory held before, in MB."""
    from vaetut import datasets
    from vaetut.recipes import get_recipe
    from vaetut.training import train

    recipe = get_recipe(name)
    held = [datasets.load(recipe.dataset, split) for split in ("train", "test")]
    before = resident_mb()
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = Path(folder, "checkpoint")
            train(recipe, 0, path, say=str, callbacks=[stop_after(steps)])
        except Enough:
            pass
    del held
    return before


def source_images(split: str) -> np.ndarray:
    """Return images (n, 32, 32, 1) as the source prepares them: floats, then padded."""
    import numpy as np

    from vaetut.datasets import fashion_mnist

    name = f"{fashion_mnist.PREFIX[split]}-images-idx3-ubyte.gz"
    raw = fashion_mnist.read_idx(fashion_mnist.FOLDER / name)
    border = (fashion_mnist.PADDING, fashion_mnist.PADDING)
    return np.pad(rivals.floats(raw), ((0, 0), border, border))[..., None]


def stock(name: str, steps: int) -> Any:
    """Train the source's code; return the memory held before, in MB."""
    images, checked = source_images("train"), source_images("test")
    before = resident_mb()
    model = rivals.stock(STOCK[name], images.shape[1:])
    pair = (images, images) if STOCK[name] == "autoencoder" else (images,)
    try:
        model.fit(
            *pair,
            batch_size=rivals.BATCH,
            callbacks=[stop_after(steps)],
            verbose=0,
        )
    except Enough:
        pass
    del checked
    return before


# In the process that compares. It stays small: a child's peak begins with its parent's.


def measure(recipe: str, way: str, backend: str, quick: bool) -> list[dict[str, Any]]:
    """Return what the processes that measure "ours" or "stock" answered."""
    request = {"way": way, "recipe": recipe, "steps": QUICK_STEPS if quick else STEPS}
    repeats = range(1 if quick else REPEATS)
    return [common.ask_once(__file__, backend, **request) for _ in repeats]


def compare(
    recipe: str, backend: str, quick: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a case, without `theirs` where there is no rival, and what it ran on."""
    mine = measure(recipe, "ours", backend, quick)
    peaks = [answer["peak"] for answer in mine]
    case = {"case": recipe, "ours": statistics.median(peaks)}
    case["before"] = mine[0]["before"]
    if recipe in STOCK:
        others = measure(recipe, "stock", backend, quick)
        case |= common.cost_case(
            f"{recipe}: stock Keras", peaks, [other["peak"] for other in others], 0
        )
        case["before_theirs"] = others[0]["before"]
    return case, mine[0]


def main(
    quick: bool = False,
    recipes: Sequence[str] | None = None,
    backend: str = "tensorflow",
) -> dict[str, Any]:
    """Measure recipes, all sizes unless named, and store the result if all.

    `quick`: the first recipe, two steps, not stored.
    """
    store = not quick and recipes is None and backend == "tensorflow"
    recipes = recipes or common.ask_once(__file__, backend, way="list")
    cases, alone = [], []
    for recipe in recipes[:1] if quick else recipes:
        case, facts = compare(recipe, backend, quick)
        (cases if "theirs" in case else alone).append(case)
    return common.publish(
        __file__,
        QUESTION,
        "MB",
        cases,
        facts["hardware"],
        store=store,
        reads="how many times as much theirs takes",
        versions=facts["versions"],
        alone=alone,
    )


if __name__ == "__main__":
    common.command(QUESTION, main, answer)
