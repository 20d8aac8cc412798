"""Everything that can go wrong on the network, as one tree.

SocketToolsError
    NetworkError                the network, or this machine's part of it, refused
        ListenError             nothing can listen on that address
    ProtocolError               somebody broke the rules of a protocol
        RemoteProtocolError     the peer did
"""


class SocketToolsError(Exception):
    """The root: its text is one line, meant for the user."""


class NetworkError(SocketToolsError):
    """An operation that the operating system refused or could not finish."""


class ListenError(NetworkError):
    """The address cannot be listened on: taken, privileged, unknown or not this machine's."""


class ProtocolError(SocketToolsError):
    """Bytes that the protocol does not allow."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol does not allow.

    ``status_hint`` is the HTTP status code that a server would answer with.
    """

    def __init__(self, message: str, status_hint: int = 400) -> None:
        super().__init__(message)
        self.status_hint = status_hint
