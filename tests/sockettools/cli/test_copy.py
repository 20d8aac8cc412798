from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sockettools.practice import PracticeServer
from tests.servers.pages import Answer, PageServer
from tests.sockettools.cli.commands import run_here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PICTURE = bytes(range(256)) * 10

PAGES: dict[str, Answer | str] = {
    "/a/picture.jpg": Answer(PICTURE, "image/jpeg"),
    "/a/": Answer(PICTURE, "image/jpeg"),
    "/..%2Fb": Answer(PICTURE, "image/jpeg"),
    "/moved.jpg": Answer("", status=302, fields={"Location": "/a/picture.jpg"}),
    "/cut.jpg": Answer(PICTURE, "image/jpeg", cut=10),
}


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    with PageServer(PAGES) as server:
        yield server


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_the_program_of_the_chapter(folder: Path) -> None:
    with PracticeServer() as practice:
        done = run_here("copy", f"{practice.url}cover.jpg")

    assert done == (0, "70057 characters copied.\n", "")
    assert (folder / "cover.jpg").stat().st_size == 70_057


@pytest.mark.parametrize(
    ("path", "options", "name"),
    [
        pytest.param("/a/picture.jpg", (), "picture.jpg", id="its own name"),
        pytest.param("/a/picture.jpg?x=1/2", (), "picture.jpg", id="without the query"),
        pytest.param("/moved.jpg", (), "moved.jpg", id="the name that was asked for"),
        pytest.param("/..%2Fb", (), "..%2Fb", id="no way out of the folder"),
        pytest.param("/a/", ("-o", "x"), "x", id="another name"),
    ],
)
def test_the_file(
    server: PageServer, path: str, options: tuple[str, ...], name: str, folder: Path
) -> None:
    server.pages["/a/picture.jpg?x=1/2"] = server.pages["/a/picture.jpg"]
    done = run_here("copy", server.url + path, *options)

    assert done == (0, "2560 characters copied.\n", "")
    assert names(folder) == [name]
    assert (folder / name).read_bytes() == PICTURE


@pytest.mark.parametrize(
    ("path", "status", "problem"),
    [
        pytest.param("/nosuch.jpg", 4, "{}/nosuch.jpg: 404 Not Found", id="404"),
        pytest.param("/cut.jpg", 1, "", id="cut off"),
    ],
)
def test_failures(server: PageServer, path: str, status: int, problem: str, folder: Path) -> None:
    got, output, errors = run_here("copy", server.url + path)

    assert (got, output) == (status, "")
    assert errors.startswith(f"sockettools copy: {problem.format(server.url)}")
    assert errors.count("\n") == 1
    assert names(folder) == []


@pytest.mark.parametrize("command", ["copy", "image"])
@pytest.mark.parametrize(
    ("path", "options", "problem"),
    [
        pytest.param("/a/x", ("-o", ""), "a name is needed", id="empty"),
        pytest.param("/a/x", ("-o", "-"), "get writes to standard output", id="standard output"),
        pytest.param("/a/x", ("-o", "."), ". is a directory", id="directory"),
        pytest.param("/a/x", ("-o", "new/"), "new/ is a directory", id="directory to be"),
        pytest.param("/a/x", ("-o", os.devnull), f"{os.devnull} is not a file", id="device"),
    ],
)
def test_where_nothing_can_be_saved(
    server: PageServer,
    command: str,
    path: str,
    options: tuple[str, ...],
    problem: str,
    folder: Path,
) -> None:
    before = len(server.requests)
    status, output, errors = run_here(command, server.url + path, *options)

    assert (status, output) == (2, "")
    assert problem in errors
    assert errors.count("\n") == 1
    assert len(server.requests) == before
    assert names(folder) == []


def test_a_url_without_a_name(server: PageServer) -> None:
    status, _, errors = run_here("copy", f"{server.url}/a/")

    assert status == 2
    assert errors == (
        f"sockettools copy: {server.url}/a/ has no name to save it under: use -o FILE\n"
    )


def test_a_folder_that_is_not_there(server: PageServer) -> None:
    status, _, errors = run_here("copy", f"{server.url}/a/picture.jpg", "-o", "nosuch/x")

    assert status == 1
    assert "nosuch/x.part: No such file or directory" in errors
