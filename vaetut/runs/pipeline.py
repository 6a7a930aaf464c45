"""From a recipe to a run: can it be measured, train, measure, record."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from vaetut import atomic, checks
from vaetut.metrics import check_names
from vaetut.models import AttributeClassifier, ImageModel
from vaetut.models.work import training_flops
from vaetut.recipes import SCALES, Recipe, get_recipe
from vaetut.runs.measuring import Measures, Numbers, measures_of
from vaetut.runs.record import Record, commit
from vaetut.runs.scales import scale_of
from vaetut.runs.store import SHIPPED, own_runs, read, records, restored, stem
from vaetut.training import backends, build_model, load_data, train
from vaetut.training.checkpoint import BusyError, lock
from vaetut.training.devices import Devices
from vaetut.training.weights import (
    export_weights,
    import_weights,
    pack_weights,
    unpack_weights,
)

WAIT = 2.0  # seconds between looks at what another process is training
_CLASSIFIERS: dict[tuple[str, str, Path], Any] = {}  # recipe, scale, folder -> model


@dataclass(frozen=True)
class Run:
    """A trained model with the record of its training."""

    model: ImageModel
    record: Record


def train_run(
    recipe: Recipe,
    seed: int,
    stem: Path,
    say: Callable[[str], object] = print,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    devices: Devices | None = None,
    precision: str = "float32",
    resume: bool = True,
) -> Run | None:
    """Train a recipe, measure it, and write `stem`.safetensors and `stem`.json.

    Arguments as for `vaetut.training.train`, whose checkpoint is `stem`.checkpoint
    until both are there, at one moment: until then a run that was there before is. The
    weights are stored as float16 and the metrics measured with what was stored, in
    float32. Of several processes the first one writes and has the run; the others
    return None.

    Raises what `train` raises; RunError if another process trains this run; ValueError,
    before the first step, for a recipe that cannot be measured, and after the last one,
    with the checkpoint kept, for a number that is not registered in `vaetut.metrics`.
    """
    measures = measures_of(recipe)
    if devices is not None and not devices.writes:
        options: dict[str, Any]
        options = {"callbacks": callbacks, "devices": devices, "precision": precision}
        train(recipe, seed, _checkpoint(stem), say, resume=resume, **options)
        return None
    with lock(stem):
        classifier = _classifier(measures.classifier, say)
        trained = train(
            recipe,
            seed,
            checkpoint=_checkpoint(stem),
            say=say,
            callbacks=callbacks,
            devices=devices,
            precision=precision,
            resume=resume,
        )
        raw = pack_weights(export_weights(trained.model))
        model = build_model(recipe, seed)
        import_weights(model, unpack_weights(raw))
        metrics, profiles = _measured(measures, model, recipe, seed, classifier)
        record = Record(
            recipe=recipe.name,
            scale=recipe.scale,
            seed=seed,
            digest=recipe.digest,
            fields=recipe.fields,
            backend=keras.backend.backend(),
            hardware=backends.hardware(),
            versions=backends.versions(),
            parameters=count_parameters(model),
            history=trained.history,
            metrics=metrics,
            profiles=profiles,
            weights_sha256=atomic.sha256(raw),
            training_flops=_training_flops(model),
            **trained.cost._asdict(),
        )
        commit(stem, record, raw)
        _checkpoint(stem).unlink(missing_ok=True)
    return Run(model, record)


def _checkpoint(stem: Path) -> Path:
    return stem.with_suffix(".checkpoint")


def count_parameters(model: ImageModel) -> dict[str, int]:
    """Return how many parameters encoder and decoder have, and their "total"."""
    networks = {"encoder": model.encoder, "decoder": model.decoder}
    counts = {name: part.count_params() for name, part in networks.items()}
    return counts | {"total": sum(counts.values())}


def _training_flops(model: ImageModel) -> int | None:
    """Return the operations of training on an image; None where one cannot count."""
    try:
        return training_flops(model)
    except ValueError:
        return None


def load_or_train(
    name: str,
    scale: str | None = None,
    seed: int = 0,
    say: Callable[[str], object] = print,
) -> Run:
    """Return the best run of a recipe there is, training it only if there is none.

    The largest scale wins, and at equal scale a run of your own before the shipped
    one; a shipped run is never at a larger scale than the book shows of the recipe,
    see `scales.scale_of`. `scale`, or VAETUT_SCALE, asks for one scale. With
    VAETUT_RETRAIN=1 the recipe is trained anyway, at that scale or on the laptop's.
    `say` gets one line saying which run it is. Raises ValueError for an unknown recipe
    or scale, RunError for a run that is damaged or older than its recipe.
    """
    scale = scale or os.environ.get("VAETUT_SCALE")
    recipes = [get_recipe(name, s) for s in ([scale] if scale else SCALES)]
    if not checks.says_yes("VAETUT_RETRAIN"):
        book = scale or scale_of(name, SHIPPED) or SCALES[0]
        for recipe in recipes:
            if recipe.scale == "smoke" and not scale:
                continue  # a smoke run proves that code runs and nothing else
            larger = SCALES.index(recipe.scale) < SCALES.index(book)
            shipped = [] if larger else [(SHIPPED, "shipped")]
            for root, whose in ((own_runs(), "your"), *shipped):
                if found := _load(root, recipe, seed, whose, say):
                    return found
    recipe = get_recipe(name, scale or "laptop")
    run: Any = train_run(recipe, seed, stem(own_runs(), recipe, seed), say)
    return run


def _load(
    root: Path, recipe: Recipe, seed: int, whose: str, say: Callable[[str], object]
) -> Run | None:
    """Return the run of a recipe in a folder; None if there are no weights of one.

    `say` gets a line with `whose` run it is. Raises RunError if it is damaged or older
    than its recipe.
    """
    found = read(root, recipe, seed)
    model = restored(root, recipe, found) if found else None
    if found is None or model is None:
        return None
    record = found.record
    say(
        f"{recipe.name}: {whose} run, {recipe.scale} scale, seed {record.seed}, "
        f"{record.backend} on {record.hardware}, {record.seconds:.0f} s"
    )
    return Run(model, record)


def remeasure(name: str, scale: str, say: Callable[[str], object] = print) -> None:
    """Measure a recipe's own runs again and rewrite their records.

    `say` gets a line a run. Raises ValueError for an unknown recipe or scale, or a
    recipe that cannot be measured; RunError for a run that is damaged or older than its
    recipe.
    """
    recipe = get_recipe(name, scale)
    measures = measures_of(recipe)
    classifier = _classifier(measures.classifier, say)
    for record in records(name, scale, own_runs()):
        path = stem(own_runs(), recipe, record.seed)
        with lock(path):
            run: Any = _load(own_runs(), recipe, record.seed, "your", say)
            found = _measured(measures, run.model, recipe, record.seed, classifier)
            metrics, profiles = found
            changed = replace(run.record, metrics=metrics, profiles=profiles)
            commit(path, changed, None)


def _measured(
    measures: Measures,
    model: ImageModel,
    recipe: Recipe,
    seed: int,
    classifier: AttributeClassifier | None,
) -> Numbers:
    """Return the numbers and profiles of a model under names that are registered."""
    data = load_data(recipe, seed)
    metrics, profiles = measures(model, *data, classifier, recipe.is_variant)
    check_names(metrics, profiles)
    return metrics, profiles


def _classifier(
    named: tuple[str, str] | None, say: Callable[[str], object]
) -> AttributeClassifier | None:
    """Return the classifier that measures need, if any; once in a process.

    Where another process is training it, as in a sweep, wait for that one.
    """
    if named is None:
        return None
    key, waiting = (*named, own_runs()), False
    while key not in _CLASSIFIERS:
        try:
            _CLASSIFIERS[key] = load_or_train(*named, say=say).model
        except BusyError:
            if not waiting:
                say(f"waiting for {named[0]}, which another process is training")
            waiting = True
            time.sleep(WAIT)
    return _CLASSIFIERS[key]
