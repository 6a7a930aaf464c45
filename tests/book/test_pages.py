"""Numbers in prose come from the runs: every substitution has a value."""

import pickle
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


@pytest.fixture(scope="module")
def kept(values, tmp_path_factory):
    """Return the same as the build keeps it, without the library's types."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "_ext")
        patch.setattr("vaetut.claims.substitutions", lambda path: values)
        import vaetut_book

        found = vaetut_book.substitutions(tmp_path_factory.mktemp("kept"))
    return pickle.loads(pickle.dumps(found))  # as from one build to the next


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.stem)
def test_substitutions_resolve(path, values, kept):
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    for text in SUBSTITUTION.findall(CODE.sub("", markdown(path))):
        try:
            shown = environment.from_string(text).render(values)
        except jinja2.UndefinedError as error:
            pytest.fail(f"{text}: {error}")
        # A dictionary is a name that stops half-way.
        assert shown.strip() and not shown.startswith("{"), f"{text} shows {shown!r}"
        assert environment.from_string(text).render(kept) == shown
