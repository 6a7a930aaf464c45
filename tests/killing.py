"""Commands that are to be killed: each in a process forked from one that is ready.

`python killing.py` has imported what takes seconds and computed nothing. Told a line
of JSON it forks a process that runs a command, and answers with a line. `Commands` is
its other end. Every training saves its state after each step, so that a kill falls in
the middle of a write as often as not.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

PATIENCE = 120  # seconds after which a command has hung
BEGUN = "begun"  # what a command prints when it handles signals
MEASURING = "measuring"  # and when it begins to measure


class Command:
    """A command that runs; its output goes to files beside its runs."""

    def __init__(self, commands: "Commands", arguments: list[str], runs: Path) -> None:
        self.runs, self.commands, self.began = runs, commands, time.monotonic()
        runs.mkdir(parents=True, exist_ok=True)
        (runs / "said").write_text("")
        self.pid = commands.ask(do="start", arguments=arguments, runs=str(runs))

    def poll(self) -> int | None:
        """Return the exit status, that of a signal as -9; None: it runs."""
        return self.commands.ask(do="poll", pid=self.pid)

    def wait(self, seconds: float = PATIENCE) -> int | None:
        """Return the exit status, or None if the command runs on after so long."""
        end = time.monotonic() + seconds
        while (status := self.poll()) is None and time.monotonic() < end:
            time.sleep(0.005)
        return status

    def reach(self, text: str) -> bool:
        """Wait until a text is in the output; return False if it ends without it."""
        while text not in self.said:
            if self.poll() is not None:
                return text in self.said
            assert time.monotonic() - self.began < PATIENCE, self.said
            time.sleep(0.005)
        return True

    def send(self, number: int) -> None:
        """Send a signal, as another process would."""
        os.kill(self.pid, number)

    @property
    def said(self) -> str:
        """What the command has printed, errors as well."""
        return (self.runs / "said").read_text("utf8")


class Commands:
    """The process that is ready, and what it forks."""

    def __enter__(self) -> Self:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        pipes["env"] = os.environ | {"TF_NUM_INTRAOP_THREADS": "1"}
        self.process = subprocess.Popen([sys.executable, __file__], text=True, **pipes)
        return self

    def __exit__(self, *error: object) -> None:
        self.process.stdin.close()
        self.process.wait()

    def ask(self, **what: Any) -> Any:
        """Tell the process something and return its answer."""
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(self, arguments: list[str], runs: Path) -> Command:
        """Start a command of `vaetut` with a folder for its runs."""
        return Command(self, arguments, runs)


def _answer() -> None:
    """Do what is asked, a line each, until nobody asks any more."""
    from vaetut import __main__, atomic
    from vaetut.runs import pipeline
    from vaetut.training import stopping

    def saying(before: str, function: Any, after: str) -> Any:
        def said(*arguments: Any) -> Any:
            print(before, flush=True)
            found = function(*arguments)
            print(after, flush=True)
            return found

        return said

    __main__._parser = saying(BEGUN, __main__._parser, "")
    pipeline._measured = saying(MEASURING, pipeline._measured, "measured")
    stopping.SNAPSHOT_SECONDS = 0
    atomic._sync = lambda path: None  # no power cut: what a dead process wrote is there
    ended: dict[int, int] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "start":
            pid = os.fork()
            if pid == 0:
                _run(__main__.main, asked["arguments"], Path(asked["runs"]))
            answer: int | None = pid
        else:
            pid = asked["pid"]
            if pid not in ended:
                found, status = os.waitpid(pid, os.WNOHANG)
                if found:
                    ended[pid] = os.waitstatus_to_exitcode(status)
            answer = ended.get(pid)
        print(json.dumps(answer), flush=True)


def _run(main: Any, arguments: list[str], runs: Path) -> None:
    """Run a command in a process of its own, and end it."""
    os.environ["VAETUT_RUNS"] = str(runs)
    said = os.open(runs / "said", os.O_WRONLY | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(said, 1)
    os.dup2(said, 2)
    status = 70
    try:
        status = main(arguments)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _answer()
    os._exit(0)  # what is imported would take its time
