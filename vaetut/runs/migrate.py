"""Records of older names, written anew with today's: names change, no value does."""

import json
import os
from pathlib import Path
from typing import Any

from vaetut import atomic, formats
from vaetut.atomic import RunError
from vaetut.recipes.recipe import digest
from vaetut.runs.old_names import FIELDS, is_old, renamed_metric, renamed_recipe
from vaetut.runs.record import WHOLE, sign
from vaetut.training.checkpoint import WRITABLE

AWAY = "It is left as it is: restore it from a copy, or move it away."


def migrated(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a record under today's names, signed.

    `content` is what stands in its JSON, of any version. Raises RunError if the record
    was altered: a hash that does not fit is not replaced.
    """
    content = dict(content)
    stated = content.pop("sha256")
    if stated != sign(content):
        raise RunError(
            f"The record was altered: its content has another SHA-256. {AWAY}"
        )
    metrics = content["metrics"]
    fields = {FIELDS.get(k, k): v for k, v in content["fields"].items()}
    content |= {
        "recipe": renamed_recipe(content["recipe"]),
        "fields": fields,
        "digest": digest(fields),
        "metrics": {renamed_metric(k, metrics): v for k, v in metrics.items()},
    }
    if "profiles" in content:
        profiles = content["profiles"]
        content["profiles"] = {
            renamed_metric(k, metrics): v for k, v in profiles.items()
        }
    return {"sha256": sign(content)} | content


def migrate(root: Path) -> list[Path]:
    """Write every record of older names in a folder of runs anew; return which.

    Weights are not touched; where a recipe's name has changed, they move with their
    record. Broken off, the same call goes on. After all the others raises RunError,
    naming the files, for records that are altered or not whole, and for those where
    another run of the new name is there already: they are left alone.
    """
    written, problems = [], []
    for path in sorted(root.glob("*/*/seed-*.json")):
        try:
            target = _migrate_one(path, root)
        except RunError as error:
            problems.append(str(error))
        else:
            written += [] if target is None else [target]
    if problems:
        raise RunError("\n".join([*problems, f"Written anew: {len(written)}."]))
    return written


def _migrate_one(path: Path, root: Path) -> Path | None:
    """Write a record anew and return its path; None if it is of today."""
    if not path.is_file():
        raise RunError(f"{path} is no file: move it away.")
    content = formats.read_json(path, WHOLE, RunError, AWAY)
    with formats.parsing(path, WHOLE, RunError, AWAY):
        if not is_old(content):
            return None
        if content["recipe"] != path.parts[-3]:
            raise RunError(f"{path}: It is a record of {content['recipe']!r}. {AWAY}")
        try:
            new = migrated(content)
        except RunError as error:
            raise RunError(f"{path}: {error}") from error
    target = root / new["recipe"] / path.parts[-2] / path.name
    raw = (json.dumps(new, indent=1) + "\n").encode()
    if target == path:
        atomic.write_atomically(target, raw, RunError, WRITABLE)
    else:
        _move(path, target, raw)
    return target


def _move(path: Path, target: Path, raw: bytes) -> None:
    """Move a run to where its recipe's new name is, the old record last of all."""
    if target.exists() and target.read_bytes() != raw:
        raise RunError(f"{target} is there already: move one of the two away.")
    target.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.parent.glob(f".{path.stem}.*.safetensors")  # for their name
    for weights in (path.with_suffix(".safetensors"), *waiting):
        if weights.exists():
            os.replace(weights, target.with_name(weights.name))
    atomic.write_atomically(target, raw, RunError, WRITABLE)
    path.unlink()
    path.with_name(f".{path.stem}.lock").unlink(missing_ok=True)
    _remove_empty(path.parent)


def _remove_empty(folder: Path) -> None:
    """Remove a folder of runs, and the one above it, where nothing is left in them."""
    for empty in (folder, folder.parent):
        if not any(empty.iterdir()):
            empty.rmdir()
