"""Cookies, and pages behind a password."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from sockettools.practice.answers import Answer, json_answer
from sockettools.practice.routes import Route
from sockettools.practice.wild.redirects import redirect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockettools.practice.http import Request

LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"
FAR_AHEAD = "Fri, 31 Dec 2100 23:59:59 GMT"

# Without the characters that end a name or a value.
_SAFE = "!#$%&'()*+-./:<>?@[]^_`{|}~"


def _sent(request: Request) -> Answer:
    values = [value.decode("latin-1") for value in request.fields.get_all(b"cookie")]
    pairs = [pair.strip().partition("=") for value in values for pair in value.split(";")]
    return json_answer({"cookies": {name: value for name, _, value in pairs}, "fields": values})


def _set(request: Request) -> Answer:
    return _cookies(
        f"{quote(name, safe=_SAFE)}={quote(value, safe=_SAFE)}; Path=/"
        for name, value in request.parameters()
    )


def _delete(request: Request) -> Answer:
    return _cookies(
        f"{quote(name, safe=_SAFE)}=; Path=/; Max-Age=0; Expires={LONG_AGO}"
        for name, _ in request.parameters()
    )


def _many(request: Request) -> Answer:
    return _cookies(f"c{n}={'x' * 20}; Path=/" for n in range(request.number("count", 1, 10_000)))


def _cookies(values: Iterable[str]) -> Answer:
    answer = redirect("/cookies")
    cookies = tuple(("Set-Cookie", value) for value in values)
    return replace(answer, fields=answer.fields + cookies)


def _basic_auth(request: Request) -> Answer:
    if _is_let_in(request):
        return json_answer({"authenticated": True, "user": request.argument("user")})
    return Answer(401, b"who are you?\n", fields=(("WWW-Authenticate", 'Basic realm="practice"'),))


def _hidden_basic_auth(request: Request) -> Answer:
    return _basic_auth(request) if _is_let_in(request) else Answer(404, b"there is nothing here\n")


def _is_let_in(request: Request) -> bool:
    scheme, _, credentials = (request.fields.get(b"authorization") or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return False
    try:
        sent = b64decode(credentials.strip(b" "), validate=True)
    except Error:
        return False
    # In a user name there is no colon (RFC 7617 section 2).
    return sent == f"{request.argument('user')}:{request.argument('password')}".encode()


_ATTRIBUTES = (
    "session=1",
    "root=1; Path=/",
    "elsewhere=1; Path=/elsewhere",
    "no_path=1; Path=relative",
    "secure=1; Path=/; Secure",
    "http_only=1; Path=/; HttpOnly",
    "same_site=1; Path=/; SameSite=Strict",
    f"expires=1; Path=/; Expires={FAR_AHEAD}",
    f"expired=1; Path=/; Expires={LONG_AGO}",
    "old_date=1; Path=/; Expires=Friday, 31-Dec-99 23:59:59 GMT",
    "no_date=1; Path=/; Expires=tomorrow",
    f"max_age=1; Path=/; Max-Age=3600; Expires={LONG_AGO}",
    "max_age_over=1; Path=/; Max-Age=-1",
    "foreign=1; Path=/; Domain=example.com",
    "top=1; Path=/; Domain=com",
    "dot=1; Path=/; Domain=.",
    "unknown=1; Path=/; Flavour=vanilla",
    "__Host-bad=1; Path=/elsewhere",
    "__Secure-bad=1; Path=/",
)

_ODD = (
    "=no name; Path=/",
    "no_equals_sign; Path=/",
    "; Path=/",
    "",
    "empty=; Path=/",
    'quoted="a; b"; Path=/',
    "equals=a=b=c; Path=/",
    "blank = 1 ; Path=/",
    "comma=a,b; Path=/",
    "twice=1; Path=/",
    "twice=2; Path=/",
    "CASE=1; Path=/; pAtH=/; hTTPonly",
    "utf8=Zoë; Path=/",
    f"long={'x' * 5_000}; Path=/",
)

ROUTES = (
    Route("/cookies", _sent, "the cookies that were sent"),
    Route(
        "/cookies/set",
        _set,
        "sets those of the query, and redirects to /cookies",
        ("/cookies/set?name=value",),
    ),
    Route(
        "/cookies/delete",
        _delete,
        "deletes those of the query, and redirects to /cookies",
        ("/cookies/delete?name",),
    ),
    Route(
        "/cookies/attributes",
        _cookies(_ATTRIBUTES),
        "cookies with every attribute, some of them not to be accepted",
    ),
    Route("/cookies/odd", _cookies(_ODD), "cookies that are written badly"),
    Route("/cookies/many/{count:number}", _many, "so many cookies", ("/cookies/many/300",)),
    Route(
        "/basic-auth/{user}/{password}",
        _basic_auth,
        "401, until asked with this user name and password",
        ("/basic-auth/user/secret",),
    ),
    Route(
        "/hidden-basic-auth/{user}/{password}",
        _hidden_basic_auth,
        "the same with 404: the client has to begin",
        ("/hidden-basic-auth/user/secret",),
    ),
)
