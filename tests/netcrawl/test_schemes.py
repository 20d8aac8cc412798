from __future__ import annotations

import pytest

from netcrawl.schemes import check_url, followed_from


@pytest.mark.parametrize(
    "url",
    [
        "http://h.test/a",
        "gopher://h.test",
        "gophers://h.test:7070/1/a%20b",
        "imaps://me@h.test/INBOX/;UID=7",
        "nntp://h.test/group",
    ],
)
def test_urls(url: str) -> None:
    assert check_url(f" {url} ") == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("telnet://h.test/", "it does not begin with http:// or https://"),
        ("http://me:secret@h.test/", "it has a user name or password"),
        ("imap://me:secret@h.test/", "it has a password"),
        ("gopher:///x", "it names no host"),
        ("gopher://h.test/i/x", "type i is no page"),
        ("gopher://h.test:0/", "the port"),
        ("gopher://h.test/0/a%0D%0AQUIT", "it has a line end"),
    ],
)
def test_urls_that_are_none(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        check_url(url)
    assert "secret" not in str(caught.value)


def test_the_web_does_not_lead_into_gopher() -> None:
    assert "gopher" not in followed_from("https://h.test/")
    assert {"http", "gopher"} < set(followed_from("gopher://h.test/"))
