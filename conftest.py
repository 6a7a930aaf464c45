"""What all tests share, the notebooks that nbval runs included."""

import os
from pathlib import Path

ROOT = Path(__file__).parent
TIERS = {"unit", "science", "book", "browser"}

# The kernels that nbval starts inherit both.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_itemcollected(item):
    """Mark a test with its tier; compare no outputs of a notebook that retrains."""
    item_tiers = TIERS.intersection(item.path.relative_to(ROOT).parts)
    for tier in item_tiers:
        item.add_marker(tier)
    if item.path.suffix == ".ipynb" and os.environ.get("VAETUT_RETRAIN") == "1":
        item.options["check"] = False
