"""A training to look at: progress, loss curves, the same images after each epoch."""

import asyncio
import base64
import inspect
import io
import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from types import FrameType
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure, FigureBase
from numpy.typing import ArrayLike

from vaetut.figures.style import ACCENT, DPI, IMAGES, INK, QUIET, VAE, WIDTH, tiled
from vaetut.models import ImageModel
from vaetut.models.autoencoder import check_images
from vaetut.training.progress import duration, time_left
from vaetut.training.trainer import epoch_line

MOST_IMAGES = 10  # in a row
MOST_ROWS = 5  # of reconstructions in a figure
REFRESH = 0.5  # seconds between two updates of the progress bar
HINT = "ends after this batch and keeps the weights; so does interrupting the kernel"
ONLY_HINT = "To stop and keep the weights, interrupt the kernel (■)."


class TrainingPanel(keras.callbacks.Callback):
    """A callback that shows a training while it runs, and its last state afterwards.

    In Jupyter: a progress bar with the time left, the loss and its parts, the first
    ten of `images` (n, h, w, c) over their reconstructions, and a button that ends
    the training after the batch at hand; so does interrupting the kernel, once.
    Either way the model keeps its weights. When the training ends, the figure alone
    stays. Outside Jupyter: one line an epoch, given to `say`.

    `epochs` is how many there will be where that takes several calls of `fit`, as in
    `vaetut.training.train`. Raises ValueError when the training starts if the images
    are not of the model's shape or the model cannot reconstruct.
    """

    def __init__(
        self,
        images: ArrayLike | None = None,
        epochs: int | None = None,
        say: Callable[[str], object] = print,
    ) -> None:
        super().__init__()
        if epochs is not None and (epochs != int(epochs) or epochs < 1):
            raise ValueError(f"epochs must be a whole number from 1, not {epochs}.")
        self.images, self.epochs, self.say = images, epochs, say
        self._start_over()

    def _start_over(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.reconstructions: list[np.ndarray] = []
        self.first = self.done = 0  # epochs
        self.stopping = self.finished = self._running = False
        self._view: _LiveView | None = None
        self._since: float | None = None  # when the clock started
        self._base = 0.0  # and at which epoch

    def stop(self) -> None:
        """End the training after the batch at hand; the model keeps its weights."""
        self.stopping = True

    def figure(self) -> Figure:
        """Return the state as a matplotlib figure: see `panel_figure`."""
        return panel_figure(
            self.history, self.first, self._originals(), self.reconstructions, self.unit
        )

    @property
    def total(self) -> int:
        """How many epochs the training has."""
        return self.epochs or self.params["epochs"]

    @property
    def unit(self) -> str:
        """The unit of the losses, or nothing where it is not known."""
        return "nats per image" if isinstance(self.model, ImageModel) else ""

    @property
    def alt(self) -> str:
        """What the figure shows, in words."""
        originals = self._originals()
        return describe(
            self.history,
            self.first,
            self.total,
            0 if originals is None else len(originals),
            self.unit,
            self.stopping,
        )

    def _originals(self) -> np.ndarray | None:
        if self.images is None:
            return None
        return np.asarray(self.images)[:MOST_IMAGES]

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        if not self.history:
            return {"text/plain": "TrainingPanel: nothing has been trained yet"}, {}
        return bundle(self.figure(), self.alt)

    # ---- What Keras calls

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Check the images, and open the view where there is a kernel."""
        if self.finished or self._running:  # over, or broken off by an error
            self._start_over()
        originals = self._originals()
        if originals is not None:
            if not hasattr(self.model, "reconstruct"):
                raise ValueError(
                    f"{self.model.name!r} has no reconstruct(images): give the panel "
                    "no images, and it shows the curves alone."
                )
            check_images(originals, self.model.encoder.input_shape[1:])
        self._running = True
        kernel = running_kernel()
        if kernel is not None and self._view is None:
            self._view = _LiveView(self, kernel)
        if self._view is not None:
            self._view.catch_interrupts()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note when the epoch began."""
        if not self.history:
            self.first = self.done = epoch
        self.done = max(self.done, epoch)
        self._epoch_began = time.perf_counter()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Move the progress bar, and stop if asked to."""
        within = (batch + 1) / (self.params.get("steps") or math.inf)
        if self._since is None:  # the first batch compiles
            self._since, self._base = time.perf_counter(), self.done + within
        self._look(within, batch + 1)

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Stop if asked to."""
        self._look()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the losses and reconstruct the images; show both, or say a line."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self.done += 1
        if self.images is not None:
            images = self.model.reconstruct(self._originals())
            self.reconstructions.append(np.rint(255 * images).astype(np.uint8))
        self._look()
        if self._view is not None:
            self._view.draw(png(self.figure()), self.alt)
            return
        took = time.perf_counter() - self._epoch_began
        left = self._left(0)
        line = epoch_line(logs or {}, self.done, self.total, self.unit, self._beta)
        line += f", {took:.0f} s"
        self.say(line + (f", {duration(left)} left" if left else ""))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Leave the last state in the view's place, where all epochs are done."""
        self.stopping |= bool(self.model.stop_training)
        self.finished = self.stopping or self.done >= self.total
        self._running = False
        if self._view is not None:
            self._view.release_interrupts()
            if self.finished:
                self._view.close(*self._repr_mimebundle_())
                self._view = None

    @property
    def _beta(self) -> float | None:
        return getattr(self.model, "beta", None)

    def _left(self, within: float) -> float | None:
        """Return the seconds left, `within` the epoch at hand from 0 to 1."""
        at = self.done + within
        if self._since is None:  # no batch has ended
            return None
        elapsed = time.perf_counter() - self._since
        return time_left(at - self._base, self.total - self._base, elapsed)

    def _look(self, within: float | None = None, batch: int | None = None) -> None:
        """Let the button act, stop if it was pressed, and move the progress bar."""
        if self._view is not None:
            self._view.handle_messages()
            if within is not None:
                self._view.progress(within, batch)
        if self.stopping:
            self.model.stop_training = True


# ---- What it computes


def stacked(history: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    """Return the parts that add up to the loss, the lowest first; () if none do."""
    parts = tuple(p for p in ("reconstruction", "regularizer") if p in history)
    if len(parts) < 2:
        return ()
    added = np.sum([history[part] for part in parts], axis=0)
    return parts if np.allclose(added, history["loss"], rtol=1e-3) else ()


def chosen_rows(n: int, most: int = MOST_ROWS) -> list[int]:
    """Return which of n reconstructions to show: the first, the last, denser early."""
    if n <= most:
        return list(range(n))
    steps = np.rint(np.geomspace(1, n, most)).astype(int)
    for k in range(1, most):  # no row twice
        steps[k] = max(steps[k], steps[k - 1] + 1)
    return (steps - 1).tolist()


def describe(
    history: Mapping[str, Sequence[float]],
    first: int,
    total: int,
    images: int,
    unit: str = "nats per image",
    stopped: bool = False,
) -> str:
    """Return the alt text of the figure: the last losses, and the rows of images."""
    last = {name: values[-1] for name, values in history.items()}
    epochs = first + len(next(iter(history.values()), []))
    text = f"Loss curves; {epoch_line(last, epochs, total, unit)}."
    if images:
        rows = [str(first + k + 1) for k in chosen_rows(epochs - first)]
        text += f" Below, {images} images over their reconstructions after epoch "
        text += f"{', '.join(rows)}."
    return text + (" The training was stopped." if stopped else "")


def panel_figure(
    history: Mapping[str, Sequence[float]],
    first: int = 0,
    originals: np.ndarray | None = None,
    reconstructions: Sequence[np.ndarray] = (),
    unit: str = "",
) -> Figure:
    """Draw the loss and its parts over the epochs, and images over reconstructions.

    `history`: name -> a number an epoch, as Keras names them; `first`: how many epochs
    were done before; `originals` (n, h, w, c) and one such array an epoch, uint8 or
    floats in [0, 1].
    """
    shown = chosen_rows(len(reconstructions)) if originals is not None else []
    row = 0.0
    if originals is not None and shown:
        height, width = originals.shape[1:3]
        row = 0.93 * WIDTH / max(len(originals), MOST_IMAGES) * height / width + 0.05
    rows = row * (len(shown) + 1) if shown else 0
    figure = Figure((WIDTH, 2.6 + rows), dpi=DPI, facecolor="white")
    if originals is None or not shown:
        _draw_curves(figure, history, first, unit)
        return figure
    heights = (2.6, rows)
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=heights, hspace=0)
    top, bottom = parts[:, 0]
    _draw_curves(top, history, first, unit)
    names = ["original", *(f"epoch {first + k + 1}" for k in shown)]
    lines = bottom.subplots(len(names), 1, squeeze=False)[:, 0]
    bottom.subplots_adjust(left=0.07, right=0.995, top=1, bottom=0.02, hspace=0.04)
    pictures = [originals, *(reconstructions[k] for k in shown)]
    for axis, name, images in zip(lines, names, pictures, strict=True):
        most = 255 if images.dtype == np.uint8 else 1
        axis.imshow(np.squeeze(tiled(images, len(images)) / most), **IMAGES)
        axis.set_anchor("W")
        axis.set_axis_off()
        axis.text(
            -0.005,
            0.5,
            name,
            transform=axis.transAxes,
            rotation=90,
            ha="right",
            va="center",
            fontsize=8,
        )
    return figure


def _draw_curves(
    figure: FigureBase, history: Mapping[str, Sequence[float]], first: int, unit: str
) -> None:
    parts = stacked(history)
    axes = figure.subplots(1, 2 if "kl" in history else 1, squeeze=False)[0]
    figure.subplots_adjust(left=0.07, right=0.98, top=0.88, bottom=0.2, wspace=0.18)
    epochs = first + 1 + np.arange(len(history.get("loss", ())))
    prefix = "val_" if "val_loss" in history else ""
    ends = {"": "training", "val_": "validation"}
    low = [history[prefix + parts[0]]] if parts else []
    low += [history[p + "loss"] for p in ("", "val_") if p + "loss" in history]
    bottom, top = _span(low)
    if parts:
        lower, loss = history[prefix + parts[0]], history[prefix + "loss"]
        fill = {"alpha": 0.3, "lw": 0, "step": None}
        axes[0].fill_between(epochs, bottom, lower, color=VAE, label=parts[0], **fill)
        axes[0].fill_between(epochs, lower, loss, color=ACCENT, label=parts[1], **fill)
        axes[0].plot(epochs, lower, "-", color=VAE, lw=1)
    for axis, name in zip(axes, ("loss", "kl"), strict=False):
        for start, style, colour in (("", "o--", QUIET), ("val_", "o-", INK)):
            if start + name in history:
                colour = INK if start == prefix else colour
                axis.plot(
                    epochs,
                    history[start + name],
                    style,
                    color=colour,
                    ms=3,
                    label=f"{ends[start]} {name}",
                )
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
        axis.set_xlabel("epoch", fontsize=8)
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylim(bottom, top)
    names = {"loss": " + ".join(parts) + " = loss" if parts else "loss", "kl": "KL"}
    for axis, name in zip(axes, names.values(), strict=False):
        axis.set_title(f"{name}, {unit}" if unit else name, fontsize=9)
    if len(epochs):
        axes[0].legend(fontsize=7, frameon=False)


def _span(curves: Iterable[ArrayLike]) -> tuple[float, float]:
    """Return the ends of an axis for curves, what is not finite left out."""
    values = np.concatenate([np.zeros(0), *map(np.asarray, curves)])
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = values.min(), values.max()
    edge = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - edge, high + edge


def png(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def bundle(figure: Figure, alt: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the MIME bundle of a figure with alt text, and its metadata."""
    data = {"image/png": base64.b64encode(png(figure)).decode(), "text/plain": alt}
    width, _ = figure.get_size_inches() * figure.dpi
    return data, {"image/png": {"alt": alt, "width": int(width)}}


# ---- In Jupyter


def running_kernel() -> Any:
    """Return the kernel of the notebook this runs in, or None outside Jupyter."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return getattr(get_ipython(), "kernel", None)


def shell_stream(kernel: Any) -> Any:
    """Return the stream that brings the kernel cells and clicks, None if unknown."""
    try:
        from ipykernel.eventloops import get_shell_stream
    except ImportError:  # ipykernel 6
        stream = kernel.shell_stream
    else:
        stream = get_shell_stream(kernel)
    return stream if hasattr(stream, "_recv_callback") else None


def look_ahead(kernel: Any, stream: Any) -> Iterator[dict[str, Any]]:
    """Yield what has arrived for a kernel that is busy with a cell, and keep nothing.

    While a cell runs, the kernel reads no message, so that a click would wait for the
    end of the training. Here each is read, shown, and handed to whom the stream would
    have handed it: the kernel takes all of them up in the order in which they came,
    those that it had before first, those to come last. Only for the main thread, which
    owns the stream's socket.
    """
    import zmq

    while True:
        try:
            frames = stream.socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return
        message = _read(kernel.session, frames)
        # The stream tells nobody what `on_recv` gave it; there is no public way.
        handed = stream._recv_callback(frames)
        if inspect.isawaitable(handed):  # ipykernel 7; 6 has a queue of its own
            task = asyncio.ensure_future(handed)
            _waiting.add(task)
            task.add_done_callback(_waiting.discard)
        if message is not None:
            yield message


def _read(session: Any, frames: Sequence[Any]) -> dict[str, Any] | None:
    """Return a message with a valid signature, which stays unread for the kernel."""
    try:
        _, parts = session.feed_identities(frames, copy=False)
        message = session.deserialize(parts, content=False, copy=False)
        return message | {"content": session.unpack(message["content"])}
    except (ValueError, TypeError):  # none: the kernel says so when it takes it up
        return None


_waiting: set[asyncio.Future[Any]] = set()  # asyncio keeps no reference to a task


class _LiveView:
    """The widgets of a panel, under the cell that trains."""

    def __init__(self, panel: TrainingPanel, kernel: Any) -> None:
        import ipywidgets
        from IPython.display import display

        self.panel, self.kernel = panel, kernel
        self.on_main_thread = threading.current_thread() is threading.main_thread()
        self.stream = shell_stream(kernel) if self.on_main_thread else None
        self.before: Any = None  # what handled interrupts
        self.updated = 0.0
        self.bar = ipywidgets.FloatProgress(
            min=0, max=1, description="Training", layout={"width": "40%"}
        )
        self.text = ipywidgets.Label("starting …")
        self.button = ipywidgets.Button(
            description="Stop", icon="stop", tooltip=f"Stop: {HINT}"
        )
        self.button.on_click(lambda _: panel.stop())
        can_click = self.stream is not None or not self.on_main_thread
        hint = ipywidgets.Label(HINT if can_click else ONLY_HINT)
        self.picture = ipywidgets.HTML()
        row = ipywidgets.HBox([self.bar, self.text])
        stop = ipywidgets.HBox([self.button, hint] if can_click else [hint])
        self.box = ipywidgets.VBox([row, stop, self.picture])
        self.handle = display(self.box, display_id=True)

    def catch_interrupts(self) -> None:
        """Let an interrupt stop as the button does, and a second one raise."""
        if self.on_main_thread:
            self.before = signal.signal(signal.SIGINT, self._interrupted)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if self.panel.stopping:
            raise KeyboardInterrupt
        self.panel.stop()

    def release_interrupts(self) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)
            self.before = None

    def handle_messages(self) -> None:
        if self.stream is not None:
            for message in look_ahead(self.kernel, self.stream):
                if self._is_click(message):
                    self.panel.stop()
        if self.panel.stopping and not self.button.disabled:
            self.button.disabled = True
            self.button.description = "Stopping …"

    def _is_click(self, message: dict[str, Any]) -> bool:
        content = message["content"]
        return (
            message["header"]["msg_type"] == "comm_msg"
            and content.get("comm_id") == self.button.model_id
            and content.get("data", {}).get("content") == {"event": "click"}
        )

    def progress(self, within: float, batch: int | None) -> None:
        panel = self.panel
        now = time.perf_counter()
        if now - self.updated < REFRESH:
            return
        self.updated = now
        done, total = panel.done - panel.first, panel.total - panel.first
        self.bar.value = (done + within) / max(total, 1)
        steps, left = panel.params.get("steps"), panel._left(within)
        text = f"epoch {panel.done + 1}/{panel.total}, batch {batch}"
        text += f" of {steps}" if steps else ""
        self.text.value = text + (f", {duration(left)} left" if left else "")

    def draw(self, raw: bytes, alt: str) -> None:
        self.bar.value = (self.panel.done - self.panel.first) / max(
            self.panel.total - self.panel.first, 1
        )
        self.picture.value = (
            f'<img alt="{escape(alt)}" style="max-width: 100%" '
            f'src="data:image/png;base64,{base64.b64encode(raw).decode()}">'
        )

    def close(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Put the last state in the widgets' place, as a figure that is stored."""
        self.handle.update(data, metadata=metadata, raw=True)
        for widget in (self.picture, self.button, self.text, self.bar, self.box):
            widget.close()
