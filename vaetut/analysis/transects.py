"""How well a hole in the training plane is drawn: metrics, baselines, whose fault.

`images` are white strokes on black, (n, h, w, 1), uint8 or floats in [0, 1]; `factors`
are (n, 2), a row (a, b) an image; `codes` are (n, d).
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree
from scipy.special import expit, logit

from vaetut.analysis.geometry import principal_shares, two_nearest_dimension
from vaetut.analysis.latent import nearest_index
from vaetut.analysis.likelihood import (
    bernoulli_entropy,
    bernoulli_log_likelihood,
    softplus,
)
from vaetut.analysis.statistics import finite_array, fraction, whole_number

_CHUNK = 4_000_000  # numbers held at once as float64: 32 MB

# ---- What is asked of images and factors


def _unit(name, images):
    """Return images (n, h, w, 1) as floats in [0, 1], or say what is wrong."""
    try:
        images = np.asarray(images)
    except ValueError:
        raise ValueError(f"{name} differ in shape: bring them to one size") from None
    if images.ndim != 4 or images.shape[3] != 1:
        raise ValueError(
            f"{name} have shape {images.shape}: give (n, height, width, 1); "
            "images[..., None] adds a channel, images.mean(-1, keepdims=True) "
            "turns colours grey"
        )
    if images.size == 0:
        raise ValueError(f"{name} is empty: pass at least one image with pixels")
    if images.dtype == np.uint8:
        return images / np.float32(255)
    if images.dtype.kind != "f":
        raise ValueError(
            f"{name} are of dtype {images.dtype}: give uint8, or floats in [0, 1]"
        )
    images = finite_array(name, images, dtype=None)
    if images.min() < 0 or images.max() > 1:
        raise ValueError(
            f"{name} run from {images.min():g} to {images.max():g}: scale them to "
            "[0, 1], grey levels by 1/255"
        )
    return images


def _unit_pair(images, others, name="others"):
    images, others = _unit("images", images), _unit(name, others)
    _same_shape(images, others, name)
    return images, others


def _same_shape(images, others, name):
    if images.shape != others.shape:
        raise ValueError(
            f"{name} must pair with images: {others.shape} and {images.shape}"
        )


def _points(name, factors):
    factors = finite_array(name, factors, ndim=2)
    if factors.shape[1] != 2:
        raise ValueError(f"{name} must be (n, 2), a row (a, b), not {factors.shape}")
    return factors


def _same_rows(name, values, other_name, others):
    if len(values) != len(others):
        raise ValueError(
            f"{name} and {other_name} must have as many rows: {len(values)} "
            f"and {len(others)}"
        )


def check_strokes(images, size=None):
    """Return images of strokes as floats in [0, 1], or say why they are none.

    `images` (n, h, w, 1), uint8 or floats; `size` is the side in pixels that a model
    needs, None any. Raises ValueError for another shape, size or dtype, for values
    outside [0, 1] or NaN, for no image, and for images that are bright on average:
    strokes are white on black.
    """
    strokes = _unit("images", images)
    height, width = strokes.shape[1:3]
    if size is not None:
        size = whole_number("size", size)
        if (height, width) != (size, size):
            raise ValueError(
                f"images have {height} x {width} pixels and need {size} x {size}: "
                "draw or resize them at that size"
            )
    bright = np.count_nonzero(strokes.mean((1, 2, 3)) > 0.5)
    if bright:
        white = 255 if np.asarray(images).dtype == np.uint8 else 1
        raise ValueError(
            f"images are mostly bright, {bright} of {len(strokes)}: strokes must be "
            f"white on black, so pass {white} - images"
        )
    return strokes


# ---- Regions of the plane


def regions(distance, factors=None, width=0.1):
    """Return the regions of the plane as masks: hole, shell and far, and by a and b.

    `distance` (n,) is signed, of each point to the edge of the hole, negative inside,
    in the units of a and b. "hole" is distance <= 0; "shell" beyond it up to `width`,
    to match the hole with points of its neighbourhood; "far" the rest. With `factors`
    (n, 2) also "crossed", b > a, where the curve crosses itself, and "uncrossed".
    Each is (n,) bool.
    """
    distance = finite_array("distance", distance, ndim=1)
    width = float(finite_array("width", width, ndim=0))
    if width <= 0:
        raise ValueError(f"width must be above 0, not {width:g}")
    hole, far = distance <= 0, distance > width
    masks = {"hole": hole, "shell": ~hole & ~far, "far": far}
    if factors is not None:
        factors = _points("factors", factors)
        _same_rows("factors", factors, "distance", distance)
        crossed = factors[:, 1] > factors[:, 0]
        masks |= {"crossed": crossed, "uncrossed": ~crossed}
    return masks


def region_means(values, masks):
    """Return the mean of values (n,) in each region, a dict of floats.

    `masks` as `regions` returns them. Raises ValueError for a region without a point.
    """
    values = finite_array("values", values, ndim=1)
    means = {}
    for name, mask in masks.items():
        mask = np.asarray(mask)
        if mask.dtype != bool or mask.shape != values.shape:
            raise ValueError(
                f"region {name!r} must be a mask of {len(values)} booleans, not "
                f"{mask.dtype} of shape {mask.shape}"
            )
        if not mask.any():
            raise ValueError(f"region {name!r} has no point: leave it out, or add some")
        means[name] = float(values[mask].mean())
    return means


# ---- How well an image is drawn


def excess_bce(images, logits):
    """Return BCE - H of each image, (n,) in nats per pixel: 0 for a perfect one.

    `images` and `logits` (n, h, w, 1). The entropy H of grey pixels is the floor of
    the binary cross-entropy, and grows with the length of the stroke. Nothing is
    clipped: it is computed from the logits.
    """
    images, logits = _unit("images", images), finite_array("logits", logits, dtype=None)
    _same_shape(images, logits, "logits")
    excess = -bernoulli_log_likelihood(images, logits) - bernoulli_entropy(images)
    return excess / images[0].size


def excess_bce_of_images(images, probabilities, clip=1 / 510):
    """Return `excess_bce` of reconstructions that are kept as images, (n,).

    `probabilities` (n, h, w, 1), uint8 or in [0, 1], are clipped to [clip, 1 - clip]:
    half a grey level, for black in 8 bits is anything below that. A black pixel that
    is black then costs -log(1 - clip), 0.002 nats: compare with clipped ones only.
    """
    images, probabilities = _unit_pair(images, probabilities, "probabilities")
    if fraction("clip", clip) >= 0.5:
        raise ValueError(f"clip must lie between 0 and 0.5, not {clip:g}")
    return excess_bce(images, logit(np.clip(probabilities, clip, 1 - clip)))


def iou(images, others, threshold=0.5):
    """Return the intersection over union of the pixels above a threshold, (n,).

    `images`, `others` (n, h, w, 1); 1 where both are empty. A stroke thinner than a
    pixel need not reach 0.5 anywhere: lower the threshold.
    Source: Jaccard 1901.
    """
    ours, theirs = _lit_pair(images, others, threshold)
    union = np.count_nonzero(ours | theirs, axis=(1, 2))
    shared = np.count_nonzero(ours & theirs, axis=(1, 2))
    return np.where(union, shared / np.maximum(union, 1), 1.0)


def _lit_pair(images, others, threshold):
    """Return which pixels of both are above the threshold, (n, h, w) bool each."""
    images, others = _unit_pair(images, others)
    threshold = fraction("threshold", threshold)
    return images[..., 0] > threshold, others[..., 0] > threshold


def soft_dice(images, others):
    """Return the soft Dice overlap 2 sum(x y) / sum(x^2 + y^2), (n,) in [0, 1].

    `images`, `others` (n, h, w, 1). With squares below, an image and itself give 1
    however grey; so do two black ones.
    Source: Milletari et al. 2016, V-Net, section 3.
    """
    images, others = _unit_pair(images, others)
    images = images.reshape(len(images), -1).astype(np.float64)
    others = others.reshape(len(others), -1).astype(np.float64)
    total = (images**2 + others**2).sum(1)
    shared = 2 * (images * others).sum(1)
    return np.divide(shared, total, out=np.ones(len(total)), where=total > 0)


def chamfer(images, others, threshold=0.5):
    """Return the symmetric Chamfer distance of the pixels above a threshold, (n,).

    `images`, `others` (n, h, w, 1). In pixels: the mean distance from a pixel of one
    to the nearest of the other, averaged over both directions. Where one is empty it
    is the diagonal of the image, where both are 0. A stroke thinner than a pixel need
    not reach 0.5 anywhere: lower the threshold.
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


def factor_error(found, factors, ranges=None):
    """Return the Euclidean distance of found factors to the true ones, (n,).

    `found`, `factors` (n, 2), in the units of a and b. Where `found` is NaN nothing
    was drawn, which counts as the worst answer: the farthest corner of `ranges`,
    ((a low, a high), (b low, b high)), by default those that `factors` span. Give
    them where `factors` are a few points, as on a transect. Raises ValueError for
    infinity, or where a NaN meets factors that span nothing.
    """
    factors, found = _points("factors", factors), np.array(found, np.float64)
    if found.shape != factors.shape:
        raise ValueError(
            f"found must pair with factors: {found.shape} and {factors.shape}"
        )
    lost = np.isnan(found).any(1)
    if ranges is None:
        low, high = factors.min(0), factors.max(0)
        if lost.any() and (low == high).all():
            raise ValueError(
                "found holds NaN and factors are one point, which says nothing of the "
                "worst answer: pass ranges"
            )
    else:
        low, high = _points("ranges", ranges).T
        if low.shape != (2,) or not (low < high).all():
            raise ValueError(f"ranges must be ((low, high), (low, high)), not {ranges}")
    worst = np.where(factors - low > high - factors, low, high)
    found[lost] = worst[lost]
    return np.linalg.norm(finite_array("found", found) - factors, axis=1)


# ---- Baselines


def nearest_by_pixels(train, images):
    """Return the row of the training image nearest in pixels to each image, (n,).

    `train` (m, h, w, 1), `images` (n, h, w, 1); Euclidean distance. The training
    images are turned to floats in pieces, so that uint8 ones may be many.
    """
    train, queries = np.asarray(train), _flat("images", images)
    if train.shape[1:] != np.shape(images)[1:]:
        raise ValueError(
            f"train must have images of the shape of images: {train.shape} and "
            f"{np.shape(images)}"
        )
    rows = max(1, _CHUNK // queries.shape[1])
    index, best = np.zeros(len(queries), int), np.full(len(queries), np.inf)
    for start in range(0, max(1, len(train)), rows):
        part = _flat("train", train[start : start + rows])
        nearest = nearest_index(queries, part)
        distance = np.linalg.norm(queries - part[nearest], axis=1)
        better = distance < best
        index[better], best[better] = start + nearest[better], distance[better]
    return index


def _flat(name, images):
    images = _unit(name, images)
    return images.reshape(len(images), -1)


def nearest_by_factors(train_factors, factors):
    """Return the row of the training point nearest in (a, b) to each point, (n,).

    `train_factors` (m, 2), `factors` (n, 2).
    """
    return nearest_index(
        _points("factors", factors), _points("train_factors", train_factors)
    )


def neighbour_average(train_images, train_factors, factors, k=8):
    """Return the mean of the k training images nearest in (a, b), (n, h, w, 1).

    `train_images` (m, h, w, 1), `train_factors` (m, 2), `factors` (n, 2): float32 in
    [0, 1], what a model that only blends would draw.
    """
    train_images = np.asarray(train_images)
    train_factors = _points("train_factors", train_factors)
    factors, k = _points("factors", factors), whole_number("k", k)
    _same_rows("train_images", train_images, "train_factors", train_factors)
    if k > len(train_factors):
        raise ValueError(f"k must be at most the {len(train_factors)} images, not {k}")
    index = cKDTree(train_factors).query(factors, k=range(1, k + 1))[1]
    total = np.zeros((len(factors), *train_images.shape[1:]), np.float32)
    for rank in index.T:
        total += _unit("train_images", train_images[rank])
    return total / k


# ---- Whose fault an error is
#
# A = D(E(x)), B = D(f(a, b)) with f a spline through the training points, C the least
# error of any D(z). C bad: the decoder cannot draw it. C good, A bad: the encoder
# misplaces it. B good: the sheet goes on where it should. (arXiv:2204.02283)


def thin_plate(factors, codes, at, neighbors=None, smoothing=0.0):
    """Return codes (m, d) at points `at` (m, k) by a thin-plate spline through others.

    `factors` (n, k) and `codes` (n, d) are the training points; the two may change
    places, to read factors off codes. All n at once take
    n^3 steps: pass a few thousand, or `neighbors`, the number of nearest ones to use.
    `smoothing` 0 goes through every point. Decoded, they tell whether the sheet
    continues into the hole. Raises ValueError for points on a line or repeated ones.
    Source: Duchon 1977, Splines minimizing rotation-invariant semi-norms.
    """
    from scipy.interpolate import RBFInterpolator  # slow to import, and only here

    factors = finite_array("factors", factors, ndim=2)
    codes = finite_array("codes", codes, ndim=2)
    at = finite_array("at", at, ndim=2)
    if at.shape[1] != factors.shape[1]:
        raise ValueError(
            f"at must be (m, {factors.shape[1]}) as the factors are, not {at.shape}"
        )
    _same_rows("factors", factors, "codes", codes)
    smoothing = float(finite_array("smoothing", smoothing, ndim=0))
    if smoothing < 0:
        raise ValueError(f"smoothing must be 0 or more, not {smoothing:g}")
    if neighbors is not None:
        neighbors = whole_number("neighbors", neighbors, least=3)
    if smoothing == 0 and len(np.unique(factors, axis=0)) < len(factors):
        raise ValueError("factors hold a point twice: drop one, or pass smoothing > 0")
    if np.linalg.matrix_rank(factors - factors.mean(0)) < factors.shape[1]:
        raise ValueError("factors lie on a line: a surface needs three corners")
    try:
        spline = RBFInterpolator(factors, codes, neighbors, smoothing)
        return spline(at)
    except np.linalg.LinAlgError:
        raise ValueError(
            "factors lie on a line within a neighbourhood: use more neighbors"
        ) from None


class BestCodes(NamedTuple):
    """What `best_codes` found."""

    codes: np.ndarray  # (n, d)
    nats: np.ndarray  # (n,) binary cross-entropy per image, its entropy included


def best_codes(decode_logits, images, start, steps=20, nudge=5e-3):
    """Return the codes whose decoded logits fit each image best, and how well.

    `decode_logits` takes codes (m, d) to logits (m, h, w, 1); `images` (n, h, w, 1);
    `start` (n, k, d) holds k codes an image, of which the best is improved in at most
    `steps`, and never left for a worse one. `nudge` is half the step of the central
    differences, in units of the codes. A step is Levenberg's: with J the slopes of
    the logits and p = sigmoid(logits), it solves (JᵀWJ + λD) δ = Jᵀ(x - p),
    W = p(1 - p), D the diagonal, for several λ an image, and takes the best. It finds
    the minimum nearest to a start: give several. It decodes (2d + 4) codes an image a
    step. Source: Marquardt 1963; Amari 1998, Natural gradient works efficiently.
    """
    images = _flat("images", images).astype(np.float64)
    start = finite_array("start", start, ndim=3)
    _same_rows("start", start, "images", images)
    steps, nudge = (
        whole_number("steps", steps, 0),
        float(finite_array("nudge", nudge, 0)),
    )
    if nudge <= 0:
        raise ValueError(f"nudge must be above 0, not {nudge:g}")
    k, d = start.shape[1:]
    rows = max(1, _CHUNK // (images.shape[1] * max(k, 2 * d, len(_DAMPINGS))))
    codes, nats = np.empty((len(images), d)), np.empty(len(images))
    for i in range(0, len(images), rows):
        part = slice(i, i + rows)
        codes[part], nats[part] = _fit_codes(
            decode_logits, images[part], start[part], steps, nudge
        )
    return BestCodes(codes, nats)


_DAMPINGS = np.array([1e-2, 1e0, 1e2, 1e4])  # tried at a time, times an image's own λ
_LAST_DAMPING = 1e8  # an image that does not gain at it has arrived
_LEAST_GAIN = 1e-8  # of the nats: a step that gains less is the last


def _fit_codes(decode_logits, images, start, steps, nudge):
    """Return the best codes (n, d) and nats (n,) of images (n, pixels)."""
    n, pixels = images.shape
    rows, damping = np.arange(n), np.full(n, 1e-2)
    logits = _decode(decode_logits, start.swapaxes(0, 1), pixels)
    nats = _nats(images, logits)
    if not np.isfinite(nats).all():
        raise ValueError("decode_logits gave NaN or infinity at the codes of start")
    best = nats.argmin(0)
    codes, logits, nats = start[rows, best], logits[best, rows], nats[best, rows]
    for _ in range(steps):
        slopes = _slopes(decode_logits, codes, nudge, pixels)
        dampings = damping * _DAMPINGS[:, None]
        tried = codes + _damped_steps(slopes, images, expit(logits), dampings)
        tried_logits = _decode(decode_logits, tried, pixels)
        tried_nats = _nats(images, tried_logits)
        best = tried_nats.argmin(0)
        gain = nats - tried_nats[best, rows]
        better = gain > 0
        moved = best[better], rows[better]
        codes[better], logits[better] = tried[moved], tried_logits[moved]
        nats[better] = tried_nats[moved]
        damping *= np.where(better, _DAMPINGS[best], _DAMPINGS[-1])
        damping = np.maximum(damping, 1e-10)
        arrived = np.where(better, gain <= _LEAST_GAIN * nats, damping > _LAST_DAMPING)
        if arrived.all():
            break
    return codes, nats


def _decode(decode_logits, codes, pixels):
    """Return the logits (t, n, pixels) of codes (t, n, d)."""
    t, n, d = codes.shape
    logits = np.asarray(decode_logits(codes.reshape(-1, d)), np.float64)
    if logits.size != t * n * pixels:
        raise ValueError(
            f"decode_logits must give {pixels} logits a code, as images have pixels, "
            f"not {logits.shape} for {t * n} codes"
        )
    return logits.reshape(t, n, pixels)


def _nats(images, logits):
    """Return the cross-entropy (t, n) of logits (t, n, pixels), inf where it is NaN."""
    with np.errstate(invalid="ignore", over="ignore"):
        nats = (softplus(logits) - images * logits).sum(2)
    return np.where(np.isfinite(nats), nats, np.inf)


def _slopes(decode_logits, codes, nudge, pixels):
    """Return the slopes of the logits by central differences, (d, n, pixels)."""
    nudges = nudge * np.eye(codes.shape[1])[:, None]
    around = np.concatenate([codes + nudges, codes - nudges])
    ahead, behind = np.split(_decode(decode_logits, around, pixels), 2)
    return np.nan_to_num((ahead - behind) / (2 * nudge))


def _damped_steps(slopes, images, p, dampings):
    """Return the steps (t, n, d) for dampings (t, n) at probabilities p (n, pixels)."""
    slopes = slopes.swapaxes(0, 1)
    right = slopes @ (images - p)[..., None]
    curvature = (slopes * (p * (1 - p))[:, None]) @ slopes.swapaxes(1, 2)
    diagonal = np.diagonal(curvature, axis1=1, axis2=2)
    # A dimension that draws nothing has a slope of 0: keep the matrix regular there.
    floor = 1e-6 * diagonal.max(1, keepdims=True) + np.finfo(float).tiny ** 0.5
    scale = np.eye(diagonal.shape[1]) * (diagonal + floor)[:, None]
    damped = curvature + dampings[..., None, None] * scale
    return np.linalg.solve(damped, np.broadcast_to(right, (*damped.shape[:3], 1)))[
        ..., 0
    ]


# ---- The sheet of codes


class SheetStatistics(NamedTuple):
    """The shape of the sheet on which the codes of a plane of factors lie."""

    shares: np.ndarray  # (min(n, d),) of variance in each principal component
    third_share: float  # the third of them: how far it leaves a plane; 0 for d < 3
    local_flatness: float  # third over first local singular value; 0 is flat, or d < 3
    dimension: float  # intrinsic: 2 is a sheet
    r2: np.ndarray  # (2,) of a and of b as linear functions of the code, in sample


def sheet_statistics(codes, factors, k=30):
    """Return how flat, how thick and how straight the sheet of codes is.

    `codes` (n, d), `factors` (n, 2). `local_flatness` is the median over codes of the
    ratio of the third to the first singular value of its `k` nearest codes, itself
    among them; it sees noise as well as bends. `r2` is a linear regression's on the
    same points. Raises ValueError for fewer codes than k or d + 2, or a factor that
    does not vary. Source: of `dimension`, see `two_nearest_dimension`.
    """
    codes, factors = finite_array("codes", codes, ndim=2), _points("factors", factors)
    _same_rows("codes", codes, "factors", factors)
    k = whole_number("k", k, least=4)
    needed = max(k, codes.shape[1] + 2)
    if len(codes) < needed:
        raise ValueError(f"codes must be {needed} or more, not {len(codes)}")
    if (np.ptp(factors, axis=0) == 0).any():
        raise ValueError(
            "factors must vary, both a and b: codes of a line are no sheet"
        )
    shares = principal_shares(codes)
    return SheetStatistics(
        shares=shares,
        third_share=float(shares[2]) if len(shares) > 2 else 0.0,
        local_flatness=_local_flatness(codes, k),
        dimension=two_nearest_dimension(codes),
        r2=_linear_r2(codes, factors),
    )


def _local_flatness(codes, k):
    if codes.shape[1] < 3:
        return 0.0
    around = codes[cKDTree(codes).query(codes, k=k)[1]]
    around -= around.mean(1, keepdims=True)
    values = np.linalg.svd(around, compute_uv=False)
    first, third = values[:, 0], values[:, 2]
    ratios = np.divide(third, first, out=np.zeros(len(codes)), where=first > 0)
    return float(np.median(ratios))


def _linear_r2(codes, factors):
    """Return the share (2,) of each factor's variance that codes explain linearly."""
    columns = np.column_stack([codes - codes.mean(0), np.ones(len(codes))])
    fitted = columns @ np.linalg.lstsq(columns, factors, rcond=None)[0]
    return 1 - ((factors - fitted) ** 2).sum(0) / (len(factors) * factors.var(0))


def gap(codes):
    """Return the largest step of codes along a transect over their median step.

    `codes` (n, d) in the order of the transect, n >= 3; 1 where all steps are alike.
    Raises ValueError where half of the steps are 0.
    """
    codes = finite_array("codes", codes, ndim=2)
    if len(codes) < 3:
        raise ValueError(f"codes must be three or more along a line, not {len(codes)}")
    steps = np.linalg.norm(np.diff(codes, axis=0), axis=1)
    median = float(np.median(steps))
    if median == 0:
        raise ValueError("codes stand still for half of their steps: drop repeats")
    return float(steps.max()) / median
