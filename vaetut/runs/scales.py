"""Which scale the book shows: one switch, and never two in one comparison."""

import json
import os
from functools import cache
from pathlib import Path

from vaetut.recipes import SCALES, get_recipe
from vaetut.recipes.experiments import COMPARED


def shown() -> tuple[str, ...]:
    """Return the scales that may be shown, the best first.

    VAETUT_SCALE names the best of them; without it that is "full". Raises ValueError
    for a scale that there is not.
    """
    switch = os.environ.get("VAETUT_SCALE") or SCALES[0]
    if switch not in SCALES:
        raise ValueError(
            f"VAETUT_SCALE is {switch!r}: there are the scales {', '.join(SCALES)}."
        )
    return SCALES[SCALES.index(switch) :]


def scale_of(name: str, root: Path) -> str | None:
    """Return the scale at which a recipe's records in a folder are shown, if any.

    It is the largest that may be shown of which all recipes that it is compared with
    have records as well; where there is none such, the largest of which it has some
    itself. Raises ValueError for an unknown recipe.
    """
    name = get_recipe(name).name
    own = [scale for scale in SCALES if _has(name, scale, root)]
    wanted = [scale for scale in own if scale in shown()] or own
    # What is at no scale there is compared with nothing yet.
    others = [n for n in compared_with(name) if any(_has(n, s, root) for s in SCALES)]
    together = [s for s in wanted if all(_has(n, s, root) for n in others)]
    return next(iter(together or wanted), None)


def compared_with(name: str) -> tuple[str, ...]:
    """Return the names of the recipes that chapters set beside one, itself included."""
    return next((group for group in COMPARED if name in group), (name,))


def _has(name: str, scale: str, root: Path) -> bool:
    """Return whether there is a record of a recipe at a scale in a folder.

    A copy of another run's does not count; one that is damaged does, for who reads it
    is to say so.
    """
    found = filter(Path.is_file, (root / name / scale).glob("seed-*.json"))
    said = (_says(path, path.stat().st_mtime_ns) for path in found)
    return any(one in (None, (name, scale)) for one in said)


@cache
def _says(path: Path, changed: int) -> tuple[str, str] | None:
    """Return recipe and scale as a record has them that was changed then, in ns."""
    try:
        content = json.loads(path.read_bytes())
        return content["recipe"], content["scale"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
