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

import nbformat
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from .chromium import find_chromium
from .looking import PATIENCE, emulate, entry, resize, rest, wait_until_ready

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"

expect.set_options(timeout=PATIENCE)

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

# A page of its own for widgets, with words around them, as the theme styles it.
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>t</title>
<style>html[data-theme="dark"] {{ --pst-color-background: #121212 }}
html[data-theme="dark"] body {{ background: #121212; color: #ddd }}</style></head>
<body><p>Before.</p>{}<p>After.</p><div style="height: 80rem"></div></body></html>"""

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
            executable_path=path, args=list(CHROMIUM_FLAGS), timeout=PATIENCE
        )
        yield browser
        browser.close()


def new_context(browser, **options):
    """Return a window of its own, as on a desktop where the options say nothing else.

    It is patient, in all that its pages wait for.
    """
    context = browser.new_context(**{"viewport": DESKTOP} | options)
    context.set_default_timeout(PATIENCE)
    return context


@dataclass
class Watched:
    """A page, what it asked for, and its troubles: errors, failed, outside requests."""

    page: Page
    host: str
    asked: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.page.on("request", self._on_request)
        self.page.on("requestfailed", lambda r: self._add("failed", r.url))
        self.page.on("response", self._on_response)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda e: self._add("uncaught", str(e)))

    @property
    def root(self):
        """The widgets of the page."""
        return self.page.locator(".vaetut-explorer")

    def _add(self, what, detail):
        self.troubles.append(f"{what}: {detail}")

    def _on_request(self, request):
        url = urlsplit(request.url)
        if url.scheme in ("data", "blob"):
            return
        self.asked.append(request.url)
        if url.netloc != self.host:
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
        with new_context(browser) as context:
            watched = Watched(context.new_page(), urlsplit(base).netloc)
            watched.page.goto(f"{base}/{path}", wait_until="load")
            watched.page.evaluate("window.MathJax?.startup.promise.then(() => null)")
            rest(watched.page)
            yield watched

    return open_page


def page_html(explorer):
    """Return a widget's HTML, of which the still picture takes most of the time."""
    return _html(explorer, *(repr(getattr(explorer, name)) for name in explorer.view))


@functools.cache
def _html(explorer, *traits):
    return explorer.to_html()


@pytest.fixture(scope="session")
def widget_page(browser, tmp_path_factory):
    """Return a context manager that opens widgets on a page of their own.

    It is a file, and open when all is drawn. `init` is a script that runs before the
    page's; the options are those of a browser's context. Without any, a window that
    was closed before is taken again, for a new one takes as long as all the rest.
    """
    folder, spare = tmp_path_factory.mktemp("pages"), []

    @contextlib.contextmanager
    def window(init="", **options):
        if spare and not init and not options:
            watched = spare.pop()
            watched.asked.clear()
            watched.troubles.clear()
            watched.page.mouse.up()
            resize(watched.page, DESKTOP)
            emulate(watched.page)
        else:
            context = new_context(browser, **options)
            watched = Watched(context.new_page(), "")
            watched.page.add_init_script(init)
        yield watched
        if init or options:
            watched.page.context.close()
        else:
            spare.append(watched)

    @contextlib.contextmanager
    def widget_page(*explorers, **options):
        body = "<p>Between.</p>".join(map(page_html, explorers))
        path = folder / f"{len(list(folder.iterdir()))}.html"
        path.write_text(PAGE.format(body), "utf-8")
        with window(**options) as watched:
            watched.page.goto(path.as_uri())
            if options.get("java_script_enabled", True):
                for root, explorer in zip(watched.root.all(), explorers, strict=True):
                    wait_until_ready(root, entry(explorer).ready)
                rest(watched.page)
            yield watched

    return widget_page


@pytest.fixture
def show(widget_page):
    """Return a function that opens widgets as `widget_page` does, for a test."""
    with contextlib.ExitStack() as pages:
        yield lambda *explorers, **options: pages.enter_context(
            widget_page(*explorers, **options)
        )


@pytest.fixture
def empty_page(browser):
    """Return an empty page with a <main>, for a live view."""
    with new_context(browser) as context:
        watched = Watched(context.new_page(), "")
        watched.page.set_content(PAGE.format("<main></main>"))
        yield watched


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory):
    """Return a function of cells: the address of a notebook of them in a JupyterLab."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed.")
    folder = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "--allow-root",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=None",
    ]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    own = {f"JUPYTER_{k}_DIR": str(folder / k) for k in ("CONFIG", "RUNTIME")}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env=os.environ | own | {"PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def notebook(cells):
        written = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(written, folder / "live.ipynb")
        return f"http://127.0.0.1:{port}/lab/tree/live.ipynb?reset"

    try:
        until = time.monotonic() + PATIENCE / 1000
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, "JupyterLab ended at once."
            assert time.monotonic() < until, "JupyterLab does not answer."
            time.sleep(0.1)
        yield notebook
    finally:
        server.terminate()
        server.wait(PATIENCE / 1000)
