"""The table of pages, from the tables of each part; what is in it is what the index page lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.practice import files, gallery, site, wild
from sockettools.practice.routes import split_path

if TYPE_CHECKING:
    from sockettools.practice.routes import Route

# Titles and routes in the order in which the index lists them.
Sections = tuple[tuple[str, tuple["Route", ...]], ...]

CRAWLED: Sections = (
    ("Pictures", gallery.ROUTES),
    ("A site of any size", site.ROUTES),
    ("Files", files.ROUTES),
)
WILD: Sections = wild.SECTIONS

ROUTES = tuple(route for _, routes in (*CRAWLED, *WILD) for route in routes)

_FIXED = {tuple(route.pattern.split("/")): route for route in ROUTES if route.is_fixed}

# By the first part of the path, which is a word in every pattern.
_PATTERNS: dict[str, list[Route]] = {}
for _route in ROUTES:
    if not _route.is_fixed:
        _PATTERNS.setdefault(_route.pattern.split("/")[1], []).append(_route)


def find_route(path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route to ``path`` (percent-encoded) and the arguments in it; None without one.

    >>> route, arguments = find_route("/redirect/3")
    >>> route.pattern, arguments
    ('/redirect/{hops:number}', {'hops': '3'})
    """
    segments = split_path(path)
    if segments is None:
        return None
    if fixed := _FIXED.get(tuple(segments)):
        return fixed, {}
    for route in _PATTERNS.get(segments[1] if len(segments) > 1 else "", ()):
        arguments = route.match(segments)
        if arguments is not None:
            return route, arguments
    return None
