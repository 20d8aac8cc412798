from __future__ import annotations

import hashlib
import http.client
import re
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

import pytest

from sockettools.practice import PracticeServer, pictures
from sockettools.practice.gallery import AGAIN, FOLDER, PICTURES, picture_url
from sockettools.practice.pictures import draw
from tests.patience import SECONDS
from tests.sockettools.practice.asking import ORIGIN, Elements, answer, body
from tests.sockettools.practice.test_pictures import gif_frames, png_chunks, png_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of the pictures whose octets are all right, whatever is said of them.
NOT_PNG = {
    *("moved.png", "moved-to-page.png", "truncated.png", "checksum.png", "page.png", "noise.png"),
    *("empty.png", "bomb.png", "absurd.png", "nothing.png", "missing.png", "endless.png"),
}
PNGS = [
    name
    for name in PICTURES
    if name not in NOT_PNG and name.endswith((".png", "as-jpeg.jpg", "no-extension"))
]


def names_in(markup: str, url: str) -> set[str]:
    """Return every picture that is named anywhere, comments and scripts included."""
    markup = re.sub("<figcaption>.*?</figcaption>", "", markup)
    bases = [about["href"] for tag, about in Elements(markup).found if tag == "base"]
    found = re.findall(r"""[^\s"'()<>=;]+\.(?:png|jpg|gif|bmp|webp|svg|ico)|no-extension""", markup)
    found += re.findall(r'src="([^"]*)"', markup)
    names = set()
    for reference in found:
        if reference.startswith(("data:", "file:", "http://[")):
            continue
        path = urlsplit(urljoin(urljoin(url, "".join(bases)), reference.strip())).path
        names.add(unquote(path.removeprefix(FOLDER)))
    return names


@pytest.mark.parametrize("name", PNGS)
def test_pngs(name: str) -> None:
    width, height, rows = png_rows(body(picture_url(name)))

    assert len(rows) == height
    assert width > 7


@pytest.mark.parametrize(
    ("name", "content_type", "start"),
    [
        ("cover.jpg", "image/jpeg", b"\xff\xd8\xff"),
        ("still.gif", "image/gif", b"GIF89a"),
        ("animated.gif", "image/gif", b"GIF89a"),
        ("pixel.gif", "image/gif", b"GIF89a\1\0\1\0"),
        ("plain.bmp", "image/bmp", b"BM"),
        ("plain.webp", "image/webp", b"RIFF"),
        ("plain.svg", "image/svg+xml", b"<svg "),
        ("favicon.ico", "image/vnd.microsoft.icon", b"\0\0\1\0\2\0"),
        ("as-text.png", "text/plain; charset=utf-8", pictures.PNG_SIGNATURE),
        ("as-jpeg.jpg", "image/jpeg", pictures.PNG_SIGNATURE),
        ("as-octets.png", "application/octet-stream", pictures.PNG_SIGNATURE),
        ("untyped.png", None, pictures.PNG_SIGNATURE),
        ("page.png", "image/png", b"<!DOCTYPE html>"),
        ("noise.png", "image/png", bytes(draw("noise").rows[0])),
    ],
)
def test_types(name: str, content_type: str | None, start: bytes) -> None:
    given = answer(picture_url(name))

    assert given.status == 200
    assert given.content_type == content_type
    assert body(picture_url(name)).startswith(start)


def test_what_moves_and_what_does_not() -> None:
    assert len(list(gif_frames(body("/gallery/animated.gif")))) == 3
    assert len(list(gif_frames(body("/gallery/still.gif")))) == 1
    assert list(gif_frames(body("/gallery/pixel.gif"))) == [b"\0"]


@pytest.mark.parametrize("name", ["plain.svg", "script.svg", "object.svg"])
def test_svgs(name: str) -> None:
    text = body(picture_url(name))

    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert (b"<script>" in text) == (name == "script.svg")


def test_what_is_wrong() -> None:
    with pytest.raises(AssertionError):
        list(png_chunks(body("/gallery/checksum.png")))
    assert b"IEND" not in body("/gallery/truncated.png")
    assert not body("/gallery/truncated.jpg").endswith(b"\xff\xd9")
    assert body("/gallery/cover.jpg").startswith(body("/gallery/truncated.jpg"))
    assert body("/gallery/empty.png") == b""
    assert len(body("/gallery/bomb.png")) < 50_000
    assert dict(png_chunks(body("/gallery/absurd.png")))[b"IHDR"][:4] == b"\x7f\xff\xff\xff"
    assert dict(png_chunks(body("/gallery/nothing.png")))[b"IHDR"][:8] == bytes(8)
    assert answer("/gallery/missing.png").status == 404
    assert answer("/gallery/nope.png").status == 404


def test_the_endless_one_is_right_as_far_as_it_goes() -> None:
    endless = answer("/gallery/endless.png").body
    assert not isinstance(endless, bytes)
    start = b"".join(piece for piece in islice(endless, 20) if isinstance(piece, bytes))

    chunks = list(png_chunks(start + pictures.png_chunk(b"IEND", b"")))
    assert {kind for kind, _ in chunks[1:-1]} == {b"tEXt"}
    assert len(chunks) == 21


def test_one_picture_under_two_urls_and_many_others() -> None:
    assert body("/gallery/plain.png") == body("/gallery/same.png")
    bodies = {name: body(picture_url(name)) for name in PNGS if name != "same.png"}
    assert len(set(bodies.values())) == len(bodies)


def test_redirects() -> None:
    assert dict(answer("/gallery/moved.png").fields) == {"Location": "/gallery/moved-here.png"}
    assert dict(answer("/gallery/moved-to-page.png").fields) == {"Location": "/gallery/2.html"}


def test_the_first_page_names_every_picture() -> None:
    named = names_in(body(FOLDER).decode(), ORIGIN + FOLDER)

    assert set(PICTURES) <= named


def test_the_second_page_has_some_of_them() -> None:
    named = names_in(body(FOLDER + "2.html").decode(), ORIGIN + FOLDER + "2.html")

    assert named == set(AGAIN)


def test_the_ways_to_show_one() -> None:
    elements = Elements(body(FOLDER).decode()).found
    images = [about for tag, about in elements if tag == "img"]

    assert [about for about in images if "src" not in about and "srcset" not in about]
    assert all(about.get("alt") for about in images)
    assert sum("srcset" in about for about in images) == 4
    assert {"data-src", "data-srcset", "data-original", "loading"} <= {
        name for about in images for name in about
    }
    assert sum(about.get("src", "").startswith("data:") for about in images) == 4
    assert {tag for tag, _ in elements} > {"picture", "source", "video", "image", "object", "input"}
    assert ("meta", {"property": "og:image", "content": f"{ORIGIN}/gallery/og.png"}) in elements
    assert sum("url(" in about.get("style", "") for _, about in elements) == 3
    assert body(FOLDER).decode().count("{") == 1, "of the style element"


def test_the_pages_lead_to_each_other() -> None:
    hrefs = [about["href"] for tag, about in Elements(body(FOLDER).decode()).found if tag == "a"]
    assert hrefs == ["2.html", "full.png"]
    assert b'<a href="../" rel="prev">' in body(FOLDER + "2.html")


def test_the_pictures_are_the_same_on_every_machine() -> None:
    digest = hashlib.sha256()
    for name in PICTURES:
        if name != "endless.png":
            digest.update(body(picture_url(name)))

    assert digest.hexdigest() == "50d03d66ca5f93794c010c828b144ea82a3c5c4e8e98d054050af95f6d2cfc6d"


@pytest.fixture(scope="module")
def connection() -> Iterator[http.client.HTTPConnection]:
    with (
        PracticeServer() as practice,
        closing(http.client.HTTPConnection(practice.url[7:-1], timeout=SECONDS)) as connected,
    ):
        yield connected


@pytest.mark.parametrize("name", [name for name in PICTURES if name != "endless.png"])
def test_each_as_it_is_served(connection: http.client.HTTPConnection, name: str) -> None:
    connection.request("GET", picture_url(name))
    response = connection.getresponse()

    assert response.read() == body(picture_url(name))
    assert response.status == answer(picture_url(name)).status
    assert response.headers["Content-Type"] == PICTURES[name].content_type
    assert not response.will_close
