from __future__ import annotations

import asyncio
import errno
import gc
import os
import pickle
from typing import TYPE_CHECKING

import pytest
from scrapy import Request
from scrapy.exceptions import NotSupported
from scrapy.http import HtmlResponse, Response

from netcrawl.download import spooled
from netcrawl.download.spooled import SpooledBody, SpooledResponse
from netcrawl.pipelines.body import Spooled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

URL = "http://h/"


def response_with(path: Path, size: int = 5) -> SpooledResponse:
    path.write_bytes(b"hello")
    return SpooledResponse(URL, spooled=SpooledBody(path, size, "ab"))


def test_what_it_tells(tmp_path: Path) -> None:
    async def run() -> None:
        response = response_with(tmp_path / "body")

        assert isinstance(response, Spooled)
        assert response.body == b""
        assert response.body_path.read_bytes() == b"hello"
        assert (response.body_size, response.body_sha256) == (5, "ab")
        with pytest.raises(NotSupported):
            response.css("a")

    asyncio.run(run())


def test_it_is_there_as_long_as_anybody_has_the_response(tmp_path: Path) -> None:
    async def run() -> None:
        response = response_with(tmp_path / "body")
        request = Request(URL, cb_kwargs={"before": response.replace(status=404)})
        del response
        gc.collect()
        assert (tmp_path / "body").exists()

        del request
        assert not (tmp_path / "body").exists()

    asyncio.run(run())


def test_a_large_file_is_removed_in_a_thread(tmp_path: Path) -> None:
    async def run() -> None:
        response = response_with(tmp_path / "body", spooled._LARGE + 1)
        del response
        assert (tmp_path / "body").exists()
        await asyncio.sleep(0)

    asyncio.run(run())  # which waits for threads

    assert not (tmp_path / "body").exists()


def test_at_once(tmp_path: Path) -> None:
    async def run() -> None:
        response = response_with(tmp_path / "body", spooled._LARGE + 1)
        response.spooled.remove()
        response.spooled.remove()
        assert not (tmp_path / "body").exists()
        (tmp_path / "body").touch()
        del response
        await asyncio.sleep(0)
        # It is somebody else's now.
        assert (tmp_path / "body").exists()

    asyncio.run(run())


def test_after_the_loop(tmp_path: Path) -> None:
    async def run() -> SpooledResponse:
        return response_with(tmp_path / "body", spooled._LARGE + 1)

    response = asyncio.run(run())
    del response

    assert not (tmp_path / "body").exists()


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(lambda response, target: response.move_body(target), id="method"),
        pytest.param(lambda response, target: response.body_path.rename(target), id="rename"),
        pytest.param(lambda response, target: os.link(response.body_path, target), id="link"),
    ],
)
def test_who_moves_it_has_it(
    move: Callable[[SpooledResponse, Path], object], tmp_path: Path
) -> None:
    async def run() -> None:
        response = response_with(tmp_path / "body")
        move(response, tmp_path / "mine")

    asyncio.run(run())

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("mine", b"hello")]


def test_moved_to_another_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    async def run() -> None:
        monkeypatch.setattr(os, "rename", rename)
        assert response_with(tmp_path / "body").move_body(tmp_path / "mine") == tmp_path / "mine"

    asyncio.run(run())

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("mine", b"hello")]


def test_replaced(tmp_path: Path) -> None:
    async def run() -> None:
        response = response_with(tmp_path / "body")
        response.headers["A"] = "b"

        copied = response.copy()
        assert copied.body_path == response.body_path
        # As Scrapy's compression middleware asks for it.
        decoded = response.replace(cls=HtmlResponse, body=b"", encoding=None)
        assert isinstance(decoded, SpooledResponse)
        assert decoded.body_path == response.body_path
        page = response.replace(cls=HtmlResponse, body=b"<a>", encoding="utf-8")
        assert (type(page), page.text, page.headers["A"]) == (HtmlResponse, "<a>", b"b")
        assert type(response.replace(body=b"c")) is Response

    asyncio.run(run())


def test_no_queue_on_disk_takes_it(tmp_path: Path) -> None:
    async def run() -> None:
        response = response_with(tmp_path / "body")
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(response)

    asyncio.run(run())
