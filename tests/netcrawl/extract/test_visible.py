from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scrapy.http import HtmlResponse

from netcrawl.extract.visible import visible_text
from tests.growth import assert_linear

if TYPE_CHECKING:
    from collections.abc import Callable


def text_of(markup: str) -> str:
    page = HtmlResponse("http://h/", body=markup.encode(), encoding="utf-8")
    return visible_text(page.selector.root)


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("just text", "just text", id="no markup"),
        pytest.param("<b>w</b>ord w<i>or</i>d", "word word", id="inline elements join"),
        pytest.param("w<wbr>ord w<!-- -->ord w<?x?>ord", "word word word", id="nothing between"),
        pytest.param("<p>a</p><p>b</p>c", "a b c", id="paragraphs"),
        pytest.param("<p>a<p>b<ul><li>c<li>d</ul>e", "a b c d e", id="end tags left out"),
        pytest.param("a<br>b<hr>c", "a b c", id="breaks"),
        pytest.param("<table><tr><td>a<td>b<tr><th>c</table>", "a b c", id="cells"),
        pytest.param("a<i><p>b</p></i>c", "a b c", id="a block in an inline element"),
        pytest.param("<x-card>a</x-card><x-card>b</x-card>", "a b", id="custom elements"),
        pytest.param("a<img alt=b>c<input value=d>e", "a c e", id="a picture, a field"),
        pytest.param("a<q>b</q>c", "a b c", id="quotation marks are between"),
        pytest.param("x<sup>2</sup> 1<sup>st</sup>", "x2 1st", id="raised"),
        pytest.param(
            "<head><title>a</title><style>b</style></head><body>c", "c", id="the head"
        ),
        pytest.param("<title>a</title><p>b", "b", id="a head without tags"),
        pytest.param("w<script>a<b>b</b></script>ord", "word", id="script"),
        pytest.param("<style>a</style>b<template><p>c</template>", "b", id="style, template"),
        pytest.param("<noscript>a</noscript>b<iframe>c</iframe>d", "b d", id="for others"),
        pytest.param("a<video>b<p>c</video>d", "a d", id="instead of a film"),
        pytest.param("<p hidden>a<b>b</b></p>c<i hidden=until-found>d</i>e", "ce", id="hidden"),
        pytest.param("<dialog>a</dialog><dialog open>b</dialog>", "b", id="dialogs"),
        pytest.param("<p aria-hidden=true>a<p style='display:none'>b", "a b", id="no style sheet"),
        pytest.param("<textarea>a</textarea><select><option>b<option>c</select>", "a b c",
                     id="forms"),
        pytest.param("<details><summary>a</summary>b</details>", "a b", id="details"),
        pytest.param("&eacute;&#x65e5;a&amp;b &lt;p&gt;", "é日a&b <p>", id="references"),
        pytest.param("<svg><title>a</title><text>b</text></svg>", "b", id="SVG"),
        pytest.param("<ruby>漢<rp>(</rp><rt>かん</rt></ruby>", "漢 かん", id="ruby"),
        pytest.param("a<!-- <p>b</p> -->c", "ac", id="comment"),
        pytest.param("<b><p>a</b>b</p>c", "ab c", id="crossed"),
    ],
)  # fmt: skip
def test_what_is_seen(markup: str, words: str) -> None:
    assert text_of(markup).split() == words.split()


@pytest.mark.parametrize(
    "unit",
    ["<b>", "<div>", "<b><p>", "<i>x<b></b></i>", "<p hidden>", "x<br>", "<!---->x", "<script>",
     "<i>x<script></script></i>y", "<template>", "<table>", "</p>", "<a><p>x</a>"],
)  # fmt: skip
def test_hostile_pages_take_no_longer_than_their_length(unit: str) -> None:
    def prepare(units: int) -> Callable[[], object]:
        page = HtmlResponse("http://h/", body=(unit * units).encode(), encoding="utf-8")
        root = page.selector.root
        return lambda: visible_text(root)

    assert_linear(prepare, 6_000)


def test_what_stands_behind_the_end_is_seen_as_well() -> None:
    page = "<html><body><p>a</p></body></html><html><body>b<script>c</script></body></html>d"
    response = HtmlResponse("http://h/", body=page.encode(), encoding="utf-8")

    assert visible_text(response.selector.root).split() == ["a", "b", "d"]
