"""Some minutes of a card, spent on a list of trainings and checks at full scale.

`plan` is the list, `queue` spends the minutes, `checks` are its checks, `page` and
`parcels` are what comes back.
"""

from vaetut.runs.full_scale.queue import run

__all__ = ["run"]
