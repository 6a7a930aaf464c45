"""The live trainer without a browser: Keras's gradients, verdicts, rows and refusals.

`tests/js/keras_gradients.json`, which Node's tests compare the trainer with, is written
by this file as a script.
"""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from widget_table import make_live

from benchmarks.common import RESULTS
from benchmarks.live_trainer import SETTINGS, in_keras
from vaetut.datasets import polar
from vaetut.widgets import live_trainer

GRADIENTS = Path(__file__).parents[1] / "js" / "keras_gradients.json"
SMALL = {"width": 6, "hidden": 4, "batch": 4, "noise": 0.5, "seed": 0}
CASES = {
    "constant σ, γ": {"units": 2, "sd": 0.1, "beta": 0.7, "gamma": 2.0},
    "three units, learned σ, γ below 0": {
        "units": 3,
        "sd": None,
        "beta": 2.0,
        "gamma": -0.5,
    },
}


def kernels(model):
    """Return a model's weights in the trainer's order, layer by layer."""
    return [*model.encoder.trainable_weights, *model.decoder.trainable_weights]


def flat(model, values):
    """Return values of a model's weights as one row, the heads side by side."""
    values = [np.asarray(value) for value in values]
    heads = (len(values) - 6) // 2  # besides three layers of kernel and bias
    kernel = np.concatenate(values[2 : 2 + 2 * heads : 2], axis=1)
    bias = np.concatenate(values[3 : 3 + 2 * heads : 2])
    rest = values[2 + 2 * heads :]
    return np.concatenate([v.ravel() for v in [*values[:2], kernel, bias, *rest]])


def case(own):
    """Return inputs of a batch, and terms and gradient that Keras finds for them."""
    import tensorflow as tf

    recipe = SMALL | own
    model, rng = in_keras(recipe), np.random.default_rng(0)
    for weight in kernels(model):
        weight.assign(rng.normal(0, 0.5, weight.shape).round(3))
    rows = rng.normal(size=(4, recipe["width"])).round(3)
    epsilon = rng.normal(size=(4, recipe["units"])).round(3)
    with tf.GradientTape() as tape:
        outputs = model(keras.ops.cast(rows, "float32"), epsilon.astype("float32"))
        terms = model.loss_terms(keras.ops.cast(rows, "float32"), *outputs)
        loss = keras.ops.mean(terms["loss"])
    names = {"reconstruction": "reconstruction", "kl": "kl", "total": "loss"}
    means = {k: float(keras.ops.mean(terms[v])) for k, v in names.items()}
    gradient = flat(model, tape.gradient(loss, kernels(model)))
    return {
        "recipe": recipe,
        "weights": flat(model, kernels(model)).tolist(),
        "images": rows.ravel().tolist(),
        "epsilon": epsilon.ravel().tolist(),
        "terms": means,
        "gradient": gradient.tolist(),
    }


@pytest.mark.parametrize("name", CASES)
def test_the_gradients_that_node_compares_with_are_keras(name):
    stored, found = (
        json.loads(GRADIENTS.read_text("utf8"))["cases"][name],
        case(CASES[name]),
    )
    assert stored["recipe"] == found["recipe"]
    for key in ("weights", "images", "epsilon"):
        assert np.allclose(stored[key], found[key], rtol=0, atol=1e-7)
    assert stored["terms"] == pytest.approx(found["terms"], rel=1e-5)
    scale = np.abs(found["gradient"]).max()
    assert np.allclose(stored["gradient"], found["gradient"], rtol=0, atol=1e-5 * scale)


def test_rows_are_radii_of_mean_0_and_variance_1():
    rows = live_trainer.rows(live_trainer.factors())
    assert rows.shape == (live_trainer.STARS, live_trainer.ANGLES)
    assert abs(rows.mean()) < 0.01 and abs(rows.std() - 1) < 0.01
    assert rows[:, 0] * 0.92 + 1.25 == pytest.approx(live_trainer.factors().sum(1))


def test_no_star_of_the_hole_is_trained_on():
    inside = polar.in_hole(live_trainer.factors(hole=True))
    assert not inside.any() and polar.in_hole(live_trainer.factors()).any()


def test_verdicts_on_codes_that_are_known():
    points = live_trainer.factors()
    centred = points - points.mean(0)
    still = np.full_like(points, -3.0)
    along = live_trainer.verdict(centred, still, points)
    assert along["active"] == 2 and along["sap"] > 0.95 > 0.2 > along["diagonals"]
    turned = live_trainer.verdict(centred @ [[1, 1], [0.75, -0.75]], still, points)
    assert turned["diagonals"] > 0.95 > 0.2 > turned["sap"]
    assert live_trainer.verdict(1e-3 * centred, still, points)["active"] == 0
    assert live_trainer.verdict(100 * centred, still, points)["reach"] > 30
    assert live_trainer.verdict(np.nan * centred, still, points)["active"] == 0


def test_a_recipe_has_what_the_sliders_say():
    for own in SETTINGS.values():
        recipe = live_trainer.recipe(**own)
        assert recipe["beta"] in live_trainer.BETAS
        assert recipe["gamma"] in live_trainer.GAMMAS
        assert (recipe["sd"] is None) == own.get("learned", False)


@pytest.mark.parametrize("name", SETTINGS)
def test_ten_seeds_came_to_the_same_verdict_in_page_and_keras(name):
    """What the benchmark stored: collapsed, run away, along the diagonals or not."""
    stored = json.loads((RESULTS / "live_trainer.json").read_text("utf8"))["verdicts"]
    verdicts = {
        side: [
            {
                "away": seed["reach"] > live_trainer.FAR,
                "collapsed": not seed["active"] and seed["reach"] < 1,
                "diagonals": name == "γ = 5" and seed["diagonals"] > 0.95,
            }
            for seed in seeds
        ]
        for side, seeds in stored[name].items()
    }
    assert len(verdicts["page"]) == len(verdicts["keras"]) == 10
    assert verdicts["page"] == verdicts["keras"]
    (same,) = {tuple(verdict.values()) for verdict in verdicts["page"]}
    assert any(same) == (name in ("γ = 5", "γ = −2", "β = 300, σ learned"))


def test_steps_are_refused_that_there_are_not():
    with pytest.raises(ValueError, match="steps"):
        make_live(steps=0)


if __name__ == "__main__":
    found = {"cases": {name: case(own) for name, own in CASES.items()}}
    GRADIENTS.write_text(json.dumps(found, ensure_ascii=False) + "\n", "utf8")
