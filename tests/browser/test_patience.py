"""No test of this folder reads a page that still changes, or loses its patience."""

from pathlib import Path

import pytest

# What returns before the page has followed, or ends after seconds: what does not.
HASTY = {
    "set_viewport_size(": "resize",
    "emulate_media(": "emulate",
    "dataset.theme =": "set_theme",
    "mouse.move(": "move or drag",
    "wait_for_timeout(": "rest",
    "time.sleep(": "wait_for_function",
    "browser.new_context(": "new_context",
    "timeout=": "PATIENCE, which is set already",
}


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parent.glob("test_*.py")), ids=lambda path: path.stem
)
def test_it_waits_for_conditions_and_not_for_seconds(path):
    text = path.read_text("utf-8") if path != Path(__file__) else ""
    assert {hasty: use for hasty, use in HASTY.items() if hasty in text} == {}
