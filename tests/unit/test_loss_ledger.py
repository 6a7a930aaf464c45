"""The loss ledger without a browser: accounts, units, refusals and HTML."""

import base64
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from vaetut.models import effective_beta
from vaetut.widgets.loss_ledger import SCRIPT, LossLedger, units_of

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


def page_state(html):
    return json.loads(
        re.search(r'<script type="application/json">(.*?)</script>', html, re.S)[1]
    )


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


# ---- Traits


def test_run_unit_and_epoch_are_traits(ledger):
    seen = []
    ledger.observe(seen.append, ["run", "unit", "epoch"])
    ledger.run, ledger.epoch = "0", np.int64(0)
    ledger.set_state({"unit": UNITS[2]})
    assert [change["name"] for change in seen] == ["run", "epoch", "unit"]
    assert {"run", "unit", "epoch"} < set(ledger.get_state())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("run", "1", "choose one of '0', '2.05'"),
        ("unit", "bits", "choose one of 'nats per image"),
        ("epoch", 3, "a whole number from 0 to 2"),
        ("epoch", 0.5, "a whole number from 0 to 2"),
    ],
)
def test_values_that_there_are_not_are_refused(ledger, name, value, message):
    with pytest.raises(ValueError, match=f"^{name} is .*{message}"):
        LossLedger(HISTORIES, **{name: value})
    before = getattr(ledger, name)
    with pytest.raises(ValueError, match=message):
        setattr(ledger, name, value)
    assert getattr(ledger, name) == before


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
        ({"alt": " "}, "alt is empty"),
    ],
)
def test_other_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        LossLedger(HISTORIES, **options)


# ---- What a page gets


def test_html_stands_alone_and_starts_where_the_traits_are(ledger):
    ledger.unit, ledger.epoch = UNITS[1], 0
    html = ledger.to_html()
    quiet = html.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    assert not re.search(r"https?:|src=\"(?!data:)|@import|url\(", quiet)
    state = page_state(html)
    assert state["start"] == {"run": "2.05", "unit": UNITS[1], "epoch": 0}
    assert state["runs"][1] == {
        "name": "2.05",
        "beta": 2.048,
        "reconstruction": [310, 285, 272.5],
        "kl": [3, 4.5, 5.25],
    }
    assert [unit["factors"] for unit in state["units"]][1] == [500 / 1024, 1]
    png = base64.b64decode(re.search(r'data:image/png;base64,([^"]+)"', html)[1])
    assert np.asarray(Image.open(io.BytesIO(png)).convert("L")).std() > 10


def test_the_alt_has_the_account(ledger):
    for words in ("β = 2.05", "epoch 3", "272.5", "5.25", "283.3", "β = 1."):
        assert words in ledger.alt
    assert LossLedger(HISTORIES, alt="Mine.").alt == "Mine."


def test_a_page_carries_little(ledger):
    assert SCRIPT.stat().st_size < 8_000
    assert len(ledger.to_html()) < 80_000


def test_no_network_library_is_loaded():
    code = (
        "import sys; from vaetut.widgets.loss_ledger import LossLedger; "
        f"LossLedger({HISTORIES!r}).to_html(); print('keras' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "False\n"
