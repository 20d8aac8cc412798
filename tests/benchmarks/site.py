"""The practice web's generated site as files that nginx serves.

It costs next to nothing, nobody here has written it, and its log tells what was asked for.
"""

from __future__ import annotations

import socket
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sockettools.practice.site import EDITIONS, site_page
from tests.servers.nginx import running

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONFIGURATION = """
daemon off;
pid {folder}/pid;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    log_format pages "$status $request_method $request_uri";
    access_log {folder}/access.log pages;
    types {{ text/html html; text/plain txt; }}
    charset utf-8;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 60s;
    keepalive_requests 1000000;
    open_file_cache max=20000 inactive=600s;
    client_body_temp_path {folder}/t1;
    proxy_temp_path {folder}/t2;
    fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4;
    scgi_temp_path {folder}/t5;
    server {{ listen {place}; root {folder}/www; }}
}}
"""

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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # where root starts nginx, its workers are somebody who may not enter
        listener = socket.create_server(("127.0.0.1", 0))
        place = "{}:{}".format(*listener.getsockname())
        _write_site(folder / "www", pages, f"http://{place}")
        configuration = _CONFIGURATION.format(folder=folder, place=place)
        (folder / "nginx.conf").write_text(configuration, encoding="utf-8")
        with running(folder, [listener]):
            yield ServedSite(f"http://{place}/site/{pages}/", folder / "access.log")


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
