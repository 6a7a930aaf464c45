"""From a recipe to a trained model: built, fed, watched, saved and resumed."""

from vaetut.training.build import build_model
from vaetut.training.checkpoint import Diverged
from vaetut.training.data import load_data
from vaetut.training.trainer import Cost, Trained, train

__all__ = ["Cost", "Diverged", "Trained", "build_model", "load_data", "train"]
