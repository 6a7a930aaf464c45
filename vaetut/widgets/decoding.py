"""Explorers that decode: the kernel in Jupyter, the page itself where there is none."""

import time

from vaetut.widgets.explorer import Explorer
from vaetut.widgets.latent_explorer import Panel


class DecodingExplorer(Explorer):
    """An explorer with decoders, of which one frame at a time is asked for.

    `panels` are what `panels_of` gives. One that derives from it has `images`. In
    Jupyter the view asks with what `images` takes; as `text/html` the explorer brings
    the weights, in float16 and once, and the page decodes.
    """

    def __init__(self, panels: list, state: dict, alt: str | None, **traits):
        self.panels = panels
        state = {"image": panels[0].image_shape} | state
        super().__init__(state, alt, **traits)

    def images(self, wish: dict) -> list:
        """Return the uint8 images (h, w, c) of a frame that a view wishes for."""
        raise NotImplementedError

    def page_state(self) -> dict:
        """Return what a page needs, which decodes itself, ready for JSON."""
        networks = [panel.packed for panel in self.panels]
        return super().page_state() | {"networks": networks}

    def _answer(self, _, message, buffers):
        """Answer a request of the live view: messages in, images out."""
        super()._answer(_, message, buffers)
        if message.get("kind") != "decode":
            return
        start = time.perf_counter()
        try:
            images = self.images(message["wish"])
        except Exception as error:
            self.send({"kind": "error", "text": f"{type(error).__name__}: {error}"})
            raise
        ms = 1000 * (time.perf_counter() - start)
        answer = {"kind": "images", "number": message["number"], "ms": ms}
        self.send(answer, buffers=[image.tobytes() for image in images])


def panels_of(decoders: dict) -> list[Panel]:
    """Return a `Panel` for each of the Keras models by name.

    Raises ValueError as `Panel` does for a decoder that a page cannot run, and unless
    all have one latent dimension and one image size.
    """
    panels = [Panel(model, name=name) for name, model in decoders.items()]
    first = panels[0]
    for panel in panels[1:]:
        for what in ("dimension", "image_shape"):
            mine, its = getattr(first, what), getattr(panel, what)
            if mine != its:
                raise ValueError(
                    f"decoder {panel.name!r} differs from {first.name!r} in its "
                    f"{what.replace('_', ' ')}, {its} against {mine}: give all the "
                    "same."
                )
    return panels
