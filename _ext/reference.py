"""``{reference} vaetut.ROOM``: what a room of the library holds, out of its docstrings.

A section a file, in it every public function and class under the name by which one
imports it: `vaetut.analysis.iou`, though it stands in `image_similarity.py`.
"""

import inspect
import pkgutil
import re
from importlib import import_module
from itertools import groupby

from docutils import nodes
from numpy.typing import ArrayLike
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import stringify_annotation

MARKUP = re.compile(r"`[^`]*`|[|*]|(?<=\w)_(?!\w)")
ANY_ARRAY = stringify_annotation(ArrayLike, "smart")
LEFT_OUT = ("__main__",)  # commands say themselves what they do: `vaetut --help`


def modules(room: str) -> list[str]:
    """Return the names of the modules in a room, subpackages' included, by name.

    The room itself is among them where it defines something of its own.
    """
    module = import_module(room)
    inside = getattr(module, "__path__", [])
    found = [info.name for info in pkgutil.walk_packages(inside, f"{room}.")]
    return [name for name in [room, *found] if name.split(".")[-1] not in LEFT_OUT]


def objects(module: str) -> list[tuple[str, object]]:
    """Return the public functions and classes that a module defines, in its order."""
    found = [
        (name, value)
        for name, value in vars(import_module(module)).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isroutine(value))
        and getattr(value, "__module__", None) == module
    ]
    return [(name, value) for name, value in found if inspect.getdoc(value)]


def public_name(module: str, name: str, value: object) -> str:
    """Return the name by which one imports what `module` defines as `name`."""
    parts = module.split(".")
    for depth in range(2, len(parts)):
        package = ".".join(parts[:depth])
        room = import_module(package)
        exported = name in getattr(room, "__all__", ())
        if exported and getattr(room, name) is value:
            return f"{package}.{name}"
    return f"{module}.{name}"


class Reference(SphinxDirective):
    """Sections of a page: a module each."""

    required_arguments = 1

    def run(self):
        self.env.note_dependency(__file__)
        room = self.arguments[0]
        return [
            self.section(name, name.removeprefix(f"{room}."))
            for name in modules(room)
            if name != room or objects(room)
        ]

    def section(self, module, title):
        """Return the section of one module."""
        section = nodes.section(ids=[nodes.make_id(module)], names=[module])
        self.state.document.note_implicit_target(section, section)
        section += nodes.title("", "", nodes.literal("", title))
        lines = [f".. automodule:: {module}", "   :no-members:", "   :no-index:"]
        for name, value in objects(module):
            kind = "class" if inspect.isclass(value) else "function"
            lines += ["", f".. auto{kind}:: {public_name(module, name, value)}"]
        fenced = "\n".join(["````{eval-rst}", *lines, "````"])
        section += self.parse_text_to_nodes(fenced)
        return section


def escaped(block: list[str]) -> list[str]:
    """Return lines of prose in which nothing but single backticks is markup."""
    text = MARKUP.sub(
        lambda m: m[0] if m[0][0] == "`" else f"\\{m[0]}", "\n".join(block)
    )
    return text.split("\n")


def as_prose(app, what, name, value, options, lines) -> None:
    """Make reStructuredText of a docstring; what is indented stands as it is."""
    found = []
    for literal, block in groupby(lines, lambda line: line.startswith("    ")):
        block = list(block)
        opens = literal and (not found or not found[-1].strip())
        as_it_is = [".. code-block:: text", "", *block, ""]
        found += as_it_is if opens else escaped(block)
    lines[:] = found


def short_types(app, what, name, value, options, signature, returns):
    """Call what NumPy takes for an array by its name, and not by all it may be."""
    if "t.Any" in (signature or ""):  # a widget's: any trait
        return "", None
    return tuple(
        text and text.replace(ANY_ARRAY, "~numpy.typing.ArrayLike")
        for text in (signature, returns)
    )


def skip(app, what, name, value, skipped, options):
    """Skip what a base class gave: fields of named tuples, traits of widgets."""
    document = getattr(value, "__doc__", None) or ""
    if document.startswith("Alias for field number") or hasattr(value, "this_class"):
        return True
    return None


def setup(app):
    """Register the directive."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", as_prose)
    app.connect("autodoc-process-signature", short_types)
    app.connect("autodoc-skip-member", skip)
    app.add_directive("reference", Reference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
