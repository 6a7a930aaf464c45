"""How soon does the compact model reach the loss that the reference logged?

The reference's best logged validation loss is 0.0229, in its own definition: the mean
cross-entropy of a pixel, with noise, plus its KL term and its entanglement term, the
KL's constant included. Ours is `polar-compact`: images of the reference's own geometry,
from scratch, on all validation images. The clock runs from the first step; loading and
drawing the data, and evaluating, do not count. The case's numbers are multiplications
an image and parameters; where the target is reached is in `seconds_to_target`.
"""

import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks import common
from benchmarks.target import Watch, keras_callback

QUESTION = __doc__.splitlines()[0]
TARGET = 0.0229  # logged in the source's third part
EVERY = 140  # steps between two evaluations, about half an epoch


def main(quick: bool = False) -> dict[str, Any]:
    """Train one seed, follow its loss and return the result.

    `quick`: the smoke scale, not stored.
    """
    from vaetut.measures.strokes import logged_loss
    from vaetut.models.networks import macs
    from vaetut.recipes import get_recipe
    from vaetut.runs import own_runs, train_run
    from vaetut.runs.store import stem as stem_of
    from vaetut.training import backends, build_model
    from vaetut.training.data import load_data

    recipe = get_recipe("polar-compact", "smoke" if quick else "full")
    test = load_data(recipe, 0)[1]
    watch = Watch(0.0, 1 if quick else EVERY)  # to the end: the whole curve is wanted
    callback = keras_callback(watch, lambda model: logged_loss(model, test.images))
    with tempfile.TemporaryDirectory() as folder:
        # To be shipped, unless it is a trial.
        stem = Path(folder, "run") if quick else stem_of(own_runs(), recipe, 0)
        run = train_run(recipe, 0, stem, say=str, callbacks=[callback], resume=False)
    curve = [[round(seconds, 2), loss] for _, seconds, loss in watch.curve]
    reference = build_model(get_recipe("polar-reference", "smoke" if quick else "full"))
    costs = {
        "multiplications an image, millions": lambda m: (
            sum(macs(part) for part in (m.encoder, m.decoder)) / 1e6
        ),
        "parameters, thousands": lambda m: m.count_params() / 1e3,
    }
    cases = [
        common.cost_case(name, [cost(run.model)], [cost(reference)])
        for name, cost in costs.items()
    ]
    last = [1e4 * curve[-1][1]], [1e4 * TARGET]
    cases.insert(0, common.cost_case("last logged loss, 10⁻⁴", *last))
    return common.publish(
        __file__,
        QUESTION,
        "see the case",
        cases,
        backends.hardware(),
        store=not quick,
        reads="how many times as much the reference's is",
        target=TARGET,
        seconds_to_target=crossing(curve),
        curve=curve,
        images_per_second=run.record.images_per_second,
        versions=backends.versions(),
    )


def crossing(curve: Iterable[Sequence[float]], target: float = TARGET) -> float | None:
    """Return the seconds at which the loss first is at or below a target, or None.

    `curve` holds pairs of seconds and loss.
    """
    return next((seconds for seconds, loss in curve if loss <= target), None)


if __name__ == "__main__":
    common.command(QUESTION, main)
