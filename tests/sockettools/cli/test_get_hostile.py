"""``get`` and servers that are wrong, broken or malicious: the page, or one line that says why.

Other clients have tests of such answers too; where they take what is refused here, the case's name
or a comment says which rule is behind it.
"""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING

import pytest

from tests.servers.scripted import PATIENCE, ScriptedServer, answer, chunked, head, redirect
from tests.sockettools.cli.getting import get

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.scripted import Client, Script

PAGE = b"But soft what light\n"

CHUNKED = head("Transfer-Encoding: chunked")


def endless(start: bytes, piece: bytes, pause: float = 0.0) -> Script:
    """Return a script that sends ``start``, then ``piece`` for ever."""

    def send(client: Client) -> None:
        client.read_request()
        client.send(start)
        while True:
            client.send(piece)
            time.sleep(pause)

    return send


def with_length(value: str) -> tuple[bytes]:
    return (head(f"Content-Length: {value}") + PAGE,)


def with_field(line: bytes) -> tuple[bytes]:
    return (b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 20\r\n\r\n" + PAGE,)


def with_status_line(line: bytes) -> tuple[bytes]:
    return (line + b"\r\nContent-Length: 20\r\n\r\n" + PAGE,)


def in_chunks(body: bytes) -> tuple[bytes]:
    return (CHUNKED + body,)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(with_status_line(b"HTTP/1.1 200"), id="no reason"),
        pytest.param(with_status_line(b"HTTP/1.1 200 "), id="empty reason"),
        pytest.param(with_status_line(b"HTTP/1.1 200 \xe9\xff :-)"), id="odd reason"),
        pytest.param(with_status_line(b"HTTP/1.7 200 OK"), id="a version that is to come"),
        pytest.param(with_status_line(b"HTTP/1.1 999 OK"), id="status 999"),
        pytest.param(with_status_line(b"\r\n\nHTTP/1.1 200 OK"), id="empty lines first"),
        pytest.param((answer(PAGE).replace(b"\r\n", b"\n"),), id="bare line feeds"),
        pytest.param(with_field(b"Empty:"), id="empty field"),
        pytest.param(with_field(b"Folded: a\r\n b\r\n\tc"), id="folded field"),
        pytest.param(with_field(b"Octets: \x80\xff"), id="octets above ASCII"),
        pytest.param(with_field(b"Padded: \t a \t "), id="padded field"),
        pytest.param(with_field(b"A: " + b"b" * 65_500), id="a long field"),
        pytest.param(with_field(b"\r\n".join([b"A: b"] * 999)), id="many fields"),
        pytest.param(with_length("20, 20,20"), id="a length three times"),
        pytest.param(with_length("0000000020"), id="a length with zeros"),
        pytest.param((answer(PAGE, "Content-Length: 20"),), id="two equal lengths"),
        pytest.param((answer(PAGE) + b"more than was announced",), id="more than announced"),
        pytest.param(in_chunks(b"00014\r\n" + PAGE + b"\r\n000\r\n\r\n"), id="zeros before sizes"),
        pytest.param(in_chunks(b"14  \r\n" + PAGE + b"\r\n0 \r\n\r\n"), id="blanks behind sizes"),
        pytest.param(in_chunks(b'14;a="b;c"\r\n' + PAGE + b"\r\n0;d\r\n\r\n"), id="extensions"),
        pytest.param(in_chunks(chunked(PAGE, end=b"0\r\nA: b\r\nC: d\r\n\r\n")), id="trailers"),
        pytest.param(in_chunks(chunked(*(PAGE[n : n + 1] for n in range(20)))), id="of one octet"),
        pytest.param(
            (head("Transfer-Encoding: CHUNKED", "Content-Length: 5") + chunked(PAGE),),
            id="chunked and a length",
        ),
        pytest.param((b"HTTP/1.1 103 Early\r\nA: b\r\n\r\n" * 100 + answer(PAGE),), id="1xx"),
        pytest.param((answer(PAGE, "Location: /x"),), id="a location of no redirect"),
        pytest.param((answer(PAGE, "Location:", status="302 Found"),), id="an empty location"),
        pytest.param((answer(PAGE, "Content-Encoding: identity, none"),), id="no coding"),
        pytest.param(
            (answer(gzip.compress(PAGE[:9]) + gzip.compress(PAGE[9:]), "Content-Encoding: gzip"),),
            id="gzip in two members",
        ),
        pytest.param(
            (answer(gzip.compress(PAGE) + b"\r\n", "Content-Encoding: X-GZIP"),),
            id="gzip and a line end",
        ),
    ],
)
def test_what_is_odd_is_understood(script: Script) -> None:
    with ScriptedServer(script) as server:
        done = get(server.url)

    assert (done.status, done.err) == (0, "")
    assert done.out == PAGE


@pytest.mark.parametrize(
    ("script", "message"),
    [
        pytest.param(with_status_line(b"HTTP/2.0 200 OK"), "not a status line", id="HTTP/2.0"),
        pytest.param(with_status_line(b"HTTP/1.10 200 OK"), "not a status line", id="HTTP/1.10"),
        pytest.param(with_status_line(b"http/1.1 200 OK"), "not HTTP", id="lower case"),
        pytest.param(with_status_line(b"ICY 200 OK"), "not HTTP", id="another protocol"),
        pytest.param(with_status_line(b"HTTP/1.1  200 OK"), "not a status line", id="two blanks"),
        pytest.param(with_status_line(b"HTTP/1.1 20 OK"), "not a status line", id="status 20"),
        pytest.param(with_status_line(b"HTTP/1.1 099 OK"), "not a status line", id="status 099"),
        pytest.param(with_status_line(b"HTTP/1.1 2000 OK"), "not a status line", id="status 2000"),
        pytest.param(with_status_line(b"HTTP/1.1 200OK"), "not a status line", id="no blank"),
        pytest.param(with_status_line(b"HTTP/1.1 200 \x1b[2J"), "not a status line", id="escape"),
        pytest.param(with_status_line(b"HTTP/1.1 200 O\rK"), "not a status line", id="a lone CR"),
        # RFC 9112 section 5.1 has a proxy take the blank away; a user agent may refuse it.
        pytest.param(with_field(b"Name : value"), "not a field", id="blank before the colon"),
        pytest.param(with_field(b"no colon"), "not a field", id="no colon"),
        pytest.param(with_field(b": no name"), "not a field", id="no name"),
        pytest.param(with_field(b" first: folded"), "not a field", id="first field folded"),
        pytest.param(with_field(b"A: a\rB: b"), "not a field", id="a lone CR in a field"),
        pytest.param(with_field(b"A: a\0b"), "not a field", id="NUL"),
        pytest.param(with_field(b"\r\n".join([b"A: b"] * 1000)), "1000 fields", id="fields"),
        pytest.param(with_field(b"A: " + b"b" * 65_536), "longer than 65536", id="line"),
        pytest.param(with_length("19, 20"), "conflicting", id="two lengths"),
        # They are the same number, and yet RFC 9110 section 8.6 does not ask to find that out.
        pytest.param(with_length("20, 020"), "conflicting", id="a length in two ways"),
        pytest.param(with_length("20,"), "conflicting", id="half a list"),
        pytest.param(with_length("-1"), "not a Content-Length", id="negative"),
        pytest.param(with_length("+20"), "not a Content-Length", id="a sign"),
        pytest.param(with_length("20s"), "not a Content-Length", id="letters"),
        pytest.param(with_length("0x14"), "not a Content-Length", id="hexadecimal"),
        pytest.param(with_length(""), "not a Content-Length", id="empty length"),
        pytest.param(with_length("\u00b2"), "not a Content-Length", id="a digit of Latin-1"),
        pytest.param(with_length("9" * 60_000), "not a Content-Length", id="60,000 digits"),
        pytest.param(with_length(str(2**63)), "not a Content-Length", id="a length of 2^63"),
        pytest.param(with_length(str(2**63 - 1)), "after 20 bytes of a body", id="length 2^63-1"),
        pytest.param(in_chunks(b"8000000000000000\r\n"), "not a chunk size", id="chunk of 2^63"),
        pytest.param(in_chunks(b"1" + b"0" * 16 + b"\r\n"), "not a chunk size", id="of 2^64"),
        pytest.param(in_chunks(b"-1\r\n"), "not a chunk size", id="negative chunk"),
        pytest.param(in_chunks(b"0x14\r\n"), "not a chunk size", id="0x"),
        pytest.param(in_chunks(b"\r\n"), "not a chunk size", id="no size"),
        pytest.param(in_chunks(b"1_4\r\n"), "not a chunk size", id="as Python writes it"),
        # Section 7.1 has CRLF alone. A line feed has been used to make two readers disagree.
        pytest.param(in_chunks(b"14\n" + PAGE + b"\n0\n\n"), "not a chunk size", id="line feeds"),
        pytest.param(in_chunks(b"13\r\n" + PAGE), "longer than its size", id="chunk too long"),
        pytest.param(in_chunks(b"14\r\n" + PAGE), "before the last chunk", id="no last chunk"),
        pytest.param(in_chunks(b"0\r\nA: b\r\n"), "before the last chunk", id="half a trailer"),
        pytest.param(in_chunks(b"0\r\nno field\r\n\r\n"), "not a field", id="no trailer"),
        # Section 6.1: "MUST NOT apply the chunked transfer coding more than once".
        pytest.param(
            (head("Transfer-Encoding: chunked, chunked") + chunked(PAGE),),
            "unknown Transfer-Encoding",
            id="chunked twice",
        ),
        pytest.param(
            (head("Transfer-Encoding: gzip, chunked") + chunked(gzip.compress(PAGE)),),
            "unknown Transfer-Encoding",
            id="compressed on the way",
        ),
        pytest.param((head("Upgrade: x", status="101 Switch"),), "nobody asked for", id="101"),
        pytest.param((b"HTTP/1.1 100 \r\n\r\n" * 101 + answer(),), "before the final", id="1xx"),
        pytest.param((answer(PAGE, status="206 Part"),), "sent a part", id="an unwanted part"),
        pytest.param((answer(PAGE, "Content-Encoding: \x9b0m"),), r"'\x9b0m'", id="odd coding"),
        pytest.param(
            (answer(PAGE, "Content-Encoding: " + "gzip," * 1000),), "the limit is 5", id="codings"
        ),
        pytest.param(
            (answer(gzip.compress(PAGE)[:-8] + bytes(8), "Content-Encoding: gzip"),),
            "incorrect data check",
            id="wrong checksum",
        ),
        pytest.param((redirect("file:///etc/passwd"),), "'file', is not http", id="file:"),
        pytest.param((redirect("//[::1"),), "cannot be followed", id="half an address"),
        pytest.param((redirect("http://h:99999/"),), "cannot be followed", id="port 99999"),
        pytest.param((redirect(f"//{'a.' * 30_000}/"),), "cannot be followed", id="a long host"),
        pytest.param((redirect("//\xc3\x9f\xc2\x9b0m/"),), r"\x9b0m", id="escape in a location"),
    ],
)
def test_what_is_wrong_is_refused(script: Script, message: str) -> None:
    with ScriptedServer(script) as server:
        done = get(server.url)

    assert done.status == 1
    assert message in done.err
    assert done.err.count("\n") == 1
    assert done.err.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("start", "piece", "message"),
    [
        pytest.param(b"", b"\0" * 65_536, "not HTTP", id="no HTTP"),
        pytest.param(b"HTTP/1.1 200 ", b"a" * 65_536, "the head is longer", id="reason"),
        pytest.param(b"HTTP/1.1 200 \r\nA:", b"a" * 65_536, "the head is longer", id="value"),
        pytest.param(b"HTTP/1.1 200 \r\n", b"A: b\r\n" * 9999, "the head is longer", id="fields"),
        pytest.param(b"HTTP/1.1 200 \r\nA: b\r\n", b" c\r\n" * 9999, "is longer", id="folds"),
        pytest.param(b"", b"\r\n" * 9999, "nothing but empty lines", id="empty lines"),
        pytest.param(b"", b"HTTP/1.1 100 \r\n\r\n" * 99, "before the final one", id="100"),
        pytest.param(CHUNKED, b"0" * 65_536, "a chunk's size", id="chunk size"),
        pytest.param(CHUNKED + b"1;", b"a" * 65_536, "a chunk's size", id="extension"),
        pytest.param(CHUNKED + b"0\r\n", b"A: b\r\n" * 9999, "trailer section", id="trailers"),
        pytest.param(
            head("Location: /", status="302 Found"), b"a" * 65_536, "20 redirects", id="redirects"
        ),
        pytest.param(
            head("Content-Encoding: gzip"),
            gzip.compress(bytes(50_000_000)),
            "that is a bomb",
            id="bomb",
        ),
        pytest.param(
            head("Content-Encoding: deflate, gzip"),
            gzip.compress(b"\0\0\0\xff\xff" * 1_000_000),  # stored blocks of no octets
            "for 0 octets of it",
            id="nothing, compressed twice",
        ),
    ],
)
def test_what_never_ends(start: bytes, piece: bytes, message: str) -> None:
    before = time.monotonic()
    with ScriptedServer(endless(start, piece)) as server:
        done = get(server.url)

    assert done.status == 1
    assert message in done.err
    assert done.err.count("\n") == 1
    assert time.monotonic() - before < PATIENCE


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(b"HTTP/1.1 200 \r\nA:", b"a", id="head"),
        pytest.param(b"", b"HTTP/1.1 103 Early\r\n\r\n", id="103"),
        pytest.param(CHUNKED, b"1\r\na\r\n", id="chunks"),
        pytest.param(CHUNKED + b"0\r\n", b"A: b\r\n", id="trailers"),
        pytest.param(redirect("/", "302 Found").replace(b": 0", b": 99"), b"a", id="redirects"),
        pytest.param(head("Content-Encoding: gzip"), gzip.compress(b""), id="compressed nothing"),
    ],
)
def test_what_drips(start: bytes, piece: bytes) -> None:
    before = time.monotonic()
    with ScriptedServer(endless(start, piece, pause=0.02)) as server:
        done = get("--max-time", "1", server.url)

    assert done.status == 3
    assert "the transfer was not complete within 1 second (--max-time)" in done.err
    assert done.err.count("\n") == 1
    assert time.monotonic() - before < PATIENCE


@pytest.mark.parametrize(
    ("part", "fields", "message"),
    [
        pytest.param(b"abcde", "bytes 10-14/20", "up to byte 15 of 20", id="less than the rest"),
        pytest.param(b"abcdefg", "bytes 10-14/15", "up to byte 17 of 15", id="more"),
        pytest.param(b"abcde", "bytes 5-9/15", "sent another part", id="from elsewhere"),
        pytest.param(b"abcde", f"bytes 10-{'9' * 5000}/*", "sent another part", id="huge"),
        pytest.param(b"abcde", "10-14/15", "sent another part", id="of no unit"),
    ],
)
def test_a_rest_that_is_none(part: bytes, fields: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    with ScriptedServer(answer(part, f"Content-Range: {fields}", status="206 Part")) as server:
        done = get("-C", "-", "-o", str(file), server.url)

    assert done.status == 1
    assert message in done.err
    assert file.read_bytes() == b"0123456789"


@pytest.mark.parametrize("options", [(), ("-f",)])
def test_a_file_that_is_complete(options: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    script = answer(b"", "Content-Range: bytes */10", status="416 Range Not Satisfiable")
    with ScriptedServer(script) as server:
        done = get("-C", "-", *options, "-o", str(file), server.url)

    assert (done.status, done.err) == (0, "")
    assert file.read_bytes() == b"0123456789"
    assert list(tmp_path.iterdir()) == [file]


def test_options_may_stand_between_urls(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    with ScriptedServer((answer(b"1"), answer(b"2"))) as server:
        done = get(f"{server.url}/1", "-o", str(first), f"{server.url}/2", "-o", str(second))

    assert (done.status, done.err) == (0, "")
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")
    assert get("http://h/", "--nosuch", "http://h/").status == 2
