"""Responses whose body is in a file, and how long the file lives.

It is there as long as anybody has the response: the callback, what the callback yields, pipelines,
whoever keeps it. Scrapy lets go of a response when all that came of it is done, and of one that
a middleware replaced, at once. So there is no moment to be found out, and none to be missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.http import Response

if TYPE_CHECKING:
    from os import PathLike
    from typing import Any, NoReturn

# Octets. Larger files take the system a while to remove.
_LARGE = 16 * 1024 * 1024


class SpooledBody:
    """A complete file, which is removed when nobody has this any more, if it is still there."""

    def __init__(self, path: Path, size: int, sha256: str) -> None:
        self.path = path
        self.size = size
        self.sha256 = sha256
        loop = asyncio.get_running_loop()
        self._finalizer = weakref.finalize(self, _remove, str(path), size, loop)

    def remove(self) -> None:
        """Remove the file at once."""
        if self._finalizer.detach():
            _unlink(str(self.path))

    def __reduce__(self) -> NoReturn:
        """Refuse to be in a queue on disk: the file would be gone when it is read again."""
        raise TypeError("a body in a file is this process's own, and cannot be pickled")


class SpooledResponse(Response):
    """A response with ``body`` empty and all of it in the file ``body_path``.

    Who moves the file has it; otherwise it is gone when there is no more use for the response.
    """

    attributes: tuple[str, ...] = (*Response.attributes, "spooled")

    def __init__(self, *arguments: Any, spooled: SpooledBody, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.spooled = spooled

    @property
    def body_path(self) -> Path:
        """The file."""
        return self.spooled.path

    @property
    def body_size(self) -> int:
        """How many octets it has."""
        return self.spooled.size

    @property
    def body_sha256(self) -> str:
        """In hexadecimal digits."""
        return self.spooled.sha256

    def move_body(self, target: str | PathLike[str]) -> Path:
        """Move the file, in the place of one that is there, and return where it is.

        Raises:
            OSError: it cannot be moved.
        """
        return Path(shutil.move(self.spooled.path, target))

    def replace(  # type: ignore[override]
        self, *arguments: Any, cls: type[Response] | None = None, **named: Any
    ) -> Response:
        """Return another response with the same file, or with the body that is given instead."""
        if named.get("body"):
            for name in Response.attributes:
                named.setdefault(name, getattr(self, name))
            return (cls or Response)(*arguments, **named)
        # What decodes bodies in memory asks for a class that fits an empty one.
        kind = cls if cls is not None and issubclass(cls, SpooledResponse) else None
        if kind is None:
            named.pop("encoding", None)
        return super().replace(*arguments, cls=kind, **named)


def _remove(path: str, size: int, loop: asyncio.AbstractEventLoop) -> None:
    # It may be the collector of garbage that calls this, anywhere: nothing that takes a lock.
    if size > _LARGE:
        with contextlib.suppress(RuntimeError):  # there is no loop any more
            loop.call_soon_threadsafe(loop.run_in_executor, None, _unlink, path)
            return
    _unlink(path)


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        Path(path).unlink(missing_ok=True)
