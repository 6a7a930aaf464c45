"""How much is held in memory at once."""

CHUNK = 4_000_000  # numbers as float64: 32 MB


def rows_at_once(width: int) -> int:
    """Return how many rows of `width` numbers are worked on at a time, 1 or more.

    All of them together hold no more than `CHUNK` numbers, 32 MB as float64.
    """
    return max(1, CHUNK // width)
