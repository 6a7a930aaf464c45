"""A sweep: one recipe over settings and seeds, its runs in parallel.

On one machine the jobs are processes; on several they are the tasks of a Dask cluster:
one that `dask-jobqueue` starts on Slurm will do.
"""

import contextlib
import itertools
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import joblib
import keras
from filelock import FileLock, Timeout
from joblib.externals.loky import get_reusable_executor

from vaetut import signals
from vaetut.atomic import RunError
from vaetut.recipes import Recipe, variant
from vaetut.runs.pipeline import train_run
from vaetut.runs.record import Record
from vaetut.runs.store import finished, own_runs, stem
from vaetut.training.backends import PRECISIONS, cores, threads
from vaetut.training.progress import duration, time_left

ANSWER_SECONDS = 20  # that a scheduler has to answer
SAVE_SECONDS = 5  # that a job has to save once the process that started it is gone

Plan = Sequence[tuple[Recipe, int]]
Result = tuple[Recipe, int, Record | None, str | None]


def plan(
    recipe: Recipe, settings: dict[str, list[Any]], seeds: Iterable[int]
) -> list[tuple[Recipe, int]]:
    """Return every combination of settings (field -> values) with every seed.

    The order depends on the arguments alone, so that a position names a run. Raises
    ValueError for an unknown field or value.
    """
    variants = [
        variant(recipe, **dict(zip(settings, values, strict=True)))
        for values in itertools.product(*settings.values())
    ]
    return list(itertools.product(dict.fromkeys(variants), dict.fromkeys(seeds)))


def run(
    plan: Plan,
    jobs: int = 1,
    precision: str = "float32",
    say: Callable[[str], object] = print,
    scheduler: str | None = None,
) -> list[str]:
    """Train what a plan holds that is not finished, `jobs` runs at a time.

    Each job is a process and has, where there are several, a GPU of its own; one job
    trains in this process. All take as many threads as this process, so that the bits
    are the same however many train at a time. With the address of a Dask
    `scheduler`, as "tcp://host:8786", its workers train instead, one run each: they
    must have one thread, this backend, and this folder of runs under the same path; a
    run whose worker is lost goes on at another one. `say` gets a line a run. Returns
    what went wrong, a line each: a run that fails does not end the others. Ctrl-C and
    SIGTERM let every job save and raise KeyboardInterrupt; the same call then goes on.
    Raises ValueError for a senseless argument or a scheduler that does not answer,
    RunError if the system ends a job.
    """
    if jobs < 1 or precision not in PRECISIONS:
        raise ValueError(
            f"A sweep takes at least one job and a precision out of "
            f"{', '.join(PRECISIONS)}, not {jobs} and {precision!r}."
        )
    report = _Report(len(plan), say)
    todo = _unfinished(plan, report)
    start = time.monotonic()
    work = [(*run, own_runs(), precision) for run in todo]
    jobs = min(jobs, len(work))
    try:
        with signals.handled(), contextlib.ExitStack() as stack:
            results = (_work(*args) for args in work)
            if scheduler is not None:
                client = stack.enter_context(_client(scheduler, say))
                stop = stack.enter_context(_told_to_stop(_seen_by_all(own_runs())))
                results = _cluster_results(work, client, stop)
            elif jobs > 1:
                stop = stack.enter_context(_told_to_stop())
                results = _results(work, jobs, stop)
            stack.enter_context(contextlib.closing(results))
            for k, result in enumerate(results, 1):
                left = time_left(k, len(todo), time.monotonic() - start) or 0.0
                report.ended(result, left)
    except KeyboardInterrupt as stopped:
        raise KeyboardInterrupt(
            f"{report.done} of {len(plan)} runs are over, those under way are saved: "
            "the same command goes on from there"
        ) from stopped
    return report.problems


@contextlib.contextmanager
def _told_to_stop(place: Path | None = None) -> Iterator[Path]:
    """Give the path of a file that appears when all are to save and to stop.

    It lies in a folder of its own, in `place` if one is named. The end of the block
    waits for them. Raises KeyboardInterrupt there if the file has appeared.
    """
    with tempfile.TemporaryDirectory(dir=place) as folder:
        stop = Path(folder) / "stop"
        with signals.deferred(stop.touch):
            yield stop
        if stop.exists():  # one of the others was told to
            raise KeyboardInterrupt


class _Report:
    """What has become of the runs of a plan: a line each, and what went wrong."""

    def __init__(self, total: int, say: Callable[[str], object]) -> None:
        self.total, self.say, self.done = total, say, 0
        self.problems: list[str] = []

    def line(self, recipe: Recipe, seed: int, text: str) -> None:
        self.done += 1
        self.say(f"{self.done}/{self.total} {recipe.name} seed {seed}: {text}")

    def ended(self, result: Result, left: float) -> None:
        recipe, seed, record, error = result
        if record is not None:
            text = f"{_losses(record)}, {duration(record.seconds)}"
            if len(record.conditions) > 1:
                text += ", gone on under other conditions, which its record lists"
            self.line(recipe, seed, text + f", {duration(left)} left" * (left > 0))
        elif error is not None:
            label = f"{recipe.name} seed {seed}"
            named = error.startswith(label)
            self.problems.append(error if named else f"{label}: {error}")
            self.line(recipe, seed, "failed")


def _unfinished(plan: Plan, report: _Report) -> list[tuple[Recipe, int]]:
    """Return the runs of a plan that are yet to be trained, and report the others."""
    todo = []
    for recipe, seed in plan:
        try:
            record = finished(recipe, seed)
        except RunError as damaged:
            report.problems.append(str(damaged))
            report.line(recipe, seed, "damaged")
            continue
        if record is None:
            todo.append((recipe, seed))
        else:
            report.line(recipe, seed, f"finished before, {_losses(record)}")
    return todo


def _losses(record: Record) -> str:
    parts = {"loss": "loss", "val_loss": "validation"}
    found = [f"{parts[k]} {record.history[k][-1]:.2f}" for k in parts]
    return ", ".join(found) + " nats per image"


def _seen_by_all(folder: Path) -> Path:
    """Return a folder of runs, which all workers see, made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def _client(scheduler: str, say: Callable[[str], object]) -> Iterator[Any]:
    """Connect with the scheduler of a Dask cluster whose workers can train."""
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(
            "A sweep over a cluster needs Dask: pip install distributed"
        ) from error
    try:
        client = Client(scheduler, timeout=ANSWER_SECONDS)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"No Dask scheduler answers at {scheduler}: start one with `dask "
            "scheduler`, or give the address that it printed."
        ) from error
    with client:
        if not client.nthreads():
            say(f"{scheduler} has no worker yet: waiting for one")
        yield client


def _cluster_results(
    work: list[Any], client: Any, stop: Path
) -> Generator[Result, None, None]:
    """Yield what `_results` yields, as the workers of a Dask cluster end the runs."""
    from distributed import TimeoutError, wait

    backend = keras.backend.backend()
    left = {
        client.submit(_work_of_cluster, backend, stop, *args, pure=False): args[:2]
        for args in work
    }
    while left:
        if stop.exists() and not client.nthreads():
            return  # no worker is there that would save and say so
        try:
            done = wait(list(left), timeout=1, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            continue
        for future in done:
            run = left.pop(future)
            # One that has ended several workers is given up by the scheduler.
            failure = future.exception()
            lost = None if failure is None else f"{type(failure).__name__}: {failure}"
            yield (*run, None, lost) if lost else future.result()


def _work_of_cluster(
    backend: str, stop: Path, recipe: Recipe, seed: int, *args: Any
) -> Result:
    """Train one run in a worker of a Dask cluster, unless it is no fit one for that."""
    from distributed import get_worker

    worker = get_worker()
    found, threads = keras.backend.backend(), worker.state.nthreads
    mend = None
    if found != backend:
        mend = f"runs {found}: start its workers with KERAS_BACKEND={backend}"
    elif threads > 1:  # Keras draws and builds for one training in a process
        mend = f"has {threads} threads: start its workers with --nthreads 1"
    if mend:
        return recipe, seed, None, f"this worker of the cluster {mend}"
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # retracing is meant
    key = worker.get_current_task()

    def forgotten() -> bool:  # whoever wanted the run is gone
        return getattr(worker.state.tasks.get(key), "state", None) != "executing"

    try:
        return _work_of_other(
            stop, recipe, seed, *args, over=lambda: stop.exists() or forgotten()
        )
    finally:
        if forgotten():
            shutil.rmtree(stop.parent, ignore_errors=True)


def _results(work: list[Any], jobs: int, stop: Path) -> Generator[Result, None, None]:
    """Yield (recipe, seed, record or None, error or None) as the runs end."""
    # Each job has the threads of this process, where one job would train: they decide
    # bits, which must not depend on how many runs are left, or trained at a time.
    given = os.environ.get("OMP_NUM_THREADS", "")
    with joblib.parallel_config(
        "loky",
        inner_max_num_threads=int(given) if given.isdecimal() else cores(),
        initializer=_initializer(_slots(jobs), stop),
    ):
        parallel = joblib.Parallel(
            n_jobs=jobs, return_as="generator_unordered", batch_size=1
        )
    kill = True
    try:
        with warnings.catch_warnings():
            # A worker that has grown is replaced by a fresh one.
            warnings.filterwarnings("ignore", message="A worker stopped while")
            yield from parallel(joblib.delayed(_work_of_other)(stop, *a) for a in work)
        kill = False
    except BrokenProcessPool as error:
        if not stop.exists():
            raise RunError(
                "The system has ended one of the jobs, most often for want of memory: "
                "take fewer jobs; the same command goes on with what is left."
            ) from error
    finally:
        executor = get_reusable_executor(reuse=True)
        executor.shutdown(wait=True, kill_workers=kill)


def _work_of_other(
    stop: Path,
    recipe: Recipe,
    seed: int,
    *args: Any,
    over: Callable[[], bool] | None = None,
) -> Result:
    """Train one run for another process, which `stop` comes from; see `_results`.

    It stops once `over()` is true, where that is given. A stop of this process is one
    of all.
    """
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(signals.handled(signal.SIGTERM))  # Ctrl-C: its affair
            if over is not None:
                stack.enter_context(signals.watched(over))
            if not stop.exists():
                return _work(recipe, seed, *args)
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            stop.touch()
    return recipe, seed, None, None


def _work(recipe: Recipe, seed: int, folder: Path, precision: str) -> Result:
    """Train one run; see `_results`."""
    record = error = None
    try:
        run: Any = train_run(
            recipe,
            seed,
            stem(folder, recipe, seed),
            say=lambda line: None,
            precision=precision,
        )
        record = run.record
    except (RunError, ValueError) as failure:
        error = str(failure)
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"
    return recipe, seed, record, error


def _slots(jobs: int) -> list[dict[str, str]]:
    """Return what is set in the environment of each of so many jobs."""
    gpus = _gpus()
    slots = []
    for k in range(jobs):
        slot = {"TF_NUM_INTRAOP_THREADS": str(threads())}
        if gpus:
            slot["CUDA_VISIBLE_DEVICES"] = gpus[k % len(gpus)]
        if len(gpus) < jobs:  # those that share one must not take all its memory
            slot["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
            slot["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        slots.append(slot)
    return slots


def _gpus() -> list[str]:
    """Return the GPUs that this process may use, without making a backend take them."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [name for name in given.split(",") if name]
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True).stdout.split()


def _initializer(slots: list[dict[str, str]], stop: Path) -> Callable[[], None]:
    """Return a function that makes a new worker a job of this process.

    It gets the first slot that is free, stops when `stop` appears, and ends when this
    process does. The function is defined in here to be sent as code, with no name of
    this module that needs Keras: the environment must be set before it is imported.
    """
    parent = os.getpid()

    def initialize() -> None:
        def told(number: int, frame: Any) -> None:  # before and after a run
            with contextlib.suppress(OSError):
                stop.touch()

        def orphaned() -> bool:
            return os.getppid() != parent

        def leave() -> None:
            signals.stop()
            end = time.monotonic() + SAVE_SECONDS
            while signals.handling() and time.monotonic() < end:
                time.sleep(signals.LOOK)
            os._exit(1)

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's is for the parent
        signal.signal(signal.SIGTERM, told)
        held = contextlib.ExitStack()  # until the process ends
        initialize.held = held  # type: ignore[attr-defined]
        held.enter_context(signals.watched(stop.exists))
        held.enter_context(signals.watched(orphaned, leave))
        logging.getLogger("tensorflow").setLevel(logging.ERROR)  # retracing is meant
        for k, slot in enumerate(slots):
            os.environ.update(slot)
            with contextlib.suppress(Timeout):
                held.enter_context(FileLock(stop.with_name(f"slot-{k}"), timeout=0))
                break

    return initialize
