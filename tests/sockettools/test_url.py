from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools import url as url_module
from sockettools.url import (
    HttpUrl,
    check_http_url,
    encode_host,
    is_loopback,
    parse_http_url,
    resolve,
    resolve_location,
)

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
        ("http://[::g]/", "not an IPv6 address"),
        ("http://[::1%]/", "not an IPv6 address"),
        ("http://[::1% x]/", "not an IPv6 address"),
        ("http://[v1.x]/", "not an IPv6 address"),
        ("http://[::1]x:80/", "malformed"),
        ("http://h:port/", "port"),
        ("http://h:0/", "port"),
        ("http://h:65536/", "port"),
        ("http://h:-1/", "port"),
        ("http://a b/", "host name"),
        ("http://a%20b/", "host name"),
        ("http://a..b/", "host name"),
        (f"http://{'a' * 64}.b/", "host name"),
        ("http://a\\b/", "host name"),
        ("http://a\uff0fb/", "host name"),
        (f"http://{'9' * 5000}/", "host name"),
        (f"http://h:{'9' * 5000}/", "port"),
        ("http://h:\u0661/", "port"),
        ("http://h/\ud800", "no text"),
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


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param("http://h", "http://h/", id="no path"),
        pytest.param("http://h?q", "http://h/?q", id="query without a path"),
        pytest.param("http://h/?#", "http://h/?#", id="empty query and fragment"),
        pytest.param("HTTP://H.Example/P", "http://h.example/P", id="upper case"),
        pytest.param("http://h:80/", "http://h/", id="default port"),
        pytest.param("https://h:80/", "https://h:80/", id="the other scheme's port"),
        pytest.param("http://h:/", "http://h/", id="empty port"),
        pytest.param("http://h:008000/", "http://h:8000/", id="zeros before the port"),
        pytest.param("http://h./", "http://h./", id="root of names"),
        pytest.param("http://[::0:1]:81/", "http://[::1]:81/", id="IPv6"),
        pytest.param("http://[FE80::1%Eth0]/", "http://[fe80::1%25Eth0]/", id="scope"),
        pytest.param("http://[fe80::1%25eth0]/", "http://[fe80::1%25eth0]/", id="encoded scope"),
        pytest.param("http://0x7f.1/", "http://0x7f.1/", id="number"),
        pytest.param("http://h/a b?c d#e f", "http://h/a%20b?c%20d#e%20f", id="blanks"),
        pytest.param("http://h/é?é#é", "http://h/%C3%A9?%C3%A9#%C3%A9", id="not ASCII"),
        pytest.param("http://h/%41%?%41%", "http://h/%41%?%41%", id="percent signs"),
        pytest.param('http://h/"<>^`{|}\x7f', "http://h/%22%3C%3E%5E%60%7B%7C%7D%7F", id="unsafe"),
        pytest.param("http://h/a\\b?c\\d", "http://h/a/b?c%5Cd", id="backslashes"),
        pytest.param(" http://h/a\tb\r\nc\n", "http://h/abc", id="white space"),
        pytest.param("http://h/a/./b/../c/..", "http://h/a/", id="dot segments"),
        pytest.param("http://h/../..//.", "http://h//", id="more dots than path"),
        pytest.param("http://h/a?../b#../c", "http://h/a?../b#../c", id="no dot segments"),
        pytest.param("http://u:p@h/", "http://h/", id="credentials are not shown"),
    ],
)
def test_written_form(text: str, url: str) -> None:
    assert str(parse_http_url(text)) == url


@pytest.mark.parametrize(
    ("text", "username", "password"),
    [
        ("http://h/@", None, None),
        ("http://@h/", None, None),
        ("http://u@h/", "u", None),
        ("http://u:@h/", "u", ""),
        ("http://:p@h/", "", "p"),
        ("http://u:p:q@h/", "u", "p:q"),
        ("http://u@x:p@q@h/", "u@x", "p@q"),
        ("http://%C3%BC%3A:%40%2f@h/", "ü:", "@/"),
        ("http://ü:é@h/", "ü", "é"),
    ],
)
def test_credentials(text: str, username: str | None, password: str | None) -> None:
    url = parse_http_url(text)

    assert (url.username, url.password) == (username, password)
    assert url.without_credentials() == parse_http_url("http://h" + text[text.rindex("/") :])


def test_a_password_is_not_in_the_repr() -> None:
    assert "secret" not in repr(parse_http_url("http://user:secret@h/"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://good\\@evil/", "backslash in its user name or password"),
        ("http://secret:%ff@h/", "user name or password is not UTF-8"),
        ("http://secret@[h/", "malformed"),
        ("http://secret@/", "names no host"),
    ],
)
def test_credentials_that_cannot_be_taken(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        parse_http_url(text)

    assert "secret" not in str(caught.value)


def test_parts_for_a_request() -> None:
    url = parse_http_url("https://u:p@[fe80::1%eth0]:8443/a?b=c#d")

    assert url.origin == "https://[fe80::1%25eth0]:8443"
    assert url.authority == "[fe80::1]:8443"
    assert url.target == "/a?b=c"
    assert parse_http_url("https://h:443").authority == "h"


@pytest.mark.parametrize(
    ("host", "encoded"),
    [
        pytest.param("BÜCHER.example", "xn--bcher-kva.example", id="upper case"),
        pytest.param("bu\u0308cher.example", "xn--bcher-kva.example", id="decomposed"),
        pytest.param("faß.de", "xn--fa-hia.de", id="sharp s"),
        pytest.param("FAẞ.de", "xn--fa-hia.de", id="capital sharp s"),
        pytest.param("βόλος.com", "xn--nxasmm1c.com", id="final sigma"),
        pytest.param("ΒΌΛΟΣ.com", "xn--nxasmq6b.com", id="capital sigma"),
        pytest.param("日本語。ＪＰ", "xn--wgv71a119e.jp", id="ideographic full stop, full width"),
        pytest.param("a．b｡c", "a.b.c", id="other full stops"),
        pytest.param("ＸＮ－－bcher-KVA", "xn--bcher-kva", id="encoded already"),
        pytest.param("a\u00adb\u200bc", "abc", id="soft hyphen, zero width space"),
        pytest.param("❤\ufe0f.example", "xn--qei.example", id="emoji with its selector"),
        pytest.param("🦊.example", "xn--9s9h.example", id="younger than Unicode 3.2"),
        pytest.param("ශ්\u200dරී.com", "xn--10cl1a0b660p.com", id="joiner after a virama"),
        pytest.param("نامه\u200cای.com", "xn--mgba3gch31f060k.com", id="non-joiner in a word"),
        pytest.param("ü.", "xn--tda.", id="root"),
        pytest.param("2130706433", "2130706433", id="number"),
        pytest.param("under_score-.-", "under_score-.-", id="no host name of RFC 952"),
        pytest.param("Ａ.１２７.0x7F", "a.127.0x7f", id="nothing left to encode"),
        pytest.param(
            "ü" * 57,
            "xn--tdaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            id="longest label",
        ),
        pytest.param(".".join(["a" * 63] * 3 + ["b" * 61]) + ".", None, id="longest name"),
    ],
)
def test_international_host_names(host: str, encoded: str | None) -> None:
    assert encode_host(host) == (encoded or host)
    assert encode_host(encode_host(host)) == encode_host(host)


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("", id="empty"),
        pytest.param(".", id="root alone"),
        pytest.param("a..b", id="empty label"),
        pytest.param("\u00ad.b", id="nothing left of a label"),
        pytest.param("xn--ü", id="encoded and not"),
        pytest.param("\u0301a", id="accent on nothing"),
        pytest.param("a\u200db", id="joiner between Latin letters"),
        pytest.param("a\u202eb", id="direction override"),
        pytest.param("a\u0378b", id="unassigned"),
        pytest.param("a\ue000b", id="private use"),
        pytest.param("a\u3000b", id="ideographic space"),
        pytest.param("a\ufffdb", id="replacement character"),
        pytest.param("a\u2ff0b", id="ideographic description"),
        pytest.param("℀.com", id="slash within a character"),
        pytest.param("a⒈com", id="full stop within a character"),
        pytest.param("a\ufe12b", id="vertical ideographic full stop"),
        pytest.param("ü" * 58, id="label too long when encoded"),
        pytest.param("a" * 64, id="label too long"),
        pytest.param(".".join(["a" * 63] * 3 + ["b" * 62]), id="name too long"),
        pytest.param("a" + "\u0301\u0323" * 1_000_000, id="a million accents"),
    ],
)
def test_what_is_no_host_name(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host name") as caught:
        encode_host(host)
    assert len(str(caught.value)) < 3000


# RFC 3986 sections 5.4.1 and 5.4.2.
@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q#s"),
        ("g#s", "http://a/b/c/g#s"),
        ("g?y#s", "http://a/b/c/g?y#s"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y#s"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("g#s/./x", "http://a/b/c/g#s/./x"),
        ("g#s/../x", "http://a/b/c/g#s/../x"),
    ],
)
def test_examples_of_rfc_3986(reference: str, url: str) -> None:
    assert str(resolve_location(parse_http_url("http://a/b/c/d;p?q"), reference)) == url


@pytest.mark.parametrize(
    ("location", "url"),
    [
        pytest.param("?", "http://h/a/b?#f", id="empty query"),
        pytest.param("#", "http://h/a/b?x=1#", id="empty fragment"),
        pytest.param("", "http://h/a/b?x=1#f", id="empty"),
        pytest.param("p", "http://h/a/p#f", id="fragment is inherited"),
        pytest.param("https://k", "https://k/#f", id="to another origin too"),
        pytest.param("/.//k", "http://h//k#f", id="two slashes, and no host"),
        pytest.param(" /p\tq r\n", "http://h/pq%20r#f", id="white space"),
        pytest.param("\\p\\q?\\", "http://h/p/q?%5C#f", id="backslashes"),
        pytest.param("\\\\k\\p", "http://h/a/%5C%5Ck/p#f", id="two backslashes are no host"),
        pytest.param("/\\k", "http://h/%5Ck#f", id="a slash and a backslash are none"),
        pytest.param("\\/k", "http://h/a/%5C/k#f", id="a backslash and a slash are none"),
        pytest.param("/\\/k", "http://h/%5C/k#f", id="nor are more of them"),
        pytest.param("http://k/\\p", "http://k//p#f", id="behind a host"),
        pytest.param("a:b", None, id="looks like a scheme"),
        pytest.param("./a:b", "http://h/a/a:b#f", id="does not look like a scheme"),
    ],
)
def test_locations(location: str, url: str | None) -> None:
    base = parse_http_url("http://h/a/b?x=1#f")
    if url is None:
        with pytest.raises(ValueError, match="is not http or https"):
            resolve_location(base, location)
    else:
        assert str(resolve_location(base, location)) == url


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("g:h", "its scheme, 'g', is not http or https"),
        ("file:///etc/passwd", "its scheme, 'file', is not http or https"),
        ("http:g", "names no host"),
        ("http:", "names no host"),
        ("https:///p", "names no host"),
        ("//:80/", "names no host"),
        ("//[bad", "malformed"),
        ("//h:0", "port"),
        ("//a%20b/", "host name"),
        ("/\udc80", "no text"),
        ("http:\\\\k", "names no host"),
        ("http:/\\k", "names no host"),
        ("//k\\@h/", "backslash"),
        ("//k\\p", "host name"),
    ],
)
def test_locations_that_lead_nowhere(location: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        resolve_location(parse_http_url("http://h/"), location)


@pytest.mark.parametrize(
    ("location", "username", "password"),
    [
        pytest.param("/p", "u", "p", id="within the origin"),
        pytest.param("http://H:80/p", "u", "p", id="same origin"),
        pytest.param("//v@h/", "v", None, id="its own"),
        pytest.param("https://h/", None, None, id="another scheme"),
        pytest.param("//h:81/", None, None, id="another port"),
        pytest.param("//k/", None, None, id="another host"),
        pytest.param("//v:w@k/", "v", "w", id="its own, for another host"),
    ],
)
def test_credentials_stay_within_the_origin(
    location: str, username: str | None, password: str | None
) -> None:
    url = resolve_location(parse_http_url("http://u:p@h/"), location)

    assert (url.username, url.password) == (username, password)


_URL_NOISE = st.lists(
    st.one_of(
        st.sampled_from([*"/\\.?#@:[]% \t;", "..", "http:", "//", "h", "u:p@", "ü", "[::1]", ":8"]),
        st.text(max_size=3),
    )
).map("".join)


@given(_URL_NOISE)
def test_what_is_written_is_read_back(noise: str) -> None:
    try:
        url = parse_http_url(f"http://{noise}")
    except ValueError:
        return
    assert parse_http_url(str(url)) == url.without_credentials()
    assert str(url).isascii()
    assert str(url).isprintable()
    assert check_http_url(str(url)) == str(url)


@given(_URL_NOISE)
def test_a_refusal_is_one_line(noise: str) -> None:
    refusal = ""
    try:
        resolve_location(HttpUrl("http", "h", 80, "/"), noise)
    except ValueError as exc:
        refusal = str(exc)
    assert refusal.isprintable()


@given(_URL_NOISE, _URL_NOISE)
def test_a_location_leads_to_a_url_or_is_refused(path: str, location: str) -> None:
    base = HttpUrl("http", "h", 80, "/")
    try:
        base = resolve_location(base, path)
        url = resolve_location(base, location)
    except ValueError:
        return
    assert url.path.startswith("/")
    assert not {".", ".."} & set(url.path.split("/"))
    assert parse_http_url(str(url)) == url.without_credentials()
    assert resolve_location(base, str(url)).target == url.target


@given(st.text())
def test_any_text_is_a_host_name_or_refused(text: str) -> None:
    try:
        host = encode_host(text)
    except ValueError:
        return
    assert encode_host(host) == host
    assert host.isascii()
    assert host == host.lower()


@given(
    st.sampled_from(
        [
            *(
                "http://h",
                "http://h/",
                "http://h/a/b",
                "https://h.x:80/a/b/?q#f",
                "http://h/a/./b/c",
            ),
            *(
                "http://h/a//b/c",
                "http://h/a/.x/c",
                "HTTP://H/a",
                "http://[::1]/a",
                "http://h/a?x/y",
            ),
        ]
    ),
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(
                ["", "", "../", "./", "http://h/", "https://g:8/", "http://h:x", "HTTP://h/"]
            ),
            st.text("ab./?#%-_~@:=&0\\ é", max_size=12),
        ),
    ),
)
def test_the_short_way_leads_where_the_long_one_does(base: str, reference: str) -> None:
    def outcome() -> str:
        try:
            return resolve(base, reference)
        except ValueError:
            return "nowhere"

    short = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(url_module, "_PLAIN_REFERENCE", re.compile("(?!)"))
        patch.setattr(url_module, "_PLAIN_ABSOLUTE", re.compile("(?!)"))
        patch.setattr(url_module, "_NEEDS_THE_FOLDER", re.compile("(?!)"))

        assert short == outcome()
