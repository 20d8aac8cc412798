from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from sockettools.practice.pages import ROMEO
from sockettools.tasks.words import count_words
from tests.servers.pages import Answer, PageServer
from tests.sockettools.cli.commands import run_here

if TYPE_CHECKING:
    from collections.abc import Iterator

# As Python 2.7 prints it, in the order of its hashes.
CHAPTER = (
    "{'and': 3, 'envious': 1, 'already': 1, 'fair': 1, 'is': 3, 'through': 1, 'pale': 1, "
    "'yonder': 1, 'what': 1, 'sun': 2, 'Who': 1, 'But': 1, 'moon': 1, 'window': 1, 'sick': 1, "
    "'east': 1, 'breaks': 1, 'grief': 1, 'with': 1, 'light': 1, 'It': 1, 'Arise': 1, 'kill': 1, "
    "'the': 3, 'soft': 1, 'Juliet': 1}"
)

PAGES: dict[str, Answer | str] = {
    "/romeo.txt": Answer(ROMEO, "text/plain"),
    "/latin1": Answer("café".encode("latin-1"), "text/plain; charset=iso-8859-1"),
    "/control": Answer(b"a\x1b[2Jb it's", "text/plain"),
    "/empty": Answer(b"", "text/plain"),
    "/picture": Answer(b"\x89PNG", "image/png"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    with PageServer(PAGES) as server:
        yield server


def test_the_answer_of_the_chapter(server: PageServer) -> None:
    status, output, errors = run_here("words", f"{server.url}/romeo.txt")

    counts = ast.literal_eval(output)
    assert (status, errors) == (0, "")
    assert output.count("\n") == 1
    assert counts == ast.literal_eval(CHAPTER)
    assert list(counts) == list(count_words(ROMEO))
    assert output.startswith("{'But': 1, 'soft': 1, ")


@pytest.mark.parametrize(
    ("path", "options", "output"),
    [
        pytest.param("/romeo.txt", ("--top", "4"), "3 is\n3 the\n3 and\n2 sun\n", id="top"),
        pytest.param("/latin1", (), "{'café': 1}\n", id="charset"),
        pytest.param("/latin1", ("--top", "9"), "1 café\n", id="more than there are"),
        pytest.param("/empty", (), "{}\n", id="empty"),
        pytest.param("/empty", ("--top", "1"), "", id="top of nothing"),
        pytest.param("/control", (), """{'a\\x1b[2Jb': 1, "it's": 1}\n""", id="control"),
        pytest.param("/control", ("--top", "1"), "1 a\\x1b[2Jb\n", id="control in a line"),
    ],
)
def test_words(server: PageServer, path: str, options: tuple[str, ...], output: str) -> None:
    assert run_here("words", server.url + path, *options) == (0, output, "")


@pytest.mark.parametrize(
    ("path", "status", "problem"),
    [
        pytest.param("/nosuch", 4, "{}/nosuch: 404 Not Found", id="404"),
        pytest.param("/picture", 1, "page {}/picture is not text but image/png", id="picture"),
    ],
)
def test_failures(server: PageServer, path: str, status: int, problem: str) -> None:
    done = run_here("words", server.url + path)

    assert done == (status, "", f"sockettools words: {problem.format(server.url)}\n")


@pytest.mark.parametrize("top", ["0", "-1", "x", "1.5"])
def test_wrong_usage(server: PageServer, top: str) -> None:
    status, output, errors = run_here("words", server.url, f"--top={top}")

    assert (status, output) == (2, "")
    assert f"'{top}' is not a whole number from 1" in errors
