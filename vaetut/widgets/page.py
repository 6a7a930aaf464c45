"""A widget as HTML that needs nothing else, for the built book."""

import base64
import json
from html import escape
from pathlib import Path


def standalone(
    name: str, style: Path | str, script: Path | str, state: dict, png: bytes, alt: str
) -> str:
    """Return a widget's markup with its style, script and state in it.

    `name` is the class that the script looks for; `style` and `script` are files, or
    what `joined` returns; `png` is the still picture that a page without JavaScript
    shows, and `alt` its text.
    """
    # Within a script element only "<" could end it.
    text = json.dumps(state, separators=(",", ":")).replace("<", "\\u003c")
    picture = base64.b64encode(png).decode()
    return (
        f"<style>\n{_source(style)}</style>\n"
        f'<div class="{name}" data-lm-suppress-shortcuts="true">\n'
        f'<img class="dark-light" alt="{escape(alt)}" '
        f'src="data:image/png;base64,{picture}">\n'
        f'<script type="application/json">{text}</script>\n'
        "</div>\n"
        f'<script type="module">\n{_source(script)}</script>\n'
    )


def joined(path: Path) -> str:
    """Return an explorer's script or style, with what explorers share before it."""
    shared = path.with_name("shared" + path.suffix)
    return f"{shared.read_text('utf-8')}\n{path.read_text('utf-8')}"


def _source(source) -> str:
    return source.read_text("utf-8") if isinstance(source, Path) else source
