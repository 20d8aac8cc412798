from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netcrawl.extract.links import PARSERS, LinkTag, links_by_lexbor, links_by_regex, links_by_soup
from sockettools.practice.pages import find_page

BOTH = [pytest.param(PARSERS[name], id=name) for name in ("soup", "lexbor")]


def hrefs(parser: str, markup: str) -> list[str | None]:
    return [link.href for link in PARSERS[parser](markup)]


@pytest.mark.parametrize("parser", BOTH)
def test_the_chapters_page(parser: object) -> None:
    page = find_page("/page1.htm", "http://h")
    assert page is not None

    assert list(parser(page.body.decode())) == [  # type: ignore[operator]
        LinkTag(
            "http://h/page2.htm",
            "Second Page",
            '<a href="http://h/page2.htm">\nSecond Page</a>',
            {"href": "http://h/page2.htm"},
        )
    ]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param("<a name=x>here</a>", (None, "here"), id="no href"),
        pytest.param('<a href="">here</a>', ("", "here"), id="an empty one"),
        pytest.param('<a href="b"></a>', ("b", ""), id="nothing inside"),
        pytest.param('<a href="b"><img alt=""> <b>bo</b>ld</a>', ("b", "bold"), id="elements"),
        pytest.param("<A HREF=b>Two &amp; more</A>", ("b", "Two & more"), id="entities"),
        pytest.param('<a href="?a=1&amp;b=2">x</a>', ("?a=1&b=2", "x"), id="in the href"),
        pytest.param("<a href='javascript:f()'>x</a>", ("javascript:f()", "x"), id="javascript"),
        pytest.param('<a href="data:,x">x</a>', ("data:,x", "x"), id="data"),
        pytest.param('<a href=" b\n">x</a>', (" b\n", "x"), id="blanks"),
        pytest.param("<p><a href=b>never closed", ("b", "never closed"), id="never closed"),
        pytest.param('<a href="b"><!-- no -->x</a>', ("b", "x"), id="a comment"),
    ],
)
@pytest.mark.parametrize("parser", BOTH)
def test_a_link(parser: object, markup: str, expected: tuple[str | None, str]) -> None:
    (link,) = parser(markup)  # type: ignore[operator]

    assert (link.href, link.text) == expected


@pytest.mark.parametrize("parser", BOTH)
def test_rel_and_class_are_texts(parser: object) -> None:
    (link,) = parser('<a rel="nofollow noopener" class="a b" href=x>y</a>')  # type: ignore[operator]

    assert link.attributes == {"rel": "nofollow noopener", "class": "a b", "href": "x"}


@pytest.mark.parametrize(
    "markup",
    [
        pytest.param('<script>"<a href=b>"</script>', id="script"),
        pytest.param("<!-- <a href=b>x</a> -->", id="comment"),
        pytest.param('<link href="http://h/g.css"><p data-href="http://h/">', id="no anchor"),
    ],
)
@pytest.mark.parametrize("parser", BOTH)
def test_no_link(parser: object, markup: str) -> None:
    assert list(parser(markup)) == []  # type: ignore[operator]


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(categories=("L", "N"), include_characters="/?=-._ "), max_size=8),
            st.text(st.characters(categories=("L", "N"), include_characters=" "), max_size=8),
        ),
        max_size=8,
    )
)
def test_soup_and_lexbor_agree_on_what_is_well_formed(links: list[tuple[str, str]]) -> None:
    items = "".join(f'<li>\n<a href="{href}" title="t">{text}</a></li>' for href, text in links)
    markup = (
        '<!DOCTYPE html><html><head><meta charset="utf-8"><title>x</title></head>'
        f"<body><p>y</p><ul>{items}</ul></body></html>"
    )

    assert list(links_by_soup(markup)) == list(links_by_lexbor(markup))


@given(st.text(max_size=60), st.sampled_from(sorted(PARSERS)))
def test_noise(markup: str, parser: str) -> None:
    list(PARSERS[parser](f"<a href='{markup}'><a {markup}>{markup}"))


def test_anchors_that_are_never_closed_cost_no_square() -> None:
    links = list(links_by_soup("<a href=b>text " * 5_000))

    assert len(links) == 5_000
    assert sum(len(link.text) + len(link.tag) for link in links) < 500_000


def test_what_the_chapters_expression_misses_and_finds_too_much() -> None:
    markup = (
        '<a href="http://h/1">x</a><a href="https://h/2">x</a><a href="/3">x</a>'
        '<a href=\'http://h/4\'>x</a><A HREF="http://h/5">x</A><a href = "http://h/6">x</a>'
        '<!-- <a href="http://h/7"> --><link href="http://h/8"><a href="http://h/9?a&amp;b">'
    )

    assert [link.href for link in links_by_regex(markup)] == [
        *("http://h/1", "http://h/7", "http://h/8", "http://h/9?a&amp;b")
    ]


def test_links_within_links_are_told_once_each_however_many() -> None:
    markup = "<a href=1>x<b>y</b><object><a href=2>z</a></object>tail</a><a href=3>q</a>"

    found = [(link.href, link.text, link.tag) for link in links_by_lexbor(markup)]

    assert found == [
        ("1", "xy", '<a href="1">'),
        ("2", "z", '<a href="2">z</a>'),
        ("3", "q", '<a href="3">q</a>'),
    ]
    # Each with all those within it would be the square of the page.
    many = list(links_by_lexbor("<a href=x><object>" * 3000))
    assert len(many) == 3000
    assert sum(len(link.tag) + len(link.text) for link in many) < 100_000
