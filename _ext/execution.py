"""Notebooks are executed side by side, before the build reads them.

The build takes a notebook's outputs out of a cache where they are there, and else
executes it: one after the other. `fill` puts what is missing there, as many at once as
there are cores. The cache is keyed by everything the notebooks run on; Jupyter Book
keys it by a notebook's text alone and would show the outputs of an older library.
"""

import hashlib
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
CACHES = ROOT / "_build" / ".jupyter_cache"
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
MOST = 4  # notebooks at once: each may take two gigabytes
CODE = '"cell_type": "code"'


def execution_digest() -> str:
    """Return the digest of all that an output depends on, besides its notebook."""
    library = ROOT / "vaetut"
    files = [
        *library.rglob("*.py"),
        *library.rglob("*.js"),
        *library.rglob("*.css"),
        *library.rglob("SHA256SUMS"),
        *(path for path in (library / "pretrained").rglob("*") if path.is_file()),
        ROOT / "requirements.txt",
        ROOT / "constraints.txt",
    ]
    digest = hashlib.sha256(platform.python_version().encode())
    settings = {"KERAS_BACKEND": "tensorflow"} | os.environ  # as the library has it
    for name in sorted(settings):
        if name.startswith(("VAETUT_", "KERAS_BACKEND")):
            digest.update(f"{name}={settings[name]}\0".encode())
    for path in sorted(files):
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def run(
    notebook: NotebookNode,
    folder: Path,
    share: dict[str, str],
    timeout: int,
    **options: Any,
) -> None:
    """Execute a notebook in place, from top to bottom, in a kernel of its own.

    `share` are variables that only the kernel sees, `options` nbclient's. Raises its
    errors.
    """
    from nbclient import NotebookClient

    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        **options,
    )
    # What backends log as they start is nobody's output.
    client.execute(env=share | os.environ, stderr=subprocess.DEVNULL)


def side_by_side(
    execute: Callable[[Path, dict[str, str]], object], paths: Iterable[Path]
) -> None:
    """Call `execute(path, share)` with each path, as many at once as there are cores.

    `share` is the environment in which a kernel takes no more than its share of the
    cores. Raises what a call raised, when all have ended.
    """
    from joblib import cpu_count

    cores = cpu_count()
    at_once = min(MOST, cores)
    share = dict.fromkeys(THREADS, str(max(1, cores // at_once)))
    # Many cells take long: they go first, so that all end together.
    paths = sorted(paths, key=lambda path: path.read_text("utf8").count(CODE))[::-1]
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda path: execute(path, share), paths))


def fill(
    folder: Path,
    notebooks: dict[Path, NotebookNode],
    timeout: int,
    say: Callable[[str], object] = print,
) -> None:
    """Execute the notebooks that the cache in `folder` lacks, and put them there.

    One that fails is left to the build, which says what was wrong.
    """
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    cache = get_cache(str(folder))
    one_writes = Lock()

    def is_missing(notebook: NotebookNode) -> bool:
        try:
            cache.match_cache_notebook(notebook)
        except KeyError:
            return True
        return False

    def execute(path: Path, share: dict[str, str]) -> None:
        notebook, began = notebooks[path], time.perf_counter()
        try:
            run(notebook, path.parent, share, timeout)
        except (CellExecutionError, CellTimeoutError):
            say(f"{path.name} failed")
            return
        seconds = time.perf_counter() - began
        data = {"execution_seconds": seconds}
        bundle = CacheBundleIn(notebook, str(path), data=data)
        with one_writes:
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
        say(f"{path.name} executed in {seconds:.0f} s")

    side_by_side(execute, [path for path in notebooks if is_missing(notebooks[path])])
