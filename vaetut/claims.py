"""The sources' claims beside what the course's runs say of them.

A claim is a few lines of TOML (`book/claims.toml`): whose, what, and a rule that ours
must satisfy. Value, interval, number of seeds and verdict are computed from the shipped
runs, so that none of them is ever typed. A claim about images that the course draws is
computed from them, over the seeds of their points; one about costs from the turns of a
stored benchmark.
"""

import json
import operator
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

from vaetut.analysis import interval, paired_interval
from vaetut.measures.drawn import DRAWN as MEASURES
from vaetut.recipes import CATALOGUE
from vaetut.recipes.experiments import EXPERIMENTS
from vaetut.runs import records, summary

RULES = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


BENCHMARKS = Path(__file__).parents[1] / "benchmarks" / "results"  # of a checkout
BENCHMARK = "benchmark "


class Row(NamedTuple):
    """One claim as the tables of the book show it; every field is text."""

    chapter: str
    claim: str
    source: str
    theirs: str
    ours: str
    n: str
    verdict: str


class Number(NamedTuple):
    """A metric over seeds that prints itself in prose: four significant digits."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self):
        return f"{self.mean:.4g}"

    @property
    def percent(self) -> str:
        """The mean as a percentage, without the sign."""
        return f"{100 * self.mean:.0f}"

    @property
    def short(self) -> str:
        """The mean with two significant digits."""
        return f"{self.mean:.2g}"

    @property
    def minus(self) -> str:
        """The mean with its sign turned: nats of a loss out of a log-likelihood."""
        return f"{-self.mean:.4g}"

    @property
    def span(self) -> str:
        """The ends of the 95 % interval with two significant digits."""
        return f"{self.low:.2g} to {self.high:.2g}"

    @property
    def spread(self) -> str:
        """The ends of the 95 % interval."""
        return f"{self.low:.4g} to {self.high:.4g}"


def rows(path: Path, chapter: int | None = None) -> list[Row]:
    """Return the claims of one chapter, or of all, in the file's order.

    Raises ValueError naming the claim if it is not well formed or names a recipe or
    metric there is none of.
    """
    claims = tomllib.loads(Path(path).read_text("utf8"))["claim"]
    return [
        _row(claim)
        for claim in claims
        if chapter is None or claim["chapter"] == chapter
    ]


def _row(claim):
    try:
        values = _values(claim["metric"])
        other = claim.get("minus") or claim.get("over")
        pairs = _pairs(values, _values(other)) if other else None
        if "minus" in claim:
            found = paired_interval(*zip(*pairs, strict=True))
        elif "over" in claim:
            found = interval([a / b for a, b in pairs])
        else:
            found = interval(list(values.values()))
        sign, bound = claim["holds"].split()
        factor, form = claim.get("factor", 1.0), claim.get("format", ".4g")
        low, mean, high = (v * factor for v in (found.low, found.mean, found.high))
        return Row(
            chapter=str(claim["chapter"]),
            claim=claim["claim"],
            source=claim["source"],
            theirs=claim["theirs"],
            ours=f"{claim.get('measure', '')} {mean:{form}} "
            f"({low:{form}} to {high:{form}})".strip(),
            n=str(found.n),
            verdict=verdict(low, high, RULES[sign], float(bound)),
        )
    except (KeyError, ValueError) as error:
        text = claim.get("claim", claim)
        raise ValueError(f"The claim {text!r} cannot be judged: {error}") from error


def verdict(low: float, high: float, rule, bound: float) -> str:
    """Return what an interval says of a rule: confirmed, refuted or undecided."""
    holds = {rule(low, bound), rule(high, bound)}
    return (
        "undecided" if len(holds) == 2 else "confirmed" if True in holds else "refuted"
    )


def _values(name):
    """Return a metric's value of each seed.

    `name` is "recipe:metric" of the largest scale that is shipped, "polar:metric" of
    the images, or "benchmark NAME:case" of the ratios of its turns.
    """
    recipe, metric = name.split(":")
    if recipe.startswith(BENCHMARK):
        return dict(enumerate(_turns(recipe.removeprefix(BENCHMARK), metric)))
    if recipe in MEASURES:
        return dict(enumerate(MEASURES[recipe]()[metric]))
    found = records(recipe)
    if not found or any(metric not in record.metrics for record in found):
        raise ValueError(f"no shipped run has {name!r}")
    return {record.seed: record.metrics[metric] for record in found}


def _turns(name, case):
    """Return the ratios of a case of a stored benchmark."""
    path = BENCHMARKS / f"{name}.json"
    cases = json.loads(path.read_text("utf8"))["cases"] if path.exists() else []
    for found in cases:
        if found["case"] == case:
            return found["ratios"]
    raise ValueError(f"no stored benchmark {name!r} has the case {case!r}")


def _pairs(values, others):
    """Return the pairs of values of the seeds that both have."""
    both = [seed for seed in values if seed in others]
    if not both:
        raise ValueError("the two have no seed in common")
    return [(values[seed], others[seed]) for seed in both]


def substitutions(path: Path) -> dict:
    """Return what `{{ … }}` may name in the book's prose.

    Every metric of every shipped recipe, as in `{{ fashion_vae.kl }}` or
    `{{ fashion_vae.gap_prior.percent }}`, its parameters as in
    `{{ fashion_ae.parameters.total }}`, of every member of an experiment, as in
    `{{ autopsy.ours_batch_size.hole_iou }}`, the measures of images drawn on demand, as
    in `{{ polar.floor }}`, and `claims`, how many there are in the file.
    """
    found = {"claims": len(rows(path))}
    for name, measures in MEASURES.items():
        values = measures().items()
        found[name] = {k: Number(*interval(v)) for k, v in values}
    for experiment, members in EXPERIMENTS.items():
        found[experiment] = {
            _key(label): {k: Number(*v) for k, v in summary(name).items()}
            for label, name in members.items()
        }
    for name in CATALOGUE:
        runs = records(name)
        if not runs:
            continue
        found[_key(name)] = {k: Number(*v) for k, v in summary(name).items()} | {
            "seeds": len(runs),
            "seconds": f"{sum(run.seconds for run in runs) / len(runs):.0f}",
            "hardware": runs[0].hardware,
            "parameters": {k: f"{v:,}" for k, v in runs[0].parameters.items()},
        }
    return found


def _key(label: str) -> str:
    """Return a label as a name in prose, "ours, β" as ours_beta."""
    for sign, word in (("β", "beta"), ("γ", "gamma"), ("= -", "minus ")):
        label = label.replace(sign, word)
    return re.sub(r"\W+", "_", label)
