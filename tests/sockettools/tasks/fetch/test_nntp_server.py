"""News from INN, plain and with TLS, and what Python's own client gets from it."""

from __future__ import annotations

import sys
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sockettools.errors import (
    CertificateError,
    NegativeReply,
    PermanentNegativeReply,
)
from sockettools.net.tls import client_context
from sockettools.protocols.access import Access, Credentials, TlsPolicy
from sockettools.protocols.nntp_posting import build_article
from sockettools.service_url import parse_service_url
from sockettools.tasks.fetch import Wanted, fetch
from sockettools.tasks.fetch.nntp import news_session
from tests.servers.news import (
    ARTICLES,
    DESCRIPTIONS,
    HOST,
    PASSWORD,
    USER,
    Article,
    News,
    needs_inn,
    news,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockettools.service_url import ServiceUrl

pytestmark = needs_inn

WAYS = ("plain", "starttls", "tls", "innd")

HEADINGS = ["number", "date", "from", "subject", "lines", "bytes"]


@pytest.fixture(scope="module")
def server() -> Iterator[News]:
    with news() as server:
        yield server


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def access_to(server: News, way: str = "plain") -> Access:
    return Access(
        idle_timeout=20,
        tls=TlsPolicy.OFF if way == "plain" else TlsPolicy.REQUIRE,
        context=lambda: client_context(ca_file=str(server.authority)),
        credentials=lambda url: (
            Credentials(url.username, url.password) if url.username and url.password else None
        ),
    )


def url_of(server: News, path: str, way: str = "plain", user: str = "") -> ServiceUrl:
    port = {"tls": server.tls, "innd": server.innd}.get(way, server.plain)
    scheme = "nntps" if way == "tls" else "nntp"
    return parse_service_url(f"{scheme}://{user}{HOST}:{port}{path}")


def get(server: News, path: str, way: str = "plain", user: str = "") -> bytes:
    with fetch(url_of(server, path, way, user), access_to(server, way)) as resource:
        return b"".join(resource.blocks)


def rows(table: bytes) -> list[list[str]]:
    return [line.split("\t") for line in table.decode().splitlines()]


def expected_lines(article: Article) -> set[str]:
    return {*article.header, f"Xref: news.example.test {article.group}:{article.number}"}


def test_groups(server: News, way: str) -> None:
    table = rows(get(server, "/", way))
    assert table[0] == ["group", "articles", "posting", "about"]
    groups = {row[0]: row[1:] for row in table[1:]}
    assert groups["test.general"] == ["1-3", "yes", DESCRIPTIONS["test.general"]]
    assert groups["test.empty"] == ["none", "yes", DESCRIPTIONS["test.empty"]]
    assert groups["test.moderated"] == ["none", "moderated", ""]
    assert groups["test.readonly"] == ["none", "no", ""]
    assert "test.private" not in groups


def test_groups_of_a_pattern(server: News) -> None:
    names = [row[0] for row in rows(get(server, "/test.e*"))]
    assert names == ["group", "test.empty"]


def test_groups_for_those_who_are_known(server: News) -> None:
    names = [row[0] for row in rows(get(server, "/", user=f"{USER}:{PASSWORD}@"))]
    assert "test.private" in names


def test_overview(server: News, way: str) -> None:
    table = rows(get(server, "/test.general", way))
    assert table[0] == HEADINGS
    assert [row[:5] for row in table[1:]] == [
        ["1", "2016-07-06 09:51+00:00", "Alice <alice@example.test>", "Hello", "1"],
        ["2", "2016-07-06 09:52+00:00", "Alice <alice@example.test>", "Dots", "4"],
        ["3", "2016-07-06 09:53+00:00", "Alice <alice@example.test>", "Café", "1"],
    ]
    assert all(int(row[5]) > 100 for row in table[1:])


@pytest.mark.parametrize(
    ("which", "numbers"),
    [
        *[(f"1-{2**power}", "123") for power in (31, 32, 59)],
        *[("0-2", "12"), ("1-10", "123")],
        ("2-", "23"),
        ("2-2", "2"),
        ("1-2", "12"),
        ("7-9", ""),
        ("9-", ""),
    ],
)
def test_ranges(server: News, which: str, numbers: str) -> None:
    table = rows(get(server, f"/test.general/{which}"))
    assert [row[0] for row in table] == ["number", *numbers]


@pytest.mark.parametrize("path", ["", "/1-10", "/5-"])
def test_an_empty_group(server: News, path: str) -> None:
    assert rows(get(server, f"/test.empty{path}")) == [HEADINGS]


@pytest.mark.parametrize("article", ARTICLES[:3], ids=lambda article: article.subject)
def test_articles(server: News, article: Article) -> None:
    by_number = get(server, f"/test.general/{article.number}")
    head, _, body = by_number.partition(b"\r\n\r\n")
    assert expected_lines(article) <= set(head.decode().split("\r\n"))
    assert body == article.body
    assert get(server, f"/{article.message_id}") == by_number


def test_an_article_by_all_ways(server: News, way: str) -> None:
    assert get(server, "/test.general/2", way).endswith(b"\r\n\r\n" + ARTICLES[1].body)


def test_headers(server: News) -> None:
    url = url_of(server, "/test.general/2")
    with fetch(url, access_to(server), Wanted(headers=True)) as resource:
        head = b"".join(resource.blocks).decode()
        assert (resource.media_type, resource.name) == ("message/rfc822", "2.eml")
    assert expected_lines(ARTICLES[1]) <= set(head.split("\r\n"))
    assert "leading dot" not in head


@pytest.mark.parametrize(
    ("path", "code"),
    [("/no.such", 411), ("/test.general/99", 423), ("/none@example.test", 430)],
)
def test_what_is_not_there(server: News, path: str, code: int) -> None:
    with pytest.raises(PermanentNegativeReply) as raised:
        get(server, path)
    assert raised.value.code == code


@pytest.mark.parametrize("way", ["plain", "innd"])
def test_login(server: News, way: str) -> None:
    path = "/test.private/1"
    with pytest.raises(NegativeReply, match=r"480 .* user name and password"):
        get(server, path, way)
    with pytest.raises(NegativeReply, match="481 "):
        get(server, path, way, f"{USER}:wrong@")
    body = get(server, path, way, f"{USER}:{PASSWORD}@").partition(b"\r\n\r\n")[2]
    assert body == ARTICLES[3].body


def test_login_when_it_is_asked_for(server: News) -> None:
    """Credentials that no URL names, as those of a file."""
    access = replace(access_to(server), credentials=lambda _url: Credentials(USER, PASSWORD))
    with fetch(url_of(server, "/test.private"), access) as resource:
        assert [row[3] for row in rows(b"".join(resource.blocks))[1:]] == ["Private"]


def test_a_server_that_nobody_trusts(server: News) -> None:
    for way in ("tls", "starttls"):
        access = replace(access_to(server, way), context=client_context)
        with (
            pytest.raises(CertificateError),
            fetch(url_of(server, "/", way), access) as resource,
        ):
            b"".join(resource.blocks)


@pytest.mark.parametrize(
    ("way", "size"), [("plain", 100), ("starttls", 100), ("tls", 3_000_000), ("innd", 3_000_000)]
)
def test_post_and_get(server: News, way: str, size: int) -> None:
    lines = [f".{number} naïve\n" if number % 3 else ".\n" for number in range(size // 12)]
    article = build_article("Zoë <zoe@example.test>", ["test.other"], "Café", "".join(lines))
    url = url_of(server, "/test.other", way)
    with news_session(url, access_to(server, way)) as client:
        assert client.post([article.as_bytes()]).code == 240
    name = article["Message-ID"]
    head, _, body = get(server, f"/{name}", way).partition(b"\r\n\r\n")
    assert body.decode() == "".join(lines).replace("\n", "\r\n")
    assert b"From: =?utf-8?q?Zo=C3=AB?= <zoe@example.test>\r\n" in head


if sys.version_info < (3, 13):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import nntplib

    @pytest.mark.parametrize("way", ["tls", "innd"])
    def test_the_same_as_nntplib(server: News, way: str) -> None:
        url = url_of(server, "/", way)
        user = f"{USER}:{PASSWORD}@"
        if way == "tls":
            context = client_context(ca_file=str(server.authority))
            theirs: nntplib.NNTP = nntplib.NNTP_SSL(HOST, url.port, ssl_context=context, timeout=20)
        else:
            theirs = nntplib.NNTP(HOST, url.port, readermode=True, timeout=20)
        with theirs:
            theirs.login(USER, PASSWORD, usenetrc=False)
            groups = [entry[0] for entry in theirs.list()[1]]
            _, _, low, high, _ = theirs.group("test.general")
            overviews = [
                [
                    str(number),
                    fields["from"],
                    nntplib.decode_header(fields["subject"]),
                    fields[":lines"],
                    fields[":bytes"],
                ]
                for number, fields in theirs.over((low, high))[1]
            ]
            articles = [theirs.article(number)[1].lines for number in range(low, high + 1)]
        assert [row[0] for row in rows(get(server, "/", way, user))[1:]] == groups
        table = rows(get(server, "/test.general", way, user))
        assert [[row[0], *row[2:]] for row in table[1:]] == overviews
        assert [
            get(server, f"/test.general/{number}", way, user).removesuffix(b"\r\n").split(b"\r\n")
            for number in range(low, high + 1)
        ] == articles
