"""Fetching with Twisted's Agent, as its own guide has it."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.web import client
from twisted.web.client import ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss

from netcrawl.compare import routing
from netcrawl.compare.fetched import MAX_BODY, TOO_LONG, Fetched, NotFetched

# The reactor is chosen when it is imported, and its type says little.
reactor: Any = _reactor
_client: Any = client  # half of it has no types


class _Body(Protocol):
    """Collects a body."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.data = bytearray()
        self.done: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self.data += data
        if len(self.data) > MAX_BODY:
            self.transport.abortConnection()

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802
        if len(self.data) > MAX_BODY:
            self.done.errback(NotFetched(TOO_LONG))
        elif reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(bytes(self.data))
        else:
            self.done.errback(reason)


async def _fetch(url: str) -> Fetched:
    response: Any = await _client.RedirectAgent(_client.Agent(reactor)).request(
        b"GET", url.encode("ascii")
    )
    body = _Body()
    response.deliverBody(body)
    octets = await body.done
    fields = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.getAllRawHeaders()
        for value in values
    ]
    codings = response.headers.getRawHeaders(b"content-encoding", [])
    return Fetched(
        response.code,
        response.request.absoluteURI.decode("ascii"),
        fields,
        b", ".join(codings).decode("latin-1"),
        octets,
    )


async def _keep(url: str, found: list[Fetched], failed: list[BaseException]) -> None:
    try:
        found.append(await _fetch(url))
    except Exception as exc:  # noqa: BLE001 - it is told as the way's error
        failed.append(exc)
    finally:
        reactor.stop()


def fetch(url: str) -> Fetched:
    """Fetch.

    Raises:
        NotFetched: there is no answer.
    """
    found: list[Fetched] = []
    failed: list[BaseException] = []

    def begin() -> None:
        routing.mark("asked")
        Deferred.fromCoroutine(_keep(url, found, failed))

    reactor.callWhenRunning(begin)
    reactor.run()
    if failed:
        raise NotFetched(_reason(failed[0])) from failed[0]
    return found[0]


def _reason(error: BaseException) -> str:
    """Return what is wrong: the Agent says that something failed, and has why inside."""
    if isinstance(error, ResponseFailed) and error.reasons:
        reasons = [_reason(failure.value) for failure in error.reasons]
        return ", ".join(dict.fromkeys(reasons))
    if type(error).__name__ == "_DataLoss":  # private, and without a word
        return "the body ended before it was complete"
    text = " ".join(str(error).split())
    return text.rstrip(".") or type(error).__name__
