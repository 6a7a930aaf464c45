"""The draw and the star explorer without a browser: what they refuse."""

import keras
import numpy as np
import pytest
from widget_table import DRAWN, POINTS, make_draw, plane_codes, small_vae, star_vae

from vaetut.datasets import polar
from vaetut.widgets import DrawExplorer, StarExplorer
from vaetut.widgets.draw_explorer import posterior


def refused_draw(words, model=None, codes=None, labels=None, names=None, **own):
    cloud, kinds = plane_codes()
    options = {"examples": np.zeros((4, 32, 32, 1)), "names": DRAWN} | own
    with pytest.raises(ValueError, match=words):
        DrawExplorer(
            small_vae() if model is None else model,
            cloud if codes is None else codes,
            kinds if labels is None else labels,
            ("a", "b", "c", "d") if names is None else names,
            **options,
        )


def test_what_cannot_be_drawn_on_is_refused():
    refused_draw("model is Sequential: give an Autoencoder", keras.Sequential())
    refused_draw("model has images .* 3 units: give a model of grey", star_vae())
    refused_draw("codes must have shape", codes=np.zeros((5, 3)))
    refused_draw("labels are float64", labels=np.zeros(400))
    refused_draw("class_names are 2 for 3", names=("a", "b"))
    refused_draw("examples have shape", examples=np.zeros((4, 28, 28, 1)))
    refused_draw("examples has values beyond", examples=np.full((4, 32, 32, 1), 2.0))


def test_names_of_examples_are_one_each():
    with pytest.raises(ValueError, match=r"names are .*: give 3 short texts"):
        make_draw(names=("one", "two", " "))


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        (np.zeros((0, 2)), "factors have shape .*: give \\(n, 2\\)"),
        (np.ones((3, 3)), "factors have shape"),
        ([[0.1, 1.0]], "factors lie outside the plane"),
    ],
)
def test_stars_outside_the_plane_are_refused(factors, words):
    with pytest.raises(ValueError, match=words):
        StarExplorer(star_vae(), factors)


def test_a_posterior_has_the_models_own_spread():
    images = np.random.default_rng(0).uniform(size=(3, 32, 32, 1)).astype("float32")
    _, sd = posterior(star_vae(), images)
    assert np.allclose(sd, 0.1)
    mean, sd = posterior(small_vae(), images)
    assert mean.shape == sd.shape == (3, 2) and (sd > 0).all()


def test_a_star_has_three_answers():
    explorer = StarExplorer(star_vae(), POINTS[polar.outside(POINTS)], a=1, b=1.5)
    truth, answer, near = explorer.answers().values()
    assert truth.shape == answer.shape == near.shape == (32, 32)
    assert np.array_equal(truth, polar.draw([[1, 1.5]], 32)[0, ..., 0] / 255)
