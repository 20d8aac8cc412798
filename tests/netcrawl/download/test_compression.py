from __future__ import annotations

import gzip
import zlib

import pytest
from scrapy.exceptions import (
    DownloadCancelledError,
    DownloadFailedError,
    ResponseDataLossError,
)
from scrapy.http import Request, Response
from scrapy.utils.test import get_crawler

from netcrawl.download.compression import FileCompressionMiddleware

PACKED = gzip.compress(b"content")
URL = "http://h/data"
FILENAME = "Content-Disposition"


@pytest.mark.parametrize(
    ("url", "fields", "asked_for", "is_undone"),
    [
        pytest.param(URL, {}, "gzip", True, id="as asked for"),
        pytest.param(URL, {}, "identity", True, id="unasked, and no gzip file"),
        pytest.param(f"{URL}.tar.gz?x=y", {}, "identity", False, id="by its URL"),
        pytest.param(f"{URL}.TGZ", {}, "identity", False, id="in upper case"),
        pytest.param(f"{URL}?x=.gz", {}, "identity", True, id="a query is no name"),
        pytest.param(URL, {"Content-Type": "application/x-gzip"}, "identity", False, id="by type"),
        pytest.param(URL, {FILENAME: 'x; filename="a.gz"'}, "identity", False, id="by its name"),
        pytest.param(URL, {FILENAME: "x; filename*=UTF-8''a.gz"}, "identity", False, id="extended"),
        pytest.param(URL, {FILENAME: "x; filename=a.gz.txt"}, "identity", True, id="another name"),
        pytest.param(f"{URL}.gz", {"Content-Type": "text/html"}, "gzip", True, id="a page of it"),
    ],
)
def test_gzip_is_undone_unless_it_makes_the_file(
    url: str, fields: dict[str, str], asked_for: str, is_undone: bool
) -> None:
    middleware = FileCompressionMiddleware.from_crawler(get_crawler())
    request = Request(url, headers={"Accept-Encoding": asked_for})
    response = Response(url, body=PACKED, headers={"Content-Encoding": "gzip", **fields})

    result = middleware.process_response(request, response)

    assert isinstance(result, Response)
    assert result.body == (b"content" if is_undone else PACKED)


LONG = b"some text, and more of it " * 5000


@pytest.mark.parametrize(
    ("coding", "body", "error"),
    [
        pytest.param("gzip", gzip.compress(LONG)[:-200], ResponseDataLossError, id="half"),
        pytest.param("gzip", gzip.compress(LONG)[:-4], ResponseDataLossError, id="no length"),
        pytest.param("deflate", zlib.compress(LONG)[:-9], ResponseDataLossError, id="deflate"),
        pytest.param("gzip", b"plain", DownloadFailedError, id="none"),
        pytest.param(
            "gzip", gzip.compress(LONG)[:-8] + bytes(8), DownloadFailedError, id="wrong checksum"
        ),
        pytest.param("gzip", gzip.compress(bytes(70_000_000)), DownloadCancelledError, id="a bomb"),
    ],
)
def test_half_a_body_is_none(coding: str, body: bytes, error: type[Exception]) -> None:
    middleware = FileCompressionMiddleware.from_crawler(get_crawler())
    response = Response(URL, body=body, headers={"Content-Encoding": coding})

    with pytest.raises(error):
        middleware.process_response(Request(URL), response)
