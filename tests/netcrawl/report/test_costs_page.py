"""What the reports of jobs and servers say, and that nothing in them does anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netcrawl.report.costs_page import costs_page
from tests.netcrawl.report.made_comparisons import a_job, a_job_that_differs, some_servers
from tests.netcrawl.report.reading_pages import check, rows, section
from tests.netcrawl.report.test_crawl_page import HOSTILE


def test_a_job() -> None:
    page = check(costs_page(a_job()))

    assert "Same answer from all (sockets, spider): 8 lines." in page.get_text()
    assert rows(section(page, "costs"), "What each way takes") == [
        ["sockets", "35", "8", "1", "700 B", "50.0 kB", "200 ms", "21.0 MB"],
        ["spider", "–", "8 + robots.txt", "1", "700 B", "50.0 kB", "200 ms", "21.0 MB"],
    ]
    times = section(page, "times")
    caption = ", by what a round trip takes: the median (the least–the greatest)"
    assert rows(times, f"Time by the clock{caption}") == [
        ["sockets", "100 ms", "2.10 s (1.10 s–3.10 s)"],
        ["spider", "1.00 s", "3.00 s (2.00 s–4.00 s)"],
    ]
    assert rows(times, f"Of that on the network{caption}") == [
        ["sockets", "50.0 ms", "250 ms"],
        ["spider", "50.0 ms", "250 ms"],
    ]
    assert [it.get_text() for it in times.find_all("h3")] == [
        "A round trip on the network takes 0 ms",
        "A round trip on the network takes 200 ms",
    ]
    assert "sockets is done first, after 100 ms." in times.get_text()
    assert [it.get_text() for it in page.find_all("pre")] == ["print('sockets')\n"]
    assert "a note" in page.find("aside").get_text()  # type: ignore[union-attr]
    assert page.find("div", "same") is not None


def test_a_job_that_was_done_otherwise() -> None:
    page = check(costs_page(a_job_that_differs("otherwise")))

    text = page.get_text()
    assert "otherwise has another answer than sockets: otherwise" in text
    assert "otherwise! failed: otherwise" in text
    assert "otherwise: 2 runs brought no answer" in text
    assert "NOT COMPARABLE, since the answers differ." in text
    assert page.find("div", "differs") is not None


def test_a_job_that_nobody_did() -> None:
    ways = [replace(way, problem="refused", wall=(), cpu=None, peak=None) for way in a_job().ways]

    page = check(costs_page(replace(a_job(), ways=tuple(ways))))

    assert "sockets failed: refused" in page.get_text()
    assert page.find("section", id="times") is None


def test_servers() -> None:
    page = check(costs_page(some_servers()))

    echo = section(page, "echo")
    assert rows(echo, "The echo server: round trips")[3] == [
        *("serial", "1,000", "1,000,000", "900–1,100,000", "10.0 µs", "30.0 MB", "100 µs"),
        "2.00 ms",
    ]
    assert len(echo.find_all("figure")) == 2
    assert "Same answers from all of them." in page.get_text()


def test_servers_that_failed() -> None:
    page = check(costs_page(some_servers("it hung up")))

    text = page.get_text()
    assert "greet of serial gives another answer, and is not timed: it hung up" in text
    assert "echo of threads with 1,000 clients failed: it hung up" in text
    assert "Same answers" not in text
    assert page.find("div", "differs") is not None


def test_no_server_could_be_measured() -> None:
    page = check(costs_page(replace(some_servers("no"), rows=())))

    assert page.find("section") is None


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_content_stays_text(hostile: str) -> None:
    for costs in (a_job_that_differs(hostile), some_servers(hostile)):
        page = check(costs_page(costs))  # which looks for what acts
        for char in "\u202e\u2066\x1b\x07\x00":
            assert char not in str(page)
