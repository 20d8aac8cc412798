"""Pictures of pages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from scrapy.http import HtmlResponse

from netcrawl.extract.images import MAX_PICTURES, Picture, pictures
from tests.growth import assert_linear

if TYPE_CHECKING:
    from collections.abc import Callable


PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACw="


def urls(markup: str, url: str = "http://h/dir/page") -> list[str]:
    page = HtmlResponse(url, body=markup.encode(), encoding="utf-8")
    return [picture.url.removeprefix("http://h/dir/") for picture in pictures(page)]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param("<p>", [], id="none"),
        pytest.param("<img src=a.png>", ["a.png"], id="img"),
        pytest.param("<IMG SRC=' a.png\n'>", ["a.png"], id="white space"),
        pytest.param("<img src=a><img src=b><img src=a#x>", ["a", "b"], id="each once"),
        pytest.param("<img><img src=''><img src='#a'>", [], id="nowhere"),
        pytest.param("<img src=a srcset='b 1x, c 3x, d 2x'>", ["c"], id="densities"),
        pytest.param("<img src=a srcset='b 100w, c 300w, d 200w'>", ["c"], id="widths"),
        pytest.param("<img src=a srcset='b 0.5x'>", ["a"], id="src is larger"),
        pytest.param("<img src=a srcset='b .5x, c 99w'>", ["c"], id="src does not count"),
        pytest.param("<img src=a srcset='b 1q'>", ["a"], id="a srcset that is wrong"),
        pytest.param(
            "<picture><source srcset='a, b 2x'><source srcset=c><img src=d></picture>",
            ["b"],
            id="picture",
        ),
        pytest.param(
            "<picture><source srcset=a type='image/jxl'><source srcset=b type='image/webp'>"
            "<img src=c></picture>",
            ["b"],
            id="picture of a type that is not taken",
        ),
        pytest.param(
            "<picture><source srcset='a 9x'></picture><img src=b>", ["b"], id="after a picture"
        ),
        pytest.param(
            "<picture><source srcset='a 9x'></picture><picture><img src=b></picture>",
            ["b"],
            id="another picture",
        ),
        pytest.param("<video><source src=a.mp4 srcset=b></video>", [], id="source of a video"),
        pytest.param("<img src=a data-src=b>", ["b", "a"], id="data-src"),
        pytest.param(f"<img src='{PIXEL}' data-original=b>", ["b"], id="a pixel for the time"),
        pytest.param(f"<img src='{PIXEL}'>", [PIXEL], id="a pixel that is meant"),
        pytest.param(
            "<img src=a data-srcset='b 1x, c 2x' data-lazy-src=d>", ["c", "a"], id="data-srcset"
        ),
        pytest.param(
            "<picture><source data-srcset='b 2x'><img src=a data-src=c></picture>",
            ["b", "a"],
            id="a picture that is loaded late",
        ),
        pytest.param("<noscript><img src=a></noscript>", ["a"], id="noscript"),
        pytest.param("<!-- <img src=a> --><script>'<img src=b>'</script>", [], id="not shown"),
        pytest.param(
            "<link rel='shortcut ICON' href=a><link rel=apple-touch-icon href=b>"
            "<link rel=stylesheet href=c><link rel=alternate href=d>",
            ["a", "b"],
            id="icons",
        ),
        pytest.param(
            "<meta property='og:image' content='a'><meta name='twitter:image' content='b'>"
            "<meta property='og:image:width' content='9'>",
            ["a", "b"],
            id="cards",
        ),
        pytest.param(
            "<p style='background: url(a)'><img style='x:url(\"b\")'>", ["a", "b"], id="css"
        ),
        pytest.param("<body background=a><div background=b>", ["a", "b"], id="background"),
        pytest.param(
            "<input type=image src=a><input src=b><video poster=c></video>"
            "<svg><image xlink:href=d /></svg><object type='image/svg+xml' data=e></object>"
            "<object type='text/html' data=f></object><embed type=image/png src=g>",
            ["a", "c", "d", "e", "g"],
            id="other elements",
        ),
        pytest.param("<base href='/x/'><img src=a>", ["http://h/x/a"], id="base"),
        pytest.param("<img src='http://[::1/a'>", ["http://[::1/a"], id="what is no URL"),
        pytest.param("<img src='file:///etc/passwd'>", ["file:///etc/passwd"], id="any scheme"),
        pytest.param("<img src='DATA:,x#y'>", ["DATA:,x#y"], id="data: as it is"),
        pytest.param(f"<img src='{'a' * 20_000}'>", [], id="no server takes it"),
    ],
)
def test_urls(markup: str, expected: list[str]) -> None:
    assert urls(markup) == expected


def test_texts() -> None:
    page = HtmlResponse(
        "http://h/",
        body=b"<meta property=og:image content=/a><img src=a alt=' A\n&lt;b&gt;\x00 '><img src=b>",
        encoding="utf-8",
    )

    assert pictures(page) == [Picture("http://h/a", "A <b>"), Picture("http://h/b", "")]


def test_only_so_many_of_a_page() -> None:
    markup = "".join(f"<img src={number}>" for number in range(MAX_PICTURES + 10))

    assert len(urls(markup)) == MAX_PICTURES
    style = "".join(f"url({number})" for number in range(MAX_PICTURES + 10))
    assert len(urls(f"<p style='{style}'>")) == MAX_PICTURES


@pytest.mark.parametrize(
    ("size", "markup"),
    [
        pytest.param(12_000, lambda n: "<img src=a>" * n, id="img"),
        pytest.param(
            6_000,
            lambda n: "<picture><source srcset=a>" * n + "<img src=a>" * n,
            id="nested",
        ),
        pytest.param(
            4_000,
            lambda n: "<picture>" + "<source srcset=a></source>" * n + "<img src=a>" * n,
            id="many",
        ),
        pytest.param(40_000, lambda n: "<p>" * n, id="nothing of interest"),
        pytest.param(40_000, lambda n: f"<img srcset='{'a, ' * n}'>", id="srcset"),
        pytest.param(400_000, lambda n: f"<img src='data:,{'a' * n}'>", id="data"),
    ],
)
def test_time_for_hostile_pages(size: int, markup: Callable[[int], str]) -> None:
    assert_linear(lambda n: partial(urls, markup(n)), size)
