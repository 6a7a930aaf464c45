"""The claims: how each is judged, what is refused, and that the book's add up."""

import json
import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from vaetut import claims
from vaetut.measures import drawn
from vaetut.recipes import get_recipe
from vaetut.runs import records

BOOK = Path(__file__).parents[2] / "book" / "claims.toml"
CLAIM = {
    "chapter": 3,
    "claim": "A claim.",
    "whose": "theirs",
    "source": "Post on VAEs, sec. 1",
    "section": "Gaps",
    "theirs": "1",
    "metric": "planted:five",
    "format": ".4f",
    "holds": "< 6",
    "unit": "",
}
SPREAD = [-0.2, 0.1, 0.0, -0.1, 0.2]
PLANTED = {
    "five": [5 + x for x in SPREAD],
    "ten": [10 + x for x in reversed(SPREAD)],
    "two": [2 + x / 10 for x in SPREAD],
    "one value": [5.0],
    "equal": [5.0] * 4,
    "never": [0.0] * 200,
    "signs": [-5.0, 5.2, -4.9],
}


@pytest.fixture
def planted(monkeypatch):
    """Let claims name values that are known."""
    monkeypatch.setitem(claims.DRAWN, "planted", lambda: PLANTED)


def written(tmp_path, *changed):
    """Write a claim for each dictionary of changes and return the rows."""
    text = ""
    for change in changed:
        claim = {k: v for k, v in (CLAIM | change).items() if v is not None}
        values = (f"{key} = {json.dumps(value)}" for key, value in claim.items())
        text += "\n".join(["[[claim]]", *values, ""])
    path = tmp_path / "claims.toml"
    path.write_text(text, "utf8")
    return claims.rows(path)


def judged(tmp_path, **changes):
    return written(tmp_path, changes)[0]


MEASURED = {  # of the value 5
    "a mean": {"metric": "planted:five"},
    "a difference": {"metric": "planted:ten", "minus": "planted:five"},
    "a ratio": {"metric": "planted:ten", "over": "planted:two"},
}
WRONG_RIGHT_OPEN = {  # a rule that is wrong of 5 with its spread, right, and neither
    "<": ("< 4", "< 6", "< 5.01"),
    "<=": ("<= 4", "<= 6", "<= 5.01"),
    ">": ("> 6", "> 4", "> 4.99"),
    ">=": (">= 6", ">= 4", ">= 4.99"),
    "within, below it": ("within 6 to 7", "within 4 to 6", "within 4.99 to 7"),
    "within, above it": ("within 3 to 4", "within 3 to 7", "within 3 to 5.01"),
}


@pytest.mark.parametrize("measure", MEASURED)
@pytest.mark.parametrize("rule", WRONG_RIGHT_OPEN)
def test_each_rule_can_be_refuted_and_confirmed(tmp_path, planted, rule, measure):
    for holds, expected in zip(
        WRONG_RIGHT_OPEN[rule], ("refuted", "confirmed", "undecided"), strict=True
    ):
        row = judged(tmp_path, **MEASURED[measure], holds=holds)
        assert (row.verdict, row.n) == (expected, 5), holds
        assert row.low < row.mean < row.high and row.mean == pytest.approx(5, rel=0.01)


def test_an_interval_that_covers_both_bounds_is_undecided(tmp_path, planted):
    row = judged(tmp_path, holds="within 4.95 to 5.05")
    assert row.low < 4.95 and row.high > 5.05 and row.verdict == "undecided"


@pytest.mark.parametrize("holds", ["< 5.1", "> 4.9", "within 4.8 to 5.19", "> 5.3"])
def test_the_p_value_decides_as_the_interval_does(tmp_path, planted, holds):
    row, rule = judged(tmp_path, holds=holds), claims.parse_rule(holds)
    inside = rule.low < row.low and row.high < rule.high
    outside = row.high < rule.low or row.low > rule.high
    assert (row.p < 0.05) == (inside or outside)


def test_p_values_are_students(tmp_path, planted):
    five = PLANTED["five"]
    below, above = (stats.ttest_1samp(five, b).pvalue for b in (4.7, 5.2))
    assert judged(tmp_path, holds="< 5.2").p == pytest.approx(above)
    # Two one-sided tests: the nearer bound must be excluded, too.
    both = judged(tmp_path, holds="within 4.7 to 5.2")
    assert both.p == pytest.approx(max(below, above))
    # Outside, it is the bound that lies between.
    assert judged(tmp_path, holds="within 5.2 to 9").p == pytest.approx(above)


def test_a_single_seed_decides_nothing(tmp_path, planted):
    row = judged(tmp_path, metric="planted:one value", holds="< 1000")
    assert (row.verdict, row.p, row.n) == ("undecided", 1, 1)
    assert row.low is row.high is None and "(" not in row.value


def test_equal_values_are_known(tmp_path, planted):
    for holds, expected in (
        ("< 6", "confirmed"),
        ("< 5", "refuted"),
        ("<= 5", "confirmed"),
        ("within 6 to 7", "refuted"),
    ):
        row = judged(tmp_path, metric="planted:equal", holds=holds)
        assert (row.verdict, row.p) == (expected, 0), holds


def test_a_share_of_draws_that_is_nought_has_an_interval(tmp_path, planted):
    row = judged(tmp_path, metric="planted:never", holds="> 1", factor=100)
    assert row.low == 0 and 1 < row.high < 2 and row.verdict == "undecided"
    row = judged(tmp_path, metric="planted:never", holds="> 10", factor=100)
    assert row.verdict == "refuted"


def test_without_its_sign_a_metric_may_be_too_far_on_either_side(tmp_path, planted):
    rules = {"metric": "planted:signs", "holds": "> 4"}
    assert judged(tmp_path, **rules, absolute=True).verdict == "confirmed"
    assert judged(tmp_path, **rules).verdict == "undecided"


def test_a_factor_and_a_unit_lead_to_the_claims_own(tmp_path, planted):
    row = judged(
        tmp_path, factor=100, unit="%", holds="within 400 to 600", format=".0f"
    )
    assert (row.verdict, row.rule) == ("confirmed", "between 400 and 600 %")
    assert row.value.startswith("500 % (4") and row.json["unit"] == "%"
    plain = judged(tmp_path, holds="within 4 to 6")
    assert row.p == pytest.approx(plain.p)


def test_a_row_has_the_bounds_of_its_rule(tmp_path, planted):
    for holds, bounds in (
        ("< 6", (None, 6)),
        (">= -1", (-1, None)),
        ("within 4 to 6", (4, 6)),
    ):
        row = judged(tmp_path, holds=holds)
        assert (row.least, row.most) == bounds


def test_a_claim_is_of_the_post_that_its_source_begins_with(tmp_path, planted):
    for source, post in (
        ("TF 2.8 series, XI", "TF 2.8 series, XI"),
        ("TF 2.8 series, XIII, Conclusion", "TF 2.8 series, XIII"),
        ("Zero-shot post, parts 2 and 3, Dataset", "Zero-shot post"),
    ):
        assert judged(tmp_path, source=source).post == post
    assert judged(tmp_path, whose="ours", source="our proposal").post == ""


# ---- What a record holds beside its metrics


@pytest.fixture
def recorded(monkeypatch):
    """Let the runs of faces-vae be records that are known."""
    found = [
        SimpleNamespace(
            seed=seed,
            metrics={"radius_mode": 15.0 + seed},
            profiles={"radius": [13.0, 14.0, 15.0 + seed, 40.0]},
            history={"val_kl": [9.0 + seed, 4.0]},
            parameters={"encoder": 20, "decoder": 10},
        )
        for seed in range(4)
    ]
    monkeypatch.setattr(
        claims, "records", lambda name, scale: found if name == "faces-vae" else []
    )


def test_a_share_of_images_is_one_value_a_seed(tmp_path, recorded):
    row = judged(tmp_path, metric="faces-vae:radius within 14 to 17", holds="> 0")
    assert (row.mean, row.n) == (pytest.approx(np.mean([0.5, 0.5, 0.5, 0.25])), 4)


def test_a_share_of_runs_has_an_exact_interval(tmp_path, recorded):
    row = judged(tmp_path, metric="faces-vae:radius_mode within 15 to 17", holds="< 1")
    exact = stats.binomtest(3, 4).proportion_ci(method="exact")
    assert row.mean == 0.75 and (row.low, row.high) == pytest.approx(tuple(exact))


def test_epochs_and_parameters_can_be_named(tmp_path, recorded):
    row = judged(tmp_path, metric="faces-vae:val_kl of epoch 1")
    assert row.mean == 10.5
    parameters = [f"faces-vae:{part} parameters" for part in ("encoder", "decoder")]
    row = judged(tmp_path, metric=parameters[0], over=parameters[1])
    assert (row.mean, row.low) == pytest.approx((2, 2))


@pytest.mark.parametrize(
    "name",
    [
        "width within 1 to 2",
        "val_kl of epoch 3",
        "val_kl of epoch 0",
        "val_kl of epoch one",
        "val_kl of epoch ²",
        "loss of epoch 1",
        "head parameters",
        "radius of 3",
    ],
)
def test_what_a_record_does_not_hold_is_named(tmp_path, recorded, name):
    with pytest.raises(ValueError, match=f"no shipped run has faces-vae:{name}"):
        judged(tmp_path, metric=f"faces-vae:{name}")


def test_bounds_of_a_share_are_checked_and_its_unit_is_named(tmp_path, recorded):
    with pytest.raises(ValueError, match="reversed: write the lower first"):
        judged(tmp_path, metric="faces-vae:radius within 17 to 14")
    with pytest.raises(ValueError, match="is no metric: name its unit"):
        judged(tmp_path, metric="faces-vae:radius within 14 to 17", unit=None)


# ---- Many claims


def test_holm_is_taken_over_the_tests_of_a_chapter(tmp_path, planted):
    theorem = {"kind": "theorem", "reason": "So it is.", "holds": None}
    weak = {"holds": "< 5.22"}
    alone = judged(tmp_path, **weak)
    assert 0.05 / 2 < alone.p < 0.05 and alone.verdict == "confirmed"
    strong = {"holds": "> 1"}
    found = written(
        tmp_path, weak, strong, weak, theorem, strong, weak | {"chapter": 4}
    )
    assert [row.verdict for row in found] == [
        *("undecided", "confirmed", "undecided"),
        *(None, "confirmed", "confirmed"),
    ]
    assert found[0].p_holm == pytest.approx(2 * alone.p)
    assert found[0].alone == "confirmed" and found[0].p == alone.p
    assert found[0].decision == "undecided after correction (alone: confirmed)"
    assert found[5].p_holm == alone.p and found[5].decision == "confirmed"
    counts = claims.count(found)
    assert (counts.tested, counts.theorems, counts.corrected) == (5, 1, 2)
    assert (counts.chapters, counts.confirmed, f"{counts}") == (2, 3, "5")


def test_a_theorem_has_a_reason_and_no_verdict(tmp_path, planted):
    row = judged(tmp_path, kind="theorem", reason="So it is.", holds=None)
    assert (row.verdict, row.p, row.p_holm, row.rule) == (None, None, None, "")
    assert row.reason == "So it is." and row.mean == pytest.approx(5)


# ---- What pairs


@pytest.mark.parametrize(
    ("one", "other", "pairs"),
    [
        ("faces-vae", "faces-vae", True),
        ("faces-vae", "faces-tiny-kl", True),
        ("faces-tiny-kl", "faces-tiny-kl+max_epsilon=5", True),
        ("polar-small", "polar-small+sample_weights=b", True),
        ("polar-small", "polar-small+epochs=8", True),
        ("polar-small", "polar-small+learning_rate=0.001", True),
        ("polar-entanglement", "polar-entanglement+gamma=0", True),
        ("polar-entanglement+posterior_sd=0.2", "polar-entanglement", True),
        ("fashion-vae", "fashion-ae", False),
        ("faces-ae", "faces-ae+normalization=batch", False),
        ("faces-vae", "faces-vae+latent_dim=64", False),
        ("faces-vae", "faces-dense-256", False),
        ("polar-small", "polar-small+posterior_sd=none", False),
        ("polar-small", "polar-small+dataset=polar-64", False),
        ("polar-small", "polar-small+images=500", False),
        ("polar-small", "polar-small+batch_size=8", False),
        ("polar-small", "polar-small+shuffle=false", False),
        ("polar-small", "polar-entanglement", False),
    ],
)
def test_seeds_pair_where_they_give_the_same_start(one, other, pairs):
    recipes = [get_recipe(name, "laptop") for name in (one, other)]
    assert claims.pairs_by_seed(*recipes) is pairs
    assert claims.pairs_by_seed(*reversed(recipes)) is pairs


def values(name, metric):
    return np.array([record.metrics[metric] for record in records(name)])


def test_rows_are_paired_where_seeds_pair_and_welchs_where_they_do_not(tmp_path):
    a, b = (values(name, "frechet_prior") for name in ("faces-tiny-kl", "faces-vae"))
    metrics = {"metric": "faces-tiny-kl:frechet_prior", "holds": "> 0"}
    row = judged(tmp_path, **metrics, minus="faces-vae:frechet_prior")
    test = stats.ttest_rel(a, b)
    assert row.paired and row.p == pytest.approx(test.pvalue)
    assert (row.low, row.high) == pytest.approx(test.confidence_interval())

    b = values("faces-ae", "frechet_prior")
    row = judged(tmp_path, **metrics, minus="faces-ae:frechet_prior")
    test = stats.ttest_ind(a, b, equal_var=False)
    assert row.paired is False and row.p == pytest.approx(test.pvalue)
    assert (row.low, row.high) == pytest.approx(test.confidence_interval())

    row = judged(tmp_path, **metrics, over="faces-ae:frechet_prior")
    test = stats.ttest_ind(np.log(a), np.log(b), equal_var=False)
    found = tuple(map(math.log, (row.low, row.high)))
    assert row.paired is False and found == pytest.approx(test.confidence_interval())


def test_two_metrics_of_one_network_are_paired(tmp_path):
    row = judged(
        tmp_path, metric="faces-vae:frechet_box_8", minus="faces-vae:frechet_box_1"
    )
    assert row.paired and "5 seeds, paired, laptop scale" in row.basis


def test_runs_are_compared_at_the_largest_scale_that_both_have(tmp_path, monkeypatch):
    have = {("fashion-vae", "full"): 1.0, ("fashion-vae", "laptop"): 2.0}
    have["fashion-vae-beta-8", "laptop"] = 1.5

    def some(name, scale):
        seeds = range(4 if (name, scale) in have else 0)
        return [
            SimpleNamespace(seed=s, metrics={"kl": have[name, scale] + s})
            for s in seeds
        ]

    monkeypatch.setattr(claims, "records", some)
    one = {"metric": "fashion-vae:kl", "holds": "> 0"}
    row = judged(tmp_path, **one, minus="fashion-vae-beta-8:kl")
    assert (row.scale, row.mean) == ("laptop", 0.5)
    assert judged(tmp_path, **one).scale == "full"
    with pytest.raises(
        ValueError, match="no shipped runs of fashion-vae and fashion-ae"
    ):
        judged(tmp_path, **one, minus="fashion-ae:kl")


def test_a_member_of_an_experiment_stands_for_its_recipe(tmp_path):
    row = judged(tmp_path, metric="spring/β = 10:excess_kurtosis", holds="< 0")
    kurtosis = values("polar-entanglement+beta=27.306667", "excess_kurtosis")
    assert row.mean == pytest.approx(kurtosis.mean()) and row.of == "seeds"


# ---- Benchmarks and images


def test_a_benchmark_is_judged_by_its_turns(tmp_path, monkeypatch):
    cases = [{"case": "a, ms", "ratios": [1.0, 1.2, 1.1]}]
    (tmp_path / "steps.json").write_text(json.dumps({"cases": cases}), "utf8")
    monkeypatch.setattr(claims, "BENCHMARKS", tmp_path)
    row = judged(tmp_path, metric="benchmark steps:a, ms", holds="< 2")
    assert (row.mean, row.n, row.verdict) == (pytest.approx(1.1), 3, "confirmed")
    assert (row.of, row.scale) == ("turns", "benchmark")
    for name in ("benchmark steps:b, ms", "benchmark none:a, ms"):
        with pytest.raises(ValueError, match="no stored benchmark"):
            judged(tmp_path, metric=name)


def test_drawn_images_are_measured_over_seeds():
    measures = drawn.DRAWN["polar"]()
    assert len(measures["removed"]) == 1000 and len(measures["bce_floor"]) == 5
    assert np.mean(measures["crossed"]) == pytest.approx(1.125 / 3, abs=1e-3)
    assert np.mean(measures["removed"]) == pytest.approx(5000 * np.pi * 0.03, rel=0.01)
    assert min(measures["curve_plane"]) == pytest.approx(1)


# ---- Bad input


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"holds": "about 3"}, "'about 3' is no rule: write"),
        ({"holds": "<3"}, "'<3' is no rule"),
        ({"holds": "< nan"}, "'< nan' is no rule"),
        ({"holds": "within 1"}, "'within 1' is no rule"),
        ({"holds": "within 2 to 1"}, "reversed: write the lower first"),
        ({"holds": "within 1 to 1"}, "reversed: write the lower first"),
        ({"holds": None}, "it has no holds: write holds"),
        ({"whose": None}, "it has no whose: write whose"),
        ({"whose": "his"}, "whose is 'his': choose one of theirs, reading, ours"),
        ({"source": "a post"}, "source is 'a post': begin with one of Post on VAEs; "),
        ({"section": None}, "it has no section: write section"),
        ({"metric": None}, "it has no metric: write metric"),
        ({"metric": "planted"}, "write RECIPE:METRIC"),
        ({"metric": "planted:beauty"}, "no 'beauty': choose one of five"),
        ({"metric": "fashion-ae:beauty"}, "no shipped run has fashion-ae:beauty: choo"),
        ({"metric": "fashion-gan:bce"}, "no recipe 'fashion-gan': choose one of"),
        ({"metric": "fashion-ae+beauty=1:bce"}, "beauty"),
        ({"metric": "polar-vae+epochs=3:kl"}, "no shipped runs of .* vaetut train"),
        (
            {"metric": "winter/β = 10:excess_kurtosis"},
            "no experiment 'winter': choose one",
        ),
        (
            {"metric": "spring/β = 11:excess_kurtosis"},
            "no member of 'spring' 'β = 11': ch",
        ),
        ({"minus": "fashion-ae:bce"}, "are of two kinds: compare like things"),
        ({"minus": "planted:ten", "over": "planted:ten"}, "leave one out"),
        ({"metric": "planted:signs", "over": "planted:ten"}, "take a difference"),
        ({"chapter": "3"}, "chapter is '3': write a whole number"),
        ({"chapter": True}, "chapter is True: write a whole number"),
        ({"holds": 3}, "holds is 3: write text, in quotes"),
        ({"factor": "100"}, "factor is '100': write a number"),
        ({"absolute": 1}, "absolute is 1: write true or false"),
        ({"factor": 0}, "factor is 0: it must be above 0"),
        ({"format": ".2q"}, "format is '.2q': write one"),
        ({"hold": "< 1"}, "a test has no hold: leave it out"),
        ({"reason": "So it is."}, "a test has no reason: leave it out"),
        ({"kind": "truth"}, "kind is 'truth': leave it out, or write 'theorem'"),
        ({"kind": "theorem", "reason": "So."}, "a theorem has no holds: leave it out"),
        ({"kind": "theorem", "holds": None}, "it has no reason: write reason"),
    ],
)
def test_a_claim_that_cannot_be_judged_is_named(tmp_path, planted, changes, words):
    with pytest.raises(ValueError, match=rf"^The claim 'A claim\.' .*{words}"):
        judged(tmp_path, **changes)


def test_pairs_without_a_seed_in_common_are_named(tmp_path, monkeypatch):
    def apart(name, scale):
        seeds = (0, 1) if name == "faces-vae" else (2, 3)
        return [SimpleNamespace(seed=s, metrics={"kl": 1.0}) for s in seeds]

    monkeypatch.setattr(claims, "records", apart)
    with pytest.raises(ValueError, match="no seed in common: train and ship the same"):
        judged(tmp_path, metric="faces-vae:kl", minus="faces-tiny-kl:kl")
    assert judged(tmp_path, metric="faces-vae:kl", minus="faces-dense-256:kl").n == 2


# ---- The book's own


@pytest.fixture(scope="module")
def book():
    return claims.rows(BOOK)


def test_a_claim_with_two_sides_has_a_rule_with_two(book):
    two_sided = r"\b(within|near|apart|little effect|about the same|randomly)\b"
    found = [r for r in book if r.kind == "test" and re.search(two_sided, r.claim)]
    assert len(found) > 12
    for row in found:
        assert row.rule.startswith("between"), row.claim


def test_the_books_claims_rest_on_several_runs(book):
    assert all(row.n >= 3 for row in book)
    assert {row.chapter for row in claims.rows(BOOK, chapter=1)} == {1}


def test_every_claim_stands_by_itself(book):
    """A filter may leave out the claim before it."""
    leaning = re.compile(r"(The same|So|They|Its|Nor|The reverse)\b")
    assert not [row.claim for row in book if leaning.match(row.claim)]


def test_every_post_has_claims(book):
    assert {row.post for row in book if row.whose != "ours"} == set(claims.POSTS)


def test_a_chapter_alone_is_judged_as_among_all(book):
    assert claims.rows(BOOK, chapter=5) == [row for row in book if row.chapter == 5]


def test_counts_add_up(book):
    n = claims.count(book)
    assert n.tested + n.theorems == len(book)
    assert n.tested == n.theirs + n.readings + n.ours
    assert n.tested == n.confirmed + n.refuted + n.undecided
    assert n.tested == n.full + n.laptop + n.drawn + n.benchmarks


# ---- Numbers in prose


def test_substitutions_are_the_runs(book):
    found = claims.substitutions(BOOK)
    number = found["fashion_ae"]["bce"]
    assert number.mean == pytest.approx(values("fashion-ae", "bce").mean())
    assert number.low < number.mean < number.high
    assert found["fashion_ae"]["parameters"]["total"] == "343,043"
    assert found["claims"] == claims.count(book)


def test_labels_as_names_in_prose():
    names = {
        "ours, β": "ours_beta",
        "γ = -10": "gamma_minus_10",
        "γ = 10": "gamma_10",
        "β-TC-VAE": "beta_TC_VAE",
        "β = 0.1": "beta_0_1",
    }
    assert {label: claims._key(label) for label in names} == names


def test_a_number_prints_itself():
    number = claims.Number(0.06674, 0.03418, 0.0993, 10)
    assert (f"{number}", number.percent, number.minus) == ("0.06674", "7", "-0.06674")
    assert (number.short, number.span) == ("0.067", "0.034 to 0.099")
    assert number.spread == "0.03418 to 0.0993"


def test_units_come_from_the_registry_unless_a_factor_leads_to_another(tmp_path):
    of_pixel = {"metric": "fashion-ae:bce", "unit": None, "holds": "< 1"}
    assert judged(tmp_path, **of_pixel).unit == "nats per subpixel"
    ratio = {"metric": "fashion-vae:total", "over": "fashion-ae:reconstruction"}
    assert judged(tmp_path, **of_pixel | ratio).unit == ""
    with pytest.raises(ValueError, match="another unit: name it"):
        judged(tmp_path, **of_pixel, factor=1024)
