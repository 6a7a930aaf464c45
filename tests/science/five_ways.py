"""The five ways of chapter 03, as the chapter defines them, on small networks.

As a script it prints as JSON what they answer: `five_ways.py backend` on the backend it
is started with, `five_ways.py devices` on one virtual CPU and on two.
"""

import ast
import importlib.util
import json
import math
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHAPTER = Path(__file__).parents[2] / "book" / "03-wiring-the-kl-loss.ipynb"
WAYS = "layer", "outputs", "endpoint", "train_step", "compute_loss"
OURS, BETA = WAYS[-1], 1024 / 500
SMALL = {"shape": (8, 8, 1), "filters": (4, 8)}
N, PART = 14, 6  # images, and of a batch: the last one has two
RATE = 1e3  # of gradient descent: the weights' own rounding no longer matters

Step = tuple[float, Any]  # a loss, and its gradients as one flat array


def taught() -> dict[str, Any]:
    """Return the chapter's own functions and classes, without running its cells."""
    import keras
    import numpy as np
    from keras import layers, ops

    from vaetut import models
    from vaetut.models.regularizers import entanglement_loss

    cells = json.loads(CHAPTER.read_text("utf8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    kept = (ast.FunctionDef, ast.ClassDef)
    body = [node for node in ast.parse(code).body if isinstance(node, kept)]
    names = {"keras": keras, "layers": layers, "ops": ops, "np": np, "math": math}
    names |= {name: getattr(models, name) for name in models.__all__}
    names["entanglement_loss"] = entanglement_loss
    names["register"] = keras.saving.register_keras_serializable("wiring")
    if importlib.util.find_spec("tensorflow"):
        import tensorflow

        names["tf"] = tensorflow
    exec(compile(ast.Module(body, []), CHAPTER.name, "exec"), names)
    return names


class Small:
    """All wirings with the same small networks, the same weights, images and ε.

    `noise`: ε is "given", a constant; "drawn", as the chapter draws it; or "none", 0.
    """

    def __init__(self, noise: str = "given") -> None:
        import numpy as np

        self.names = names = taught()
        rng = np.random.default_rng(0)
        # More than images: Keras tries out layers with batches of its own size.
        epsilon = rng.standard_normal((200, 2)).astype("float32")
        self.images = rng.uniform(size=(N, *SMALL["shape"])).astype("float32")
        # So large that the KL is a good part of the loss: a fresh network's is not.
        self.values = 0.3 * rng.standard_normal(10_000)
        keras, ops, draw_codes = names["keras"], names["ops"], names["draw_codes"]

        @names["register"]
        class Given(names["Draw"]):
            """The chapter's draw, with a given ε."""

            def compute_output_spec(self, mean, log_var):
                return keras.KerasTensor(mean.shape, mean.dtype)

            def call(self, mean, log_var):
                given = ops.convert_to_tensor(epsilon)[: ops.shape(mean)[0]]
                return draw_codes(mean, log_var, given)

        draws = {"given": Given, "drawn": names["Draw"], "none": names["Still"]}
        names["Draw"] = draws[noise]

    def networks(self) -> tuple[Any, Any]:
        """Return encoder and decoder, with the weights of all."""
        networks = self.names["networks"](**SMALL)
        start = 0
        for network in networks:
            for weight in network.weights:
                size = math.prod(weight.shape)
                values = self.values[start : start + size]
                weight.assign(values.reshape(weight.shape).astype("float32"))
                start += size
        return networks

    def build(self, way: str, count: int = N, policy: str = "float32") -> tuple:
        """Return model, data and options of a wiring, with the weights of all."""
        keras = self.names["keras"]
        keras.config.set_dtype_policy(policy)
        try:
            images = self.images[:count]
            return self.names["wired"](way, *self.networks(), BETA, images)
        finally:
            keras.config.set_dtype_policy("float32")

    def step(self, way: str, policy: str = "float32", **options: Any) -> Step:
        """Return the loss that `fit` logs for one step, and its gradients, flat."""
        return self.ask(*self.build(way, policy=policy), **options)

    def ask(self, *built: Any, **options: Any) -> Step:
        """Return the same of a model, its data and its options."""
        import numpy as np

        loss, gradients = self.names["ask_fit"](*built, **options)
        return float(loss), np.concatenate([g.ravel() for g in gradients])

    def taken(self, way: str, policy: str) -> tuple[int, Step]:
        """Return how many steps are skipped, and `step` for the first that is not.

        A step that is skipped leaves the weights as they are. So what comes after is
        still the gradient at the weights of all.
        """
        import numpy as np

        model, data, options = self.build(way, policy=policy)
        sgd = self.names["keras"].optimizers.SGD(RATE)
        model.compile(sgd, jit_compile=False, **options)
        before = [np.array(w) for w in model.get_weights()]
        moved, skipped = np.zeros(1), -1
        while not moved.any() and skipped < 10:
            fit = model.fit(*data, batch_size=N, shuffle=False, verbose=0)
            pairs = zip(before, model.get_weights(), strict=True)
            moved = np.concatenate([np.ravel(b - a) for b, a in pairs])
            skipped += 1
        return skipped, (fit.history["loss"][0], moved / RATE)

    def history(self, way: str, count: int, **more: Any) -> dict[str, float]:
        """Return the logs of an epoch in small batches, by name."""
        model, data, options = self.build(way, count)
        adam = self.names["keras"].optimizers.Adam(1e-3)
        model.compile(adam, **{"jit_compile": False, **options, **more})
        fit = model.fit(*data, batch_size=PART, shuffle=False, verbose=0)
        return {name: values[0] for name, values in fit.history.items()}


def near(one: Step, other: Step, loss: float = 1e-6, gradients: float = 1e-5) -> bool:
    """Return whether two answers of `step` are equal, to a relative error each."""
    apart = abs(one[1] - other[1]).max() / abs(other[1]).max()
    return abs(one[0] / other[0] - 1) <= loss and apart <= gradients


def attempt(act: Callable[[], Any]) -> Any:
    """Return what a function returns, or its error as a text."""
    try:
        return act()
    except Exception as error:
        text = " ".join(re.sub(r"\x1b\[\d+m", "", str(error)).split())
        return f"{type(error).__name__}: {text}"[:220]


# In a process of its own


class Elsewhere:
    """What the ways answer in another process, asked for while other tests run."""

    def __init__(self, question: str, backend: str) -> None:
        # Most of the time would go into making JAX's programs fast.
        new = {"KERAS_BACKEND": backend, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
        self.environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"} | new
        self.question, self.answer = question, None
        self.thread = threading.Thread(target=self._ask)
        self.thread.start()

    def _ask(self):
        command = [sys.executable, __file__, self.question]
        self.answer = subprocess.run(
            command, capture_output=True, text=True, env=self.environment
        )

    def __call__(self) -> dict[str, Any]:
        """Wait, and return the answer by the name of a way or of a probe."""
        self.thread.join()
        assert self.answer is not None and self.answer.returncode == 0, self.answer
        return json.loads(self.answer.stdout.splitlines()[-1])


def on_backend() -> dict[str, Any]:
    """Return wiring → loss and gradients of a step, or the error, on this backend."""
    import keras

    small = Small()
    compiled = keras.backend.backend() == "jax"  # one operation at a time is slow

    def plain(answer):
        return answer if isinstance(answer, str) else [answer[0], answer[1].tolist()]

    found = {}
    for way in WAYS:
        answer = attempt(lambda way=way: small.step(way, jit_compile=compiled))
        found[way] = plain(answer)
    found["metric in call"] = attempt(lambda: metric_in_call(small, compiled))
    found["added in own loss"] = plain(added_in_own_loss(small, compiled))
    free = Small("drawn")
    found["own draw"] = {
        way: attempt(lambda way=way: free.step(way, jit_compile=compiled)[0])
        for way in WAYS
    }
    return found


def added_in_own_loss(small: Small, compiled: bool) -> Step:
    """Return `step` of a `compute_loss` that adds what a layer has added."""
    names = small.names

    class Both(names["LossVAE"]):
        """The chapter's loss, and what layers add."""

        def compute_loss(self, *args, **kwargs):
            return super().compute_loss(*args, **kwargs) + sum(self.losses)

    model, data, options = small.build(OURS)
    codes = names["Charge"](BETA)(*model.encoder.outputs)
    encoder = names["keras"].Model(model.encoder.input, codes)
    both = Both(encoder, model.decoder, 0.0)
    return small.ask(both, data, options, jit_compile=compiled)


def metric_in_call(small: Small, compiled: bool) -> str:
    """Train a model that updates a metric in `call`; return that it went well."""

    class Metered(small.names["LossVAE"]):
        """A model whose `call` updates a metric."""

        def call(self, images):
            outputs = super().call(images)
            self.kl.update_state(small.names["gaussian_kl"](*outputs[1:]))
            return outputs

    model = Metered(*small.networks(), BETA)
    model.compile("sgd", jit_compile=compiled)
    model.fit(small.images, batch_size=N, verbose=0)
    return "no error"


def divided_tape(names: dict[str, Any]) -> type:
    """Return the chapter's `TapeVAE` with its two cures."""
    keras, ops, tf = names["keras"], names["ops"], names["tf"]

    class CuredTape(names["TapeVAE"]):
        """`TapeVAE` that minds sample weights and the number of devices."""

        def loss_of(self, data, training):
            images, _, weights = keras.utils.unpack_x_y_sample_weight(data)
            logits, mean, log_var = self(images, training=training)
            rec = names["bernoulli_nats"](images, logits)
            kl = names["gaussian_kl"](mean, log_var)
            if weights is not None:
                rec, kl = weights * rec, weights * kl
            self.rec.update_state(rec)
            self.kl.update_state(kl)
            self.total.update_state(rec + self.beta * kl)
            return ops.mean(rec + self.beta * kl)

        def train_step(self, data):
            with tf.GradientTape() as tape:
                loss = self.loss_of(data, True)
                loss = loss / tf.distribute.get_strategy().num_replicas_in_sync
            weights = self.trainable_weights
            self.optimizer.apply(tape.gradient(loss, weights), weights)
            return self.get_metrics_result()

    return CuredTape


def on_devices() -> dict[str, list[list[float]]]:
    """Return way → loss and length of the gradient, on one virtual CPU and on two."""
    import numpy as np
    import tensorflow as tf

    two = [tf.config.LogicalDeviceConfiguration()] * 2
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, two)
    small = Small("none")  # each device would draw its own
    cured = {"train_step, cured": divided_tape(small.names)}
    cured["compute_loss, cured"] = small.names["SafeVAE"]

    def build(way):
        if way not in cured:
            return small.build(way)
        return cured[way](*small.networks(), BETA), (small.images,), {}

    found = {}
    for way in (*WAYS, *cured):
        found[way] = []
        for devices in (["CPU:0"], ["CPU:0", "CPU:1"]):
            with tf.distribute.MirroredStrategy(devices).scope():
                built = build(way)
            loss, gradient = small.ask(*built)
            found[way].append([loss, float(np.linalg.norm(gradient))])
    return found


if __name__ == "__main__":
    print(json.dumps({"backend": on_backend, "devices": on_devices}[sys.argv[1]]()))
