"""The book's sources, as the tests of this folder read them."""

from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).parents[2]


def documents() -> list[Path]:
    """Return the file of every page in the table of contents, the root first."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    entries = [toc["root"]]
    for part in toc["parts"]:
        entries += [chapter["file"] for chapter in part["chapters"]]
    return [next(ROOT.glob(f"{entry}.*")) for entry in entries]


NOTEBOOKS = [path for path in documents() if path.suffix == ".ipynb"]


def read(path: Path) -> nbformat.NotebookNode:
    """Return the notebook at `path`."""
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    """Return the notebook's code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def markdown(path: Path) -> str:
    """Return the prose of a page: a notebook's Markdown cells, or the file."""
    if path.suffix == ".ipynb":
        cells = (cell for cell in read(path).cells if cell.cell_type == "markdown")
        return "\n\n".join(cell.source for cell in cells)
    return path.read_text("utf-8")
