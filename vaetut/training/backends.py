"""The one place that knows how each backend runs fastest, and on what it runs."""

import contextlib
import importlib.metadata
import os
import platform
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from vaetut import BACKENDS, __version__

PRECISIONS = ("float32", "bfloat16")
THREADS = {  # backend -> the variable with which it may be told how many to take
    "tensorflow": "TF_NUM_INTRAOP_THREADS",
    "jax": "NPROC",
    "torch": "OMP_NUM_THREADS",
}
SWITCHES = (  # of the environment, that change bits if they are set
    "JAX_DEFAULT_MATMUL_PRECISION",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
)
STEPS_PER_CALL = 8  # on a GPU, where a call costs about a small step

if keras.backend.backend() not in BACKENDS:
    raise ValueError(
        f"Nothing can be trained with KERAS_BACKEND={keras.backend.backend()!r}: set "
        f"it to one of {', '.join(BACKENDS)} before Python starts."
    )


def accelerator() -> str | None:
    """Return the name of the first GPU the backend sees, or None."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            details = tf.config.experimental.get_device_details(gpus[0])
            return details.get("device_name", "GPU")
    elif backend == "jax":
        import jax

        if jax.devices()[0].platform == "gpu":
            return jax.devices()[0].device_kind
    else:
        import torch

        if torch.cuda.is_available():
            return torch.cuda.get_device_name(0)
    return None


def compile_options() -> dict[str, Any]:
    """Return the arguments of `Model.compile` that make this backend fast here.

    XLA on a CPU slows TensorFlow's strided convolutions down and Keras would turn it
    on by itself; JAX is XLA; on a GPU it pays. Several steps a call gain a few per cent
    on a CPU, where stopping after any step is worth more; PyTorch has none. Keras on
    JAX runs them one by one, unless images are resident: see `feed.Resident`. Measured
    in `vaetut bench epoch`.
    """
    backend = keras.backend.backend()
    on_gpu = backend != "torch" and accelerator() is not None
    options = {"jit_compile": backend == "jax" or on_gpu}
    return options | ({"steps_per_execution": STEPS_PER_CALL} if on_gpu else {})


@contextlib.contextmanager
def layers_in(precision: str) -> Iterator[None]:
    """Build layers that compute in float32 or bfloat16; their weights are float32.

    Losses are computed in float32 whatever the layers do. Raises ValueError for any
    other precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"There is no precision {precision!r}: choose one of "
            f"{', '.join(PRECISIONS)}."
        )
    before = keras.config.dtype_policy()
    mixed = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
    keras.config.set_dtype_policy(mixed[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def free_memory() -> int | None:
    """Return how many bytes of the accelerator are free; None where none says so."""
    if accelerator() is None or keras.backend.backend() == "tensorflow":
        return None
    if keras.backend.backend() == "jax":
        import jax

        memory = jax.devices()[0].memory_stats()
        return memory["bytes_limit"] - memory["bytes_in_use"]
    import torch

    return torch.cuda.mem_get_info()[0]


def resident(size: int) -> bool:
    """Return whether `size` bytes of images should lie on the device in training.

    They should where there is an accelerator with twice as much memory free. On
    TensorFlow never: its pipeline copies batches ahead of the model by itself.
    """
    free = free_memory()
    return free is not None and 2 * size <= free


def peak_memory_mb() -> int:
    """Return the most memory used so far, in MB: the GPU's, else this process's."""
    if accelerator() is None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return round(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        peak = tf.config.experimental.get_memory_info("GPU:0")["peak"]
    elif keras.backend.backend() == "jax":
        import jax

        peak = jax.devices()[0].memory_stats()["peak_bytes_in_use"]
    else:
        import torch

        peak = torch.cuda.max_memory_allocated()
    return round(peak / 1e6)


def cores() -> int:
    """Return how many cores this process may use; not every system can say which."""
    return len(
        getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    )


def threads() -> int:
    """Return how many threads share one operation of the backend on the processor.

    They take its sums in parts, so that their number decides the last bits.
    """
    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        return torch.get_num_threads()
    set_here = 0
    if backend == "tensorflow":
        import tensorflow as tf

        set_here = tf.config.threading.get_intra_op_parallelism_threads()
    given = os.environ.get(THREADS[backend], "")
    return set_here or (int(given) if given.isdecimal() else 0) or cores()


def onednn() -> bool | None:
    """Return whether TensorFlow computes with oneDNN here; None on other backends."""
    if keras.backend.backend() != "tensorflow":
        return None
    from tensorflow.python.util import _pywrap_util_port

    return bool(_pywrap_util_port.IsMklEnabled())


def conditions(device: str, devices: int, precision: str) -> dict[str, Any]:
    """Return what decides the bits of a training, beside its recipe and seed.

    `device`: "cpu" or "gpu", of which there are so many `devices`.
    """
    switches = {name: os.environ[name] for name in SWITCHES if name in os.environ}
    return {
        "backend": keras.backend.backend(),
        "device": device,
        "devices": devices,
        "precision": precision,
        "threads": threads(),
        "onednn": onednn(),
        "hardware": hardware(),
        "versions": versions(),
        "switches": switches,
    }


def hardware() -> str:
    """Return the processor, its usable cores and the accelerator, in words."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    text = f"{model}, {cores()} cores"
    return f"{text}, {accelerator()}" if accelerator() else text


def driver() -> str | None:
    """Return the version of the NVIDIA driver, or None where there is no such card."""
    if accelerator() is None or shutil.which("nvidia-smi") is None:
        return None
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    found = subprocess.run(query, capture_output=True, text=True).stdout.split()
    return found[0] if found else None


def versions() -> dict[str, str]:
    """Return the versions that a number may depend on, the driver's where it counts."""
    backend = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "jax": ("jax",)}
    packages = ("keras", "numpy", *backend.get(keras.backend.backend(), ("torch",)))
    found = {"python": platform.python_version(), "vaetut": __version__}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # TensorFlow comes under one of two names
    return found | ({"driver": card} if (card := driver()) else {})
