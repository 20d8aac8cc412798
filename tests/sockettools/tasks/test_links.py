from __future__ import annotations

import tracemalloc
from functools import partial
from html import escape
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netcrawl.extract.soup import parse_document
from sockettools.errors import ReadTimeout, TooLong
from sockettools.net.deadline import Deadline
from sockettools.practice.pages import find_page
from sockettools.tasks import links
from sockettools.tasks.links import (
    Anchor,
    absolute,
    base_of,
    links_by_html_parser,
    links_by_regex,
)
from tests.growth import assert_linear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Finder = Callable[[str], list[str]]

PAGE = "http://h/dir/page.html"


def hrefs_by_regex(html: str) -> list[str]:
    return [*links_by_regex(html)]


def hrefs_by_html_parser(html: str) -> list[str]:
    return [anchor.url for anchor in links_by_html_parser(html) if anchor.url is not None]


def hrefs_by_beautiful_soup(html: str) -> list[str]:
    anchors = parse_document(html, PAGE).anchors
    return [anchor.href for anchor in anchors if anchor.href is not None]


BY_HAND = [
    pytest.param(hrefs_by_regex, id="regex"),
    pytest.param(hrefs_by_html_parser, id="html.parser"),
]
EVERY_WAY = [*BY_HAND, pytest.param(hrefs_by_beautiful_soup, id="BeautifulSoup")]


@pytest.mark.parametrize("find", EVERY_WAY)
@pytest.mark.parametrize(
    ("html", "hrefs"),
    [
        pytest.param('<a href="http://h/1">t</a>', ["http://h/1"], id="plain"),
        pytest.param("<a href='https://h/1'>t</a>", ["https://h/1"], id="single quotes, https"),
        pytest.param("<a href=p/>t</a>", ["p/"], id="no quotes"),
        pytest.param("<A HREF=p>t</A>", ["p"], id="upper case"),
        pytest.param("<a\nhref\t=\n 'p' >t</a>", ["p"], id="white space"),
        pytest.param("<a/href=p>t</a>", ["p"], id="slash for a blank"),
        pytest.param("<a class=x title='a>b' href=p>t</a>", ["p"], id="> in an attribute"),
        pytest.param("<a title=it's href=p>t</a>", ["p"], id="quote in a bare value"),
        pytest.param("<a href=''>t</a><a href>t</a>", ["", ""], id="empty"),
        pytest.param("<a href=' p\n '>t</a>", [" p\n "], id="as written"),
        pytest.param("<a href=1 href=2>t</a>", ["1"], id="the first of two"),
        pytest.param("<a name=here>t</a><a>t</a>", [], id="no href"),
        pytest.param("<a data-href=p>t</a>", [], id="another attribute"),
        pytest.param("<a title=' href=p '>t</a>", [], id="within an attribute"),
        pytest.param("<img alt='<a href=p>'>", [], id="within another tag"),
        pytest.param("<abbr href=p>t</abbr><link href=p>", [], id="other elements"),
        pytest.param("</a href=p>", [], id="end tag"),
        pytest.param("<!-- <a href=p> --><!--><a href=q>--></a>", ["q"], id="comments"),
        pytest.param("<script>'<a href=p>'</script><a href=q>", ["q"], id="script"),
        pytest.param("<STYLE><a href=p></Style ><a href=q>", ["q"], id="style"),
        pytest.param("<title><a href=p></title><a href=q>", ["q"], id="title"),
        pytest.param("<textarea><a href=p></textarea><a href=q>", ["q"], id="textarea"),
        pytest.param("<?php <a href=p> ?><a href=q>", ["q"], id="processing instruction"),
        pytest.param("a < b <1> <<a href=p>t</a>", ["p"], id="lonely <"),
        pytest.param("<a href=1>x<a href=2>y</a>z</a>", ["1", "2"], id="nested"),
        pytest.param("<p><a href=1>x<p><a href=2>y", ["1", "2"], id="never closed"),
        pytest.param("<a href=p>t</a><a href='q", ["p"], id="cut off"),
        pytest.param("<ſcript><a href=p></ſcript>", ["p"], id="letter that folds to another"),
        pytest.param("", [], id="empty page"),
    ],
)
def test_hrefs(find: Finder, html: str, hrefs: list[str]) -> None:
    assert find(html) == hrefs


@pytest.mark.parametrize("find", EVERY_WAY)
@pytest.mark.parametrize(
    ("written", "href"),
    [
        pytest.param("?a=1&amp;b=2", "?a=1&b=2", id="ampersand"),
        pytest.param("?a=1&b=2", "?a=1&b=2", id="ampersand as it is"),
        pytest.param("?a=1&copy=2", "?a=1&copy=2", id="name and an equals sign"),
        pytest.param("?a=1&copyx", "?a=1&copyx", id="name and a letter"),
        pytest.param("?a=1&copy;=2", "?a=1©=2", id="name and a semicolon"),
        pytest.param("?a=1&copy", "?a=1©", id="name at the end"),
        pytest.param("&copy/", "©/", id="name and a slash"),
        pytest.param("&nosuch;", "&nosuch;", id="no name"),
        pytest.param("&#65;&#x42;&#X43;", "ABC", id="numbers"),
        pytest.param("&amp;amp;", "&amp;", id="once only"),
        pytest.param("&;&&#;&#x;", "&;&&#;&#x;", id="no reference"),
    ],
)
def test_character_references(find: Finder, written: str, href: str) -> None:
    assert find(f'<a href="{written}">t</a>') == [href]


@pytest.mark.parametrize("find", BY_HAND)
@pytest.mark.parametrize(
    ("html", "hrefs"),
    [
        pytest.param("<![CDATA[<a href=p>]]><a href=q>", ["q"], id="CDATA"),
        pytest.param("<![if !IE]><a href=q><![endif]>", ["q"], id="conditional comment"),
        pytest.param("<a href=p><!-- <a href=q>", ["p"], id="comment never closed"),
        pytest.param("<!---><a href=p><!-- --!><a href=q>", ["p", "q"], id="odd ends of comments"),
        pytest.param("<a href=p><script> <a href=q>", ["p"], id="script never closed"),
        pytest.param("<script>'<a href=p>'</script x><a href=q>", ["q"], id="end tag with more"),
        pytest.param("<script/><a href=q>", ["q"], id="script without content"),
        pytest.param(f"<a href='&#{'9' * 5000};'>", ["\ufffd"], id="endless number"),
        pytest.param("<a href=\ud800>", ["\ud800"], id="half a character"),
    ],
)
def test_hrefs_by_hand(find: Finder, html: str, hrefs: list[str]) -> None:
    assert find(html) == hrefs


@pytest.mark.parametrize(
    "path", ["/", "/page1.htm", "/page2.htm", "/book.htm", "/known_by_Samuel.html", "/romeo.txt"]
)
def test_pages_of_the_practice_web(path: str) -> None:
    page = find_page(path, "http://127.0.0.1:8000")
    assert page is not None
    html = page.body.decode()

    hrefs = hrefs_by_regex(html)

    assert hrefs == hrefs_by_html_parser(html) == hrefs_by_beautiful_soup(html)
    assert len(hrefs) == html.count("<a ")


_TEXT = st.text("ab &<>\"'=\n/é", max_size=8)


@given(st.lists(st.tuples(_TEXT, st.sampled_from("\"'"), _TEXT)))
def test_what_is_written_as_html_is_found(anchors: list[tuple[str, str, str]]) -> None:
    html = "".join(
        f"<p><a href={quote}{escape(href)}{quote}>{escape(text)}</a></p>"
        for href, quote, text in anchors
    )
    hrefs = [href for href, _, _ in anchors]

    assert hrefs_by_regex(html) == hrefs
    found = [*links_by_html_parser(html)]
    assert [(anchor.url, anchor.content) for anchor in found] == [
        (href, text) for href, _, text in anchors
    ]
    assert "".join(f"<p>{anchor.tag}</p>" for anchor in found) == html


_NOISE = st.lists(
    st.sampled_from(
        [
            *("<a", "<A ", "href", "=", "'", '"', ">", "x", " ", "/", "\n", "&", "&amp;", "&#"),
            *("</a>", "<b>", "</b>", "<br/>", "<script>", "</script>", "<title>"),
            *("<!--", "--!>", "<!", "<![", "<?", "</"),
        ]
    )
).map("".join)


@given(_NOISE)
def test_noise_is_no_crash(html: str) -> None:
    for href in links_by_regex(html):
        assert len(href) < len(html)
    assert sum(len(anchor.tag) for anchor in links_by_html_parser(html)) <= len(html)
    assert base_of(html, PAGE) == PAGE


def test_the_anchor_of_the_chapter() -> None:
    page = find_page("/page1.htm", "http://www.dr-chuck.com")
    assert page is not None

    assert [*links_by_html_parser(page.body.decode())] == [
        Anchor(
            tag='<a href="http://www.dr-chuck.com/page2.htm">\nSecond Page</a>',
            url="http://www.dr-chuck.com/page2.htm",
            content="\nSecond Page",
            attrs=[("href", "http://www.dr-chuck.com/page2.htm")],
        )
    ]


@pytest.mark.parametrize(
    ("html", "tag", "content"),
    [
        pytest.param("<a href=p>x</a>y", "<a href=p>x</a>", "x", id="text"),
        pytest.param("<A\n>x</A\n>y", "<A\n>x</A\n>", "x", id="as written"),
        pytest.param("<a></a>y", "<a></a>", "", id="empty"),
        pytest.param("<a/>y", "<a/>", "", id="closed by a slash"),
        pytest.param("<a> </a>", "<a> </a>", " ", id="blank"),
        pytest.param("<a>a<b>c</b></a>", "<a>a<b>c</b></a>", "a", id="text before an element"),
        pytest.param("<a><b>c</b>d</a>", "<a><b>c</b>d</a>", "<b>c</b>", id="element"),
        pytest.param("<a><b>c<i>d</i></b>e</a>", None, "<b>c<i>d</i></b>", id="nested elements"),
        pytest.param("<a><b><b>c</b></b>d</a>", None, "<b><b>c</b></b>", id="same element within"),
        pytest.param("<a><img src=i>x</a>", None, "<img src=i>", id="void element"),
        pytest.param("<a><img src=i /></a>", None, "<img src=i />", id="void element with a slash"),
        pytest.param("<a><b/>x</a>", None, "<b/>", id="element with a slash"),
        pytest.param("<a><script><b></script>x</a>", None, "<script><b></script>", id="script"),
        pytest.param("<a><!-- c -->x</a>", None, "<!-- c -->", id="comment"),
        pytest.param("<a><?c><b>x</a>", None, "<?c>", id="instruction"),
        pytest.param("<a><![c]><b>x</a>", None, "<![c]>", id="marked section"),
        pytest.param("<a>a<!-- c -->b</a>", None, "a", id="text before a comment"),
        pytest.param("<a></b>x</a>", None, "x", id="end tag of nothing"),
        pytest.param("<a>x</b>y</a>", None, "x", id="end tag of nothing in a text"),
        pytest.param("<a>a < b &lt; &eacute;</a>", None, "a < b < é", id="decoded"),
        pytest.param("<a>&amp;amp; &#38;</a>", None, "&amp; &", id="decoded once"),
        pytest.param("<a>AT&amp;T", "<a>AT&amp;T", "AT&T", id="at the end of the page"),
        pytest.param("<a><!-- x<b>", None, "<!-- x<b>", id="comment never closed"),
        pytest.param("<a>x <b", "<a>x ", "x ", id="before a tag that is cut off"),
        pytest.param("<p><a>x</p>y", "<a>x", "x", id="ends with what is around it"),
        pytest.param("<a><b>x</a>y</b>", "<a><b>x</a>", "<b>x", id="crossed"),
        pytest.param("<div><a><b>x</div>y", "<a><b>x", "<b>x", id="never closed element"),
        pytest.param("a\n\n<b>\n</b>\n<a\n>\nx\n</a>\n", "<a\n>\nx\n</a>", "\nx\n", id="lines"),
    ],
)
def test_source_and_first_content(html: str, tag: str | None, content: str) -> None:
    [anchor] = links_by_html_parser(html)

    assert (anchor.tag, anchor.content) == (tag or html, content)


def test_an_anchor_ends_where_the_next_begins() -> None:
    found = links_by_html_parser("<a href=1>x<b>y<a href=2><i>z</a></b>")

    assert [(anchor.tag, anchor.content) for anchor in found] == [
        ("<a href=1>x<b>y", "x"),
        ("<a href=2><i>z</a>", "<i>z"),
    ]


def test_attributes_as_written() -> None:
    [anchor] = links_by_html_parser("<a ID=i Href='?a&amp;b' class='x y' href=2 download>t</a>")

    assert anchor.attrs == [
        ("id", "i"),
        ("href", "?a&b"),
        ("class", "x y"),
        ("href", "2"),
        ("download", None),
    ]
    assert anchor.url == "?a&b"


@pytest.mark.parametrize(
    ("html", "base"),
    [
        pytest.param("", PAGE, id="none"),
        pytest.param("<base href='/other/'>", "http://h/other/", id="relative"),
        pytest.param("<BASE HREF=' //k/x '>", "http://k/x", id="white space, another host"),
        pytest.param("<base target=_top><base href=a><base href=b>", "http://h/dir/a", id="first"),
        pytest.param("<base href='?a&amp;b'>", f"{PAGE}?a&b", id="decoded"),
        pytest.param("<!-- <base href=a> --><base href=b>", "http://h/dir/b", id="comment"),
        pytest.param("<base href='javascript:x'>", PAGE, id="javascript"),
        pytest.param("<base href='data:,x'>", PAGE, id="data"),
        pytest.param("<base href='http://[bad'>", PAGE, id="malformed"),
    ],
)
def test_base(html: str, base: str) -> None:
    assert base_of(html, PAGE) == base
    assert parse_document(html, PAGE).base == base


def test_absolute() -> None:
    hrefs = ["p", "/p?é", "#f", "", "mailto:a@b", None, "http://[bad"]

    assert [absolute(PAGE, href, "iso-8859-1") for href in hrefs] == [
        "http://h/dir/p",
        "http://h/p?%E9",
        f"{PAGE}#f",
        PAGE,
        "mailto:a@b",
        None,
        None,
    ]


@pytest.mark.parametrize("find", BY_HAND)
@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        '<a href="',
        "<a href=' x",
        "<a href=x",
        "<a = ",
        "<!--",
        "<!-- > ",
        "<![if ",
        "<script>",
        "<title></",
        "</script",
        "<a><b>",
        "<a href=x>\n",
        "<",
        "&#",
    ],
)
@pytest.mark.parametrize("end", ["", ">"])
def test_time_grows_with_the_page_alone(find: Finder, piece: str, end: str) -> None:
    assert_linear(lambda n: partial(find, piece * (n // len(piece)) + end), 50_000)


def test_anchors_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MAX_ANCHORS", 3)

    assert [anchor.url for anchor in links_by_html_parser("<a href=x>" * 9)] == ["x"] * 3


@pytest.mark.parametrize("find", BY_HAND)
def test_a_tag_that_is_too_long_is_none(find: Finder) -> None:
    tag = "<a href=1 title='{}'>"
    longest = tag.format("x" * (links.MAX_TAG - len(tag.format(""))))

    assert find(f"{longest}t</a><a href=2>") == ["1", "2"]
    assert find(f"{longest.replace('x', 'xx', 1)}t</a><a href=2>") == ["2"]
    long = "x" * links.MAX_TAG
    assert find(f"<img src='data:,<a href=1>{long}'><a href=2>") == ["2"]
    assert find(f"<script title={long}>'<a href=1>'</script {long}><a href=2>") == ["2"]


def test_an_anchor_is_shown_in_part() -> None:
    [anchor] = links_by_html_parser(f"<a>{'x' * links.MAX_SHOWN}</a>")
    assert anchor.content == "x" * links.MAX_SHOWN
    assert anchor.tag == f"<a>{'x' * (links.MAX_SHOWN - 3)}[...]"

    [anchor] = links_by_html_parser(f"<a>{'x' * links.MAX_SHOWN}y</a>")
    assert anchor.content == f"{'x' * links.MAX_SHOWN}[...]"


@pytest.mark.parametrize("size", [1, 2, 7])
@given(html=_NOISE)
def test_pieces_make_no_difference(size: int, html: str) -> None:
    whole = [*links_by_html_parser(html)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(links, "_PIECE", size)
        assert [*links_by_html_parser(html)] == whole


def test_what_is_around_is_remembered_to_a_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "_MAX_DEPTH", 3)

    found = links_by_html_parser("<p><i><i><i><a href=1><b>x</b>y</a>z</i></i></i></p><a>x</a>")

    assert [(anchor.tag, anchor.content) for anchor in found] == [
        ("<a href=1><b>x</b>y</a>", "<b>x</b>"),
        ("<a>x</a>", "x"),
    ]


@pytest.mark.parametrize("find", BY_HAND)
@pytest.mark.parametrize(
    ("piece", "end"),
    [
        pytest.param("<a ", "", id="never closed"),
        pytest.param("/", ">", id="slashes"),
        pytest.param("<a href='", "", id="quotes"),
        pytest.param(" a=b", ">", id="attributes"),
        pytest.param(" b==' ", ">", id="attributes in which a quote is no quote"),
        pytest.param("&ampx", "'>", id="character references"),
        pytest.param("a ", "><a href=x>", id="names"),
    ],
)
def test_memory_grows_with_the_page_alone(find: Finder, piece: str, end: str) -> None:
    html = f"<a {piece * (400_000 // len(piece))}{end}"
    tracemalloc.start()
    try:
        find(html)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 5 * len(html)


def test_anchors_come_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "_PIECE", 1000)
    html = "<a href=x>text</a>" * 4_000
    tracemalloc.start()
    try:
        count = sum(1 for _ in links_by_html_parser(html))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == 4_000
    assert peak < 200_000  # a tenth of what all of them take


@pytest.mark.parametrize("find", [links_by_regex, links_by_html_parser])
def test_links_are_looked_for_until_a_deadline(
    find: Callable[[str, Deadline], Iterator[object]],
) -> None:
    with pytest.raises(ReadTimeout, match="the time is over"):
        next(find("<a href=x>", Deadline.after(0)))


def test_addresses_are_bounded() -> None:
    long = "x" * links.MAX_BASE

    assert base_of(f"<base href='/{long}'>", PAGE) == PAGE
    with pytest.raises(TooLong, match="more than 2048"):
        base_of("", PAGE + long)
    room = links.MAX_ADDRESS - len("http://h/dir/")
    assert absolute(PAGE, "x" * room) == f"http://h/dir/{'x' * room}"
    assert absolute(PAGE, "x" * (room + 1)) is None
    assert absolute(PAGE, "a/../" * links.MAX_ADDRESS) is None
    assert absolute(PAGE, f"?{'é' * (links.MAX_ADDRESS // 2)}") is None
