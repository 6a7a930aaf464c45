"""Runs: trained, measured, recorded; loaded, listed, verified and shipped."""

from vaetut.atomic import RunError
from vaetut.runs.pipeline import Run, load_or_train, remeasure, train_run
from vaetut.runs.record import Record
from vaetut.runs.store import list_runs, own_runs, records, ship, summary, verify

__all__ = [
    "Record",
    "Run",
    "RunError",
    "list_runs",
    "load_or_train",
    "own_runs",
    "records",
    "remeasure",
    "ship",
    "summary",
    "train_run",
    "verify",
]
