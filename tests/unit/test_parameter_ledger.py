"""The parameter ledger without a browser: counts as Keras has them, and words."""

import numpy as np
import pytest

from vaetut.widgets.parameter_ledger import (
    FILTERS,
    PARTS,
    PUBLISHED,
    SOURCE,
    ParameterLedger,
    account,
    memory,
)

NETWORKS = [  # side, layers, dimensions, extra
    (96, 4, 256, 0),
    (96, 4, 256, 384),
    (96, 3, 512, 0),
    (64, 5, 16, 64),
    (32, 2, 2, 16),
]


@pytest.fixture
def ledger():
    return ParameterLedger()


# ---- What is computed


@pytest.mark.parametrize("sizes", NETWORKS)
def test_the_counts_are_those_of_keras(sizes):
    from vaetut.models.faces import faces_decoder, faces_encoder
    from vaetut.models.networks import macs

    side, layers, dimensions, extra = sizes
    options = {"image_shape": (side, side, 3), "filters": FILTERS[:layers]}
    encoder = faces_encoder(
        latent_dim=dimensions,
        heads=("mean", "log_var"),
        extra_dense=extra or None,
        **options,
    )
    decoder = faces_decoder(latent_dim=dimensions, **options)
    down, between, heads, first, up = account(*sizes).values()
    ours = down.parameters + between.parameters + heads.parameters
    assert ours == encoder.count_params()
    assert first.parameters + up.parameters == decoder.count_params()
    assert down.macs + between.macs + heads.macs == macs(encoder)
    assert first.macs + up.macs == macs(decoder)
    found = sum(encoder.get_layer(n).count_params() for n in ("mean", "log_var"))
    assert heads.parameters == found


def test_what_is_kept_are_the_outputs_of_the_layers():
    from keras import layers

    from vaetut.models.faces import faces_decoder, faces_encoder

    shape, filters = (64, 64, 3), FILTERS[:3]
    networks = (
        faces_encoder(shape, 16, filters, ("mean", "log_var"), extra_dense=32),
        faces_decoder(shape, 16, filters),
    )
    views = (layers.InputLayer, layers.Flatten, layers.Reshape)  # no floats of theirs
    outputs = sum(
        int(np.prod(layer.output.shape[1:]))
        for network in networks
        for layer in network.layers
        if not isinstance(layer, views)
    )
    kept = sum(part.floats for part in account(64, 3, 16, 32).values())
    assert kept == outputs + 64 * 64 * 3 + 16  # the images, and z


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda row: row[0])
def test_the_published_counts_are_found(published):
    _, change, encoder, decoder = published
    ledger = ParameterLedger(**SOURCE | change)
    counts = [part.parameters / 1e6 for part in ledger.parts().values()]
    assert f"{sum(counts[:3]):.3g}" == encoder
    if decoder:
        assert f"{sum(counts[3:]):.{len(decoder) - 1}g}" == decoder


def test_memory_is_four_times_the_weights_and_the_batch():
    parts = account(96, 4, 256)
    one, many = memory(parts, 1), memory(parts, 128)
    assert [*one] == [*PARTS, "kept of the images"]
    for name in PARTS:
        assert one[name] == many[name] == 16 * parts[name].parameters
    assert many["kept of the images"] == 128 * one["kept of the images"]


# ---- Traits and refusals


def test_a_size_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="no 'width': give side, layers"):
        ParameterLedger(width=3)


def test_a_page_has_the_published_counts(ledger):
    counts = [one["encoder"] for one in ledger.state["published"]]
    assert counts == ["9.83", "5.11", "4.13", "2.88"]


def test_the_alt_has_the_account(ledger):
    for words in ("96×96", "encoder 5.11", "heads 4.72", "decoder 2.76", "no extra"):
        assert words in ledger.alt
    assert "an extra layer of 64" in ParameterLedger(extra=64).alt
