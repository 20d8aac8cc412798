from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sockettools.browser import Browser, Options, Request
from sockettools.errors import TooLong
from sockettools.tasks.pages import NotText, Refusal, iter_text, open_page, read_page
from sockettools.url import parse_http_url
from tests.servers.pages import Answer, PageServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n\0\0\0"

PAGES: dict[str, Answer | str] = {
    "/plain": "naïve",
    "/koi8": Answer("мир".encode("koi8-r"), "text/html; charset=koi8-r"),
    "/meta": Answer(b"<meta charset=windows-1251>" + "мир".encode("cp1251"), "text/html"),
    "/untyped": Answer("naïve".encode("latin-1"), None),
    "/json": Answer('{"a": 1}', "application/json"),
    "/empty": "",
    "/picture": Answer(PNG * 1000, "image/png"),
    "/unsaid": Answer(PNG, None),
    "/long": "é" * 2000,
    "/gone": Answer("gone", status=410),
    "/moved": Answer("", status=302, fields={"Location": "/plain"}),
    "/not-modified": Answer("", status=304),
}


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    with PageServer(PAGES) as server:
        yield server


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser(Options(receive_size=1000)) as browser:
        yield browser


def request(server: PageServer, path: str) -> Request:
    return Request(parse_http_url(server.url + path))


@pytest.mark.parametrize(
    ("path", "text", "encoding"),
    [
        pytest.param("/plain", "naïve", "utf-8", id="UTF-8"),
        pytest.param("/koi8", "мир", "koi8-r", id="the header says"),
        pytest.param("/meta", "<meta charset=windows-1251>мир", "windows-1251", id="the page says"),
        pytest.param("/untyped", "naïve", "windows-1252", id="nobody says"),
        pytest.param("/json", '{"a": 1}', "utf-8", id="not text/"),
        pytest.param("/empty", "", "utf-8", id="empty"),
    ],
)
def test_text(server: PageServer, browser: Browser, path: str, text: str, encoding: str) -> None:
    page = read_page(browser, request(server, path))

    assert (page.text, page.encoding) == (text, encoding)
    assert str(page.url) == server.url + path
    with open_page(browser, request(server, path)) as response:
        assert "".join(iter_text(response)) == text


@pytest.mark.parametrize("receive_size", [1, 3, 65_536])
def test_a_character_in_two_blocks_is_one(server: PageServer, receive_size: int) -> None:
    with (
        Browser(Options(receive_size=receive_size)) as browser,
        open_page(browser, request(server, "/long")) as response,
    ):
        assert "".join(iter_text(response)) == "é" * 2000


@pytest.mark.parametrize(
    ("path", "what"),
    [
        pytest.param("/picture", "image/png", id="said"),
        pytest.param("/unsaid", "something else", id="seen"),
    ],
)
def test_what_is_no_text(server: PageServer, browser: Browser, path: str, what: str) -> None:
    message = f"page {server.url}{path} is not text but {what}"
    with pytest.raises(NotText) as caught:
        read_page(browser, request(server, path))
    assert str(caught.value) == message

    with (
        open_page(browser, request(server, path)) as response,
        pytest.raises(NotText) as caught,
    ):
        list(iter_text(response))
    assert str(caught.value) == message


def test_what_says_that_it_is_no_text_is_not_read(server: PageServer, browser: Browser) -> None:
    with pytest.raises(NotText):
        read_page(browser, request(server, "/picture"), max_size=10)


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        pytest.param("/nosuch", 404, "Not Found", id="404"),
        pytest.param("/gone", 410, "Gone", id="410"),
        pytest.param("/not-modified", 304, "Not Modified", id="neither error nor page"),
    ],
)
def test_another_status_is_no_page(
    server: PageServer, browser: Browser, path: str, status: int, reason: str
) -> None:
    with pytest.raises(Refusal) as caught:
        open_page(browser, request(server, path))

    assert str(caught.value) == f"{server.url}{path}: {status} {reason}"
    assert caught.value.status_code == status


def test_a_redirect_that_is_not_followed_is_no_page(server: PageServer) -> None:
    with Browser(Options(follow=False)) as browser, pytest.raises(Refusal, match="302 Found"):
        open_page(browser, request(server, "/moved"))


def test_the_url_is_that_of_the_page(server: PageServer, browser: Browser) -> None:
    assert str(read_page(browser, request(server, "/moved")).url) == f"{server.url}/plain"


def test_a_page_has_a_limit(server: PageServer, browser: Browser) -> None:
    assert len(read_page(browser, request(server, "/long"), max_size=4000).text) == 2000
    with pytest.raises(TooLong, match="longer than 3999 bytes"):
        read_page(browser, request(server, "/long"), max_size=3999)
