"""The runs there are: where they are, which of them fit, and if they are whole."""

import os
import shutil
from pathlib import Path
from typing import Any

import platformdirs

from vaetut.analysis import Interval, interval
from vaetut.atomic import RunError
from vaetut.metrics import metric
from vaetut.recipes import CATALOGUE, SCALES, Recipe, get_recipe
from vaetut.runs.record import REMEDY, Record, read_record
from vaetut.runs.scales import scale_of
from vaetut.training import build_model
from vaetut.training.weights import import_weights, read_weights

SHIPPED = Path(__file__).parents[1] / "pretrained"


def own_runs() -> Path:
    """Return the folder for runs trained here: VAETUT_RUNS, or the user's cache."""
    given = os.environ.get("VAETUT_RUNS")
    return Path(given) if given else platformdirs.user_cache_path("vaetut") / "runs"


def stem(root: Path, recipe: Recipe, seed: int) -> Path:
    """Return the path of a run's files without their suffix."""
    return root / recipe.name / recipe.scale / f"seed-{seed}"


def refuse_stale(record: Record, recipe: Recipe, path: Path) -> None:
    """Raise RunError if a run was trained from another version of its recipe."""
    changed = recipe.changed_since(record.fields)
    if changed:
        raise RunError(
            f"{path} is stale: recipe {recipe.name!r} has changed since "
            f"({', '.join(changed)}). Train it again: "
            f"vaetut train {recipe.name} --scale {recipe.scale}"
        )


def records(name: str, scale: str | None = None, root: Path = SHIPPED) -> list[Record]:
    """Return the records of a recipe at a scale, one a seed, in the seeds' order.

    The scale is the one that the book shows, unless given: see `scales.scale_of`.
    Raises ValueError for an unknown recipe, RunError for a damaged or stale record.
    """
    scale = scale or scale_of(name, root)
    if scale is None:
        get_recipe(name)  # there is such a one, or this raises
        return []
    recipe, found = get_recipe(name, scale), []
    for path in sorted(stem(root, recipe, 0).parent.glob("seed-*.json")):
        record = read_record(path)
        refuse_stale(record, recipe, path)
        found.append(record)
    return sorted(found, key=lambda record: record.seed)


def finished(recipe: Recipe, seed: int, shipped: bool = True) -> Record | None:
    """Return the record of a run that fits its recipe as it is today, or None.

    Your own runs are looked through, then, unless `shipped` is False, the course's.
    Raises RunError if there is one that is damaged.
    """
    for root in (own_runs(), *([SHIPPED] if shipped else [])):
        path = stem(root, recipe, seed).with_suffix(".json")
        if path.exists():
            record = read_record(path)
            if not recipe.changed_since(record.fields):
                return record
    return None


def summary(name: str, scale: str | None = None) -> dict[str, Interval]:
    """Return every metric of a recipe with its 95 % interval over the shipped seeds.

    The scale is the one that the book shows, unless given. Raises as `records` does.
    """
    return _intervals(records(name, scale))


def _intervals(found: list[Record]) -> dict[str, Interval]:
    """Return each metric's interval over the records that have it."""
    names = dict.fromkeys(k for record in found for k in record.metrics)
    return {k: interval([r.metrics[k] for r in found if k in r.metrics]) for k in names}


def list_runs(root: Path = SHIPPED, variants: bool = True) -> list[dict[str, Any]]:
    """Return one plain dictionary for each recipe and scale that has runs in a folder.

    Keys: recipe, scale, seeds, hardware, backend, seconds (mean of a run), parameters,
    peak_memory_mb (the largest that was measured, or None), metrics (name -> mean,
    low, high, n and unit, as "nats per image": see `vaetut.metrics`), stale. A stale
    run is listed, not refused. Variants come after the recipes of the catalogue, or not
    at all. Raises RunError for a damaged record.
    """
    rows = []
    others = sorted(p.name for p in root.glob("*+*") if p.is_dir()) if variants else []
    for name in [*CATALOGUE, *others]:
        for scale in SCALES:
            recipe = get_recipe(name, scale)
            paths = sorted(stem(root, recipe, 0).parent.glob("seed-*.json"))
            found = [read_record(path) for path in paths]
            if not found:
                continue
            rows.append(
                {
                    "recipe": name,
                    "scale": scale,
                    "seeds": len(found),
                    "hardware": "; ".join(sorted({r.hardware for r in found})),
                    "backend": "; ".join(sorted({r.backend for r in found})),
                    "seconds": sum(r.seconds for r in found) / len(found),
                    "parameters": found[0].parameters,
                    "peak_memory_mb": max(
                        (r.peak_memory_mb for r in found if r.peak_memory_mb),
                        default=None,
                    ),
                    "metrics": {
                        k: v._asdict() | {"unit": metric(k).label}
                        for k, v in _intervals(found).items()
                    },
                    "stale": any(recipe.changed_since(r.fields) for r in found),
                }
            )
    return rows


def verify(root: Path = SHIPPED) -> list[str]:
    """Return what is wrong with the runs in a folder, one line each; empty if nothing.

    Every record must be whole and of today's recipe, weights must have the hash in
    their record and fit the model, and there must be no weights without a record.
    """
    problems = []
    for path in sorted(root.glob("*/*/*")):
        try:
            record = read_record(path.with_suffix(".json"))
            recipe = get_recipe(path.parts[-3], path.parts[-2])
            refuse_stale(record, recipe, path)
            if path.suffix == ".safetensors":
                arrays = read_weights(path, record.weights_sha256, REMEDY)
                import_weights(build_model(recipe), arrays)
        except (RunError, ValueError) as error:
            problems.append(str(error))
    return list(dict.fromkeys(problems))


def ship(name: str, scale: str) -> list[Path]:
    """Copy a recipe's own runs into the package: every record, the weights of seed 0.

    Of a variant, of which there are many, the records alone are copied. Returns the
    files written. Raises RunError if there are no runs to ship.
    """
    recipe, written = get_recipe(name, scale), []
    for record in records(name, scale, own_runs()):
        source, target = (stem(r, recipe, record.seed) for r in (own_runs(), SHIPPED))
        target.parent.mkdir(parents=True, exist_ok=True)
        whole = record.seed == 0 and name in CATALOGUE
        for suffix in (".json", ".safetensors") if whole else (".json",):
            copied = shutil.copyfile(
                source.with_suffix(suffix), target.with_suffix(suffix)
            )
            written.append(Path(copied))
    if not written:
        raise RunError(f"There are no runs of {name!r} at {scale} in {own_runs()}.")
    return written
