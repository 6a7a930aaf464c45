"""A run: trained, recorded, loaded again, refused where it does not fit."""

import dataclasses
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from vaetut import datasets
from vaetut.atomic import RunError, write_atomically
from vaetut.recipes import CATALOGUE, SCALES, Recipe, get_recipe
from vaetut.runs import list_runs, load_or_train, train_run, verify
from vaetut.runs.record import read_record
from vaetut.runs.store import stem as stem_of
from vaetut.training import backends, build_model, load_data
from vaetut.training.optimizer import build_optimizer
from vaetut.training.weights import import_weights, unpack_weights

MEND = "Mend it."


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    """Runs of these tests go to a folder of their own."""
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("VAETUT_SCALE", raising=False)
    monkeypatch.delenv("VAETUT_RETRAIN", raising=False)
    return tmp_path / "runs"


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """A trained smoke run: its recipe, record, model and stem."""
    recipe = get_recipe("fashion-vae", "smoke")
    stem = tmp_path_factory.mktemp("smoke") / "seed-0"
    lines = []
    run = train_run(recipe, 0, stem, lines.append)
    record, model = run.record, run.model
    return recipe, record, model, stem, lines


def copy_of(smoke, root):
    """Put the smoke run where `load_or_train` looks, and return its stem."""
    recipe, _, _, stem, _ = smoke
    target = stem_of(root, recipe, 0)
    for suffix in (".json", ".safetensors"):
        raw = stem.with_suffix(suffix).read_bytes()
        write_atomically(target.with_suffix(suffix), raw, RunError, MEND)
    return target


def test_every_recipe_exists_at_every_scale_with_a_digest_of_its_own():
    found = [get_recipe(name, scale).digest for name in CATALOGUE for scale in SCALES]
    assert len(set(found)) == len(found)


def test_the_digest_follows_every_field_but_the_name():
    recipe = get_recipe("fashion-vae")
    assert dataclasses.replace(recipe, name="other").digest == recipe.digest
    for field, value in {"beta": 1.0, "epochs": 6, "filters": (32, 64, 129)}.items():
        assert dataclasses.replace(recipe, **{field: value}).digest != recipe.digest


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"epochs": 0}, "epochs"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"scale": "huge"}, "full, laptop, smoke"),
        ({"beta": None}, "needs a beta"),
        (
            {"normalization": "layer"},
            "normalization .* 'layer': choose one of batch, o",
        ),
        ({"initializer": "zeros"}, "choose one of normal, glorot"),
        ({"sample_weights": "a"}, "sample_weights .* 'a': choose one of b, b-batch"),
    ],
)
def test_a_senseless_recipe_is_refused(change, word):
    fields = dataclasses.asdict(get_recipe("fashion-vae")) | change
    with pytest.raises(ValueError, match=word):
        Recipe(**fields)


def test_the_optimizer_has_the_recipes_epsilon_or_else_its_own():
    recipe = get_recipe("fashion-vae", "smoke")
    assert recipe.optimizer_epsilon is None
    for optimizer in ("adam", "rmsprop"):
        own = keras.optimizers.get(optimizer).epsilon
        for epsilon, expected in ((None, own), (1.024e-4, 1.024e-4)):
            changed = dataclasses.replace(
                recipe, optimizer=optimizer, optimizer_epsilon=epsilon
            )
            assert build_optimizer(changed, 3).epsilon == expected


def test_the_autoencoders_epsilon_is_the_sources_in_our_unit():
    """Adam on c times a loss with c times ε takes the steps it takes on the loss."""
    epsilon = keras.optimizers.Adam().epsilon
    gradient = np.array([1e-9, 1e-7, -1e-5, 1e-3], "float32")

    def moved(factor):
        weight = keras.Variable(np.zeros(4, "float32"))
        adam = keras.optimizers.Adam(epsilon=factor * epsilon)
        for step in (1, 2, 3):
            adam.apply([keras.ops.array(factor * step * gradient)], [weight])
        return keras.ops.convert_to_numpy(weight)

    pixels = np.prod(datasets.load("fashion-mnist", "test").image_shape)
    np.testing.assert_allclose(moved(pixels), moved(1), rtol=1e-4)
    assert get_recipe("fashion-ae").optimizer_epsilon == pytest.approx(pixels * epsilon)


def test_unknown_recipes_and_scales_name_those_there_are():
    with pytest.raises(ValueError, match="fashion-ae"):
        get_recipe("fashion-gan")
    with pytest.raises(ValueError, match="full, laptop, smoke"):
        load_or_train("fashion-ae", scale="tiny")


@pytest.mark.attack("environment")
@pytest.mark.parametrize(
    ("command", "backend", "words"),
    [
        (["-m", "vaetut", "runs"], "theano", "vaetut: KERAS_BACKEND='theano' is none"),
        (["-c", "import vaetut.training"], "numpy", "ValueError: Nothing can be trai"),
    ],
)
def test_a_backend_that_cannot_train_is_named_with_those_that_can(
    command, backend, words
):
    done = subprocess.run(
        [sys.executable, *command],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(words) and "tensorflow, jax, torch" in last
    if "-m" in command:
        assert done.stderr.count("\n") == 1 and "keras" not in done.stdout


def test_a_run_says_where_it_comes_from(smoke):
    recipe, record, model, stem, lines = smoke
    assert record.digest == recipe.digest and record.backend == "tensorflow"
    assert record.hardware and record.seconds > 0 and "keras" in record.versions
    assert record.parameters["total"] == model.count_params()
    assert len(lines) == recipe.epochs and "epoch 1/1" in lines[0]
    assert read_record(stem.with_suffix(".json")) == dataclasses.replace(
        record, history=json.loads(json.dumps(record.history))
    )


def test_the_history_adds_up(smoke):
    history, beta = smoke[1].history, smoke[0].beta
    for split in ("", "val_"):
        total, rec, kl = (
            np.array(history[split + k]) for k in ("loss", "reconstruction", "kl")
        )
        np.testing.assert_allclose(total, rec + beta * kl, rtol=1e-6)


def test_a_run_is_loaded_again_to_the_same_reconstructions(smoke, own):
    copy_of(smoke, own)
    lines = []
    run = load_or_train("fashion-vae", scale="smoke", say=lines.append)
    images = load_data(smoke[0], 0)[1].images[:10]
    np.testing.assert_array_equal(
        run.model.reconstruct(images), smoke[2].reconstruct(images)
    )
    assert len(lines) == 1 and "your run, smoke scale, seed 0" in lines[0]


def test_a_smoke_run_is_never_taken_unasked(smoke, own):
    copy_of(smoke, own)
    assert load_or_train("fashion-vae", say=str).record.scale == "full"


def test_retraining_can_be_asked_for(monkeypatch):
    monkeypatch.setenv("VAETUT_RETRAIN", "1")
    monkeypatch.setenv("VAETUT_SCALE", "smoke")
    lines = []
    assert load_or_train("fashion-ae", say=lines.append).record.scale == "smoke"
    assert "epoch 1/1" in lines[0]


def test_weights_that_were_damaged_are_refused_and_named(smoke, own):
    path = copy_of(smoke, own).with_suffix(".safetensors")
    raw = path.read_bytes()
    for damaged in (raw[:-1], raw[:-1] + bytes([raw[-1] ^ 1]), b""):
        path.write_bytes(damaged)
        with pytest.raises(RunError, match=path.name):
            load_or_train("fashion-vae", scale="smoke", say=str)
    assert any(path.name in problem for problem in verify(own))


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"seed": 0', '"seed": 1'),
        lambda text: "[]",
        lambda text: "",
    ],
    ids=["half", "altered", "other", "empty"],
)
def test_a_damaged_record_is_refused_and_named(smoke, own, damage):
    path = copy_of(smoke, own).with_suffix(".json")
    path.write_text(damage(path.read_text()))
    with pytest.raises(RunError, match=path.name):
        load_or_train("fashion-vae", scale="smoke", say=str)
    assert verify(own)


def test_a_stale_run_is_refused_with_what_changed(smoke, own, monkeypatch):
    copy_of(smoke, own)
    changed = dataclasses.replace(CATALOGUE["fashion-vae"], learning_rate=1.0)
    monkeypatch.setitem(CATALOGUE, "fashion-vae", changed)
    with pytest.raises(RunError, match=r"stale.*learning_rate.*vaetut train"):
        load_or_train("fashion-vae", scale="smoke", say=str)
    assert verify(own)
    assert [row["stale"] for row in list_runs(own)] == [True]


def test_weights_of_another_network_are_refused(smoke):
    recipe = dataclasses.replace(smoke[0], latent_dim=3)
    arrays = unpack_weights(smoke[3].with_suffix(".safetensors").read_bytes())
    with pytest.raises(RunError, match="decoder/dense/kernel"):
        import_weights(build_model(recipe), arrays)


def test_what_is_there_survives_a_write_that_fails(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old", RunError, MEND)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"file could not be written .*disk is full"):
        write_atomically(path, b"new", RunError, MEND)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"seed-0.json could not .*Mend it"):
        write_atomically(tmp_path / "file" / "seed-0.json", b"", RunError, MEND)


def test_a_cpu_gets_no_xla_on_tensorflow(monkeypatch):
    monkeypatch.setattr(backends, "accelerator", lambda: None)
    assert backends.compile_options() == {"jit_compile": False}
    monkeypatch.setattr(backends, "accelerator", lambda: "H200")
    assert backends.compile_options()["jit_compile"]


# ---- Polar recipes, and the fields that came with them

POLAR = [name for name in CATALOGUE if name.startswith("polar")]


@pytest.mark.parametrize("name", POLAR)
@pytest.mark.parametrize("scale", SCALES)
def test_a_polar_recipe_is_one_at_every_scale(name, scale):
    recipe = get_recipe(name, scale)
    assert recipe.name == name and recipe.scale == scale
    assert recipe.latent_dim == 3 and recipe.posterior_sd == 0.1 and recipe.beta > 0
    assert recipe.dataset in datasets.polar.SETS
    assert (recipe.images is not None) == (scale == "smoke")
    size = datasets.polar.SETS[recipe.dataset]["size"]
    assert size in {"full": (128, 256), "laptop": (64, 128), "smoke": (64,)}[scale]


@pytest.mark.parametrize("name", POLAR)
def test_every_polar_model_can_be_built(name):
    recipe = get_recipe(name, "smoke")
    model = build_model(recipe)
    kinds = {"vae": "VAE", "distance-vae": "DistanceVAE"}
    kinds["entanglement-vae"] = "EntanglementVAE"
    assert type(model).__name__ == kinds[recipe.model]
    assert model.encoder.output_shape == (None, 3) == model.decoder.input_shape
    assert model.decoder.output_shape == model.encoder.input_shape == (None, 64, 64, 1)
    assert model.beta == recipe.beta and model.posterior_sd == recipe.posterior_sd


def test_a_new_field_leaves_older_records_valid():
    recipe = get_recipe("fashion-vae")
    new = ("network", "normalization", "initializer", "posterior_sd", "shuffle")
    new += ("sample_weights", "optimizer_epsilon")
    before = {k: v for k, v in recipe.fields.items() if k not in new}
    assert recipe.changed_since(before) == []
    for field, value in (
        ("shuffle", False),
        ("sample_weights", "b"),
        ("network", "reference"),
    ):
        changed = dataclasses.replace(recipe, **{field: value})
        assert changed.changed_since(before) == [field]
        assert changed.digest != recipe.digest


@pytest.mark.parametrize(
    ("setting", "field", "value"),
    [
        ("shuffle=false", "shuffle", False),
        ("shuffle=FALSE", "shuffle", False),
        ("sample_weights=b-batch", "sample_weights", "b-batch"),
        ("sample_weights=b", "sample_weights", "b"),
        ("normalization=off", "normalization", "off"),
        ("initializer=normal", "initializer", "normal"),
        ("posterior_sd=0.2", "posterior_sd", 0.2),
        ("posterior_sd=none", "posterior_sd", None),
        ("network=contour", "network", "contour"),
    ],
)
def test_a_variant_of_a_polar_recipe_is_read(setting, field, value):
    recipe = get_recipe(f"polar-small+{setting}")
    assert getattr(recipe, field) == value
    assert recipe.name == f"polar-small+{setting.lower()}"
    assert get_recipe(recipe.name) == recipe
    assert recipe.changed_since(get_recipe("polar-small").fields) == [field]


def test_what_the_reference_does_can_be_undone():
    recipe = get_recipe("polar-reference+sample_weights=none+shuffle=true")
    assert recipe.shuffle is True and recipe.sample_weights is None
    assert get_recipe("polar-reference+shuffle=false").name == "polar-reference"


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ("shuffle=no", "shuffle takes true or false, not 'no'"),
        ("shuffle=none", "shuffle takes true or false"),
        ("sample_weights=c", "choose one of b, b-batch"),
        ("normalization=false", "choose one of batch, off"),
        ("posterior_sd=wide", "posterior_sd takes a finite number"),
    ],
)
def test_a_variant_with_a_senseless_value_is_refused(setting, word):
    with pytest.raises(ValueError, match=word):
        get_recipe(f"polar-small+{setting}")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        (
            "polar-small+network=unet",
            "no network 'unet': choose one of conv, reference",
        ),
        ("polar-contour+normalization=batch", "'contour' has no normalization"),
        ("polar-small+model=gan", "no model 'gan'"),
        ("polar-small+posterior_sd=-1", "posterior_sd .* is -1.0: it must be positive"),
    ],
)
def test_a_model_that_cannot_be_built_is_named(name, word):
    with pytest.raises(ValueError, match=word):
        build_model(get_recipe(name, "smoke"))


def kernels_and_biases(recipe, seed=0):
    model = build_model(recipe, seed)
    found = [
        (keras.ops.convert_to_numpy(layer.kernel), layer.bias)
        for network in (model.encoder, model.decoder)
        for layer in network.layers
        if hasattr(layer, "kernel")
    ]
    return [(k, b if b is None else keras.ops.convert_to_numpy(b)) for k, b in found]


@pytest.mark.parametrize("name", ["polar-small", "polar-reference"])
def test_the_initializer_draws_every_kernel_anew(name):
    normal = get_recipe(f"{name}+initializer=normal", "smoke")
    glorot = get_recipe(f"{name}+initializer=glorot", "smoke")
    for kernel, bias in kernels_and_biases(normal):
        assert kernel.std() == pytest.approx(0.05, rel=5 / np.sqrt(2 * kernel.size))
        assert bias is None or (bias == 0).all()
    for kernel, bias in kernels_and_biases(glorot):
        field = np.prod(kernel.shape[:-2])
        limit = np.sqrt(6 / (field * (kernel.shape[-2] + kernel.shape[-1])))
        assert 0.7 * limit < np.abs(kernel).max() <= limit * (1 + 1e-6)
        assert bias is None or (bias == 0).all()
    first, again, other = (kernels_and_biases(normal, seed) for seed in (0, 0, 1))
    for (one, _), (same, _), (differs, _) in zip(first, again, other, strict=True):
        assert (one == same).all() and (one != differs).any()


def test_without_an_initializer_a_network_begins_as_it_says():
    last = kernels_and_biases(get_recipe("polar-small", "smoke"))[-1]
    assert (last[1] == -3.5).all()  # little ink
