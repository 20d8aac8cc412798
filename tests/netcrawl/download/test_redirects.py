"""Where redirects lead, seen on whole crawls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.crawling import crawl, read_json
from tests.servers.pages import Answer, PageServer

if TYPE_CHECKING:
    from pathlib import Path


def to(location: str) -> Answer:
    return Answer("", status=302, fields={"Location": location})


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], set[str], str]:
    """Return the paths asked for, the words counted, and the log of one crawl of many redirects."""
    folder: Path = tmp_path_factory.mktemp("redirects")
    links = ("secret-way", "out", "circle", "again", "refresh")
    pages: dict[str, Answer | str] = {
        "/": "home " + " ".join(f"<a href=/{link}>-</a>" for link in links),
        "/secret-way": to("/denied/page"),
        "/denied/page": "hidden",
        "/circle": to("/circle/2"),
        "/circle/2": to("/circle"),
        "/again": to("/target"),
        "/target": "target",
        "/refresh": "<meta http-equiv=refresh content='0; url=/denied/page'>",
    }
    with PageServer({"/": "elsewhere"}) as other, PageServer(pages) as server:
        pages["/out"] = to(f"{other.url}/")
        result = crawl(
            *("words", "-a", f"url={server.url}/", "-a", "depth=1", "-a", "deny=/denied/"),
            *("-O", folder / "words.json"),
        )
        assert other.requests == []
    assert result.status == 0
    words = {row["word"] for row in read_json(folder / "words.json")}
    return server.paths(), words, result.stderr


def test_none_leads_to_what_is_denied(done: tuple[list[str], set[str], str]) -> None:
    paths, words, log = done

    assert "/denied/page" not in paths
    assert "hidden" not in words
    assert "2 redirected denied" in log


def test_none_leads_out_of_the_crawl(done: tuple[list[str], set[str], str]) -> None:
    _, words, log = done

    assert "elsewhere" not in words
    assert "1 redirected outside of the host" in log


def test_a_circle_is_told(done: tuple[list[str], set[str], str]) -> None:
    _, _, log = done

    assert "/circle cannot be retrieved: it is redirected again and again" in log


def test_others_are_followed(done: tuple[list[str], set[str], str]) -> None:
    paths, words, log = done

    assert "/target" in paths
    assert {"home", "target"} <= words
    assert "Referer" not in log


def test_a_start_that_sets_a_cookie_and_leads_to_itself(tmp_path: Path) -> None:
    class OnceMore(dict[str, "Answer | str"]):
        def get(self, path: str, default: object = None) -> object:  # type: ignore[override]
            if path != "/":
                return default
            first, self.asked = not getattr(self, "asked", False), True
            cookie = Answer("", status=302, fields={"Location": "/", "Set-Cookie": "seen=1"})
            return cookie if first else "word"

    feed = tmp_path / "words.json"
    with PageServer(OnceMore()) as server:
        result = crawl("words", "-a", f"url={server.url}/", "-O", feed)
        fields = [fields.get("Cookie") for path, fields in server.requests if path == "/"]

    assert result.status == 0
    assert fields == [None, "seen=1"]
    assert read_json(feed) == [{"word": "word", "count": 1}]
