"""What moves in the book: widgets that live in Jupyter and in a built page."""

from vaetut.widgets.latent_explorer import LatentExplorer, Panel
from vaetut.widgets.training_panel import TrainingPanel

__all__ = ["LatentExplorer", "Panel", "TrainingPanel"]
