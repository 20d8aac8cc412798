"""A comparison with something in every place."""

from __future__ import annotations

from netcrawl.compare.result import (
    RECEIVED,
    SENT,
    Answer,
    AnswerDifference,
    Comparison,
    Connection,
    Cost,
    Exchange,
    Lookup,
    Page,
    Phase,
    Piece,
    Remark,
    Spread,
    Way,
)

REQUEST = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


def spread(*samples: float) -> Spread:
    """Return what is made of an odd number of samples."""
    return Spread(samples, sorted(samples)[len(samples) // 2], min(samples), max(samples))


def way(name: str = "by hand", **changes: object) -> Way:
    """Return a way that did all that can be done, with some of it changed."""
    values = {
        "name": name,
        "description": "a browser on a blocking socket",
        "answer": Answer(
            200, "http://example.org/", (("Content-Length", "5"),), "", 5, "2cf2", b"\xffello"
        ),
        "error": "",
        "differences": (
            AnswerDifference("body", "octet 1 (line 1)", "h", "\x1b", matters=True, changes=False),
        ),
        "remarks": (Remark("added", "sends Accept-Language: en", "DEFAULT_REQUEST_HEADERS"),),
        "lookups": (Lookup("example.org", 0.001, 0.002, ("192.0.2.1",), ""),),
        "connections": (
            Connection(
                number=1,
                host="example.org",
                address="192.0.2.1",
                port=443,
                begun=0.002,
                connected=0.003,
                secured=0.004,
                closed=0.007,
                tls="TLSv1.3",
                sent=40,
                received=45,
                pieces=(Piece(0.004, SENT, REQUEST), Piece(0.006, RECEIVED, ANSWER + b"\xffello")),
                left_out=0,
                end="this side closed it",
                error="",
            ),
        ),
        "more_connections": 0,
        "exchanges": (
            Exchange(
                1, True, "page", "http://example.org/", REQUEST, ANSWER, 200, 0.004, 0.006, 0.007
            ),
        ),
        "octets_sent": 40,
        "octets_received": 45,
        "phases": (Phase("first_byte", spread(0.006, 0.005, 0.009)),),
        "cost": Cost(spread(0.1), spread(0.05), spread(20e6)),
        "failed_runs": 0,
        **changes,
    }
    return Way(**values)  # type: ignore[arg-type]


def comparison(*ways: Way) -> Comparison:
    """Return one of a page."""
    return Comparison(
        made="2026-11-23T01:02:03+00:00",
        versions=(("Python", "3.11.7"), ("Scrapy", "2.19.0")),
        runs=3,
        pages=(
            Page(
                url="https://example.org/",
                verdict="all the same",
                same=True,
                comparable=False,
                why_not="no run was timed",
                ways=ways or (way(), way("urllib", answer=None, cost=None, error="refused")),
            ),
        ),
    )
