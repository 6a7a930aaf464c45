"""A widget as HTML that needs nothing else, for the built book."""

import base64
import json
from html import escape
from pathlib import Path


def standalone(
    name: str, style: Path, script: Path, state: dict, png: bytes, alt: str
) -> str:
    """Return a widget's markup with its style, script and state in it.

    `name` is the class that the script looks for; `png` is the still picture that a
    page without JavaScript shows, and `alt` its text.
    """
    # Within a script element only "<" could end it.
    text = json.dumps(state, separators=(",", ":")).replace("<", "\\u003c")
    picture = base64.b64encode(png).decode()
    return (
        f"<style>\n{style.read_text('utf-8')}</style>\n"
        f'<div class="{name}" data-lm-suppress-shortcuts="true">\n'
        f'<img class="dark-light" alt="{escape(alt)}" '
        f'src="data:image/png;base64,{picture}">\n'
        f'<script type="application/json">{text}</script>\n'
        "</div>\n"
        f'<script type="module">\n{script.read_text("utf-8")}</script>\n'
    )
