"""The table of attacks: how often each was tried on this code, and how often survived.

    python tests/attacks.py              # fifty kills in every test that kills
    python tests/attacks.py --kills 5    # options of pytest may follow

It runs the tests that are marked `attack(row)`, prints the table, and fails unless
every row is full. A test is one try; one that asks for the fixture `kills` is as many.
Of a test that fails, none survived, unless it said how many did by
`record_property("survived", n)`. What is skipped has not survived.
"""

import os
import sys
from collections import Counter
from pathlib import Path

ROWS = {  # as tests name it: what it says in the table
    "training": "kill -9 in training",
    "measuring": "kill or a signal while measuring",
    "signals": "SIGTERM or Ctrl-C at any moment of a command",
    "ship": "kill inside `ship`, full disk, damaged source",
    "writing": "kill in save_folder, save_npz, cache fill",
    "sweep": "sweep, parent or worker killed",
    "sweep bits": "an interrupted sweep ends with the same weights",
    "disk": "full disk, limits of files, clock, two trainings of one run",
    "checkpoint": "hostile checkpoint, signed anew",
    "weights": "hostile safetensors with a matching hash",
    "record": "hostile record JSON",
    "runs folder": "foreign files in the runs folder",
    "own weights": "own weights truncated or deleted",
    "judge": "`judge` on hostile folders",
    "data": "npz, PNG folders, CelebA, cache",
    "numbers": "numbers at the edge, in public functions and recipes",
    "settings": "what decides bits: threads, device, precision",
    "environment": "environment settings",
    "run all": "Run All, with a training among the cells",
    "pages": "what a built page shows",
}


class Table:
    """A plugin of pytest that counts tries and survivals by row."""

    def __init__(self) -> None:
        self.tried, self.survived = Counter(), Counter()

    def pytest_runtest_logreport(self, report) -> None:
        if report.when == "call" or (report.when == "setup" and not report.passed):
            said = dict(report.user_properties)
            row, tries = said["attack"], said["tried"]
            self.tried[row] += tries
            self.survived[row] += tries if report.passed else said.get("survived", 0)

    @property
    def full(self) -> bool:
        """Whether every row was tried, and survived each time."""
        return set(self.tried) == set(ROWS) and self.tried == self.survived

    def __str__(self) -> str:
        lines = ["| attack | tried | survived |", "|---|---|---|"]
        for row, text in ROWS.items():
            lines.append(f"| {text} | {self.tried[row]} | {self.survived[row]} |")
        return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Run the attacks, print the table, and return 0 if all was survived."""
    import pytest

    os.chdir(Path(__file__).parents[1])
    table = Table()
    options = ["-q", "-m", "attack", "--kills", "50", *arguments]
    status = pytest.main(options, plugins=[table])
    print(f"\n{table}")
    return int(status) or int(not table.full)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
