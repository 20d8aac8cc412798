"""Articles for posting, as RFC 5536 wants them to be."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import TYPE_CHECKING

from sockettools.errors import LocalProtocolError
from sockettools.protocols.mail_writing import (
    MAX_LINE,
    check_header,
    header_text,
    may_be_encoded,
    write_origin,
    write_text,
)
from sockettools.url import encode_host

if TYPE_CHECKING:
    from collections.abc import Sequence

_SENDER = re.compile(
    r'(?:(?:"(?P<quoted>[^"\\]*)"|(?P<name>.*?)) *<(?P<named>[^<>]+)>|(?P<bare>[^<>]+))'
)
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")  # a dot-atom, more or less
_GROUP = re.compile(r"[A-Za-z0-9+_-]+(?:\.[A-Za-z0-9+_-]+)*")  # RFC 5536 section 3.1.4
_MESSAGE_ID = re.compile(r"<[!-=?A-~]+@[!-=?-~]+>")  # section 3.1.3, with the length of RFC 3977
_MAX_MESSAGE_ID = 250

# Fields whose values are names: they are not to be encoded, and folded only at spaces.
_NAMES = frozenset({"newsgroups", "message-id", "references"})


class _NewsPolicy(EmailPolicy):
    """The library's rules but for names, of which it makes encoded words where they are long."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in _NAMES:
            return f"{name}: {value}".replace("> <", ">\r\n <").encode() + b"\r\n"
        return super().fold_binary(name, value)


_POLICY = _NewsPolicy(linesep="\r\n", cte_type="8bit")


def build_article(
    sender: str,
    groups: Sequence[str],
    subject: str,
    body: str,
    references: Sequence[str] = (),
) -> EmailMessage:
    """Make an article, with a date and a message-id of its own.

    ``references``: message-ids of what it answers, the oldest first (RFC 5536 section 3.2.10).

    Raises:
        LocalProtocolError: one of them cannot be in an article; nothing of it is cut.
    """
    message = EmailMessage(policy=_POLICY)
    address = _address(sender)
    message["From"] = address
    message["Newsgroups"] = _newsgroups(groups)
    message["Subject"] = _text("the subject", subject)
    write_origin(message, address.domain)
    if references:
        message["References"] = " ".join(map(_message_id, references))
    check_header(message)
    # News has always let octets through that are not ASCII, and lines of any length that is one.
    write_text(message, body, _encoding(body))
    return message


def _address(written: str) -> Address:
    match = _SENDER.fullmatch(_text("the sender", written))
    address = (match["named"] or match["bare"]) if match else ""
    local, _, domain = address.rpartition("@")
    try:
        domain = encode_host(domain)
    except ValueError:
        domain = ""
    is_local_part = _LOCAL_PART.fullmatch(local) and not may_be_encoded(local)
    if match is None or not is_local_part or not domain:
        raise LocalProtocolError(f"{written[:100]!r} is no sender: NAME <USER@HOST>, or USER@HOST")
    return Address(match["quoted"] or match["name"] or "", local, domain)


def _newsgroups(groups: Sequence[str]) -> str:
    for group in groups or [""]:
        if not _GROUP.fullmatch(group):
            raise LocalProtocolError(f"{group[:100]!r} is no name of a group")
    joined = ",".join(groups)
    if len(f"Newsgroups: {joined}") > MAX_LINE:
        raise LocalProtocolError("these are too many groups for one article")
    return joined


def _message_id(written: str) -> str:
    if not _MESSAGE_ID.fullmatch(written) or len(written) > _MAX_MESSAGE_ID:
        raise LocalProtocolError(f"{written[:100]!r} is no message-id: <NAME@HOST>")
    return written


def _text(name: str, written: str) -> str:
    if not written.strip():
        raise LocalProtocolError(f"{name} has to be one line of text, not {written[:100]!r}")
    return header_text(name, written).strip()


def _encoding(body: str) -> str:
    lines = body.encode("utf-8", "surrogatepass").splitlines()
    if max(map(len, lines), default=0) > MAX_LINE:
        return "quoted-printable"
    return "7bit" if body.isascii() else "8bit"
