"""Prose reads well in Jupyter, and its numbers and citations are those of the runs."""

import json
import re
import sys
from types import SimpleNamespace

import pytest

from .sources import NOTEBOOKS, ROOT, documents, markdown

# Code, inline or fenced, shows what it likes.
CODE = re.compile(r"^```.*?^```$|(?<![`}])`[^`\n]+`", re.MULTILINE | re.DOTALL)
SUBSTITUTION = re.compile(r"\{\{\s*[\w.\"\[\]]+\s*\}\}")
ROLE = re.compile(r"\{[a-z]+(?::[a-z]+)?\}`")
FENCED = re.compile(r"^```\{[^\n]*\n(?!```)[^\n]*", re.MULTILINE)
NUMBERS = {
    "vae": {"kl": {"text": "9.44", "short": "9.4"}, "kl_3.5": {"text": "7"}},
    "claims": {"text": "56"},
}


@pytest.fixture(scope="module")
def prose():
    """Return the extension that reads prose."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "_ext")
        patch.delitem(sys.modules, "prose", raising=False)
        import prose

        yield prose


@pytest.fixture(scope="module")
def numbers(prose):
    """Return what prose may name."""
    return prose.all_numbers()


@pytest.mark.attack("pages")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_jupyter_has_nothing_to_show_raw(path):
    text = CODE.sub("", markdown(path))
    assert SUBSTITUTION.findall(text) == []
    assert ROLE.findall(text) == [], "write a link: see _ext/prose.py"
    fenced = FENCED.findall(markdown(path))
    assert fenced == [], "write ::: for ```, then its body is prose"


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.stem)
def test_prose_shows_what_the_runs_say(path, prose, numbers):
    text = markdown(path)
    assert prose.fill(text, numbers) == text, "run `make numbers`"
    assert SUBSTITUTION.findall(CODE.sub("", text)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_link_to_a_page_of_the_book_has_that_page(path, prose):
    for _, page, _ in prose.LINK.findall(markdown(path)):
        assert not page or "://" in page or (path.parent / page).exists(), page


def test_a_number_is_filled_by_its_name(prose):
    text = "a <data value=vae.kl></data> b\n<data value=vae.kl_3.5>8</data>, "
    text += "<data value=claims></data> <data value=vae.kl.short>1</data>"
    filled = prose.fill(text, NUMBERS)
    assert re.findall(">(.*?)</data>", filled) == ["9.44", "7", "56", "9.4"]
    assert prose.fill(filled, NUMBERS) == filled


def test_a_number_may_be_broken_over_two_lines(prose):
    numbers = {"vae": {"text": "1", "span": "2 to 3"}}
    text = "<data value=vae.span>2\nto 3</data>"
    assert prose.fill(text, numbers) == text


@pytest.mark.parametrize("name", ["vae", "vae.kk", "vae.kl.long", "kl", "claims.x.y"])
def test_a_name_of_no_number_is_refused_by_that_name(prose, name):
    with pytest.raises(ValueError, match=f"no number '{name}'"):
        prose.fill(f"<data value={name}></data>", NUMBERS)


def test_a_citation_is_filled_from_the_bibliography(prose):
    text = "[](references.md#kingma2014,rezende2014) [x](references.md#higgins2017)"
    assert re.findall(r"\[(.*?)\]", prose.fill(text, {})) == [
        "(Kingma and Welling, 2014; Rezende et al., 2014)",
        "(Higgins et al., 2017)",
    ]
    with pytest.raises(ValueError, match=r"references\.bib has no 'nobody1900'"):
        prose.fill("[](references.md#nobody1900)", {})


@pytest.mark.parametrize(
    ("link", "role"),
    [
        ("[(A, 2014)](references.md#a2014,b-c)", "{cite:p}`a2014,b-c`"),
        ("[`f()`](api/runs.md#vaetut.runs.f)", "{py:obj}`f() <vaetut.runs.f>`"),
        ("[two\nunits](<glossary.md#latent unit>)", "{term}`two\nunits <latent unit>`"),
        ("[ELBO](glossary.md#ELBO)", "{term}`ELBO <ELBO>`"),
        ("[(eq-kl)](#eq-kl)", "{eq}`eq-kl`"),
        ("[the planes](#fig-planes)", "{numref}`fig-planes`"),
        ("[chapter 04](04-creating-faces.ipynb)", None),
        ("[here](#another-place) and $a[b](c)$", None),
        ("[a page](https://example.org/x.html#eq-1)", None),
        ("![a picture](#fig-planes)", None),
    ],
)
def test_a_link_is_a_role_in_the_book(prose, link, role):
    assert prose.as_roles(f"({link}.") == f"({role or link}."


def test_only_the_prose_of_a_notebook_is_changed(prose, tmp_path, monkeypatch):
    monkeypatch.setattr(prose, "all_numbers", lambda: NUMBERS)
    source = "[(eq-a)](#eq-a)\n<data value=vae.kl></data>"
    cells = [{"cell_type": kind, "source": [source]} for kind in ("markdown", "code")]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": cells}), "utf-8")
    prose.main([str(path)])
    changed, kept = json.loads(path.read_text("utf-8"))["cells"]
    assert "".join(changed["source"]) == source.replace("><", ">9.44<")
    assert kept["source"] == [source]


@pytest.mark.parametrize(
    ("number", "warning"),
    [
        ("<data value=vae.kl>9.44</data>", None),
        ("<data value=vae.kl>9.45</data>", "make numbers: the runs say"),
        ("<data value=vae.kk>9.44</data>", "there is no number 'vae.kk'"),
    ],
)
def test_the_build_warns_of_what_the_runs_do_not_say(
    prose, tmp_path, monkeypatch, number, warning
):
    kept, said = tmp_path / "numbers.json", []
    kept.write_text(json.dumps(NUMBERS), "utf-8")
    monkeypatch.setattr(prose.logger, "warning", lambda *words, **_: said.append(words))
    app = SimpleNamespace(
        env=SimpleNamespace(doc2path=lambda name: f"book/{name}.md"),
        config=SimpleNamespace(kept_numbers=str(kept)),
    )
    content = [f"{number}, by [(eq-a)](#eq-a)"]
    prose.read(app, "a", content)
    assert content[0].endswith("</data>, by {eq}`eq-a`")
    assert ("9.44" in content[0]) and len(said) == (warning is not None)
    assert all(warning in words[0] % words[1:] for words in said)


def test_a_page_with_a_name_of_no_number_is_named(prose, tmp_path, monkeypatch):
    monkeypatch.setattr(prose, "all_numbers", lambda: NUMBERS)
    path = tmp_path / "a.md"
    path.write_text("<data value=vae.kk></data>", "utf-8")
    with pytest.raises(SystemExit, match=r"a\.md: there is no number 'vae\.kk': "):
        prose.main([str(path)])
