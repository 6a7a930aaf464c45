"""The order of an epoch's images, and their way to where the model runs."""

import keras
import numpy as np
from keras import ops

COPY_LIMIT = 2**30  # bytes: a larger set is not copied into an epoch's order


def epoch_order(n: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order (n,) in which an epoch sees n images; the same for the same."""
    return np.random.default_rng((seed, epoch)).permutation(n)


def stream(
    images: np.ndarray, order: np.ndarray, batch_size: int, weights=None, targets=None
):
    """Return images in an order, as `fit` takes them, without a second large copy.

    A set above `COPY_LIMIT` bytes, which may lie on disk as a memory map, is gathered
    batch by batch, while the model works on the one before, with `weights` (n,) and
    `targets` (n, m) that stand in that order.
    """
    if images.nbytes <= COPY_LIMIT:
        return images[order]
    return _Batches(images, order, batch_size, weights, targets)


class _Batches(keras.utils.PyDataset):
    """Batches of images, gathered in a thread when they are wanted."""

    def __init__(self, images, order, batch_size, weights=None, targets=None):
        super().__init__(workers=1, max_queue_size=4)
        self.images, self.order, self.batch_size = images, order, batch_size
        if weights is not None and targets is None:
            targets = np.zeros(len(order), np.uint8)  # without a y, no weights
        self.columns = [column for column in (targets, weights) if column is not None]

    def __len__(self):
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, k):
        part = slice(k * self.batch_size, (k + 1) * self.batch_size)
        columns = [column[part] for column in self.columns]
        return (self.images[self.order[part]], *columns)


@keras.saving.register_keras_serializable(package="vaetut")
class Resident(keras.Model):
    """A model that is fitted with indices of images that lie on the device.

    `images` (n, h, w, c) uint8 are copied there once; nothing but indices (n,) travels
    in an epoch, and y where there is one. Metrics and losses are those of `inner`.
    """

    def __init__(self, inner, images):
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

    def call(self, indices, training=None):
        return self.inner(ops.take(self.images, indices, axis=0))

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        images = ops.take(self.images, x, axis=0)
        return self.inner.compute_loss(
            images, y, y_pred, sample_weight, training=training
        )
