"""Numbers in prose come from the runs: every substitution has a value."""

import re

import jinja2
import pytest

from vaetut.claims import substitutions

from .sources import ROOT, documents, markdown

# Code, inline or fenced, shows braces as they are; directives' bodies are prose.
CODE = re.compile(r"^```(?!\{).*?^```|(?<!`)`[^`\n]+`", re.MULTILINE | re.DOTALL)
SUBSTITUTION = re.compile(r"\{\{.*?\}\}")


@pytest.fixture(scope="module")
def values():
    """Return what the prose may name."""
    return substitutions(ROOT / "book" / "claims.toml")


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.stem)
def test_substitutions_resolve(path, values):
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    for text in SUBSTITUTION.findall(CODE.sub("", markdown(path))):
        try:
            shown = environment.from_string(text).render(values)
        except jinja2.UndefinedError as error:
            pytest.fail(f"{text}: {error}")
        # A dictionary is a name that stops half-way.
        assert shown.strip() and not shown.startswith("{"), f"{text} shows {shown!r}"
