from __future__ import annotations

import socket
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, cast

import pytest

from sockettools.errors import (
    CertificateError,
    ConnectError,
    ConnectTimeout,
    IncompleteMessage,
    LocalProtocolError,
    PermanentNegativeReply,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    SocketToolsError,
    Timeout,
    TooLong,
    TransientNegativeReply,
)
from sockettools.net.deadline import Deadline
from sockettools.net.tls import client_context, server_context
from sockettools.protocols.access import Access
from sockettools.protocols.ftp import FtpClient
from sockettools.protocols.ftp_grammar import State
from sockettools.protocols.ftp_listing import ListingFormat
from tests.patience import SILENCE
from tests.servers.certificates import self_signed
from tests.servers.scripted import PATIENCE, Client, ScriptedServer
from tests.servers.scripted_ftp import MLSD, FtpScript

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path


def within(error: type[Exception]) -> float:
    """Return for how long a server may be silent that is to cause this error."""
    return SILENCE if issubclass(error, Timeout) else PATIENCE


@contextmanager
def connected(script: FtpScript, idle_timeout: float = PATIENCE) -> Iterator[FtpClient]:
    """Yield a client that has been greeted."""
    with ScriptedServer(script) as server:
        access = Access(idle_timeout=idle_timeout, deadline=Deadline.after(PATIENCE))
        with FtpClient.connect(access, "127.0.0.1", server.port) as client:
            yield client


@contextmanager
def logged_in(script: FtpScript, idle_timeout: float = PATIENCE) -> Iterator[FtpClient]:
    with connected(script, idle_timeout) as client:
        client.login("user", "secret")
        yield client


# Before the login


def test_login() -> None:
    script = FtpScript()

    with logged_in(script) as client:
        assert client.state is State.LOGGED_IN

    assert script.lines == ["USER user", "PASS secret", "QUIT"]


@pytest.mark.parametrize(
    ("answers", "verbs"),
    [
        pytest.param({"USER": b"230 no need\r\n"}, ["USER"], id="no password"),
        pytest.param({"PASS": b"202 no need\r\n"}, ["USER", "PASS"], id="superfluous password"),
        pytest.param(
            {"PASS": b"332 account?\r\n", "ACCT": b"230 in\r\n"},
            ["USER", "PASS", "ACCT"],
            id="account behind the password",
        ),
        pytest.param(
            {"USER": b"332 account?\r\n", "ACCT": b"230 in\r\n"},
            ["USER", "ACCT"],
            id="only account",
        ),
        pytest.param(
            {"PASS": b"230-Welcome\r\n230 is no end here: \r\n"},
            ["USER", "PASS"],
            id="several lines",
        ),
    ],
)
def test_ways_to_log_in(answers: dict[str, bytes], verbs: list[str]) -> None:
    script = FtpScript(answers)

    with connected(script) as client:
        client.login("user", "secret", "account")
        assert client.state is State.LOGGED_IN

    assert script.verbs == [*verbs, "QUIT"]


def test_refused_login_may_be_tried_again() -> None:
    with connected(FtpScript({"PASS": b"530 no\r\n"})) as client:
        for _ in range(2):
            with pytest.raises(PermanentNegativeReply, match="refused the login of 'user': 530 no"):
                client.login("user", "secret")


def test_account_that_nobody_knows() -> None:
    with (
        connected(FtpScript({"PASS": b"332 account?\r\n"})) as client,
        pytest.raises(PermanentNegativeReply, match="wants an account"),
    ):
        client.login("user", "secret")


def test_greeting_that_tells_to_wait() -> None:
    with connected(FtpScript(greeting=b"120 in a minute\r\n220-so\r\n there\r\n220 ready\r\n")):
        pass


@pytest.mark.parametrize(
    ("greeting", "error", "says"),
    [
        pytest.param(b"421 too many\r\n", TransientNegativeReply, "421 too many", id="full"),
        pytest.param(b"530 not you\r\n", PermanentNegativeReply, "530 not you", id="refused"),
        pytest.param(b"331 hm\r\n", RemoteProtocolError, "makes no sense", id="wrong code"),
        pytest.param(b"SSH-2.0-x\r\n", RemoteProtocolError, "no reply but", id="another protocol"),
        pytest.param(b"220-\r\n" * 60_000, TooLong, "more than", id="lines without an end"),
        pytest.param(b"220 " + b"x" * 20_000, TooLong, "more than", id="line without an end"),
        pytest.param(b"120 wait\r\n" * 100, TooLong, "20 replies", id="waiting without an end"),
        pytest.param(b"", ReadTimeout, "nothing was received", id="silence"),
        pytest.param(b"220-a\r\n", ReadTimeout, "nothing was received", id="no last line"),
    ],
)
def test_hostile_greeting(greeting: bytes, error: type[SocketToolsError], says: str) -> None:
    with pytest.raises(error, match=says), connected(FtpScript(greeting=greeting), within(error)):
        pass


# TLS


def test_injected_octets_before_the_encryption() -> None:
    script = FtpScript({"AUTH": b"234 go on\r\n230 you are in\r\n"})

    with (
        connected(script) as client,
        pytest.raises(RemoteProtocolError, match="before the encryption began"),
    ):
        client.start_tls(client_context(verify=False), "127.0.0.1")

    assert script.verbs == ["AUTH"]


def test_server_that_does_not_shake_hands() -> None:
    def silent(_script: FtpScript, client: Client) -> None:
        client.send(b"234 go on\r\n")
        client.wait_for_end()

    with connected(FtpScript({"AUTH": silent}), SILENCE) as client:
        with pytest.raises(ConnectTimeout, match="did not agree on TLS in time"):
            client.start_tls(client_context(verify=False), "127.0.0.1")
        assert client.state is State.OVER


def test_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    with (
        ScriptedServer(FtpScript(), certificate=self_signed(tmp_path)) as server,
        pytest.raises(CertificateError, match="not to be trusted"),
    ):
        FtpClient.connect(Access(), "127.0.0.1", server.port, implicit_tls=True)


@contextmanager
def encrypted(script: FtpScript, folder: Path) -> Iterator[FtpClient]:
    """Yield a client that wants all to be encrypted."""
    certificate = self_signed(folder)
    with ScriptedServer(script, certificate=certificate) as server:
        access = Access(context=lambda: client_context(ca_file=str(certificate)))
        with FtpClient.connect(access, "127.0.0.1", server.port, implicit_tls=True) as client:
            client.login("user", "secret")
            client.protect_data("127.0.0.1")
            yield client


def test_data_in_clear_text_where_they_were_to_be_encrypted(tmp_path: Path) -> None:
    with (
        encrypted(FtpScript(), tmp_path) as client,
        pytest.raises(ConnectError, match="did not agree on TLS"),
    ):
        client.retrieve("x")


def test_why_there_was_no_agreement_on_tls_for_the_data(tmp_path: Path) -> None:
    with (
        encrypted(FtpScript(after=b"522 reuse the session\r\n"), tmp_path) as client,
        pytest.raises(PermanentNegativeReply, match="522 reuse the session"),
    ):
        client.retrieve("x")


def test_data_from_somebody_else(tmp_path: Path) -> None:
    for name in ("theirs", "ours"):
        (tmp_path / name).mkdir()
    script = FtpScript(context=server_context(str(self_signed(tmp_path / "theirs"))))

    with encrypted(script, tmp_path / "ours") as client, pytest.raises(CertificateError):
        client.retrieve("x")


def test_data_without_a_goodbye_are_all_if_that_was_the_size(tmp_path: Path) -> None:
    script = FtpScript()

    with encrypted(script, tmp_path) as client:
        script.context = server_context(str(tmp_path / "certificate.pem"))
        assert b"".join(client.retrieve("x", size=4)) == b"data"
        for size in (None, 3, 5):
            with pytest.raises(ReadError, match="without saying goodbye"):
                b"".join(client.retrieve("x", size=size))


# Connections for data


@pytest.mark.parametrize(
    "refusal", [b"500 what?\r\n", b"502 no\r\n", b"522 no\r\n", b"425 not now\r\n"]
)
def test_pasv_where_there_is_no_epsv(refusal: bytes) -> None:
    script = FtpScript({"EPSV": refusal})

    with logged_in(script) as client:
        for _ in range(2):
            assert b"".join(client.retrieve("x")) == b"data"

    assert script.verbs[3:] == ["EPSV", "PASV", "RETR", "PASV", "RETR", "QUIT"]


def test_address_in_pasv_is_not_believed() -> None:
    def elsewhere(script: FtpScript, client: Client) -> None:
        # 192.0.2.0/24 is nobody's.
        client.send(b"227 Go on (192,0,2,1,%d,%d)\r\n" % divmod(script.listen(), 256))

    with logged_in(FtpScript({"EPSV": b"500 what?\r\n", "PASV": elsewhere})) as client:
        assert b"".join(client.retrieve("x")) == b"data"


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({"EPSV": b"229 go on\r\n"}, id="EPSV says nothing"),
        pytest.param({"EPSV": b"229 (|||0|)\r\n"}, id="EPSV port 0"),
        pytest.param({"EPSV": b"229 (|||70000|)\r\n"}, id="EPSV port too high"),
        pytest.param({"EPSV": b"200 (|||7000|)\r\n"}, id="EPSV wrong code"),
        pytest.param({"EPSV": b"500 no\r\n", "PASV": b"227 (1,2,3)\r\n"}, id="PASV garbage"),
        pytest.param({"EPSV": b"500 no\r\n", "PASV": b"227 (127,0,0,1,0,0)\r\n"}, id="PASV port 0"),
    ],
)
def test_no_port_for_data(answers: dict[str, bytes]) -> None:
    with (
        logged_in(FtpScript(answers)) as client,
        pytest.raises(RemoteProtocolError, match="opened no port for data"),
    ):
        client.retrieve("x")


def test_neither_epsv_nor_pasv() -> None:
    answers = {"EPSV": b"500 no\r\n", "PASV": b"502 no\r\n"}
    with (
        logged_in(FtpScript(answers)) as client,
        pytest.raises(PermanentNegativeReply, match="a connection for data"),
    ):
        client.retrieve("x")


def test_nobody_listens_on_the_port() -> None:
    def closed(script: FtpScript, client: Client) -> None:
        port = script.listen()
        assert script.listener is not None
        script.listener.close()
        client.send(b"229 (|||%d|)\r\n" % port)

    with logged_in(FtpScript({"EPSV": closed})) as client:
        with pytest.raises(ConnectError, match="Connection refused"):
            client.retrieve("x")
        assert client.state is State.LOGGED_IN


# Downloads


def test_retrieve() -> None:
    script = FtpScript(data=b"0123456789" * 100_000)

    with logged_in(script) as client:
        blocks = client.retrieve(b"caf\xe9", size=1_000_000)
        states = [client.state]
        assert b"".join(blocks) == script.data
        assert [*states, client.state] == [State.TRANSFERRING, State.LOGGED_IN]

    assert script.lines[-2:] == ["RETR caf\xe9", "QUIT"]


def test_retrieve_the_rest() -> None:
    script = FtpScript()

    with logged_in(script) as client:
        assert b"".join(client.retrieve("x", offset=10)) == b"data"

    assert script.lines[-3:] == ["REST 10", "RETR x", "QUIT"]


def test_no_rest_without_rest() -> None:
    with logged_in(FtpScript({"REST": b"502 what?\r\n"})) as client:
        with pytest.raises(PermanentNegativeReply, match="refused to go on from octet 10"):
            client.retrieve("x", offset=10)
        assert b"".join(client.retrieve("x")) == b"data"


@pytest.mark.parametrize(
    ("after", "error", "says"),
    [
        pytest.param(b"426 cut\r\n", TransientNegativeReply, "broke off: 426 cut", id="426"),
        pytest.param(b"451 disk\r\n", TransientNegativeReply, "broke off: 451 disk", id="451"),
        pytest.param(b"550 gone\r\n", PermanentNegativeReply, "broke off: 550 gone", id="550"),
        pytest.param(b"421 stop\r\n", TransientNegativeReply, "421 stop", id="421"),
        pytest.param(b"", ReadTimeout, "nothing was received in time", id="no reply"),
        pytest.param(b"331 hm\r\n", RemoteProtocolError, "makes no sense", id="wrong code"),
        pytest.param(b"hm\r\n", RemoteProtocolError, "no reply but", id="no reply but text"),
        pytest.param(b"150 x\r\n" * 100, TooLong, "20 replies", id="150 without an end"),
        pytest.param(b"226-x\r\n" * 60_000, TooLong, "more than", id="226 without an end"),
    ],
)
def test_data_without_success(after: bytes, error: type[SocketToolsError], says: str) -> None:
    with (
        logged_in(FtpScript(after=after), within(error)) as client,
        pytest.raises(error, match=says),
    ):
        b"".join(client.retrieve("x"))


@pytest.mark.parametrize("code", [425, 426, 450])
def test_going_on_after_a_transfer_that_failed(code: int) -> None:
    with logged_in(FtpScript(after=b"%d no\r\n" % code)) as client:
        for _ in range(2):
            with pytest.raises(TransientNegativeReply):
                b"".join(client.retrieve("x"))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(b"550 no such file\r\n", PermanentNegativeReply, id="550"),
        pytest.param(b"425 no connection\r\n", TransientNegativeReply, id="425"),
        pytest.param(b"421 stop\r\n", TransientNegativeReply, id="421"),
        pytest.param(b"226 done already\r\n", RemoteProtocolError, id="226 at once"),
        pytest.param(b"331 hm\r\n", RemoteProtocolError, id="331"),
    ],
)
def test_refused_file(answer: bytes, error: type[SocketToolsError]) -> None:
    with logged_in(FtpScript({"RETR": answer})) as client, pytest.raises(error):
        client.retrieve("x")


def test_connection_for_data_that_breaks() -> None:
    with (
        logged_in(FtpScript(data=None)) as client,
        pytest.raises(ReadError, match="the connection broke"),
    ):
        b"".join(client.retrieve("x"))


def test_why_the_connection_for_data_broke() -> None:
    with (
        logged_in(FtpScript(data=None, after=b"426 the disk\r\n")) as client,
        pytest.raises(TransientNegativeReply, match="426 the disk"),
    ):
        b"".join(client.retrieve("x"))


def test_less_than_the_size() -> None:
    with (
        logged_in(FtpScript()) as client,
        pytest.raises(IncompleteMessage, match="sent 4 octets of 5"),
    ):
        b"".join(client.retrieve("x", size=5))


def test_server_that_leaves_in_the_middle() -> None:
    def leave(script: FtpScript, client: Client) -> None:
        client.send(b"150 here it comes\r\n")
        script.accept().close()
        client.socket.shutdown(socket.SHUT_RDWR)

    with logged_in(FtpScript({"RETR": leave})) as client:
        with pytest.raises((ReadError, IncompleteMessage)):
            b"".join(client.retrieve("x"))
        assert client.state is State.OVER


def test_silence_on_the_connection_for_data() -> None:
    def silent(script: FtpScript, client: Client) -> None:
        client.send(b"150 here it comes\r\n")
        with script.accept() as connection:
            connection.recv(1)

    with (
        logged_in(FtpScript({"RETR": silent}), SILENCE) as client,
        pytest.raises(ReadTimeout, match="nothing was received in time"),
    ):
        b"".join(client.retrieve("x"))


def test_stopping_early() -> None:
    script = FtpScript(data=b"x" * 10_000_000)

    with logged_in(script) as client:
        with closing(cast("Generator[bytes, None, None]", client.retrieve("x"))) as blocks:
            assert next(blocks).startswith(b"x")
        assert client.state is State.OVER
        with pytest.raises(LocalProtocolError, match="RETR is not legal in the state 'over'"):
            client.retrieve("x")


def test_stopping_before_the_first_block() -> None:
    with logged_in(FtpScript()) as client:
        client.retrieve("x")


def test_another_command_while_data_come() -> None:
    with logged_in(FtpScript()) as client:
        blocks = client.retrieve("x")
        with pytest.raises(LocalProtocolError, match="not legal in the state 'transferring'"):
            client.size("x")
        assert b"".join(blocks) == b"data"


@pytest.mark.parametrize("path", ["a\r\nDELE b", "a\nb", b"a\0b"])
def test_line_end_in_a_path(path: str | bytes) -> None:
    script = FtpScript()

    with (
        logged_in(script) as client,
        pytest.raises(LocalProtocolError, match="a line end or a NUL"),
    ):
        client.retrieve(path)

    assert "DELE b" not in script.lines


# Listings


def test_mlsd() -> None:
    with logged_in(FtpScript(data=MLSD)) as client:
        form, lines = client.list_directory()

        assert form is ListingFormat.MLSD
        assert list(lines) == MLSD.split(b"\r\n")[:-1]


def test_list_where_there_is_no_mlsd() -> None:
    script = FtpScript({"MLSD": b"500 what?\r\n"}, data=b"one\r\ntwo\n")

    with logged_in(script) as client:
        for _ in range(2):
            form, lines = client.list_directory()
            assert form is ListingFormat.LIST
            assert list(lines) == [b"one", b"two"]

    assert script.verbs[2:] == ["TYPE", "EPSV", "MLSD", "EPSV", "LIST", "EPSV", "LIST", "QUIT"]


def test_list_where_mlsd_is_not_among_the_features() -> None:
    script = FtpScript({"FEAT": b"211-So:\r\n SIZE\r\n211 End\r\n"})

    with logged_in(script) as client:
        assert client.ask_features() == {"SIZE": ""}
        assert client.list_directory()[0] is ListingFormat.LIST


def test_directory_that_may_not_be_listed() -> None:
    with (
        logged_in(FtpScript({"MLSD": b"550 no\r\n"})) as client,
        pytest.raises(PermanentNegativeReply, match="refused to list the directory"),
    ):
        client.list_directory()


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(b"x" * 100_000, TooLong, id="line without an end"),
        pytest.param(b"one\r\ntw", IncompleteMessage, id="cut in the middle of a line"),
        pytest.param(None, ReadError, id="reset"),
    ],
)
def test_hostile_listing(data: bytes | None, error: type[SocketToolsError]) -> None:
    with logged_in(FtpScript(data=data)) as client, pytest.raises(error):
        list(client.list_directory()[1])


# Uploads


@pytest.mark.parametrize(("append", "verb"), [(False, "STOR"), (True, "APPE")])
def test_store(append: bool, verb: str) -> None:
    script = FtpScript()

    with logged_in(script) as client:
        assert client.store("x", [b"one", b"", b"two" * 100_000], append=append) == 300_003
        assert client.state is State.LOGGED_IN

    assert script.stored == b"one" + b"two" * 100_000
    assert f"{verb} x" in script.lines


def test_upload_that_the_server_breaks_off() -> None:
    def full(script: FtpScript, client: Client) -> None:
        client.send(b"150 give\r\n")
        with script.accept() as connection:
            connection.recv(1000)
        client.send(b"452 the disk is full\r\n")

    with (
        logged_in(FtpScript({"STOR": full})) as client,
        pytest.raises(TransientNegativeReply, match="452 the disk is full"),
    ):
        client.store("x", (b"x" * 100_000 for _ in range(1000)))


def test_upload_without_success() -> None:
    with (
        logged_in(FtpScript(after=b"552 too much\r\n")) as client,
        pytest.raises(PermanentNegativeReply, match="552 too much"),
    ):
        client.store("x", [b"one"])


# What is asked of files


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        pytest.param(b"213 167\r\n", 167, id="size"),
        pytest.param(b"550 no\r\n", None, id="no such file"),
        pytest.param(b"502 no\r\n", None, id="not known"),
        pytest.param(b"213 many\r\n", None, id="no number"),
        pytest.param(b"213 -1\r\n", None, id="negative"),
        pytest.param(b"213 " + b"9" * 5000 + b"\r\n", None, id="endless"),
    ],
)
def test_size(answer: bytes, size: int | None) -> None:
    with logged_in(FtpScript({"SIZE": answer})) as client:
        assert client.size("x") == size


@pytest.mark.parametrize(
    ("answer", "year"),
    [
        pytest.param(b"213 20160706095000\r\n", 2016, id="time"),
        pytest.param(b"213 yesterday\r\n", None, id="no time"),
        pytest.param(b"500 no\r\n", None, id="not known"),
    ],
)
def test_modified(answer: bytes, year: int | None) -> None:
    with logged_in(FtpScript({"MDTM": answer})) as client:
        modified = client.modified("x")
        assert (modified and modified.year) == year


def test_type_is_set_once() -> None:
    script = FtpScript()

    with logged_in(script) as client:
        for text in (False, False, True, False):
            assert b"".join(client.retrieve("x", text=text)) == b"data"

    types = [line for line in script.lines if line.startswith("TYPE")]
    assert types == ["TYPE I", "TYPE A", "TYPE I"]


def test_421_at_any_time() -> None:
    script = FtpScript({"SIZE": b"421 good night\r\n"})

    with logged_in(script) as client:
        with pytest.raises(TransientNegativeReply, match="421 good night"):
            client.size("x")
        assert client.state is State.OVER

    assert script.verbs[-1] == "SIZE"


def test_utf8_is_asked_for() -> None:
    script = FtpScript()

    with logged_in(script) as client:
        client.ask_features()

    assert script.lines[2:] == ["FEAT", "OPTS UTF8 ON", "QUIT"]
