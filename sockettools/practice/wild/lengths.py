"""Content-Length: what it says and how much there is."""

from __future__ import annotations

from sockettools.practice.answers import Ending, Pause, Raw, raw_head
from sockettools.practice.routes import Route

_BODY = b"0123456789"
_CHUNKED = b"a\r\n0123456789\r\n0\r\n\r\n"

# Seconds between what was sent and the reset, which would overtake it.
RESET_PAUSE = 0.05


def _with(*fields: str, body: bytes = _BODY, ending: Ending = Ending.CLOSE) -> Raw:
    return Raw(raw_head("Content-Type: text/plain", *fields), body, ending)


ROUTES = (
    Route("/truncated", _with("Content-Length: 1000"), "10 bytes of 1000, then the end"),
    Route(
        "/reset",
        Raw(raw_head("Content-Length: 1000"), (_BODY, Pause(RESET_PAUSE)), Ending.RESET),
        "10 bytes of 1000, then a reset",
    ),
    Route("/length/none", _with(), "no length: the end of the connection is that of the body"),
    Route(
        "/length/repeated",
        _with("Content-Length: 10", "Content-Length: 10", ending=Ending.KEEP),
        "the length twice, which may be",
    ),
    Route(
        "/length/list",
        _with("Content-Length: 10, 10", ending=Ending.KEEP),
        "the length twice in one field, which may be",
    ),
    Route(
        "/length/conflict",
        _with("Content-Length: 10", "Content-Length: 5"),
        "two lengths that differ",
    ),
    Route("/length/negative", _with("Content-Length: -10"), "a length below zero"),
    Route("/length/plus", _with("Content-Length: +10"), "a length with a sign"),
    Route("/length/words", _with("Content-Length: ten"), "a length that is no number"),
    Route("/length/empty", _with("Content-Length:"), "a length that is not there"),
    Route(
        "/length/overflow",
        _with(f"Content-Length: {2**64 + 10}"),
        "a length that is 10 to who counts in 64 bits",
    ),
    Route(
        "/length/enormous",
        _with(f"Content-Length: {2**63 - 1}"),
        "a length for which nobody has the memory",
    ),
    Route(
        "/both-lengths",
        _with("Content-Length: 5", "Transfer-Encoding: chunked", body=_CHUNKED),
        "both Content-Length and Transfer-Encoding",
    ),
    Route(
        "/transfer-encoding/unknown",
        _with("Transfer-Encoding: x-practice"),
        "a transfer coding that nobody knows",
    ),
    Route(
        "/transfer-encoding/identity",
        _with("Transfer-Encoding: identity", "Content-Length: 10"),
        "the transfer coding that is none, and is no more",
    ),
)
