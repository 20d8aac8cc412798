"""Run ``scrapy crawl`` as a person does: in a process of its own, in the project's folder."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.patience import SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Crawl:
    """What a finished crawl left: its exit status, its answer, its log."""

    status: int
    stdout: str
    stderr: str

    @property
    def last_line(self) -> str:
        """The last thing that a person sees of a crawl that failed."""
        return self.stderr.splitlines()[-1]


def start_crawl(
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    stdout: int | IO[str] = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Start ``scrapy crawl`` with these arguments."""
    return subprocess.Popen(
        [sys.executable, "-m", "scrapy", "crawl", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def crawl(
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    stdout: int | IO[str] = subprocess.PIPE,
) -> Crawl:
    """Run ``scrapy crawl`` to its end."""
    with start_crawl(*arguments, environment=environment, stdout=stdout) as process:
        output, errors = process.communicate(timeout=SECONDS)
    return Crawl(process.returncode, output or "", errors)


def read_json(path: Path) -> list[dict[str, Any]]:
    """Read a JSON feed."""
    records = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(records, list)
    return records


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a CSV feed."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
