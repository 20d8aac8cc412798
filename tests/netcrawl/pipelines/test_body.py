from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scrapy.http import Response

from netcrawl.pipelines.body import BLOCK, body_blocks, discard_body

if TYPE_CHECKING:
    from pathlib import Path


class SpooledResponse(Response):
    body_path: Path
    body_size = 0
    body_sha256 = ""


@pytest.mark.parametrize("size", [0, 1, BLOCK, 2 * BLOCK + 1])
@pytest.mark.parametrize("is_spooled", [False, True])
def test_blocks(size: int, is_spooled: bool, tmp_path: Path) -> None:
    body = b"x" * size
    response = Response("http://h/", body=body)
    if is_spooled:
        response = SpooledResponse("http://h/")
        response.body_path = tmp_path / "spool"
        response.body_path.write_bytes(body)

    blocks = list(body_blocks(response))

    assert b"".join(blocks) == body
    assert all(0 < len(block) <= BLOCK for block in blocks)


def test_discarding(tmp_path: Path) -> None:
    response = SpooledResponse("http://h/")
    response.body_path = tmp_path / "spool"
    response.body_path.touch()

    discard_body(response)
    discard_body(response)
    discard_body(Response("http://h/"))

    assert list(tmp_path.iterdir()) == []
