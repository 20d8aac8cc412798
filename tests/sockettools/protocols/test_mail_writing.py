from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

import pytest

from sockettools.errors import LocalProtocolError
from sockettools.protocols.mail_writing import (
    MAX_TEXT,
    check_header,
    header_text,
    write_origin,
    write_text,
)


@pytest.mark.parametrize(
    "text", ["", "a", " a ", "Grüße 😀", "x" * MAX_TEXT, "=?utf-8?q?Caf=C3=A9?=", "=?", "a=0D=0Ab"]
)
def test_header_texts(text: str) -> None:
    assert header_text("the subject", text) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("a\r\nBcc: b", "has to be one line of text", id="field"),
        pytest.param("\x85", "has to be one line of text", id="C1"),
        pytest.param("\u2029", "has to be one line of text", id="paragraph"),
        pytest.param("\udcff", "has to be one line of text", id="surrogate"),
        pytest.param("x" * (MAX_TEXT + 1), "more than 2000 characters", id="long"),
        pytest.param("=?utf-8?q?a=0D=0ABcc:_b?=", "encoded line end", id="encoded field"),
        pytest.param("a =?utf-8?b?Cg==?= b", "encoded line end", id="base64"),
        pytest.param("=?utf-8?q?=E2=80=A8?=", "encoded line end", id="U+2028"),
        pytest.param("=?utf-16-be?q?=00=0A?=", "encoded line end", id="UTF-16"),
        pytest.param("=?utf-8?q?=00?=", "encoded line end", id="NUL"),
    ],
)
def test_no_header_texts(text: str, problem: str) -> None:
    with pytest.raises(LocalProtocolError, match=f"the subject .*{problem}") as caught:
        header_text("the subject", text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "subject",
    [
        "=?utf-8?q?a=0D=0ABcc:_b@c?=",
        "=?utf-8?q?a=0A_b?=",
        "=?utf-8?q?a=0D=0A=0D=0Abody?=",
        "=?utf-8?q?a=0D=0ASubject:_b?=",
    ],
)
def test_what_is_written_is_looked_at(subject: str) -> None:
    """Whatever was overlooked before; newer versions of the library let none of it pass."""
    message = EmailMessage(SMTP)
    message["From"] = "a@b.example"
    message["Subject"] = subject
    write_origin(message, "b.example")
    try:
        check_header(message)
    except LocalProtocolError:
        return
    assert b"\n" not in message.as_bytes().partition(b"Subject: ")[2].partition(b"\r\nDate: ")[0]


def test_headers_that_are_folded_are_right() -> None:
    message = EmailMessage(SMTP)
    message["Subject"] = "Grüße " * 100
    message["To"] = ", ".join(f"a{number}@b.example" for number in range(100))
    write_origin(message, "b.example")
    check_header(message)


@pytest.mark.parametrize(
    ("text", "encoding", "written"),
    [
        pytest.param("a", None, "7bit", id="ASCII"),
        pytest.param("a\0", None, "quoted-printable", id="NUL"),
        pytest.param("a\0", "8bit", "quoted-printable", id="NUL in what was to be as it is"),
        pytest.param("é", "base64", "base64", id="given"),
    ],
)
def test_texts(text: str, encoding: str | None, written: str) -> None:
    message = EmailMessage(SMTP)
    write_text(message, text, encoding)
    assert message["Content-Transfer-Encoding"] == written
    assert message.get_content().rstrip("\r\n") == text


def test_what_is_no_text() -> None:
    with pytest.raises(LocalProtocolError, match="no text"):
        write_text(EmailMessage(SMTP), "\udcff")
