"""The same weights, images and ε give the same losses on every backend."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

# Weights are set layer by layer from NumPy, and ε is given: a seed means something
# else on each backend. Three Adam steps follow, so that gradients are compared too.
PROGRAM = """
import json, numpy as np, keras
from keras import ops
from vaetut.models import VAE, conv_decoder, conv_encoder
rng = np.random.default_rng(0)
shape, size = (8, 8, 1), {"latent_dim": 2, "filters": (4, 8)}
encoder = conv_encoder(shape, heads=("mean", "log_var"), **size)
model = VAE(encoder, conv_decoder(shape, **size), beta=2.048)
for weight in model.weights:
    weight.assign(rng.normal(0, 0.2, weight.shape).astype("float32"))
images = rng.integers(0, 256, (16, *shape), dtype=np.uint8)
epsilon = rng.standard_normal((16, 2)).astype("float32")
images, epsilon = ops.convert_to_tensor(images), ops.convert_to_tensor(epsilon)

class Fixed(VAE):
    def call(self, images):
        return super().call(images, epsilon=epsilon)

fixed = Fixed(model.encoder, model.decoder, beta=2.048)
fixed.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
found = []
for step in range(4):
    logs = fixed.evaluate(images, batch_size=16, verbose=0, return_dict=True)
    found.append([logs[k] for k in ("loss", "reconstruction", "kl", "regularizer")])
    fixed.fit(images, batch_size=16, verbose=0, shuffle=False)

# The networks for strokes, and the reference's: losses before and after a step along
# the gradient of each. Compiled on JAX alone, where one operation at a time is slow.
from vaetut.datasets import polar
from vaetut.models import DIPVAE, NETWORKS, VAE, DistanceVAE, EntanglementVAE
shape = (64, 64, 1)
images = ops.convert_to_tensor(polar.draw([[1.0, 0.5], [1.5, 1.5]], 64))
epsilon = ops.convert_to_tensor(rng.standard_normal((2, 3)).astype("float32"))
strokes = {}
jax = keras.backend.backend() == "jax"
names = "reference", "transposed", "coordinate", "broadcast", "fourier", "contour"
for name in names:
    builders = NETWORKS[name]
    encoder, decoder = (build(shape, 3, filters=(4, 4, 8, 8)) for build in builders)
    for weight in encoder.weights + decoder.weights:
        spread = 0.5 / np.sqrt(np.prod(weight.shape[:-1]))
        values = rng.normal(0, spread, weight.shape).astype("float32")
        # A variance is positive.
        weight.assign(1 + abs(values) if "variance" in weight.path else values)
    kinds = [VAE]
    kinds += [DistanceVAE, EntanglementVAE, DIPVAE] if name == "transposed" else []
    for kind in kinds:
        class Given(kind):
            def call(self, images):
                return super().call(images, epsilon=epsilon)

        model = Given(encoder, decoder, beta=0.5, posterior_sd=0.1)
        model.compile(keras.optimizers.SGD(1e-5), jit_compile=jax, run_eagerly=not jax)
        logs = [model.evaluate(images, verbose=0, return_dict=True)]
        model.fit(images, verbose=0)
        logs += [model.evaluate(images, verbose=0, return_dict=True)]
        strokes[f"{name} {kind.__name__}"] = logs
print(json.dumps([found, strokes]))
"""


def losses(backend):
    # Most of the time would go into making JAX's programs fast.
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found, strokes = json.loads(done.stdout.splitlines()[-1])
    return np.array(found), strokes


@pytest.fixture(scope="module")
def on_tensorflow():
    return losses("tensorflow")


@pytest.fixture(scope="module")
def reference(on_tensorflow):
    return on_tensorflow[0]


@pytest.fixture(scope="module", params=["jax", "torch"])
def other(request):
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed: see requirements-test.txt")
    return losses(request.param)


def test_equal_losses_before_and_after_equal_steps(other, reference):
    found = other[0]
    np.testing.assert_allclose(found[:2], reference[:2], rtol=1e-5)  # a step of Adam
    np.testing.assert_allclose(found, reference, rtol=1e-4)
    assert reference[-1, 0] < reference[0, 0]


def test_the_parts_add_up_on_the_reference(reference):
    np.testing.assert_allclose(reference[:, 0], reference[:, 1] + reference[:, 3], 1e-6)
    np.testing.assert_allclose(reference[:, 3], 2.048 * reference[:, 2], 1e-6)


def test_equal_losses_of_the_networks_for_strokes(other, on_tensorflow):
    found, expected = other[1], on_tensorflow[1]
    assert found.keys() == expected.keys() and len(expected) == 9
    for name, logs in expected.items():
        for mine, its in zip(found[name], logs, strict=True):
            assert mine == pytest.approx(its, rel=1e-4), name
        # The step is along the gradient, on every backend by as much.
        fell, falls = (
            before["loss"] - after["loss"] for before, after in (logs, found[name])
        )
        assert fell > 0 and falls == pytest.approx(fell, rel=0.02), name


def test_the_parts_of_strokes_add_up_on_the_reference(on_tensorflow):
    for name, logs in on_tensorflow[1].items():
        for parts in logs:
            whole = parts["reconstruction"] + parts["regularizer"]
            more = parts["regularizer"] - 0.5 * parts["kl"]
            has_term = "Entanglement" in name or "DIP" in name
            assert (abs(more) > 1e-4) == has_term
            assert ("distance" in parts) == ("Distance" in name)
            assert parts["loss"] == pytest.approx(
                whole + parts.get("distance", 0), rel=1e-6
            )
