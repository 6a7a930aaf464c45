"""What is measured of a model of polar curves: how it draws what it never saw.

On images drawn for the purpose, the same for every model, none of which anyone trained
on: of points in the hole, in the shell around it, and far from both. Every metric of a
region is a mean over its images; the images' own values are kept as profiles.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.special import expit

from vaetut import analysis
from vaetut.datasets import Dataset, polar
from vaetut.datasets.polar.render import INK
from vaetut.measures.factors import measure_factors
from vaetut.models import VAE

DRAWN, DRAW_SEED = 20_000, 10_001  # points among which those of a region are found
IN_REGION = 150  # images of each region
ATTRIBUTED = 24  # of which so many have their best code searched
SEARCH_STEPS = 10  # of that search
SPLINE_POINTS = 1000  # training points that the spline goes through
SMOKE = 500  # with fewer training images than this, measure less
SOURCE_KL, SOURCE_ENTANGLEMENT = 1e-3, 1e-4  # weights of the loss that the source logs


def measure_strokes(
    model: VAE, train: Dataset, test: Dataset, seed: int = 0, quick: bool = False
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Return every number of a model of polar images, and profiles over images.

    `train` and `test` are splits of a polar set; its hole, or the reference's if it has
    none, is where the model is asked. Where nothing is removed, so are the factors.
    The seed draws the ε of codes. A `quick` measure leaves out who is to blame for an
    error, which takes longest. Raises ValueError for images of no polar set.
    """
    if test.name not in polar.SETS:
        raise ValueError(
            f"{test.name!r} is no polar set: name the images after the one that has "
            f"their size, canvas and hole, out of {', '.join(polar.SETS)}."
        )
    options = polar.SETS[test.name]
    measured = _Strokes(model, options, len(train) < SMOKE, seed)
    factors: Any = train.factors  # a polar set has them
    metrics: dict[str, Any] = measured.validation(test)
    codes = model.encode(train.images)[0]
    # A collapsed encoder gives images the same code: then there is no sheet.
    collapsed = len(np.unique(codes, axis=0)) < len(codes)
    if not collapsed:
        metrics |= measured.sheet(codes, factors)
    profiles: dict[str, Any] = {}
    for region, points in measured.points.items():
        found = measured.errors(points)
        profiles |= {f"{region}_{k}": found[k] for k in ("excess_bce", "iou")}
        metrics |= {f"{region}_{k}": v.mean() for k, v in found.items()}
        metrics |= measured.crossings(region, points, found)
        metrics |= measured.noisy(region, points)
        if quick:
            continue
        metrics |= measured.attribution(region, points, codes, factors)
        if not collapsed:
            metrics |= measured.reading(region, points, codes, factors)
    for name, ends in polar.TRANSECTS.items():
        points = polar.transect(*ends)
        found = measured.errors(points)
        profiles |= {
            f"{name}_{k}": found[k] for k in ("excess_bce", "iou", "factor_error")
        }
        if not collapsed:
            along = model.encode(measured.draw(points))[0]
            metrics[f"{name}_largest_step"] = analysis.largest_step(along)
    if not options["hole"] and not collapsed and codes.shape[1] > 1:
        scores, lattice = measured.factors(codes, factors, seed)
        metrics, profiles = metrics | scores, profiles | lattice
    metrics["hole_to_shell"] = metrics["hole_excess_bce"] / metrics["shell_excess_bce"]
    metrics["hole_iou_lost"] = metrics["shell_iou"] - metrics["hole_iou"]
    return (
        {name: float(value) for name, value in metrics.items()},
        {name: _short(values) for name, values in profiles.items()},
    )


def evaluation_points(
    hole: str | polar.Disc | polar.Strip, count: int = IN_REGION
) -> dict[str, np.ndarray]:
    """Return points (count, 2) of each region around a hole, the same at every call.

    "hole", "shell" (up to 0.1 from the edge) and "far"; a region may hold fewer.
    """
    points = polar.sample(DRAWN, DRAW_SEED)
    masks = analysis.regions(polar.hole_named(hole).distance(points))
    return {name: points[mask][:count] for name, mask in masks.items()}


def ink_threshold(size: int) -> float:
    """Return the value in [0, 1] from which a pixel counts as ink, at size×size.

    It is half of the largest share of a pixel that a stroke covers.
    """
    return 0.5 * min(1.0, size * INK)


class _Strokes:
    """A model with the images that it is measured on."""

    def __init__(
        self, model: VAE, options: dict[str, Any], small: bool, seed: int
    ) -> None:
        self.model, self.options, self.small = model, options, small
        self.rng = np.random.default_rng(seed)
        self.threshold = ink_threshold(options["size"])
        count = 12 if small else IN_REGION
        self.points = evaluation_points(options["hole"] or "disc", count)

    def draw(self, points: np.ndarray) -> np.ndarray:
        """Return the uint8 images (n, h, w, 1) of points (n, 2), as the model's are."""
        canvas = polar.CANVASES[self.options["canvas"]]
        return canvas(points, self.options["size"])

    def errors(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """Return metric -> values (n,) of the images of points as they are decoded."""
        images = self.draw(points)
        logits = self.model.decode_logits(self.model.encode(images)[0])
        truth, drawn = images / np.float32(255), expit(logits)
        fit = polar.fit_factors(drawn, self.options["canvas"])
        return self.agreement(images, logits) | {
            "dice": analysis.soft_dice(truth, drawn),
            "chamfer": analysis.chamfer(truth, drawn, self.threshold),
            "mse": np.square(drawn - truth).mean((1, 2, 3)),
            "factor_error": analysis.factor_error(
                fit.factors, points, (polar.A_RANGE, polar.B_RANGE)
            ),
        }

    def agreement(
        self, images: np.ndarray, logits: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return the two metrics (n,) of every comparison: excess BCE and IoU."""
        truth = images / np.float32(255)
        return {
            "excess_bce": analysis.excess_bce(truth, logits),
            "iou": analysis.iou(truth, expit(logits), self.threshold),
        }

    def means_with(
        self, name: str, images: np.ndarray, codes: np.ndarray
    ) -> dict[str, float]:
        """Return the two means of images as they are decoded from given codes."""
        logits = self.model.decode_logits(codes.astype(np.float32))
        found = self.agreement(images, logits)
        return {f"{name}_{metric}": found[metric].mean() for metric in found}

    def crossings(
        self, region: str, points: np.ndarray, found: dict[str, np.ndarray]
    ) -> dict[str, float]:
        """Return the means where inner loops are, b > a, and where there are none."""
        crossed = polar.crosses(points)
        return {
            f"{region}_{name}_{metric}": found[metric][mask].mean()
            for name, mask in (("crossed", crossed), ("plain", ~crossed))
            for metric in ("excess_bce", "iou")
            if mask.any()
        }

    def noisy(self, region: str, points: np.ndarray) -> dict[str, float]:
        """Return the means of images decoded with the noise of training.

        That is how the source decodes them.
        """
        images = self.draw(points)
        mean, log_var = self.model.encode(images)
        noise = np.exp(0.5 * log_var) * self.rng.standard_normal(mean.shape)
        return self.means_with(f"{region}_noisy", images, mean + noise)

    def attribution(
        self, region: str, points: np.ndarray, codes: np.ndarray, factors: np.ndarray
    ) -> dict[str, float]:
        """Return errors with the code of the encoder, of a spline, and the best one.

        A: D(E(x)). B: D(f(a, b)), f a thin-plate spline from factors to codes through
        training points. C: the least error over all codes.
        """
        chosen = points[: 4 if self.small else ATTRIBUTED]
        images = self.draw(chosen)
        encoded = self.model.encode(images)[0]
        knots = slice(SPLINE_POINTS)
        spline = analysis.thin_plate(factors[knots], codes[knots], chosen)
        near = analysis.nearest_by_factors(factors, chosen)
        starts = np.stack([encoded, spline, codes[near]], axis=1)
        best = analysis.best_codes(
            self.model.decode_logits, images, starts, steps=SEARCH_STEPS
        )
        causes = {"A": encoded, "B": spline, "C": best.codes}
        metrics: dict[str, float] = {}
        for cause, found in causes.items():
            metrics |= self.means_with(f"{region}_{cause}", images, found)
        return metrics

    def reading(
        self, region: str, points: np.ndarray, codes: np.ndarray, factors: np.ndarray
    ) -> dict[str, float]:
        """Return how well a spline reads (a, b) off codes, and an image drawn anew."""
        chosen = points[: 4 if self.small else ATTRIBUTED]
        images, knots = self.draw(chosen), slice(SPLINE_POINTS)
        encoded = self.model.encode(images)[0]
        read = analysis.thin_plate(codes[knots], factors[knots], encoded)
        drawn = self.draw(read)
        return {
            f"{region}_redrawn_iou": analysis.iou(images, drawn, self.threshold).mean(),
            f"{region}_read_error": np.linalg.norm(read - chosen, axis=1).mean(),
        }

    def factors(
        self, codes: np.ndarray, factors: np.ndarray, seed: int
    ) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Return `measure_factors` of the codes of the whole plane."""
        return measure_factors(
            self.model, codes, factors, self.draw, self.redrawn, seed, self.small
        )

    def redrawn(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the factors (n, 2) that images (n, h, w, 1) show, and the IoU (n,).

        It is that of the images with the stars of those factors; 0 where there is none.
        """
        factors = polar.fit_factors(images, self.options["canvas"]).factors
        drawn = self.draw(np.nan_to_num(factors, nan=1.0))
        found = analysis.iou(drawn, images, self.threshold)
        return factors, np.where(np.isnan(factors).any(axis=1), 0, found)

    def sheet(self, codes: np.ndarray, factors: np.ndarray) -> dict[str, float]:
        """Return what the cloud of training codes is: how flat, how many dimensions."""
        found = analysis.sheet_statistics(codes, factors)
        return {
            "third_share": found.third_share,
            "local_flatness": found.local_flatness,
            "dimension": found.dimension,
            "r2": np.mean(found.r2),
        }

    def validation(self, test: Dataset) -> dict[str, float]:
        """Return the loss on the test images, in our unit and in the source's."""
        mean, log_var = self.model.encode(test.images)
        noise = np.exp(0.5 * log_var) * self.rng.standard_normal(mean.shape)
        images = test.images / np.float32(255)
        sampled, plain = (
            -analysis.bernoulli_log_likelihood(
                images, self.model.decode_logits(codes.astype(np.float32))
            ).mean()
            for codes in (mean + noise, mean)
        )
        kl = analysis.gaussian_kl(mean, log_var).mean()
        pixels = images[0].size
        return {
            "reconstruction_sampled": sampled,
            "kl": kl,
            "total": sampled + self.model.beta * kl,
            "bce": plain / pixels,
            "bce_floor": analysis.bernoulli_entropy(images).mean() / pixels,
            "logged_loss": sampled / pixels + source_terms(mean, kl),
        }


def source_terms(mean: np.ndarray, kl: float) -> float:
    """Return what the source's logged loss adds to the cross-entropy of a pixel.

    `mean` (n, d) are codes, `kl` the mean KL divergence in nats: its own KL is without
    the ½ and a mean over dimensions, its entanglement term a mean over their pairs.
    Source: M-Lin-DM 2021, "Zero-shot Learning with VAEs", part 3.
    """
    dimensions = mean.shape[1]
    pairs = np.abs(mean[:, :, None] * mean[:, None]).mean(axis=0)
    entanglement = pairs[np.triu_indices(dimensions, 1)].mean()
    return SOURCE_KL * 2 / dimensions * kl + SOURCE_ENTANGLEMENT * entanglement


def logged_loss(model: VAE, images: np.ndarray, seed: int = 0) -> float:
    """Return the loss of uint8 images (n, h, w, 1) as the source's third part logs it.

    It is in nats per subpixel; the seed draws ε. Raises ValueError for images that the
    model does not take.
    """
    mean, log_var = model.encode(images)
    noise = np.random.default_rng(seed).standard_normal(mean.shape)
    codes = mean + np.exp(0.5 * log_var) * noise
    nats = -analysis.bernoulli_log_likelihood(
        images / np.float32(255), model.decode_logits(codes.astype(np.float32))
    )
    kl = analysis.gaussian_kl(mean, log_var).mean()
    return float(nats.mean() / images[0].size + source_terms(mean, kl))


def _short(values: Iterable[float]) -> list[float]:
    """Return values with four significant digits, as a record keeps them."""
    return [float(f"{value:.4g}") for value in values]
