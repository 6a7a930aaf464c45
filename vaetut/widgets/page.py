"""A widget as HTML that needs nothing else, for the built book."""

import base64
import json
from html import escape
from pathlib import Path

HERE = Path(__file__).parent


def standalone(
    name: str, style: str, script: str, state: dict, png: bytes, alt: str
) -> str:
    """Return a widget's markup with its style, script and state in it.

    `name` is the class that the script looks for; `style` and `script` are what
    `sources` returns; `png` is the still picture that a page without JavaScript shows,
    and `alt` its text.
    """
    # Within a script element only "<" could end it.
    text = json.dumps(state, separators=(",", ":")).replace("<", "\\u003c")
    picture = base64.b64encode(png).decode()
    return (
        f"<style>\n{style}</style>\n"
        f'<div class="{name}" data-lm-suppress-shortcuts="true">\n'
        f'<img class="dark-light" alt="{escape(alt)}" '
        f'src="data:image/png;base64,{picture}">\n'
        f'<script type="application/json">{text}</script>\n'
        "</div>\n"
        f'<script type="module">\n{script}</script>\n'
    )


def sources(name: str, *others: str) -> tuple[str, str]:
    """Return the script and the style of a widget, after those that it shares.

    All share shared.js and shared.css; `others` are more files, by their names.
    """
    names = ("shared", *others, name)
    script, style = (
        "\n".join(
            path.read_text("utf-8")
            for path in (HERE / f"{one}{suffix}" for one in names)
            if path.exists()
        )
        for suffix in (".js", ".css")
    )
    return script, style
