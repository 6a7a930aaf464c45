"""What came out of a sweep, and of trainings on a card, as tidy tables."""

import contextlib
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vaetut import atomic
from vaetut.analysis import bootstrap_interval, interval
from vaetut.atomic import RunError
from vaetut.recipes import Recipe
from vaetut.recipes.variants import as_text
from vaetut.runs.record import Record, read_record
from vaetut.runs.store import SHIPPED, finished

ELSEWHERE = "Name a file in a folder that can be written to."


def table(plan: Sequence[tuple[Recipe, int]]) -> list[dict[str, Any]]:
    """Return a row for each finished run of a plan and each metric.

    Keys: recipe, scale, the fields that were set, seed, metric, value. A damaged run,
    which `run` names, is left out.
    """
    fields = {part.split("=")[0] for r, _ in plan for part in r.name.split("+")[1:]}
    rows = []
    for recipe, seed in plan:
        record = None
        with contextlib.suppress(RunError):
            record = finished(recipe, seed)
        head = {"recipe": recipe.name, "scale": recipe.scale}
        for field in sorted(fields):
            value = getattr(recipe, field)
            head[field] = as_text(value) if isinstance(value, tuple) else value
        for metric, value in record.metrics.items() if record else ():
            rows.append(head | {"seed": seed, "metric": metric, "value": value})
    return rows


def summarize(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each setting and metric of a `table`: the mean over the seeds.

    Keys: recipe, scale, the fields that were set, metric, mean, low, high (Student's
    95 % interval), bootstrap_low, bootstrap_high (of the same level), n. For fewer
    than about 30 seeds go by Student's: the bootstrap is too narrow there.
    """
    groups: dict[tuple[tuple[str, Any], ...], list[float]] = {}
    for row in rows:
        head = {k: v for k, v in row.items() if k not in ("seed", "value")}
        groups.setdefault(tuple(head.items()), []).append(row["value"])
    summary = []
    for key, values in groups.items():
        drawn = bootstrap_interval(values, seed=0)
        ends = {"bootstrap_low": drawn.low, "bootstrap_high": drawn.high}
        student = interval(values)._asdict()
        n = student.pop("n")
        summary.append(dict(key) | student | ends | {"n": n})
    return summary


def on_a_card(root: Path = SHIPPED) -> list[dict[str, Any]]:
    """Return a row for each recipe and scale that was trained on a GPU in a folder.

    Keys: recipe, scale, card, seeds, seconds and images_per_second (means; None where
    not measured). Raises RunError for a damaged record.
    """
    found: dict[tuple[str, str, str], list[Record]] = {}
    for path in sorted(root.glob("*/*/seed-*.json")):
        record = read_record(path)
        if "driver" in record.versions:
            card = record.hardware.rpartition(", ")[2]
            found.setdefault((record.recipe, record.scale, card), []).append(record)
    return [
        {
            "recipe": recipe,
            "scale": scale,
            "card": card,
            "seeds": len(runs),
            "seconds": _mean([run.seconds for run in runs]),
            "images_per_second": _mean([run.images_per_second for run in runs]),
        }
        for (recipe, scale, card), runs in found.items()
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def to_csv(rows: list[dict[str, Any]], path: Path) -> None:
    """Write the rows of `table` or `summarize` as a CSV file, whole or not at all.

    Raises RunError if there are none, or if the file cannot be written.
    """
    if not rows:
        raise RunError(f"There is nothing to write to {path}: no run is finished.")
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic.write_atomically(Path(path), text.getvalue().encode(), RunError, ELSEWHERE)
