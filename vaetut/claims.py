"""The sources' claims beside what the course's runs say of them.

A claim is a few lines of TOML (`book/claims.toml`): whose, what, and a rule that ours
must satisfy. Value, interval, p-value and verdict are computed from the shipped runs,
so that none of them is ever typed. A claim about images that the course draws is
computed from them, over the seeds of their points; one about costs from the turns of a
stored benchmark. What follows from a definition is no test: it is a theorem, and has a
reason in place of a verdict.
"""

import json
import math
import re
import tomllib
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from vaetut.analysis import (
    Estimate,
    Share,
    holm,
    interval,
    mean_estimate,
    ratio_estimate,
    welch_estimate,
)
from vaetut.measures import DRAWN
from vaetut.metrics import metric
from vaetut.recipes import CATALOGUE, get_recipe
from vaetut.recipes.experiments import EXPERIMENTS
from vaetut.recipes.recipe import SCALES, Recipe
from vaetut.runs import records, summary
from vaetut.runs.scales import shown

CLAIMS = Path(__file__).parents[1] / "book" / "claims.toml"  # of a checkout
BENCHMARKS = Path(__file__).parents[1] / "benchmarks" / "results"  # of a checkout
BENCHMARK = "benchmark "
LEVEL = 0.05  # a p-value below it decides

WHOSE = {  # what a claim's `whose` may be -> as a table says it
    "theirs": "theirs",
    "reading": "our reading of theirs",
    "ours": "ours",
}
POSTS = (  # what the `source` of a claim of theirs begins with
    "Post on VAEs",
    "TF 2.8 series, XI",
    "TF 2.8 series, XII",
    "TF 2.8 series, XIII",
    "Zero-shot post",
)
REQUIRED = ("chapter", "claim", "whose", "source", "section", "theirs", "metric")
OPTIONAL = {
    "minus",  # another metric: the claim is of the difference
    "over",  # another metric: the claim is of the ratio
    "absolute",  # true: of the metric without its sign
    "holds",  # the rule; of every claim that is tested
    "kind",  # "theorem"
    "reason",  # of a theorem
    "measure",  # what is measured, in words
    "factor",  # from the metric's unit to the claim's
    "unit",
    "format",  # of the numbers, as Python writes it
}
TEXT, WHOLE, NUMBER, TRUTH = (str,), (int,), (int, float), (bool,)
KINDS = {"chapter": WHOLE, "factor": NUMBER, "absolute": TRUTH}  # of the others: TEXT
WANTED = {
    TEXT: "write text, in quotes",
    WHOLE: "write a whole number",
    NUMBER: "write a number",
    TRUTH: "write true or false",
}
ELSEWHERE = ("scale", "mean", "low", "high", "n", "alone")  # of a row at another scale
SIGNS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}
# Two trainings of one seed have these in common, or the seed makes no pair of them.
SAME_START = (
    "model",
    "network",
    "latent_dim",
    "filters",
    "kernel_sizes",
    "extra_dense",
    "normalization",
    "initializer",
    "dataset",
    "images",
    "batch_size",
    "shuffle",
)


@dataclass(frozen=True)
class Row:
    """A claim and what the course's runs say of it; numbers are in the claim's unit."""

    chapter: int
    claim: str
    whose: str  # "theirs"; "reading", our reading of theirs; or "ours"
    source: str
    section: str  # heading of the section of the chapter that measures it
    theirs: str  # their value
    mean: float
    low: float | None  # end of the 95 % interval; None where n = 1
    high: float | None
    n: int  # of two groups that do not pair, of the smaller
    of: str  # what n counts: "seeds", "draws" or "turns"
    scale: str  # of the runs: "full" or "laptop"; "images drawn"; "benchmark"
    unit: str
    rule: str  # in words; "" of a theorem
    least: float | None  # the rule's bounds; None where it has no such side
    most: float | None
    paired: bool | None  # seed by seed; None of a single metric
    p: float | None  # of the bound that is nearest to deciding; None of a theorem
    p_holm: float | None  # the same, corrected for the tests of its chapter
    alone: str | None  # the verdict of the interval alone
    verdict: str | None  # "confirmed", "refuted" or "undecided"; None of a theorem
    kind: str = "test"  # or "theorem"
    reason: str = ""  # why a theorem holds, or does not
    measure: str = ""  # what is measured
    format: str = ".4g"
    also: tuple["Row", ...] = ()  # the same at smaller scales; verdicts not corrected

    @property
    def post(self) -> str:
        """The post that the claim is from, one of POSTS; "" of one of ours."""
        return _post_of(self.source)

    @property
    def value(self) -> str:
        """The mean with its interval, as text."""
        form, unit = self.format, f" {self.unit}" if self.unit else ""
        if self.low is None:
            return f"{self.mean:{form}}{unit}"
        return f"{self.mean:{form}}{unit} ({self.low:{form}} to {self.high:{form}})"

    @property
    def basis(self) -> str:
        """What the numbers are of, as text."""
        pairs = {None: "", True: ", paired", False: ", not paired"}[self.paired]
        scale = f"{self.scale} scale" if self.scale in SCALES else self.scale
        return f"{self.n} {self.of}{pairs}, {scale}"

    @property
    def decision(self) -> str:
        """The verdict, and what the interval alone would have said, as text."""
        if self.verdict == self.alone:
            return self.verdict or ""
        return f"{self.verdict} after correction (alone: {self.alone})"

    @property
    def json(self) -> dict:
        """The row as a plain dictionary, without what is for display only.

        "also" has the numbers and the verdict at the other scales, one each.
        """
        also = [{k: getattr(row, k) for k in ELSEWHERE} for row in self.also]
        own = {k: v for k, v in asdict(self).items() if k not in ("format", "also")}
        return own | {"also": also}


class Counts(NamedTuple):
    """How many claims there are of each sort; it prints itself as those tested."""

    tested: int
    theorems: int
    theirs: int  # of those tested, as are all that follow
    readings: int
    ours: int
    confirmed: int
    refuted: int
    undecided: int
    corrected: int  # that the interval alone would have decided
    full: int
    laptop: int
    drawn: int
    benchmarks: int
    paired: int
    unpaired: int
    chapters: int
    fewest: int  # the smallest n

    def __str__(self) -> str:
        return f"{self.tested}"


class Rule(NamedTuple):
    """Where the true value must lie."""

    low: float  # -inf: no such side
    high: float  # inf: no such side
    closed: bool  # whether the ends belong to it
    words: str  # the rule as a reader sees it; {unit} stands for the unit

    @property
    def sides(self) -> tuple[float | None, float | None]:
        """The lower end and the upper one, None for one that it has not."""
        low, high = (b if math.isfinite(b) else None for b in (self.low, self.high))
        return low, high

    @property
    def bounds(self) -> list[float]:
        """The ends that it has, the lower first."""
        return [bound for bound in self.sides if bound is not None]

    def holds(self, value: float) -> bool:
        """Return whether a value satisfies the rule."""
        if self.closed:
            return self.low <= value <= self.high
        return self.low < value < self.high


class Sample(NamedTuple):
    """The values of a metric, by seed, draw or turn."""

    values: dict[int, float]
    of: str  # "seeds", "draws" or "turns"
    scale: str
    origin: Recipe | str  # the recipe, or the name of what was drawn or timed


class Number(NamedTuple):
    """A metric over seeds that prints itself in prose: four significant digits."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
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


def parse_rule(text: str) -> Rule:
    """Return the rule in "< 1", "<= 1", "> 1", ">= 1" or "within 1 to 2".

    Raises ValueError for anything else, or for bounds in the wrong order.
    """
    words = text.split()
    try:
        match words:
            case [sign, bound] if sign in SIGNS:
                ends = [_finite(bound)]
            case ["within", low, "to", high]:
                ends = [_finite(low), _finite(high)]
            case _:
                raise ValueError
    except ValueError:
        raise ValueError(
            f"{text!r} is no rule: write '< 1', '<= 1', '> 1', '>= 1' or "
            "'within 1 to 2'"
        ) from None
    if len(ends) == 1:
        (end,) = ends
        least, most = (-math.inf, end) if sign[0] == "<" else (end, math.inf)
        return Rule(least, most, "=" in sign, f"{SIGNS[sign]} {bound}{{unit}}")
    if not ends[0] < ends[1]:
        raise ValueError(f"the bounds of {text!r} are reversed: write the lower first")
    return Rule(ends[0], ends[1], True, f"between {low} and {high}{{unit}}")


def _finite(text):
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def decide(
    estimate: Estimate | Share, rule: Rule, factor: float = 1.0
) -> tuple[str, float]:
    """Return the verdict that an estimate would have, and its p-value.

    The verdict is "confirmed" where the mean lies inside the rule, else "refuted". The
    p-value is the two-sided one of the nearest bound, which is the larger of two
    (inside, these are two one-sided tests, each at the level of the two-sided one). So
    it is below 5 % if and only if the whole 95 % interval lies inside, or outside on
    one side. It is 1 where n = 1, and 0 where n values are all equal. `factor` leads
    from the unit of the estimate to that of the rule.
    Source: Schuirmann 1987, A comparison of the two one-sided tests procedure.
    """
    found = estimate.interval()
    p = max(estimate.p_value(bound / factor) for bound in rule.bounds)
    if found.n > 1 and found.low == found.high:
        p = 0.0
    return "confirmed" if rule.holds(found.mean * factor) else "refuted", p


def verdict(would_be: str, p: float, level: float = LEVEL) -> str:
    """Return a verdict if its p-value is below the level, else "undecided"."""
    return would_be if p < level else "undecided"


def pairs_by_seed(recipe: Recipe, other: Recipe) -> bool:
    """Return whether runs of two recipes with the same seed are a pair.

    They are if the seed gives both the same start and the same way: initial weights of
    equal shape (the same class of model and network, as wide and as deep, with a head
    for the log-variance in both or in neither) and the same training images in the same
    order (the same data set, number of images, size of a batch, shuffling). Loss,
    optimizer and number of epochs may differ. An autoencoder and a VAE, or networks of
    two sizes, share nothing but the number: a seed of one does not belong to that of
    the other.
    """
    heads = [one.posterior_sd is None for one in (recipe, other)]
    return heads[0] == heads[1] and all(
        getattr(recipe, field) == getattr(other, field) for field in SAME_START
    )


def rows(path: Path, chapter: int | None = None) -> list[Row]:
    """Return the claims of one chapter, or of all, in the file's order.

    Raises ValueError naming the claim, and the mend, if it is not well formed or names
    a recipe or metric there is none of.
    """
    claims = tomllib.loads(Path(path).read_text("utf8")).get("claim", [])
    found = [c for c in claims if chapter is None or c.get("chapter") == chapter]
    return correct([_row(claim) for claim in found])


def correct(found: list[Row]) -> list[Row]:
    """Return rows with their verdicts, corrected for the tests of their chapter.

    Holm's correction, over the rows of a chapter that are tested: a chapter is what one
    reads and concludes from at a time, and its rows often share their runs.
    """
    found = list(found)
    tests = [i for i, row in enumerate(found) if row.kind == "test"]
    for chapter in {row.chapter for row in found}:
        family = [i for i in tests if found[i].chapter == chapter]
        corrected = holm([found[i].p or 0.0 for i in family])
        for i, p in zip(family, corrected, strict=True):
            final = verdict(found[i].alone or "", p)
            found[i] = replace(found[i], p_holm=p, verdict=final)
    return found


def count(found: list[Row]) -> Counts:
    """Return how many of the rows there are of each sort."""
    tested = [row for row in found if row.kind == "test"]
    of: Counter[object] = Counter()
    for row in tested:
        of.update((row.whose, row.verdict, row.scale, ("paired", row.paired)))
    return Counts(
        tested=len(tested),
        theorems=len(found) - len(tested),
        theirs=of["theirs"],
        readings=of["reading"],
        ours=of["ours"],
        confirmed=of["confirmed"],
        refuted=of["refuted"],
        undecided=of["undecided"],
        corrected=sum(row.alone != row.verdict for row in tested),
        full=of["full"],
        laptop=of["laptop"],
        drawn=of["images drawn"],
        benchmarks=of["benchmark"],
        paired=of["paired", True],
        unpaired=of["paired", False],
        chapters=len({row.chapter for row in tested}),
        fewest=min((row.n for row in tested), default=0),
    )


def _row(claim):
    """Return the row of a claim, not yet corrected, or say what is wrong with it."""
    try:
        _check(claim)
        names = [claim[key] for key in ("metric", *_other(claim))]
        first, *others = (_judged(claim, samples) for samples in _samples(names))
        return replace(first, also=tuple(others))
    except ValueError as error:
        text = claim.get("claim", claim)
        raise ValueError(f"The claim {text!r} cannot be tested: {error}") from error


def _judged(claim, samples):
    """Return the row of a claim that its samples, all of one scale, make."""
    estimate, paired = _estimate(claim, samples)
    factor, found = claim.get("factor", 1.0), estimate.interval()
    ends = (found.low * factor, found.high * factor) if found.n > 1 else (None,) * 2
    unit = _unit_of(claim)
    rule, p, alone = "", None, None
    sides: tuple[float | None, float | None] = None, None
    if "holds" in claim:
        parsed = parse_rule(claim["holds"])
        would_be, p = decide(estimate, parsed, factor)
        alone = verdict(would_be, p)
        rule = parsed.words.format(unit=f" {unit}" if unit else "")
        sides = parsed.sides
    given = (*REQUIRED[:-1], "kind", "reason", "measure", "format")
    return Row(
        **{key: claim[key] for key in given if key in claim},
        mean=found.mean * factor,
        low=ends[0],
        high=ends[1],
        n=found.n,
        of=samples[0].of,
        scale=samples[0].scale,
        unit=unit,
        rule=rule,
        least=sides[0],
        most=sides[1],
        paired=paired,
        p=p,
        p_holm=None,
        alone=alone,
        verdict=None,
    )


def _check(claim):
    """Raise ValueError, with the mend, for a key that is lacking, unknown or bad."""
    _check_keys(claim)
    _check_values(claim)


def _check_keys(claim):
    kind = claim.get("kind", "test")
    if kind not in ("test", "theorem"):
        raise ValueError(f"kind is {kind!r}: leave it out, or write 'theorem'")
    needed, other = ("reason", "holds") if kind == "theorem" else ("holds", "reason")
    for key in (*REQUIRED, needed):
        if key not in claim:
            raise ValueError(f"it has no {key}: write {key} = …")
    known = {*REQUIRED, *OPTIONAL} - {other}
    if not claim.keys() <= known:
        unknown = ", ".join(sorted(claim.keys() - known))
        raise ValueError(f"a {kind} has no {unknown}: leave it out")
    if len(_other(claim)) > 1:
        raise ValueError("it has both minus and over: leave one out")


def _check_values(claim):
    for key, value in claim.items():
        types = KINDS.get(key, TEXT)
        if type(value) not in types:
            raise ValueError(f"{key} is {value!r}: {WANTED[types]}")
    if claim["whose"] not in WHOSE:
        raise ValueError(
            f"whose is {claim['whose']!r}: choose one of {', '.join(WHOSE)}"
        )
    if claim["whose"] != "ours" and not _post_of(claim["source"]):
        raise ValueError(
            f"source is {claim['source']!r}: begin with one of {'; '.join(POSTS)}"
        )
    if not claim.get("factor", 1.0) > 0:
        raise ValueError(f"factor is {claim['factor']}: it must be above 0")
    try:
        format(0.5, claim.get("format", ""))
    except ValueError:
        raise ValueError(
            f"format is {claim['format']!r}: write one that Python has, as '.2f'"
        ) from None


def _post_of(source):
    """Return which of POSTS a claim's source begins with, or ""."""
    return next((p for p in POSTS if f"{source},".startswith(f"{p},")), "")


def _other(claim):
    return [key for key in ("minus", "over") if key in claim]


def _unit_of(claim: dict) -> str:
    """Return the unit of a claim's number: its own, or the metric's in the registry.

    A ratio has none. Raises ValueError for a metric that is not registered, or where a
    factor leads to a unit that the claim does not name.
    """
    if "unit" in claim:
        return claim["unit"]
    if claim.get("factor", 1) != 1:
        raise ValueError('a factor leads to another unit: name it, as unit = "%"')
    source, _, name = claim["metric"].rpartition(":")
    if "over" in claim or source.startswith(BENCHMARK):
        return ""
    if " " in name:
        raise ValueError(f"{name!r} is no metric: name its unit, as unit = '%'")
    return metric(name).label


def _estimate(claim, samples):
    """Return the estimate of what is claimed, and whether it is of pairs."""
    groups = [sample.values for sample in samples]
    if claim.get("absolute"):
        groups = [{k: abs(v) for k, v in group.items()} for group in groups]
    if len(groups) == 1:
        values = list(groups[0].values())
        told = samples[0].of == "draws" and set(values) <= {0.0, 1.0}
        if told or all(isinstance(value, bool) for value in values):
            return Share(round(sum(values)), len(values)), None
        return mean_estimate(values), None
    paired = _pairs(*samples)
    keys = [list(group) for group in groups]
    if paired:
        keys = [[k for k in groups[0] if k in groups[1]]] * 2
        if not keys[0]:
            raise ValueError(
                "the two have no seed in common: train and ship the same seeds of both"
            )
    a, b = ([group[k] for k in of] for group, of in zip(groups, keys, strict=True))
    if "over" in claim:
        return ratio_estimate(a, b, paired), paired
    if paired:
        return mean_estimate([x - y for x, y in zip(a, b, strict=True)]), paired
    return welch_estimate(a, b), paired


def _pairs(one, other):
    """Return whether the values of two samples with the same key are a pair."""
    if isinstance(one.origin, Recipe) and isinstance(other.origin, Recipe):
        return pairs_by_seed(one.origin, other.origin)
    return one.origin == other.origin


def _samples(names):
    """Return the samples of metrics at each scale that all have, the best first.

    A name is "RECIPE:METRIC", "EXPERIMENT/LABEL:METRIC" of a member of an experiment,
    "polar:METRIC" of images drawn, or "benchmark NAME:CASE" of the ratios of its turns.
    """
    parsed = [_split(name) for name in names]
    others = [_not_trained(source, metric) for source, metric in parsed]
    if all(others):
        return [others]
    if any(others):
        raise ValueError(f"{' and '.join(names)} are of two kinds: compare like things")
    recipes = [_recipe_name(source) for source, _ in parsed]
    for scales in (shown(), SCALES):  # where there is none of the first, any will do
        found = [
            [
                _of_runs(get_recipe(name, scale), runs, metric)
                for name, runs, (_, metric) in zip(recipes, every, parsed, strict=True)
            ]
            for scale in scales
            if all(every := [records(name, scale) for name in recipes])
        ]
        if found:
            return found
    raise ValueError(
        f"no shipped runs of {' and '.join(dict.fromkeys(recipes))} at one scale: "
        "vaetut train RECIPE --scale SCALE, then vaetut ship"
    )


def _split(name):
    source, _, metric = name.rpartition(":")
    if not (source and metric):
        raise ValueError(f"{name!r} is no metric of anything: write RECIPE:METRIC")
    return source, metric


def _recipe_name(text):
    """Return the name of a recipe; of "EXPERIMENT/LABEL" that of the member."""
    experiment, slash, label = text.partition("/")
    if not slash:
        return text
    members = EXPERIMENTS.get(experiment, {})
    for what, name, known in (
        ("experiment", experiment, EXPERIMENTS),
        (f"member of {experiment!r}", label, members),
    ):
        if name not in known:
            choices = ", ".join(known)
            raise ValueError(f"there is no {what} {name!r}: choose one of {choices}")
    return members[label]


def _of_runs(recipe, runs, metric):
    """Return the sample of a metric of the runs of a recipe."""
    values = {run.seed: _value(run, metric) for run in runs}
    if None in values.values():
        known = sorted(set.intersection(*(set(run.metrics) for run in runs)))
        raise ValueError(
            f"no shipped run has {recipe.name}:{metric}: choose one of "
            f"{', '.join(known)}"
        )
    return Sample(values, "seeds", recipe.scale, recipe)


def _value(run, text):
    """Return what a record says of a metric, or of what else it holds; else None.

    That is "PROFILE within LOW to HIGH", the share of images, "METRIC within LOW to
    HIGH", whether it is, "NAME of epoch N" of the history, and "PART parameters".
    """
    match text.split():
        case [name, "within", *bounds]:
            rule = parse_rule(" ".join(["within", *bounds]))
            if name in run.profiles:
                inside = [rule.holds(value) for value in run.profiles[name]]
                return sum(inside) / len(inside)
            return rule.holds(run.metrics[name]) if name in run.metrics else None
        case [name, "of", "epoch", number]:
            epochs = dict(enumerate(run.history.get(name, []), 1))
            return epochs.get(int(number)) if number.isdecimal() else None
        case [part, "parameters"]:
            return run.parameters.get(part)
    return run.metrics.get(text)


def _not_trained(source, metric):
    """Return the sample of what was drawn or timed; None if `source` is neither."""
    if source.startswith(BENCHMARK):
        ratios = _turns(source.removeprefix(BENCHMARK), metric)
        return Sample(dict(enumerate(ratios)), "turns", "benchmark", source)
    if source not in DRAWN:
        return None
    measures = DRAWN[source]()
    if metric not in measures:
        raise ValueError(
            f"{source} has no {metric!r}: choose one of {', '.join(measures)}"
        )
    return Sample(dict(enumerate(measures[metric])), "draws", "images drawn", source)


def _turns(name, case):
    """Return the ratios of a case of a stored benchmark."""
    path = BENCHMARKS / f"{name}.json"
    cases = json.loads(path.read_text("utf8"))["cases"] if path.exists() else []
    for found in cases:
        if found["case"] == case:
            return found["ratios"]
    known = "; ".join(found["case"] for found in cases) or "none: vaetut bench --list"
    raise ValueError(
        f"no stored benchmark {name!r} has the case {case!r}: there is {known}"
    )


def substitutions(path: Path) -> dict:
    """Return what `<data value=…>` may name in the book's prose.

    Every metric of every shipped recipe, as in `fashion_vae.kl` or
    `fashion_vae.gap_prior.percent`, its parameters as in `fashion_ae.parameters.total`,
    of every member of an experiment, as in `autopsy.ours_batch_size.hole_iou`, the
    measures of images drawn on demand, as in `polar.bce_floor`, and `claims`, how many
    are tested, with how many there are of each sort, as in `claims.refuted`.
    """
    found: dict[str, Any] = {"claims": count(rows(path))}
    for name, measures in DRAWN.items():
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
