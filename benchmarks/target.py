"""How many seconds of training until the validation loss is good?

From the start of the training, compilation included, to a mean cross-entropy of 0.27
(autoencoder) or a loss of 140 (VAE, in the source's unit: 500 times that plus KL) on
the same 1,000 test images with the same ε. Loading the data and evaluating do not
count. Ours is `vaetut train`; the rivals are in `rivals.py`, each with its own initial
weights. The moment is interpolated between the two evaluations around it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks import common, rivals

if TYPE_CHECKING:
    import keras
    import numpy as np

QUESTION = __doc__.splitlines()[0]
MODELS = {"autoencoder": "fashion-ae", "vae": "fashion-vae"}
TARGETS = {"autoencoder": 0.27, "vae": 140.0}
CONTENDERS = ("ours", "stock Keras", "PyTorch")
SEEDS = 3
EVERY, EPOCHS = 100, 10  # steps between two evaluations; at most so many epochs
TEST_IMAGES = 1000


class Reached(Exception):
    """The loss is where it should be: the training ends here."""


class Watch:
    """The seconds of a training without those of its evaluations.

    `evaluate()` returns the loss; at or below `target`, `step` raises Reached.
    """

    def __init__(self, target: float, every: int) -> None:
        self.target, self.every = target, every
        self.steps, self.seconds = 0, 0.0
        self.curve: list[tuple[int, float, float]] = []  # steps, seconds, loss
        self.resume()

    def pause(self) -> None:
        """Stop the clock."""
        self.seconds += time.perf_counter() - self.since

    def resume(self) -> None:
        """Let the clock run on."""
        self.since = time.perf_counter()

    def step(self, evaluate: Callable[[], float], steps: int = 1) -> None:
        """Count steps, and evaluate after every `every` of them.

        Raises Reached at a loss of `target` or less.
        """
        due = self.steps // self.every
        self.steps += steps
        if self.steps // self.every == due:
            return
        self.pause()
        self.curve.append((self.steps, self.seconds, evaluate()))
        if self.curve[-1][-1] <= self.target:
            raise Reached
        self.resume()

    def moment(self) -> tuple[int, float]:
        """Return the steps and the seconds at which the loss crossed the target."""
        steps, seconds, loss = self.curve[-1]
        if len(self.curve) == 1:
            return steps, seconds
        steps_0, seconds_0, loss_0 = self.curve[-2]
        share = (loss_0 - self.target) / (loss_0 - loss)
        return (
            round(steps_0 + share * (steps - steps_0)),
            seconds_0 + share * (seconds - seconds_0),
        )


# In a contender's process


def answer(contender: str, kind: str, seed: int, quick: bool) -> dict[str, Any]:
    """Train until the target is reached; return steps, seconds and the curve.

    Raises RuntimeError if it is not reached.
    """
    from vaetut import datasets

    train = datasets.load("fashion-mnist", "train")
    test = datasets.load("fashion-mnist", "test").subset(TEST_IMAGES, 0).images
    if quick:
        train, test = train.subset(300, 0), test[:100]
    epsilon = fixed_noise((len(test), rivals.CODE))
    facts = {"ours": ours, "stock Keras": stock, "PyTorch": torch}[contender](
        kind, seed, train.images, test, epsilon, quick
    )
    watch = facts.pop("watch")
    if not watch.curve or watch.curve[-1][-1] > watch.target:
        raise RuntimeError(f"{contender} did not reach {watch.target}: {watch.curve}")
    steps, seconds = watch.moment()
    return {"steps": steps, "seconds": seconds, "curve": watch.curve, **facts}


def fixed_noise(shape: tuple[int, ...]) -> np.ndarray:
    """Return the ε of every evaluation, float32 of a shape."""
    import numpy as np

    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def new_watch(kind: str, quick: bool) -> Watch:
    """Return a watch whose clock runs."""
    return Watch(1e9, 2) if quick else Watch(TARGETS[kind], EVERY)


def keras_callback(
    watch: Watch, evaluate: Callable[[keras.Model], float]
) -> keras.callbacks.Callback:
    """Return a callback that steps a watch; `evaluate(model)` returns the loss."""
    import keras

    class Steps(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.done = 0

        def on_train_batch_end(self, batch, logs=None):
            steps, self.done = batch + 1 - self.done, batch + 1
            watch.step(lambda: evaluate(self.model), steps)

        def on_test_begin(self, logs=None):
            watch.pause()

        def on_test_end(self, logs=None):
            watch.resume()

    return Steps()


def ours(
    kind: str,
    seed: int,
    images: np.ndarray,
    test: np.ndarray,
    epsilon: np.ndarray,
    quick: bool,
) -> dict[str, Any]:
    """Train as `vaetut train` does; return the watch, hardware and versions."""
    from vaetut.recipes import get_recipe
    from vaetut.training import backends, train

    recipe = get_recipe(MODELS[kind], "smoke" if quick else "full")
    recipe = replace(recipe, epochs=EPOCHS)
    nats = test[0].size / (rivals.WEIGHT if kind == "vae" else 1)
    watch = new_watch(kind, quick)
    callback = keras_callback(watch, lambda m: our_loss(m, test, epsilon) / nats)
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = Path(folder, "checkpoint")
            train(recipe, seed, path, say=str, callbacks=[callback])
        except Reached:
            pass
    return {
        "watch": watch,
        "hardware": backends.hardware(),
        "versions": backends.versions(),
    }


def our_loss(model: keras.Model, images: np.ndarray, epsilon: np.ndarray) -> float:
    """Return the loss of our model in nats per image, with the VAE's ε given."""
    from keras import ops

    noise = {"epsilon": epsilon} if hasattr(model, "beta") else {}
    outputs = model(images, **noise)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    scaled = ops.convert_to_tensor(rivals.floats(images))
    return float(ops.mean(model.loss_terms(scaled, *outputs)["loss"]))


def stock(
    kind: str,
    seed: int,
    images: np.ndarray,
    test: np.ndarray,
    epsilon: np.ndarray,
    quick: bool,
) -> dict[str, Any]:
    """Train the source's code in stock Keras; return the watch."""
    import keras

    scaled, checked = rivals.floats(images), rivals.floats(test)
    watch = new_watch(kind, quick)
    keras.utils.set_random_seed(seed)
    network = rivals.stock(kind, images.shape[1:])
    pair = (scaled, scaled) if kind == "autoencoder" else (scaled,)
    callback = keras_callback(
        watch, lambda model: rivals.stock_loss(model, checked, epsilon)
    )
    options = {"batch_size": rivals.BATCH, "epochs": EPOCHS, "verbose": 0}
    try:
        network.fit(*pair, **options, callbacks=[callback])
    except Reached:
        pass
    return {"watch": watch}


def torch(
    kind: str,
    seed: int,
    images: np.ndarray,
    test: np.ndarray,
    epsilon: np.ndarray,
    quick: bool,
) -> dict[str, Any]:
    """Train plain PyTorch; return the watch and the version."""
    import torch

    planes, checked = rivals.torch_images(images), rivals.torch_images(test)
    noise = torch.from_numpy(epsilon).to(checked.device)
    watch = new_watch(kind, quick)
    torch.manual_seed(seed)
    network = rivals.torch_model(kind, images.shape[1:])
    optimizer = rivals.torch_optimizer(network, kind)

    @torch.no_grad()
    def evaluate() -> float:
        return rivals.torch_loss(checked, *network(checked, noise)).item()

    try:
        for _ in range(EPOCHS):
            rivals.torch_epoch(
                network, optimizer, planes, after_step=lambda: watch.step(evaluate)
            )
    except Reached:
        pass
    return {"watch": watch, "versions": {"torch": torch.__version__}}


# In the process that compares


def race(kind: str, seeds: int, quick: bool) -> dict[str, list[dict[str, Any]]]:
    """Return contender → the answers of its seeds; contenders take turns."""
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for seed in range(seeds):
        for name in CONTENDERS:
            request = {"contender": name, "kind": kind, "seed": seed, "quick": quick}
            answers[name].append(common.ask_once(__file__, **request))
    return answers


def main(quick: bool = False) -> dict[str, Any]:
    """Train until all have reached the targets; `quick`: two steps, not stored."""
    cases, facts = [], {}
    for kind in ["autoencoder"] if quick else MODELS:
        answers = race(kind, 1 if quick else SEEDS, quick)
        facts |= answers["ours"][0]
        took = {n: [a["seconds"] for a in rows] for n, rows in answers.items()}
        steps = {n: [a["steps"] for a in rows] for n, rows in answers.items()}
        for rival in CONTENDERS[1:]:
            case = common.cost_case(
                f"{kind} to {TARGETS[kind]:g}: {rival}", took["ours"], took[rival]
            )
            cases.append(case | {"steps": {n: steps[n] for n in ("ours", rival)}})
    return common.publish(
        __file__,
        QUESTION,
        "s",
        cases,
        facts["hardware"],
        store=not quick,
        versions=facts["versions"] | answers["PyTorch"][0]["versions"],
    )


if __name__ == "__main__":
    common.command(QUESTION, main, answer)
