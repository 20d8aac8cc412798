"""How a comparison is refused, or ended from outside."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.crawling import ROOT
from tests.netcrawl.commands.running import COMPARE, command
from tests.patience import SECONDS, patience
from tests.processes import is_gone
from tests.servers.scripted import ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.scripted import Client


@pytest.mark.parametrize("url", ["http://user:secret@h/", "ftp://user:se/cret@h/", "user:secret@h"])
def test_a_password_is_not_repeated(url: str) -> None:
    done = command("compare", url)

    assert done.status == 2
    assert done.stderr.startswith("scrapy compare: URL '")
    assert "cret" not in done.stderr
    assert "user:" not in done.stderr


def test_a_closed_standard_output_is_told_before_anything_is_fetched() -> None:
    asked: list[bool] = []

    def count(client: Client) -> None:
        asked.append(client.read_request() is not None)

    with ScriptedServer(count) as server:
        done = subprocess.run(
            f"exec {shlex.join([*COMPARE, '--runs', '1', f'{server.url}/'])} >&-",
            shell=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == "scrapy compare: cannot write to standard output: it is closed\n"
    assert asked == []


@pytest.mark.parametrize(
    "job", [pytest.param([], id="urls"), pytest.param(["--job", "words"], id="job")]
)
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="ctrl-c"),
        pytest.param(signal.SIGTERM, id="sigterm"),
        pytest.param(signal.SIGHUP, id="closed terminal"),
    ],
)
def test_who_is_ended_leaves_nobody_and_nothing_behind(
    number: signal.Signals, job: list[str], tmp_path: Path
) -> None:
    asked: list[bool] = []

    def hang(client: Client) -> None:
        asked.append(client.read_request() is not None)
        client.wait_for_end()

    with ScriptedServer(hang) as server:
        process = subprocess.Popen(
            [*COMPARE, *job, f"{server.url}/{tmp_path.name}"],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            deadline = patience()
            while not asked and not deadline.has_passed():
                time.sleep(0.01)
            process.send_signal(number)
            output, errors = process.communicate(timeout=SECONDS)

    assert (process.returncode, output, errors) == (130, "", "scrapy compare: interrupted\n")
    assert list(tmp_path.iterdir()) == []
    assert is_gone(tmp_path.name)
