from __future__ import annotations

import hashlib
import http.client
import time
from contextlib import closing
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from sockettools.practice import PracticeServer
from sockettools.practice.answers import Answer, Raw
from sockettools.practice.files import (
    FILES,
    FOLDER,
    LARGE,
    MODIFIED,
    NAMED_FOLDER,
    NAMES,
    file_url,
)
from tests.patience import SECONDS
from tests.sockettools.practice.asking import ORIGIN, Elements, answer, body, links, reply

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED_URLS = [NAMED_FOLDER + key for key in NAMES]
URLS = [*map(file_url, FILES), *NAMED_URLS]

# Other than the one before, or not to be had.
UNSTEADY = [
    file_url(name)
    for name in ("changing.txt", "limited.pdf", "busy.pdf", "busy-until.pdf", "large.bin")
]
CUT = [file_url(name) for name in ("cut.pdf", "cut-chunked.pdf")]


def steady_body(url: str) -> bytes:
    replied = reply(url)
    assert isinstance(replied.body, bytes)
    return replied.body


@pytest.mark.parametrize("url", [url for url in URLS if url not in UNSTEADY + CUT])
def test_each_is_what_its_name_says(url: str) -> None:
    replied, content = reply(url), steady_body(url)

    if isinstance(replied, Answer) and replied.content_type == "application/pdf":
        rights = {"login.pdf": b"<!DOCTYPE html>", "empty.pdf": b""}
        assert content.startswith(rights.get(url.removeprefix(FOLDER), b"%PDF-1.4\n"))
    assert replied == reply(url), "the same again"


def test_files_of_other_kinds() -> None:
    assert answer("/files/archive.zip").content_type == "application/zip"
    assert body("/files/archive.zip").startswith(b"PK\3\4")
    assert body("/files/table.csv").decode() == "name,city\r\nZoë,København\r\n"
    assert answer("/files/table.csv").content_type == "text/csv; charset=utf-8"
    assert answer("/files/untyped.pdf").content_type is None
    assert answer("/files/octets.pdf").content_type == "application/octet-stream"
    assert body("/files/manual.pdf") == body("/files/copy-of-manual.pdf")
    assert body("/files/manual.pdf") != body("/files/paper.pdf")
    assert body("/files/empty.pdf") == b""
    assert body("/files/case.pdf") != body("/files/CASE.pdf")


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/files/missing.pdf", 404, None),
        ("/files/nope.pdf", 404, None),
        ("/files/named/nope", 404, None),
        ("/files/gone.pdf", 410, None),
        ("/files/moved.pdf", 302, "manual.pdf"),
        ("/files/moved-to-name.pdf", 301, "named/plain"),
    ],
)
def test_what_is_elsewhere_or_nowhere(path: str, status: int, location: str | None) -> None:
    given = answer(path)

    assert given.status == status
    assert dict(given.fields).get("Location") == location


@pytest.mark.parametrize(
    ("name", "etag", "modified"),
    [
        ("etag.txt", '"e-1"', None),
        ("modified.txt", None, MODIFIED),
        ("both.txt", '"b-1"', MODIFIED),
        ("weak.txt", 'W/"w-1"', None),
        ("large.bin", f'"{LARGE}"', MODIFIED),
    ],
)
def test_validators(name: str, etag: str | None, modified: str | None) -> None:
    given = answer(file_url(name))
    assert given.status == 200
    assert dict(given.fields).get("ETag") == etag
    assert dict(given.fields).get("Last-Modified") == modified

    for field, value in (("If-None-Match", etag), ("If-Modified-Since", modified)):
        if value is not None:
            again = answer(file_url(name), {field: value})
            assert (again.status, again.body, again.content_type) == (304, b"", None)
            assert again.fields == given.fields
    assert answer(file_url(name), {"If-None-Match": '"other"'}).status == 200
    assert (
        answer(file_url(name), {"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}).status == 200
    )


def test_one_that_changes_has_no_validators() -> None:
    given = [answer("/files/changing.txt", {"If-None-Match": "*"}) for _ in range(20)]

    assert {(one.status, one.fields) for one in given} == {(200, ())}
    assert len({one.body for one in given}) == 20


@pytest.mark.parametrize(
    ("name", "status"), [("limited.pdf", 429), ("busy.pdf", 503), ("busy-until.pdf", 503)]
)
def test_every_second_request_is_let_in(name: str, status: int) -> None:
    given = [answer(file_url(name)) for _ in range(4)]
    if given[0].status == 200:  # somebody else was refused before
        given = [*given[1:], answer(file_url(name))]

    assert [one.status for one in given] == [status, 200, status, 200]
    wait = dict(given[0].fields)["Retry-After"]
    if name == "busy-until.pdf":
        assert -1 <= parsedate_to_datetime(wait).timestamp() - time.time() <= 2
    else:
        assert wait == "1"
    assert given[1].fields == ()
    assert given[1].body == given[3].body


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/files/..%2F..%2Fetc%2Fpasswd", "../../etc/passwd"),
        ("/files/a%2F..%2F..%2Fb.pdf", "a/../../b.pdf"),
        ("/files/nul%00.pdf", "nul\0.pdf"),
        ("/files/line%0D%0AX-Injected%3A%20yes", "line\r\nX-Injected: yes"),
        ("/files/CON.txt", "CON.txt"),
        ("/files/a%3Ab", "a:b"),
        ("/files/blank.pdf%20", "blank.pdf "),
        ("/files/e%CC%81.pdf", "e\u0301.pdf"),
        ("/files/%C3%A9.pdf", "\u00e9.pdf"),
        (f"/files/{'x' * 296}.pdf", "x" * 296 + ".pdf"),
    ],
)
def test_odd_names(url: str, name: str) -> None:
    assert file_url(name) == url
    assert reply(url) == FILES[name].reply


def test_no_two_names_and_no_two_urls_are_the_same() -> None:
    assert len(set(URLS)) == len(URLS)
    assert {"case.pdf", "CASE.pdf"} < set(FILES)
    assert max(map(len, FILES)) == 300


@pytest.mark.parametrize("key", NAMES)
def test_names_in_content_disposition(key: str) -> None:
    replied = reply(NAMED_FOLDER + key)

    if isinstance(replied, Raw):
        assert key.startswith("raw-")
        assert isinstance(replied.head, bytes)
        assert f"\r\nContent-Disposition: {NAMES[key][0]}\r\n".encode("latin-1") in replied.head
    else:
        assert dict(replied.fields) == {"Content-Disposition": NAMES[key][0]}


def test_the_page_leads_to_every_file() -> None:
    page = body(FOLDER).decode()
    found = {quoted(url) for url in links(page, ORIGIN + FOLDER)}
    for _, about in Elements(page).found:
        for name in ("src", "data", "href"):
            if name in about:
                found.add(f"{ORIGIN}{FOLDER}{about[name]}")

    assert {ORIGIN + url for url in URLS} - found == set()


def quoted(url: str) -> str:
    """Return a link as a client sends it that finds it unquoted, or with a query."""
    raw = {"größe 大.pdf": "gr%C3%B6%C3%9Fe%20%E5%A4%A7.pdf", "two words.pdf": "two%20words.pdf"}
    raw |= {"a:b": "a%3Ab", "query.pdf?id=17&v=2": "query.pdf"}
    name = url.removeprefix(ORIGIN + FOLDER)
    return ORIGIN + FOLDER + raw.get(name, name)


def test_the_files_are_the_same_on_every_machine() -> None:
    digest = hashlib.sha256()
    for url in URLS:
        if url not in UNSTEADY:
            digest.update(steady_body(url))

    assert digest.hexdigest() == "b7cc812c66e80d624b4a43bd68eb4e0524dbdf47002caeb595b7a624a38bf36f"


@pytest.fixture(scope="module")
def practice() -> Iterator[PracticeServer]:
    with PracticeServer() as running:
        yield running


def test_each_as_it_is_served(practice: PracticeServer) -> None:
    with closing(http.client.HTTPConnection(practice.url[7:-1], timeout=SECONDS)) as connection:
        for url in URLS:
            if url in UNSTEADY + CUT:
                continue
            connection.request("GET", url)
            response = connection.getresponse()
            assert response.read() == steady_body(url), url
            assert not response.will_close, url


@pytest.mark.parametrize("url", CUT)
def test_those_that_are_cut_off(practice: PracticeServer, url: str) -> None:
    with closing(http.client.HTTPConnection(practice.url[7:-1], timeout=SECONDS)) as connection:
        connection.request("GET", url)
        with pytest.raises(http.client.IncompleteRead) as caught:
            connection.getresponse().read()
    assert caught.value.partial.startswith(b"%PDF-") or url.endswith("chunked.pdf")


def test_the_large_one(practice: PracticeServer) -> None:
    with closing(http.client.HTTPConnection(practice.url[7:-1], timeout=SECONDS)) as connection:
        connection.request("GET", "/files/large.bin")
        large = connection.getresponse().read()
        connection.request("GET", f"/bytes/{LARGE}")
        assert connection.getresponse().read() == large

    assert len(large) == 5_000_000
