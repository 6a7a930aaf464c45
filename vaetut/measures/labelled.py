"""What is measured of a model of images with labels, as those of clothes.

The same measures for an autoencoder and a VAE, so that they can be compared; a VAE has
some more. Means and shares are over test images or samples.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from vaetut import analysis
from vaetut.datasets import Dataset
from vaetut.models import VAE, ImageModel

NOISE = 0.3  # standard deviation, of grey values in [0, 1]
SAMPLES = 5_000  # points drawn from the latent plane
NEAREST = 1_000  # of which so many are decoded and looked up among real images
EVIDENCE_IMAGES = 2_000  # whose p(x) is found
EVIDENCE_SIDE = 192  # cells a side of the box over which p(x|z)·p(z) is summed
SMOKE_SIDE = 32  # the same where there are too few images to mean anything
EVIDENCE_LIMIT = 5.0  # the box ends here, where the prior has fallen by e^-12.5
BOUND_IMAGES, BOUND_SAMPLES = 250, 64  # of the importance-weighted bound


def measure_labelled(
    model: ImageModel, test: Dataset, seed: int = 0
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Return every number of a model of images with labels, by name, and no profile.

    `test` holds images (n, h, w, c) and labels (n,). The seed draws the ε of codes and
    the samples. Units: see `vaetut.metrics`.
    """
    rng = np.random.default_rng(seed)
    labels: Any = test.labels  # a set with labels
    if isinstance(model, VAE):
        mean, log_var = model.encode(test.images)
        codes = mean + np.exp(0.5 * log_var) * rng.standard_normal(mean.shape)
        metrics: dict[str, Any] = _posterior(mean, log_var)
        metrics |= _likelihood(model, test, mean, log_var, rng)
    else:
        mean = codes = model.encode(test.images)
        metrics = {}
    metrics |= _reconstruction(model, test, mean)
    metrics |= _cloud(codes, labels)
    metrics |= _denoising(model, test, rng)
    samplers = {
        "box": analysis.sample_box(codes, SAMPLES, rng),
        "gaussian": analysis.sample_gaussian(codes, SAMPLES, rng),
        "prior": analysis.sample_prior(SAMPLES, codes.shape[1], rng),
    }
    for name, samples in samplers.items():
        shares = analysis.class_shares(codes, labels, samples)
        metrics[f"gap_{name}"] = analysis.gap_fraction(codes, samples)
        metrics[f"classes_{name}"] = analysis.effective_classes(shares)
    metrics |= _gap_images(model, test, codes, samplers["gaussian"])
    for name in ("box", "prior"):
        back = _round_trip(model, codes, samplers[name][:NEAREST])
        metrics[f"round_trip_{name}"] = np.median(back)
    return {name: float(value) for name, value in metrics.items()}, {}


def _reconstruction(
    model: ImageModel, test: Dataset, mean: np.ndarray
) -> dict[str, float]:
    """Return the cross-entropies of test images decoded from codes (n, d).

    "bce" is in nats per subpixel, the others are in nats per image.
    """
    images, logits = test.images / 255, model.decode_logits(mean)
    nats = -analysis.bernoulli_log_likelihood(images, logits).mean()
    floor = analysis.bernoulli_entropy(images).mean()
    return {
        "reconstruction": nats,
        "bce": nats / logits[0].size,
        "floor": floor,
        "excess": nats - floor,
    }


def _cloud(codes: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return where codes (n, d) lie, and how evenly classes share the plane."""
    cloud = analysis.cloud_statistics(codes)
    neighbours = analysis.nearest_index(codes, codes, exclude_self=True)
    found = {}
    if codes.shape[1] == 2:
        areas = analysis.class_areas(codes, labels)
        if areas.min() > 0:  # a class with a single code has none
            found["area_ratio"] = areas.max() / areas.min()
    return found | {
        "neighbour_accuracy": (labels[neighbours] == labels).mean(),
        "offset": cloud.offset,
        "anisotropy": cloud.anisotropy,
        "mardia_skewness": cloud.skewness,
        "mardia_kurtosis": cloud.kurtosis,
        "radius_ratio": cloud.radius_ratio,
        "moment_kl": cloud.kl,
    }


def _mean_codes(model: ImageModel, images: np.ndarray) -> np.ndarray:
    """Return codes, or a VAE's means, of images in [0, 1]."""
    codes = model.encode(images)
    return codes[0] if isinstance(model, VAE) else codes


def _round_trip(
    model: ImageModel, codes: np.ndarray, samples: np.ndarray
) -> np.ndarray:
    """Return how far E(D(s)) is from s, (n,), in units of the cloud's rms radius."""
    again = _mean_codes(model, np.clip(model.decode(samples), 0, 1))
    return np.linalg.norm(again - samples, axis=1) / np.sqrt(np.trace(np.cov(codes.T)))


def _gap_images(
    model: ImageModel, test: Dataset, codes: np.ndarray, samples: np.ndarray
) -> dict[str, float]:
    """Return how real the images of points in gaps and in the cloud are.

    Their distance to the nearest test image, and the round trip of their codes.
    """
    real = test.images.reshape(len(test), -1) / 255
    gap = analysis.in_gap(codes, samples)
    found: dict[str, float] = {}
    for where, chosen in (("gap", samples[gap]), ("cloud", samples[~gap])):
        chosen = chosen[:NEAREST]
        if not len(chosen):
            continue
        images = model.decode(chosen).reshape(len(chosen), -1)
        far = analysis.nearest_distance(images, real) / np.sqrt(real.shape[1])
        found[f"round_trip_{where}"] = np.median(_round_trip(model, codes, chosen))
        found[f"nearest_real_{where}"] = np.median(far)
    return found


def _denoising(
    model: ImageModel, test: Dataset, rng: np.random.Generator
) -> dict[str, float]:
    """Return the error of denoised images over that of noisy ones, and of a blur."""
    clean = test.images[:NEAREST] / 255
    noisy = np.clip(clean + rng.normal(0, NOISE, clean.shape), 0, 1)
    decoded = model.decode(_mean_codes(model, noisy))
    blurred = gaussian_filter(noisy, (0, 1, 1, 0))
    left, before, rival = (
        np.sqrt(np.square(images - clean).mean())
        for images in (decoded, noisy, blurred)
    )
    return {"denoised_to_noisy": left / before, "denoised_to_blurred": left / rival}


def _posterior(mean: np.ndarray, log_var: np.ndarray) -> dict[str, float]:
    """Return what the posteriors q(z|x) are, one by one and together."""
    surgery = analysis.aggregate_posterior(mean, log_var, seed=0)
    return {
        "kl": surgery.kl,
        "mutual_information": surgery.mutual_information,
        "marginal_kl": surgery.marginal_kl,
        "active_units": analysis.active_units(mean).count,
        "posterior_sd": np.median(np.exp(0.5 * log_var)),
    }


def _likelihood(
    model: VAE,
    test: Dataset,
    mean: np.ndarray,
    log_var: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Return ELBO, importance-weighted bound and log p(x), in nats per image, at β = 1.

    Metrics whose name ends in "few" are over the images of the bound, in "some" over
    those of log p(x).
    """
    images, sd = test.images / 255, np.exp(0.5 * log_var)
    z = mean + sd * rng.standard_normal(mean.shape)
    expected = analysis.bernoulli_log_likelihood(images, model.decode_logits(z))
    kl = analysis.gaussian_kl(mean, log_var)
    bounded, summed = slice(BOUND_IMAGES), slice(EVIDENCE_IMAGES)
    noise = rng.standard_normal((len(mean[bounded]), BOUND_SAMPLES, mean.shape[1]))
    z = mean[bounded, None] + sd[bounded, None] * noise
    logits = model.decode_logits(z.reshape(-1, mean.shape[1]))
    log_w = analysis.log_importance_weights(
        images[bounded],
        logits.reshape(*z.shape[:2], *images.shape[1:]),
        z,
        mean[bounded],
        log_var[bounded],
    )
    found = {
        "reconstruction_sampled": -expected.mean(),
        "total": (model.beta * kl - expected).mean(),
        "elbo": (expected - kl).mean(),
        "elbo_few": analysis.elbo(log_w).mean(),
        "iw_bound_few": analysis.importance_weighted_bound(log_w).mean(),
    }
    side = EVIDENCE_SIDE if len(test) >= EVIDENCE_IMAGES else SMOKE_SIDE
    if mean.shape[1] == 2 and np.median(sd) > 2 * EVIDENCE_LIMIT / side:
        evidence = _evidence(model, images[summed], side)
        found |= {
            "elbo_some": (expected - kl)[summed].mean(),
            "evidence": evidence.log_evidence.mean(),
            "evidence_few": evidence.log_evidence[bounded].mean(),
            "evidence_cells": np.quantile(evidence.effective_cells, 0.01),
        }
    return found


def _evidence(model: VAE, images: np.ndarray, side: int) -> analysis.Quadrature:
    """Return log p(x), by summing p(x|z)·p(z) over a fine grid of the latent plane."""
    corner = np.full((1, 2), EVIDENCE_LIMIT)
    grid = analysis.box_grid(np.concatenate([-corner, corner]), side)
    # `quadrature` averages over cells: times the area of the box, that is the sum.
    area = (2 * EVIDENCE_LIMIT) ** 2
    log_mass = analysis.gaussian_log_density(grid) + np.log(area)

    def pieces(size: int = 4096) -> Iterator[np.ndarray]:
        for start in range(0, len(grid), size):
            part = slice(start, start + size)
            logits = model.decode_logits(grid[part])
            likelihood = analysis.bernoulli_log_likelihood_matrix(images, logits)
            yield likelihood + log_mass[part]

    return analysis.quadrature(pieces())
