"""Where a body goes while it is received: into memory, or by way of a thread into a file.

A disk can keep whoever writes to it waiting for seconds. A thread that waits keeps nobody: while it
writes one batch of pieces, the loop receives the next, and one more at most is waited for.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from scrapy.http.request import NO_CALLBACK

from netcrawl import number_settings
from netcrawl.download.compression import is_gzip_file
from netcrawl.download.responses import make_response, mark_stopped
from netcrawl.download.spool import MOST_BLOCKS, SpoolFile, SpoolFolder, clear, default_parent
from netcrawl.download.spooled import SpooledBody, SpooledResponse
from sockettools.browser.decoding import decoder_for
from sockettools.errors import RemoteProtocolError, TooLong

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from scrapy import Request
    from scrapy.exceptions import StopDownload
    from scrapy.http import Headers, Response
    from scrapy.settings import BaseSettings

    from sockettools.browser.decoding import Decoder

# Keys of ``request.meta``. True or False: to disk or not; what DOWNLOAD_SPOOL_SIZE says counts for
# a spider's requests without it, and for nobody else's.
SPOOL = "spool"
# True: as it came over the network. Otherwise Content-Encoding is undone.
SPOOL_RAW = "spool_raw"
# A folder that is there: where the file is to be, so that it can be moved from there at no cost.
SPOOL_FOLDER = "spool_folder"
# Octets, 0 for no limit, of a body in a file. Without it ``download_maxsize`` counts.
SPOOL_MAXSIZE = "spool_maxsize"

# Octets that are handed to a thread at a time. It is told what to do less often than it does it.
BATCH = 1024 * 1024

# Files that are written to at a time; others wait for these, and nobody else does.
THREADS = 4


# Seconds. The traceback of an error can hold a response in a circle, which only the collector of
# garbage finds. Where a body stays so long, it is sent for; again after twice the time, up to this.
PATIENCE = 5.0
MOST_PATIENCE = 600.0


class Body(Protocol):
    """Takes the pieces of a body; ``size`` is how many octets were received."""

    size: int

    def write(self, piece: bytes) -> Awaitable[None] | None:
        """Take a piece. What is returned has to be waited for before the next.

        Raises:
            DownloadCancelledError: it cannot be kept; also from what is waited for.
        """

    async def response(
        self,
        common: dict[str, Any],
        *,
        flags: list[str] | None = None,
        stop: StopDownload | None = None,
    ) -> Response:
        """Return a response with what there is; ``flags`` or ``stop`` say why that is not all.

        Raises:
            StopDownload: it is ``stop``, and wants so.
            IncompleteMessage: what was received does not decode to a whole.
        """

    def discard(self) -> None:
        """Give up what is not in a response."""


class MemoryBody:
    """A body in memory, as Scrapy's own handlers have all of them."""

    def __init__(self) -> None:
        self._content = BytesIO()
        self.size = 0

    def write(self, piece: bytes) -> None:
        """See ``Body``."""
        self.size += self._content.write(piece)

    async def response(
        self,
        common: dict[str, Any],
        *,
        flags: list[str] | None = None,
        stop: StopDownload | None = None,
    ) -> Response:
        """See ``Body``."""
        return make_response(
            **common, body=self._content.getvalue(), flags=flags, stop_download=stop
        )

    def discard(self) -> None:
        """See ``Body``."""

    def content(self) -> bytes:
        """Return what is there."""
        return self._content.getvalue()


class FileBody:
    """A body in a file."""

    def __init__(self, spools: Spools, file: SpoolFile, *, is_decoded: bool) -> None:
        self.size = 0
        # Nobody waits for long while a piece is hashed, and the thread has enough to do.
        self._digest = None if is_decoded else hashlib.sha256()
        self._spools = spools
        self._file: SpoolFile | None = file
        self._pieces: list[bytes] = []
        self._waiting = 0  # octets of them
        self._writing: asyncio.Future[None] | None = None

    def write(self, piece: bytes) -> Awaitable[None] | None:
        """See ``Body``."""
        self.size += len(piece)
        self._pieces.append(piece)
        self._waiting += len(piece)
        if self._digest is not None:
            self._digest.update(piece)
        if self._waiting >= BATCH or len(self._pieces) >= MOST_BLOCKS:
            return self._hand_on()
        return None

    def take(self, content: bytes) -> None:
        """Begin with what was received before."""
        self.size = self._waiting = len(content)
        self._pieces = [content]
        if self._digest is not None:
            self._digest.update(content)

    async def response(
        self,
        common: dict[str, Any],
        *,
        flags: list[str] | None = None,
        stop: StopDownload | None = None,
    ) -> Response:
        """See ``Body``."""
        await self._hand_on()
        await self._written()
        file = self._file
        assert file is not None
        await self._spools.run(lambda: file.finish(is_complete=not (flags or stop)))
        self._file = None
        sha256 = file.sha256 if self._digest is None else self._digest.hexdigest()
        spooled = self._spools.keep(file, sha256)
        if self._digest is None:
            del common["headers"]["Content-Encoding"]
        response = SpooledResponse(**common, flags=flags, spooled=spooled)
        if stop is not None:
            mark_stopped(response, stop)
        return response

    def discard(self) -> None:
        """See ``Body``."""
        if self._file is None:
            return
        if self._writing is not None:
            # What came of it is of no interest any more.
            self._writing.add_done_callback(
                lambda writing: writing.cancelled() or writing.exception()
            )
        self._spools.discard(self._file)
        self._file = None

    async def _hand_on(self) -> None:
        await self._written()
        pieces, self._pieces, self._waiting = self._pieces, [], 0
        file = self._file
        assert file is not None
        if pieces:
            self._writing = self._spools.run(lambda: file.write(pieces))

    async def _written(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing


class Spools:
    """The files of a download handler: for which bodies there is one, and who writes to it."""

    def __init__(self, settings: BaseSettings) -> None:
        self._spool_size = number_settings.SPOOL_SIZE.of(settings)
        self._max_size = number_settings.SPOOL_MAXSIZE.of(settings)
        self._decodes = settings.getbool("COMPRESSION_ENABLED")
        parent = settings.get("DOWNLOAD_SPOOL_DIR")
        self._folder = SpoolFolder(Path(parent) if parent else default_parent())
        self._executor = ThreadPoolExecutor(THREADS, "spool")
        self._kept: WeakSet[SpooledBody] = WeakSet()
        self._patience = PATIENCE
        self._timer: asyncio.TimerHandle | None = None
        if left_behind := self._folder.left_behind():
            self._executor.submit(clear, left_behind)

    def most_in_memory(self, request: Request) -> int:
        """Return how many octets of a body may be there before it goes to disk; 0 for any."""
        if not self._spool_size or SPOOL in request.meta or request.callback is NO_CALLBACK:
            return 0
        return self._spool_size

    def body_for(self, request: Request, headers: Headers, expected: int | None) -> Body:
        """Return where a body is to go; ``expected`` is how long it will be, None if unknown.

        Raises:
            TooLong: it has more content codings than anybody means.
        """
        most = self.most_in_memory(request)
        if request.meta.get(SPOOL) or (most and (expected or 0) > most):
            return self._file_body(request, headers, expected)
        return MemoryBody()

    def onto_disk(self, request: Request, headers: Headers, body: MemoryBody) -> FileBody:
        """Return what goes on with a body that has become too long for memory."""
        moved = self._file_body(request, headers, None)
        moved.take(body.content())
        return moved

    def max_size(self, request: Request) -> int:
        """Return how many octets a body in a file may have; 0 is no limit."""
        meta = request.meta
        return int(meta.get(SPOOL_MAXSIZE, meta.get("download_maxsize", self._max_size)))

    def run(self, job: Callable[[], None]) -> asyncio.Future[None]:
        """Do it in a thread."""
        return asyncio.get_running_loop().run_in_executor(self._executor, job)

    def keep(self, file: SpoolFile, sha256: str) -> SpooledBody:
        """Return a file that is finished, as what a response has."""
        spooled = SpooledBody(file.path, file.size, sha256)
        self._kept.add(spooled)
        if self._timer is None:
            self._set_timer()
        return spooled

    def discard(self, file: SpoolFile) -> None:
        """Remove a file, which may still be written to."""
        file.stop()
        self._executor.submit(file.discard)

    async def close(self) -> None:
        """Remove all that nobody has taken."""
        if self._timer is not None:
            self._timer.cancel()
        for spooled in list(self._kept):
            spooled.remove()
        await asyncio.get_running_loop().run_in_executor(None, self._end)

    def _set_timer(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._look_after)

    def _look_after(self) -> None:
        self._timer = None
        if self._kept:
            gc.collect()
        if self._kept:
            self._patience = min(2 * self._patience, MOST_PATIENCE)
            self._set_timer()
        else:
            self._patience = PATIENCE

    def _end(self) -> None:
        self._executor.shutdown()
        self._folder.close()

    def _file_body(self, request: Request, headers: Headers, expected: int | None) -> FileBody:
        decoder = None if expected == 0 else self._decoder(request, headers)
        folder = request.meta.get(SPOOL_FOLDER)
        file = SpoolFile(
            Path(folder) if folder else self._folder,
            max_size=self.max_size(request),
            expected=0 if decoder else expected or 0,
            decoder=decoder,
            hashes=decoder is not None,
        )
        if expected != 0:
            # Scrapy's cache would keep what the response has in memory, which is nothing.
            request.meta["dont_cache"] = True
        return FileBody(self, file, is_decoded=decoder is not None)

    def _decoder(self, request: Request, headers: Headers) -> Decoder | None:
        if request.meta.get(SPOOL_RAW, not self._decodes):
            return None
        if request.headers.get("Accept-Encoding") == b"identity" and is_gzip_file(request, headers):
            return None
        codings = b",".join(headers.getlist("Content-Encoding")).decode("latin-1")
        try:
            return decoder_for(codings, self.max_size(request) or None)
        except TooLong:
            raise
        except RemoteProtocolError:
            return None  # unknown: it stays as it is, and Content-Encoding says so
