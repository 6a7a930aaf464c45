"""Find the Chromium that the browser tests drive; as a script, say where it is.

In this order: the path in CHROMIUM, the first on PATH, the one that
`playwright install chromium` fetched.
"""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Return the path of Chromium's executable, or None where there is none."""
    if path := os.environ.get("CHROMIUM"):
        return path
    if path := next(filter(None, map(shutil.which, NAMES)), None):
        return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


if __name__ == "__main__":
    print(find_chromium() or sys.exit("No Chromium found."))
