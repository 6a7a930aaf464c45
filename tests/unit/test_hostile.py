"""Files from a stranger: each is read as what it shows, or refused by its name.

Whatever is wrong with a file, its error is the one that the reader promises, and names
the file. Files that a hash guards are signed anew: a hash proves that a file is whole,
not that it makes sense.
"""

import io
import json
import os
import signal
import struct
import zipfile
import zlib
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from safetensors.numpy import save as pack

from vaetut import atomic, formats
from vaetut.__main__ import main
from vaetut.atomic import DataError, RunError
from vaetut.datasets import Dataset, cache, files, pictures
from vaetut.datasets.polar import draw
from vaetut.datasets.polar.pictures import read_strokes
from vaetut.measures.judge import judge, read_factors
from vaetut.recipes import get_recipe
from vaetut.recipes.recipe import digest
from vaetut.runs.record import Record, read_record, sign
from vaetut.training import trainer
from vaetut.training.checkpoint import Checkpoint
from vaetut.training.weights import import_weights, unpack_weights

DEEP = "[" * 100_000 + "]" * 100_000
GREY = draw([[1.3, 0.9]], 64)[0, ..., 0]


def png(width, height, *chunks):
    """A PNG file whose head announces so many pixels, of which none follow."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    found = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", head), *chunks, (b"IDAT", b""), (b"IEND", b"")):
        found += struct.pack(">I", len(body)) + kind + body
        found += struct.pack(">I", zlib.crc32(kind + body))
    return found


@pytest.fixture(autouse=True)
def at_once():
    """Fail where a pipe is opened, which would wait for a writer for ever."""
    waited = []

    def ring(*_):
        waited.append("it waits for a pipe")
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    assert not waited


def pipe(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def endless(path):
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


def folder(path):
    path.unlink(missing_ok=True)
    path.mkdir()


def huge(path):
    with open(path, "wb") as file:
        file.truncate(2**42)  # takes no room on the disk


NO_FILES = {"pipe": pipe, "device": endless, "folder": folder, "huge": huge}

# ---- Pictures


def stored(path, array, mode=None, **options):
    Image.fromarray(array, mode).save(path, **options)
    return path


def shape_of(alpha):
    """A clear picture in the colour of its strokes, as grey and alpha."""
    return np.dstack([np.full_like(alpha, 255), alpha])


SAME = {  # what must be read as one and the same picture
    "LA": lambda path: stored(path, shape_of(GREY)),
    "RGBA": lambda path: stored(
        path, np.dstack([np.full((64, 64, 3), 255), GREY]).astype(np.uint8)
    ),
    "16 bits": lambda path: stored(path, GREY.astype(np.uint16) * 257),
    "palette": lambda path: Image.fromarray(GREY).quantize(256).save(path),
    "clear palette": lambda path: clear_palette(path),
    "turned": lambda path: turned(path),
    "TIFF": lambda path: Image.fromarray(GREY).save(path, "TIFF"),
}


def clear_palette(path):
    """White in 256 strengths, none of which is a colour."""
    image = Image.fromarray(GREY, "P")
    image.putpalette([255] * 768)
    image.save(path, transparency=bytes(range(256)))


def turned(path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    Image.fromarray(np.rot90(GREY)).save(path, exif=exif)


@pytest.mark.attack("judge")
@pytest.mark.parametrize("kind", SAME)
def test_a_picture_is_read_as_what_it_shows(tmp_path, kind):
    path = tmp_path / "a.png"
    SAME[kind](path)
    read = np.asarray(pictures.read_picture(path, "L", "black"), int)
    assert np.abs(read - GREY).max() <= 1
    assert np.abs(255 * read_strokes(path) - GREY).max() <= 1
    report = judge(mirror(), tmp_path)
    (tmp_path / "a.png").unlink()
    Image.fromarray(GREY).save(path)
    same = judge(mirror(), tmp_path)["mean"]
    assert report["mean"]["mse"] == pytest.approx(same["mse"], rel=0.02)


def mirror():
    """A model that draws mid-grey, whatever it sees."""
    return SimpleNamespace(
        encoder=SimpleNamespace(input_shape=(None, 32, 32, 1)),
        encode=lambda images: images,
        decode_logits=lambda codes: np.zeros(codes.shape, np.float32),
    )


@pytest.mark.attack("judge")
@pytest.mark.parametrize("ground", pictures.GROUNDS)
def test_what_is_transparent_shows_the_ground_that_is_asked_for(tmp_path, ground):
    path = stored(tmp_path / "a.png", np.zeros((8, 8, 4), np.uint8))
    read = np.asarray(pictures.read_picture(path, "RGB", ground))
    assert (read == (255 if ground == "white" else 0)).all()


def text_bomb(path):
    text = PngImagePlugin.PngInfo()
    text.add_text("a", "a" * 2_000_000, zip=True)
    Image.fromarray(GREY).save(path, pnginfo=text)


def floats(path):
    Image.fromarray(np.ones((64, 64), np.float32)).save(path, "TIFF")


def deeper(path):
    Image.fromarray(np.full((64, 64), 70_000, np.int32)).save(path, "TIFF")


HOSTILE = NO_FILES | {
    "missing": lambda path: path.unlink(missing_ok=True),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("no picture"),
    "20,000 a side": lambda path: path.write_bytes(png(20_000, 20_000)),
    "8,193 a side": lambda path: path.write_bytes(png(8193, 8193)),
    "no pixels": lambda path: path.write_bytes(png(0, 8)),
    "short": lambda path: path.write_bytes(png(64, 64)),
    "text bomb": text_bomb,
    "floats": floats,
    "more than 16 bits": deeper,
    "PostScript": lambda path: path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n"),
    "damaged EXIF": lambda path: path.write_bytes(
        png(8, 8, (b"eXIf", b"MM\0*\0\0\0\x08\xff\xff"))
    ),
}


@pytest.mark.attack("judge")
@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("name", ["a.png", "a\x1b[2J\nb.png"])
def test_a_picture_that_cannot_be_read_is_refused_by_its_name(tmp_path, kind, name):
    path = tmp_path / name
    HOSTILE[kind](path)
    for read in (pictures.read_picture, read_strokes):
        with pytest.raises(DataError) as error:
            read(path)
        assert atomic.shown(path) in str(error.value)
        assert str(error.value).isprintable()


@pytest.mark.attack("judge")
def test_a_name_is_printed_without_what_moves_the_cursor(tmp_path, capsys):
    Image.fromarray(np.full((32, 32), 90, np.uint8)).save(tmp_path / "a\x1b[2J\nb.png")
    assert main(["judge", "fashion-ae", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert r"a\x1b[2J\nb.png" in out and "\x1b" not in out
    (tmp_path / "a\x1b[2J\nb.png").write_bytes(b"no picture")
    assert main(["judge", "fashion-ae", str(tmp_path)]) == 1
    assert "\x1b" not in capsys.readouterr().err


TABLES = {
    "long field": b"file,a,b\na.png,1,1\n" + b"x" * 200_000 + b",1,1\n",
    "Latin-1": "file,a,b\na.png,1,1\nä.png,1,1\n".encode("latin-1"),
    "too large": b"file,a,b\na.png,1e300,1\n",
    "NaN": b"file,a,b\na.png,nan,1\n",
    "no number": b"file,a,b\na.png,one,1\n",
    "another hash": b"file,a,b,sha256\na.png,1,1,0\n",
    "no row": b"file,a,b\n",
    "empty": b"",
    "zero bytes": b"file,a,b\na.png,1,1\0\n",
    "quotes": b'file,a,b\n"a.png,1,1\n',
}


@pytest.mark.attack("judge")
@pytest.mark.parametrize("kind", [*TABLES, *NO_FILES])
def test_a_table_beside_pictures_is_refused_by_its_name(tmp_path, kind):
    path = stored(tmp_path / "a.png", GREY)
    table = tmp_path / "factors.csv"
    if kind in TABLES:
        table.write_bytes(TABLES[kind])
    else:
        NO_FILES[kind](table)
    with pytest.raises((ValueError, DataError), match=r"factors\.csv"):
        read_factors([path])


# ---- Data sets

KNOWN = {
    "factors": np.array([[0.5], [1.5]]),
    "factor_names": ("size",),
    "labels": np.array([0, 1]),
    "class_names": ("a", "b"),
    "attributes": np.array([[True], [False]]),
    "attribute_names": ("new",),
}
DATA = Dataset("x", "train", np.zeros((2, 4, 4, 1), np.uint8), "us", **KNOWN)
WRONG = {  # arrays that no data set has
    "NaN": {"factors": np.array([[np.nan], [1.0]])},
    "infinity": {"factors": np.array([[np.inf], [1.0]])},
    "text for factors": {"factors": np.array([["a"], ["b"]])},
    "negative labels": {"labels": np.array([-1, 0])},
    "labels without a name": {"labels": np.array([0, 2])},
    "fractions as labels": {"labels": np.array([0.5, 1])},
    "NaN as labels": {"labels": np.array([np.nan, 1])},
    "text as labels": {"labels": np.array(["a", "b"])},
    "objects": {"labels": np.array([0, None])},
    "one row less": {"labels": np.array([0])},
    "another shape": {"labels": np.array([[0], [1]])},
    "numbers as attributes": {"attributes": np.array([[1], [2]])},
    "floats as images": {"images": np.zeros((2, 4, 4, 1))},
    "flat images": {"images": np.zeros((2, 16), np.uint8)},
}


@pytest.mark.attack("data")
@pytest.mark.parametrize("kind", WRONG)
def test_a_data_set_has_values_that_make_sense(tmp_path, kind):
    arrays = {"images": DATA.images, **KNOWN, **WRONG[kind]}
    with pytest.raises(ValueError, match=next(iter(WRONG[kind]))):
        Dataset("x", "train", source="us", **arrays)
    columns = {k: v for k, v in arrays.items() if not k.endswith("names")}
    about = json.dumps(files._about(DATA))
    np.savez(tmp_path / "x.npz", about=np.array(about), **columns)
    with pytest.raises(DataError, match=r"x\.npz"):
        files.load_npz(tmp_path / "x.npz")


def masked_labels():
    return np.ma.array([0, 1], mask=[True, False])


@pytest.mark.attack("data")
def test_masked_labels_are_refused():
    with pytest.raises(ValueError, match="masked"):
        Dataset("x", "train", DATA.images, "us", labels=masked_labels())


@pytest.mark.attack("data")
@pytest.mark.parametrize("seed", [None, -1, 0.5, "a"])
def test_a_subset_needs_a_seed(seed):
    with pytest.raises(ValueError, match="seed must be"):
        DATA.subset(1, seed)


def zipped(**members):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return raw.getvalue()


def array(values):
    raw = io.BytesIO()
    np.lib.format.write_array(raw, np.asarray(values))
    return raw.getvalue()


def announced(shape):
    raw = io.BytesIO()
    head = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(raw, head)
    return raw.getvalue() + b"\0" * 32


ABOUT = array(json.dumps(files._about(DATA)))
ARCHIVES = {
    "no zip": b"PK\3\4 no zip",
    "half": zipped(about=ABOUT, images=array(DATA.images))[:-40],
    "no images": zipped(about=ABOUT),
    "deep JSON": zipped(about=array(DEEP), images=array(DATA.images)),
    "no JSON": zipped(about=array("{"), images=array(DATA.images)),
    "a list": zipped(about=array("[]"), images=array(DATA.images)),
    "no array": zipped(about=ABOUT, images=b"no array"),
    "a petabyte": zipped(about=ABOUT, images=announced((2**20, 2**15, 2**15, 1))),
    "negative": zipped(about=ABOUT, images=announced((-2, 4, 4, 1))),
    "a pickle": zipped(about=ABOUT, images=b"\x93NUMPY\1\0v\0{'descr': '|O'}"),
}


@pytest.mark.attack("data")
@pytest.mark.parametrize("kind", [*ARCHIVES, *NO_FILES])
def test_an_archive_that_is_no_data_set_is_refused_by_its_name(tmp_path, kind):
    path = tmp_path / "x.npz"
    if kind in ARCHIVES:
        path.write_bytes(ARCHIVES[kind])
    else:
        NO_FILES[kind](path)
    with pytest.raises(DataError, match=r"x\.npz"):
        files.load_npz(path)


@pytest.mark.attack("data")
def test_what_unfolds_too_far_is_not_unfolded(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "UNFOLDED", 10_000)
    images = np.zeros((64, 64, 64, 1), np.uint8)
    files.save_npz(Dataset("x", "train", images, "us"), tmp_path / "x.npz")
    with pytest.raises(DataError, match="would unfold to 263,"):
        files.load_npz(tmp_path / "x.npz")
    files.save_folder(Dataset("x", "train", images[:9], "us"), tmp_path / "x")
    monkeypatch.setattr(formats, "RATIO", 1)
    with pytest.raises(DataError, match="would unfold to 36"):
        files.load_folder(tmp_path / "x")


def signed(place, table=None, **changes):
    """Write the table of a folder anew, and what describes it with its hash."""
    if table is not None:
        (place / "factors.csv").write_bytes(table)
    about = json.loads((place / "dataset.json").read_bytes()) | changes
    about["table_sha256"] = atomic.file_sha256(place / "factors.csv")
    (place / "dataset.json").write_text(json.dumps(about))


def rows_of(place):
    return (place / "factors.csv").read_bytes()


def leads_out(place):
    (place.parent / "secret.png").write_bytes((place / "0.png").read_bytes())
    signed(place, rows_of(place).replace(b"0.png", b"../secret.png"))


def link_leads_out(place):
    (place / "0.png").rename(place.parent / "secret.png")
    (place / "0.png").symlink_to(place.parent / "secret.png")


def no_picture(place):
    old = atomic.file_sha256(place / "0.png")
    (place / "0.png").write_bytes(b"no picture")
    new = atomic.file_sha256(place / "0.png")
    signed(place, rows_of(place).replace(old.encode(), new.encode()))


def bomb(place):
    old = atomic.file_sha256(place / "0.png")
    (place / "0.png").write_bytes(png(20_000, 20_000))
    new = atomic.file_sha256(place / "0.png")
    signed(place, rows_of(place).replace(old.encode(), new.encode()))


FOLDERS = {
    "a path that leads out": leads_out,
    "a link that leads out": link_leads_out,
    "no picture": no_picture,
    "a bomb": bomb,
    "twice": lambda place: signed(
        place, rows_of(place) + rows_of(place).splitlines(True)[1]
    ),
    "a long field": lambda place: signed(place, rows_of(place) + b"x" * 200_000),
    "Latin-1": lambda place: signed(place, rows_of(place) + b"\xe4,0,0,0,0\n"),
    "rows of two lengths": lambda place: signed(place, rows_of(place) + b"2.png,0\n"),
    "no number": lambda place: signed(place, rows_of(place).replace(b"0.5", b"one")),
    "a petabyte": lambda place: signed(place, image_shape=[2**25, 2**25, 1]),
    "negative": lambda place: signed(place, image_shape=[-4, 4, 1]),
    "a text as shape": lambda place: signed(place, image_shape="441"),
    "columns of nothing": lambda place: signed(place, columns={"labels": "x"}),
    "another column": lambda place: signed(place, columns={"images": ["|u1", []]}),
    "deep": lambda place: (place / "dataset.json").write_text(DEEP),
    "no JSON": lambda place: (place / "dataset.json").write_bytes(b"\xff\xfe\0"),
    **{
        f"{kind} as {name}": (lambda place, n=name, m=make: m(place / n))
        for name in ("dataset.json", "factors.csv", "0.png")
        for kind, make in NO_FILES.items()
    },
}


@pytest.mark.attack("data")
@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_that_is_no_data_set_is_refused_by_its_name(tmp_path, kind):
    place = tmp_path / "set"
    files.save_folder(DATA, place)
    FOLDERS[kind](place)
    with pytest.raises(DataError, match=str(place)):
        files.load_folder(place)


def kept():
    return cache.cached("x", {"k": 1}, lambda to: np.save(to / "a.npy", np.ones(3)))


def other_about(place, **changes):
    about = json.loads((place / "about.json").read_bytes()) | changes
    (place / "about.json").write_text(json.dumps(about))


CACHES = {
    "deep": lambda place: (place / "about.json").write_text(DEEP),
    "a path": lambda place: other_about(
        place,
        files={"../a.npy": {"size": 1, "sha256": "", "shape": [1], "dtype": "f8"}},
    ),
    "a text as size": lambda place: other_about(
        place, files={"a.npy": {"size": "1", "sha256": "", "shape": [], "dtype": "f8"}}
    ),
    **{
        f"{kind} as {name}": (lambda place, n=name, m=make: m(place / n))
        for name in ("about.json", "a.npy")
        for kind, make in NO_FILES.items()
    },
}


@pytest.mark.attack("data")
@pytest.mark.parametrize("kind", CACHES)
def test_what_is_kept_and_damaged_is_refused_by_its_name(tmp_path, monkeypatch, kind):
    monkeypatch.setenv("VAETUT_CACHE", str(tmp_path))
    kept()
    place = cache.folder_of("x", {"k": 1})
    CACHES[kind](place)
    with pytest.raises(DataError, match=str(place)):
        kept()
    assert str(place) in cache.verify("x")[0]


# ---- Records

RECIPE = get_recipe("fashion-ae", "smoke")
RECORD = Record(
    recipe="fashion-ae",
    scale="smoke",
    seed=0,
    digest=RECIPE.digest,
    fields=RECIPE.fields,
    backend="tensorflow",
    hardware="a core",
    versions={"keras": "3"},
    seconds=1.5,
    parameters={"total": 3},
    history={"loss": [1.0], "val_loss": [float("nan")]},
    metrics={"reconstruction": 1.0},
    weights_sha256="0" * 64,
)
RECORDS = {
    "one field more": {"more": 1},
    "a list for metrics": {"metrics": [1]},
    "a text in metrics": {"metrics": {"reconstruction": "1"}},
    "NaN in metrics": {"metrics": {"reconstruction": float("nan")}},
    "infinity in metrics": {"metrics": {"reconstruction": float("inf")}},
    "true in metrics": {"metrics": {"reconstruction": True}},
    "a number in history": {"history": {"loss": 1.0}},
    "too many epochs": {"history": {"loss": [1.0] * 99}},
    "a negative seed": {"seed": -1},
    "a text as seed": {"seed": "0"},
    "a fraction as seed": {"seed": 0.5},
    "an unknown scale": {"scale": "huge"},
    "negative seconds": {"seconds": -1.0},
    "endless seconds": {"seconds": float("inf")},
    "no device": {"devices": 0},
    "no parameters": {"parameters": {"total": -3}},
    "no recipe": {"recipe": None},
    "no fields": {"fields": []},
    "other fields": {"fields": RECIPE.fields | {"epochs": 2}},
    "no epochs": {"fields": {}, "digest": digest({})},
    "no digest": {"digest": "0"},
    "no hash": {"weights_sha256": "../0"},
    "a text as profile": {"profiles": {"a": ["1"]}},
    "conditions": {"conditions": [1]},
}
NO_RECORDS = {
    "empty": b"",
    "half": RECORD.to_json()[:90],
    "null": b"null",
    "a list": b"[]",
    "no name": b"{}",
    "deep": DEEP.encode(),
    "deep metrics": b'{"metrics": ' + DEEP.encode() + b"}",
    "no text": b"\xff\xfe\0\xd8",
}


def content():
    return json.loads(RECORD.to_json())


def test_a_record_may_hold_what_validation_broke(tmp_path):
    (tmp_path / "seed-0.json").write_bytes(RECORD.to_json())
    assert str(read_record(tmp_path / "seed-0.json")) == str(RECORD)


@pytest.mark.attack("record")
@pytest.mark.parametrize("kind", [*RECORDS, *NO_RECORDS, *NO_FILES, "no metrics"])
def test_a_record_that_no_training_leaves_is_refused_by_its_name(tmp_path, kind):
    path = tmp_path / "seed-0.json"
    if kind in NO_RECORDS:
        path.write_bytes(NO_RECORDS[kind])
    elif kind in NO_FILES:
        NO_FILES[kind](path)
    else:
        changed = content() | RECORDS.get(kind, {})
        del changed["sha256"]
        if kind == "no metrics":
            del changed["metrics"]
        path.write_text(json.dumps({"sha256": sign(changed)} | changed))
    with pytest.raises(RunError, match=r"seed-0\.json"):
        read_record(path)


# ---- Weights


class Small:
    """A model of two variables, which is all that weights are given to."""

    def __init__(self):
        self.kernel = keras.Variable(np.zeros((2, 2)), name="kernel")
        self.encoder = SimpleNamespace(name="encoder", weights=[self.kernel])
        self.decoder = SimpleNamespace(name="decoder", weights=[])


NAME = "encoder/kernel"
GOOD = np.ones((2, 2), np.float16)


def written(head, body=b"\0" * 16):
    raw = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(raw)) + raw + body


def entry(dtype="F32", shape=(2, 2), offsets=(0, 16), name=NAME):
    return {name: {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


WEIGHTS = {
    "empty": b"",
    "no head": b"\0" * 8,
    "an endless head": struct.pack("<Q", 2**63) + b"{}",
    "no JSON": written(b"{" * 20),
    "deep": written(DEEP.encode()),
    "no text": written(b"\xff\xfe\0\xd8"),
    "half": pack({NAME: GOOD})[:-3],
    "BF16": written(entry("BF16", offsets=(0, 8)), b"\0" * 8),
    "F8": written(entry("F8_E4M3", offsets=(0, 4)), b"\0" * 4),
    "F4": written(entry("F4", offsets=(0, 2)), b"\0" * 2),
    "an unknown type": written(entry("F99")),
    "too far": written(entry(offsets=(0, 99))),
    "backwards": written(entry(offsets=(16, 0))),
    "negative": written(entry(shape=(-2, 2))),
    "a petabyte": written(entry(shape=(2**25, 2**25))),
    "no shape": written({NAME: {"dtype": "F32"}}),
    "NaN": pack({NAME: np.full((2, 2), np.nan, np.float16)}),
    "infinity": pack({NAME: np.full((2, 2), -np.inf, np.float32)}),
    "too large": pack({NAME: np.full((2, 2), 1e30, np.float32)}),
    "float64": pack({NAME: np.ones((2, 2))}),
    "whole": pack({NAME: np.ones((2, 2), np.int64)}),
    "boolean": pack({NAME: np.ones((2, 2), bool)}),
    "another shape": pack({NAME: np.ones((2, 3), np.float16)}),
    "another name": pack({"decoder/kernel": GOOD}),
    "one more": pack({NAME: GOOD, "more": GOOD}),
    "none": pack({}),
}


def test_weights_as_they_are_stored_are_taken():
    model = Small()
    import_weights(model, unpack_weights(pack({NAME: GOOD})))
    assert (keras.ops.convert_to_numpy(model.kernel) == 1).all()


@pytest.mark.attack("weights")
@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_that_are_none_are_refused_and_nothing_is_assigned(kind):
    model = Small()
    with pytest.raises(RunError):
        import_weights(model, unpack_weights(WEIGHTS[kind]))
    assert (keras.ops.convert_to_numpy(model.kernel) == 0).all()


# ---- Checkpoints

IDENTITY = {"recipe": "r", "seed": 0, "backend": "tensorflow", "precision": "float32"}
STATE = {
    "0000": np.ones((2, 2), np.float32),
    "0001": np.array(7, np.int64),
}
PROGRESS = {
    "epoch": 1,
    "step": 0,
    "seconds": 2.0,
    "timed_images": 10,
    "timed_seconds": 1.0,
    "history": {"loss": [3.0], "val_loss": [float("nan")]},
    "conditions": [],
}


def checkpoint(path):
    count = keras.Variable(0, dtype="int64", name="count")
    return Checkpoint(path, IDENTITY, [keras.Variable(np.zeros((2, 2))), count])


def body(head=None, state=STATE, raw=None):
    head = IDENTITY | {"progress": PROGRESS} if head is None else head
    line = head if isinstance(head, bytes) else json.dumps(head).encode()
    return line + b"\n" + (pack(state) if raw is None else raw)


BODIES = {
    "nothing": b"",
    "no head": body(b""),
    "a list": body(b"[]"),
    "deep": body(DEEP.encode()),
    "no text": body(b"\xff\xfe"),
    "another seed": body(IDENTITY | {"seed": 1, "progress": PROGRESS}),
    "no progress": body(IDENTITY),
    "no identity": body({"progress": PROGRESS}),
    "no state": body(raw=b""),
    "half a state": body(raw=pack(STATE)[:-3]),
    "BF16": body(raw=written(entry("BF16", offsets=(0, 8), name="0000"), b"\0" * 8)),
    "NaN": body(state=STATE | {"0000": np.full((2, 2), np.nan, np.float32)}),
    "whole numbers": body(state=STATE | {"0000": np.ones((2, 2), np.int64)}),
    "a float count": body(state=STATE | {"0001": np.array(7.0)}),
    "booleans": body(state=STATE | {"0000": np.ones((2, 2), bool)}),
    "another shape": body(state=STATE | {"0000": np.ones(4, np.float32)}),
    "one variable less": body(state={"0000": STATE["0000"]}),
}


def write(path, content):
    path.write_bytes(atomic.sha256(content).encode() + b"\n" + content)


def test_a_checkpoint_that_is_one_is_restored(tmp_path):
    found = checkpoint(tmp_path / "seed-0.checkpoint")
    write(found.path, body())
    assert str(found.restore()) == str(PROGRESS)
    kernel, count = found.variables.values()
    assert (keras.ops.convert_to_numpy(kernel) == 1).all() and int(count) == 7


@pytest.mark.attack("checkpoint")
@pytest.mark.parametrize("kind", [*BODIES, *NO_FILES])
def test_a_checkpoint_that_no_training_wrote_is_refused_by_its_name(tmp_path, kind):
    found = checkpoint(tmp_path / "seed-0.checkpoint")
    if kind in BODIES:
        write(found.path, BODIES[kind])
    else:
        NO_FILES[kind](found.path)
    with pytest.raises(RunError, match=r"seed-0\.checkpoint"):
        found.restore()
    kernel, _ = found.variables.values()
    assert (keras.ops.convert_to_numpy(kernel) == 0).all()


STEPS = {
    "one field more": {"more": 1},
    "too many epochs": {"epoch": 99},
    "a negative epoch": {"epoch": -1},
    "a text": {"epoch": "1"},
    "a step too many": {"step": 99},
    "a step after the end": {"epoch": 3, "step": 1, "history": {"loss": [1.0] * 3}},
    "negative seconds": {"seconds": -1.0},
    "endless seconds": {"seconds": float("inf")},
    "no history": {"history": {}},
    "a history of another length": {"history": {"loss": [1.0, 2.0]}},
    "a text in history": {"history": {"loss": ["1"]}},
    "a list for history": {"history": [1.0]},
}


@pytest.mark.attack("checkpoint")
@pytest.mark.parametrize("kind", STEPS)
def test_progress_that_no_training_makes_is_refused_by_its_file(tmp_path, kind):
    found = checkpoint(tmp_path / "seed-0.checkpoint")
    write(found.path, body(IDENTITY | {"progress": PROGRESS | STEPS[kind]}))
    training = SimpleNamespace(
        checkpoint=found, recipe=SimpleNamespace(epochs=3), steps=5, progress=None
    )
    with pytest.raises(RunError, match=r"seed-0\.checkpoint.*Delete it"):
        trainer._Training.restore(training)
    assert training.progress is None
