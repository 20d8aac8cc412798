from __future__ import annotations

import pytest

from sockettools.errors import RemoteProtocolError
from sockettools.http1 import Fields
from sockettools.http1.framing import (
    CHUNKED,
    UNTIL_CLOSE,
    Framing,
    is_faulty,
    may_follow,
    request_framing,
    response_framing,
)

LENGTH_5 = (b"Content-Length", b"5")
CHUNKED_FIELD = (b"Transfer-Encoding", b"chunked")


@pytest.mark.parametrize(
    ("fields", "framing"),
    [
        pytest.param([], 0, id="6.3, 7: none of both"),
        pytest.param([LENGTH_5], 5, id="6.3, 6: length"),
        pytest.param([LENGTH_5, LENGTH_5], 5, id="6.3, 5: the same twice"),
        pytest.param([CHUNKED_FIELD], CHUNKED, id="6.3, 4: chunked"),
        pytest.param([(b"TRANSFER-ENCODING", b"Chunked")], CHUNKED, id="other case"),
    ],
)
def test_request_framing(fields: list[tuple[bytes, bytes]], framing: Framing) -> None:
    assert request_framing(b"1.1", Fields(fields)) == framing


CODINGS_REFUSED = [
    pytest.param([b"gzip, chunked"], id="6.1: another coding before"),
    pytest.param([b"gzip", b"chunked"], id="another coding before, in a field of its own"),
    pytest.param([b"chunked, gzip"], id="6.3, 4: chunked is not the last"),
    pytest.param([b"chunked", b"gzip"], id="chunked is not the last, in fields of their own"),
    pytest.param([b"gzip"], id="unknown"),
    pytest.param([b"identity"], id="identity"),
    pytest.param([b"chunked, identity"], id="chunked and identity"),
    pytest.param([b"chunked, chunked"], id="7: chunked twice"),
    pytest.param([b"chunked", b"chunked"], id="chunked twice, in fields of their own"),
    pytest.param([b"chunked,"], id="empty member behind"),
    pytest.param([b", chunked"], id="empty member before"),
    pytest.param([b"chunked", b""], id="empty field behind"),
    pytest.param([b"", b"chunked"], id="empty field before"),
    pytest.param([b""], id="empty"),
    pytest.param([b"chunked;q=1"], id="parameter"),
    pytest.param([b'"chunked"'], id="quoted"),
    pytest.param([b"xchunked"], id="prefix"),
    pytest.param([b"chunkedchunked"], id="twice without a comma"),
    pytest.param([b"chunked123"], id="suffix"),
    pytest.param([b"\xa0chunked"], id="blank of latin-1"),
    pytest.param(["chun\u212aed".encode()], id="Kelvin sign"),
]


@pytest.mark.parametrize("codings", CODINGS_REFUSED)
def test_codings_refused(codings: list[bytes]) -> None:
    fields = Fields([(b"Transfer-Encoding", coding) for coding in codings])
    with pytest.raises(RemoteProtocolError) as caught:
        request_framing(b"1.1", fields)
    assert caught.value.status_hint == 501
    with pytest.raises(RemoteProtocolError):
        response_framing(b"GET", 200, fields)


@pytest.mark.parametrize(
    ("version", "fields"),
    [
        pytest.param(b"1.1", [LENGTH_5, CHUNKED_FIELD], id="6.3, 3: both"),
        pytest.param(b"1.1", [CHUNKED_FIELD, (b"content-length", b"0")], id="both, length 0"),
        pytest.param(b"1.1", [LENGTH_5, (b"Transfer-Encoding", b"identity")], id="identity"),
        pytest.param(b"1.0", [CHUNKED_FIELD], id="6.1: chunked in 1.0"),
        pytest.param(b"1.1", [LENGTH_5, (b"Content-Length", b"6")], id="6.3, 5: conflict"),
        pytest.param(b"1.1", [(b"Content-Length", b"5"), (b"Content-Length", b"")], id="empty"),
    ],
)
def test_requests_with_two_ends(version: bytes, fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        request_framing(version, Fields(fields))

    assert caught.value.status_hint == 400


@pytest.mark.parametrize(
    ("method", "code", "fields", "framing"),
    [
        pytest.param(b"GET", 200, [], UNTIL_CLOSE, id="6.3, 8: none of both"),
        pytest.param(b"GET", 200, [LENGTH_5], 5, id="6.3, 6: length"),
        pytest.param(b"GET", 200, [LENGTH_5, LENGTH_5], 5, id="6.3, 5: the same twice"),
        pytest.param(b"GET", 200, [CHUNKED_FIELD], CHUNKED, id="6.3, 4: chunked"),
        pytest.param(b"GET", 200, [LENGTH_5, CHUNKED_FIELD], CHUNKED, id="6.3, 3: both"),
        pytest.param(b"POST", 500, [LENGTH_5], 5, id="other method and code"),
        pytest.param(b"GET", 205, [LENGTH_5], 5, id="205"),
        pytest.param(b"CONNECT", 404, [LENGTH_5], 5, id="CONNECT refused"),
        pytest.param(b"head", 200, [LENGTH_5], 5, id="not HEAD"),
    ],
)
def test_response_framing(
    method: bytes, code: int, fields: list[tuple[bytes, bytes]], framing: Framing
) -> None:
    assert response_framing(method, code, Fields(fields)) == framing


@pytest.mark.parametrize(
    ("method", "code"),
    [
        (b"HEAD", 200),
        (b"HEAD", 404),
        (b"GET", 100),
        (b"GET", 204),
        (b"GET", 304),
        (b"CONNECT", 200),
    ],
)
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([], id="no fields"),
        pytest.param([LENGTH_5], id="length"),
        pytest.param([CHUNKED_FIELD], id="chunked"),
        pytest.param([LENGTH_5, (b"Content-Length", b"-6")], id="impossible length"),
        pytest.param([(b"Transfer-Encoding", b"gzip")], id="unknown coding"),
    ],
)
def test_no_body_whatever_the_fields_say(
    method: bytes, code: int, fields: list[tuple[bytes, bytes]]
) -> None:
    assert response_framing(method, code, Fields(fields)) == 0


@pytest.mark.parametrize(
    ("version", "values", "expected"),
    [
        pytest.param(b"1.1", [], True, id="1.1"),
        pytest.param(b"1.1", [b"close"], False, id="1.1, close"),
        pytest.param(b"1.1", [b"Close"], False, id="1.1, case"),
        pytest.param(b"1.1", [b"keep-alive"], True, id="1.1, keep-alive"),
        pytest.param(b"1.1", [b"Upgrade"], True, id="1.1, something else"),
        pytest.param(b"1.1", [b"a, b, close, c"], False, id="1.1, in a list"),
        pytest.param(b"1.1", [b"keep-alive", b"close"], False, id="1.1, both: close wins"),
        pytest.param(b"1.1", [b"close, keep-alive"], False, id="1.1, both in a list"),
        pytest.param(b"1.1", [b"closed"], True, id="1.1, not quite"),
        pytest.param(b"1.7", [], True, id="later minor version"),
        pytest.param(b"1.0", [], False, id="1.0"),
        pytest.param(b"1.0", [b"keep-alive"], True, id="1.0, keep-alive"),
        pytest.param(b"1.0", [b"Keep-Alive"], True, id="1.0, case"),
        pytest.param(b"1.0", [b"TE, Keep-Alive"], True, id="1.0, in a list"),
        pytest.param(b"1.0", [b"close"], False, id="1.0, close"),
        pytest.param(b"1.0", [b"keep-alive, close"], False, id="1.0, both"),
    ],
)
def test_another_message_may_follow(version: bytes, values: list[bytes], expected: bool) -> None:
    assert may_follow(version, Fields([(b"Connection", value) for value in values])) is expected


@pytest.mark.parametrize(
    ("version", "fields", "expected"),
    [
        pytest.param(b"1.1", [CHUNKED_FIELD], False, id="chunked"),
        pytest.param(b"1.1", [LENGTH_5, CHUNKED_FIELD], True, id="6.3, 3: both"),
        pytest.param(b"1.0", [CHUNKED_FIELD], True, id="6.1: 1.0"),
    ],
)
def test_chunked_answers_that_others_understand_differently(
    version: bytes, fields: list[tuple[bytes, bytes]], expected: bool
) -> None:
    assert is_faulty(version, Fields(fields)) is expected
