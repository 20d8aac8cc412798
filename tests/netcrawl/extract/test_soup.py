from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netcrawl.extract.soup import Anchor, parse_document
from sockettools.practice.pages import find_page

URL = "http://h/dir/page.html"


@pytest.mark.parametrize(
    ("markup", "anchors"),
    [
        pytest.param('<a href="u">t</a>', [("u", "t")], id="plain"),
        pytest.param("<A HREF=u>t</A>", [("u", "t")], id="upper case, no quotes"),
        pytest.param('<a href="?a=1&amp;b=2">t</a>', [("?a=1&b=2", "t")], id="entity in href"),
        pytest.param("<a href='?a=1&copy=2'>t</a>", [("?a=1&copy=2", "t")], id="no entity"),
        pytest.param("<a>t</a>", [(None, "t")], id="no href"),
        pytest.param("<a href>t</a>", [("", "t")], id="empty href"),
        pytest.param("<a href=' u '> a\n <b>b</b> &nbsp;c</a>", [(" u ", "a b c")], id="spaces"),
        pytest.param("<a href=u><img alt=x></a>", [("u", "")], id="picture"),
        pytest.param("<a href=u>&lt;b&gt; &eacute;</a>", [("u", "<b> é")], id="entities in text"),
        pytest.param("<a class='x y' rel='a b' href=u>t</a>", [("u", "t")], id="list attributes"),
        pytest.param("<!-- <a href=c> --><script>'<a href=s>'</script>", [], id="not elements"),
        pytest.param("<p><a href=1>x<p><a href=2>y", [("1", "xy"), ("2", "y")], id="never closed"),
        pytest.param("", [], id="empty page"),
        pytest.param("<a href='\ud800'>\udfff</a>", [("\ufffd", "\ufffd")], id="half characters"),
    ],
)
def test_anchors_in_document_order(markup: str, anchors: list[tuple[str | None, str]]) -> None:
    document = parse_document(markup, URL)

    assert list(document.anchors) == [Anchor(*anchor) for anchor in anchors]


@pytest.mark.parametrize(
    ("head", "base"),
    [
        pytest.param("", URL, id="none"),
        pytest.param("<base href='/other/'>", "http://h/other/", id="relative"),
        pytest.param("<base href=' //k/x '>", "http://k/x", id="white space, another host"),
        pytest.param("<base target=_top><base href=a><base href=b>", "http://h/dir/a", id="first"),
        pytest.param("<base href='javascript:x'>", URL, id="javascript"),
        pytest.param("<base href='data:,x'>", URL, id="data"),
        pytest.param("<base href='http://[bad'>", URL, id="malformed"),
    ],
)
def test_base(head: str, base: str) -> None:
    assert parse_document(f"<head>{head}</head><a href=x>", URL).base == base


@pytest.mark.parametrize(
    ("markup", "title"),
    [
        ("<title>\n Two\n  lines </title>", "Two lines"),
        ("<title>a</title><title>b</title>", "a"),
        ("<p>none", ""),
        ("<title></title>", ""),
    ],
)
def test_title(markup: str, title: str) -> None:
    assert parse_document(markup, URL).title == title


def test_a_page_of_the_chapter() -> None:
    page = find_page("/known_by_Samuel.html", "http://h")
    assert page is not None

    document = parse_document(page.body.decode(), "http://h/known_by_Samuel.html")

    assert len(document.anchors) == 100
    assert document.anchors[17] == Anchor("http://h/known_by_Skyler.html", "Skyler")
    assert document.title == "People that Samuel knows"


def test_deep_nesting_is_no_crash() -> None:
    document = parse_document("<div>" * 20_000 + "<a href=x>t</a>", URL)

    assert list(document.anchors) == [Anchor("x", "t")]


def test_nested_anchors_cost_no_more_than_the_page() -> None:
    """Taken all, their texts would be five billion characters: this would not end."""
    document = parse_document("<p><a href=x>t" * 100_000, URL)

    assert len(document.anchors) == 100_000
    assert document.anchors[99_990].text == "t" * 10


@given(st.text(alphabet="<>/a href='\"=& \n\0!-base", max_size=60))
def test_any_markup_gives_a_document(markup: str) -> None:
    document = parse_document(markup, URL)

    assert document.base.startswith("http")
    for anchor in document.anchors:
        assert anchor.text == " ".join(anchor.text.split())
