"""How fast is an epoch of the autoencoder, against the source's code in stock Keras?

On each backend, in one process: the library's model as `vaetut train` compiles it, the
same with XLA the other way and with ten steps a call, and the source's own pattern (a
functional model, `compile("adam", "binary_crossentropy")`, float images, `fit`). They
take turns, so that a machine that slows down slows them all; the median counts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

QUESTION = __doc__.splitlines()[0]
RESULT = Path(__file__).parent / "results" / "epoch.json"
BATCH, SEED = 100, 0
ROUNDS, SECONDS = 3, 120  # at least so many rounds, at least so long
# Training images of a round: many enough that what `fit` does once does not count.
IMAGES = {"tensorflow": 6000, "jax": 1000, "torch": 6000}


def source_pattern(shape):
    """Return the post's autoencoder as it is written there, in today's Keras."""
    import keras
    from keras import layers

    images = x = keras.Input(shape)
    for width in (32, 64, 128):
        x = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu")(x)
    before = x.shape[1:]
    codes = layers.Dense(2)(layers.Flatten()(x))
    x = layers.Dense(before[0] * before[1] * before[2])(codes)
    x = layers.Reshape(before)(x)
    for width in (128, 64, 32):
        x = layers.Conv2DTranspose(
            width, 3, strides=2, padding="same", activation="relu"
        )(x)
    x = layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x)
    model = keras.Model(images, x)
    model.compile("adam", "binary_crossentropy")
    return model


def measure_backend():
    """Return images a second of each way on the backend of this process."""
    import keras
    import numpy as np

    from vaetut import datasets
    from vaetut.training import build_model, engine, get_recipe

    n = IMAGES[keras.backend.backend()]
    data = datasets.load("fashion-mnist").subset(n, SEED)
    scaled = data.images.astype("float32") / np.float32(255)
    chosen = engine.compile_options()
    ways = {
        "ours": chosen,
        "ours, XLA the other way": {"jit_compile": not chosen["jit_compile"]},
        "ours, ten steps a call": chosen | {"steps_per_execution": 10},
    }
    if keras.backend.backend() != "tensorflow":
        del ways["ours, XLA the other way"]  # JAX is XLA, and Torch has none
    if keras.backend.backend() == "torch":
        del ways["ours, ten steps a call"]  # Keras refuses it there
    runs = {}
    for name, options in ways.items():
        model = build_model(get_recipe("fashion-ae"), SEED)
        model.compile("adam", **options)
        runs[name] = lambda m=model: m.fit(
            data.images, batch_size=BATCH, shuffle=False, verbose=0
        )
    stock = source_pattern(data.image_shape)
    runs["theirs"] = lambda: stock.fit(scaled, scaled, batch_size=BATCH, verbose=0)
    seconds = {name: [] for name in runs}
    for run in runs.values():  # the first compiles
        run()
    began = time.perf_counter()
    while len(seconds["ours"]) < ROUNDS or time.perf_counter() - began < SECONDS:
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    rates = {name: n / statistics.median(took) for name, took in seconds.items()}
    ratios = [t / o for o, t in zip(seconds["ours"], seconds["theirs"], strict=True)]
    return {
        "case": keras.backend.backend(),
        "images": n,
        "ours": round(rates["ours"], 1),
        "theirs": round(rates["theirs"], 1),
        "ways": {name: round(rate, 1) for name, rate in rates.items()},
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "hardware": engine.hardware(),
        "versions": engine.versions(),
    }


def main():
    """Measure every backend in a process of its own and write the result."""
    rows = []
    for backend in IMAGES:
        done = subprocess.run(
            [sys.executable, __file__, "--one"],
            env=os.environ | {"KERAS_BACKEND": backend},
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"the benchmark failed on {backend}")
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    first = rows[0]
    result = {
        "question": QUESTION,
        "ours": first["ours"],
        "theirs": first["theirs"],
        "unit": "images a second",
        "ratio": first["ratio"],
        "hardware": first["hardware"],
        "cases": rows,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=QUESTION)
    parser.add_argument("--one", action="store_true", help="this process's backend")
    if parser.parse_args().one:
        print(json.dumps(measure_backend()))
    else:
        print(json.dumps(main(), indent=1))
