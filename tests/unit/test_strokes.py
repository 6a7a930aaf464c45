"""Training and measuring polar models: weights, order, measures, experiments."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from vaetut import analysis, datasets
from vaetut.atomic import RunError
from vaetut.datasets import polar
from vaetut.measures import strokes as measure_strokes
from vaetut.models import VAE
from vaetut.recipes import experiments, get_recipe
from vaetut.runs import train_run
from vaetut.runs.measuring import measures_of
from vaetut.runs.record import Record, read_record
from vaetut.training import build, build_model, data, feed, train, trainer
from vaetut.training.weights import export_weights, pack_weights

REGIONS = ("hole", "shell", "far")
WEIGHTED = "polar-small+sample_weights=b"


def quick(name, **changes):
    """Return a smoke recipe whose networks are small."""
    small = {"network": "conv", "filters": (2, 4), "batch_size": 16}
    return dataclasses.replace(get_recipe(name, "smoke"), **(small | changes))


@pytest.fixture
def fed(monkeypatch):
    """Return what a training is fed, a list of (order, weights) an epoch."""
    seen, real = [], trainer.stream

    def spy(images, order, batch_size, weights=None, targets=None):
        seen.append((order.copy(), None if weights is None else weights.copy()))
        return real(images, order, batch_size, weights, targets)

    monkeypatch.setattr(trainer, "stream", spy)
    return seen


def outcome(trained):
    return pack_weights(export_weights(trained.model)), trained.history


# ---- Weights of images


def test_weights_fall_in_b_and_are_one_on_average():
    recipe = get_recipe(WEIGHTED, "smoke")
    images, _ = data.load_data(recipe, 0)
    weights = data.sample_weights(recipe, images)
    assert weights.shape == (48,) and weights.dtype == np.float32
    assert weights.mean() == pytest.approx(1, abs=1e-6) and weights.min() >= 0
    b = images.factors[:, 1]
    assert (np.diff(weights[np.argsort(b)]) < 0).all()
    np.testing.assert_allclose(weights, (2 - b) / (2 - b).mean(), rtol=1e-5)
    for other in ("b-batch", None):
        changed = dataclasses.replace(recipe, sample_weights=other)
        found = data.sample_weights(changed, images)
        assert found is None if other is None else (found == weights).all()


def test_images_without_factors_have_no_weights():
    recipe = get_recipe("fashion-vae+sample_weights=b", "smoke")
    images, _ = data.load_data(recipe, 0)
    with pytest.raises(ValueError, match=r"'fashion-mnist'.*a polar set, or sample_w"):
        data.sample_weights(recipe, images)


def test_such_a_training_does_not_begin(tmp_path):
    recipe = get_recipe("fashion-vae+sample_weights=b-batch", "smoke")
    with pytest.raises(ValueError, match="weighs images by b"):
        train(recipe, 0, tmp_path / "checkpoint", str)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("distance", [False, True])
def test_a_weight_multiplies_each_images_terms(distance):
    name = "polar-distance" if distance else "polar-small"
    model = build_model(get_recipe(name, "smoke"))
    images = polar.draw(polar.sample(6, 0), 64)
    weights = np.array([0, 0.5, 1, 1.5, 2, 4], np.float32)
    outputs = model(ops.convert_to_tensor(images))
    terms = model.loss_terms(ops.convert_to_tensor(images / np.float32(255)), *outputs)
    terms = {name: ops.convert_to_numpy(values) for name, values in terms.items()}
    for given in (None, weights, weights[:, None]):
        model.reset_metrics()
        loss = model.compute_loss(
            x=ops.convert_to_tensor(images),
            y_pred=outputs,
            sample_weight=None if given is None else ops.convert_to_tensor(given),
        )
        factor = np.ones(6) if given is None else weights
        assert float(loss) == pytest.approx((factor * terms["loss"]).mean(), rel=1e-5)
        for mean in model.part_means:
            expected = (factor * terms[mean.name]).mean()
            assert float(mean.result()) == pytest.approx(expected, rel=1e-5)


def test_an_image_or_its_batch_is_weighed(fed):
    recipe = quick(WEIGHTED, sample_weights="b", epochs=2)
    images, _ = data.load_data(recipe, 0)
    own = data.sample_weights(recipe, images)
    histories = {}
    for weights in (None, "b", "b-batch"):
        changed = dataclasses.replace(recipe, sample_weights=weights)
        histories[weights] = train(changed, 0, say=str).history["loss"]
    orders, given = zip(*fed, strict=True)
    assert (orders[0] != orders[1]).any() and set(orders[0]) == set(orders[1])
    for epoch in (0, 1):  # the same images at the same time, whatever they weigh
        np.testing.assert_array_equal(orders[epoch], orders[epoch + 2])
        np.testing.assert_array_equal(orders[epoch], orders[epoch + 4])
        assert given[epoch] is None
        np.testing.assert_array_equal(given[epoch + 2], own[orders[epoch]])
        batches = given[epoch + 4].reshape(3, 16)
        expected = own[orders[epoch]].reshape(3, 16).mean(axis=1, keepdims=True)
        np.testing.assert_allclose(batches, expected + np.zeros(16), rtol=1e-6)
        assert np.ptp(expected) > 0
    losses = list(histories.values())
    assert losses[0] != losses[1] != losses[2] != losses[0]


def test_a_last_batch_of_fewer_images_has_its_own_mean(fed):
    train(quick(WEIGHTED, sample_weights="b-batch", batch_size=20), 0, say=str)
    ((_, weights),) = fed
    parts = weights[:20], weights[20:40], weights[40:]
    assert [np.ptp(part) for part in parts] == [0, 0, 0]
    assert len({part[0] for part in parts}) == 3


def test_weights_travel_with_images_that_are_gathered_batch_by_batch(monkeypatch):
    recipe = quick(WEIGHTED)
    copied = outcome(train(recipe, 0, say=str))
    monkeypatch.setattr(feed, "COPY_LIMIT", 0)
    assert outcome(train(recipe, 0, say=str)) == copied


def test_batches_come_with_their_weights_only_where_there_are_some(monkeypatch):
    monkeypatch.setattr(feed, "COPY_LIMIT", 0)
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    order = np.random.default_rng(0).permutation(10)
    batches = feed.stream(images, order, 4, order / np.float32(10))
    assert len(batches) == 3
    for k in range(3):
        part, _, weights = batches[k]
        np.testing.assert_array_equal(part.ravel(), order[4 * k : 4 * k + 4])
        np.testing.assert_allclose(weights, part.ravel() / 10, rtol=1e-6)
    assert len(feed.stream(images, order, 4)[0]) == 1


# ---- The order of images, and going on


def test_without_shuffling_every_epoch_has_the_same_order(fed):
    train(quick("polar-small", shuffle=False, epochs=2), 0, say=str)
    assert [order.tolist() for order, _ in fed] == [list(range(48))] * 2


class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            self.model.stop_training = True


@pytest.mark.parametrize(
    "recipe",
    [
        get_recipe(f"{WEIGHTED}+normalization=batch", "smoke"),
        # Batches that weigh their mean, the last one of fewer images, in one order.
        quick("polar-reference", images=40),
    ],
    ids=lambda recipe: recipe.name,
)
def test_a_weighted_training_goes_on_to_the_same_bits(recipe, tmp_path):
    recipe, lines = dataclasses.replace(recipe, epochs=2), []
    path = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt, match="goes on from there"):
        train(recipe, 0, path, str, callbacks=[Stop()])
    stopped = outcome(train(recipe, 0, path, lines.append))
    assert lines[0].endswith("going on after epoch 0 and 2 steps")
    assert stopped == outcome(train(recipe, 0, say=str))


# ---- Points to measure at


@pytest.mark.parametrize("hole", polar.HOLES)
def test_points_of_a_region_lie_in_it(hole):
    points = measure_strokes.evaluation_points(hole)
    assert tuple(points) == REGIONS
    distance = {k: polar.hole_named(hole).distance(p) for k, p in points.items()}
    assert (distance["hole"] <= 0).all() and (distance["far"] > 0.1).all()
    assert ((distance["shell"] > 0) & (distance["shell"] <= 0.1)).all()
    for region, values in points.items():
        assert len(values) == measure_strokes.IN_REGION, region
        assert (values >= [0.5, 0]).all() and (values <= [2, 2]).all()
    again = measure_strokes.evaluation_points(hole)
    assert all((again[k] == points[k]).all() for k in REGIONS)
    fewer = measure_strokes.evaluation_points(hole, 5)
    assert all((fewer[k] == points[k][:5]).all() for k in REGIONS)


def test_nobody_trained_on_the_points_that_are_measured():
    seeds = {options["seed"] for options in polar.SETS.values()}
    assert measure_strokes.DRAW_SEED not in seeds
    trained = np.concatenate([polar.sample(5000, seed) for seed in seeds])
    for points in measure_strokes.evaluation_points("disc").values():
        assert analysis.nearest_distance(points, trained).min() > 0


def test_an_unknown_hole_is_refused():
    with pytest.raises(ValueError, match="no hole 'moon': choose one of disc"):
        measure_strokes.evaluation_points("moon")


@pytest.mark.parametrize(
    ("size", "threshold"), [(64, 0.25), (128, 0.5), (256, 0.5), (32, 0.125)]
)
def test_half_of_what_a_stroke_covers_is_ink(size, threshold):
    assert measure_strokes.ink_threshold(size) == threshold
    if size >= 64:
        image = polar.draw([[1.5, 0.2]], size) / 255
        lit = (image > threshold).sum() / size  # about as long as the line, at 1/8
        assert 0.5 < lit / (2 * np.pi * 1.5 / 8 * max(1, size / 128)) < 2


# ---- Measures of a trained model


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """A trained smoke run: its recipe, record, model, stem and data."""
    recipe = get_recipe("polar-small", "smoke")
    stem = tmp_path_factory.mktemp("strokes") / "seed-0"
    run = train_run(recipe, 0, stem, str)
    record, model = run.record, run.model
    return recipe, record, model, stem, data.load_data(recipe, 0)


def test_every_region_has_every_metric(smoke):
    metrics = smoke[1].metrics
    errors = ("excess_bce", "iou", "dice", "chamfer", "mse", "factor_error")
    attribution = [f"{way}_{k}" for way in "ABC" for k in ("excess_bce", "iou")]
    promised = [*errors, *attribution, "redrawn_iou", "read_error"]
    promised += ["noisy_excess_bce", "noisy_iou"]
    promised += ["plain_excess_bce", "plain_iou"]
    for region in REGIONS:
        assert {f"{region}_{k}" for k in promised} <= metrics.keys()
        assert (
            0 <= metrics[f"{region}_iou"] <= 1 and metrics[f"{region}_excess_bce"] > 0
        )
    whole = "reconstruction_sampled kl total bce bce_floor logged_loss third_share"
    whole += " local_flatness dimension r2 hole_to_shell hole_iou_lost"
    whole += " P1_largest_step P2_largest_step P3_largest_step"
    assert set(whole.split()) <= metrics.keys()
    assert all(type(v) is float and np.isfinite(v) for v in metrics.values())


def test_the_metrics_agree_with_each_other(smoke):
    recipe, metrics = smoke[0], smoke[1].metrics
    assert metrics["total"] == pytest.approx(
        metrics["reconstruction_sampled"] + recipe.beta * metrics["kl"]
    )
    assert metrics["hole_to_shell"] == pytest.approx(
        metrics["hole_excess_bce"] / metrics["shell_excess_bce"]
    )
    assert metrics["hole_iou_lost"] == metrics["shell_iou"] - metrics["hole_iou"]
    assert 0 < metrics["bce_floor"] < metrics["bce"]
    for region in REGIONS:  # what crosses and what does not make up the whole
        parts = [
            metrics.get(f"{region}_{k}_excess_bce")
            or metrics[f"{region}_plain_excess_bce"]
            for k in ("crossed", "plain")
        ]
        whole = metrics[f"{region}_excess_bce"]
        assert min(parts) - 1e-9 <= whole <= max(parts) + 1e-9


def test_the_best_code_is_never_worse_than_the_encoders_or_the_splines(smoke):
    metrics = smoke[1].metrics
    for region in REGIONS:
        best = metrics[f"{region}_C_excess_bce"]
        for way in "AB":
            assert 0 < best <= metrics[f"{region}_{way}_excess_bce"] + 1e-9


def test_the_encoders_code_gives_the_error_of_the_region(smoke):
    """A is the error of the first images of a region, as they are decoded."""
    record, model = smoke[1:3]
    points = measure_strokes.evaluation_points("disc", 12)["shell"]
    images = polar.draw(points, 64)
    excess = analysis.excess_bce(images, model.decode_logits(model.encode(images)[0]))
    metrics, first = record.metrics, excess[:4]
    assert metrics["shell_excess_bce"] == pytest.approx(excess.mean(), rel=1e-5)
    assert metrics["shell_A_excess_bce"] == pytest.approx(first.mean(), 1e-5)
    np.testing.assert_allclose(record.profiles["shell_excess_bce"], excess, rtol=1e-3)


def test_the_logged_loss_is_the_sources(smoke):
    """Mean BCE + 1e-3 · mean(μ²+σ²−log σ²−1) + 1e-4 · mean |μᵢμⱼ|."""
    _, record, model, _, (_, test) = smoke
    mean, log_var = model.encode(test.images)
    spread = mean**2 + np.exp(log_var) - log_var - 1
    pairs = [
        np.abs(mean[:, i] * mean[:, j]).mean() for i, j in ((0, 1), (0, 2), (1, 2))
    ]
    bce = record.metrics["reconstruction_sampled"] / 64**2
    expected = bce + 1e-3 * spread.mean() + 1e-4 * np.mean(pairs)
    assert record.metrics["logged_loss"] == pytest.approx(expected, rel=1e-5)


def test_profiles_are_one_value_an_image(smoke):
    profiles = smoke[1].profiles
    errors = ("excess_bce", "iou", "factor_error")
    lengths = {f"{r}_{k}": 12 for r in REGIONS for k in ("excess_bce", "iou")}
    for transect in polar.TRANSECTS:
        lengths |= {f"{transect}_{k}": 15 for k in errors}
    assert {k: len(v) for k, v in profiles.items()} == lengths
    for values in profiles.values():
        assert all(type(v) is float and v == float(f"{v:.4g}") for v in values)


def test_a_quick_measure_gives_the_same_numbers_and_fewer(smoke):
    recipe, record, model, _, (images, test) = smoke
    metrics, profiles = measure_strokes.measure_strokes(model, images, test, quick=True)
    left_out = record.metrics.keys() - metrics.keys()
    assert {name.split("_")[1] for name in left_out} == {*"ABC", "redrawn", "read"}
    assert profiles == record.profiles and metrics.items() <= record.metrics.items()
    assert get_recipe(WEIGHTED, "smoke").is_variant and not recipe.is_variant


def test_a_record_keeps_its_profiles(smoke):
    record, stem = smoke[1], smoke[3]
    path = stem.with_suffix(".json")
    assert read_record(path).profiles == record.profiles
    altered = path.with_name("altered.json")
    altered.write_text(path.read_text().replace('"P1_iou": [', '"P1_iou": [\n 1.0,', 1))
    with pytest.raises(RunError, match="altered"):
        read_record(altered)
    old = {f.name: getattr(record, f.name) for f in dataclasses.fields(Record)}
    del old["profiles"]
    assert Record(**old).profiles == {}


def test_the_logged_loss_is_also_a_function(smoke):
    _, record, model, _, (_, test) = smoke
    found = measure_strokes.logged_loss(model, test.images)
    assert found == pytest.approx(record.metrics["logged_loss"], rel=1e-6)


def test_stars_that_are_not_of_the_course_are_refused(smoke):
    model, (images, test) = smoke[2], smoke[4]
    unknown = dataclasses.replace(test, name="stars")
    with pytest.raises(ValueError, match=r"'stars' is no polar set: .*polar-64"):
        measure_strokes.measure_strokes(model, images, unknown)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("polar-vae", "measure_strokes"),
        ("fashion-ae", "measure_labelled"),
        ("fashion-vae+dataset=polar-64", "measure_strokes"),
        ("faces-vae", "measure_faces"),
        ("faces-vae+dataset=lfw-48", "measure_faces"),
        ("faces-classifier", "measure_classifier"),
    ],
)
def test_how_a_recipe_is_measured_is_known_from_its_fields(name, function):
    assert measures_of(get_recipe(name, "smoke")).function.__name__ == function


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("fashion-ae+dataset=polar-64", "'autoencoder' on 'polar-64'"),
        ("faces-classifier+dataset=fashion-mnist", "'classifier' on 'fashion-mnist'"),
        ("faces-classifier+dataset=lfw-48", "'classifier' on 'lfw-48'"),
    ],
)
def test_what_has_no_measures_is_refused(name, what):
    with pytest.raises(ValueError, match=f"{what}.*vaetut.training.train, which mea"):
        measures_of(get_recipe(name, "smoke"))
    with pytest.raises(ValueError, match="no data set 'stars': choose one of"):
        measures_of(get_recipe("fashion-ae+dataset=stars", "smoke"))


# ---- The experiments of chapter 08

NAMES = {
    f"{experiment}: {label}": name
    for experiment, labelled in experiments.EXPERIMENTS.items()
    for label, name in labelled.items()
}


def changed(name, base, scale="laptop"):
    """Return the fields in which a recipe differs from its base."""
    return set(get_recipe(name, scale).changed_since(get_recipe(base, scale).fields))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_the_name_of_what_is_compared_is_the_recipes(name):
    assert get_recipe(name, "laptop").name == name


def test_no_two_rows_of_an_experiment_are_the_same_training():
    for labelled in experiments.EXPERIMENTS.values():
        digests = [get_recipe(name, "laptop").digest for name in labelled.values()]
        assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("label", experiments.DIFFERENCES)
def test_a_row_of_the_autopsy_differs_in_the_fields_of_its_label(label):
    sides = (
        (experiments.OURS, experiments.OURS_CHANGED),
        (experiments.THEIRS, experiments.THEIRS_CHANGED),
    )
    for settings, (base, names) in zip(
        experiments.DIFFERENCES[label], sides, strict=True
    ):
        assert (label in names) == (settings is not None)
        if settings:
            assert changed(names[label], base) == set(settings)


def test_all_differences_together_make_ours_the_references():
    kept = [
        ours or {}
        for label, (ours, _) in experiments.DIFFERENCES.items()
        if label != "weights done right"
    ]
    settings = {field: value for change in kept for field, value in change.items()}
    ours, theirs = experiments.OURS, experiments.THEIRS
    # Both networks have their own way where the recipe says nothing.
    silent = {"normalization", "initializer"}
    assert changed(experiments.named(ours, settings), theirs) == silent
    twice = get_recipe(experiments.THEIRS_CHANGED["twice as long"], "laptop").epochs
    assert twice == 2 * get_recipe(theirs, "laptop").epochs


@pytest.mark.parametrize("label", experiments.DIFFERENCES)
def test_every_row_of_the_autopsy_can_be_built(label):
    for names in (experiments.OURS_CHANGED, experiments.THEIRS_CHANGED):
        if label not in names:
            continue
        recipe = get_recipe(names[label], "laptop")
        networks = build._build_networks(recipe, (64, 64, 1), {"heads": ("mean",)})
        kinds = [type(layer).__name__ for layer in networks[1].layers]
        normalized = recipe.normalization or (
            "batch" if recipe.network == "reference" else "off"
        )
        assert ("BatchNormalization" in kinds) == (normalized == "batch")


def test_the_ladder_changes_the_decoder_or_the_loss_alone():
    for label, name in experiments.LADDER.items():
        fields = changed(name, experiments.OURS)
        expected = {"distance field": {"model"}, "transposed convolution": set()}
        assert fields == expected.get(label, {"network"}), label
    assert len(experiments.LADDER) == 7


def test_tasks_change_the_hole_or_the_number_of_images():
    whole = len(datasets.load("polar-64-punctured", "train"))
    assert whole == experiments.ALL_IMAGES
    for label, name in experiments.TASKS.items():
        base = name.split("+")[0]
        task = label.partition(": ")[2]
        recipe, fields = get_recipe(name, "laptop"), changed(name, base)
        images = recipe.images
        if task.endswith("images"):
            assert fields == {"images", "epochs"} and task == f"{images} images"
        else:
            options = polar.SETS[recipe.dataset]
            hole = experiments.HOLES[task]
            assert options["hole"] == hole and options["size"] == 64 and base in label
            assert fields - {"epochs"} == ({"dataset"} if hole != "disc" else set())
            kept = polar.outside(polar.sample(5000, options["seed"]), hole).sum()
            images = kept * whole / (whole + 213)
        steps = images * recipe.epochs  # about as many, to half an epoch
        assert abs(steps - whole * experiments.EPOCHS) <= images * 0.51, label
    assert get_recipe(experiments.OURS, "laptop").epochs == experiments.EPOCHS


def test_the_controls_change_one_field():
    for name in experiments.CONTROLS.values():
        assert len(changed(name, name.split("+")[0])) == 1
    nothing, learned = (
        experiments.CONTROLS[label] for label in ("nothing removed", "learned variance")
    )
    assert changed(nothing, experiments.OURS) == {"dataset"}
    assert polar.SETS[get_recipe(nothing, "laptop").dataset]["hole"] is None
    assert changed(learned, experiments.OURS) == {"posterior_sd"}
    model = build_model(get_recipe(learned, "laptop"))
    assert type(model) is VAE and len(model.encoder.outputs) == 2


def test_holes_are_what_their_labels_say():
    for label, hole in experiments.HOLES.items():
        if label.startswith("disc"):
            assert polar.HOLES[hole].radius == float(label.split()[1])
        else:
            assert hole == label.split()[0] and hole in polar.HOLES


def test_an_unknown_hole_of_a_task_is_refused():
    with pytest.raises(KeyError, match="moon"):
        experiments.task(experiments.OURS, "moon")
    with pytest.raises(ValueError, match="no field 'moon'"):
        get_recipe(experiments.named(experiments.OURS, {"moon": 1}))
