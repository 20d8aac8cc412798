"""Pages that tell what they were asked, for a client that wants to know what it has sent."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from sockettools.practice.answers import json_answer
from sockettools.practice.routes import ANY_METHOD, Route

if TYPE_CHECKING:
    from sockettools.practice.answers import Answer
    from sockettools.practice.http import Request


def _anything(request: Request) -> Answer:
    return json_answer(
        {
            "method": request.method,
            "target": request.target,
            "url": f"{request.origin}{request.path}" + (f"?{request.query}" * bool(request.query)),
            "parameters": request.parameters(),
            "fields": _fields(request),
            **_body(request.body),
        }
    )


def _headers(request: Request) -> Answer:
    return json_answer({"fields": _fields(request)})


def _user_agent(request: Request) -> Answer:
    value = request.fields.get(b"user-agent")
    return json_answer({"user-agent": None if value is None else value.decode("latin-1")})


def _fields(request: Request) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.fields]


def _body(body: bytes) -> dict[str, str | int]:
    try:
        return {"length": len(body), "body": body.decode()}
    except UnicodeDecodeError:
        return {"length": len(body), "body_base64": b64encode(body).decode("ascii")}


ROUTES = (
    Route(
        "/anything",
        _anything,
        "method, target, fields and body of any request, as JSON",
        methods=ANY_METHOD,
    ),
    Route("/get", _anything, "the same, for GET only", ("/get?a=1&b=2",)),
    Route("/post", _anything, "the same, for POST only", methods=("POST",)),
    Route("/put", _anything, "the same, for PUT only", methods=("PUT",)),
    Route("/headers", _headers, "the fields only, in order, with repetitions", methods=ANY_METHOD),
    Route("/user-agent", _user_agent, "the name of the client"),
)
