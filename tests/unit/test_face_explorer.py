"""The face explorer without a browser: refusals, codes and packing."""

import base64

import keras
import numpy as np
import pytest
from widget_table import page_state, unpack_picture, unpack_steps

from vaetut.models import conv_decoder
from vaetut.models.faces import faces_decoder
from vaetut.widgets.checks import LONGEST
from vaetut.widgets.face_explorer import REACH, FaceExplorer
from vaetut.widgets.packing import decode_packed
from vaetut.widgets.pictures import colours, picture_uri

RNG = np.random.default_rng(0)
N, D, SIZE, STEPS = 4, 6, 16, 5
NAMES = ("Smiling", "Age", "Eyeglasses")
CODES = 3 * RNG.normal(size=(N, D))
VECTORS = RNG.normal(size=(len(NAMES), D))
IMAGES = RNG.integers(0, 256, (N, SIZE, SIZE, 3), np.uint8)
TRUTH = RNG.integers(0, 256, (N, STEPS, SIZE, SIZE, 3), np.uint8)

keras.utils.set_random_seed(0)
DECODER = faces_decoder((SIZE, SIZE, 3), D, (4, 6))


def make(**changes):
    """Return an explorer of an untrained decoder."""
    given = {"decoder": DECODER, "codes": CODES, "vectors": VECTORS, "names": NAMES}
    given |= {"thumbnails": IMAGES, "truths": {"Age": TRUTH}}
    return FaceExplorer(**given | changes)


@pytest.fixture(scope="module")
def explorer():
    return make()


# ---- Traits and refusals


@pytest.mark.parametrize("value", [[0, 0], [0, 0, 2.1], [0, 0, np.nan], [0, 0, "1"], 1])
def test_amounts_that_do_not_fit_are_refused(explorer, value):
    mend = "give 3 numbers from -2 to 2, one each of Smiling, Age, Eyeglasses"
    with pytest.raises(ValueError, match=f"^amounts are .*: {mend}"):
        explorer.amounts = value
    assert explorer.amounts == [0, 0, 0]


def test_it_starts_where_it_is_told():
    explorer = make(face=2, amounts={"Eyeglasses": -1, "Smiling": 0.5})
    start = page_state(explorer)["start"]
    assert start == {"face": 2, "amounts": [0.5, 0, -1]}


GREY = conv_decoder((SIZE, SIZE, 1), D, (4,))
PAIR = conv_decoder((SIZE, SIZE, 2), D, (4,))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decoder": "a"}, "must be a Keras model, not str"),
        ({"decoder": PAIR}, "1 or 3 channels"),
        ({"codes": CODES[0]}, r"codes have shape \(6,\): give \(n, d\)"),
        ({"codes": CODES[:, 1:]}, r"codes have shape \(4, 5\): give \(n, 6\)"),
        ({"codes": np.ones((17, D))}, "at most 16 faces"),
        ({"codes": np.full((N, D), np.nan)}, "codes have NaN or infinity"),
        ({"vectors": VECTORS[:2]}, r"vectors .* \(2, 6\): give \(3, 6\), one each of"),
        ({"vectors": VECTORS[:, 1:]}, r"vectors .* \(3, 5\): give \(3, 6\)"),
        ({"names": ()}, "names are none: give 1 to 10"),
        ({"names": ("Age", "Age", "B")}, "each once"),
        ({"names": ("Age", " ", "B")}, "names have ' '"),
        ({"names": ("Age", 3, "B")}, "names have 3"),
        ({"thumbnails": IMAGES[1:]}, r"thumbnails has shape .*: give \(4, 16, 16, 3\)"),
        ({"thumbnails": IMAGES[:, 1:]}, r"give \(4, 16, 16, 3\)"),
        ({"thumbnails": IMAGES[..., :2]}, r"give \(4, 16, 16, 3\)"),
        ({"thumbnails": IMAGES.astype(int)}, "thumbnails is int64: give uint8, or"),
        ({"thumbnails": IMAGES / 200}, "thumbnails has values beyond 0 to 1"),
        ({"truths": {"Hats": TRUTH}}, "truths have 'Hats': choose of 'Smiling', 'Age'"),
        (
            {"truths": {"Age": TRUTH[1:]}},
            r"\['Age'\] has shape .*: give \(4, steps, 16",
        ),
        ({"truths": {"Age": TRUTH[:, :1]}}, "two steps or more"),
        ({"truths": {"Age": TRUTH[:, :, 1:]}}, r"give \(n, 16, 16, 3\)"),
        ({"truths": {"Age": IMAGES}}, r"give \(4, steps"),
        ({"amounts": {"Hats": 1}}, "amounts have 'Hats': choose of"),
        ({"amounts": {"Age": 3}}, "amounts are"),
        ({"face": -1}, "face is -1"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_a_strip_that_no_browser_decodes_is_refused():
    with pytest.raises(ValueError, match=f"n·h at most {LONGEST}"):
        colours("these", np.zeros((LONGEST // 8 + 1, 8, 1, 3), np.uint8))


# ---- Codes and images


def test_a_move_adds_attributes_to_the_code(explorer):
    amounts = np.array([1, 0, -0.5])
    code = CODES[1] + VECTORS[0] - 0.5 * VECTORS[2]
    assert explorer.move(1, amounts) == pytest.approx(code)
    logits = np.asarray(DECODER(np.stack([CODES[1], code])))
    expected = np.rint(255 / (1 + np.exp(-logits)))
    assert np.abs(explorer.decode(1, amounts) - expected).max() <= 1


def test_no_amount_is_the_reconstruction(explorer):
    plain, moved = explorer.decode(2, [0, 0, 0])
    assert np.array_equal(plain, moved)


def test_a_page_has_what_it_needs_to_decode_the_same(explorer):
    state = page_state(explorer)
    codes, vectors = state["codes"], state["vectors"]
    low, high = np.array(codes["low"]), np.array(codes["high"])
    steps = np.frombuffer(base64.b64decode(codes["data"]), "<u2").reshape(N, D)
    starts = low + steps / 65535 * (high - low)
    ways = unpack_steps(vectors, D)
    assert np.abs(starts - CODES).max() < 2e-4
    assert np.abs(ways - VECTORS).max() < 1e-4
    (network,) = state["networks"]
    for amounts in RNG.uniform(-REACH, REACH, (5, 3)):
        logits = decode_packed(network, [starts[0], starts[0] + amounts @ ways])
        drawn = 255 / (1 + np.exp(-logits))
        assert np.abs(drawn - explorer.decode(0, amounts)).max() <= 1


def test_pictures_come_back(explorer):
    state = page_state(explorer)
    original = unpack_picture(state["thumbnails"]).reshape(IMAGES.shape)
    assert np.array_equal(original, IMAGES)
    truth = state["truths"]["Age"]
    assert truth["steps"] == STEPS
    assert unpack_picture(truth["strip"]).reshape(TRUTH.shape).shape == TRUTH.shape
    assert list(state["truths"]) == ["Age"]


def test_a_strip_is_a_jpeg_where_that_is_smaller():
    y, x = np.mgrid[:48, :48] / 48
    smooth = np.stack([x, y, x * y], axis=2)
    noise = 0.05 * RNG.normal(size=(8, 48, 48, 1))
    photos = np.rint(255 * np.clip(smooth + noise, 0, 1)).astype(np.uint8)
    assert picture_uri(photos).startswith("data:image/jpeg;base64,")
    assert picture_uri(photos, lossless=True).startswith("data:image/png;base64,")
    shown = unpack_picture(picture_uri(photos)).reshape(photos.shape)
    assert np.abs(shown - photos.astype(int)).mean() < 4
    flat = np.zeros((8, 48, 48, 3), np.uint8)
    assert picture_uri(flat).startswith("data:image/png;base64,")


def test_grey_faces_and_floats_are_faces_too():
    truth = np.float32(TRUTH[..., :1] / 255)
    explorer = make(decoder=GREY, thumbnails=IMAGES[..., :1], truths={"Age": truth})
    assert explorer.thumbnails.shape == IMAGES.shape
    assert np.array_equal(explorer.truths["Age"][..., 2], TRUTH[..., 0])
    assert explorer.decode(0, [1, 1, 1]).shape == (2, SIZE, SIZE, 1)
    assert explorer.still_png()


def test_without_pictures_it_goes_as_well():
    explorer = make(thumbnails=None, truths=None)
    state = page_state(explorer)
    assert state["thumbnails"] is None and state["truths"] == {}
    assert "reconstruction, Smiling +2.0" in explorer.alt
    assert explorer.still_png()


# ---- What the kernel answers


def test_the_kernel_answers_with_two_images(explorer, monkeypatch):
    sent = []
    monkeypatch.setattr(explorer, "send", lambda *a, **k: sent.append((*a, k)))
    wish = {"face": 1, "amounts": [0, 1.5, 0]}
    explorer._handle_custom_msg({"kind": "decode", "number": 7, "wish": wish}, [])
    (answer, options), *rest = sent
    assert not rest and answer["kind"] == "images" and answer["number"] == 7
    expected = [image.tobytes() for image in explorer.decode(**wish)]
    assert options["buffers"] == expected


def test_the_kernel_says_what_went_wrong(explorer, monkeypatch):
    sent = []
    monkeypatch.setattr(explorer, "send", lambda *a, **k: sent.append(a[0]))
    message = {"kind": "decode", "number": 1, "wish": {"face": 99, "amounts": [0] * 3}}
    with pytest.raises(IndexError):
        explorer._answer(None, message, [])
    assert sent[0]["kind"] == "error" and "IndexError" in sent[0]["text"]


# ---- HTML


def test_the_alt_says_what_is_moved():
    assert "Face 1 of 4: original, reconstruction, Smiling +2.0, Age" in make().alt
    moved = make(face=2, amounts={"Age": -1.5, "Smiling": 1})
    words = "Face 3 of 4: original, reconstruction, Smiling +1.0, Age −1.5. "
    assert moved.alt.startswith(words)
    assert moved.still_png()
