"""Networks for faces, the classifier of attributes, and ε with a limit."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from vaetut import datasets
from vaetut.datasets import Dataset
from vaetut.models import (
    NETWORKS,
    VAE,
    AttributeClassifier,
    Autoencoder,
    classifier,
    faces,
)
from vaetut.models.networks import macs
from vaetut.recipes import CATALOGUE, SCALES, experiments, get_recipe
from vaetut.recipes import catalogue as recipes
from vaetut.training import backends, build_model, feed, train
from vaetut.widgets.packing import decode_packed, pack_decoder

SHAPE, SMALL = (16, 16, 3), (4, 6)
SOURCE = (96, 96, 3)
HEADS = ("mean", "log_var")
FACES = [name for name in NETWORKS if name.startswith("faces")]
RECIPES = [name for name in CATALOGUE if name.startswith("faces")]
MODELS = [name for name in RECIPES if name != "faces-classifier"]
NAMES = ("Smiling", "Male", *(f"a{k}" for k in range(38)))


def number(tensor):
    return ops.convert_to_numpy(tensor)


def noise(name, split="train"):
    """Return noise in the shape of a set of faces; half of it is bright, and "Male"."""
    size = next(int(part) for part in name.split("-") if part.isdigit())
    rng = np.random.default_rng(split == "test")
    images = rng.integers(0, 128, (400, size, size, 3), dtype=np.uint8)
    attributes = rng.uniform(size=(400, 40)) < 0.3
    images[attributes[:, 1]] += 127
    return Dataset(
        name, split, images, "noise", attributes=attributes, attribute_names=NAMES
    )


@pytest.fixture
def noisy(monkeypatch):
    """Every data set is noise of the right shape."""
    monkeypatch.setattr(datasets, "load", noise)


def encoder(image_shape=SHAPE, latent_dim=5, filters=SMALL, **options):
    return faces.faces_encoder(image_shape, latent_dim, filters, **options)


def decoder(image_shape=SHAPE, latent_dim=5, filters=SMALL, **options):
    return faces.faces_decoder(image_shape, latent_dim, filters, **options)


# ---- The source's counts


@pytest.mark.parametrize(
    ("latent_dim", "extra", "millions"),
    [(512, None, 9.83), (256, None, 5.11), (256, 256, 2.88), (256, 384, 4.13)],
)
def test_the_encoder_has_as_many_parameters_as_the_source(latent_dim, extra, millions):
    network = encoder(SOURCE, latent_dim, faces.FILTERS, heads=HEADS, extra_dense=extra)
    assert float(f"{network.count_params() / 1e6:.3g}") == millions


def test_nearly_all_of_them_are_the_heads():
    network = encoder(SOURCE, 512, faces.FILTERS, heads=HEADS)
    found = sum(network.get_layer(head).count_params() for head in HEADS)
    assert found == 2 * (9216 + 1) * 512 and float(f"{found / 1e6:.2g}") == 9.4
    assert network.get_layer("flatten").output.shape == (None, 9216)


def test_the_decoder_has_as_many_parameters_as_the_source():
    found = [decoder(SOURCE, d, faces.FILTERS).count_params() / 1e6 for d in (512, 256)]
    assert float(f"{found[0]:.2g}") == 5.1  # two digits are told
    assert float(f"{found[1]:.3g}") == 2.76


def test_the_full_scale_recipes_have_those_counts(noisy):
    millions = {"faces-vae": 5.11, "faces-dense-256": 2.88, "faces-dense-384": 4.13}
    for name, expected in millions.items():
        model = build_model(get_recipe(name))
        found = [model.encoder.count_params(), model.decoder.count_params()]
        assert [float(f"{n / 1e6:.3g}") for n in found] == [expected, 2.76]


def test_three_convolutions_flatten_to_twice_the_units_at_the_sources_filters():
    """Fourfold where the last map has as many channels: a halving less each way."""
    four, three = (
        encoder(SOURCE, 256, filters).get_layer("flatten").output.shape[1]
        for filters in ((32, 64, 128, 256), (32, 64, 256))
    )
    assert three == 4 * four == 4 * 9216
    # The source leaves the last filter out: half the channels on four times the area.
    without = encoder(SOURCE, 256, (32, 64, 128)).get_layer("flatten").output.shape[1]
    assert without == 2 * four


# ---- Layers


def kinds(network):
    return [type(layer).__name__ for layer in network.layers[1:]]


def test_normalization_stands_between_convolution_and_activation():
    one = ["Conv2D", "BatchNormalization", "LeakyReLU"]
    assert kinds(encoder()) == [*one, *one, "Flatten", "Dense"]
    plain = [kind for kind in one if kind != "BatchNormalization"]
    assert kinds(encoder(normalization=False)) == [*plain, *plain, "Flatten", "Dense"]
    assert kinds(encoder(extra_dense=7))[-4:] == [
        *("Dense", "LeakyReLU"),
        *("Flatten", "Dense"),
    ]
    up = ["Conv2DTranspose", "BatchNormalization", "LeakyReLU"]
    assert kinds(decoder()) == ["Dense", "Reshape", *up, "Conv2DTranspose"]


def test_the_decoder_mirrors_filters_and_kernels():
    filters, sides = (3, 4, 5, 6), (7, 5, 3, 1)
    down = encoder(filters=filters, kernel_sizes=sides)
    convs = [layer for layer in down.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.kernel.shape[0] for layer in convs] == list(sides)
    up = [
        layer
        for layer in decoder(filters=filters, kernel_sizes=sides).layers
        if isinstance(layer, keras.layers.Conv2DTranspose)
    ]
    # A kernel of a transposed convolution is (side, side, out, in).
    assert [tuple(layer.kernel.shape[1:]) for layer in up] == [
        (1, 5, 6),
        (3, 4, 5),
        (5, 3, 4),
        (7, 3, 3),
    ]


@pytest.mark.parametrize("name", FACES)
def test_a_network_takes_images_to_codes_and_codes_to_logits(name):
    down, up = (build(SHAPE, 5, SMALL) for build in NETWORKS[name])
    assert down.output_shape == (None, 5) == up.input_shape
    assert up.output_shape == (None, *SHAPE) and macs(up) > 0
    both = NETWORKS[name][0](SHAPE, 5, SMALL, heads=HEADS)
    assert [tuple(output.shape) for output in both.outputs] == [(None, 5)] * 2


@pytest.mark.parametrize("name", [*FACES, "classifier"])
def test_sides_that_cannot_be_halved_are_refused(name):
    builders = NETWORKS[name][: 1 if name == "classifier" else 2]
    for build in builders:
        with pytest.raises(ValueError, match="multiples of 4, not 18×16"):
            build((18, 16, 3), 5, SMALL)


@pytest.mark.parametrize("name", FACES)
def test_kernels_that_are_not_one_a_filter_are_refused(name):
    for build in NETWORKS[name]:
        with pytest.raises(ValueError, match="3 kernel sizes for 2 filters: give one"):
            build(SHAPE, 5, SMALL, kernel_sizes=(3, 3, 3))


def test_upsampling_costs_four_times_the_convolutions_of_as_many_weights():
    plain, other = (NETWORKS[n][1](SHAPE, 5, SMALL) for n in ("faces", FACES[-1]))
    assert FACES[-1] == "faces-upsampling"
    assert plain.count_params() == other.count_params()
    dense = macs(encoder()) * 0 + 5 * 4 * 4 * 6
    assert macs(other) - dense == 4 * (macs(plain) - dense)


def test_every_pixel_takes_equally_many_weights_only_by_upsampling():
    """A flat map gives a flat image inside, and a raster by transposed convolutions."""
    spread = {}
    for name in ("faces", "faces-upsampling"):
        network = NETWORKS[name][1]((32, 32, 3), 5, (4,), normalization=False)
        dense = network.get_layer("dense")
        dense.kernel.assign(np.zeros(dense.kernel.shape))
        dense.bias.assign(np.ones(dense.bias.shape))
        inside = number(network(np.zeros((1, 5), "float32")))[0, 4:-4, 4:-4]
        spread[name] = inside.std(axis=(0, 1)).max()
    assert spread["faces-upsampling"] < 1e-4 < 0.01 < spread["faces"]


def test_a_residual_block_adds_to_what_it_is_given():
    network = NETWORKS["faces-residual"][0](SHAPE, 5, SMALL, normalization=False)
    last = network.get_layer("residual_1_3")
    last.kernel.assign(np.zeros(last.kernel.shape))
    images = np.random.default_rng(0).uniform(size=(2, *SHAPE)).astype("float32")
    given, summed = (network.get_layer(n).output for n in ("leaky_1", "sum_1"))
    before, after = keras.Model(network.inputs, [given, summed])(images)
    np.testing.assert_array_equal(number(before), number(after))


@pytest.mark.parametrize("name", ["faces", "faces-upsampling"])
@pytest.mark.parametrize("normalization", [True, False])
def test_a_decoder_packs_for_the_page(name, normalization):
    network = NETWORKS[name][1](SHAPE, 5, SMALL, normalization=normalization)
    rng = np.random.default_rng(0)
    for weight in network.weights:
        values = rng.normal(0, 0.3, weight.shape)
        weight.assign(1 + abs(values) if "variance" in weight.path else values)
    codes = rng.normal(size=(3, 5)).astype("float32")
    expected = number(network(codes))
    found = decode_packed(pack_decoder(network), codes)
    np.testing.assert_allclose(found, expected, atol=0.01 * np.abs(expected).max())


def test_branches_of_the_residual_decoder_are_refused_by_name():
    with pytest.raises(ValueError, match="plain chains"):
        pack_decoder(NETWORKS["faces-residual"][1](SHAPE, 5, SMALL))


# ---- Models


def images_of(n=32, shape=SHAPE):
    return np.random.default_rng(0).integers(0, 256, (n, *shape), dtype=np.uint8)


def vae(name="faces", **options):
    keras.utils.set_random_seed(0)
    down, up = NETWORKS[name]
    return VAE(down(SHAPE, 5, SMALL, heads=HEADS), up(SHAPE, 5, SMALL), **options)


def test_a_normalized_autoencoder_is_trained():
    networks = [encoder(heads=("code",)), decoder()]
    model = Autoencoder(*networks)
    model.compile(keras.optimizers.SGD(1e-3), jit_compile=False)
    model.fit(images_of(), batch_size=16, verbose=0)
    for network in networks:
        assert np.abs(number(network.get_layer("norm_1").moving_mean)).max() > 1e-4


@pytest.mark.parametrize("name", FACES)
def test_an_epoch_moves_every_weight_and_its_parts_add_up(name):
    model = vae(name, beta=3.75)
    model.compile(keras.optimizers.SGD(1e-3), jit_compile=False)
    before = [number(weight) for weight in model.weights]
    held_out = {"validation_data": (images_of(8),), "validation_batch_size": 8}
    logs = model.fit(images_of(), batch_size=16, verbose=0, **held_out).history
    # What a batch normalization follows is centred again: such a bias has no effect.
    still = [
        weight.path
        for weight, was in zip(model.weights, before, strict=True)
        if (number(weight) == was).all()
        and "bias" not in weight.path
        and "seed" not in weight.path
    ]
    assert not still
    for split in ("", "val_"):
        loss, reconstruction, kl = (
            logs[split + part][0] for part in ("loss", "reconstruction", "kl")
        )
        assert loss == pytest.approx(reconstruction + 3.75 * kl, rel=1e-6)


def test_a_batch_is_normalized_by_its_own_mean_in_training_alone():
    model, images = vae(max_epsilon=1e-9), images_of()
    in_training, outside = (
        number(model(images, training=training)[0]) for training in (True, False)
    )
    np.testing.assert_allclose(outside, number(model(images)[0]), atol=1e-6)
    assert np.abs(in_training - outside).max() > 0.01


def test_epsilon_is_clipped():
    down, up = encoder(heads=HEADS), decoder()
    free, clipped = VAE(down, up), VAE(down, up, max_epsilon=0.5)
    images = images_of(4).astype("float32") / 255
    far = np.array([[9.0, -9, 0.2, 0.5, -0.5]] * 4, "float32")
    near = far.clip(-0.5, 0.5)
    expected = number(free(images, epsilon=near)[0])
    np.testing.assert_array_equal(number(clipped(images, epsilon=far)[0]), expected)
    assert np.abs(number(free(images, epsilon=far)[0]) - expected).max() > 1e-3


def test_drawn_epsilon_is_clipped_as_well():
    """With next to no ε, two calls decode the means."""
    model, images = vae(max_epsilon=1e-9), images_of(4)
    first, again = (number(model(images)[0]) for _ in range(2))
    means = model.decode_logits(model.encode(images)[0])
    np.testing.assert_allclose(first, again, atol=1e-5)
    np.testing.assert_allclose(first, means, atol=1e-4)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
def test_a_limit_that_is_not_positive_is_refused(limit):
    with pytest.raises(ValueError, match="max_epsilon must be positive"):
        vae(max_epsilon=limit)


@pytest.mark.parametrize("name", FACES)
def test_a_saved_model_comes_back(name, tmp_path):
    model, images = vae(name, beta=0.5, max_epsilon=5), images_of(4)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert again.max_epsilon == 5.0 and again.beta == 0.5
    np.testing.assert_allclose(again.reconstruct(images), model.reconstruct(images))


# ---- The classifier


def judge(attributes=4):
    keras.utils.set_random_seed(0)
    return AttributeClassifier(
        classifier.classifier_encoder(SHAPE, 8, SMALL),
        classifier.classifier_decoder(SHAPE, 8, SMALL, attributes=attributes),
    )


def test_the_classifiers_loss_is_the_cross_entropy_of_all_attributes():
    model = judge()
    truth = np.array([[1, 0, 1, 0], [0, 0, 1, 1]], "float32")
    logits = np.array([[2.0, -1, -3, 0.5], [-1, -2, 3, 4]], "float32")
    said = 1 / (1 + np.exp(-logits))
    expected = -np.log(np.where(truth == 1, said, 1 - said)).sum(axis=1)
    terms = model.loss_terms(truth, logits)
    np.testing.assert_allclose(number(terms["loss"]), expected, rtol=1e-5)
    np.testing.assert_allclose(number(terms["accuracy"]), [0.5, 1.0])


def test_the_classifier_learns_what_can_be_seen():
    rng, model = np.random.default_rng(0), judge()
    truth = rng.uniform(size=(256, 4)) < 0.5
    images = rng.integers(0, 100, (256, *SHAPE)).astype(np.uint8)
    for k, corner in enumerate(np.ndindex(2, 2)):
        rows, columns = (slice(8 * c, 8 * c + 8) for c in corner)
        images[truth[:, k], rows, columns] += 150
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    logs = model.fit(
        images, truth.astype("float32"), batch_size=32, epochs=25, verbose=0
    ).history
    assert logs["loss"][-1] < 0.3 * logs["loss"][0] and logs["accuracy"][-1] > 0.95
    assert ((model.classify(images) > 0) == truth).mean() > 0.9
    found = model.features(images)
    assert found.shape == (256, 8) and found.dtype == np.float32
    floats = model.features(images.astype("float32") / 255)
    np.testing.assert_allclose(found, floats, rtol=1e-4, atol=1e-4)


def test_a_classifier_without_attributes_is_told_so():
    model = judge()
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False, run_eagerly=True)
    with pytest.raises(ValueError, match="fitted with images and y"):
        model.fit(images_of(), verbose=0)


def test_sample_weights_count_in_the_classifiers_loss():
    model, images = judge(), images_of(8)
    truth = np.ones((8, 4), "float32")
    half = np.repeat([2.0, 0.0], 4).astype("float32")
    outputs = model(images[:4])
    alone = number(model.compute_loss(images[:4], truth[:4], outputs))
    weighted = number(model.compute_loss(images, truth, model(images), half))
    assert weighted == pytest.approx(alone, rel=1e-5)


def test_a_saved_classifier_comes_back(tmp_path):
    model, images = judge(), images_of(4)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert type(again) is AttributeClassifier
    np.testing.assert_allclose(again.classify(images), model.classify(images))


# ---- Recipes


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("scale", SCALES)
def test_a_recipe_of_faces_is_one_at_every_scale(name, scale):
    recipe = get_recipe(name, scale)
    sets = {"full": "faces-96", "laptop": "faces-48", "smoke": "faces-48-few"}
    assert recipe.dataset == sets[scale] and recipe.scale == scale
    assert len(recipe.filters) == 4 and recipe.batch_size == 128
    if scale == "full":
        assert recipe.images is None and recipe.test_images is None


def test_beta_is_the_sources_at_96_pixels_and_its_share_at_others():
    assert recipes.faces_beta(96, 5) == pytest.approx(15)
    assert recipes.faces_beta(48, 5) == pytest.approx(15 / 4)
    assert recipes.faces_beta(64, 1) == pytest.approx(3 * 4 / 9)
    for name, fact in (("faces-vae", 5), ("faces-tiny-kl", 1e-5)):
        assert get_recipe(name).beta == pytest.approx(3 * fact)
        for scale in ("laptop", "smoke"):
            assert get_recipe(name, scale).beta == pytest.approx(0.75 * fact)


def test_beta_balances_what_the_source_balances():
    """Its loss times three: the cross-entropy of every subpixel, and three facts."""
    rng = np.random.default_rng(0)
    bce, kl, fact = rng.uniform(size=(96, 96, 3)), 30.0, 5.0
    source = bce.mean(axis=-1).sum() + fact * kl
    ours = bce.sum() + recipes.faces_beta(96, fact) * kl
    assert ours == pytest.approx(3 * source)


@pytest.mark.parametrize("name", RECIPES)
def test_every_model_of_faces_can_be_built(name, noisy):
    recipe = get_recipe(name, "smoke")
    model = build_model(recipe)
    kinds = {"autoencoder": Autoencoder, "vae": VAE, "classifier": AttributeClassifier}
    assert type(model) is kinds[recipe.model]
    normalized = any("norm" in layer.name for layer in model.encoder.layers)
    assert normalized == (recipe.model != "autoencoder")


def test_the_new_fields_leave_older_records_valid():
    recipe = get_recipe("fashion-vae")
    new = ("kernel_sizes", "extra_dense", "max_epsilon")
    before = {k: v for k, v in recipe.fields.items() if k not in new}
    assert recipe.changed_since(before) == []
    values = ((5, 5, 3), 9, 5.0)
    for field, value in zip(new, values, strict=True):
        changed = dataclasses.replace(recipe, **{field: value})
        assert changed.changed_since(before) == [field]
        assert changed.changed_since(changed.fields) == []


@pytest.mark.parametrize(
    ("setting", "field", "value"),
    [
        ("kernel_sizes=5x5x3x3", "kernel_sizes", (5, 5, 3, 3)),
        ("extra_dense=64", "extra_dense", 64),
        ("max_epsilon=5", "max_epsilon", 5.0),
        ("network=faces-residual", "network", "faces-residual"),
    ],
)
def test_a_variant_of_a_recipe_of_faces_is_read(setting, field, value):
    recipe = get_recipe(f"faces-vae+{setting}", "laptop")
    assert getattr(recipe, field) == value
    assert get_recipe(recipe.name, "laptop") == recipe
    assert recipe.changed_since(get_recipe("faces-vae", "laptop").fields) == [field]
    undone = get_recipe("faces-dense-256+extra_dense=none", "laptop")
    assert undone.extra_dense is None


@pytest.mark.parametrize(
    ("name", "word"),
    [
        (
            "faces-vae+max_epsilon=0",
            "is 0.0: it must be positive; max_epsilon=none",
        ),
        ("faces-ae+max_epsilon=5", "'autoencoder' has none"),
        ("faces-vae+extra_dense=0", "extra_dense .* is 0: it must be positive"),
        ("faces-vae+kernel_sizes=3x3", "one side, 1 or more, to each of the 4 filters"),
        ("faces-vae+kernel_sizes=3x3x0x3", "one side, 1 or more"),
        ("faces-classifier+beta=1", "an autoencoder has none"),
        ("fashion-vae+extra_dense=9", "'conv' has no extra_dense"),
        ("fashion-vae+kernel_sizes=3x3x3", "'conv' has no kernel_sizes"),
    ],
)
def test_what_makes_no_sense_is_refused(name, word):
    with pytest.raises(ValueError, match=word):
        build_model(get_recipe(name, "smoke"))


def test_options_reach_the_networks(noisy):
    model = build_model(get_recipe("faces-detailed", "smoke"))
    assert model.encoder.get_layer("conv_1").kernel.shape[0] == 5
    assert model.decoder.get_layer("logits").kernel.shape[0] == 5
    assert model.encoder.get_layer("conv_4").kernel.shape[0] == 3
    dense = build_model(get_recipe("faces-dense-256", "smoke"))
    assert dense.encoder.get_layer("extra").units == 8
    clipped = build_model(get_recipe("faces-tiny-kl+max_epsilon=5", "smoke"))
    assert clipped.max_epsilon == 5.0


@pytest.mark.parametrize("name", ["kl-strength", "blur", "clip"])
def test_an_experiment_names_recipes_that_differ_in_what_is_told(name, noisy):
    found = {
        label: get_recipe(recipe, "laptop")
        for label, recipe in experiments.EXPERIMENTS[name].items()
    }
    assert len({recipe.digest for recipe in found.values()}) == len(found)
    if name == "kl-strength":
        facts = [float(label) for label in found]
        betas = [recipe.beta for recipe in found.values()]
        np.testing.assert_allclose(betas, 0.75 * np.array(facts))
        assert found["5"].name == "faces-vae" and found["1e-05"].max_epsilon is None
    for recipe in found.values():
        base = get_recipe("faces-vae", "laptop").fields
        assert len(recipe.changed_since(base)) <= 1 + (recipe.max_epsilon is not None)


# ---- Training


def without_beta(name):
    fields = get_recipe(name, "smoke").fields
    return str({key: value for key, value in fields.items() if key != "beta"})


@pytest.mark.parametrize("name", {without_beta(n): n for n in RECIPES}.values())
def test_every_recipe_trains(name, noisy):
    lines = []
    history = train(get_recipe(name, "smoke"), 0, say=lines.append).history
    assert len(lines) == 1 and np.isfinite(history["val_loss"]).all()


def small_classifier(**changes):
    recipe = get_recipe("faces-classifier", "smoke")
    return dataclasses.replace(recipe, batch_size=16, epochs=2, **changes)


def test_a_classifier_is_fed_attributes_whatever_way_images_take(noisy, monkeypatch):
    recipe, found = small_classifier(), {}
    answers = 40 * min(recipe.images, recipe.test_images)  # attributes of images
    for way in ("copied", "gathered", "resident"):
        if way == "gathered":
            monkeypatch.setattr(feed, "COPY_LIMIT", 0)
        if way == "resident":
            monkeypatch.setattr(backends, "resident", lambda size: True)
        found[way] = train(recipe, 0, say=str).history
    history = found["copied"]
    for other in found.values():
        assert other.keys() == history.keys()
        for name, values in history.items():
            # An attribute on the edge may fall to either side.
            edge = 1.01 / answers if "accuracy" in name else 0
            np.testing.assert_allclose(other[name], values, rtol=1e-5, atol=edge)
    assert history["loss"][1] < history["loss"][0]


@pytest.mark.parametrize("name", ["faces-classifier", "faces-vae"])
def test_normalization_is_trained_where_images_lie_on_the_device(
    name, noisy, monkeypatch
):
    recipe = dataclasses.replace(get_recipe(name, "smoke"), batch_size=16)
    plain = train(recipe, 0, say=str).model
    monkeypatch.setattr(backends, "resident", lambda size: True)
    resident = train(recipe, 0, say=str).model
    for one, other in zip(plain.weights, resident.weights, strict=True):
        if "seed" not in one.path:
            np.testing.assert_allclose(number(one), number(other), atol=1e-4)
    moved = number(plain.encoder.get_layer("norm_1").moving_mean)
    assert np.abs(moved).max() > 1e-4


def test_batches_come_with_their_attributes(monkeypatch):
    monkeypatch.setattr(feed, "COPY_LIMIT", 0)
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    order = np.random.default_rng(0).permutation(10)
    targets = np.stack([order, -order], axis=1).astype("float32")
    for weights in (None, order.astype("float32")):
        batches = feed.stream(images, order, 4, weights, targets)
        for k in range(3):
            part, known, *rest = batches[k]
            np.testing.assert_array_equal(part.ravel(), known[:, 0])
            np.testing.assert_array_equal(known[:, 1], -known[:, 0])
            assert len(rest) == (weights is not None)
            for weight in rest:
                np.testing.assert_array_equal(weight, known[:, 0])


def test_a_classifier_of_images_without_attributes_is_refused(tmp_path):
    recipe = dataclasses.replace(small_classifier(), dataset="fashion-mnist")
    with pytest.raises(ValueError, match="'fashion-mnist' does not have: take a set"):
        train(recipe, 0, tmp_path / "checkpoint", str)
