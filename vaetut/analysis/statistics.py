"""Intervals of means over seeds and over images."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from vaetut.analysis.chunks import rows_at_once
from vaetut.checks import (
    Seed,
    finite_array,
    flag,
    fraction,
    items,
    random_generator,
    whole_number,
)

LARGEST_LOG = 230.0  # of the end of a ratio, 1e100


class Interval(NamedTuple):
    """A mean and its interval; plain floats, so that it can be written as JSON."""

    mean: float  # of the values
    low: float  # lower end; equal to mean where n is 1
    high: float  # upper end; equal to mean where n is 1
    n: int  # number of values, most often of seeds


class Estimate(NamedTuple):
    """A mean with its standard error: what Student's t is made of.

    Where `logarithm` is true, mean and error are of a logarithm, and the interval and
    the bounds are of the quantity itself.
    """

    mean: float  # of the values, or of their difference
    error: float  # its standard error; 0 where all values are equal, or n = 1
    freedom: float  # degrees of freedom of Student's t
    n: int  # number of values; of two groups that do not pair, of the smaller
    logarithm: bool = False  # whether all this is of a logarithm

    def interval(self, level: float = 0.95) -> Interval:
        """Return the interval of the mean; low = high = mean where n = 1.

        Raises ValueError for a ratio of which it has no end.
        """
        level, half = fraction("level", level), 0.0
        if self.error > 0:
            half = float(stats.t.ppf((1 + level) / 2, self.freedom)) * self.error
        mean, low, high = self.mean, self.mean - half, self.mean + half
        if self.logarithm:
            if high > LARGEST_LOG:
                raise ValueError(
                    f"the interval of a ratio at level {level:g} ends beyond 1e100: "
                    "its values differ too much"
                )
            mean, low, high = map(math.exp, (mean, low, high))
        return Interval(mean, low, high, self.n)

    def p_value(self, bound: float) -> float:
        """Return the two-sided p-value of a mean equal to `bound`.

        It is below 5 % if and only if the 95 % interval leaves the bound out. Of one
        value nothing is known: 1. Equal values leave out all but their own: 0 or 1.
        """
        bound = float(finite_array("bound", bound, ndim=0))
        if self.n == 1:
            return 1.0
        if self.logarithm:
            bound = math.log(bound) if bound > 0 else -math.inf
        if self.error == 0:
            return float(self.mean == bound)
        distance = abs(self.mean - bound) / self.error
        return float(2 * stats.t.sf(distance, self.freedom))


class Share(NamedTuple):
    """How many of n independent draws did something."""

    hits: int  # draws that did
    n: int  # of draws

    def interval(self, level: float = 0.95) -> Interval:
        """Return the exact interval, which is none too narrow where all did or none.

        Source: Clopper & Pearson 1934, The use of confidence or fiducial limits.
        """
        test = stats.binomtest(self.hits, self.n)
        found = test.proportion_ci(fraction("level", level), method="exact")
        share = self.hits / self.n
        return Interval(share, float(found.low), float(found.high), self.n)

    def p_value(self, bound: float) -> float:
        """Return the two-sided p-value of a true share equal to `bound`.

        It is twice the smaller tail: below 5 % if the 95 % interval leaves it out.
        """
        bound = float(finite_array("bound", bound, ndim=0))
        if not 0 <= bound <= 1:
            return 0.0
        below = stats.binom.cdf(self.hits, self.n, bound)
        above = stats.binom.sf(self.hits - 1, self.n, bound)
        return float(min(1.0, 2 * min(below, above)))


def mean_estimate(values: ArrayLike, logarithm: bool = False) -> Estimate:
    """Return the mean of independent values (n,) with its standard error.

    With `logarithm` the mean is of their logarithms. Raises ValueError for a value
    that is not above 0 then.
    """
    read = _logarithms if flag("logarithm", logarithm) else _values
    checked = read("values", values)
    n, mean = len(checked), float(checked.mean())
    return Estimate(mean, _error(checked), n - 1, n, logarithm)


def welch_estimate(a: ArrayLike, b: ArrayLike, logarithm: bool = False) -> Estimate:
    """Return the difference of the means of two groups that do not pair.

    `a` (n,), `b` (m,). The spreads may differ; the degrees of freedom are Welch's. A
    group of one has no spread of its own, and then n = 1. With `logarithm` the
    difference is of mean logarithms. Raises ValueError for a value that is not above 0
    then.
    Source: Welch 1947, The generalization of Student's problem; Satterthwaite 1946.
    """
    read = _logarithms if flag("logarithm", logarithm) else _values
    one, other = read("a", a), read("b", b)
    squares = np.array([_error(one) ** 2, _error(other) ** 2])
    n, total = min(len(one), len(other)), float(squares.sum())
    freedom = float(n - 1)
    if n > 1 and total > 0:
        apart = squares**2 / [len(one) - 1, len(other) - 1]
        freedom = total**2 / float(apart.sum())
    mean = float(one.mean() - other.mean())
    return Estimate(mean, total**0.5 if n > 1 else 0.0, freedom, n, logarithm)


def _values(name, values):
    return finite_array(name, values, ndim=1)


def _logarithms(name, values):
    values = _values(name, values)
    if not values.min() > 0:
        raise ValueError(
            f"{name} must be above 0 to be part of a ratio: take a difference"
        )
    return np.log(values)


def _error(values):
    """Return the standard error of a mean; 0 of one value, or of equal ones."""
    if len(values) == 1 or (values == values[0]).all():
        return 0.0
    return float(values.std(ddof=1)) / len(values) ** 0.5


def interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Return the Student-t interval of the mean of independent values.

    `values` (n,), one a seed, in any unit, which the interval keeps.  The half width
    is t_{n-1} s / sqrt(n), with s the standard deviation (n - 1).  With n = 1 nothing
    is known of the spread: low = high = mean, and n = 1 says so. Raises ValueError for
    no values, NaN, or a level outside (0, 1).
    Source: Student 1908, The probable error of a mean.
    """
    return mean_estimate(values).interval(level)


def paired_interval(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Interval:
    """Return the Student-t interval of the mean of a - b, paired by position.

    `a`, `b` (n,): the same seeds, or the same images, under two treatments.  An
    interval that excludes 0 is a difference at that level.  Raises ValueError where
    the lengths differ.
    """
    one, other = _paired(a, b)
    return interval(one - other, level)


def _paired(a, b):
    a, b = _values("a", a), _values("b", b)
    if len(a) != len(b):
        raise ValueError(f"a and b must pair up: {len(a)} values and {len(b)}")
    return a, b


def welch_interval(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Interval:
    """Return Welch's interval of the difference of two means that do not pair.

    `a` (n,), `b` (m,), most often the seeds of two networks; n is the smaller number.
    Source: as `welch_estimate`.
    """
    return welch_estimate(a, b).interval(level)


def ratio_estimate(a: ArrayLike, b: ArrayLike, paired: bool) -> Estimate:
    """Return the ratio of two positive quantities, a over b, by their logarithms.

    `a` (n,), `b` (m,). It is a ratio of geometric means. The logarithm turns it into a
    difference: Student's of the pairs where `paired`, else Welch's. So the interval
    has two finite ends, both above 0, and b over a has their inverses. Fieller's
    interval of a ratio of arithmetic means may have no end; for values that vary as
    little as ours between seeds the two hardly differ.
    Raises ValueError for a value that is not above 0, or pairs that do not pair up.
    """
    if not flag("paired", paired):
        return welch_estimate(a, b, logarithm=True)
    one, other = _paired(a, b)
    difference = _logarithms("a", one) - _logarithms("b", other)
    return mean_estimate(difference)._replace(logarithm=True)


def ratio_interval(
    a: ArrayLike, b: ArrayLike, paired: bool, level: float = 0.95
) -> Interval:
    """Return the interval of the ratio of two positive quantities, a over b.

    As `ratio_estimate`.
    """
    return ratio_estimate(a, b, paired).interval(level)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in their order.

    `p_values` (n,), each in [0, 1]. One below 5 % afterwards: with a probability of at
    least 95 % none of the tests so found is a false alarm, however they depend on each
    other. Raises ValueError for a number outside [0, 1].
    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    raw = finite_array("p_values", p_values, ndim=1, empty=True)
    if not len(raw):
        return []
    if not (raw.min() >= 0 and raw.max() <= 1):
        raise ValueError("p_values must lie in [0, 1]")
    order, n = np.argsort(raw, kind="stable"), len(raw)
    corrected = np.empty(n)
    steps = raw[order] * np.arange(n, 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(steps))
    return corrected.tolist()


def bootstrap_interval(
    values: ArrayLike, seed: Seed, level: float = 0.95, draws: int = 2000
) -> Interval:
    """Return the percentile-bootstrap interval of the mean of independent values.

    `values` (n,), best with n > 30: use `interval` for a handful of seeds, where the
    bootstrap is too narrow. `seed` is an int or a Generator; `draws` is the number of
    resamples. With n = 1, low = high = mean. Raises ValueError for no values, NaN, or a
    level outside (0, 1).
    Source: Efron 1979, Bootstrap methods: another look at the jackknife.
    """
    values = finite_array("values", values, ndim=1)
    level, draws = fraction("level", level), whole_number("draws", draws)
    rng, n, mean = random_generator(seed), len(values), float(values.mean())
    if n == 1:
        return Interval(mean, mean, mean, 1)
    low, high = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=draws,
        batch=rows_at_once(n),
        vectorized=True,
        confidence_level=level,
        method="percentile",
        rng=rng,
    ).confidence_interval
    return Interval(mean, float(low), float(high), n)


def hierarchical_interval(
    values: Iterable[ArrayLike], seed: Seed = 0, level: float = 0.95, draws: int = 2000
) -> Interval:
    """Return the bootstrap interval of a mean over seeds of means over images.

    `values` holds a row of per-image values for each training seed, as many as it
    likes: each of the `draws` takes seeds with replacement, then images within each.
    n is the number of seeds; with one, low = high = mean. Where seeds differ more
    than images a 95 % interval covers 91 % with ten seeds and 86 % with five: of so
    few use `interval` on the seeds' means. Where images differ more it covers 98 %.
    Images that all seeds share are taken as given: what others of their kind would
    have shown is hardly in it. Raises ValueError for no seeds, a seed without values,
    or NaN.
    Source: Davison & Hinkley 1997, Bootstrap methods and their application, 3.8.
    """
    groups = _groups("values", values)
    level, draws = fraction("level", level), whole_number("draws", draws)
    rng, n, mean = random_generator(seed), len(groups), _mean_of_means(groups)
    if n == 1:
        return Interval(mean, mean, mean, 1)
    picks = rng.integers(n, size=(draws, n))
    resampled = _hierarchical_means(groups, picks, rng)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean, float(low), float(high), n)


def _groups(name, values):
    """Return a list of checked arrays, one a seed."""
    groups = [
        finite_array(f"{name}[{i}]", v, ndim=1)
        for i, v in enumerate(items(name, values))
    ]
    if not groups:
        raise ValueError(f"{name} is empty: pass an array of values for each seed")
    return groups


def _mean_of_means(groups):
    return float(np.mean([group.mean() for group in groups]))


def _hierarchical_means(groups, picks, rng):
    """Return the mean over the picked seeds (draws, n) of their resampled means."""
    means = np.empty(picks.shape)
    for s, values in enumerate(groups):
        picked = picks == s
        means[picked] = _resampled_means(values, np.count_nonzero(picked), rng)
    return means.mean(1)


def _resampled_means(values, draws, rng):
    """Return the means (draws,) of as many resamples of values (n,)."""
    n, means = len(values), np.empty(draws)
    rows = rows_at_once(n)
    for start in range(0, draws, rows):
        part = means[start : start + rows]
        part[:] = values[rng.integers(n, size=(len(part), n))].mean(1)
    return means
