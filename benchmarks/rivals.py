"""The rivals: the source's own code in stock Keras, and the same models in PyTorch.

Each is what one would write without this library. The arithmetic is the library's:
equal weights give equal losses, and `tests/unit/test_benchmarks.py` holds that. Every
loss is in the source's unit: mean binary cross-entropy for the autoencoder, 500 times
that plus KL for the VAE. Frameworks are imported where they are needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras
    import torch

Tensor = Any  # of TensorFlow or PyTorch
ImageShape = tuple[int, int, int]  # height, width and channels of an image

FILTERS, CODE = (32, 64, 128), 2
WEIGHT = 500  # of the VAE's reconstruction
BATCH = 100
RATES = {"autoencoder": 1e-3, "vae": 5e-4}  # of Adam


def floats(images: np.ndarray) -> np.ndarray:
    """Return uint8 images as float32 in [0, 1], without a second copy on the way."""
    return np.divide(images, 255, dtype="float32")


# Stock Keras


def stock(model: str, shape: ImageShape) -> keras.Model:
    """Return the source's "autoencoder" or "vae", compiled as the source does.

    The VAE has a GradientTape and exists on TensorFlow alone: raises ValueError on
    other backends.
    """
    import keras

    if model == "autoencoder":
        network = stock_autoencoder(shape)
        network.compile("adam", "binary_crossentropy")
        return network
    if keras.backend.backend() != "tensorflow":
        raise ValueError("the source's VAE is written for TensorFlow alone.")
    network = stock_vae(shape)
    network.compile(keras.optimizers.Adam(RATES["vae"]))
    return network


def stock_autoencoder(shape: ImageShape) -> keras.Model:
    """Return the source's autoencoder: an encoder and a decoder in one model."""
    import keras

    images, features = _stock_features(shape)
    encoder = keras.Model(images, keras.layers.Dense(CODE)(features))
    decoder = _stock_decoder(shape)
    return keras.Model(encoder.input, decoder(encoder.output))


def stock_vae(shape: ImageShape) -> keras.Model:
    """Return the source's VAE, a model with a `train_step` of its own."""
    import keras
    import tensorflow as tf
    from keras import layers

    class Sampling(layers.Layer):
        def call(self, mean, log_var):
            epsilon = keras.random.normal(tf.shape(mean))
            return mean + tf.exp(0.5 * log_var) * epsilon

    class StockVAE(keras.Model):
        def __init__(self, encoder: keras.Model, decoder: keras.Model) -> None:
            super().__init__()
            self.encoder, self.decoder = encoder, decoder
            names = ("total_loss", "reconstruction_loss", "kl_loss")
            self.trackers = [keras.metrics.Mean(name=name) for name in names]

        @property
        def metrics(self):
            return self.trackers

        def call(self, images):
            mean, log_var, codes = self.encoder(images)
            return mean, log_var, self.decoder(codes)

        def losses_of(self, images, mean, log_var, output):
            entropy = keras.losses.binary_crossentropy(images, output, axis=(1, 2, 3))
            kl = -0.5 * (1 + log_var - tf.square(mean) - tf.exp(log_var))
            reconstruction = WEIGHT * tf.reduce_mean(entropy)
            kl = tf.reduce_mean(tf.reduce_sum(kl, axis=1))
            return reconstruction + kl, reconstruction, kl

        def train_step(self, data):
            images = data[0] if isinstance(data, tuple) else data
            with tf.GradientTape() as tape:
                values = self.losses_of(images, *self(images))
            gradients = tape.gradient(values[0], self.trainable_weights)
            pairs = zip(gradients, self.trainable_weights, strict=True)
            self.optimizer.apply_gradients(pairs)
            for tracker, value in zip(self.trackers, values, strict=True):
                tracker.update_state(value)
            return {tracker.name: tracker.result() for tracker in self.trackers}

    images, features = _stock_features(shape)
    mean, log_var = layers.Dense(CODE)(features), layers.Dense(CODE)(features)
    encoder = keras.Model(images, [mean, log_var, Sampling()(mean, log_var)])
    return StockVAE(encoder, _stock_decoder(shape))


def stock_loss(network: keras.Model, images: np.ndarray, epsilon: Tensor) -> float:
    """Return the loss of a stock model on float images, with the VAE's ε given."""
    from keras import losses, ops

    if not hasattr(network, "losses_of"):
        return float(ops.mean(losses.binary_crossentropy(images, network(images))))
    mean, log_var, _ = network.encoder(images)
    output = network.decoder(mean + ops.exp(0.5 * log_var) * epsilon)
    return float(network.losses_of(images, mean, log_var, output)[0])


def _stock_features(shape: ImageShape) -> tuple[Tensor, Tensor]:
    import keras
    from keras import layers

    images = x = keras.Input(shape)
    for width in FILTERS:
        x = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu")(x)
    return images, layers.Flatten()(x)


def _stock_decoder(shape: ImageShape) -> keras.Model:
    import keras
    from keras import layers

    scale = 2 ** len(FILTERS)
    before = shape[0] // scale, shape[1] // scale, FILTERS[-1]
    codes = keras.Input((CODE,))
    x = layers.Reshape(before)(layers.Dense(int(np.prod(before)))(codes))
    for width in reversed(FILTERS):
        x = layers.Conv2DTranspose(
            width, 3, strides=2, padding="same", activation="relu"
        )(x)
    x = layers.Conv2D(shape[-1], 3, padding="same", activation="sigmoid")(x)
    return keras.Model(codes, x)


# PyTorch


def torch_model(model: str, shape: ImageShape) -> torch.nn.Module:
    """Return the autoencoder or the VAE as a torch module on the GPU, if there is one.

    It maps images (n, c, h, w) to (logits,) or to (logits, mean, log_var), and pads
    each image on all sides where Keras pads a strided convolution below and right
    alone: with weights mirrored both ways it is Keras' network in a mirror.
    """
    import torch
    from torch import nn

    height, width = (side // 2 ** len(FILTERS) for side in shape[:2])
    features = FILTERS[-1] * height * width

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features, channels = nn.Sequential(), shape[-1]
            for to in FILTERS:
                self.features += nn.Sequential(
                    nn.Conv2d(channels, to, 3, stride=2, padding=1), nn.ReLU()
                )
                channels = to
            heads = 1 + (model == "vae")
            self.heads = nn.ModuleList(nn.Linear(features, CODE) for _ in range(heads))
            self.dense, self.ups = nn.Linear(CODE, features), nn.Sequential()
            for to in reversed(FILTERS):
                self.ups += nn.Sequential(
                    nn.ConvTranspose2d(channels, to, 3, 2, 1, output_padding=1),
                    nn.ReLU(),
                )
                channels = to
            self.logits = nn.Conv2d(channels, shape[-1], 3, padding=1)

        def forward(self, images, epsilon=None):
            x = self.features(images).flatten(1)
            codes, *spread = outputs = [head(x) for head in self.heads]
            for log_var in spread:
                if epsilon is None:
                    epsilon = torch.randn_like(codes)
                codes = codes + torch.exp(0.5 * log_var) * epsilon
            x = self.dense(codes).unflatten(1, (FILTERS[-1], height, width))
            logits = self.logits(self.ups(x))
            return (logits, *outputs) if spread else (logits,)

    return Net().to(torch_device())


def torch_device() -> torch.device:
    """Return where PyTorch computes: the GPU, or the processor."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def torch_images(images: np.ndarray) -> Tensor:
    """Return uint8 images (n, h, w, c) as float (n, c, h, w) on torch's device."""
    import torch

    planes = np.ascontiguousarray(np.moveaxis(floats(images), -1, 1))
    return torch.from_numpy(planes).to(torch_device())


def torch_loss(images: Tensor, logits: Tensor, *gaussian: Tensor) -> Tensor:
    """Return the loss of what a torch model made of images, a scalar tensor."""
    from torch.nn import functional

    loss = functional.binary_cross_entropy_with_logits(logits, images)
    if not gaussian:
        return loss
    mean, log_var = gaussian
    kl = -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum(1)
    return WEIGHT * loss + kl.mean()


def torch_optimizer(network: torch.nn.Module, model: str) -> torch.optim.Optimizer:
    """Return Adam with Keras' ε, all else being equal."""
    import torch

    return torch.optim.Adam(network.parameters(), lr=RATES[model], eps=1e-7)


def torch_epoch(
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    after_step: Callable[[], object] = lambda: None,
    layout: Any = None,
) -> float:
    """Train a torch module on each image once, in a new order; return the mean loss.

    `layout` is a memory format, or None for the one that the images have.
    """
    import torch

    total = torch.zeros((), device=images.device)
    order = torch.randperm(len(images), device=images.device)
    batches = order.split(BATCH)
    for chosen in batches:
        batch = images[chosen]
        if layout is not None:
            batch = batch.to(memory_format=layout)
        optimizer.zero_grad()
        loss = torch_loss(batch, *network(batch))
        loss.backward()
        optimizer.step()
        total += loss.detach()
        after_step()
    return total.item() / len(batches)
