from __future__ import annotations

import email
import re
import tracemalloc
from email.message import EmailMessage
from email.policy import SMTP, default
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.errors import LocalProtocolError, SocketToolsError
from sockettools.protocols.dots import DotDecoder, dot_stuffed
from sockettools.protocols.mail_writing import MAX_TEXT
from sockettools.tasks.compose import (
    Draft,
    Mailbox,
    NoAttachment,
    compose,
    media_type,
    parse_mailbox,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sockettools.protocols.smtp_mail import Content

A = Mailbox("a@b.example")
B = Mailbox("b@c.example")


def written(content: Content) -> bytes:
    """Return what travels, as the receiver has it; its size is what was promised."""
    octets = DotDecoder().feed(b"".join(dot_stuffed(content.blocks)))
    assert len(octets) == content.size
    return octets


def read(content: Content) -> EmailMessage:
    message = email.message_from_bytes(written(content), policy=default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def test_header() -> None:
    draft = Draft(
        Mailbox("a@b.example", "Zoë, B."),
        [B, Mailbox("postmaster")],
        [A],
        [Mailbox("x@y")],
        "Grüße",
    )
    message = read(compose(draft, allow_8bit=True))

    assert message["From"] == '"Zoë, B." <a@b.example>'
    assert message["To"] == "b@c.example, postmaster"
    assert message["Cc"] == "a@b.example"
    assert message["Subject"] == "Grüße"
    assert message["Date"].datetime.tzinfo is not None
    assert re.fullmatch(r"<[0-9.]+@b\.example>", message["Message-ID"])
    assert b"x@y" not in written(compose(draft, allow_8bit=True))
    assert draft.recipients == ["b@c.example", "postmaster", "a@b.example", "x@y"]


def test_nobody_is_told_twice() -> None:
    assert Draft(A, [B, B], [A], [B, A]).recipients == ["b@c.example", "a@b.example"]


@pytest.mark.parametrize("text", ["", "a", "a\n", "ü\n.\n..", "x" * 3000, "a\rb\r\nc\n", "a\0b"])
@pytest.mark.parametrize("allow_8bit", [True, False])
def test_text(text: str, *, allow_8bit: bool) -> None:
    content = compose(Draft(A, [B], text=text), allow_8bit=allow_8bit)
    octets = written(content)

    assert content.is_8bit == (not octets.isascii())
    assert content.is_8bit == (allow_8bit and text.startswith("ü"))
    assert b"\0" not in octets
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    body = read(content).get_content()
    assert body.splitlines() == (text or "\n").splitlines()  # a line at least


@given(st.text(), st.booleans())
def test_any_text(text: str, allow_8bit: bool) -> None:
    draft = Draft(A, [B], text=text)
    try:
        content = compose(draft, allow_8bit=allow_8bit)
    except LocalProtocolError:
        with pytest.raises(UnicodeEncodeError):
            text.encode()
        return
    got = read(content).get_content()
    assert got.encode().splitlines() == (text or "\n").encode().splitlines()


def test_addresses_that_are_not_ascii() -> None:
    content = compose(Draft(Mailbox("ü@b.example"), [B], subject="é"), allow_8bit=True)

    assert content.is_utf8
    assert "From: ü@b.example\r\n".encode() in written(content)
    assert "Subject: é\r\n".encode() in written(content)


def test_attachments(tmp_path: Path) -> None:
    files = {
        "cover.jpg": bytes(range(256)) * 700,
        "empty.txt": b"",
        "ä b.tar.gz": b"\x1f\x8b",
        "old.eml": b"Subject: a\n\nb\n",
        "a\nb\udcff": b"x" * 57 * 1024,
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    draft = Draft(A, [B], text="see", attachments=[tmp_path / name for name in files])
    content = compose(draft, allow_8bit=True)
    parts = list(read(content).iter_attachments())

    assert [part.get_content_type() for part in parts] == [
        "image/jpeg",
        "text/plain",
        "application/gzip",
        "application/octet-stream",
        "application/octet-stream",
    ]
    assert [part.get_filename() for part in parts] == [
        "cover.jpg",
        "empty.txt",
        "ä b.tar.gz",
        "old.eml",
        "a_b\ufffd",
    ]
    assert [part.get_payload(decode=True) for part in parts] == list(files.values())
    assert written(content) == written(content)  # the files are read again


@pytest.mark.parametrize("size", [1, 2, 3, 56, 57, 58, 114, 57 * 1024 + 1, 200_000])
def test_as_email_would_have_written_it(size: int, tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"\xfe" * size)
    octets = written(compose(Draft(A, [B], text="x", attachments=[file]), allow_8bit=True))
    message = email.message_from_bytes(octets, policy=SMTP)
    expected = EmailMessage(policy=SMTP)
    for name in ("From", "To", "Date", "Message-ID"):
        expected[name] = message[name]
    expected.set_content("x")
    expected.add_attachment(file.read_bytes(), "application", "octet-stream", filename="a.bin")
    expected.set_boundary(message.get_boundary() or "")

    assert sorted(octets.splitlines()) == sorted(expected.as_bytes().splitlines())


def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as large:
        large.truncate(10_000_000)
    tracemalloc.start()
    try:
        content = compose(Draft(A, [B], attachments=[file]), allow_8bit=True)
        size = sum(map(len, dot_stuffed(content.blocks)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size == (content.size or 0) + len(b".\r\n")
    assert peak < 2_000_000


def test_a_file_that_becomes_shorter(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x" * 100)
    content = compose(Draft(A, [B], attachments=[file]), allow_8bit=True)
    file.write_bytes(b"x")

    with pytest.raises(NoAttachment, match="has become shorter"):
        written(content)


def test_a_file_that_grows(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x" * 100)
    content = compose(Draft(A, [B], attachments=[file]), allow_8bit=True)
    file.write_bytes(b"y" * 200_000)
    (part,) = read(content).iter_attachments()

    assert part.get_payload(decode=True) == b"y" * 100


def test_no_attachments(tmp_path: Path) -> None:
    with pytest.raises(NoAttachment):
        compose(Draft(A, [B], attachments=[tmp_path]), allow_8bit=True)
    with pytest.raises(FileNotFoundError):
        compose(Draft(A, [B], attachments=[tmp_path / "none"]), allow_8bit=True)


@pytest.mark.parametrize(
    "subject",
    [
        "a\r\nBcc: x@y",
        "a\nb",
        "a\rb",
        "a\0b",
        "\x1b[2J",
        "a\u2028b",
        "a\x85b",
        "\ud800",
        "x" * 2001,
    ],
)
def test_no_subjects(subject: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        compose(Draft(A, [B], subject=subject), allow_8bit=True)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "subject", ["x" * MAX_TEXT, "ü" * MAX_TEXT, "a " * 900, "=?utf-8?q?=41?=", "😀" * 300, ": ,;"]
)
def test_subjects(subject: str) -> None:
    octets = written(compose(Draft(A, [B], subject=subject), allow_8bit=True))

    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert octets.count(b"\r\n\r\n") == 1


LINE_ENDS = [
    pytest.param("=?utf-8?q?a=0D=0ABcc:_evil=40x.y?=", id="field"),
    pytest.param("=?utf-8?b?YQ0KQmNjOiBldmlsQHgueQ==?=", id="base64"),
    pytest.param("b =?utf-8?q?a=0ABcc:_evil?= c", id="field behind a line feed"),
    pytest.param("=?utf-8?q?a=0D=0A=0D=0Abody?=", id="the end of the header"),
]


@pytest.mark.parametrize("word", LINE_ENDS)
def test_encoded_words_bring_nothing_along(word: str) -> None:
    with pytest.raises(LocalProtocolError, match="the subject has an encoded line end"):
        compose(Draft(A, [B], subject=word), allow_8bit=True)
    with pytest.raises(LocalProtocolError, match="the name of an address has an encoded line end"):
        parse_mailbox(f"{word} <a@b.example>")


@pytest.mark.parametrize("word", LINE_ENDS)
@pytest.mark.parametrize("place", ["sender", "to", "cc", "local part"])
def test_no_other_fields_than_were_put_into_it(word: str, place: str) -> None:
    """Not even where nobody has looked at the names; newer versions of the library write none."""
    other = Mailbox(f"{word}@b.example") if place == "local part" else Mailbox("a@b.example", word)
    everybody = {"sender": A, "to": A, "cc": A} | {place: other}
    if place == "local part":
        everybody["to"] = other
    draft = Draft(everybody["sender"], [everybody["to"]], [everybody["cc"]])
    try:
        octets = written(compose(draft, allow_8bit=True))
    except LocalProtocolError:
        return
    fields = ["From", "To", "Cc", "Date", "Message-ID"]
    assert email.message_from_bytes(octets).keys()[:5] == fields
    assert b"\nBcc" not in octets


@pytest.mark.parametrize(
    "address",
    [
        "=?utf-8?q?a=0D=0ABcc=3A_evil?=@b.example",
        "=?utf-8?q?=41?=@b.example",
        "=?utf-8?q?=41?=",
        "=?=ED=A0=80=0A=0D=0Autf-8?q?é@b.example",  # the library fails on it
    ],
)
def test_addresses_that_would_be_written_as_others(address: str) -> None:
    with pytest.raises(LocalProtocolError, match="is not one address of mail"):
        parse_mailbox(address)


@pytest.mark.parametrize(
    "name",
    [
        "=?utf-8?q?a=0D=0ABcc:_evil?=.txt",
        "=?utf-8?q?a=0D=0A=0D=0Abody?=",
        "é =?utf-8?q?a=0D=0ABcc:_evil?=",
    ],
)
def test_names_of_files_are_no_encoded_words(name: str, tmp_path: Path) -> None:
    for data in (b"", b"data"):
        (tmp_path / name).write_bytes(data)
        message = read(compose(Draft(A, [B], attachments=[tmp_path / name]), allow_8bit=True))
        (part,) = message.iter_attachments()
        assert part.get_filename() == name.replace("=?", "=_")
        assert part.get_payload(decode=True) == data
        assert sorted(part.keys()) == [
            "Content-Disposition",
            "Content-Transfer-Encoding",
            "Content-Type",
            "MIME-Version",
        ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a@b.example", A, id="bare"),
        pytest.param("<a@b.example>", A, id="brackets"),
        pytest.param(" Al <a@b.example> ", Mailbox("a@b.example", "Al"), id="name"),
        pytest.param(r'"A \"B\" \\" <a@b>', Mailbox("a@b", 'A "B" \\'), id="quoted name"),
        pytest.param("a@bücher.example", Mailbox("a@xn--bcher-kva.example"), id="IDN"),
        pytest.param("postmaster", Mailbox("postmaster"), id="no domain"),
        pytest.param("a@[127.0.0.1]", Mailbox("a@[127.0.0.1]"), id="address literal"),
    ],
)
def test_mailboxes(text: str, expected: Mailbox) -> None:
    assert parse_mailbox(text) == expected
    read(compose(Draft(expected, [expected]), allow_8bit=True))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<>",
        "a@b, c@d",
        "A <a@b> <c@d>",
        "A <a@b",
        "A\r\nBcc: x <a@b>",
        "a@b\r\nBcc: x@y",
        "a@b@c",
        '"a b"@c',
        '"a"@c',
        "a@b,c",
        "\x1b[2J <a@b>",
        "x" * (MAX_TEXT + 1) + "<a@b>",
    ],
)
def test_no_mailboxes(text: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        parse_mailbox(text)

    assert str(caught.value).isprintable()


@given(st.text())
def test_any_mailbox(text: str) -> None:
    try:
        mailbox = parse_mailbox(text)
    except SocketToolsError:
        return
    content = compose(Draft(mailbox, [mailbox]), allow_8bit=True)
    message = read(content)
    assert len(message.keys()) == len(set(message.keys())) == 7
    got = message["From"].addresses[0].addr_spec
    assert got.encode("utf-8", "surrogateescape").decode() == mailbox.address


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", "image/png"),
        ("a", "application/octet-stream"),
        ("a.txt.xz", "application/x-xz"),
        ("a.txt.Z", "application/octet-stream"),
        ("a.mht", "application/octet-stream"),
    ],
)
def test_media_types(name: str, expected: str) -> None:
    assert media_type(name) == expected
