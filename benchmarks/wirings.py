"""What does a training step cost with each way of wiring the KL loss?

Ours is `compute_loss`, the rivals are the other ways of chapter 03, all defined by the
chapter itself: what is timed is what it shows. Networks of chapter 02, batches of 100,
compiled and eagerly, in turns in one process on TensorFlow. Besides the times the
result says what each way `survives`: loss and gradients for the same weights and the
same ε in other circumstances, on small networks, with a process for each backend.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import math
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks import common

if TYPE_CHECKING:
    import keras

Step = tuple[float, Any]  # a loss, and its gradients as one flat array

QUESTION = __doc__.splitlines()[0]
CHAPTER = Path(__file__).resolve().parents[1] / "book/03-wiring-the-kl-loss.ipynb"
WAYS = "layer", "outputs", "endpoint", "train_step", "compute_loss"
OURS, BETA = WAYS[-1], 1024 / 500
IMAGES, BATCH, ROUNDS = 500, 100, 15
SMALL = {"shape": (8, 8, 1), "filters": (4, 8)}
N, PART = 14, 6  # images, and of a batch: the last one has two
RATE = 1e3  # of gradient descent: the weights' own rounding no longer matters
YES = "✓"
# In the process that is timed: name -> function that trains once.
RUNS: dict[str, Callable[[], object]] = {}


# In a process of one backend


def taught() -> dict[str, Any]:
    """Return the chapter's own functions and classes, without running its cells."""
    import keras
    import numpy as np
    from keras import layers, ops

    from vaetut import models

    cells = json.loads(CHAPTER.read_text("utf8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    kept = (ast.FunctionDef, ast.ClassDef)
    body = [node for node in ast.parse(code).body if isinstance(node, kept)]
    names = {"keras": keras, "layers": layers, "ops": ops, "np": np}
    names |= {name: getattr(models, name) for name in models.__all__}
    names["register"] = keras.saving.register_keras_serializable("wiring")
    if importlib.util.find_spec("tensorflow"):
        import tensorflow

        names["tf"] = tensorflow
    exec(compile(ast.Module(body, []), CHAPTER.name, "exec"), names)
    return names


class Small:
    """All wirings with the same small networks, the same weights, images and ε.

    `given`: ε is a constant. Else it is drawn as the chapter draws it.
    """

    def __init__(self, given: bool = True) -> None:
        import numpy as np

        self.names = names = taught()
        rng = np.random.default_rng(0)
        # More than images: Keras tries out layers with batches of its own size.
        epsilon = rng.standard_normal((200, 2)).astype("float32")
        self.images = rng.uniform(size=(N, *SMALL["shape"])).astype("float32")
        # So large that the KL is a good part of the loss: a fresh network's is not.
        self.values = 0.3 * rng.standard_normal(10_000)
        keras, ops, draw_codes = names["keras"], names["ops"], names["draw_codes"]
        if not given:
            return

        @names["register"]
        class Given(names["Draw"]):
            """The chapter's draw, with a given ε."""

            def compute_output_spec(self, mean, log_var):
                return keras.KerasTensor(mean.shape, mean.dtype)

            def call(self, mean, log_var):
                given = ops.convert_to_tensor(epsilon)[: ops.shape(mean)[0]]
                return draw_codes(mean, log_var, given)

        names["Draw"] = Given

    def build(
        self, way: str, count: int = N, policy: str = "float32"
    ) -> tuple[keras.Model, Sequence[Any], dict[str, Any]]:
        """Return model, data and options of a wiring, with the weights of all."""
        keras = self.names["keras"]
        keras.config.set_dtype_policy(policy)
        try:
            networks = self.names["networks"](**SMALL)
            start = 0
            for network in networks:
                for weight in network.weights:
                    size = math.prod(weight.shape)
                    values = self.values[start : start + size]
                    weight.assign(values.reshape(weight.shape).astype("float32"))
                    start += size
            return self.names["wired"](way, *networks, BETA, self.images[:count])
        finally:
            keras.config.set_dtype_policy("float32")

    def step(self, way: str, policy: str = "float32", **options: Any) -> Step:
        """Return the loss that `fit` logs for one step, and its gradients, flat."""
        import numpy as np

        built = self.build(way, policy=policy)
        loss, gradients = self.names["ask_fit"](*built, **options)
        return loss, np.concatenate([g.ravel() for g in gradients])

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
        model.compile(self.adam(), **{"jit_compile": False, **options, **more})
        fit = model.fit(*data, batch_size=PART, shuffle=False, verbose=0)
        return {name: values[0] for name, values in fit.history.items()}

    def adam(self) -> keras.optimizers.Optimizer:
        """Return the optimizer of every training here."""
        return self.names["keras"].optimizers.Adam(1e-3)

    def apart(self, way: str, count: int) -> float | None:
        """Return the relative error of the logged parts' sum, or None without parts."""
        logs = self.history(way, count)
        parts = [
            next((v for k, v in logs.items() if k.startswith(name)), None)
            for name in ("reconstruction", "kl")
        ]
        if None in parts:
            return None
        return abs(logs["loss"] - parts[0] - BETA * parts[1]) / logs["loss"]

    def validation(self, way: str) -> float:
        """Return the loss of `evaluate` in small batches, the last one smaller."""
        model, data, options = self.build(way)
        model.compile(self.adam(), **{"jit_compile": False, **options})
        batch = {"batch_size": PART, "verbose": 0, "return_dict": True}
        return model.evaluate(*data, **batch)["loss"]

    def interrupted(self, way: str) -> list[list[float]]:
        """Return the losses of two epochs more, without and with a file between."""
        keras = self.names["keras"]
        model, data, options = self.build(way)
        model.compile(self.adam(), **{"jit_compile": False, **options})
        how = {"batch_size": PART, "shuffle": False, "verbose": 0}
        model.fit(*data, **how)
        with tempfile.TemporaryDirectory() as folder:
            model.save(f"{folder}/model.keras")
            loaded = keras.models.load_model(f"{folder}/model.keras")
        return [m.fit(*data, epochs=2, **how).history["loss"] for m in (model, loaded)]


def attempt(act: Callable[[], Any]) -> Any:
    """Return what a function returns, or its error as a text."""
    try:
        return act()
    except Exception as error:
        text = " ".join(re.sub(r"\x1b\[\d+m", "", str(error)).split())
        return f"{type(error).__name__}: {text}"[:220]


def errors(one: Step, other: Step) -> tuple[float, float]:
    """Return the relative errors of loss and gradients of one answer of `step`."""
    apart = abs(one[1] - other[1]).max() / abs(other[1]).max()
    return abs(one[0] / other[0] - 1), apart


def near(one: Step, other: Step, loss: float = 1e-6, gradients: float = 1e-5) -> bool:
    """Return whether two answers of `step` are equal, to a relative error each."""
    apart = errors(one, other)
    return apart[0] <= loss and apart[1] <= gradients


def survives(xla: Sequence[str] = WAYS) -> dict[str, dict[str, str]]:
    """Return circumstance → wiring → its outcome in words, on TensorFlow."""
    small = Small()
    plain = {way: small.step(way) for way in WAYS}
    ours = plain[OURS]
    evaluated = small.validation(OURS)

    def mark(way, **options):
        return YES if near(small.step(way, **options), ours) else "another loss"

    def logged(way):
        parts = [k for k in small.history(way, 2 * PART) if k != "loss"]
        short = {"reconstruction": "reconstruction", "kl": "KL"}
        names = [short[k.removesuffix("_loss")] for k in parts]
        return ", ".join(["total", *sorted(names, reverse=True)])

    def sums(way, count):
        apart = small.apart(way, count)
        return "–" if apart is None else YES if apart < 1e-6 else "no"

    def half(way, policy):
        skipped, answer = small.taken(way, policy)
        loss, gradients = errors(answer, ours)
        words = f"{loss:.0e}, {gradients:.0e}"
        return f"{words}; {skipped} skipped" if skipped else words

    def continued(way):
        one, other = small.interrupted(way)
        pairs = zip(one, other, strict=True)
        return YES if all(abs(a / b - 1) < 1e-6 for a, b in pairs) else "no"

    rows = {
        "same loss and gradients": lambda way: YES if near(plain[way], ours) else "no",
        "logs": logged,
        "the log adds up": lambda way: sums(way, 2 * PART),
        "… with a small last batch": lambda way: sums(way, N),
        "validation": lambda way: (
            YES if abs(small.validation(way) / evaluated - 1) < 1e-6 else "no"
        ),
        "eager": lambda way: mark(way, run_eagerly=True),
        "XLA, ε given": lambda way: mark(way, jit_compile=True) if way in xla else "",
        "saved, loaded, continued": continued,
        "`mixed_bfloat16`: loss and gradients off by": lambda way: half(
            way, "mixed_bfloat16"
        ),
        "`mixed_float16`: off by, and first steps skipped": lambda way: half(
            way, "mixed_float16"
        ),
    }
    found = {}
    for name, row in rows.items():
        cells = {way: attempt(partial(row, way)) for way in WAYS}
        # An error is a sentence, and all else is a word or three.
        found[name] = {w: c if len(c) < 40 else "fails" for w, c in cells.items()}
    return found


def answers() -> dict[str, Any]:
    """Return wiring → loss and gradients of a step, or the error, on this backend."""
    import keras

    small = Small()
    compiled = keras.backend.backend() == "jax"  # one operation at a time is slow
    found = {}
    for way in WAYS:
        answer = attempt(lambda way=way: small.step(way, jit_compile=compiled))
        failed = isinstance(answer, str)
        found[way] = answer if failed else [float(answer[0]), answer[1].tolist()]
    found["metric in call"] = attempt(lambda: metric_in_call(small, compiled))
    loss, gradients = added_in_own_loss(small, compiled)
    found["added in own loss"] = float(loss), gradients.tolist()
    free = Small(given=False)
    found["own draw"] = {
        way: attempt(lambda way=way: free.step(way, jit_compile=compiled)[0])
        for way in WAYS
    }
    return found


def added_in_own_loss(small: Small, compiled: bool) -> Step:
    """Return `step` of a `compute_loss` that adds what a layer has added."""
    import numpy as np

    names = small.names

    class Both(names["LossVAE"]):
        def compute_loss(self, *args, **kwargs):
            return super().compute_loss(*args, **kwargs) + sum(self.losses)

    model, data, options = small.build(OURS)
    codes = names["Charge"](BETA)(*model.encoder.outputs)
    encoder = names["keras"].Model(model.encoder.input, codes)
    both = Both(encoder, model.decoder, 0.0)
    loss, gradients = names["ask_fit"](both, data, options, jit_compile=compiled)
    return loss, np.concatenate([g.ravel() for g in gradients])


def metric_in_call(small: Small, compiled: bool) -> str:
    """Train a model that updates a metric in `call`; return that it went well."""

    class Metered(small.names["LossVAE"]):
        def call(self, images):
            outputs = super().call(images)
            self.kl.update_state(small.names["gaussian_kl"](*outputs[1:]))
            return outputs

    networks = small.names["networks"](**SMALL)
    model = Metered(*networks, BETA)
    model.compile("sgd", jit_compile=compiled)
    model.fit(small.images, batch_size=N, verbose=0)
    return "no error"


def prepare(images: int = IMAGES) -> dict[str, Any]:
    """Fill RUNS with every wiring, compiled and eager, run each once; return facts."""
    import numpy as np

    from vaetut import datasets
    from vaetut.training import backends

    names = taught()
    keras = names["keras"]
    data = datasets.load("fashion-mnist").subset(images, 0).images / np.float32(255)
    for way in WAYS:
        for mode in ("compiled", "eager"):
            networks = names["networks"]()
            model, inputs, options = names["wired"](way, *networks, BETA, data)
            options |= {"run_eagerly": mode == "eager", "jit_compile": False}
            model.compile(keras.optimizers.Adam(5e-4), **options)
            RUNS[f"{way}, {mode}"] = lambda model=model, inputs=inputs: model.fit(
                *inputs, batch_size=BATCH, verbose=0
            )
    for run in RUNS.values():
        run()
    about = {"hardware": backends.hardware(), "versions": backends.versions()}
    return {"names": list(RUNS), **about}


def answer(probe: Any = None, run: str | None = None, **options: Any) -> Any:
    """Answer for one backend: `probe` names a function here, `run` a wiring to time."""
    if run:
        return common.timed(RUNS[run])()
    return {"survives": survives, "answers": answers, "prepare": prepare}[probe](
        **options
    )


# In the process that compares


def on_backends(
    backends: Sequence[str] = ("jax", "torch"),
) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Return the rows of other backends, wiring by wiring, and the errors met there.

    ✓: loss and gradients are those of `compute_loss`, on the same backend as `near`
    has it, and on TensorFlow to ten times that; and a training with the chapter's own
    draw has a finite loss.
    """
    import numpy as np

    def ask(backend):
        found = common.ask_once(__file__, backend, probe="answers")
        for way in WAYS:
            if not isinstance(found[way], str):
                found[way] = found[way][0], np.array(found[way][1])
        return found

    ours, rows, met = ask("tensorflow")[OURS], {}, {}
    for backend in backends:
        found, name = ask(backend), {"jax": "JAX", "torch": "Torch"}[backend]
        rows[name] = {}
        for way in WAYS:
            failed = isinstance(found[way], str)
            same = (
                not failed
                and near(found[way], found[OURS])
                and near(found[way], ours, 1e-5, 1e-4)
                and not isinstance(found["own draw"][way], str)
                and math.isfinite(found["own draw"][way])
            )
            rows[name][way] = YES if same else "fails" if failed else "another loss"
            if failed:
                met[f"{way} on {name}"] = found[way]
        met[f"metric updated in call on {name}"] = found["metric in call"]
        loss, gradients = found["added in own loss"]
        seen = near((loss, np.array(gradients)), found[OURS])
        words = "the same loss" if seen else "another loss"
        met[f"compute_loss that adds self.losses on {name}"] = words
    return rows, met


def main(quick: bool = False) -> dict[str, Any]:
    """Measure, store and return the result; `quick`: one short turn, not stored."""
    rows, met = ({}, {}) if quick else on_backends()
    with common.Contender(__file__) as contender:
        circumstances = {} if quick else contender.ask(probe="survives")
    with common.Contender(__file__) as contender:
        images = BATCH if quick else IMAGES
        facts = contender.ask(probe="prepare", images=images)
        runs = {name: lambda n=name: contender.ask(run=n) for name in facts["names"]}
        took = common.take_turns(runs, 1 if quick else ROUNDS, 0)
    steps = images // BATCH
    each = {name: [1e3 * t / steps for t in times] for name, times in took.items()}
    cases = [
        common.cost_case(
            f"{way}, {mode}", each[f"{OURS}, {mode}"], each[f"{way}, {mode}"]
        )
        for mode in ("compiled", "eager")
        for way in WAYS[:-1]
    ]
    eagerly = each[f"{OURS}, compiled"], each[f"{OURS}, eager"]
    cases.append(common.cost_case(f"{OURS}, eager against compiled", *eagerly))
    return common.publish(
        __file__,
        QUESTION,
        "ms a step",
        cases,
        facts["hardware"],
        store=not quick,
        reads="how many times as long the other way takes",
        versions=facts["versions"],
        survives=circumstances | rows,
        met=met,
    )


if __name__ == "__main__":
    common.command(QUESTION, main, answer)
