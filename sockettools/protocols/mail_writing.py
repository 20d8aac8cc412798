"""Messages that ``email`` writes, kept to what was put into them: mail and news.

The library reads encoded words (RFC 2047) in the values that it is given to write, up to Python
3.12 with line ends in them: a subject that somebody else has chosen could bring fields along, or
the end of the header. So what the words say is looked at before, and what was written afterwards.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.errors import MessageError
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING

from sockettools.errors import LocalProtocolError
from sockettools.protocols.mail_headers import header_fields

if TYPE_CHECKING:
    from email.message import EmailMessage

# Octets of a line, without its end (RFC 5322 section 2.1.1, RFC 5536 section 2.2).
MAX_LINE = 998

# Characters of a subject or a name: a header is not the place for more, and ``email`` needs a time
# for folding it that grows with the square.
MAX_TEXT = 2000

# What acts instead of being shown, ends a line to somebody, or is half a character.
NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_NO_TEXT_IN_LINE = re.compile(rb"[\x00-\x1f\x7f]")


def header_text(what: str, written: str) -> str:
    """Return what somebody wrote for a header; ``what`` is it called in an error.

    Raises:
        LocalProtocolError: it would be more than one line, or is no text.
    """
    if len(written) > MAX_TEXT:
        raise LocalProtocolError(f"{what} has more than {MAX_TEXT} characters")
    if NO_TEXT.search(written):
        raise LocalProtocolError(f"{what} has to be one line of text, not {written[:100]!r}")
    if NO_TEXT.search(header_fields(f"Value: {written}".encode()).get("value", "")):
        raise LocalProtocolError(f"{what} has an encoded line end in it: {written[:100]!r}")
    return written


def may_be_encoded(address: str) -> bool:
    """Tell whether the library may see an encoded word where none can be (RFC 2047 section 5).

    It would write another address, and fails on some beginnings of such words.

    >>> may_be_encoded("=?utf-8?q?=41?=@b.example"), may_be_encoded("a=b?@b.example")
    (True, False)
    """
    return "=?" in address


def write_origin(message: EmailMessage, domain: str) -> None:
    """Write the time, and a name that no other message has: ``domain`` is its sender's."""
    message["Date"] = format_datetime(datetime.now().astimezone())
    # Without a domain ``make_msgid`` asks the resolver for this machine's, and tells it everybody.
    message["Message-ID"] = make_msgid(domain=domain)


def check_header(message: EmailMessage) -> None:
    """Refuse a message, or a part of one, whose header is not the fields that were put into it.

    It must not have a body yet.

    Raises:
        LocalProtocolError: the library has read more in a value than anybody saw there.
    """
    try:
        written = message.as_bytes()
    except (MessageError, ValueError):  # newer ones look themselves
        written = b""
    head, _, body = written.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    names = [line.partition(b":")[0].decode("latin-1") for line in lines if line[:1] != b" "]
    if body or names != message.keys() or any(map(_NO_TEXT_IN_LINE.search, lines)):
        raise LocalProtocolError("a name or the subject would make a header of its own")


def write_text(message: EmailMessage, text: str, encoding: str | None = None) -> None:
    """Make a text the body; without a transfer ``encoding`` the library finds one for the policy.

    Raises:
        LocalProtocolError: it has half a character in it.
    """
    try:
        # No NUL may be in a line (RFC 5321 section 4.5.2, RFC 5536 section 2.2, RFC 6152 3).
        message.set_content(text, cte="quoted-printable" if "\0" in text else encoding)
    except UnicodeEncodeError:
        raise LocalProtocolError("the body is no text in UTF-8") from None
