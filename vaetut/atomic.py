"""Files that appear whole or not at all, their hashes, and errors that name them."""

import contextlib
import errno
import glob
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

LARGEST = 2**31  # bytes of a file that is read as a whole
LOCK = "lock"  # held by who writes; the system frees it when he ends in any way


class DataError(Exception):
    """A data file is missing, damaged or not what it claims to be."""


class RunError(Exception):
    """A run is missing, damaged, stale, or could not be written."""


@contextlib.contextmanager
def appears_whole(
    target: Path, error: type[Exception], remedy: str, keep: bool = False
) -> Iterator[Path]:
    """Give a temporary path, whose content takes the place of `target` at the end.

    A file or a folder may be made there. It reaches the disk before it is renamed, and
    is removed if anything fails; what was there before stays. With `keep` a folder
    that another process has put there meanwhile stays as well. What killed processes
    left of the same target goes first. An OSError becomes `error`, which names the
    target and the `remedy`.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target)
        with _room_beside(target) as room:
            temporary = room / target.name
            yield temporary
            _sync(temporary)
            try:
                os.replace(temporary, target)
            except OSError:
                if not (keep and target.is_dir()):
                    raise
    except OSError as failure:
        raise error(
            f"{target} could not be written ({failure.strerror or failure}). "
            f"{_remedy(failure, remedy)}"
        ) from failure


def write_atomically(
    path: Path, content: bytes, error: type[Exception], remedy: str
) -> None:
    """Write a file so that a reader sees it whole or not at all.

    Raises `error`, naming the file and the `remedy`, if that fails.
    """
    with appears_whole(path, error, remedy) as temporary:
        temporary.write_bytes(content)


def sha256(content: bytes) -> str:
    """Return the SHA-256 of bytes, as 64 hexadecimal digits.

    It is what `sha256sum` says of a file of them.
    """
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, which is read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def shown(text: object) -> str:
    """Return a text, such as the name of a file, in characters that can be printed.

    Line ends, escapes and bytes that are no text stand in it as Python writes them: a
    name must not move the cursor, nor pass for a line of ours.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text)
    )


def check_file(
    path: Path, error: type[Exception], remedy: str, most: int = LARGEST
) -> int:
    """Return the size in bytes of an ordinary file, of which nothing is read.

    Raises `error`, naming the file and the `remedy`, for one that is missing, a folder,
    a pipe or a device, which may never end, or has more than `most` bytes.
    """
    try:
        state = os.stat(path)
        if not stat.S_ISREG(state.st_mode):
            folder = stat.S_ISDIR(state.st_mode)
            raise OSError(0, "it is a folder" if folder else "it is no ordinary file")
    except (OSError, ValueError) as failure:  # ValueError: a zero byte in the name
        raise error(
            f"{shown(path)} cannot be read ({_reason(failure)}). {remedy}"
        ) from failure
    if state.st_size > most:
        raise error(
            f"{shown(path)} cannot be read (it has {state.st_size:,} bytes, more than "
            f"{most:,}). {remedy}"
        )
    return state.st_size


def read_bytes(
    path: Path,
    error: type[Exception],
    remedy: str,
    stated: str | None = None,
    most: int = LARGEST,
) -> bytes:
    """Return what is in a file, whose SHA-256 must be the one stated, if any is.

    Raises `error`, naming the file and the `remedy`, if it cannot be read, differs, or
    is one that `check_file` refuses.
    """
    check_file(path, error, remedy, most)
    try:
        raw = Path(path).read_bytes()
    except OSError as failure:
        raise error(
            f"{shown(path)} cannot be read ({_reason(failure)}). {remedy}"
        ) from failure
    if stated is not None:
        check_sha256(path, sha256(raw), stated, error, remedy)
    return raw


def check_sha256(
    path: Path, found: str, stated: str, error: type[Exception], remedy: str
) -> None:
    """Raise `error`, naming the file and the remedy, unless two hashes are one."""
    if found != stated:
        raise error(
            f"{shown(path)} is damaged: its SHA-256 is {found[:12]}…, expected "
            f"{shown(stated)[:12]}…. {remedy}"
        )


def _reason(failure: Exception) -> str:
    return getattr(failure, "strerror", None) or str(failure)


def _sync(path: Path) -> None:
    """Make sure that a file, or each file of a folder, is on the disk."""
    for file in path.iterdir() if path.is_dir() else (path,):
        with open(file, "r+b") as opened:
            os.fsync(opened.fileno())


def _remedy(failure: OSError, usual: str) -> str:
    remedies = {
        errno.ENOSPC: "The disk is full: free some space and run the same command.",
        errno.EDQUOT: "The quota is used up: free some space.",
    }
    return remedies.get(failure.errno or 0, usual)


@contextlib.contextmanager
def _room_beside(target: Path) -> Iterator[Path]:
    """Give an empty folder beside a target that nobody takes for abandoned."""
    lock = None
    while lock is None:
        room = Path(tempfile.mkdtemp(".part", f".{target.name}.", target.parent))
        lock = _owned(room)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)
        lock.release()


def _owned(room: Path) -> FileLock | None:
    """Return the lock of a folder; None if another process was faster to take it."""
    lock = FileLock(room / LOCK, timeout=0)
    with contextlib.suppress(TimeoutError, FileNotFoundError):
        lock.acquire()
        if (room / LOCK).exists():
            return lock
        lock.release()
    return None


def _remove_abandoned(target: Path) -> None:
    """Remove what processes that are no more have left of a target."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        with contextlib.suppress(OSError):
            if left.is_dir():
                with FileLock(left / LOCK, timeout=0):
                    shutil.rmtree(left)
            else:  # an older version's
                left.unlink()
