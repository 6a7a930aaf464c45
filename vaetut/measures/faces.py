"""What is measured of a model of faces: its codes, and the faces it makes of others.

Everything is found with the first training and test images, the same for every model.
What is drawn at random is the same for every model of as many dimensions. Images are
judged by the features of a classifier of attributes, the one of their own data set.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from vaetut import analysis
from vaetut.datasets import Dataset
from vaetut.models import VAE, AttributeClassifier, ImageModel

TRAINING, TEST = 5_000, 2_000  # so many images at most
RADII = (0.5, 1, 1.5, 2, 2.5, 3, 3.5, 5, 8)  # of the boxes, as the source takes them
PROBED = ("Smiling", "Male", "Eyeglasses", "No_Beard")  # whose probe is told
CLUSTERS = (2, 80)  # whose inertia is compared
CHUNK = 500  # images that are decoded at a time


def measure_faces(
    model: ImageModel,
    train: Dataset,
    test: Dataset,
    classifier: AttributeClassifier,
    seed: int = 0,
    quick: bool = False,
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Return every number of a model of faces, by name, and profiles over test images.

    `model` is an autoencoder or a VAE; the features of `classifier`, one of attributes,
    measure how alike images are. `train` and `test` hold images (n, h, w, 3). A `quick`
    measure leaves out the boxes. Reconstructions are decoded from a VAE's means, what
    lies in latent space is measured of codes that were drawn; the seed draws them. A
    number that does not exist, as of an attribute that no image has, is left out.
    Units: see `vaetut.metrics`.
    """
    train, test = _first(train, TRAINING), _first(test, TEST)
    known = _Codes(model, train, seed)
    metrics: dict[str, Any] = {}
    asked = _Codes(model, test, seed + 1)
    rebuilt, found = _reconstruction(model, test, asked.mean)
    metrics |= found
    if isinstance(model, VAE):
        metrics |= _posterior(model, test, known, asked)
    metrics |= _cloud(known.z, seed)
    metrics |= _probes(known.mean, train, asked.mean, test)
    faces = _Faces(model, test, classifier)
    metrics |= faces.compared("reconstruction", rebuilt)
    metrics |= faces.generated(known.z, seed)
    if not quick:
        metrics |= faces.boxes(seed)
    radius = np.linalg.norm(asked.z, axis=1)
    return _finite(metrics), {"radius": [float(f"{value:.4g}") for value in radius]}


def measure_classifier(
    model: AttributeClassifier, test: Dataset
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Return how often a classifier is right about test images, and no profile.

    "accuracy" and "balanced_accuracy" are means over attributes,
    "balanced_accuracy_<name>" is one attribute's, if test images differ in it, and
    "cross_entropy" is in nats per image. `test` must have attributes (n, m).
    """
    attributes: Any = test.attributes  # a set with attributes
    logits = model.classify(test.images)
    right = (logits > 0) == attributes
    balanced: Any = analysis.balanced_accuracy(attributes, logits > 0)
    names = [f"balanced_accuracy_{name.lower()}" for name in test.attribute_names]
    truth = attributes.astype(np.float32)
    nats = (np.logaddexp(0, logits) - truth * logits).sum(axis=1).mean()
    summary = {
        "cross_entropy": nats,
        "accuracy": right.mean(),
        "balanced_accuracy": _mean(balanced),
    }
    return _finite(summary | dict(zip(names, balanced, strict=True))), {}


class _Codes:
    """What a model's encoder makes of images: codes, and where they are drawn from."""

    def __init__(self, model: ImageModel, images: Dataset, seed: int) -> None:
        self.log_var: Any = None
        parts = _chunks(model.encode, images.images)
        if isinstance(model, VAE):
            self.mean, self.log_var = parts
            noise = np.random.default_rng(seed).standard_normal(self.mean.shape)
            if model.max_epsilon is not None:
                noise = noise.clip(-model.max_epsilon, model.max_epsilon)
            drawn = self.mean + np.exp(0.5 * self.log_var) * noise
            self.z = drawn.astype(np.float32)
        else:
            self.mean = self.z = parts


class _Faces:
    """A decoder beside the test images, both as a classifier sees them."""

    def __init__(
        self, model: ImageModel, test: Dataset, classifier: AttributeClassifier
    ) -> None:
        self.model, self.classifier = model, classifier
        self.features = classifier.features(test.images)
        self.sharpness = analysis.sharpness(test.images).mean()
        self.count = len(test)  # as many are made: a distance falls with the number

    def compared(self, name: str, images: np.ndarray) -> dict[str, float]:
        """Return the distance of images from the test images, and how sharp they are.

        Sharpness is a share of that of the test images.
        """
        return self.distance(name, self.classifier.features(images)) | {
            f"sharpness_{name}": analysis.sharpness(images).mean() / self.sharpness
        }

    def distance(self, name: str, features: np.ndarray) -> dict[str, float]:
        """Return the Fréchet distance of features (n, d) from the test images'."""
        return {
            f"frechet_{name}": analysis.frechet_distance(self.features, features),
        }

    def decoded(self, codes: np.ndarray) -> np.ndarray:
        """Return the images (n, h, w, c) in [0, 1] of codes (n, d)."""
        return np.clip(_chunks(self.model.decode, codes), 0, 1)

    def generated(self, codes: np.ndarray, seed: int) -> dict[str, float]:
        """Return how like faces the images of codes drawn at random are.

        "prior": from N(0, I). "fitted": from a Gaussian with the mean and covariance of
        the training images' codes.
        """
        rng = np.random.default_rng(seed)
        metrics: dict[str, float] = {}
        for name, drawn in (
            ("prior", analysis.sample_prior(self.count, codes.shape[1], rng)),
            ("fitted", analysis.sample_gaussian(codes, self.count, rng)),
        ):
            images = self.decoded(drawn.astype(np.float32))
            features = self.classifier.features(images)
            shares = analysis.precision_recall(self.features, features)
            metrics |= self.distance(name, features) | {
                f"precision_{name}": shares.precision,
                f"recall_{name}": shares.recall,
                f"sharpness_{name}": analysis.sharpness(images).mean() / self.sharpness,
            }
        return metrics

    def boxes(self, seed: int) -> dict[str, float]:
        """Return the distance of images of codes from boxes of half the side r."""
        dimension = self.model.decoder.input_shape[-1]
        rng = np.random.default_rng(seed)
        unit = rng.uniform(-1, 1, (self.count, dimension)).astype(np.float32)
        metrics: dict[str, float] = {}
        for r in RADII:
            features = self.classifier.features(self.decoded(r * unit))
            metrics |= self.distance(f"box_{r:g}", features)
        return metrics


def _reconstruction(
    model: ImageModel, test: Dataset, mean: np.ndarray
) -> tuple[np.ndarray, dict[str, float]]:
    """Return images decoded from codes, and the cross-entropies.

    Nats an image for the reconstruction, its floor and what it has above that; nats a
    subpixel for `bce`.
    """
    images, nats, floor = [], [], []
    for start in range(0, len(test), CHUNK):
        part = slice(start, start + CHUNK)
        truth = test.images[part] / np.float32(255)
        logits = model.decode_logits(mean[part])
        images.append(0.5 * (1 + np.tanh(0.5 * logits)))
        nats.append(-analysis.bernoulli_log_likelihood(truth, logits))
        floor.append(analysis.bernoulli_entropy(truth))
    nats, floor = np.concatenate(nats).mean(), np.concatenate(floor).mean()
    return np.concatenate(images), {
        "reconstruction": nats,
        "bce": nats / test.images[0].size,
        "floor": floor,
        "excess": nats - floor,
    }


def _posterior(
    model: VAE, test: Dataset, known: _Codes, asked: _Codes
) -> dict[str, float]:
    """Return what a VAE's posteriors are, and its loss on test images."""
    kl = analysis.gaussian_kl(asked.mean, asked.log_var).mean()
    sampled = _reconstruction(model, test, asked.z)[1]["reconstruction"]
    total = sampled + model.beta * kl
    found = analysis.posterior_statistics(known.mean, known.log_var, known.z)
    return {
        "reconstruction_sampled": sampled,
        "total": total,
        "kl": kl,
        "kl_share": model.beta * kl / total,
        "active_units": analysis.active_units(known.mean).count,
        "log_var_min": found.log_var_min,
        "log_var_mean": found.log_var_mean,
        "log_var_max": found.log_var_max,
        "mean_shift_max": found.mean_shift_max,
        "mean_shift_share": found.mean_shift_share,
        "radius_deviation": found.radius_deviation,
        "radius_of_mean": found.radius_of_mean,
        "radius_of_z": found.radius_of_z,
    }


def _cloud(codes: np.ndarray, seed: int) -> dict[str, float]:
    """Return where codes lie, how coordinates are spread, and if there are clumps."""
    radius = analysis.radius_statistics(codes)
    spread = analysis.coordinate_statistics(codes)
    least, most = (min(k, len(codes)) for k in CLUSTERS)
    inertia = analysis.inertia(codes, (least, most), seed)
    return {
        "radius_median": radius.median,
        "radius_mode": radius.mode,
        "radius_low": radius.low,
        "radius_high": radius.high,
        "rms_coordinate": np.sqrt(np.square(codes, dtype=np.float64).mean()),
        "coordinate_excess_kurtosis": _mean(spread.kurtosis),
        "coordinate_skewness": _mean(np.abs(spread.skewness)),
        "inertia_ratio": inertia[1] / inertia[0] if inertia[0] else np.nan,
    }


def _probes(
    codes: np.ndarray, train: Dataset, test_codes: np.ndarray, test: Dataset
) -> dict[str, float]:
    """Return how accurate a linear probe of attributes is on test images."""
    if train.attributes is None:
        return {}
    truth: Any = test.attributes
    accuracy = analysis.probe(codes, train.attributes, test_codes, truth).accuracy
    named = dict(zip(test.attribute_names, accuracy, strict=True))
    return {"probe_accuracy": _mean(accuracy)} | {
        f"probe_{name.lower()}": named[name] for name in PROBED if name in named
    }


def _first(dataset: Dataset, n: int) -> Dataset:
    """Return at most the first `n` images of a data set."""
    first: Any = slice(n)
    return dataset.take(first) if len(dataset) > n else dataset


def _chunks(function: Callable[[np.ndarray], Any], rows: np.ndarray) -> Any:
    """Return what a function makes of rows, some at a time, so that memory suffices."""
    found = [function(rows[k : k + CHUNK]) for k in range(0, len(rows), CHUNK)]
    if isinstance(found[0], np.ndarray):
        return np.concatenate(found)
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _mean(values: np.ndarray) -> float:
    """Return the mean of those values that exist; nan if none does."""
    values = values[np.isfinite(values)]
    return values.mean() if len(values) else np.nan


def _finite(metrics: dict[str, Any]) -> dict[str, float]:
    return {k: float(value) for k, value in metrics.items() if np.isfinite(value)}
