"""Run notebooks in place: the same code leaves the same file, byte for byte.

Unlike `jupyter execute`, which stores each cell's times, the widgets' state, the patch
version of Python and what a backend logs as it starts.
"""

import base64
import sys
from pathlib import Path

import nbformat
from execution import run, side_by_side

COVER = Path(__file__).parents[1] / "book" / "_static" / "cover.png"


def store(path: Path, share: dict) -> None:
    """Execute the notebook at `path` from top to bottom and store its outputs."""
    notebook = nbformat.read(path, as_version=4)
    run(notebook, path.parent, share, timeout=600, store_widget_state=False)
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    nbformat.write(notebook, path)
    for cell in notebook.cells:
        if "cover" in cell.metadata.get("tags", []):
            write_cover(cell)
    print(path.name, flush=True)


def write_cover(cell: nbformat.NotebookNode) -> None:
    """Store the figure of a cell as the picture of the README and the title page."""
    pictures = [o.data["image/png"] for o in cell.outputs if "image/png" in o.data]
    COVER.write_bytes(base64.b64decode(pictures[0]))


if __name__ == "__main__":
    side_by_side(store, map(Path, sys.argv[1:]))
