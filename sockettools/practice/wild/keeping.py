"""Connections that are kept, or so the server says."""

from __future__ import annotations

from sockettools.practice.answers import Answer, Ending, Pause, Raw, raw_head
from sockettools.practice.routes import ANY_METHOD, Route

_KEPT = raw_head("Content-Type: text/plain", "Content-Length: 5", "Connection: keep-alive")

# Seconds for which a connection is idle before the server says that it was for too long.
IDLE_PAUSE = 0.5

ROUTES = (
    Route(
        "/keep-alive/lie",
        Answer(body=b"kept\n", ending=Ending.CLOSE),
        "says that the connection is kept, and closes it",
    ),
    Route(
        "/keep-alive/reset",
        Answer(body=b"kept\n", ending=Ending.RESET),
        "says that the connection is kept, and resets it",
    ),
    Route(
        "/keep-alive/desert",
        Answer(body=b"kept\n", ending=Ending.DESERTION),
        "closes the connection when the next request comes, without an answer",
        methods=ANY_METHOD,
    ),
    Route(
        "/keep-alive/timeout",
        Raw(
            _KEPT,
            (b"kept\n", Pause(IDLE_PAUSE), raw_head("Connection: close", line="HTTP/1.1 408 Late")),
        ),
        "keeps the connection, and soon says 408 to no request at all",
    ),
    Route(
        "/surplus",
        Raw(_KEPT, b"five\nand more than the length says\n", Ending.KEEP),
        "more body than Content-Length says",
    ),
    Route(
        "/surplus/answer",
        Raw(_KEPT, b"five\n" + _KEPT + b"evil\n", Ending.KEEP),
        "a second answer, to a request that nobody has sent yet",
    ),
)
