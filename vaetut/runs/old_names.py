"""What fields of recipes and metrics were called once, and are called today."""

from collections.abc import Container
from typing import Any

FIELDS = {  # of a recipe, that once had another name: old -> new
    "clip": "max_epsilon",
    "epsilon": "optimizer_epsilon",
    "kernels": "kernel_sizes",
    "weights": "sample_weights",
}
EVERYWHERE = {"coordinate_kurtosis": "coordinate_excess_kurtosis"}
OF_LABELLED = {"kurtosis": "mardia_kurtosis", "skewness": "mardia_skewness"}
OF_STARS = {
    "floor": "bce_floor",
    "kurtosis": "excess_kurtosis",
    "reconstruction": "reconstruction_sampled",
}


def renamed_metric(name: str, metrics: Container[str]) -> str:
    """Return today's name of a metric, or profile, that stood beside `metrics`."""
    if "hole_iou" in metrics:
        if name.endswith("_excess"):
            return f"{name}_bce"
        if name.endswith("_gap"):
            return name.removesuffix("gap") + "largest_step"
        return OF_STARS.get(name, name)
    if "neighbour_accuracy" in metrics:
        return OF_LABELLED.get(name, name)
    if name.startswith("balanced_") and not name.startswith("balanced_accuracy"):
        return name.replace("balanced_", "balanced_accuracy_", 1)
    return EVERYWHERE.get(name, name)


def renamed_recipe(name: str) -> str:
    """Return today's name of a recipe some of whose fields were renamed."""
    base, *settings = name.split("+")
    base = base.replace("faces-vae-fact-", "faces-vae-kl-")
    parts = [setting.partition("=") for setting in settings]
    shown = {FIELDS.get(field, field): value for field, _, value in parts}
    return "+".join([base, *(f"{k}={v}" for k, v in sorted(shown.items()))])


def is_old(content: dict[str, Any]) -> bool:
    """Return whether the content of a record has names of an older version."""
    metrics = content["metrics"]
    renamed = any(renamed_metric(name, metrics) != name for name in metrics)
    renamed |= renamed_recipe(content["recipe"]) != content["recipe"]
    return renamed or bool(content["fields"].keys() & FIELDS.keys())
