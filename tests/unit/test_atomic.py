"""A reader sees a file whole or not at all, and errors name it with the mend."""

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import threading

import pytest

from vaetut import atomic
from vaetut.atomic import DataError, RunError, appears_whole, write_atomically

MEND = "Put it elsewhere."


@pytest.fixture
def target(tmp_path):
    return tmp_path / "new" / "some.json"


def left(target):
    """Return the names of what is beside a target, itself among them."""
    return sorted(path.name for path in target.parent.iterdir())


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(target):
    write_atomically(target, b"old", RunError, MEND)
    with appears_whole(target, RunError, MEND) as temporary:
        temporary.write_bytes(b"half")
        assert target.read_bytes() == b"old"
        temporary.write_bytes(b"half and half")
    assert target.read_bytes() == b"half and half" and left(target) == ["some.json"]


def test_a_folder_appears_with_all_that_is_in_it(target):
    with appears_whole(target, DataError, MEND) as temporary:
        temporary.mkdir()
        (temporary / "a").write_bytes(b"1")
        assert not target.exists()
        (temporary / "b").write_bytes(b"2")
    assert sorted(path.name for path in target.iterdir()) == ["a", "b"]


def test_what_is_written_reaches_the_disk_before_it_is_renamed(target, monkeypatch):
    done = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: done.append("fsync") or sync(fd))
    monkeypatch.setattr(os, "replace", lambda *to: done.append("name") or replace(*to))
    write_atomically(target, b"new", RunError, MEND)
    assert done == ["fsync", "name"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk is full: free some space"),
        (errno.EDQUOT, "quota is used up"),
        (errno.EACCES, MEND),
    ],
)
def test_a_write_that_fails_leaves_what_was_there(
    target, monkeypatch, step, number, words
):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    write_atomically(target, b"old", RunError, MEND)
    monkeypatch.setattr(os, step, refuse)
    with pytest.raises(RunError, match=words) as error:
        write_atomically(target, b"new", RunError, MEND)
    assert f"{target} could not be written ({os.strerror(number)})" in str(error.value)
    assert target.read_bytes() == b"old" and left(target) == ["some.json"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_an_error_of_the_writer_passes_and_leaves_nothing(target, kind):
    def broken():
        with appears_whole(target, RunError, MEND) as temporary:
            if kind == "folder":
                temporary.mkdir()
            else:
                temporary.write_bytes(b"half")
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        broken()
    assert left(target) == []


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"seed-0\.json could not be written.*elsewhere"):
        write_atomically(tmp_path / "file" / "seed-0.json", b"", RunError, MEND)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_a_folder_that_is_locked_is_named(tmp_path):
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(RunError, match=MEND):
            write_atomically(tmp_path / "some.json", b"", RunError, MEND)
    finally:
        tmp_path.chmod(0o700)


# ---- Two writers


def fill(target, name, keep):
    with appears_whole(target, DataError, MEND, keep) as temporary:
        temporary.mkdir()
        (temporary / name).write_bytes(b"")
        fill_in_between(target)


def fill_in_between(target):
    if not target.exists():
        target.mkdir()
        (target / "faster").write_bytes(b"")


def test_a_folder_that_another_was_faster_to_write_is_kept(target):
    fill(target, "slower", keep=True)
    assert [path.name for path in target.iterdir()] == ["faster"]
    assert left(target) == ["some.json"]


def test_unless_it_is_to_be_kept_that_is_an_error(target):
    with pytest.raises(DataError, match="could not be written"):
        fill(target, "slower", keep=False)
    assert [path.name for path in target.iterdir()] == ["faster"]


def test_threads_that_write_one_file_end_with_one_of_theirs(target):
    contents = [bytes([65 + k]) * 100_000 for k in range(8)]
    threads = [
        threading.Thread(target=write_atomically, args=(target, c, RunError, MEND))
        for c in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() in contents and left(target) == ["some.json"]


WRITER = """
import pathlib, sys
from vaetut.atomic import RunError, appears_whole
with appears_whole(pathlib.Path(sys.argv[1]), RunError, "") as temporary:
    if sys.argv[2] == "folder":
        temporary.mkdir()
        temporary /= "half"
    temporary.write_text("half")
    print(flush=True)
    sys.stdin.read()
"""


@pytest.mark.attack("writing")
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_process_left_goes_at_the_next_write_and_no_earlier(target, kind):
    command = [sys.executable, "-c", WRITER, str(target), kind]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as writer:
        writer.stdout.readline()
        write_atomically(target, b"", RunError, MEND)
        (part,) = target.parent.glob(".*")
        assert (part / target.name).exists()
        writer.kill()
    assert part.exists()
    write_atomically(target, b"new", RunError, MEND)
    assert left(target) == ["some.json"] and target.read_bytes() == b"new"


KILLED = """
import json, os, pathlib, random, shutil, signal, sys, time
import numpy as np
from vaetut.datasets import Dataset, cache
from vaetut.datasets.files import load_folder, load_npz, save_folder, save_npz

what, kills, root = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
os.environ["VAETUT_CACHE"] = str(root)
images = np.arange(40 * 64, dtype=np.uint8).reshape(40, 8, 8, 1)
data = Dataset("some", "train", images, source="drawn")

def fill(folder):
    np.save(folder / "images.npy", images)

def write():
    if what == "npz":
        save_npz(data, root / "some")
        return load_npz(root / "some").images
    if what == "folder":
        shutil.rmtree(root / "some", ignore_errors=True)
        save_folder(data, root / "some")
        return load_folder(root / "some").images
    shutil.rmtree(cache.folder_of("some", {}), ignore_errors=True)
    return cache.cached("some", {}, fill)["images"]

start = time.monotonic()
write()
took, moment, survived = time.monotonic() - start, random.Random(0), 0
for _ in range(kills):
    child = os.fork()
    if child == 0:
        while True:
            write()
    time.sleep(moment.uniform(0, 2 * took))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    whole = (write() == images).all()
    survived += int(whole and len(os.listdir(root)) == 1)
print(survived)
"""


@pytest.mark.attack("writing")
@pytest.mark.parametrize("what", ["npz", "folder", "cache"])
def test_a_kill_while_data_are_written_leaves_nothing_half(
    what, kills, tmp_path, record_property
):
    command = [sys.executable, "-c", KILLED, what, str(kills), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record_property("survived", int(done.stdout))
    assert int(done.stdout) == kills


def test_what_was_left_of_another_target_or_by_an_older_version(target):
    """Another's stays, and an older version's goes, a name that is a pattern or not."""
    target = target.with_name("so[m]e*.json")
    target.parent.mkdir()
    for name in (f".{target.name}.1-1.part", ".some.json.1-1.part"):
        (target.parent / name).write_text("half")
    (target.parent / f".{target.name}.2-1.part").mkdir()
    write_atomically(target, b"", RunError, MEND)
    assert left(target) == [".some.json.1-1.part", target.name]


@pytest.mark.parametrize("when", ["before", "after"])
def test_who_finds_his_room_taken_for_abandoned_takes_another(
    target, monkeypatch, when
):
    """Between its making and its locking a room looks like one of the dead."""
    rooms, acquire = [], atomic.FileLock.acquire

    def removed(self, **options):
        rooms.append(os.path.dirname(self.lock_file))
        if len(rooms) > 1:
            return acquire(self, **options)
        if when == "before":
            shutil.rmtree(rooms[0])
        held = acquire(self, **options)
        if when == "after":
            shutil.rmtree(rooms[0])
        return held

    monkeypatch.setattr(atomic.FileLock, "acquire", removed)
    write_atomically(target, b"new", RunError, MEND)
    assert len(set(rooms)) == 2 if when == "after" else rooms
    assert target.read_bytes() == b"new" and left(target) == ["some.json"]


# ---- Reading back


def test_a_hash_is_that_of_hashlib(tmp_path):
    content = os.urandom(1_000_000)
    (tmp_path / "file").write_bytes(content)
    expected = hashlib.sha256(content).hexdigest()
    assert atomic.sha256(content) == atomic.file_sha256(tmp_path / "file") == expected


def test_what_is_read_is_what_is_stated_or_the_file_is_named(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"some")
    stated = atomic.sha256(b"some")
    assert atomic.read_bytes(path, DataError, MEND) == b"some"
    assert atomic.read_bytes(path, DataError, MEND, stated) == b"some"
    path.write_bytes(b"other")
    with pytest.raises(DataError, match=f"file is damaged: .*{stated[:12]}.*{MEND}"):
        atomic.read_bytes(path, DataError, MEND, stated)
    path.unlink()
    with pytest.raises(DataError, match=f"file cannot be read .*{MEND}"):
        atomic.read_bytes(path, DataError, MEND)
