"""How the classes of images share a latent space. `codes` are (n, d)."""

import numpy as np
from numpy.typing import ArrayLike

from vaetut.analysis.chunks import rows_at_once
from vaetut.analysis.cloud import fit_gaussian
from vaetut.analysis.neighbours import nearest_index
from vaetut.checks import finite_array, fraction, same_columns, whole_number


def class_shares(
    codes: ArrayLike,
    labels: ArrayLike,
    samples: ArrayLike,
    n_classes: int | None = None,
) -> np.ndarray:
    """Return how often a sample falls to each class: its Voronoi area.

    `codes` (n, d) with `labels` (n,) from 0, `samples` (m, d): the share of samples
    whose nearest code has each label, (n_classes,), which add up to 1. Raises
    ValueError for labels that are no whole numbers from 0, one a code.
    """
    codes = finite_array("codes", codes, ndim=2)
    labels, n_classes = _labels(labels, len(codes), n_classes)
    samples = finite_array("samples", samples, ndim=2)
    same_columns("codes", codes, "samples", samples)
    nearest = labels[nearest_index(samples, codes)]
    return np.bincount(nearest, minlength=n_classes) / len(samples)


def _labels(
    labels: ArrayLike, n: int, n_classes: int | None = None
) -> tuple[np.ndarray, int]:
    """Return labels as int (n,) and the number of classes."""
    labels = finite_array("labels", labels, ndim=1)
    if len(labels) != n:
        raise ValueError(f"labels must have one entry a code: {len(labels)} for {n}")
    if (labels < 0).any() or (labels != np.round(labels)).any():
        raise ValueError("labels must be whole numbers from 0")
    labels = labels.astype(int)
    least = whole_number("labels", int(labels.max()), least=0) + 1
    if n_classes is None:
        return labels, least
    return labels, whole_number("n_classes", n_classes, least=least)


def effective_classes(shares: ArrayLike) -> float:
    """Return exp(entropy) of shares (k,): k where all are equal, 1 where one rules.

    Raises ValueError where they are negative or do not add up to 1.
    Source: Hill 1973, Diversity and evenness, order 1.
    """
    shares = finite_array("shares", shares, ndim=1)
    if (shares < 0).any() or not np.isclose(shares.sum(), 1, atol=1e-6):
        raise ValueError("shares must be >= 0 and add up to 1: divide by their sum")
    present = shares[shares > 0]
    return float(np.exp(-(present * np.log(present)).sum()))


def density_area(codes: ArrayLike, mass: float = 0.9, cells: int = 128) -> float:
    """Return the area of the smallest region that holds `mass` of a 2-D cloud.

    `codes` (n, 2) give an area in squared units of the codes; 0 where they lie on a
    line.  The density is a Gaussian KDE with Scott's bandwidth, n^(-1/6) times the
    cloud's covariance root, summed on cells x cells.  The KDE widens: of a Gaussian
    cloud the area comes out 1 + n^(-1/3) times too large, of a cloud in several
    pieces more.  Compare clouds of like n. Raises ValueError for codes of other than
    two dimensions.
    Source: Hyndman 1996, Computing and graphing highest density regions.
    """
    codes, mass = finite_array("codes", codes, ndim=2), fraction("mass", mass)
    cells = whole_number("cells", cells, 8, 4096)
    if codes.shape[1] != 2:
        raise ValueError(f"codes must have 2 columns, not {codes.shape[1]}")
    centre, covariance = fit_gaussian(codes)
    values, vectors = np.linalg.eigh(covariance)
    if values[0] <= 1e-12 * values[1]:
        return 0.0
    # White codes have a round kernel, which is a product over the two axes.
    white = (codes - centre) @ vectors / np.sqrt(values)
    width = len(codes) ** (-1 / 6)
    low, high = white.min(0) - 4 * width, white.max(0) + 4 * width
    step = (high - low) / cells
    grid = low + (np.arange(cells)[:, None] + 0.5) * step
    density = np.zeros((cells, cells))
    size = rows_at_once(2 * cells)
    for i in range(0, len(white), size):
        kernel = np.exp(-0.5 * ((grid[:, None] - white[i : i + size]) / width) ** 2)
        density += kernel[..., 0] @ kernel[..., 1].T
    held = np.cumsum(np.sort(density, axis=None)[::-1]) / density.sum()
    count = np.interp(mass, held, np.arange(1, held.size + 1))
    return float(count * step.prod() * np.sqrt(values.prod()))


def class_areas(codes: ArrayLike, labels: ArrayLike, mass: float = 0.9) -> np.ndarray:
    """Return the `density_area` of each class as a share of the whole cloud's.

    `codes` (n, 2), `labels` (n,) from 0 give (classes,), without unit.  Classes
    overlap, so that the shares need not add up to 1.  A class of a tenth of the codes
    is smoothed more than the whole, by some 5 % at n = 10,000.  Raises ValueError
    where a class up to the largest label has no code.
    """
    codes = finite_array("codes", codes, ndim=2)
    labels, n_classes = _labels(labels, len(codes))
    absent = np.flatnonzero(np.bincount(labels) == 0)
    if len(absent):
        raise ValueError(f"labels hold no code of class {absent[0]}: number from 0")
    whole = density_area(codes, mass)
    if whole == 0:
        raise ValueError("codes lie on a line: a cloud without area has no shares")
    areas = [density_area(codes[labels == k], mass) for k in range(n_classes)]
    return np.array(areas) / whole
