"""``url()`` in the declarations of a style (CSS Syntax, section 4.3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Comments and strings are here to be stepped over. Each of these matches whatever begins like it,
# so that nothing is looked at twice.
_TOKEN = re.compile(
    r"""/\*.*?(?:\*/|\Z)
    | (?<![\w-])url\(\s*+ (?:
        "(?P<double>(?:[^"\\\n]|\\.)*+)"?
        | '(?P<single>(?:[^'\\\n]|\\.)*+)'?
        | (?P<bare>(?:[^"'()\\\s]|\\(?:[0-9a-f]{1,6}\s?|[^\n]))*+) \s*+ (?P<end>\)|\Z)?
      )
    | "(?:[^"\\\n]|\\.)*+"?
    | '(?:[^'\\\n]|\\.)*+'?""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ESCAPE = re.compile(r"\\(?:([0-9A-Fa-f]{1,6})\s?|\n|(.))", re.DOTALL)


def css_urls(style: str) -> Iterator[str]:
    r"""Yield what ``url()`` names, in order.

    >>> list(css_urls("background: url( 'a\\'b.png' ), url(c.png) /* url(d.png) */"))
    ["a'b.png", 'c.png']
    """
    for match in _TOKEN.finditer(style):
        url = match["double"] or match["single"]
        if url is None and match["end"] is not None:
            url = match["bare"]
        if url:
            yield _ESCAPE.sub(_unescaped, url)


def _unescaped(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[2] or ""
    code = int(match[1], 16)
    is_character = 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
    return chr(code) if is_character else "\ufffd"
