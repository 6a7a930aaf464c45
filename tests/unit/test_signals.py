"""A stop interrupts, or waits until it is saved, and never gets lost."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from vaetut import signals
from vaetut.__main__ import STOPPED, main
from vaetut.atomic import DataError, appears_whole

NUMBERS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def handlers():
    """Whatever a test does, the handlers are back and the flag is down after it."""
    before = [signal.getsignal(number) for number in NUMBERS]
    yield
    assert [signal.getsignal(number) for number in NUMBERS] == before
    assert not signals.received() and not signals.handling()


def interrupted(act):
    """Do something that a stop is to end."""
    with pytest.raises(KeyboardInterrupt), signals.handled():
        act()


def swallowing():
    """Do what a library does that takes an interrupt for its own affair."""
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_interrupts_at_once(number):
    done = []
    interrupted(lambda: [signal.raise_signal(number), done.append("on")])
    assert not done


@pytest.mark.parametrize("number", NUMBERS)
def test_where_it_is_deferred_it_waits_for_the_end(number):
    done = []

    def train():
        with signals.deferred(lambda: done.append("told")):
            signal.raise_signal(number)
            assert signals.received() and signals.handling()
            done.append("saved")
        done.append("on")

    interrupted(train)
    assert done == ["told", "saved"]


def test_one_that_is_swallowed_comes_again_before_the_next_thing_is_done():
    done = []

    def measure_and_train():
        swallowing()
        with signals.deferred():
            done.append("on")

    interrupted(measure_and_train)
    assert not done


def test_one_that_is_swallowed_comes_again_at_the_end():
    interrupted(swallowing)


def test_the_inner_of_two_blocks_leaves_the_handlers_and_the_flag():
    def twice():
        outer = signal.getsignal(signal.SIGTERM)
        with signals.handled():
            assert signal.getsignal(signal.SIGTERM) is outer
            swallowing()
        assert signals.received()
        assert signal.getsignal(signal.SIGTERM) is outer

    interrupted(twice)


def test_two_within_a_second_are_one_and_a_later_one_interrupts(monkeypatch):
    clock, done = [100.0], []
    monkeypatch.setattr(signals.time, "monotonic", lambda: clock[0])

    def train():
        with signals.deferred():
            signal.raise_signal(signal.SIGTERM)
            clock[0] += 0.5 * signals.TOGETHER
            signal.raise_signal(signal.SIGINT)  # a terminal's, and whoever started us
            done.append("saved")
            clock[0] += signals.TOGETHER
            signal.raise_signal(signal.SIGINT)
            done.append("on")

    interrupted(train)
    assert done == ["saved"]


def test_an_error_is_not_hidden_by_a_stop():
    def full():
        with signals.handled(), signals.deferred():
            signal.raise_signal(signal.SIGTERM)
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        full()


def test_only_the_named_signals_are_handled():
    before = signal.getsignal(signal.SIGINT)
    with signals.handled(signal.SIGTERM):
        assert signal.getsignal(signal.SIGINT) is before
        assert signal.getsignal(signal.SIGTERM) is not before


def test_another_thread_can_stop_what_waits():
    start = time.monotonic()

    def wait():
        with signals.watched(lambda: True):
            time.sleep(30)

    interrupted(wait)
    assert time.monotonic() - start < 10


def test_a_thread_keeps_the_flag_alone():
    found = []

    def work():
        try:
            with signals.handled():
                signals.stop()
                found.append(signals.received())
                with signals.deferred():
                    found.append("on")
        except KeyboardInterrupt:
            found.append("stopped")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True, "stopped"]


def test_a_watch_ends_with_its_block():
    looks = []
    with signals.watched(lambda: looks.append(1)):
        while not looks:
            time.sleep(0.01)
    seen = len(looks)
    time.sleep(3 * signals.LOOK)
    assert len(looks) == seen


@pytest.mark.attack("signals")
def test_a_stop_in_the_middle_of_the_imports_is_one_of_the_command(tmp_path):
    """An import that is interrupted would pass for a missing package."""
    code = (
        "import sys, threading, time; from vaetut import __main__, signals\n"
        "threading.Thread(target=lambda: time.sleep(0.3) or signals.stop()).start()\n"
        "status = __main__.main(['train', 'fashion-ae', '--scale', 'smoke'])\n"
        "assert 'tensorflow' in sys.modules\n"  # the imports were under way
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"VAETUT_RUNS": str(tmp_path)},
    )
    last = done.stderr.splitlines()[-1]
    assert (done.returncode, last) == (130, f"vaetut: {STOPPED}")
    assert not list(tmp_path.iterdir())


@pytest.mark.attack("signals")
@pytest.mark.parametrize("number", NUMBERS)
def test_a_stop_while_a_data_set_is_written_leaves_nothing(
    number, monkeypatch, tmp_path, capsys
):
    def make(folder, form):
        with appears_whole(folder, DataError, "") as temporary:
            temporary.mkdir()
            (temporary / "half").write_text("half")
            signal.raise_signal(number)

    source = SimpleNamespace(make=make, verify=list, about="")
    monkeypatch.setattr("vaetut.datasets.SOURCES", {"curves": source})
    target = tmp_path / "curves"
    assert main(["data", "make", "curves", "--folder", str(target)]) == 130
    assert capsys.readouterr().err == f"\nvaetut: {STOPPED}\n"
    assert not list(tmp_path.iterdir())


def test_a_handler_that_python_did_not_set_becomes_the_systems():
    """`signal.signal` gives None for it, which it does not take."""
    code = (
        "import ctypes, signal; from vaetut import signals; c = ctypes.CDLL(None);"
        "c.signal(signal.SIGTERM, ctypes.cast(c.abort, ctypes.c_void_p))\n"
        "with signals.handled(): pass\n"
        "print(signal.getsignal(signal.SIGTERM))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stderr
