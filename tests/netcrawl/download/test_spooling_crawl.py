"""How long a body on disk is there, in a crawl."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.crawling import ROOT
from tests.servers.scripted import ScriptedServer, answer, head, redirect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.scripted import Client


# What the crawl does with each.
NAMES = ("item", "kept", "nothing", "error", "late", "dropped", "redirect", "retry", "cut", "next")


def script(client: Client) -> None:
    while (request := client.read_request()) is not None:
        name = request.target[1:]
        if name == "redirect":
            client.send(redirect("/target"))
        elif name == "retry":
            client.send(answer(b"busy", status="503 Busy"))
        elif name == "cut":
            client.send(head("Content-Length: 9") + b"cut")
            return
        else:
            client.send(answer(f"body of {name}".encode(), "Content-Type: text/html"))


def run(folder: Path, url: str, *names: str) -> tuple[int, list[list[object]]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.netcrawl.download.spooling_crawl", folder, url, *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_it_is_there_until_all_that_came_of_it_is_done(tmp_path: Path) -> None:
    with ScriptedServer(script) as server:
        status, told = run(tmp_path, server.url, *NAMES)

    idle = ["idle", 0]
    assert told == [
        *(["item", 1], ["pipeline", 1], idle),
        *(["kept", 1], idle),
        *(["nothing", 1], idle),
        *(["error", 1], idle),
        *(["late", 1], ["later", 1], idle),
        *(["IgnoreRequest", 1], idle),  # in the traceback
        *(["target", 1], idle),
        *(["HttpError", 1], idle),
        *(["ResponseDataLossError", 0], idle),
        *(["next", 1], idle),
        ["end", 0],
    ]
    assert status == 0
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [
        ("kept", b"body of kept")
    ]


def test_what_a_killed_crawl_has_left_is_gone_with_the_next(tmp_path: Path) -> None:
    with ScriptedServer(script) as server:
        status, told = run(tmp_path, server.url, "killed")
        assert (status, told) == (-9, [["killed", 1]])
        assert len([*tmp_path.glob("netcrawl-spool-*/*")]) == 2  # with the lock

        run(tmp_path, server.url, "next")

    assert [*tmp_path.iterdir()] == []
