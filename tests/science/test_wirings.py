"""The five ways of chapter 03: one loss, the same gradients, and where they part."""

import importlib.util
import inspect
import json
import re

import keras
import numpy as np
import pytest
from five_ways import (
    BETA,
    CHAPTER,
    OURS,
    PART,
    SMALL,
    WAYS,
    Elsewhere,
    N,
    Small,
    attempt,
    divided_tape,
    near,
    taught,
)
from keras import layers, ops

from vaetut.models import bernoulli_nats, draw_codes, gaussian_kl
from vaetut.models.regularizers import entanglement_loss

EAGER = {"run_eagerly": True}  # quicker than to compile what runs once
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the chapter's backend"
)


@pytest.fixture(scope="module", autouse=True)
def elsewhere():
    """Return name → a function that waits for the answers of another process."""
    asked = {"devices": Elsewhere("devices", "tensorflow")}
    for name in ("jax", "torch"):
        if importlib.util.find_spec(name):
            asked[name] = Elsewhere("backend", name)
    yield asked
    for one in asked.values():
        one.thread.join()


@pytest.fixture(scope="module")
def small():
    return Small()


@pytest.fixture(scope="module")
def ours(small):
    return small.step(OURS)


def by_tape(small, weights=1.0):
    """Return the loss of the library's terms and its gradients, without `fit`."""
    import tensorflow as tf

    model, (images,), _ = small.build(OURS)
    with tf.GradientTape() as tape:
        mean, log_var = model.encoder(images)
        epsilon = model.draw(0 * mean, 0 * log_var)  # 0 + e⁰ · ε
        logits = model.decoder(draw_codes(mean, log_var, epsilon))
        terms = bernoulli_nats(images, logits) + BETA * gaussian_kl(mean, log_var)
        loss = tf.reduce_mean(weights * terms)
    gradients = tape.gradient(loss, model.trainable_weights)
    return float(loss), np.concatenate([np.ravel(g) for g in gradients])


# ---- One loss


def test_a_step_of_fit_is_the_gradient_of_the_loss(small, ours):
    assert near(ours, by_tape(small))
    model = small.build(OURS)[0]
    parts = model.encoder, model.decoder
    assert len(ours[1]) == sum(part.count_params() for part in parts)
    assert abs(ours[1]).max() > 1


@pytest.mark.parametrize("way", WAYS[:-1])
def test_every_way_has_the_same_loss_and_gradients(small, ours, way):
    assert near(small.step(way), ours, loss=1e-6, gradients=1e-5)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_the_same_eagerly(small, ours, way):
    assert near(small.step(way, **EAGER), ours)


def test_xla_changes_nothing_where_the_noise_is_given(small, ours):
    assert near(small.step(OURS, jit_compile=True), ours)


def test_xla_draws_other_noise_from_the_same_seed():
    import tensorflow as tf

    def drawn(xla):
        draw = tf.function(jit_compile=xla)
        return draw(lambda: keras.random.normal((3,), seed=1))().numpy()

    np.testing.assert_array_equal(drawn(False), drawn(False))
    assert np.abs(drawn(True) - drawn(False)).max() > 0.01


def test_the_kl_is_a_good_part_of_the_loss_that_is_compared(small):
    model, (images,), _ = small.build(OURS)
    assert gaussian_kl(*model.encoder(images)).numpy().mean() > 0.5


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_every_way_is_the_same_on_the_backends_it_claims(elsewhere, ours, backend):
    if backend not in elsewhere:
        pytest.skip(f"{backend} is not installed: see requirements-test.txt")
    found = elsewhere[backend]()
    own = found[OURS][0], np.array(found[OURS][1])
    for way in WAYS:
        if way == "train_step":  # a GradientTape
            assert "TypeError" in found[way]
        else:
            answer = found[way][0], np.array(found[way][1])
            assert near(answer, own), way
            assert near(answer, ours, loss=1e-5, gradients=1e-4), way
            assert np.isfinite(found["own draw"][way]), way
    works = "TypeError" not in found["metric in call"]
    assert works == (backend == "torch")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_loss_of_ones_own_sees_what_layers_add(elsewhere, ours, backend):
    if backend not in elsewhere:
        pytest.skip(f"{backend} is not installed: see requirements-test.txt")
    loss, gradients = elsewhere[backend]()["added in own loss"]
    assert near((loss, np.array(gradients)), ours, loss=1e-5, gradients=1e-4)


# ---- Several devices


@pytest.mark.parametrize(
    ("way", "log", "gradient"),
    [
        ("layer", 1, 1),
        ("outputs", 1, 1),
        ("endpoint", 1, 1),
        ("train_step", 1, 2),
        ("compute_loss", 2, 2),
        ("train_step, cured", 1, 1),
        ("compute_loss, cured", 1, 1),
    ],
)
def test_on_two_devices_a_loss_of_ones_own_must_be_divided(
    elsewhere, way, log, gradient
):
    one, two = elsewhere["devices"]()[way]
    assert two[0] / one[0] == pytest.approx(log, rel=1e-5)
    assert two[1] / one[1] == pytest.approx(gradient, rel=1e-3)


# ---- Sample weights

HALF = np.float32([1, 0] * (N // 2))


def weighted(small, way):
    """Return `step` with a weight of 0 for every other image, and with a target."""
    model, data, options = small.build(way)
    return small.ask(model, (data * 2)[:2], options, weights=HALF, **EAGER)


def test_without_a_target_fit_drops_the_weights(small, ours):
    model = small.names["SafeVAE"](*small.networks(), BETA)
    answer = small.ask(model, (small.images,), {}, weights=HALF, **EAGER)
    assert near(answer, ours)


def test_extra_outputs_mind_sample_weights(small):
    assert near(weighted(small, "outputs"), by_tape(small, HALF))


@pytest.mark.parametrize("way", ["endpoint", "train_step", "compute_loss"])
def test_three_ways_ignore_sample_weights(small, ours, way):
    assert near(weighted(small, way), ours)


def test_a_layer_weights_the_reconstruction_alone(small):
    model, (images,), _ = small.build(OURS)
    logits, mean, log_var = model(images)
    rec, kl = bernoulli_nats(images, logits), gaussian_kl(mean, log_var)
    partly = float(ops.mean(HALF * rec) + BETA * ops.mean(kl))
    loss, _ = weighted(small, "layer")
    assert loss == pytest.approx(partly, rel=1e-6)
    assert loss > 1.01 * by_tape(small, HALF)[0]


@pytest.mark.parametrize("way", ["train_step", "compute_loss"])
def test_a_line_cures_a_step_or_a_loss_for_sample_weights(small, way):
    tape = divided_tape(small.names)
    kind = {"train_step": tape, "compute_loss": small.names["SafeVAE"]}[way]
    model, data = kind(*small.networks(), BETA), (small.images,) * 2
    answer = small.ask(model, data, {}, weights=HALF, **EAGER)
    assert near(answer, by_tape(small, HALF))
    model = kind(*small.networks(), BETA)
    how = {"batch_size": PART, "verbose": 0, "shuffle": False}
    model.compile(keras.optimizers.SGD(0.0), **EAGER)
    logs = model.fit(*data, sample_weight=HALF, **how).history
    logs = {name: values[0] for name, values in logs.items()}
    assert parts_of(logs) == pytest.approx(logs["loss"], rel=1e-6)


def test_a_cured_loss_still_adds_what_layers_add(small):
    encoder, decoder = small.networks()
    codes = small.names["Charge"](BETA)(*encoder.outputs)
    encoder = keras.Model(encoder.input, codes)
    model = small.names["SafeVAE"](encoder, decoder, 0.0)
    assert near(small.ask(model, (small.images,), {}, **EAGER), small.step(OURS))


@pytest.mark.parametrize("way", ["layer", "endpoint"])
def test_weights_as_an_input_cure_a_layer(small, way):
    names = small.names

    class WeightedCharge(names["Charge"]):
        """The chapter's layer, with the weights as an input."""

        def call(self, mean, log_var, weights):
            kl = gaussian_kl(mean, log_var)
            self.add_loss(self.beta * ops.mean(weights * kl))
            return mean, log_var

    class WeightedEndpoint(names["Charge"]):
        """The chapter's endpoint, with the weights as an input."""

        def call(self, images, logits, mean, log_var, weights):
            rec, kl = bernoulli_nats(images, logits), gaussian_kl(mean, log_var)
            self.add_loss(ops.mean(weights * (rec + self.beta * kl)))
            return logits

    encoder, decoder = small.networks()
    weights, codes = keras.Input(()), encoder(encoder.input)
    inputs, x = [encoder.input, weights], [small.images, HALF]
    if way == "layer":
        logits = decoder(names["Draw"]()(*WeightedCharge(BETA)(*codes, weights)))
        data, options = (x, small.images), {"loss": names["reconstruction"]}
    else:
        logits = decoder(names["Draw"]()(*codes))
        logits = WeightedEndpoint(BETA)(encoder.input, logits, *codes, weights)
        data, options = (x,), {}
    model = keras.Model(inputs, logits)
    sgd = {"batch_size": N, "shuffle": False, "verbose": 0}
    model.compile(keras.optimizers.SGD(1e3), **options, **EAGER)
    before = model.get_weights()
    given = HALF if way == "layer" else None
    loss = model.fit(*data, sample_weight=given, **sgd).history["loss"][0]
    pairs = zip(before, model.get_weights(), strict=True)
    moved = np.concatenate([np.ravel(a - b) / 1e3 for a, b in pairs])
    assert near((loss, moved), by_tape(small, HALF))


# ---- What is logged


@pytest.mark.parametrize("way", ["outputs", "train_step", "compute_loss"])
def test_the_parts_add_up_over_full_batches(small, way):
    logs = small.history(way, 2 * PART, **EAGER)
    assert parts_of(logs) == pytest.approx(logs["loss"], rel=1e-6)


@pytest.mark.parametrize("way", ["train_step", "compute_loss"])
def test_the_parts_add_up_with_a_small_last_batch(small, way):
    logs = small.history(way, N)
    assert parts_of(logs) == pytest.approx(logs["loss"], rel=1e-6)


def test_extra_outputs_are_averaged_wrongly_when_compiled(small):
    compiled = small.history("outputs", N)
    assert abs(parts_of(compiled) / compiled["loss"] - 1) > 1e-4
    eagerly = small.history("outputs", N, **EAGER)
    assert parts_of(eagerly) == pytest.approx(eagerly["loss"], rel=1e-6)
    full = small.history("outputs", 2 * PART)
    assert parts_of(full) == pytest.approx(full["loss"], rel=1e-6)


def parts_of(logs):
    parts = [logs.get(n, logs.get(f"{n}_loss")) for n in ("reconstruction", "kl")]
    return parts[0] + BETA * parts[1]


@pytest.mark.parametrize("way", WAYS)
def test_validation_is_the_same_loss(small, way):
    model, data, options = small.build(way)
    model.compile("adam", **options, **EAGER)
    how = {"batch_size": PART, "verbose": 0, "return_dict": True}
    found = model.evaluate(*data, **how)["loss"]
    own = small.build(OURS)[0]
    own.compile("adam", **EAGER)
    assert found == pytest.approx(own.evaluate(*data[:1], **how)["loss"], rel=1e-6)


def posts(small, name="PostVAE"):
    """Return a model with the post's way of logging, by name, compiled."""
    model = small.names[name](*small.networks())
    model.compile(keras.optimizers.SGD(0.0), **EAGER)
    return model


def test_values_under_other_names_are_those_of_the_last_batch(small):
    how = {"verbose": 0, "return_dict": True}
    logged = posts(small).evaluate(small.images, batch_size=PART, **how)
    assert set(logged) == {"loss", "reconstruction_loss", "kl_loss"}
    # Two images are left for it: ε is that of the first two of a batch.
    last = posts(small).evaluate(small.images[-2:], **how)
    assert logged == pytest.approx(last, rel=1e-5)
    first = posts(small).evaluate(small.images[:PART], **how)
    assert abs(logged["loss"] / first["loss"] - 1) > 1e-3


def test_values_under_the_names_of_metrics_are_thrown_away(small):
    how = {"batch_size": PART, "verbose": 0, "return_dict": True}
    logged = posts(small, "SameNames").evaluate(small.images, **how)
    names = "total_loss", "reconstruction_loss", "kl_loss"
    assert logged == dict.fromkeys(names, 0.0)


def test_the_posts_training_log_has_means(small):
    how = {"batch_size": PART, "verbose": 0, "shuffle": False}
    fit = posts(small).fit(small.images, **how).history
    assert set(fit) == {"total_loss", "reconstruction_loss", "kl_loss"}
    # Of batches, not of images: it adds one value a batch.
    model = posts(small)
    batches = [small.images[k : k + PART] for k in range(0, N, PART)]
    losses = [float(model.values((batch,), True)[0]) for batch in batches]
    assert fit["total_loss"][0] == pytest.approx(np.mean(losses), rel=1e-6)


def test_the_posts_loss_is_ours_in_another_unit(small):
    theirs = posts(small).values((small.images,), False)[0]
    ours = small.build(OURS)[0]
    logits, mean, log_var = ours(small.images)
    rec, kl = bernoulli_nats(small.images, logits), gaussian_kl(mean, log_var)
    assert float(theirs) * BETA == pytest.approx(
        float(ops.mean(rec + BETA * kl)), rel=1e-6
    )


def test_a_changed_beta_waits_until_the_model_is_compiled_again(small):
    model, (images,), _ = small.build(OURS)
    how = {"verbose": 0, "return_dict": True}
    model.compile("sgd", jit_compile=False)
    before = model.evaluate(images, **how)["loss"]
    model.beta = 4.0
    assert model.evaluate(images, **how)["loss"] == pytest.approx(before, rel=1e-6)
    model.compile("sgd", jit_compile=False)
    assert model.evaluate(images, **how)["loss"] > before + 0.5


def listening(small, way):
    """Return a way's model, data and options, with a layer that listens in front."""
    names = small.names
    heard = names["heard"] = []
    encoder, decoder = names["networks"](**SMALL)
    listened = encoder(names["Ear"]()(encoder.input))
    encoder = keras.Model(encoder.input, listened)
    return names["wired"](way, encoder, decoder, BETA, small.images), heard


@pytest.mark.parametrize("way", WAYS)
def test_every_way_tells_its_layers_when_they_are_trained(small, way):
    (model, data, options), heard = listening(small, way)
    model.compile("adam", jit_compile=False, **options)
    model.fit(*data, verbose=0)
    assert heard[-1] is True
    model.evaluate(*data, verbose=0)
    assert heard[-1] is False


def test_a_call_that_does_not_take_training_does_not_hand_it_on(small, monkeypatch):
    monkeypatch.setitem(small.names, "LossVAE", small.names["Deaf"])
    (model, data, _), heard = listening(small, "compute_loss")
    model.compile("adam", jit_compile=False)
    model.fit(*data, verbose=0)
    assert set(heard) == {None}


def test_a_layers_loss_is_seen_by_nothing_but_the_total(small):
    model, _, _ = small.build("endpoint")
    model.compile("adam", **EAGER)
    logs = model.evaluate(small.images, verbose=0, return_dict=True)
    assert list(logs) == ["loss"]


def test_a_layer_beside_the_graph_is_forgotten(small):
    names = small.names
    encoder, decoder = names["networks"](**SMALL)
    codes = encoder(encoder.input)
    names["Charge"](BETA)(*codes)
    model = keras.Model(encoder.input, decoder(names["Draw"]()(*codes)))
    assert not any(isinstance(layer, names["Charge"]) for layer in model.layers)
    model(small.images)
    assert model.losses == []


# ---- The port of `Add_VAE_Loss`


def test_the_ported_layer_has_the_loss_of_the_source():
    rng = np.random.default_rng(0)
    x, logits = rng.uniform(size=(5, 6, 6, 1)), rng.normal(size=(5, 6, 6, 1))
    m, p = rng.normal(size=(5, 3)), 1 / (1 + np.exp(-logits))
    layer = taught()["AddVAELoss"]()
    layer([np.float32(each) for each in (x, m, logits)])
    # In the source's words: means over everything, σ = 0.1, no ½.
    bce = -np.mean(x * np.log(p) + (1 - x) * np.log(1 - p))
    kl = np.mean(m**2 + 0.01 - np.log(0.01) - 1)
    entangled = float(ops.mean(entanglement_loss(np.float32(m))))
    loss = bce + 0.001 * kl + 0.0001 * entangled
    assert float(layer.losses[0]) == pytest.approx(loss, rel=1e-5)
    with pytest.raises(ValueError, match=r"give \[images, means, logits\]"):
        taught()["AddVAELoss"]()(np.float32(x[:3]))


# ---- Errors, with the words of the chapter's table


def quoted():
    """Return what the table of errors quotes in its first column."""
    cells = json.loads(CHAPTER.read_text("utf8"))["cells"]
    text = "\n".join(
        "".join(c["source"]) for c in cells if c["cell_type"] == "markdown"
    )
    table = text.split("| you see |")[1].split("\n\n")[0]
    return [re.findall("`(.*?)`", line.split("|")[1]) for line in table.splitlines()]


def test_the_table_quotes_every_error_that_is_provoked():
    words = {tuple(row) for row in quoted() if row}
    assert words == {tuple(case.split(" / ")) for case in PROVOKED}


def symbols():
    import tensorflow as tf

    return tf.exp(keras.Input((2,)))


def tensors_from_outside():
    inputs = keras.Input((2,))
    model = keras.Model(inputs, layers.Dense(2)(inputs))
    model.compile("sgd", lambda _, y: y + inputs, jit_compile=False)
    model.fit(np.ones((4, 2)), np.ones((4, 2)), verbose=0)


def failing_lambda():
    return layers.Lambda(lambda x: keras.backend.exp(x))(keras.Input((2,)))


def loss_of_a_functional_model():
    model = Small().build("layer")[0]
    model.add_loss(model.output)


def legacy_optimizer():
    return keras.optimizers.legacy.Adam()


def no_target():
    model, data, options = Small().build("layer")
    model.compile("sgd", jit_compile=False, **options)
    model.fit(data[0], verbose=0)


def no_test_step():
    small = Small()

    class TrainOnly(small.names["TwoNetworks"]):
        """A model with a step for training alone."""

        train_step = small.names["TapeVAE"].train_step

    model = TrainOnly(*small.networks(), BETA)
    model.compile("sgd", jit_compile=False)
    model.evaluate(small.images, verbose=0)


def no_call():
    class Silent(keras.Model):
        """A model without a `call`."""

    Silent().predict(np.ones((2, 2)), verbose=0)


def through_a_file(model, folder):
    model.save(folder / "model.keras")
    return keras.models.load_model(folder / "model.keras")


def unregistered_class(folder):
    class Unregistered(layers.Layer):
        """A layer that nobody has registered."""

        def call(self, x):
            return x

    inputs = keras.Input((2,))
    through_a_file(keras.Model(inputs, Unregistered()(inputs)), folder)


def unregistered_function(folder):
    def unregistered(x):
        return x

    inputs = keras.Input((2,))
    through_a_file(keras.Model(inputs, layers.Lambda(unregistered)(inputs)), folder)


def networks_as_arguments(folder):
    model, data, _ = Small().build(OURS)
    model(data[0])
    through_a_file(model, folder)


def without_eager_execution():
    import tensorflow as tf

    with tf.Graph().as_default():
        inputs = keras.Input((4,))
        model = keras.Model(inputs, layers.Dense(2)(inputs))
        model.compile("sgd", "mse")
        model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)


PROVOKED = {
    "A KerasTensor cannot be used as input to a TensorFlow function": [symbols],
    "Failed to convert elements of": [tensors_from_outside],
    "could not automatically infer the shape of the Lambda's output": [failing_lambda],
    "NotImplementedError": [loss_of_a_functional_model],
    "keras.optimizers.legacy is not supported in Keras 3": [legacy_optimizer],
    "None values not supported": [no_target],
    "No loss to compute": [no_test_step],
    "does not have a call() method implemented": [no_call],
    "Could not locate class / function": [unregistered_class, unregistered_function],
    "must override get_config()": [networks_as_arguments],
    "only supports Python-style iteration in eager mode": [without_eager_execution],
}


@pytest.mark.parametrize("words", PROVOKED)
def test_an_error_of_the_table_says_what_is_quoted(words, tmp_path):
    for provoke, part in zip(PROVOKED[words], words.split(" / "), strict=True):
        needs_folder = inspect.signature(provoke).parameters
        with pytest.raises(Exception) as caught:  # noqa: PT011
            provoke(*[tmp_path] * len(needs_folder))
        said = f"{type(caught.value).__name__}: {caught.value}".replace("`", "")
        assert part in " ".join(said.split())


def test_add_loss_on_a_functional_model_says_nothing():
    with pytest.raises(NotImplementedError, match=r"^$"):
        loss_of_a_functional_model()


def test_keras_documents_what_it_refuses():
    assert "model.add_loss(ops.sum(outputs))" in keras.Model.compute_loss.__doc__


def test_of_the_posts_code_only_the_optimizer_is_refused():
    """What the table of the port says runs, runs."""
    import tensorflow as tf

    k = tf.keras.backend
    assert k.random_normal(shape=(3, 2)).shape == (3, 2)
    assert k.int_shape(keras.Input((4, 4, 1)))[1:] == (4, 4, 1)
    half = np.full((2, 4, 4, 1), 0.5, "float32")
    bce = tf.keras.losses.binary_crossentropy(half, half, axis=(1, 2, 3))
    np.testing.assert_allclose(bce, np.log(2), rtol=1e-5)
    assert "ImportError" in attempt(legacy_optimizer)


def test_a_layer_of_old_functions_still_adds_its_loss():
    import tensorflow as tf

    k = tf.keras.backend

    class Old(layers.Layer):
        """A layer at the end that knows only the functions of Keras 2."""

        def call(self, parts):
            x, mean, y = parts
            bce = keras.metrics.binary_crossentropy(k.flatten(x), k.flatten(y))
            self.add_loss(bce + 0.001 * k.mean(k.square(mean)))
            return y

    inputs = keras.Input((4,))
    mean = layers.Dense(3)(inputs)
    end = Old()([inputs, mean, layers.Dense(4, activation="sigmoid")(mean)])
    model = keras.Model(inputs, end)
    model.compile("sgd", jit_compile=False)
    half = np.full((8, 4), 0.5, "float32")
    assert model.fit(half, verbose=0).history["loss"][0] > 0


# ---- Saving


@pytest.mark.parametrize("way", [*WAYS[:3], "SavedVAE"])
def test_a_way_saves_loads_and_continues(small, way, tmp_path):
    if way in WAYS:
        model, data, options = small.build(way)
    else:
        model, data, options = small.names[way](*small.networks(), BETA), (), {}
        data = (small.images,)
    model.compile(keras.optimizers.Adam(1e-3), **options, **EAGER)
    how = {"batch_size": PART, "shuffle": False, "verbose": 0}
    model.fit(*data, **how)
    loaded = through_a_file(model, tmp_path)
    for one, other in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    losses = [m.fit(*data, epochs=2, **how).history["loss"] for m in (model, loaded)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert losses[0][1] < losses[0][0]


def test_a_loaded_generator_begins_anew(tmp_path):
    draw = taught()["Draw"]
    codes = keras.Input((2,))
    model = keras.Model(codes, draw()(codes, codes))
    first = model(np.zeros((1, 2)))
    second = model(np.zeros((1, 2)))
    loaded = through_a_file(model, tmp_path)
    again = loaded(np.zeros((1, 2)))
    np.testing.assert_array_equal(again, first)
    assert np.abs(again - second).max() > 0.01


# ---- Sixteen bits


def norm(model, images):
    """Return how far a step of gradient descent moves all weights."""
    before = model.get_weights()
    model.fit(images, batch_size=len(images), verbose=0)
    pairs = zip(before, model.get_weights(), strict=True)
    return np.sqrt(sum(((a - b) ** 2).sum() for a, b in pairs))


def stepped(small, name, policy):
    keras.config.set_dtype_policy(policy)
    try:
        networks = small.names["networks"](**SMALL)
        rest = () if name == "PostVAE" else (BETA,)
        model = small.names[name](*networks, *rest)
    finally:
        keras.config.set_dtype_policy("float32")
    # No more is moved than float32 weights can show, even by a scaled step.
    model.compile(keras.optimizers.SGD(1.0), jit_compile=False, **EAGER)
    return norm(model, small.images)


@pytest.mark.parametrize(
    ("name", "factor"), [("PostVAE", 2**15), ("TapeVAE", 1), ("LossVAE", 1)]
)
def test_a_tape_must_scale_its_loss(small, name, factor):
    ratio = stepped(small, name, "float32") / stepped(small, name, "mixed_float16")
    assert ratio == pytest.approx(factor, rel=0.05)


@pytest.mark.parametrize("way", WAYS)
def test_sixteen_bits_leave_the_loss_nearly_as_it_is(small, ours, way):
    found = small.step(way, "mixed_bfloat16", **EAGER)
    assert found[0] == pytest.approx(ours[0], rel=1e-2)


def test_float16_skips_its_first_steps(small, ours):
    skipped, answer = small.taken(OURS, "mixed_float16")
    assert skipped >= 1
    assert near(answer, ours, loss=1e-3, gradients=0.02)
    assert small.taken(OURS, "float32")[0] == 0


def test_a_draw_in_sixteen_bits_fails():
    draw = taught()["Draw"](dtype="mixed_bfloat16")
    with pytest.raises(Exception, match="bfloat16 tensor but is a float tensor"):
        draw(np.zeros((3, 2)), np.zeros((3, 2)))


def test_near_the_prior_the_kl_cancels_in_sixteen_bits():
    def kl_in(dtype):
        m, s = (ops.cast(values, dtype) for values in codes)
        terms = 1 + s - ops.square(m) - ops.exp(s)  # no cast, as in old code
        return np.array(ops.cast(-0.5 * ops.sum(terms, axis=-1), "float32"))

    rng = np.random.default_rng(0)
    codes = 0.05 * rng.standard_normal((2, 500, 2)).astype("float32")
    exact, rough = kl_in("float32"), kl_in("bfloat16")
    assert exact.min() > 0 and np.mean(rough == 0) > 0.1
    np.testing.assert_allclose(gaussian_kl(*codes), exact, atol=1e-6)
