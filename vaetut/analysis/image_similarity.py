"""How alike two images of strokes are: IoU, Dice, Chamfer distance, excess entropy.

`images` are white strokes on black, (n, h, w, 1), uint8 or floats in [0, 1].
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import distance_transform_edt

from vaetut import checks
from vaetut.analysis.likelihood import bernoulli_entropy, bernoulli_log_likelihood
from vaetut.checks import finite_array, fraction


def excess_bce(images: ArrayLike, logits: ArrayLike) -> np.ndarray:
    """Return BCE - H of each image, (n,) in nats per pixel: 0 for a perfect one.

    `images` and `logits` (n, h, w, 1). The entropy H of grey pixels is the floor of
    the binary cross-entropy, and grows with the length of the stroke. Nothing is
    clipped: it is computed from the logits. Raises ValueError for images outside [0,
    1], or logits of another shape.
    """
    images, logits = (
        checks.unit_images("images", images),
        finite_array("logits", logits, dtype=None),
    )
    checks.same_shape(images, logits, "logits")
    excess = -bernoulli_log_likelihood(images, logits) - bernoulli_entropy(images)
    return excess / images[0].size


def iou(images: ArrayLike, others: ArrayLike, threshold: float = 0.5) -> np.ndarray:
    """Return the intersection over union of the pixels above a threshold, (n,).

    `images`, `others` (n, h, w, 1); 1 where both are empty. A stroke thinner than a
    pixel need not reach 0.5 anywhere: lower the threshold. Raises ValueError for images
    outside [0, 1], or of two shapes.
    Source: Jaccard 1901.
    """
    ours, theirs = _lit_pair(images, others, threshold)
    union = np.count_nonzero(ours | theirs, axis=(1, 2))
    shared = np.count_nonzero(ours & theirs, axis=(1, 2))
    return np.where(union, shared / np.maximum(union, 1), 1.0)


def soft_dice(images: ArrayLike, others: ArrayLike) -> np.ndarray:
    """Return the soft Dice overlap 2 sum(x y) / sum(x^2 + y^2), (n,) in [0, 1].

    `images`, `others` (n, h, w, 1). With squares below, an image and itself give 1
    however grey; so do two black ones. Raises ValueError for images outside [0, 1], or
    of two shapes.
    Source: Milletari et al. 2016, V-Net, section 3.
    """
    images, others = checks.image_pair(images, others)
    images = images.reshape(len(images), -1).astype(np.float64)
    others = others.reshape(len(others), -1).astype(np.float64)
    total = (images**2 + others**2).sum(1)
    shared = 2 * (images * others).sum(1)
    return np.divide(shared, total, out=np.ones(len(total)), where=total > 0)


def chamfer(images: ArrayLike, others: ArrayLike, threshold: float = 0.5) -> np.ndarray:
    """Return the symmetric Chamfer distance of the pixels above a threshold, (n,).

    `images`, `others` (n, h, w, 1). In pixels: the mean distance from a pixel of one
    to the nearest of the other, averaged over both directions. Where one is empty it
    is the diagonal of the image, where both are 0. A stroke thinner than a pixel need
    not reach 0.5 anywhere: lower the threshold. Raises ValueError for images outside
    [0, 1], or of two shapes.
    Source: Barrow et al. 1977, Parametric correspondence and chamfer matching.
    """
    pairs = zip(*_lit_pair(images, others, threshold), strict=True)
    return np.array([_chamfer(ours, theirs) for ours, theirs in pairs])


def _chamfer(ours, theirs):
    if not ours.any() and not theirs.any():
        return 0.0
    if not ours.any() or not theirs.any():
        return float(np.hypot(*ours.shape))
    there = distance_transform_edt(~theirs)[ours].mean()
    back = distance_transform_edt(~ours)[theirs].mean()
    return (there + back) / 2


def _lit_pair(images, others, threshold):
    """Return which pixels of both are above the threshold, (n, h, w) bool each."""
    images, others = checks.image_pair(images, others)
    threshold = fraction("threshold", threshold)
    return images[..., 0] > threshold, others[..., 0] > threshold
