"""The training panel: what it computes, in a plain program and in a kernel."""

import base64
import dataclasses
import os
import time
from io import BytesIO
from queue import Empty

import keras
import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel
from PIL import Image

from vaetut.models import VAE, Autoencoder, conv_decoder, conv_encoder
from vaetut.recipes import get_recipe
from vaetut.training import train
from vaetut.widgets import TrainingPanel
from vaetut.widgets.training_panel import (
    MOST_ROWS,
    chosen_rows,
    describe,
    epoch_line,
    panel_figure,
    stacked,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (40, 8, 8, 1), np.uint8)
PARTS = {"reconstruction": [30.0, 20.0], "regularizer": [1.0, 3.0], "kl": [0.5, 1.5]}
HISTORY = {"loss": [31.0, 23.0], **PARTS, "val_loss": [32.0, 24.0]}
HISTORY |= {"val_reconstruction": [31.0, 21.0], "val_regularizer": [1.0, 3.0]}
HISTORY |= {"val_kl": [0.5, 1.5]}


def vae(shape=(8, 8, 1), **options):
    keras.utils.set_random_seed(0)
    size = {"latent_dim": 2, "filters": (4,)}
    encoder = conv_encoder(shape, heads=("mean", "log_var"), **size)
    model = VAE(encoder, conv_decoder(shape, **size), **options)
    model.compile("adam", jit_compile=False)
    return model


def fit(model, panel, epochs=2, **options):
    options = {"epochs": epochs, "batch_size": 10, "verbose": 0} | options
    return model.fit(IMAGES, callbacks=[panel], validation_data=IMAGES, **options)


# ---- What it computes


def test_the_line_of_an_epoch_adds_up():
    last = {name: values[-1] for name, values in HISTORY.items()}
    line = epoch_line(last, 2, 5, beta=2)
    assert line == (
        "epoch 2/5: loss 23.00 = 20.00 + 2·1.500, "
        "validation 24.00 = 21.00 + 2·1.500 nats per image"
    )
    assert epoch_line({"loss": 0.01234}, 1, 1, "") == "epoch 1/1: loss 0.01234"
    assert epoch_line({}, 1, 1, "") == "epoch 1/1:"


def test_only_parts_that_add_up_are_stacked():
    assert stacked(HISTORY) == ("reconstruction", "regularizer")
    assert stacked(HISTORY | {"loss": [31.0, 23.5]}) == ()
    assert stacked({"loss": [1.0], "reconstruction": [1.0]}) == ()


@pytest.mark.parametrize("n", [0, 1, 5, 6, 7, 12, 100])
def test_the_rows_shown_are_distinct_and_hold_the_first_and_the_last(n):
    rows = chosen_rows(n)
    assert len(rows) == min(n, MOST_ROWS) and rows == sorted(set(rows))
    assert not n or (rows[0], rows[-1]) == (0, n - 1)


def test_the_figure_has_the_parts_and_the_images():
    images = IMAGES[:10]
    figure = panel_figure(HISTORY, 3, images, [images / 255, images], "nats per image")
    curves, kl, *rows = figure.axes
    assert curves.get_title() == "reconstruction + regularizer = loss, nats per image"
    assert kl.get_title() == "KL, nats per image"
    assert list(curves.lines[-1].get_ydata()) == HISTORY["val_loss"]
    assert list(curves.lines[-1].get_xdata()) == [4, 5]
    titles = [axis.texts[0].get_text() for axis in rows]
    assert titles == ["original", "epoch 4", "epoch 5"]
    for axis in rows:
        shown = axis.images[0].get_array()
        np.testing.assert_allclose(shown[:, :8], images[0, ..., 0] / 255)
    text = describe(HISTORY, 3, 9, 10, stopped=True)
    assert "epoch 5/9" in text and "after epoch 4, 5. The training was stop" in text


@pytest.mark.parametrize(
    "history", [{}, {"loss": [np.nan]}, {"loss": [1.0]}, {"loss": [2.0, np.inf, 1.0]}]
)
def test_a_figure_is_drawn_of_any_history(history):
    figure = panel_figure(history)
    figure.savefig(BytesIO())
    (axes,) = figure.axes
    low, high = axes.get_ylim()
    assert -np.inf < low < high < np.inf
    drawn = [line.get_ydata() for line in axes.lines]
    np.testing.assert_equal(drawn, list(history.values()))


def test_colour_images_and_few_of_them():
    images = RNG.random((3, 12, 6, 3))
    figure = panel_figure(HISTORY, 0, images, [images])
    figure.savefig(BytesIO())
    assert figure.axes[2].images[0].get_array().shape == (12, 18, 3)


# ---- Outside Jupyter


def test_a_plain_program_gets_a_line_an_epoch():
    lines = []
    panel = TrainingPanel(IMAGES, say=lines.append)
    history = fit(vae(beta=0.5), panel).history
    assert [line.split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert "+ 0.5·" in lines[0] and "nats per image, " in lines[0]
    assert lines[0].endswith(" left") and not lines[1].endswith("left")
    assert panel.history == history and panel.finished
    assert len(panel.reconstructions) == 2 and panel.reconstructions[0].shape[0] == 10


def test_the_panel_changes_no_weight():
    weights = []
    for callbacks in ([TrainingPanel(IMAGES, say=str)], []):
        model = vae()
        options = {"epochs": 2, "batch_size": 10, "shuffle": False, "verbose": 0}
        model.fit(IMAGES, validation_data=IMAGES, callbacks=callbacks, **options)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_its_last_state_is_a_figure_with_words():
    panel = TrainingPanel(IMAGES, say=str)
    assert "nothing has been trained" in panel._repr_mimebundle_()[0]["text/plain"]
    fit(vae(), panel)
    data, metadata = panel._repr_mimebundle_()
    assert Image.open(BytesIO(base64.b64decode(data["image/png"]))).width == 880
    assert metadata["image/png"]["alt"] == data["text/plain"] == panel.alt
    assert "10 images over their reconstructions after epoch 1, 2." in panel.alt
    assert len(panel.figure().axes) == 2 + 3


def test_any_keras_model_gets_curves():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    lines = []
    panel = TrainingPanel(say=lines.append)
    x = RNG.normal(size=(20, 3))
    model.fit(x, x[:, :1], epochs=1, verbose=0, callbacks=[panel])
    assert "nats" not in lines[0] and "epoch 1/1: loss" in lines[0]
    assert len(panel.figure().axes) == 1
    with pytest.raises(ValueError, match="no reconstruct"):
        model.fit(x, x[:, :1], verbose=0, callbacks=[TrainingPanel(IMAGES)])


def test_an_autoencoder_has_no_regularizer():
    size = {"latent_dim": 2, "filters": (4,)}
    shape = IMAGES.shape[1:]
    model = Autoencoder(conv_encoder(shape, **size), conv_decoder(shape, **size))
    model.compile("adam", jit_compile=False)
    lines = []
    panel = TrainingPanel(IMAGES[:3], say=lines.append)
    fit(model, panel)
    assert "=" not in lines[0] and len(panel.figure().axes) == 1 + 3


@pytest.mark.parametrize(
    "images", [IMAGES[:, :7], IMAGES[0], IMAGES.astype(float), IMAGES[:0]]
)
def test_images_of_another_kind_are_refused_before_the_training(images):
    model = vae()
    before = model.get_weights()
    with pytest.raises(ValueError, match="images"):
        fit(model, TrainingPanel(images, say=str))
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("epochs", [0, -1, 1.5])
def test_a_senseless_number_of_epochs_is_refused(epochs):
    with pytest.raises(ValueError, match="epochs"):
        TrainingPanel(epochs=epochs)


class StopAt(keras.callbacks.Callback):
    def __init__(self, panel, batch):
        super().__init__()
        self.panel, self.batch = panel, batch

    def on_train_batch_begin(self, batch, logs=None):
        if self.batch == 0:
            self.panel.stop()
        self.batch -= 1


def test_stop_ends_after_the_batch_and_a_new_fit_starts_over():
    model = vae()
    panel = TrainingPanel(IMAGES, say=str)
    stop = StopAt(panel, 5)
    options = {"epochs": 9, "batch_size": 10, "verbose": 0}
    model.fit(IMAGES, callbacks=[stop, panel], **options)
    assert int(model.optimizer.iterations) == 6 and panel.done == 2
    assert panel.finished and "was stopped" in panel.alt
    fit(model, panel, epochs=1)
    assert panel.done == 1 and "was stopped" not in panel.alt


def test_a_fit_after_one_that_broke_off_starts_over():
    class Breaks(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise OSError("as if")

    model, panel = vae(), TrainingPanel(say=str)
    with pytest.raises(OSError, match="as if"):
        model.fit(IMAGES, epochs=2, verbose=0, callbacks=[panel, Breaks()])
    assert panel.done == 1
    fit(model, panel, epochs=1)
    assert panel.done == 1 and panel.finished and len(panel.history["loss"]) == 1


def test_several_fits_are_one_training():
    panel = TrainingPanel(epochs=4, say=str)
    model = vae()
    fit(model, panel, epochs=3, initial_epoch=2)
    assert panel.done == 3 and panel.first == 2 and not panel.finished
    fit(model, panel, epochs=1)
    assert panel.done == 4 and len(panel.history["loss"]) == 2 and panel.finished


# ---- With the trainer


def test_the_trainer_shows_its_epochs_and_stops(tmp_path):
    recipe = dataclasses.replace(get_recipe("fashion-vae", "smoke"), epochs=2)
    lines = []
    panel = TrainingPanel(epochs=2, say=lines.append)
    stop = StopAt(panel, 0)
    with pytest.raises(KeyboardInterrupt, match="after step 1 of 3 in epoch 1; saved"):
        train(recipe, 0, tmp_path / "checkpoint", str, callbacks=[stop, panel])
    assert panel.finished and (tmp_path / "checkpoint").exists()
    trained = train(recipe, 0, tmp_path / "checkpoint", str, callbacks=[panel])
    assert panel.finished and panel.history == trained.history
    assert [line.split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]


# ---- In a kernel

TRAINING = """
import numpy as np
from tests.system.test_training_panel import IMAGES, vae
from vaetut.widgets import TrainingPanel
model = vae()
panel = TrainingPanel(IMAGES)
"""
FIT = "model.fit(IMAGES, epochs=100_000, batch_size=10, verbose=0, callbacks=[panel])"
REPORT = "print(int(model.optimizer.iterations), panel.done, panel.finished)"


class Kernel:
    """A kernel, and what it published since the last look."""

    def __init__(self, client):
        self.client, self.seen = client, []

    def wait(self, found, seconds=120):
        """Return the first message that `found` takes, already seen or to come."""
        for message in self.seen:
            if found(message):
                return message
        deadline = time.time() + seconds
        while time.time() < deadline:
            try:
                message = self.client.get_iopub_msg(timeout=1)
            except Empty:
                continue
            self.seen.append(message)
            assert message["msg_type"] != "error", message["content"]
            if found(message):
                return message
        raise AssertionError("The kernel did not publish that.")

    def idle(self, request):
        return self.wait(
            lambda m: (
                m["parent_header"].get("msg_id") == request
                and m["content"].get("execution_state") == "idle"
            )
        )

    def run(self, code):
        self.idle(request := self.client.execute(code))
        return "".join(
            m["content"]["text"]
            for m in self.seen
            if m["msg_type"] == "stream" and m["parent_header"]["msg_id"] == request
        )

    def start_training(self):
        """Start a training and return its request and the button's comm."""
        self.seen.clear()
        request = self.client.execute(FIT)

        def is_button(message):
            state = message["content"].get("data", {}).get("state", {})
            return state.get("_model_name") == "ButtonModel"

        button = self.wait(is_button)["content"]["comm_id"]
        self.wait(lambda m: "<img" in str(m["content"].get("data", "")))  # an epoch
        return request, button


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(kernel_name="python3", env=dict(os.environ))
    try:
        kernel = Kernel(client)
        kernel.manager = manager
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def click(client, button):
    data = {"method": "custom", "content": {"event": "click"}}
    message = client.session.msg("comm_msg", {"comm_id": button, "data": data})
    client.shell_channel.send(message)


@pytest.mark.parametrize("way", ["button", "interrupt"])
def test_a_training_in_a_kernel_is_stopped(kernel, way):
    kernel.run(TRAINING)
    request, button = kernel.start_training()
    queued = [kernel.client.execute(f"print({text!r})") for text in ("one", "two")]
    time.sleep(0.5)
    if way == "button":
        click(kernel.client, button)
    else:
        kernel.manager.interrupt_kernel()
    kernel.idle(request)
    kernel.idle(queued[1])
    printed = [m["content"]["text"] for m in kernel.seen if m["msg_type"] == "stream"]
    assert [text for text in printed if text.strip()] == ["one\n", "two\n"]
    shown = [m for m in kernel.seen if m["msg_type"] == "display_data"]
    assert "application/vnd.jupyter.widget-view+json" in shown[0]["content"]["data"]
    final = [m for m in kernel.seen if m["msg_type"] == "update_display_data"]
    assert len(final) == 1 and set(final[0]["content"]["data"]) == {
        "image/png",
        "text/plain",
    }
    assert "was stopped" in final[0]["content"]["metadata"]["image/png"]["alt"]
    display_id = {"display_id"} & set(final[0]["content"]["transient"])
    assert (
        display_id
        and final[0]["content"]["transient"] == (shown[0]["content"]["transient"])
    )
    steps, done, finished = kernel.run(REPORT).split()
    assert finished == "True" and 0 < int(steps) <= 4 * int(done)
    assert "default_int_handler" in kernel.run(
        "import signal; print(signal.getsignal(signal.SIGINT))"
    )


def executed(kernel):
    """Return the requests whose cells the kernel began to run, in that order."""
    return [
        message["parent_header"]["msg_id"]
        for message in kernel.seen
        if message["msg_type"] == "execute_input"
    ]


@pytest.mark.attack("run all")
@pytest.mark.parametrize("turn", range(5))
def test_run_all_keeps_the_order_of_the_cells(kernel, turn):
    """As "Run All": what is behind the training is there before it begins."""
    kernel.run(TRAINING)
    kernel.seen.clear()
    cells = ["before = 1", FIT.replace("100_000", "2"), "after = 2"]
    cells += [f"after += {k} * before" for k in range(4)] + ["print(after)"]
    requests = [kernel.client.execute(cell) for cell in cells]
    kernel.idle(requests[-1])
    assert executed(kernel) == requests
    (printed,) = [m for m in kernel.seen if m["msg_type"] == "stream"]
    assert printed["content"]["text"] == "8\n"
    assert kernel.run(REPORT).split()[1:] == ["2", "True"]


@pytest.mark.attack("run all")
@pytest.mark.parametrize("turn", range(3))
def test_the_button_stops_a_training_with_cells_before_and_behind_the_click(
    kernel, turn
):
    kernel.run(TRAINING)
    request, button = kernel.start_training()
    queued = [kernel.client.execute(f"print({k})") for k in range(4)]
    click(kernel.client, button)
    queued += [kernel.client.execute(f"print({k})") for k in range(4, 8)]
    kernel.idle(request)
    kernel.idle(queued[-1])
    assert executed(kernel) == [request, *queued]
    assert kernel.run(REPORT).split()[2] == "True"
