"""The body of a response, block by block, wherever the download handler has put it.

A handler that writes a body to disk gives its response the attributes of ``Spooled``: a file that
is complete and decoded, with what is known of it. ``response.body`` is empty then. Whoever takes
the body moves the file, or removes it, with ``discard_body``.
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
    """A response whose body is in a file: its octets, and their SHA-256 in hexadecimal digits."""

    @property
    def body_path(self) -> Path: ...
    @property
    def body_size(self) -> int: ...
    @property
    def body_sha256(self) -> str: ...


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
