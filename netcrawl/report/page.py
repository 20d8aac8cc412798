"""A report as one HTML page that needs nothing else, and can be harmed by nothing in it.

What comes from the network is escaped by Jinja2. Should something get through, the page's own
policy lets no script run but the one whose hash it names, and lets nothing be loaded from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from netcrawl.report.shown import shown
from sockettools import __version__
from sockettools.units import clock_text, counted, octets_text

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def render(template: str, **values: Any) -> str:
    """Return the page that a template makes of these values."""
    environment = _environment()
    style, script = _text("report.css"), _text("report.js")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return environment.get_template(template).render(
        # They are ours, and have to be as they are for their hashes.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        policy=policy,
        version=__version__,
        **values,
    )


def data_block(value: object) -> Markup:
    """Return JSON that may stand in an element <script>, whatever is in it."""
    text = json.dumps(value, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704 - it has no < any more, and is no script


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clock=clock_text,
        data_block=data_block,
        number=lambda number: f"{number:,}",
        octets=octets_text,
        shown=shown,
    )
    environment.globals.update(counted=counted)
    return environment


def _templates() -> Traversable:
    return files("netcrawl.report") / "templates"


def _text(name: str) -> str:
    return (_templates() / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
