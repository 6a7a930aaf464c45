"""What all tests share, the notebooks that nbval runs included."""

import os
from pathlib import Path

ROOT = Path(__file__).parent
TIERS = {"unit", "science", "book", "browser"}

# The kernels that nbval starts inherit what is set here.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Two notebooks at once may train one recipe: each worker has a folder for its runs.
if {"VAETUT_RUNS", "PYTEST_XDIST_WORKER"} <= os.environ.keys():
    runs, worker = (os.environ[k] for k in ("VAETUT_RUNS", "PYTEST_XDIST_WORKER"))
    os.environ["VAETUT_RUNS"] = str(Path(runs, worker))


def pytest_itemcollected(item):
    """Mark a test with its tier; compare no outputs of a notebook that retrains."""
    item_tiers = TIERS.intersection(item.path.relative_to(ROOT).parts)
    for tier in item_tiers:
        item.add_marker(tier)
    if item.path.suffix == ".ipynb" and os.environ.get("VAETUT_RETRAIN") == "1":
        item.options["check"] = False
