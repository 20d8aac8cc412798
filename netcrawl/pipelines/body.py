"""The body of a response, block by block, wherever the download handler has put it.

A handler that writes a body to disk gives its response an attribute ``body_path``: a file that is
complete, and as it came over the network. ``response.body`` is not asked for then, and may be
empty. Whoever takes the body removes the file, with ``discard_body``. A body with a
Content-Encoding is to be handed over in memory, because the downloader middlewares decode it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scrapy.http import Response

# Octets in memory at a time.
BLOCK = 1024 * 1024


@runtime_checkable
class Spooled(Protocol):
    """A response whose body is in a file."""

    body_path: Path


def body_blocks(response: Response) -> Iterator[bytes | memoryview]:
    """Yield the body in blocks, none of them empty.

    Raises:
        OSError: its file cannot be read.
    """
    if isinstance(response, Spooled):
        with response.body_path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
        return
    body = memoryview(response.body)
    for start in range(0, len(body), BLOCK):
        yield body[start : start + BLOCK]


def discard_body(response: Response) -> None:
    """Remove what the handler has put on disk, if it has."""
    if isinstance(response, Spooled):
        response.body_path.unlink(missing_ok=True)
