"""Everything that can go wrong on the network, as one tree.

SocketToolsError
    AddressError                what was written is no address
    StreamClosed                a stream was used after we closed it, or its sending side
    NetworkError                the network, or this machine's part of it, refused
        ListenError             nothing can listen on that address
        ConnectError            no connection could be made
            ResolveError        the name means no address
            ConnectionRefused   the machine is there, and nothing listens on the port
            CertificateError    whoever answered has not proved to be who was asked for
        ReadError               the connection broke while receiving
        WriteError              the connection broke while sending
    Timeout                     a deadline passed
        ConnectTimeout
        ReadTimeout
        WriteTimeout
    NegativeReply               the server understood, and said no
        TransientNegativeReply  for now: the same may do later
        PermanentNegativeReply  for good
    NotOffered                  the server does not offer what is needed
    InsecureLogin               a password would cross the network in clear text
    ProtocolError               somebody broke the rules of a protocol
        LocalProtocolError      this side would
        RemoteProtocolError     the peer did
            IncompleteMessage   the connection ended, or broke, in the middle of a message
            TooLong             a part of a message is longer than the limit for it
"""


class SocketToolsError(Exception):
    """The root: its text is one line, meant for the user."""


class AddressError(SocketToolsError):
    """What was written cannot be an address: no socket was asked."""


class StreamClosed(SocketToolsError):
    """A stream was used after this side had closed it."""


class NetworkError(SocketToolsError):
    """An operation that the operating system refused or could not finish."""


class ListenError(NetworkError):
    """The address cannot be listened on: taken, privileged, unknown or not this machine's."""


class ConnectError(NetworkError):
    """No connection could be made."""


class ResolveError(ConnectError):
    """The host name means no address."""


class ConnectionRefused(ConnectError):
    """The machine answered that nothing listens there."""


class CertificateError(ConnectError):
    """The peer's certificate is for another name or time, or nobody trusted has signed it."""


class ReadError(NetworkError):
    """The connection broke, by a reset or half an encrypted message, before its end."""


class WriteError(NetworkError):
    """The connection broke while something was being sent."""


class Timeout(SocketToolsError):
    """A deadline passed."""


class ConnectTimeout(Timeout):
    """No connection in time. A name that could not be resolved in time is one too."""


class ReadTimeout(Timeout):
    """Nothing was received in time. The stream is as it was."""


class WriteTimeout(Timeout):
    """Not everything was taken in time. How much was is not known: only closing is left."""


class NegativeReply(SocketToolsError):
    """A server's refusal: ``code`` as the protocol has it (550, "-ERR", "NO"), and its ``text``."""

    def __init__(self, message: str, code: int | str = "", text: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.text = text


class TransientNegativeReply(NegativeReply):
    """Not now: 4xx, and what other protocols have for it."""


class PermanentNegativeReply(NegativeReply):
    """Not like this: 5xx, and what other protocols have for it."""


class NotOffered(SocketToolsError):
    """What is needed is not among what the server offers; nothing of it was tried."""


class InsecureLogin(SocketToolsError):
    """User name and password would go to another machine unencrypted; nothing was sent."""


class ProtocolError(SocketToolsError):
    """Bytes that the protocol does not allow."""


class LocalProtocolError(ProtocolError):
    """What this side was asked to send would break the protocol: nothing of it was sent."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol does not allow.

    ``status_hint`` is the HTTP status code that a server would answer with.
    """

    def __init__(self, message: str, status_hint: int = 400) -> None:
        super().__init__(message)
        self.status_hint = status_hint


class IncompleteMessage(RemoteProtocolError):
    """The peer's message has no end: the connection ended, or broke, in the middle of it."""


class TooLong(RemoteProtocolError):
    """A part of the peer's message is longer than the limit for it."""
