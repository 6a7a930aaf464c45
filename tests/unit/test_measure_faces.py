"""What is measured of models of faces: known answers on planted codes, and runs."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest
from keras import ops
from scipy.special import logit

from vaetut import analysis, datasets
from vaetut.datasets import Dataset
from vaetut.measures import faces as measure_faces
from vaetut.models import (
    VAE,
    AttributeClassifier,
    Autoencoder,
    classifier,
    conv_decoder,
    conv_encoder,
)
from vaetut.recipes import get_recipe
from vaetut.runs import own_runs, pipeline, train_run
from vaetut.runs.measuring import measures_of
from vaetut.runs.record import read_record
from vaetut.runs.store import stem
from vaetut.training.checkpoint import BusyError

SHAPE, PIXELS = (4, 4, 3), 48
NAMES = ("Smiling", "Male", "Eyeglasses", "No_Beard", "Bald")
EVERY = {
    *("reconstruction", "bce", "floor", "excess"),
    *("radius_median", "radius_mode", "radius_low", "radius_high", "rms_coordinate"),
    *("coordinate_excess_kurtosis", "coordinate_skewness", "inertia_ratio"),
    *("probe_accuracy", "probe_smiling", "probe_male"),
    *("probe_eyeglasses", "probe_no_beard"),
    *("frechet_reconstruction", "frechet_prior", "frechet_fitted"),
    *("precision_prior", "recall_prior", "precision_fitted", "recall_fitted"),
    *("sharpness_reconstruction", "sharpness_prior", "sharpness_fitted"),
}
VAES = {
    *("reconstruction_sampled", "total", "kl", "kl_share", "active_units"),
    *("log_var_min", "log_var_mean", "log_var_max"),
    *("mean_shift_max", "mean_shift_share", "radius_deviation"),
    *("radius_of_mean", "radius_of_z"),
}
BOXES = {f"frechet_box_{r:g}" for r in (0.5, 1, 1.5, 2, 2.5, 3, 3.5, 5, 8)}


class Judge:
    """Sees six pixels and no more."""

    def features(self, images):
        images = np.asarray(images)
        scale = 255 if images.dtype == np.uint8 else 1
        return (images / scale).reshape(len(images), -1)[:, :6].astype("float32")


def planted(n, seed, shape=SHAPE):
    """Return images of independent pixels; the first three are what attributes tell."""
    rng = np.random.default_rng(seed)
    images = rng.integers(1, 255, (n, *shape), dtype=np.uint8)
    flat = images.reshape(n, -1)
    attributes = np.zeros((n, 5), bool)
    attributes[:, :3] = flat[:, :3] > 170
    attributes[:, 3] = rng.uniform(size=n) < 0.5  # of nothing that is seen
    return Dataset(
        "planted", "test", images, "", attributes=attributes, attribute_names=NAMES
    )


class Exact:
    """Codes that are the images' logits, and a decoder that takes them back."""

    def _codes(self, images):
        return logit(images.reshape(len(images), -1) / 255).astype("float32")

    def decode_logits(self, codes):
        return np.asarray(codes, "float32").reshape(-1, *SHAPE)


class ExactAutoencoder(Exact, Autoencoder):
    def encode(self, images):
        return self._codes(images)


class ExactVAE(Exact, VAE):
    width = 1e-3

    def encode(self, images):
        mean = self._codes(images)
        return mean, np.full_like(mean, 2 * math.log(self.width))


def networks(heads):
    size = {"latent_dim": PIXELS, "filters": (2,)}
    return conv_encoder(SHAPE, heads=heads, **size), conv_decoder(SHAPE, **size)


def exact(kind, **options):
    heads = ("code",) if kind is ExactAutoencoder else ("mean", "log_var")
    return kind(*networks(heads), **options)


TRAIN, TEST = planted(1500, 0), planted(600, 1)
FEW = TRAIN.take(slice(400)), TEST.take(slice(200))


@pytest.fixture(scope="module")
def found():
    """What is measured of both exact models."""
    models = exact(ExactAutoencoder), exact(ExactVAE, beta=2.0)
    return [measure_faces.measure_faces(m, TRAIN, TEST, Judge()) for m in models]


def test_every_metric_of_the_chapters_is_there(found):
    (plain, _), (variational, _) = found
    assert set(plain) == EVERY | BOXES
    assert set(variational) == EVERY | VAES | BOXES
    assert all(np.isfinite(value) for value in variational.values())


def test_an_exact_decoder_has_no_excess_and_draws_the_images(found):
    for metrics, _ in found:
        assert metrics["excess"] == pytest.approx(0, abs=1e-3)
        assert metrics["reconstruction"] == pytest.approx(metrics["floor"], rel=1e-5)
        assert metrics["bce"] == pytest.approx(metrics["reconstruction"] / PIXELS)
        floor = analysis.bernoulli_entropy(TEST.images / 255).mean()
        assert metrics["floor"] == pytest.approx(floor, rel=1e-5)
        assert metrics["frechet_reconstruction"] == pytest.approx(0, abs=1e-6)
        assert metrics["sharpness_reconstruction"] == pytest.approx(1, rel=1e-4)


def test_attributes_that_codes_show_are_probed_and_others_are_chance(found):
    for metrics, _ in found:
        for name in ("smiling", "male", "eyeglasses"):
            assert metrics[f"probe_{name}"] > 0.85
        assert metrics["probe_no_beard"] == pytest.approx(0.5, abs=0.1)
        told = [metrics[f"probe_{name.lower()}"] for name in NAMES[:4]]
        assert metrics["probe_accuracy"] == pytest.approx(np.mean(told))  # none is bald


def test_where_codes_lie_is_what_numpy_says(found):
    (plain, profiles), _ = found
    codes = logit(TRAIN.images.reshape(1500, -1) / 255)
    radius = np.linalg.norm(codes, axis=1)
    assert plain["radius_median"] == pytest.approx(np.median(radius), rel=1e-5)
    assert abs(plain["radius_mode"] - np.median(radius)) < 1.5
    assert plain["radius_mode"] % 0.5 == 0.25
    low, high = np.quantile(radius, [0.025, 0.975])
    assert plain["radius_low"] == pytest.approx(low, rel=1e-5)
    assert plain["radius_high"] == pytest.approx(high, rel=1e-5)
    assert plain["rms_coordinate"] == pytest.approx(np.sqrt((codes**2).mean()))
    # A logistic distribution, cut where a pixel is black or white.
    assert 0.35 < plain["coordinate_excess_kurtosis"] < 0.55
    assert plain["coordinate_skewness"] < 0.15
    test_radius = np.linalg.norm(logit(TEST.images.reshape(600, -1) / 255), axis=1)
    np.testing.assert_allclose(profiles["radius"], test_radius, rtol=1e-3)


def test_the_posteriors_are_those_that_were_planted(found):
    _, (metrics, _) = found
    log_var = 2 * math.log(1e-3)
    for name in ("log_var_min", "log_var_mean", "log_var_max"):
        assert metrics[name] == pytest.approx(log_var, rel=1e-5)
    mean = logit(TEST.images.reshape(600, -1) / 255)
    kl = 0.5 * (mean**2 + 1e-6 - 1 - log_var).sum(axis=1).mean()
    assert metrics["kl"] == pytest.approx(kl, rel=1e-5)
    total = metrics["reconstruction_sampled"] + 2 * kl
    assert metrics["total"] == pytest.approx(total, rel=1e-5)
    assert metrics["kl_share"] == pytest.approx(2 * kl / total, rel=1e-5)
    assert metrics["active_units"] == PIXELS
    assert 3e-3 < metrics["mean_shift_max"] < 7e-3  # of 72,000 draws
    assert metrics["mean_shift_share"] == 0 and metrics["radius_deviation"] < 1e-3
    both = metrics["radius_of_mean"], metrics["radius_of_z"]
    assert both[0] == pytest.approx(both[1], rel=1e-4)


def test_a_wide_posterior_with_a_limit_on_epsilon_is_measured_with_that_limit():
    class Wide(ExactVAE):
        width = 0.1

    found = {}
    for limit in (None, 0.5):
        model = exact(Wide, max_epsilon=limit)
        found[limit], _ = measure_faces.measure_faces(model, *FEW, Judge(), quick=True)
    assert found[None]["mean_shift_max"] > 0.3
    assert found[0.5]["mean_shift_max"] == pytest.approx(0.05, rel=1e-3)
    share = found[None]["mean_shift_share"]
    assert share == pytest.approx(0.617, abs=0.015)  # P(|ε| > 0.5)


def test_what_is_drawn_comes_nearer_to_the_images_by_fitting_and_by_the_right_box(
    found,
):
    for metrics, _ in found:
        # N(0, I) makes greyer pixels than the images', a box of 8 black and white ones.
        assert metrics["frechet_fitted"] < 0.2 * metrics["frechet_prior"]
        assert metrics["sharpness_prior"] < metrics["sharpness_fitted"]
        assert metrics["sharpness_fitted"] == pytest.approx(1, abs=0.15)
        boxes = {r: metrics[f"frechet_box_{r:g}"] for r in measure_faces.RADII}
        assert min(boxes, key=boxes.get) in (2.5, 3, 3.5)
        assert boxes[0.5] > 5 * boxes[3] and boxes[8] > 5 * boxes[3]
        assert metrics["recall_fitted"] > metrics["recall_prior"]


def test_every_model_sees_the_same_draws(found):
    """Both decode codes in the same way, so that what comes of N(0, I) is the same."""
    (plain, _), (variational, _) = found
    for name in ("frechet_prior", "precision_prior", *BOXES):
        assert plain[name] == variational[name]


def test_a_quick_measure_leaves_out_the_boxes_and_needs_no_attributes():
    nameless = [
        dataclasses.replace(data, attributes=None, attribute_names=()) for data in FEW
    ]
    model = exact(ExactAutoencoder)
    metrics, _ = measure_faces.measure_faces(model, *nameless, Judge(), quick=True)
    assert set(metrics) == {name for name in EVERY if not name.startswith("probe")}


def test_no_more_than_the_first_images_are_measured(monkeypatch):
    model = exact(ExactAutoencoder)
    few = measure_faces.measure_faces(model, *FEW, Judge(), quick=True)
    monkeypatch.setattr(measure_faces, "TRAINING", 400)
    monkeypatch.setattr(measure_faces, "TEST", 200)
    first = measure_faces.measure_faces(model, TRAIN, TEST, Judge(), quick=True)
    assert first == few
    assert set(few[0]) == EVERY and len(few[1]["radius"]) == 200


def test_a_collapsed_model_is_measured_without_what_does_not_exist():
    class Collapsed(ExactVAE):
        def encode(self, images):
            mean = np.full((len(images), PIXELS), 0.01, "float32")
            return mean, np.zeros_like(mean)

    metrics, _ = measure_faces.measure_faces(
        exact(Collapsed), *FEW, Judge(), quick=True
    )
    assert metrics["active_units"] == 0 and metrics["kl"] < 0.01
    assert all(np.isfinite(value) for value in metrics.values())


# ---- The classifier


class Knowing(AttributeClassifier):
    """Says an attribute by a threshold on its pixel, and Bald of nobody."""

    def classify(self, images):
        flat = images.reshape(len(images), -1).astype(float)
        said = np.where(flat[:, :5] > 170, 3.0, -3.0)
        said[:, 3:] = -3.0
        return said


def test_a_classifier_is_measured_attribute_by_attribute():
    model = Knowing(
        classifier.classifier_encoder(SHAPE, 8, (2,)),
        classifier.classifier_decoder(SHAPE, 8, (2,), attributes=5),
    )
    metrics, profiles = measure_faces.measure_classifier(model, TEST)
    assert profiles == {}
    assert "balanced_accuracy_bald" not in metrics  # which no image is
    for name in ("smiling", "male", "eyeglasses"):
        assert metrics[f"balanced_accuracy_{name}"] == 1.0
    assert metrics["balanced_accuracy_no_beard"] == 0.5
    assert metrics["balanced_accuracy"] == pytest.approx(3.5 / 4)
    wrong = TEST.attributes[:, 3].mean()
    assert metrics["accuracy"] == pytest.approx(1 - wrong / 5)
    right = np.log1p(np.exp(-3))
    expected = 5 * right + 3 * wrong
    assert metrics["cross_entropy"] == pytest.approx(expected)


# ---- Runs


@pytest.fixture
def noisy(tmp_path, monkeypatch):
    """Sets of faces are noise, runs go to a folder of their own."""

    def load(name, split="train"):
        n, seed = (120, 0) if split == "train" else (60, 1)
        size = next(int(part) for part in name.split("-") if part.isdigit())
        made = planted(n, seed, (size, size, 3))
        names = (*NAMES, *(f"a{k}" for k in range(35)))
        known = np.random.default_rng(seed).uniform(size=(n, 40)) < 0.4
        return Dataset(
            name, split, made.images, "", attributes=known, attribute_names=names
        )

    monkeypatch.setattr(datasets, "load", load)
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("VAETUT_RETRAIN", raising=False)
    monkeypatch.delenv("VAETUT_SCALE", raising=False)
    return load


def test_who_needs_a_classifier_waits_for_who_is_training_it(monkeypatch):
    lines, found = [], SimpleNamespace(model="a classifier")
    answers = [BusyError("it is being trained"), BusyError("still"), found]

    def load_or_train(name, scale, say):
        answer = answers.pop(0)
        if answer is not found:
            raise answer
        return answer

    monkeypatch.setattr(pipeline, "load_or_train", load_or_train)
    monkeypatch.setattr(pipeline, "_CLASSIFIERS", {})
    monkeypatch.setattr(pipeline, "WAIT", 0)
    for _ in range(2):
        assert pipeline._classifier(("x", "smoke"), lines.append) == "a classifier"
    assert lines == ["waiting for x, which another process is training"]


def test_smoke_runs_are_measured_whole_with_one_classifier(noisy):
    """The classifier is trained before the first step of who needs it, and kept."""
    kinds = {"faces-ae": EVERY | BOXES, "faces-vae": EVERY | VAES | BOXES}
    lines = []
    say = lines.append
    for name, promised in kinds.items():
        recipe = get_recipe(name, "smoke")
        path = stem(own_runs(), recipe, 0)
        made = train_run(recipe, 0, path, say).record
        # 32 test images may lack an attribute.
        missing = promised - set(made.metrics)
        assert missing <= {f"probe_{n.lower()}" for n in NAMES}
        assert len(made.profiles["radius"]) == 32
        assert all(np.isfinite(value) for value in made.metrics.values())
        assert read_record(path.with_suffix(".json")).metrics == made.metrics
    trained = [line.split(" seed")[0] for line in lines]
    assert trained == ["faces-classifier", "faces-ae", "faces-vae"]
    judge = read_record(
        stem(own_runs(), get_recipe("faces-classifier", "smoke"), 0).with_suffix(
            ".json"
        )
    )
    assert {"accuracy", "balanced_accuracy"} <= set(judge.metrics)

    named = measures_of(recipe).classifier
    first = pipeline._classifier(named, say)
    assert pipeline._classifier(named, say) is first and len(lines) == 3
    pipeline._CLASSIFIERS.clear()
    loaded = pipeline._classifier(named, say)
    assert loaded is not first and "your run, smoke scale" in lines[3]
    for one, other in zip(first.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(
            *(ops.convert_to_numpy(weight) for weight in (one, other))
        )


@pytest.mark.parametrize(
    ("dataset", "recipe", "scale"),
    [
        ("faces-96", "faces-classifier", "full"),
        ("faces-48", "faces-classifier", "laptop"),
        ("faces-48-few", "faces-classifier", "smoke"),
        ("faces-64", "faces-classifier+dataset=faces-64", "laptop"),
        ("celeba-48", "faces-classifier+dataset=celeba-48", "laptop"),
        # Whether they smile is not known: drawings have taught it.
        ("lfw-48", "faces-classifier", "laptop"),
        ("lfw-64", "faces-classifier+dataset=faces-64", "laptop"),
    ],
)
def test_images_are_judged_by_a_classifier_of_their_own(dataset, recipe, scale):
    asked = dataclasses.replace(get_recipe("faces-vae"), dataset=dataset)
    assert measures_of(asked).classifier == (recipe, scale)
    assert get_recipe(recipe, scale).dataset in (
        dataset,
        dataset.replace("lfw", "faces"),
    )
