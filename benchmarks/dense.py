"""What does an extra Dense layer before a VAE's two heads save?

Ours are the source's networks for faces with an extra layer, theirs the same without
it. Steps of training with Adam at several batch sizes, in float32 on TensorFlow. On a
CPU the seconds are the processor's for a single thread, which other work on the machine
hardly changes, in turns in one process. Memory is the most that a process of its own
held, less what it held before the model, as batches grow. Images are noise, which is
as large and takes as long.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks import common

if TYPE_CHECKING:
    import keras
    import numpy as np

QUESTION = __doc__.splitlines()[0]
PLAIN = "faces-vae"
WAYS = (PLAIN, "faces-dense-256", "faces-dense-384")
BATCHES = (1, 8, 32, 128)  # growing; the source's is the last
HELD = (1, 32, 128)  # of which memory is measured
ROUNDS, REPEATS, STEPS = 15, 8, 2
LEAST = 0.2  # seconds of a turn: small batches take several steps
# In the process that is timed: name -> function that makes one step.
RUNS: dict[str, Callable[[], object]] = {}


# In a process of its own


def answer(
    way: str,
    scale: str = "full",
    batches: Sequence[int] = BATCHES,
    name: Any = None,
    steps: int = 1,
) -> Any:
    """Prepare what is timed, time a turn of some steps of one, or find peaks."""
    if way == "turn":
        return seconds(RUNS[name], steps)
    return prepare(scale, batches) if way == "prepare" else peaks(name, scale, batches)


def seconds(run: Callable[[], object], times: int) -> float:
    """Return the seconds a run takes: on a CPU the processor's, of all threads."""
    from vaetut.training import backends

    clock = time.perf_counter if backends.accelerator() else time.process_time
    start = clock()
    for _ in range(times):
        run()
    return (clock() - start) / times


def compiled(name: str, scale: str) -> keras.Model:
    """Return a recipe's model, ready to train."""
    import keras

    from vaetut.recipes import get_recipe
    from vaetut.training import backends, build_model

    recipe = get_recipe(name, scale)
    model = build_model(recipe, 0)
    options = backends.compile_options() | {"steps_per_execution": 1}
    model.compile(keras.optimizers.Adam(recipe.learning_rate), **options)
    return model


def noise(model: keras.Model, batch: int) -> np.ndarray:
    """Return a batch of uint8 images of noise, as large as the model's."""
    import numpy as np

    shape = (batch, *model.encoder.input_shape[1:])
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def prepare(scale: str, batches: Sequence[int]) -> dict[str, Any]:
    """Fill RUNS with a step of every network at every batch size; return the facts."""
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    from vaetut.models.networks import macs
    from vaetut.training import backends

    counts, steps = {}, {}
    for way in WAYS:
        model = compiled(way, scale)
        networks = model.encoder, model.decoder
        counts[way] = {
            "parameters": sum(network.count_params() for network in networks),
            "macs": sum(map(macs, networks)),
        }
        for batch in batches:
            images = noise(model, batch)
            run = RUNS[f"{way} {batch}"] = lambda m=model, x=images: m.train_on_batch(x)
            run()  # the first time compiles
            steps.setdefault(str(batch), max(1, round(LEAST / seconds(run, 1))))
    facts = {"hardware": backends.hardware(), "versions": backends.versions()}
    return facts | {"counts": counts, "steps": steps}


def peaks(name: str, scale: str, batches: Sequence[int]) -> dict[str, int]:
    """Return the most memory in MB that training takes at each size of a batch."""
    from benchmarks.memory import resident_mb
    from vaetut.training import backends

    found, before = {}, 0 if backends.accelerator() else resident_mb()
    model = compiled(name, scale)
    for batch in batches:
        for _ in range(STEPS):
            model.train_on_batch(noise(model, batch))
        found[str(batch)] = backends.peak_memory_mb() - before
    return found


# In the process that compares. It stays small: a child's peak begins with its parent's.


def timed(
    scale: str, batches: Sequence[int], rounds: int
) -> tuple[dict[Any, list[float]], dict[str, Any]]:
    """Return milliseconds a step of each turn, by network and batch, and the facts."""
    with common.Contender(__file__) as contender:
        facts = contender.ask(way="prepare", scale=scale, batches=batches)
        runs = {
            (way, batch): lambda way=way, batch=batch: contender.ask(
                way="turn", name=f"{way} {batch}", steps=facts["steps"][str(batch)]
            )
            for batch in batches
            for way in WAYS
        }
        for run in runs.values():  # what is done once more, after the first steps
            run()
        took = common.take_turns(runs, rounds, 0)
    return {key: [1000 * each for each in turns] for key, turns in took.items()}, facts


def held(
    scale: str, batches: Sequence[int], repeats: int
) -> dict[tuple[str, int], list[int]]:
    """Return the peaks in MB of each process, by network and batch."""
    found: dict[tuple[str, int], list[int]]
    found = {(way, batch): [] for way in WAYS for batch in batches}
    request = {"way": "peaks", "scale": scale, "batches": batches}
    for _ in range(repeats):
        for way in WAYS:
            answers = common.ask_once(__file__, name=way, **request)
            for batch in batches:
                found[way, batch].append(answers[str(batch)])
    return found


def main(quick: bool = False, scale: str = "full") -> dict[str, Any]:
    """Return the result, and store it unless `quick`: one batch of the smallest."""
    sizes, rounds, repeats = {"ms": BATCHES, "MB": HELD}, ROUNDS, REPEATS
    if quick:
        scale, sizes, rounds, repeats = "smoke", {"ms": (1,), "MB": (1,)}, 1, 1
    took, facts = timed(scale, sizes["ms"], rounds)
    tables = {"ms": took, "MB": held(scale, sizes["MB"], repeats)}
    cases = [
        common.cost_case(
            f"{way}, batch of {batch}, {unit}", table[way, batch], table[PLAIN, batch]
        )
        for unit, table in tables.items()
        for batch in sizes[unit][::-1]
        for way in WAYS[1:]
    ]
    medians = {
        unit: {
            way: {
                str(n): round(statistics.median(table[way, n]), 1) for n in sizes[unit]
            }
            for way in WAYS
        }
        for unit, table in tables.items()
    }
    return common.publish(
        __file__,
        QUESTION,
        "ms a step, or MB",
        cases,
        facts["hardware"],
        store=not quick,
        reads="how many times as much it takes without the layer",
        versions=facts["versions"],
        counts=facts["counts"],
        **medians,
    )


if __name__ == "__main__":
    common.command(QUESTION, main, answer)
