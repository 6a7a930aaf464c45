"""Sizes of the sources' networks, and the notebooks' definitions of them."""

import ast
import json
import math
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.neighbors import NearestNeighbors

from vaetut import analysis, models
from vaetut.datasets import polar
from vaetut.recipes import get_recipe
from vaetut.training import build_model

BOOK = Path(__file__).parents[2] / "book"
SHAPE = (32, 32, 1)


def test_parameter_counts_of_the_source():
    ae = build_model(get_recipe("fashion-ae"))
    vae = build_model(get_recipe("fashion-vae"))
    assert ae.encoder.count_params() == 96_770
    assert ae.decoder.count_params() == vae.decoder.count_params() == 246_273
    assert ae.count_params() == 343_043
    assert vae.encoder.count_params() == 100_868


def definitions(notebook, **known):
    """Return what a notebook's own functions and classes are, without running it.

    `known`: what else its first cells import or compute.
    """
    cells = json.loads((BOOK / notebook).read_text("utf8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    kept = (ast.FunctionDef, ast.ClassDef)
    body = [node for node in ast.parse(code).body if isinstance(node, kept)]
    names = {"keras": keras, "layers": keras.layers, "ops": ops, "np": np}
    names |= {"analysis": analysis} | known
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


@pytest.fixture(scope="module")
def taught_of_strokes():
    names = definitions(
        "08-zero-shot-transects.ipynb",
        math=math,
        VAE=models.VAE,
        polar=polar,
        NearestNeighbors=NearestNeighbors,
        ink=0.5,
    )
    return names


def test_the_constant_variance_taught_is_the_librarys(taught_of_strokes):
    shape = (64, 64, 1)
    images = polar.draw(polar.sample(4, 0), 64)
    build_encoder, build_decoder = models.NETWORKS["transposed"]
    keras.utils.set_random_seed(0)
    networks = build_encoder(shape, 3), build_decoder(shape, 3)
    own = taught_of_strokes["ConstantVariance"](*networks, beta=2.0)
    library = models.VAE(*networks, beta=2.0, posterior_sd=0.1)
    epsilon = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    scaled = ops.convert_to_tensor(images / np.float32(255))
    for a, b in zip(own(images, epsilon), library(images, epsilon), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    terms = [m.loss_terms(scaled, *m(images, epsilon)) for m in (own, library)]
    for part in terms[0]:
        np.testing.assert_allclose(terms[0][part], terms[1][part], rtol=1e-6)


def test_the_rulers_taught_are_the_librarys(taught_of_strokes):
    rng = np.random.default_rng(0)
    images = polar.draw(polar.sample(5, 0), 64) / 255
    logits = rng.normal(size=images.shape)
    shown = 1 / (1 + np.exp(-logits))
    names = taught_of_strokes
    np.testing.assert_allclose(
        names["excess"](images, logits), analysis.excess_bce(images, logits), atol=1e-9
    )
    np.testing.assert_allclose(
        names["iou"](images, shown), analysis.iou(images, shown, 0.5)
    )
    cloud = rng.normal(size=(300, 3)) * [3, 2, 0.1]
    third, local = names["flatness"](cloud)
    found = analysis.sheet_statistics(cloud, cloud[:, :2])
    assert third == pytest.approx(found.third_share)
    assert local == pytest.approx(found.local_flatness)
    np.testing.assert_array_equal(
        names["transect"]((0.5, 2.0), (2.0, 0.0)), polar.transect((0.5, 2), (2, 0))
    )
    assert names["beta"](256, 8e-3) == get_recipe("polar-reference").beta


def test_the_interval_taught_is_the_librarys(taught_of_strokes):
    values = np.random.default_rng(0).normal(size=(8, 40)) + np.arange(8)[:, None]
    found = taught_of_strokes["hierarchical"](values, draws=3000)
    expected = analysis.hierarchical_interval(values, draws=3000)[:3]
    np.testing.assert_allclose(found, expected, atol=0.15)


# ---- Chapters 09 and 10


@pytest.fixture(scope="module")
def taught_of_units():
    return definitions(
        "09-entanglement-loss.ipynb", VAE=models.VAE, gaussian_kl=models.gaussian_kl
    )


def test_the_score_taught_is_the_librarys(taught_of_units):
    rng = np.random.default_rng(0)
    factors = rng.uniform(size=(400, 2))
    codes = np.column_stack([factors @ [[1, 0.3], [0.2, 1]], rng.normal(size=400)])
    assert taught_of_units["sap"](codes, factors) == pytest.approx(
        analysis.sap(codes, factors)
    )


def test_axes_turned_as_taught_are_rotations(taught_of_units):
    codes = np.random.default_rng(0).normal(size=(50, 3))
    other = taught_of_units["turned"](codes, np.random.default_rng(1))
    np.testing.assert_allclose(other @ other.T, codes @ codes.T, atol=1e-9)
    assert np.abs(other - codes).max() > 0.1


def test_the_entanglement_loss_taught_is_the_librarys(taught_of_units):
    shape, options = (64, 64, 1), {"beta": 2.0, "gamma": 3.0, "posterior_sd": 0.1}
    networks = [build(shape, 3) for build in models.NETWORKS["transposed"]]
    images = ops.convert_to_tensor(polar.draw(polar.sample(4, 0), 64))
    epsilon = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    own = taught_of_units["Entanglement"](*networks, **options)
    library = models.EntanglementVAE(*networks, **options)
    scaled = models.unit_interval(images)
    terms = [m.loss_terms(scaled, *m(images, epsilon)) for m in (own, library)]
    for part in terms[0]:
        np.testing.assert_allclose(terms[0][part], terms[1][part], rtol=1e-5)


@pytest.fixture(scope="module")
def taught_of_walks():
    from scipy.sparse.csgraph import dijkstra
    from sklearn.neighbors import kneighbors_graph

    known = {"dijkstra": dijkstra, "kneighbors_graph": kneighbors_graph}
    return definitions("10-curved-factors.ipynb", polar=polar, size=64, **known)


@pytest.mark.parametrize("radius", [0.1, 1, 30])
def test_the_curvature_taught_is_one_over_the_radius_of_a_circle(
    taught_of_walks, radius
):
    rng, angle = np.random.default_rng(0), np.linspace(0, 3, 7)
    turned = np.linalg.qr(rng.normal(size=(5, 5)))[0][:2]
    circle = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1) @ turned + 4
    found = taught_of_walks["menger"](circle)
    assert found == pytest.approx(np.full(5, 1 / radius), rel=1e-6)


def test_the_curvature_taught_of_a_helix_and_of_a_line(taught_of_walks):
    t = np.linspace(0, 6, 600)
    helix = np.stack([2 * np.cos(t), 2 * np.sin(t), 3 * t], axis=1)
    assert taught_of_walks["menger"](helix) == pytest.approx(2 / 13, rel=1e-3)
    line = np.array([0, 0.1, 0.3, 1.7])[:, None] * [1.0, 2.0, -3.0]
    assert taught_of_walks["menger"](line) == pytest.approx(0, abs=1e-5)


def test_the_walks_taught_are_the_librarys(taught_of_walks):
    codes = np.random.default_rng(0).normal(size=(400, 3))
    stones = taught_of_walks["stepping_stones"](codes, 3, 77)
    graph = analysis.neighbour_graph(codes, 10)
    np.testing.assert_array_equal(stones, analysis.graph_path(graph, 3, 77))
    line = taught_of_walks["walk_straight"](codes[3], codes[77], 9)
    np.testing.assert_allclose(line, analysis.straight(codes[3], codes[77], 9))
