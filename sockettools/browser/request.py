"""What is asked for, and the head that asks for it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sockettools import http1

if TYPE_CHECKING:
    from collections.abc import Collection

    from sockettools.url import HttpUrl

FORM = "application/x-www-form-urlencoded"

# Octets of a body from which on the server is asked first whether it wants it (RFC 9110 section
# 10.1.1); curl does so from 1 MiB on.
EXPECT_SIZE = 1_048_576


@dataclass(frozen=True)
class Request:
    """A method on a URL.

    ``fields`` are added to the browser's own; one with the name of an own field replaces it, and
    the value None leaves it out. Their text is UTF-8 on the wire, and what was received is given as
    ``field_text`` has it. ``credentials`` are a user name and a password. Both belong to this URL's
    origin, and are not sent to another one that it may redirect to; but Proxy-Authorization is for
    a proxy on the way, and no origin gets it.
    """

    url: HttpUrl
    method: str = "GET"
    fields: tuple[tuple[str, str | None], ...] = ()
    body: bytes | None = field(default=None, repr=False)
    credentials: tuple[str, str] | None = field(default=None, repr=False)

    def effective_credentials(self) -> tuple[str, str] | None:
        """Return what was given, or else what stands in the URL."""
        if self.credentials is None and self.url.username is not None:
            return self.url.username, self.url.password or ""
        return self.credentials

    def given(self, name: str) -> list[str | None]:
        """Return every value that is given for a field, its name in lower case."""
        return [value for other, value in self.fields if other.lower() == name]

    def without_fields(self, names: Collection[str]) -> Request:
        """Return it without the fields of these names, in lower case."""
        kept = tuple(item for item in self.fields if item[0].lower() not in names)
        return replace(self, fields=kept)


def basic(credentials: tuple[str, str]) -> str:
    """Return the value of an Authorization field (RFC 7617).

    >>> basic(("Aladdin", "open sesame"))
    'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='
    """
    octets = ":".join(credentials).encode("utf-8", "surrogateescape")
    return f"Basic {base64.b64encode(octets).decode('ascii')}"


def format_head(
    request: Request,
    own: list[tuple[str, str]],
    *,
    version: bytes = b"1.1",
    absolute: bool = False,
) -> http1.Request:
    """Return the head of a request; ``own`` are the fields that ``request`` may replace.

    With ``absolute`` its target is the whole URL, as proxies want it (RFC 9112 section 3.2.2).
    """
    fields: list[tuple[str, str | None]] = [("Host", request.url.authority)]
    if credentials := request.effective_credentials():
        fields.append(("Authorization", basic(credentials)))
    fields += own
    if request.body is not None:
        fields.append(("Content-Length", str(len(request.body))))
        fields.append(("Content-Type", FORM))
        if len(request.body) >= EXPECT_SIZE and version != b"1.0":
            fields.append(("Expect", "100-continue"))
    replaced = {name.lower() for name, _ in request.fields}
    # Host stays at the front also when it is replaced (RFC 9110 section 7.2).
    kept = [item for item in fields if item[0].lower() not in replaced]
    added = sorted(request.fields, key=lambda item: item[0].lower() != "host")
    both = added + kept if "host" in replaced else kept + added
    target = f"{request.url.origin}{request.url.target}" if absolute else request.url.target
    return http1.Request(
        method=field_octets(request.method),
        target=field_octets(target),
        fields=http1.Fields(
            [(field_octets(name), field_octets(value)) for name, value in both if value is not None]
        ),
        version=version,
    )


def field_octets(text: str) -> bytes:
    """Return what goes out: UTF-8, but bytes of a command line that were none as they came in."""
    return text.encode("utf-8", "surrogateescape")


def field_text(octets: bytes) -> str:
    r"""Return the text from which ``field_octets`` makes just these octets.

    >>> field_octets(field_text(b"\xc3\xa9 \xe9"))
    b'\xc3\xa9 \xe9'
    """
    return octets.decode("utf-8", "surrogateescape")
