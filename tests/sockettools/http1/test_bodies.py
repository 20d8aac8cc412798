from __future__ import annotations

import pytest

from sockettools.errors import (
    IncompleteMessage,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
    TooLong,
)
from sockettools.http1 import Data, EndOfMessage, Event, Fields, Limits
from sockettools.http1.bodies import Reader, format_fields, reader_for, writer_for
from sockettools.http1.framing import CHUNKED, UNTIL_CLOSE, Framing
from sockettools.http1.received import ReceiveBuffer
from tests.sockettools.http1.conversation import octets

END = EndOfMessage()

Read = list[Event | type[ProtocolError] | None]


def read(reader: Reader, *pieces: bytes) -> Read:
    """Return the events, Data joined, and None or the kind of error that came behind them."""
    buffer, found = ReceiveBuffer(), Read()
    for piece in pieces or (b"",):
        buffer.append(piece)
        try:
            while event := reader.read(buffer):
                if isinstance(event, EndOfMessage):
                    return [*found, event]
                if found and isinstance(last := found[-1], Data):
                    event = Data(last.data + event.data)
                    found.pop()
                found.append(event)
        except ProtocolError as exc:
            return [*found, type(exc)]
    return [*found, None]


def read_both_ways(framing: Framing, data: bytes, limits: Limits | None = None) -> Read:
    """Read ``data`` at once and one octet at a time: it must not make a difference."""
    limits = limits or Limits()
    whole = read(reader_for(framing, limits), data)
    assert read(reader_for(framing, limits), *octets(data)) == whole
    return whole


def joined(text: bytes) -> list[Event]:
    return [Data(text)] if text else []


@pytest.mark.parametrize(
    ("framing", "wire", "body"),
    [
        pytest.param(0, b"", b"", id="length 0"),
        pytest.param(5, b"hello", b"hello", id="length"),
        pytest.param(CHUNKED, b"0\r\n\r\n", b"", id="no chunk"),
        pytest.param(
            CHUNKED, b"4\r\nWiki\r\n7\r\npedia i\r\n0\r\n\r\n", b"Wikipedia i", id="two chunks"
        ),
        pytest.param(CHUNKED, b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789", id="upper case"),
        pytest.param(CHUNKED, b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789", id="lower case"),
        pytest.param(CHUNKED, b"005\r\nhello\r\n000\r\n\r\n", b"hello", id="leading zeros"),
        pytest.param(CHUNKED, b"5\r\n\r\n0\r\n\r\n0\r\n\r\n", b"\r\n0\r\n", id="looks like an end"),
        pytest.param(CHUNKED, b"5;a=b\r\nhello\r\n0;c\r\n\r\n", b"hello", id="7.1.1: extensions"),
        pytest.param(CHUNKED, b'5 ; a = "b;c"\r\nhello\r\n0\r\n\r\n', b"hello", id="blanks in one"),
        pytest.param(CHUNKED, b"5;\xe9\t\r\nhello\r\n0\r\n\r\n", b"hello", id="not ascii in one"),
        pytest.param(CHUNKED, b"5;\r\nhello\r\n0;\r\n\r\n", b"hello", id="an empty one"),
        pytest.param(CHUNKED, b"5  \t\r\nhello\r\n0  \r\n\r\n", b"hello", id="blanks behind"),
    ],
)
def test_bodies(framing: Framing, wire: bytes, body: bytes) -> None:
    assert read_both_ways(framing, wire) == [*joined(body), END]
    assert read(reader_for(framing, Limits()), wire + b"trailing") == [*joined(body), END]
    buffer = ReceiveBuffer()
    buffer.append(wire + b"trailing")
    reader = reader_for(framing, Limits())
    while reader.read(buffer) != END:
        pass
    assert buffer.take(99) == b"trailing"


def test_a_body_until_the_connection_ends() -> None:
    reader = reader_for(UNTIL_CLOSE, Limits())

    assert read(reader, b"any", b"thing") == [Data(b"anything"), None]
    assert reader.ended() == END


@pytest.mark.parametrize(
    ("framing", "wire", "message"),
    [
        pytest.param(5, b"", "after 0 bytes of a body, expected 5", id="nothing"),
        pytest.param(5, b"hell", "after 4 bytes of a body, expected 5", id="one less"),
        pytest.param(CHUNKED, b"", "before the last chunk", id="no chunk"),
        pytest.param(CHUNKED, b"5", "before the last chunk", id="half a size"),
        pytest.param(CHUNKED, b"5\r\nhell", "before the last chunk", id="half a chunk"),
        pytest.param(CHUNKED, b"5\r\nhello", "before the last chunk", id="a chunk, no CRLF"),
        pytest.param(CHUNKED, b"5\r\nhello\r\n", "before the last chunk", id="a whole chunk"),
        pytest.param(CHUNKED, b"0\r\n", "before the last chunk", id="no end of trailers"),
        pytest.param(CHUNKED, b"0\r\n\r", "before the last chunk", id="half an end"),
        pytest.param(CHUNKED, b"0\r\nA: b\r\n", "before the last chunk", id="trailers, no end"),
    ],
)
def test_truncated_bodies(framing: Framing, wire: bytes, message: str) -> None:
    reader = reader_for(framing, Limits())
    assert read(reader, wire)[-1] is None

    with pytest.raises(IncompleteMessage, match=message):
        reader.ended()


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        pytest.param(b"A: b\r\n", [(b"A", b"b")], id="one"),
        pytest.param(b"A: 1\r\na:2 \r\nB:\r\n", [(b"A", b"1"), (b"a", b"2"), (b"B", b"")], id="3"),
        pytest.param(b"Content-Length: 7\r\n", [(b"Content-Length", b"7")], id="without effect"),
    ],
)
def test_trailers(section: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    wire = b"3\r\nabc\r\n0\r\n" + section + b"\r\n"

    assert read_both_ways(CHUNKED, wire) == [Data(b"abc"), EndOfMessage(Fields(expected))]
    assert read_both_ways(CHUNKED, wire + b"trailing")[1] == EndOfMessage(Fields(expected))


@pytest.mark.parametrize(
    "section",
    [
        pytest.param(b"A: b\n\r\n\r\n", id="bare LF"),
        pytest.param(b"A: b\nC: d\r\n\r\n", id="bare LF between two"),
        pytest.param(b"\nA: b\r\n\r\n", id="bare LF for the end"),
        pytest.param(b"A: b\rC: d\r\n\r\n", id="bare CR"),
        pytest.param(b"\r\r\n\r\n", id="CR CRLF"),
        pytest.param(b"\rA: b\r\n\r\n", id="bare CR first"),
        pytest.param(b"A: b\r\n c\r\n\r\n", id="folded"),
        pytest.param(b"A : b\r\n\r\n", id="blank before the colon"),
        pytest.param(b"5\r\nhello\r\n0\r\n\r\n", id="another chunk"),
        pytest.param(b"A: b\x00\r\n\r\n", id="NUL"),
    ],
)
def test_no_trailers(section: bytes) -> None:
    assert read_both_ways(CHUNKED, b"0\r\n" + section) == [RemoteProtocolError]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"\r\n", id="empty"),
        pytest.param(b" 5\r\n", id="blank before"),
        pytest.param(b"-5\r\n", id="negative"),
        pytest.param(b"+5\r\n", id="signed"),
        pytest.param(b"0x5\r\n", id="prefix"),
        pytest.param(b"0_5\r\n", id="underscore"),
        pytest.param(b"5.0\r\n", id="fraction"),
        pytest.param(b"5h\r\n", id="no digit"),
        pytest.param(b"g\r\n", id="not hexadecimal"),
        pytest.param("５\r\n".encode(), id="wide digit"),
        pytest.param(b"8000000000000000\r\n", id="overflow of 64 bits, signed"),
        pytest.param(b"10000000000000000\r\n", id="overflow of 64 bits"),
        pytest.param(b"00000000000000005\r\n", id="too many digits"),
        pytest.param(b"f" * 1000 + b"\r\n", id="far too many digits"),
        pytest.param(b"5\n", id="bare LF"),
        pytest.param(b"5 \n", id="blank, bare LF"),
        pytest.param(b"5\r\r\n", id="CR CRLF"),
        pytest.param(b"5\rX\n", id="bare CR"),
        pytest.param(b"5 5\r\n", id="two sizes"),
        pytest.param(b"5\x0b\r\n", id="vertical tab"),
        pytest.param(b"5\x00\r\n", id="NUL"),
        pytest.param(b"5 a=b\r\n", id="extension without its semicolon"),
        pytest.param(b"5;a\x00\r\n", id="NUL in an extension"),
        pytest.param(b"5;a\n", id="bare LF behind an extension"),
        pytest.param(b"5;a\rb\r\n", id="bare CR in an extension"),
        pytest.param(b'5;a="\n"\r\n', id="LF in a quoted extension"),
        pytest.param(b"\n5\r\n", id="LF before"),
        pytest.param(b"\r\n5\r\n", id="CRLF before"),
    ],
)
@pytest.mark.parametrize("before", [b"", b"1\r\nx\r\n"], ids=["first", "second"])
def test_no_chunk_size(line: bytes, before: bytes) -> None:
    heard = read_both_ways(CHUNKED, before + line + b"hello\r\n0\r\n\r\n")

    assert heard == [*joined(b"x" if before else b""), RemoteProtocolError]


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"5\r\nhello0\r\n\r\n", id="none"),
        pytest.param(b"5\r\nhello\n0\r\n\r\n", id="bare LF"),
        pytest.param(b"5\r\nhello\r0\r\n\r\n", id="bare CR"),
        pytest.param(b"5\r\nhello_\n0\r\n\r\n", id="not CR"),
        pytest.param(b"5\r\nhello\r_0\r\n\r\n", id="not LF"),
        pytest.param(b"5\r\nhello__1\r\n", id="two others"),
        pytest.param(b"5\r\nhello \r\n0\r\n\r\n", id="longer than its size"),
        pytest.param(b"5\r\nhello\r\r\n0\r\n\r\n", id="CR CRLF"),
    ],
)
def test_a_chunk_without_its_crlf(wire: bytes) -> None:
    assert read_both_ways(CHUNKED, wire) == [Data(b"hello"), RemoteProtocolError]


def test_a_chunk_longer_than_its_size_is_seen_at_once() -> None:
    assert read_both_ways(CHUNKED, b"5\r\nhello!") == [Data(b"hello"), RemoteProtocolError]
    assert read_both_ways(CHUNKED, b"5\r\nhello\r!") == [Data(b"hello"), RemoteProtocolError]


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"5;" + b"x" * 19 + b"\r\n", id="extension"),
        pytest.param(b"5" + b" " * 20 + b"\r\n", id="blanks"),
        pytest.param(b"z" * 30, id="no end"),
        pytest.param(b"1\r\nx\r\n5;" + b"x" * 30, id="second, no end"),
    ],
)
def test_limit_of_a_chunk_line(wire: bytes) -> None:
    assert read_both_ways(CHUNKED, wire, Limits(chunk_line=20))[-1] is TooLong


def test_limits_of_trailers() -> None:
    last = b"0\r\n"
    fits = b"A: %b\r\n\r\n"
    assert read_both_ways(CHUNKED, last + fits % b"x" * 1, Limits(trailers=8, line=8)) != [TooLong]
    for section in (fits % b"xx", b"x" * 9):
        assert read_both_ways(CHUNKED, last + section, Limits(trailers=8)) == [TooLong]
    many = b"A: 1\r\nB: 2\r\nC: 3\r\n\r\n"
    assert read_both_ways(CHUNKED, last + many, Limits(fields=2)) == [TooLong]


@pytest.mark.parametrize(
    ("framing", "wire"),
    [
        pytest.param(9, b"123456789", id="length"),
        pytest.param(CHUNKED, b"3\r\n123\r\n6\r\n456789\r\n0\r\n\r\n", id="chunked"),
        pytest.param(UNTIL_CLOSE, b"123456789", id="until close"),
    ],
)
def test_limit_of_a_body(framing: Framing, wire: bytes) -> None:
    assert read_both_ways(framing, wire, Limits(body=9))[0] == Data(b"123456789")
    assert read_both_ways(framing, wire, Limits(body=8)) == [Data(b"12345678"), TooLong]
    assert read_both_ways(framing, wire, Limits(body=0)) == [TooLong]
    reader = reader_for(framing, Limits(body=4))
    read(reader, wire)
    with pytest.raises(TooLong) as caught:
        reader.read(ReceiveBuffer())
    assert caught.value.status_hint == 413


def test_the_end_of_a_limited_body() -> None:
    assert reader_for(UNTIL_CLOSE, Limits(body=4)).ended() == END
    with pytest.raises(IncompleteMessage):
        reader_for(5, Limits(body=9)).ended()


TRAILERS = Fields([(b"A", b"b")])


@pytest.mark.parametrize(
    ("framing", "pieces", "trailers", "wire"),
    [
        pytest.param(0, [], Fields(), b"", id="length 0"),
        pytest.param(0, [b""], Fields(), b"", id="length 0, nothing"),
        pytest.param(5, [b"he", b"", b"llo"], Fields(), b"hello", id="length"),
        pytest.param(UNTIL_CLOSE, [b"he", b"llo"], Fields(), b"hello", id="until close"),
        pytest.param(CHUNKED, [], Fields(), b"0\r\n\r\n", id="no chunk"),
        pytest.param(
            CHUNKED, [b"x" * 26, b""], Fields(), b"1a\r\n%b\r\n0\r\n\r\n" % (b"x" * 26), id="chunk"
        ),
        pytest.param(CHUNKED, [b"x"], TRAILERS, b"1\r\nx\r\n0\r\nA: b\r\n\r\n", id="trailers"),
    ],
)
def test_writers(framing: Framing, pieces: list[bytes], trailers: Fields, wire: bytes) -> None:
    writer = writer_for(framing)

    assert b"".join([*map(writer.data, pieces), writer.end(trailers)]) == wire


@pytest.mark.parametrize(
    ("framing", "pieces", "trailers"),
    [
        pytest.param(5, [b"hello!"], Fields(), id="too much"),
        pytest.param(5, [b"hell", b"o!"], Fields(), id="too much, in pieces"),
        pytest.param(5, [b"hell"], Fields(), id="too little"),
        pytest.param(5, [], Fields(), id="nothing"),
        pytest.param(0, [b"x"], Fields(), id="something"),
        pytest.param(0, [], TRAILERS, id="trailers behind a length"),
        pytest.param(UNTIL_CLOSE, [], TRAILERS, id="trailers until close"),
    ],
)
def test_writers_keep_their_word(framing: Framing, pieces: list[bytes], trailers: Fields) -> None:
    writer = writer_for(framing)
    with pytest.raises(LocalProtocolError):  # noqa: PT012
        for piece in pieces:
            writer.data(piece)
        writer.end(trailers)


def test_format_fields() -> None:
    assert format_fields(Fields()) == b""
    assert format_fields(Fields([(b"a", b""), (b"B", b"\xe9 c")])) == b"a: \r\nB: \xe9 c\r\n"
