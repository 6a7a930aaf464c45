"""The order of an epoch's images, and their transfer to where the model runs."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import keras
import numpy as np
from keras import ops

from vaetut.models import ImageModel
from vaetut.models.tensor import Tensor

COPY_LIMIT = 2**30  # bytes: a larger set is not copied into an epoch's order


def epoch_order(n: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order (n,) in which an epoch sees n images; the same for the same."""
    return np.random.default_rng((seed, epoch)).permutation(n)


def stream(
    images: np.ndarray,
    order: np.ndarray,
    batch_size: int,
    weights: np.ndarray | None = None,
    targets: np.ndarray | None = None,
) -> "np.ndarray | keras.utils.PyDataset":
    """Return images in an order, as `fit` takes them, without a second large copy.

    `order` (n,) holds indices of `images` (m, h, w, c). A set above `COPY_LIMIT` bytes,
    which may lie on disk as a memory map, is gathered batch by batch, while the model
    works on the one before, with `weights` (n,) and `targets` (n, m) that stand in that
    order.
    """
    if images.nbytes <= COPY_LIMIT:
        return images[order]
    return _Batches(images, order, batch_size, weights, targets)


class _Batches(keras.utils.PyDataset):
    """Batches of images, gathered in a thread when they are wanted."""

    def __init__(
        self,
        images: np.ndarray,
        order: np.ndarray,
        batch_size: int,
        weights: np.ndarray | None = None,
        targets: np.ndarray | None = None,
    ) -> None:
        super().__init__(workers=1, max_queue_size=4)
        self.images, self.order, self.batch_size = images, order, batch_size
        if weights is not None and targets is None:
            targets = np.zeros(len(order), np.uint8)  # without a y, no weights
        self.columns = [column for column in (targets, weights) if column is not None]

    def __len__(self) -> int:
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, k: int) -> tuple[np.ndarray, ...]:
        part = slice(k * self.batch_size, (k + 1) * self.batch_size)
        columns = [column[part] for column in self.columns]
        return (self.images[self.order[part]], *columns)


@keras.saving.register_keras_serializable(package="vaetut")
class Resident(keras.Model):
    """A model that is fitted with indices of images that lie on the device.

    `images` (n, h, w, c) uint8 are copied there once; nothing but indices (n,) travels
    in an epoch, and y where there is one. Metrics and losses are those of `inner`.
    """

    def __init__(self, inner: ImageModel, images: np.ndarray) -> None:
        super().__init__(name=f"resident_{inner.name}")
        self.inner, self.part_means = inner, inner.part_means
        self.images = self.add_weight(
            shape=images.shape,
            dtype="uint8",
            initializer=lambda shape, dtype: ops.convert_to_tensor(images, dtype),
            trainable=False,
            autocast=False,
            name="images",
        )
        self.built = True

    def call(self, indices: Tensor, training: bool | None = None) -> Any:
        """Return what `inner` returns for the images at indices (n,)."""
        return self.inner(ops.take(self.images, indices, axis=0))

    def make_train_function(self, force: bool = False) -> None:
        """Make what `fit` calls; on JAX all steps of a call are one program."""
        fresh = force or getattr(self, "train_function", None) is None
        super().make_train_function(force)
        jax = keras.backend.backend() == "jax"
        if fresh and jax and self.jit_compile and self.steps_per_execution > 1:
            self.train_function = _steps_of_jax(self)

    def compute_loss(
        self,
        x: Tensor | None = None,
        y: Tensor | None = None,
        y_pred: Tensor | None = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """Return the loss of `inner`, a number, for the images at indices x (n,)."""
        images = ops.take(self.images, x, axis=0)
        return self.inner.compute_loss(
            images, y, y_pred, sample_weight, training=training
        )


def _steps_of_jax(model: keras.Model) -> Callable[[Any, Iterator[Any]], Any]:
    """Return a function that runs the steps of a call as one program on the device.

    Keras on JAX dispatches them from Python one by one, and a small step is over before
    the next one is there. Like Keras's own it takes the state and an iterator over
    batches, and returns the last step's logs and the state.
    """
    import jax

    def steps(state: Any, batches: Any) -> Any:
        def step(state: Any, batch: Any) -> Any:
            logs, state = model.train_step(state, batch)
            return state, logs

        stacked = jax.tree.map(lambda *rows: jax.numpy.stack(rows), *batches)
        state, logs = jax.lax.scan(step, state, stacked)
        return jax.tree.map(lambda values: values[-1], logs), state

    several = jax.jit(steps, donate_argnums=0)
    one = jax.jit(model.train_step, donate_argnums=0)

    def call(state: Any, iterator: Iterator[Any]) -> Any:
        batches = list(islice(iterator, model.steps_per_execution))
        if not batches:
            raise StopIteration  # as Keras's own
        shapes = {tuple(x.shape for x in jax.tree.leaves(batch)) for batch in batches}
        if len(batches) == model.steps_per_execution and len(shapes) == 1:
            return several(state, tuple(batches))
        for batch in batches:  # the rest of an epoch
            logs, state = one(state, batch)
        return logs, state

    return call
