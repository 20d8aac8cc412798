"""Run a command of this project's."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

import pytest
from scrapy.cmdline import execute
from scrapy.settings import Settings

from tests.crawling import ROOT, Crawl
from tests.patience import SECONDS

COMPARE = [sys.executable, "-m", "scrapy", "compare"]


def jobs(*arguments: object) -> Crawl:
    """Run ``scrapy jobs`` to its end."""
    return command("jobs", *arguments)


def report(*arguments: object) -> Crawl:
    """Run ``scrapy report`` to its end."""
    return command("report", *arguments)


def compare(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``scrapy compare`` to its end, in a process of its own: it starts others."""
    return subprocess.run(
        [*COMPARE, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def command(name: str, *arguments: object) -> Crawl:
    """Run ``scrapy NAME`` to its end, in this process: most of its time is to load Scrapy."""
    settings = Settings()
    settings.setmodule("netcrawl.settings", priority="project")
    output, errors = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    with (
        redirect_stdout(output),
        redirect_stderr(errors),
        patch.object(sys, "stdin", io.StringIO()),
        pytest.raises(SystemExit) as end,
    ):
        execute(["scrapy", name, *map(str, arguments)], settings)
    output.flush()
    assert isinstance(output.buffer, io.BytesIO)
    assert isinstance(end.value.code, int)
    return Crawl(end.value.code, output.buffer.getvalue().decode(), errors.getvalue())
