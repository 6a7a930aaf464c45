"""From a recipe and a seed to a trained model, one epoch at a time.

It measures nothing and writes nothing but a checkpoint: `vaetut.runs` does the rest.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from vaetut import formats, signals
from vaetut.atomic import RunError
from vaetut.checks import whole_number
from vaetut.models import ImageModel
from vaetut.recipes import Recipe
from vaetut.training import backends
from vaetut.training.build import build_model
from vaetut.training.checkpoint import Checkpoint
from vaetut.training.data import load_data, sample_weights
from vaetut.training.devices import Devices
from vaetut.training.feed import Resident, epoch_order, stream
from vaetut.training.optimizer import build_optimizer
from vaetut.training.progress import duration, time_left
from vaetut.training.stopping import Watch

VALIDATION_BATCH = 500  # images
VALIDATION_PIXELS = 2**23  # at most: at 256×256 the widest maps take gigabytes


class Cost(NamedTuple):
    """What a training took."""

    seconds: float  # of training, validation included
    images_per_second: float | None  # of training alone; None: not measured
    peak_memory_mb: int  # of the device, on a CPU of the process
    devices: int  # over all processes
    precision: str  # of the layers; weights and losses are float32
    # What decides its bits: see `backends.conditions`. Several where it went on under
    # others than it began with.
    conditions: list[dict[str, Any]]


class Trained(NamedTuple):
    """A trained model, the losses of its epochs, and what it took."""

    model: ImageModel
    history: dict[str, list[float]]  # quantity -> one value an epoch
    cost: Cost


def train(
    recipe: Recipe,
    seed: int,
    checkpoint: Path | None = None,
    say: Callable[[str], object] = print,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    devices: Devices | None = None,
    precision: str = "float32",
    resume: bool = True,
) -> Trained:
    """Train a recipe with a seed and return the model with its history and cost.

    After every epoch, once a minute within one, and at a stop the whole state goes to
    the file `checkpoint`, if one is named: a training that ended there, by a signal or
    a power cut, goes on and ends with the same weights; `resume=False` starts anew.
    The file stays: who has kept the model removes it. `say` gets one line an epoch;
    `callbacks` are Keras', for a `fit` an epoch. `devices` are one unless `claim` gave
    others; of several processes the first one writes, all must see the same files, and
    they save and stop between epochs only.

    Raises RunError if a file cannot be written, or the checkpoint is damaged or another
    training's; Diverged, which is a RunError, if the loss is not finite;
    KeyboardInterrupt after Ctrl-C, SIGTERM, or a callback's `stop_training`.
    """
    devices = devices or Devices("gpu" if backends.accelerator() else "cpu")
    with signals.handled(), devices.scope():
        training = _Training(recipe, seed, checkpoint, devices, precision)
        if not resume:
            training.checkpoint.remove()
        elif training.checkpoint.exists():
            say(training.restore())
        while training.progress.epoch < recipe.epochs:
            with signals.deferred():
                line = training.run_epoch(callbacks)
            say(line)
        return training.result()


@dataclass
class Progress:
    """How far a training has come: whole epochs, and steps of the current one."""

    epoch: int = 0  # finished ones
    step: int = 0  # of the next one
    seconds: float = 0.0  # of training and validation
    timed_images: int = 0  # in the steps whose time was taken
    timed_seconds: float = 0.0  # that these took
    # quantity -> one value an epoch
    history: dict[str, list[float]] = field(default_factory=dict)
    conditions: list[dict[str, Any]] = field(default_factory=list)  # see Cost

    def check(self, epochs: int, steps: int) -> None:
        """Raise ValueError unless a training of so many epochs may be there.

        `steps` are those of an epoch.
        """
        whole_number("epoch", self.epoch, 0, epochs)
        whole_number("step", self.step, 0, steps)
        whole_number("timed_images", self.timed_images, 0, 2**60)
        if self.step and self.epoch == epochs:
            raise ValueError(f"step is {self.step} after the last epoch")
        if min(self.seconds, self.timed_seconds) < 0:
            raise ValueError("seconds are negative")
        for name, values in self.history.items():
            if len(values) != self.epoch:
                raise ValueError(f"history has {len(values)} values of {name!r}")
        if self.epoch and "loss" not in self.history:
            raise ValueError("history has no loss")


class _Training:
    """A training while it runs."""

    def __init__(
        self,
        recipe: Recipe,
        seed: int,
        checkpoint: Path | None,
        devices: Devices,
        precision: str,
    ) -> None:
        self.recipe, self.seed = recipe, seed
        self.devices, self.precision = devices, precision
        self.train_set, self.test_set = load_data(recipe, seed)
        self.weights = sample_weights(recipe, self.train_set)
        # Steps of an epoch: as many as there are batches once some images sit out.
        fed = len(self.train_set) // devices.total * devices.total
        self.steps = -(-fed // recipe.batch_size)
        self.model = build_model(recipe, seed, precision)
        self.needs_attributes = getattr(self.model, "needs_attributes", False)
        if self.needs_attributes and self.train_set.attributes is None:
            raise ValueError(
                f"Recipe {recipe.name!r} learns attributes, which "
                f"{self.train_set.name!r} does not have: take a set of faces."
            )
        self.fitted = self._place()
        optimizer = build_optimizer(recipe, self.steps * recipe.epochs)
        self.fitted.compile(optimizer, **backends.compile_options())
        optimizer.build(self.model.trainable_variables)
        identity = {
            "recipe": recipe.digest,
            "seed": seed,
            "backend": keras.backend.backend(),
            "precision": precision,
        }
        # What an epoch's means have come to is a part of the state as well.
        state = [*self.model.variables, *optimizer.variables]
        self.checkpoint = Checkpoint(
            checkpoint, identity, state + self.fitted.metrics_variables
        )
        self.conditions = backends.conditions(devices.kind, devices.total, precision)
        self.progress = Progress(conditions=[self.conditions])
        # Images and seconds of the first epoch, in which programs are compiled.
        self.cold: tuple[int, float] | None = None

    @property
    def label(self) -> str:
        """The recipe and the seed, as messages name them."""
        return f"{self.recipe.name} seed {self.seed}"

    def _place(self) -> ImageModel | Resident:
        """Return what to fit: the model, or a wrapper that knows where images lie."""
        train, test = self.train_set.images, self.test_set.images
        if self.devices.total > 1 or not backends.resident(train.nbytes + test.nbytes):
            return self.model
        return Resident(self.model, np.concatenate([train, test]))

    def _feed(self, order: np.ndarray) -> dict[str, Any]:
        """Return the arguments of `fit` with the images, targets and weights."""
        total, n = self.devices.total, len(self.train_set)
        rows, batch = self.devices.rows(order, self.recipe.batch_size)
        every = np.arange(len(self.test_set))
        wanted = max(validation_batch(self.test_set.image_shape), total)
        held_out, large = self.devices.rows(every, wanted // total * total)
        weights = self._weights_of(rows, batch)
        targets = self._targets(self.train_set, rows)
        if weights is not None and targets is None:
            # Keras hands weights on only where there is a y.
            targets = np.zeros(len(rows), np.uint8)
        if isinstance(self.fitted, Resident):
            images, validation = rows, n + held_out
        else:
            images = stream(self.train_set.images, rows, batch, weights, targets)
            validation = self.test_set.images[held_out]
        given: dict[str, Any] = {"y": targets, "sample_weight": weights}
        if not isinstance(images, np.ndarray):
            given = {}  # it has both
        known = self._targets(self.test_set, held_out)
        return given | {
            "x": images,
            "batch_size": batch,
            "validation_data": (validation,) if known is None else (validation, known),
            "validation_batch_size": large,
        }

    def _targets(self, images: Any, rows: np.ndarray) -> np.ndarray | None:
        """Return the attributes (n, m) that a model is to learn; None if it is not."""
        if not self.needs_attributes:
            return None
        return images.attributes[rows].astype(np.float32)

    def _weights_of(self, rows: np.ndarray, batch: int) -> np.ndarray | None:
        """Return what an epoch's images weigh, in its order; None: all the same."""
        if self.weights is None:
            return None
        weights = self.weights[rows]
        if self.recipe.sample_weights == "b-batch":
            for start in range(0, len(weights), batch):
                part = slice(start, start + batch)
                weights[part] = weights[part].mean()
        return weights

    def timed(self, images: int, seconds: float) -> None:
        """Count the images of an epoch for the rate; those of a first one if need be.

        In the first one of a process the programs for its rest are compiled.
        """
        if self.cold is None:
            self.cold = images, seconds
        else:
            self.progress.timed_images += images
            self.progress.timed_seconds += seconds

    def restore(self) -> str:
        """Go on from the checkpoint and return a line with the epoch and the step.

        It says as well what is other than before and decides bits. Raises RunError as
        `Checkpoint.restore`, and for progress that is none.
        """
        kept, path = self.checkpoint.restore(), self.checkpoint.path
        remedy = f"Delete it to start anew: {path}"
        with formats.parsing(path, "a checkpoint", RunError, remedy):
            progress = formats.build(Progress, kept, endless=["history"])
            progress.check(self.recipe.epochs, self.steps)
        self.progress = progress
        steps = f" and {self.progress.step} steps" if self.progress.step else ""
        line = f"{self.label}: going on after epoch {self.progress.epoch}{steps}"
        changed = self._changed_conditions()
        if changed:
            line += (
                f"; not to the same bits as in one go, for what decides them has "
                f"changed: {'; '.join(changed)}"
            )
        return line

    def _changed_conditions(self) -> list[str]:
        """Note what is other than before, and return it in words."""
        if self.progress.epoch >= self.recipe.epochs:
            return []  # the weights have their bits already
        noted, now = self.progress.conditions, self.conditions
        before = noted[-1] if noted else {}  # an older version notes nothing
        changed = [name for name in now if before.get(name) != now[name]]
        if changed:
            self.progress.conditions = [*(noted or [{}]), now]
        return [
            f"{name} {now[name]}, before {before.get(name, 'not noted')}"
            for name in changed
        ]

    def save(self, step: int) -> None:
        """Write the state after that many steps of the epoch."""
        self.progress.step = step
        self.checkpoint.save(asdict(self.progress), self.devices.writes)

    def run_epoch(self, callbacks: Sequence[keras.callbacks.Callback]) -> str:
        """Run the current epoch, or the rest of it, and return a line on it."""
        progress, recipe = self.progress, self.recipe
        order = np.arange(len(self.train_set))
        if recipe.shuffle:
            order = epoch_order(len(self.train_set), self.seed, progress.epoch)
        left = order[progress.step * recipe.batch_size :]
        watch = Watch(self)
        everyone = keras.callbacks.CallbackList(
            [*callbacks, watch],
            model=self.model,  # whatever wraps it
            verbose=0,
            epochs=progress.epoch + 1,
            steps=self.steps - progress.step,
        )
        self.fitted.history = None  # the one of `fit` goes to the list's own model
        feed = self._feed(left)
        try:
            self.fitted.fit(
                **feed,
                shuffle=False,
                initial_epoch=progress.epoch,
                epochs=progress.epoch + 1,
                callbacks=everyone,
                verbose=0,
            )
        except BaseException:
            everyone.on_train_end()  # `fit` calls it only when all went well
            raise
        watch.count_time()
        progress.epoch += 1
        for name, value in sorted(watch.logs.items()):
            progress.history.setdefault(name, []).append(value)
        line = progress_line(recipe, self.seed, progress.history, watch.seconds)
        seconds = time_left(progress.epoch, recipe.epochs, progress.seconds)
        line += f", {duration(seconds)} left" if seconds else ""
        watch.save(0)
        # After the last one a callback has nothing to stop; a signal means all of it.
        if signals.received() or (watch.stopped and progress.epoch < recipe.epochs):
            raise KeyboardInterrupt(
                f"{line}\n{self.label}: stopped after epoch {progress.epoch}; "
                "saved: the same command goes on from there"
            )
        return line

    def result(self) -> Trained:
        """Return the trained model with its history and what it took."""
        progress = self.progress
        images, took = progress.timed_images, progress.timed_seconds
        if not images and self.cold is not None:
            images, took = self.cold
        rate = images / (took or math.inf)
        cost = Cost(
            seconds=round(progress.seconds, 1),
            images_per_second=round(rate, 1) or None,
            peak_memory_mb=backends.peak_memory_mb(),
            devices=self.devices.total,
            precision=self.precision,
            conditions=progress.conditions,
        )
        return Trained(self.model, progress.history, cost)


def validation_batch(image_shape: tuple[int, int, int]) -> int:
    """Return how many images of a shape are validated at a time."""
    height, width, _ = image_shape
    return min(VALIDATION_BATCH, max(1, VALIDATION_PIXELS // (height * width)))


def progress_line(
    recipe: Recipe, seed: int, history: dict[str, list[float]], seconds: float
) -> str:
    """Return the losses of the last epoch of a history, in one line.

    `seconds` is what that epoch took.
    """
    logs = {name: values[-1] for name, values in history.items()}
    line = epoch_line(logs, len(history["loss"]), recipe.epochs, beta=recipe.beta)
    return f"{recipe.name} seed {seed} {line}, {seconds:.0f} s"


def epoch_line(
    logs: dict[str, float],
    epoch: int,
    total: int,
    unit: str = "nats per image",
    beta: float | None = None,
) -> str:
    """Return the losses of an epoch, in one line: the terms add up to the loss.

    `logs` are Keras' of that epoch, in `unit`; `epoch` of `total` counts from 1. With
    `beta` the regularizer is written as β·KL, if that is what it is.
    """
    digits = ".2f" if unit else ".4g"

    def terms(prefix: str) -> str:
        loss, reconstruction, regularizer, kl = (
            logs.get(prefix + part)
            for part in ("loss", "reconstruction", "regularizer", "kl")
        )
        line = f"{loss:{digits}}"
        if reconstruction is None or regularizer is None:
            return line
        line += f" = {reconstruction:{digits}} + "
        if (
            beta is None
            or kl is None
            or not math.isclose(beta * kl, regularizer, rel_tol=1e-3)
        ):
            return line + f"{regularizer:{digits}}"
        return line + f"{beta:g}·{kl:.3f}"

    parts = [f"loss {terms('')}"] if "loss" in logs else []
    parts += [f"validation {terms('val_')}"] if "val_loss" in logs else []
    return f"epoch {epoch}/{total}: {', '.join(parts)} {unit}".rstrip()
