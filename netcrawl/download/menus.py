"""Menus of Gopher as pages of HTML, so that whatever reads pages reads them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from sockettools.protocols.gopher_menu import parse_menu
from sockettools.service_url import parse_service_url
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.service_url import ServiceUrl


def menu_page(url: str, menu: bytes) -> bytes:
    r"""Return the page, in UTF-8: a line for each item, as a link where it leads somewhere.

    What the server has written is text, whatever it looks like.

    >>> page = menu_page("gopher://h.test/1/x", b"i<b>\r\n0A & B\t/a?b\th.test\t70\r\n.\r\n")
    >>> print(page.decode().partition("<pre>")[2])
    <BLANKLINE>
    &lt;b&gt;
    <a href="gopher://h.test/0/a%3Fb">A &amp; B</a>
    </pre></body></html>
    """
    lines = "\n".join(_lines(parse_service_url(url), menu))
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{escape(url)}</title></head>'
        f"<body><pre>\n{lines}\n</pre></body></html>"
    ).encode()


def _lines(url: ServiceUrl, menu: bytes) -> Iterator[str]:
    for item in parse_menu([menu]):
        text = escape(visible(item.text, keep="\t"))
        target = item.url(url)
        yield text if target is None else f'<a href="{escape(target)}">{text}</a>'
