"""``{claims}`` and ``{claim-counts}``: the sources' claims, each beside ours.

An entry a claim: whose it is, its words, the verdict as a word and a colour, and the
interval drawn against the bounds. `claims.html` has the markup, `claims.css` the look.
Of one chapter there are its entries alone; of all, a heading a chapter, and a filter
that `claims.js` brings to life: a page without scripts shows all of them.
"""

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from jinja2 import Environment, FileSystemLoader
from prose import CLAIMS
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri

logger = logging.getLogger(__name__)
HERE = Path(__file__).resolve().parent
MARKUP = Environment(
    loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
MARKUP.filters["minus"] = lambda text: text.replace("-", "−")

VERDICTS = ("confirmed", "refuted", "undecided")
CHAPTER = re.compile(r"book/(\d\d)-")  # the beginning of a chapter's docname
# How it is measured stands behind a claim's words in brackets, which may hold others.
MEASURED = re.compile(r"(.+?) \(((?:[^()]|\([^()]*\))*)\)\.?")
MARGIN = 0.2  # of what is drawn, on either side


class Bound(NamedTuple):
    """A bound as it is drawn."""

    at: float  # per cent of the width
    text: str
    anchor: str  # which end of the text stands there, as SVG says it


class Drawing(NamedTuple):
    """An interval, its mean, and the bounds, in per cent of a drawing's width."""

    low: float
    mean: float
    high: float
    bounds: list[Bound]
    start: float  # of where the claim holds
    end: float
    says: str  # the same in words


class Entry(NamedTuple):
    """A claim as it is shown; what is not here is the row's own."""

    row: Any  # of vaetut.claims
    key: str  # its anchor
    verdict: str  # or "theorem"
    whose: str  # as a reader sees it
    words: str  # the claim's
    measured: str  # how it is measured, or ""
    drawing: Drawing | None  # None of a theorem
    tested: str  # the result of the test
    place: str  # the section that measures it
    link: str


def drawing(row) -> Drawing:
    """Return what is drawn of a row of `vaetut.claims` that is tested.

    All bounds and the whole interval are seen, whichever is the wider.
    """
    sides = [bound for bound in (row.least, row.most) if bound is not None]
    low, high = (row.mean if end is None else end for end in (row.low, row.high))
    first, last = min(low, *sides), max(high, *sides)
    margin = MARGIN * (last - first) or 1.0

    def at(value):
        start, width = first - margin, last - first + 2 * margin
        return round(100 * (value - start) / width, 2)

    anchors = ("end", "start") if len(sides) == 2 else ("middle",)
    return Drawing(
        *(at(low), at(row.mean), at(high)),
        [Bound(at(b), f"{b:g}", a) for b, a in zip(sides, anchors, strict=True)],
        0.0 if row.least is None else at(row.least),
        100.0 if row.most is None else at(row.most),
        _in_words(row),
    )


def _in_words(row):
    """Return where the interval lies, for those who do not see the drawing."""
    holds = f"where the claim holds, {row.rule}"
    if row.low is None:
        return f"A single value, without an interval. The claim holds {row.rule}."
    ends = f"{row.low:{row.format}} to {row.high:{row.format}}"
    return {
        "confirmed": f"The whole interval, {ends}, lies {holds}.",
        "refuted": f"The whole interval, {ends}, lies outside of {holds}.",
        "undecided": f"The interval, {ends}, reaches over a bound of {holds}.",
    }[row.alone]


def tested(row) -> str:
    """Return the result of a row's test in words, "" of a theorem."""
    if row.p is None:
        return ""
    text = f"p {small(row.p_holm)} after Holm’s correction, {small(row.p)} before"
    if row.alone != row.verdict:
        text += f": the interval alone says {row.alone}"
    return text


def small(p: float) -> str:
    """Return a p-value as text behind "p": two digits, and at most three places."""
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def split(claim: str) -> tuple[str, str]:
    """Return a claim's words, and how it is measured: the brackets at its end."""
    found = MEASURED.fullmatch(claim)
    return (f"{found[1]}.", found[2]) if found else (claim, "")


def entries(rows: Iterable, link) -> list[Entry]:
    """Return the rows as they are shown; `link(chapter, section)` is an address."""
    from vaetut.claims import WHOSE

    found: list[Entry] = []
    seen: dict[int, int] = {}
    for row in rows:
        k = seen[row.chapter] = seen.get(row.chapter, 0) + 1
        test = row.kind == "test"
        found.append(
            Entry(
                row,
                f"claim-{row.chapter}-{k}",
                row.verdict if test else row.kind,
                WHOSE[row.whose],
                *split(row.claim),
                drawing(row) if test else None,
                tested(row),
                f"Chapter {row.chapter}, {row.section}",
                link(row.chapter, row.section),
            )
        )
    return found


def counts(rows: Iterable) -> list[tuple[str, Any]]:
    """Return how many claims there are of each post, and of all: label -> `Counts`."""
    from vaetut.claims import POSTS, WHOSE, count

    theirs = [row for row in rows if row.whose == "theirs"]
    groups = {post: [r for r in theirs if r.post == post] for post in POSTS}
    groups["All of theirs"] = theirs
    for whose, name in list(WHOSE.items())[1:]:
        label = name[0].upper() + name[1:]
        groups[label] = [row for row in rows if row.whose == whose]
    groups["All"] = list(rows)
    return [(label, count(group)) for label, group in groups.items()]


def slug(text: str) -> str:
    """Return the anchor that a heading with this text has."""
    return nodes.make_id(text)


class Claims(SphinxDirective):
    """``{claims}``: an entry a claim, of all chapters or of the one that is named."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the entries; Sphinx calls it."""
        from vaetut.claims import POSTS, rows

        chapter = directives.positive_int(self.arguments[0]) if self.arguments else None
        found = rows(CLAIMS, chapter=chapter)
        if not found:
            raise self.error(f"There is no claim of chapter {chapter} in {CLAIMS}.")
        note_sources(self.env)
        shown = entries(found, self.link)
        if chapter is not None:
            return [raw("entries", shown)]
        titles = {k: self.title(k) for k in dict.fromkeys(r.chapter for r in found)}
        script = self.uri("_static/claims.js")
        posts = {post: post for post in POSTS}
        result: list[nodes.Node] = [raw("filters", titles, posts, script)]
        for number, title in titles.items():
            of_it = [entry for entry in shown if entry.row.chapter == number]
            result.append(self.section(number, title, of_it))
        return result

    def link(self, chapter, section):
        """Return the address of a chapter's section from this page."""
        page = self.env.app.builder.get_target_uri(chapters(self.env)[chapter])
        return f"{self.uri(page)}#{slug(section)}"

    def uri(self, target):
        """Return the address of a file of the built book from this page."""
        return relative_uri(
            self.env.app.builder.get_target_uri(self.env.docname), target
        )

    def title(self, chapter):
        """Return the number and heading of a chapter, out of its notebook."""
        path = Path(self.env.doc2path(chapters(self.env)[chapter]))
        self.env.note_dependency(str(path))
        first = json.loads(path.read_text("utf8"))["cells"][0]["source"]
        heading = "".join(first).splitlines()[0].removeprefix("# ")
        return f"{chapter}. {heading}"

    def section(self, chapter, title, shown):
        """Return the nodes of a section: a chapter's entries below its heading."""
        section = nodes.section(ids=[f"chapter-{chapter}"], classes=["claims-chapter"])
        section += [nodes.title(text=title), raw("entries", shown)]
        self.state.document.note_explicit_target(section)
        return section


class ClaimCounts(SphinxDirective):
    """``{claim-counts}``: how many claims hold, by post and in all."""

    def run(self) -> list[nodes.Node]:
        """Return the nodes of a sentence and a table; Sphinx calls it."""
        from vaetut.claims import rows

        note_sources(self.env)
        return [raw("counts", counts(rows(CLAIMS)))]


def raw(part: str, *arguments: object) -> nodes.Node:
    """Return a part of `claims.html` as a node."""
    html = getattr(MARKUP.get_template("claims.html").module, part)(*arguments)
    return nodes.raw("", html, format="html")


def note_sources(env: BuildEnvironment) -> None:
    """Have a page read again when what its claims are shown by has changed."""
    for path in (CLAIMS, Path(__file__), HERE / "claims.html"):
        env.note_dependency(str(path))


def chapters(env: BuildEnvironment) -> dict[int, str]:
    """Return the docname of each chapter of the book."""
    found = ((CHAPTER.match(name), name) for name in sorted(env.found_docs))
    return {int(match[1]): name for match, name in found if match}


def check_links(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of a claim whose section its chapter has not."""
    headings = {
        chapter: {x["anchorname"] for x in env.tocs[name].findall(nodes.reference)}
        for chapter, name in chapters(env).items()
    }
    for claim in tomllib.loads(CLAIMS.read_text("utf8"))["claim"]:
        if f"#{slug(claim['section'])}" not in headings[claim["chapter"]]:
            logger.warning(
                "The claim %r is measured in section %r, which is not in chapter %s: "
                "change its `section` in %s.",
                *(claim["claim"], claim["section"], claim["chapter"], CLAIMS.name),
            )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx and return what Sphinx may do with it."""
    app.add_directive("claims", Claims)
    app.add_directive("claim-counts", ClaimCounts)
    app.connect("env-check-consistency", check_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
