"""What moves in the book: widgets that live in Jupyter and in a built page."""

from importlib import import_module

HOMES = {
    "GammaExplorer": "gamma_explorer",
    "LatentExplorer": "latent_explorer",
    "Panel": "latent_explorer",
    "PolarExplorer": "polar_explorer",
    "RotationExplorer": "rotation_explorer",
    "SheetExplorer": "sheet_explorer",
    "TrainingPanel": "training_panel",
    "TransectExplorer": "transect_explorer",
    "WalkExplorer": "walk_explorer",
}
__all__ = [
    "GammaExplorer",
    "LatentExplorer",
    "Panel",
    "PolarExplorer",
    "RotationExplorer",
    "SheetExplorer",
    "TrainingPanel",
    "TransectExplorer",
    "WalkExplorer",
]


def __getattr__(name):
    # When first asked for: PolarExplorer needs no Keras, which takes seconds to load.
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
