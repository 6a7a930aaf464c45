"""The page of runs lists every recipe and every variant that is shipped."""

from playwright.sync_api import expect

from vaetut.runs import list_runs

from .conftest import DESKTOP
from .looking import resize


def test_every_run_has_a_row(open_page):
    listed = list_runs()
    with open_page("book/status.html") as watched:
        rows = watched.page.locator("table.runs tbody tr")
        expect(rows).to_have_count(len(listed))
        texts = rows.locator("td:first-child").all_text_contents()
        for run in listed:
            changed = [f"+{part}" for part in run["recipe"].split("+")[1:]]
            name = " ".join([*(changed or [run["recipe"]]), run["scale"]])
            assert name in [" ".join(text.split()) for text in texts]


def test_many_variants_are_folded_and_can_be_read(open_page):
    with open_page("book/status.html") as watched:
        resize(watched.page, DESKTOP)
        for fold in watched.page.locator("details:has(table.runs)").all():
            expect(fold.locator("table")).to_be_hidden()
            fold.locator("summary").click()
            last = fold.locator("th").last
            expect(last).to_be_visible()
            box = last.bounding_box()
            assert box["x"] + box["width"] <= DESKTOP["width"]
