"""The book's own Sphinx extension: what no setting in _config.yml can say.

1. MathJax is served from the book itself, so a built page needs no network.
2. The execution cache is keyed by everything the notebooks run on. Jupyter Book keys
   it by the notebook's text alone and would show the outputs of an older library.
3. Numbers and tables come from the claims and the trained runs:
   ``{{ substitution }}``, ``{claims}``, ``{runs}`` and ``{benchmarks}``.
"""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from docutils.nodes import Node
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent
CLAIMS = ROOT / "book" / "claims.toml"
BENCHMARKS = ROOT / "benchmarks" / "results"
CACHES = ROOT / "_build" / ".jupyter_cache"

# The only files of MathJax that a page may ask for; the rest of the package is 22 MB.
MATHJAX_FILES = (
    "tex-mml-chtml.js",
    "input/tex/extensions/*.js",
    "output/chtml/fonts/woff-v2/*.woff",
)


def execution_digest() -> str:
    """Digest of all that a notebook's output depends on, besides the notebook."""
    library = ROOT / "vaetut"
    files = [
        *library.rglob("*.py"),
        *library.rglob("*.js"),
        *library.rglob("*.css"),
        *library.rglob("SHA256SUMS"),
        *(path for path in (library / "pretrained").rglob("*") if path.is_file()),
        ROOT / "requirements.txt",
        ROOT / "constraints.txt",
    ]
    digest = hashlib.sha256(platform.python_version().encode())
    for name in sorted(os.environ):
        if name.startswith(("VAETUT_", "KERAS_BACKEND")):
            digest.update(f"{name}={os.environ[name]}\0".encode())
    for path in sorted(files):
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def configure(app: Sphinx, config: Config) -> None:
    """Choose the execution cache and read the substitutions.

    Both are settings that Sphinx compares with the last build's, and it reads every
    page again where one differs: no page keeps a number of an older library.
    """
    config.mathjax_path = "mathjax/tex-mml-chtml.js"  # in _static: copy_mathjax

    # TensorFlow's log lines would become cell output.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

    cache = CACHES / execution_digest()
    for path in CACHES.glob("*"):
        if path != cache:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    config.nb_execution_cache_path = str(cache)

    from vaetut.claims import substitutions

    config.myst_substitutions = {**config.myst_substitutions, **substitutions(CLAIMS)}


def copy_mathjax(app: Sphinx) -> None:
    """Copy MathJax into the built book, out of the package that carries it.

    The package's folder has dashes in its name, so it cannot be imported; as an
    extension it would copy all of its 24 MB. Raises ExtensionError if a file is not
    there.
    """
    if app.builder.format != "html":
        return
    package = distribution("sphinx-mathjax-offline")
    source = Path(str(package.locate_file("sphinx-mathjax-offline/static/mathjax")))
    target = Path(app.outdir, "_static", "mathjax")
    for pattern in MATHJAX_FILES:
        files = list(source.glob(pattern))
        if not files:
            raise ExtensionError(f"sphinx-mathjax-offline has no {pattern}")
        for path in files:
            copy = target / path.relative_to(source)
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)


class Table(SphinxDirective):
    """A directive that renders rows of Markdown cells as a table."""

    def table(self, header, rows):
        """Return the nodes of a table of `header` and `rows`, sequences of str."""
        self.env.note_dependency(__file__)
        rows = list(rows)
        if not rows:
            raise self.error("There is nothing to show in this table.")
        lines = ["::::{list-table}", ":header-rows: 1", ""]
        for first, *rest in [header, *rows]:
            lines += [f"* - {first}", *(f"  - {cell}" for cell in rest)]
        return self.parse_text_to_nodes("\n".join([*lines, "::::"]))


class Claims(Table):
    """``{claims}``: the sources' claims beside ours, of one chapter or of all."""

    optional_arguments = 1

    def run(self):
        from vaetut.claims import rows

        self.env.note_dependency(str(CLAIMS))
        chapter = directives.positive_int(self.arguments[0]) if self.arguments else None
        # Of one chapter, the column that says which is left out.
        start = 0 if chapter is None else 1
        header = ("Chapter", "Claim", "Source", "Theirs", "Ours", "n", "Verdict")
        cells = (row[start:] for row in rows(CLAIMS, chapter=chapter))
        return self.table(header[start:], cells)


class Runs(Table):
    """``{runs}``: what was trained, on what, for how long, and to which loss."""

    def run(self) -> list[Node]:
        """Return the nodes of the table; Sphinx calls it."""
        from vaetut.runs import list_runs

        header = ("Recipe", "Seeds", "Trained on", "Time", "Parameters", "Loss")
        return self.table(header, map(self.cells, list_runs(variants=False)))

    @staticmethod
    def cells(run: Mapping[str, Any]) -> tuple[str, ...]:
        """Return one table row for a run of `list_runs`."""
        minutes, seconds = divmod(round(run["seconds"]), 60)
        # The terms of the loss; `vaetut runs --json` has all that was measured.
        metrics = (
            f"{name} {value['mean']:.4g}"
            + f" ({value['low']:.4g} to {value['high']:.4g})" * (value["n"] > 1)
            for name, value in run["metrics"].items()
            if name in ("reconstruction", "kl")
        )
        return (
            f"`{run['recipe']}` {run['scale']}" + " (**stale**)" * run["stale"],
            f"{run['seeds']}",
            f"{run['hardware']}, {run['backend']}",
            f"{minutes} min {seconds} s" if minutes else f"{seconds} s",
            f"{run['parameters']['total']:,}",
            "; ".join(metrics),
        )


class Benchmarks(Table):
    """``{benchmarks}``: the stored result of every benchmark, a table a question.

    With a name, as in ``{benchmarks} compact``, of that one.
    """

    optional_arguments = 1

    def run(self) -> list[Node]:
        """Return the nodes of a sentence and a table a question; Sphinx calls it."""
        nodes: list[Node] = []
        pattern = f"{self.arguments[0] if self.arguments else '*'}.json"
        for path in sorted(BENCHMARKS.glob(pattern)):
            self.env.note_dependency(str(path))
            result = json.loads(path.read_text("utf8"))
            ratio = result.get("reads", "how many times as fast ours is")
            about = f"**{result['question']}** Ratio: {ratio}. {result['hardware']}."
            nodes += self.parse_text_to_nodes(about)
            unit = result["unit"]
            header = ("Case", f"Ours, {unit}", f"Theirs, {unit}", "Ratio")
            nodes += self.table(header, map(self.cells, result["cases"]))
        return nodes

    @staticmethod
    def cells(case: Mapping[str, Any]) -> tuple[str, ...]:
        """Return one table row for a case; the ratio with those of all turns."""
        low, high = min(case["ratios"]), max(case["ratios"])
        spread = f" ({low:.2f} to {high:.2f})" * (low < high)
        ours, theirs = (f"{case[side]:,.5g}" for side in ("ours", "theirs"))
        return case["case"], ours, theirs, f"{case['ratio']:.2f}{spread}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx and return what Sphinx may do with it."""
    # After jupyter_book and myst_nb have set their own defaults.
    app.connect("config-inited", configure, priority=900)
    app.connect("builder-inited", copy_mathjax)
    app.add_directive("claims", Claims)
    app.add_directive("runs", Runs)
    app.add_directive("benchmarks", Benchmarks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
