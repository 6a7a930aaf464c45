"""How tests look at a widget on a page, and move it."""

import base64
import contextlib
import json
from pathlib import Path

import numpy as np
from widget_table import BY_NAME

# How long anything in a browser may take, in milliseconds: a test may be slow on a busy
# machine, never red. It is set once for all of a window's pages: conftest.new_context.
PATIENCE = 120_000

PRETENDED_MODEL = Path(__file__).with_name("pretended_model.js").read_text("utf-8")


def wait_until_ready(root, selector):
    """Wait until a widget's root matches what says that all is drawn."""
    root.page.wait_for_function(
        "([node, selector]) => node.matches(selector)",
        arg=[root.element_handle(), selector],
    )


# A watched size is heard of within a frame, and may ask for another frame to draw in.
AT_REST = """async (frames) => {
  for (let k = 0; k < frames; k++) await new Promise(requestAnimationFrame);
  return !document.getAnimations().some((one) => one instanceof CSSTransition);
}"""


def rest(page, frames=3):
    """Wait until a page has drawn what it was asked for, and no colour changes."""
    page.wait_for_function(AT_REST, arg=frames)


@contextlib.contextmanager
def spent(page):
    """Yield a list; at the end it has the milliseconds that a processor worked for it.

    A clock on the wall would also tell what else a busy machine does meanwhile.
    """
    session, found = page.context.new_cdp_session(page), []
    session.send("Performance.enable")

    def of_process():
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(m["value"] for m in metrics if m["name"] == "ProcessTime")

    before = of_process()
    yield found
    found.append(of_process() - before)
    session.detach()


def entry(explorer):
    """Return what the table has of a widget."""
    return BY_NAME[type(explorer).__name__]


def middle(locator):
    """Return where a node's middle is, in pixels of the page."""
    return spot(locator, 0.5, 0.5)


def spot(locator, across, down):
    """Return the place at shares of a node's width and height."""
    locator.scroll_into_view_if_needed()
    rest(locator.page)  # a page may move once more: JupyterLab does
    box = locator.bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def move(page, place, steps=1):
    """Move the mouse to a place; a page hears of that when it draws its next frame."""
    page.mouse.move(*place, steps=steps)
    rest(page)


def drag(page, start, end, steps=4):
    """Press at a place, move to another and let go."""
    move(page, start)
    page.mouse.down()
    move(page, end, steps)
    page.mouse.up()
    rest(page)


def press(page, *keys):
    """Press keys, one after the other."""
    for key in keys:
        page.keyboard.press(key)
    rest(page)


def pixels(canvas):
    """Return what a canvas shows, or the image that it enlarges, uint8 (h, w, 3)."""
    text = canvas.evaluate(
        """canvas => {
          const { width, height } = canvas.small ?? canvas;
          const pen = (canvas.small ?? canvas).getContext("2d");
          const { data } = pen.getImageData(0, 0, width, height);
          let text = "";
          for (const byte of data) text += String.fromCharCode(byte);
          return JSON.stringify([height, width, btoa(text)]);
        }"""
    )
    height, width, data = json.loads(text)
    image = np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)
    assert (image[..., 3] == 255).all()
    return image[..., :3]


# What nodes show, as text: their markup and what their canvases have.
LOOK = """nodes => nodes.map((node) => [
  node.outerHTML,
  ...[node, ...node.querySelectorAll("canvas")]
    .filter((one) => one.matches("canvas")).map((one) => one.toDataURL()),
].join()).join()"""


def look(locator):
    """Return all that nodes show, to compare."""
    return locator.evaluate_all(LOOK)


def wait_for_another_look(locator, before):
    """Wait until nodes show something else."""
    locator.page.wait_for_function(
        f"([nodes, before]) => ({LOOK})(nodes) !== before",
        arg=[locator.element_handles(), before],
    )


# The contrast ratios of WCAG 2.1 of a widget's texts and lines with their ground, which
# is all that their ancestors paint.
CONTRASTS = """(root, lines) => {
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const luminance = (colours) => {
    for (const colour of ["#fff", ...colours]) {
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
    }
    const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (node, ink) => {
    const ground = [];
    for (let one = node; one; one = one.parentElement)
      ground.unshift(getComputedStyle(one).backgroundColor);
    const pair = [luminance(ground), luminance([...ground, ink])];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  };
  const all = (where) => (where ? [...root.querySelectorAll(where)] : [])
    .filter((node) => node.checkVisibility());
  const words = "text, p, span, label, legend, strong, th, td, caption, button, select";
  return [
    all(`:is(${words})`).filter((node) => node.textContent.trim()).map((node) => {
      const style = getComputedStyle(node);
      return ratio(node, node.tagName === "text" ? style.fill : style.color);
    }),
    all(lines).map((node) => ratio(node, getComputedStyle(node).stroke)),
  ];
}"""


def contrasts(root, lines=""):
    """Return the contrast ratios of a widget's texts, and of its lines."""
    return root.evaluate(CONTRASTS, lines)


# ---- What changes a page, and when that is done


def set_theme(page, theme):
    """Make a page light or dark, as the book's theme does."""
    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    rest(page)


def emulate(page, media="screen", forced_colors="none"):
    """Show a page as on paper, or in the system's few colours."""
    page.emulate_media(media=media, forced_colors=forced_colors)
    query = f"{media} and (forced-colors: {forced_colors})"
    page.wait_for_function("query => matchMedia(query).matches", arg=query)
    rest(page)


def resize(page, viewport):
    """Give a page another viewport."""
    page.set_viewport_size(viewport)
    page.wait_for_function(
        "width => document.documentElement.clientWidth === width",
        arg=viewport["width"],
    )
    rest(page)


def wait_until_it_fits(page, most):
    """Wait until nothing on a page is wider than so many pixels."""
    page.wait_for_function(
        "most => document.documentElement.scrollWidth <= most", arg=most
    )


def narrow(page, width, most=None):
    """Make a page so wide, and wait until nothing is wider than that or `most`."""
    resize(page, {"width": width, "height": 844})
    wait_until_it_fits(page, most or width)


# ---- The live view


def open_live(page, explorer, kernel=None):
    """Mount a widget as Jupyter does, before a pretended model; return its root."""
    if kernel is not None:
        page.expose_function("kernel", kernel)
    page.add_style_tag(content=explorer._css)
    state = json.loads(json.dumps(explorer.state))
    values = {name: getattr(explorer, name) for name in explorer.view}
    page.evaluate(PRETENDED_MODEL, [str(explorer._esm), state, values])
    root = page.locator(f".vaetut-explorer.{explorer.kind}")
    wait_until_ready(root, entry(explorer).ready)
    rest(page)
    return root
