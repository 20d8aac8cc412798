from __future__ import annotations

import pytest

from tests.crawling import crawl
from tests.servers.pages import Answer, PageServer


@pytest.mark.parametrize(
    ("robots", "is_asked", "told"),
    [
        pytest.param(Answer("", status=500), False, "answers 500 for its robots.txt", id="5xx"),
        pytest.param(Answer("", status=403), True, "", id="4xx"),
        pytest.param("User-agent: *\nDisallow: /", False, "forbids", id="forbidden"),
    ],
)
def test_what_robots_txt_means(robots: Answer | str, is_asked: bool, told: str) -> None:
    with PageServer({"/": "<p>word", "/robots.txt": robots}) as server:
        done = crawl("words", "-a", f"url={server.url}/", "-s", "RETRY_TIMES=0")

    assert ("/" in server.paths()) is is_asked
    assert (done.status == 0) is is_asked
    assert told in done.stderr
    assert "Traceback" not in done.stderr
