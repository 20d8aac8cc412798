from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools import http1
from sockettools.browser.redirects import next_request
from sockettools.browser.request import FORM, Request, format_head
from sockettools.errors import RemoteProtocolError
from sockettools.url import parse_http_url

BASE = "http://me:secret@example.com/a/b?c"


def redirected(
    location: str | bytes, status_code: int = 302, request: Request | None = None
) -> Request | None:
    value = location if isinstance(location, bytes) else location.encode("latin-1")
    fields = http1.Fields([(b"Location", value)])
    asked = request or Request(parse_http_url(BASE))
    return next_request(asked, http1.Response(status_code, fields, b""))


@pytest.mark.parametrize("status_code", [200, 201, 300, 304, 305, 306, 399, 404])
def test_other_answers_are_no_redirects(status_code: int) -> None:
    assert redirected("/x", status_code) is None


def test_an_empty_location_is_no_redirect() -> None:
    assert redirected("") is None


def test_without_location_it_is_no_redirect() -> None:
    asked = Request(parse_http_url(BASE))
    assert next_request(asked, http1.Response(302, http1.Fields(), b"Found")) is None


# RFC 9110 section 15.4; of 301 and 302 its notes, which is what browsers do.
@pytest.mark.parametrize(
    ("status_code", "method", "expected"),
    [
        *((code, "GET", "GET") for code in (301, 302, 303, 307, 308)),
        *((code, "HEAD", "HEAD") for code in (301, 302, 303, 307, 308)),
        *((code, "POST", "GET") for code in (301, 302, 303)),
        *((code, "POST", "POST") for code in (307, 308)),
        *((code, "PUT", "PUT") for code in (301, 302, 307, 308)),
        (303, "PUT", "GET"),
        (303, "DELETE", "GET"),
    ],
)
def test_method_and_body(status_code: int, method: str, expected: str) -> None:
    has_body = method not in {"GET", "HEAD"}
    asked = Request(
        parse_http_url(BASE),
        method,
        (("Content-Type", "text/plain"), ("X-Other", "1")),
        b"data" if has_body else None,
    )
    following = redirected("/x", status_code, asked)

    assert following is not None
    assert following.method == expected
    if method == expected:
        assert following == Request(
            following.url, method, asked.fields, asked.body, asked.credentials
        )
    else:
        assert following.body is None
        assert following.fields == (("X-Other", "1"),)
        names = {name.lower() for name, _ in format_head(following, []).fields}
        assert not names & {b"content-type", b"content-length", b"expect"}


def test_a_kept_body_keeps_its_type() -> None:
    asked = Request(parse_http_url(BASE), "POST", body=b"a=1")
    following = redirected("/x", 307, asked)

    assert following is not None
    assert format_head(following, []).fields.get(b"content-type") == FORM.encode()


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        pytest.param("/x", "http://example.com/x", id="path"),
        pytest.param("x", "http://example.com/a/x", id="relative"),
        pytest.param("../x", "http://example.com/x", id="up"),
        pytest.param("?q", "http://example.com/a/b?q", id="query"),
        pytest.param("#f", "http://example.com/a/b?c#f", id="fragment"),
        pytest.param("//other/x", "http://other/x", id="no scheme"),
        pytest.param("HTTPS://other/x", "https://other/x", id="https"),
        pytest.param(
            "http://EXAMPLE.com:80/x", "http://example.com/x", id="the same in other words"
        ),
        pytest.param(" /x\t", "http://example.com/x", id="blanks around"),
        pytest.param("/a b", "http://example.com/a%20b", id="blank within"),
        pytest.param("/caf\u00e9".encode(), "http://example.com/caf%C3%A9", id="UTF-8"),
        pytest.param(b"/caf\xe9", "http://example.com/caf%E9", id="latin-1"),
        pytest.param("//b\u00fccher.example/".encode(), "http://xn--bcher-kva.example/", id="IDN"),
        pytest.param("\\\\other\\x", "http://example.com/a/%5C%5Cother/x", id="backslashes"),
        pytest.param("/\\other", "http://example.com/%5Cother", id="a backslash"),
    ],
)
def test_where_it_leads(location: str | bytes, expected: str) -> None:
    following = redirected(location)

    assert following is not None
    assert str(following.url) == expected


@pytest.mark.parametrize(
    "location",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/plain,x",
        "mailto:me@example.com",
        "http:/x",
        "http://",
        "http://[bad/",
        "http://h:99999/",
        "//a b/",
        "http:\\\\other",
        "ftp://me:secret@h/",
        "http://me:secret@h:x/",
        "//me:sec/ret?secret@[bad",
        "http://me:secret@h\\x/",
    ],
)
def test_what_cannot_be_followed(location: str) -> None:
    with pytest.raises(RemoteProtocolError, match=r"example.com/a/b\?c redirects to ") as caught:
        redirected(location)

    assert "secret" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_what_cannot_be_followed_is_shown_safely_and_not_for_ever() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        redirected("ftp://\x9b\x1b[2J" + "x" * 10_000)

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


FOR_ORIGIN = (
    ("Authorization", "Bearer secret"),
    ("cookie", "secret=1"),
    ("Proxy-Authorization", "secret"),
    ("HOST", "secret.example"),
)


@pytest.mark.parametrize(
    ("location", "stays"),
    [
        pytest.param("/x", True, id="path"),
        pytest.param("http://example.com:80/x", True, id="the same origin"),
        pytest.param("http://other.example/x", False, id="host"),
        pytest.param("http://www.example.com/x", False, id="a host below it"),
        pytest.param("http://example.com:8080/x", False, id="port"),
        pytest.param("https://example.com/x", False, id="scheme"),
        pytest.param("//example.com@other.example/x", False, id="in disguise"),
    ],
)
def test_what_proves_who_asks_stays_within_the_origin(location: str, stays: bool) -> None:
    asked = Request(
        parse_http_url(BASE), fields=(*FOR_ORIGIN, ("X", "1")), credentials=("you", "secret")
    )
    following = redirected(location, request=asked)

    assert following is not None
    assert ("X", "1") in following.fields
    assert (following.credentials == ("you", "secret")) == stays
    assert (set(FOR_ORIGIN) <= set(following.fields)) == stays
    if not stays:
        assert "secret" not in str(format_head(following, []).fields)


def test_credentials_do_not_come_back_with_the_origin() -> None:
    away = redirected("http://other.example/")
    assert away is not None
    back = redirected("http://example.com/", request=away)

    assert back is not None
    assert back.effective_credentials() is None


def test_credentials_of_the_location_are_for_it_alone() -> None:
    following = redirected("http://you:other@other.example/")

    assert following is not None
    assert following.effective_credentials() == ("you", "other")
    third = redirected("http://third.example/", request=following)
    assert third is not None
    assert third.effective_credentials() is None


REFERENCES = st.text(
    st.sampled_from(":/?#[]@\\.%ahtps12 \t\n\u00e9-"), max_size=40
) | st.sampled_from(
    ["http://example.com", "http://example.com@", "//example.com:80", "http:\\\\example.com/"]
).flatmap(lambda start: st.text(st.sampled_from(":/?#@\\.%a1 "), max_size=10).map(start.__add__))


@given(location=REFERENCES, status_code=st.sampled_from([301, 302, 303, 307, 308]))
def test_no_location_takes_credentials_to_another_origin(location: str, status_code: int) -> None:
    asked = Request(
        parse_http_url(BASE), "POST", FOR_ORIGIN, b"data", credentials=("you", "secret")
    )
    try:
        following = redirected(location.encode(), status_code, asked)
    except RemoteProtocolError:
        return

    if following is not None and following.url.origin != asked.url.origin:
        sent = format_head(following, [])
        assert "secret" not in str(sent.fields)
        assert b"secret" not in sent.target
        assert following.effective_credentials() != ("me", "secret")
