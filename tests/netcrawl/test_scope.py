from __future__ import annotations

import re

import pytest

from netcrawl.scope import Scope, Within

START = "http://docs.example.co.uk/en/guide/index.html?v=1"


@pytest.mark.parametrize(
    ("within", "url", "expected"),
    [
        pytest.param("host", "http://docs.example.co.uk/", None, id="the same host"),
        pytest.param("host", "https://DOCS.example.co.uk/a", None, id="encrypted too"),
        pytest.param("host", "http://docs.example.co.uk:80/a", None, id="its own port"),
        pytest.param(
            "host", "http://docs.example.co.uk:8080/", "outside of the host", id="another port"
        ),
        pytest.param("host", "http://www.example.co.uk/", "outside of the host", id="a sister"),
        pytest.param("domain", "http://www.example.co.uk/", None, id="a sister in the domain"),
        pytest.param("domain", "http://example.co.uk/", None, id="the domain itself"),
        pytest.param("domain", "http://other.co.uk/", "outside of the domain", id="a suffix"),
        pytest.param("prefix", "http://docs.example.co.uk/en/guide/2.html", None, id="a folder"),
        pytest.param("prefix", "http://docs.example.co.uk/en/guide/x/y", None, id="a deeper one"),
        pytest.param(
            "prefix", "http://docs.example.co.uk/en/guidebook", "outside of the prefix", id="beside"
        ),
        pytest.param("any", "http://elsewhere.test/", None, id="anywhere"),
    ],
)
def test_within(within: str, url: str, expected: str | None) -> None:
    scope = Scope(Within(within))
    scope.add_start(START)

    assert scope.why_not(url) == expected


def test_an_address_is_its_own_domain() -> None:
    scope = Scope(Within.DOMAIN)
    scope.add_start("http://127.0.0.1:8000/")

    assert scope.why_not("http://127.0.0.1:9000/") is None
    assert scope.why_not("http://127.0.0.2:8000/")


def test_several_starts() -> None:
    scope = Scope()
    scope.add_start("http://a.test/")
    scope.add_start("http://b.test/")

    assert [bool(scope.why_not(f"http://{name}.test/x")) for name in "abc"] == [False, False, True]


def test_allow_and_deny() -> None:
    scope = Scope(Within.ANY, allow=re.compile(r"\.html$"), deny=re.compile("old"))

    assert scope.why_not("http://h/a.html") is None
    assert scope.why_not("http://h/a.pdf") == "not allowed"
    assert scope.why_not("http://h/old/a.html") == "denied"


@pytest.mark.parametrize(
    ("start", "within", "url", "is_within"),
    [
        pytest.param("gopher://h.test", "host", "gopher://H.test:70/0/x", True, id="the port"),
        pytest.param("gopher://h.test", "host", "gophers://h.test/1/", True, id="encrypted too"),
        pytest.param("gopher://h.test", "host", "http://h.test/", False, id="another service"),
        pytest.param("http://h.test/", "host", "gopher://h.test/", False, id="the other way"),
        pytest.param("gopher://a.h.co.uk", "domain", "gopher://b.h.co.uk/", True, id="sister"),
        pytest.param("gopher://h.test/1/a", "prefix", "gopher://h.test/0/a/x", True, id="a text"),
        pytest.param("gopher://h.test/1/a/", "prefix", "gopher://h.test/1/a/b", True, id="a menu"),
        pytest.param("gopher://h.test/1/a", "prefix", "gopher://h.test/0/ab", False, id="beside"),
        pytest.param("gopher://h.test/0/a/x", "prefix", "gopher://h.test/0/a/y", True, id="of it"),
        pytest.param("gopher://h.test/", "prefix", "gopher://h.test/0x", True, id="no slash"),
        pytest.param("gopher://h.test", "prefix", "gopher://i.test/0x", False, id="elsewhere"),
    ],
)
def test_within_of_gopher(start: str, within: str, url: str, is_within: bool) -> None:
    scope = Scope(Within(within))
    scope.add_start(start)

    assert (scope.why_not(url) is None) == is_within
