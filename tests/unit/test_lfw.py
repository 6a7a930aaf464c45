"""LFW comes from scikit-learn, from the disk first, by download only on request."""

from types import SimpleNamespace

import numpy as np
import pytest

from vaetut.datasets import DataError, lfw

PEOPLE = np.array([f"Person {k}" for k in range(60)])
TARGET = np.repeat(np.arange(60), 2)


@pytest.fixture
def sklearns(tmp_path, monkeypatch):
    """Stand in for fetch_lfw_people; `there`: on the disk, `online`: to be had."""
    state = SimpleNamespace(there=True, online=True, calls=[], change={})

    def fetch(**options):
        state.calls.append(options)
        if not state.there:
            if not options["download_if_missing"]:
                raise OSError("lfw_home/pairs.txt is missing")
            if not state.online:
                raise OSError("the host cannot be reached")
            state.there = True
        rows, columns = options["slice_"]
        shape = [
            int(float(options["resize"]) * (s.stop - s.start)) for s in (rows, columns)
        ]
        images = np.zeros((len(TARGET), *shape, 3), np.float32)
        images += (TARGET / 255)[:, None, None, None]
        record = {"images": images, "target": TARGET, "target_names": PEOPLE}
        return SimpleNamespace(**record | state.change)

    monkeypatch.setattr("sklearn.datasets.fetch_lfw_people", fetch)
    monkeypatch.setattr(lfw, "PICTURES", len(TARGET))
    monkeypatch.setattr(lfw, "PEOPLE", len(PEOPLE))
    monkeypatch.setenv("VAETUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VAETUT_LFW_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("VAETUT_LFW", raising=False)
    return state


@pytest.mark.parametrize("size", [48, 64, 96])
def test_what_is_there_is_split_by_people_and_never_fetched(
    sklearns, tmp_path, monkeypatch, size
):
    monkeypatch.setattr(lfw, "CHUNK", 7)
    train, test = lfw.load(size), lfw.load(size, "test")
    assert train.image_shape == test.image_shape == (size, size, 3)
    assert (train.name, test.split) == (f"lfw-{size}", "test")
    assert "Huang et al. 2007" in train.source and train.attributes is None
    people = [set(data.images[:, 0, 0, 0].tolist()) for data in (train, test)]
    assert not people[0] & people[1] and people[0] | people[1] == set(range(60))
    assert people[1] == {k for k in range(60) if lfw.is_test(f"Person {k}")}
    assert len(train) + len(test) == 120
    (call,) = sklearns.calls  # the second load is from the cache
    assert call["download_if_missing"] is False and call["color"] is True
    assert call["data_home"] == str(tmp_path / "home")


def test_one_person_in_ten_is_a_test(sklearns):
    share = np.mean([lfw.is_test(f"Person {k}") for k in range(5749)])
    assert 0.08 < share < 0.12


def test_every_size_comes_out_exactly():
    for size in range(lfw.SMALLEST, lfw.LARGEST + 1):
        assert int((size + 0.5) / lfw.LARGEST * lfw.LARGEST) == size


def test_without_leave_nothing_is_downloaded(sklearns):
    sklearns.there = False
    with pytest.raises(DataError, match="VAETUT_LFW=1") as error:
        lfw.load(48)
    assert "pairs.txt is missing" in str(error.value)
    assert "VAETUT_LFW_HOME" in str(error.value)
    assert [call["download_if_missing"] for call in sklearns.calls] == [False]


def test_with_leave_it_is(sklearns, monkeypatch):
    sklearns.there = False
    assert len(lfw.load(48, download=True)) > 80
    sklearns.there = False
    monkeypatch.setenv("VAETUT_LFW", "1")
    assert len(lfw.load(64)) > 80
    asked = [call["download_if_missing"] for call in sklearns.calls]
    assert asked == [False, True, False, True]


def test_leave_can_be_taken_back(sklearns, monkeypatch):
    sklearns.there = False
    monkeypatch.setenv("VAETUT_LFW", "1")
    with pytest.raises(DataError, match="download=True"):
        lfw.load(48, download=False)


def test_a_download_that_fails_says_so(sklearns):
    sklearns.there = sklearns.online = False
    with pytest.raises(DataError, match=r"cannot be reached.*lfw_home"):
        lfw.load(48, download=True)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"images": np.zeros((5, 48, 48, 3))}, "5 pictures"),
        ({"target_names": PEOPLE[:4]}, "of 4 people"),
        ({"images": np.zeros((120, 62, 47))}, r"\(62, 47\)"),
    ],
)
def test_another_set_of_pictures_is_refused(sklearns, change, word):
    sklearns.change = change
    with pytest.raises(DataError, match=word) as error:
        lfw.load(48)
    assert "lfw_home" in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "word"), [((48, "dev"), "train, test"), ((161,), "8 to 160")]
)
def test_what_there_cannot_be_is_refused(sklearns, arguments, word):
    with pytest.raises(ValueError, match=word):
        lfw.load(*arguments)


def test_the_cache_is_verified(sklearns, tmp_path):
    assert lfw.verify(48) == []
    lfw.load(48)
    (path,) = (tmp_path / "cache").glob("lfw-48-*/test.npy")
    path.unlink()
    assert "test.npy" in lfw.verify(48)[0]


def test_scikit_learn_itself_finds_nothing_in_an_empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("VAETUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VAETUT_LFW_HOME", str(tmp_path / "home"))
    with pytest.raises(DataError, match="VAETUT_LFW=1"):
        lfw.load(48, download=False)
