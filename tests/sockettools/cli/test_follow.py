from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sockettools.practice import PracticeServer
from sockettools.practice.people import CHAIN
from tests.servers.pages import Answer, PageServer
from tests.sockettools.cli.commands import run_here

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES: dict[str, Answer | str] = {
    "/1": "<a name=top></a><a href=2>two</a><a href=mailto:x>mail</a><a href=/nosuch>gone</a>",
    "/2": "<a href=1>one</a><a href=1>one</a>",
    "/picture": Answer(b"\x89PNG", "image/png"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    with PageServer(PAGES) as server:
        yield server


def test_the_program_of_the_chapter() -> None:
    """As the chapter runs it, in a process and with its three lines in a pipe."""
    with PracticeServer() as practice:
        done = subprocess.run(
            [sys.executable, "-m", "sockettools", "follow"],
            input=f"{practice.url}known_by_Samuel.html\n7\n18\n",
            capture_output=True,
            text=True,
            check=False,
        )

    pages = "".join(f"Retrieving:  {practice.url}known_by_{name}.html\n" for name in CHAIN)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Enter - Enter count: Enter position: {pages}"


@pytest.mark.parametrize(
    ("position", "count", "paths"),
    [
        pytest.param(2, 0, ["/1"], id="none"),
        pytest.param(2, 3, ["/1", "/2", "/1", "/2"], id="round in a circle"),
        pytest.param(4, 1, ["/1", "/nosuch"], id="the last one is not retrieved"),
    ],
)
def test_follow(server: PageServer, position: int, count: int, paths: list[str]) -> None:
    done = run_here("follow", f"{server.url}/1", "--position", str(position), "--count", str(count))

    assert done == (0, "".join(f"Retrieving:  {server.url}{path}\n" for path in paths), "")


@pytest.mark.parametrize(
    ("path", "position", "status", "problem"),
    [
        pytest.param("/1", 5, 1, "page {}/1 has 4 links, position 5 does not exist", id="too far"),
        pytest.param("/1", 1, 1, "the link at position 1 of page {}/1 has no href", id="no href"),
        pytest.param(
            "/1",
            3,
            1,
            "the link at position 3 of page {}/1 cannot be followed: 'mailto:x', it does not "
            "begin with http:// or https://",
            id="no page",
        ),
        pytest.param("/picture", 1, 1, "page {}/picture is not text but image/png", id="picture"),
        pytest.param("/nosuch", 1, 4, "{}/nosuch: 404 Not Found", id="404"),
    ],
)
def test_failures(server: PageServer, path: str, position: int, status: int, problem: str) -> None:
    done = run_here("follow", server.url + path, f"--position={position}", "--count=2")

    assert done == (
        status,
        f"Retrieving:  {server.url}{path}\n",
        f"sockettools follow: {problem.format(server.url)}\n",
    )


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        pytest.param("--position=0", "'0' is not a whole number from 1 to 100000", id="zero"),
        pytest.param("--position=-1", "'-1' is not a whole number from 1", id="from the end"),
        pytest.param("--position=100001", "'100001' is not a whole number", id="too far"),
        pytest.param("--count=-1", "'-1' is not a whole number from 0 to 1000000", id="count"),
        pytest.param("--count=x", "'x' is not a whole number", id="word"),
    ],
)
def test_wrong_usage(server: PageServer, option: str, problem: str) -> None:
    status, output, errors = run_here(
        "follow", f"{server.url}/1", "--position=1", "--count=1", option
    )

    assert (status, output) == (2, "")
    assert problem in errors


def test_a_password_is_not_shown(server: PageServer) -> None:
    url = f"{server.url.replace('://', '://me:secret@')}/1"

    status, output, errors = run_here("follow", url, "--position=2", "--count=1")

    assert (status, errors) == (0, "")
    assert output == f"Retrieving:  {server.url}/1\nRetrieving:  {server.url}/2\n"
