"""What our handler and each of Scrapy's make of all the pages of the practice web.

Every difference is in a table, with its reason.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from scrapy import Request

from sockettools.practice.sections import ROUTES
from tests.netcrawl.download.each_handler import installed, run, start_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scrapy.core.downloader.handlers.base import BaseDownloadHandler
    from scrapy.http import Response

    # Makes a handler.
    Maker = Callable[[], BaseDownloadHandler]
    # What came of a request, as JSON can say it.
    Outcome = dict[str, Any]

# What becomes of hostile pages in other libraries first depends on the machine: nothing to hold a
# change of ours up with.
pytestmark = pytest.mark.soak

# Seconds for pages that one of them or all would read for too long, and for any other. A little
# later nobody waits for a handler any more.
SHORT, LONG = 3.0, 30.0
PATIENCE = 1.0

MAX_SIZE = 200_000  # octets: bodies without end are soon at theirs

AT_ONCE = 24

# What is asked next of the same handler, to see what became of its connection.
NEXT = "/romeo.txt"

# Pages that answer something else each time, or only after some tries, or so much that it depends
# on the machine whether it is too large first, or too late.
VARYING = (
    "/endless-chunked/crumbs",
    "/files/changing.txt",
    "/files/limited.pdf",
    "/files/busy.pdf",
    "/files/busy-until.pdf",
    "/range/changing/100000",
)

TOO_LATE = {"error": "DownloadTimeoutError"}

# Pages that end late, or never, for one of them at least; whether it is so can be a matter of what
# comes in which receive.
SLOW = (
    "/delay/30",
    "/drip?bytes=60&seconds=60",
    "/slow-head?seconds=5",
    "/stall/0",
    "/stall/1000",
    "/silence",
    "/silence/head",
    "/ssh",
    "/endless-informational",
    "/endless-head",
    "/chunked/endless-extension",
    # aiohttp waits for more after a bad chunk that did not come together with the head.
    "/chunked",
    "/chunked/bad-size",
    "/chunked/negative",
    "/chunked/prefix",
    "/chunked/huge-size",
    "/chunked/no-crlf",
    "/chunked/too-long",
    "/chunked/bare-lf",
    "/chunked/bad-trailer",
)

OTHERS = (
    ("HEAD", "/body-of-head", b""),
    ("HEAD", "/get", b""),
    ("HEAD", "/chunked", b""),
    ("HEAD", "/bytes/100000", b""),
    ("HEAD", "/length/none", b""),
    ("HEAD", "/truncated", b""),
    ("POST", "/post", b"a=1&b=2"),
    ("POST", "/status/500", b"a=1"),
    ("PUT", "/put", b"\x00\xff"),
    ("PUT", "/keep-alive/desert", b"once"),
    ("DELETE", "/anything", b""),
    ("OPTIONS", "/anything", b""),
)

# Twisted keeps what it calls control fields to itself, and says the length first.
_KEPT_BY_TWISTED = (
    *("Connection", "Keep-Alive", "Te", "Trailers", "Transfer-Encoding", "Upgrade"),
    "Proxy-Connection",
)


def asked(origin: str) -> Iterator[Request]:
    """Yield a request for every page, and some more; those that take their time come first."""
    paths = [path for route in ROUTES if "GET" in route.methods for path in route.links]
    paths.sort(key=lambda path: path not in SLOW)
    for method, path, body in (*(("GET", path, b"") for path in paths), *OTHERS):
        if path not in VARYING:
            meta = {"download_timeout": SHORT if path in SLOW else LONG}
            yield Request(origin + path, method=method, body=body, meta=meta)


async def fetched(handler: BaseDownloadHandler, request: Request) -> Outcome:
    try:
        async with asyncio.timeout(request.meta["download_timeout"] + PATIENCE):
            return described(await handler.download_request(request))
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is compared
        return {"error": type(exc).__name__}


def described(response: Response) -> Outcome:
    fields = [
        (name.decode("latin-1"), [value.decode("latin-1") for value in values])
        for name, values in response.headers.items()
    ]
    return {
        "status": response.status,
        "fields": [("Date", [""]) if name == "Date" else (name, values) for name, values in fields],
        "body": (len(response.body), hashlib.sha256(response.body).hexdigest()),
        "flags": response.flags,
        "url": response.url,
        "protocol": response.protocol,
        "ip address": str(response.ip_address),
        "class": type(response).__name__,
    }


def child(name: str, origin: str) -> None:
    """Print what the handler makes of every page, and of the one behind it."""
    logging.disable()

    async def fetch_all(make: Maker) -> list[tuple[str, Outcome, Outcome]]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def fetch(request: Request) -> tuple[str, Outcome, Outcome]:
            async with gate:
                handler = make()
                first = await fetched(handler, request)
                second = await fetched(
                    handler, Request(origin + NEXT, meta={"download_timeout": LONG})
                )
            await handler.close()
            return request.method + " " + request.url.removeprefix(origin), first, second

        return await asyncio.gather(*map(fetch, asked(origin)))

    print(json.dumps(run(name, fetch_all, DOWNLOAD_MAXSIZE=MAX_SIZE)))


def as_twisted_says(ours: Outcome) -> Outcome:
    """Return the outcome with its fields as Twisted would have them."""
    if "error" in ours:
        return ours
    fields = [field for field in ours["fields"] if field[0] not in _KEPT_BY_TWISTED]
    length_first = sorted(fields, key=lambda field: field[0] != "Content-Length")
    return {**ours, "fields": length_first}


def difference(ours: Outcome, theirs: Outcome) -> str:
    """Say in a few words what theirs is instead of ours; nothing when they are the same."""
    if ours == theirs:
        return ""
    if "error" in theirs:
        return f"{ours.get('error', 'answer')} -> {theirs['error']}"
    if "error" in ours:
        return f"{ours['error']} -> {theirs['status']}, {theirs['body'][0]} octets"
    parts = [key for key in ours if ours[key] != theirs[key] and key != "fields"]
    here, there = dict(ours["fields"]), dict(theirs["fields"])
    names = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
    if not names and ours["fields"] != theirs["fields"]:
        names = ["order"]
    return ", ".join(parts + names)


# What Scrapy's make of an answer instead, said by ``difference``, in groups with our reasons. ``,
# next`` is the request behind it. Theirs may learn: what is here need not be found, but nothing
# else may be.
DIFFERENCES: dict[str, dict[str, str]] = {
    # aiohttp says a length where there is no body; httpx adds Connection, which is what HTTP/1.1
    # does anyway. Twisted has the fields that it adds first. Ours sends the spider's, and Host.
    "GET /anything": {"aiohttp": "body, Content-Length", "httpx": "body, Content-Length"},
    "GET /get?a=1&b=2": {"aiohttp": "body, Content-Length", "httpx": "body, Content-Length"},
    "GET /headers": {"aiohttp": "body, Content-Length", "httpx": "body, Content-Length"},
    "HEAD /get": {"aiohttp": "Content-Length", "httpx": "Content-Length"},
    "DELETE /anything": {"aiohttp": "body, Content-Length", "httpx": "body, Content-Length"},
    "POST /post": {"Twisted": "body", "httpx": "body, Content-Length"},
    "PUT /put": {"Twisted": "body", "httpx": "body, Content-Length"},
    # Twisted makes up a length of 0, in place of one that is there, too. What follows these has no
    # body, whatever they say (RFC 9112 section 6.3), and the connection is not used again; aiohttp
    # and httpx take what stands there for the next answer.
    "GET /status/204": {"Twisted": "Content-Length"},
    "GET /status/304": {"Twisted": "Content-Length"},
    "HEAD /chunked": {"Twisted": "Content-Length"},
    "HEAD /length/none": {"Twisted": "Content-Length"},
    "GET /body-of-204": {"Twisted": "Content-Length", "aiohttp": "answer -> DownloadFailedError"},
    "GET /body-of-204, next": {"httpx": "answer -> DownloadFailedError"},
    "GET /body-of-304": {"Twisted": "Content-Length", "aiohttp": "answer -> DownloadFailedError"},
    "GET /body-of-304, next": {"httpx": "answer -> DownloadFailedError"},
    "HEAD /body-of-head": {"aiohttp": "answer -> DownloadFailedError"},
    "HEAD /body-of-head, next": {"httpx": "answer -> DownloadFailedError"},
    # More than was asked for: the answer is good, and nothing behind it is another. httpx gives out
    # the server's second answer for that to the next request.
    "GET /surplus": {"aiohttp": "answer -> DownloadFailedError"},
    "GET /surplus, next": {"httpx": "answer -> DownloadFailedError"},
    "GET /surplus/answer, next": {"httpx": "body, Content-Length, Content-Type, Date, Server"},
    # An idle connection that the server closes: ours asks again on a new one.
    "GET /keep-alive/desert, next": {"httpx": "answer -> DownloadFailedError"},
    "PUT /keep-alive/desert, next": {"httpx": "answer -> DownloadFailedError"},
    # One where the server says 408 before it has the next request, or when it just has: as well.
    "GET /keep-alive/timeout, next": {
        "Twisted": "status, body, flags, Content-Length, Content-Type, Date, Server",
        "aiohttp": "status, body, Connection, Content-Length, Content-Type, Date, Server",
        "httpx": "status, body, Connection, Content-Length, Content-Type, Date, Server",
    },
    "GET /keep-alive/reset": {"httpx": "answer -> TypeError"},
    # All of these chunks are allowed (section 7.1).
    "GET /chunked": {
        "Twisted": "answer -> ResponseDataLossError",
        "aiohttp": "answer -> DownloadFailedError",
        "httpx": "answer -> DownloadFailedError",
    },
    # These are not. Twisted calls that a loss of data, which its setting has one accept: ours does
    # not, since nobody knows what was lost, or who wrote it.
    "GET /chunked/bad-size": {"Twisted": "DownloadFailedError -> ResponseDataLossError"},
    "GET /chunked/negative": {"Twisted": "DownloadFailedError -> ResponseDataLossError"},
    "GET /chunked/prefix": {"Twisted": "DownloadFailedError -> ResponseDataLossError"},
    "GET /chunked/huge-size": {
        "Twisted": "DownloadFailedError -> ResponseDataLossError",
        "httpx": "DownloadFailedError -> ResponseDataLossError",
    },
    "GET /chunked/no-crlf": {"Twisted": "DownloadFailedError -> ResponseDataLossError"},
    "GET /chunked/too-long": {"Twisted": "DownloadFailedError -> ResponseDataLossError"},
    "GET /chunked/bare-lf": {"Twisted": "DownloadFailedError -> ResponseDataLossError"},
    "GET /chunked/bad-trailer": {"Twisted": "DownloadFailedError -> 200, 4 octets"},
    "GET /chunked/endless-extension": {
        "Twisted": "DownloadFailedError -> ResponseDataLossError",
        "aiohttp": "DownloadFailedError -> DownloadTimeoutError",
    },
    "GET /chunked/endless-trailers": {"Twisted": "DownloadFailedError -> ResponseDataLossError"},
    # A reset in the body is a loss of data; to httpx a failure.
    "GET /reset": {"httpx": "ResponseDataLossError -> DownloadFailedError"},
    # Bodies until the end of the connection are whole as far as anyone can know; Twisted flags them
    # as partial.
    "GET /length/none": {"Twisted": "flags"},
    "GET /version/1.0": {"Twisted": "flags"},
    # Lengths that agree are one (section 6.3, 5), and stay as they were sent. Chunks overrule a
    # length.
    "GET /length/repeated": {
        "Twisted": "Content-Length",
        "aiohttp": "answer -> DownloadFailedError",
        "httpx": "Content-Length",
    },
    "GET /length/list": {
        "Twisted": "Content-Length",
        "aiohttp": "answer -> DownloadFailedError",
        "httpx": "Content-Length",
    },
    "GET /both-lengths": {"Twisted": "Content-Length", "aiohttp": "answer -> DownloadFailedError"},
    # A length of 2**64 + 10 is none to ours; to others it is more than DOWNLOAD_MAXSIZE.
    "GET /length/overflow": {
        "Twisted": "DownloadFailedError -> DownloadCancelledError",
        "httpx": "DownloadFailedError -> DownloadCancelledError",
    },
    # Nobody knows where this body ends.
    "GET /transfer-encoding/unknown": {"aiohttp": "DownloadFailedError -> 200, 10 octets"},
    # No status code of HTTP (RFC 9110 section 15); and what is no HTTP at all may never end.
    "GET /code/long": {"Twisted": "DownloadFailedError -> 2000, 5 octets"},
    "GET /ssh": {"httpx": "DownloadFailedError -> DownloadTimeoutError"},
    # Lines that are no fields are left out, as browsers do: the page is as good without them. A NUL
    # and a CR are nowhere allowed in a value (RFC 9110 section 5.5).
    "GET /field/no-colon": {
        "aiohttp": "answer -> DownloadFailedError",
        "httpx": "answer -> DownloadFailedError",
    },
    "GET /field/no-name": {
        "Twisted": "answer -> DownloadFailedError",
        "aiohttp": "answer -> DownloadFailedError",
        "httpx": "answer -> DownloadFailedError",
    },
    "GET /field/blank": {
        "Twisted": "answer -> DownloadFailedError",
        "aiohttp": "answer -> DownloadFailedError",
        "httpx": "answer -> DownloadFailedError",
    },
    "GET /field/name": {
        "Twisted": "answer -> DownloadFailedError",
        "aiohttp": "answer -> DownloadFailedError",
        "httpx": "answer -> DownloadFailedError",
    },
    "GET /fold-first": {
        "Twisted": "answer -> DownloadFailedError",
        "aiohttp": "X",
        "httpx": "answer -> DownloadFailedError",
    },
    "GET /bare-cr": {
        "Twisted": "X-One",
        "aiohttp": "answer -> DownloadFailedError",
        "httpx": "answer -> DownloadFailedError",
    },
    "GET /nul": {
        "Twisted": "X-Nul",
        "aiohttp": "answer -> DownloadFailedError",
        "httpx": "answer -> DownloadFailedError",
    },
    "GET /files/named/raw-nul": {
        "Twisted": "Content-Disposition",
        "aiohttp": "answer -> DownloadFailedError",
        "httpx": "answer -> DownloadFailedError",
    },
    # The end of a line and all blanks around it are one blank (RFC 9112 section 5.2).
    "GET /obs-fold": {"Twisted": "X-Folded", "aiohttp": "X-Folded"},
    # Octets beyond ASCII stay as they are; httpx guesses their charset and writes UTF-8, and
    # aiohttp's handler breaks down.
    "GET /field/latin": {"aiohttp": "answer -> UnicodeEncodeError", "httpx": "X-Latin"},
    "GET /files/named/raw-latin": {
        "aiohttp": "answer -> UnicodeEncodeError",
        "httpx": "Content-Disposition",
    },
    # Redirects are not the handler's affair; httpx reads their Location all the same.
    "GET /redirect/invalid": {"httpx": "answer -> DownloadFailedError"},
    "GET /redirect/script": {"httpx": "answer -> DownloadFailedError"},
    # Limits: ours has more room than aiohttp (128 fields, 8,190 octets) and Twisted (16,384 octets
    # of a line), and unlike them none that is missing.
    "GET /long-reason": {
        "Twisted": "answer -> DownloadFailedError",
        "aiohttp": "answer -> DownloadFailedError",
    },
    "GET /long-field": {"httpx": "DownloadFailedError -> 200, 5 octets"},
    "GET /cookies/many/300": {"aiohttp": "answer -> DownloadFailedError"},
    "GET /many-fields/200": {"aiohttp": "answer -> DownloadFailedError"},
    "GET /many-fields/100000": {"Twisted": "DownloadFailedError -> 200, 5 octets"},
    "GET /endless-head": {"Twisted": "DownloadFailedError -> DownloadTimeoutError"},
    "GET /endless-informational": {
        "Twisted": "DownloadFailedError -> DownloadTimeoutError",
        "aiohttp": "DownloadFailedError -> DownloadTimeoutError",
        "httpx": "DownloadFailedError -> TimeoutError",
    },
    # The limit of httpx is for each receive; only our patience ends these.
    "GET /drip?bytes=60&seconds=60": {"httpx": "DownloadTimeoutError -> TimeoutError"},
    "GET /slow-head?seconds=5": {"httpx": "DownloadTimeoutError -> TimeoutError"},
}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, list[tuple[str, Outcome, Outcome]]]:
    """What each handler made of everything; they work at the same time."""
    with subprocess.Popen(
        [sys.executable, "-m", "sockettools", "practice", "--port", "0", "--quiet"],
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            origin = server.stdout.readline().split()[3].rstrip("/")
            processes = {name: start_module(__name__, name, origin) for name in installed()}
            return {
                name: json.loads(process.communicate(timeout=60)[0])
                for name, process in processes.items()
            }
        finally:
            server.terminate()


@pytest.mark.parametrize("name", [name for name in installed() if name != "ours"])
def test_differences(outcomes: dict[str, list[tuple[str, Outcome, Outcome]]], name: str) -> None:
    found = {}
    for (what, first, second), (other, *theirs) in zip(
        outcomes["ours"], outcomes[name], strict=True
    ):
        assert what == other
        mine = [as_twisted_says(each) if name == "Twisted" else each for each in (first, second)]
        for place, (our, their) in enumerate(zip(mine, theirs, strict=True)):
            is_too_late = what.removeprefix("GET ") in SLOW and their == TOO_LATE
            if (said := difference(our, their)) and not is_too_late:
                found[what + ", next" * place] = said
    known = {what: said[name] for what, said in DIFFERENCES.items() if name in said}
    assert {what: said for what, said in found.items() if known.get(what) != said} == {}


def test_what_comes_next_is_answered(outcomes: dict[str, Any]) -> None:
    expected = outcomes["ours"][0][2]["body"]
    for what, _, second in outcomes["ours"]:
        assert (second.get("status"), second.get("body")) == (200, expected), what


if __name__ == "__main__":
    child(*sys.argv[1:])
