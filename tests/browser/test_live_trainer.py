"""The live trainer in Chromium: what it finds is what Keras finds, and it says so."""

import json
import re

import numpy as np
import pytest
from widget_table import make_live

from benchmarks.live_trainer import LOOK, found_in_keras, train_in_page
from vaetut.widgets import live_trainer

from .looking import wait_until_ready

READY = "[data-done][aria-busy=false]"
NO_WORKER = "delete window.Worker"


def found(widget):
    wait_until_ready(widget, READY)
    return json.loads(widget.get_attribute("data-found"))


def said(widget):
    return widget.locator(".vm-verdict").inner_text()


def short(own, seed=0, steps=800):
    """Return a recipe of few steps."""
    return live_trainer.recipe(seed=seed, **own) | {"steps": steps}


@pytest.fixture
def trained(show):
    """Return a function that shows a trainer at given traits, once it has trained."""

    def trained(init="", steps=800, **traits):
        watched = show(make_live(steps=steps, **traits), init=init)
        found(watched.root)
        return watched

    return trained


@pytest.mark.parametrize(
    ("own", "steps", "words"),
    [
        ({"gamma": 5.0}, 2400, r"along the diagonals of the plane: SAP 0.[01]\d for a"),
        ({"beta": 300.0, "learned": True}, 800, "Collapsed: no unit tells one star"),
        ({"beta": 300.0}, 800, "cloud is small, but no unit is off: while σ stays"),
        ({"beta": 30.0, "learned": True, "units": 3}, 800, "2 of 3 units are in use"),
    ],
    ids=str,
)
def test_page_and_keras_come_to_the_same_verdict(trained, own, steps, words):
    watched = trained(steps=steps, **own)
    mine, theirs = found(watched.root), found_in_keras(short(own, steps=steps))
    assert mine["active"] == theirs["active"] and not mine["far"]
    if mine["active"] == 2 and "gamma" in own:
        for score in ("sap", "diagonals"):
            assert mine[score] == pytest.approx(theirs[score], abs=0.1)
    assert not watched.troubles
    assert re.search(words, said(watched.root))


def test_codes_that_run_away_are_stopped_and_said(trained):
    watched = trained(beta=0.0, gamma=-3.0)
    assert found(watched.root)["far"]
    assert int(watched.root.get_attribute("data-done")) < 800
    assert "The codes ran away" in said(watched.root)
    assert "below −β the loss has no floor" in said(watched.root)
    watched.root.get_by_label("γ").press("End")  # and back to where it has one
    assert not found(watched.root)["far"]
    assert not watched.troubles


def test_a_seed_is_the_same_to_the_bit_and_another_is_not(trained):
    page = trained().page
    again = [short({}), short({}), short({}, seed=1)]
    one, two, other = train_in_page(page, again, LOOK)
    assert one["mean"] == two["mean"] != other["mean"]
    assert one["terms"] == two["terms"]


def test_the_page_says_of_codes_what_python_says(trained):
    watched = trained(gamma=2.0)
    (told,) = train_in_page(watched.page, [short({"gamma": 2.0})], LOOK)
    points = live_trainer.factors()
    mean, log_var = (np.reshape(told[k], (-1, 2)) for k in ("mean", "logVar"))
    few = 500  # as many as the page draws
    mine = found(watched.root)
    theirs = live_trainer.verdict(mean[:few], log_var[:few], points[:few])
    for name in ("active", "reach", "sap", "diagonals"):
        assert mine[name] == pytest.approx(theirs[name], abs=1e-3)


def test_terms_add_up_to_the_loss(trained):
    watched = trained(beta=0.3, gamma=0.5)
    cells = watched.root.locator(".vm-loss tr").all()
    numbers = [
        float(row.locator("td").last.inner_text().replace("−", "-")) for row in cells
    ]
    assert sum(numbers[:3]) == pytest.approx(numbers[3], abs=1e-9)
    assert all(numbers[:2])


def test_without_workers_the_page_trains_itself(trained):
    own = trained(init=NO_WORKER, learned=True)
    in_worker = trained(learned=True)
    assert found(own.root) == found(in_worker.root)
    assert not own.troubles
