from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydispatch.dispatcher import Any as AnySignal
from pydispatch.dispatcher import connect, disconnect
from scrapy import Request, responsetypes, signals
from scrapy.exceptions import StopDownload
from scrapy.http import Headers, HtmlResponse, JsonResponse, Response, TextResponse
from scrapy.signalmanager import SignalManager
from scrapy.utils import _download_handlers

from netcrawl.download.responses import check_stop_download, make_response, response_headers

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

NAMES = st.sampled_from([b"Age", b"AGE", b"set-cookie", b"Set-Cookie", b"x-1a", b"X_y", b"e\xe4"])


@given(st.lists(st.tuples(NAMES, st.binary(max_size=3))))
def test_headers_are_those_of_scrapy(fields: list[tuple[bytes, bytes]]) -> None:
    ours, scrapys = response_headers(fields), Headers(fields)
    assert list(ours.items()) == list(scrapys.items())
    assert ours.encoding == scrapys.encoding
    ours.appendlist("Age", "new")
    assert response_headers(fields) == scrapys


@pytest.mark.parametrize(
    ("url", "fields", "body", "kind"),
    [
        ("http://h/", {"Content-Type": "text/html; charset=latin-1"}, b"\xe4", HtmlResponse),
        ("http://h/", {"Content-Type": "application/json"}, b"{}", JsonResponse),
        ("http://h/", {"Content-Type": "text/html", "Content-Encoding": "br"}, b"", TextResponse),
        ("http://h/a.html", {}, b"", HtmlResponse),
        ("http://h/", {"Content-Disposition": 'attachment; filename="a.json"'}, b"", JsonResponse),
        ("http://h/", {}, b"<html>", HtmlResponse),
        ("http://h/", {}, b"\x00\x01", Response),
    ],
)
def test_a_response_is_that_of_scrapy(
    url: str, fields: dict[str, str], body: bytes, kind: type[Response]
) -> None:
    headers = Headers(fields)
    ours = make_response(url=url, status=201, headers=headers, body=body, flags=["a"])
    scrapys = _download_handlers.make_response(url, 201, Headers(fields), body, ["a"])
    assert type(ours) is type(scrapys) is kind
    assert ours.headers is headers
    assert {n: getattr(ours, n) for n in ours.attributes} == {
        n: getattr(scrapys, n) for n in scrapys.attributes
    }
    if isinstance(ours, TextResponse) and isinstance(scrapys, TextResponse):
        assert ours.text == scrapys.text
    assert ours.replace(status=200).headers == headers


def test_a_kind_of_response_that_a_project_has_for_a_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Page(HtmlResponse):
        pass

    monkeypatch.setitem(responsetypes.responsetypes.classes, "text/html", Page)
    headers = Headers({"Content-Type": "text/html"})
    assert type(make_response(url="http://h/", status=200, headers=headers)) is Page


@pytest.mark.parametrize("fail", [True, False])
def test_a_download_that_was_stopped(fail: bool) -> None:
    stop = StopDownload(fail=fail)
    if fail:
        with pytest.raises(StopDownload) as caught:
            make_response(url="http://h/", status=200, headers=Headers(), stop_download=stop)
        response = caught.value.response
    else:
        response = make_response(url="http://h/", status=200, headers=Headers(), stop_download=stop)
    assert response is not None
    assert response.flags == ["download_stopped"]


@pytest.mark.parametrize("signal", [signals.bytes_received, AnySignal])
@pytest.mark.parametrize("is_any_sender", [False, True])
def test_whoever_listens_now_is_told(signal: object, is_any_sender: bool) -> None:
    heard: list[bytes] = []
    manager = SignalManager(object())
    crawler = cast("Crawler", SimpleNamespace(signals=manager, spider=None))

    def hear(data: bytes) -> None:
        heard.append(data)
        raise StopDownload

    def send(data: bytes) -> StopDownload | None:
        return check_stop_download(signals.bytes_received, crawler, Request("http://h/"), data=data)

    assert send(b"before") is None
    sender = AnySignal if is_any_sender else manager.sender
    connect(hear, signal, sender)
    try:
        assert send(b"now") is not None
    finally:
        disconnect(hear, signal, sender)
    assert send(b"after") is None
    assert heard == [b"now"]
