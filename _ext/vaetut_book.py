"""The book's own Sphinx extension: what no setting in _config.yml can say.

1. MathJax is served from the book itself, so a built page needs no network.
2. Notebooks are executed side by side, into a cache that is keyed by everything they
   run on: see ``execution``.
3. Tables come from the trained runs: ``{runs}``, ``{gpu-runs}``, ``{benchmarks}``,
   ``{metrics}``. So do claims, see ``claims_page``, and numbers in prose, see
   ``prose``.
4. Each widget brings the style and the script of all: a page keeps them once, and each
   network's weights.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.nodes import Node
from execution import CACHES, execution_digest, fill
from myst_nb.core.read import create_nb_reader
from prose import CLAIMS, keep_numbers
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "benchmarks" / "results"

# The only files of MathJax that a page may ask for; the rest of the package is 22 MB.
MATHJAX_FILES = (
    "tex-mml-chtml.js",
    "input/tex/extensions/*.js",
    "output/chtml/fonts/woff-v2/*.woff",
)


def configure(app: Sphinx, config: Config) -> None:
    """Choose the execution cache, and the file of the numbers that prose may name.

    Both are settings that Sphinx compares with the last build's, and it reads every
    page again where one differs: no page keeps a number of an older library.
    """
    config.mathjax_path = "mathjax/tex-mml-chtml.js"  # in _static: copy_mathjax

    # TensorFlow's log lines would become cell output.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

    folder = CACHES / execution_digest()
    for path in CACHES.glob("*"):
        if path != folder:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    config.nb_execution_cache_path = str(folder)
    digest = hashlib.sha256()
    for path in (CLAIMS, *sorted(BENCHMARKS.glob("*.json"))):
        digest.update(path.read_bytes())
    kept = folder / f"numbers-{digest.hexdigest()[:16]}.json"
    keep_numbers(kept)
    config.kept_numbers = str(kept)


def execute_what_is_read(
    app: Sphinx, env: BuildEnvironment, docnames: list[str]
) -> None:
    """Execute the notebooks that are about to be read and that the cache lacks."""
    if app.config.nb_execution_mode != "cache":
        return
    notebooks = {}
    for path in map(Path, map(env.doc2path, docnames)):
        text = path.read_text("utf8")
        reader = create_nb_reader(path, env.myst_config, env.mystnb_config, text)
        if reader is not None:
            notebooks[path] = reader.read(text)
    fill(
        Path(app.config.nb_execution_cache_path),
        notebooks,
        timeout=app.config.nb_execution_timeout,
        say=logger.info,
    )


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

    def table(self, header, rows, *options):
        """Return the nodes of a table: see `markup`."""
        return self.parse_text_to_nodes(self.markup(header, rows, *options))

    def markup(self, header, rows, *options):
        """Return the Markdown of a table of `header` and `rows`, sequences of str.

        A cell may have several lines; `options` are those of a list-table.
        """
        self.env.note_dependency(__file__)
        rows = list(rows)
        if not rows:
            raise self.error("There is nothing to show in this table.")
        lines = ["::::{list-table}", ":header-rows: 1", *options, ""]
        for row in [header, *rows]:
            first, *rest = (cell.replace("\n", "\n    ") for cell in row)
            lines += [f"* - {first}", *(f"  - {cell}" for cell in rest)]
        return "\n".join([*lines, "::::"])


class Runs(Table):
    """``{runs}``: what was trained, on what, for how long, and to which loss.

    A table of the recipes, each with its variants below it. Where those are many they
    have a table of their own, which is folded.
    """

    HEADER = ("Recipe", "Seeds", "Trained on", "Time", "Parameters", "Loss")
    OPTIONS = (":class: runs", ":widths: 24 7 17 12 13 27")
    MANY = 4

    def run(self) -> list[Node]:
        """Return the nodes of the tables; Sphinx calls it."""
        from vaetut.runs import list_runs

        groups: dict[str, list[Mapping[str, Any]]] = {}
        for run in list_runs():  # the recipes, then the variants
            groups.setdefault(run["recipe"].split("+")[0], []).append(run)
        rows, folded = [], []
        for base, runs in groups.items():
            variants = [run for run in runs if run["recipe"] != base]
            many = len(variants) >= self.MANY
            rows += [run for run in runs if not (many and run in variants)]
            if many:
                folded.append(self.folded(base, variants))
        result = self.table(self.HEADER, map(self.cells, rows), *self.OPTIONS)
        for text in folded:
            result += self.parse_text_to_nodes(text)
        return result

    def folded(self, base: str, variants: Sequence[Mapping[str, Any]]) -> str:
        """Return the Markdown of a recipe's variants."""
        table = self.markup(self.HEADER, map(self.cells, variants), *self.OPTIONS)
        head = f":::::{{dropdown}} {len(variants)} variants of `{base}`"
        return "\n".join([head, table, ":::::"])

    @staticmethod
    def cells(run: Mapping[str, Any]) -> tuple[str, ...]:
        """Return one table row for a run of `list_runs`: of a variant its changes."""
        minutes, seconds = divmod(round(run["seconds"]), 60)
        # The terms of the loss; `vaetut runs --json` has all that was measured.
        metrics = (
            f"{name} {value['mean']:.4g}"
            + f" ({value['low']:.4g} to {value['high']:.4g})" * (value["n"] > 1)
            for name, value in run["metrics"].items()
            if name in ("reconstruction", "reconstruction_sampled", "kl")
        )
        base, *changes = run["recipe"].split("+")
        name = " ".join(f"`+{part}`" for part in changes) or f"`{base}`"
        return (
            f"{name} {run['scale']}" + " (**stale**)" * run["stale"],
            f"{run['seeds']}",
            f"{run['hardware']}, {run['backend']}",
            f"{minutes} min {seconds} s" if minutes else f"{seconds} s",
            f"{run['parameters']['total']:,}",
            "; ".join(metrics),
        )


class GpuRuns(Table):
    """``{gpu-runs}``: the shipped trainings that were done on a card, in minutes."""

    def run(self) -> list[Node]:
        """Return the nodes of the table, or of a sentence; Sphinx calls it."""
        from vaetut.runs.tables import on_a_card

        rows = on_a_card()
        if not rows:
            text = "Not measured yet: no run that ships was trained on a card."
            return self.parse_text_to_nodes(text)
        header = ("Recipe", "Card", "Seeds", "Minutes", "Images a second")
        return self.table(header, map(self.cells, rows))

    @staticmethod
    def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
        """Return one table row for a row of `on_a_card`."""
        rate = row["images_per_second"]
        return (
            f"`{row['recipe']}` {row['scale']}",
            row["card"],
            f"{row['seeds']}",
            f"{row['seconds'] / 60:.1f}",
            f"{rate:,.0f}" if rate else "",
        )


class Metrics(Table):
    """``{metrics}``: the registry of metrics: what each name means."""

    def run(self):
        from vaetut.metrics import REGISTRY

        header = ("Metric", "Meaning", "Unit", "Of", "Better")
        options = ":class: metrics", ":widths: 34 36 12 10 8"
        return self.table(header, map(self.cells, REGISTRY), *options)

    @staticmethod
    def cells(entry):
        """Return one table row for a metric; small print says of which codes it is."""
        codes = {"means": "From means.", "sampled": "From sampled codes."}
        meaning = "\n\n".join(filter(None, (entry.meaning, codes.get(entry.codes))))
        return f"`{entry.name}`", meaning, entry.unit, entry.per, entry.better


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
            about = (
                f"**{result['question']}** Ratio: {ratio}. {result['hardware']}, "
                f"{result.get('date', 'day unknown')}, "
                f"commit {result.get('commit', 'unknown')}."
            )
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


WHAT_WIDGETS_SHARE = re.compile(
    r'<style>.*?</style>\n|<script type="module">.*?</script>\n|"weights":"[^"]*"', re.S
)


def share_once(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Leave out of a page each style, module script and network that it already has.

    A network's weights then say which of the page's they are, "#k", counted from 0: see
    `shareWeights` in vaetut/widgets/js/explorer.js.
    """
    seen: set[str] = set()
    weights: dict[str, int] = {}

    def first(match: re.Match[str]) -> str:
        text = match[0]
        if text in weights:
            return f'"weights":"#{weights[text]}"'
        if text in seen:
            return ""
        if text.startswith('"'):
            weights[text] = len(weights)
        else:
            seen.add(text)
        return text

    for node in doctree.findall(nodes.raw):
        if "html" in node.get("format", "").split():
            text = WHAT_WIDGETS_SHARE.sub(first, node.astext())
            node.children = [nodes.Text(text)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx and return what Sphinx may do with it."""
    # After jupyter_book and myst_nb have set their own defaults.
    app.connect("config-inited", configure, priority=900)
    app.connect("builder-inited", copy_mathjax)
    app.connect("env-before-read-docs", execute_what_is_read)
    app.connect("doctree-resolved", share_once)
    app.add_directive("runs", Runs)
    app.add_directive("benchmarks", Benchmarks)
    app.add_directive("gpu-runs", GpuRuns)
    app.add_directive("metrics", Metrics)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
