"""Binary copies of files, run as ``scrapy crawl files``."""

from __future__ import annotations

import gzip
import random
import signal
import subprocess
import sys
import threading
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from scrapy.exceptions import UsageError
from scrapy.http import HtmlResponse

from netcrawl.items import DownloadedFile
from netcrawl.pipelines.names import clean_name
from netcrawl.spiders.files import FilesSpider
from tests.crawling import ROOT, crawl, read_json, start_crawl
from tests.machine import needs_proc
from tests.servers.pages import Answer, PageServer
from tests.servers.scripted import ScriptedServer, answer, head

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.scripted import Client

BINARY = random.Random(1).randbytes(3_000_000)
PDF = "application/pdf"


def files(folder: Path) -> dict[str, bytes]:
    """Return what a person sees in it."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.startswith(".")}


def by_path(items: list[dict[str, Any]], server: PageServer) -> dict[str, dict[str, Any]]:
    return {str(item["url"]).removeprefix(server.url): item for item in items}


def test_a_url_on_the_practice_web(tmp_path: Path) -> None:
    done = crawl("files", "-a", f"store={tmp_path / 'new' / 'store'}")

    assert (done.status, done.stdout) == (0, f"{tmp_path}/new/store/cover.jpg\n")
    assert len((tmp_path / "new" / "store" / "cover.jpg").read_bytes()) == 70_057


def test_hostile_names_on_the_practice_web(tmp_path: Path) -> None:
    store = tmp_path / "a" / "store"
    matching = ("-a", "match=/files/named/|%")
    done = crawl("files", "-a", f"store={store}", *matching, "-O", tmp_path / "files.json")

    items = read_json(tmp_path / "files.json")
    assert done.status == 0
    assert len(items) > 40
    assert {item["status"] for item in items} == {"downloaded"}
    assert {item["path"]: item["sha256"] for item in items} == {
        name: sha256(content).hexdigest() for name, content in files(store).items()
    }
    assert len({name.lower() for name in files(store)}) == len(files(store))
    assert all(clean_name(name) == name for name in files(store))
    assert {path.name for path in tmp_path.iterdir()} == {"a", "files.json"}


def test_links_that_match_and_only_what_changed_the_next_time(tmp_path: Path) -> None:
    packed = gzip.compress(BINARY, mtime=0)
    pages = {
        "/": Answer(
            "<a href=a.pdf>A</a> <a href='sub/A.PDF?v=2#page=3'>other A</a> <a href=a.pdf>again</a>"
            "<a href=next.html>next</a> <a href=missing.pdf>gone</a> <a href=draft.pdf>no</a>"
            "<a href=data.tar.gz>packed</a> <audio src=cut.pdf></audio>"
        ),
        "/next.html": Answer(
            "<a href=get?id=1.pdf>named</a> <a href=a.pdf>A</a> <a href=/>top</a>"
        ),
        "/a.pdf": Answer(BINARY, PDF, fields={"ETag": '"a1"'}),
        "/sub/A.PDF?v=2": Answer("other", PDF, fields={"Last-Modified": "Mon, 01 Jan 2024"}),
        "/get?id=1.pdf": Answer(
            b"",
            PDF,
            fields={"Content-Disposition": 'attachment; filename="../../../etc/CON.pdf"'},
        ),
        "/data.tar.gz": Answer(packed, "application/x-tar", fields={"Content-Encoding": "gzip"}),
        "/cut.pdf": Answer(BINARY, PDF, cut=1000),
    }
    store = tmp_path / "store"
    with PageServer(pages) as server:
        command = (
            *("files", "-a", f"url={server.url}/", "-a", r"match=(?i)\.pdf|\.gz$", "-a", "depth=1"),
            *("-a", "deny=draft", "-a", f"store={store}", "-O", tmp_path / "files.json"),
        )
        first = crawl(*command, "-s", "RETRY_TIMES=0")
        items = by_path(read_json(tmp_path / "files.json"), server)
        stored = files(store)

        assert first.status == 0
        assert "Files: 4 downloaded, 2 failed, in" in first.stderr
        assert sorted(items) == sorted(
            [
                *("/a.pdf", "/sub/A.PDF?v=2", "/missing.pdf"),
                *("/data.tar.gz", "/cut.pdf", "/get?id=1.pdf"),
            ]
        )
        assert sorted(server.paths()) == sorted(["/", "/next.html", *items])
        assert stored.pop("_CON.pdf") == b""
        assert stored.pop("data.tar.gz") == packed
        assert sorted(stored.values()) == sorted([BINARY, b"other"])
        assert len({name.lower() for name in stored}) == 2
        for path in ("/a.pdf", "/sub/A.PDF?v=2"):
            item = items[path]
            body = pages[path].body
            content = body if isinstance(body, bytes) else body.encode()
            assert stored[item["path"]] == content
            assert (item["bytes"], item["sha256"]) == (len(content), sha256(content).hexdigest())
            assert (item["status"], item["problem"]) == ("downloaded", None)
        assert items["/a.pdf"]["page"] == f"{server.url}/"
        assert items["/sub/A.PDF?v=2"]["last_modified"] == "Mon, 01 Jan 2024"
        for path, problem in (("/missing.pdf", "answered 404"), ("/cut.pdf", "before it was comp")):
            assert (items[path]["status"], items[path]["path"]) == ("failed", None)
            assert problem in items[path]["problem"]

        server.requests.clear()
        pages["/sub/A.PDF?v=2"] = Answer("changed", PDF, fields={"Last-Modified": "Tue"})
        second = crawl(*command, "-s", "RETRY_TIMES=0")
        again = by_path(read_json(tmp_path / "files.json"), server)

        assert second.status == 0
        assert again["/a.pdf"] == {**items["/a.pdf"], "status": "unchanged"}
        assert again["/sub/A.PDF?v=2"]["status"] == "downloaded"
        assert again["/sub/A.PDF?v=2"]["path"] == items["/sub/A.PDF?v=2"]["path"]
        conditions = {path: fields["If-None-Match"] for path, fields in server.requests}
        assert conditions["/a.pdf"] == '"a1"'
    assert len(files(store)) == 4
    assert files(store)[again["/sub/A.PDF?v=2"]["path"]] == b"changed"


def test_killed_in_the_middle_of_a_file(tmp_path: Path) -> None:
    is_in_the_middle = threading.Event()

    def stall(client: Client) -> None:
        request = client.read_request()
        if request is not None and request.target == "/robots.txt":
            client.send(answer(status="404 Not Found"))
            request = client.read_request()
        client.send(head(f"Content-Length: {len(BINARY)}") + BINARY[:2_000_000])
        is_in_the_middle.set()
        client.wait_for_end()

    command = ("files", "-a", f"store={tmp_path}", "-a")
    with ScriptedServer(stall) as server, start_crawl(*command, f"url={server.url}/a") as process:
        assert is_in_the_middle.wait(60)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert files(tmp_path) == {}

    with PageServer({"/a": Answer(BINARY, None)}) as pages:
        assert crawl(*command, f"url={pages.url}/a").status == 0
    assert files(tmp_path) == {"a": BINARY}
    assert list((tmp_path / ".partial").iterdir()) == []


def test_a_full_disk(tmp_path: Path) -> None:
    with PageServer({"/1": "1" * 3_000_000, "/2": "2"}) as server:
        arguments = [f"url={server.url}/1 {server.url}/2", f"store={tmp_path}"]
        words = [word for argument in arguments for word in ("-a", argument)]
        # A limit on the size of files is as good as a disk that is full.
        done = subprocess.run(
            [
                *("bash", "-c", 'ulimit -f 1000; exec "$@"', "bash"),
                *(sys.executable, "-m", "scrapy", "crawl", "files", *words),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert done.returncode == 1
    told = f"store {tmp_path} cannot be written: File too large"
    assert done.stderr.splitlines()[-1].endswith(told)
    assert "Traceback" not in done.stderr
    assert "1" not in files(tmp_path)


def test_a_file_that_broke_off_is_gone_on_with(tmp_path: Path) -> None:
    def cut(client: Client) -> None:
        request = client.read_request()
        if request is not None and request.target == "/robots.txt":
            client.send(answer(status="404 Not Found"))
            request = client.read_request()
        client.send(head(f"Content-Length: {len(BINARY)}", 'ETag: "1"') + BINARY[:2_000_000])

    def rest(client: Client) -> None:
        request = client.read_request()
        assert request is not None
        first = int((request.field("Range") or "").removeprefix("bytes=").removesuffix("-"))
        part = f"Content-Range: bytes {first}-{len(BINARY) - 1}/{len(BINARY)}"
        client.send(answer(BINARY[first:], part, status="206 Partial Content"))

    with ScriptedServer(cut, rest) as server:
        done = crawl("files", "-a", f"store={tmp_path}", "-a", f"url={server.url}/a")

    assert done.status == 0
    assert files(tmp_path) == {"a": BINARY}
    assert [request.field("If-Range") for request in server.requests] == [None, None, '"1"']


# Not ru_maxrss, which begins with what the parent has.
MEASURED = """
import atexit, re, sys
from pathlib import Path
from scrapy.cmdline import execute
def tell():
    print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
atexit.register(tell)
execute(["scrapy", "crawl", *sys.argv[1:]])
"""


@needs_proc
def test_a_file_of_any_size_takes_no_more_memory(tmp_path: Path) -> None:
    block, times = BINARY[: 1024 * 1024], 300

    def script(client: Client) -> None:
        while (request := client.read_request()) is not None:
            if request.target == "/robots.txt":
                client.send(answer(status="404 Not Found"))
                continue
            client.send(head(f"Content-Length: {len(block) * times}"))
            for _ in range(times):
                client.send(block)

    with ScriptedServer(script) as server:
        arguments = [f"store={tmp_path}", "-a", f"url={server.url}/a", "--nolog"]
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, "files", "-a", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )

    path, kilobytes = done.stdout.splitlines()
    assert path == str(tmp_path / "a")
    assert (tmp_path / "a").stat().st_size == len(block) * times
    assert int(kilobytes) < 120_000


def test_a_url_that_cannot_be_had(tmp_path: Path) -> None:
    with PageServer({}) as server:
        done = crawl("files", "-a", f"url={server.url}/a", "-a", f"store={tmp_path}")

        assert (done.status, done.stdout) == (1, "")
        assert done.last_line.endswith(f"page {server.url}/a answered 404 Not Found")


@pytest.mark.parametrize(
    ("statuses", "problem"),
    [
        ([], "no link of 1 page matches 'pdf'"),
        (["failed", "failed"], "no file could be downloaded: because"),
        (["failed", "unchanged"], None),
        (["downloaded"], None),
    ],
)
def test_when_the_job_is_done(statuses: list[str], problem: str | None) -> None:
    spider = FilesSpider(url="http://h/", match="pdf")
    spider.pages_done = 1
    for status in statuses:
        because = "because" if status == "failed" else None
        spider.count(DownloadedFile("http://h/a", "http://h/", status=status, problem=because))

    assert spider.unfinished("finished") == problem


def test_each_url_that_was_given_counts() -> None:
    spider = FilesSpider(url="http://h/a http://h/b")
    spider.count(DownloadedFile("http://h/a", status="downloaded"))
    spider.count(DownloadedFile("http://h/b", status="failed", problem="b is gone"))

    assert spider.unfinished("finished") == "b is gone"


def test_a_store_that_cannot_be_used_costs_no_request(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with PageServer({}) as server:
        done = crawl("files", "-a", f"url={server.url}/", "-a", f"store={tmp_path}/file/x")

        assert done.status == 1
        assert done.last_line.endswith("cannot be written: Not a directory")
        assert server.requests == []


@pytest.mark.parametrize(
    "given",
    [
        {"match": "("},
        {"store": __file__},
        {"store": ""},
        {"store": "a\0b"},
        {"depth": "1"},
        {"url": "http://h/", "allow": "x"},
    ],
)
def test_arguments_that_cannot_be_used(given: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        FilesSpider(**given)


def found(markup: str, **given: str) -> list[str]:
    spider = FilesSpider(**{"url": "http://h/", "match": r"\.pdf$", **given})
    spider.scope.add_start("http://h/")
    page = HtmlResponse("http://h/d/", body=markup.encode(), encoding="utf-8")
    return [item.url for item in spider.parse_page(page)]


@pytest.mark.parametrize(
    ("markup", "urls"),
    [
        ("<a href='x.pdf#page=2'>1</a> <a href=x.pdf>2</a>", ["http://h/d/x.pdf"]),
        ("<map><area href=/x.pdf></map>", ["http://h/x.pdf"]),
        ("<link rel=alternate href=x.pdf>", ["http://h/d/x.pdf"]),
        ("<embed src=x.pdf><iframe src=y.pdf></iframe>", ["http://h/d/x.pdf", "http://h/d/y.pdf"]),
        ("<object data=x.pdf></object>", ["http://h/d/x.pdf"]),
        ("<video src=x.pdf><source src=y.pdf></video>", ["http://h/d/x.pdf", "http://h/d/y.pdf"]),
        ("<base href=//cdn.example/><a href=x.pdf>", ["http://cdn.example/x.pdf"]),
        ("<a href=file:///x.pdf> <a href='data:,.pdf'> <a href='http://[x.pdf'>", []),
        ("<img src=x.pdf>", []),
    ],
)
def test_links_to_files(markup: str, urls: list[str]) -> None:
    assert found(markup) == urls


def test_the_scope_is_for_pages_but_what_is_denied_is_never_requested() -> None:
    markup = "<a href=//other.example/x.pdf> <a href=y.pdf> <a href=secret.pdf>"

    assert found(markup, allow="/pages/", deny="secret") == [
        "http://other.example/x.pdf",
        "http://h/d/y.pdf",
    ]
