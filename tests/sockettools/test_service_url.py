from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.service_url import SCHEMES, ServiceUrl, parse_service_url, scheme_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("ftp://h", ServiceUrl("ftp", "h", 21), id="no path"),
        pytest.param(" FTPS://H/ ", ServiceUrl("ftps", "h", 990, "/"), id="case and blanks"),
        pytest.param("imap://h:1143/a", ServiceUrl("imap", "h", 1143, "/a"), id="port"),
        pytest.param("imap://h:/a", ServiceUrl("imap", "h", 143, "/a"), id="empty port"),
        pytest.param("nntp://[::1]:119/", ServiceUrl("nntp", "::1", 119, "/"), id="IPv6"),
        pytest.param(
            "smtp://bücher.example", ServiceUrl("smtp", "xn--bcher-kva.example", 25), id="IDN"
        ),
        pytest.param("pop3://a@h", ServiceUrl("pop3", "h", 110, "", "a"), id="user"),
        pytest.param("pop3://a:b@h", ServiceUrl("pop3", "h", 110, "", "a", "b"), id="password"),
        pytest.param("pop3://a:@h", ServiceUrl("pop3", "h", 110, "", "a", ""), id="empty password"),
        pytest.param("pop3://:b@h", ServiceUrl("pop3", "h", 110, "", "", "b"), id="empty user"),
        pytest.param(
            "pop3://a%40b:c%3A%2F@h", ServiceUrl("pop3", "h", 110, "", "a@b", "c:/"), id="encoded"
        ),
        pytest.param("pop3://a@b@h", ServiceUrl("pop3", "h", 110, "", "a@b"), id="two at signs"),
        pytest.param("pop3://a:b:c@h", ServiceUrl("pop3", "h", 110, "", "a", "b:c"), id="colons"),
        pytest.param("ftp://h/@b", ServiceUrl("ftp", "h", 21, "/@b"), id="at sign in the path"),
        pytest.param(
            "ftp://h/a%2Fb;type=a", ServiceUrl("ftp", "h", 21, "/a%2Fb;type=a"), id="path"
        ),
        pytest.param("ftp://h/é b", ServiceUrl("ftp", "h", 21, "/%C3%A9%20b"), id="no ASCII"),
        pytest.param("imap://h?x#y", ServiceUrl("imap", "h", 143, "?x#y"), id="question mark"),
    ],
)
def test_parsed(text: str, expected: ServiceUrl) -> None:
    assert parse_service_url(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "not scheme://host/path", id="empty"),
        pytest.param("ftp:/h", "not scheme://host/path", id="one slash"),
        pytest.param("h/path", "not scheme://host/path", id="no scheme"),
        pytest.param("ftp://[::1/", "not scheme://host/path", id="half a bracket"),
        pytest.param("http://h/", "http is no scheme", id="another scheme"),
        pytest.param("ftp://", "names no host", id="no host"),
        pytest.param("ftp:///a", "names no host", id="no host but a path"),
        pytest.param("ftp://a b/", "host name 'a b' is malformed", id="blank in the host"),
        pytest.param("ftp://h%00/", "malformed", id="NUL in the host"),
        pytest.param("ftp://h:0/", "port '0'", id="port 0"),
        pytest.param("ftp://h:65536/", "port '65536'", id="port too large"),
        pytest.param("ftp://h:٣/", "port", id="digits that are not ASCII"),
        pytest.param("ftp://h:21x/", "port '21x'", id="no number"),
        pytest.param("ftp://h/a\r\nDELE b", "line end", id="line end in the path"),
        pytest.param("ftp://h/a\x7f", "control character", id="control character"),
        pytest.param("ftp://a%0D%0AQUIT:b@h/", "has a line end", id="line end in the user"),
        pytest.param("ftp://a:b%00@h/", "has a line end", id="NUL in the password"),
    ],
)
def test_no_urls(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_service_url(text)


@pytest.mark.parametrize(
    "text",
    ["ftp://a:secret@h:x/", "ftp://a:secret@ /", "http://a:secret@h/", "ftp://a:secret@h/\n"],
)
def test_errors_do_not_show_passwords(text: str) -> None:
    with pytest.raises(ValueError, match=r"port|host|scheme|line end") as caught:
        parse_service_url(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        pytest.param(ServiceUrl("ftp", "h", 21, "/a"), "ftp://h/a", id="default port"),
        pytest.param(ServiceUrl("ftp", "h", 990, "/a"), "ftp://h:990/a", id="another one's port"),
        pytest.param(ServiceUrl("ftps", "::1", 990), "ftps://[::1]", id="IPv6"),
        pytest.param(ServiceUrl("pop3", "h", 110, "/1", "a", "b"), "pop3://h/1", id="no secrets"),
    ],
)
def test_written(url: ServiceUrl, text: str) -> None:
    assert str(url) == text
    assert "'b'" not in repr(url)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_schemes(scheme: str) -> None:
    url = parse_service_url(f"{scheme}://h/")
    assert url.implicit_tls == scheme.endswith("s")
    assert url.protocol == scheme.removesuffix("s")
    assert url.port == SCHEMES[scheme].port


def test_another_user() -> None:
    url = parse_service_url("ftp://a:b@h:2/c").with_user("d")
    assert url == ServiceUrl("ftp", "h", 2, "/c", "d")


@pytest.mark.parametrize(
    ("text", "scheme"),
    [("ftp://h", "ftp"), (" GOPHER://h", "gopher"), ("h", ""), ("", ""), ("mailto:a@b", "mailto")],
)
def test_scheme_of(text: str, scheme: str) -> None:
    assert scheme_of(text) == scheme


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text(host: str, path: str) -> None:
    """There is a URL or a ValueError; what is written of it is read as the same."""
    try:
        url = parse_service_url(f"ftp://{host}/{path}")
    except ValueError:
        return
    assert str(url).isascii()
    assert str(url).isprintable()
    again = parse_service_url(str(url))
    assert (again.host, again.port, again.path) == (url.host, url.port, url.path)
