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
print(json.dumps(found))
"""


def losses(backend):
    environment = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return np.array(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def reference():
    return losses("tensorflow")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_equal_losses_before_and_after_equal_steps(backend, reference):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: see requirements-test.txt")
    found = losses(backend)
    np.testing.assert_allclose(found[:2], reference[:2], rtol=1e-5)  # a step of Adam
    np.testing.assert_allclose(found, reference, rtol=1e-4)
    assert reference[-1, 0] < reference[0, 0]


def test_the_parts_add_up_on_the_reference(reference):
    np.testing.assert_allclose(reference[:, 0], reference[:, 1] + reference[:, 3], 1e-6)
    np.testing.assert_allclose(reference[:, 3], 2.048 * reference[:, 2], 1e-6)
