"""What a crawl sends for an ExactRequest, byte for byte."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.crawling import ROOT
from tests.servers.scripted import ScriptedServer, answer, redirect

if TYPE_CHECKING:
    from pathlib import Path

SPIDER = """
from scrapy import Spider

from netcrawl.requests import ExactRequest

class Exact(Spider):
    name = "exact"
    custom_settings = {
        "ROBOTSTXT_OBEY": False,
        "USER_AGENT": "tester",
        "DEFAULT_REQUEST_HEADERS": {"accept-language": "en", "X-ID": "default"},
    }

    async def start(self):
        yield ExactRequest(
            self.url + "/a",
            method="POST",
            body="a=1",
            cookies={"a": "1"},
            headers=[
                ("x-API-key", "k"),
                ("accept-ENCODING", "identity"),
                ("cookie", "from the jar"),
                ("x-one", "1"),
                ("content-length", "9"),
                ("TE", "trailers"),
                ("host", "h.test"),
                ("X-ONE", "2"),
                ("x-id", None),
            ],
        )

    def parse(self, response):
        pass
"""

HEAD = """\
POST {target} HTTP/1.1\r
x-API-key: k\r
accept-ENCODING: identity\r
cookie: a=1\r
x-one: 1\r
content-length: 3\r
TE: trailers\r
host: h.test\r
X-ONE: 2\r
accept-language: en\r
User-Agent: tester\r
{more}\r
"""


def test_a_redirect_and_a_retry_have_the_fields_of_the_request(tmp_path: Path) -> None:
    script = tmp_path / "exact.py"
    script.write_text(SPIDER)
    answers = (
        answer(status="503 Service Unavailable"),
        redirect("/b", "307 Temporary Redirect"),
        answer(b"done"),
    )
    with ScriptedServer(answers) as server:
        done = subprocess.run(
            [sys.executable, "-m", "scrapy", "runspider", script, "-a", f"url={server.url}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert "'downloader/response_status_count/200': 1" in done.stderr
    first = HEAD.format(target="/a", more="")
    redirected = HEAD.format(target="/b", more=f"Referer: {server.url}/a\r\n")
    assert [request.head.decode() for request in server.requests] == [first, first, redirected]
    assert [request.body for request in server.requests] == [b"a=1"] * 3
