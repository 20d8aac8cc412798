"""The practice web's generated site as files that nginx serves.

It costs next to nothing, nobody here has written it, and its log tells what was asked for.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.practice.site import EDITIONS, site_page
from tests.servers.nginx import file_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_DIRECTIVES = (
    "charset utf-8;",
    "sendfile on;",
    "tcp_nopush on;",
    "open_file_cache max=20000 inactive=600s;",
)

# What a site that wants to be crawled has; also wget and this project's spiders ask for it first.
_ROBOTS = "User-agent: *\nDisallow: /private/\n"


@dataclass(frozen=True)
class ServedSite:
    """``url`` is its first page."""

    url: str
    log: Path

    def pages_sent(self) -> list[str]:
        """Return the paths of the pages sent since the last call, and forget them."""
        lines = [line.split() for line in self.log.read_text(encoding="utf-8").splitlines()]
        with self.log.open("r+b") as log:  # nginx goes on to write at its end
            log.truncate(0)
        return [path for status, _, path in lines if status == "200" and path != "/robots.txt"]


@contextmanager
def served_site(pages: int) -> Iterator[ServedSite]:
    """Serve a site of so many pages, all of them in UTF-8."""
    with file_server(*_DIRECTIVES, log_format="$status $request_method $request_uri") as server:
        _write_site(server.www, pages, server.url.rstrip("/"))
        yield ServedSite(f"{server.url}site/{pages}/", server.log)


def _write_site(www: Path, pages: int, origin: str) -> None:
    site = www / "site" / str(pages)
    site.mkdir(parents=True)
    (www / "robots.txt").write_text(_ROBOTS, encoding="utf-8")
    for number in range(1, pages + 1):
        edition = EDITIONS[number % len(EDITIONS)]
        text = site_page(pages, number, origin).decode(edition.charset).removeprefix("\ufeff")
        # Not every program among those compared knows what to do where the header and the page
        # do not agree.
        for quote in ('"', ""):
            text = text.replace(f'charset={quote}{edition.charset}"', f'charset={quote}utf-8"')
        name = f"{number}.html" if number > 1 else "index.html"
        (site / name).write_text(text, encoding="utf-8")
