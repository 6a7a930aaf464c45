"""Several devices, or processes, train as one does: the same losses and weights."""

import importlib.util
import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from vaetut.training.devices import Devices, claim

# 42 images and batches of 16: the last batch is cut to 8 for four devices. Weights are
# large enough for ε to matter. The single device sees the rows that the four see.
PROGRAM = """
import json, sys
import keras, numpy as np
from vaetut.models import VAE, Autoencoder, conv_decoder, conv_encoder
from vaetut.training.devices import Devices, Replicated, claim

SHAPE, SIZE = (8, 8, 1), {"latent_dim": 2, "filters": (4, 8)}
images = np.random.default_rng(0).integers(0, 256, (42, *SHAPE), dtype=np.uint8)
backend = keras.backend.backend()

def train(devices, kind):
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(1)
    with devices.scope():
        decoder = conv_decoder(SHAPE, **SIZE)
        if kind == "vae":
            encoder = conv_encoder(SHAPE, heads=("mean", "log_var"), **SIZE)
            model = VAE(encoder, decoder, beta=2.048, seed=3)
        else:
            model = Autoencoder(conv_encoder(SHAPE, **SIZE), decoder)
        for weight in model.trainable_weights:
            weight.assign(draw.normal(0, 0.4, weight.shape))
        fitted = devices.replicate(model)
        options = devices.compile_options({"jit_compile": backend == "jax"})
        fitted.compile(keras.optimizers.Adam(1e-2), **options)
        validation, share = devices.rows(np.arange(20), 16)
        history = []
        for epoch in range(2):
            order = np.random.default_rng(epoch).permutation(42)[:40]
            rows, batch_size = devices.rows(order, 16)
            fit = fitted.fit(
                images[rows],
                batch_size=batch_size,
                shuffle=False,
                validation_data=(images[validation],),
                validation_batch_size=share,
                verbose=0,
            )
            history.append({k: float(v[0]) for k, v in fit.history.items()})
        logs = fitted.evaluate(
            images[validation], batch_size=share, verbose=0, return_dict=True
        )
        history.append({k: float(v) for k, v in logs.items()})
        draws = [model.seed_generator.state] if kind == "vae" else []
        arrays = map(keras.ops.convert_to_numpy, [*model.trainable_weights, *draws])
        return {"history": history, "weights": [w.tolist() for w in arrays]}

class Careless(Replicated):
    # Every replica draws ε for its own images, as Keras has it.
    def call(self, images):
        return self.inner(images)

class CarelessDevices(Devices):
    def replicate(self, model):
        return Careless(model, self.total, self.processes)

found = {}
devices = claim(*json.loads(sys.argv[1]))
for kind in sys.argv[2:]:
    if kind == "careless":
        careless = CarelessDevices(**vars(devices))
        found[kind] = train(careless, "vae")
    elif kind.startswith("one"):
        found[kind] = train(Devices("cpu"), kind.split()[1])
    else:
        found[kind] = train(devices, kind)
if devices.writes:
    print(json.dumps(found))
"""


def start(backend, *arguments, program=PROGRAM):
    if importlib.util.find_spec(backend) is None:
        return None
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    try:
        out, err = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 0, err[-2000:]
    return out.splitlines()


@pytest.fixture(scope="module", params=["tensorflow", "jax"])
def backend(request):
    return request.param


@pytest.fixture(scope="module")
def running():
    """One device and four, in one process; both backends side by side."""
    kinds = ["one vae", "vae", "one autoencoder", "autoencoder"]
    processes = {
        "tensorflow": start("tensorflow", '["cpu:4"]', *kinds, "careless"),
        "jax": start("jax", '["cpu:4"]', *kinds),
    }
    yield processes
    for process in filter(None, processes.values()):
        process.kill()


@pytest.fixture(scope="module")
def found(backend, running):
    if running[backend] is None:
        pytest.skip(f"{backend} is not installed: see requirements-test.txt")
    return json.loads(finish(running[backend])[-1])


def assert_same(found, reference):
    assert len(found["history"]) == len(reference["history"]) == 3
    for ours, theirs in zip(found["history"], reference["history"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)
        assert "reconstruction" in ours
    pairs = zip(found["weights"], reference["weights"], strict=True)
    for ours, theirs in pairs:
        ours, theirs = np.array(ours), np.array(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * abs(theirs).max())


@pytest.mark.parametrize("kind", ["vae", "autoencoder"])
def test_four_devices_are_as_one(found, kind):
    assert_same(found[kind], found[f"one {kind}"])


# JAX draws for all devices at once, whatever a model does.
@pytest.mark.parametrize("backend", ["tensorflow"], indirect=True)
def test_the_comparison_sees_an_epsilon_drawn_per_replica(found):
    with pytest.raises(AssertionError):
        assert_same(found["careless"], found["one vae"])
    ours, theirs = (found[k]["history"][0]["loss"] for k in ("careless", "one vae"))
    assert abs(ours / theirs - 1) > 1e-4


def test_two_processes_are_as_one(backend, found):
    with socket.socket() as first, socket.socket() as second:
        for held in (first, second):
            held.bind(("127.0.0.1", 0))
        ports = [held.getsockname()[1] for held in (first, second)]
    cluster = ",".join(f"127.0.0.1:{port}" for port in ports)
    processes = [
        start(backend, json.dumps(["cpu", cluster, rank]), "vae") for rank in (0, 1)
    ]
    try:
        lines = [finish(process) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert not any(line.startswith("{") for line in lines[1])  # rank 0 alone writes
    assert_same(json.loads(lines[0][-1])["vae"], found["one vae"])


@pytest.mark.parametrize("processes", [1, 2])
def test_rows_are_shares_of_the_same_batches(processes):
    order = np.random.default_rng(0).permutation(43)
    ranks = [
        Devices("cpu", local=2, processes=processes, rank=rank)
        for rank in range(processes)
    ]
    fed = [devices.rows(order, 16) for devices in ranks]
    shares = [np.split(rows, range(size, len(rows), size)) for rows, size in fed]
    batches = [np.concatenate(parts) for parts in zip(*shares, strict=True)]
    total = 2 * processes
    np.testing.assert_array_equal(np.concatenate(batches), order[: 43 // total * total])
    assert [len(batch) for batch in batches[:2]] == [16, 16]


def test_rows_that_cannot_be_split():
    with pytest.raises(ValueError, match=r"batch of 18 .* 4 devices: .* multiple of 4"):
        Devices("cpu", local=4).rows(np.arange(40), 18)
    with pytest.raises(ValueError, match="fewer images than the 4"):
        Devices("cpu", local=4).rows(np.arange(3), 16)


def test_one_device_changes_nothing():
    devices, model, options = Devices("cpu"), object(), {"jit_compile": True}
    with devices.scope():
        assert devices.replicate(model) is model
        assert devices.compile_options(options) is options
    rows, batch_size = devices.rows(np.arange(43), 16)
    assert len(rows) == 43 and batch_size == 16
    assert devices.total == 1 and devices.writes


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["tpu"], "no devices 'tpu': give"),
        (["cpu:four"], "no devices 'cpu:four'"),
        (["0"], "asks for 0 devices"),
        (["cpu:-1"], "asks for -1 devices"),
        (["1", "a:1,b:2"], "no rank in a cluster of 2: .* 0 to 1"),
        (["1", "a:1,b:2", 2], "rank 2 in a cluster of 2: .* 0 to 1"),
        (["1", "a:1,b:2", -1], "rank -1"),
        (["1", None, 0], "Rank 0 .* no cluster"),
        (["1", "a:1,b", 0], "'b' is no address .* host:port"),
        (["1", "a:1,:2", 0], "':2' is no address"),
        (["1", "a:1,b:65536", 0], "'b:65536' is no address"),
        (["1", "a:1, b:2", 0], "' b:2' is no address .* without spaces"),
        (["1", "a:1,a:1", 0], "an address twice"),
    ],
)
def test_claims_that_make_no_sense(arguments, says):
    with pytest.raises(ValueError, match=says):
        claim(*arguments)


# Each claim is made after those before it, with the processor in one piece by then.
CLAIMS = """
import json, os, sys
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
from vaetut.training.devices import claim
claim("1")
keras.random.normal((2,))
for arguments in json.loads(sys.argv[1]):
    try:
        print(claim(*arguments))
    except ValueError as error:
        print("ValueError:", error)
"""


@pytest.mark.parametrize(
    "name, late, together",
    [
        ("tensorflow", "runs on 1 device", "too late to join"),
        ("jax", "runs on 1 device", "too late to join"),
        ("torch", "PyTorch trains on one device here, not on 2", "one device here"),
    ],
)
def test_claims_of_what_is_not_there(name, late, together):
    cluster = "127.0.0.1:1,127.0.0.1:2"
    wanted = [["1"], ["cpu"], ["gpu"], ["2"], ["cpu:2"], ["cpu", cluster, 0]]
    process = start(name, json.dumps(wanted), program=CLAIMS)
    if process is None:
        pytest.skip(f"{name} is not installed: see requirements-test.txt")
    lines = finish(process)
    one, cpu, gpu, two, virtual, cluster = lines[-len(wanted) :]
    assert one == cpu == str(Devices("cpu"))
    assert "finds no gpu" in gpu
    assert ("2 devices were asked for and there are 1" in two) or name == "torch"
    assert late in virtual
    assert together in cluster
