"""What moves in the book: widgets that live in Jupyter and in a built page."""

from vaetut.widgets.latent_explorer import CLASS_COLOURS, LatentExplorer, Panel

__all__ = ["CLASS_COLOURS", "LatentExplorer", "Panel"]
