"""Redirects: right ones, endless ones, and ones that lead nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from sockettools.practice.answers import PLAIN, Answer, Endless
from sockettools.practice.routes import ANY_METHOD, Route

if TYPE_CHECKING:
    from sockettools.practice.http import Request

MAX_HOPS = 1_000

# All that a field value may hold as it is; the rest is percent-encoded.
_SAFE = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def redirect(location: str | None, status: int = 302) -> Answer:
    """Return a redirect; with None it does not say where to."""
    fields = () if location is None else (("Location", location),)
    return Answer(status, b"elsewhere\n", PLAIN, fields)


def _hops(request: Request) -> Answer:
    hops = request.number("hops", 1, MAX_HOPS)
    # References without a slash at their beginning: the client has to join them to the URL.
    return redirect("../get" if hops == 1 else str(hops - 1))


def _absolute_hops(request: Request) -> Answer:
    hops = request.number("hops", 1, MAX_HOPS)
    return redirect(request.origin + ("/get" if hops == 1 else f"/absolute-redirect/{hops - 1}"))


def _redirect_to(request: Request) -> Answer:
    status = request.number("status_code", 300, 399, 302)
    return redirect(quote(request.argument("url"), safe=_SAFE), status)


def _loop_of(request: Request) -> Answer:
    size = request.number("size", 1, MAX_HOPS)
    step = request.number("step", 0, MAX_HOPS, 0)
    return redirect(f"/loop/{size}?step={(step + 1) % size}")


def _onward(request: Request) -> Answer:
    return redirect(f"/redirect/onward/{request.number('hop', 0, 10**15) + 1}")


def _userinfo(request: Request) -> Answer:
    return redirect(request.origin.replace("://", "://user:password@", 1) + "/anything")


ROUTES = (
    Route(
        "/redirect/{hops:number}",
        _hops,
        "so many hops to /get, each with a relative Location",
        ("/redirect/1", "/redirect/3", "/redirect/30"),
        ANY_METHOD,
    ),
    Route(
        "/absolute-redirect/{hops:number}",
        _absolute_hops,
        "the same with absolute URLs",
        ("/absolute-redirect/3",),
        ANY_METHOD,
    ),
    Route(
        "/redirect-to",
        _redirect_to,
        "a redirect to any url with any status_code of 3xx",
        tuple(f"/redirect-to?url=/anything&status_code={n}" for n in (301, 302, 303, 307, 308)),
        ANY_METHOD,
    ),
    Route("/loop", redirect("/loop"), "a redirect to itself"),
    Route("/loop/{size:number}", _loop_of, "a circle of so many pages", ("/loop/3",)),
    Route(
        "/redirect/onward/{hop:number}",
        _onward,
        "a redirect to a new URL every time, without end",
        ("/redirect/onward/1",),
    ),
    Route("/redirect/missing", redirect(None), "302 without Location"),
    Route("/redirect/empty", redirect(""), "an empty Location"),
    Route("/redirect/invalid", redirect("http://[::1/"), "a Location that is no URL"),
    Route("/redirect/no-host", redirect("http:///get"), "a Location without a host"),
    Route("/redirect/port", redirect("http://127.0.0.1:99999/"), "a port that cannot be"),
    Route("/redirect/scheme", redirect("gopher://127.0.0.1/"), "to a scheme of another protocol"),
    Route("/redirect/file", redirect("file:///etc/passwd"), "to a file of the client's machine"),
    Route("/redirect/script", redirect("javascript:alert(1)"), "to a script"),
    Route("/redirect/userinfo", _userinfo, "to a URL with a user name and a password"),
    Route("/redirect/blank", redirect("/get?a b"), "a Location with a blank in it"),
    Route("/redirect/raw", redirect("/get?Zoë"), "a Location with octets beyond ASCII (UTF-8)"),
    Route("/redirect/fragment", redirect("/get#there"), "a Location with a fragment"),
    Route("/redirect/dots", redirect("/../a/./../get"), "a Location with dots to be resolved"),
    Route("/redirect/network", redirect("//nosuch.invalid/"), "to //host/, at a host that is none"),
    Route(
        "/redirect/twice",
        Answer(302, b"", None, (("Location", "/get"), ("Location", "/anything"))),
        "two Locations, which differ",
    ),
    Route(
        "/redirect/endless",
        Answer(302, Endless(b"", b"." * 8_192), PLAIN, (("Location", "/get"),)),
        "a redirect whose body never ends",
    ),
    Route(
        "/refresh",
        Answer(body=b"elsewhere\n", fields=(("Refresh", "0; url=/get"),)),
        "200 with a Refresh field, which only browsers follow",
    ),
)
