"""Fashion-MNIST is whole, and a damaged file of it is named."""

import gzip
import shutil

import numpy as np
import pytest

from vaetut import datasets
from vaetut.datasets import DataError, Dataset, fashion_mnist

FILES = sorted(fashion_mnist.FOLDER.glob("t10k-*.gz"))


@pytest.fixture
def folder(tmp_path):
    """A copy of the test split that a test may damage."""
    for path in [*FILES, fashion_mnist.FOLDER / "SHA256SUMS"]:
        shutil.copy(path, tmp_path)
    return tmp_path


@pytest.mark.parametrize(("split", "n"), [("train", 60_000), ("test", 10_000)])
def test_splits_are_whole_and_balanced(split, n):
    data = datasets.load("fashion-mnist", split)
    assert data.images.shape == (n, 32, 32, 1) and data.images.dtype == np.uint8
    assert np.bincount(data.labels).tolist() == [n // 10] * 10
    assert len(data.class_names) == 10
    assert data.image_shape == (32, 32, 1)


def test_padding_is_black_and_the_image_untouched():
    images = datasets.load("fashion-mnist", "test").images[..., 0]
    raw = fashion_mnist.read_idx(FILES[0])
    np.testing.assert_array_equal(images[:, 2:30, 2:30], raw)
    assert images.sum(dtype=int) == raw.sum(dtype=int)


def test_the_cached_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        datasets.load("fashion-mnist", "test").images[0] = 0


def test_the_licence_travels_with_the_data():
    assert "Zalando" in (fashion_mnist.FOLDER / "LICENSE").read_text()
    assert "MIT licence" in datasets.load("fashion-mnist", "test").source


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "SHA-256"),
        (lambda path: path.write_bytes(b"x" + path.read_bytes()[1:]), "SHA-256"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
    ids=["truncated", "altered", "missing"],
)
def test_a_damaged_file_is_named_with_the_mend(folder, damage, word):
    path = folder / FILES[0].name
    damage(path)
    with pytest.raises(DataError, match=word) as error:
        fashion_mnist.load("test", folder)
    assert path.name in str(error.value) and "git checkout" in str(error.value)
    assert any(path.name in problem for problem in fashion_mnist.verify(folder))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"not gzip", "not a gzip file"),
        (gzip.compress(b"\0\0\x0d\x01" + b"\0\0\0\x01" + b"\0" * 4), "not an IDX"),
        (gzip.compress(b"\0\0\x08\x01" + b"\0\0\0\x05" + b"\0" * 4), "announces 5"),
    ],
    ids=["not gzip", "floats", "short"],
)
def test_a_file_that_is_no_idx_is_refused(tmp_path, content, word):
    import hashlib

    path = tmp_path / "some.gz"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  some.gz\n")
    with pytest.raises(DataError, match=word):
        fashion_mnist.read_idx(path)


def test_a_file_without_a_listed_sum_is_refused(folder):
    (folder / "SHA256SUMS").write_text("")
    with pytest.raises(DataError, match="none listed"):
        fashion_mnist.load("test", folder)


def test_unknown_names_list_what_there_is():
    with pytest.raises(ValueError, match="fashion-mnist"):
        datasets.load("mnist")
    with pytest.raises(ValueError, match="train, test"):
        datasets.load("fashion-mnist", "dev")


@pytest.mark.parametrize("name", datasets.SOURCES)
def test_a_source_says_what_its_images_are_and_what_is_known_of_them(name):
    shape, knows = datasets.image_shape(name), datasets.source(name).knows
    assert shape == datasets.source(name).shape
    expected = {"fashion": "labels", "polar": "factors", "lfw": None}
    assert knows == expected.get(name.partition("-")[0], "attributes")
    if name in ("fashion-mnist", "polar-64", "polar-64-punctured"):  # soon loaded
        data = datasets.load(name, "test")
        assert data.image_shape == shape and getattr(data, knows) is not None


def test_a_frozen_data_set_cannot_be_written_to():
    data = Dataset("x", "train", GOOD.copy(), "", labels=np.arange(2))
    assert data.frozen() is data
    for array in (data.images, data.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_a_subset_depends_on_its_seed_and_grows_at_the_end():
    data = datasets.load("fashion-mnist", "test")
    small, large = data.subset(50, seed=3), data.subset(80, seed=3)
    np.testing.assert_array_equal(small.images, large.images[:50])
    np.testing.assert_array_equal(small.labels, large.labels[:50])
    assert (data.subset(50, seed=4).labels != small.labels).any()


@pytest.mark.parametrize("n", [0, -1, 10_001])
def test_a_subset_of_impossible_size_is_refused(n):
    with pytest.raises(ValueError, match="cannot be drawn"):
        datasets.load("fashion-mnist", "test").subset(n)


GOOD = np.zeros((2, 4, 4, 1), np.uint8)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"images": GOOD.astype(float)}, "uint8"),
        ({"images": GOOD[..., 0]}, "channels"),
        ({"images": [[0]]}, "uint8"),
        ({"labels": np.zeros(3, int)}, "3 rows for 2"),
        ({"factors": np.zeros((1, 2))}, "1 rows for 2"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(change, word):
    with pytest.raises(ValueError, match=word):
        Dataset(
            **{"name": "x", "split": "train", "images": GOOD, "source": "", **change}
        )
