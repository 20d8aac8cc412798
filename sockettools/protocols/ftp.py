"""FTP: RFC 959, with EPSV (RFC 2428), MLSD, SIZE, MDTM and REST (RFC 3659), and TLS (RFC 4217).

Commands and replies go over one connection, and each file or listing over one of its own, which
this side opens ("passive" is the server). It ends where the data end; that they are all there is
what the reply tells that comes afterwards, so there is no complete file without it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sockettools.errors import (
    CertificateError,
    ConnectError,
    IncompleteMessage,
    PermanentNegativeReply,
    ReadError,
    RemoteProtocolError,
    SocketToolsError,
    TooLong,
    TransientNegativeReply,
    WriteError,
)
from sockettools.lifetime import Closing
from sockettools.protocols.commands import check_legal
from sockettools.protocols.ftp_data import finish_sending, peer_host
from sockettools.protocols.ftp_grammar import (
    COMMANDS,
    State,
    parse_epsv,
    parse_features,
    parse_pasv,
)
from sockettools.protocols.ftp_listing import ListingFormat, maybe_time
from sockettools.protocols.replies import Reply, hidden, negative_reply, read_reply, shown
from sockettools.service_url import SCHEMES

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from sockettools.protocols.access import Access
    from sockettools.protocols.conversation import Conversation

PORT = SCHEMES["ftp"].port

# Replies that say "wait" before the one that counts.
MAX_PRELIMINARY = 20

# Octets of a line of a listing: a name of 255 characters, and what is said of it.
MAX_LISTING_LINE = 16_384

# These are about the command; 550 and others are about what it was asked of.
_NOT_IMPLEMENTED = {500, 501, 502, 504}

_SIZE = re.compile(r"\s*([0-9]{1,19})\s*")


class FtpClient(Closing):
    """A conversation with an FTP server, and the connections for data that belong to it.

    Every method that asks the server something raises, beside what it tells:
        TransientNegativeReply, PermanentNegativeReply: the server said no.
        RemoteProtocolError: it said something that makes no sense.
        LocalProtocolError: the command is not legal now, or what it names has a line end in it.
        ReadTimeout, ReadError, WriteTimeout, WriteError: there is no talking to it any more.

    Paths are the server's, as it has them: text is sent as UTF-8, octets as they are.
    """

    def __init__(
        self, conversation: Conversation, open_data: Callable[[int], Conversation]
    ) -> None:
        """Take the conversation over; ``open_data`` connects to a port of the same machine."""
        self.features: dict[str, str] = {}
        self._conversation = conversation
        self._open_data = open_data
        self._data: Conversation | None = None
        self._state = State.NOT_LOGGED_IN
        self._type: str | None = None
        self._extended = True  # EPSV, until the server does not know it
        self.prefers_mlsd = True  # likewise
        self._protected: str | None = None  # the name to be proved on connections for data

    @classmethod
    def connect(
        cls, access: Access, host: str, port: int = PORT, *, implicit_tls: bool = False
    ) -> FtpClient:
        """Connect and wait for the greeting.

        Raises:
            ConnectError, ConnectTimeout: there is no connection.
        """
        conversation = access.open(host, port, implicit_tls=implicit_tls)
        try:
            # Not the host's name, which may lead to another machine the next time.
            address = peer_host(conversation.stream) or host
            client = cls(conversation, lambda port: access.open(address, port, connection="data"))
            client.read_greeting()
        except BaseException:
            conversation.close()
            raise
        return client

    @property
    def conversation(self) -> Conversation:
        """The connection for commands."""
        return self._conversation

    @property
    def state(self) -> State:
        """How far it has come."""
        return self._state

    @property
    def peer(self) -> str:
        """What errors call the server."""
        return self._conversation.peer

    def close(self) -> None:
        """Say goodbye, if there is still somebody listening, and do not wait for the answer."""
        self._close_data()
        try:
            if self._state in COMMANDS["QUIT"]:
                self._conversation.send_line("QUIT")
        except SocketToolsError:
            pass  # the connection is gone, and that is what was wanted
        self._state = State.OVER
        self._conversation.close()

    # Before the login

    def read_greeting(self) -> None:
        """Wait until the server is ready for commands (RFC 959 section 5.4, "Connection")."""
        self._done(self._final_reply(), "the connection")

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Encrypt the commands (RFC 4217 section 4); the data are as well after ``protect_data``.

        Raises:
            CertificateError, ConnectError, ConnectTimeout: no agreement.
        """
        self._ask("AUTH TLS", "TLS")
        self.features = {}
        try:
            self._conversation.start_tls(context, server_name)
        except BaseException:
            self._state = State.OVER
            raise

    def login(self, username: str, password: str, account: str | None = None) -> None:
        """Log in (RFC 959 section 5.4, "Login")."""
        reply = self._send(f"USER {username}")
        what = f"the login of {shown(username)!r}"
        if reply.code == 331:
            self._state = State.PASSWORD_WANTED
            reply = self._send(f"PASS {password}", shown="PASS ***")
            if self._state is State.PASSWORD_WANTED and reply.kind in (4, 5):
                self._state = State.NOT_LOGGED_IN
        if reply.code == 332:
            self._state = State.ACCOUNT_WANTED
            if account is None:
                raise PermanentNegativeReply(
                    f"{self.peer} wants an account beside user name and password",
                    reply.code,
                    reply.text,
                )
            reply = self._send(f"ACCT {account}", shown="ACCT ***")
        self._done(reply, what)
        self._state = State.LOGGED_IN

    # Settings

    def ask_features(self) -> dict[str, str]:
        """Return, and remember, what the server can do (RFC 2389); {} where it does not tell.

        Where it has names in UTF-8, it is asked for them.
        """
        reply = self._send("FEAT")
        self._expect(reply, (2, 4, 5), "its features")
        self.features = parse_features(reply) if reply.kind == 2 else {}
        if self.features:
            self.prefers_mlsd = "MLST" in self.features
        if "UTF8" in self.features:
            # Many have it on from the beginning, and do not know this command.
            self._expect(self._send("OPTS UTF8 ON"), (2, 4, 5), "UTF-8")
        return self.features

    def protect_data(self, server_name: str) -> None:
        """Encrypt connections for data from here on (RFC 4217 section 9).

        ``server_name`` is what the server's certificate has to be for.
        """
        self._ask("PBSZ 0", "protected data")
        self._ask("PROT P", "protected data")
        self._protected = server_name

    # Names

    def size(self, path: str | bytes) -> int | None:
        """Return the octets of a file (RFC 3659 section 4); None where the server has none to tell.

        They are as many as ``retrieve`` gives of what is not text.
        """
        self._set_type("I")
        reply = self._send(_line("SIZE", path))
        self._expect(reply, (2, 4, 5), "the size")
        match = _SIZE.fullmatch(reply.text) if reply.code == 213 else None
        return int(match[1]) if match else None

    def modified(self, path: str | bytes) -> datetime | None:
        """Return when a file was last changed (RFC 3659 section 3); None where it is not told."""
        reply = self._send(_line("MDTM", path))
        self._expect(reply, (2, 4, 5), "the time of the last change")
        return maybe_time(reply.text.strip()) if reply.code == 213 else None

    def change_directory(self, path: str | bytes) -> None:
        """Make a directory the one that names are looked for in."""
        self._ask(_line("CWD", path), f"the directory {_shown(path)}")

    def make_directory(self, path: str | bytes) -> None:
        """Make a directory."""
        self._ask(_line("MKD", path), f"to make the directory {_shown(path)}")

    # Data

    def retrieve(
        self, path: str | bytes, *, offset: int = 0, size: int | None = None, text: bool = False
    ) -> Iterator[bytes]:
        """Return the blocks of a file, from an offset on (RFC 3659 section 5).

        The answer is there when this returns, the data come as they are read. Who stops before the
        end can only close the client then. ``size`` is how many octets have to come, if known.
        ``text`` ends its lines with CRLF, whatever they end with on the server.

        Raises:
            ConnectError, ConnectTimeout: there is no connection for the data.
            IncompleteMessage: less than ``size`` came.
        """
        what = f"to send {_shown(path)}"
        self._set_type("A" if text else "I")
        return self._blocks(self._transfer(_line("RETR", path), what, offset), what, size)

    def list_directory(self) -> tuple[ListingFormat, Iterator[bytes]]:
        """Return the lines about the files of the current directory, and what kind they are of.

        MLSD (RFC 3659 section 7), or LIST where the server does not know it.

        Raises:
            ConnectError, ConnectTimeout: there is no connection for the data.
            TooLong: a line has no end.
        """
        self._set_type("A")
        what = "to list the directory"
        if self.prefers_mlsd:
            try:
                return ListingFormat.MLSD, self._lines(self._transfer("MLSD", what), what)
            except PermanentNegativeReply as exc:
                if exc.code not in _NOT_IMPLEMENTED:
                    raise
                self.prefers_mlsd = False
        return ListingFormat.LIST, self._lines(self._transfer("LIST", what), what)

    def store(
        self,
        path: str | bytes,
        blocks: Iterable[bytes],
        *,
        append: bool = False,
        text: bool = False,
    ) -> int:
        """Make a file of blocks, or append them to one; return how many octets they were.

        ``text`` has lines that end with CRLF, and gets the server's ends of lines there.

        Raises:
            ConnectError, ConnectTimeout: there is no connection for the data.
        """
        what = f"to store {_shown(path)}"
        self._set_type("A" if text else "I")
        data = self._transfer(_line("APPE" if append else "STOR", path), what)
        size = 0
        try:
            try:
                for block in blocks:
                    data.send(block)
                    size += len(block)
                finish_sending(data)
            except WriteError:
                # It is the reply that tells why: no space left, say.
                data.close()
                self._finish(what)
                raise
            self._finish(what)
        finally:
            self._end_transfer()
        return size

    def _blocks(self, data: Conversation, what: str, size: int | None) -> Iterator[bytes]:
        received = 0
        try:
            try:
                while block := data.read_some():
                    received += len(block)
                    yield block
            except ReadError:
                # Some servers do not say TLS's goodbye. Nobody can have cut off what is all there,
                # by a size that came over the other connection.
                if received != size:
                    data.close()
                    self._finish(what)
                    raise
            data.close()
            self._finish(what)
            if size is not None and received < size:
                raise IncompleteMessage(
                    f"{self.peer} sent {received} octets of {size}, and says that this is all"
                )
        finally:
            self._end_transfer()

    def _lines(self, data: Conversation, what: str) -> Iterator[bytes]:
        try:
            try:
                while (line := data.read_line_or_end(MAX_LISTING_LINE)) is not None:
                    yield line
            except (ReadError, IncompleteMessage):
                data.close()
                self._finish(what)
                raise
            data.close()
            self._finish(what)
        finally:
            self._end_transfer()

    def _transfer(self, command: str | bytes, what: str, offset: int = 0) -> Conversation:
        """Open a connection for data, and ask for what is to go over it."""
        check_legal(COMMANDS, _verb(command), self._state)
        data = self._data = self._open_data(self._passive_port())
        try:
            if offset:
                reply = self._send(f"REST {offset}")
                self._expect(reply, (3,), f"to go on from octet {offset} (REST)")
            reply = self._send(command)
            self._expect(reply, (1,), what)
            self._state = State.TRANSFERRING
            if self._protected is not None:
                self._encrypt(data, self._protected, what)
        except BaseException:
            self._end_transfer()
            raise
        return data

    def _encrypt(self, data: Conversation, server_name: str, what: str) -> None:
        control = self._conversation.tls
        if control is None:
            raise RemoteProtocolError(f"{self.peer} protects data, but not commands")
        try:
            # Servers take it for the proof that this is the client that has logged in.
            data.start_tls(control.context, server_name, control.session)
        except ConnectError as exc:
            if not isinstance(exc, CertificateError):
                data.close()
                self._finish(what)
            raise

    def _passive_port(self) -> int:
        if self._extended:
            reply = self._send("EPSV")
            if reply.kind == 2:
                return self._port(reply, 229, parse_epsv)
            self._expect(reply, (4, 5), "EPSV")
            self._extended = False
        reply = self._send("PASV")
        self._expect(reply, (2,), "a connection for data (EPSV and PASV)")
        # The address is not looked at: it is the server's, or it is a lie. It may be one that only
        # the server's own network knows, or a machine that is to be attacked through this one.
        return self._port(reply, 227, lambda text: parse_pasv(text)[1])

    def _port(self, reply: Reply, code: int, parse: Callable[[str], int]) -> int:
        try:
            if reply.code != code:
                raise ValueError(f"{code} was to come")
            return parse(reply.text)
        except ValueError as exc:
            self._state = State.OVER
            said = _said(hidden(self._conversation, reply))
            raise RemoteProtocolError(
                f"{self.peer} opened no port for data: {said}: {exc}"
            ) from exc

    def _finish(self, what: str) -> None:
        """Read the reply that comes after the data."""
        reply = hidden(self._conversation, self._final_reply())
        if reply.kind in (4, 5):
            if reply.code != 421:
                self._state = State.LOGGED_IN
            kind = TransientNegativeReply if reply.kind == 4 else PermanentNegativeReply
            raise kind(
                f"{self.peer} began {what}, and broke off: {_said(reply)}", reply.code, reply.text
            )
        self._done(reply, what)
        self._state = State.LOGGED_IN

    def _end_transfer(self) -> None:
        self._close_data()
        if self._state is State.TRANSFERRING:  # and how it went was not said
            self._state = State.OVER

    def _close_data(self) -> None:
        if self._data is not None:
            self._data.close()
            self._data = None

    # Commands and replies

    def _set_type(self, code: str) -> None:
        """Choose octets as they are ("I") or lines of text ("A") for what follows."""
        if code != self._type:
            self._ask(f"TYPE {code}", f"the type {code}")
            self._type = code

    def _ask(self, command: str | bytes, what: str) -> Reply:
        """Send a command that is either done or refused."""
        reply = self._send(command)
        self._done(reply, what)
        return reply

    def _send(self, command: str | bytes, shown: str | None = None) -> Reply:
        check_legal(COMMANDS, _verb(command), self._state)
        self._conversation.send_line(command, shown)
        return self._reply()

    def _reply(self) -> Reply:
        try:
            reply = read_reply(self._conversation)
        except BaseException:
            self._state = State.OVER
            raise
        if reply.code == 421:  # it closes the connection, whatever it was asked for
            self._state = State.OVER
        return reply

    def _final_reply(self) -> Reply:
        """Read the reply that comes after those which tell to wait."""
        for _ in range(MAX_PRELIMINARY):
            reply = self._reply()
            if reply.kind != 1:
                return reply
        self._state = State.OVER
        raise TooLong(f"{self.peer} sent {MAX_PRELIMINARY} replies that another one follows")

    def _done(self, reply: Reply, what: str) -> None:
        self._expect(reply, (2,), what)

    def _expect(self, reply: Reply, kinds: tuple[int, ...], what: str) -> None:
        reply = hidden(self._conversation, reply)
        if reply.code == 421 or (reply.kind in (4, 5) and reply.kind not in kinds):
            raise negative_reply(self.peer, what, reply)
        if reply.kind not in kinds:
            self._state = State.OVER
            raise RemoteProtocolError(
                f"{self.peer} gave a reply that makes no sense ({what}): {_said(reply)}"
            )


def _line(verb: str, path: str | bytes) -> str | bytes:
    if isinstance(path, str):
        return f"{verb} {path}"
    # Commands go by the rules of Telnet (RFC 959 section 2.3), for which this octet begins one.
    return verb.encode() + b" " + path.replace(b"\xff", b"\xff\xff")


def _verb(command: str | bytes) -> str:
    text = command if isinstance(command, str) else command.decode("latin-1")
    return text.partition(" ")[0]


def _shown(path: str | bytes) -> str:
    return shown(path if isinstance(path, str) else path.decode(errors="replace"))


def _said(reply: Reply) -> str:
    return f"{reply.code} {shown(' '.join(reply.lines))}".rstrip()
