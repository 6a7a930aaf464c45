import json
import operator
from pathlib import Path

import numpy as np
import pytest

from vaetut import claims
from vaetut.measures import drawn

BOOK = Path(__file__).parents[2] / "book" / "claims.toml"
ROW = """
[[claim]]
chapter = 3
claim = "A claim."
source = "a post"
theirs = "1"
metric = "fashion-ae:bce"
format = ".4f"
holds = "{holds}"
{more}
"""


def judged(tmp_path, holds, more=""):
    path = tmp_path / "claims.toml"
    path.write_text(ROW.format(holds=holds, more=more))
    return claims.rows(path)[0]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, "confirmed"), (3, 4, "refuted"), (1, 3, "undecided"), (2, 2, "refuted")],
)
def test_a_verdict_needs_the_whole_interval(low, high, expected):
    assert claims.verdict(low, high, operator.lt, 2) == expected


def test_a_row_follows_the_runs(tmp_path):
    assert judged(tmp_path, "< 1").verdict == "confirmed"
    assert judged(tmp_path, "> 1").verdict == "refuted"
    assert judged(tmp_path, "> 1", "factor = 1024").verdict == "confirmed"
    mean = float(judged(tmp_path, "< 1").ours.split()[0])
    assert judged(tmp_path, f"< {mean}").verdict == "undecided"


def test_a_ratio_and_a_difference_are_taken_seed_by_seed(tmp_path):
    assert judged(tmp_path, "<= 1", 'over = "fashion-ae:bce"').ours.startswith("1.0000")
    assert judged(tmp_path, "<= 0", 'minus = "fashion-ae:bce"').ours.startswith("0.00")


@pytest.mark.parametrize(
    ("holds", "more", "word"),
    [
        ("about 3", "", "about"),
        ("< 1", 'over = "fashion-ae:beauty"', "beauty"),
        ("< 1", 'minus = "fashion-gan:bce"', "fashion-gan"),
    ],
)
def test_a_claim_that_cannot_be_judged_is_named(tmp_path, holds, more, word):
    with pytest.raises(ValueError, match=r"'A claim\.'") as error:
        judged(tmp_path, holds, more)
    assert word in str(error.value)


def test_a_benchmark_is_judged_by_its_turns(tmp_path, monkeypatch):
    cases = [{"case": "a, ms", "ratios": [1.0, 1.2, 1.1]}]
    (tmp_path / "steps.json").write_text(json.dumps({"cases": cases}), "utf8")
    monkeypatch.setattr(claims, "BENCHMARKS", tmp_path)
    other = ROW.replace("fashion-ae:bce", "benchmark steps:a, ms")
    (tmp_path / "claims.toml").write_text(other.format(holds="< 2", more=""), "utf8")
    row = claims.rows(tmp_path / "claims.toml")[0]
    assert (row.ours.split()[0], row.n, row.verdict) == ("1.1000", "3", "confirmed")
    for name in ("benchmark steps:b, ms", "benchmark none:a, ms"):
        text = ROW.replace("fashion-ae:bce", name).format(holds="< 2", more="")
        (tmp_path / "claims.toml").write_text(text, "utf8")
        with pytest.raises(ValueError, match="no stored benchmark"):
            claims.rows(tmp_path / "claims.toml")


def test_the_books_claims_are_judged_over_at_least_five_seeds():
    rows = claims.rows(BOOK)
    assert len(rows) > 10
    assert {row.verdict for row in rows} <= {"confirmed", "refuted", "undecided"}
    assert all(int(row.n) >= 5 for row in rows)
    assert {row.chapter for row in claims.rows(BOOK, chapter=1)} == {"1"}


def test_substitutions_print_themselves():
    found = claims.substitutions(BOOK)
    number = found["fashion_ae"]["bce"]
    assert str(number) == f"{number.mean:.4g}"
    assert number.low <= number.mean <= number.high
    assert " to " in number.spread and number.percent.isdigit()
    assert found["fashion_ae"]["parameters"]["total"] == "343,043"
    assert found["claims"] == len(claims.rows(BOOK))


def test_drawn_images_are_measured_over_seeds():
    measures = drawn.MEASURES["polar"]()
    assert len(measures["removed"]) == 1000 and len(measures["floor"]) == 5
    assert np.mean(measures["crossed"]) == pytest.approx(1.125 / 3, abs=1e-3)
    assert np.mean(measures["removed"]) == pytest.approx(5000 * np.pi * 0.03, rel=0.01)
    assert min(measures["curve_plane"]) == pytest.approx(1)


def test_labels_as_names_in_prose():
    names = {
        "ours, β": "ours_beta",
        "γ = -10": "gamma_minus_10",
        "γ = 10": "gamma_10",
        "β-TC-VAE": "beta_TC_VAE",
        "β = 0.1": "beta_0_1",
    }
    assert {label: claims._key(label) for label in names} == names


def test_a_number_prints_itself_in_two_digits():
    number = claims.Number(0.06674, 0.03418, 0.0993, 10)
    assert (number.short, number.span) == ("0.067", "0.034 to 0.099")
    assert number.spread == "0.03418 to 0.0993"
