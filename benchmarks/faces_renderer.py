"""How many faces a second do all cores draw, against one core a face at a time?

In one process, in turns. We know of no other renderer of such faces, so the rivals are
the two ways one would write first, with the library's own code: a call a face in a
loop, and all faces as one array, as NumPy invites. Neither uses a second core; the
cases on one core show what is left of the gain without it.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from vaetut.datasets import faces
from vaetut.datasets.faces import render

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import common

QUESTION = __doc__.splitlines()[0]
FACES, FEW = 48, 8  # a turn; of them in a quick round
ROUNDS, SECONDS = 7, 10  # at least so many rounds, at least so long


def one_at_a_time(factors: np.ndarray, size: int) -> np.ndarray:
    """Return faces (n, size, size, 3) drawn with a call a face, on one core."""
    pictures = [faces.render_faces(face[None], size, workers=1) for face in factors]
    return np.concatenate(pictures)


def all_at_once(factors: np.ndarray, size: int) -> np.ndarray:
    """Return faces (n, size, size, 3) drawn as one array, on one core."""
    usual, render.BLOCK_PIXELS = render.BLOCK_PIXELS, len(factors) * size**2
    try:
        return faces.render_faces(factors, size, workers=1)
    finally:
        render.BLOCK_PIXELS = usual


def main(quick: bool = False) -> dict[str, Any]:
    """Measure both sizes on all cores and on one; return the result, and store it.

    `quick`: one short round, not stored.
    """
    from vaetut.training import backends  # Keras; drawing needs none

    rounds, seconds = (1, 0) if quick else (ROUNDS, SECONDS)
    factors = faces.draw_factors(FEW if quick else FACES, seed=0)
    ways = {  # case -> size, workers (None: one a core), the rival
        "96×96, all cores": (96, None, one_at_a_time),
        "48×48, all cores": (48, None, one_at_a_time),
        "96×96, one core": (96, 1, one_at_a_time),
        "48×48, one core": (48, 1, one_at_a_time),
        "96×96, one core, against all at once": (96, 1, all_at_once),
        "48×48, one core, against all at once": (48, 1, all_at_once),
    }
    cases = []
    for name, (size, workers, rival) in ways.items():
        runs = {
            "ours": lambda s=size, w=workers: faces.render_faces(factors, s, w),
            "theirs": lambda s=size, rival=rival: rival(factors, s),
        }
        first, second = (run() for run in runs.values())  # the first imports, too
        np.testing.assert_array_equal(first, second)
        took = common.take_turns(
            {side: common.timed(run) for side, run in runs.items()}, rounds, seconds
        )
        amounts = (len(factors), len(factors))
        cases.append(common.rate_case(name, took["ours"], took["theirs"], amounts))
    return common.publish(
        __file__,
        QUESTION,
        "faces a second",
        cases,
        backends.hardware(),
        store=not quick,
        versions=backends.versions(),
    )


if __name__ == "__main__":
    common.command(QUESTION, main)
