"""Chapter 06: its formulas against Keras and the ledger, and its cut of the heads."""

import ast
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

from vaetut import analysis
from vaetut.models.faces import faces_decoder, faces_encoder
from vaetut.widgets.parameter_ledger import account

CHAPTER = Path(__file__).parents[2] / "book" / "06-an-extra-dense-layer.ipynb"
HEADS = ("mean", "log_var")
FILTERS = (4, 6, 8)


@pytest.fixture(scope="module")
def taught():
    """Return the chapter's own functions, without running its cells."""
    cells = json.loads(CHAPTER.read_text("utf8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    body = [n for n in ast.parse(code).body if isinstance(n, ast.FunctionDef)]
    views = (layers.InputLayer, layers.Flatten, layers.Reshape)
    names = {"np": np, "SHAPE": (48, 48, 3), "VIEWS": views, "analysis": analysis}
    exec(compile(ast.Module(body, []), CHAPTER.name, "exec"), names)
    return names


@pytest.mark.parametrize("extra", [None, 10])
@pytest.mark.parametrize("filters", [FILTERS, (5, 7)])
def test_the_formulas_taught_are_keras_counts(taught, filters, extra):
    shape, z = (48, 48, 3), 9
    encoder = faces_encoder(shape, z, filters, HEADS, extra_dense=extra)
    decoder = faces_decoder(shape, z, filters)
    assert taught["count_encoder"](48, filters, z, extra) == encoder.count_params()
    assert taught["count_decoder"](48, filters, z) == decoder.count_params()


@pytest.mark.parametrize("extra", [0, 256])
def test_what_is_kept_as_taught_is_the_ledgers(taught, extra):
    shape, filters = (48, 48, 3), (32, 64)
    encoder = faces_encoder(shape, 16, filters, HEADS, extra_dense=extra or None)
    decoder = faces_decoder(shape, 16, filters)
    ledger = sum(part.floats for part in account(48, 2, 16, extra).values())
    assert taught["kept"](encoder, decoder) + 16 == ledger  # which counts z as well


def test_the_break_even_is_where_both_cost_alike(taught):
    flat, outputs = 9216, 512
    k = taught["break_even"](flat, outputs)
    assert k * (flat + outputs) == pytest.approx(flat * outputs)


def test_a_cut_along_the_outputs_is_the_best_of_its_rank(taught):
    """No product of two matrices of that rank comes nearer on the data."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 12)) @ rng.normal(size=(12, 12))
    outputs = features @ rng.normal(size=(12, 8))
    centre = outputs.mean(axis=0)
    V = np.linalg.svd(outputs - centre, full_matrices=False)[2]
    s = np.linalg.svd(outputs - centre, compute_uv=False)
    for k in (1, 3, 8):
        error = np.sum((taught["cut"](outputs, centre, V[:k]) - outputs) ** 2)
        assert error == pytest.approx(np.sum(s[k:] ** 2), abs=1e-8)


def test_a_cut_is_an_extra_linear_layer(taught):
    """As the exercise makes it of the heads' kernels and biases."""
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(40, 16, 16, 3)).astype("float32")
    encoder = faces_encoder((16, 16, 3), 5, (4, 6), HEADS)
    for head in HEADS:
        bias = encoder.get_layer(head).bias
        bias.assign(rng.normal(size=bias.shape))
    outputs = np.hstack([ops.convert_to_numpy(y) for y in encoder(images)])
    centre = outputs.mean(axis=0)
    V = np.linalg.svd(outputs - centre, full_matrices=False)[2][:3]
    kernels, biases = (
        np.hstack([np.array(getattr(encoder.get_layer(h), part)) for h in HEADS])
        for part in ("kernel", "bias")
    )
    flat = keras.Model(encoder.input, encoder.get_layer("flatten").output)
    found = ops.convert_to_numpy(flat(images)) @ (kernels @ V.T) @ V
    found += centre + (biases - centre) @ V.T @ V
    np.testing.assert_allclose(found, taught["cut"](outputs, centre, V), atol=1e-5)


def test_shares_and_rank_of_equal_directions(taught):
    own = taught["shares"](np.diag([2.0, 2, 2, 0]))
    np.testing.assert_allclose(own, [1 / 3, 1 / 3, 1 / 3, 0], atol=1e-12)
