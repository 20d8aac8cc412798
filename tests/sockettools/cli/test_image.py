from __future__ import annotations

import io
import json
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest

from sockettools.cli import main
from sockettools.cli.streams import Streams
from sockettools.practice import PracticeServer
from tests.servers.raw import raw_server
from tests.sockettools.cli.commands import run, run_here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# With what a field may have that is not ASCII: a control character of a terminal, as UTF-8, and
# an octet that is no UTF-8.
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: a\xc2\x9b2Jb\xe9"
ANSWER = HEAD + b"\r\n\r\nabcd"


@pytest.fixture(scope="module")
def practice() -> Iterator[PracticeServer]:
    with PracticeServer() as practice:
        yield practice


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("options", "receive_size"),
    [
        pytest.param((), 5120, id="the chapter's"),
        pytest.param(("--recv-size", "512"), 512, id="smaller"),
    ],
)
def test_the_program_of_the_chapter(
    practice: PracticeServer, options: tuple[str, ...], receive_size: int, folder: Path
) -> None:
    status, output, errors = run_here("image", f"{practice.url}cover.jpg", *options)

    received, _, rest = output.partition("Header length ")
    length, _, header = rest.partition("\n")
    lines = [tuple(map(int, line.split(" "))) for line in received.splitlines()]
    sizes = [size for size, _ in lines]
    assert (status, errors) == (0, "")
    assert int(length) == len(header) - 1
    assert [total for _, total in lines] == list(accumulate(sizes))
    assert sum(sizes) == int(length) + 4 + 70_057
    assert max(sizes) == receive_size
    assert header.startswith("HTTP/1.1 200 OK\r\n")
    assert header.endswith("\n")
    assert not header.endswith("\r\n")
    assert "Content-Length: 70057" in header
    assert (folder / "stuff.jpg").stat().st_size == 70_057


def test_all_of_it(folder: Path) -> None:
    with raw_server(ANSWER) as url:
        status, output, errors = run_here("image", url, "-o", "other.jpg")

    size = len(ANSWER)
    assert (status, errors) == (0, "")
    assert output == (
        f"{size} {size}\nHeader length {size - 8}\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: a\x9b2Jb\\xe9\n"
    )
    assert (folder / "other.jpg").read_bytes() == b"abcd"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_in_the_header_acts_on_a_terminal() -> None:
    screen = Screen(newline="")
    with raw_server(ANSWER) as url:
        main(["image", url], Streams(io.StringIO(), screen, io.StringIO()))

    assert screen.getvalue().endswith("Content-Length: 4\r\nX: a\\x9b2Jb\\xe9\n")


def test_with_a_trace(practice: PracticeServer, folder: Path) -> None:
    _, output, errors = run_here(
        "image", f"{practice.url}cover.jpg", "--trace", "--trace-json", "trace.jsonl"
    )

    events = [json.loads(line) for line in (folder / "trace.jsonl").read_text().splitlines()]
    received = [event for event in events if event["direction"] == "received" and event.get("data")]
    assert len(received) == output.partition("Header")[0].count("\n")
    assert " > GET /cover.jpg HTTP/1.1" in errors
    assert " < Content-Length: 70057" in errors


@pytest.mark.parametrize("is_there", [False, True], ids=["new", "there before"])
def test_an_error_page_is_no_picture(
    practice: PracticeServer, is_there: bool, folder: Path
) -> None:
    if is_there:
        (folder / "stuff.jpg").write_bytes(b"what was there")

    done = run_here("image", f"{practice.url}nosuch.jpg")

    problem = f"{practice.url}nosuch.jpg: 404 Not Found"
    assert done == (4, "", f"sockettools image: {problem}\n")
    assert [entry.read_bytes() for entry in folder.iterdir()] == [b"what was there"] * is_there


def test_as_a_process(practice: PracticeServer) -> None:
    done = run("image", f"{practice.url}cover.jpg")

    assert (done.returncode, done.stderr) == (0, "")
    assert "\nHeader length " in done.stdout
