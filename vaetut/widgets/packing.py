"""A Keras network as a list of plain operations and one block of float16 weights."""

import base64
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import keras
import numpy as np
from numpy.typing import ArrayLike

from vaetut.models.compact import Coordinates, DepthToSpace

# What the explorer's JavaScript computes; the number is a slope or a scale, if any.
ACTIVATIONS = {
    "linear": 0.0,
    "relu": 0.0,
    "leaky_relu": 0.2,
    "elu": 1.0,
    "sigmoid": 0.0,
    "tanh": 0.0,
    "silu": 0.0,
    "softplus": 0.0,
}
LINEAR = {"activation": "linear", "slope": 0.0}
RELU = {"activation": "relu", "slope": 0.0}
LAYERS = (
    "Dense, Reshape, Flatten, Conv2D, Conv2DTranspose, MaxPooling2D, UpSampling2D, "
    "BatchNormalization, Activation, ReLU, LeakyReLU, ELU, Dropout, RepeatVector"
)


def pack_decoder(decoder: keras.Model) -> dict[str, Any]:
    """Return a decoder as what a page needs to run it: a dict ready for JSON.

    `decoder` is a Keras model of one chain of layers from codes (n, d) to logits (or
    probabilities) (n, h, w, c) with c of 1 or 3. The dict has `image` [h, w, c],
    `operations` and `weights`, the base64 of little-endian float16. Batch
    normalisation is folded into the layer before it where that is linear; a last
    sigmoid is left out, so what comes out is logits. Raises ValueError naming the
    layer that cannot be packed, and how to mend it.
    """
    check_decoder(decoder)
    operations, _ = _operations(decoder)
    if ends_in_sigmoid(decoder):
        operations[-1]["activation"] = "linear"
    return {"image": list(decoder.output_shape[1:])} | _packed(operations)


def pack_encoder(encoder: keras.Model) -> dict[str, Any]:
    """Return an encoder as what a page needs to run it: a dict ready for JSON.

    `encoder` is a Keras model of one chain of layers from images (n, h, w, c) to codes
    (n, d), or to several heads, (n, d) each, that are dense layers side by side. The
    dict has `image` [h, w, c], `heads`, how many numbers each head has by its name, one
    after the other as they come out, and `operations` and `weights` as `pack_decoder`
    gives them. Raises ValueError naming the layer that cannot be packed, and how to
    mend it.
    """
    check_encoder(encoder)
    if len(encoder.outputs) == 1:
        operations, _ = _operations(encoder)
        heads = {encoder.output_names[0]: encoder.outputs[0].shape[1]}
    else:
        layers, maps = _heads(encoder)
        operations, shape = _operations(keras.Model(encoder.inputs, maps))
        operations.append(_side_by_side([_dense(layer, shape) for layer in layers]))
        heads = {layer.name: layer.units for layer in layers}
    image = list(encoder.input_shape[1:])
    return {"image": image, "heads": heads} | _packed(operations)


def _operations(model: keras.Model) -> tuple[list[dict[str, Any]], tuple[int, ...]]:
    """Return the operations of a chain of layers, and the shape of what comes out."""
    operations: list[dict[str, Any]] = []
    shape = tuple(model.inputs[0].shape)
    for layer in _chain(model):
        shape = tuple(_append(operations, layer, shape))
    return operations, shape


def _heads(encoder: keras.Model) -> tuple[list[Any], Any]:
    """Return the dense layers that an encoder ends in, and what all of them take."""
    nodes = [output._keras_history for output in encoder.outputs]
    layers = [node.operation for node in nodes]
    sources = [
        node.operation._inbound_nodes[node.node_index].input_tensors for node in nodes
    ]
    for layer, source in zip(layers, sources, strict=True):
        if not isinstance(layer, keras.layers.Dense) or source[0] is not sources[0][0]:
            mend = f"let all take the output that {layers[0].name!r} takes"
            _refuse(layer, "is no dense layer beside the other heads", mend)
    return layers, sources[0][0]


def _side_by_side(operations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return dense operations on the same inputs as one, their outputs in order."""
    kernel, bias = (
        np.concatenate([operation[key] for operation in operations], axis=-1)
        for key in ("kernel", "bias")
    )
    channels = [kernel.shape[0], kernel.shape[-1]]
    return operations[0] | {"kernel": kernel, "bias": bias, "channels": channels}


def _packed(operations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return operations with places in one block of weights, which is beside them."""
    weights, blocks = 0, []
    for operation in operations:
        name = operation.pop("layer")
        for key in ("kernel", "bias"):
            if key in operation:
                blocks.append(_as_half(operation[key], name, key).ravel())
                operation[key] = [weights, blocks[-1].size]
                weights += blocks[-1].size
    data = np.concatenate(blocks).astype("<f2") if blocks else np.empty(0, "<f2")
    return {
        "operations": operations,
        "weights": base64.b64encode(data.tobytes()).decode(),
    }


def check_encoder(encoder: Any) -> None:
    """Raise ValueError unless a model makes codes of one grey or RGB image."""
    name = _check_model("encoder", encoder)
    image = encoder.inputs[0].shape
    if len(image) != 4 or None in image[1:] or image[-1] not in (1, 3):
        raise ValueError(
            f"encoder {name} takes inputs of shape {image}: images are (n, height, "
            "width, channels) with 1 or 3 channels."
        )
    for output in encoder.outputs:
        if len(output.shape) != 2:
            raise ValueError(
                f"encoder {name} gives outputs of shape {output.shape}: codes are "
                "(n, d)."
            )


def _check_model(role: str, model: Any) -> str:
    """Return a Keras model's name, in quotes, or say what to give as encoder."""
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"{role} must be a Keras model, not {type(model).__name__}: give "
            f"model.{role}."
        )
    name = repr(model.name)
    if not getattr(model, "inputs", None) or not model.outputs:
        raise ValueError(
            f"{role} {name} is not a chain of layers that can be read: build it with "
            "keras.Sequential or keras.Model(inputs, outputs), and give it an Input."
        )
    return name


def check_decoder(decoder: Any) -> None:
    """Raise ValueError unless a model makes one grey or RGB image of one code."""
    name = _check_model("decoder", decoder)
    for kind, tensors in (("input", decoder.inputs), ("output", decoder.outputs)):
        if len(tensors) != 1:
            raise ValueError(
                f"decoder {name} has {len(tensors)} {kind}s, the explorer takes one: "
                f"wrap it in a model with a single {kind}."
            )
    codes, image = decoder.inputs[0].shape, decoder.outputs[0].shape
    if len(codes) != 2 or codes[1] is None:
        raise ValueError(
            f"decoder {name} takes inputs of shape {codes}: codes are (n, d)."
        )
    if len(image) != 4 or None in image[1:] or image[-1] not in (1, 3):
        raise ValueError(
            f"decoder {name} gives outputs of shape {image}: the explorer draws "
            "(n, height, width, channels) with 1 or 3 channels."
        )


def ends_in_sigmoid(decoder: keras.Model) -> bool:
    """Return whether a decoder's outputs are probabilities already."""
    activation = getattr(list(_chain(decoder))[-1], "activation", None)
    return activation is keras.activations.sigmoid


def _chain(model: keras.Model) -> Iterator[Any]:
    """Yield the layers of a model in order, those of nested models included."""
    layers = model.layers if isinstance(model, keras.Sequential) else _in_line(model)
    for layer in layers:
        if isinstance(layer, keras.Model):
            yield from _chain(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer


def _in_line(model: keras.Model) -> list[Any]:
    """Return a functional model's operations, each of which takes the one before."""
    depths = getattr(model, "_nodes_by_depth", None)
    if not depths:
        raise ValueError(
            f"model {model.name!r} is a subclass whose layers have no readable order: "
            "build it with keras.Sequential or keras.Model(inputs, outputs)."
        )
    nodes = [node for depth in sorted(depths, reverse=True) for node in depths[depth]]
    for before, node in itertools.pairwise(nodes):
        sources = node.input_tensors
        if len(sources) != 1 or sources[0] is not before.outputs[0]:
            raise ValueError(
                f"layer {node.operation.name!r} of {model.name!r} does not just take "
                "the output of the layer before it: the explorer runs plain chains "
                "without branches, so write the decoder as one."
            )
    return [node.operation for node in nodes]


def _refuse(
    layer: Any, what: str = "is not supported", mend: str = f"use {LAYERS}"
) -> NoReturn:
    kind = type(layer).__name__
    raise ValueError(f"layer {layer.name!r} ({kind}) {what}: {mend}.")


def _append(
    operations: list[dict[str, Any]], layer: Any, shape: tuple[int, ...]
) -> tuple[int, ...]:
    """Append what a layer does to inputs of that shape, or merge it into the last.

    Returns the shape of the layer's outputs, whose first axis is the batch.
    """
    kinds = keras.layers
    if not isinstance(layer, kinds.Layer):
        _refuse(layer)
    if getattr(layer, "data_format", None) == "channels_first":
        _refuse(layer, "is channels_first", "use data_format='channels_last'")
    if isinstance(layer, (kinds.Reshape, kinds.Flatten, kinds.Dropout)):
        pass  # the numbers stay where they are in memory
    elif maker := next((m for kind, m in _makers() if isinstance(layer, kind)), None):
        operations.append(maker(layer, shape))
    elif isinstance(layer, kinds.BatchNormalization):
        _normalise(operations, layer, shape)
    elif _activation(layer) is not None:
        _activate(operations, layer)
    else:
        _refuse(layer)
    return layer.compute_output_shape(shape)


def _makers() -> list[tuple[type, Callable[..., dict[str, Any]]]]:
    """Return what makes an operation of a layer, kind by kind."""
    kinds = keras.layers
    return [
        (kinds.Dense, _dense),
        (kinds.Conv2D, _convolution),
        (kinds.Conv2DTranspose, _convolution),
        (kinds.MaxPooling2D, _pooling),
        (kinds.UpSampling2D, _upsampling),
        (kinds.RepeatVector, _repetition),
        (Coordinates, _coordinates),
        (DepthToSpace, _unfolding),
    ]


def _dense(layer: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    positions = math.prod(shape[1:-1])
    return _linear(layer, _numbers(layer.kernel)) | {
        "type": "linear",
        "channels": [shape[-1], layer.units],
        "size": [1, 1],
        "source": [positions, 1],
        "target": [positions, 1],
        "strides": [1, 1],
        "cut": [0, 0],
    }


def _convolution(layer: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the operation of a convolution, transposed or not.

    In both, a position of the smaller image and a tap of the kernel go together with
    position · stride + tap − cut of the larger one, if that is within it.
    """
    if type(layer) not in (keras.layers.Conv2D, keras.layers.Conv2DTranspose):
        _refuse(layer)
    if tuple(layer.dilation_rate) != (1, 1) or getattr(layer, "groups", 1) != 1:
        _refuse(layer, "is dilated or grouped", "use a plain convolution")
    if getattr(layer, "output_padding", None) is not None:
        _refuse(layer, "sets output_padding", "leave output_padding out")
    transposed = isinstance(layer, keras.layers.Conv2DTranspose)
    target = layer.compute_output_shape(shape)
    small, large = (shape, target) if transposed else (target, shape)
    window = _window(layer, layer.kernel_size, small, large)
    kernel = _numbers(layer.kernel)
    if transposed:  # (taps…, outputs, inputs)
        kernel = kernel.transpose(3, 0, 1, 2)
    return _linear(layer, kernel) | {
        "type": "transposed" if transposed else "linear",
        "channels": [shape[-1], target[-1]],
        "source": list(shape[1:3]),
        "target": list(target[1:3]),
        **window,
    }


def _window(
    layer: Any, size: tuple[int, int], small: tuple[int, ...], large: tuple[int, ...]
) -> dict[str, Any]:
    """Return size, strides and cut of a window over images of the larger shape."""
    cut = [0, 0]
    if layer.padding == "same":
        for k, (taps, stride) in enumerate(zip(size, layer.strides, strict=True)):
            cut[k] = max((small[k + 1] - 1) * stride + taps - large[k + 1], 0) // 2
    return {"size": list(size), "strides": list(layer.strides), "cut": cut}


def _pooling(layer: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    target = layer.compute_output_shape(shape)
    return {
        "layer": layer.name,
        "type": "pooling",
        "source": list(shape[1:3]),
        "target": list(target[1:3]),
        "channels": [shape[-1], shape[-1]],
        **_window(layer, layer.pool_size, target, shape),
        **LINEAR,
    }


def _linear(layer: Any, kernel: np.ndarray) -> dict[str, Any]:
    """Return what all linear layers share; the last axis of `kernel` is the outputs."""
    activation = _activation(layer.activation)
    if activation is None:
        label = getattr(layer.activation, "__name__", type(layer.activation).__name__)
        _refuse(
            layer,
            f"has the activation {label!r}, which is not supported",
            f"use one of {', '.join(ACTIVATIONS)}",
        )
    outputs = kernel.shape[-1]
    return {
        "layer": layer.name,
        "kernel": kernel,
        "bias": _numbers(layer.bias) if layer.use_bias else np.zeros(outputs),
        **activation,
    }


def _upsampling(layer: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    if layer.interpolation != "nearest":
        _refuse(layer, "interpolates", "use interpolation='nearest'")
    return {
        "layer": layer.name,
        "type": "upsampling",
        "size": list(layer.size),
        "source": list(shape[1:3]),
        "target": list(layer.compute_output_shape(shape)[1:3]),
        "channels": [shape[-1], shape[-1]],
        **LINEAR,
    }


def _repetition(layer: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    return {
        "layer": layer.name,
        "type": "upsampling",
        "size": [layer.n, 1],
        "source": [1, 1],
        "target": [layer.n, 1],
        "channels": [shape[-1], shape[-1]],
        **LINEAR,
    }


def _coordinates(layer: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    return {
        "layer": layer.name,
        "type": "coordinates",
        "source": list(shape[1:3]),
        "target": list(shape[1:3]),
        "channels": [shape[-1], shape[-1] + 2],
        **LINEAR,
    }


def _unfolding(layer: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    return {
        "layer": layer.name,
        "type": "unfolding",
        "size": [layer.size, layer.size],
        "source": list(shape[1:3]),
        "target": list(layer.compute_output_shape(shape)[1:3]),
        **LINEAR,
    }


def _normalise(
    operations: list[dict[str, Any]], layer: Any, shape: tuple[int, ...]
) -> None:
    """Fold batch normalisation into the kernel and bias before it, or scale."""
    if layer.axis not in (-1, len(shape) - 1):
        _refuse(layer, f"normalises axis {layer.axis}", "use axis=-1")
    scale = 1 / np.sqrt(_numbers(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        scale = scale * _numbers(layer.gamma)
    shift = -_numbers(layer.moving_mean) * scale
    if layer.center:
        shift = shift + _numbers(layer.beta)
    last: dict[str, Any] = operations[-1] if operations else {"activation": None}
    # A Reshape between may have cut the last axis: a channel is then several units.
    repeat, rest = divmod(last.get("channels", [0, 0])[1], len(scale))
    if last["activation"] == "linear" and "kernel" in last and repeat and not rest:
        last["kernel"] = last["kernel"] * np.tile(scale, repeat)
        last["bias"] = last["bias"] * np.tile(scale, repeat) + np.tile(shift, repeat)
        return
    operations.append(
        {
            "layer": layer.name,
            "type": "scaling",
            "channels": [len(scale), len(scale)],
            "kernel": scale,
            "bias": shift,
            **LINEAR,
        }
    )


def _activate(operations: list[dict[str, Any]], layer: Any) -> None:
    """Give the operation before its activation, or append one that does no more."""
    if not operations or operations[-1]["activation"] != "linear":
        operations.append({"layer": layer.name, "type": "activation"})
    operations[-1] |= _activation(layer) or {}


def _activation(value: Any) -> dict[str, Any] | None:
    """Return an activation function or layer as the page knows it, or None."""
    kinds = keras.layers
    if isinstance(value, kinds.Activation):
        value = value.activation
    if isinstance(value, kinds.ReLU):
        if value.max_value is not None or value.threshold:
            return None
        value = kinds.LeakyReLU(float(value.negative_slope or 0))
    if isinstance(value, kinds.LeakyReLU):
        slope = float(value.negative_slope)
        return {"activation": "leaky_relu", "slope": slope} if slope else RELU
    if isinstance(value, kinds.ELU):
        return {"activation": "elu", "slope": float(value.alpha)}
    if value is None:
        return LINEAR
    for name, slope in ACTIVATIONS.items():
        if value is getattr(keras.activations, name):
            return {"activation": name, "slope": slope}
    return None


def _numbers(weight: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(weight), np.float64)


def _as_half(values: ArrayLike, layer: str, key: str) -> np.ndarray:
    """Return weights as float16, refusing what is not finite there."""
    values = np.asarray(values)
    if not np.isfinite(values).all():
        raise ValueError(
            f"layer {layer!r} has NaN or infinity in its {key}: train it again, or "
            "load a run that went well."
        )
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if not np.isfinite(half).all():
        raise ValueError(
            f"layer {layer!r} has weights in its {key} beyond 65504, the largest "
            "float16: rescale them."
        )
    return half


def decode_packed(network: dict[str, Any], codes: ArrayLike) -> np.ndarray:
    """Return the logits (n, h, w, c) of what `pack_decoder` gave, for codes (n, d)."""
    return run_packed(network, codes).reshape(-1, *network["image"])


def run_packed(network: dict[str, Any], inputs: ArrayLike) -> np.ndarray:
    """Return what a packed network gives, (n, numbers), for inputs (n, …).

    NumPy alone, in float64 and with no eye on speed: what the page's JavaScript does,
    for tests to compare both with.
    """
    weights = np.frombuffer(base64.b64decode(network["weights"]), "<f2").astype(float)
    x = np.asarray(inputs, float)
    for operation in network["operations"]:
        kernel, bias = (
            weights[start : start + size]
            for start, size in (operation.get(k, (0, 0)) for k in ("kernel", "bias"))
        )
        x = _RUN[operation["type"]](operation, x.reshape(len(x), -1), kernel, bias)
        x = _ACTIVATE[operation["activation"]](x, operation["slope"])
    return x.reshape(len(x), -1)


def _partners(
    operation: dict[str, Any], small: str, large: str
) -> Iterator[tuple[tuple[int, int], tuple[int, int], tuple[int, int]]]:
    """Yield a position of the smaller image, a tap, and what they go together with."""
    size, strides, cut = (operation[k] for k in ("size", "strides", "cut"))
    rows, columns = operation[large]
    for i, j, k, l in np.ndindex(*operation[small], *size):  # noqa: E741
        row, column = i * strides[0] + k - cut[0], j * strides[1] + l - cut[1]
        if 0 <= row < rows and 0 <= column < columns:
            yield (i, j), (k, l), (row, column)


def _run_linear(
    operation: dict[str, Any], x: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    inputs, outputs = operation["channels"]
    x = x.reshape(-1, *operation["source"], inputs)
    kernel = kernel.reshape(*operation["size"], inputs, outputs)
    y = np.tile(bias, (len(x), *operation["target"], 1))
    for (i, j), tap, (row, column) in _partners(operation, "target", "source"):
        y[:, i, j] += x[:, row, column] @ kernel[tap]
    return y


def _run_transposed(
    operation: dict[str, Any], x: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    inputs, outputs = operation["channels"]
    x = x.reshape(-1, *operation["source"], inputs)
    kernel = kernel.reshape(inputs, *operation["size"], outputs)
    y = np.tile(bias, (len(x), *operation["target"], 1))
    for (i, j), (k, l), (row, column) in _partners(operation, "source", "target"):  # noqa: E741
        y[:, row, column] += x[:, i, j] @ kernel[:, k, l]
    return y


def _run_pooling(
    operation: dict[str, Any], x: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    channels = operation["channels"][0]
    x = x.reshape(-1, *operation["source"], channels)
    y = np.full((len(x), *operation["target"], channels), -np.inf)
    for (i, j), _, (row, column) in _partners(operation, "target", "source"):
        y[:, i, j] = np.maximum(y[:, i, j], x[:, row, column])
    return y


def _run_upsampling(
    operation: dict[str, Any], x: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    x = x.reshape(-1, *operation["source"], operation["channels"][0])
    return x.repeat(operation["size"][0], axis=1).repeat(operation["size"][1], axis=2)


def _run_coordinates(
    operation: dict[str, Any], x: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    rows, columns = operation["source"]
    x = x.reshape(-1, rows, columns, operation["channels"][0])
    sides = np.linspace(-1, 1, columns), np.linspace(-1, 1, rows)
    place = np.stack(np.meshgrid(*sides), axis=-1)  # x, y
    place = np.broadcast_to(place, (len(x), *place.shape))
    return np.concatenate([x, place], axis=-1)


def _run_unfolding(
    operation: dict[str, Any], x: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    x = x.reshape(-1, *operation["source"], *operation["size"])
    return x.swapaxes(2, 3).reshape(-1, *operation["target"], 1)


def _run_scaling(
    operation: dict[str, Any], x: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    return (x.reshape(len(x), -1, len(kernel)) * kernel + bias).reshape(x.shape)


_RUN = {
    "linear": _run_linear,
    "transposed": _run_transposed,
    "pooling": _run_pooling,
    "upsampling": _run_upsampling,
    "coordinates": _run_coordinates,
    "unfolding": _run_unfolding,
    "scaling": _run_scaling,
    "activation": lambda operation, x, kernel, bias: x,
}
_ACTIVATE = {
    "linear": lambda x, slope: x,
    "relu": lambda x, slope: np.maximum(x, 0),
    "leaky_relu": lambda x, slope: np.where(x > 0, x, slope * x),
    "elu": lambda x, slope: np.where(x > 0, x, slope * np.expm1(np.minimum(x, 0))),
    "sigmoid": lambda x, slope: 0.5 * (1 + np.tanh(0.5 * x)),
    "tanh": lambda x, slope: np.tanh(x),
    "silu": lambda x, slope: x * 0.5 * (1 + np.tanh(0.5 * x)),
    "softplus": lambda x, slope: np.logaddexp(x, 0),
}
