"""Sizes of the sources' networks, and the notebooks' definitions of them."""

import ast
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from vaetut import analysis, models
from vaetut.training import build_model, get_recipe

BOOK = Path(__file__).parents[2] / "book"
SHAPE = (32, 32, 1)


def test_parameter_counts_of_the_source():
    ae = build_model(get_recipe("fashion-ae"))
    vae = build_model(get_recipe("fashion-vae"))
    assert ae.encoder.count_params() == 96_770
    assert ae.decoder.count_params() == vae.decoder.count_params() == 246_273
    assert ae.count_params() == 343_043
    assert vae.encoder.count_params() == 100_868


def definitions(notebook):
    """Return what a notebook's own functions and classes are, without running it."""
    cells = json.loads((BOOK / notebook).read_text("utf8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    kept = (ast.FunctionDef, ast.ClassDef)
    body = [node for node in ast.parse(code).body if isinstance(node, kept)]
    names = {"keras": keras, "layers": keras.layers, "ops": ops, "np": np}
    names["analysis"] = analysis
    exec(compile(ast.Module(body, []), notebook, "exec"), names)
    return names


@pytest.fixture(scope="module")
def taught():
    first = definitions("01-autoencoder.ipynb")
    return first | definitions("02-variational-autoencoder.ipynb")


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    return rng.uniform(size=(6, *SHAPE)).astype("float32")


def same_weights(one, other):
    other.set_weights(one.get_weights())
    return other


@pytest.mark.parametrize("heads", [("code",), ("mean", "log_var")])
def test_the_encoders_taught_are_the_librarys(taught, batch, heads):
    library = models.conv_encoder(SHAPE, 2, heads=heads)
    own = taught["conv_encoder" if len(heads) == 1 else "vae_encoder"](SHAPE, 2)
    same_weights(library, own)
    expected, found = (np.array(m.predict(batch, verbose=0)) for m in (library, own))
    np.testing.assert_array_equal(found, expected)


def test_the_decoder_taught_is_the_librarys(taught):
    library = models.conv_decoder(SHAPE, 2)
    own = same_weights(library, taught["conv_decoder"](SHAPE, 2))
    codes = np.random.default_rng(1).normal(size=(5, 2))
    np.testing.assert_array_equal(
        own.predict(codes, verbose=0), library.predict(codes, verbose=0)
    )


def test_the_loss_terms_taught_are_the_librarys(taught, batch):
    logits = np.random.default_rng(2).normal(size=batch.shape).astype("float32")
    mean, log_var = np.random.default_rng(3).normal(size=(2, 6, 2)).astype("float32")
    for name, arguments in {
        "bernoulli_nats": (batch, logits),
        "gaussian_kl": (mean, log_var),
        "draw_codes": (mean, log_var, log_var),
    }.items():
        found, expected = (f(*arguments) for f in (taught[name], getattr(models, name)))
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert taught["effective_beta"](1024, 500) == models.effective_beta(1024, 500)


def test_the_autoencoder_taught_has_the_librarys_loss(taught, batch):
    networks = models.conv_encoder(SHAPE, 2), models.conv_decoder(SHAPE, 2)
    own, library = taught["Autoencoder"](*networks), models.Autoencoder(*networks)
    losses = []
    for model in (own, library):
        model.compile("adam", jit_compile=False)
        losses.append(model.evaluate(batch, verbose=0, return_dict=True)["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_the_vae_taught_has_the_librarys_loss(taught, batch):
    encoder = models.conv_encoder(SHAPE, 2, heads=("mean", "log_var"))
    networks = encoder, models.conv_decoder(SHAPE, 2)
    own = taught["VAE"](*networks, 2.048)
    library = models.VAE(*networks, beta=2.048, seed=0)  # the same ε as the notebook's
    found = []
    for model in (own, library):
        model.compile("adam", jit_compile=False)
        found.append(model.evaluate(batch, verbose=0, return_dict=True))
    for name in ("loss", "reconstruction", "kl"):
        assert found[0][name] == pytest.approx(found[1][name], rel=1e-6)


def test_the_bound_taught_is_the_librarys(taught):
    log_w = np.random.default_rng(4).normal(-250, 5, (6, 64))
    expected = analysis.importance_weighted_bound(log_w)
    found = taught["importance_weighted_bound"](log_w)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_gap_measure_taught_is_the_librarys(taught):
    codes, samples = np.random.default_rng(5).normal(size=(2, 500, 2))
    taught_gap = taught["in_gap"](codes, 2 * samples)
    np.testing.assert_array_equal(taught_gap, analysis.in_gap(codes, 2 * samples))
    assert taught_gap.any() and not taught_gap.all()
