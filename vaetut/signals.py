"""Ctrl-C and SIGTERM stop what runs, or wait until it is saved; none gets lost.

Signals belong to a process, and so does the one flag they set: whoever can stop reads
`received`. A stop raises KeyboardInterrupt at once, or, in a block that is `deferred`,
at its end. Should a library swallow that, the next such block and the end of `handled`
raise it again.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

TOGETHER = 1.0  # seconds within which signals are one: whoever starts us passes his on
LOOK = 0.2  # seconds between two looks at whether to stop


class _Process:
    """What has come of signals so far."""

    since: float | None = None  # when it was asked to stop
    handles = False  # whether the handlers of the main thread are ours
    blocks: list[object] = []  # noqa: RUF012 of `handled`, one in the other


class _Thread(threading.local):
    """What a thread defers; Python handles signals in the main thread."""

    def __init__(self) -> None:
        self.acts: list[Callable[[], object]] = []  # one a block that is deferred


_process, _thread = _Process(), _Thread()


def received() -> bool:
    """Return whether this process was asked to stop."""
    return _process.since is not None


def handling() -> bool:
    """Return whether something runs in this process that a stop would end."""
    return bool(_process.blocks)


def check() -> None:
    """Raise KeyboardInterrupt if this process was asked to stop."""
    if received():
        raise KeyboardInterrupt


@contextlib.contextmanager
def handled(*numbers: int) -> Iterator[None]:
    """Let signals, by default SIGINT and SIGTERM, stop what runs within.

    The outermost block decides; where it ends, the handlers before it are back and the
    flag is down. Outside the main thread, where Python lets nobody handle signals, it
    keeps the flag alone. Raises KeyboardInterrupt at the end for a stop that got lost.
    """
    before: dict[int, Any] = {}
    outermost = not _process.blocks
    _process.blocks.append(None)
    try:
        if outermost and threading.current_thread() is threading.main_thread():
            for number in numbers or (signal.SIGINT, signal.SIGTERM):
                before[number] = signal.signal(number, _handle)
            _process.handles = True
        yield
        if outermost:
            check()
    finally:
        for number, handler in before.items():
            # None: one that Python did not set, and cannot put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        _process.blocks.pop()
        if outermost:
            _process.since, _process.handles = None, False


def _handle(number: int, frame: FrameType | None) -> None:
    first, now = not received(), time.monotonic()
    if first:
        _process.since = now
    elif now - (_process.since or now) < TOGETHER:
        return
    if not (first and _thread.acts):
        raise KeyboardInterrupt
    for act in _thread.acts:
        act()


@contextlib.contextmanager
def deferred(act: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Let a stop wait for the end of the block, and raise KeyboardInterrupt there.

    `act` is called at once when it comes. Another one, a second later or more,
    interrupts at once.
    """
    check()
    _thread.acts.append(act)
    try:
        yield
    finally:
        _thread.acts.pop()
    check()


def stop() -> None:
    """Stop this process as a signal does, from any thread."""
    if received():
        return
    if _process.handles:  # and wake the main thread if it waits for something
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    else:
        _process.since = time.monotonic()


@contextlib.contextmanager
def watched(
    over: Callable[[], bool], act: Callable[[], object] = stop
) -> Iterator[None]:
    """Call `act` once `over()` is true, in a thread that looks five times a second."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK):
            if over():
                act()
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
