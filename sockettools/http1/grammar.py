"""Heads and chunk sizes: from bytes to values, and what of them may be sent.

Each pattern runs in linear time on any input: no two of its parts can take the same character.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sockettools.errors import LocalProtocolError, RemoteProtocolError, TooLong
from sockettools.http1.fields import Fields

if TYPE_CHECKING:
    from sockettools.http1.limits import Limits

# RFC 9110 section 5.6.2.
TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"

# A value or a reason phrase holds no control character but the tab. Octets above ASCII are
# allowed (RFC 9110 section 5.5), and real servers send them, in file names above all.
TEXT = rb"[\t\x20-\x7e\x80-\xff]*"

# The reason phrase may be missing, and the blank before it with it: nginx and many small servers
# leave it out. "HTTP/1.7" is understood as HTTP/1.1 would be (RFC 9110 section 2.5).
_STATUS_LINE = re.compile(rb"HTTP/(1\.[0-9]) ([1-9][0-9]{2})(?: (" + TEXT + rb"))?\r?\n")

# Scripts print it that know the server by its HTTP/2 side, and this side passes it on; curl and
# browsers read what follows as HTTP/1.1.
_STATUS_LINE_OF_2 = re.compile(_STATUS_LINE.pattern.replace(rb"(1\.[0-9])", rb"(2(?:\.0)?)"))

# A target is what stands between the blanks; browsers send octets above ASCII in it.
_REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e\x80-\xff]+) HTTP/([0-9]\.[0-9])\r?\n")

# One line, from its beginning to its end: where a line is no field, there is one match less than
# there are lines. White space before the colon is none of a name's characters (5.1), and a CR in
# the middle of a line none of a value's (2.2). Where a value ends with white space, a look back
# fails, and the lines are read again by the pattern below.
_FIELD_LINES = re.compile(rb"(?m:^)(" + TOKEN + rb"+):[\t ]*+(" + TEXT + rb"+)(?<![\t ])\r?\n")
_LOOSE_FIELD_LINES = re.compile(rb"(?m:^)(" + TOKEN + rb"+):(" + TEXT + rb"+)\r?\n")
_FOLD = re.compile(rb"\r?\n[\t ]+")

# Trailing blanks are in the wild since the first servers padded their chunk sizes; sixteen
# digits are more than any size has.
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})[\t ]*(?:;" + TEXT + rb")?\r\n")
CHUNK_LINE_AFTER_DATA = re.compile(rb"\r\n" + CHUNK_LINE.pattern)

_LENGTH = re.compile(rb"[0-9]{1,19}")

# What a signed integer of 64 bits holds: other programs count in these.
MAX_LENGTH = 2**63 - 1

# What is in no host and port (RFC 3986 section 3.2), and what others, who split a value there,
# would see another host in.
_NOT_IN_HOST = re.compile(rb"[\s,/@]")

_SENDABLE_TOKEN = re.compile(TOKEN)
_SENDABLE_TARGET = re.compile(rb"[\x21-\x7e]+")
_SENDABLE_TEXT = re.compile(TEXT)
_SENDABLE_LENGTH = re.compile(rb"[0-9]+")
_VERSION = re.compile(rb"1\.[01]")


def parse_response_head(
    head: bytes, limits: Limits, *, may_skip: bool = False, may_be_2: bool = False
) -> tuple[bytes, int, bytes, Fields]:
    """Return version, status code, reason and fields of a head, which ends with its blank line.

    With ``may_skip``, lines that are no fields are left out; with ``may_be_2``, the version may be
    2 or 2.0.

    Raises:
        RemoteProtocolError: it is none.
    """
    match = _STATUS_LINE.match(head) or (_STATUS_LINE_OF_2.match(head) if may_be_2 else None)
    if match is None:
        raise RemoteProtocolError(f"not a status line: {_first_line(head)}")
    version, code, reason = match.groups(b"")  # a reason that is missing is empty
    fields = parse_fields(head, match.end(), limits, may_fold=True, may_skip=may_skip)
    return version, int(code), reason, fields


def parse_request_head(head: bytes, limits: Limits) -> tuple[bytes, bytes, bytes, Fields]:
    """Return method, target, version and fields of a head, which ends with its blank line.

    Raises:
        RemoteProtocolError: it is none; with the status to answer as its hint.
    """
    match = _REQUEST_LINE.match(head)
    if match is None:
        raise RemoteProtocolError(f"not a request line: {_first_line(head)}")
    if match.end() > limits.line:
        raise TooLong(f"the request line is longer than {limits.line} bytes", 414)
    method, target, version = match.groups()
    if not version.startswith(b"1."):
        raise RemoteProtocolError(f"HTTP/{version.decode()} is not spoken here", 505)
    # A server must not take a folded line as it is (5.2): refusing is the safer choice of two.
    return method, target, version, parse_fields(head, match.end(), limits, may_fold=False)


def parse_fields(
    head: bytes, start: int, limits: Limits, *, may_fold: bool, may_skip: bool = False
) -> Fields:
    """Read the field lines of ``head`` from ``start`` up to the blank line that it ends with.

    Raises:
        RemoteProtocolError: something else is among them.
        TooLong: there are more of them, or one is longer, than the limits say.
    """
    expected = head.count(b"\n", start) - 1
    if expected > limits.fields:
        raise TooLong(f"more than {limits.fields} fields", 431)
    found = _FIELD_LINES.findall(head, start)
    if len(found) != expected:
        found = _loose_fields(head[start:], may_fold=may_fold, may_skip=may_skip)
    if len(head) > limits.line and max(map(len, head.split(b"\n"))) > limits.line:
        raise TooLong(f"a line of the head is longer than {limits.line} bytes", 431)
    return Fields(found)


def _loose_fields(block: bytes, *, may_fold: bool, may_skip: bool) -> list[tuple[bytes, bytes]]:
    """Read field lines that have white space at their end, or go on in the next line."""
    if may_fold:
        # Mail's old way to break a line (5.2); some servers still have it. Not before the first
        # field: there is nothing then that the line could belong to.
        block = _FOLD.sub(b" ", block)
    found = _LOOSE_FIELD_LINES.findall(block)
    if len(found) != block.count(b"\n") - 1 and not may_skip:
        raise RemoteProtocolError(_bad_line(block))
    return [(name, value.strip(b" \t")) for name, value in found]


def parse_content_length(value: bytes) -> int:
    """Return the one length that ``value``, maybe a list, gives (6.3, 5).

    Raises:
        RemoteProtocolError: they do not, or it is none.
    """
    if value.isdigit() and len(value) < 19:
        return int(value)  # nearly every one
    texts = {text.strip(b" \t") for text in value.split(b",")}
    if len(texts) > 1:
        raise RemoteProtocolError(f"conflicting Content-Length: {shown(value)}")
    (text,) = texts
    if not _LENGTH.fullmatch(text) or int(text) > MAX_LENGTH:
        raise RemoteProtocolError(f"not a Content-Length: {shown(text)}")
    return int(text)


def parse_chunk_size(digits: bytes) -> int:
    """Return the size of a chunk from its hexadecimal digits.

    Raises:
        RemoteProtocolError: no program could count that far.
    """
    size = int(digits, 16)
    if size > MAX_LENGTH:
        raise RemoteProtocolError(f"not a chunk size: {shown(digits)}")
    return size


def check_request(method: bytes, target: bytes, version: bytes, fields: Fields) -> None:
    """Refuse what would be understood as something else than it says.

    Raises:
        LocalProtocolError: a part holds what it must not; above all CR, LF and NUL, with which one
            request could be made to look like two.
    """
    _check(_SENDABLE_TOKEN, method, "a method")
    _check(_SENDABLE_TARGET, target, "a target")
    _check(_VERSION, version, "a version that is spoken here")
    _check_length(fields)
    host = fields.get(b"host")
    if host is not None and not is_host(host):
        raise LocalProtocolError(f"not a host: {shown(host)}")
    check_fields(fields)


def check_response(status_code: int, reason: bytes, version: bytes, fields: Fields) -> None:
    """Refuse what would be understood as something else; see ``check_request``."""
    if not 100 <= status_code <= 999:
        raise LocalProtocolError(f"not a status code: {status_code}")
    _check(_SENDABLE_TEXT, reason, "a reason phrase")
    _check(_VERSION, version, "a version that is spoken here")
    _check_length(fields)
    check_fields(fields)


def _check_length(fields: Fields) -> None:
    # What is forgiven in what is received (6.3, 5), others may not forgive.
    length = fields.combined(b"content-length")
    if length is not None:
        _check(_SENDABLE_LENGTH, length, "a Content-Length")


def is_host(value: bytes) -> bool:
    """Tell whether everybody sees the same host, or none, in the value of a Host field (3.2)."""
    return _NOT_IN_HOST.search(value) is None


def check_fields(fields: Fields) -> None:
    """Refuse fields, or trailers, as ``check_request`` does."""
    for name, value in fields:
        _check(_SENDABLE_TOKEN, name, "a field name")
        if not _SENDABLE_TEXT.fullmatch(value):
            raise LocalProtocolError(f"not a value of {name.decode('ascii')}: {shown(value)}")


def _check(pattern: re.Pattern[bytes], text: bytes, what: str) -> None:
    if not pattern.fullmatch(text):
        raise LocalProtocolError(f"not {what}: {shown(text)}")


def _bad_line(block: bytes) -> str:
    for line in block.split(b"\n")[:-2]:
        if not _LOOSE_FIELD_LINES.fullmatch(line + b"\n"):
            return f"not a field: {shown(line)}"
    return "not a head"


def _first_line(head: bytes) -> str:
    return shown(head.partition(b"\n")[0])


def shown(data: bytes) -> str:
    """Return how a message quotes what the peer sent: as a literal, of bounded length."""
    return repr(data if len(data) <= 100 else data[:100] + b"...")
