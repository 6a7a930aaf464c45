"""What a training runs on: one device, several, or several machines.

Several devices are JAX's affair: `keras.distribution` splits every batch evenly, and
the losses, their parts and the weights are those of one device with the same batch.
TensorFlow and PyTorch train on one device here.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

KINDS = ("cpu", "gpu")
EARLIER = "Claim it before anything else has run, in a process of its own."


@dataclass(frozen=True)
class Devices:
    """What a training runs on; `claim` makes it.

    Build, compile and fit within `scope()`, and feed what `rows` returns.
    """

    kind: str  # "cpu" or "gpu"
    local: int = 1  # devices that this process uses
    processes: int = 1  # as many as addresses in the cluster
    rank: int = 0  # this process's place among them
    distribution: Any = field(default=None, repr=False, compare=False)
    place: str | None = field(default=None, repr=False)  # other than the default device

    @property
    def total(self) -> int:
        """The number of devices, of all processes together."""
        return self.local * self.processes

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes files."""
        return self.rank == 0

    @contextlib.contextmanager
    def scope(self) -> Iterator["Devices"]:
        """Build and run models on these devices; on the default one, change nothing."""
        with contextlib.ExitStack() as stack:
            if self.place:
                stack.enter_context(keras.device(self.place))
            if self.distribution is not None:
                stack.enter_context(self.distribution.scope())
            yield self

    def rows(self, order: np.ndarray, batch_size: int) -> tuple[np.ndarray, int]:
        """Return the indices that this process feeds, and the batch size for `fit`.

        `order` (n,) is that of all images in an epoch, or of what is left of one. The
        last batch is cut to a multiple of `total`: at most total - 1 images sit out.
        A process feeds its share of every batch. Raises ValueError if the batch size is
        no multiple of `total`, or if there are fewer images than devices.
        """
        order = np.asarray(order)
        if batch_size < 1 or batch_size % self.total:
            raise ValueError(
                f"A batch of {batch_size} images cannot be split evenly over "
                f"{self.total} devices: take a multiple of {self.total}."
            )
        order = order[: len(order) // self.total * self.total]
        if not len(order):
            raise ValueError(
                f"There are fewer images than the {self.total} devices: claim fewer."
            )
        if self.processes == 1:
            return order, batch_size
        batches = np.split(order, range(batch_size, len(order), batch_size))
        mine = [np.split(batch, self.processes)[self.rank] for batch in batches]
        return np.concatenate(mine), batch_size // self.processes


def claim(
    spec: str | int = "1", cluster: str | None = None, rank: int | None = None
) -> Devices:
    """Return the devices that `spec` names, in this process or in each of a cluster.

    `spec`: "N", the first N of the best kind there is; "gpu" or "gpu:N"; "cpu", or
    "cpu:N" for N virtual devices of the processor, which must be claimed before the
    backend has run anything and hides the GPUs. `cluster`: "host:port,host:port,…",
    the same text in every process, which waits here for the others; `rank`: this
    process's place in it, from 0.

    Raises ValueError, naming a remedy, if there are no such devices, if it is too late
    to ask for them, if cluster and rank do not fit, or for more than one device with
    another backend than JAX.
    """
    kind, local = _parse_spec(spec)
    processes, rank = _parse_cluster(cluster, rank)
    backend = keras.backend.backend()
    if backend == "jax":
        return _claim_jax(kind, local, cluster, processes, rank)
    if local * processes > 1:
        raise ValueError(
            f"{backend} trains on one device here, not on {local * processes}: set "
            "KERAS_BACKEND=jax, whose batches keras.distribution splits, or claim one."
        )
    gpus = _gpus(backend)
    kind = kind or ("gpu" if gpus else "cpu")
    _check_number(kind, 1, gpus if kind == "gpu" else 1)
    return Devices(kind, place="cpu:0" if gpus and kind == "cpu" else None)


def _parse_spec(spec: str | int) -> tuple[str | None, int]:
    """Return kind, or None for the best there is, and number."""
    text = str(spec).strip().lower()
    found = re.fullmatch(r"(-?\d+)|([a-z]+)(?::(-?\d+))?", text)
    if not found or found[2] not in (None, *KINDS):
        raise ValueError(
            f"There are no devices {spec!r}: give a number, cpu, cpu:N, gpu or gpu:N."
        )
    number = int(found[1] or found[3] or 1)
    if number < 1:
        raise ValueError(f"{spec!r} asks for {number} devices: ask for at least 1.")
    return found[2], number


def _parse_cluster(cluster: str | None, rank: int | None) -> tuple[int, int]:
    """Return the number of processes and this one's rank."""
    if not cluster:
        if rank is not None:
            raise ValueError(
                f"Rank {rank} is a place in no cluster: give the cluster's addresses."
            )
        return 1, 0
    addresses = cluster.split(",")
    for address in addresses:
        host, _, port = address.rpartition(":")
        fits = re.fullmatch(r"[\w.-]+|\[[0-9a-fA-F:.]+\]", host, re.ASCII)
        if not fits or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
            raise ValueError(
                f"{address!r} is no address of a cluster: write host:port, separated "
                "by commas without spaces."
            )
    if len(set(addresses)) < len(addresses):
        raise ValueError(
            f"The cluster {cluster} has an address twice: each process has its own."
        )
    if rank is None or not 0 <= rank < len(addresses):
        named = "no rank" if rank is None else f"rank {rank}"
        raise ValueError(
            f"This process has {named} in a cluster of {len(addresses)}: give its "
            f"place among the addresses, 0 to {len(addresses) - 1}."
        )
    return len(addresses), rank


def _check_number(kind: str, asked: int, there: int) -> None:
    """Raise ValueError if there are not as many devices as asked for."""
    if kind == "gpu" and not there:
        raise ValueError(
            f"{keras.backend.backend()} finds no gpu here: claim cpu, or install its "
            "build for GPUs."
        )
    if asked > there:
        remedy = ""
        if kind == "cpu":
            remedy = f" {EARLIER}"
        raise ValueError(
            f"{asked} devices were asked for and there are {there} of kind {kind}: "
            f"claim at most {there}.{remedy}"
        )


def _gpus(backend: str) -> int:
    """Return how many GPUs TensorFlow or PyTorch sees."""
    if backend == "tensorflow":
        import tensorflow as tf

        return len(tf.config.get_visible_devices("GPU"))
    import torch

    return torch.cuda.device_count()


def _claim_jax(
    kind: str | None, local: int, cluster: str | None, processes: int, rank: int
) -> Devices:
    import jax

    if kind == "cpu" and local * processes > 1:
        # Too late once something has run: then there may be enough of them all the same
        with contextlib.suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", local)
            jax.config.update("jax_platforms", "cpu")
    if processes > 1:
        try:
            keras.distribution.initialize(cluster, processes, rank)
        except RuntimeError as error:
            if "before any JAX" in str(error) or "only be called once" in str(error):
                raise ValueError(f"It is too late to join a cluster. {EARLIER}") from (
                    error
                )
            raise
    default = jax.default_backend()
    kind = kind or ("cpu" if default == "cpu" else "gpu")
    try:
        there = jax.local_device_count(kind)
    except RuntimeError:  # no such platform
        there = 0
    _check_number(kind, local, there)
    place = "cpu:0" if kind == "cpu" and default != "cpu" else None
    if local * processes == 1:
        return Devices(kind, place=place)
    found = sorted(jax.devices(kind), key=lambda d: (d.process_index, d.id))
    mesh = []
    for process in range(processes):
        mine = [d for d in found if d.process_index == process][:local]
        if len(mine) < local:
            raise ValueError(
                f"Process {process} of the cluster has {len(mine)} devices, not "
                f"{local}: claim the same number in every process."
            )
        mesh += [f"{device.platform}:{device.id}" for device in mine]
    split = keras.distribution.DataParallel(devices=mesh, auto_shard_dataset=False)
    return Devices(kind, local, processes, rank, split, place)
