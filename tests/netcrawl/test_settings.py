"""What the settings promise, seen on the wire where it can be."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from scrapy.settings import Settings

from sockettools import __version__
from tests.crawling import crawl
from tests.servers.certificates import self_signed
from tests.servers.pages import PageServer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("console", ["TELNETCONSOLE_ENABLED", "REMOTE_CONTROL_ENABLED"])
def test_nothing_lets_others_run_code(console: str) -> None:
    settings = Settings()
    settings.setmodule("netcrawl.settings", priority="project")

    assert not settings.getbool(console)


def test_what_only_others_need_is_not_imported() -> None:
    with PageServer({"/": "<title>x</title><p>y"}) as server:
        done = crawl(
            "words", "-a", f"url={server.url}/", environment={"PYTHONPROFILEIMPORTTIME": "1"}
        )

    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.status == 0
    assert "netcrawl.extract.words" in imported
    assert imported.isdisjoint({"aiohttp", "bs4"})


def test_a_remote_control_that_is_wanted_is_there(tmp_path: Path) -> None:
    with PageServer({"/": "<title>x</title><p>y"}) as server:
        done = crawl(
            *("words", "-a", f"url={server.url}/"),
            *("-s", "REMOTE_CONTROL_ENABLED=1", "-s", f"REMOTE_CONTROL_JOBS_DIR={tmp_path}"),
            *("-s", "LOG_LEVEL=INFO"),
        )

    assert done.status == 0
    assert "RemoteControl" in done.stderr


def test_the_user_agent_names_the_project() -> None:
    with PageServer({"/": "<title>x</title>"}) as server:
        crawl("follow", "-a", f"url={server.url}/")
        agents = {fields["User-Agent"] for _, fields in server.requests}

    assert agents == {f"netcrawl/{__version__}"}


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        done = crawl("follow", "-a", f"url=https://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

    assert done.status == 1
    assert f"the certificate of 127.0.0.1:{server.server_port} could not be verified" in (
        done.last_line
    )
