from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from email.utils import parsedate_to_datetime
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.errors import LocalProtocolError
from sockettools.protocols import mail_writing
from sockettools.protocols.mail_writing import MAX_LINE, MAX_TEXT
from sockettools.protocols.nntp_posting import build_article

SENDER = "Alice <alice@example.test>"


def article(
    sender: str = SENDER,
    groups: tuple[str, ...] = ("test.general",),
    subject: str = "Hello",
    body: str = "But soft\n",
    references: tuple[str, ...] = (),
) -> bytes:
    return build_article(sender, groups, subject, body, references).as_bytes()


def header_of(octets: bytes) -> list[bytes]:
    return octets.partition(b"\r\n\r\n")[0].split(b"\r\n")


def test_everything_in_it() -> None:
    octets = article(
        "Zoë <zoe@example.test>",
        ("test.general", "test.other"),
        "Café",
        "naïve\n.\n",
        ("<1@example.test>", "<2@example.test>"),
    )
    message = message_from_bytes(octets, policy=default)
    assert message["From"] == "Zoë <zoe@example.test>"
    assert message["Newsgroups"] == "test.general,test.other"
    assert message["Subject"] == "Café"
    assert message["References"].split() == ["<1@example.test>", "<2@example.test>"]
    assert message["Message-ID"].endswith("@example.test>")
    assert abs(parsedate_to_datetime(message["Date"]).timestamp() - time()) < 60
    assert octets.endswith("\r\n\r\nnaïve\r\n.\r\n".encode())
    assert all(line.isascii() for line in header_of(octets))


def test_each_has_its_own_name() -> None:
    names = {build_article(SENDER, ["a"], "x", "y")["Message-ID"] for _ in range(100)}
    assert len(names) == 100


@pytest.mark.parametrize(
    ("sender", "field"),
    [
        pytest.param("a@b.example", b"a@b.example", id="bare"),
        pytest.param("<a@b.example>", b"a@b.example", id="angle brackets"),
        pytest.param("Ann, Bob <a@b.example>", b'"Ann, Bob" <a@b.example>', id="comma"),
        pytest.param('"Ann, Bob" <a@b.example>', b'"Ann, Bob" <a@b.example>', id="quoted"),
        pytest.param("a@bücher.example", b"a@xn--bcher-kva.example", id="IDNA"),
        pytest.param("x: y; <a@b.example>", b'"x: y;" <a@b.example>', id="no group"),
    ],
)
def test_senders(sender: str, field: bytes) -> None:
    assert header_of(article(sender))[0] == b"From: " + field


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "a",
        "a b",
        "<>",
        "a@",
        "@b",
        "a@b, c@d",
        "a b@c",
        "a@b c",
        "A <a@b",
        "a@b..c",
        "zoë@b.example",
        "x: a@b;",
        "a@b\r\nX: y",
        "a@b\nX: y",
        "a\0@b",
        "\x85 <a@b>",
        "\udc80 <a@b>",
        "x" * MAX_TEXT + " <a@b>",
    ],
)
def test_what_is_no_sender(sender: str) -> None:
    with pytest.raises(LocalProtocolError, match=r"(the|no) sender"):
        article(sender)


@pytest.mark.parametrize("subject", ["", " ", "a\nb", "a\rb", "a\0b", "a\tb", "\u2028", "\ud800"])
def test_what_is_no_subject(subject: str) -> None:
    with pytest.raises(LocalProtocolError, match="the subject has to be one line"):
        article(subject=subject)


@pytest.mark.parametrize(
    "word",
    [
        pytest.param("=?utf-8?q?a=0D=0AX-Evil:_y?=", id="field"),
        pytest.param("=?utf-8?q?a=0AX-Evil:_y?= b", id="field behind a line feed"),
        pytest.param("=?utf-8?b?YQpYLUV2aWw6IHk=?=", id="base64"),
        pytest.param("=?utf-8?q?a=00b?=", id="NUL"),
        pytest.param("=?utf-8?q?a=0D=0A=0D=0Abody?=", id="the end of the header"),
        pytest.param(
            "=?utf-8?q?x=0D=0ANewsgroups:_e=0D=0ASubject:_e=0D=0ADate:_e=0D=0AMessage-ID:_e"
            "=0D=0A=0D=0Abody?=",
            id="a whole header",
        ),
    ],
)
def test_encoded_words_bring_nothing_along(word: str) -> None:
    with pytest.raises(LocalProtocolError, match="encoded line end"):
        article(subject=word)
    with pytest.raises(LocalProtocolError, match="encoded line end"):
        article(f"{word} <a@b.example>")


def test_no_other_fields_than_were_put_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the library see encoded words where nobody else does; newer ones write none."""
    monkeypatch.setattr(mail_writing, "header_fields", lambda _head: {})
    for word in ("=?utf-8?q?a=0D=0AX-Evil:_y?=", "=?utf-8?q?a=0D=0A=0D=0Abody?="):
        try:
            octets = article(subject=word)
        except LocalProtocolError:
            continue
        assert octets.endswith(b"\r\n\r\nBut soft\r\n")
        assert "X-Evil" not in message_from_bytes(octets)


def test_encoded_words_are_read() -> None:
    message = message_from_bytes(article(subject="Re: =?utf-8?q?Caf=C3=A9?="), policy=default)
    assert message["Subject"] == "Re: Café"


@pytest.mark.parametrize(
    "group", ["", "a b", "a,b", "a\r\nX: y", "a:b", "<a>", ".a", "a.", "a..b", "zoë", "a\0", "*"]
)
def test_what_is_no_group(group: str) -> None:
    with pytest.raises(LocalProtocolError, match="is no name of a group"):
        article(groups=("test.general", group))


@pytest.mark.parametrize(
    "reference",
    ["", "1@b", "<1>", "<1@b", "<1@b> <2@b>", "<1 @b>", "<1@b>\r\n", f"<{'x' * 250}@b>"],
)
def test_what_is_no_reference(reference: str) -> None:
    with pytest.raises(LocalProtocolError, match="is no message-id"):
        article(references=(reference,))


def test_names_are_not_encoded() -> None:
    groups = tuple(f"test.group{number}.{'x' * 30}" for number in range(20))
    references = tuple(f"<{number}.{'x' * 100}@example.test>" for number in range(30))
    octets = article(groups=groups, references=references)
    lines = header_of(octets)
    assert f"Newsgroups: {','.join(groups)}".encode() in lines
    assert b"=?" not in octets
    assert message_from_bytes(octets)["References"].split() == list(references)
    assert max(map(len, lines)) <= MAX_LINE


def test_too_many_groups() -> None:
    with pytest.raises(LocalProtocolError, match="too many groups"):
        article(groups=tuple(f"test.group{number}" for number in range(100)))
    with pytest.raises(LocalProtocolError, match="no name of a group"):
        article(groups=())


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param("plain\n", "7bit", id="ASCII"),
        pytest.param("naïve\n", "8bit", id="more"),
        pytest.param("", "7bit", id="empty"),
        pytest.param("x" * MAX_LINE, "7bit", id="as long as a line can be"),
        pytest.param("é" * MAX_LINE, "quoted-printable", id="long line"),
        pytest.param("a\0b\n", "quoted-printable", id="NUL"),
    ],
)
def test_bodies(body: str, encoding: str) -> None:
    octets = article(body=body)
    message = message_from_bytes(octets, policy=default)
    assert message["Content-Transfer-Encoding"] == encoding
    assert message.get_content().rstrip("\r\n") == body.rstrip("\n")
    assert max(map(len, octets.split(b"\r\n"))) <= MAX_LINE


def test_a_body_that_is_no_text() -> None:
    with pytest.raises(LocalProtocolError, match="no text"):
        article(body="\udc80")


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_any_text_has_the_same_fields(name: str, subject: str, body: str) -> None:
    try:
        octets = article(f"{name} <a@b.example>", subject=subject, body=body)
    except LocalProtocolError:
        return
    message = message_from_bytes(octets)
    assert [field.lower() for field in message] == [
        "from",
        "newsgroups",
        "subject",
        "date",
        "message-id",
        "content-type",
        "content-transfer-encoding",
        "mime-version",
    ]
    assert b"\r" not in octets.replace(b"\r\n", b"")
    assert b"\n" not in octets.replace(b"\r\n", b"")
