"""Lines at the foot of a terminal that are drawn over and over, while the log scrolls above them.

Rich does the drawing. It is imported by whoever uses this module, which is nobody where standard
error is no terminal.
"""

from __future__ import annotations

import atexit
import io
import logging
import sys
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.live import Live
from scrapy.utils.log import get_scrapy_root_handler

from sockettools.standard_streams import is_terminal

if TYPE_CHECKING:
    from rich.console import RenderableType


class Foot:
    """What stands at the foot of the terminal that standard error is.

    The log, and what is printed to the same terminal, is written above it, each line as it is.
    """

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr, highlight=False, emoji=False, markup=False)
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stderr=False,
            redirect_stdout=is_terminal(sys.stdout),
        )
        self._handler: logging.StreamHandler[TextIO] | None = None

    @property
    def width(self) -> int:
        """Columns that can be drawn in: in the last one, some terminals begin another line."""
        return self._console.width - 1

    @property
    def can_draw(self) -> bool:
        """Whether the terminal can go back to where it was."""
        return self._console.is_terminal and not self._console.is_dumb_terminal

    def start(self) -> None:
        """Begin to draw."""
        self._handler = _stderr_handler()  # Scrapy makes another one while a crawl begins
        if self._handler is not None:
            self._handler.setStream(_Above(self._console))
        self._live.start()
        # It hides the cursor, which must be seen again however this process ends.
        atexit.register(self.stop)

    def draw(self, what: RenderableType) -> None:
        """Draw this instead of what stands there."""
        self._live.update(what, refresh=True)

    def stop(self) -> None:
        """Erase it, and leave the terminal as it was."""
        atexit.unregister(self.stop)
        self._live.stop()
        if self._handler is not None:
            self._handler.setStream(sys.stderr)


class _Above(io.StringIO):
    """Standard error for the log: whole lines go to the console, and are not wrapped by it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._line = ""

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        if lines:
            self._console.out("\n".join(lines))
        return len(text)

    def isatty(self) -> bool:
        return True


def _stderr_handler() -> logging.StreamHandler[TextIO] | None:
    handler = get_scrapy_root_handler()
    if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
        return handler
    return None
