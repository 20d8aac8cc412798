from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.http import HtmlResponse

from netcrawl.extract import anchors
from netcrawl.extract.anchors import follow_links


def links(*hrefs: str, url: str = "http://h/a/b") -> list[str]:
    body = "".join(f'<a href="{html.escape(href)}">x</a>' for href in hrefs)
    return list(follow_links(HtmlResponse(url, body=body.encode(), encoding="utf-8")))


@pytest.mark.parametrize(
    ("href", "url"),
    [
        pytest.param("c", ["http://h/a/c"], id="relative"),
        pytest.param("./c#d", ["http://h/a/c"], id="in the same folder"),
        pytest.param("HTTP://g/", ["http://g/"], id="in capitals"),
        pytest.param("http:c", ["http://h/a/c"], id="a scheme and a path"),
        pytest.param("ht\ntp://g/", ["http://g/"], id="a line end in the scheme"),
        pytest.param("mailto:a@h", [], id="a letter"),
        pytest.param("MailTo:a@h", [], id="a letter in capitals"),
        pytest.param("javascript:http://g/", [], id="a script"),
        pytest.param("gopher://h/1/", [], id="a menu"),
        pytest.param("./mailto:c", ["http://h/a/mailto:c"], id="a colon in a path"),
    ],
)
def test_where_a_link_leads(href: str, url: list[str]) -> None:
    assert links(href) == url


def test_menus_lead_to_menus() -> None:
    assert links("gopher://h/1/x", url="gopher://h/1/") == ["gopher://h/1/x"]


@given(
    st.sampled_from(["http://h/a/b", "https://h/", "gopher://h/1/a"]),
    st.builds(
        "{}{}".format,
        st.sampled_from(
            ["", "http:", "HTTPS:", "gopher:", "mailto:", "a+b:", " mailto:", "ma\nil:"]
        ),
        st.text("ab./?#%-:@=&0\\ \té", max_size=10),
    ),
)
def test_what_is_not_resolved_leads_nowhere(url: str, href: str) -> None:
    quick = links(href, url=url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anchors, "_SCHEME", re.compile("(?!)"))

        assert quick == links(href, url=url)
