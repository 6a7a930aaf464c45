"""Prose that is read in two places, in Jupyter and in the built book.

Jupyter knows neither roles nor substitutions of Sphinx and would show them raw. So the
sources have only what Markdown knows, and the build makes more of it:

    <data value=fashion_vae.kl>9.44</data>                  a number of the runs
    [(Kingma and Welling, 2014)](references.md#kingma2014)  a citation; of several: #a,b
    [`train()`](api/training.md#vaetut.training.train)      a name of the library
    [units](<glossary.md#latent unit>)                      a term of the glossary
    [(eq-kl)](#eq-kl)                                       an equation, by its number
    [the planes](#fig-planes)                               a figure, by its number

Nobody types what a number or a citation shows: `<data value=fashion_vae.kl></data>` and
`[](references.md#kingma2014)` are filled by `make numbers`, which runs this file, and
where a source shows anything else than the runs do, the build says so.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parent.parent
CLAIMS = ROOT / "book" / "claims.toml"
BIBLIOGRAPHY = ROOT / "book" / "references.bib"

NUMBER = re.compile(r"<data value=([\w.]+)>(.*?)</data>", re.DOTALL)
CITATION = re.compile(r"\[([^][]*)\]\((references\.md#([\w,-]+))\)")
LINK = re.compile(r"(?<!!)\[([^][]*)\]\(<?([^()<>\s#]*)#([^()<>]+)>?\)")

# ---- Numbers


def plain(value: Any) -> Any:
    """Return a value of the library's substitutions as dicts, text and numbers."""
    if isinstance(value, dict):
        return {key: plain(found) for key, found in value.items()}
    if not hasattr(value, "_asdict"):
        return value
    forms = [name for name, x in vars(type(value)).items() if isinstance(x, property)]
    shown = {name: getattr(value, name) for name in forms}
    return {"text": str(value), **value._asdict(), **shown}


def all_numbers() -> dict[str, Any]:
    """Return all that prose may name, as `vaetut.claims.substitutions` computes it."""
    from vaetut.claims import substitutions

    return plain(substitutions(CLAIMS))


def keep_numbers(kept: Path) -> None:
    """Write all that prose may name into a file, where it is not there yet.

    The import of the library takes seconds, which the next build does not need.
    """
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        new = kept.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(all_numbers()), "utf8")
        new.replace(kept)


@cache
def kept_numbers(kept: str) -> dict[str, Any]:
    """Return what `keep_numbers` wrote."""
    return json.loads(Path(kept).read_text("utf8"))


def number(numbers: Mapping[str, Any], name: str) -> str:
    """Return what a name in prose shows, as in `number(numbers, "fashion_vae.kl")`.

    Raises ValueError if there is no such number, or the name stops half-way.
    """
    value: Any = numbers
    parts = name.split(".")
    while parts and isinstance(value, Mapping):
        # A key may have a dot: frechet_box_3.5.
        for end in range(len(parts), 0, -1):
            if (key := ".".join(parts[:end])) in value:
                value, parts = value[key], parts[end:]
                break
        else:
            break
    if isinstance(value, Mapping):
        value = value.get("text")
    if parts or value is None:
        where = "`substitutions` in vaetut/claims.py says what there is"
        raise ValueError(f"there is no number {name!r}: {where}")
    return str(value)


# ---- Citations


@cache
def bibliography() -> Any:
    """Return the book's bibliography."""
    from pybtex.database import parse_file

    return parse_file(str(BIBLIOGRAPHY), "bibtex").entries


def citation(keys: str) -> str:
    """Return "(Kingma and Welling, 2014)" for a key, or more with commas between.

    Raises ValueError if the bibliography lacks one.
    """
    cited = []
    for key in keys.split(","):
        if key not in bibliography():
            raise ValueError(f"{BIBLIOGRAPHY.name} has no {key!r}")
        entry = bibliography()[key]
        people = entry.persons["author"]
        names = [" ".join(map(str, person.rich_last_names)) for person in people]
        if len(names) > 2 or "others" in names:
            names = [f"{names[0]} et al."]
        cited.append(f"{' and '.join(names)}, {entry.fields['year']}")
    return f"({'; '.join(cited)})"


# ---- What is written into a source


def fill(text: str, numbers: Mapping[str, Any]) -> str:
    """Return prose with the numbers and citations that it has to show.

    Raises ValueError for one that there is not.
    """

    def filled(old: str, new: str) -> str:
        return old if old.split() == new.split() else new  # wrapped by its author

    text = NUMBER.sub(
        lambda m: f"<data value={m[1]}>{filled(m[2], number(numbers, m[1]))}</data>",
        text,
    )
    return CITATION.sub(lambda m: f"[{filled(m[1], citation(m[3]))}]({m[2]})", text)


def change_prose(path: Path, text: str, change: Callable[[str], str]) -> str:
    """Return a page's text with its prose changed: all, or a notebook's Markdown."""
    if path.suffix != ".ipynb":
        return change(text)
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            source = change("".join(cell["source"]))
            cell["source"] = source.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


# ---- What the build makes of it


def as_roles(text: str) -> str:
    """Return prose whose links are the roles of Sphinx that number and check them."""

    def role(link: re.Match[str]) -> str:
        words, page, target = link.groups()
        page = page.removeprefix("../")
        if page == "references.md":
            return f"{{cite:p}}`{target}`"
        if page == "glossary.md":
            return f"{{term}}`{words} <{target}>`"
        if page.startswith("api/"):
            return f"{{py:obj}}`{words.strip('`')} <{target}>`"
        for start, name in (("eq-", "eq"), ("fig-", "numref")):
            if not page and target.startswith(start):
                return f"{{{name}}}`{target}`"
        return link[0]

    return LINK.sub(role, text)


def read(app: Sphinx, docname: str, content: list[str]) -> None:
    """Make of a source what the book shows; warn of what the runs do not say."""
    path = Path(app.env.doc2path(docname))
    numbers = kept_numbers(app.config.kept_numbers)

    def change(text: str) -> str:
        try:
            filled = fill(text, numbers)
        except ValueError as error:
            logger.warning("%s", error, location=docname)
            return as_roles(text)
        for old, new in zip(text.splitlines(), filled.splitlines(), strict=False):
            if old != new:
                what = f"make numbers: the runs say {new!r}, and not {old!r}"
                logger.warning("%s", what, location=docname)
        return as_roles(filled)

    content[0] = change_prose(path, content[0], change)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx and return what Sphinx may do with it."""
    # Its name has the digest of all that the numbers depend on: where it is another
    # than at the last build, every page is read again.
    app.add_config_value("kept_numbers", "", "env")
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def main(paths: Sequence[str]) -> None:
    """Write into pages what their numbers and citations show; say which were changed.

    Raises SystemExit with the page and the name where there is no such number.
    """
    numbers = all_numbers()
    for path in map(Path, paths):
        old = path.read_text("utf8")
        try:
            new = change_prose(path, old, lambda text: fill(text, numbers))
        except ValueError as error:
            sys.exit(f"{path}: {error}")
        if new != old:
            path.write_text(new, "utf8")
            print(path.name)


if __name__ == "__main__":
    main(sys.argv[1:])
