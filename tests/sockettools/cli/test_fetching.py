"""``get`` for what is not HTTP: where the octets go, and what happens when they stop coming."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sockettools.cli import _parser
from sockettools.cli.fetching import _HTTP_OPTIONS
from tests.machine import needs_dev_full
from tests.servers.scripted import Client, ScriptedServer
from tests.servers.scripted_ftp import FtpScript
from tests.sockettools.cli.getting import get, get_at_terminal

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = "ftp://127.0.0.1:1/x"


def gopher(text: bytes) -> ScriptedServer:
    """Return a server that answers with this, and closes."""

    def script(client: Client) -> None:
        client.socket.recv(1000)
        client.send(text)

    return ScriptedServer(script)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("-X", "POST", NOBODY), "-X means something for http", id="-X"),
        pytest.param(("-d", "x", NOBODY), "-d means something for http", id="-d"),
        pytest.param(("-H", "A: b", NOBODY), "-H means something for http", id="-H"),
        pytest.param(("-i", NOBODY), "-i means something for http", id="-i"),
        pytest.param(("--no-redirect", NOBODY), "--no-redirect means", id="--no-redirect"),
        pytest.param(("--recv-size", "5", NOBODY), "--recv-size means", id="--recv-size"),
        pytest.param(("--headers", NOBODY), "--headers means nothing for ftp", id="--headers"),
        pytest.param(("--mark-read", "pop3://h/1"), "--mark-read means nothing", id="--mark-read"),
        pytest.param(("-u", "a:b", "gopher://h/"), "-u means nothing for gopher", id="-u"),
        pytest.param(("--tls", "off", "http://h/"), "--tls means nothing for an http", id="--tls"),
        pytest.param(("http://h/", NOBODY), "go with no others", id="both kinds"),
        pytest.param(("-C", "-", NOBODY), "-C - needs a file", id="-C - of nothing"),
        pytest.param(("-C", "-", "-o", "f", "pop3://h/1"), "all or nothing", id="-C - of mail"),
        pytest.param(("-o", "a", "-o", "b", NOBODY), "more -o than URLs", id="too many -o"),
        pytest.param(("-o", "a", "-O", NOBODY), "exclude each other", id="-o and -O"),
        pytest.param(("-O", "ftp://h/folder/"), "has no name to save it under", id="-O of none"),
        pytest.param(("-O", "ftp://h/a/.."), "has no name to save it under", id="-O of .."),
        pytest.param(("ftp://u:secret@h:x/",), "'ftp://h:x/' is not a URL to open", id="no port"),
        pytest.param(("ftp://h/a\nb",), "control character", id="a line end"),
        pytest.param(("gopher://h/2/x",), "gopher://h/2/x", id="a URL that means nothing"),
        pytest.param(("--netrc-file", "/nosuch", NOBODY), "there is no such file", id="netrc"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], told: str) -> None:
    done = get(*arguments)

    assert done.status == 2
    assert told in done.err
    assert done.err.count("\n") == 1
    assert "secret" not in done.err


def test_every_option_that_is_refused_is_an_option() -> None:
    arguments = vars(_parser().parse_args(["get", NOBODY]))

    assert set(_HTTP_OPTIONS) <= set(arguments)


def test_a_file_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "text"
    with gopher(b"some text\n") as server:
        done = get("-o", str(file), f"gopher://{server.address}/0/x")

    assert (done.status, done.out, done.err) == (0, b"", "")
    assert file.read_bytes() == b"some text\n"
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_the_last_part_of_the_url_is_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with ScriptedServer(FtpScript(data=b"data")) as server:
        done = get("-O", f"ftp://{server.address}/a/b%2F..%2Fc;type=i")

    assert done.status == 0
    assert [path.name for path in tmp_path.iterdir()] == ["b%2F..%2Fc"]


def test_a_transfer_that_breaks_is_kept_as_a_part_and_gone_on_with(tmp_path: Path) -> None:
    file = tmp_path / "file"
    known = {"SIZE": b"213 10\r\n", "MDTM": b"213 20160706095000\r\n"}
    with ScriptedServer(FtpScript(known, b"01234", after=b"426 cut\r\n")) as server:
        url = f"ftp://{server.address}/file"
        broken = get("-o", str(file), url)
        assert not file.exists()
        assert "5 bytes are kept in" in broken.err
        assert broken.status != 0
        server._scripts = (FtpScript(known, b"56789"),)
        rest = get("-C", "-", "-o", str(file), url)

    assert rest.status == 0
    assert file.read_bytes() == b"0123456789"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_part_of_what_has_changed_is_not_gone_on_with(tmp_path: Path) -> None:
    file = tmp_path / "file"
    old = {"SIZE": b"213 10\r\n", "MDTM": b"213 20160706095000\r\n"}
    new = {"SIZE": b"213 10\r\n", "MDTM": b"213 20200101000000\r\n"}
    scripts = (FtpScript(old, b"01234", after=b"426 cut\r\n"), FtpScript(new, b"ABCDEFGHIJ"))
    with ScriptedServer(*scripts) as server:
        url = f"ftp://{server.address}/file"
        get("-o", str(file), url)
        done = get("-C", "-", "-o", str(file), url)

    assert done.status == 0
    assert file.read_bytes() == b"ABCDEFGHIJ"


@pytest.mark.parametrize("where", ["-", "file"])
def test_more_than_was_allowed(where: str, tmp_path: Path) -> None:
    file = tmp_path / "file" if where == "file" else "-"
    with gopher(b"x" * 2000) as server:
        done = get("--max-filesize", "1k", "-o", str(file), f"gopher://{server.address}/9/x")

    assert done.status == 1
    assert "more than 1000 bytes, which --max-filesize allows" in done.err
    assert not (tmp_path / "file").exists()


@needs_dev_full
def test_a_full_disk() -> None:
    with gopher(b"text") as server:
        done = get("-o", "/dev/full", f"gopher://{server.address}/9/x")

    assert done.status == 1
    assert done.err == "sockettools get: /dev/full: No space left on device\n"


def test_one_of_several_that_fails_keeps_none_of_the_others() -> None:
    with gopher(b"text") as server:
        done = get(NOBODY, f"gopher://{server.address}/9/x")

    assert done.status == 4
    assert done.out == b"text"
    assert "cannot connect to 127.0.0.1:1" in done.err


def test_at_a_terminal_nothing_acts() -> None:
    with gopher(b"a\x1b[2Jb\r\n") as server:
        status, shown = get_at_terminal(f"gopher://{server.address}/0/x")

    assert (status, shown) == (0, "a\\x1b[2Jb\n")


def test_at_a_terminal_binary_is_refused() -> None:
    with gopher(b"\0\1\2") as server:
        status, shown = get_at_terminal(f"gopher://{server.address}/9/x")

    assert status == 1
    assert "is not text" in shown
    assert "\0" not in shown


def test_a_limit_of_time_is_named() -> None:
    with ScriptedServer(lambda client: client.wait_for_end()) as server:
        done = get("--max-time", "0.2", f"gopher://{server.address}/0/x")

    assert done.status == 3
    assert "(--max-time)" in done.err


def test_text_by_ftp_is_shown_at_a_terminal() -> None:
    with ScriptedServer(FtpScript(data=b"some text\r\n")) as server:
        status, shown = get_at_terminal(f"ftp://{server.address}/x")

    assert (status, shown) == (0, "some text\n")


def test_what_has_grown_meanwhile_is_not_gone_on_with(tmp_path: Path) -> None:
    script = FtpScript({"SIZE": b"213 4\r\n"}, b"more than that")
    with ScriptedServer(script) as server:
        done = get("-o", str(tmp_path / "file"), f"ftp://{server.address}/file")

    assert done.status == 1
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_kept_that_cannot_be_gone_on_with(tmp_path: Path) -> None:
    with gopher(b"x" * 2000) as server:
        get("--max-filesize", "1k", "-o", str(tmp_path / "f"), f"gopher://{server.address}/9/x")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "user", "sent"),
    [
        ("ftp://zoe@{}/x", "zoe:secret", ["USER zoe", "PASS secret"]),
        ("ftp://{}/x", "zoe:secret", ["USER zoe", "PASS secret"]),
        ("ftp://zoe:other@{}/x", "zoe:secret", ["USER zoe", "PASS other"]),
    ],
)
def test_who_logs_in(url: str, user: str, sent: list[str]) -> None:
    script = FtpScript()
    with ScriptedServer(script) as server:
        done = get("-u", user, url.format(server.address))

    assert done.status == 0
    assert [line for line in script.lines if line.startswith(("USER", "PASS"))] == sent


def test_two_users_are_one_too_many() -> None:
    with ScriptedServer(FtpScript()) as server:
        done = get("-u", "zoe:secret", f"ftp://me@{server.address}/x")

    assert done.status == 2
    assert "names another user than -u" in done.err


def test_an_octet_that_telnet_would_take_is_doubled() -> None:
    script = FtpScript()
    with ScriptedServer(script) as server:
        get(f"ftp://{server.address}/a%FFb")

    assert "RETR a\xff\xffb" in script.lines


def test_octets_of_an_argument_that_is_no_text() -> None:
    script = FtpScript()
    with ScriptedServer(script) as server:
        get(f"ftp://{server.address}/caf\udce9")

    assert "RETR caf\xe9" in script.lines


def test_a_name_from_a_url_that_means_nothing() -> None:
    done = get("-O", "imap://h/INBOX/;UID=x")

    assert done.status == 2
    assert done.err.count("\n") == 1


def test_what_people_should_see(tmp_path: Path) -> None:
    def script(client: Client) -> None:
        client.send(b"* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n")
        with client.socket.makefile("rb") as lines:
            for line in lines:
                tag, verb = line.split()[:2]
                if verb == b"LIST":
                    client.send(b'* LIST () "/" INBOX\r\n* OK [ALERT] Mind the \x1b gap\r\n')
                client.send(tag + b" OK done\r\n")

    with ScriptedServer(script) as server:
        done = get("-o", str(tmp_path / "x"), f"imap://{server.address}/")

    assert done.status == 0
    assert f"imap://{server.address}/: Mind the \\x1b gap\n" == done.err
