"""The benchmark of a card: its PyTorch rivals do the same arithmetic, and its ways."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from benchmarks import card, common, large
from vaetut.recipes import get_recipe
from vaetut.training import build_model

torch = pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]
N = 3


def our_loss(recipe, images, epsilon):
    """Return our model, and its loss in nats per image."""
    model = build_model(recipe, 0)
    scaled = ops.convert_to_tensor(images.astype("float32") / 255)
    outputs = model(images, epsilon=ops.convert_to_tensor(epsilon))
    return model, float(ops.mean(model.loss_terms(scaled, *outputs)["loss"]))


def as_torch(model, network, turned):
    """Return our weights as the torch network wants them.

    `turned`: by half a turn, as a strided convolution is padded on the other side.
    """
    encoder = [layer for layer in model.encoder.layers if layer.weights]
    decoder = [layer for layer in model.decoder.layers if layer.weights]
    before = model.decoder.get_layer("reshape").output.shape[1:]
    last = [x.output.shape[1:] for x in model.encoder.layers if len(x.output.shape) > 2]
    parts = []
    for layer in encoder + decoder:
        kernel, *rest = layer.get_weights()
        if isinstance(layer, keras.layers.BatchNormalization):
            parts += [kernel, *rest, np.array(0)]  # and how many batches it has seen
            continue
        if kernel.ndim == 4:
            kernel = kernel[::-1, ::-1] if turned else kernel
            kernel = kernel.transpose(3, 2, 0, 1)
        elif layer in encoder:
            kernel = planes_first(kernel, last[-1], turned).T
        else:
            kernel = planes_first(kernel.T, before, turned)
            rest = [planes_first(bias, before, turned) for bias in rest]
        parts += [kernel, *rest]
    names = network.state_dict()
    return {
        name: torch.from_numpy(np.ascontiguousarray(part)).to(names[name].dtype)
        for name, part in zip(names, parts, strict=True)
    }


def planes_first(features, shape, turned):
    """Reorder features (h·w·c, …) to (c·h·w, …), each plane turned or as it is."""
    planes = features.reshape(*shape, -1)
    planes = planes[::-1, ::-1] if turned else planes
    return planes.transpose(2, 0, 1, 3).reshape(features.shape)


@pytest.mark.parametrize("name", ["polar-reference", "faces-vae"])
def test_the_rival_does_our_arithmetic(name):
    recipe = get_recipe(name, "smoke")
    random = np.random.default_rng(0)
    shape = build_model(recipe).encoder.input_shape[1:]
    images = random.integers(0, 256, (N, *shape), dtype=np.uint8)
    epsilon = random.standard_normal((N, recipe.latent_dim)).astype("float32")
    model, ours = our_loss(recipe, images, epsilon)
    turned = name == "faces-vae"
    network = large.torch_model(recipe, shape)
    network.load_state_dict(as_torch(model, network, turned))
    network.eval()
    seen = images[:, ::-1, ::-1] if turned else images
    planes = torch.from_numpy(np.moveaxis(seen, -1, 1).astype("float32") / 255)
    with torch.no_grad():
        outputs = network(planes, torch.from_numpy(epsilon))
    theirs = large.torch_loss(recipe, planes, *outputs).item()
    assert theirs == pytest.approx(ours, rel=1e-5)


def test_the_rival_has_the_sources_parameters():
    recipe = get_recipe("polar-reference")
    network = large.torch_model(recipe, (256, 256, 1))
    counts = {
        name: sum(weight.numel() for weight in part.parameters())
        for name, part in network.named_children()
    }
    assert counts["features"] + counts["heads"] == 345_411
    fixed = 2 * (64 + 64 + 128 + 256)  # means and variances, which torch trains not
    assert counts["dense"] + counts["decoder"] == 204_545 - fixed


def test_the_rival_learns():
    recipe = get_recipe("faces-vae", "smoke")
    images = card.noise(recipe, 1)
    step = large.torch_way(recipe, images, 5, "float32")
    first = step()
    assert step() < first


def test_a_share_is_of_the_rate_and_the_most_is_what_the_bytes_allow():
    layers = {"large": [4e12, 1e9], "moved": [0, 3e9]}  # 4 s of flops, 3 s of bytes
    model = {"flops_an_image": 1e12, "batch": 4, "layers": layers}
    device = {"matrix": {card.HALF: 1.0}, "bandwidth": 1.0}
    found = card.share(model, images_a_second=0.4, device=device)
    assert found["share"] == pytest.approx(0.4)
    assert found["most"] == pytest.approx(4 / 7, abs=1e-4)
    assert found["floor_ms"] == pytest.approx(7000)


def test_every_way_changes_one_thing_and_says_why():
    for name, (change, reason) in card.WAYS.items():
        assert len(change) == (name != "as trained") and reason
        assert change.get("flags", "--xla_gpu").startswith("--xla_gpu")


def test_every_flag_is_one_that_xla_has():
    pytest.importorskip("jax")
    flags = [change["flags"] for change, _ in card.WAYS.values() if "flags" in change]
    program = "import jax; jax.numpy.ones(1)"
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": " ".join(flags)}
    done = subprocess.run([sys.executable, "-c", program], env=environment)
    assert done.returncode == 0


@pytest.mark.parametrize("what", ["rivals", "ways", "python"])
def test_it_can_be_tried_out_without_a_card(what):
    before = sorted(common.RESULTS.iterdir())
    command = [sys.executable, "benchmarks/card.py", what, "--quick"]
    name = "jax" if what == "python" else keras.backend.backend()
    environment = os.environ | {"KERAS_BACKEND": name, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found[{"rivals": "shares", "ways": "fastest", "python": "8 a call"}[what]]
    assert sorted(common.RESULTS.iterdir()) == before
