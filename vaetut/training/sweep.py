"""A sweep: one recipe over settings and seeds, its runs in parallel, their table."""

import contextlib
import itertools
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import joblib
import keras
from joblib.externals.loky import get_reusable_executor

from vaetut.training import runs
from vaetut.training.engine import PRECISIONS
from vaetut.training.progress import duration, time_left
from vaetut.training.recipe import Recipe
from vaetut.training.record import RunError
from vaetut.training.runs import finished
from vaetut.training.trainer import train
from vaetut.training.variants import as_text, parse_value, variant
from vaetut.training.watch import stop_signals


def plan(recipe: Recipe, settings: dict, seeds) -> list[tuple[Recipe, int]]:
    """Return every combination of settings (field -> values) with every seed.

    The order depends on the arguments alone, so that a position names a run.
    """
    variants = [
        variant(recipe, **dict(zip(settings, values, strict=True)))
        for values in itertools.product(*settings.values())
    ]
    return list(itertools.product(dict.fromkeys(variants), dict.fromkeys(seeds)))


def run(plan, jobs: int = 1, precision: str = "float32", say=print) -> list[str]:
    """Train what a plan holds that is not finished, `jobs` runs at a time.

    Each job is a process with its share of the cores and, where there are several,
    a GPU of its own; one job trains in this process. `say` gets a line a run.
    Returns what went wrong, a line each: a run that fails does not end the others.
    Ctrl-C and SIGTERM let every job save and raise KeyboardInterrupt; the same call
    then goes on. Raises ValueError for a senseless argument, RunError if the system
    ends a job.
    """
    if jobs < 1 or precision not in PRECISIONS:
        raise ValueError(
            f"A sweep takes at least one job and a precision out of "
            f"{', '.join(PRECISIONS)}, not {jobs} and {precision!r}."
        )
    todo, problems, done = [], [], 0

    def report(recipe, seed, text):
        nonlocal done
        done += 1
        say(f"{done}/{len(plan)} {recipe.name} seed {seed}: {text}")

    for recipe, seed in plan:
        try:
            record = finished(recipe, seed)
        except RunError as error:
            problems.append(str(error))
            report(recipe, seed, "its record is damaged")
            continue
        if record is None:
            todo.append((recipe, seed))
        else:
            report(recipe, seed, f"finished before, {_losses(record)}")
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        stop = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "stop"
        stack.enter_context(stop_signals(stop.touch))
        results = _results(todo, jobs, precision, stop)
        for k, (recipe, seed, record, error) in enumerate(results, 1):
            left = time_left(k, len(todo), time.monotonic() - start)
            if record is not None:
                text = f"{_losses(record)}, {duration(record.seconds)}"
                report(recipe, seed, text + f", {duration(left)} left" * (left > 0))
            elif error is not None:
                label = f"{recipe.name} seed {seed}"
                named = error.startswith(label)
                problems.append(error if named else f"{label}: {error}")
                report(recipe, seed, "failed")
        if stop.exists():
            raise KeyboardInterrupt(
                f"{done} of {len(plan)} runs are over, those under way are saved: "
                "the same command goes on from there"
            )
    return problems


def _losses(record):
    parts = {"loss": "loss", "val_loss": "validation"}
    found = [f"{parts[k]} {record.history[k][-1]:.2f}" for k in parts]
    return ", ".join(found) + " nats per image"


def _results(todo, jobs, precision, stop):
    """Yield (recipe, seed, record or None, error or None) as the runs end."""
    jobs = min(jobs, len(todo))
    work = [joblib.delayed(_work)(*item, precision, stop) for item in todo]
    if jobs < 2:
        yield from (function(*args) for function, args, _ in work)
        return
    parallel = joblib.Parallel(
        n_jobs=jobs,
        backend="loky",
        return_as="generator_unordered",
        batch_size=1,
        initializer=_initializer(_slots(jobs), str(stop.parent)),
    )
    kill = True
    try:
        with warnings.catch_warnings():
            # A worker that has grown is replaced by a fresh one.
            warnings.filterwarnings("ignore", message="A worker stopped while")
            yield from parallel(work)
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


def _work(recipe, seed, precision, stop):
    """Train one run, most often in a process of its own; see `_results`."""
    if stop.exists():
        return recipe, seed, None, None
    path = runs.stem(runs.own_runs(), recipe, seed)
    record = error = None
    try:
        record, _ = train(
            recipe,
            seed,
            path,
            say=lambda line: None,
            callbacks=[_StopWith(stop)],
            precision=precision,
        )
    except KeyboardInterrupt:
        stop.touch()
    except (RunError, ValueError) as failure:
        error = str(failure)
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"
    return recipe, seed, record, error


class _StopWith(keras.callbacks.Callback):
    """Stops a training after the batch at hand once a file exists."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_train_batch_end(self, batch, logs=None):
        if self.path.exists():
            self.model.stop_training = True


def _slots(jobs):
    """Return what is set in the environment of each of so many jobs."""
    gpus = _gpus()
    slots = []
    for k in range(jobs):
        slot = {"TF_NUM_INTRAOP_THREADS": str(max(1, joblib.cpu_count() // jobs))}
        if gpus:
            slot["CUDA_VISIBLE_DEVICES"] = gpus[k % len(gpus)]
        if len(gpus) < jobs:  # those that share one must not take all its memory
            slot["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
            slot["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        slots.append(slot)
    return slots


def _gpus():
    """Return the GPUs that this process may use, without making a backend take them."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [name for name in given.split(",") if name]
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True).stdout.split()


def _initializer(slots, folder):
    """Return a function that gives a new worker the first slot that is free.

    It is defined in here to be sent as code: the environment must be set before this
    module, and with it Keras, is imported.
    """

    def initialize():
        import contextlib
        import logging
        import os

        from filelock import FileLock, Timeout

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # `train` has its own handler
        logging.getLogger("tensorflow").setLevel(logging.ERROR)  # retracing is meant
        for k, slot in enumerate(slots):
            os.environ.update(slot)
            with contextlib.suppress(Timeout):
                lock = FileLock(os.path.join(folder, f"slot-{k}"), timeout=0)
                lock.acquire()
                initialize.lock = lock  # held until the process ends
                break

    return initialize


SCRIPT = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --time={limit}
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=4
#SBATCH --requeue
#SBATCH --signal=TERM@60
#SBATCH --output=%x-%A_%a.out
#SBATCH --open-mode=append

# One task a run. Options of sbatch take the place of those above. All nodes must see
# the folder in VAETUT_RUNS. When the tasks are done, the table comes from
#   {command} --csv {name}.csv

export SRUN_CPUS_PER_TASK="${{SLURM_CPUS_PER_TASK:-1}}"
${{SLURM_JOB_ID:+srun}} {command} --task "$SLURM_ARRAY_TASK_ID"
status=$?

# A minute before its time is up, a task gets SIGTERM, saves, and ends with status 130:
# it queues again and goes on from there. A pre-empted one Slurm queues by itself.
if [ $status -eq 130 ] && [ -n "$SLURM_JOB_ID" ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit $status
"""


def slurm(
    recipe: Recipe, settings: dict, seeds, limit: str = "04:00:00", options=()
) -> str:
    """Return a batch script for Slurm that runs a plan as an array, one task a run.

    `limit` is a run's time, as in sbatch's --time; `options` are further ones of
    `vaetut sweep`. A task that runs out of time saves, queues again and goes on.
    """
    command = ["vaetut", "sweep", recipe.name, "--scale", recipe.scale]
    for field, values in settings.items():
        texts = [as_text(parse_value(field, value)) for value in values]
        command += ["--set", f"{field}={','.join(texts)}"]
    texts = [str(seed) for seed in seeds]
    if len(texts) == 1:
        texts *= 2  # 3,3 is the seed 3, where 3 is three seeds
    return SCRIPT.format(
        name=recipe.name,
        last=len(plan(recipe, settings, seeds)) - 1,
        limit=limit,
        command=shlex.join([*command, "--seeds", ",".join(texts), *options]),
    )
