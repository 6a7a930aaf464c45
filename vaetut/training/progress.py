"""What the command line shows of a training while it runs."""

import sys
import time
from typing import Any, Self

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from vaetut import datasets
from vaetut.recipes.recipe import Recipe

REFRESH = 0.2  # seconds between looks at the loss, each of which a device waits for
WIDE = 120  # characters a line, from which on the recipe and the seed are named


class ProgressBar(keras.callbacks.Callback):
    """A bar in the terminal for a training by `train`, used in a `with` statement.

    It shows the epoch, the step in it, the running loss in nats per image, images/s
    and the time left for the whole training. Where `console`, by default standard
    output, is not a terminal, it shows nothing.
    """

    def __init__(
        self, recipe: Recipe, seed: int, console: Console | None = None
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.name = f"{recipe.name} seed {seed} "
        self.console = console or Console(force_terminal=sys.stdout.isatty())
        self.bar = Progress(
            _text("{task.description}"),
            BarColumn(bar_width=None),
            _text("{task.fields[text]}"),
            console=self.console,
            disable=not self.console.is_interactive,
            expand=True,
            transient=True,
        )
        self.task: Any = None  # of `bar`, once an epoch has begun
        self.began: Any = None  # step and time at which the clock was started

    def __enter__(self) -> Self:
        """Show the bar."""
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Take the bar away."""
        self.bar.stop()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Show which epoch has begun, counted from 0."""
        if self.bar.disable:
            return
        if self.task is None:
            images = self.recipe.images
            if images is None:
                images = len(datasets.load(self.recipe.dataset, "train"))
            self.steps = -(-images // self.recipe.batch_size)  # of an epoch
            total = self.recipe.epochs * self.steps
            self.task = self.bar.add_task("", total=total, text="")
        # An epoch that was stopped in the middle goes on from there.
        self.before = self.steps - (self.params.get("steps") or self.steps)
        self.since: Any = None
        name = self.name if self.console.width >= WIDE else ""
        self.bar.update(
            self.task,
            description=f"{name}epoch {epoch + 1}/{self.recipe.epochs}",
            completed=epoch * self.steps + self.before,
        )
        self.epoch = epoch

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Show step, loss and time left, at most every `REFRESH` seconds."""
        if self.bar.disable:
            return
        step, now = self.before + batch + 1, time.monotonic()
        done = self.epoch * self.steps + step
        if self.began is None:  # the first step compiles
            self.began = done, now
        if self.since is None:
            self.since = self.looked = step, now
        elif now - self.looked[1] < REFRESH and step < self.steps:
            return
        self.looked = step, now
        first, start = self.began
        total = self.recipe.epochs * self.steps
        left = time_left(done - first, total - first, now - start)
        first, start = self.since
        images = (step - first) * self.recipe.batch_size
        loss = (logs or {}).get("loss")
        parts = [
            f"{step}/{self.steps}",
            f"{float(loss):.2f} nats per image" if loss is not None else "",
            f"{images / (now - start):,.0f} images/s" if images else "",
            f"{duration(left)} left" if left is not None else "",
        ]
        text = ", ".join(part for part in parts if part)
        self.bar.update(self.task, completed=done, text=text)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Show after the last epoch that measuring has begun."""
        if not self.bar.disable and epoch + 1 == self.recipe.epochs:
            self.bar.update(self.task, text="trained; measuring it")


def _text(form: str) -> TextColumn:
    return TextColumn(form, markup=False, table_column=Column(no_wrap=True))


def time_left(done: float, total: float, seconds: float) -> float | None:
    """Return the seconds that the rest of `total` takes if `done` took `seconds`.

    None while there is nothing to go by.
    """
    return None if done <= 0 else seconds * max(total - done, 0) / done


def duration(seconds: float) -> str:
    """Return seconds in words: 34 s, 2 min 10 s, 1 h 05 min."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_rest = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_rest:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
