"""Every status code, and what may stand before a final one."""

from __future__ import annotations

from http import HTTPStatus
from itertools import repeat
from typing import TYPE_CHECKING

from sockettools.http1.events import InformationalResponse
from sockettools.http1.fields import Fields
from sockettools.practice.answers import PLAIN, Answer, Ending, Pause, Raw, raw_head
from sockettools.practice.routes import ANY_METHOD, Route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.practice.answers import Piece
    from sockettools.practice.http import Request

EARLY_HINTS = 3

# Seconds between two informational answers of those that never end: enough to see that a client
# goes on, and not to keep a processor busy.
INFORMATIONAL_PAUSE = 0.005

# What a client can expect beside the code, or would not know how to go on without.
_FIELDS: dict[int, tuple[tuple[str, str], ...]] = {
    **dict.fromkeys((301, 302, 303, 307, 308), (("Location", "/anything"),)),
    401: (("WWW-Authenticate", 'Basic realm="practice"'),),
    405: (("Allow", "GET, HEAD"),),
    407: (("Proxy-Authenticate", 'Basic realm="practice"'),),
    416: (("Content-Range", "bytes */0"),),
    426: (("Upgrade", "HTTP/2.0"),),
    429: (("Retry-After", "1"),),
    503: (("Retry-After", "1"),),
}


def _status(request: Request) -> Answer | Raw:
    code = request.number("code", 100, 999)
    if code == HTTPStatus.SWITCHING_PROTOCOLS:
        # The engine rightly refuses what the client did not ask for.
        head = raw_head("Connection: upgrade", "Upgrade: none", line="HTTP/1.1 101 Switching")
        return Raw(head + raw_head("Content-Length: 0"))
    if code < 200:
        before = (InformationalResponse(code, Fields(), _phrase(code).encode()),)
        return Answer(body=f"200 after {code}\n".encode(), before=before)
    phrase, fields = _phrase(code), _FIELDS.get(code, ())
    if code == HTTPStatus.RESET_CONTENT:  # it has no content (RFC 9110 section 15.3.6)
        return Answer(code, b"", None, fields, phrase)
    return Answer(code, f"{code} {phrase}\n".encode(), PLAIN, fields, phrase)


def _early_hints(request: Request) -> Answer:
    count = request.number("count", 0, 1_000, EARLY_HINTS)
    fields = Fields([(b"Link", b"</style.css>; rel=preload; as=style")])
    hint = InformationalResponse(103, fields, b"Early Hints")
    return Answer(body=b"after the hints\n", before=repeat(hint, count))


def _endless_informational() -> Iterator[Piece]:
    while True:
        yield raw_head(line="HTTP/1.1 102 Processing")
        yield Pause(INFORMATIONAL_PAUSE)


def _phrase(code: int) -> str:
    return HTTPStatus(code).phrase if code in set(HTTPStatus) else "Made Up"


_BODY = b"a body that must not be here\n"

ROUTES = (
    Route(
        "/status/{code:number}",
        _status,
        "an answer with that code; 1xx is followed by 200",
        tuple(
            f"/status/{code}"
            for code in (103, 204, 205, 299, 301, 302, 303, 304, 307, 308, 404, 418, 503, 599, 999)
        ),
        ANY_METHOD,
    ),
    Route("/no-reason", Answer(body=b"no reason\n", reason=""), "the reason phrase is empty"),
    Route(
        "/no-reason/blank",
        Raw(raw_head("Content-Length: 10", line="HTTP/1.1 200"), b"no reason\n", Ending.KEEP),
        "and the blank before it is missing too",
    ),
    Route(
        "/long-reason",
        Answer(body=b"OK\n", reason="O" + "K" * 20_000),
        "a reason phrase of 20,000 letters",
    ),
    Route(
        "/early-hints",
        _early_hints,
        "three times 103 before the answer, or as many as asked for",
        ("/early-hints", "/early-hints?count=50"),
    ),
    Route(
        "/endless-informational",
        lambda _request: Raw(_endless_informational()),
        "102 again and again, and never an answer",
    ),
    Route(
        "/body-of-204",
        Raw(raw_head("Content-Length: 29", line="HTTP/1.1 204 No Content"), _BODY, Ending.KEEP),
        "a body behind 204, which has none",
    ),
    Route(
        "/body-of-304",
        Raw(raw_head("Content-Length: 29", line="HTTP/1.1 304 Not Modified"), _BODY, Ending.KEEP),
        "a body behind 304, which has none",
    ),
    Route(
        "/body-of-head",
        Raw(raw_head("Content-Length: 29") + _BODY, ending=Ending.KEEP),
        "a body behind the answer to HEAD",
    ),
)
