"""The reference of the zero-shot posts: its counts, its layers, its loss's units."""

import keras
import numpy as np
import pytest
from keras import ops

from vaetut.models import NETWORKS, gaussian_kl, reference
from vaetut.models.networks import macs
from vaetut.recipes import get_recipe
from vaetut.recipes.catalogue import polar_beta

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def published():
    """The encoder and the decoder as the recipe at full scale has them."""
    keras.utils.set_random_seed(0)
    recipe = get_recipe("polar-reference", "full")
    size = {"latent_dim": recipe.latent_dim, "filters": recipe.filters}
    return [build((256, 256, 1), **size) for build in NETWORKS[recipe.network]]


def test_parameter_counts_of_the_source(published):
    encoder, decoder = (network.count_params() for network in published)
    assert (encoder, decoder, encoder + decoder) == (345_411, 204_545, 549_956)


def test_operations_of_one_image(published):
    encoder = 9 * (254**2 * 64 + 125**2 * 64**2 + 61**2 * 64 * 128 + 29**2 * 128**2)
    assert macs(published[0]) == encoder + 28_800 * 3
    ups = 9 * (64**2 * 16 * 64 + 128**2 * 64 * 64 + 256**2 * 64 * 128)
    mixing = 256**2 * (128 * 256 + 256)
    assert macs(published[1]) == 3 * 16_384 + ups + mixing
    assert sum(map(macs, published)) / 1e9 == pytest.approx(8.65, abs=5e-3)


def test_the_layers_are_those_published(published):
    def sides(network, kind):
        return [
            tuple(layer.output.shape[2:])
            for layer in network.layers
            if type(layer).__name__ == kind
        ]

    encoder, decoder = published
    assert sides(encoder, "Conv2D") == [(254, 64), (125, 64), (61, 128), (29, 128)]
    pooled = [(127, 64), (63, 64), (31, 128), (15, 128)]
    assert sides(encoder, "MaxPooling2D") == pooled
    assert encoder.get_layer("flatten").output.shape[1] == 28_800
    dense = decoder.get_layer("dense")
    assert dense.units == 16_384 and not dense.use_bias
    ups = [(64, 64), (128, 64), (256, 128), (256, 256), (256, 1)]
    assert sides(decoder, "Conv2DTranspose") == ups
    assert len(sides(decoder, "BatchNormalization")) == 4
    assert decoder.get_layer("logits").activation is keras.activations.linear


def test_kernels_are_normal_with_the_published_deviation(published):
    kernels = [
        ops.convert_to_numpy(layer.kernel)
        for network in published
        for layer in network.layers
        if hasattr(layer, "kernel") and layer.name != "dense"
    ]
    assert len(kernels) == 10
    for kernel in kernels:
        assert abs(kernel.mean()) < 5 * 0.05 / np.sqrt(kernel.size)
        assert kernel.std() == pytest.approx(0.05, rel=4 / np.sqrt(2 * kernel.size))
    # One initializer for all layers would give all of them the same beginning.
    up_1, up_2 = (kernels[k].ravel()[:100] for k in (5, 6))
    assert (up_1 != up_2).any()


@pytest.mark.parametrize("scale", ["full", "laptop", "smoke"])
def test_the_recipe_is_the_references_training(scale):
    recipe = get_recipe("polar-reference", scale)
    assert recipe.dataset.startswith("polar-reference")
    assert recipe.learning_rate == 1e-4 and recipe.schedule == "constant"
    assert recipe.posterior_sd == 0.1 and recipe.latent_dim == 3
    assert not recipe.shuffle and recipe.sample_weights == "b-batch"
    if scale == "full":
        assert (recipe.epochs, recipe.batch_size) == (30, 8)
    else:
        assert recipe.dataset == "polar-reference-64-punctured"


@pytest.mark.parametrize("size", [64, 256])
def test_beta_is_the_sources_weight_in_our_unit(size):
    """Mean BCE + w · mean(μ² + σ² − log σ² − 1) is (sum BCE + β·KL) / pixels."""
    weight, bce = 8e-3, RNG.uniform(0, 0.1, 6)  # a pixel
    mean, log_var = RNG.normal(size=(2, 6, 3)).astype("float32")
    source = bce + weight * (mean**2 + np.exp(log_var) - log_var - 1).mean(axis=1)
    kl = ops.convert_to_numpy(gaussian_kl(mean, log_var))
    ours = size**2 * bce + polar_beta(size, weight) * kl
    np.testing.assert_allclose(ours / size**2, source, rtol=1e-5)
    scale = {64: "laptop", 256: "full"}[size]
    assert get_recipe("polar-reference", scale).beta == polar_beta(size, weight)


def test_the_decoder_ends_in_logits():
    _, decoder = NETWORKS["reference"]
    network = decoder((64, 64, 1), 3, filters=(4, 4, 8, 8))
    logits = ops.convert_to_numpy(network(RNG.normal(size=(5, 3)) * 100))
    assert logits.shape == (5, 64, 64, 1) and logits.min() < 0 < logits.max()


def test_normalization_can_be_left_out():
    size = {"latent_dim": 3, "filters": (4, 4, 8, 8)}
    kept, without = (
        reference.reference_decoder((64, 64, 1), normalization=n, **size)
        for n in (True, False)
    )
    assert kept.count_params() - without.count_params() == 4 * (4 + 4 + 8 + 16)
    assert macs(kept) == macs(without)


@pytest.mark.parametrize("shape", [(60, 64, 1), (64, 100, 1)])
def test_sides_that_no_three_doublings_reach_are_refused(shape):
    with pytest.raises(ValueError, match=f"multiples of 8, not {shape[0]}×{shape[1]}"):
        reference.reference_decoder(shape, 3)


@pytest.mark.parametrize("which", [0, 1])
def test_a_network_comes_back_from_its_config(which):
    network = NETWORKS["reference"][which]((64, 64, 1), 3, filters=(4, 4, 8, 8))
    config = keras.saving.serialize_keras_object(network)
    again = keras.saving.deserialize_keras_object(config)
    again.set_weights(network.get_weights())
    x = RNG.uniform(size=(2, *network.input_shape[1:])).astype("float32")
    np.testing.assert_array_equal(again(x), network(x))
