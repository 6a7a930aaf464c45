"""The rhythm of a chapter: short cells, described figures, exercises with solutions.

Line widths are ruff's: see book/ruff.toml. Links are the build's, with its warnings
as errors.
"""

import re
import statistics

import pytest

from .sources import NOTEBOOKS, code_cells, markdown, read

LONGEST_CELL = 30  # lines
MEDIAN_CELL = 9
WIDEST_LINE = 75  # characters

IMAGES = {"image/png", "image/svg+xml", "image/jpeg"}
HOST_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|Users|work|usr|opt|mnt)/\w")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    """Return the path of one chapter."""
    return request.param


@pytest.fixture
def cells(path):
    """Return a chapter's code cells."""
    return code_cells(read(path))


def images(cell):
    """Return the picture outputs of a code cell, a widget's own picture aside."""
    data = [output.get("data", {}) for output in cell.outputs]
    return [bundle for bundle in data if IMAGES & set(bundle)]


def texts(output):
    """Return what an output shows as text."""
    if output.output_type == "stream":
        return [output.text]
    data = output.get("data", {})
    return [str(data[kind]) for kind in data if kind.startswith("text/")]


def test_cells_are_short(cells):
    lengths = [len(cell.source.splitlines()) for cell in cells]
    assert max(lengths) <= LONGEST_CELL
    assert statistics.median(lengths) <= MEDIAN_CELL


def test_lines_fit_the_page(cells):
    lines = [line for cell in cells for line in cell.source.splitlines()]
    assert [line for line in lines if len(line) > WIDEST_LINE] == []


def test_ran_from_top_to_bottom(cells):
    counts = [cell.execution_count for cell in cells]
    assert counts == list(range(1, len(cells) + 1)), "run `make notebooks`"


def test_outputs_are_clean(cells):
    """Neither an error, nor a log line, nor a path of the machine that ran it."""
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", output.text
            for text in texts(output):
                assert not HOST_PATH.search(text), text[:300]


def test_code_names_no_path_of_one_machine(cells):
    assert [cell.source for cell in cells if HOST_PATH.search(cell.source)] == []


def test_one_figure_a_cell_with_alt_text_and_caption(cells):
    for cell in filter(images, cells):
        assert len(images(cell)) == 1, f"more than one figure:\n{cell.source}"
        settings = cell.metadata.get("mystnb", {})
        alt = settings.get("image", {}).get("alt", "")
        caption = settings.get("figure", {}).get("caption", "")
        assert alt.strip(), f"no mystnb.image.alt:\n{cell.source}"
        assert caption.strip(), f"no mystnb.figure.caption:\n{cell.source}"
        assert alt.strip() != caption.strip(), "say what is seen, then what it means"


def test_ends_with_summary_questions_exercises_and_references(path):
    headings = re.findall(r"^## +(.+?) *$", markdown(path), re.MULTILINE)
    assert headings[-4:] == ["Summary", "Check yourself", "Exercises", "References"]


def test_every_exercise_has_a_folded_solution(path):
    text = markdown(path)
    fence = r"^(?:`{3,}|:{3,})"
    exercises = re.findall(
        fence + r"\{exercise[^}]*\}[^\n]*\n:label: *(\S+)", text, re.MULTILINE
    )
    solutions = re.findall(
        fence + r"\{solution[^}]*\} *(\S+)\n((?::[^\n]*\n)*)", text, re.MULTILINE
    )
    assert len(exercises) >= 3
    assert sorted(exercises) == sorted(label for label, _ in solutions)
    open_ones = [label for label, options in solutions if "dropdown" not in options]
    assert open_ones == []
