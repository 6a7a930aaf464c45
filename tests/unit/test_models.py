"""The models: their losses and logs, what they refuse, and that they come back."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.ndimage import distance_transform_cdt

from vaetut.models import (
    VAE,
    Autoencoder,
    DistanceVAE,
    conv_decoder,
    conv_encoder,
    effective_beta,
    unit_interval,
)
from vaetut.models.distance import distance_field
from vaetut.models.networks import macs

SHAPE = (8, 8, 1)
SIZE = {"latent_dim": 2, "filters": (4, 6)}


def make(kind=VAE, **options):
    keras.utils.set_random_seed(0)
    heads = ("mean", "log_var") if kind is VAE else ("code",)
    encoder = conv_encoder(SHAPE, heads=heads, **SIZE)
    return kind(encoder, conv_decoder(SHAPE, **SIZE), **options)


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (20, *SHAPE), dtype=np.uint8)


def test_bytes_and_floats_mean_the_same_image(images):
    scaled = ops.convert_to_numpy(unit_interval(ops.convert_to_tensor(images)))
    np.testing.assert_allclose(scaled, images / 255, rtol=1e-6)
    again = unit_interval(ops.convert_to_tensor(scaled))
    np.testing.assert_array_equal(ops.convert_to_numpy(again), scaled)


@pytest.mark.parametrize(
    ("arguments", "beta"), [((1024,), 1024), ((1024, 500), 2.048), ((12, 1, 5), 60)]
)
def test_effective_beta(arguments, beta):
    assert effective_beta(*arguments) == pytest.approx(beta)


@pytest.mark.attack("numbers")
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0,), "subpixels"),
        ((10, 0), "reconstruction_weight"),
        ((10, -1), "reconstruction_weight"),
        ((float("nan"),), "subpixels"),
        ((10, 1, -1), "kl_weight"),
    ],
)
def test_effective_beta_of_nothing_is_refused(arguments, name):
    with pytest.raises(ValueError, match=name):
        effective_beta(*arguments)


@pytest.mark.parametrize("builder", [conv_encoder, conv_decoder])
def test_an_image_that_cannot_be_halved_is_refused_with_the_padding(builder):
    with pytest.raises(ValueError, match="pad it to 32×32"):
        builder((28, 28, 1), 2, (1, 2, 3))


@pytest.mark.parametrize("kind", [Autoencoder, VAE])
def test_the_logged_parts_add_up(kind, images):
    options = {"beta": 2.048} if kind is VAE else {}
    model = make(kind, **options)
    model.compile("adam", jit_compile=False)
    # 20 = 8 + 8 + 4: a last batch of another size must not weigh too much
    logs = model.fit(images, validation_data=images, batch_size=8, verbose=0).history
    for split in ("", "val_"):
        parts = {k: logs[split + k][0] for k in ("loss", *model.parts)}
        pulled = options.get("beta", 0) * parts.get("kl", 0)
        whole = parts["reconstruction"] + pulled
        assert parts["loss"] == pytest.approx(whole, rel=1e-6)
        if kind is VAE:
            assert (
                parts["regularizer"] == pytest.approx(pulled, rel=1e-6) and pulled > 0
            )


def test_an_epoch_is_the_mean_over_images_not_over_batches(images):
    model = make(Autoencoder)
    model.compile("adam", jit_compile=False)
    whole = model.evaluate(images, batch_size=20, verbose=0, return_dict=True)
    parts = model.evaluate(images, batch_size=8, verbose=0, return_dict=True)
    assert whole["loss"] == pytest.approx(parts["loss"], rel=1e-6)
    assert whole["reconstruction"] == pytest.approx(parts["reconstruction"], rel=1e-6)


def test_sample_weights_weigh_images(images):
    model = make(Autoencoder)
    model.compile("adam", jit_compile=False)
    weight = np.r_[np.ones(10), np.zeros(10)].astype("float32")
    weighted = model.evaluate(images, images, 20, 0, sample_weight=weight)
    half = model.evaluate(images[:10], verbose=0, batch_size=10)
    assert weighted[0] == pytest.approx(half[0] / 2, rel=1e-6)


def test_a_variant_overrides_the_regularizer_alone(images):
    class Free(VAE):
        def regularizer(self, mean, log_var):
            return 0.0 * ops.sum(mean, axis=-1)

    model = make()
    free = Free(model.encoder, model.decoder, beta=3.0)
    terms = free.loss_terms(
        ops.ones((2, *SHAPE)), ops.ones((2, *SHAPE)), *[ops.ones((2, 2))] * 2
    )
    np.testing.assert_allclose(terms["loss"], terms["reconstruction"])
    assert (ops.convert_to_numpy(terms["kl"]) > 0).all()


def test_fresh_noise_every_call_and_none_where_epsilon_is_given(images):
    model, epsilon = make(), np.ones((20, 2), "float32")
    x = ops.convert_to_tensor(images)
    first, second = (ops.convert_to_numpy(model(x)[0]) for _ in range(2))
    assert (first != second).any()
    given = [ops.convert_to_numpy(model(x, epsilon=epsilon)[0]) for _ in range(2)]
    np.testing.assert_array_equal(*given)


@pytest.mark.parametrize("kind", [Autoencoder, VAE])
def test_a_saved_model_comes_back(kind, images, tmp_path):
    model = make(kind, **({"beta": 0.5, "seed": 7} if kind is VAE else {}))
    model.compile("adam")
    model.fit(images, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(again.reconstruct(images), model.reconstruct(images))
    assert getattr(again, "beta", None) == getattr(model, "beta", None)


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (np.zeros((8, 8, 1)), "images.:1."),
        (np.zeros((2, 9, 8, 1)), "takes"),
        (np.zeros((0, 8, 8, 1)), "takes"),
        (np.zeros((2, 8, 8, 1), int), "uint8"),
        (np.full((2, 8, 8, 1), 2.0), "divide by 255"),
        (np.full((2, 8, 8, 1), np.nan), "NaN"),
    ],
)
def test_images_of_another_kind_are_refused_with_the_mend(bad, word):
    with pytest.raises(ValueError, match=word):
        make().encode(bad)


@pytest.mark.parametrize(
    ("bad", "word"),
    [([1.0, 2.0], "one row a point"), ([[1.0]], "shape"), ([[np.nan, 0]], "finite")],
)
def test_codes_of_another_kind_are_refused(bad, word):
    with pytest.raises(ValueError, match=word):
        make().decode(np.array(bad))


def test_decoded_images_lie_in_the_unit_interval_even_far_out():
    images = make().decode(np.array([[1e4, -1e4], [0, 0]]))
    assert images.min() >= 0 and images.max() <= 1 and np.isfinite(images).all()


@pytest.mark.parametrize("beta", [-1.0, float("nan")])
def test_a_senseless_beta_is_refused(beta):
    with pytest.raises(ValueError, match="beta"):
        make(beta=beta)


def test_a_network_with_losses_of_its_own_is_refused():
    images = keras.Input(SHAPE)
    x = keras.layers.Flatten()(images)
    code = keras.layers.Dense(2, kernel_regularizer="l2")(x)
    with pytest.raises(ValueError, match="losses of its own"):
        Autoencoder(keras.Model(images, code), conv_decoder(SHAPE, **SIZE))


def test_macs_are_those_counted_by_hand():
    encoder = conv_encoder((32, 32, 1), 2)
    convolutions = 16 * 16 * 9 * 1 * 32 + 8 * 8 * 9 * 32 * 64 + 4 * 4 * 9 * 64 * 128
    assert macs(encoder) == convolutions + 2048 * 2
    assert macs(conv_encoder((32, 32, 1), 2, heads=("a", "b"))) == (
        convolutions + 2048 * 4
    )
    # A transposed convolution applies its kernel once for every pixel it reads.
    ups = 4 * 4 * 9 * 128 * 128 + 8 * 8 * 9 * 128 * 64 + 16 * 16 * 9 * 64 * 32
    decoder = conv_decoder((32, 32, 1), 2)
    assert macs(decoder) == 2 * 2048 + ups + 32 * 32 * 9 * 32 * 1
    nested = keras.Sequential([keras.Input((32, 32, 1)), encoder, decoder])
    assert macs(nested) == macs(encoder) + macs(decoder)


def test_macs_of_an_unknown_layer_are_not_guessed():
    layers = keras.Input((4, 4, 1)), keras.layers.LayerNormalization(name="norm")
    with pytest.raises(ValueError, match="LayerNormalization \\('norm'\\)"):
        macs(keras.Sequential(layers))


def test_macs_leave_normalization_out_and_ask_a_layer_that_knows():
    class Knows(keras.layers.Dense):
        macs = 1234

    layers = keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()
    assert macs(keras.Sequential(layers)) == 12
    assert macs(keras.Sequential([*layers, Knows(7)])) == 12 + 1234
    # A dense layer on a map is applied at every place.
    assert macs(keras.Sequential([keras.Input((5, 6, 4)), keras.layers.Dense(3)])) == (
        5 * 6 * 12
    )


# ---- A constant variance, and the distance to the stroke


def constant(kind=VAE, posterior_sd=0.1, **options):
    keras.utils.set_random_seed(0)
    networks = conv_encoder(SHAPE, **SIZE), conv_decoder(SHAPE, **SIZE)
    return kind(*networks, posterior_sd=posterior_sd, **options)


def terms_of(model, images):
    outputs = model(ops.convert_to_tensor(images))
    terms = model.loss_terms(unit_interval(ops.convert_to_tensor(images)), *outputs)
    return {name: ops.convert_to_numpy(values) for name, values in terms.items()}


@pytest.mark.parametrize("posterior_sd", [0.1, 0.5, 1.0])
def test_the_kl_of_a_constant_variance_in_closed_form(posterior_sd, images):
    model = constant(beta=2.5, posterior_sd=posterior_sd)
    mean, log_var = model.encode(images)
    assert log_var.shape == mean.shape == (20, 2)
    np.testing.assert_allclose(np.exp(log_var / 2), posterior_sd, rtol=1e-6)
    terms = terms_of(model, images)
    constant_part = 2 * (posterior_sd**2 - 1 - 2 * np.log(posterior_sd)) / 2
    expected = (mean**2).sum(axis=1) / 2 + constant_part
    np.testing.assert_allclose(terms["kl"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        terms["loss"], terms["reconstruction"] + 2.5 * terms["kl"], rtol=1e-6
    )


def test_codes_of_a_constant_variance_spread_by_it(images):
    model = constant(posterior_sd=0.1)
    epsilon = np.ones((20, 2), "float32")
    logits = ops.convert_to_numpy(model(ops.convert_to_tensor(images), epsilon)[0])
    mean, _ = model.encode(images)
    np.testing.assert_allclose(logits, model.decode_logits(mean + 0.1), atol=1e-5)
    np.testing.assert_allclose(model.reconstruct(images), model.decode(mean))


@pytest.mark.parametrize("kind", [VAE, DistanceVAE])
@pytest.mark.parametrize("posterior_sd", [0, -0.1, float("nan")])
def test_a_senseless_constant_deviation_is_refused(kind, posterior_sd):
    with pytest.raises(ValueError, match="posterior_sd must be positive"):
        constant(kind, posterior_sd=posterior_sd)
    with pytest.raises(ValueError, match="beta"):
        constant(kind, beta=-1)


@pytest.mark.parametrize("kind", [VAE, DistanceVAE])
def test_the_logged_parts_of_a_constant_variance_add_up(kind, images):
    model = constant(kind, beta=2.048)
    model.compile("adam", jit_compile=False)
    logs = model.fit(images, validation_data=images, batch_size=8, verbose=0).history
    for split in ("", "val_"):
        loss, reconstruction, kl, regularizer, *rest = (
            logs[split + part][0] for part in ("loss", *model.parts)
        )
        assert regularizer == pytest.approx(2.048 * kl, rel=1e-6)
        whole = reconstruction + regularizer + sum(rest)
        assert loss == pytest.approx(whole, rel=1e-6)
        assert len(rest) == (kind is DistanceVAE) and all(part > 0 for part in rest)


@pytest.mark.parametrize("kind", [VAE, DistanceVAE])
def test_a_saved_constant_variance_comes_back(kind, images, tmp_path):
    options = {"weight": 0.5} if kind is DistanceVAE else {}
    model = constant(kind, beta=0.5, posterior_sd=0.3, seed=7, **options)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert type(again) is kind and again.posterior_sd == 0.3 and again.beta == 0.5
    assert getattr(again, "weight", None) == options.get("weight")
    np.testing.assert_allclose(again.reconstruct(images), model.reconstruct(images))


def test_the_distance_part_is_what_the_loss_adds(images):
    model = constant(DistanceVAE, beta=2.0, weight=0.3)
    terms = terms_of(model, images)
    parts = terms["reconstruction"] + terms["regularizer"]
    np.testing.assert_allclose(terms["loss"], parts + terms["distance"], rtol=1e-6)
    assert (terms["distance"] > 0).all()


def test_logits_that_fall_with_the_distance_cost_none():
    model = constant(DistanceVAE, weight=0.3)
    image = np.zeros((1, *SHAPE), "float32")
    image[0, 2, 3] = 1.0
    away = ops.convert_to_numpy(distance_field(ops.convert_to_tensor(image)))
    logits = (model.height - model.slope * away).astype("float32")
    outputs = logits, *np.zeros((2, 1, 2), "float32")
    terms = model.loss_terms(ops.convert_to_tensor(image), *outputs)
    assert float(terms["distance"][0]) == pytest.approx(0, abs=1e-9)
    outputs = logits + model.slope, *outputs[1:]  # as if all were one pixel nearer
    terms = model.loss_terms(ops.convert_to_tensor(image), *outputs)
    assert float(terms["distance"][0]) == pytest.approx(0.3 * image.size, rel=1e-5)


@pytest.mark.parametrize("reach", [1, 4, 7])
def test_the_distance_field_of_binary_images_is_the_chessboards(reach):
    rng = np.random.default_rng(0)
    images = (rng.uniform(size=(6, 15, 11, 1)) < [[[[0.02]]]]).astype("float32")
    images[:, 7, 5] = 1.0  # none is blank
    found = ops.convert_to_numpy(distance_field(ops.convert_to_tensor(images), reach))
    assert found.shape == images.shape
    for image, field in zip(images[..., 0], found[..., 0], strict=True):
        rows, columns = np.nonzero(image)
        down = np.abs(np.arange(15)[:, None, None] - rows)
        across = np.abs(np.arange(11)[None, :, None] - columns)
        brute = np.maximum(down, across).min(axis=-1)
        np.testing.assert_array_equal(brute, distance_transform_cdt(image == 0))
        np.testing.assert_array_equal(field, np.minimum(brute, reach))
    assert found.max() == reach


def test_the_distance_field_of_blank_grey_and_dim_images():
    images = np.zeros((3, 9, 9, 1), "float32")
    images[1, 4, 4], images[1, 0, 0] = 1.0, 0.5  # half the ink is half of it away
    images[2] = images[1] / 4  # what counts is the share of the peak
    found = ops.convert_to_numpy(distance_field(ops.convert_to_tensor(images)))
    assert (found[0] == 4).all()
    assert found[1, 4, 4, 0] == 0 and found[1, 0, 0, 0] == 0.5 + 3 * 0.5
    np.testing.assert_allclose(found[2], found[1], rtol=1e-6)
