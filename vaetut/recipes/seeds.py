"""The seeds of trainings, written as text."""

import re


def parse_seeds(text: str) -> list[int]:
    """Return the seeds in "5" (the first five, 0 … 4), "2-4" or "0,3,7-9".

    Raises ValueError for anything else.
    """
    if re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text):
        if text.isdigit():
            text = f"0-{int(text) - 1}" if int(text) else ""
        ends = [part.partition("-") for part in text.split(",") if part]
        seeds = [k for a, _, b in ends for k in range(int(a), int(b or a) + 1)]
        if seeds:
            return list(dict.fromkeys(seeds))
    raise ValueError(
        f"{text!r} are no seeds: write 5 for the first five, 2-4, or 0,3,7-9."
    )
