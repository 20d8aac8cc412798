from __future__ import annotations

import urllib.request
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

import pytest
from scrapy.exceptions import CloseSpider

from netcrawl.extensions.practice import PracticeWeb
from sockettools.errors import ListenError

if TYPE_CHECKING:
    from scrapy import Spider


def spider(**attributes: Any) -> Spider:
    return SimpleNamespace(**attributes)  # type: ignore[return-value]


def test_a_spider_without_url_gets_one_that_answers_until_it_closes() -> None:
    extension = PracticeWeb()
    opened: Any = spider(url=None, practice_path="/romeo.txt")
    extension.spider_opened(opened)
    with urllib.request.urlopen(opened.url) as response:
        assert len(response.read()) == 167
    extension.spider_closed()

    with pytest.raises(URLError):
        urllib.request.urlopen(opened.url)


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"url": "http://h/", "practice_path": "/"}, id="has a url"),
        pytest.param({}, id="somebody else's spider"),
    ],
)
def test_others_are_left_alone(attributes: dict[str, str]) -> None:
    extension = PracticeWeb()
    opened = spider(**attributes)

    extension.spider_opened(opened)
    extension.spider_closed()

    assert vars(opened) == attributes


def test_no_port_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: int) -> None:
        raise ListenError("too many open files")

    monkeypatch.setattr("sockettools.practice.PracticeServer", fail)

    opened: Any = spider(url=None, practice_path="/")
    with pytest.raises(CloseSpider):
        PracticeWeb().spider_opened(opened)
    assert opened.problem == "the practice web cannot be started: too many open files"
