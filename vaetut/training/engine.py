"""The one place that knows how each backend runs fastest, and on what it runs."""

import importlib.metadata
import os
import platform
from pathlib import Path

import keras

from vaetut import __version__


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


def compile_options() -> dict:
    """Return the arguments of `Model.compile` that make this backend fast here.

    XLA on a CPU slows TensorFlow's strided convolutions down and Keras would turn it
    on by itself; JAX is XLA; on a GPU it pays. Measured in `vaetut bench epoch`.
    """
    backend = keras.backend.backend()
    xla = backend == "jax" or (backend == "tensorflow" and accelerator() is not None)
    return {"jit_compile": xla}


def hardware() -> str:
    """Return the processor, its usable cores and the accelerator, in words."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    # Not every system can say which cores this process may use.
    mine = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count()))(0)
    text = f"{model}, {len(mine)} cores"
    return f"{text}, {accelerator()}" if accelerator() else text


def versions() -> dict[str, str]:
    """Return the versions that a number may depend on."""
    backend = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "jax": ("jax",)}
    packages = ("keras", "numpy", *backend.get(keras.backend.backend(), ("torch",)))
    found = {"python": platform.python_version(), "vaetut": __version__}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # TensorFlow comes under one of two names
    return found
