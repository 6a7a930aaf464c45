"""How many images a second does training take in, against stock Keras and PyTorch?

Ours is the library's model as `vaetut train` compiles it, fed uint8. The rivals are
the source's own code in stock Keras on the same backend (its VAE, a GradientTape, is
TensorFlow's alone) and plain PyTorch; see `rivals.py`. Each framework has a process of
its own, all take turns, the median counts.

"Kernels alone" is what bounds every gain at equal arithmetic: the bare convolutions
and matrix products of a step, forward, weight gradients and input gradients, and
nothing else. Ours in bfloat16 is other arithmetic.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks import common, rivals

if TYPE_CHECKING:
    import keras
    import numpy as np

Tensor = Any  # of TensorFlow or PyTorch
Run = Callable[[], object]  # trains on all images once, or runs a kernel

QUESTION = __doc__.splitlines()[0]
BATCH, SEED = rivals.BATCH, 0
# Many short turns, for a shared machine halves its speed for seconds at a time.
ROUNDS, SECONDS = 15, 120  # at least so many rounds, at least so long
# Training images of a turn: enough that what `fit` does once counts for little.
IMAGES = {"tensorflow": 3000, "jax": 500, "torch": 3000}
MODELS = {"autoencoder": "fashion-ae", "vae": "fashion-vae"}
OURS, STOCK, KERNELS, HALF = "ours", "stock Keras", "kernels alone", "ours in bfloat16"
EXTRAS = ("PyTorch, channels last", "PyTorch, compiled")
# In a contender: name -> function that trains on all images once.
RUNS: dict[str, Run] = {}


# In a contender's process


def answer(prepare: str | None = None, run: str | None = None, **options: Any) -> Any:
    """Build all variants of a framework and run each once, or time one of them."""
    if run:
        return common.timed(RUNS[run])()
    facts = {"keras": prepare_keras, "torch": prepare_torch}[prepare](**options)
    for way in RUNS.values():  # the first time compiles
        way()
    return {"names": list(RUNS), **facts}


def prepare_keras(images: int, kinds: Sequence[str], every_way: bool) -> dict[str, Any]:
    """Fill RUNS with our variants, stock Keras and, on TensorFlow, the kernels."""
    import keras

    from vaetut import datasets
    from vaetut.training import backends

    backend = keras.backend.backend()
    data = datasets.load("fashion-mnist").subset(images, SEED)
    scaled = rivals.floats(data.images)
    for kind in kinds:
        recipe = MODELS[kind]
        every = every_way and kind == kinds[0]
        for way, (precision, options) in our_ways(backend, every).items():
            RUNS[f"{kind}: {way}"] = our_way(recipe, precision, options, data.images)
        if kind == "autoencoder" or backend == "tensorflow":
            RUNS[f"{kind}: {STOCK}"] = stock_way(kind, scaled)
        if every and backend == "tensorflow":
            RUNS[f"{kind}: {KERNELS}"] = kernels_way(recipe, images // BATCH)
    return {"hardware": backends.hardware(), "versions": backends.versions()}


def our_ways(backend: str, every_way: bool) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return name → (precision, options of `compile`) of what is worth comparing."""
    from vaetut.training import backends

    chosen = backends.compile_options()
    ways = {OURS: ("float32", chosen)}
    if not every_way:
        return ways
    if backend == "tensorflow":  # JAX is XLA, and Torch has none
        other = chosen | {"jit_compile": not chosen["jit_compile"]}
        ways["ours, XLA the other way"] = "float32", other
    if backend != "torch":  # Keras refuses it there
        ways["ours, ten steps a call"] = "float32", chosen | {"steps_per_execution": 10}
    return ways | {HALF: ("bfloat16", chosen)}


def our_way(
    name: str, precision: str, options: Mapping[str, Any], images: np.ndarray
) -> Run:
    """Return a function that trains our model on all images once."""
    import keras

    from vaetut.recipes import get_recipe
    from vaetut.training import build_model

    recipe = get_recipe(name)
    model = build_model(recipe, SEED, precision=precision)
    model.compile(keras.optimizers.Adam(recipe.learning_rate), **options)
    return lambda: model.fit(images, batch_size=BATCH, shuffle=False, verbose=0)


def stock_way(kind: str, scaled: np.ndarray) -> Run:
    """Return a function that trains the source's model on all images once."""
    model = rivals.stock(kind, scaled.shape[1:])
    pair = (scaled, scaled) if kind == "autoencoder" else (scaled,)
    return lambda: model.fit(*pair, batch_size=BATCH, verbose=0)


def kernels_way(name: str, steps: int) -> Run:
    """Return a function that runs the kernels of so many training steps."""
    import tensorflow as tf

    from vaetut.recipes import get_recipe
    from vaetut.training import build_model

    model = build_model(get_recipe(name), SEED)
    calls = [
        kernel
        for network in (model.encoder, model.decoder)
        for kernel in layer_kernels(network, input_gradients=network is model.decoder)
    ]

    # Unordered: they may overlap wherever the runtime finds room. The sum of one number
    # each is what keeps them all.
    step = tf.function(
        lambda: tf.add_n([tf.reshape(call(), [-1])[0] for call in calls])
    )

    def run() -> float:
        for _ in range(steps):
            total = step()
        return float(total)

    return run


def layer_kernels(network: keras.Model, input_gradients: bool) -> Iterator[Run]:
    """Yield functions, one a kernel that a training step of a network runs.

    Without `input_gradients` the first layer has none: its input is the images.
    """
    import tensorflow as tf
    from keras import layers

    kinds = {
        layers.Conv2D: convolution,
        layers.Conv2DTranspose: transposed_convolution,
        layers.Dense: matrix_product,
    }
    for layer in network.layers:
        if layer.weights:
            x, y = (
                tf.random.normal((BATCH, *tensor.shape[1:]))
                for tensor in (layer.input, layer.output)
            )
            # A copy, which is no variable to be read again in every step.
            forward, weight, inward = kinds[type(layer)](x, y, layer.kernel + 0.0)
            yield forward
            yield weight
            if input_gradients:
                yield inward
            input_gradients = True


def convolution(x: Tensor, y: Tensor, kernel: Tensor) -> tuple[Run, Run, Run]:
    """Return forward, weight gradient and input gradient of a "same" convolution."""
    import tensorflow as tf

    stride = x.shape[1] // y.shape[1]
    options = {"strides": [1, stride, stride, 1], "padding": "SAME"}
    ops = tf.raw_ops
    return (
        lambda: ops.Conv2D(input=x, filter=kernel, **options),
        lambda: ops.Conv2DBackpropFilter(
            input=x, filter_sizes=kernel.shape, out_backprop=y, **options
        ),
        lambda: ops.Conv2DBackpropInput(
            input_sizes=x.shape, filter=kernel, out_backprop=y, **options
        ),
    )


def transposed_convolution(
    x: Tensor, y: Tensor, kernel: Tensor
) -> tuple[Run, Run, Run]:
    """Return the same of its transpose: a convolution from y to x, read backwards."""
    inward, weight, forward = convolution(y, x, kernel)
    return forward, weight, inward


def matrix_product(x: Tensor, y: Tensor, kernel: Tensor) -> tuple[Run, Run, Run]:
    """Return forward, weight gradient and input gradient of a dense layer."""
    import tensorflow as tf

    return (
        lambda: tf.raw_ops.MatMul(a=x, b=kernel),
        lambda: tf.raw_ops.MatMul(a=x, b=y, transpose_a=True),
        lambda: tf.raw_ops.MatMul(a=y, b=kernel, transpose_b=True),
    )


def prepare_torch(images: int, kinds: Sequence[str], every_way: bool) -> dict[str, Any]:
    """Fill RUNS with plain PyTorch and its faster variants."""
    import torch

    from vaetut import datasets

    data = datasets.load("fashion-mnist").subset(images, SEED)
    planes = rivals.torch_images(data.images)
    compiles = shutil.which("g++") or shutil.which("clang++")
    for kind in kinds:
        RUNS[f"{kind}: PyTorch"] = torch_way(kind, planes, data.image_shape)
        if not every_way or kind != kinds[0]:
            continue
        last, compiled = (f"{kind}: {extra}" for extra in EXTRAS)
        options = {"layout": torch.channels_last}
        RUNS[last] = torch_way(kind, planes, data.image_shape, **options)
        if compiles:
            RUNS[compiled] = torch_way(kind, planes, data.image_shape, compiled=True)
    return {
        "versions": {"torch": torch.__version__},
        "skipped": {} if compiles else {EXTRAS[1]: "there is no C++ compiler"},
    }


def torch_way(
    kind: str,
    planes: Tensor,
    shape: tuple[int, int, int],
    layout: Any = None,
    compiled: bool = False,
) -> Run:
    """Return a function that trains the torch model on all images once."""
    import torch

    torch.manual_seed(SEED)
    network = rivals.torch_model(kind, shape)
    if layout is not None:
        network = network.to(memory_format=layout)
    optimizer = rivals.torch_optimizer(network, kind)
    if compiled:
        network = torch.compile(network)
    return lambda: rivals.torch_epoch(network, optimizer, planes, layout=layout)


# In the process that compares


def compare(
    backend: str, quick: bool = False
) -> tuple[list[dict[str, Any]], str, dict[str, Any]]:
    """Return the cases of one backend, its hardware, and further facts."""
    images = BATCH if quick else IMAGES[backend]
    kinds = list(MODELS)[: 1 if quick else None]
    every = not quick and backend == "tensorflow"  # for the first model
    runs, facts = {}, {}
    with (
        common.Contender(__file__, backend) as keras,
        common.Contender(__file__) as torch,
    ):
        for name, contender in {"keras": keras, "torch": torch}.items():
            facts[name] = contender.ask(
                prepare=name, images=images, kinds=kinds, every_way=every
            )
            for run in facts[name].pop("names"):
                runs[run] = lambda c=contender, r=run: c.ask(run=r)
        took = common.take_turns(runs, 1 if quick else ROUNDS, 0 if quick else SECONDS)
    about = {
        "images": images,
        "versions": facts["keras"]["versions"] | facts["torch"]["versions"],
        "skipped": facts["torch"]["skipped"],
        "ways": {
            way: round(images / statistics.median(seconds), 1)
            for way, seconds in took.items()
        },
    }
    rows = [row for kind in kinds for row in cases(backend, kind, took, images)]
    return rows, facts["keras"]["hardware"], about


def cases(
    backend: str, kind: str, took: Mapping[str, list[float]], images: int
) -> list[dict[str, Any]]:
    """Return the cases of one model on one backend: ours against each that there is."""
    against = {
        STOCK: (OURS, STOCK),
        "PyTorch": (OURS, "PyTorch"),
        **{extra: (OURS, extra) for extra in EXTRAS},
        f"{HALF} (other arithmetic), {STOCK}": (HALF, STOCK),
        KERNELS: (OURS, KERNELS),
    }
    rows = []
    for name, pair in against.items():
        turns = [took.get(f"{kind}: {way}") for way in pair]
        if all(turns):
            title = f"{kind} on {backend}: {name}"
            rows.append(common.rate_case(title, *turns, (images, images)))
    return rows


def main(quick: bool = False) -> dict[str, Any]:
    """Measure every backend and store the result; `quick`: a few steps, not stored."""
    rows, hardware, backends = [], {}, {}
    for backend in ["tensorflow"] if quick else IMAGES:
        cases, hardware[backend], backends[backend] = compare(backend, quick)
        rows += cases
    return common.publish(
        __file__,
        QUESTION,
        "images a second",
        rows,
        hardware["tensorflow"],
        store=not quick,
        backends=backends,
    )


if __name__ == "__main__":
    common.command(QUESTION, main, answer)
