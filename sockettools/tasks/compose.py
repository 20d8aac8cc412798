"""A message, written with ``email``: text, attachments, and the header that mail has to have.

Files are not read into memory: what ``email`` writes has marks where they are to be, and their
octets take the place of those on the way to the server.
"""

from __future__ import annotations

import mimetypes
import re
import stat
from base64 import encodebytes
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import TYPE_CHECKING
from uuid import uuid4

from sockettools.errors import LocalProtocolError, SocketToolsError
from sockettools.protocols.mail_writing import (
    NO_TEXT,
    check_header,
    header_text,
    may_be_encoded,
    write_origin,
    write_text,
)
from sockettools.protocols.smtp_mail import Content, envelope_address, sent_size
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

# Octets of a file that are read at a time: whole lines of base64, 57 each.
_READ_SIZE = 57 * 1024

# The longest line of base64 (RFC 2045 section 6.8).
_LINE = 76

_MAILBOX = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>|(?P<bare>[^<>]*)")

# In an address without quotes these mean something else (RFC 5322 section 3.2.3).
_SPECIALS = re.compile(r'[()<>\[\]:;@\\,"]')

_DOMAIN = re.compile(r"[A-Za-z0-9._-]*|\[[A-Za-z0-9:.-]+\]")

# What mimetypes takes for a way to encode another type is a type of its own in mail.
_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}

_ANYTHING = "application/octet-stream"

# These would have to be sent without any encoding (RFC 2046 section 5).
_COMPOSITE = ("message/", "multipart/")


class NoAttachment(SocketToolsError):
    """What is to be attached is no file, or not the one any more that it was."""


@dataclass(frozen=True)
class Mailbox:
    """An address, as ``zoë@bücher.example``'s would be in ASCII as far as possible, and a name."""

    address: str
    name: str = ""

    @property
    def header(self) -> Address:
        """What stands for it in a header."""
        local, _, domain = self.address.rpartition("@")
        return Address(self.name, local, domain) if local else Address(self.name, domain)


@dataclass(frozen=True)
class Draft:
    """What somebody wants to send; ``bcc`` get it, and nobody reads of them."""

    sender: Mailbox
    to: Sequence[Mailbox]
    cc: Sequence[Mailbox] = ()
    bcc: Sequence[Mailbox] = ()
    subject: str = ""
    text: str = ""
    attachments: Sequence[Path] = ()

    @property
    def recipients(self) -> list[str]:
        """All addresses, none twice."""
        return list(dict.fromkeys(one.address for one in (*self.to, *self.cc, *self.bcc)))


def parse_mailbox(text: str) -> Mailbox:
    """Read ``address``, or ``Name <address>``.

    Raises:
        LocalProtocolError: it is neither.

    >>> parse_mailbox('"Zoë B." <zoe@bücher.example>')
    Mailbox(address='zoe@xn--bcher-kva.example', name='Zoë B.')
    """
    match = _MAILBOX.fullmatch(text.strip(" "))
    if match is None:
        raise LocalProtocolError(
            f"'{visible(text[:200])}' is no address of mail: user@host, or Name <user@host>"
        )
    name = (match["name"] or "").strip(" ")
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1], flags=re.DOTALL)
    address = envelope_address(match["address"] or match["bare"] or "")
    local, at, domain = address.rpartition("@")
    is_domain = _DOMAIN.fullmatch(domain if at else "")
    if not is_domain or _SPECIALS.search(local if at else domain) or may_be_encoded(address):
        raise LocalProtocolError(
            f"'{visible(address[:200])}' is not one address of mail without quotes"
        )
    return Mailbox(address, header_text("the name of an address", name))


def compose(draft: Draft, *, allow_8bit: bool) -> Content:
    """Write the message; without ``allow_8bit`` it has no octets above 127 if it can be helped.

    Addresses that are not ASCII cannot be helped: the content ``is_utf8`` then.

    Raises:
        LocalProtocolError: the subject is not one line of text, or the text is none.
        NoAttachment, OSError: a file cannot be read; also while the blocks are.
    """
    mailboxes = (draft.sender, *draft.to, *draft.cc)
    is_utf8 = not all(mailbox.address.isascii() for mailbox in mailboxes)
    policy = SMTPUTF8 if is_utf8 else SMTP
    message = EmailMessage(policy.clone(cte_type="8bit" if allow_8bit else "7bit"))
    _write_header(message, draft)
    check_header(message)
    write_text(message, draft.text)
    files = [_attach(message, path) for path in draft.attachments]
    written = message.as_bytes()
    parts: list[bytes | _File] = []
    for file in filter(None, files):
        before, _, written = written.partition(file.mark)
        parts += [before, file]
    parts.append(written)
    size = sum(part.size if isinstance(part, _File) else len(part) for part in parts)
    # The writing has CRLF everywhere, and perhaps none at its end.
    size += sent_size(written) - len(written)
    texts = [part for part in parts if isinstance(part, bytes)]
    return Content(_Blocks(parts), size, not all(map(bytes.isascii, texts)), is_utf8)


@dataclass(frozen=True)
class _File:
    """A file on its way; ``mark`` stands where it is to be."""

    path: Path
    octets: int
    mark: bytes

    @property
    def size(self) -> int:
        """Octets of it in base64, with CRLF behind each line."""
        encoded = (self.octets + 2) // 3 * 4
        return encoded + 2 * -(-encoded // _LINE)

    def blocks(self) -> Iterator[bytes]:
        """Read it, in base64."""
        left = self.octets
        with self.path.open("rb") as file:
            while left:
                block = file.read(min(left, _READ_SIZE))
                if len(block) < min(left, _READ_SIZE):
                    raise NoAttachment(f"{self.path} has become shorter; nothing was delivered")
                left -= len(block)
                yield encodebytes(block)


@dataclass(frozen=True)
class _Blocks:
    parts: Sequence[bytes | _File]

    def __iter__(self) -> Iterator[bytes]:
        for part in self.parts:
            if isinstance(part, _File):
                yield from part.blocks()
            else:
                yield part


def _write_header(message: EmailMessage, draft: Draft) -> None:
    message["From"] = draft.sender.header
    _write_addresses(message, "To", draft.to)
    _write_addresses(message, "Cc", draft.cc)
    if draft.subject:
        message["Subject"] = header_text("the subject", draft.subject)
    _, at, domain = draft.sender.address.rpartition("@")
    write_origin(message, domain if at else "invalid")


def _write_addresses(message: EmailMessage, name: str, mailboxes: Iterable[Mailbox]) -> None:
    if addresses := [mailbox.header for mailbox in mailboxes]:
        message[name] = addresses


def _attach(message: EmailMessage, path: Path) -> _File | None:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise NoAttachment(f"{path} is not a file that can be attached")
    path.open("rb").close()  # whether it may be read is to be known before anything is sent
    main, _, sub = media_type(path.name).partition("/")
    message.add_attachment(b"", main, sub, filename=_file_name(path))
    *_, part = message.iter_attachments()
    assert isinstance(part, EmailMessage)
    check_header(part)
    if not status.st_size:
        return None
    mark = uuid4().hex
    part.set_payload(mark)
    return _File(path, status.st_size, mark.encode())


def media_type(name: str) -> str:
    """Return the type that a file's name tells.

    >>> media_type("cover.jpg"), media_type("all.tar.gz"), media_type("old.eml")
    ('image/jpeg', 'application/gzip', 'application/octet-stream')
    """
    guessed, encoding = mimetypes.guess_type(name)
    if encoding is not None:
        return _COMPRESSED.get(encoding, _ANYTHING)
    if guessed is None or guessed.startswith(_COMPOSITE):
        return _ANYTHING
    return guessed


def _file_name(path: Path) -> str:
    """Return what the receiver may call it: text, on one line."""
    name = path.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    # Encoded words would be read (see ``mail_writing``), and a file is not called what they say.
    return NO_TEXT.sub("_", name).replace("=?", "=_")
