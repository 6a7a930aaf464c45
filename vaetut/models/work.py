"""How many operations a step of training takes, and how many bytes it must move.

Divided by a device's rate and bandwidth they say how fast a step can be at best, and
which of the two holds it back, before there is a device.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import keras
from keras import layers

from vaetut.models.autoencoder import ImageModel
from vaetut.models.networks import layer_macs

# Another view of the same numbers: nothing is read or written.
VIEWS = (layers.InputLayer, layers.Reshape, layers.Flatten)
STATE_BYTES = 7 * 4  # of a parameter: Adam reads 4 float32 numbers and writes 3


class Work(NamedTuple):
    """What a step of training costs one layer."""

    flops: int  # floating-point operations; one multiply-accumulate is two
    bytes: int  # read and written

    def seconds(self, rate: float, bandwidth: float) -> float:
        """Return the least time it takes at so many flops and bytes a second."""
        return max(self.flops / rate, self.bytes / bandwidth)


def training_work(model: ImageModel, batch: int, width: int = 4) -> dict[str, Work]:
    """Return the work of one step of training by layer, and that of "optimizer".

    `width` is the bytes of a number in the layers, 4 of float32 and 2 of bfloat16. An
    image counts three times the multiply-accumulates of its way forward (forward,
    weight gradients, input gradients), less the first layer's input gradient, which
    nobody needs; operations of single numbers are not counted. A layer reads what it
    takes and writes what it gives; batch normalization reads it twice, for the means
    and for the result; activations cost nothing, as compilers fuse them with what is
    before. Raises ValueError for a layer that cannot be counted.
    """
    work, gradient = {}, False  # of a network's input
    for network in (model.encoder, model.decoder):
        gradient = network is model.decoder
        for name, layer in _layers(network):
            macs = batch * layer_macs(layer)
            flops = 2 * macs * (3 if gradient or not macs else 2)
            moved = _numbers(layer, batch, gradient) * width
            if flops or moved:
                work[f"{network.name}/{name}"] = Work(flops, moved)
            gradient = gradient or bool(layer.weights)
    parameters = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return work | {"optimizer": Work(0, STATE_BYTES * parameters)}


def training_flops(model: ImageModel) -> int:
    """Return the floating-point operations of training on one image."""
    return sum(work.flops for work in training_work(model, 1).values())


def _layers(network: keras.Model) -> Iterator[tuple[str, layers.Layer]]:
    """Yield the layers of a network by name, those of nested ones in their place."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer.name, layer


def _numbers(layer: layers.Layer, batch: int, gradient: bool) -> int:
    """Return how many numbers a step reads and writes for one layer."""
    if isinstance(layer, VIEWS):
        return 0
    taken, given = (
        batch * sum(math.prod(x.shape[1:]) for x in keras.tree.flatten(tensors))
        for tensors in (layer.input, layer.output)
    )
    if isinstance(layer, layers.BatchNormalization):
        return 3 * taken + 5 * taken  # backward: both twice, and what is handed on
    kernel = sum(math.prod(weight.shape) for weight in layer.weights)
    if not kernel:
        return 0 if taken == given else 2 * (taken + given)
    forward = taken + kernel + given
    backward = taken + given + kernel  # the gradient of the weights
    return forward + backward + gradient * (given + kernel + taken)


def training_memory(
    model: ImageModel, batch: int, validation_batch: int, width: int = 4
) -> int:
    """Return the bytes that training holds at least.

    In a step they are those of what every layer gives, which the way back reads again;
    in validation of what the widest layer takes and gives; and of parameters, their
    gradients and the optimizer's two numbers each, in float32. `width` as for
    `training_work`.
    """
    maps = [
        [
            sum(math.prod(x.shape[1:]) for x in keras.tree.flatten(tensors))
            for tensors in (layer.input, layer.output)
        ]
        for network in (model.encoder, model.decoder)
        for _, layer in _layers(network)
        if not isinstance(layer, VIEWS)
    ]
    step = batch * sum(given for _, given in maps)
    validation = validation_batch * max(taken + given for taken, given in maps)
    return max(step, validation) * width + 4 * 4 * model.count_params()
