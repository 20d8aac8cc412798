from __future__ import annotations

from scrapy import Request

from netcrawl.extensions.downloads import MAX_LINES, Downloads


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_large_download_is_shown_at_once() -> None:
    clock = Clock()
    downloads = Downloads(clock)
    request = Request("http://h/a/big.zip?x=1")
    downloads.began(request, 4_000_000)
    clock.now = 0.5
    downloads.came(request, bytes(1_000_000))

    (line,) = downloads.lines(70)

    assert line.startswith("big.zip                   25%")
    assert "1.0 MB of 4.0 MB  2.0 MB/s  0:02 left" in line
    assert len(line) <= 70
    downloads.ended(request)
    assert not list(downloads.lines(70))


def test_a_small_one_is_shown_once_it_takes_its_time() -> None:
    clock = Clock()
    downloads = Downloads(clock)
    request = Request("http://h/")
    downloads.began(request, None)
    downloads.came(request, b"x" * 500)

    assert not list(downloads.lines(70))
    clock.now = 2.0
    (line,) = downloads.lines(70)
    assert "500 B" in line


def test_there_are_only_so_many_lines() -> None:
    downloads = Downloads(Clock())
    for number in range(MAX_LINES + 5):
        downloads.began(Request(f"http://h/{number}"), 10_000_000)

    assert len(list(downloads.lines(70))) == MAX_LINES


def test_what_comes_for_nothing_that_began_is_left_alone() -> None:
    downloads = Downloads(Clock())
    downloads.came(Request("http://h/"), b"x")
    downloads.ended(Request("http://h/"))

    assert not list(downloads.lines(70))
