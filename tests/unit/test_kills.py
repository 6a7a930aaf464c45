"""Commands that are killed or stopped at any moment lose nothing, and say so.

The moments are drawn; `--kills 50` draws as many. What is killed is started again, and
must end with the bits of a command that nobody disturbed.
"""

import json
import random
import re
import signal
import time

import psutil
import pytest
from killing import BEGUN, MEASURING, Commands

NAME = "fashion-ae+batch_size=10+epochs=2+filters=4+images=40+test_images=100"
TWO = [NAME, "--scale", "smoke", "--seeds", "2"]
ONE = TWO[:-2]
STOPPED = 130  # the exit status
COST = {"seconds", "images_per_second", "peak_memory_mb", "sha256"}
JOB = "popen_loky"  # in the command line of a job of a sweep
GONE = 60  # seconds after which the jobs of a sweep have not ended with it


@pytest.fixture(scope="module")
def commands():
    with Commands() as ready:
        yield ready


def outcome(runs):
    """Return what all runs came to: weights, and records but for what they cost."""
    found = {}
    for path in sorted(runs.glob("*/smoke/seed-*.json")):
        record = json.loads(path.read_text())
        kept = {name: value for name, value in record.items() if name not in COST}
        found[path.stem] = kept, path.with_suffix(".safetensors").read_bytes()
    return found


def litter(runs):
    """Return what is in a folder of runs beside whole runs and locks."""
    kept = re.compile(r"seed-\d\.(json|safetensors)|\.seed-\d\.lock")
    names = {path.name for path in runs.glob("*/smoke/*")}
    return {name for name in names if not kept.fullmatch(name)}


class Trial:
    """A command that is killed or stopped again and again, and started anew."""

    def __init__(self, commands, folder, expected, seconds, record):
        self.commands, self.folder, self.expected = commands, folder, expected
        self.seconds = seconds  # that the command takes
        self.record = record  # what the report of the test is to say
        self.survived = self.pending = self.rounds = 0

    def run(self, arguments, kills, disturb, last=None):
        """Let `disturb(command, k)` kill or stop the command, `kills` times.

        It returns whether it did. A command that was over before is looked at, and a
        new one started. The command at the end, which nobody disturbs, is the same, or
        the `last`.
        """
        while self.survived + self.pending < kills:
            command = self.start(arguments)
            if disturb(command, self.survived + self.pending):
                self.pending += 1
            else:
                self.look(command)
        self.look(self.start(last or arguments))

    def start(self, arguments):
        return self.commands.start(arguments, self.folder / f"runs-{self.rounds}")

    def look(self, command):
        """Wait for the end, and count what was survived if all is as it should be."""
        assert command.wait() == 0, command.said
        found = outcome(command.runs)
        assert found == {name: self.expected[name] for name in found}
        assert not litter(command.runs)
        if not self.pending:
            self.seconds = time.monotonic() - command.began
        self.survived, self.pending = self.survived + self.pending, 0
        self.record("survived", self.survived)
        self.rounds += 1


@pytest.fixture(scope="module")
def whole(commands, tmp_path_factory):
    """The outcome of two trainings in one command, and the seconds it took."""
    command = commands.start(["train", *TWO], tmp_path_factory.mktemp("whole"))
    assert command.wait() == 0, command.said
    assert len(outcome(command.runs)) == 2 and not litter(command.runs)
    return outcome(command.runs), time.monotonic() - command.began


@pytest.fixture
def trial(commands, whole, tmp_path, record_property):
    return Trial(commands, tmp_path, *whole, record_property)


@pytest.mark.attack("training")
def test_a_training_that_is_killed_at_any_moment_ends_the_same(trial, kills):
    moment = random.Random(0)

    def kill(command, k):
        if command.wait(moment.uniform(0, trial.seconds)) is not None:
            return False
        command.send(signal.SIGKILL)
        assert command.wait() == -signal.SIGKILL
        return True

    trial.run(["train", *ONE], kills, kill)


@pytest.mark.attack("signals")
def test_a_command_that_is_stopped_at_any_moment_goes_on_from_there(trial, kills):
    moment = random.Random(1)

    def stop(command, k):
        assert command.reach(BEGUN)
        if command.wait(moment.uniform(0, trial.seconds)) is not None:
            return False
        command.send((signal.SIGINT, signal.SIGTERM)[k % 2])
        status = command.wait()
        assert status in (0, STOPPED), command.said  # 0: it was about to end
        return status == STOPPED

    trial.run(["train", *ONE], kills, stop)


@pytest.mark.attack("measuring")
def test_whatever_comes_while_measuring_ends_the_command_and_loses_nothing(
    trial, kills
):
    """No other seed is begun, and no epoch run again."""
    moment, trained = random.Random(2), []

    def disturb(command, k):
        if not command.reach(MEASURING):
            return False
        if trained == [command.runs]:
            assert " epoch 1/2" not in command.said.split(MEASURING)[0]
        if command.wait(moment.uniform(0, trial.seconds / 8)) is not None:
            return False
        command.send(signal.SIGSTOP)
        before = command.said
        number = (signal.SIGTERM, signal.SIGKILL, signal.SIGINT)[k % 3]
        command.send(number)
        command.send(signal.SIGCONT)
        killed = number == signal.SIGKILL
        assert command.wait() == (-number if killed else STOPPED), command.said
        trained[:] = [command.runs] * before.endswith(f"{MEASURING}\n")
        assert not (trained and " epoch " in command.said.removeprefix(before))
        return True

    trial.run(["train", *TWO], kills, disturb)


@pytest.mark.attack("sweep")
def test_a_sweep_that_is_killed_leaves_no_process_and_ends_the_same(trial, kills):
    """The process that was started, or one of its jobs, or told to stop."""
    moment = random.Random(3)
    trial.seconds *= 2  # every job imports TensorFlow

    def disturb(command, k):
        assert command.reach(BEGUN)
        if command.wait(moment.uniform(0, trial.seconds)) is not None:
            return False
        others = psutil.Process(command.pid).children(recursive=True)
        jobs = [process for process in others if JOB in " ".join(process.cmdline())]
        if k % 3 == 0:
            command.send(signal.SIGKILL)
            expected = -signal.SIGKILL
        elif k % 3 == 1 and jobs:
            jobs[k % len(jobs)].kill()
            expected = 1
        else:
            command.send(signal.SIGTERM)
            expected = STOPPED
        status = command.wait()
        assert not psutil.wait_procs(others, timeout=GONE)[1]
        assert status in (0, expected), command.said  # 0: it was about to end
        return status == expected

    # One training after the other ends with the same bits, and imports nothing.
    trial.run(["sweep", *TWO, "--jobs", "2"], kills, disturb, ["train", *TWO])
