"""How to get to servers: time, addresses, TLS and credentials, the same for every protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from sockettools.errors import InsecureLogin
from sockettools.net.address import InternetAddress, resolve
from sockettools.net.deadline import NEVER, Deadline
from sockettools.net.dial import dial
from sockettools.net.tls import client_context, start_client_tls
from sockettools.net.transcript import RecordedStream
from sockettools.protocols.conversation import IDLE_TIMEOUT, Conversation
from sockettools.url import is_loopback

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from sockettools.net.address import Address, Candidate
    from sockettools.net.stream import Stream
    from sockettools.net.transcript import Transcript
    from sockettools.service_url import ServiceUrl

CONNECT_TIMEOUT = 30.0


class TlsPolicy(Enum):
    """What to do where a connection begins in clear text and the server could encrypt it."""

    AUTO = "auto"  # encrypt if the server offers it; then its certificate has to be right
    REQUIRE = "require"  # encrypt or fail
    OFF = "off"  # never, and passwords may go in clear text


@dataclass(frozen=True)
class Credentials:
    """Who logs in."""

    username: str
    password: str = field(repr=False)


def nobody(_url: ServiceUrl) -> Credentials | None:
    """Know no credentials for any URL."""
    return None


@dataclass(frozen=True)
class Access:
    """Opens connections.

    ``connect_timeout``: seconds for name, connection and TLS together; ``idle_timeout``: seconds
    without a byte; None for ever. ``deadline`` is for everything.
    ``context`` makes what verifies servers; it is called when TLS is first needed.
    ``addresses``: where to connect to for a host and port, instead of asking the resolver.
    ``credentials`` knows who logs in where: from the URL, a file, a person.
    """

    connect_timeout: float | None = CONNECT_TIMEOUT
    idle_timeout: float | None = IDLE_TIMEOUT
    deadline: Deadline = NEVER
    tls: TlsPolicy = TlsPolicy.AUTO
    context: Callable[[], ssl.SSLContext] = client_context
    transcript: Transcript | None = None
    addresses: Mapping[tuple[str, int], Address] = field(default_factory=dict)
    credentials: Callable[[ServiceUrl], Credentials | None] = nobody

    def open(
        self, host: str, port: int, *, implicit_tls: bool = False, connection: str = ""
    ) -> Conversation:
        """Connect; ``connection`` names one of several in traces.

        Raises:
            ConnectError, ConnectTimeout: there is no connection, for the reason that it tells.
        """
        address = InternetAddress(host, port)
        deadline = self.deadline.within(self.connect_timeout)
        dialed = dial(address, deadline, self._resolver)
        stream: Stream = dialed
        try:
            if implicit_tls:
                name = host.partition("%")[0].rstrip(".")
                stream = start_client_tls(
                    dialed, self.context(), name, deadline, address.host_and_port
                )
            if self.transcript:
                stream = RecordedStream(stream, self.transcript, connection)
        except BaseException:
            dialed.close()
            raise
        return Conversation(
            stream,
            address.host_and_port,
            idle_timeout=self.idle_timeout,
            deadline=self.deadline,
        )

    def check_login(self, conversation: Conversation, host: str) -> None:
        """Let a password be sent where nobody on the way can read it, or nobody minds.

        Raises:
            InsecureLogin: the connection is not encrypted and leads to another machine.
        """
        if conversation.is_encrypted or is_loopback(host) or self.tls is TlsPolicy.OFF:
            return
        raise InsecureLogin(
            f"{conversation.peer} offers no encryption, and the password could be read on the way; "
            "--tls off sends it all the same"
        )

    def _resolver(self, address: Address) -> list[Candidate]:
        if isinstance(address, InternetAddress):
            address = self.addresses.get((address.host, address.port), address)
        return resolve(address)
