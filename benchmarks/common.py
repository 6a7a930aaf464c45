"""What the benchmarks share: processes that take turns, ratios and results."""

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
# No process may take a whole GPU for itself: the others measure on it as well.
SHARING = {
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}


class Contender:
    """A process of a benchmark's own file that does what it is asked, then sleeps.

    Frameworks do not share a process: their thread pools and memory are their own. A
    process that is not asked waits for a line and takes no processor time. `settings`
    are more variables of its environment.
    """

    def __init__(
        self,
        script: str | Path,
        backend: str = "tensorflow",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        environment = {"TF_CPP_MIN_LOG_LEVEL": "2"} | os.environ | SHARING
        self.process = subprocess.Popen(
            [sys.executable, str(script), "--serve"],
            env=environment | {"KERAS_BACKEND": backend} | (settings or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request: Any) -> Any:
        """Return what the process answers, plain values.

        Raises RuntimeError if it ended with the request.
        """
        print(json.dumps(request), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process of the benchmark failed at {request}")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait()


def serve(answer: Callable[..., Any]) -> None:
    """Answer requests line by line: `answer(**request)` returns plain values."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed goes to the errors
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), file=replies, flush=True)


def ask_once(script: str | Path, backend: str = "tensorflow", **request: Any) -> Any:
    """Return the answer of a fresh process to a single request.

    Raises RuntimeError if it ended with the request.
    """
    with Contender(script, backend) as contender:
        return contender.ask(**request)


def take_turns(
    runs: Mapping[Any, Callable[[], float]], rounds: int, seconds: float
) -> dict[Any, list[float]]:
    """Return name → seconds of each turn, for functions that return their seconds.

    At least so many rounds, at least so long. Every other round goes backwards, so
    that a machine that grows slower favours nobody.
    """
    took: dict[Any, list[float]] = {name: [] for name in runs}
    done, began = 0, time.perf_counter()
    while done < rounds or time.perf_counter() - began < seconds:
        for name in list(runs)[:: -1 if done % 2 else 1]:
            took[name].append(runs[name]())
        done += 1
    return took


def timed(run: Callable[[], object]) -> Callable[[], float]:
    """Return a function that runs `run` and returns the seconds it took."""

    def clock() -> float:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    return clock


def cost_case(
    name: str, ours: Sequence[float], theirs: Sequence[float], digits: int = 1
) -> dict[str, Any]:
    """Return a case of a result: two lists of costs, such as seconds, pair by pair.

    The ratio is how many times as much theirs costs: with seconds, how many times as
    fast ours is. Medians, rounded to `digits`, and every pair's ratio are kept.
    Raises ValueError if the lists differ in length.
    """
    ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
    return {
        "case": name,
        "ours": round(statistics.median(ours), digits),
        "theirs": round(statistics.median(theirs), digits),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }


def rate_case(
    name: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    amounts: tuple[float, float],
    digits: int = 1,
) -> dict[str, Any]:
    """Return a case whose numbers are what is done in a second, from seconds a turn.

    `amounts` are what one turn of ours and of theirs does; the ratio compares rates.
    """
    each = [
        [seconds / amount for seconds in took]
        for took, amount in zip((ours, theirs), amounts, strict=True)
    ]
    medians = {
        side: round(1 / statistics.median(costs), digits)
        for side, costs in zip(("ours", "theirs"), each, strict=True)
    }
    return cost_case(name, *each) | medians


def commit(root: Path = ROOT) -> str:
    """Return what the checkout in `root` stands at: a commit, and if it was changed.

    "unknown" where there is no git. Results that are stored are no change.
    """
    try:
        head, changes = (
            subprocess.run(
                ["git", *words], cwd=root, capture_output=True, text=True, check=True
            ).stdout.strip()
            for words in (
                ["rev-parse", "--short", "HEAD"],
                ["status", "--porcelain", "--", ".", ":!benchmarks/results"],
            )
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + "+changes" * bool(changes)


def publish(
    script: str | Path,
    question: str,
    unit: str,
    cases: Sequence[dict[str, Any]],
    hardware: str,
    store: bool = True,
    **more: Any,
) -> dict[str, Any]:
    """Return the result of a benchmark, its first case in front, and store it.

    It says the commit it was measured at and the day, so that a stale one is seen. It
    is stored as JSON under the name of the script, unless `store` is False.
    """
    first = cases[0]
    result = {
        "question": question,
        "ours": first["ours"],
        "theirs": first["theirs"],
        "unit": unit,
        "ratio": first["ratio"],
        "hardware": hardware,
        "commit": commit(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        **more,
        "cases": cases,
    }
    if store:
        path = RESULTS / f"{Path(script).stem}.json"
        path.write_text(json.dumps(result, indent=1) + "\n")
    return result


def command(
    question: str,
    main: Callable[..., Any],
    answer: Callable[..., Any] | None = None,
) -> None:
    """Run a benchmark's file as a command: `--quick` to try it out, or `--serve`."""
    parser = argparse.ArgumentParser(description=question)
    parser.add_argument("--quick", action="store_true", help="a few steps, not stored")
    if answer is not None:
        parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if answer is not None and arguments.serve:
        serve(answer)
    else:
        print(json.dumps(main(quick=arguments.quick), indent=1))
