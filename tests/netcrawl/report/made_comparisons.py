"""Comparisons as ``scrapy compare`` finds them, made without one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netcrawl.compare.jobs import JobComparison, JobWay, WallTime
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
    Way,
)
from netcrawl.compare.servers import ServerAnswer, ServerComparison, ServerFailure, ServerRow
from tests.netcrawl.compare.comparisons import spread

if TYPE_CHECKING:
    from collections.abc import Sequence

REQUEST = b"GET /a HTTP/1.1\r\nHost: h.example\r\nAccept: */*\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\x00\xff"


def connection(pieces: Sequence[Piece] = (), number: int = 1) -> Connection:
    """Return one that said this."""
    return Connection(
        number=number,
        host="h.example",
        address="127.0.0.1",
        port=80,
        begun=0.002,
        connected=0.003,
        secured=None,
        closed=0.009,
        tls="",
        sent=sum(len(it.data) for it in pieces if it.direction == SENT),
        received=sum(len(it.data) for it in pieces if it.direction == RECEIVED),
        pieces=tuple(pieces),
        left_out=0,
        end="the client closed it",
        error="",
    )


def exchange(request: bytes = REQUEST, purpose: str = "page", sent: float = 0.004) -> Exchange:
    """Return a request and its answer."""
    return Exchange(
        connection=1,
        is_first_there=True,
        purpose=purpose,
        url="http://h.example/a",
        request=request,
        answer=ANSWER[:-3],
        status=200,
        sent=sent,
        first_byte=sent + 0.001,
        done=sent + 0.002,
    )


def way(name: str = "by hand", request: bytes = REQUEST, done: float = 0.01) -> Way:
    """Return a way that asked once, and was answered."""
    pieces = [Piece(0.004, SENT, request), Piece(0.005, RECEIVED, ANSWER)]
    return Way(
        name=name,
        description=f"what {name} is",
        answer=Answer(
            200, "http://h.example/a", (("Content-Length", "3"),), "", 3, "ab", b"a\0\xff"
        ),
        error="",
        differences=(),
        remarks=(),
        lookups=(Lookup("h.example", 0.0, 0.001, ("127.0.0.1",), ""),),
        connections=(connection(pieces),),
        more_connections=0,
        exchanges=(exchange(request),),
        octets_sent=len(request),
        octets_received=len(ANSWER),
        phases=(
            Phase("connect", spread(0.002, 0.003, 0.004)),
            Phase("first_byte", spread(0.005, 0.006, 0.007)),
            Phase("done", spread(done, done * 1.2, done * 2)),
        ),
        cost=Cost(spread(0.2), spread(0.11), spread(22_000_000)),
        failed_runs=0,
    )


def page(*ways: Way, url: str = "http://h.example/a") -> Page:
    """Return what these ways did; they are comparable."""
    return Page(url, "The same answer in all 2 ways.", True, True, "", ways)


def comparison(*pages: Page) -> Comparison:
    """Return one of these pages."""
    return Comparison("2026-01-01T00:00:00+00:00", (("Python", "3.11"),), 3, pages)


def two_ways() -> Comparison:
    """Return the comparison of two ways, of which the second one does more."""
    more = REQUEST.replace(b"Accept: */*\r\n", b"accept: text/html\r\nX: 1\r\n")
    other = replace(
        way("Scrapy (sockets)", more, done=0.05),
        remarks=(Remark("added", "sends X: 1", "it is fond of X"),),
        exchanges=(exchange(b"GET /robots.txt HTTP/1.1\r\n\r\n", "robots.txt"), exchange(more)),
    )
    return comparison(page(way(), other))


def differing(text: str) -> Comparison:
    """Return a comparison of ways that differ in everything, with this text in all places."""
    octets = text.encode("utf-8", "surrogatepass")
    request = b"GET /" + octets + b" HTTP/1.1\r\n" + octets + b": " + octets + b"\r\n\r\n"
    other = way(text, request)
    failed = replace(connection(), connected=None, error=text, address=text, number=2)
    told = connection([Piece(0.004, SENT, request), Piece(0.006, RECEIVED, octets)])
    other = replace(
        other,
        description=text,
        error=text,
        answer=replace(other.answer, url=text, fields=((text, text),), beginning=octets),
        differences=(AnswerDifference("body", text, text, text, True, False),),
        remarks=(Remark("error", text, text),),
        lookups=(Lookup(text, 0.0, 0.001, (text,), ""), Lookup(text, 0.0, 0.1, (), text)),
        connections=(replace(told, tls=text, secured=0.0035, end=text, error=text), failed),
    )
    first = replace(way(), error=text)
    made = replace(
        page(first, other, url=text), verdict=text, same=False, comparable=False, why_not=text
    )
    return replace(comparison(made), made=text, versions=((text, text),))


def a_job() -> JobComparison:
    """Return a job done by hand and as a spider."""
    ways = tuple(
        JobWay(
            name=name,
            description=f"what {name} is",
            lines=lines,
            source=f"print({name!r})\n" if lines else "",
            answer=8,
            difference="",
            problem="",
            requests=8 + bool(robots),
            robots=robots,
            connections=1,
            sent=700,
            received=50_000,
            cpu=spread(0.1, 0.2, 0.3),
            peak=spread(20_000_000, 21_000_000, 22_000_000),
            wall=tuple(
                WallTime(trip, seconds, spread(trip + 0.05))
                for trip, seconds in (
                    (0.0, spread(wall)),
                    (0.2, spread(1 + wall, 2 + wall, 3 + wall)),
                )
            ),
        )
        for name, lines, robots, wall in (("sockets", 35, 0, 0.1), ("spider", 0, 1, 1.0))
    )
    return JobComparison("follow", "follow the link", "http://h.example/", 3, ways, ("a note",))


def a_job_that_differs(text: str) -> JobComparison:
    """Return a job that one way did otherwise, and another not at all; with this text."""
    first, second = a_job().ways
    other = replace(
        second, name=text, description=text, difference=text, source=text, failed_runs=2
    )
    failed = replace(first, name=f"{text}!", problem=text, cpu=None, peak=None, wall=(), source="")
    return JobComparison(text, text, text, 1, (first, other, failed), (text,))


def some_servers(problem: str = "") -> ServerComparison:
    """Return servers under load; with a ``problem``, one answers otherwise and one failed."""
    rows = tuple(
        ServerRow(service, server, clients, 1000.0 * clients, 900.0, 1100.0 * clients, 1e-5 * at,
                  30_000_000, 1e-4, 2e-3)
        for service in ("greet", "echo")
        for at, server in enumerate(("serial", "twisted"), start=1)
        for clients in (1, 10, 100, 1000)
    )  # fmt: skip
    answers = (ServerAnswer("greet", "serial", 10, "ab", problem),)
    failures = (ServerFailure("echo", "threads", 1000, problem),) if problem else ()
    return ServerComparison(3, 0.5, answers, rows, failures, ("a note",))
