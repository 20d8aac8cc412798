"""Files and directories by FTP.

``ftp://host/path`` is a path below the directory that the login leads to; one that begins with
another slash (``ftp://host//etc/motd``, or ``%2Fetc/motd`` as RFC 1738 section 3.2.2 has it) begins
at the server's root. The path is asked for as a whole, and not, as RFC 1738 has it, directory by
directory: servers take it so, and what one may not enter one may still pass through.

One that is empty or ends with a slash is a directory, and so is ``;type=d`` behind any;
``;type=a`` gets a file as text, with the line ends of this side. A question mark is a part of the
name like any other character.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from sockettools.errors import NegativeReply, PermanentNegativeReply
from sockettools.protocols.access import TlsPolicy
from sockettools.protocols.ftp import FtpClient
from sockettools.protocols.ftp_data import to_local_lines
from sockettools.protocols.ftp_listing import decoded, entries, format_entry
from sockettools.protocols.replies import shown
from sockettools.tasks.fetch.resource import Resource, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from sockettools.protocols.access import Access
    from sockettools.protocols.ftp_listing import Entry
    from sockettools.service_url import ServiceUrl

    T = TypeVar("T")

# Who logs in where nobody is named, and the user names that mean the same (RFC 1635).
ANONYMOUS = ("anonymous", "anonymous@")
_ANONYMOUS_NAMES = ("anonymous", "ftp")

_TYPE = re.compile(r"(?P<path>.*);type=(?P<type>[^/;]*)", re.DOTALL | re.IGNORECASE)

_HEADING = f"{'type':<8} {'size':>11}  {'modified':<20}  name"

# "There is no such file", and other things that are wrong with a name.
_NO_SUCH_FILE = 550


@dataclass(frozen=True)
class FtpPlace:
    """What a URL's path means: the path as the server has it, and as what it is wanted."""

    path: bytes
    is_directory: bool = False
    is_text: bool = False

    @property
    def name(self) -> str:
        """The last part of the path; "" of a directory."""
        return "" if self.is_directory else decoded(self.path.rpartition(b"/")[2])


def parse_place(path: str) -> FtpPlace:
    """Read the path of a URL.

    Raises:
        ValueError: it means nothing.

    >>> parse_place("/pub/na%20me.txt;type=a")
    FtpPlace(path=b'pub/na me.txt', is_directory=False, is_text=True)
    >>> parse_place("/%2Fetc/")
    FtpPlace(path=b'/etc', is_directory=True, is_text=False)
    """
    written = path.partition("#")[0]
    kind = ""
    if match := _TYPE.fullmatch(written):
        written, kind = match["path"], match["type"].lower()
        if kind not in ("a", "i", "d"):
            raise ValueError(f"the type {kind[:20]!r} is none of a, i and d")
    if written and not written.startswith("/"):
        raise ValueError("a slash was to come behind the host")
    octets = unquote_to_bytes(written[1:])
    if any(octet in octets for octet in (b"\r", b"\n", b"\0")):
        raise ValueError("there is a line end or a NUL in the path")
    is_text = kind == "a"
    if kind == "d" or not octets or octets.endswith(b"/"):
        return FtpPlace(octets.rstrip(b"/") or octets[:1], is_directory=True, is_text=is_text)
    return FtpPlace(octets, is_text=is_text)


@contextmanager
def logged_in(url: ServiceUrl, access: Access) -> Iterator[FtpClient]:
    """Connect, encrypt as it was asked for, and log in, as nobody in particular if need be.

    Raises:
        InsecureLogin: the password would go to another machine in clear text.
        SocketToolsError: everything else that can go wrong with a server.
    """
    with FtpClient.connect(access, url.host, url.port, implicit_tls=url.implicit_tls) as client:
        if not url.implicit_tls:
            _start_tls(client, url, access)
        _login(client, url, access)
        client.ask_features()
        if client.conversation.is_encrypted:
            client.protect_data(url.host)
        yield client


@contextmanager
def fetch(url: ServiceUrl, access: Access, wanted: Wanted) -> Iterator[Resource]:
    """Yield a file, or a directory as a table; see ``sockettools.tasks.fetch``."""
    place = parse_place(url.path)
    if place.is_text and wanted.offset and not place.is_directory:
        raise ValueError("a file that comes as text (;type=a) cannot be gone on with")
    with logged_in(url, access) as client:
        yield _directory(client, place) if place.is_directory else _file(client, place, wanted)


def _start_tls(client: FtpClient, url: ServiceUrl, access: Access) -> None:
    if access.tls is TlsPolicy.OFF:
        return
    try:
        # What it offers is not asked for: nobody could trust the answer.
        client.start_tls(access.context(), url.host)
    except NegativeReply as exc:
        if exc.code == 421:
            raise
        if access.tls is TlsPolicy.REQUIRE:
            raise PermanentNegativeReply(
                f"{client.peer} offers no encryption (AUTH TLS): {exc.code} {shown(exc.text)}",
                exc.code,
                exc.text,
            ) from exc


def _login(client: FtpClient, url: ServiceUrl, access: Access) -> None:
    credentials = None
    if url.password is not None or url.username not in _ANONYMOUS_NAMES:
        credentials = access.credentials(url)
    if credentials is None:
        client.login(*ANONYMOUS)
        return
    if credentials.username not in _ANONYMOUS_NAMES:
        access.check_login(client.conversation, url.host)
    client.login(credentials.username, credentials.password)


def _file(client: FtpClient, place: FtpPlace, wanted: Wanted) -> Resource:
    if place.is_text:
        text = _as_spelled(place.path, lambda path: client.retrieve(path, text=True))
        return Resource(to_local_lines(text), "text/plain", name=place.name)
    return _as_spelled(place.path, lambda path: _octets(client, path, place.name, wanted))


def _octets(client: FtpClient, path: bytes, name: str, wanted: Wanted) -> Resource:
    size = client.size(path)
    validator = _validator(client, path, size)
    # What is longer than the file is no beginning of it.
    offset = wanted.offset if size is None or wanted.offset <= size else 0
    left = None if size is None else size - offset
    blocks = _nothing() if offset and left == 0 else client.retrieve(path, offset=offset, size=left)
    return Resource(blocks, "application/octet-stream", left, name, offset, validator)


def _validator(client: FtpClient, path: bytes, size: int | None) -> str:
    if size is None:
        return ""
    modified = client.modified(path)
    return f'"{modified:%Y%m%d%H%M%S}-{size}"' if modified else f'"{size}"'


def _directory(client: FtpClient, place: FtpPlace) -> Resource:
    if place.path:
        # And not as an argument of LIST, where a space or a dash would mean something else.
        _as_spelled(place.path, client.change_directory)
    form, lines = client.list_directory()
    return Resource(_table(entries(lines, form)), "text/plain; charset=utf-8")


def _table(rows: Iterator[Entry | bytes]) -> Iterator[bytes]:
    yield f"{_HEADING}\n".encode()
    for row in rows:
        yield f"{format_entry(row)}\n".encode()


def _nothing() -> Iterator[bytes]:
    yield from ()


def _as_spelled(path: bytes, ask: Callable[[bytes], T]) -> T:
    """Ask for a path as the URL has it, which is UTF-8, then in Latin-1.

    Names that are no UTF-8 are listed as Latin-1, also by servers that say that theirs are.
    """
    try:
        return ask(path)
    except PermanentNegativeReply as exc:
        other = _latin_1(path)
        if exc.code != _NO_SUCH_FILE or other == path:
            raise
        try:
            return ask(other)
        except PermanentNegativeReply:
            raise exc from None


def _latin_1(path: bytes) -> bytes:
    try:
        return path.decode().encode("latin-1")
    except UnicodeError:
        return path
