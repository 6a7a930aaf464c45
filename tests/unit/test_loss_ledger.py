"""The loss ledger without a browser: accounts, units and refusals."""

import numpy as np
import pytest

from vaetut.models import effective_beta
from vaetut.widgets.loss_ledger import LossLedger, units_of

HISTORIES = {
    "0": {"beta": 0, "reconstruction": [300, 280, 270.0], "kl": [9, 12, 15.0]},
    "2.05": {
        "beta": 2.048,
        "reconstruction": [310, 285, 272.5],
        "kl": [3, 4.5, 5.25],
        "loss": [1, 2, 3],  # left out
    },
}
UNITS = list(units_of(1024, 2))


@pytest.fixture
def ledger():
    return LossLedger(HISTORIES, run="2.05")


def changed(**entries):
    return {"0": HISTORIES["0"] | entries}


# ---- What is computed


def test_it_begins_with_nats_at_the_last_epoch(ledger):
    assert (ledger.run, ledger.unit, ledger.epoch) == ("2.05", UNITS[0], 2)
    found = ledger.entries()
    assert (found["reconstruction"], found["kl"]) == (272.5, 5.25)
    assert found["weight"] == 2.048 and found["bare beta"] == 1
    assert found["total"] == pytest.approx(272.5 + 2.048 * 5.25)


@pytest.mark.parametrize("run", HISTORIES)
@pytest.mark.parametrize("unit", UNITS)
def test_every_account_adds_up_and_is_the_same_training(run, unit):
    nats = LossLedger(HISTORIES, run=run, epoch=1).entries()
    found = LossLedger(HISTORIES, run=run, unit=unit, epoch=1).entries()
    assert found["term"] == pytest.approx(found["weight"] * found["kl"])
    assert found["total"] == pytest.approx(found["reconstruction"] + found["term"])
    # A unit scales a training's loss as a whole: the same minima.
    scale = found["reconstruction"] / nats["reconstruction"]
    assert found["total"] == pytest.approx(scale * nats["total"])


def test_a_bare_kl_is_the_effective_beta():
    betas = [LossLedger(HISTORIES, unit=unit).entries()["bare beta"] for unit in UNITS]
    expected = [
        1,
        effective_beta(1024, 500),
        effective_beta(1024),
        effective_beta(1024, kl_weight=1 / 2),
    ]
    assert betas == pytest.approx(expected)


def test_the_units_are_of_the_size_of_images_and_codes():
    units = LossLedger(HISTORIES, pixels=12_288, dimensions=256).units
    assert list(units.values())[1:] == [
        (500 / 12_288, 1),
        (1 / 12_288, 1),
        (1 / 12_288, 1 / 256),
    ]


# ---- What is refused


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        ({}, "histories is dict or empty"),
        ({"": HISTORIES["0"]}, "has the name ''"),
        ({"0": {"beta": 1, "kl": [1]}}, "'0' has no reconstruction: give beta"),
        (changed(beta=-1), "beta of '0' is -1: give 0 or more"),
        (changed(beta=np.inf), "beta of '0' is inf"),
        (changed(kl=[1, 2]), r"shapes \(3,\) and \(2,\)"),
        (changed(kl=[1, 2, np.nan]), "NaN or infinity"),
        (changed(kl=[1], reconstruction=[1]), r"\[1\] epochs: give all the same"),
        (HISTORIES | {"2": {"beta": 1, "kl": [1, 2], "reconstruction": [1, 2]}}, "epo"),
    ],
)
def test_histories_that_are_no_accounts_are_refused(histories, message):
    with pytest.raises(ValueError, match=message):
        LossLedger(histories)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pixels": 0}, "pixels is 0: give a whole number"),
        ({"dimensions": 1.5}, "dimensions is 1.5"),
        ({"label": " "}, "label is ' '"),
    ],
)
def test_other_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        LossLedger(HISTORIES, **options)


# ---- What a page gets


def test_the_alt_has_the_account(ledger):
    for words in ("β = 2.05", "epoch 3", "272.5", "5.25", "283.3", "β = 1."):
        assert words in ledger.alt
