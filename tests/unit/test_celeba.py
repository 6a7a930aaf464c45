"""A reader's CelebA is read as it is, or refused by name; any one picture, too."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from vaetut.datasets import DataError, celeba

N = 30
NAMES = [f"{k + 1:06d}.jpg" for k in range(N)]
VALUES = np.where(np.random.default_rng(1).random((N, 40)) < 0.3, 1, -1)
PARTITION = [0] * 20 + [1] * 4 + [2] * 6
COUNTS = {"train": slice(0, 20), "validation": slice(20, 24), "test": slice(24, 30)}


def write_txt(folder, values=VALUES, names=NAMES, head=celeba.ATTRIBUTE_NAMES, n=None):
    lines = [str(len(names) if n is None else n), " ".join(head) + " "]
    for name, row in zip(names, values, strict=True):
        lines.append(f"{name} " + " ".join(f"{v:2d}" for v in row))
    (folder / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")


def write_csv(path, head, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([["image_id", *head], *rows])


def pixels(k):
    """A picture whose upper left is red, and whose place in the list is its blue."""
    rows, columns = np.mgrid[: celeba.HEIGHT, : celeba.WIDTH]
    red = np.where((rows < 114) & (columns < 89), 220, 30)
    return np.stack([red, rows, np.full_like(rows, 8 * k)], -1).astype(np.uint8)


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("celeba")
    pictures = folder / "img_align_celeba"
    pictures.mkdir()
    for k, name in enumerate(NAMES):
        Image.fromarray(pixels(k)).save(pictures / name, quality=95)
    write_txt(folder)
    rows = [f"{n} {p}" for n, p in zip(NAMES, PARTITION, strict=True)]
    (folder / "list_eval_partition.txt").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def folder(whole, tmp_path, monkeypatch):
    """A copy that a test may damage."""
    copy = shutil.copytree(whole, tmp_path / "celeba")
    monkeypatch.setenv("VAETUT_CELEBA", str(copy))
    monkeypatch.setenv("VAETUT_CACHE", str(tmp_path / "cache"))
    return copy


@pytest.fixture
def kaggle(folder):
    """The same as Kaggle lays it out: tables as .csv, a folder within the folder."""
    for path in folder.glob("*.txt"):
        path.unlink()
    (folder / "img_align_celeba").rename(folder / "inner")
    (folder / "img_align_celeba").mkdir()
    (folder / "inner").rename(folder / "img_align_celeba" / "img_align_celeba")
    rows = [[n, *row] for n, row in zip(NAMES, VALUES.tolist(), strict=True)]
    write_csv(folder / "list_attr_celeba.csv", celeba.ATTRIBUTE_NAMES, rows)
    rows = zip(NAMES, PARTITION, strict=True)
    write_csv(folder / "list_eval_partition.csv", ["partition"], rows)
    return folder


@pytest.mark.parametrize("split", COUNTS)
def test_a_split_has_its_pictures_and_attributes(folder, split):
    data, chosen = celeba.load(48, split), COUNTS[split]
    assert data.images.shape == (len(NAMES[chosen]), 48, 48, 3)
    assert (data.name, data.split, data.labels) == ("celeba-48", split, None)
    np.testing.assert_array_equal(data.attributes, VALUES[chosen] == 1)
    assert data.attributes.dtype == bool
    assert len(data.attribute_names) == 40
    assert data.attribute_names[2] == "Attractive"
    assert "Liu et al. 2015" in data.source and "non-commercial" in data.source
    blue = data.images[..., 2].mean((1, 2))
    np.testing.assert_allclose(blue, 8 * np.arange(N)[chosen], atol=4)


def test_the_square_is_the_one_documented(folder):
    image = celeba.load(48, "test").images[0].astype(float)
    # Red ends 74 rows and columns into the 148: in the middle. Green is the row.
    assert (image[:22, :22, 0] > 200).all()
    assert (image[26:, :, 0] < 50).all() and (image[:, 26:, 0] < 50).all()
    np.testing.assert_allclose(image[5, 40:, 1], 40 + 5.5 * 148 / 48 - 0.5, atol=3)


def test_kaggles_layout_gives_the_same(folder, request):
    first = celeba.load(64, "test")
    request.getfixturevalue("kaggle")
    second = celeba.load(64, "test")
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.attributes, second.attributes)


def test_a_second_load_decodes_nothing(folder, monkeypatch):
    first = celeba.load(48, "test")
    monkeypatch.setattr(celeba, "_decoded", None)
    second = celeba.load(48, "test")
    np.testing.assert_array_equal(first.images, second.images)
    assert not second.images.flags.writeable


def test_other_pictures_under_the_same_names_are_decoded_anew(folder):
    before = celeba.load(48, "test").images[:, 0, 0, 1].copy()
    for name in NAMES:
        flipped = Image.fromarray(pixels(3)[::-1])
        flipped.save(folder / "img_align_celeba" / name, quality=90)
    assert (celeba.load(48, "test").images[:, 0, 0, 1] != before).all()


def test_a_limit_gives_the_first_of_a_split(folder, monkeypatch):
    monkeypatch.setattr(celeba, "CHUNK", 3)
    few, all_ = celeba.load(48, "train", limit=7), celeba.load(48, "train")
    assert len(few) == 7
    np.testing.assert_array_equal(few.images, all_.images[:7])
    np.testing.assert_array_equal(few.attributes, all_.attributes[:7])


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((48, "dev"), "train, validation, test"),
        ((0,), "8 to 148"),
        ((149,), "8 to 148"),
        ((48, "test", 0), ">= 1, not 0"),
        ((48, "test", 7), "ask for 1 to 6"),
    ],
)
def test_what_there_cannot_be_is_refused(folder, arguments, word):
    with pytest.raises(ValueError, match=word):
        celeba.load(*arguments)


def test_without_the_variable_it_says_how_to_get_celeba(monkeypatch):
    monkeypatch.delenv("VAETUT_CELEBA", raising=False)
    with pytest.raises(DataError, match="VAETUT_CELEBA") as error:
        celeba.load(48)
    assert "CelebA, Liu et al. 2015" in str(error.value)
    assert celeba.verify(48) == []


def test_a_home_folder_is_understood(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    monkeypatch.setenv("VAETUT_CELEBA", "~/celeba")
    assert len(celeba.load(48, "test")) == 6


def edit(file, old, new):
    def damage(folder):
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))

    return damage


def picture(image):
    def damage(folder):
        path = folder / "img_align_celeba" / "000027.jpg"
        path.unlink()
        if isinstance(image, bytes):
            path.write_bytes(image)
        elif image is not None:
            image.save(path)

    return damage


def shorten(folder):
    path = folder / "img_align_celeba" / "000027.jpg"
    path.write_bytes(path.read_bytes()[:900])


def empty(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def nothing_but(text):
    def damage(folder):
        (folder / "list_attr_celeba.txt").write_bytes(text)

    return damage


def remove(file):
    return lambda folder: (folder / file).unlink()


ATTR, PART, FOLDER = "list_attr_celeba.txt", "list_eval_partition.txt", "img_align"
DAMAGES = {
    "no folder": (shutil.rmtree, "is no folder", "set VAETUT_CELEBA"),
    "empty": (empty, "but nothing", FOLDER),
    "another layout": (
        lambda f: (f / "img_align_celeba").rename(f / "Img"),
        "but Img, list_attr_celeba.txt",
        FOLDER,
    ),
    "pngs": (
        lambda f: [p.rename(p.with_suffix(".png")) for p in f.glob("*/*.jpg")],
        "000001.png.* and 24 more",
        FOLDER,
    ),
    "no attributes": (remove(ATTR), "neither list_attr_celeba", "list_attr"),
    "no partition": (remove(PART), "neither list_eval_partition", "list_eval"),
    "shorter": (
        lambda f: write_txt(f, VALUES[:-2], NAMES[:-2]),
        "lists 28 .* holds 30; 2 there and not listed, the first 000029.jpg",
        ATTR,
    ),
    "announced": (lambda f: write_txt(f, n=31), "announces '31' and lists 30", ATTR),
    "no table": (nothing_but(b""), "announces 'nothing'", ATTR),
    "only a number": (nothing_but(b"0\n"), "other columns", ATTR),
    "no text": (nothing_but(b"\xff\xd8\xff"), "not a text file", ATTR),
    "twice": (
        lambda f: write_txt(f, names=[*NAMES[:-1], NAMES[0]]),
        "first 000030.jpg; some are listed more",
        ATTR,
    ),
    "renamed": (edit(ATTR, "Eyeglasses", "Glasses"), "Eyeglasses.*Glasses", ATTR),
    "reordered": (
        lambda f: write_txt(f, head=celeba.ATTRIBUTE_NAMES[::-1]),
        "another order",
        ATTR,
    ),
    "39 values": (edit(ATTR, "000003.jpg -1", "000003.jpg"), "39 values for", ATTR),
    "zeros": (
        lambda f: write_txt(f, (VALUES + 1) // 2),
        "value '0' for 000001.jpg, expected one of -1, 1",
        ATTR,
    ),
    "part 3": (edit(PART, "30.jpg 2", "30.jpg 3"), "value '3' for 000030.jpg", PART),
    "no part": (edit(PART, "000030.jpg 2\n", ""), "lists 29", PART),
    "no test": (
        lambda f: (f / PART).write_text("\n".join(f"{n} 0" for n in NAMES)),
        "no picture into 'test'",
        PART,
    ),
    "missing": (picture(None), "1 listed and not there, the first 000027.jpg", ATTR),
    "no picture": (picture(b"<html>"), "is no picture", "000027.jpg"),
    "short picture": (shorten, "cannot be decoded", "000027.jpg"),
    "a folder": (
        lambda f: (picture(None)(f), (f / "img_align_celeba/000027.jpg").mkdir()),
        "cannot be read",
        "000027.jpg",
    ),
    "wild": (picture(Image.new("RGB", (409, 687))), "is 409×687, RGB", "000027.jpg"),
    "grey": (picture(Image.new("L", (178, 218))), "is 178×218, L", "000027.jpg"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_refused_by_name(folder, damage):
    spoil, word, named = DAMAGES[damage]
    spoil(folder)
    with pytest.raises(DataError, match=word) as error:
        celeba.load(48, "test")
    text = str(error.value)
    assert str(folder) in text and named in text
    assert any(mend in text for mend in ("Restore", "Unpack", "set VAETUT_CELEBA"))
    assert not list((folder.parent / "cache").glob("*"))


def test_a_folder_that_is_locked_is_named(folder, monkeypatch):
    def locked(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(celeba.os, "scandir", locked)
    with pytest.raises(DataError, match="img_align_celeba cannot be read") as error:
        celeba.load(48, "test")
    assert "VAETUT_CELEBA" in str(error.value)
    assert "cannot be read" in celeba.verify(48)[0]


def test_kaggles_tables_are_checked_as_well(kaggle):
    edit("list_attr_celeba.csv", "-1", "0")(kaggle)
    with pytest.raises(DataError, match=r"list_attr_celeba\.csv has the value '0'"):
        celeba.load(48, "test")
    (kaggle / "list_attr_celeba.csv").write_text("")
    with pytest.raises(DataError, match="other columns"):
        celeba.load(48, "test")


def test_a_damaged_cache_is_found(folder):
    celeba.load(48, "test")
    assert celeba.verify(48) == []
    (path,) = (folder.parent / "cache").glob("celeba-48-*/images.npy")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"images\.npy is damaged"):
        celeba.load(48, "test")
    assert "images.npy" in celeba.verify(48)[0] and celeba.verify(64) == []
    shutil.rmtree(folder)
    assert "is no folder" in celeba.verify(64)[0]


def halves(width, height):
    """A picture with a bright left half."""
    array = np.zeros((height, width, 3), np.uint8)
    array[:, : width // 2] = 200
    return Image.fromarray(array)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "bmp"])
def test_a_picture_of_the_reader_is_cut_to_its_central_square(tmp_path, suffix):
    path = tmp_path / f"me.{suffix}"
    halves(300, 200).save(path)
    face = celeba.read_face(path, 64)
    assert face.shape == (64, 64, 3) and face.dtype == np.uint8
    assert (face[:, :30] > 180).all() and (face[:, 34:] < 20).all()
    face[0] = 0  # the reader's own


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_a_picture_is_turned_as_its_camera_says(tmp_path, suffix):
    path, exif = tmp_path / f"turned.{suffix}", Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise: left becomes top
    halves(200, 260).save(path, exif=exif)
    face = celeba.read_face(path, 48)
    assert (face[:22] > 180).all() and (face[26:] < 20).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_a_picture_of_any_mode_becomes_colour(tmp_path, mode):
    path = tmp_path / ("me.tif" if mode == "CMYK" else "me.png")
    halves(100, 100).convert("RGBA" if "A" in mode else "RGB").convert(mode).save(path)
    face = celeba.read_face(str(path), 50)
    assert face.shape == (50, 50, 3)
    assert face[:, :20].mean() > 150 and face[:, 30:].mean() < 20


def test_what_is_transparent_becomes_white(tmp_path):
    Image.new("RGBA", (80, 80), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (celeba.read_face(tmp_path / "clear.png", 48) == 255).all()


def cut(path):
    halves(200, 200).save(path)
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda path: None, "cannot be read"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda path: path.write_text("my face"), "no picture"),
        (lambda path: path.write_bytes(b""), "no picture"),
        (cut, "cannot be decoded"),
        (lambda path: halves(200, 47).save(path), "200×47, smaller than 48×48"),
    ],
    ids=["missing", "folder", "text", "empty", "short", "small"],
)
def test_what_is_no_picture_for_a_model_is_refused_by_name(tmp_path, make, word):
    path = tmp_path / "me.png"
    make(path)
    with pytest.raises(DataError, match=word) as error:
        celeba.read_face(path, 48)
    assert str(path) in str(error.value)


def test_a_picture_too_large_to_be_one_is_refused(tmp_path, monkeypatch):
    halves(300, 200).save(tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DataError, match="cannot be decoded"):
        celeba.read_face(tmp_path / "huge.png", 48)
    with pytest.raises(ValueError, match=">= 1, not 0"):
        celeba.read_face(tmp_path / "huge.png", 0)
