"""The parameter ledger without a browser: counts as Keras has them, refusals, HTML."""

import base64
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from vaetut.widgets.parameter_ledger import (
    FILTERS,
    PARTS,
    PUBLISHED,
    SCRIPT,
    SOURCE,
    STOPS,
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


def page_state(html):
    return json.loads(
        re.search(r'<script type="application/json">(.*?)</script>', html, re.S)[1]
    )


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


def test_the_sizes_are_traits(ledger):
    seen = []
    ledger.observe(seen.append, list(STOPS))
    ledger.extra, ledger.side = np.int64(256), 64
    ledger.set_state({"dimensions": 512})
    assert [change["name"] for change in seen] == ["extra", "side", "dimensions"]
    assert set(STOPS) < set(ledger.get_state())


@pytest.mark.parametrize(
    ("name", "value"),
    [("side", 100), ("layers", 6), ("extra", -1), ("batch", 0.5), ("batch", True)],
)
def test_values_that_are_no_stops_are_refused(ledger, name, value):
    choice = f"^{name} is .*choose one of {STOPS[name][0]}, "
    with pytest.raises(ValueError, match=choice):
        ParameterLedger(**{name: value})
    before = getattr(ledger, name)
    with pytest.raises(ValueError, match=choice):
        setattr(ledger, name, value)
    assert getattr(ledger, name) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [({"width": 3}, "no 'width': give side, layers"), ({"alt": " "}, "alt is empty")],
)
def test_other_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        ParameterLedger(**options)


# ---- What a page gets


def test_html_stands_alone_and_starts_where_the_traits_are(ledger):
    ledger.dimensions, ledger.extra = 512, 128
    html = ledger.to_html()
    quiet = html.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    assert not re.search(r"https?:|src=\"(?!data:)|@import|url\(", quiet)
    state = page_state(html)
    assert state["start"] == SOURCE | {"dimensions": 512, "extra": 128}
    assert [one["encoder"] for one in state["published"]] == [
        "9.83",
        "5.11",
        "4.13",
        "2.88",
    ]
    png = base64.b64decode(re.search(r'data:image/png;base64,([^"]+)"', html)[1])
    assert np.asarray(Image.open(io.BytesIO(png)).convert("L")).std() > 10


def test_the_alt_has_the_account(ledger):
    for words in ("96×96", "encoder 5.11", "heads 4.72", "decoder 2.76", "no extra"):
        assert words in ledger.alt
    assert "an extra layer of 64" in ParameterLedger(extra=64).alt
    assert ParameterLedger(alt="Mine.").alt == "Mine."


def test_a_page_carries_little(ledger):
    assert SCRIPT.stat().st_size < 8_000
    assert len(ledger.to_html()) < 80_000


def test_no_network_library_is_loaded():
    code = (
        "import sys; from vaetut.widgets import ParameterLedger; "
        "ParameterLedger().to_html(); print('keras' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "False\n"
