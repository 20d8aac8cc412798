"""Pictures for crawlers that collect them: every way to show one, and every way to get one wrong.

Each picture's text in ``alt`` is what it is, so that a collection can be checked by reading.
"""

from __future__ import annotations

import html
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from sockettools.practice import pictures
from sockettools.practice.answers import HTML, OCTETS, PLAIN, Answer, Endless
from sockettools.practice.pictures import draw
from sockettools.practice.routes import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sockettools.practice.http import Request

FOLDER = "/gallery/"

PNG, JPEG, GIF, SVG = "image/png", "image/jpeg", "image/gif", "image/svg+xml"

# Pixels on each side: of a file that has them all, and of one that only says so.
BOMB = 20_000
ABSURD = 2**31 - 1

_NO_PICTURE = b"<!DOCTYPE html>\n<title>Sorry</title>\n<p>Here is no picture.</p>\n"

# Text in small chunks, where the first pixels belong.
_ENDLESS = Endless(
    pictures.PNG_SIGNATURE + pictures.png_head(ABSURD, ABSURD),
    pictures.png_chunk(b"tEXt", b"Comment\0" + b"on and on, " * 700),
)


@dataclass(frozen=True)
class Picture:
    """What there is to see, and what is sent."""

    what: str
    make: Callable[[], bytes | Endless]
    content_type: str | None = PNG
    status: int = 200
    location: str | None = None

    def answer(self) -> Answer:
        """Return what is answered to a request for it."""
        fields = () if self.location is None else (("Location", self.location),)
        return Answer(self.status, self.make(), self.content_type, fields)


def _png(what: str, seed: str, width: int = 48, height: int = 32) -> Picture:
    return Picture(what, lambda: pictures.png(draw(seed, width, height)))


def _moved(what: str, location: str, status: int = 302) -> Picture:
    return Picture(what, lambda: b"elsewhere\n", PLAIN, status, location)


def _wrong_checksum() -> bytes:
    data = bytearray(pictures.png(draw("checksum")))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


def _hollow(side: int) -> bytes:
    return pictures.png_of(pictures.png_head(side, side), pictures.png_chunk(b"IDAT", b""))


def _pixel() -> bytes:
    clear = pictures.Drawing(1, 1, (b"\xff\xff\xff",) * pictures.COLOURS, (b"\0",))
    return pictures.gif((clear,))


# By name, percent-decoded. These are shown each in its way, of which the name tells; some are not.
_SHOWN: dict[str, Picture] = {
    "favicon.ico": Picture(
        "an icon of two sizes",
        lambda: pictures.ico(draw("icon 16", 16, 16), draw("icon 32", 32, 32)),
        "image/vnd.microsoft.icon",
    ),
    "touch-icon.png": _png("an icon for telephones", "touch icon", 60, 60),
    "og.png": _png("what other sites show beside a link to this page", "og", 120, 63),
    "width-80.png": _png("the src beside a srcset of widths", "width", 80, 60),
    "width-160.png": _png("160 pixels wide", "width", 160, 120),
    "width-320.png": _png("320 pixels wide", "width", 320, 240),
    "width-640.png": _png("640 pixels wide, the largest", "width", 640, 480),
    "density-1.png": _png("the src beside a srcset of densities", "density", 40, 40),
    "density-1.5.png": _png("1.5 pixels for one", "density", 60, 60),
    "density-3.png": _png("3 pixels for one, the largest", "density", 120, 120),
    "with,comma.png": _png("a comma in its name, in a srcset", "comma"),
    "with,comma-2.png": _png("another one, twice as large", "comma", 96, 64),
    "picture.webp": Picture("a source: WebP", lambda: pictures.WEBP_PLAIN, "image/webp"),
    "picture-wide.png": _png("a source for wide windows", "picture", 200, 60),
    "picture-wide-2.png": _png("the same for fine screens, the largest", "picture", 400, 120),
    "picture-fallback.png": _png("the img within a picture element", "picture", 100, 60),
    "placeholder.gif": Picture(
        "stands in until a script puts another one there",
        lambda: pictures.gif((draw("placeholder", 8, 8),)),
        GIF,
    ),
    "lazy-src.png": _png("in data-src", "lazy src"),
    "lazy-small.png": _png("in data-srcset, the smaller one", "lazy srcset"),
    "lazy-large.png": _png("in data-srcset, the larger one", "lazy srcset", 144, 96),
    "lazy-original.png": _png("in data-original", "lazy original"),
    "lazy-native.png": _png("loading=lazy, in src", "lazy native"),
    "lazy-noscript.png": _png("in noscript", "lazy noscript"),
    "style-bare.png": _png("url() in a style attribute", "style bare"),
    "style-single.png": _png("url('') in a style attribute", "style single"),
    "style-double.png": _png('url("") in a style attribute', "style double"),
    "style-sheet.png": _png("url() in a style element", "style sheet"),
    "thumbnail.png": _png("small, in a link to the large one", "linked", 40, 30),
    "full.png": _png("large, behind a link", "linked", 240, 180),
    "button.png": _png("an input of type image", "button"),
    "poster.png": _png("the poster of a video", "poster"),
    "in-svg.png": _png("an image within an svg element", "in svg"),
    "object.svg": Picture("the data of an object", lambda: pictures.svg("object"), SVG),
    "commented.png": _png("only in a comment: not shown", "commented"),
    "in-script.png": _png("only in a script: not shown", "in script"),
}

# And of these, each in an img of its own, what they are.
_PLAIN: dict[str, Picture] = {
    "plain.png": _png("a PNG", "plain"),
    "same.png": _png("the same PNG under another URL", "plain"),
    "query.png": _png("a PNG, asked for with a query", "query"),
    "größe 大.png": _png("a PNG with a name beyond ASCII", "name"),
    "no-extension": _png("a PNG whose name does not say so", "no extension"),
    "transparent.png": Picture(
        "a PNG with transparency",
        lambda: pictures.png(draw("transparent"), alpha=(0, 85, 170, 255)),
    ),
    "cover.jpg": Picture("a JPEG", pictures.cover, JPEG),
    "still.gif": Picture("a GIF", lambda: pictures.gif((draw("still"),)), GIF),
    "animated.gif": Picture(
        "a GIF that moves",
        lambda: pictures.gif([draw(f"animated {number}") for number in range(3)]),
        GIF,
    ),
    "plain.bmp": Picture("a BMP", lambda: pictures.bmp(draw("bmp")), "image/bmp"),
    "plain.webp": Picture("a WebP", lambda: pictures.WEBP, "image/webp"),
    "plain.svg": Picture("an SVG", lambda: pictures.svg("svg"), SVG),
    "script.svg": Picture(
        "an SVG with a script in it",
        lambda: pictures.svg("script", '<script>alert("a script")</script>\n'),
        SVG,
    ),
    "moved.png": _moved("redirected to a PNG", f"{FOLDER}moved-here.png"),
    "moved-here.png": _png("where the redirect leads", "moved"),
    "moved-to-page.png": _moved("redirected to a page of HTML", f"{FOLDER}2.html"),
    "as-text.png": Picture("a PNG as text/plain", lambda: pictures.png(draw("as text")), PLAIN),
    "as-jpeg.jpg": Picture("a PNG as image/jpeg", lambda: pictures.png(draw("as JPEG")), JPEG),
    "as-octets.png": Picture("a PNG as bytes", lambda: pictures.png(draw("as octets")), OCTETS),
    "untyped.png": Picture("a PNG without a type", lambda: pictures.png(draw("untyped")), None),
    "truncated.jpg": Picture("the first half of a JPEG", lambda: pictures.cover()[:35_000], JPEG),
    "truncated.png": Picture(
        "the first half of a PNG", lambda: pictures.png(draw("truncated", 96, 64))[:800]
    ),
    "checksum.png": Picture("a PNG in which a byte is wrong", _wrong_checksum),
    "page.png": Picture("HTML as image/png", lambda: _NO_PICTURE),
    "noise.png": Picture("bytes that are no picture", lambda: draw("noise").rows[0] * 40),
    "empty.png": Picture("an empty file", lambda: b""),
    "bomb.png": Picture(
        f"{BOMB:,} x {BOMB:,} pixels in 50 kB", lambda: pictures.png_bomb(BOMB, BOMB)
    ),
    "absurd.png": Picture(
        f"a PNG that says it has {ABSURD:,} x {ABSURD:,} pixels",
        lambda: pictures.png_of(
            pictures.png_head(ABSURD, ABSURD), pictures.png_chunk(b"IDAT", b"")
        ),
    ),
    "nothing.png": Picture(
        "a PNG of 0 x 0 pixels",
        lambda: pictures.png_of(pictures.png_head(0, 0), pictures.png_chunk(b"IDAT", b"")),
    ),
    "missing.png": Picture("404", lambda: _NO_PICTURE, HTML, 404),
    "pixel.gif": Picture("one pixel that nobody sees, to count who looks", _pixel, GIF),
    "endless.png": Picture("a PNG that never ends", lambda: _ENDLESS),
}

PICTURES: Mapping[str, Picture] = _SHOWN | _PLAIN

# With what is asked for, where that is more than the name.
_QUERIES = {"query.png": "?size=large&v=2", "pixel.gif": "?page=gallery&visitor=1"}

# Shown again on the second page, with URLs written in another way.
AGAIN = ("plain.png", "cover.jpg", "still.gif", "width-640.png", "same.png", "moved.png")


def picture_url(name: str) -> str:
    """Return the path of a picture, percent-encoded."""
    return FOLDER + quote(name, safe=",")


@cache
def picture_answer(name: str) -> Answer:
    """Return what is answered for a picture of ``PICTURES``."""
    return PICTURES[name].answer()


def _reply(request: Request) -> Answer:
    name = request.argument("name")
    if name in PICTURES:
        return picture_answer(name)
    return Answer(404, _NO_PICTURE, HTML)


def _figures(figures: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f"<figure>{markup}\n<figcaption>{html.escape(caption)}</figcaption></figure>\n"
        for caption, markup in figures
    )


def _img(src: str, what: str) -> str:
    return f'<img src="{html.escape(src)}" alt="{html.escape(what)}">'


def _simple() -> Iterable[tuple[str, str]]:
    for name, picture in _PLAIN.items():
        # As people write it: not percent-encoded.
        src = name + _QUERIES.get(name, "")
        yield name, _img(src, picture.what)


def _data_urls() -> dict[str, str]:
    small = b64encode(pictures.png(draw("data", 8, 8))).decode("ascii")
    return {
        "a PNG in base64": f"data:image/png;base64,{small}",
        "an SVG, percent-encoded": "data:image/svg+xml," + quote(pictures.svg("data").decode()),
        "base64 that is none": "data:image/png;base64,*not base64*",
        "nothing at all": "data:,",
    }


# How a picture can be shown, other than by an img with a src.
_WAYS = (
    (
        "srcset with widths",
        '<img src="width-80.png" srcset="width-160.png 160w, width-320.png 320w,\n'
        'width-640.png 640w" sizes="(max-width: 600px) 160px, 320px" alt="widths: 80 to 640">',
    ),
    (
        "srcset with densities",
        '<img src="density-1.png" srcset="density-1.5.png 1.5x, density-3.png 3x"'
        ' alt="densities: 1 to 3">',
    ),
    (
        "srcset with commas in URLs",
        '<img src="with,comma.png" srcset="with,comma.png, with,comma-2.png 2x" alt="commas">',
    ),
    (
        "srcset and no src",
        '<img srcset="/gallery/plain.png 1x, {origin}/gallery/plain.png?2 2x" alt="no src">',
    ),
    (
        "picture",
        '<picture>\n<source type="image/webp" srcset="picture.webp">\n'
        '<source media="(min-width: 800px)"\n'
        ' srcset="picture-wide.png, picture-wide-2.png 2x">\n'
        '<img src="picture-fallback.png" alt="a picture element">\n</picture>',
    ),
    ("data-src", '<img src="placeholder.gif" data-src="lazy-src.png" alt="in data-src">'),
    (
        "data-srcset",
        '<img class="lazyload" src="placeholder.gif"\n'
        ' data-srcset="lazy-small.png 48w, lazy-large.png 144w" alt="in data-srcset">',
    ),
    (
        "data-original",
        '<img src="placeholder.gif" data-original="/gallery/lazy-original.png"\n'
        ' alt="in data-original">',
    ),
    ("loading=lazy", '<img loading="lazy" src="lazy-native.png" alt="loading=lazy">'),
    ("noscript", '<noscript><img src="lazy-noscript.png" alt="in noscript"></noscript>'),
    ("style, bare", '<div style="background-image: url(style-bare.png)">bare</div>'),
    (
        "style, single quotes",
        "<div style=\"background: #eee url( 'style-single.png' ) no-repeat\">single</div>",
    ),
    (
        "style, double quotes",
        '<div style="background: url(&quot;style-double.png&quot;)">double</div>',
    ),
    ("style element", '<div class="sheet">see the style element</div>'),
    ("a link", '<a href="full.png"><img src="thumbnail.png" alt="the small one"></a>'),
    ("input", '<input type="image" src="button.png" alt="a button">'),
    ("video", '<video poster="poster.png"></video>'),
    ("svg", '<svg width="48" height="32"><image href="in-svg.png" width="48"/></svg>'),
    ("object", '<object data="object.svg" type="image/svg+xml">an object</object>'),
    ("a comment", '<!-- <img src="commented.png" alt="in a comment"> -->'),
    ("a script", "<script>const later = '<img src=\"in-script.png\">';</script>"),
    ("capitals, no quotes", "<IMG SRC=plain.png ALT=capitals>"),
    ("blanks around a URL", '<img src=" plain.png\n" alt="blanks">'),
    ("a fragment", '<img src="plain.svg#part" alt="a part of an SVG">'),
    ("without src", '<img alt="without src">'),
    ("an empty src", '<img src="" alt="an empty src">'),
    ("a file of the client", '<img src="file:///etc/passwd" alt="a file of your machine">'),
    ("a script as src", '<img src="javascript:alert(1)" alt="a script">'),
    ("another host", '<img src="http://pictures.invalid/a.png" alt="at a host that is none">'),
    ("no URL", '<img src="http://[::1/a.png" alt="what is no URL">'),
)

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Gallery</title>
<link rel="icon" href="favicon.ico" sizes="16x16 32x32">
<link rel="apple-touch-icon" href="/gallery/touch-icon.png">
<meta property="og:image" content="{origin}/gallery/og.png">
<meta name="twitter:image" content="{origin}/gallery/og.png">
<style>.sheet {{ background-image: url(style-sheet.png) }}</style>
</head>
<body>
<h1>Gallery</h1>
<p>Pictures, good and bad, for a crawler that collects them.
<a href="2.html" rel="next">The second page</a> has some of them again.</p>
<h2>Pictures</h2>
{simple}<h2>Pictures within the page</h2>
{data}<h2>Ways to show one</h2>
{ways}</body>
</html>
"""

_SECOND_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Gallery, page 2</title>
<base href="{origin}/gallery/again/">
</head>
<body>
<h1>Gallery, page 2</h1>
<p>Pictures of <a href="../" rel="prev">the first page</a>; relative URLs here begin at a base.</p>
{again}</body>
</html>
"""


def _first(request: Request) -> Answer:
    origin = html.escape(request.origin)
    page = _PAGE.format(
        origin=origin,
        simple=_figures(_simple()),
        data=_figures((what, _img(url, what)) for what, url in _data_urls().items()),
        ways=_figures((what, markup.replace("{origin}", origin)) for what, markup in _WAYS),
    )
    return Answer(200, page.encode(), HTML)


def _second(request: Request) -> Answer:
    starts = ("../", FOLDER, request.origin + FOLDER, request.origin.partition(":")[2] + FOLDER)
    again = _figures(
        (name, _img(starts[number % len(starts)] + name, PICTURES[name].what))
        for number, name in enumerate(AGAIN)
    )
    page = _SECOND_PAGE.format(origin=html.escape(request.origin), again=again)
    return Answer(200, page.encode(), HTML)


ROUTES = (
    Route(FOLDER, _first, "pictures, good and bad, shown in every way"),
    Route(f"{FOLDER}2.html", _second, "some of them again"),
    Route(f"{FOLDER}{{name}}", _reply, "one of them", tuple(map(picture_url, PICTURES))),
)
