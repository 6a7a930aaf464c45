"""The book's own Sphinx extension: what no setting in _config.yml can say.

1. MathJax is served from the book itself, so a built page needs no network.
2. Notebooks are executed side by side, into a cache that is keyed by everything they
   run on: see ``execution``.
3. Tables come from the claims and the trained runs: ``{claims}``, ``{runs}``,
   ``{benchmarks}``, ``{metrics}``. Numbers in prose do too: see ``prose``.
4. Each widget brings the style and the script of all: a page keeps them once.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import docutils.nodes
from docutils.nodes import Node
from docutils.parsers.rst import directives
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
        """Return the nodes of a table of `header` and `rows`, sequences of str.

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
        return self.parse_text_to_nodes("\n".join([*lines, "::::"]))


class Claims(Table):
    """``{claims}``: the sources' claims beside ours, of one chapter or of all.

    Those that are tested in a table, theorems in another. In a cell the second
    paragraph is small print, and a verdict has a class: vaetut.css.
    """

    optional_arguments = 1

    def run(self):
        from vaetut.claims import rows

        self.env.note_dependency(str(CLAIMS))
        chapter = directives.positive_int(self.arguments[0]) if self.arguments else None
        found = {"test": [], "theorem": []}
        for row in rows(CLAIMS, chapter=chapter):
            found[row.kind].append(row)
        # Of one chapter, the column that says which is left out.
        start = 0 if chapter is None else 1
        nodes = []
        if found["test"] or not found["theorem"]:
            nodes += self.claims(found["test"], "Verdict", start)
        if found["theorem"]:
            about = "Not tested, for it cannot come out otherwise; and the reason why:"
            nodes += self.parse_text_to_nodes(about)
            nodes += self.claims(found["theorem"], "Reason", start)
        return nodes

    def claims(self, found, last, start):
        """Return the nodes of a table of claims, its columns from `start` on."""
        header = ("Ch.", "Claim", "Theirs", "Ours", last)
        widths = (7, 35, 15, 25, 18) if last == "Verdict" else (7, 31, 12, 20, 30)
        options = (":class: claims", f":widths: {' '.join(map(str, widths[start:]))}")
        cells = (self.cells(row)[start:] for row in found)
        nodes = self.table(header[start:], cells, *options)
        if last == "Verdict":
            for node in nodes:
                mark_verdicts(node)
        return nodes

    @staticmethod
    def cells(row):
        """Return one table row for a claim."""
        from vaetut.claims import WHOSE

        rule = f"Must be {row.rule}. " if row.rule else ""
        alone = f"after correction\n\nThe interval alone: {row.alone}."
        last = row.reason or f"{row.verdict} {alone * (row.verdict != row.alone)}"
        return (
            f"{row.chapter}",
            f"{row.claim}\n\n{row.source} ({WHOSE[row.whose]}).",
            row.theirs,
            f"{row.measure} {row.value}".strip() + f"\n\n{rule}{row.basis}.",
            last.strip(),
        )


def mark_verdicts(table) -> None:
    """Give the last cell of each row of a table of claims a class by its first word."""
    for row in table.findall(docutils.nodes.row):
        words = row.children[-1].astext().split()
        row.children[-1]["classes"].append(f"verdict-{words[0].lower()}")


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
            if name in ("reconstruction", "reconstruction_sampled", "kl")
        )
        return (
            f"`{run['recipe']}` {run['scale']}" + " (**stale**)" * run["stale"],
            f"{run['seeds']}",
            f"{run['hardware']}, {run['backend']}",
            f"{minutes} min {seconds} s" if minutes else f"{seconds} s",
            f"{run['parameters']['total']:,}",
            "; ".join(metrics),
        )


class Metrics(Table):
    """``{metrics}``: the registry of metrics: what each name means."""

    def run(self):
        from vaetut.metrics import REGISTRY

        header = ("Metric", "Meaning", "Unit", "Of", "Better")
        options = ":class: claims", ":widths: 34 36 12 10 8"
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


def share_once(app: Sphinx, doctree: docutils.nodes.document, page: str) -> None:
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

    for node in doctree.findall(docutils.nodes.raw):
        if "html" in node.get("format", "").split():
            text = WHAT_WIDGETS_SHARE.sub(first, node.astext())
            node.children = [docutils.nodes.Text(text)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx and return what Sphinx may do with it."""
    # After jupyter_book and myst_nb have set their own defaults.
    app.connect("config-inited", configure, priority=900)
    app.connect("builder-inited", copy_mathjax)
    app.connect("env-before-read-docs", execute_what_is_read)
    app.connect("doctree-resolved", share_once)
    app.add_directive("claims", Claims)
    app.add_directive("runs", Runs)
    app.add_directive("benchmarks", Benchmarks)
    app.add_directive("metrics", Metrics)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
