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


def pytest_configure(config):
    """Say how notebooks are run: all is trained anew, in seconds.

    Every worker has a folder for its runs: two notebooks at once may train one recipe.
    """
    runs = tempfile.TemporaryDirectory(prefix="vaetut-runs-")
    config.add_cleanup(runs.cleanup)
    config.stash[SETTINGS] = {
        "VAETUT_SCALE": "smoke",
        "VAETUT_RETRAIN": "1",
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
