"""Records of older names, written anew with today's: names change, no value does."""

import json
import shutil
from pathlib import Path
from typing import Any

from vaetut import atomic
from vaetut.atomic import RunError
from vaetut.recipes.recipe import digest
from vaetut.runs.old_names import FIELDS, is_old, renamed_metric, renamed_recipe
from vaetut.runs.record import REMEDY, sign
from vaetut.training.checkpoint import WRITABLE


def migrated(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a record under today's names, signed.

    `content` is what stands in its JSON, of any version. Raises RunError if the record
    was altered: a hash that does not fit is not replaced.
    """
    content = dict(content)
    stated = content.pop("sha256")
    if stated != sign(content):
        raise RunError(
            "The record was altered: its content has another SHA-256. It is left as "
            "it is: restore it, or train the run again."
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
    record. Broken off, the same call goes on. Raises RunError, naming the file, for a
    record that is altered or not whole, or where another run of the new name is there
    already.
    """
    written = []
    for path in sorted(root.glob("*/*/seed-*.json")):
        try:
            content = json.loads(path.read_bytes())
            if not is_old(content):
                continue
            new = migrated(content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"{path} is not a whole run record ({error}). {REMEDY}"
            ) from error
        except RunError as error:
            raise RunError(f"{path}: {error}") from error
        target = root / new["recipe"] / path.parts[-2] / path.name
        raw = (json.dumps(new, indent=1) + "\n").encode()
        if target == path:
            atomic.write_atomically(target, raw, RunError, WRITABLE)
        else:
            _move(path, target, raw)
        written.append(target)
    return written


def _move(path: Path, target: Path, raw: bytes) -> None:
    """Move a run to where its recipe's new name is, the old record last of all."""
    if target.exists() and target.read_bytes() != raw:
        raise RunError(f"{target} is there already: move one of the two away.")
    target.parent.mkdir(parents=True, exist_ok=True)
    weights = path.with_suffix(".safetensors")
    if weights.exists():
        shutil.move(weights, target.with_suffix(".safetensors"))
    atomic.write_atomically(target, raw, RunError, WRITABLE)
    path.unlink()
    path.with_name(f".{path.stem}.lock").unlink(missing_ok=True)
    _remove_empty(path.parent)


def _remove_empty(folder: Path) -> None:
    """Remove a folder of runs, and the one above it, where nothing is left in them."""
    for empty in (folder, folder.parent):
        if not any(empty.iterdir()):
            empty.rmdir()
