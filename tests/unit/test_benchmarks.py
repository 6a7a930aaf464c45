"""The benchmarks: what they store, and that their rivals do the same arithmetic."""

import contextlib
import datetime
import json
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from benchmarks import common, compact, epoch, memory, rivals, target, utilization
from vaetut.__main__ import main
from vaetut.datasets import load
from vaetut.recipes import get_recipe
from vaetut.runs import measuring
from vaetut.training import build_model

ROOT = Path(__file__).parents[2]
NAMES = ("compact", "epoch", "explorer", "memory", "target", "utilization")
RESULTS = sorted(common.RESULTS.glob("*.json"))
KINDS = {"autoencoder": "fashion-ae", "vae": "fashion-vae"}
N = 20


@pytest.fixture(scope="module")
def images():
    return load("fashion-mnist", "test").images[:N]


@pytest.fixture(scope="module")
def epsilon():
    return np.random.default_rng(1).standard_normal((N, 2)).astype("float32")


def our_loss(kind, images, epsilon):
    """Return our model, and its loss in the source's unit."""
    model = build_model(get_recipe(KINDS[kind]), 0)
    nats = target.our_loss(model, images, epsilon)
    return model, nats / 1024 * (rivals.WEIGHT if kind == "vae" else 1)


def test_all_are_listed_with_their_questions(capsys):
    assert main(["bench", "--list"]) == 0
    questions = dict(x.split(maxsplit=1) for x in capsys.readouterr().out.splitlines())
    assert all(questions[name].endswith("?") for name in NAMES)


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_stored_result_has_what_the_table_shows(path):
    result = json.loads(path.read_text("utf8"))
    keys = {"question", "ours", "theirs", "unit", "ratio", "hardware", "cases"}
    assert keys <= result.keys() and result["cases"]
    for case in result["cases"]:
        assert {"case", "ours", "theirs", "ratio", "ratios"} <= case.keys()
        assert min(case["ratios"]) <= case["ratio"] <= max(case["ratios"])
    first = result["cases"][0]
    assert all(result[key] == first[key] for key in ("ours", "theirs", "ratio"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_stored_result_says_what_was_measured_and_when(path):
    result = json.loads(path.read_text("utf8"))
    assert "commit" in result, f"measure it again: vaetut bench {path.stem}"
    assert re.fullmatch(r"[0-9a-f]{7,40}(\+changes)?", result["commit"])
    assert datetime.date.fromisoformat(result["date"])


def test_a_commit_says_if_the_checkout_was_changed(tmp_path):
    assert common.commit(tmp_path) == "unknown"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    results = tmp_path / "benchmarks" / "results"
    results.mkdir(parents=True)
    (tmp_path / "code.py").write_text("1")
    for words in (["init"], ["add", "."], ["commit", "-m", "one"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True, capture_output=True)
    clean = common.commit(tmp_path)
    assert re.fullmatch("[0-9a-f]{7,40}", clean)
    (results / "one.json").write_text("{}")
    assert common.commit(tmp_path) == clean
    (tmp_path / "code.py").write_text("2")
    assert common.commit(tmp_path) == f"{clean}+changes"


def test_what_is_published_says_its_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    case = common.cost_case("x", [1.0], [2.0])
    result = common.publish("one.py", "Why?", "s", [case], "a machine")
    assert result["commit"] == common.commit()
    assert json.loads((tmp_path / "one.json").read_text()) == result


def test_a_case_compares_pair_by_pair():
    case = common.rate_case("x", [1.0, 2.0, 4.0], [2.0, 3.0, 4.0], (100, 100))
    assert case["ratios"] == [2.0, 1.5, 1.0] and case["ratio"] == 1.5
    assert (case["ours"], case["theirs"]) == (50.0, 33.3)
    assert common.cost_case("x", [1.0, 2.0], [3.0, 4.0])["ratios"] == [3.0, 2.0]


def test_turns_go_back_and_forth():
    order = []
    runs = {name: lambda n=name: order.append(n) or 1.0 for name in "ab"}
    assert common.take_turns(runs, 2, 0) == {"a": [1.0, 1.0], "b": [1.0, 1.0]}
    assert "".join(order) == "abba"


def test_a_watch_interpolates_and_counts_no_evaluation(monkeypatch):
    now = iter([0.0, 10.0, 50.0, 60.0])
    monkeypatch.setattr(target.time, "perf_counter", lambda: next(now))
    watch, losses = target.Watch(1.0, 2), iter([3.0, 0.5])
    with pytest.raises(target.Reached):
        for _ in range(4):
            watch.step(lambda: next(losses))
    assert watch.curve == [(2, 10.0, 3.0), (4, 20.0, 0.5)]
    assert watch.moment() == (round(2 + 0.8 * 2), 18.0)


@pytest.mark.parametrize(
    ("kind", "encoder"), [("autoencoder", 96_770), ("vae", 100_868)]
)
def test_the_rivals_have_the_sources_parameters(kind, encoder):
    weights = rivals.stock(kind, (32, 32, 1)).trainable_weights
    assert sum(np.prod(weight.shape) for weight in weights) == encoder + 246_273
    torch_network = rivals.torch_model(kind, (32, 32, 1))
    sizes = {
        name: sum(weight.numel() for weight in part.parameters())
        for name, part in torch_network.named_children()
    }
    assert sizes["features"] + sizes["heads"] == encoder
    assert sizes["dense"] + sizes["ups"] + sizes["logits"] == 246_273


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the source's VAE is TensorFlow's"
)
@pytest.mark.parametrize("kind", KINDS)
def test_stock_keras_does_our_arithmetic(kind, images, epsilon):
    model, ours = our_loss(kind, images, epsilon)
    network = rivals.stock(kind, (32, 32, 1))
    network.set_weights(model.encoder.get_weights() + model.decoder.get_weights())
    theirs = rivals.stock_loss(network, rivals.floats(images), epsilon)
    assert theirs == pytest.approx(ours, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_pytorch_does_our_arithmetic_in_a_mirror(kind, images, epsilon):
    import torch

    model, ours = our_loss(kind, images, epsilon)
    network = rivals.torch_model(kind, (32, 32, 1))
    network.load_state_dict(mirrored(model, network))
    planes = rivals.torch_images(images[:, ::-1, ::-1])
    with torch.no_grad():
        outputs = network(planes, torch.from_numpy(epsilon).to(planes.device))
    theirs = rivals.torch_loss(planes, *outputs).item()
    assert theirs == pytest.approx(ours, rel=1e-5)


def mirrored(model, network):
    """Return our weights as the torch network wants them, turned upside down.

    Torch pads a strided convolution above and left where Keras pads below and right;
    half a turn of images, kernels and feature maps makes one the other.
    """
    import torch

    kernels = {"Conv2D": (3, 2, 0, 1), "Conv2DTranspose": (3, 2, 0, 1), "Dense": (1, 0)}
    parts = []
    for layer in [*model.encoder.layers, *model.decoder.layers]:
        if not layer.weights:
            continue
        kernel, bias = layer.get_weights()
        if kernel.ndim == 4:
            kernel = kernel[::-1, ::-1]
        elif len(kernel) == 2048:
            kernel = planes_first(kernel)
        else:
            kernel, bias = planes_first(kernel.T).T, planes_first(bias)
        parts += [kernel.transpose(kernels[type(layer).__name__]), bias]
    return {
        name: torch.from_numpy(np.ascontiguousarray(part))
        for name, part in zip(network.state_dict(), parts, strict=True)
    }


def planes_first(features):
    """Reorder features (4·4·128, …) to (128·4·4, …), each plane upside down."""
    planes = features.reshape(4, 4, 128, -1)[::-1, ::-1]
    return planes.transpose(2, 0, 1, 3).reshape(features.shape)


def test_pytorch_learns():
    import torch

    torch.manual_seed(0)
    planes = rivals.torch_images(load("fashion-mnist", "test").images[:200])
    network = rivals.torch_model("vae", (32, 32, 1))
    optimizer = rivals.torch_optimizer(network, "vae")
    losses = [rivals.torch_epoch(network, optimizer, planes) for _ in range(2)]
    assert losses[1] < losses[0] == pytest.approx(345, rel=0.05)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the kernels are TensorFlow's"
)
def test_the_kernels_are_those_of_a_training_step():
    model = build_model(get_recipe("fashion-ae"), 0)
    shapes = [kernel().shape for kernel in epoch.layer_kernels(model.encoder, False)]
    # conv_1 has no input gradient; forward, weight and input gradient of conv_2
    assert shapes[:2] == [(100, 16, 16, 32), (3, 3, 1, 32)]
    assert shapes[2:5] == [(100, 8, 8, 64), (3, 3, 32, 64), (100, 16, 16, 32)]
    shapes = [kernel().shape for kernel in epoch.layer_kernels(model.decoder, True)]
    assert shapes[3:6] == [(100, 8, 8, 128), (3, 3, 128, 128), (100, 4, 4, 128)]


def test_one_recipe_of_each_size_is_measured():
    sizes = memory.sizes()
    assert "fashion-ae" in sizes and "fashion-vae" in sizes
    assert not any("beta" in name for name in sizes)


@pytest.mark.parametrize("benchmark", [compact, utilization], ids=lambda b: b.__name__)
def test_a_quick_run_has_a_case_and_stores_nothing(benchmark, monkeypatch):
    monkeypatch.setattr(measuring, "measure_strokes", lambda *_, **__: ({}, {}))
    with nothing_stored(benchmark.__name__.split(".")[1]):
        result = benchmark.main(quick=True)
    assert result["cases"][0]["ours"] > 0 and result["hardware"]


def test_a_benchmark_is_a_command_and_its_rivals_are_processes():
    command = [sys.executable, "benchmarks/epoch.py", "--quick"]
    with nothing_stored("epoch"):
        done = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
    result = json.loads(done.stdout)
    assert result["cases"][0]["ours"] > 0 and result["hardware"]


@contextlib.contextmanager
def nothing_stored(name):
    """Fail if a benchmark's stored result is another one afterwards."""
    path = common.RESULTS / f"{name}.json"
    before = path.read_bytes() if path.exists() else None
    yield
    assert (path.read_bytes() if path.exists() else None) == before
