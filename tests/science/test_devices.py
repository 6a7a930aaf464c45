"""Several devices, or processes, train on JAX as one does; elsewhere there is one."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from vaetut.training.devices import Devices, claim

# 42 images and batches of 16: the last batch is cut to 8 for four devices. Weights are
# large enough for ε to matter. The single device sees the rows that the four see. Each
# part is a process of its own, forked before JAX has run anything.
PROGRAM = """
import json, os, pathlib, sys, traceback
import keras, numpy as np
from vaetut.models import VAE, conv_decoder, conv_encoder
from vaetut.training.devices import Devices, claim

SHAPE, SIZE = (8, 8, 1), {"latent_dim": 2, "filters": (4, 8)}
images = np.random.default_rng(0).integers(0, 256, (42, *SHAPE), dtype=np.uint8)
folder, cluster = pathlib.Path(sys.argv[1]), sys.argv[2]

def train(devices):
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(1)
    with devices.scope():
        encoder = conv_encoder(SHAPE, heads=("mean", "log_var"), **SIZE)
        model = VAE(encoder, conv_decoder(SHAPE, **SIZE), beta=2.048, seed=3)
        for weight in model.trainable_weights:
            weight.assign(draw.normal(0, 0.4, weight.shape))
        model.compile(keras.optimizers.Adam(1e-2), jit_compile=True)
        validation, share = devices.rows(np.arange(20), 16)
        history = []
        for epoch in range(2):
            order = np.random.default_rng(epoch).permutation(42)[:40]
            rows, batch_size = devices.rows(order, 16)
            fit = model.fit(
                images[rows],
                batch_size=batch_size,
                shuffle=False,
                validation_data=(images[validation],),
                validation_batch_size=share,
                verbose=0,
            )
            history.append({k: float(v[0]) for k, v in fit.history.items()})
        variables = [*model.trainable_weights, model.seed_generator.state]
        arrays = map(keras.ops.convert_to_numpy, variables)
        return {"history": history, "weights": [w.tolist() for w in arrays]}

def claims():
    claim("1")
    keras.random.normal((2,))
    said = []
    wanted = ["1"], ["cpu"], ["gpu"], ["2"], ["cpu:2"], ["cpu", cluster, 0]
    for arguments in wanted:
        try:
            said.append(str(claim(*arguments)))
        except ValueError as error:
            said.append(f"ValueError: {error}")
    return said

parts = {
    "one": lambda: train(Devices("cpu")),
    "four": lambda: train(claim("cpu:4")),
    "rank 0": lambda: train(claim("cpu", cluster, 0)),
    "rank 1": lambda: train(claim("cpu", cluster, 1)),
    "claims": claims,
}
children = []
for name, part in parts.items():
    children.append(os.fork())
    if not children[-1]:
        try:
            (folder / f"{name}.json").write_text(json.dumps(part()))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What one device, four, and two processes come to on JAX, and what it claims."""
    pytest.importorskip("jax")
    folder = tmp_path_factory.mktemp("devices")
    with socket.socket() as first, socket.socket() as second:
        for held in (first, second):
            held.bind(("127.0.0.1", 0))
        ports = [held.getsockname()[1] for held in (first, second)]
    cluster = ",".join(f"127.0.0.1:{port}" for port in ports)
    # Most of the time would go into making JAX's programs fast.
    fast = {"KERAS_BACKEND": "jax", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), cluster],
        env=os.environ | fast | {"CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {path.stem: json.loads(path.read_text()) for path in folder.iterdir()}


@pytest.mark.parametrize("several", ["four", "rank 0", "rank 1"])
def test_several_are_as_one(found, several):
    ours, one = found[several], found["one"]
    assert len(ours["history"]) == len(one["history"]) == 2
    for mine, theirs in zip(ours["history"], one["history"], strict=True):
        assert mine == pytest.approx(theirs, rel=1e-5) and "kl" in mine
    for mine, theirs in zip(ours["weights"], one["weights"], strict=True):
        mine, theirs = np.array(mine), np.array(theirs)
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-5 * abs(theirs).max())


def test_devices_that_are_not_there_or_asked_for_too_late(found):
    one, cpu, gpu, two, virtual, joined = found["claims"]
    assert one == cpu == str(Devices("cpu"))
    assert "finds no gpu here: claim cpu" in gpu
    assert "2 devices were asked for and there are 1 of kind cpu" in two
    assert "Claim it before anything else has run" in virtual
    assert "too late to join a cluster. Claim it before" in joined


@pytest.mark.parametrize("arguments", [["2"], ["cpu:4"], ["1", "a:1,b:1", 1]])
@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_elsewhere_there_is_one_device(arguments, backend, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: backend)
    says = rf"{backend} trains on one device here, not on \d: set KERAS_BACKEND=jax"
    with pytest.raises(ValueError, match=says):
        claim(*arguments)


def test_one_device_changes_nothing():
    devices = claim("cpu")
    with devices.scope():
        rows, batch_size = devices.rows(np.arange(43), 16)
    assert len(rows) == 43 and batch_size == 16
    assert devices.total == 1 and devices.writes


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
