"""The latent explorer without a browser: packing, refusals and what a page gets."""

import base64
import json

import keras
import numpy as np
import pytest
from keras import layers
from widget_table import page_state

from vaetut.models import conv_decoder
from vaetut.widgets import LatentExplorer, Panel
from vaetut.widgets.latent_explorer import decode, quantise
from vaetut.widgets.packing import decode_packed, pack_decoder

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(60, 2))
LABELS = np.arange(60) % 3


def chain(*stack, d=2):
    """Return a built model of the layers with random weights that float16 holds."""
    model = keras.Sequential([keras.Input((d,)), *stack])
    for weight in model.weights:
        values = RNG.normal(scale=0.5, size=weight.shape)
        if "variance" in weight.path:
            values = np.abs(values) + 0.5
        weight.assign(values.astype(np.float16).astype(np.float32))
    return model


def dense(shape, **options):
    return [layers.Dense(int(np.prod(shape)), **options), layers.Reshape(shape)]


small = conv_decoder((8, 8, 1), 2, filters=(4, 6))


# ---- Packing


STACKS = {
    "the course's": lambda: [
        *dense((2, 3, 5), activation="relu"),
        layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(1, 3, padding="same"),
    ],
    "same, any kernel and stride": lambda: [
        *dense((3, 4, 2), use_bias=False),
        layers.Conv2DTranspose(3, (4, 5), strides=(3, 2), padding="same"),
        layers.Conv2DTranspose(2, 2, strides=3, padding="same", activation="tanh"),
        layers.Conv2D(3, (4, 3), strides=(2, 3), padding="same"),
    ],
    "valid": lambda: [
        *dense((3, 3, 2), activation="elu"),
        layers.Conv2DTranspose(3, 4, strides=2, activation="leaky_relu"),
        layers.Conv2D(2, 3, strides=2, activation="swish"),
        layers.Conv2DTranspose(1, 2, strides=3),
    ],
    "upsampling": lambda: [
        *dense((3, 2, 2), activation="softplus"),
        layers.UpSampling2D((2, 3)),
        layers.ReLU(),
        layers.Conv2D(3, 5, padding="same", activation="sigmoid"),
        layers.Dense(1),
    ],
    "normalised": lambda: [
        layers.Dense(12),
        layers.Reshape((2, 2, 3)),
        layers.BatchNormalization(),  # folds through the Reshape
        layers.LeakyReLU(0.1),
        layers.BatchNormalization(),  # after an activation: stays
        layers.Activation("tanh"),
        layers.Conv2DTranspose(1, 3, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(scale=False),
        layers.Dropout(0.5),
    ],
}


@pytest.mark.parametrize("stack", STACKS)
def test_a_packed_decoder_gives_what_keras_gives(stack):
    model = chain(*STACKS[stack]())
    packed = json.loads(json.dumps(pack_decoder(model)))
    got = decode_packed(packed, CODES)
    expected = np.asarray(model.predict(CODES, verbose=0))
    # Folding makes weights that float16 must round again.
    rounding = 5e-3 if stack == "normalised" else 1e-5
    scale = np.abs(expected).max()
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() < rounding * scale


def test_functional_and_nested_models_are_chains_too():
    codes = keras.Input((2,))
    nested = keras.Model(codes, small(layers.Dense(2, activation="tanh")(codes)))
    got = decode_packed(pack_decoder(nested), CODES)
    expected = np.asarray(nested.predict(CODES, verbose=0))
    assert np.abs(got - expected).max() < 1e-2 * np.abs(expected).max()


def test_a_last_sigmoid_is_left_to_the_page():
    logits = chain(*dense((2, 2, 1)))
    images = keras.Sequential([*logits.layers, layers.Activation("sigmoid")])
    images.build((None, 2))
    assert pack_decoder(images)["operations"] == pack_decoder(logits)["operations"]
    drawn = [Panel(model).draw(CODES) for model in (images, logits)]
    assert np.array_equal(*drawn)


def test_weights_are_half_the_size():
    packed = pack_decoder(small)
    assert len(base64.b64decode(packed["weights"])) == 2 * small.count_params()


# ---- Refusals


def two_inputs():
    a, b = keras.Input((2,)), keras.Input((2,))
    x = layers.Reshape((2, 2, 1))(layers.Concatenate()([a, b]))
    return keras.Model([a, b], x)


def branched():
    codes = keras.Input((2,))
    x = layers.Dense(4, name="left")(codes)
    x = layers.Add(name="sum")([x, layers.Dense(4)(codes)])
    return keras.Model(codes, layers.Reshape((2, 2, 1))(x))


def poisoned():
    model = conv_decoder((8, 8, 1), 2, filters=(4,))
    model.get_layer("up_1").bias.assign([0, np.nan, 0, 0])
    return model


def enormous():
    model = conv_decoder((8, 8, 1), 2, filters=(4,))
    model.get_layer("dense").bias.assign(np.full(64, 1e6))
    return model


class Subclass(keras.Model):
    """A model of which no layer can be seen."""

    def call(self, codes):
        return codes


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: "decoder", "must be a Keras model, not str"),
        (Subclass, "build it with keras.Sequential"),
        (two_inputs, "2 inputs"),
        (branched, "'(sum|dense.*|left)'.* without branches"),
        (lambda: chain(*dense((4, 1, 2))), "1 or 3 channels"),
        (lambda: chain(layers.Dense(4)), r"\(n, height, width, channels\)"),
        (poisoned, "'up_1' has NaN .*bias"),
        (enormous, "'dense' .* 65504"),
        (
            lambda: chain(*dense((2, 2, 1)), layers.UnitNormalization(name="unit")),
            r"'unit' \(UnitNormalization\) is not supported: use Dense",
        ),
        (
            lambda: chain(*dense((2, 2, 1)), layers.DepthwiseConv2D(1, name="deep")),
            r"'deep' \(DepthwiseConv2D\) is not supported",
        ),
        (
            lambda: chain(*dense((2, 2, 1), activation="gelu", name="bent")),
            "'bent'.* activation 'gelu'",
        ),
        (lambda: chain(*dense((2, 2, 1)), layers.ReLU(6, name="cut")), "'cut'"),
        (
            lambda: chain(
                *dense((2, 2, 1)),
                layers.UpSampling2D(interpolation="bilinear", name="smooth"),
            ),
            "'smooth'.* interpolation='nearest'",
        ),
        (
            lambda: chain(
                *dense((4, 4, 1)), layers.Conv2D(1, 2, dilation_rate=2, name="wide")
            ),
            "'wide'.* dilated",
        ),
    ],
)
def test_a_decoder_that_no_page_can_run_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        LatentExplorer(make())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"codes": RNG.normal(size=(60, 3))}, r"codes must have shape \(n, 2\)"),
        ({"codes": np.full((3, 2), np.nan)}, "codes hold NaN"),
        ({"codes": np.zeros((3, 2))}, "limits .* no width"),
        ({"limits": 0}, "limits .* no width"),
        ({"limits": (2, -2)}, "limits .* no width"),
        ({"limits": np.ones((3, 2))}, "limits must be"),
        ({"limits": np.inf}, "limits"),
        ({"labels": LABELS}, "labels .* no codes"),
        ({"codes": CODES, "labels": LABELS[1:]}, "labels have shape"),
        ({"codes": CODES, "labels": LABELS / 2}, "call them values"),
        ({"codes": CODES, "labels": LABELS, "class_names": ["a"]}, "class_names"),
        ({"codes": CODES, "values": np.full(60, np.nan)}, "values hold NaN"),
        ({"nearest": 3}, "pair"),
        ({"nearest": (np.zeros((2, 8, 8, 1)), np.zeros((2, 2)))}, "uint8"),
        ({"nearest": (np.zeros((2, 9, 8, 1), np.uint8), np.zeros((2, 2)))}, "uint8"),
        ({"path": CODES[:1]}, "path has one point"),
        ({"path": np.zeros((4, 3))}, "path must have shape"),
        ({"seconds": 0}, "seconds must be positive"),
        ({"dimensions": [2]}, "dimensions must be"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LatentExplorer(small, **arguments)


def test_bad_panels_are_refused():
    with pytest.raises(ValueError, match=r"latent dimensions \[2, 3\]"):
        LatentExplorer([Panel(small), Panel(conv_decoder((8, 8, 1), 3))])
    with pytest.raises(ValueError, match="at least one Panel"):
        LatentExplorer([])
    with pytest.raises(ValueError, match=r"codes, limits: .* each Panel"):
        LatentExplorer([Panel(small)], CODES, limits=2)


# ---- Places and codes


def test_panels_share_a_position_each_within_its_limits():
    near, far = Panel(small, limits=1), Panel(small, limits=((0, 10), (-20, 0)))
    assert near.code([0.5, 1]).tolist() == [0, 1]
    assert far.code([0.5, 1]).tolist() == [5, 0]
    codes = RNG.normal(size=(5, 2))
    assert far.code(far.position(codes)) == pytest.approx(codes)
    images = decode([near, far], [0.5, 1])
    assert np.array_equal(images[0], near.draw([[0, 1]])[0])
    assert np.array_equal(images[1], far.draw([[5, 0]])[0])


@pytest.mark.parametrize("position", [[0.5], [0.5, 1.1], [np.nan, 0], [[0.5, 0.5]]])
def test_positions_outside_are_refused(position):
    with pytest.raises(ValueError, match="position must be 2 numbers"):
        decode([Panel(small)], position)


def test_limits_without_any_hold_nearly_the_whole_cloud():
    low, high = Panel(small, CODES).limits.T
    assert ((low <= CODES) & (high >= CODES)).all(1).mean() > 0.95
    assert Panel(small).limits.tolist() == [[-3, 3], [-3, 3]]


def test_quantised_codes_come_back():
    codes = np.column_stack([CODES, np.full(60, 7.0)])
    packed = quantise(codes)
    steps = np.frombuffer(base64.b64decode(packed["data"]), "<u2").reshape(-1, 3)
    low, high = np.array(packed["low"]), np.array(packed["high"])
    error = np.abs(low + steps / 65535 * (high - low) - codes).max(0)
    assert (error <= (high - low) / 131000).all()


def test_the_default_path_is_closed_and_inside():
    path = np.array(LatentExplorer(small, CODES).state["path"])
    assert path[0].tolist() == path[-1].tolist()
    assert ((path >= 0) & (path <= 1)).all() and np.ptp(path, axis=0).min() > 0.1
    open_path = LatentExplorer(small, path=[[0, 0], [3, 3], [9, 9]]).state
    assert not open_path["closed"] and open_path["path"][-1] == [1, 1]


def test_the_alt_says_what_is_there():
    alt = LatentExplorer(small, CODES, labels=LABELS).alt
    assert "60 codes of 3 classes" in alt and "z = (" in alt


def test_many_dimensions_get_sixteen_sliders():
    wide = conv_decoder((8, 8, 3), 40, filters=(4,))
    assert len(LatentExplorer(wide).state["sliders"]) == 16
    chosen = LatentExplorer(wide, dimensions=[39, 4]).state["sliders"]
    assert [s["name"] for s in chosen] == ["z₄₀", "z₅"]


# ---- What the kernel answers


def test_the_kernel_answers_with_images(monkeypatch):
    explorer, sent = LatentExplorer([Panel(small), Panel(small, limits=1)]), []
    monkeypatch.setattr(explorer, "send", lambda *a, **k: sent.append((*a, k)))
    message = {"kind": "decode", "number": 7, "wish": {"position": [0.25, 1.0]}}
    explorer._handle_custom_msg(message, [])
    (answer, options), *rest = sent
    assert not rest and answer["kind"] == "images" and answer["number"] == 7
    for got, expected in zip(
        options["buffers"], explorer.decode([0.25, 1.0]), strict=True
    ):
        assert got == expected.tobytes()
    assert explorer.position.tolist() == [0.25, 1.0]


def test_the_kernel_says_what_went_wrong(monkeypatch):
    explorer, sent = LatentExplorer(small), []
    monkeypatch.setattr(explorer, "send", lambda *a, **k: sent.append(a[0]))
    asked = {"kind": "decode", "number": 1, "wish": {"position": [2, 0]}}
    with pytest.raises(ValueError, match="position"):
        explorer._answer(None, asked, [])
    assert sent[0]["kind"] == "error" and "position must be" in sent[0]["text"]


# ---- What a page gets


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_dimension_and_colour_makes_html(d, channels):
    decoder = conv_decoder((8, 12, channels), d, filters=(4,))
    codes = RNG.normal(size=(30, d))
    explorer = LatentExplorer(decoder, codes, values=codes[:, 0], values_name="angle")
    assert explorer.still_png()
    assert page_state(explorer)["panels"][0]["image"] == [8, 12, channels]


def test_a_page_carries_little():
    decoder = conv_decoder((32, 32, 1), 2)
    many = RNG.normal(size=(5000, 2))
    images = RNG.integers(0, 255, (700, 32, 32, 1), np.uint8)
    pair = (images, many[:700])
    panel = Panel(decoder, many, labels=np.arange(5000) % 10, nearest=pair)
    assert len(base64.b64decode(panel.packed["weights"])) <= 500_000
    state = LatentExplorer([panel, panel]).state
    assert len(state["sheets"]) == 1
    assert len(base64.b64decode(state["panels"][0]["cloud"]["data"])) == 2000 * 2 * 2
    assert state["panels"][0]["nearest"] == "nearest of 500 images"
