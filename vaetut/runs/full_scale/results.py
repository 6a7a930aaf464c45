"""What became of each item of the list, in one file that is always whole."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vaetut import atomic
from vaetut.atomic import RunError
from vaetut.runs.full_scale.plan import Item

ELSEWHERE = "Name a folder that can be written to: --out FOLDER"


@dataclass
class Result:
    """What became of one item."""

    name: str
    group: str
    about: str
    state: str = ""  # as `page` explains them; "": its turn has not come
    seconds: float | None = None  # of its process, start and measuring included
    note: str = ""  # why it is not done
    facts: dict[str, Any] = field(default_factory=dict)  # what it found


class Results:
    """The results of a list in the folder `out`, those of earlier calls included.

    Raises RunError if the folder cannot be written to, or holds another scale's.
    """

    def __init__(self, out: Path, scale: str, items: Sequence[Item]) -> None:
        self.out, self.scale, self.items = Path(out), scale, list(items)
        self.path = self.out / "results.json"
        self.results: dict[str, Result] = {}
        self._read()
        for item in self.items:
            new = Result(item.name, item.group, item.about)
            before = self.results.setdefault(item.name, new)
            if before.state == "under way":
                before.state, before.note = "stopped", "the command was killed"
        self._write()

    def __getitem__(self, name: str) -> Result:
        return self.results[name]

    def of_list(self) -> Iterator[Result]:
        """Yield the results of the list's items, in its order."""
        for item in self.items:
            yield self.results[item.name]

    def put(
        self,
        item: Item,
        state: str,
        seconds: float | None = None,
        note: str = "",
        facts: dict[str, Any] | None = None,
    ) -> None:
        """Note what became of an item, and write it down at once."""
        self.results[item.name] = Result(
            item.name,
            item.group,
            item.about,
            state,
            None if seconds is None else round(seconds, 1),
            note,
            facts or {},
        )
        self._write()

    def seconds_of_like(self, item: Item) -> float | None:
        """Return what the training of the same recipe with another seed took."""
        done = self._like(item)
        return max((r.seconds or 0 for r in done), default=None)

    def overhead_of_like(self, item: Item) -> float:
        """Return the seconds that such a training took beside the training itself.

        They are those of a process's start, of compiling and of measuring; of a group
        of which none is done yet, 0.
        """
        group = [r for r in self.results.values() if r.group == item.group]
        return max(
            (
                r.seconds - r.facts["seconds"]
                for r in self._like(item) or group
                if r.state == "done" and r.seconds and "seconds" in r.facts
            ),
            default=0.0,
        )

    def _like(self, item: Item) -> list[Result]:
        if item.training is None:
            return []
        start = item.name.rpartition(" ")[0]
        return [
            r
            for r in self.results.values()
            if r.state == "done" and r.name.rpartition(" ")[0] == start
        ]

    def _read(self) -> None:
        if not self.path.exists():
            return
        try:
            content = json.loads(self.path.read_bytes())
            scale, found = content["scale"], content["results"]
            self.results = {row["name"]: Result(**row) for row in found}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(
                f"{self.path} cannot be read ({error}). Name another folder: "
                "--out FOLDER"
            ) from error
        if scale != self.scale:
            raise RunError(
                f"{self.out} holds results at {scale} scale, not {self.scale}: name "
                "another folder, --out FOLDER"
            )

    def _write(self) -> None:
        rows = [asdict(result) for result in self.results.values()]
        content = {"scale": self.scale, "results": rows}
        raw = (json.dumps(content, indent=1) + "\n").encode()
        atomic.write_atomically(self.path, raw, RunError, ELSEWHERE)
