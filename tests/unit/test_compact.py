"""The networks for strokes: what every decoder promises, and layers in closed form."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import expit

from vaetut.datasets import polar
from vaetut.measures.strokes import ink_threshold
from vaetut.models import NETWORKS, VAE, compact
from vaetut.models.networks import macs
from vaetut.training import backends

COMPACT = [
    n for n, (encoder, _) in NETWORKS.items() if encoder is compact.compact_encoder
]
CODES = np.random.default_rng(0).normal(size=(3, 3)).astype("float32")
KNOTS = 128
KNOT_ANGLES = -np.pi + 2 * np.pi * np.arange(KNOTS) / KNOTS
CURVES = [(0.5, 0.0), (2.0, 0.0), (1.25, 1.0), (0.5, 2.0), (2.0, 2.0)]


def number(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


def decoder(name, side=64, **options):
    return NETWORKS[name][1]((side, side, 1), 3, **options)


def shaken(network, scale=1.0):
    """Return a network with random weights, none of them zero."""
    rng = np.random.default_rng(1)
    for weight in network.weights:
        spread = scale / np.sqrt(np.prod(weight.shape[:-1]))
        weight.assign(rng.normal(0, spread, weight.shape).astype("float32"))
    return network


# ---- Every network


@pytest.mark.parametrize("name", COMPACT)
@pytest.mark.parametrize("side", [64, 128])
def test_a_decoder_draws_logits_of_a_blank_image_to_begin_with(name, side):
    keras.utils.set_random_seed(0)
    logits = number(decoder(name, side)(CODES))
    assert logits.shape == (3, side, side, 1)
    assert np.isfinite(logits).all() and np.median(logits) < -2


@pytest.mark.parametrize("name", COMPACT)
@pytest.mark.parametrize(
    "shape", [(64, 128, 1), (64, 64, 3), (96, 96, 1), (32, 32, 1)], ids=str
)
def test_images_that_no_compact_network_draws_are_refused(name, shape):
    for builder in NETWORKS[name]:
        with pytest.raises(ValueError, match=f"not {'×'.join(map(str, shape))}: res"):
            builder(shape, 3)


@pytest.mark.parametrize("side", [64, 128, 256])
def test_the_encoder_halves_down_to_eight_by_eight(side):
    encoder = compact.compact_encoder((side, side, 1), 3)
    assert encoder.get_layer("flatten").input.shape[1:] == (8, 8, 64)
    assert encoder.output_shape == (None, 3)
    both = compact.compact_encoder((side, side, 1), 3, heads=("mean", "log_var"))
    assert [tuple(o.shape) for o in both.outputs] == [(None, 3)] * 2


@pytest.mark.parametrize("name", COMPACT)
def test_gradients_reach_every_weight(name):
    images = polar.draw([[1.0, 0.5], [1.5, 1.5]], 64)
    networks = [shaken(build((64, 64, 1), 3)) for build in NETWORKS[name]]
    model = VAE(*networks, posterior_sd=0.1)
    model.compile(keras.optimizers.SGD(1e-1), jit_compile=False, run_eagerly=True)
    before = [number(weight) for weight in model.trainable_weights]
    model.fit(images, batch_size=2, verbose=0)
    still = [
        weight.path
        for weight, was in zip(model.trainable_weights, before, strict=True)
        if (number(weight) == was).all()
    ]
    assert not still and len(before) > 10


@pytest.mark.parametrize("name", COMPACT)
def test_a_decoder_comes_back_from_its_config(name):
    network = shaken(decoder(name))
    config = keras.saving.serialize_keras_object(network)
    again = keras.saving.deserialize_keras_object(config)
    again.set_weights(network.get_weights())
    np.testing.assert_array_equal(number(again(CODES)), number(network(CODES)))


@pytest.mark.parametrize("name", COMPACT)
def test_a_decoder_computes_in_bfloat16_about_the_same(name):
    network = shaken(decoder(name), 0.5)
    with backends.layers_in("bfloat16"):
        half = decoder(name)
    assert all(weight.dtype == "float32" for weight in half.weights)
    half.set_weights(network.get_weights())
    found, expected = number(half(CODES)), number(network(CODES))
    assert np.isfinite(found).all() and (found != expected).any()
    np.testing.assert_allclose(found, expected, atol=0.1 * np.ptp(expected))


def test_the_stroke_is_laid_in_float32_whatever_the_rest_computes_in():
    with backends.layers_in("bfloat16"):
        network = decoder("contour")
    assert network(CODES).dtype == "float32"
    assert network.get_layer("stroke").compute_dtype == "float32"
    assert network.get_layer("dense_1").compute_dtype == "bfloat16"


def test_macs_of_the_contour_decoder_are_those_counted_by_hand():
    dense = 3 * 256 + 256 * 256 + 256 * KNOTS
    samples, pixels = 6 * 64, 64 * 64
    stroke = KNOTS * samples + 2 * samples * pixels + samples // 8 * pixels
    pens = pixels * (3 + 3 * 16 + 16)
    assert macs(decoder("contour")) == dense + stroke + pens


def test_macs_of_the_fourier_decoder_count_every_pixel():
    dense = 3 * 128 + 128 * 128 + 4 * 128 * 48
    assert macs(decoder("fourier")) == dense + 32 * 32 * (64 * 48 + 48 * 48 + 48 * 4)


def test_normalization_can_be_chosen():
    plain, normalized = (decoder("transposed", normalization=n) for n in (False, True))
    kinds = [type(layer).__name__ for layer in normalized.layers]
    assert kinds.count("BatchNormalization") == kinds.count("Conv2DTranspose") == 1
    assert normalized.count_params() - plain.count_params() == 4 * compact.WIDTHS[0]
    assert macs(plain) == macs(normalized)


# ---- Coordinates, DepthToSpace, FourierFeatures, Modulation


def test_coordinates_are_appended_from_minus_one_to_one():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype("float32")
    found = number(compact.Coordinates()(x))
    assert found.shape == compact.Coordinates().compute_output_shape(x.shape)
    np.testing.assert_array_equal(found[..., :4], x)
    across, down = [-1, -0.5, 0, 0.5, 1], np.array([[-1], [0], [1]])
    for image in found:
        np.testing.assert_allclose(image[..., 4], np.broadcast_to(across, (3, 5)))
        np.testing.assert_allclose(image[..., 5], np.broadcast_to(down, (3, 5)))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_channels_become_the_pixels_of_a_block(size):
    x = np.random.default_rng(0).normal(size=(2, 4, 5, size**2)).astype("float32")
    layer = compact.DepthToSpace(size)
    found = number(layer(x))
    assert found.shape == layer.compute_output_shape(x.shape)
    assert found.shape == (2, 4 * size, 5 * size, 1)
    for row, column in np.ndindex(4 * size, 5 * size):
        channel = row % size * size + column % size
        expected = x[:, row // size, column // size, channel]
        np.testing.assert_array_equal(found[:, row, column, 0], expected)


def test_channels_that_make_no_block_are_refused():
    with pytest.raises(Exception, match=r"(?i)reshape|size|shape"):
        compact.DepthToSpace(2)(np.zeros((1, 4, 4, 3), "float32"))


def test_fourier_features_are_sines_and_cosines_of_the_place():
    layer = compact.FourierFeatures(6, 5)
    found = number(layer(CODES))
    assert found.shape == layer.compute_output_shape(CODES.shape) == (3, 36, 10)
    np.testing.assert_array_equal(found, np.broadcast_to(found[:1], found.shape))
    np.testing.assert_allclose(found[..., :5] ** 2 + found[..., 5:] ** 2, 1, rtol=1e-5)
    # A rotation between neighbours is the same all over the grid: they are linear
    # in x and y before the sine.
    phases = (found[0, :, 5:] + 1j * found[0, :, :5]).reshape(6, 6, 5)
    for turns in (phases[1:] / phases[:-1], phases[:, 1:] / phases[:, :-1]):
        np.testing.assert_allclose(
            turns, np.broadcast_to(turns[0, 0], turns.shape), atol=1e-5
        )
    again = number(compact.FourierFeatures(6, 5)(CODES + 1))
    np.testing.assert_array_equal(again, found)  # drawn once and for all
    assert not layer.trainable_weights


def test_modulation_scales_shifts_and_bends():
    rng = np.random.default_rng(0)
    x, scale, shift = (
        rng.normal(size=shape).astype("float32")
        for shape in ((2, 7, 4), (2, 4), (2, 4))
    )
    moved = x * (1 + scale[:, None]) + shift[:, None]
    found = number(compact.Modulation()([x, scale, shift]))
    np.testing.assert_allclose(found, moved * expit(moved), rtol=1e-5, atol=1e-6)


# ---- The interpolation and the stroke


@pytest.mark.parametrize("knots", [32, 128])
def test_the_interpolation_is_exact_at_its_knots_and_for_a_circle(knots):
    at_knots = compact._interpolation(knots, KNOT_ANGLES[:: KNOTS // knots])
    np.testing.assert_allclose(at_knots, np.eye(knots), atol=1e-6)
    anywhere = compact._interpolation(knots, np.linspace(-np.pi, np.pi, 777))
    np.testing.assert_allclose(anywhere.sum(0), 1, atol=1e-6)


@pytest.mark.parametrize(("knots", "error"), [(64, 3e-3), (128, 3e-4), (256, 4e-5)])
def test_the_interpolation_follows_five_petals(knots, error):
    angles = np.linspace(-np.pi, np.pi, 1001, endpoint=False)
    knot_angles = -np.pi + 2 * np.pi * np.arange(knots) / knots
    found = np.cos(5 * knot_angles) @ compact._interpolation(knots, angles)
    assert np.abs(found - np.cos(5 * angles)).max() < error


def test_the_interpolation_goes_around():
    radius = np.zeros(16)
    radius[0] = 1.0  # at −π, which is π
    near = -np.pi + np.array([0.1, -0.1])
    left, right = radius @ compact._interpolation(16, near)
    assert left == pytest.approx(right, abs=1e-6) and left > 0.8


def stroke(radius, side=64):
    return number(compact.Stroke(side)(np.asarray(radius, "float32")))


def radii(a, b):
    return polar.curve(a, b, KNOT_ANGLES)[None].astype("float32")


@pytest.mark.parametrize("side", [64, 128])
def test_the_densest_pixels_are_those_of_the_drawn_stroke(side):
    for a, b in CURVES:
        lit = polar.draw([[a, b]], side)[0, ..., 0] / 255 > ink_threshold(side)
        density = stroke(radii(a, b), side)[0, ..., 0]
        densest = density >= np.sort(density.ravel())[-np.count_nonzero(lit)]
        assert (lit & densest).sum() > 0.9 * (lit | densest).sum(), (a, b)


def test_the_three_densities_are_one_line_blurred_more_and_more():
    """On a line far from others the densities are about 1, beside it their bells."""
    side, limit = 64, 4.0
    # Half a pixel off, so that the circle crosses the axes at centres of pixels.
    pixels = side / (2 * limit)
    found = stroke(np.full((1, KNOTS), 12.5 / pixels), side)[0]
    assert (
        found.shape
        == (side, side, 3)
        == compact.Stroke(side).compute_output_shape((1, KNOTS))[1:]
    )
    fine, wide = np.exp(found[32, 32:, :2]).T  # from the centre to the right
    # The circle's own curvature and the row's offset by half a pixel move a per cent.
    for density, blur in ((fine, 0.5), (wide, 0.5 * np.sqrt(3))):
        away = np.arange(32) + 0.5 - 12.5
        expected = np.exp(-(away**2) / (2 * blur**2))
        np.testing.assert_allclose(density, expected, atol=0.04)
    assert (np.diff(found[32, 45:, 2]) < 0).all()  # seen from afar, it falls on


def test_a_negative_radius_points_the_other_way():
    radius = 1.5 + np.random.default_rng(0).normal(0, 0.2, (1, KNOTS))
    turned = np.roll(-radius, KNOTS // 2, axis=1)
    np.testing.assert_allclose(stroke(turned), stroke(radius), atol=2e-3)
    assert np.abs(stroke(-radius) - stroke(radius)).max() > 1


@pytest.mark.parametrize(
    ("angle", "down", "right"),
    [(-np.pi, 0, -1), (-np.pi / 2, 1, 0), (0.0, 0, 1), (np.pi / 2, -1, 0)],
)
def test_angles_turn_counterclockwise_from_the_left(angle, down, right):
    """A bump is seen where its angle points, in an image whose rows run downwards."""
    radius = np.full((1, KNOTS), 0.5)
    knot = round((angle + np.pi) / (2 * np.pi) * KNOTS)
    radius[0, (knot + np.arange(-2, 3)) % KNOTS] = 3.0
    density = np.exp(stroke(radius)[0, ..., 0])
    axis = np.arange(64) + 0.5 - 32
    far = np.where(np.hypot(axis[:, None], axis) > 12, density, 0)
    centre = np.array([far.sum(1) @ axis, far.sum(0) @ axis]) / far.sum()
    np.testing.assert_allclose(centre, 18 * np.array([down, right]), atol=3)


def test_a_line_beyond_the_canvas_or_without_length_stays_finite():
    for radius in (0.0, 100.0, -100.0):
        found = stroke(np.full((1, KNOTS), radius))
        assert np.isfinite(found).all()
    assert found.max() == pytest.approx(np.log(compact.Stroke.FAINT), rel=1e-3)


@pytest.fixture(scope="module")
def pen():
    """Return a function from radii (n, knots) to the logits of an untrained decoder."""
    network = decoder("contour")
    layer = network.get_layer("radius")
    layer.kernel.assign(np.zeros(layer.kernel.shape))

    def draw(radius):
        layer.bias.assign(np.asarray(radius, "float32").ravel())
        return number(network(CODES[:1]))

    return draw


def nats(images, logits):
    return np.sum(np.logaddexp(0, logits.astype(float)) - images / 255 * logits)


def test_the_first_pen_draws_what_the_course_draws(pen):
    for a, b in CURVES:
        drawn, image = expit(pen(radii(a, b))), polar.draw([[a, b]], 64)
        assert np.corrcoef(drawn.ravel(), image.ravel())[0, 1] > 0.9, (a, b)
        assert drawn[image == 0].mean() < 0.01
    other = polar.draw([[1.25, 0.5]], 64)
    assert np.corrcoef(drawn.ravel(), other.ravel())[0, 1] < 0.3


def test_a_fresh_decoder_draws_a_circle_between_the_least_and_the_largest():
    keras.utils.set_random_seed(0)
    drawn = expit(number(decoder("contour")(0 * CODES[:1])))
    circle = polar.draw([[1.25, 0.0]], 64)
    assert np.corrcoef(drawn.ravel(), circle.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("true", [0.4, 0.9, 1.6, 2.5, 3.2])
def test_a_circle_is_pulled_towards_the_true_one_from_anywhere(pen, true):
    image = polar.draw([[true, 0.0]], 64)
    way = np.linspace(1.25, true, 9)
    found = [nats(image, pen(np.full(KNOTS, radius))) for radius in way]
    assert (np.diff(found) < 0).all(), found


def test_one_knot_is_pulled_back_to_the_stroke(pen):
    image, radius = polar.draw([[1.5, 0.5]], 64), radii(1.5, 0.5)[0]
    for off in (-0.6, -0.3, 0.3, 0.6):
        moved, back = radius.copy(), radius.copy()
        moved[20:24] += off
        back[20:24] += 0.9 * off
        assert nats(image, pen(back)) < nats(image, pen(moved)), off
        assert nats(image, pen(radius)) < nats(image, pen(back)), off


def test_the_optimizer_lays_the_line_on_the_stroke():
    """From a circle to five petals, by gradients through the pen and the stroke."""
    a, b = 1.6, 0.4
    image = polar.draw([[a, b]], 64)
    network = decoder("contour")
    layer = network.get_layer("radius")
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    for other in network.layers:
        other.trainable = other is layer
    network.compile(
        keras.optimizers.Adam(0.05),
        keras.losses.BinaryCrossentropy(from_logits=True),
        loss_weights=64.0 * 64.0,
        jit_compile=False,
    )
    pairs = [np.repeat(x, 80, 0) for x in (0 * CODES[:1], np.float32(image / 255))]
    before = nats(image, number(network(0 * CODES[:1])))
    network.fit(*pairs, batch_size=1, verbose=0)
    error = np.abs(number(layer.bias) - radii(a, b)[0])
    assert np.median(error) < 0.06 and nats(image, number(network(CODES[:1]))) < before
