"""What watches a training, batch by batch: divergence, stops, snapshots."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from vaetut import signals
from vaetut.training.checkpoint import Diverged

SNAPSHOT_SECONDS = 60  # at most so much of a training is lost when it is killed
LOOK_SECONDS = 1.0  # between looks at the loss where a look makes a device wait
LOOK_STEPS = 100  # the same for processes that must look together
RECENT = 50  # batch losses that are kept to tell a cause
GROWTH = 3.0  # a loss that grew so many times before it broke, grew
EXTREME = 5.0  # of ε: one in 1.7 million normal draws lies beyond


class Watch(keras.callbacks.Callback):
    """Ends an epoch whose loss breaks or that is to stop, and saves it meanwhile.

    A stop, by `model.stop_training` or a signal (see `vaetut.signals`), waits for the
    current batch, saves, and raises KeyboardInterrupt. A loss that is not finite
    raises Diverged with the step and the likely cause. After `fit`, `logs` holds the
    means of the epoch. `training` is the trainer's own state of the training.
    """

    def __init__(self, training: Any) -> None:
        super().__init__()
        self.training, self.progress = training, training.progress
        self.start_step, self.start = self.progress.step, time.monotonic()
        # `fit` sets the running means back, which a started epoch goes on with.
        self.means = [
            np.array(keras.ops.convert_to_numpy(v)) for v in self._running_means()
        ]
        # Several processes must all do the same at the same step, or wait for ever.
        self.together = training.devices.processes > 1
        # Where the device runs ahead of Python, every look at the loss makes it wait.
        self.every_step = training.devices.kind == "cpu"
        self.losses: list[float] = []
        self.logs: dict[str, float] = {}
        self.before = self.progress.seconds
        self.saved = self.looked = self.start
        self.first: tuple[int, float] | None = None

    def _running_means(self) -> list[keras.Variable]:
        return self.training.fitted.metrics_variables

    @property
    def seconds(self) -> float:
        """Seconds since this part of the epoch began."""
        return time.monotonic() - self.start

    @property
    def stopped(self) -> bool:
        """Whether somebody asked the training to end."""
        fitted = self.training.fitted
        asked = getattr(self.model, "stop_training", False) or fitted.stop_training
        return asked or signals.received()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Put back the running means of an epoch that goes on."""
        if self.start_step:
            for variable, value in zip(self._running_means(), self.means, strict=True):
                variable.assign(value)
            self.seen, self.total = self.start_step, None
        else:
            self.seen, self.total = 0, 0.0

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Look at the loss, take the time, and stop or save where it is due.

        Raises Diverged or KeyboardInterrupt, see the class.
        """
        step, now = self.start_step + batch + 1, time.monotonic()
        last = step >= self.training.steps
        due = step % LOOK_STEPS == 0
        if not self.together:
            due = now - self.looked > LOOK_SECONDS
        if self.every_step or last or due:
            self.look(step, logs)
            self.looked = now
        if self.first is None:
            self.first = step, time.monotonic()  # without what the first one compiles
        elif last:
            before = self.first[0] * self.training.recipe.batch_size
            images = len(self.training.train_set) - before
            self.training.timed(images, time.monotonic() - self.first[1])
        if last or self.together:
            return
        if self.stopped:
            self.snapshot(step)
            raise KeyboardInterrupt(
                f"{self.training.label}: stopped after step {step} of "
                f"{self.training.steps} in epoch {self.progress.epoch + 1}; saved: the "
                "same command goes on from there"
            )
        if now - self.saved > SNAPSHOT_SECONDS:
            self.snapshot(step)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the means of the epoch in `logs`."""
        self.logs = {name: number(value) for name, value in (logs or {}).items()}

    def snapshot(self, step: int) -> None:
        """Save the state in the middle of an epoch."""
        self._sync()
        self.save(step)
        self.saved = time.monotonic()

    def save(self, step: int) -> None:
        """Save the state after that many steps of the epoch."""
        self.count_time()
        try:
            self.training.save(step)
        except Diverged as error:
            raise Diverged(self._message(step, str(error))) from error

    def count_time(self) -> None:
        """Bring the seconds of the training up to date."""
        self.progress.seconds = self.before + self.seconds

    def look(self, step: int, logs: Any) -> None:
        """Note the loss of the last steps, or raise Diverged if it is not finite."""
        loss = number(logs["loss"])
        if math.isfinite(loss):
            total = loss * step  # logs are means over the epoch so far
            if self.total is not None:
                self.losses.append((total - self.total) / (step - self.seen))
            self.seen, self.total = step, total
            del self.losses[:-RECENT]
            return
        parts = {name: number(value) for name, value in logs.items() if name != "loss"}
        cause = likely_cause(
            self.losses,
            parts,
            self._largest_epsilon() if self.every_step else None,
            self.training.recipe.learning_rate,
        )
        raise Diverged(self._message(step, f"the loss became {loss}. {cause}"))

    def _message(self, step: int, what: str) -> str:
        where = f"epoch {self.progress.epoch + 1}, step {step} of {self.training.steps}"
        kept = ""
        if self.training.checkpoint.exists():
            kept = f" {self.training.checkpoint.path} keeps the last good state."
        return f"{self.training.label}, {where}: {what}{kept}"

    def _sync(self) -> None:
        """Bring the model's variables up to date, which JAX trains without."""
        if keras.backend.backend() == "jax":
            self.training.fitted.jax_state_sync()

    def _largest_epsilon(self) -> float | None:
        """Return the largest |ε| of the last batch; None for a model without one."""
        model = self.training.model
        if not model.draws:
            return None
        self._sync()
        state = np.array(keras.ops.convert_to_numpy(model.seed_generator.state))
        again = keras.random.SeedGenerator(0)
        again.state.assign(state - np.array([0, model.draws], state.dtype))
        shape = self.training.recipe.batch_size, model.decoder.input_shape[-1]
        drawn = [keras.random.normal(shape, seed=again) for _ in range(model.draws)]
        return max(float(keras.ops.max(keras.ops.abs(noise))) for noise in drawn)


def number(value: Any) -> float:
    """Return a scalar of the backend, or a mean over processes, as a float."""
    return float(np.mean(keras.ops.convert_to_numpy(value)))


def likely_cause(
    losses: Sequence[float],
    parts: Mapping[str, float],
    epsilon: float | None,
    learning_rate: float,
) -> str:
    """Return what most likely broke a loss, as a sentence.

    `losses`: those of the batches before, in nats per image; `parts`: name -> running
    mean with the broken batch in it; `epsilon`: the largest |ε| of that batch or None.
    """
    cure = f"try a learning rate below {learning_rate:g}."
    if len(losses) > 1 and losses[-1] > GROWTH * min(losses):
        return (
            f"It had grown from {min(losses):.4g} to {losses[-1]:.4g} in the steps "
            f"before, as it does when steps are too long: {cure}"
        )
    if epsilon is not None and epsilon > EXTREME:
        return (
            f"An extreme ε of {epsilon:.2f} standard deviations was drawn in that "
            "batch: bound ε, or train with another seed."
        )
    broken = [name for name, value in parts.items() if not math.isfinite(value)]
    if "kl" in broken and "reconstruction" not in broken:
        return (
            "The KL loss alone broke: a log-variance has grown until its exponential "
            f"overflowed, so {cure}"
        )
    when = "in the first steps" if len(losses) < 3 else "without a sign before"
    return (
        f"It broke {when}; a learning rate that is too high is the usual cause: {cure}"
    )
