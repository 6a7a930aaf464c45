"""The terms that are meant to disentangle: values by hand, and what a model adds."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import logsumexp
from scipy.stats import norm

from vaetut import analysis
from vaetut.models import (
    DIPVAE,
    TCVAE,
    EntanglementVAE,
    conv_decoder,
    conv_encoder,
    regularizers,
)
from vaetut.recipes import get_recipe
from vaetut.training import build_model

SHAPE, KINDS = (8, 8, 1), [EntanglementVAE, DIPVAE, TCVAE]


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def tensor(values):
    return ops.convert_to_tensor(np.asarray(values, "float32"))


def make(kind, latent_dim=3, heads=("mean", "log_var"), **options):
    keras.utils.set_random_seed(0)
    size = {"latent_dim": latent_dim, "filters": (4, 8)}
    networks = conv_encoder(SHAPE, **size, heads=heads), conv_decoder(SHAPE, **size)
    return kind(*networks, **options)


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(size=(20, *SHAPE)).astype("float32")


# ---- The terms


def test_the_entanglement_of_codes_by_hand():
    mean = [[1.0, -2.0, 3.0], [0.0, 5.0, 0.0], [0.5, 0.5, -0.5]]
    found = numbers(regularizers.entanglement_loss(tensor(mean)))
    np.testing.assert_allclose(found, [(2 + 3 + 6) / 3, 0, 0.25], rtol=1e-6)
    plane = numbers(regularizers.entanglement_loss(tensor([[3.0, -4.0]])))
    np.testing.assert_allclose(plane, [12.0])


def test_the_entanglement_is_the_analysis():
    codes = np.random.default_rng(0).normal(size=(50, 4))
    ours = numbers(regularizers.entanglement_loss(tensor(codes))).mean()
    assert ours == pytest.approx(analysis.entanglement(codes), rel=1e-5)


def test_the_covariance_of_a_batch_is_numpys():
    values = np.random.default_rng(0).normal(2, 3, size=(30, 3))
    found = numbers(regularizers.batch_covariance(tensor(values)))
    np.testing.assert_allclose(found, np.cov(values.T, bias=True), rtol=1e-4)


def test_the_dip_penalty_by_hand():
    covariance = [[2.0, 0.5], [0.5, 1.0]]
    found = float(regularizers.dip_penalty(tensor(covariance), 10.0))
    assert found == pytest.approx(2 * 0.25 + 10 * 1.0)
    assert float(regularizers.dip_penalty(tensor(np.eye(3)), 10.0)) == 0


def test_dip_adds_the_noise_of_codes_to_their_variance():
    mean, log_var = tensor([[1.0, 0.0], [-1.0, 0.0]]), tensor(np.log([[0.5, 2.0]] * 2))
    means = make(DIPVAE, 2, of="means").term(mean, log_var)
    assert float(means) == pytest.approx(10 * (0 + 1))  # variances 1 and 0
    codes = make(DIPVAE, 2, of="codes").term(mean, log_var)
    assert float(codes) == pytest.approx((1.5 - 1) ** 2 + (2 - 1) ** 2, rel=1e-5)


def test_the_total_correlation_by_hand():
    rng = np.random.default_rng(0)
    mean, log_var, codes = rng.normal(size=(3, 7, 2))
    density = norm.logpdf(codes[:, None], mean[None], np.exp(log_var / 2)[None])
    joint = logsumexp(density.sum(-1), axis=1) - np.log(7)
    each = logsumexp(density, axis=1) - np.log(7)
    found = regularizers.total_correlation(*map(tensor, (codes, mean, log_var)))
    np.testing.assert_allclose(numbers(found), joint - each.sum(-1), atol=1e-4)


def test_the_total_correlation_of_independent_and_of_equal_units():
    rng = np.random.default_rng(0)
    mean = rng.normal(size=(2000, 2))
    small = np.full_like(mean, np.log(0.3**2))
    found = {}
    for name, centres in {"apart": mean, "equal": mean[:, [0, 0]]}.items():
        codes = centres + 0.3 * rng.normal(size=mean.shape)
        terms = regularizers.total_correlation(*map(tensor, (codes, centres, small)))
        found[name] = numbers(terms).mean()
    # Two Gaussians of correlation r have -½ log(1 - r²); the noise is not shared.
    r = 1 / (1 + 0.3**2)
    assert found["equal"] == pytest.approx(-0.5 * np.log(1 - r**2), abs=0.06)
    assert found["apart"] == pytest.approx(0, abs=0.06)


# ---- The models


@pytest.mark.parametrize("kind", KINDS)
def test_gamma_times_the_term_is_what_the_regularizer_adds(kind, images):
    model = make(kind, beta=2.0, gamma=3.0)
    mean, log_var = (tensor(part) for part in model.encode(images))
    model.seed_generator.state.assign([0, 0])
    term = numbers(model.term(mean, log_var))
    model.seed_generator.state.assign([0, 0])
    found = numbers(model.regularizer(mean, log_var))
    plain = make(kind, beta=2.0, gamma=0.0)
    kl = numbers(plain.regularizer(mean, log_var))
    assert found.shape == (20,) and np.abs(term).max() > 0
    np.testing.assert_allclose(found, kl + 3 * term, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_of_a_variant_add_up(kind, images):
    model = make(kind, beta=2.0, gamma=3.0)
    model.compile("adam", jit_compile=False)
    history = model.fit(
        images, validation_data=images, batch_size=10, verbose=0
    ).history
    for split in ("", "val_"):
        loss, parts = history[f"{split}loss"][0], ("reconstruction", "regularizer")
        total = sum(history[split + part][0] for part in parts)
        assert loss == pytest.approx(total, rel=1e-6)
        assert history[f"{split}regularizer"][0] != history[f"{split}kl"][0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_variant_comes_back_from_its_config(kind, images, tmp_path):
    options = {"of": "codes"} if kind is DIPVAE else {}
    model = make(kind, heads=("mean",), gamma=0.5, posterior_sd=0.2, **options)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert type(again) is kind and again.gamma == 0.5 and again.posterior_sd == 0.2
    assert getattr(again, "of", None) == options.get("of")
    np.testing.assert_allclose(again.reconstruct(images), model.reconstruct(images))


@pytest.mark.parametrize("kind", KINDS)
def test_what_makes_no_sense_is_refused(kind):
    with pytest.raises(ValueError, match="pairs of latent dimensions and there is one"):
        make(kind, latent_dim=1)
    with pytest.raises(ValueError, match="gamma must be finite"):
        make(kind, gamma=float("nan"))
    if kind is EntanglementVAE:
        assert make(kind, gamma=-1.0).gamma == -1.0
    else:
        with pytest.raises(ValueError, match="gamma must be finite and 0 or more"):
            make(kind, gamma=-1.0)
    with pytest.raises(ValueError, match='of must be "means" or "codes"'):
        make(DIPVAE, of="both")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("polar-entanglement", EntanglementVAE),
        ("polar-entanglement+model=dip-vae-i", DIPVAE),
        ("polar-entanglement+model=dip-vae-ii+posterior_sd=none", DIPVAE),
        ("polar-entanglement+model=tc-vae+posterior_sd=none", TCVAE),
    ],
)
def test_recipes_build_them(name, kind):
    recipe = get_recipe(name, "smoke")
    model = build_model(recipe)
    assert type(model) is kind and model.gamma == recipe.gamma
    assert model.posterior_sd == recipe.posterior_sd
    assert (len(model.encoder.outputs) == 2) == (recipe.posterior_sd is None)
    if kind is DIPVAE:
        assert model.of == ("codes" if "-ii" in name else "means")


def test_a_gamma_belongs_to_those_that_have_a_term():
    with pytest.raises(ValueError, match=r"gamma is 0\.4096, .* not go with 'vae'"):
        get_recipe("polar-entanglement+model=vae", "laptop")
    with pytest.raises(ValueError, match="gamma is None"):
        get_recipe("polar-entanglement+gamma=none", "laptop")
