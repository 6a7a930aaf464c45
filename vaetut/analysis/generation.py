"""How like real images generated ones are: two clouds of features, and their detail.

Features are (n, f), a row an image, of a network that judges, or codes, or pixels.
`images` are (n, h, w, 3) or (n, h, w, 1), uint8 or floats in [0, 1]; a memory map of
them is read in parts.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vaetut.analysis.chunks import rows_at_once
from vaetut.checks import finite_array, whole_array, whole_number

_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


# ---- Two clouds of features


def _clouds(
    name: str, a: ArrayLike, other: str, b: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    a, b = finite_array(name, a, ndim=2), finite_array(other, b, ndim=2)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"{name} and {other} must have as many features: {a.shape[1]} and "
            f"{b.shape[1]}"
        )
    for key, values in ((name, a), (other, b)):
        if len(values) < 2:
            raise ValueError(f"{key} must have two rows or more, not {len(values)}")
    return a, b


def frechet_distance(a: ArrayLike, b: ArrayLike) -> float:
    """Return the squared distance between the Gaussians fitted to two clouds.

    Features `a` (n, f) and `b` (m, f), in their unit squared: ‖μa - μb‖² + tr(Σa + Σb -
    2(Σa^½ Σb Σa^½)^½), covariances by n - 1. It needs neither an inverse nor more rows
    than features, but few rows raise it: two draws of one cloud of variance σ² a
    feature are about f²σ²(1/n + 1/m)/4 apart. Compare at equal n. Raises ValueError
    for fewer than two rows. Source: Dowson & Landau 1982; Heusel et al. 2017,
    arXiv:1706.08500, who take the features of an Inception network.
    """
    a, b = _clouds("a", a, "b", b)
    root_a, root_b = _root(a), _root(b)
    # Any roots RᵀR of the covariances will do, and the trace is the sum of singular
    # values: no square root of a small difference is taken.
    overlap = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    spreads = (root_a**2).sum() + (root_b**2).sum()
    distance = ((a.mean(0) - b.mean(0)) ** 2).sum() + spreads - 2 * overlap
    return max(float(distance), 0.0)


def _root(cloud):
    """Return R (min(n, f), f) with RᵀR the covariance of a cloud (n, f)."""
    return np.linalg.qr(cloud - cloud.mean(0), mode="r") / (len(cloud) - 1) ** 0.5


class PrecisionRecall(NamedTuple):
    """How much of the fake is like the real, and of the real like the fake."""

    precision: float  # share of the fake within the reach of the real: fidelity
    recall: float  # share of the real within the reach of the fake: variety


def precision_recall(real: ArrayLike, fake: ArrayLike, k: int = 3) -> PrecisionRecall:
    """Return the shares of each cloud that lie within the reach of the other.

    Features `real` (n, f) and `fake` (m, f). The reach of a cloud is a ball about each
    of its rows, as far as the `k`-th nearest other row. Both shares fall with fewer
    rows and rise with k: compare at equal n, m and k; two draws of one cloud of many
    dimensions do not reach 1. Raises ValueError for a k that is not below n and m.
    Source: Kynkäänniemi et al. 2019, arXiv:1904.06991.
    """
    real, fake = _clouds("real", real, "fake", fake)
    k, least = whole_number("k", k), min(len(real), len(fake))
    if k >= least:
        raise ValueError(
            f"k must be below the number of rows, {least}, not {k}: pass more rows"
        )
    centre = real.mean(0)  # less cancellation
    real, fake = real - centre, fake - centre
    return PrecisionRecall(
        precision=_within(fake, real, k), recall=_within(real, fake, k)
    )


def _within(queries, cloud, k):
    """Return the share of queries in a ball about a row of cloud."""
    reach = np.concatenate(
        [np.partition(square, k, axis=1)[:, k] for square in _squares(cloud, cloud)]
    )  # its own distance, 0, is among them
    inside = [(square <= reach).any(1) for square in _squares(queries, cloud)]
    return float(np.concatenate(inside).mean())


def _squares(queries, cloud):
    """Yield the squared distances of some queries at a time to a cloud, (·, n)."""
    norms = (cloud**2).sum(1)
    rows = rows_at_once(len(cloud))
    for i in range(0, len(queries), rows):
        part = queries[i : i + rows]
        sums = (part**2).sum(1)[:, None] + norms
        square = sums - 2 * part @ cloud.T
        yield np.where(square > 1e-12 * sums, square, 0)  # copies are at 0 exactly


# ---- Detail


def _luminance(images, least=3):
    """Yield the brightness (·, h, w) of some images at a time, float32 in [0, 1]."""
    images = whole_array("images", images)
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise ValueError(f"images must be uint8 or floats, not {images.dtype}")
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            f"images must be (n, h, w, 3) or (n, h, w, 1), not {images.shape}"
        )
    if images.size == 0:
        raise ValueError("images is empty: pass at least one")
    if min(images.shape[1:3]) < least:
        raise ValueError(
            f"images must be {least} pixels wide and high or more, not "
            f"{images.shape[1]}×{images.shape[2]}"
        )
    return _parts(images)


def _parts(images):
    rows = rows_at_once(images[0].size)
    for i in range(0, len(images), rows):
        part = images[i : i + rows]
        if part.dtype == np.uint8:
            part = part.astype(np.float32) / 255
        elif not np.isfinite(part).all():
            raise ValueError("images hold NaN or infinity: drop or mend those values")
        elif part.min() < 0 or part.max() > 1:
            raise ValueError("images must lie in [0, 1], or be uint8: clip or scale")
        part = part.astype(np.float32, copy=False)
        yield part @ _LUMINANCE if part.shape[-1] == 3 else part[..., 0]


def sharpness(images: ArrayLike) -> np.ndarray:
    """Return how much fine detail each image has, (n,).

    The mean square of the Laplacian of its brightness, in [0, 1] squared per pixel to
    the fourth: four neighbours less four times the pixel, borders left out. An image
    that is flat or changes evenly has 0, noise of variance v has 20 v, and blur takes
    it away first; noise and checkerboards count as detail. Raises ValueError for
    floats outside [0, 1], or less than 3 pixels a side.
    Source: Pech-Pacheco et al. 2000, Diatom autofocusing in brightfield microscopy.
    """
    found = []
    for light in _luminance(images):
        middle = light[:, 1:-1, 1:-1]
        across = light[:, 1:-1, :-2] + light[:, 1:-1, 2:]
        around = across + light[:, :-2, 1:-1] + light[:, 2:, 1:-1]
        found.append(((around - 4 * middle) ** 2).mean((1, 2), dtype=np.float64))
    return np.concatenate(found)


class Spectrum(NamedTuple):
    """How strong details of each fineness are."""

    frequency: np.ndarray  # (b,) cycles a pixel, up to 0.5: the finest
    power: np.ndarray  # (n, b) brightness squared; the variance, for white noise


def spectrum(images: ArrayLike) -> Spectrum:
    """Return the power of each image's brightness by frequency, in whatever direction.

    With s the shorter side in pixels there are s // 2 bands, of k/s cycles a pixel,
    k = 1 …, one a ring of width 1/s, over which the squared Fourier coefficients over
    h w are averaged. The mean brightness is taken off, and a Hann window fades the
    borders, which would pass for detail; it spreads a wave over its band and the next.
    Raises ValueError for floats outside [0, 1], or less than 4 pixels a side.
    Source: Welch 1967; van der Schaaf & van Hateren 1996, Modelling the power spectra
    of natural images.
    """
    from scipy import fft

    found = []
    for light in _luminance(images, 4):
        h, w = light.shape[1:]
        window = np.outer(_hann(h), _hann(w))
        ring, bands = _rings(h, w)
        kept = (ring > 0) & (ring <= bands)
        light = light - light.mean((1, 2), keepdims=True)
        waves = fft.fft2(light * (window / np.sqrt(h * w)))[:, kept]
        power = (waves.real**2 + waves.imag**2).astype(np.float64)
        member = np.eye(bands)[ring[kept] - 1]  # (frequencies, bands)
        found.append(power @ (member / member.sum(0)))
    return Spectrum(np.arange(1, bands + 1) / min(h, w), np.concatenate(found))


def _hann(size):
    """Return a window (size,) of mean square 1, 0 at neither end."""
    window = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
    return (window / np.sqrt((window**2).mean())).astype(np.float32)


def _rings(h, w):
    """Return the ring (h, w) of each Fourier coefficient, and how many bands."""
    shorter = min(h, w)
    radius = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w))
    return np.rint(radius * shorter).astype(int), shorter // 2
