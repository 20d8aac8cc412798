from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.url import check_http_url, is_loopback, resolve

PAGE = "http://h/a/b?x=1"


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        pytest.param("http://other/p", "http://other/p", id="absolute"),
        pytest.param("//other/p", "http://other/p", id="no scheme"),
        pytest.param("/p", "http://h/p", id="absolute path"),
        pytest.param("p", "http://h/a/p", id="relative path"),
        pytest.param("../p", "http://h/p", id="dots"),
        pytest.param("../../../p", "http://h/p", id="more dots than path"),
        pytest.param("?y=2", "http://h/a/b?y=2", id="query keeps the path"),
        pytest.param("#f", "http://h/a/b?x=1#f", id="fragment keeps the query"),
        pytest.param("", PAGE, id="empty"),
        pytest.param(" \t\n/p \r\n", "http://h/p", id="white space around"),
        pytest.param("/p\na\tth", "http://h/path", id="line ends within"),
        pytest.param("\\p\\q?a\\b", "http://h/p/q?a\\b", id="backslashes before the query"),
        pytest.param("http:p", "http://h/a/p", id="scheme without slashes"),
        pytest.param("https:p", "https://p", id="another scheme without slashes"),
        pytest.param("http:////p/q", "http://p/q", id="too many slashes"),
        pytest.param("/é?é#é", "http://h/é?%C3%A9#é", id="not ASCII"),
        pytest.param("/?\ud800", "http://h/?%EF%BF%BD", id="half a character"),
        pytest.param("mailto:a@b", "mailto:a@b", id="another scheme"),
        pytest.param("javascript:a\\b", "javascript:a\\b", id="backslash in another scheme"),
    ],
)
def test_resolve(reference: str, url: str) -> None:
    assert resolve(PAGE, reference) == url


def test_resolve_refuses_what_leads_nowhere() -> None:
    with pytest.raises(ValueError, match="IPv6"):
        resolve(PAGE, "http://[bad")


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "https://h/",
        "HTTP://H/",
        "http://127.0.0.1:8000/p?q#f",
        "http://[::1]:80/",
        "http://bücher.example/",
        "http://under_score.example/",
        "http://h./",
        "http://h:/",
    ],
)
def test_http_urls(url: str) -> None:
    assert check_http_url(f" {url}\n") == url


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "begin with"),
        ("www.example.com/page1.htm", "begin with"),
        ("/etc/hostname", "begin with"),
        ("file:///etc/hostname", "begin with"),
        ("ftp://h/", "begin with"),
        ("http:/h/", "begin with"),
        ("http://", "names no host"),
        ("http:///p", "names no host"),
        ("http://:80/", "names no host"),
        ("http://[bad", "malformed"),
        ("http://[::g]/", "malformed|not an IPv6 address"),
        ("http://h:port/", "port"),
        ("http://h:0/", "port"),
        ("http://h:65536/", "port"),
        ("http://h:-1/", "port"),
        ("http://a b/", "host name"),
        ("http://a%20b/", "host name"),
        ("http://a..b/", "host name"),
        (f"http://{'a' * 64}.b/", "host name"),
        ("http://a\\b/", "host name"),
        ("http://user:secret@h/", "user name or password"),
    ],
)
def test_what_is_no_http_url(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_http_url(text)


def test_a_password_is_not_in_the_refusal() -> None:
    with pytest.raises(ValueError, match="password") as caught:
        check_http_url("http://user:secret@h/")

    assert "secret" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_url_or_refused(text: str) -> None:
    try:
        resolved = resolve(PAGE, text)
        check_http_url(resolved)
    except ValueError:
        return
    assert resolved.lower().startswith(("http://", "https://"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "a.LOCALHOST."])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "128.0.0.1", "10.0.0.1", "::2", "localhost.example", "h"])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)
