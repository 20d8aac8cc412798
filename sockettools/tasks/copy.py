"""A page into a file, byte for byte."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sockettools.browser.download import Download
from sockettools.net.deadline import NEVER
from sockettools.tasks.pages import open_page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sockettools.browser import Browser, Request
    from sockettools.net.deadline import Deadline


def copy_page(
    browser: Browser,
    request: Request,
    path: Path,
    deadline: Deadline = NEVER,
    progress: Callable[[int, int | None], None] | None = None,
) -> int:
    """Save a page to ``path``, block by block, and return how many octets it has.

    What was there is replaced when all of the page has arrived; what goes wrong before leaves it
    as it was. ``progress`` is called each time that the file has grown, with its size, and with
    the size that it will have if the server told.

    Raises:
        Refusal: the answer is not the page.
        OSError: it cannot be written there.
        ConnectError, Timeout, ProtocolError, NetworkError: it does not arrive.
    """
    with open_page(browser, request, deadline) as response, Download(path) as download:
        total = None if response.is_coded() else response.expected_size()
        size = 0
        try:
            for size in download.save(response):
                if progress is not None:
                    progress(size, total)
        except BaseException:
            # Nothing here goes on with half a file. One that cannot be emptied is left.
            with contextlib.suppress(OSError, ValueError):
                download.discard()
            raise
    return size
