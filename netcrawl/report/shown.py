"""Values from the network, as text of bounded size that does nothing."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from netcrawl.failures import without_userinfo
from sockettools.text import visible
from sockettools.units import octets_text

# Characters of a value in a table.
MAX_CELL = 200

# Characters of a URL that is a link.
MAX_LINK = 2_000

# How deep lists and objects in an item are looked into.
_MAX_DEPTH = 6

# Entries of a list or object in an item that are looked at.
_MAX_ENTRIES = 50


def shown(value: object, limit: int = MAX_CELL) -> str:
    r"""Return a value as one line, cut to ``limit`` characters, then with its length.

    >>> shown("a\u202eb\x00"), shown(None), shown(2.50), shown([1, {"a": None}])
    ('a\\u202eb\\x00', '', '2.5', '[1, {"a": null}]')
    >>> shown("abcdef", 3)
    'abc… (6 characters)'
    """
    if value is None:
        return ""
    if isinstance(value, str):
        text = value
    elif isinstance(value, int) and not isinstance(value, bool):
        text = _integer(value)
    elif isinstance(value, list | tuple | dict | set | frozenset):
        text = json.dumps(_plain(value, limit), ensure_ascii=False)
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, bytes):
        text = f"{octets_text(len(value))} of bytes"
    else:
        text = str(value)
    if len(text) <= limit:
        return visible(text)
    # What is cut could have been escaped, and so have become longer.
    return f"{visible(text[:limit])}… ({len(text):,} characters)"


def lines_shown(text: str, limit: int = 4_000) -> str:
    """Return a text of several lines, such as a traceback, cut to its end."""
    cut = text if len(text) <= limit else f"…{text[-limit:]}"
    return visible(cut, keep="\n\t")


def link_target(value: object) -> str | None:
    """Return the URL that a reader may follow, None for what is no http or https URL.

    >>> link_target("http://me:secret@h/p"), link_target(" javascript:alert(1)")
    ('http://h/p', None)
    """
    if not isinstance(value, str) or len(value) > MAX_LINK or not value.isprintable():
        return None
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or not value.startswith(parts.scheme):
        return None
    return without_userinfo(value)


def number(value: object) -> float | None:
    """Return the number that a value is, or that a cell of CSV says; None for others."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if len(value) > 40:
            return None
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, int):
        return float(value) if abs(value) < 10**300 else None
    # Neither NaN nor the infinities can be sorted or added up.
    return value if isinstance(value, float) and abs(value) < 1e300 else None


def _integer(value: int) -> str:
    bits = value.bit_length()
    return str(value) if bits < 1_000 else f"an integer of {bits:,} bits"


def _plain(value: object, limit: int, depth: int = 0) -> Any:
    if isinstance(value, dict):
        if depth == _MAX_DEPTH:
            return "…"
        entries = list(value.items())[:_MAX_ENTRIES]
        return {str(key)[:limit]: _plain(it, limit, depth + 1) for key, it in entries}
    if isinstance(value, list | tuple | set | frozenset):
        if depth == _MAX_DEPTH:
            return "…"
        return [_plain(it, limit, depth + 1) for it in list(value)[:_MAX_ENTRIES]]
    if isinstance(value, str):
        return value[:limit]
    if isinstance(value, bool | float | None):
        return value
    return (
        shown(value, limit)
        if not isinstance(value, int)
        else (value if value.bit_length() < 1_000 else _integer(value))
    )
