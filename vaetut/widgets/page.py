"""A widget as HTML that needs nothing else, for the built book."""

import base64
import json
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
# What build.mjs makes of the modules in js and the styles in css: one for all widgets.
SCRIPT, STYLE = (
    (HERE / name).read_text("utf-8") for name in ("bundle.js", "bundle.css")
)
# A page needs these once; vaetut_book takes the others out of a page of the book.
SHARED = (f"<style>\n{STYLE}</style>\n", f'<script type="module">\n{SCRIPT}</script>\n')


def standalone(name: str, state: dict, png: bytes, alt: str) -> str:
    """Return a widget's markup with its state, and the script and style of all.

    `name` are the classes of its root; `png` is the still picture that a page without
    JavaScript shows, and `alt` its text.
    """
    # Within a script element only "<" could end it.
    text = json.dumps(state, separators=(",", ":")).replace("<", "\\u003c")
    picture = base64.b64encode(png).decode()
    style, script = SHARED
    return (
        f"{style}"
        f'<div class="{name}" data-lm-suppress-shortcuts="true">\n'
        f'<img class="dark-light" alt="{escape(alt)}" '
        f'src="data:image/png;base64,{picture}">\n'
        f'<script type="application/json">{text}</script>\n'
        "</div>\n"
        f"{script}"
    )
