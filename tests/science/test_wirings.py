"""The five ways of chapter 03: one loss, the same gradients, and where they part."""

import importlib.util
import json
import os
import threading

import keras
import numpy as np
import pytest

from benchmarks import common, wirings
from benchmarks.wirings import BETA, OURS, WAYS, Small, near
from vaetut.models import bernoulli_nats, draw_codes, gaussian_kl

EAGER = {"run_eagerly": True}  # quicker than to compile what runs once
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the chapter's backend"
)


class Elsewhere:
    """What the ways answer on another backend, asked for while other tests run."""

    def __init__(self, backend):
        self.backend, self.found = backend, None
        self.thread = threading.Thread(target=self.ask)
        self.thread.start()

    def ask(self):
        self.found = common.ask_once(wirings.__file__, self.backend, probe="answers")

    def __call__(self):
        self.thread.join()
        assert self.found is not None, f"{self.backend} did not answer"
        return self.found


@pytest.fixture(scope="module", autouse=True)
def backends():
    """Return backend → a function that waits for its answers."""
    installed = [name for name in ("jax", "torch") if importlib.util.find_spec(name)]
    # Most of the time would go into making JAX's programs fast.
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    asked = {name: Elsewhere(name) for name in installed}
    yield asked
    for one in asked.values():
        one.thread.join()
    os.environ.pop("JAX_DISABLE_MOST_OPTIMIZATIONS")


@pytest.fixture(scope="module")
def small():
    return Small()


@pytest.fixture(scope="module")
def ours(small):
    return small.step(OURS)


def gradients_by_tape(small):
    """Return the loss of the library's terms and its gradients, without `fit`."""
    import tensorflow as tf

    model, (images,), _ = small.build(OURS)
    with tf.GradientTape() as tape:
        mean, log_var = model.encoder(images)
        epsilon = model.draw(0 * mean, 0 * log_var)  # 0 + e⁰ · ε
        logits = model.decoder(draw_codes(mean, log_var, epsilon))
        terms = bernoulli_nats(images, logits) + BETA * gaussian_kl(mean, log_var)
        loss = tf.reduce_mean(terms)
    gradients = tape.gradient(loss, model.trainable_weights)
    return float(loss), np.concatenate([np.ravel(g) for g in gradients])


# ---- One loss


def test_a_step_of_fit_is_the_gradient_of_the_loss(small, ours):
    assert near(ours, gradients_by_tape(small))
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
def test_every_way_is_the_same_on_the_backends_it_claims(backends, ours, backend):
    if backend not in backends:
        pytest.skip(f"{backend} is not installed: see requirements-test.txt")
    found = backends[backend]()
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
def test_a_loss_of_ones_own_sees_what_layers_add(backends, ours, backend):
    if backend not in backends:
        pytest.skip(f"{backend} is not installed: see requirements-test.txt")
    loss, gradients = backends[backend]()["added in own loss"]
    assert near((loss, np.array(gradients)), ours, loss=1e-5, gradients=1e-4)


# ---- What is logged


@pytest.mark.parametrize("way", ["outputs", "train_step", "compute_loss"])
def test_the_parts_add_up_over_full_batches(small, way):
    logs = small.history(way, 2 * wirings.PART, **EAGER)
    assert parts_of(logs) == pytest.approx(logs["loss"], rel=1e-6)


@pytest.mark.parametrize("way", ["train_step", "compute_loss"])
def test_the_parts_add_up_with_a_small_last_batch(small, way):
    assert small.apart(way, wirings.N) < 1e-6


def test_extra_outputs_are_averaged_wrongly_when_compiled(small):
    assert small.apart("outputs", wirings.N) > 1e-4
    eagerly = small.history("outputs", wirings.N, **EAGER)
    assert parts_of(eagerly) == pytest.approx(eagerly["loss"], rel=1e-6)


def parts_of(logs):
    parts = [logs.get(n, logs.get(f"{n}_loss")) for n in ("reconstruction", "kl")]
    return parts[0] + BETA * parts[1]


@pytest.mark.parametrize("way", WAYS)
def test_validation_is_the_same_loss(small, way):
    model, data, options = small.build(way)
    model.compile("adam", **options, **EAGER)
    how = {"batch_size": wirings.PART, "verbose": 0, "return_dict": True}
    found = model.evaluate(*data, **how)["loss"]
    own = small.build(OURS)[0]
    own.compile("adam", **EAGER)
    assert found == pytest.approx(own.evaluate(*data[:1], **how)["loss"], rel=1e-6)


def old(small, name="OldStep", **options):
    """Return a model of the chapter's by name, compiled."""
    model = small.names[name](*small.names["networks"](**wirings.SMALL), BETA)
    model.compile(keras.optimizers.SGD(0.0), **EAGER | options)
    return model


def test_values_under_the_names_of_metrics_are_thrown_away(small):
    how = {"batch_size": wirings.PART, "verbose": 0, "shuffle": False}
    history = old(small).fit(small.images, **how).history
    assert history == {"loss": [0.0], "reconstruction": [0.0], "kl": [0.0]}


def test_values_under_other_names_are_those_of_the_last_batch(small):
    how = {"batch_size": wirings.PART, "verbose": 0, "shuffle": False}
    history = old(small, "OtherNames").fit(small.images, **how).history
    # Two images are left for it: ε is that of the first two of a batch.
    last = old(small, "LossVAE").evaluate(small.images[-2:], verbose=0)[0]
    assert history["loss_of_batch"][0] == pytest.approx(last, rel=1e-5)


def listening(small, way):
    """Return a way's model, data and options, with a layer that listens in front."""
    names = small.names
    heard = names["heard"] = []
    encoder, decoder = names["networks"](**wirings.SMALL)
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


def test_a_train_step_alone_does_not_evaluate(small):
    with pytest.raises(ValueError, match="No loss to compute"):
        old(small).evaluate(small.images, verbose=0)


# ---- What fails, with the errors that the chapter shows


def test_a_functional_model_takes_no_symbolic_loss(small):
    model = small.build("layer")[0]
    with pytest.raises(NotImplementedError, match=r"^$"):
        model.add_loss(model.output)


def test_a_layer_beside_the_graph_is_forgotten(small):
    names = small.names
    encoder, decoder = names["networks"](**wirings.SMALL)
    codes = encoder(encoder.input)
    names["Charge"](BETA)(*codes)
    model = keras.Model(encoder.input, decoder(names["Draw"]()(*codes)))
    assert not any(isinstance(layer, names["Charge"]) for layer in model.layers)
    model(small.images)
    assert model.losses == []


def test_a_layers_loss_is_seen_by_nothing_but_the_total(small):
    model, _, _ = small.build("endpoint")
    model.compile("adam", **EAGER)
    logs = model.evaluate(small.images, verbose=0, return_dict=True)
    assert list(logs) == ["loss"]


# ---- Saving


@pytest.mark.parametrize("way", WAYS)
def test_every_way_saves_loads_and_continues(small, way, tmp_path):
    model, data, options = small.build(way)
    model.compile(keras.optimizers.Adam(1e-3), **options, **EAGER)
    how = {"batch_size": wirings.PART, "shuffle": False, "verbose": 0}
    model.fit(*data, **how)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for one, other in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    losses = [m.fit(*data, epochs=2, **how).history["loss"] for m in (model, loaded)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert losses[0][1] < losses[0][0]


def test_a_loaded_generator_begins_anew(tmp_path):
    draw = wirings.taught()["Draw"]
    codes = keras.Input((2,))
    model = keras.Model(codes, draw()(codes, codes))
    first = model(np.zeros((1, 2)))
    second = model(np.zeros((1, 2)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
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
        networks = small.names["networks"](**wirings.SMALL)
        model = small.names[name](*networks, BETA)
    finally:
        keras.config.set_dtype_policy("float32")
    # No more is moved than float32 weights can show, even by a scaled step.
    model.compile(keras.optimizers.SGD(1.0), jit_compile=False, **EAGER)
    return norm(model, small.images)


@pytest.mark.parametrize(
    ("name", "factor"), [("OldStep", 2**15), ("TapeVAE", 1), ("LossVAE", 1)]
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


def test_a_draw_in_sixteen_bits_fails(small):
    draw = wirings.taught()["Draw"](dtype="mixed_bfloat16")
    with pytest.raises(Exception, match="bfloat16 tensor but is a float tensor"):
        draw(np.zeros((3, 2)), np.zeros((3, 2)))


# ---- What the chapter shows of it


def test_the_stored_table_says_the_same():
    result = json.loads((common.RESULTS / "wirings.json").read_text("utf8"))
    rows = result["survives"]
    assert {"JAX", "Torch", "eager"} < rows.keys()
    for row in rows.values():
        assert set(row) == set(WAYS)
    assert rows["same loss and gradients"] == dict.fromkeys(WAYS, "✓")
    assert rows["eager"] == dict.fromkeys(WAYS, "✓")
    assert rows["saved, loaded, continued"] == dict.fromkeys(WAYS, "✓")
    assert rows["… with a small last batch"]["outputs"] == "no"
    met = result["met"]
    for backend in ("JAX", "Torch"):
        fails = [way for way in WAYS if rows[backend][way] != "✓"]
        assert fails == ["train_step"]
        assert "TypeError" in met[f"train_step on {backend}"]
        both = met[f"compute_loss that adds self.losses on {backend}"]
        assert both == "the same loss"
    half = next(row for name, row in rows.items() if name.startswith("`mixed_float16"))
    assert all("skipped" in cell for cell in half.values())
