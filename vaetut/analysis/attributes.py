"""Where yes-or-no attributes lie in a latent space: linear probes and directions.

`codes` are (n, d) and `attributes` (n, m), bool or 0 and 1, a row an image.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vaetut import checks
from vaetut.checks import finite_array


def _attributes(name: str, values: ArrayLike, ndim: int | None = 2) -> np.ndarray:
    """Return attributes as bool."""
    values = finite_array(name, values, ndim=ndim)
    if not ((values == 0) | (values == 1)).all():
        raise ValueError(f"{name} must hold nothing but no and yes, 0 and 1")
    return values == 1


def _codes_and_attributes(
    codes: ArrayLike, attributes: ArrayLike, kind: str = ""
) -> tuple[np.ndarray, np.ndarray]:
    codes = finite_array(f"{kind}codes", codes, ndim=2)
    attributes = _attributes(f"{kind}attributes", attributes)
    checks.same_rows(f"{kind}codes", codes, f"{kind}attributes", attributes)
    return codes, attributes


# ---- Probes


def balanced_accuracy(truth: ArrayLike, said: ArrayLike) -> float | np.ndarray:
    """Return the mean of the shares of yes and of no that are said rightly.

    `truth` and `said` (n,) give a float, (n, m) an array (m,), one an attribute: 1 is
    perfect, 0.5 is chance however rare an attribute is. nan where `truth` is all yes
    or all no. Raises ValueError for other values than yes and no.
    Source: Brodersen et al. 2010, The balanced accuracy and its posterior distribution.
    """
    truth, said = _attributes("truth", truth, None), _attributes("said", said, None)
    if truth.shape != said.shape or truth.ndim not in (1, 2):
        raise ValueError(
            "truth and said must be of one shape, (n,) or (n, m), not "
            f"{truth.shape} and {said.shape}"
        )
    with np.errstate(invalid="ignore"):
        of_yes = (truth & said).sum(0) / truth.sum(0)
        of_no = (~truth & ~said).sum(0) / (~truth).sum(0)
    accuracy = (of_yes + of_no) / 2
    return float(accuracy) if truth.ndim == 1 else accuracy


class Probe(NamedTuple):
    """A linear reading of attributes: yes where codes @ weights + bias > 0."""

    weights: np.ndarray  # (d, m) per unit of the codes
    bias: np.ndarray  # (m,)
    accuracy: np.ndarray  # (m,) balanced, on the test part; nan: attribute constant


def probe(
    codes: ArrayLike,
    attributes: ArrayLike,
    test_codes: ArrayLike,
    test_attributes: ArrayLike,
    ridge: float = 0.01,
) -> Probe:
    """Return how well each attribute can be read off codes by a linear function.

    `codes` (n, d) and `attributes` (n, m) fit it, `test_codes` (t, d) and
    `test_attributes` (t, m) judge it. It is a regression of ±1 on standardised codes,
    with a penalty of `ridge` times their variance; the threshold is where both classes
    err alike, if their leave-one-out scores are Gaussian, so that rare attributes are
    not passed over. Nothing is drawn at random. Where an attribute is constant in the
    training part its weights are 0, and where it is in either part its accuracy is nan:
    take np.nanmean. Raises ValueError for shapes that do not match.
    Source: Alain & Bengio 2016, arXiv:1610.01644; of the scores, Hoerl & Kennard 1970.
    """
    codes, truth = _codes_and_attributes(codes, attributes)
    test_codes, test_truth = _codes_and_attributes(test_codes, test_attributes, "test_")
    if len(codes) < 2:
        raise ValueError(f"codes must be 2 or more, not {len(codes)}")
    if codes.shape[1] != test_codes.shape[1] or truth.shape[1] != test_truth.shape[1]:
        raise ValueError(
            "the training and the test part must have as many columns: codes "
            f"{codes.shape[1]} and {test_codes.shape[1]}, attributes "
            f"{truth.shape[1]} and {test_truth.shape[1]}"
        )
    ridge = checks.positive("ridge", ridge)
    varies = truth.any(0) & ~truth.all(0)
    centre, spread = codes.mean(0), codes.std(0)
    spread[np.ptp(codes, axis=0) == 0] = np.inf  # a constant dimension tells nothing
    slopes, scores = _ridge((codes - centre) / spread, 2.0 * truth - 1, ridge)
    weights = np.where(varies, slopes / spread[:, None], 0)
    bias = np.where(varies, -_thresholds(scores, truth) - centre @ weights, 0)
    accuracy = balanced_accuracy(test_truth, test_codes @ weights + bias > 0)
    return Probe(weights, bias, np.where(varies, accuracy, np.nan))


def _ridge(standard, targets, ridge):
    """Return the slopes (d, m) and the leave-one-out scores (n, m), less the mean.

    `standard` (n, d) has mean 0; leaving a row out is exact but for the share of it
    in the means.
    """
    n, d = standard.shape
    mean = targets.mean(0)
    inverse = np.linalg.inv(standard.T @ standard + n * ridge * np.eye(d))
    slopes = inverse @ (standard.T @ (targets - mean))
    fitted = standard @ slopes
    own = ((standard @ inverse) * standard).sum(1)[:, None] + 1 / n
    return slopes, fitted - own / (1 - own) * (targets - mean - fitted)


def _thresholds(scores, truth):
    """Return the thresholds (m,) at which Gaussian classes err alike."""
    spreads, middles = [], []
    for kind in (truth, ~truth):
        count = np.maximum(kind.sum(0), 1)
        middle = (scores * kind).sum(0) / count
        spreads.append(np.sqrt(((scores - middle) ** 2 * kind).sum(0) / count))
        middles.append(middle)
    # A class of one has no spread of its own: give it the other's.
    yes, no = (np.where(s > 0, s, o) for s, o in (spreads, spreads[::-1]))
    total = np.where(yes + no > 0, yes + no, 2)
    yes, no = np.where(yes + no > 0, yes, 1), np.where(yes + no > 0, no, 1)
    return (middles[0] * no + middles[1] * yes) / total
