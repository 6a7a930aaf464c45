"""What took long to make is found again whole, or refused by name."""

import json
import multiprocessing
import threading
import time

import numpy as np
import pytest

from vaetut.datasets import DataError, cache

KEY = {"version": 1, "shape": (6, 2), "seed": 0}


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("VAETUT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write(folder, value=0.0):
    np.save(folder / "images.npy", np.arange(12, dtype=np.uint8).reshape(6, 2))
    np.save(folder / "factors.npy", np.full((6, 3), value, np.float32))


def refuse(folder):
    raise AssertionError("it was there already")


def test_what_was_written_is_mapped_and_not_made_again(root):
    first = cache.cached("some", KEY, write)
    again = cache.cached("some", KEY, refuse)
    for arrays in (first, again):
        assert set(arrays) == {"images", "factors"}
        assert isinstance(arrays["images"], np.memmap)
        np.testing.assert_array_equal(arrays["images"].ravel(), np.arange(12))
        with pytest.raises(ValueError, match="read-only"):
            arrays["images"][0] = 1
    folder = cache.folder_of("some", KEY)
    assert [*root.iterdir()] == [folder] and folder.name.startswith("some-")
    about = json.loads((folder / "about.json").read_text())
    assert about["key"] == KEY | {"shape": [6, 2]}
    assert about["files"]["images.npy"]["shape"] == [6, 2]
    assert cache.verify("some") == []


def test_another_key_is_another_folder_and_the_order_of_a_key_is_nothing():
    assert cache.folder_of("some", KEY) == cache.folder_of(
        "some", dict(reversed(KEY.items()))
    )
    cache.cached("some", KEY, write)
    other = cache.cached("some", KEY | {"seed": 1}, lambda f: write(f, 1.0))
    assert (other["factors"] == 1).all()
    assert (cache.cached("some", KEY, refuse)["factors"] == 0).all()


def test_without_the_variable_it_is_the_users_cache(monkeypatch):
    monkeypatch.delenv("VAETUT_CACHE")
    assert cache.root().name == "datasets" and "vaetut" in cache.root().parts


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)


def reshape(path):
    about = json.loads(path.with_name("about.json").read_text())
    about["files"][path.name]["shape"] = [3, 4]
    path.with_name("about.json").write_text(json.dumps(about))


def rekey(path):
    about = json.loads(path.with_name("about.json").read_text())
    about["key"] = {}
    path.with_name("about.json").write_text(json.dumps(about))


DAMAGES = {
    "short": (lambda p: p.write_bytes(p.read_bytes()[:-1]), "bytes", "images.npy"),
    "altered": (flip, "SHA-256", "images.npy"),
    "missing": (lambda p: p.unlink(), "cannot be read", "images.npy"),
    "shape": (reshape, "expected uint8", "images.npy"),
    "key": (rekey, "another key", "about.json"),
    "no about": (
        lambda p: p.with_name("about.json").unlink(),
        "cannot be read",
        "about.json",
    ),
    "no JSON": (
        lambda p: p.with_name("about.json").write_text("{"),
        "is not a description",
        "about.json",
    ),
    "other JSON": (
        lambda p: p.with_name("about.json").write_text('{"files": {"images.npy": 1}}'),
        "is not a description",
        "about.json",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_with_the_mend_and_stays(damage):
    spoil, word, file = DAMAGES[damage]
    cache.cached("some", KEY, write)
    folder = cache.folder_of("some", KEY)
    spoil(folder / "images.npy")
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(DataError, match=word) as error:
        cache.cached("some", KEY, refuse)
    assert str(folder / file) in str(error.value)
    assert f"Remove {folder}" in str(error.value)
    assert sorted(path.name for path in folder.iterdir()) == before
    assert any(word in problem for problem in cache.verify("some"))


def test_a_large_file_is_hashed_by_verify_alone(monkeypatch):
    monkeypatch.setattr(cache, "HASHED_BELOW", 0)
    cache.cached("some", KEY, write)
    flip(cache.folder_of("some", KEY) / "images.npy")
    cache.cached("some", KEY, refuse)
    assert "SHA-256" in cache.verify("some")[0]


def test_a_name_that_begins_alike_is_not_verified_with_it():
    cache.cached("some-few", KEY, write)
    flip(cache.folder_of("some-few", KEY) / "images.npy")
    assert cache.verify("some") == [] and len(cache.verify("some-few")) == 1


def test_a_file_in_the_place_of_the_folder_is_named():
    folder = cache.folder_of("some", KEY)
    folder.parent.mkdir()
    folder.write_text("")
    with pytest.raises(DataError, match=folder.name):
        cache.cached("some", KEY, write)


def test_where_nothing_can_be_written_the_variable_is_named(root, monkeypatch):
    root.write_text("a file, no folder")
    with pytest.raises(DataError, match="VAETUT_CACHE"):
        cache.cached("some", KEY, write)
    assert cache.verify("some") == []


def fail(folder):
    write(folder)
    raise DataError("the third image cannot be drawn")


def fill_the_disk(folder):
    write(folder)
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("writer", "error", "word"),
    [
        (fail, DataError, "third image"),
        (fill_the_disk, DataError, "No space left.*disk is full"),
        (lambda folder: None, ValueError, "nothing"),
        (lambda folder: (folder / "a.txt").write_text(""), ValueError, r"a\.txt"),
    ],
)
def test_a_write_that_fails_leaves_nothing(root, writer, error, word):
    with pytest.raises(error, match=word):
        cache.cached("some", KEY, writer)
    assert [*root.iterdir()] == []
    assert len(cache.cached("some", KEY, write)["images"]) == 6


def test_of_two_threads_the_slower_takes_what_the_faster_wrote(root):
    both, results = threading.Barrier(2), {}

    def run(value):
        def slow(folder):
            both.wait(timeout=20)
            time.sleep(0.2 * value)
            write(folder, value)

        results[value] = cache.cached("some", KEY, slow)["factors"][0, 0]

    threads = [threading.Thread(target=run, args=(value,)) for value in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {0: 0.0, 1: 0.0}
    assert [*root.iterdir()] == [cache.folder_of("some", KEY)]


def _in_a_process(value, both, results):
    def slow(folder):
        both.wait(timeout=60)
        write(folder, value)

    results.put(float(cache.cached("some", KEY, slow)["factors"][0, 0]))


def test_two_processes_end_with_the_same_arrays(root):
    context = multiprocessing.get_context("spawn")
    both, results = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=_in_a_process, args=(value, both, results))
        for value in (1, 2)
    ]
    for process in processes:
        process.start()
    values = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert values[0] == values[1]
    assert [*root.iterdir()] == [cache.folder_of("some", KEY)]


def test_rows_are_written_chunk_by_chunk_as_numpy_would(tmp_path):
    rows = np.random.default_rng(0).integers(0, 256, (7, 4, 4, 3)).astype(np.uint8)
    cache.write_rows(tmp_path / "a.npy", rows.shape, "uint8", (rows[:5], rows[5:]))
    np.save(tmp_path / "b.npy", rows)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


@pytest.mark.parametrize(
    ("chunks", "word"),
    [
        ([np.zeros((2, 3), np.uint8)], "2 rows, not 4"),
        ([np.zeros((4, 3))], "float64"),
        ([np.zeros((4, 2), np.uint8)], "no part"),
    ],
)
def test_rows_that_do_not_make_up_the_shape_are_refused(tmp_path, chunks, word):
    with pytest.raises(ValueError, match=word):
        cache.write_rows(tmp_path / "a.npy", (4, 3), np.uint8, chunks)
