"""Jobs on a page that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcrawl.compare.jobs import compare_job, the_jobs
from tests.patience import SECONDS
from tests.servers.scripted import ScriptedServer, answer

if TYPE_CHECKING:
    from tests.servers.scripted import Client


def test_a_page_that_is_not_there_is_told_by_every_way() -> None:
    def refuse(client: Client) -> None:
        if client.read_request() is not None:
            client.send(
                answer(b"", "Content-Type: text/plain", "Connection: close", status="404 Not Found")
            )

    with ScriptedServer(refuse) as server:
        comparison = compare_job(
            the_jobs()["words"], f"{server.url}/", 1, round_trips=(0.0,), timeout=SECONDS
        )

    problems = {way.name: way.problem for way in comparison.ways}
    assert problems["sockets"] == f"{server.url}/: HTTP/1.1 404 Not Found"
    assert problems["spider"] == "it has no answer: the server said HTTP/1.1 404 Not Found"
    assert problems["scrapy crawl"] == f"page {server.url}/ answered 404 Not Found"
    assert "404 Not Found" in problems["sockettools"]
