from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import pytest
from scrapy.exceptions import DownloadConnectionRefusedError, NotSupported

from netcrawl.extensions.plain_errors import LOGGERS, ROBOTS_LOGGER, PlainErrors

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def plain() -> Iterator[None]:
    extension = PlainErrors()
    extension.start()
    yield
    extension.stop()


def log(name: str, message: str, error: Exception, caplog: pytest.LogCaptureFixture) -> str:
    try:
        raise error
    except type(error):
        logging.getLogger(name).error(message, exc_info=sys.exc_info())
    caplog.handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    (record,) = caplog.records
    return caplog.handler.format(record)


@pytest.mark.parametrize(
    ("name", "message", "error", "line"),
    [
        (
            "scrapy.extensions.feedexport",
            "Error storing json feed",
            OSError("no space"),
            "ERROR: Error storing json feed: no space",
        ),
        (
            "scrapy.core.scraper",
            "Error downloading <GET u>: refused",
            DownloadConnectionRefusedError("refused"),
            "ERROR: Error downloading <GET u>: refused",
        ),
        (
            "scrapy.core.scraper",
            "Error downloading <GET x:y>",
            NotSupported("Unsupported URL scheme 'x'"),
            "ERROR: Error downloading <GET x:y>: Unsupported URL scheme 'x'",
        ),
        (
            ROBOTS_LOGGER,
            "Error downloading <GET u>",
            DownloadConnectionRefusedError("refused"),
            "WARNING: There is no robots.txt to be had, going on without: refused",
        ),
    ],
)
def test_an_expected_error_is_one_line(
    name: str, message: str, error: Exception, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert log(name, message, error, caplog) == line


@pytest.mark.parametrize("name", [*LOGGERS, ROBOTS_LOGGER])
@pytest.mark.parametrize("error", [KeyError("bug"), NotSupported("Response content isn't text")])
def test_a_bug_keeps_its_traceback(
    name: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    shown = log(name, "Error", error, caplog)

    assert shown.startswith("ERROR: Error\nTraceback")
    assert str(error) in shown


def test_the_loggers_are_left_as_they_were(caplog: pytest.LogCaptureFixture) -> None:
    PlainErrors().stop()

    assert "Traceback" in log(LOGGERS[0], "Error", OSError("x"), caplog)
