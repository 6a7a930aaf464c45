"""How many images a second do the large models take in on this card, against PyTorch?

Ours is the library's model as `vaetut train` runs it: images in uint8 on the device,
several steps a call, layers in bfloat16. The rival is `large.py`, a plain PyTorch loop
of the same model on the same device, channels last, with autocast. They take turns,
each framework in a process of its own. Images are noise, which takes as long.

As a command it prints a line of JSON: `rates`, what the device multiplies and moves;
`rivals`, the above; `ways`, the reference with one thing changed at a time, each with
the reason why it may be what holds it back; `python`, what Python itself takes a step,
on the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks import common

QUESTION = __doc__.splitlines()[0]
RECIPES = ("polar-reference", "faces-vae", "faces-dense-256")
HALF = "bfloat16"
TARGET = {  # of the reference on one H100 or H200, set before one was measured
    "share of the bfloat16 matrix rate": 0.25,
    "seconds of 30 epochs": 90,
}
ROUNDS, SECONDS = 5, 8  # at least so many rounds, at least so long
STEPS = 128  # of a turn: many enough that what `fit` does once does not count
RESIDENT_BATCHES = 16  # that lie on the device and are taken again and again
COPIED = {"cpu": 2**26, "gpu": 2**32}  # bytes that are copied to find the bandwidth
# What may hold the reference back: name -> (what is changed, why that may be it).
WAYS: dict[str, tuple[dict[str, Any], str]] = {
    "as trained": ({}, "what the others are compared with"),
    "one step a call": (
        {"steps_a_call": 1},
        "Python sends each by itself: `python` says how long that takes",
    ),
    "32 steps a call": ({"steps_a_call": 32}, "the same, if 8 are too few"),
    "images streamed": ({"resident": False}, "every batch crosses from the host"),
    "in float32": ({"precision": "float32"}, "twice the bytes, an eighth of the rate"),
    "channels last in all convolutions": (
        {"flags": "--xla_gpu_force_conv_nhwc=true"},
        "tensor cores want them; XLA may transpose to and fro around each",
    ),
    "convolutions by cuDNN's first choice": (
        {"flags": "--xla_gpu_autotune_level=0"},
        "what trying the algorithms out is worth; it costs time to compile",
    ),
    "algorithms that may spill": (
        {"flags": "--xla_gpu_filter_kernels_spilling_registers_on_autotuning=false"},
        "one that spills registers can be the fastest all the same",
    ),
    "launches recorded": (
        {"flags": "--xla_gpu_enable_command_buffer=FUSION,CUBLAS,CUDNN"},
        "a step has many small kernels, and each is launched by itself",
    ),
    "two steps a loop": (
        {"flags": "--xla_gpu_enable_while_loop_double_buffering=true"},
        "what a loop copies between its steps",
    ),
}
# In a contender: name -> function that makes the steps of a turn.
RUNS: dict[str, Callable[[], object]] = {}


# In a contender's process


def answer(
    prepare: str | None = None,
    run: str | None = None,
    names: Any = RECIPES,
    quick: bool = False,
    **options: Any,
) -> Any:
    """Build what a framework is to run and run it once, or time a turn of it."""
    if run:
        return common.timed(RUNS[run])()
    if prepare == "rates":
        return measured_rates(quick)
    facts = {"keras": prepare_keras, "torch": prepare_torch}[prepare](
        names, quick, **options
    )
    for way in RUNS.values():  # the first time compiles
        way()
    return facts


def scaled(name: str, quick: bool) -> Any:
    """Return a recipe at full scale, or at smoke scale to try this out."""
    from vaetut.recipes import get_recipe

    return get_recipe(name, "smoke" if quick else "full")


def noise(recipe: Any, steps: int) -> Any:
    """Return uint8 images of noise, for so many batches at most."""
    import numpy as np

    from vaetut import datasets

    shape = (min(steps, RESIDENT_BATCHES) * recipe.batch_size,)
    shape += datasets.image_shape(recipe.dataset)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def steps_of(quick: bool) -> int:
    """Return the steps of a turn."""
    return 4 if quick else STEPS


def prepare_keras(
    names: Any,
    quick: bool,
    precision: str = HALF,
    resident: bool = True,
    steps_a_call: int | None = None,
) -> dict[str, Any]:
    """Fill RUNS with our trainings; return the facts of each and of the device."""
    from vaetut.models.work import training_flops, training_work
    from vaetut.training import backends, build_model

    found = {}
    for name in names:
        recipe, steps = scaled(name, quick), steps_of(quick)
        model = build_model(recipe, 0, precision)
        work = training_work(
            model, recipe.batch_size, {HALF: 2, "float32": 4}[precision]
        )
        found[name] = {
            "flops_an_image": training_flops(model),
            "bytes_a_step": sum(layer.bytes for layer in work.values()),
            "layers": {layer: list(one) for layer, one in work.items()},
            "batch": recipe.batch_size,
        }
        RUNS[name] = our_way(recipe, model, steps, resident, steps_a_call)
    facts = {"hardware": backends.hardware(), "versions": backends.versions()}
    return facts | {"models": found}


def our_way(
    recipe: Any, model: Any, steps: int, resident: bool, steps_a_call: int | None
) -> Callable[[], object]:
    """Return a function that makes so many steps as `vaetut train` does."""
    import keras
    import numpy as np

    from vaetut.training import backends
    from vaetut.training.feed import Resident
    from vaetut.training.optimizer import build_optimizer

    images = noise(recipe, steps)
    rows = np.arange(steps * recipe.batch_size) % len(images)
    fitted, fed = model, images[rows]
    if resident and keras.backend.backend() != "tensorflow":
        fitted, fed = Resident(model, images), rows
    options = backends.compile_options()
    if steps_a_call is not None and keras.backend.backend() != "torch":
        options["steps_per_execution"] = steps_a_call
    fitted.compile(build_optimizer(recipe, steps), **options)
    how = {"batch_size": recipe.batch_size, "shuffle": False, "verbose": 0}
    return lambda: fitted.fit(fed, **how)


def prepare_torch(names: Any, quick: bool) -> dict[str, Any]:
    """Fill RUNS with plain PyTorch loops; return the version."""
    import torch

    from benchmarks import large

    for name in names:
        recipe = scaled(name, quick)
        if recipe.extra_dense:
            continue  # a case of ours against ours
        steps = steps_of(quick)
        images = noise(recipe, steps)
        RUNS[name] = large.torch_way(recipe, images, steps, HALF)
    return {"versions": {"torch": torch.__version__}, "names": list(RUNS)}


def measured_rates(quick: bool) -> dict[str, Any]:
    """Return the matrix rate in TFLOP/s by precision, and the bandwidth in GB/s."""
    import keras
    import numpy as np
    from keras import ops

    from benchmarks.utilization import PRODUCTS, SIDE, product_way
    from vaetut.training import backends

    device = "cpu" if backends.accelerator() is None else "gpu"
    side, products = (256, 2) if quick else (SIDE[device], PRODUCTS[device])
    runs = {p: common.timed(product_way(p, side, products)) for p in (HALF, "float32")}
    for run in runs.values():
        run()
    took = common.take_turns(runs, 3, 0)
    rates = {
        name: round(products * 2 * side**3 / statistics.median(seconds) / 1e12, 3)
        for name, seconds in took.items()
    }
    size = 2**20 if quick else COPIED[device]
    numbers = ops.convert_to_tensor(np.ones(size // 4, "float32"))
    add = keras.ops.add

    def copies() -> None:
        copy = numbers
        for _ in range(10):
            copy = add(copy, 1)
        ops.convert_to_numpy(copy[:1])

    copies()
    seconds = statistics.median(common.timed(copies)() for _ in range(3))
    bandwidth = round(10 * 2 * size / seconds / 1e9, 1)  # each reads and writes it
    return {"matrix": rates, "bandwidth": bandwidth, "hardware": backends.hardware()}


# In the process that compares


def rates(quick: bool = False) -> dict[str, Any]:
    """Return what the device multiplies and moves, as `measured_rates` does."""
    return common.ask_once(__file__, backend(), prepare="rates", quick=quick)


def main(quick: bool = False) -> dict[str, Any]:
    """Measure all models against PyTorch and store the result, unless `quick`."""
    result = rivals(quick)
    return common.publish(
        __file__,
        QUESTION,
        "images a second",
        result.pop("cases"),
        result.pop("hardware"),
        store=not quick,
        **result,
    )


def rivals(quick: bool = False) -> dict[str, Any]:
    """Return the cases of all models, and which share of the matrix rate ours reach.

    Raises RuntimeError where there is no card, unless `quick`.
    """
    device = rates(quick)
    cases, shares = [], {}
    with (
        common.Contender(__file__, backend()) as ours,
        common.Contender(__file__, backend()) as theirs,
    ):
        names = RECIPES[1:2] if quick else RECIPES
        facts = ours.ask(prepare="keras", names=names, quick=quick)
        other = theirs.ask(prepare="torch", names=names, quick=quick)
        runs = {("ours", n): lambda n=n: ours.ask(run=n) for n in facts["models"]}
        runs |= {("theirs", n): lambda n=n: theirs.ask(run=n) for n in other["names"]}
        took = common.take_turns(runs, 1 if quick else ROUNDS, 0 if quick else SECONDS)
    for name, model in facts["models"].items():
        images = steps_of(quick) * model["batch"]
        against = took.get(("theirs", name))
        title = f"{name}: PyTorch"
        if against is None:
            against, title = took["ours", RECIPES[1]], f"{name}: {RECIPES[1]}"
        mine = took["ours", name]
        cases.append(common.rate_case(title, mine, against, (images, images)))
        shares[name] = share(model, images / statistics.median(mine), device)
    return {
        "cases": cases,
        "hardware": facts["hardware"],
        "versions": facts["versions"] | other["versions"],
        "shares": shares,
        "rates": {k: device[k] for k in ("matrix", "bandwidth")},
        "target": TARGET,
    }


def share(
    model: dict[str, Any], images_a_second: float, device: dict[str, Any]
) -> dict[str, float]:
    """Return the share of the matrix rate, and the most that bytes would allow.

    The floor of a step is the sum over its layers of what is longer, to compute or to
    move, at the rates that were measured.
    """
    rate, bandwidth = 1e12 * device["matrix"][HALF], 1e9 * device["bandwidth"]
    step = model["flops_an_image"] * model["batch"]
    floor = sum(max(f / rate, b / bandwidth) for f, b in model["layers"].values())
    seconds = model["batch"] / images_a_second
    return {
        "images_a_second": round(images_a_second, 1),
        "share": round(step / seconds / rate, 4),
        "most": round(step / floor / rate, 4),
        "ms_a_step": round(1e3 * seconds, 3),
        "floor_ms": round(1e3 * floor, 3),
    }


def ways(quick: bool = False) -> dict[str, Any]:
    """Return images a second of the reference in every way, one process after another.

    What is known so far is printed after each: the time may end.
    """
    found: dict[str, Any] = {}
    for name, (change, reason) in WAYS.items():
        options, flags = dict(change), change.get("flags")
        options.pop("flags", None)
        given = os.environ.get("XLA_FLAGS", "")
        settings = {"XLA_FLAGS": f"{given} {flags}".strip()} if flags else {}
        row: dict[str, Any] = {"reason": reason}
        try:
            with common.Contender(__file__, backend(), settings) as contender:
                request = {"prepare": "keras", "names": RECIPES[:1], "quick": quick}
                model = contender.ask(**request, **options)["models"][RECIPES[0]]
                rounds = range(1 if quick else 3)
                turns = [contender.ask(run=RECIPES[0]) for _ in rounds]
            images = steps_of(quick) * model["batch"]
            row["images_a_second"] = round(images / statistics.median(turns), 1)
        except RuntimeError as error:
            row["failed"] = str(error)
        found[name] = row
        rates = [r.get("images_a_second", 0) for r in found.values()]
        best = list(found)[rates.index(max(rates))]
        print(json.dumps({"fastest": best, "ways": found}), flush=True)
        if quick:
            break
    return {"fastest": best, "ways": found}


def python(quick: bool = False) -> dict[str, Any]:
    """Return the microseconds that Python takes a step, by the steps of a call.

    They are the processor's, of the thread that trains, on a model of two small layers:
    a device that makes its steps faster than that waits.
    """
    import time

    import keras
    import numpy as np
    from keras import layers

    from vaetut.models import Autoencoder
    from vaetut.training.feed import Resident

    steps, images = 64 if quick else 4096, np.zeros((64, 4, 4, 1), np.uint8)
    taken, found = np.arange(2 * steps) % len(images), {}
    for several in (1, 8, 32):
        pictures, codes = keras.Input((4, 4, 1)), keras.Input((2,))
        encoder = layers.Dense(2)(layers.Flatten()(pictures))
        decoder = layers.Reshape((4, 4, 1))(layers.Dense(16)(codes))
        networks = keras.Model(pictures, encoder), keras.Model(codes, decoder)
        fitted = Resident(Autoencoder(*networks), images)
        fitted.compile("adam", jit_compile=True, steps_per_execution=several)
        seconds = []
        for _ in range(4):  # the first compiles
            start = time.thread_time()
            fitted.fit(taken, batch_size=2, shuffle=False, verbose=0)
            seconds.append(time.thread_time() - start)
        microseconds = 1e6 * statistics.median(seconds[1:]) / steps
        found[f"{several} a call"] = round(microseconds, 1)
    return found


def backend() -> str:
    """Return Keras's backend here; JAX unless another is asked for."""
    return os.environ.get("KERAS_BACKEND", "jax")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=QUESTION)
    commands = {"rates": rates, "rivals": rivals, "ways": ways, "python": python}
    parser.add_argument("what", nargs="?", choices=commands, default="rivals")
    parser.add_argument("--quick", action="store_true", help="a few small steps")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        common.serve(answer)
    else:
        os.environ.setdefault("KERAS_BACKEND", "jax")
        print(json.dumps(commands[arguments.what](quick=arguments.quick)))
