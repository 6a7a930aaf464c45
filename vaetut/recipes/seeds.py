"""The seeds of trainings, written as text."""

import re

from vaetut.checks import shorten

SEEDS = r"\d{1,18}(-\d{1,18})?(,\d{1,18}(-\d{1,18})?)*"
MOST = 10_000  # seeds: a sweep of more was not meant


def parse_seeds(text: str) -> list[int]:
    """Return the seeds in "5" (the first five, 0 … 4), "2-4" or "0,3,7-9".

    Raises ValueError for anything else, and for more than `MOST`.
    """
    if not isinstance(text, str) or not re.fullmatch(SEEDS, text, re.ASCII):
        raise _no_seeds(text)
    ends = [part.partition("-") for part in text.split(",")]
    ranges = [range(int(a), int(b or a) + 1) for a, _, b in ends]
    if text.isdigit():
        ranges = [range(int(text))]
    if not all(ranges):
        raise _no_seeds(text)
    if sum(r.stop - r.start for r in ranges) > MOST:
        raise ValueError(f"{text!r} are more than {MOST:,} seeds: name fewer.")
    return list(dict.fromkeys(seed for seeds in ranges for seed in seeds))


def _no_seeds(text: object) -> ValueError:
    return ValueError(
        f"{shorten(text)} are no seeds: write 5 for the first five, 2-4, or 0,3,7-9."
    )
