"""A served copy of the book, pages that write down what goes wrong, JupyterLab."""

import contextlib
import functools
import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, sync_playwright

from .chromium import find_chromium

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

# A page of its own for widgets, with words around them, as the theme styles it.
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>t</title>
<style>html[data-theme="dark"] body {{ background: #121212; color: #ddd }}</style>
</head><body><p>Before.</p>{}<p>After.</p></body></html>"""

# Chromium's own traffic would count as the page's.
CHROMIUM_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serve files without a log line each."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def html():
    """Return the folder of the built book."""
    if not (HTML / "index.html").exists():
        pytest.fail("There is no built book in _build/html: run `make book`.")
    return HTML


@pytest.fixture(scope="session")
def bases(html):
    """Return the book's address by scheme: from a server, and from the disk."""
    handler = functools.partial(QuietHandler, directory=html)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {
            "http": f"http://127.0.0.1:{server.server_port}",
            "file": html.as_uri(),
        }
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """Return a running Chromium. Where there is none: skip, but fail in CI."""
    path = find_chromium()
    if path is None:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up("No Chromium: install one, or set CHROMIUM to its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=list(CHROMIUM_FLAGS)
        )
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page and the troubles it met: errors, failed and outside requests."""

    page: Page
    host: str
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.page.on("request", self._on_request)
        self.page.on("requestfailed", lambda r: self._add("failed", r.url))
        self.page.on("response", self._on_response)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda e: self._add("uncaught", str(e)))

    def _add(self, what, detail):
        self.troubles.append(f"{what}: {detail}")

    def _on_request(self, request):
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and url.netloc != self.host:
            self._add("outside request", request.url)

    def _on_response(self, response):
        if response.status >= 400:
            self._add(f"status {response.status}", response.url)

    def _on_console(self, message):
        if message.type == "error":
            self._add("console", message.text)


@pytest.fixture(scope="session")
def open_page(browser, bases):
    """Return a context manager that opens one of the book's pages.

    `open_page(path, scheme)` waits until MathJax has set the page.
    """

    @contextlib.contextmanager
    def open_page(path, scheme="http"):
        base = bases[scheme]
        with browser.new_context(viewport=DESKTOP) as context:
            watched = Watched(context.new_page(), urlsplit(base).netloc)
            watched.page.goto(f"{base}/{path}", wait_until="load")
            watched.page.evaluate("window.MathJax?.startup.promise.then(() => null)")
            yield watched

    return open_page


@pytest.fixture
def open_widgets(browser, tmp_path):
    """Return a function that opens widgets on a page of their own, from the disk.

    `init` is a script that runs before the page's; the options are those of a context.
    """
    with contextlib.ExitStack() as contexts:

        def open_widgets(*widgets, page=PAGE, init="", **options):
            path = tmp_path / f"page-{len(list(tmp_path.glob('page-*')))}.html"
            body = "<p>Between.</p>".join(widget.to_html() for widget in widgets)
            path.write_text(page.format(body), "utf-8")
            options = {"viewport": DESKTOP} | options
            context = contexts.enter_context(browser.new_context(**options))
            watched = Watched(context.new_page(), "")
            watched.page.add_init_script(init)
            watched.page.goto(path.as_uri())
            return watched

        yield open_widgets


@pytest.fixture
def jupyterlab(tmp_path):
    """Return the address of a JupyterLab, and the empty folder that it serves."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "--allow-root",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={tmp_path}",
        "--LabApp.news_url=None",
    ]
    own = {f"JUPYTER_{k}_DIR": str(tmp_path / k) for k in ("CONFIG", "RUNTIME")}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env=os.environ | own | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(120):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, "JupyterLab ended at once."
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}", tmp_path
    finally:
        server.terminate()
        server.wait(30)
