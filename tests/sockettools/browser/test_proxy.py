from __future__ import annotations

import pytest

from sockettools.browser.proxy import Proxies, parse_proxy
from sockettools.errors import AddressError
from sockettools.url import parse_http_url

PROXY = parse_http_url("http://proxy:3128/")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("proxy:3128", "http://proxy:3128/"),
        ("http://proxy:3128/", "http://proxy:3128/"),
        ("http://proxy", "http://proxy:1080/"),
        ("HTTP://proxy/", "http://proxy:1080/"),
        ("https://proxy", "https://proxy/"),
        ("https://proxy:8443", "https://proxy:8443/"),
        ("[::1]", "http://[::1]:1080/"),
        ("http://[::1]:3128", "http://[::1]:3128/"),
        ("http://me:p%40ss@proxy", "http://proxy:1080/"),
        ("  proxy:80 \n", "http://proxy/"),
    ],
)
def test_parse_proxy(text: str, expected: str) -> None:
    assert str(parse_proxy(text)) == expected


def test_credentials_of_a_proxy() -> None:
    proxy = parse_proxy("me:p%40ss@proxy:1")

    assert (proxy.username, proxy.password) == ("me", "p@ss")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("socks5://me:secret@proxy", "--proxy: socks5:// is no proxy that is spoken here"),
        ("http://", "names no host"),
        ("http://me:secret@proxy:x", "its port is not"),
        ("http://me:secret@[bad", "malformed"),
        ("me:secret@a b:1", "not a host name"),
    ],
)
def test_what_is_no_proxy(text: str, message: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_proxy(text, "--proxy")

    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "http", "https"),
    [
        pytest.param({}, None, None, id="none"),
        pytest.param({"http_proxy": "a:1"}, "a", None, id="http"),
        pytest.param({"https_proxy": "a:1"}, None, "a", id="https"),
        pytest.param({"HTTPS_PROXY": "a:1"}, None, "a", id="HTTPS in capitals"),
        pytest.param({"HTTP_PROXY": "a:1"}, None, None, id="HTTP in capitals may be a client's"),
        pytest.param({"all_proxy": "a:1"}, "a", "a", id="all"),
        pytest.param({"ALL_PROXY": "a:1"}, "a", "a", id="ALL in capitals"),
        pytest.param(
            {"all_proxy": "a:1", "http_proxy": "b:1"}, "b", "a", id="the special one first"
        ),
        pytest.param(
            {"https_proxy": "a:1", "HTTPS_PROXY": "b:1"}, None, "a", id="small ones first"
        ),
        pytest.param({"http_proxy": ""}, None, None, id="an empty one is none"),
    ],
)
def test_the_environment(environment: dict[str, str], http: str | None, https: str | None) -> None:
    proxies = Proxies.from_environment(environment)

    assert (proxies.http and proxies.http.host) == http
    assert (proxies.https and proxies.https.host) == https


def test_what_is_wrong_in_the_environment_is_named() -> None:
    with pytest.raises(AddressError, match=r"^all_proxy: socks5:// is no proxy"):
        Proxies.from_environment({"all_proxy": "socks5://localhost"})


@pytest.mark.parametrize(
    ("exceptions", "url", "is_direct"),
    [
        pytest.param("", "http://a/", False, id="none"),
        pytest.param("*", "http://a/", True, id="all"),
        pytest.param("a", "http://a/", True, id="name"),
        pytest.param("A", "http://a/", True, id="case"),
        pytest.param("example.com", "http://www.example.com/", True, id="a name below"),
        pytest.param(".example.com", "http://www.example.com/", True, id="leading dot"),
        pytest.param(
            ".example.com", "http://example.com/", True, id="leading dot, the name itself"
        ),
        pytest.param("example.com", "http://badexample.com/", False, id="only its end"),
        pytest.param("example.com", "http://example.com.evil/", False, id="only its start"),
        pytest.param("example.com.", "http://example.com/", True, id="root dot there"),
        pytest.param("example.com", "http://example.com./", True, id="root dot here"),
        pytest.param("x, example.com , y", "http://example.com/", True, id="commas and blanks"),
        pytest.param("x example.com", "http://example.com/", True, id="blanks only"),
        pytest.param("bücher.example", "http://xn--bcher-kva.example/", True, id="IDN"),
        pytest.param("a:8080", "http://a:8080/", True, id="port"),
        pytest.param("a:8080", "http://a/", False, id="another port"),
        pytest.param("a:443", "https://a/", True, id="the scheme's own port"),
        pytest.param("10.0.0.1", "http://10.0.0.1/", True, id="address"),
        pytest.param("0.0.1", "http://10.0.0.1/", False, id="the end of an address"),
        pytest.param("10.0.0.0/8", "http://10.1.2.3/", True, id="network"),
        pytest.param("10.0.0.0/8", "http://11.1.2.3/", False, id="another network"),
        pytest.param("10.0.0.1:81", "http://10.0.0.1:81/", True, id="address and port"),
        pytest.param("::1", "http://[::1]/", True, id="IPv6"),
        pytest.param("[::1]", "http://[::1]:8000/", True, id="IPv6 in brackets"),
        pytest.param("[::1]:81", "http://[::1]:81/", True, id="IPv6 and port"),
        pytest.param("[::1]:81", "http://[::1]/", False, id="IPv6 and another port"),
        pytest.param("fe80::/10", "http://[fe80::1%25eth0]/", True, id="IPv6 network"),
        pytest.param("10.0.0.0/8", "http://[::1]/", False, id="network of the other family"),
        pytest.param("127.0.0.1", "http://localhost/", False, id="nothing is looked up"),
        pytest.param(". : :80 a:b a:² [ / 1.2.3.4/99", "http://b/", False, id="nonsense"),
        pytest.param("a:" + "9" * 5000, "http://a/", False, id="a very long port"),
    ],
)
def test_no_proxy(exceptions: str, url: str, is_direct: bool) -> None:
    environment = {"all_proxy": "proxy:3128", "no_proxy": exceptions}
    proxy = Proxies.from_environment(environment).proxy_for(parse_http_url(url))

    assert proxy == (None if is_direct else PROXY)


def test_no_proxy_in_capitals() -> None:
    proxies = Proxies.from_environment({"all_proxy": "proxy:3128", "NO_PROXY": "a"})

    assert proxies.proxy_for(parse_http_url("http://a/")) is None
