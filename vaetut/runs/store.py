"""The runs there are: where they are, which of them fit, and if they are whole."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from vaetut import checks
from vaetut.analysis import Interval, interval
from vaetut.atomic import RunError
from vaetut.metrics import metric
from vaetut.models import ImageModel
from vaetut.recipes import CATALOGUE, SCALES, Recipe, get_recipe
from vaetut.runs.old_names import renamed_recipe
from vaetut.runs.record import Record, Stored, Stranger, commit, read_record, read_run
from vaetut.runs.scales import scale_of
from vaetut.training import build_model
from vaetut.training.checkpoint import lock
from vaetut.training.weights import import_weights, unpack_weights

SHIPPED = Path(__file__).parents[1] / "pretrained"
SHIPPING = "is what another process does: wait for it."
CHECKOUT = "Ship from a checkout that you can write to."
STEM = re.compile(r"seed-(0|[1-9][0-9]*)")


def own_runs() -> Path:
    """Return the folder for runs trained here: VAETUT_RUNS, or the user's cache."""
    given = checks.named_path("VAETUT_RUNS")
    return given or platformdirs.user_cache_path("vaetut") / "runs"


def stem(root: Path, recipe: Recipe, seed: int) -> Path:
    """Return the path of a run's files without their suffix."""
    return root / recipe.name / recipe.scale / f"seed-{seed}"


def mend(root: Path, recipe: Recipe, seed: int) -> str:
    """Return a sentence with the command that mends a damaged run."""
    if root == SHIPPED:
        folder = shlex.quote(str(stem(root, recipe, seed).parent))
        return f"Restore it from git: git -C {folder} checkout -- ."
    return f"{_train_again(recipe, seed)} --no-resume"


def _train_again(recipe: Recipe, seed: int) -> str:
    """Return a sentence with the command that trains a run which does not count."""
    which = f" --seeds {seed}-{seed}" if seed else ""
    return f"Train it again: vaetut train {recipe.name} --scale {recipe.scale}{which}"


def refuse_stale(record: Record, recipe: Recipe, path: Path) -> None:
    """Raise RunError if a run was trained from another version of its recipe."""
    changed = recipe.changed_since(record.fields)
    if changed:
        raise RunError(
            f"{path} is stale: recipe {recipe.name!r} has changed since "
            f"({', '.join(changed)}). {_train_again(recipe, record.seed)}"
        )


def read(root: Path, recipe: Recipe, seed: int) -> Stored | None:
    """Return a run in a folder, of whatever version of its recipe; None: there is none.

    It is the one answer to whether a run is there. Of your own runs there are always
    weights, of the course's those of seed 0, but for variants. Raises RunError, with
    the mend, if the run is damaged; Stranger if its record is that of another run.
    """
    path, remedy = stem(root, recipe, seed), mend(root, recipe, seed)
    found = read_run(path, remedy)
    if found is None:
        return None
    _refuse_stranger(found.record, recipe, seed, path)
    if found.weights is None and (root != SHIPPED or _has_weights(recipe, seed)):
        raise RunError(f"{path}.safetensors is missing. {remedy}")
    return found


def restored(root: Path, recipe: Recipe, run: Stored) -> ImageModel | None:
    """Return the model of a run as it was stored; None: the record alone is kept.

    Raises RunError, naming the file, if the run is older than its recipe, or its
    weights are those of another network.
    """
    record, path = run.record, stem(root, recipe, run.record.seed)
    refuse_stale(record, recipe, path)
    if run.weights is None:
        return None
    model = build_model(recipe, record.seed)
    try:
        import_weights(model, unpack_weights(run.weights))
    except RunError as error:
        remedy = mend(root, recipe, record.seed)
        raise RunError(f"{path}.safetensors: {error} {remedy}") from error
    return model


def _has_weights(recipe: Recipe, seed: int) -> bool:
    """Return whether the weights of a run are shipped."""
    return seed == 0 and recipe.name in CATALOGUE


def _refuse_stranger(record: Record, recipe: Recipe, seed: int, path: Path) -> None:
    """Raise Stranger if a record is of another run than its path says."""
    if (record.recipe, record.scale, record.seed) != (recipe.name, recipe.scale, seed):
        raise Stranger(
            f"{path}.json is the record of {record.recipe} {record.scale} seed "
            f"{record.seed}, and does not count: move it away."
        )


def records(name: str, scale: str | None = None, root: Path = SHIPPED) -> list[Record]:
    """Return the records of a recipe at a scale, one a seed, in the seeds' order.

    The scale is the one that the book shows, unless given: see `scales.scale_of`. What
    is no run of that recipe is left out; `verify` names it. Raises ValueError for an
    unknown recipe, RunError for a damaged or stale record.
    """
    scale = scale or scale_of(name, root)
    if scale is None:
        get_recipe(name)  # there is such a one, or this raises
        return []
    recipe, found = get_recipe(name, scale), []
    for seed in _seeds(stem(root, recipe, 0).parent):
        path = stem(root, recipe, seed)
        try:
            record = read_record(path.with_suffix(".json"), mend(root, recipe, seed))
            _refuse_stranger(record, recipe, seed, path)
        except Stranger:
            continue
        refuse_stale(record, recipe, path)
        found.append(record)
    return found


def _seeds(folder: Path) -> list[int]:
    """Return the seeds that a folder has records of, in order."""
    files = [path for path in folder.glob("seed-*.json") if path.is_file()]
    names = (STEM.fullmatch(path.stem) for path in files)
    return sorted(int(name[1]) for name in names if name)


def finished(recipe: Recipe, seed: int, shipped: bool = True) -> Record | None:
    """Return the record of a run that is whole and fits its recipe as it is, or None.

    Your own runs are looked through, then, unless `shipped` is False, the course's.
    Raises RunError if there is one that is damaged.
    """
    for root in (own_runs(), *([SHIPPED] if shipped else [])):
        found = read(root, recipe, seed)
        if found and not recipe.changed_since(found.record.fields):
            return found.record
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


class Survey(NamedTuple):
    """What lies in a folder of runs."""

    runs: list[tuple[Recipe, Record]]  # that are whole, stale ones among them
    damaged: list[str]  # a line each
    strangers: list[str]  # a line for each thing that is no run


def survey(
    root: Path, check: Callable[[Recipe, Stored], object] = lambda recipe, run: None
) -> Survey:
    """Look through all of a folder of runs; nothing that is in there ends that.

    Names that begin with a dot are left alone. A run is damaged as well if `check`
    raises RunError for it.
    """
    found = Survey([], [], [])
    for folder in _visible(root):
        try:
            for recipe in _recipes_in(folder, found):
                _look_into(root, recipe, found, check)
        except (Stranger, ValueError) as error:
            found.strangers.append(str(error))
        except (RunError, OSError) as error:
            found.damaged.append(str(error))
    return found


def _visible(folder: Path) -> list[Path]:
    """Return what is in a folder, if it is there, in the order of the names."""
    inside = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in inside if not path.name.startswith("."))


def _recipes_in(folder: Path, found: Survey) -> Iterator[Recipe]:
    """Yield the recipe of a folder at every scale that it has a folder of.

    Raises Stranger if it is no recipe's; RunError if it is one's of an older version.
    """
    today = renamed_recipe(folder.name)
    try:
        get_recipe(today)
    except ValueError:
        today = ""
    if not today or not folder.is_dir():
        raise Stranger(f"{folder} is named as no recipe, and does not count.")
    if today != folder.name:
        raise RunError(
            f"{folder} has a name of an older version of vaetut: `vaetut migrate` "
            f"writes its records anew, as {today}."
        )
    for inside in _visible(folder):
        if inside.name not in SCALES or not inside.is_dir():
            text = f"{inside} is no scale's folder, and does not count."
            found.strangers.append(text)
        elif (recipe := get_recipe(folder.name, inside.name)).name != folder.name:
            text = f"{inside} does not count: at that scale it is {recipe.name}."
            found.strangers.append(text)
        else:
            yield recipe


def _look_into(
    root: Path,
    recipe: Recipe,
    found: Survey,
    check: Callable[[Recipe, Stored], object],
) -> None:
    """Add what there is of a recipe at a scale."""
    folder, seeds = stem(root, recipe, 0).parent, set()
    kinds = [".json", ".safetensors", *[".checkpoint"] * (root != SHIPPED)]
    for path in _visible(folder):
        named = STEM.fullmatch(path.stem)
        if named and path.suffix in kinds and path.is_file():
            seeds.add(int(named[1]))
        else:
            found.strangers.append(f"{path} is no run's file, and does not count.")
    for seed in sorted(seeds):
        weights = stem(root, recipe, seed).with_suffix(".safetensors")
        try:
            run = read(root, recipe, seed)
            if run is not None:
                check(recipe, run)
                found.runs.append((recipe, run.record))
            elif weights.exists():
                found.strangers.append(f"{weights} has no record, and does not count.")
        except Stranger as error:
            found.strangers.append(str(error))
        except RunError as error:
            found.damaged.append(str(error))


def list_runs(root: Path = SHIPPED, variants: bool = True) -> list[dict[str, Any]]:
    """Return one plain dictionary for each recipe and scale that has runs in a folder.

    Raises RunError for a damaged run. For the keys see `rows`.
    """
    found = survey(root)
    if found.damaged:
        raise RunError("\n".join(found.damaged))
    return rows(found, variants)


def rows(found: Survey, variants: bool = True) -> list[dict[str, Any]]:
    """Return one plain dictionary for each recipe and scale that has whole runs.

    Keys: recipe, scale, seeds, hardware, backend, seconds (mean of a run), parameters,
    peak_memory_mb (the largest that was measured, or None), metrics (name -> mean,
    low, high, n and unit, as "nats per image": see `vaetut.metrics`), stale. A stale
    run is listed, not refused. Variants come after the recipes of the catalogue, or not
    at all.
    """
    groups: dict[Recipe, list[Record]] = {}
    for recipe, record in found.runs:
        groups.setdefault(recipe, []).append(record)
    order = {name: k for k, name in enumerate(CATALOGUE)}
    place = {recipe: order.get(recipe.name, len(order)) for recipe in groups}
    listed = []
    for recipe in sorted(groups, key=lambda r: (place[r], r.name)):
        group = groups[recipe]
        if recipe.is_variant and not variants:
            continue
        listed.append(
            {
                "recipe": recipe.name,
                "scale": recipe.scale,
                "seeds": len(group),
                "hardware": "; ".join(sorted({r.hardware for r in group})),
                "backend": "; ".join(sorted({r.backend for r in group})),
                "seconds": sum(r.seconds for r in group) / len(group),
                "parameters": group[0].parameters,
                "peak_memory_mb": max(
                    (r.peak_memory_mb for r in group if r.peak_memory_mb),
                    default=None,
                ),
                "metrics": {
                    k: v._asdict() | {"unit": metric(k).label}
                    for k, v in _intervals(group).items()
                },
                "stale": any(recipe.changed_since(r.fields) for r in group),
            }
        )
    return listed


def verify(root: Path = SHIPPED) -> list[str]:
    """Return what is wrong with the runs in a folder, one line each; empty if nothing.

    Every record must be whole, of the run that its path names and of today's recipe,
    weights must have the hash in their record and fit the model, and there must be
    nothing else.
    """
    found = survey(root, lambda recipe, run: restored(root, recipe, run))
    return found.damaged + found.strangers


def ship(name: str, scale: str, say: Callable[[str], object] = print) -> list[Path]:
    """Copy a recipe's own runs into the package: every record, the weights of seed 0.

    Of a variant, of which there are many, the records alone are copied. All of them are
    looked at before the first is copied, and each takes the place of what was shipped
    at one moment. `say` gets a line for a record that does not count. Returns the files
    that are there. Raises RunError if there are no runs to ship, one is damaged or
    stale, or a file cannot be written.
    """
    recipe, own, runs = get_recipe(name, scale), own_runs(), []
    for seed in _seeds(stem(own, recipe, 0).parent):
        try:
            run = read(own, recipe, seed)
        except Stranger as stranger:
            say(str(stranger))
            continue
        if run is not None:
            restored(own, recipe, run)
            weights = run.weights if _has_weights(recipe, seed) else None
            runs.append((run.record, weights))
    if not runs:
        raise RunError(f"There are no runs of {name!r} at {scale} in {own}.")
    written = []
    with lock(SHIPPED / "ship", SHIPPING, CHECKOUT):
        for record, weights in runs:
            target = stem(SHIPPED, recipe, record.seed)
            commit(target, record, weights, CHECKOUT)
            suffixes = (".json",) if weights is None else (".json", ".safetensors")
            written += [target.with_suffix(suffix) for suffix in suffixes]
    return written
