"""The wild part of the practice web: pages that do what servers should not, for testing clients.

Each module has a table of its routes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockettools.practice.wild import (
    broken,
    charsets,
    chunks,
    codings,
    cookies,
    echo,
    keeping,
    lengths,
    redirects,
    sizes,
    slow,
    statuses,
)

if TYPE_CHECKING:
    from sockettools.practice.routes import Route

# In the order in which the index lists them.
SECTIONS: tuple[tuple[str, tuple[Route, ...]], ...] = (
    ("What was asked", echo.ROUTES),
    ("Status codes", statuses.ROUTES),
    ("Redirects", redirects.ROUTES),
    ("Cookies and passwords", cookies.ROUTES),
    ("Slow answers", slow.ROUTES),
    ("Sizes and ranges", sizes.ROUTES),
    ("Content codings", codings.ROUTES),
    ("Charsets", charsets.ROUTES),
    ("Chunks", chunks.ROUTES),
    ("Lengths", lengths.ROUTES),
    ("Connections that are kept", keeping.ROUTES),
    ("Broken answers", broken.ROUTES),
)
