"""Whether a training fits into the time there is, known from its first steps."""

import time
from collections.abc import Callable
from typing import Any

import keras

from vaetut.atomic import RunError
from vaetut.recipes import Recipe
from vaetut.training.progress import duration
from vaetut.training.stopping import number

MEASURING = "trained; measuring it"
WARM_SECONDS = 2.0  # of steps, after the one that compiles, before the first estimate


class TooLong(RunError):
    """A training that would take longer than it may; its first steps are saved."""

    status = 75  # of the process: try again later


class Budget(keras.callbacks.Callback):
    """Stops a training that would take longer than so many seconds from now.

    It estimates after `WARM_SECONDS` of steps, and again after every epoch. Where the
    rest does not fit, `reason` says so and the training stops as at Ctrl-C: saved.
    `say` gets a line when the last epoch is over.
    """

    def __init__(
        self, recipe: Recipe, seconds: float, say: Callable[[str], object]
    ) -> None:
        super().__init__()
        self.recipe, self.seconds, self.say = recipe, seconds, say
        self.deadline = time.monotonic() + seconds
        self.reason: str | None = None
        self.steps = 0  # of a whole epoch
        self.left = 0  # of this epoch when it began here
        self.before = 0  # of the epochs before that, in this process
        self.first: tuple[int, float] | None = None  # step and time when compiled
        self.compiling = 0.0  # seconds of the first call
        self.estimated = False
        self.epochs = 0  # that this process has seen

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note which epoch has begun, counted from 0, and how many steps it has."""
        self.before += self.left
        self.epoch, self.left = epoch, self.params.get("steps") or 0
        self.steps = max(self.steps, self.left)
        self.epoch_began = time.monotonic()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Estimate once, when there is something to go by."""
        if self.estimated:
            return
        if self.first is None:
            number((logs or {})["loss"])  # the device runs behind Python: wait for it
            self.first = self.before + batch, time.monotonic()
            self.compiling = self.first[1] - self.epoch_began
            return
        if time.monotonic() - self.first[1] < WARM_SECONDS:
            return
        number((logs or {})["loss"])
        self.estimated = True
        steps = self.before + batch - self.first[0]
        pace = (time.monotonic() - self.first[1]) / steps
        later = self.steps * (self.recipe.epochs - self.epoch - 1)
        # The rest of an epoch and its validation are programs of their own.
        rest = max(self.left - batch - 1, 0) + later
        self._stop_unless(pace * rest + self.compiling)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Estimate again, from a whole epoch that compiled nothing."""
        self.epochs += 1
        if epoch + 1 == self.recipe.epochs:
            self.say(f"{self.recipe.name}: {MEASURING}")
        elif self.epochs > 1:
            seconds = time.monotonic() - self.epoch_began
            self._stop_unless(seconds * (self.recipe.epochs - epoch - 1))

    def _stop_unless(self, needed: float) -> None:
        """Stop the training unless so many seconds are left."""
        left = self.deadline - time.monotonic()
        if needed > left:
            self.reason = (
                f"it would take about {duration(needed)} more, and "
                f"{duration(max(left, 0))} are left; what is done is saved, and the "
                "same command goes on from there"
            )
            self.model.stop_training = True
