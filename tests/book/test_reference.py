"""The library's reference: every room has its page, and chapters lead to it."""

import pkgutil
import re
import sys

import pytest

import vaetut.analysis

from .sources import NOTEBOOKS, ROOT, documents, markdown

COMMAND_LINE = {"__main__", "commands"}  # `vaetut --help` says what they do
ROOMS = {info.name for info in pkgutil.iter_modules(vaetut.__path__)} - COMMAND_LINE


@pytest.fixture
def reference(monkeypatch):
    """Return the extension that writes the pages."""
    monkeypatch.syspath_prepend(ROOT / "_ext")
    monkeypatch.delitem(sys.modules, "reference", raising=False)
    import reference

    return reference


def test_every_room_is_on_one_page():
    text = "\n".join(markdown(path) for path in documents())
    on_pages = re.findall(r"\{reference\} vaetut\.(\w+)", text)
    assert sorted(on_pages) == sorted(ROOMS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_leads_to_the_reference(path):
    assert len(re.findall(r"\]\(api/[\w-]+\.md#vaetut\.", markdown(path))) >= 2


def test_what_is_exported_is_shown_by_the_name_one_imports(reference):
    shown = [
        reference.public_name(module, name, value)
        for module in reference.modules("vaetut.analysis")
        for name, value in reference.objects(module)
    ]
    assert len(shown) == len(set(shown))
    assert {f"vaetut.analysis.{name}" for name in vaetut.analysis.__all__} <= set(shown)


def test_docstrings_are_prose_and_backticks_stay(reference):
    lines = ["|x| of `a|b` and 2 * 3,", "`one_` but two_", "", "    a  | b", "", "End."]
    reference.as_prose(None, "function", "f", None, None, lines)
    assert lines == [
        *(r"\|x\| of `a|b` and 2 \* 3,", r"`one_` but two\_", ""),
        *(".. code-block:: text", "", "    a  | b", ""),
        *("", "End."),
    ]
