"""``smtp://host``: sends no mail, but shows how the server greets and what it offers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sockettools.errors import InsecureLogin, NegativeReply, NotOffered
from sockettools.protocols.access import TlsPolicy
from sockettools.protocols.smtp import SmtpClient
from sockettools.tasks.fetch.resource import Resource
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.protocols.access import Access
    from sockettools.protocols.replies import Reply
    from sockettools.service_url import ServiceUrl
    from sockettools.tasks.fetch.resource import Wanted


@contextmanager
def fetch(url: ServiceUrl, access: Access, _wanted: Wanted) -> Iterator[Resource]:
    """Yield the greeting and the answer to EHLO; after STARTTLS it is the one to the second.

    Raises:
        ValueError: the URL has a path.
    """
    with session(url, access) as client:
        text = f"{_written(client.greeting)}{_written(client.answer)}".encode()
        yield Resource(iter([text]), "text/plain; charset=utf-8", len(text))


@contextmanager
def session(url: ServiceUrl, access: Access) -> Iterator[SmtpClient]:
    """Yield a client that may send: encrypted and logged in, as far as that is wanted.

    Raises:
        ValueError: the URL has a path.
        SocketToolsError: there is no such session; see ``Access`` and ``SmtpClient``.
    """
    if url.path not in ("", "/"):
        raise ValueError(f"{url}: there is nothing behind the host in a URL of SMTP")
    # Whoever is asked for a password does not keep a server waiting.
    credentials = access.credentials(url)
    conversation = access.open(url.host, url.port, implicit_tls=url.implicit_tls)
    with SmtpClient(conversation) as client:
        try:
            client.greet()
            client.ehlo()
            _encrypt(client, url, access)
            if credentials is not None:
                access.check_login(client.conversation, url.host)
                client.login(credentials)
            yield client
        except (NegativeReply, NotOffered, InsecureLogin):
            client.quit()
            raise
        client.quit()


def _encrypt(client: SmtpClient, url: ServiceUrl, access: Access) -> None:
    if client.conversation.is_encrypted or access.tls is TlsPolicy.OFF:
        return
    if client.offers("STARTTLS") or access.tls is TlsPolicy.REQUIRE:
        client.start_tls(access.context(), url.host)
        client.ehlo()


def _written(reply: Reply) -> str:
    """Return a reply as it came, line by line."""
    marks = ["-"] * (len(reply.lines) - 1) + [" "]
    lines = zip(marks, reply.lines, strict=True)
    return "".join(f"{reply.code}{mark}{visible(line)}\n" for mark, line in lines)
