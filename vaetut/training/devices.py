"""What a training runs on: one device, several, or several machines.

On more than one device every batch is split evenly, and the losses, their parts and
the weights are those of a single device with the same batch. JAX splits by
`keras.distribution`, TensorFlow by its strategies; PyTorch runs on one device.
"""

import contextlib
import re
from dataclasses import dataclass, field

import keras
import numpy as np
from keras import ops

KINDS = ("cpu", "gpu")
EARLIER = "Claim the devices before anything else has run, in a process of their own."


@dataclass(frozen=True)
class Devices:
    """What a training runs on; `claim` makes it.

    Build, compile, fit and evaluate within `scope()`, fit what `replicate` returns,
    with `compile_options`, and feed it what `rows` says.
    """

    kind: str  # "cpu" or "gpu"
    local: int = 1  # devices that this process uses
    processes: int = 1  # as many as addresses in the cluster
    rank: int = 0  # this process's place among them
    strategy: object = field(default=None, repr=False, compare=False)  # the backend's
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
    def scope(self):
        """Build and run models on these devices; on the default one, change nothing."""
        with contextlib.ExitStack() as stack:
            if self.place:
                stack.enter_context(keras.device(self.place))
            if self.strategy is not None:
                stack.enter_context(self.strategy.scope())
            yield self

    def replicate(self, model):
        """Return what to compile and fit in the place of an ImageModel of this scope.

        That is the model itself, but for several devices on TensorFlow. Raises
        ValueError there for a model whose loss is one of a whole batch: every device
        would see its share alone.
        """
        if not self._tensorflow:
            return model
        if model.batchwise:
            raise ValueError(
                f"The loss of {type(model).__name__} needs the whole batch, of which "
                "each device sees a share on TensorFlow: train it on one device, or "
                "with KERAS_BACKEND=jax."
            )
        return Replicated(model, self.total, self.processes)

    def compile_options(self, options: dict) -> dict:
        """Return the arguments of `Model.compile` with what these devices rule out.

        Over several devices, TensorFlow can neither compile a step with XLA nor run
        several steps a call.
        """
        if not self._tensorflow:
            return options
        return options | {"jit_compile": False, "steps_per_execution": 1}

    def rows(self, order, batch_size: int) -> tuple[np.ndarray, int]:
        """Return the indices that this process feeds, and the batch size for `fit`.

        `order` (n,) is that of all images in an epoch, or of what is left of one. The
        last batch is cut to a multiple of `total`: at most total - 1 images sit out.
        On JAX a process feeds its share of every batch, on TensorFlow all of it.
        Raises ValueError if the batch size is no multiple of `total`, or if there are
        fewer images than devices.
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
        if self._tensorflow or self.processes == 1:
            return order, batch_size  # TensorFlow splits it itself
        batches = np.split(order, range(batch_size, len(order), batch_size))
        mine = [np.split(batch, self.processes)[self.rank] for batch in batches]
        return np.concatenate(mine), batch_size // self.processes

    @property
    def _tensorflow(self):
        """Whether TensorFlow splits the batches."""
        backend = keras.backend.backend()
        return self.strategy is not None and backend == "tensorflow"


class Replicated(keras.Model):
    """A model that TensorFlow fits on several devices as if on one.

    Every device draws the ε of the whole batch, from the same state, and takes the
    rows of its images; the mean over the batch is the sum of the devices' shares.
    Metrics are those of `inner`.
    """

    def __init__(self, inner, replicas, processes):
        super().__init__(name=f"replicated_{inner.name}")
        self.inner, self.replicas, self.processes = inner, replicas, processes
        self.part_means = inner.part_means  # Keras looks for metrics in itself alone
        self.built = True

    def call(self, images, training=None):
        if not hasattr(self.inner, "seed_generator"):
            return self.inner(images)
        share = ops.shape(images)[0]
        drawn = keras.random.normal(
            (share * self.replicas, self.inner.decoder.input_shape[-1]),
            seed=self.inner.seed_generator,
        )
        start = share * self._shard()
        return self.inner(images, epsilon=drawn[start : start + share])

    def _shard(self):
        """Return which of a batch's equal parts this replica is fed.

        Replicas count process by process, parts are dealt to the processes in turn.
        """
        import tensorflow as tf

        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        local = self.replicas // self.processes
        return replica // local + replica % local * self.processes

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        loss = self.inner.compute_loss(x, y, y_pred, sample_weight, training=training)
        return loss / self.replicas  # Keras adds the gradients up

    def train_step(self, data):
        return self._logs(super().train_step(data))

    def test_step(self, data):
        return self._logs(super().test_step(data))

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras averages a batch over the processes to see its shape, which TensorFlow
        # cannot do with uint8; nothing but the optimizer is left to be built anyway.
        with self.distribute_strategy.scope():
            self._symbolic_build()

    def _logs(self, logs):
        """Return scalars as Keras takes their mean: over processes along axis 0."""
        if self.processes == 1:
            return logs
        return {name: ops.reshape(value, (1,)) for name, value in logs.items()}


def claim(
    spec: str | int = "1", cluster: str | None = None, rank: int | None = None
) -> Devices:
    """Return the devices that `spec` names, in this process or in each of a cluster.

    `spec`: "N", the first N of the best kind there is; "gpu" or "gpu:N"; "cpu", or
    "cpu:N" for N virtual devices of the processor, which must be claimed before the
    backend has run anything (and on JAX hides the GPUs). `cluster`:
    "host:port,host:port,…", the same text in every process, which waits here for the
    others; `rank`: this process's place in it, from 0.

    Raises ValueError, saying how to mend it, if there are no such devices, if it is
    too late to ask for them, if cluster and rank do not fit, or for more than one
    device with PyTorch.
    """
    kind, local = _parse_spec(spec)
    processes, rank = _parse_cluster(cluster, rank)
    backend = keras.backend.backend()
    if backend == "torch" and (local > 1 or processes > 1):
        raise ValueError(
            f"PyTorch trains on one device here, not on {local * processes}: set "
            "KERAS_BACKEND to jax or tensorflow, or claim one."
        )
    if backend == "tensorflow":
        return _claim_tensorflow(kind, local, cluster, processes, rank)
    if backend == "jax":
        return _claim_jax(kind, local, cluster, processes, rank)
    return _claim_torch(kind, local)


def _parse_spec(spec):
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


def _parse_cluster(cluster, rank):
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
        raise ValueError(f"The cluster {cluster} has an address twice: give each one.")
    if rank is None or not 0 <= rank < len(addresses):
        named = "no rank" if rank is None else f"rank {rank}"
        raise ValueError(
            f"This process has {named} in a cluster of {len(addresses)}: give its "
            f"place among the addresses, 0 to {len(addresses) - 1}."
        )
    return len(addresses), rank


def _check_number(kind, asked, there):
    """Raise ValueError if there are not as many devices as asked for."""
    if kind == "gpu" and not there:
        raise ValueError(
            f"{keras.backend.backend()} finds no gpu here: claim cpu, or install its "
            "build for GPUs."
        )
    if asked > there:
        mend = " cpu:N makes N virtual ones." if kind == "cpu" else ""
        raise ValueError(
            f"{asked} devices were asked for and there are {there} of kind {kind}: "
            f"claim at most {there}.{mend}"
        )


def _claim_tensorflow(kind, local, cluster, processes, rank):
    import tensorflow as tf

    gpus = len(tf.config.get_visible_devices("GPU"))
    virtual = kind == "cpu"
    kind = kind or ("gpu" if gpus else "cpu")
    if kind == "gpu":
        _check_number(kind, local, gpus)
    if processes > 1:
        if kind == "cpu" and local > 1:
            raise ValueError(
                "TensorFlow uses one cpu device a process in a cluster, not "
                f"{local}: start more processes, or set KERAS_BACKEND to jax."
            )
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec({"worker": cluster.split(",")}),
            task_type="worker",
            task_id=rank,
            num_accelerators={"GPU": local} if kind == "gpu" else {},
            rpc_layer="grpc",
        )
        try:
            strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
        except RuntimeError as error:  # once something has run
            raise ValueError(f"It is too late to join a cluster. {EARLIER}") from error
        return Devices(kind, local, processes, rank, strategy)
    if local == 1:
        return Devices(kind, place="cpu:0" if gpus and kind == "cpu" else None)
    if virtual:
        processor = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * local
        # A RuntimeError once something has run: then there may be enough of them.
        with contextlib.suppress(RuntimeError):
            tf.config.set_logical_device_configuration(processor, parts)
            # With a thread a core, replicas on few cores wait for one another's data.
            tf.config.threading.set_inter_op_parallelism_threads(4 * local)
        _check_virtual(local, len(tf.config.list_logical_devices("CPU")))
    elif kind == "cpu":
        _check_number(kind, local, len(tf.config.list_logical_devices("CPU")))
    names = [f"{kind.upper()}:{k}" for k in range(local)]
    return Devices(kind, local, strategy=tf.distribute.MirroredStrategy(names))


def _claim_jax(kind, local, cluster, processes, rank):
    import jax

    virtual = kind == "cpu" and (local > 1 or processes > 1)
    if virtual:
        with contextlib.suppress(RuntimeError):  # as above
            jax.config.update("jax_num_cpu_devices", local)
            jax.config.update("jax_platforms", "cpu")
    if processes > 1:
        try:
            jax.distributed.initialize(cluster.split(",")[0], processes, rank)
        except RuntimeError as error:
            if "before any JAX" in str(error) or "only be called once" in str(error):
                raise ValueError(
                    f"It is too late to join a cluster. {EARLIER}"
                ) from error
            raise
    default = jax.default_backend()
    kind = kind or ("cpu" if default == "cpu" else "gpu")
    if virtual:
        _check_virtual(local, jax.local_device_count("cpu"))
    else:
        _check_number(kind, local, _count_jax(kind))
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
    strategy = keras.distribution.DataParallel(devices=mesh, auto_shard_dataset=False)
    return Devices(kind, local, processes, rank, strategy, place)


def _count_jax(kind):
    import jax

    try:
        return jax.local_device_count(kind)
    except RuntimeError:  # no such platform
        return 0


def _claim_torch(kind, local):
    import torch

    gpus = torch.cuda.device_count()
    kind = kind or ("gpu" if gpus else "cpu")
    if kind == "gpu":
        _check_number(kind, local, gpus)
    return Devices(kind, place="cpu:0" if gpus and kind == "cpu" else None)


def _check_virtual(asked, there):
    """Raise ValueError if the processor can no longer be split into so many."""
    if asked > there:
        raise ValueError(
            f"It is too late for cpu:{asked}: the backend already runs on {there} "
            f"device{'s' if there > 1 else ''} of the processor. {EARLIER}"
        )
