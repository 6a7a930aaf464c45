"""Does it work on this card? Each check prints what it found as a line of JSON.

    python -m vaetut.runs.full_scale.checks machine --scale full

It ends with a status that is not 0, and says why, where something is not as it must be.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import keras
import numpy as np
from keras import ops

from vaetut import datasets
from vaetut.atomic import RunError
from vaetut.models.work import training_memory
from vaetut.recipes import get_recipe
from vaetut.runs.record import Record, read_record
from vaetut.training import backends, build_model, load_data, train, trainer

REFERENCE, FACES = "polar-reference", "faces-vae"
TOLERANCE = 1e-4  # of the loss: two ways of the same arithmetic
ROUGH = 0.05  # of the loss: bfloat16 against float32
KILLED = "polar-reference+epochs=12"  # a checkpoint an epoch
PATIENCE = 300.0  # seconds for a training of seconds
EXACT = {  # no operation whose order of summation may change
    "XLA_FLAGS": "--xla_gpu_deterministic_ops=true",
    "TF_DETERMINISTIC_OPS": "1",
}


def machine(scale: str) -> dict[str, Any]:
    """Return what there is; raise RunError where that cannot do at full scale."""
    card, free = backends.accelerator(), backends.free_memory()
    name = keras.backend.backend()
    if scale == "full" and card is None:
        raise RunError(
            f"{name} finds no GPU here: install its build for GPUs (page Running it), "
            "or rehearse on the processor with --rehearse"
        )
    needed = {n: _needed(n, scale) for n in (REFERENCE, FACES)}
    check_memory(free, needed)
    return {
        "hardware": backends.hardware(),
        "free_memory_mb": None if free is None else round(free / 1e6),
        "needed_mb": {n: round(size / 1e6) for n, size in needed.items()},
        "backend": name,
        "versions": backends.versions(),
    }


def check_memory(free: int | None, needed: Mapping[str, int]) -> None:
    """Raise RunError unless so many bytes suffice for each training by name."""
    name, most = max(needed.items(), key=lambda pair: pair[1])
    if free is not None and free < most:
        raise RunError(
            f"the card has {free / 1e9:.1f} GB free and {name} needs {most / 1e9:.1f} "
            "at least: end what else uses it (nvidia-smi shows it), or take a larger "
            "one"
        )


def _needed(name: str, scale: str) -> int:
    recipe = get_recipe(name, scale)
    shape = datasets.image_shape(recipe.dataset)
    return training_memory(
        build_model(recipe),
        recipe.batch_size,
        trainer.validation_batch(shape),
        width=2,  # of bfloat16, in which the list trains
    )


def training(scale: str) -> dict[str, Any]:
    """Train in both precisions, with images on the device and off it; compare losses.

    The loss of the large model is that of the processor as well.
    """
    recipe = get_recipe(REFERENCE, "smoke")

    def loss(precision: str = "float32", resident: bool = False) -> float:
        with mock.patch.object(backends, "resident", return_value=resident):
            trained = train(recipe, 0, say=str, precision=precision)
        return trained.history["loss"][-1]

    found = {name: loss(name) for name in backends.PRECISIONS}
    if keras.backend.backend() != "tensorflow":  # which feeds itself
        found["resident"] = loss(resident=True)
    plain = found["float32"]
    for name, tolerance in {"bfloat16": ROUGH, "resident": TOLERANCE}.items():
        _compare(name, found.get(name, plain), plain, tolerance)
    here, there = losses_on(("", "cpu:0"), scale)
    _compare("the processor", there, here, TOLERANCE)
    return {
        "loss_to_processor": abs(here / there - 1),
        **{f"loss_{name}": value for name, value in found.items()},
    }


def losses_on(devices: Sequence[str], scale: str) -> list[float]:
    """Return the reference's loss in nats per image on each device, "" the default.

    The weights, images and ε are the same.
    """
    recipe = get_recipe(REFERENCE, scale)
    images = load_data(recipe, 0)[1].images[: recipe.batch_size]
    shape = (len(images), recipe.latent_dim)
    epsilon = np.random.default_rng(0).standard_normal(shape).astype("float32")
    found, weights = [], None
    for device in devices:
        with keras.device(device) if device else mock.MagicMock():
            model: Any = build_model(recipe)
            weights = weights or model.get_weights()
            model.set_weights(weights)
            scaled = images.astype("float32") / 255
            outputs = model(images, epsilon=ops.convert_to_tensor(epsilon))
            terms = model.loss_terms(ops.convert_to_tensor(scaled), *outputs)
            found.append(float(ops.convert_to_numpy(ops.mean(terms["loss"]))))
    return found


def _compare(name: str, found: float, wanted: float, tolerance: float) -> None:
    if not abs(found / wanted - 1) <= tolerance:
        raise RunError(
            f"the loss of {name} is {found:.6g}, and {wanted:.6g} was to be expected "
            f"within {tolerance:g} of it"
        )


def resume(scale: str) -> dict[str, Any]:
    """Kill a training in the middle; say if it still ends with the same weights.

    Where it does not, again with operations whose order is fixed.
    """
    same = _resumes({})
    found: dict[str, Any] = {"same": same}
    if not same:
        found["same_in_fixed_order"] = _resumes(EXACT)
        if not found["same_in_fixed_order"]:
            raise RunError(
                "a training that was killed ends with other weights than one that was "
                "not, in a fixed order of summation as well"
            )
    return found


def _resumes(settings: Mapping[str, str]) -> bool:
    """Return whether a killed training and a whole one have the same weights."""
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder, name) for name in ("whole", "killed")]
        whole, killed = (_start(place, settings) for place in places)
        checkpoint = _stem(places[1]).with_suffix(".checkpoint")
        _wait(killed, checkpoint.exists)
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        again = _start(places[1], settings)
        for process in (whole, again):
            output, _ = process.communicate(timeout=PATIENCE)
            if process.returncode:
                raise RunError(f"a training ended with: {output[-500:]}")
        one, other = (read_record(_stem(p).with_suffix(".json")) for p in places)
        return _outcome(one) == _outcome(other)


def _outcome(record: Record) -> tuple[str, dict[str, list[float]]]:
    return record.weights_sha256, record.history


def _stem(place: Path) -> Path:
    return place / KILLED / "smoke" / "seed-0"


def _start(place: Path, settings: Mapping[str, str]) -> subprocess.Popen[str]:
    """Return a process that trains what is killed into a folder of runs."""
    shared = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # with the other one
    environment: dict[str, str] = os.environ | shared | dict(settings)
    environment |= {"VAETUT_RUNS": str(place)}
    command = [sys.executable, "-m", "vaetut", "train", KILLED, "--scale", "smoke"]
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _wait(process: subprocess.Popen[str], until: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not until():
        if process.poll() is not None or time.monotonic() > end:
            raise RunError("a training ended, or hung, before its first checkpoint")
        time.sleep(0.002)


CHECKS = {"machine": machine, "train": training, "resume": resume}


def main() -> int:
    """Run the check that the command line names, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--scale", default="full")
    arguments = parser.parse_args()
    try:
        print(json.dumps(CHECKS[arguments.check](arguments.scale)))
    except RunError as error:
        print(f"vaetut: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
