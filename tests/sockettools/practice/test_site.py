from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import pytest

from sockettools.practice.site import EDITIONS, MAX_PAGES, Told, site_page
from tests.growth import assert_growth
from tests.sockettools.practice.asking import ORIGIN, Elements, answer, body, links

if TYPE_CHECKING:
    from collections.abc import Callable


SITE = re.compile(re.escape(ORIGIN) + r"/site/(\d+)/(?:([2-9]|[1-9]\d+)\.html)?")


def text_of(data: bytes, content_type: str | None) -> str:
    """Read a page as the standard says: a mark, then the header, then what the page says."""
    for mark, codec in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le")):
        if data.startswith(mark):
            return data[len(mark) :].decode(codec)
    told = re.search(r"charset=([\w-]+)", content_type or "") or re.search(
        r'charset="?([\w-]+)', data[:1_024].decode("latin-1")
    )
    assert told is not None
    return data.decode(told[1])


def site_text(pages: int, number: int) -> str:
    given = answer(path_of(pages, number))
    assert isinstance(given.body, bytes)
    return text_of(given.body, given.content_type)


def path_of(pages: int, number: int) -> str:
    return f"/site/{pages}/" + (f"{number}.html" if number > 1 else "")


def numbers(pages: int, number: int) -> list[int]:
    """Return the pages of the site that a page links to."""
    found = []
    for url in links(site_text(pages, number), ORIGIN + path_of(pages, number)):
        if match := SITE.fullmatch(url):
            assert int(match[1]) == pages
            found.append(int(match[2] or 1))
        else:
            assert ".example" in url, url
    return found


@pytest.mark.parametrize("edition", range(len(EDITIONS)))
def test_each_edition(edition: int) -> None:
    number = 1_600 + edition
    text = site_text(100_000, number)
    language = EDITIONS[edition].language

    elements = Elements(text).found
    assert ("html", {"lang": language.code}) in elements
    assert f"<title>{language.page} {number} {language.of} 100000: " in text
    assert text.startswith("<!DOCTYPE html>\n")
    assert 8_000 < len(body(path_of(100_000, number))) < 10_000
    assert len(set(numbers(100_000, number))) >= 19
    identifiers = [about["id"] for _, about in elements if "id" in about]
    assert identifiers == ["middle", "end", "below"]
    relations = [about["rel"] for tag, about in elements if tag == "a" and "rel" in about]
    assert relations == ["up", "prev", "next", "nofollow ugc", "nofollow"]


def test_a_page_shows_several_kinds_of_links() -> None:
    hrefs = [about["href"] for tag, about in Elements(site_text(100, 5)).found if tag == "a"]

    for pattern in (
        r"\d+\.html",
        r"\./\d+\.html",
        r"\.\./100/\d+\.html",
        r"/site/100/\d+\.html",
        rf"{ORIGIN}/site/100/\d+\.html",
        r"\S+#middle",
        r"#below",
        r"https://forum\.example/\S+",
        r"mailto:\S+",
    ):
        assert any(re.fullmatch(pattern, href) for href in hrefs), pattern


@pytest.mark.parametrize("pages", [1, 2, 3, 9, 10, 300])
def test_all_pages_are_reached_and_each_has_one_url(pages: int) -> None:
    seen, following, depth = {1}, [1], 0
    while following:
        found = {other for number in following for other in numbers(pages, number)}
        following = sorted(found - seen)
        seen |= found
        depth += bool(following)

    assert seen == set(range(1, pages + 1))
    assert depth <= 3


def test_the_last_of_ten_million_is_eight_links_away() -> None:
    number, steps = MAX_PAGES, 0
    while number > 1:
        parent = (number - 2) // 8 + 1
        assert number in numbers(MAX_PAGES, parent)
        number, steps = parent, steps + 1

    assert steps == 8


def test_the_charsets_are_told_in_every_way() -> None:
    assert {edition.told for edition in EDITIONS} == set(Told)
    assert len({edition.charset for edition in EDITIONS}) == 11
    assert len({edition.language.code for edition in EDITIONS}) == 8


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/site/100/", 200),
        ("/site/100/1.html", 301),
        ("/site/100/2.html", 200),
        ("/site/100/100.html", 200),
        ("/site/100/101.html", 404),
        ("/site/100/0.html", 404),
        ("/site/100/02.html", 404),
        ("/site/100/2.htm", 404),
        ("/site/100/x.html", 404),
        ("/site/100/%C2%B2.html", 404),
        ("/site/100/999999999999999999999.html", 404),
        ("/site/0100/", 404),
        ("/site/0100/2.html", 404),
        ("/site/10000000/10000000.html", 200),
    ],
)
def test_what_is_there(path: str, status: int) -> None:
    assert answer(path).status == status


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"If-None-Match": '"1-100-7"'}, 304),
        ({"If-None-Match": '"other", W/"1-100-7"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"1-100-8"'}, 200),
        ({"If-Modified-Since": "{modified}"}, 304),
        ({"If-Modified-Since": "Sat, 02 Nov 2013 02:01:26 GMT"}, 200),
        ({"If-Modified-Since": "Fri, 31 Dec 2100 23:59:59 GMT"}, 304),
        ({"If-None-Match": '"1-100-8"', "If-Modified-Since": "{modified}"}, 200),
    ],
)
def test_conditional_requests(fields: dict[str, str], status: int) -> None:
    validators = answer("/site/100/7.html").fields
    modified = dict(validators)["Last-Modified"]
    sent = {name: value.replace("{modified}", modified) for name, value in fields.items()}

    given = answer("/site/100/7.html", sent)

    assert given.status == status
    assert given.fields == validators
    assert bool(given.body) == (status == 200)


def test_the_pages_are_the_same_on_every_machine() -> None:
    pages = [(1_000, number) for number in range(1, 33)] + [(MAX_PAGES, MAX_PAGES), (1, 1)]
    digest = hashlib.sha256()
    for number_of_pages, number in pages:
        digest.update(site_page(number_of_pages, number, ORIGIN))
        digest.update(repr(answer(path_of(number_of_pages, number)).fields).encode())

    # When it changes, VERSION has to be raised: the ETags vouch for the old pages.
    assert digest.hexdigest() == "6fcd04a08d079b6958a10013e9ea350b25ab2e6d9b93236194554547ad02b8f2"


def test_a_page_of_a_large_site_takes_no_longer() -> None:
    def prepare(pages: int) -> Callable[[], object]:
        return lambda: [site_page(pages, number, ORIGIN) for number in range(1, 1_001)]

    prepare(1_000)()  # each edition is set up once
    assert_growth(prepare, 1_000, MAX_PAGES, most=3)
