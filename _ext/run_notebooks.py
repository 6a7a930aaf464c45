"""Run notebooks in place: the same code leaves the same file, byte for byte.

Unlike `jupyter execute`, which stores each cell's times, the widgets' state, the patch
version of Python and what a backend logs as it starts.
"""

import base64
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

COVER = Path(__file__).parents[1] / "book" / "_static" / "cover.png"


def run(path: Path) -> None:
    """Execute the notebook at `path` from top to bottom and store its outputs."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": path.parent}},
        record_timing=False,
        store_widget_state=False,
    ).execute()
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


def write_cover(cell: nbformat.NotebookNode) -> None:
    """Store the figure of a cell as the picture of the README and the title page."""
    pictures = [o.data["image/png"] for o in cell.outputs if "image/png" in o.data]
    COVER.write_bytes(base64.b64decode(pictures[0]))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(name, flush=True)
        run(Path(name))
