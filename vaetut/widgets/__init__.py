"""What moves in the book: widgets that live in Jupyter and in a built page."""

from importlib import import_module
from typing import Any

HOMES = {
    "BetaExplorer": "beta_explorer",
    "DrawExplorer": "draw_explorer",
    "FaceExplorer": "face_explorer",
    "GammaExplorer": "gamma_explorer",
    "LatentExplorer": "latent_explorer",
    "LiveTrainer": "live_trainer",
    "LossLedger": "loss_ledger",
    "Panel": "latent_explorer",
    "ParameterLedger": "parameter_ledger",
    "PolarExplorer": "polar_explorer",
    "RadiusExplorer": "radius_explorer",
    "RotationExplorer": "rotation_explorer",
    "SheetExplorer": "sheet_explorer",
    "StarExplorer": "star_explorer",
    "TrainingPanel": "training_panel",
    "TransectExplorer": "transect_explorer",
    "WalkExplorer": "walk_explorer",
}
__all__ = [
    "BetaExplorer",
    "DrawExplorer",
    "FaceExplorer",
    "GammaExplorer",
    "LatentExplorer",
    "LiveTrainer",
    "LossLedger",
    "Panel",
    "ParameterLedger",
    "PolarExplorer",
    "RadiusExplorer",
    "RotationExplorer",
    "SheetExplorer",
    "StarExplorer",
    "TrainingPanel",
    "TransectExplorer",
    "WalkExplorer",
]


def __getattr__(name: str) -> Any:
    # When first asked for: PolarExplorer needs no Keras, which takes seconds to load.
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
