"""Whether the axes of a latent space mean anything: scores, null scores, angles.

`codes` are (n, d) and `factors` (n, k), continuous, a row a sample. A dimension whose
range is at most a millionth of the widest's is dead: it is taken as constant, and
tells of no factor.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr

from vaetut import checks
from vaetut.checks import Seed, finite_array, fraction, random_generator, whole_number

_DEAD = 1e-6  # of the widest dimension's range
_LEAF = 5  # samples a leaf of a tree: fewer fit noise, and take longer

# ---- What is asked of codes and factors


def _codes(codes: ArrayLike, least: int = 2) -> np.ndarray:
    """Return codes (n, d) with dead dimensions at exactly 0."""
    codes = finite_array("codes", codes, ndim=2)
    if len(codes) < least:
        raise ValueError(f"codes must be {least} or more, not {len(codes)}")
    if codes.shape[1] < 2:
        raise ValueError("codes must have two dimensions or more, not 1")
    widths = np.ptp(codes, axis=0)
    if widths.max() == 0:
        raise ValueError("codes are all the same: there is nothing to tell apart")
    return np.where(widths > _DEAD * widths.max(), codes, 0)


def _codes_and_factors(
    codes: ArrayLike, factors: ArrayLike, least_rows: int, least_factors: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    codes = _codes(codes, least_rows)
    factors = finite_array("factors", factors, ndim=2)
    checks.same_rows("codes", codes, "factors", factors)
    if factors.shape[1] < least_factors:
        raise ValueError(
            f"factors must be {least_factors} or more, not {factors.shape[1]}"
        )
    if (np.ptp(factors, axis=0) == 0).any():
        raise ValueError("factors must vary, each of them: drop constant ones")
    return codes, factors


# ---- Scores


def entanglement(codes: ArrayLike) -> float:
    """Return the mean over pairs of dimensions of E|c_i c_j|, the entanglement loss.

    `codes` (n, d), d >= 2; in the codes' units squared. 2/(d(d-1)) Σ_{i<j} E|c_i c_j|
    is not centred: it assumes codes of mean zero. It is 0 where every code lies on an
    axis. A constant dimension counts as it stands. Raises ValueError for one dimension
    and for codes that are all the same.
    Source: M-Lin-DM 2021, Zero-shot Learning with VAEs, part 3.
    """
    _codes(codes)  # for its checks
    sizes = np.abs(finite_array("codes", codes, ndim=2))
    products = sizes.T @ sizes / len(sizes)
    return float(products[np.triu_indices(len(products), 1)].mean())


def sap(codes: ArrayLike, factors: ArrayLike) -> float:
    """Return the SAP score: how far the best dimension leads in linear R².

    `codes` (n, d), `factors` (n, k); the squared correlation of each factor with each
    dimension, the best less the second best, the mean over factors, in [0, 1]. Two
    independent factors turned by θ in a plane have |cos 2θ|. Raises ValueError for
    one dimension, fewer than three rows or a constant factor.
    Source: Kumar et al. 2018, arXiv:1711.00848, section 3.
    """
    codes, factors = _codes_and_factors(codes, factors, 3)
    correlation = _standard(codes).T @ _standard(factors) / len(codes)
    return _lead(correlation**2)


def _standard(values: np.ndarray) -> np.ndarray:
    """Return columns of mean 0 and variance 1, or of 0 where they are constant."""
    # By the range first: a square must neither overflow nor vanish.
    widths = np.ptp(values, axis=0)
    scaled = (values - values.mean(0)) / np.where(widths > 0, widths, 1)
    scaled[:, widths == 0] = 0
    return scaled / np.where(widths > 0, scaled.std(0), 1)


def _lead(scores):
    """Return the best score (d, k) less the second best, the mean over factors."""
    second, best = np.sort(scores, axis=0)[-2:]
    return float((best - second).mean())


def mig(codes: ArrayLike, factors: ArrayLike, bins: int = 20) -> float:
    """Return the mutual information gap: how far the best dimension leads, in [0, 1].

    `codes` (n, d), `factors` (n, k); mutual information of each factor with each
    dimension, both in `bins` quantile bins, the best less the second best, over
    ln(bins), a factor's entropy but for ties; the mean over factors. What shares
    nothing is found to share about (bins - 1)²/2n nats: with n = 5,000 and 20 bins a
    perfect score is 0.99. Raises ValueError for one dimension, fewer than ten rows a
    bin or a constant factor.
    Source: Chen et al. 2018, arXiv:1802.04942, equation 6.
    """
    bins = whole_number("bins", bins, least=2)
    codes, factors = _codes_and_factors(codes, factors, 10 * bins)
    return _lead(_mutual_information(codes, factors, bins)) / float(np.log(bins))


def _mutual_information(codes, factors, bins):
    """Return the nats (d, k) that dimensions and factors share, in quantile bins."""
    d, k = codes.shape[1], factors.shape[1]
    pairs = np.arange(d * k).reshape(d, k)  # one histogram each
    rows, columns = _quantile_bins(codes, bins), _quantile_bins(factors, bins)
    cells = (pairs * bins + rows[:, :, None]) * bins + columns[:, None, :]
    counts = np.bincount(cells.ravel(), minlength=d * k * bins**2)
    joint = counts.reshape(d, k, bins, bins) / len(codes)
    of_code, of_factor = entr(joint.sum(3)).sum(2), entr(joint.sum(2)).sum(2)
    return of_code + of_factor - entr(joint).sum((2, 3))


def _quantile_bins(values, bins):
    """Return each column's bins, 0 to bins - 1, as full as each other but for ties."""
    edges = np.quantile(values, np.arange(1, bins) / bins, axis=0)
    each = [
        np.searchsorted(edge, column, side="right")
        for edge, column in zip(edges.T, values.T, strict=True)
    ]
    return np.stack(each, axis=1)


class DCI(NamedTuple):
    """Disentanglement, completeness and informativeness, each 1 at best."""

    disentanglement: float  # does a dimension tell of one factor only? 0 at worst
    completeness: float  # does one dimension tell all of a factor? 0 at worst
    informativeness: float  # held-out R² from all dimensions; 0 or less for noise


def dci(
    codes: ArrayLike,
    factors: ArrayLike,
    seed: Seed = 0,
    held_out: float = 0.25,
    trees: int = 50,
) -> DCI:
    """Return DCI from the importance of dimensions in random forests, one a factor.

    `codes` (n, d), `factors` (n, k); `held_out` is the share of rows kept from the
    forests of `trees` regressors, with five rows or more a leaf. A dimension's score
    is 1 - entropy, in base k, of its importances over factors, weighted by its share
    of all importance; a factor's is 1 - entropy, in base d, over dimensions, with a
    plain mean. Informativeness is the mean held-out R² in place of the source's error.
    A seed gives the same numbers again. Raises ValueError for one dimension or factor,
    and for fewer than ten rows to fit or to hold out.
    Source: Eastwood & Williams 2018, A framework for the quantitative evaluation of
    disentangled representations, section 2.
    """
    held_out, trees = fraction("held_out", held_out), whole_number("trees", trees)
    rng = random_generator(seed)
    codes, factors = _codes_and_factors(codes, factors, 20, least_factors=2)
    n, held = len(codes), round(held_out * len(codes))
    if not 10 <= held <= n - 10:
        raise ValueError(
            f"held_out {held_out:g} parts {n} rows into {n - held} and {held}: each "
            "must be ten or more"
        )
    rows = rng.permutation(n)
    test, train = rows[:held], rows[held:]
    for part in (train, test):
        if (np.ptp(factors[part], axis=0) == 0).any():
            raise ValueError(
                "factors must vary both in the rows to fit and in those held out: pass "
                "more rows"
            )
    importance, r2 = _forests(codes, factors, train, test, trees, rng)
    return DCI(*_entropy_scores(importance), float(r2.mean()))


def _forests(codes, factors, train, test, trees, rng):
    """Return the importances (d, k) and the R² (k,) on `test` of forests on `train`."""
    from sklearn.ensemble import RandomForestRegressor  # slow to import

    importance = np.empty((codes.shape[1], factors.shape[1]))
    r2 = np.empty(factors.shape[1])
    for j, factor in enumerate(_standard(factors).T):
        forest = RandomForestRegressor(
            trees,
            min_samples_leaf=_LEAF,
            n_jobs=1,
            random_state=int(rng.integers(2**31)),
        )
        forest.fit(codes[train], factor[train])
        importance[:, j] = forest.feature_importances_
        error = factor[test] - forest.predict(codes[test])
        r2[j] = 1 - (error**2).mean() / factor[test].var()
    return importance, r2


def _entropy_scores(importance: np.ndarray) -> tuple[float, float]:
    """Return disentanglement and completeness of importances (d, k), both >= 0."""
    weights = importance.sum(1)
    if not weights.sum() > 0:
        return 0.0, 0.0
    disentanglement = weights @ _concentration(importance) / weights.sum()
    return float(disentanglement), float(_concentration(importance.T).mean())


def _concentration(importance):
    """Return 1 - entropy of each row, in base of its length; 0 for a row of zeros."""
    total, width = importance.sum(1, keepdims=True), importance.shape[1]
    even = np.full(importance.shape, 1 / width)
    shares = np.divide(importance, total, out=even, where=total > 0)
    return 1 - entr(shares).sum(1) / np.log(width)


def factor_vae_score(
    codes: ArrayLike,
    factors: ArrayLike,
    seed: Seed = 0,
    votes: int = 500,
    batch: int = 64,
) -> float:
    """Return the FactorVAE score: how often what holds still names the factor.

    `codes` (n, d), `factors` (n, k). A vote draws a factor and a row, takes the
    `batch` rows nearest to it in that factor alone, and names the dimension of least
    variance, over its variance in all rows; dead ones are left out. Half of the
    `votes` say which factor a dimension stands for; the score is the share of the
    other half that agree. Chance is 1/k, with a spread of 0.04 for 500 votes and k = 2.
    It hardly sees a rotation: a square scores 1 until it lies some 42° off its axes.
    Raises ValueError for one dimension or factor, and for fewer than four batches of
    rows: a held factor spans batch/n of its rows.
    Source: Kim & Mnih 2018, arXiv:1802.05983, algorithm 2, for a given sample.
    """
    votes = whole_number("votes", votes, least=2)
    batch, rng = whole_number("batch", batch, least=2), random_generator(seed)
    codes, factors = _codes_and_factors(codes, factors, 4 * batch, least_factors=2)
    alive = np.ptp(codes, axis=0) > 0
    # In random order, so that rows that tie are not taken by their place.
    order = rng.permutation(len(codes))
    codes, factors = _standard(codes[order][:, alive]), factors[order]
    held = rng.integers(factors.shape[1], size=votes)
    still = np.empty(votes, int)
    for vote, (j, row) in enumerate(
        zip(held, rng.integers(len(codes), size=votes), strict=True)
    ):
        distance = np.abs(factors[:, j] - factors[row, j])
        near = np.argpartition(distance, batch - 1)[:batch]
        still[vote] = codes[near].var(0).argmin()
    train = votes // 2
    counts = np.zeros((codes.shape[1], factors.shape[1]), int)
    np.add.at(counts, (still[:train], held[:train]), 1)
    return float((counts.argmax(1)[still[train:]] == held[train:]).mean())


# ---- What axes at random would score


def random_rotations(d: int, count: int, seed: Seed) -> np.ndarray:
    """Return `count` rotations drawn evenly from all of d dimensions, (count, d, d).

    d >= 2; orthogonal, of determinant 1. Codes turn as codes @ rotation.T. Raises
    ValueError for one dimension, or no rotation.
    Source: Mezzadri 2007, arXiv:math-ph/0609050, section 5.
    """
    d, count = whole_number("d", d, least=2), whole_number("count", count)
    checks.room("d and count", count, d, d)
    normal = random_generator(seed).normal(size=(count, d, d))
    turned, triangle = np.linalg.qr(normal)
    turned *= np.sign(np.diagonal(triangle, axis1=1, axis2=2))[:, None]
    turned[:, :, 0] *= np.sign(np.linalg.det(turned))[:, None]
    return turned


def rotation_null(
    score: Callable[[np.ndarray], float],
    codes: ArrayLike,
    count: int = 200,
    seed: Seed = 0,
) -> np.ndarray:
    """Return the scores of the same codes with axes at random, (count,).

    `score` takes codes (n, d) to a number, such as lambda c: sap(c, factors); `codes`
    turn about the origin by `random_rotations`. Raises ValueError where a score is no
    finite number.
    """
    checks.function("score", score)
    codes = finite_array("codes", codes, ndim=2)
    _codes(codes)  # for its checks
    rotations = random_rotations(codes.shape[1], count, seed)
    scores = [score(codes @ rotation.T) for rotation in rotations]
    return finite_array("what score returned", scores, ndim=1)


def null_rank(value: float, null: ArrayLike) -> float:
    """Return the share of `null` (m,) that lies below `value`, ties counting half.

    A number in [0, 1]: near 0 or 1 where axes mean something, and 0.5 on average,
    evenly spread, where they do not. Raises ValueError for an empty null, or NaN.
    """
    value = float(finite_array("value", value, ndim=0))
    null = finite_array("null", null, ndim=1)
    return float(((null < value) + 0.5 * (null == value)).mean())


# ---- Which way factors point


class Orientation(NamedTuple):
    """Angles of the factors' directions in the latent space, in degrees."""

    to_axis: float  # median, of a tangent to its nearest axis; 0 is aligned
    between: float  # median, of two factors' tangents at a point, in [0, 90]


def orientation(tangents: ArrayLike) -> Orientation:
    """Return the median angles of tangents to the axes and to each other.

    `tangents` (n, k, d), of any length: the slope of the code along factor k at point
    n, with k and d at least 2. Both are medians over points, `to_axis` over factors
    besides and `between` over pairs of them. At random they are 22.5° and 45° for
    d = 2, 33.6° and 60° for d = 3. Raises ValueError for a tangent of length 0.
    """
    tangents = finite_array("tangents", tangents, ndim=3)
    k, d = tangents.shape[1:]
    if k < 2 or d < 2:
        raise ValueError(
            "tangents must be (n, k, d), of two factors or more in two dimensions or "
            f"more, not {tangents.shape}"
        )
    largest = np.abs(tangents).max(2, keepdims=True)
    if not largest.all():
        raise ValueError("tangents of length 0 have no direction: drop those points")
    scaled = tangents / largest
    *others, first = np.moveaxis(np.sort(np.abs(scaled), axis=2), 2, 0)
    to_axis = np.arctan2(np.linalg.norm(others, axis=0), first)
    unit = scaled / np.linalg.norm(scaled, axis=2, keepdims=True)
    i, j = np.triu_indices(k, 1)
    apart = np.linalg.norm(unit[:, i] - unit[:, j], axis=2)
    along = np.linalg.norm(unit[:, i] + unit[:, j], axis=2)
    between = 2 * np.arctan2(np.minimum(apart, along), np.maximum(apart, along))
    return Orientation(
        to_axis=float(np.degrees(np.median(to_axis))),
        between=float(np.degrees(np.median(between))),
    )


def rotation_curve(codes: ArrayLike, angles: ArrayLike) -> np.ndarray:
    """Return the entanglement of codes turned about the origin by each angle, (m,).

    `codes` (n, 2), `angles` (m,) in radians; it repeats every quarter turn. With
    codes (x, y) it is E|(x² - y²) sin(2θ)/2 + xy cos 2θ|. Raises ValueError for codes
    of other than two dimensions.
    """
    codes, angles = finite_array("codes", codes, 2), finite_array("angles", angles, 1)
    if codes.shape[1] != 2:
        raise ValueError(f"codes must be (n, 2), not {codes.shape}")
    _codes(codes)  # for its checks
    x, y = codes.T
    straight, oblique = x * y, (x * x - y * y) / 2
    curve = [
        np.abs(oblique * np.sin(2 * t) + straight * np.cos(2 * t)).mean()
        for t in angles
    ]
    return np.array(curve)
