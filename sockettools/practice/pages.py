"""What the practice web shows: from a path to a page, with no socket in sight.

The links of the chapter's pages are absolute, because its programs do not join relative ones.
Each page is therefore given the origin under which it was asked for, and its links stay there:
asked through ``http_proxy`` for http://www.dr-chuck.com/page1.htm, the page is the chapter's own
to the letter, and a program that follows it comes back to this server.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from sockettools.practice.answers import HTML, PLAIN
from sockettools.practice.people import acquaintances
from sockettools.practice.pictures import cover
from sockettools.practice.sections import CRAWLED, WILD

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockettools.practice.routes import Route
    from sockettools.practice.sections import Sections

# A page repeats its name several times; longer than any person's, short enough for a file name.
MAX_NAME = 100

ROMEO = """\
But soft what light through yonder window breaks
It is the east and Juliet is the sun
Arise fair sun and kill the envious moon
Who is already sick and pale with grief
"""

# These lead out of the practice web, as in the chapter.
BOOK_LINKS = (
    ("http://www.greenteapress.com/thinkpython/thinkpython.html", "Think Python"),
    ("http://allendowney.com/", "Allen Downey"),
    ("http://www.si502.com/", "SI 502"),
    ("http://www.lib.umich.edu/espresso-book-machine", "Espresso Book Machine"),
    ("http://www.py4inf.com/code", "Sample code"),
    ("http://www.pythonlearn.com/", "Python Learn"),
)


@dataclass(frozen=True)
class Page:
    """A representation: its media type (with charset where it is text) and its octets."""

    content_type: str
    body: bytes


def find_page(path: str, origin: str) -> Page | None:
    """Return the page at ``path`` (still percent-encoded, no query), or None if there is none.

    ``origin`` is the scheme and authority that its links begin with: ``http://127.0.0.1:8000``.

    >>> find_page("/romeo.txt", "http://127.0.0.1:8000").body[:8]
    b'But soft'
    """
    try:
        decoded = unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        return None
    if decoded in _PAGES:
        return _PAGES[decoded](origin)
    match = _KNOWN_BY.fullmatch(decoded)
    if match and match["name"].isprintable():
        return _known_by(match["name"], origin)
    return None


def _index(origin: str) -> Page:
    rows = "\n".join(
        f"<li>{_link(origin + path, path)}: {html.escape(what)}</li>"
        for path, what in (
            ("/romeo.txt", "four lines of verse, to count words in (also /code/romeo.txt)"),
            ("/cover.jpg", "a picture, to copy byte for byte"),
            ("/page1.htm", "the first page, with a link to the second"),
            ("/page2.htm", "the second page, with a link back"),
            ("/book.htm", "six links that lead out of here"),
            ("/known_by_Samuel.html", "a hundred people that Samuel knows; any name will do"),
        )
    )
    return _document(
        "Practice web",
        f"<h1>Practice web</h1>\n<ul>\n{rows}\n</ul>\n"
        '<h2 id="crawled">To be crawled</h2>\n'
        "<p>Pictures, pages and files, for testing crawlers.</p>\n"
        f"{_sections(CRAWLED, origin)}"
        '<h2 id="wild">The wild part</h2>\n'
        "<p>Pages that do what servers should not, for testing clients.</p>\n"
        f"{_sections(WILD, origin)}",
    )


def _sections(sections: Sections, origin: str) -> str:
    return "".join(
        f"<h3>{html.escape(title)}</h3>\n<ul>\n"
        + "".join(f"<li>{_row(origin, route)}</li>\n" for route in routes)
        + "</ul>\n"
        for title, routes in sections
    )


def _row(origin: str, route: Route) -> str:
    # A crawler that minds the mark is not led to what never ends.
    links = ", ".join(
        f'<a rel="nofollow" href="{html.escape(origin + path)}">{html.escape(path)}</a>'
        for path in route.links
    )
    what = html.escape(route.what)
    if route.links == (route.pattern,):
        return f"{links}: {what}"
    return f"<code>{html.escape(route.title)}</code>: {what}: {links}"


def _robots(_origin: str) -> Page:
    return Page(PLAIN, b"User-agent: *\nDisallow:\n")


def _romeo(_origin: str) -> Page:
    return Page(PLAIN, ROMEO.encode())


@cache
def _cover(_origin: str = "") -> Page:
    return Page("image/jpeg", cover())


def _first_page(origin: str) -> Page:
    return _fragment(
        "<h1>The First Page</h1>\n<p>\nIf you like, you can switch to the\n"
        f'<a href="{html.escape(origin)}/page2.htm">\nSecond Page</a>.\n</p>\n'
    )


def _second_page(origin: str) -> Page:
    return _fragment(
        "<h1>The Second Page</h1>\n<p>\nIf you like, you can switch back to the\n"
        f'<a href="{html.escape(origin)}/page1.htm">\nFirst Page</a>.\n</p>\n'
    )


def _book(_origin: str) -> Page:
    rows = "\n".join(f"<li>{_link(url, text)}</li>" for url, text in BOOK_LINKS)
    return _document("The book", f"<h1>The book</h1>\n<ul>\n{rows}\n</ul>\n")


def _known_by(name: str, origin: str) -> Page:
    title = f"People that {html.escape(name)} knows"
    rows = "\n".join(
        f"<li>{_link(f'{origin}/known_by_{quote(other)}.html', other)}</li>"
        for other in acquaintances(name)
    )
    return _document(title, f"<h1>{title}</h1>\n<ul>\n{rows}\n</ul>\n")


def _link(url: str, text: str) -> str:
    return f'<a href="{html.escape(url)}">{html.escape(text)}</a>'


def _document(title: str, body: str) -> Page:
    return _fragment(
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title}</title>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def _fragment(text: str) -> Page:
    return Page(HTML, text.encode())


_KNOWN_BY = re.compile(rf"/known_by_(?P<name>[^/]{{1,{MAX_NAME}}})\.html")

_PAGES: dict[str, Callable[[str], Page]] = {
    "/": _index,
    "/robots.txt": _robots,
    "/romeo.txt": _romeo,
    "/code/romeo.txt": _romeo,
    "/cover.jpg": lambda _origin: _cover(),
    "/page1.htm": _first_page,
    "/page2.htm": _second_page,
    "/book.htm": _book,
}
