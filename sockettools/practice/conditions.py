"""Conditional requests: whether the client has the page already (RFC 9110 section 13)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sockettools.practice.answers import Answer
    from sockettools.practice.http import Request

# The W/ of a weak tag is left out: here tags are compared weakly (13.1.2).
_TAG = re.compile(r'(?:W/)?("[^"]*")')


def conditional(request: Request, answer: Answer) -> Answer:
    """Return the answer, or 304 where its ETag or Last-Modified says that it is known."""
    validators = {name.lower(): value for name, value in answer.fields}
    known = is_known(request, validators.get("etag"), validators.get("last-modified"))
    return replace(answer, status=304, body=b"", content_type=None) if known else answer


def is_known(request: Request, tag: str | None, modified: str | None) -> bool:
    """Tell whether the client's conditions let a server send nothing."""
    wanted = request.fields.combined(b"if-none-match")
    if wanted is not None:
        # "A recipient MUST ignore If-Modified-Since if the request contains an If-None-Match".
        if wanted.strip() == b"*":
            return True
        return tag is not None and _opaque(tag) in _TAG.findall(wanted.decode("latin-1"))
    since = request.fields.get(b"if-modified-since")
    if since is None or modified is None:
        return False
    latest, moment = _moment(modified), _moment(since.decode("latin-1"))
    return latest is not None and moment is not None and latest <= moment


def _opaque(tag: str) -> str:
    return tag.removeprefix("W/")


def _moment(text: str) -> datetime | None:
    """Return the time; None if it is no date, which is ignored (13.1.3)."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # A date in one of the old forms names no zone, or -0000, and means GMT.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
