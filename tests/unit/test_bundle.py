"""The script and the style that pages carry are what their sources give."""

import base64
import gzip
import hashlib
import re
from pathlib import Path

import pytest
from widget_table import WIDGETS

from vaetut import widgets
from vaetut.widgets import page

HOME = Path(widgets.__file__).parent
MODULES = sorted((HOME / "js").glob("*.js"))


def hash_of_sources(home=HOME):
    """Return the hash of all that the bundles are made of, as build.mjs has it."""
    files = [path for folder in ("css", "js") for path in (home / folder).iterdir()]
    names = sorted(path.relative_to(home).as_posix() for path in files)
    digest = hashlib.sha256()
    for name in ["build.mjs", *names]:
        digest.update(f"{name}\0".encode() + (home / name).read_bytes() + b"\0")
    return digest.hexdigest()


def test_no_bundle_is_older_than_its_sources():
    """Without Node, too; where Node is, `npm test` builds them again and compares."""
    mend = "run `npm ci && npm run build` and commit the bundles"
    for bundle in (page.SCRIPT, page.STYLE):
        found = re.search(r"of sources ([0-9a-f]{64})", bundle.split("\n")[0])[1]
        assert found == hash_of_sources(), mend


def test_the_script_is_small_and_has_every_widget():
    assert len(page.SCRIPT) <= 60_000
    packed = re.search(r'const packed = "(.*)";', page.SCRIPT)[1]
    script = gzip.decompress(base64.b64decode(packed)).decode()
    for widget in WIDGETS:
        assert f'"{widget.kind}"' in script


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_module_is_checked_and_says_what_it_is(path):
    first, second, *_ = path.read_text("utf-8").split("\n")
    assert first == "// @ts-check" and second.startswith("// ")
