"""The commands of the READMEs do what is shown, and their links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from sockettools.cli import COMMANDS
from sockettools.practice import PracticeServer
from tests.crawling import ROOT

PAGES = {
    path: (ROOT / path).read_text(encoding="utf-8")
    for path in (
        "README.md",
        "netcrawl/README.md",
        "sockettools/README.md",
        "tests/benchmarks/README.md",
    )
}

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)

# Each command with the output that is shown below it.
SHOWN = [
    (command.rstrip("\n"), output)
    for page in PAGES.values()
    for (kind, command), (next_kind, output) in pairwise(BLOCK.findall(page))
    if (kind, next_kind) == ("sh", "text")
]

LINKS = [
    (path, link)
    for path, page in PAGES.items()
    for link in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", page))
    if "://" not in link
]


def normal(text: str) -> str:
    """Make the same what differs from run to run: ports, and the ends of CSV lines."""
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text).replace("\r\n", "\n")


def run(command: str, tmp_path: Path) -> str:
    """Run a line of the README with feeds going to ``tmp_path``; return all that it printed."""
    binaries = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", re.sub(r"\b(\w+\.csv)", rf"{tmp_path}/\1", command)],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


CRAWLS = [(command, output) for command, output in SHOWN if "--nolog" in command]


@pytest.mark.parametrize(("command", "output"), CRAWLS)
def test_a_crawl_prints_what_is_shown(command: str, output: str, tmp_path: Path) -> None:
    assert normal(run(command, tmp_path)) == normal(output)


def test_there_are_crawls_to_check() -> None:
    assert len(CRAWLS) == 4


def test_the_main_job_goes_the_way_that_is_shown(tmp_path: Path) -> None:
    shown = dict(SHOWN)[
        "python3 -m venv .venv && .venv/bin/pip install -q -r requirements.txt "
        "&& .venv/bin/scrapy crawl follow"
    ]

    printed = run("scrapy crawl follow", tmp_path)

    kept = [
        line[line.find("[follow]") :] if "[follow]" in line else line
        for line in printed.splitlines()
        if "Retrieving: " in line or line == "Merina"
    ]
    # Standard error and standard output are two streams: their order is not kept in a pipe.
    assert sorted(normal("\n".join(kept)).splitlines()) == sorted(normal(shown).splitlines())


def test_the_practice_web_as_a_proxy(tmp_path: Path) -> None:
    ((command, output),) = [pair for pair in SHOWN if pair[0].startswith("http_proxy=")]
    with PracticeServer() as practice:
        printed = run(command.replace("http://127.0.0.1:8000", practice.url), tmp_path)

    assert printed == output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_mentioned(command: str) -> None:
    assert f"python -m sockettools {command}" in PAGES["sockettools/README.md"]


def anchors(page: str) -> set[str]:
    """Return what GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("path", "link"), LINKS)
def test_a_link_leads_somewhere(path: str, link: str) -> None:
    target, _, anchor = link.partition("#")
    found = (ROOT / path).parent.joinpath(target).resolve() if target else ROOT / path

    assert found.is_file()
    if anchor:
        assert anchor in anchors(found.read_text(encoding="utf-8"))
