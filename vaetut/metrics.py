"""The registry of metrics: what each number of a run means, in which unit, of what.

A name stands for one quantity wherever it appears: in records, tables, claims and the
command line. A name in braces stands for a family, as `{region}_iou` for `hole_iou`.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple

NATS, PIXEL = "nats", "subpixel"


class Metric(NamedTuple):
    """A quantity that is measured of a model, a run, or the course's images."""

    name: str  # or the name of a family, with places in braces
    meaning: str  # in a sentence
    unit: str  # "" where it is a pure number
    per: str  # of what it is one value, before means are taken: image, pixel, run, …
    better: str = ""  # "lower", "higher", or "" where neither is
    codes: str = ""  # "means" or "sampled": what was decoded or looked at; "" for none

    @property
    def label(self) -> str:
        """The unit as it stands behind a number: nats say of what."""
        of_what = self.unit == NATS and self.per in ("image", PIXEL)
        return f"{self.unit} per {self.per}" if of_what else self.unit


PLACES = {  # what may stand in the braces of a family's name
    "attribute": r"(?!accuracy$)[a-z0-9_]+",
    "axis": "a|b",
    "cause": "A|B|C",
    "group": "large|small",
    "made": "reconstruction|prior|fitted",
    "r": r"[0-9.]+",
    "region": "hole|shell|far",
    "sampler": "box|gaussian|prior",
    "score": "sap|mig|radii_sap|entanglement",
    "shape": "crossed|plain",
    "transect": "P1|P2|P3",
    "walk": "straight|sheet|neighbours",
    "where": "gap|cloud",
}
LOW, HIGH, MEANS, SAMPLED = "lower", "higher", "means", "sampled"

REGISTRY = (
    # What a reconstruction costs
    Metric(
        "reconstruction",
        "cross-entropy of test images",
        NATS,
        "image",
        LOW,
        MEANS,
    ),
    Metric(
        "reconstruction_sampled",
        "cross-entropy of test images, decoded with the noise of training",
        NATS,
        "image",
        LOW,
        SAMPLED,
    ),
    Metric("bce", "cross-entropy of test images", NATS, PIXEL, LOW, MEANS),
    Metric("floor", "entropy of grey pixels, the least cross-entropy", NATS, "image"),
    Metric("bce_floor", "entropy of grey pixels, the least cross-entropy", NATS, PIXEL),
    Metric(
        "bce_floor_reference",
        "entropy of grey pixels on the reference's canvas",
        NATS,
        PIXEL,
    ),
    Metric("excess", "reconstruction less floor", NATS, "image", LOW, MEANS),
    Metric("total", "reconstruction_sampled + β · kl", NATS, "image", LOW, SAMPLED),
    Metric(
        "logged_loss",
        "the loss of the polar source as its script logs it",
        NATS,
        PIXEL,
        LOW,
        SAMPLED,
    ),
    # The posteriors
    Metric("kl", "KL divergence of q(z|x) from the prior", NATS, "image"),
    Metric("kl_share", "β · kl over total", "", "run"),
    Metric("mutual_information", "what a code tells of its image", NATS, "image"),
    Metric("marginal_kl", "KL divergence of q(z) from the prior", NATS, "run", LOW),
    Metric("elbo", "−reconstruction_sampled − kl", NATS, "image", HIGH, SAMPLED),
    Metric("elbo_few", "elbo of the first images", NATS, "image", HIGH, SAMPLED),
    Metric("elbo_some", "elbo of more of them", NATS, "image", HIGH, SAMPLED),
    Metric(
        "iw_bound_few",
        "importance-weighted bound of the first images",
        NATS,
        "image",
        HIGH,
        SAMPLED,
    ),
    Metric("evidence", "log p(x), summed over a grid of codes", NATS, "image", HIGH),
    Metric("evidence_few", "evidence of the first images", NATS, "image", HIGH),
    Metric("evidence_cells", "cells of that grid that share p(z|x)", "", "image"),
    Metric("active_units", "units whose means vary by more than 0.01", "units", "run"),
    Metric("posterior_sd", "median standard deviation of q(z|x)", "code units", "run"),
    Metric("log_var_min", "least log-variance of a posterior", NATS, "run"),
    Metric("log_var_mean", "mean log-variance of the posteriors", NATS, "run"),
    Metric("log_var_max", "largest log-variance of a posterior", NATS, "run"),
    Metric("mean_shift_max", "largest |z − μ| of a component", "code units", "run"),
    Metric("mean_shift_share", "components with |z − μ| above 0.05", "", "run"),
    Metric("radius_deviation", "mean of |‖z‖ − ‖μ‖| / ‖μ‖", "", "image"),
    Metric("radius_of_mean", "length of μ", "code units", "image", "", MEANS),
    Metric("radius_of_z", "length of a code", "code units", "image", "", SAMPLED),
    # The cloud of codes
    Metric(
        "neighbour_accuracy",
        "codes whose nearest code has the same label",
        "",
        "image",
        HIGH,
        SAMPLED,
    ),
    Metric("offset", "distance of the mean from 0, in sd", "", "run", LOW, SAMPLED),
    Metric("anisotropy", "longest over shortest axis", "", "run", LOW, SAMPLED),
    Metric("mardia_skewness", "Mardia's b1; 0: symmetric", "", "run", LOW, SAMPLED),
    Metric("mardia_kurtosis", "Mardia's b2; 8: Gaussian plane", "", "run", "", SAMPLED),
    Metric("radius_ratio", "largest over rms radius", "", "run", LOW, SAMPLED),
    Metric(
        "moment_kl",
        "KL divergence of the Gaussian fitted to the codes from the prior",
        NATS,
        "run",
        LOW,
        SAMPLED,
    ),
    Metric("area_ratio", "largest area of a class over smallest", "", "run", LOW),
    Metric("gap_{sampler}", "samples that fall into a gap", "", "sample", LOW, SAMPLED),
    Metric("classes_{sampler}", "effective classes of samples", "", "run", HIGH),
    Metric(
        "round_trip_{sampler}",
        "median distance of E(D(s)) from a sample s, in radii of the cloud",
        "",
        "sample",
        LOW,
    ),
    Metric(
        "round_trip_{where}",
        "median distance of E(D(s)) from a point s, in radii of the cloud",
        "",
        "sample",
        LOW,
    ),
    Metric(
        "nearest_real_{where}",
        "median RMS distance of a decoded point from the nearest test image",
        "grey value",
        "sample",
        LOW,
    ),
    Metric("radius_median", "median length of codes", "code units", "run", "", SAMPLED),
    Metric(
        "radius_mode", "most frequent length of codes", "code units", "run", "", SAMPLED
    ),
    Metric(
        "radius_low", "2.5 % of codes are shorter", "code units", "run", "", SAMPLED
    ),
    Metric(
        "radius_high", "2.5 % of codes are longer", "code units", "run", "", SAMPLED
    ),
    Metric("rms_coordinate", "rms of coordinates", "code units", "run", "", SAMPLED),
    Metric(
        "coordinate_excess_kurtosis",
        "mean over coordinates; 0: Gaussian",
        "",
        "run",
        "",
        SAMPLED,
    ),
    Metric(
        "coordinate_skewness",
        "mean size over coordinates; 0: symmetric",
        "",
        "run",
        "",
        SAMPLED,
    ),
    Metric(
        "inertia_ratio", "inertia of 80 clusters over that of 2", "", "run", "", SAMPLED
    ),
    # What images look like
    Metric("denoised_to_noisy", "error left, over that of the noise", "", "run", LOW),
    Metric("denoised_to_blurred", "error left, over that of a blur", "", "run", LOW),
    Metric(
        "frechet_{made}", "Fréchet distance in a classifier's features", "", "run", LOW
    ),
    Metric(
        "frechet_box_{r}",
        "Fréchet distance of codes from a cube of half the side r",
        "",
        "run",
        LOW,
    ),
    Metric("sharpness_{made}", "sharpness over that of test images", "", "run", HIGH),
    Metric("precision_{made}", "images that lie among real ones", "", "run", HIGH),
    Metric("recall_{made}", "real ones that lie among the images", "", "run", HIGH),
    # Attributes
    Metric("cross_entropy", "of all attributes together", NATS, "image", LOW),
    Metric("accuracy", "attributes that are told rightly", "", "image", HIGH),
    Metric("balanced_accuracy", "mean over attributes; 0.5: chance", "", "run", HIGH),
    Metric(
        "balanced_accuracy_{attribute}",
        "balanced accuracy of one attribute; 0.5: chance",
        "",
        "run",
        HIGH,
    ),
    Metric(
        "probe_accuracy",
        "balanced accuracy of linear probes, mean over attributes",
        "",
        "run",
        HIGH,
        MEANS,
    ),
    Metric(
        "probe_{attribute}",
        "balanced accuracy of a linear probe of one attribute",
        "",
        "run",
        HIGH,
        MEANS,
    ),
    # Stars: how they are drawn
    Metric(
        "{region}_excess_bce", "cross-entropy above its floor", NATS, PIXEL, LOW, MEANS
    ),
    Metric("{region}_iou", "intersection over union", "", "image", HIGH, MEANS),
    Metric("{region}_dice", "soft Dice overlap", "", "image", HIGH, MEANS),
    Metric("{region}_chamfer", "Chamfer distance", "pixels", "image", LOW, MEANS),
    Metric("{region}_mse", "mean squared error", "grey value²", "image", LOW, MEANS),
    Metric(
        "{region}_factor_error",
        "distance of the factors that fit the drawn star from the true ones",
        "units of a and b",
        "image",
        LOW,
        MEANS,
    ),
    Metric(
        "{region}_{shape}_excess_bce",
        "cross-entropy above its floor, of stars that cross themselves or not",
        NATS,
        PIXEL,
        LOW,
        MEANS,
    ),
    Metric(
        "{region}_{shape}_iou",
        "intersection over union, of stars that cross themselves or not",
        "",
        "image",
        HIGH,
        MEANS,
    ),
    Metric(
        "{region}_noisy_excess_bce",
        "cross-entropy above its floor, with the noise of training",
        NATS,
        PIXEL,
        LOW,
        SAMPLED,
    ),
    Metric(
        "{region}_noisy_iou",
        "intersection over union, with the noise of training",
        "",
        "image",
        HIGH,
        SAMPLED,
    ),
    Metric(
        "{region}_{cause}_excess_bce",
        "cross-entropy above its floor; code of the encoder (A), spline (B), best (C)",
        NATS,
        PIXEL,
        LOW,
        MEANS,
    ),
    Metric(
        "{region}_{cause}_iou",
        "intersection over union from those three codes, A, B and C",
        "",
        "image",
        HIGH,
        MEANS,
    ),
    Metric(
        "{region}_redrawn_iou",
        "of a star drawn from the factors that a spline reads off the code",
        "",
        "image",
        HIGH,
        MEANS,
    ),
    Metric(
        "{region}_read_error",
        "distance of those factors from the true ones",
        "units of a and b",
        "image",
        LOW,
        MEANS,
    ),
    Metric("hole_to_shell", "excess in the hole over that around it", "", "run", LOW),
    Metric("hole_iou_lost", "IoU around the hole less that in it", "", "run", LOW),
    # Stars: their codes
    Metric("third_share", "variance in the third direction", "", "run", LOW, MEANS),
    Metric(
        "local_flatness", "third over first local singular value", "", "run", LOW, MEANS
    ),
    Metric("dimension", "intrinsic, by two neighbours", "", "run", "", MEANS),
    Metric("r2", "of a and b as linear functions of the code", "", "run", HIGH, MEANS),
    Metric(
        "{transect}_largest_step", "largest over median step", "", "run", LOW, MEANS
    ),
    Metric("{score}", "score of axes: SAP, MIG, entanglement", "", "run", "", MEANS),
    Metric(
        "{score}_chance", "mean of the score over random axes", "", "run", "", MEANS
    ),
    Metric(
        "{score}_rank",
        "rank of the score among those of random axes, in [0, 1]",
        "",
        "run",
    ),
    Metric("dci_disentanglement", "DCI, by random forests", "", "run", HIGH, MEANS),
    Metric("dci_completeness", "DCI, by random forests", "", "run", HIGH, MEANS),
    Metric("dci_informativeness", "DCI, by random forests", "", "run", HIGH, MEANS),
    Metric("factor_vae", "FactorVAE's score", "", "run", HIGH, MEANS),
    Metric(
        "excess_kurtosis",
        "along two principal directions; 0: Gaussian, −1.2: uniform",
        "",
        "run",
        "",
        MEANS,
    ),
    Metric("to_axis", "angle of factor lines to the nearest axis", "degrees", "run"),
    Metric("to_axis_chance", "mean of to_axis over random axes", "degrees", "run"),
    Metric(
        "to_axis_rank",
        "rank of to_axis among those of random axes, in [0, 1]",
        "",
        "run",
    ),
    Metric("between", "angle between the lines of a and of b", "degrees", "run"),
    Metric("radii_to_axis", "angle of the radii's lines to an axis", "degrees", "run"),
    Metric("radii_between", "angle between the lines of the radii", "degrees", "run"),
    Metric("turning_{axis}", "turn of a factor's lines", "radians", "run", LOW, MEANS),
    Metric("straightness_{axis}", "chord over length", "", "run", HIGH, MEANS),
    Metric(
        "{walk}_error",
        "distance of the stars on a walk from those meant",
        "units of a and b",
        "stop",
        LOW,
    ),
    Metric(
        "{walk}_redrawn_iou", "of its images with the stars they show", "", "stop", HIGH
    ),
    Metric("straight_to_sheet", "straight_error over sheet_error", "", "run"),
    # The course's own images
    Metric("removed", "points in the hole of 5,000", "points", "draw"),
    Metric("at_most_410", "1 where no more than 410 are", "", "draw"),
    Metric("at_least_490", "1 where no fewer than 490 are", "", "draw"),
    Metric("crossed", "points whose star crosses itself", "", "draw"),
    Metric("hole_crossed", "points in the hole whose star crosses itself", "", "draw"),
    Metric("doubling", "RMS distance of twice a step over that of one", "", "draw"),
    Metric(
        "pair_distance_{group}",
        "RMS distance of stars above the middle of a and b, or below both",
        "grey value",
        "draw",
    ),
    Metric(
        "pair_dice_{group}",
        "soft Dice overlap of stars above the middle of a and b, or below both",
        "",
        "draw",
    ),
    Metric("pixel_dimension", "intrinsic, of images", "", "draw"),
    Metric("curve_dimension", "intrinsic, of curves", "", "draw"),
    Metric("pixel_plane", "variance in two components, of images", "", "draw"),
    Metric("curve_plane", "variance in two components, of curves", "", "draw"),
)

OF_PROFILES = (  # one value an image, where images are the same for every model
    Metric(
        "radius", "length of a test image's code", "code units", "image", "", SAMPLED
    ),
    Metric("{transect}_excess_bce", "along a transect", NATS, PIXEL, LOW, MEANS),
    Metric("{transect}_iou", "along a transect", "", "image", HIGH, MEANS),
    Metric(
        "{transect}_factor_error",
        "along a transect",
        "units of a and b",
        "image",
        LOW,
        MEANS,
    ),
    Metric("lattice_{unit}", "codes of a lattice of stars", "code units", "image"),
)


@cache
def metric(name: str) -> Metric:
    """Return what is registered under a name, that of a family with its own name.

    Raises ValueError, naming near ones, for a name that is not registered.
    """
    found = _find(name)
    if found is None:
        near = get_close_matches(name, [m.name for m in REGISTRY], 3)
        raise ValueError(
            f"There is no metric {name!r}"
            + (f": is it {' or '.join(near)}?" if near else ".")
            + " A new one is registered in vaetut/metrics.py."
        )
    return found._replace(name=name)


def check_names(names: Iterable[str], profiles: Iterable[str] = ()) -> None:
    """Raise ValueError unless all names are registered, those of profiles as such."""
    for name in names:
        metric(name)
    for name in profiles:
        if _find(name, (*REGISTRY, *OF_PROFILES)) is None:
            raise ValueError(
                f"There is no profile {name!r}: register it in vaetut/metrics.py."
            )


def _find(name, registry=REGISTRY):
    """Return the entry of a name, an exact one before a family, or None."""
    exact = [entry for entry in registry if entry.name == name]
    families = (entry for entry in registry if _pattern(entry.name).fullmatch(name))
    return exact[0] if exact else next(families, None)


@cache
def _pattern(family):
    """Return the regular expression of the names of a family."""
    places = PLACES | {"unit": r"\d+"}
    parts = re.split(r"\{(\w+)\}", family)
    return re.compile(
        "".join(
            f"(?:{places[part]})" if k % 2 else re.escape(part)
            for k, part in enumerate(parts)
        )
    )
