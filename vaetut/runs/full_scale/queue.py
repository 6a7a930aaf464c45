"""The minutes of a card, spent on the list: one process after the other.

What a process leaves is written the moment it ends, so that whatever ends this one,
what was done stays.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from vaetut import signals
from vaetut.atomic import RunError
from vaetut.datasets import cache
from vaetut.recipes import get_recipe
from vaetut.runs.full_scale import page, parcels
from vaetut.runs.full_scale.plan import Item, plan
from vaetut.runs.full_scale.results import Results
from vaetut.runs.store import own_runs, read
from vaetut.training.budget import MEASURING, TooLong
from vaetut.training.progress import duration

Say = Callable[[str], object]

LEAST_SECONDS = 20.0  # with less no process is begun: it takes that to start
GRACE_SECONDS = 30.0  # to save in, for a process that is told to stop
LAST_LINES = 12  # of a process's output, to tell why it failed
OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "out of memory", "OutOfMemory")
MORE_MEMORY = "end what else uses the card (nvidia-smi shows it), then the same command"


def run(
    minutes: float,
    out: Path,
    scale: str = "full",
    only: Sequence[str] | None = None,
    say: Say = print,
    items: Sequence[Item] | None = None,
) -> int:
    """Spend so many minutes on the list and return the exit status of the command.

    `out` gets `results.json`, `page.md`, `log.txt`, the records of finished trainings
    and their weights, never more than eight files; the runs themselves are your own
    runs. Called again with the same folder it goes on with what is left. `scale`:
    "full", or "smoke" to rehearse; `only` as for `plan`; `items` are another list. The
    status is 0 if nothing failed, whatever the time sufficed for. Raises ValueError
    for senseless arguments, RunError where `out` cannot be written to or what is
    required fails, KeyboardInterrupt after Ctrl-C or SIGTERM.
    """
    if not minutes > 0:
        raise ValueError(f"{minutes:g} minutes are no time: give more than 0.")
    listed = list(items) if items is not None else plan(scale, only)
    deadline = time.monotonic() + 60 * minutes
    results = Results(out, scale, listed)
    # A stop waits until it is noted what was done.
    with signals.deferred(), _Log(results.out / "log.txt", say) as log:
        work = _Queue(results, deadline, log)
        try:
            work.run()
        finally:
            work.end()
            page.write(results)
        _sum_up(results, minutes, log)
        if signals.received():
            raise KeyboardInterrupt(
                "stopped; saved: the same command goes on from here"
            )
    work.raise_if_nothing_fitted(minutes)
    return int(any(result.state == "failed" for result in results.of_list()))


class _Log:
    """The lines of all processes, to the user and to a file."""

    def __init__(self, path: Path, say: Say) -> None:
        self.path, self.say = path, say

    def __enter__(self) -> Self:
        try:
            self.file = open(self.path, "a", encoding="utf8", buffering=1)
        except OSError as error:
            raise RunError(
                f"{self.path} could not be written ({error.strerror}). Name another "
                "folder: --out FOLDER"
            ) from error
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError):
            self.file.close()

    def __call__(self, line: str) -> None:
        self.say(line)
        with contextlib.suppress(OSError):  # of a full disk, results tell
            self.file.write(line + "\n")


class _Process:
    """A command of the list while it runs; its lines arrive in a queue."""

    def __init__(self, item: Item, seconds: float) -> None:
        self.item, self.began = item, time.monotonic()
        command = list(item.command)
        if item.training is not None:
            command += ["--minutes", f"{max(seconds, 1) / 60:.3f}"]
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.last: list[str] = []
        self.facts: dict[str, Any] = {}
        self.measures = False  # and leaves the card to others
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is for this process to hand on
            preexec_fn=(lambda: os.nice(10)) if item.beside else None,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.put(line.rstrip())
        self.lines.put(None)

    def take(self, log: Say, wait: float = 0.0) -> bool:
        """Hand on the lines there are; return whether there can be more.

        Where there is none, wait for one for so many seconds.
        """
        with contextlib.suppress(queue.Empty):
            while True:
                line = self.lines.get(wait > 0, wait)
                if line is None:
                    return False
                self.measures |= line.endswith(MEASURING)
                if line.startswith("{"):
                    with contextlib.suppress(ValueError):
                        self.facts = json.loads(line)
                        continue
                self.last = [*self.last, line][-LAST_LINES:]
                log(f"    {line}")
        return True

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def stop(self) -> None:
        """Tell the process to save and end; end it, and all of its own, in any case."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class _Queue:
    """The list while the minutes last."""

    def __init__(self, results: Results, deadline: float, log: Say) -> None:
        self.results, self.deadline, self.log = results, deadline, log
        self.beside: dict[str, _Process] = {}
        self.began = 0  # items, in this call

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()

    def run(self) -> None:
        """Run what fits, in order; raises RunError if what is required fails."""
        for item in self.results.items:
            self.collect()
            if signals.received():
                return
            result = self.results[item.name]
            if result.state == "done":
                self.log(f"{item.name}: done before")
                continue
            reason = self.reason_against(item)
            if reason is not None:
                self.log(f"{item.name}: not begun, {reason}")
                self.results.put(item, "not begun", note=reason)
                continue
            self.results.put(item, "under way")
            self.log(f"{item.name}: {item.about}; {duration(self.left)} left")
            self.began += 1
            process = _Process(item, self.left - self.overhead(item))
            if item.beside:
                self.beside[item.name] = process
                continue
            if not self.watch(process):
                self.beside[item.name] = process
                continue
            self.keep(process)
            if item.required and self.results[item.name].state == "failed":
                raise RunError(self.results[item.name].note)

    def reason_against(self, item: Item) -> str | None:
        """Return why an item is not begun, or None; wait for what it needs."""
        if item.missing:
            return item.missing
        if item.needs is not None:
            self.wait_for(item.needs)
            if self.results[item.needs].state != "done":
                return f"it needs {item.needs!r}, which is not done"
        known = self.results.seconds_of_like(item)
        if self.left < max(LEAST_SECONDS, known or 0):
            takes = f"it takes about {duration(known)} and " if known else ""
            return f"{takes}{duration(max(self.left, 0))} are left"
        return None

    def overhead(self, item: Item) -> float:
        """Return the seconds that a training takes besides, as known so far."""
        return self.results.overhead_of_like(item)

    def wait_for(self, name: str) -> None:
        """Wait for what runs beside, while there is time."""
        while name in self.beside and self.left > 0 and not signals.received():
            self.collect()
            time.sleep(0.1)

    def collect(self) -> None:
        """Keep the results of what has ended beside."""
        for name, process in list(self.beside.items()):
            if not process.take(self.log):
                del self.beside[name]
                self.keep(process)

    def watch(self, process: _Process) -> bool:
        """Hand on a process's lines until it ends, or the time does.

        Returns False as soon as it is trained and being measured, which takes the
        processor as long as a card takes to train: the next one can begin.
        """
        while process.take(self.log, wait=0.1):
            self.collect()
            if signals.received() or self.left < 0:
                process.stop()
            elif process.measures:
                return False
        return True

    def keep(self, process: _Process) -> None:
        """Note what became of a process, and take its run along."""
        item, status = process.item, process.process.wait()
        seconds, facts = process.seconds, process.facts
        state, note = self._outcome(process, status)
        if item.training is not None and state == "done":
            name, seed = item.training
            run = read(own_runs(), get_recipe(name, scale_of(item)), seed)
            if run is not None:
                facts = page.facts_of(run.record)
                note = parcels.add(self.results.out, run)
        self.results.put(item, state, seconds, note, facts)
        why = f"; {note}" if note else ""
        self.log(f"{item.name}: {state}, {duration(seconds)}{why}")
        page.write(self.results)

    def _outcome(self, process: _Process, status: int) -> tuple[str, str]:
        """Return the state in which a process left its item, and why."""
        errors = [x for x in process.last if x.startswith("vaetut: ")]
        note = (errors or process.last or ["it said nothing"])[-1]
        note = note.removeprefix("vaetut: ")
        if not status:
            return "done", ""
        if status == TooLong.status:
            return "too long", note
        if signals.received() or self.left < 0:
            return "stopped", note
        if any(word in line for line in process.last for word in OUT_OF_MEMORY):
            return "failed", f"too little memory ({note}): {MORE_MEMORY}"
        if status == -signal.SIGKILL:
            return "failed", (
                "the system has ended it, most often for want of memory: "
                "the same command tries again"
            )
        return "failed", note

    def end(self) -> None:
        """Wait for what runs beside, as long as there is time, then stop it."""
        while self.beside and self.left > 0 and not signals.received():
            self.collect()
            time.sleep(0.1)
        for process in self.beside.values():
            process.stop()
            while process.take(self.log, wait=0.1):
                pass
            self.keep(process)
        self.beside.clear()

    def raise_if_nothing_fitted(self, minutes: float) -> None:
        """Raise RunError if the budget was too short even for the first item."""
        open_ = [r for r in self.results.of_list() if r.state != "done"]
        if open_ and not self.began:
            first = open_[0]
            raise RunError(
                f"{minutes:g} minutes are too short for {first.name!r}, the first that "
                f"is left: {first.note}. Give more: --minutes"
            )


def scale_of(item: Item) -> str:
    """Return the scale of a training of the list."""
    return item.command[item.command.index("--scale") + 1]


def _environment() -> dict[str, str]:
    """Return the environment of a process of the list.

    What JAX compiles once is kept: the second seed and a later call begin at once.
    """
    kept = {
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # one trains while another measures
        "JAX_COMPILATION_CACHE_DIR": str(cache.root() / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.5",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    return kept | os.environ | {"PYTHONUNBUFFERED": "1"}


def _sum_up(results: Results, minutes: float, log: Say) -> None:
    """Say how many there are of each state, and where to read on."""
    counts: dict[str, int] = {}
    for result in results.of_list():
        counts[result.state] = counts.get(result.state, 0) + 1
    text = ", ".join(f"{n} {state}" for state, n in counts.items())
    where = results.out / "page.md"
    log(f"{text}, of {len(results.items)} in {minutes:g} minutes: {where}")
