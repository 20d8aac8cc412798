from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from scrapy import Request
from scrapy.core.downloader import Downloader, Slot
from scrapy.exceptions import NotConfigured
from scrapy.settings import Settings

from netcrawl.download.loopback import LoopbackDelay, LoopbackProxyMiddleware
from tests.crawling import crawl

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

PROXY = "http://proxy.example:3128"


def crawler(**downloader: Any) -> Crawler:
    settings = Settings()
    settings.set("DOWNLOAD_DELAY", 1.0, priority="project")
    return SimpleNamespace(  # type: ignore[return-value]
        settings=settings,
        signals=SimpleNamespace(connect=lambda *_: None),
        engine=SimpleNamespace(downloader=SimpleNamespace(**downloader)),
    )


@pytest.mark.parametrize(
    ("url", "delay"),
    [
        ("http://127.0.0.1:8000/", 0.0),
        ("http://127.1.2.3/", 0.0),
        ("http://[::1]/", 0.0),
        ("http://localhost/", 0.0),
        ("http://example.com/", 1.0),
        ("http://localhost.example.com/", 1.0),
    ],
)
def test_the_delay_is_lifted_on_loopback_only(url: str, delay: float) -> None:
    slot = Slot(concurrency=8, delay=1.0, jitter=0.5)
    request = Request(url, meta={Downloader.DOWNLOAD_SLOT: "key"})

    LoopbackDelay.from_crawler(
        crawler(slots={"key": slot}, DOWNLOAD_SLOT=Downloader.DOWNLOAD_SLOT, per_slot_settings={})
    ).lift(request)

    assert slot.delay == delay


def test_a_delay_that_was_asked_for_stays() -> None:
    asked = crawler()
    asked.settings.set("DOWNLOAD_DELAY", 2.0, priority="cmdline")

    with pytest.raises(NotConfigured):
        LoopbackDelay.from_crawler(asked)


@pytest.mark.parametrize(
    ("url", "meta", "proxy"),
    [
        ("http://127.0.0.1:8000/", {}, None),
        ("http://localhost/", {}, None),
        ("http://example.com/", {}, PROXY),
        ("http://127.0.0.1/", {"proxy": PROXY}, PROXY),
        ("http://example.com/", {"proxy": None}, None),
    ],
)
def test_the_environments_proxy_is_not_for_loopback(
    url: str, meta: dict[str, str | None], proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", PROXY)
    monkeypatch.delenv("no_proxy", raising=False)
    request = Request(url, meta=meta)

    LoopbackProxyMiddleware().process_request(request)

    assert request.meta.get("proxy") == proxy


def test_the_main_job_behind_a_proxy_that_is_not_there() -> None:
    environment = {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""}

    done = crawl("follow", environment=environment)

    assert (done.status, done.stdout) == (0, "Merina\n")
