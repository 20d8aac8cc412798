"""Upload a file by FTP, or the rest of one that an earlier upload has begun."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.errors import PermanentNegativeReply, SocketToolsError
from sockettools.protocols.ftp_data import to_network_lines
from sockettools.tasks.fetch.ftp import logged_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sockettools.protocols.access import Access
    from sockettools.protocols.ftp import FtpClient
    from sockettools.service_url import ServiceUrl
    from sockettools.tasks.fetch.ftp import FtpPlace


class CannotContinue(SocketToolsError):
    """What the server has is no beginning of what is to be uploaded, or nobody can tell."""


@dataclass(frozen=True)
class Upload:
    """A file that is about to be written on a server; ``offset`` octets of it are there already."""

    offset: int
    _client: FtpClient
    _place: FtpPlace

    def send(self, blocks: Iterable[bytes]) -> int:
        """Send what there is from the offset on; return how many octets that were.

        Raises:
            SocketToolsError: it is not known to have arrived.
        """
        text = self._place.is_text
        return self._client.store(
            self._place.path,
            to_network_lines(blocks) if text else blocks,
            append=self.offset > 0,
            text=text,
        )


@contextmanager
def uploading(
    url: ServiceUrl,
    place: FtpPlace,
    access: Access,
    *,
    resume: bool = False,
    create_directories: bool = False,
) -> Iterator[Upload]:
    """Log in, and yield what sends a file to ``place``, a path that ``url`` may have, or another.

    Raises:
        CannotContinue: the server does not tell what it has of the file.
        SocketToolsError: everything else that can go wrong with a server.
    """
    with logged_in(url, access) as client:
        if create_directories:
            _create_directories(client, place.path)
        yield Upload(_size_there(client, place.path) if resume else 0, client, place)


def _size_there(client: FtpClient, path: bytes) -> int:
    size = client.size(path)
    if size is None and "SIZE" not in client.features:
        raise CannotContinue(f"{client.peer} does not tell how much of a file it has (SIZE)")
    return size or 0


def _create_directories(client: FtpClient, path: bytes) -> None:
    parts = path.split(b"/")
    for end in range(1, len(parts)):
        if parts[end - 1] in (b"", b".", b".."):
            continue
        # It is there, most likely; if not, storing the file tells.
        with suppress(PermanentNegativeReply):
            client.make_directory(b"/".join(parts[:end]))
