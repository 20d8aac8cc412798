from __future__ import annotations

import contextlib
import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.browser.cookies import (
    MAX_AGE,
    MAX_ATTRIBUTE,
    MAX_COOKIE,
    MAX_COOKIES,
    MAX_HEADER,
    MAX_PER_DOMAIN,
    MAX_PER_RESPONSE,
    Cookie,
    CookieJar,
    default_path,
    parse_cookie_date,
    path_matches,
)

NOW = 1_700_000_000.0


def jar_with(*values: str, url: tuple[str, str, str] = ("https", "example.com", "/")) -> CookieJar:
    jar = CookieJar()
    jar.store(*url, values, NOW)
    return jar


def sent(jar: CookieJar, url: str, now: float = NOW) -> str | None:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return jar.header(scheme, host, slash + path or "/", now)


# The examples of RFC 6265 section 3.1.


def test_a_session() -> None:
    jar = jar_with("SID=31d4d96e407aad42")

    assert sent(jar, "https://example.com/") == "SID=31d4d96e407aad42"
    assert sent(jar, "https://www.example.com/") is None


def test_for_all_of_a_site() -> None:
    jar = jar_with("SID=31d4d96e407aad42; Path=/; Domain=example.com")

    assert sent(jar, "https://www.example.com/x") == "SID=31d4d96e407aad42"


def test_two_of_which_one_is_deleted() -> None:
    jar = jar_with(
        "SID=31d4d96e407aad42; Path=/; Secure; HttpOnly",
        "lang=en-US; Path=/; Domain=example.com",
    )
    assert sent(jar, "https://example.com/") == "SID=31d4d96e407aad42; lang=en-US"
    assert [cookie.http_only for cookie in jar] == [True, False]

    expired = "lang=; Path=/; Domain=example.com; Expires=Sun, 06 Nov 1994 08:49:37 GMT"
    jar.store("https", "example.com", "/", [expired], NOW)
    assert sent(jar, "https://example.com/") == "SID=31d4d96e407aad42"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("a=1", "a=1", id="plain"),
        pytest.param(" a\t = \t1 ", "a=1", id="white space"),
        pytest.param('a="1"', 'a="1"', id="quotes belong to the value"),
        pytest.param("a=b=c", "a=b=c", id="equals in the value"),
        pytest.param("a=", "a=", id="empty value"),
        pytest.param("a=\xe9", "a=\xe9", id="beyond ASCII"),
        pytest.param("a=1; Unknown; =x; ; Version=1", "a=1", id="unknown attributes"),
        pytest.param("=1", None, id="no name"),
        pytest.param("1", None, id="no equals"),
        pytest.param("", None, id="nothing"),
        pytest.param("; a=1", None, id="only attributes"),
        pytest.param("a=1\x00", None, id="NUL"),
        pytest.param("a=1\r\nb: c", None, id="line end"),
        pytest.param("a=1; Expires=\x01", None, id="control character in an attribute"),
        pytest.param("a=1\t2", None, id="tab in the value"),
        pytest.param("a=1; Path=/\t2", None, id="tab in the path"),
        pytest.param("a=1;\tPath=/", "a=1", id="tab around an attribute"),
        pytest.param("a" * 2048 + "=" + "1" * 2048, "a" * 2048 + "=" + "1" * 2048, id="longest"),
        pytest.param("a" * 2048 + "=" + "1" * 2049, None, id="too long"),
        pytest.param("a=1; Path=/" + "x" * MAX_ATTRIBUTE, "a=1", id="too long a path is dropped"),
    ],
)
def test_values(value: str, expected: str | None) -> None:
    assert sent(jar_with(value), "https://example.com/") == expected


@pytest.mark.parametrize(
    ("host", "domain", "hosts"),
    [
        pytest.param("a.b.c", "", {"a.b.c"}, id="none"),
        pytest.param("a.b.c", ".", {"a.b.c"}, id="only a dot"),
        pytest.param("a.b.c", "a.b.c", {"a.b.c", "x.a.b.c"}, id="the host"),
        pytest.param("a.b.c", ".B.C", {"a.b.c", "x.a.b.c", "b.c"}, id="above, with a dot"),
        pytest.param("a.b.c", "x.a.b.c", set(), id="below"),
        pytest.param("a.b.c", "ab.c", set(), id="beside"),
        pytest.param("ab.c", "b.c", set(), id="end of a label"),
        pytest.param("a.b.c", "c", set(), id="top level"),
        pytest.param("a.b.c", "..c", set(), id="top level with dots"),
        pytest.param("b.c.", "c.", set(), id="top level, rooted"),
        pytest.param("c", "c", {"c"}, id="top level that is the host"),
        pytest.param("localhost", "localhost", {"localhost"}, id="localhost"),
        pytest.param("10.0.0.1", "10.0.0.1", {"10.0.0.1"}, id="address"),
        pytest.param("10.0.0.1", "0.0.1", set(), id="end of an address"),
        pytest.param("10.0.1", "0.1", set(), id="end of a short address"),
        pytest.param("10.0.0.0x1", "0.0x1", set(), id="end of a hexadecimal address"),
        pytest.param("::1", "::1", {"::1"}, id="IPv6"),
        pytest.param("2001:db8::1.2.3.4", "2.3.4", set(), id="end of an IPv6 address"),
    ],
)
def test_domains(host: str, domain: str, hosts: set[str]) -> None:
    jar = jar_with(f"a=1; Domain={domain}", url=("https", host, "/"))
    asked = {host, domain, f"x.{host}", "b.c", "c", "x.c", "10.0.0.1", "9.10.0.0.1", "::1"}

    assert {host for host in asked if jar.header("https", host, "/", NOW)} == hosts


def test_the_last_attribute_counts() -> None:
    jar = jar_with("a=1; Domain=example.com; Domain=; Path=/x; Path=/y")

    assert [(cookie.host_only, cookie.path) for cookie in jar] == [(True, "/y")]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/", "/", id="root"),
        pytest.param("/a", "/", id="file in the root"),
        pytest.param("/a/", "/a", id="directory"),
        pytest.param("/a/b", "/a", id="file"),
        pytest.param("//a", "/", id="empty directory"),
    ],
)
def test_default_path(path: str, expected: str) -> None:
    assert default_path(path) == expected
    for attribute in ("", "; Path=", "; Path=relative"):
        jar = jar_with(f"a=1{attribute}", url=("https", "example.com", path))
        assert [cookie.path for cookie in jar] == [expected]


@pytest.mark.parametrize(
    ("path", "cookie_path", "expected"),
    [
        pytest.param("/", "/", True, id="root"),
        pytest.param("/a", "/", True, id="below the root"),
        pytest.param("/a", "/a", True, id="same"),
        pytest.param("/a/b", "/a", True, id="below"),
        pytest.param("/a/b", "/a/", True, id="below, with a slash"),
        pytest.param("/ab", "/a", False, id="beside"),
        pytest.param("/a", "/a/", False, id="above"),
        pytest.param("/A", "/a", False, id="another case"),
    ],
)
def test_path_matches(path: str, cookie_path: str, expected: bool) -> None:
    assert path_matches(path, cookie_path) is expected


def test_longer_paths_first_then_older_ones() -> None:
    jar = jar_with("a=1; Path=/", "b=2; Path=/x", "c=3; Path=/", "d=4; Path=/; Domain=example.com")
    jar.store("https", "example.com", "/", ["a=5; Path=/"], NOW + 1)  # as old as it was

    assert sent(jar, "https://example.com/x/y") == "b=2; a=5; c=3; d=4"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06 08:49:37", id="RFC 1123"),
        pytest.param("Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06 08:49:37", id="RFC 850"),
        pytest.param("Sun Nov  6 08:49:37 1994", "1994-11-06 08:49:37", id="asctime"),
        pytest.param("8:9:7 1994/6/nov", "1994-11-06 08:09:07", id="any order"),
        pytest.param(
            "6 november 1994 8:9:7", "1994-11-06 08:09:07", id="long month, single digits"
        ),
        pytest.param("2026-01-15 10:00:00", None, id="a month by number"),
        pytest.param("15 JAN 69 00:00:00", "2069-01-15 00:00:00", id="two digits: 69"),
        pytest.param("15 jan 70 00:00:00", "1970-01-15 00:00:00", id="two digits: 70"),
        pytest.param("15 jan 99 00:00:00", "1999-01-15 00:00:00", id="two digits: 99"),
        pytest.param("15 jan 00 00:00:00", "2000-01-15 00:00:00", id="two digits: 00"),
        pytest.param("15 jan 100 00:00:00", None, id="three digits"),
        pytest.param("15 jan 1601 00:00:00", "1601-01-15 00:00:00", id="earliest"),
        pytest.param("15 jan 1600 00:00:00", None, id="too early"),
        pytest.param("15 jan 20260 00:00:00", None, id="five digits"),
        pytest.param("15th jan 2026x 00:00:00z", "2026-01-15 00:00:00", id="letters after numbers"),
        pytest.param("30 feb 2026 00:00:00", None, id="no such day"),
        pytest.param("29 feb 2024 00:00:00", "2024-02-29 00:00:00", id="leap day"),
        pytest.param("0 jan 2026 00:00:00", None, id="day 0"),
        pytest.param("1 jan 2026 24:00:00", None, id="24 o'clock"),
        pytest.param("1 jan 2026 00:60:00", None, id="minute 60"),
        pytest.param("1 jan 2026 00:00:60", None, id="leap second"),
        pytest.param("1 jan 2026", None, id="no time"),
        pytest.param("jan 2026 00:00:00", None, id="no day"),
        pytest.param("1 2026 00:00:00", None, id="no month"),
        pytest.param("1 jan 00:00:00", None, id="no year"),
        pytest.param("", None, id="nothing"),
        pytest.param("²¹ jan 2026 00:00:00", None, id="digits that are not ASCII"),
    ],
)
def test_dates(text: str, expected: str | None) -> None:
    time = parse_cookie_date(text)

    assert (time and f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S}") == expected


@given(st.text(st.characters(max_codepoint=255)))
def test_noise_is_no_date(text: str) -> None:
    time = parse_cookie_date(text)
    assert time is None or isinstance(time, float)


@pytest.mark.parametrize(
    ("attributes", "lifetime"),
    [
        pytest.param("", None, id="session"),
        pytest.param("; Max-Age=10", 10, id="Max-Age"),
        pytest.param("; Max-Age=0", 0, id="zero"),
        pytest.param("; Max-Age=-1", 0, id="negative"),
        pytest.param("; Max-Age=", None, id="empty"),
        pytest.param("; Max-Age=+1", None, id="plus"),
        pytest.param("; Max-Age=1.5", None, id="fraction"),
        pytest.param("; Max-Age=²", None, id="no ASCII digit"),
        pytest.param(f"; Max-Age={'9' * 1000}", MAX_AGE, id="for ever"),
        pytest.param(f"; Max-Age=10; Max-Age={'9' * 1025}", 10, id="too long an attribute"),
        pytest.param("; Expires=Tue, 14 Nov 2023 22:13:30 GMT", 10, id="Expires"),
        pytest.param("; Expires=Fri, 31 Dec 9999 23:59:59 GMT", MAX_AGE, id="Expires, for ever"),
        pytest.param("; Expires=0", None, id="Expires that is no date"),
        pytest.param("; Max-Age=20; Expires=Tue, 14 Nov 2023 22:13:30 GMT", 20, id="both"),
        pytest.param("; Max-Age=x; Expires=Tue, 14 Nov 2023 22:13:30 GMT", 10, id="one is wrong"),
    ],
)
def test_expiry(attributes: str, lifetime: float | None) -> None:
    jar = jar_with(f"a=1{attributes}")

    if lifetime is None:
        assert sent(jar, "https://example.com/", NOW + 1e12) == "a=1"
    elif lifetime == 0:
        assert not list(jar)
    else:
        assert sent(jar, "https://example.com/", NOW + lifetime - 1) == "a=1"
        assert sent(jar, "https://example.com/", NOW + lifetime) is None


@pytest.mark.parametrize(
    ("url", "is_secure"),
    [
        pytest.param(("https", "example.com", "/"), True, id="https"),
        pytest.param(("http", "example.com", "/"), False, id="http"),
        pytest.param(("http", "localhost", "/"), True, id="localhost"),
        pytest.param(("http", "127.0.0.1", "/"), True, id="loopback"),
        pytest.param(("http", "::1", "/"), True, id="IPv6 loopback"),
        pytest.param(("http", "127.0.0.1.example.com", "/"), False, id="not loopback"),
    ],
)
def test_secure(url: tuple[str, str, str], is_secure: bool) -> None:
    scheme, host, path = url
    assert len(list(jar_with("a=1; Secure", url=url))) == is_secure

    jar = jar_with("a=1; Secure", url=("https", host, path))
    assert jar.header(scheme, host, path, NOW) == ("a=1" if is_secure else None)


@pytest.mark.parametrize(
    ("value", "is_taken"),
    [
        pytest.param("a=2; Path=/x", False, id="overwritten"),
        pytest.param("a=2; Path=/x; Max-Age=0", False, id="deleted"),
        pytest.param("a=2; Path=/x; Domain=example.com", False, id="for the domain above"),
        pytest.param("a=2; Path=/x/y", False, id="sent first"),
        pytest.param("a=2; Path=/", True, id="sent after it"),
        pytest.param("b=2; Path=/x", True, id="another name"),
    ],
)
def test_http_leaves_what_https_set(value: str, is_taken: bool) -> None:
    jar = jar_with("a=1; Secure; Path=/x", url=("https", "www.example.com", "/"))
    jar.store("http", "www.example.com", "/", [value], NOW)

    assert [cookie.value for cookie in jar] == ["1", "2"][: 1 + is_taken]


@pytest.mark.parametrize(
    ("value", "is_taken"),
    [
        pytest.param("__Secure-a=1; Secure", True, id="Secure"),
        pytest.param("__Secure-a=1", False, id="not Secure"),
        pytest.param("__sEcUrE-a=1", False, id="any case"),
        pytest.param("__Host-a=1; Secure; Path=/", True, id="Host"),
        pytest.param("__Host-a=1; Path=/", False, id="Host, not Secure"),
        pytest.param("__Host-a=1; Secure", False, id="Host, no path"),
        pytest.param("__Host-a=1; Secure; Path=/x", False, id="Host, another path"),
        pytest.param("__Host-a=1; Secure; Path=/; Domain=example.com", False, id="Host, domain"),
        pytest.param("__host-a=1; Path=/", False, id="Host, any case"),
    ],
)
def test_prefixes(value: str, is_taken: bool) -> None:
    assert len(list(jar_with(value))) == is_taken


def test_the_oldest_of_a_domain_goes_first_and_those_over_https_last() -> None:
    jar = jar_with("first=0; Secure")
    for number in range(MAX_PER_DOMAIN + 1):
        jar.store("https", "example.com", "/", [f"a{number}=0"], NOW)

    names = [cookie.name for cookie in jar]
    assert len(names) == MAX_PER_DOMAIN
    assert (names[:2], names[-1]) == (["first", "a2"], f"a{MAX_PER_DOMAIN}")


def test_the_oldest_of_all_goes_first_after_the_expired_ones() -> None:
    jar = CookieJar()
    jar.store("https", "0.example", "/", ["a=0"], NOW)
    jar.store("https", "1.example", "/", ["a=1; Max-Age=1"], NOW)
    for number in range(2, MAX_COOKIES + 1):
        jar.store("https", f"{number}.example", "/", ["a=1"], NOW + 1)
    assert sent(jar, "https://0.example/") == "a=0"
    assert len(list(jar)) == MAX_COOKIES

    jar.store("https", "new.example", "/", ["a=1"], NOW + 1)
    assert len(list(jar)) == MAX_COOKIES
    assert sent(jar, "https://0.example/") is None


def test_a_path_of_its_own_is_not_longer_than_one_that_is_given() -> None:
    path = "/" + "x" * MAX_ATTRIBUTE + "/"
    assert len(list(jar_with("a=1", url=("https", "example.com", path)))) == 0


def test_one_response_sets_only_so_many() -> None:
    values = [f"a{number}=0" for number in range(MAX_PER_RESPONSE + 1)]

    assert [cookie.name for cookie in jar_with(*values)] == [value[:-2] for value in values[:-1]]


def test_what_is_sent_has_a_limit() -> None:
    jar = jar_with(*(f"{name}={'1' * (MAX_COOKIE - 1)}" for name in "abc"), "d=1; Path=/x")

    header = sent(jar, "https://example.com/x")
    assert header is not None
    assert len(header) <= MAX_HEADER
    assert header.startswith("d=1; a=1")


NAMES = st.text(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=20)
VALUES = st.text(
    st.characters(max_codepoint=255, exclude_categories=["Cc"], exclude_characters=";"),
    max_size=50,
).map(str.strip)
HOSTS = st.sampled_from(["example.com", "a.b.example.com", "localhost", "10.0.0.1", "::1"])
PATHS = st.lists(st.sampled_from(["", "a", "b", "%20"]), min_size=1, max_size=4).map(
    lambda labels: "/" + "/".join(labels)
)


@given(st.sampled_from(["http", "https"]), HOSTS, PATHS, NAMES, VALUES)
def test_what_a_place_sets_is_sent_back_to_it(
    scheme: str, host: str, path: str, name: str, value: str
) -> None:
    jar = CookieJar()
    jar.store(scheme, host, path, [f"{name}={value}"], NOW)

    if not name.lower().startswith(("__host-", "__secure-")):
        assert jar.header(scheme, host, path, NOW) == f"{name}={value.strip(' ')}"


ATTRIBUTES = st.lists(
    st.sampled_from(
        ["Secure", "HttpOnly", "Domain=example.com", "Path=/a", "Max-Age=60", "Max-Age=0", "x"]
    )
)


@given(
    st.lists(
        st.tuples(
            HOSTS,
            PATHS,
            st.builds(
                lambda name, value, attributes: "; ".join([f"{name}={value}", *attributes]),
                NAMES,
                VALUES,
                ATTRIBUTES,
            )
            | st.text(st.characters(max_codepoint=255)),
        )
    )
)
def test_a_file_holds_what_the_jar_does(responses: list[tuple[str, str, str]]) -> None:
    jar, copy = CookieJar(), CookieJar()
    for host, path, value in responses:
        jar.store("https", host, path, [value], NOW)
    copy.load_netscape(jar.netscape())

    assert [(cookie.domain, cookie.key) for cookie in copy] == [
        (cookie.domain, cookie.key) for cookie in jar
    ]
    assert copy.netscape() == jar.netscape()
    for host, path, _ in responses:
        assert copy.header("https", host, path, NOW) == jar.header("https", host, path, NOW)


# As curl 7.88 wrote it.
CURL_FILE = """\
# Netscape HTTP Cookie File
# https://curl.se/docs/http-cookies.html
# This file was generated by libcurl! Edit at your own risk.

#HttpOnly_127.0.0.1\tFALSE\t/a\tFALSE\t0\tsession\tx y
.example.com\tTRUE\t/\tTRUE\t1700000010\twide\t"quoted=1"
www.example.com\tFALSE\t/\tFALSE\t0\tempty\t
"""


def test_a_file_of_curl() -> None:
    jar = CookieJar()
    jar.load_netscape(CURL_FILE)

    assert sorted(jar, key=lambda cookie: cookie.name) == [
        Cookie("empty", "", "www.example.com", "/", number=2),
        Cookie("session", "x y", "127.0.0.1", "/a", http_only=True, number=0),
        Cookie(
            "wide",
            '"quoted=1"',
            "example.com",
            "/",
            expires=NOW + 10,
            host_only=False,
            secure=True,
            number=1,
        ),
    ]
    assert jar.netscape() == "# Netscape HTTP Cookie File\n" + CURL_FILE.partition("risk.\n")[2]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("h\tFALSE\t/\tFALSE\t0\ta\tb", "h\tFALSE\t/\tFALSE\t0\ta\tb", id="as it is"),
        pytest.param("h\tFALSE\t/\tFALSE\t0\ta\tb\r", "h\tFALSE\t/\tFALSE\t0\ta\tb", id="CRLF"),
        pytest.param("h\tFALSE\t/\tFALSE\t0\ta", "h\tFALSE\t/\tFALSE\t0\ta\t", id="no value"),
        pytest.param(".H\tfalse\t\tfalse\t\ta\tb", "h\tFALSE\t/\tFALSE\t0\ta\tb", id="lenient"),
        pytest.param("h\tTRUE\t/\tTRUE\t9.1\ta\tb", ".h\tTRUE\t/\tTRUE\t10\ta\tb", id="fraction"),
        pytest.param("h\tFALSE\t/\tFALSE\t0\ta\t\x85", "h\tFALSE\t/\tFALSE\t0\ta\t\x85", id="NEL"),
        pytest.param("::1\tTRUE\t/\tFALSE\t0\ta\tb", "::1\tFALSE\t/\tFALSE\t0\ta\tb", id="address"),
    ],
)
def test_lines(line: str, expected: str) -> None:
    jar = CookieJar()
    jar.load_netscape(f"{line}\n")

    assert jar.netscape().splitlines(keepends=False)[:2] == ["# Netscape HTTP Cookie File", ""]
    assert jar.netscape().split("\n", 2)[2] == f"{expected}\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("a=1", "1 fields", id="no tabs"),
        pytest.param("h\tFALSE\t/\tFALSE\t0\ta\tb\tc", "8 fields", id="tab in the value"),
        pytest.param("\tFALSE\t/\tFALSE\t0\ta\tb", "domain is ''", id="no domain"),
        pytest.param("#HttpOnly_#\tFALSE\t/\tFALSE\t0\ta\tb", "domain is", id="odd domain"),
        pytest.param("h\tyes\t/\tFALSE\t0\ta\tb", "'yes' where TRUE", id="subdomains"),
        pytest.param("h\tFALSE\tx\tFALSE\t0\ta\tb", "path is 'x'", id="path"),
        pytest.param("h\tFALSE\t/\t1\t0\ta\tb", "'1' where TRUE", id="secure"),
        pytest.param("h\tFALSE\t/\tFALSE\tnever\ta\tb", "expiry is 'never'", id="expiry"),
        pytest.param(f"h\tFALSE\t/\tFALSE\t{'9' * 400}\ta\tb", "expiry is '9", id="long expiry"),
        pytest.param("h\tFALSE\t/\tFALSE\t0\t\tb", "no name", id="no name"),
        pytest.param("h\tFALSE\t/\tFALSE\t0\ta\tb\x00", "control characters", id="NUL"),
        pytest.param("h\tFALSE\t/\tFALSE\t0\ta\t€", "beyond Latin-1", id="not Latin-1"),
        pytest.param("h\tFALSE\t/\tFALSE\t0\ta\t" + "x" * 4096, "too long", id="too long"),
        pytest.param("h\tFALSE\t/\tFALSE\t0\t__Host-a\tb", "not Secure", id="prefix"),
    ],
)
def test_a_malformed_line_is_named_and_nothing_loaded(line: str, reason: str) -> None:
    jar = CookieJar()
    with pytest.raises(ValueError, match=f"^line 4: .*{reason}") as error:
        jar.load_netscape(f"# comment\n\nh\tFALSE\t/\tFALSE\t0\ta\tb\n{line}\n")

    assert len(str(error.value)) < 500
    assert not list(jar)


@given(st.text())
def test_noise_is_no_file(text: str) -> None:
    with contextlib.suppress(ValueError):
        CookieJar().load_netscape(text)
