"""The pipeline with a downloader that is a table; spiders/test_files.py has it in a crawl."""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import closing
from hashlib import sha256
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from scrapy.exceptions import (
    CloseSpider,
    DownloadTimeoutError,
    DropItem,
    IgnoreRequest,
    NotConfigured,
    ResponseDataLossError,
)
from scrapy.http import Request, Response
from scrapy.settings import Settings
from scrapy.spidermiddlewares.referer import RefererMiddleware

from netcrawl.failures import DiskError, NoRoom
from netcrawl.pipelines.files import FilesPipeline
from netcrawl.pipelines.media import (
    MAX_SIZE,
    MAX_SIZE_ON_DISK,
    MAX_TIME,
    Fetched,
    Status,
    StorePipeline,
    Unwanted,
)
from netcrawl.pipelines.store import INDEX, PARTIAL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from netcrawl.pipelines.new_file import FileOnItsWay

URL = "http://h/a.txt"

# What a URL leads to: a response, what is raised, or whatever makes one of the request.
Answers = dict[str, Any]


class Web:
    """Stands in for the crawler and its engine."""

    def __init__(self, root: Path, answers: Answers) -> None:
        self.answers = answers
        self.requests: list[Request] = []
        self.running = True
        self.closed: list[str] = []
        self.counts: dict[str, int] = {}
        self.settings = Settings()
        self.spider = SimpleNamespace(store=root, problem=None)
        self.engine = self
        self.scheduler = None
        self.stats = SimpleNamespace(inc_value=self._count)

    def _count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1

    def get_spider_middleware(self, kind: type[Any]) -> Any:
        assert kind is RefererMiddleware
        return RefererMiddleware(self.settings)

    async def close_spider_async(self, reason: str) -> None:
        self.closed.append(reason)

    async def download_async(self, request: Request) -> Response:
        self.requests.append(request)
        await asyncio.sleep(0)
        answer = self.answers[request.url]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Response)
        return answer


def page(body: bytes = b"1", status: int = 200, url: str = URL, **fields: str) -> Response:
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    return Response(url, status=status, body=body, headers=headers)


def conditional(body: bytes, url: str = URL, **fields: str) -> Any:
    """Answer as a server does that knows what it has sent."""

    def answer(request: Request) -> Response:
        etag = request.headers.get("If-None-Match")
        if etag is not None and etag.decode() == fields.get("ETag"):
            return page(b"", 304, url)
        return page(body, 200, url, **fields)

    return answer


def run(
    web: Web, *urls: str, kind: type[StorePipeline] = FilesPipeline, linked_from: str | None = None
) -> list[Fetched]:
    """Fetch them all at once, as a crawl of its own."""

    async def crawl() -> list[Fetched]:
        pipeline = kind.from_crawler(web)  # type: ignore[arg-type]
        pipeline.open_spider()
        try:
            return list(await asyncio.gather(*(pipeline.fetch(url, linked_from) for url in urls)))
        finally:
            pipeline.close_spider()

    return asyncio.run(crawl())


def files(root: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in root.iterdir() if not p.name.startswith(".")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_a_file_and_what_is_known_of_it(root: Path) -> None:
    fields = {"Content_Type": "text/plain; charset=x", "Last_Modified": "Mon", "ETag": '"1"'}
    web = Web(root, {URL: page(b"hello", **fields)})

    assert run(web, f"{URL}#top", linked_from="http://h/page?q") == [
        Fetched(
            Status.DOWNLOADED,
            path="a.txt",
            sha256="2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            size=5,
            content_type="text/plain; charset=x",
            last_modified="Mon",
        )
    ]
    assert files(root) == {"a.txt": b"hello"}
    (request,) = web.requests
    assert request.headers["Accept-Encoding"] == b"identity"
    assert request.headers["Referer"] == b"http://h/page?q"
    assert "If-None-Match" not in request.headers
    assert request.meta["download_maxsize"] == MAX_SIZE
    assert request.meta["download_timeout"] == MAX_TIME
    assert web.counts == {"files/downloaded": 1}


def test_each_url_is_downloaded_once_in_a_run(root: Path) -> None:
    web = Web(root, {URL: page()})

    fetched = run(web, URL, URL, f"{URL}#x")

    assert fetched == [fetched[0]] * 3
    assert len(web.requests) == 1


def test_the_limits_that_the_user_sets_hold(root: Path) -> None:
    web = Web(root, {URL: page()})
    web.settings.set("DOWNLOAD_MAXSIZE", 5, priority="spider")  # meant for pages
    web.settings.set("DOWNLOAD_TIMEOUT", 7, priority="cmdline")

    run(web, URL)

    assert web.requests[0].meta["download_maxsize"] == MAX_SIZE
    assert web.requests[0].meta["download_timeout"] == 7


def test_only_what_changed_is_downloaded_again(root: Path) -> None:
    same, other = "http://h/same", "http://h/other"
    web = Web(
        root,
        {
            same: conditional(b"same", same, ETag='"s"', Last_Modified="Mon"),
            other: conditional(b"old", other, ETag='"1"'),
        },
    )
    first = run(web, same, other)
    web.answers[other] = conditional(b"new", other, ETag='"2"')
    web.requests.clear()
    second = run(web, same, other)

    assert [fetched.status for fetched in second] == [Status.UNCHANGED, Status.DOWNLOADED]
    assert second[0] == Fetched(
        Status.UNCHANGED, **{k: v for k, v in vars(first[0]).items() if k != "status"}
    )
    # The new one has the place of the old.
    assert files(root) == {"same": b"same", "other": b"new"}
    asked = {request.url: request.headers for request in web.requests}
    assert asked[same]["If-None-Match"] == b'"s"'
    assert asked[same]["If-Modified-Since"] == b"Mon"
    assert [fetched.status for fetched in run(web, same, other)] == [Status.UNCHANGED] * 2


def test_a_server_without_validators_sends_the_same_again(root: Path) -> None:
    web = Web(root, {URL: page()})

    assert [run(web, URL)[0].path for _ in range(2)] == ["a.txt"] * 2
    assert files(root) == {"a.txt": b"1"}


@pytest.mark.parametrize("damage", ["remove", "grow"])
def test_a_file_that_is_not_there_any_more_is_downloaded(root: Path, damage: str) -> None:
    web = Web(root, {URL: conditional(b"1", ETag='"1"')})
    run(web, URL)
    if damage == "remove":
        (root / "a.txt").unlink()
    else:
        (root / "a.txt").write_bytes(b"mine, longer")

    (fetched,) = run(web, URL)

    assert fetched.status is Status.DOWNLOADED
    assert fetched.path is not None
    assert (root / fetched.path).read_bytes() == b"1"


def test_what_its_owner_has_changed_is_not_replaced(root: Path) -> None:
    web = Web(root, {URL: conditional(b"1", ETag='"1"')})
    run(web, URL)
    (root / "a.txt").write_bytes(b"M")  # of the same size
    web.answers[URL] = conditional(b"2", ETag='"2"')

    (fetched,) = run(web, URL)

    assert files(root) == {"a.txt": b"M", fetched.path: b"2"}


def test_a_file_that_two_urls_share_is_not_replaced_for_one(root: Path) -> None:
    one, other = "http://h/1/a.txt", "http://h/2/a.txt"
    web = Web(
        root, {one: conditional(b"1", one, ETag='"1"'), other: conditional(b"1", other, ETag='"1"')}
    )
    assert [fetched.path for fetched in run(web, one, other)] == ["a.txt"] * 2
    web.answers[one] = conditional(b"2", one, ETag='"2"')

    changed, same = run(web, one, other)

    assert (same.status, same.path) == (Status.UNCHANGED, "a.txt")
    assert changed.path != "a.txt"
    assert sorted(files(root).values()) == [b"1", b"2"]


def test_a_new_name_leaves_the_old_file(root: Path) -> None:
    web = Web(root, {URL: page(b"1", Content_Disposition="a; filename=v1.txt")})
    run(web, URL)
    web.answers[URL] = page(b"2", Content_Disposition="a; filename=v2.txt")
    run(web, URL)

    assert files(root) == {"v1.txt": b"1", "v2.txt": b"2"}


def test_two_urls_one_name(root: Path) -> None:
    urls = [f"http://h/{number}/A.txt" for number in range(3)]
    urls.append("http://h/x/a.TXT")
    web = Web(root, {url: page(url.encode(), url=url) for url in urls})

    fetched = run(web, *urls)

    assert len({str(one.path).lower() for one in fetched}) == 4
    assert [(root / str(one.path)).read_bytes() for one in fetched] == [u.encode() for u in urls]
    again = run(web, *reversed(urls))
    assert [one.path for one in again] == [one.path for one in reversed(fetched)]


def test_a_validator_of_another_source_does_not_count(root: Path) -> None:
    web = Web(root, {URL: conditional(b"1", "http://h/v1?signature=x", ETag='"1"')})
    run(web, URL)
    # A signature that is made anew for each redirect is no other source.
    web.answers[URL] = conditional(b"1", "http://h/v1?signature=y", ETag='"1"')
    assert run(web, URL)[0].status is Status.UNCHANGED
    web.answers[URL] = conditional(b"2", "http://h/v2?signature=z", ETag='"1"')

    (fetched,) = run(web, URL)

    assert fetched.status is Status.DOWNLOADED
    assert (root / str(fetched.path)).read_bytes() == b"2"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (page(status=404), "page http://h/a.txt answered 404 Not Found"),
        (page(status=206), "page http://h/a.txt answered 206 Partial Content"),
        (page(status=304), "page http://h/a.txt answered 304 Not Modified and leads to no other"),
        (DownloadTimeoutError(), "h took too long: http://h/a.txt cannot be retrieved"),
        (ResponseDataLossError(), "page http://h/a.txt ended before it was complete"),
        (IgnoreRequest("Forbidden by robots.txt"), "the robots.txt of h forbids http://h/a.txt"),
        (Response(URL, body=b"1", flags=["dataloss"]), "http://h/a.txt ended before it was"),
        (page(Content_Encoding="zip"), "http://h/a.txt is compressed in an unknown way, 'zip'"),
        (ZeroDivisionError("of a middleware"), "http://h/a.txt cannot be retrieved: of a midd"),
    ],
)
def test_a_failure_is_told_and_leaves_no_file(root: Path, answer: object, problem: str) -> None:
    other = "http://h/other"
    web = Web(root, {URL: answer, other: page(url=other)})

    failed, fine = run(web, URL, other)

    assert failed.status is Status.FAILED
    assert failed.problem is not None
    assert failed.problem.startswith(problem)
    assert failed.path is None
    assert fine.status is Status.DOWNLOADED
    assert files(root) == {"other": b"1"}


def test_what_failed_the_last_time_is_kept_when_it_fails(root: Path) -> None:
    web = Web(root, {URL: conditional(b"1", ETag='"1"')})
    run(web, URL)
    working, web.answers[URL] = web.answers[URL], page(status=500)
    assert run(web, URL)[0].status is Status.FAILED
    web.answers[URL] = working

    assert run(web, URL)[0].status is Status.UNCHANGED


@pytest.mark.parametrize("url", ["file:///etc/passwd", "data:,x", "http://u:p@h/", "/a", ""])
def test_only_http_urls_are_asked_for(root: Path, url: str) -> None:
    web = Web(root, {})

    (fetched,) = run(web, url)

    assert fetched.status is Status.FAILED
    assert web.requests == []


class SpooledResponse(Response):
    body_path: Path
    body_size: int
    body_sha256: str

    @property
    def body(self) -> bytes:
        raise AssertionError("not needed in memory")


def spooled(path: Path, content: bytes, status: int = 200) -> SpooledResponse:
    path.write_bytes(content)
    response = SpooledResponse(URL, status=status)
    response.body_path = path
    response.body_size = len(content)
    response.body_sha256 = sha256(content).hexdigest()
    return response


@pytest.mark.parametrize(
    ("obstacle", "is_moved"),
    [
        pytest.param(None, True, id="none"),
        pytest.param(OSError(errno.EXDEV, "elsewhere"), False, id="another file system"),
        pytest.param(8, False, id="another size than was said"),
    ],
)
def test_a_body_that_the_handler_has_put_on_disk(
    obstacle: OSError | int | None,
    is_moved: bool,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = b"x" * 3_000_000
    response = spooled(tmp_path / "spool", content)
    number = response.body_path.stat().st_ino
    web = Web(root, {URL: response})
    rename = type(tmp_path).rename

    def renamed(path: Path, target: Path) -> Path:
        if isinstance(obstacle, OSError):
            raise obstacle
        return rename(path, target)

    monkeypatch.setattr(type(tmp_path), "rename", renamed)
    if isinstance(obstacle, int):
        response.body_size = obstacle

    (fetched,) = run(web, URL)

    assert (fetched.size, fetched.sha256) == (len(content), sha256(content).hexdigest())
    assert files(root) == {"a.txt": content}
    assert ((root / "a.txt").stat().st_ino == number) == is_moved
    assert not response.body_path.exists()
    assert [*(root / PARTIAL).iterdir()] == []


def test_where_the_handler_is_to_put_it(root: Path) -> None:
    web = Web(root, {URL: page()})
    run(web, URL)
    (request,) = web.requests

    assert request.meta["spool"] is True
    assert request.meta["spool_folder"] == str(root / PARTIAL)
    assert request.meta["spool_maxsize"] == MAX_SIZE_ON_DISK
    assert request.meta["download_maxsize"] == MAX_SIZE


def test_a_spooled_body_is_removed_if_it_is_not_wanted(root: Path, tmp_path: Path) -> None:
    response = spooled(tmp_path / "spool", b"x", status=404)

    run(Web(root, {URL: response}), URL)

    assert not response.body_path.exists()


def test_a_disk_that_the_handler_finds_full_stops_the_crawl(root: Path) -> None:
    web = Web(root, {URL: DiskError("there was no room for the body", "No space left on device")})

    (fetched,) = run(web, URL)

    assert fetched.problem == f"store {root} cannot be written: No space left on device"
    assert (web.spider.problem, web.closed) == (fetched.problem, ["store_error"])


def test_too_little_room_for_one_file_is_no_reason_to_stop(root: Path) -> None:
    other = "http://h/other"
    web = Web(root, {URL: NoRoom("there is no room"), other: page(url=other)})

    failed, fine = run(web, URL, other)

    assert failed.problem == f"{URL} cannot be retrieved: there is no room"
    assert fine.status is Status.DOWNLOADED
    assert web.closed == []


def test_a_full_disk_stops_the_crawl(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise OSError(28, os.strerror(28))

    other = "http://h/other"
    web = Web(root, {URL: page(), other: page()})

    async def crawl() -> None:
        pipeline = FilesPipeline.from_crawler(web)  # type: ignore[arg-type]
        pipeline.open_spider()
        monkeypatch.setattr(os, "fsync", refuse)
        with closing(SimpleNamespace(close=pipeline.close_spider)):
            fetched = await pipeline.fetch(URL)
            with pytest.raises(DropItem):
                await pipeline.fetch(other)
        problem = f"store {root} cannot be written: No space left on device"
        assert (fetched.status, fetched.problem) == (Status.FAILED, problem)
        assert web.spider.problem == problem

    asyncio.run(crawl())

    assert web.closed == ["store_error"]
    assert len(web.requests) == 1
    assert files(root) == {}


def test_a_crawl_that_is_being_stopped_begins_no_download(root: Path) -> None:
    web = Web(root, {URL: page()})
    web.running = False

    with pytest.raises(DropItem):
        run(web, URL)
    assert web.requests == []


def test_a_store_that_cannot_be_opened_closes_the_spider(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    web = Web(tmp_path / "file", {})

    with pytest.raises(CloseSpider):
        run(web)

    assert web.spider.problem == f"store {tmp_path / 'file'} cannot be written: File exists"


def test_an_index_that_cannot_be_read_is_told(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    run(Web(root, {URL: page()}), URL)
    (root / INDEX).write_bytes(b"junk" * 5000)

    assert run(Web(root, {URL: page()}), URL)[0].path == "a.txt"
    assert [record.getMessage() for record in caplog.records] == [
        f"the index of store {root} cannot be read, and is started anew: "
        "files are downloaded whether they changed or not"
    ]


def test_it_is_for_spiders_with_a_store(root: Path) -> None:
    web = Web(root, {})
    web.spider = SimpleNamespace()

    with pytest.raises(NotConfigured):
        FilesPipeline.from_crawler(web)  # type: ignore[arg-type]


class Texts(StorePipeline):
    """What an images pipeline does: look at the file, name it, refuse it."""

    kind = "texts"

    def inspect(self, file: FileOnItsWay, response: Response) -> dict[str, Any]:
        content = file.path.read_bytes()
        if content.startswith(b"%"):
            raise Unwanted(f"{response.url} is no text")
        return {"lines": content.count(b"\n")}

    def name(self, response: Response, details: Mapping[str, Any]) -> str:
        return f"{details['lines']}-{super().name(response, details)}"


def test_a_pipeline_that_looks_at_its_files(root: Path) -> None:
    other = "http://h/b.txt"
    web = Web(root, {URL: conditional(b"a\nb\n", ETag='"1"'), other: page(b"%PDF", url=other)})
    for status in (Status.DOWNLOADED, Status.UNCHANGED):
        text, refused = run(web, URL, other, kind=Texts)
        assert (text.status, text.path, text.details) == (status, "2-a.txt", {"lines": 2})
        assert (refused.status, refused.problem) == (Status.FAILED, "http://h/b.txt is no text")
    assert files(root) == {"2-a.txt": b"a\nb\n"}
    assert list((root / ".partial").iterdir()) == []


def test_what_is_wrong_with_a_pipeline_is_not_hidden(root: Path) -> None:
    class Broken(Texts):
        def name(self, response: Response, details: Mapping[str, Any]) -> str:
            raise KeyError(response.url, details)

    with pytest.raises(KeyError):
        run(Web(root, {URL: page()}), URL, kind=Broken)
    assert files(root) == {}
