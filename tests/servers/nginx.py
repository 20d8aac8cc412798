"""nginx on free ports: a server that nobody here has written."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from sockettools.practice.pages import ROMEO
from tests.servers.certificates import Authority
from tests.servers.daemons import SYSTEM_PATHS, daemon_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = ROMEO.encode()
LARGE_SIZE = 50_000_000

REDIRECTS = (301, 302, 303, 307, 308)

_PIECE = 1_000_000

_CERTIFICATES = ("tls", "expired", "misnamed")

_CONFIGURATION = """
daemon off;
pid {folder}/pid;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/t1;
    proxy_temp_path {folder}/t2;
    fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4;
    scgi_temp_path {folder}/t5;
    keepalive_timeout 60s;
    {http}
}}
"""

_TEST_SERVERS = """
    access_log off;
    default_type application/octet-stream;
    types {{ text/plain txt; }}
    {servers}
    server {{
        listen {proxy};
        location / {{
            proxy_pass http://$http_host$request_uri;
            add_header X-Way "$request";
        }}
    }}
"""

_SERVER = """
    server {{
        {listen}
        root {folder}/www;
        location = /cut {{ return 444; }}
        location = /nothing {{ return 204; }}
        location = /teapot {{ return 418 "short and stout\\n"; }}
        location = /loop {{ return 302 /loop; }}
        location = /relative/redirect {{ absolute_redirect off; return 302 ../method; }}
        {redirects}
        location = /method {{ return 200 "$request_method\\n"; }}
        location = /connection {{ return 200 "$connection $connection_requests\\n"; }}
        location = /closing {{ keepalive_timeout 0; return 200 "$connection\\n"; }}
        location = /cookie {{
            add_header Set-Cookie "a=1; Path=/";
            return 200 "$http_cookie\\n";
        }}
        location /gz/ {{
            alias {folder}/www/;
            gzip on;
            gzip_min_length 1;
            gzip_types *;
            gzip_http_version 1.0;
        }}
        location /chunked/ {{ alias {folder}/www/; ssi on; ssi_types *; }}
        location /slow/ {{ alias {folder}/www/; limit_rate 10k; }}
        location = /private {{
            auth_basic realm;
            auth_basic_user_file {folder}/users;
            try_files /romeo.txt =404;
        }}
    }}
"""

_FILES = """
    {log}
    types {{ text/html html; text/plain txt; }}
    keepalive_requests 1000000;
    {more}
    server {{ listen {place}; root {www}; }}
"""


@dataclass(frozen=True)
class Nginx:
    """Where it is: URLs, each without a slash at the end, and the files that it sends."""

    plain: str
    tls: str
    expired: str
    misnamed: str
    proxy: str
    authority: Path
    www: Path


@contextmanager
def nginx() -> Iterator[Nginx]:
    """Run it, with a few files and a place for everything that HTTP/1.1 does."""
    with ExitStack() as stack:
        folder = stack.enter_context(daemon_folder())
        listeners = {
            name: stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            for name in ("plain", *_CERTIFICATES, "proxy")
        }
        places = {
            name: "{}:{}".format(*listener.getsockname()) for name, listener in listeners.items()
        }
        _write_files(folder)
        _configure(folder, _test_servers(folder, places))
        authority = _write_certificates(folder)
        stack.enter_context(_running(folder, list(listeners.values())))
        urls = {
            name: f"{'https' if name in _CERTIFICATES else 'http'}://{place}"
            for name, place in places.items()
        }
        yield Nginx(**urls, authority=authority.path, www=folder / "www")


@dataclass(frozen=True)
class FileServer:
    """``url``, with a slash at its end, is what there is in the folder ``www``."""

    url: str
    www: Path
    log: Path


@contextmanager
def file_server(*directives: str, log_format: str | None = None) -> Iterator[FileServer]:
    """Run it with whatever is put into an empty folder, and many requests to a connection.

    ``directives`` are more of its configuration. With ``log_format`` it writes a log.
    """
    with daemon_folder() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        place = "{}:{}".format(*listener.getsockname())
        www, log = folder / "www", folder / "access.log"
        www.mkdir()
        logs = f'log_format told "{log_format}"; access_log {log} told;'
        http = _FILES.format(
            log=logs if log_format else "access_log off;",
            more=" ".join(directives),
            place=place,
            www=www,
        )
        _configure(folder, http)
        with _running(folder, [listener]):
            yield FileServer(f"http://{place}/", www, log)


def _configure(folder: Path, http: str) -> None:
    (folder / "nginx.conf").write_text(_CONFIGURATION.format(folder=folder, http=http))


def _write_files(folder: Path) -> None:
    www = folder / "www"
    www.mkdir()
    (www / "romeo.txt").write_bytes(TEXT)
    with (www / "large.bin").open("wb") as large:
        for number in range(LARGE_SIZE // _PIECE):
            large.write(Random(number).randbytes(_PIECE))
    (www / "empty.txt").touch()
    (folder / "users").write_text("user:{PLAIN}secret\n")


def _test_servers(folder: Path, places: dict[str, str]) -> str:
    listens = [f"listen {places['plain']};"]
    for name in _CERTIFICATES:
        pem = f"{folder}/{name}.pem"
        listens.append(
            f"listen {places[name]} ssl; ssl_certificate {pem}; ssl_certificate_key {pem};"
        )
    redirects = "".join(f"location = /{code} {{ return {code} /method; }}" for code in REDIRECTS)
    servers = "".join(
        _SERVER.format(listen=listen, folder=folder, redirects=redirects) for listen in listens
    )
    return _TEST_SERVERS.format(servers=servers, proxy=places["proxy"])


def _write_certificates(folder: Path) -> Authority:
    authority = Authority(folder)
    authority.issue(folder / "tls.pem")
    authority.issue(folder / "expired.pem", expired=True)
    authority.issue(folder / "misnamed.pem", "elsewhere.example")
    return authority


@contextmanager
def _running(folder: Path, listeners: list[socket.socket]) -> Iterator[None]:
    """Run nginx with the ``nginx.conf`` of that folder, which listens where ``listeners`` do."""
    program = shutil.which("nginx", path=SYSTEM_PATHS)
    assert program is not None
    numbers = [listener.fileno() for listener in listeners]
    log = folder / "error.log"
    process = subprocess.Popen(
        [program, "-c", folder / "nginx.conf", "-e", log],
        # It takes over sockets that listen already, as when it replaces itself by a newer version:
        # their ports are nobody else's, and whoever connects too early waits.
        env={**os.environ, "NGINX": "".join(f"{number};" for number in numbers)},
        pass_fds=numbers,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for listener in listeners:
            listener.close()  # so that nobody waits for one that did not start
        yield
        assert process.poll() is None, log.read_text()
    finally:
        process.terminate()
        process.wait()
