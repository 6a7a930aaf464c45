"""What the command line shows of a training: the bar, and the time left."""

import dataclasses
import io
import re

import pytest
from rich.console import Console

from vaetut.recipes import get_recipe
from vaetut.training import train
from vaetut.training.progress import ProgressBar, duration, time_left


def test_the_time_left_follows_from_the_time_taken():
    assert time_left(2, 10, 5.0) == 20
    assert time_left(10, 10, 5.0) == 0 and time_left(11, 10, 5.0) == 0
    assert time_left(0, 10, 5.0) is None


def test_seconds_are_said_as_a_person_says_them():
    said = {0: "0 s", 34.4: "34 s", 59.7: "1 min 00 s", 130: "2 min 10 s"}
    said |= {3600: "1 h 00 min", 3900: "1 h 05 min"}
    assert {seconds: duration(seconds) for seconds in said} == said


RECIPE = dataclasses.replace(get_recipe("fashion-ae", "smoke"), epochs=2)  # 3 steps


def terminal(width=80, is_one=True):
    """Return a terminal in memory."""
    return Console(file=io.StringIO(), force_terminal=is_one, width=width)


class Watched(ProgressBar):
    """A bar that keeps how it looked after each batch, as plain text."""

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        plain = Console(file=io.StringIO(), width=self.console.width)
        plain.print(self.bar.get_renderable())
        self.__dict__.setdefault("looks", []).append(plain.file.getvalue().rstrip())


def drive(bar, epochs=2, steps=3):
    """Call a bar as `train` does."""
    bar.set_params({"steps": steps})
    with bar:
        for epoch in range(epochs):
            bar.on_epoch_begin(epoch)
            for batch in range(steps):
                bar.on_train_batch_end(batch, {"loss": 250.0 - batch})
            bar.on_epoch_end(epoch)
    return bar


def test_the_bar_shows_epoch_step_loss_speed_and_time_left(monkeypatch):
    monkeypatch.setattr("vaetut.training.progress.REFRESH", 0)
    with Watched(RECIPE, 4, terminal()) as bar:
        train(RECIPE, 4, say=str, callbacks=[bar])
    at = [re.match(r"epoch (\d)/2 \S+ +(\d)/3, ", look).groups() for look in bar.looks]
    assert at == [(epoch, step) for epoch in "12" for step in "123"]
    numbers = r"\d+\.\d\d nats per image, [\d,]+ images/s, \d+ s left$"
    assert re.search(numbers, bar.looks[1]) and re.search(numbers, bar.looks[5])
    assert "images/s" not in bar.looks[0]  # nothing to go by yet
    assert bar.looks[5].endswith(" 0 s left")
    assert all("\n" not in look and len(look) <= 80 for look in bar.looks)
    assert "nats per image" in bar.console.file.getvalue()


def test_the_bar_looks_at_the_loss_a_few_times_a_second():
    bar = drive(Watched(RECIPE, 4, terminal()), steps=3)
    shown = [re.search(r"(\d)/3, ([\d.]+) nats", look).groups() for look in bar.looks]
    assert shown[:3] == [("1", "250.00"), ("1", "250.00"), ("3", "248.00")]


def test_the_bar_says_when_the_training_is_over():
    bar = drive(ProgressBar(RECIPE, 4, terminal()))
    assert bar.bar.tasks[0].fields["text"] == "trained; measuring it"


def test_a_wide_terminal_names_the_training():
    looks = drive(Watched(RECIPE, 4, terminal(140))).looks
    assert all(look.startswith("fashion-ae seed 4 epoch") for look in looks)


def test_an_epoch_that_was_stopped_goes_on_at_its_step(tmp_path):
    bar = ProgressBar(RECIPE, 4, terminal())
    bar.set_params({"steps": 1})  # the rest of three
    with bar:
        bar.on_epoch_begin(1)
        bar.on_train_batch_end(0, {"loss": 250.0})
        (task,) = bar.bar.tasks
    assert (task.completed, task.total) == (6, 6)
    assert task.fields["text"].startswith("3/3, 250.00 nats")


def test_what_is_no_terminal_gets_no_bar():
    bar = drive(ProgressBar(RECIPE, 4, terminal(is_one=False)))
    assert bar.console.file.getvalue() == ""


def test_the_bar_is_taken_away_when_the_training_fails(tmp_path):
    console = terminal()
    with pytest.raises(RuntimeError), ProgressBar(RECIPE, 4, console) as bar:
        bar.set_params({"steps": 3})
        bar.on_epoch_begin(0)
        raise RuntimeError
    assert console.file.getvalue().endswith("\x1b[2K")  # the line is erased
    assert "\x1b[?25h" in console.file.getvalue()  # and the cursor is back
