"""What a VAE's posteriors q(z|x) are, one by one and all together.

`mean` and `log_var` are (n, d), a row an image.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from vaetut.analysis.chunks import rows_at_once
from vaetut.analysis.cloud import norms
from vaetut.analysis.likelihood import (
    LOG_2PI,
    as_posterior,
    gaussian_kl,
    gaussian_log_density,
)
from vaetut.checks import Seed, finite_array, random_generator, whole_number


class ActiveUnits(NamedTuple):
    """Which latent dimensions carry anything of the image."""

    variances: np.ndarray  # (d,) variance over images of the posterior mean
    count: int  # type: ignore[assignment]  # how many exceed the threshold


def active_units(means: ArrayLike, threshold: float = 0.01) -> ActiveUnits:
    """Return the variance of each dimension's posterior mean, and how many are active.

    `means` (n, d); a dimension is active where that variance exceeds `threshold`, in
    squared units of the code. Raises ValueError for fewer than two rows, or a negative
    threshold.
    Source: Burda et al. 2016, Importance weighted autoencoders, section 5.2.
    """
    means = finite_array("means", means, ndim=2)
    threshold = float(finite_array("threshold", threshold, ndim=0))
    if threshold < 0 or len(means) < 2:
        raise ValueError("threshold must be >= 0, and means have two or more rows")
    variances = means.var(0)
    return ActiveUnits(variances, int((variances > threshold).sum()))


class AggregatePosterior(NamedTuple):
    """The KL loss taken apart, in nats: kl = mutual_information + marginal_kl."""

    kl: float  # mean over images of KL(q(z|x) || N(0, I)), closed form
    mutual_information: float  # I(x; z) under q: what a code tells of its image
    marginal_kl: float  # KL(q(z) || N(0, I)), of the aggregate posterior


def aggregate_posterior(
    mean: ArrayLike, log_var: ArrayLike, seed: Seed, n_samples: int = 1
) -> AggregatePosterior:
    """Return the ELBO surgery of n posteriors: KL = mutual information + marginal KL.

    `mean`, `log_var` (n, d), log_var above about -25; `n_samples` codes are drawn from
    each posterior, at a cost of n^2 n_samples.  q(z) is the mixture of all n
    posteriors, a code's own among them.  Only E log q(z) is estimated; kl and the
    expectations of log q(z|x) and log p(z) are closed forms, so that
    kl = mutual_information + marginal_kl holds exactly by construction, while the two
    parts carry the same Monte Carlo error with opposite signs.  The mixture is of
    these n images: mutual_information is at most log n, up to that error.  Made-up
    means want another seed than this one: noise that repeats them biases the result.
    Raises ValueError for two shapes, or no sample.
    Source: Hoffman & Johnson 2016, ELBO surgery: yet another way to carve up the
    variational evidence lower bound.
    """
    mean, log_var = as_posterior(mean, log_var)
    kl = float(gaussian_kl(mean, log_var).mean())
    rng, variance = random_generator(seed), np.exp(log_var)
    own = -0.5 * (1 + log_var + LOG_2PI).sum(1)  # E log q(z|x)
    prior = -0.5 * (mean**2 + variance + LOG_2PI).sum(1)  # E log p(z)
    parts, noises = [], []
    for _ in range(whole_number("n_samples", n_samples)):
        z = mean + np.sqrt(variance) * rng.standard_normal(mean.shape)
        parts.append(_log_aggregate(z, mean, log_var))
        own_noise = gaussian_log_density(z, mean, log_var) - own
        prior_noise = gaussian_log_density(z) - prior
        noises.append(np.stack([own_noise, prior_noise], axis=1))
    # Both noises have mean 0 and go with log q(z): take out what they explain.
    log_q, controls = np.concatenate(parts), np.concatenate(noises)
    centred = controls - controls.mean(0)
    weights = np.linalg.lstsq(centred, log_q - log_q.mean(), rcond=None)[0]
    expected = float(log_q.mean() - controls.mean(0) @ weights)
    return AggregatePosterior(
        kl=kl,
        mutual_information=float(own.mean()) - expected,
        marginal_kl=expected - float(prior.mean()),
    )


def _log_aggregate(z, mean, log_var):
    """Return log q(z) = log mean_j N(z; mean_j, exp(log_var_j)), (len(z),)."""
    precision = np.exp(-log_var)
    slope = np.hstack([-0.5 * precision, mean * precision]).T
    level = -0.5 * (mean**2 * precision + log_var + LOG_2PI).sum(1)
    size = rows_at_once(len(mean))
    result = np.empty(len(z))
    for i in range(0, len(z), size):
        part = z[i : i + size]
        result[i : i + size] = logsumexp(np.hstack([part**2, part]) @ slope + level, 1)
    return result - np.log(len(mean))


class PosteriorStatistics(NamedTuple):
    """How wide posteriors are, and how far what is drawn from them lies off."""

    log_var_min: float
    log_var_mean: float
    log_var_max: float
    mean_shift_max: float  # the largest |z - mean| of a component
    mean_shift_share: float  # of components farther off than the threshold
    radius_deviation: float  # the mean of | ‖z‖ - ‖mean‖ | / ‖mean‖
    radius_of_mean: float  # the mean of ‖mean‖
    radius_of_z: float  # the mean of ‖z‖


def posterior_statistics(
    mean: ArrayLike, log_var: ArrayLike, z: ArrayLike, threshold: float = 0.05
) -> PosteriorStatistics:
    """Return how wide posteriors are, and how far drawn codes lie from their means.

    `mean`, `log_var` and `z` (n, d): what an encoder gives for n images, and a code
    drawn for each. Log-variances are in nats, the rest in the unit of the codes; a
    component counts as shifted above `threshold`. Raises ValueError where the three
    differ in shape, or a mean is 0 throughout, over which there is no ratio.
    """
    arrays = {"mean": mean, "log_var": log_var, "z": z}
    mean, log_var, z = (
        finite_array(name, values, ndim=2, dtype=None)
        for name, values in arrays.items()
    )
    if not mean.shape == log_var.shape == z.shape:
        raise ValueError(
            "mean, log_var and z must be of one shape, not "
            f"{mean.shape}, {log_var.shape} and {z.shape}"
        )
    threshold = float(finite_array("threshold", threshold, ndim=0))
    of_mean, of_z = norms(mean), norms(z)
    if not of_mean.all():
        raise ValueError("mean holds a row of zeros: drop it, it has no direction")
    shift = np.abs(z - mean)
    return PosteriorStatistics(
        log_var_min=float(log_var.min()),
        log_var_mean=float(log_var.mean(dtype=np.float64)),
        log_var_max=float(log_var.max()),
        mean_shift_max=float(shift.max()),
        mean_shift_share=float((shift > threshold).mean()),
        radius_deviation=float((np.abs(of_z - of_mean) / of_mean).mean()),
        radius_of_mean=float(of_mean.mean()),
        radius_of_z=float(of_z.mean()),
    )
