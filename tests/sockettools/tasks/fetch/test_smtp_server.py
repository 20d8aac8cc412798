"""SMTP against real servers: the same arrives as smtplib brings."""

from __future__ import annotations

import smtplib
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import CertificateError, PermanentNegativeReply
from sockettools.net.tls import client_context
from sockettools.protocols.access import Access, Credentials, TlsPolicy
from sockettools.protocols.smtp import State
from sockettools.protocols.smtp_mail import Content
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import fetch
from sockettools.tasks.fetch.smtp import session
from tests.servers.smtp import SMTP_SERVERS
from tests.servers.smtp_site import HOST, SIZE_LIMIT, SmtpServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.service_url import ServiceUrl

WAYS = ("plain", "STARTTLS", "TLS")

HEADER = b"From: a@b.example\r\nSubject: Hello\r\n\r\n"

MESSAGES = [
    pytest.param(HEADER + b"But soft what light\r\n", id="plain"),
    pytest.param(HEADER + b".\r\n..\r\n.leading dot\r\n\r\n.\r\n", id="dots"),
    pytest.param(HEADER, id="no body"),
    pytest.param(HEADER + "naïve €\r\n".encode(), id="8-bit"),
    pytest.param(HEADER + b"no end", id="no line end at the end"),
    pytest.param(HEADER + (b"x" * 900 + b"\r\n") * 2000, id="1.8 MB"),
]


@pytest.fixture(scope="module", params=SMTP_SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[SmtpServer]:
    with request.param() as server:
        yield server


def url_of(server: SmtpServer, way: str = "plain") -> ServiceUrl:
    scheme, port = ("smtps", server.tls) if way == "TLS" else ("smtp", server.plain)
    return parse_service_url(f"{scheme}://{HOST}:{port}")


def access_by(
    server: SmtpServer, way: str = "plain", credentials: Credentials | None = None
) -> Access:
    return Access(
        idle_timeout=30,
        tls=TlsPolicy.REQUIRE if way == "STARTTLS" else TlsPolicy.OFF,
        context=lambda: client_context(ca_file=str(server.authority)),
        credentials=lambda _url: credentials,
    )


def received(server: SmtpServer, user: str = "user") -> bytes:
    """Return what was delivered, without the trace that the server writes above it."""
    head, mark, rest = server.take(user).partition(b"From: a@b.example\n")
    assert head.startswith(b"Received: ")
    return mark + rest


def with_smtplib(server: SmtpServer, way: str, message: bytes) -> None:
    context = client_context(ca_file=str(server.authority))
    with (
        smtplib.SMTP_SSL(HOST, server.tls, context=context)
        if way == "TLS"
        else smtplib.SMTP(HOST, server.plain)
    ) as client:
        if way == "STARTTLS":
            client.starttls(context=context)
        client.sendmail("a@b.example", ["user@example.test"], message, ["BODY=8BITMIME"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("message", MESSAGES)
def test_the_same_arrives_as_by_smtplib(server: SmtpServer, way: str, message: bytes) -> None:
    with session(url_of(server, way), access_by(server, way)) as client:
        assert client.conversation.is_encrypted == (way != "plain")
        fates = client.send_message("a@b.example", ["user@example.test"], message)
    assert fates["user@example.test"].code == 250
    ours = received(server)
    with_smtplib(server, way, message)

    assert received(server) == ours
    assert ours == message.replace(b"\r\n", b"\n") + (b"" if message.endswith(b"\n") else b"\n")


@pytest.mark.parametrize("way", WAYS)
def test_what_the_server_offers(server: SmtpServer, way: str) -> None:
    with fetch(url_of(server, way), access_by(server, way)) as resource:
        lines = b"".join(resource.blocks).decode().splitlines()

    assert lines[0] == "220 mail.example.test ESMTP ready"
    assert f"250-SIZE {SIZE_LIMIT}" in lines
    assert ("250-STARTTLS" in lines) == (way == "plain")
    assert lines[-1] == "250 HELP"
    with smtplib.SMTP(HOST, server.plain) as client:
        client.ehlo()
        assert {line[4:].split()[0].lower() for line in lines[2:]} | {"starttls"} == set(
            client.esmtp_features
        )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_login(server: SmtpServer, way: str, mechanism: str) -> None:
    with session(url_of(server, way), access_by(server, way)) as client:
        client.extensions = {**client.extensions, "AUTH": [mechanism]}
        client.login(Credentials("user", "secret"))
        fates = client.send_message("a@b.example", ["x@elsewhere.invalid"], HEADER)

    assert fates["x@elsewhere.invalid"].kind == 2


def test_wrong_password(server: SmtpServer) -> None:
    access = access_by(server, credentials=Credentials("user", "wrong"))
    with (
        pytest.raises(PermanentNegativeReply, match="refused to log in user: 535") as caught,
        session(url_of(server), access),
    ):
        pass

    assert caught.value.code == 535


@pytest.mark.parametrize("is_ahead", [True, False], ids=["ahead", "in turn"])
def test_fates(server: SmtpServer, *, is_ahead: bool) -> None:
    recipients = ["nosuch@example.test", "user@example.test", "x@b.invalid", "other@example.test"]
    with session(url_of(server), access_by(server)) as client:
        if not is_ahead:
            client.extensions = {
                word: rest for word, rest in client.extensions.items() if word != "PIPELINING"
            }
        fates = client.send_message("a@b.example", recipients, HEADER)
        nobody = client.send_message("a@b.example", ["x@b.invalid"], HEADER)
        again = client.send_message("a@b.example", ["user@example.test"], HEADER)
        assert client.state is State.READY

    assert [reply.code for reply in fates.values()] == [550, 250, 550, 250]
    assert nobody["x@b.invalid"].text == "relay not permitted"
    assert again["user@example.test"].code == 250
    received(server, "other")
    received(server)
    received(server)


def test_addresses_that_are_not_ascii(server: SmtpServer) -> None:
    content = Content.of("From: a@b.example\r\nSubject: é\r\n\r\n".encode(), is_utf8=True)
    with session(url_of(server), access_by(server)) as client:
        fates = client.send_message("ü@bücher.example", ["zoë@example.test"], content)

    assert fates["zoë@example.test"].code == 250
    assert "Subject: é\n".encode() in received(server, "zoë")


def test_larger_than_it_takes(server: SmtpServer) -> None:
    with session(url_of(server), access_by(server)) as client:
        with pytest.raises(PermanentNegativeReply, match=f"up to {SIZE_LIMIT} octets"):
            client.send_message("a@b.example", ["user@example.test"], b"x" * SIZE_LIMIT + b"\r\n")
        # A size that nobody told before is found out while it is sent.
        blocks = (b"x" * 998 + b"\r\n" for _ in range(2 * SIZE_LIMIT // 1000))
        fates = client.send_message("a@b.example", ["user@example.test"], Content(blocks))

    assert fates["user@example.test"].code == 552
    assert server.is_empty("user")


def test_memory_stays_flat(server: SmtpServer) -> None:
    blocks = (b"x" * 998 + b"\r\n" for _ in range(20_000))
    with session(url_of(server), access_by(server)) as client:
        tracemalloc.start()
        try:
            client.send_message("a@b.example", ["user@example.test"], Content(blocks))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert peak < 1_000_000


def test_nobody_trusts_the_certificate(server: SmtpServer) -> None:
    with pytest.raises(CertificateError), session(url_of(server), Access()):
        pass
