"""What all tests share, the notebooks that nbval runs included."""

import os
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
TIERS = {"unit", "science", "book", "browser"}
NOTEBOOK = ".ipynb"
SETTINGS = pytest.StashKey[dict[str, str]]()

# The kernels that nbval starts inherit what is set here.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# Two workers share the cores, and threads of one would wait for the other's: a k-means
# of 0.1 s then takes 20 s. One thread each is faster, and sums in one order.
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
    os.environ.setdefault(threads, "1")


def pytest_configure(config):
    """Say how notebooks are run: at a scale of seconds, of which no run is shipped.

    Every worker has an empty folder for its runs: what a notebook trains, its next
    ones load, and two notebooks at once may train one recipe.
    """
    runs = tempfile.TemporaryDirectory(prefix="vaetut-runs-")
    config.add_cleanup(runs.cleanup)
    config.stash[SETTINGS] = {
        "VAETUT_SCALE": "smoke",
        "VAETUT_RUNS": runs.name,
    }


def pytest_itemcollected(item):
    """Mark a test with its tier; compare no outputs of a notebook that retrains."""
    item_tiers = TIERS.intersection(item.path.relative_to(ROOT).parts)
    for tier in item_tiers:
        item.add_marker(tier)
    if item.path.suffix == NOTEBOOK:
        item.options["check"] = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Set for a notebook, and for no other test, what its kernel is to see."""
    if item.path.suffix != NOTEBOOK:
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in item.config.stash[SETTINGS].items():
            patch.setenv(name, value)
        return (yield)
