from __future__ import annotations

import io
import os
import pty
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from sockettools.cli import main
from sockettools.cli.asking import MAX_LINE
from sockettools.cli.streams import Streams
from sockettools.practice import PracticeServer
from sockettools.practice.people import CHAIN
from tests.sockettools.cli.commands import run_here
from tests.terminals import PATIENCE, start_at_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

# Every command that opens one page.
COMMANDS = ("copy", "follow", "image", "links", "words")


@pytest.fixture(scope="module")
def practice() -> Iterator[PracticeServer]:
    with PracticeServer() as practice:
        yield practice


# From a pipe.


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("{}page1.htm\n", id="a line"),
        pytest.param("{}page1.htm", id="without its end"),
        pytest.param(" {}page1.htm \r\n", id="with blanks"),
    ],
)
def test_a_url_is_asked_for(practice: PracticeServer, line: str) -> None:
    done = run_here("links", stdin=line.format(practice.url))

    assert done == (0, f"Enter - {practice.url}page2.htm\n", "")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("stdin", "problem"),
    [
        pytest.param("", "a URL was asked for, and the end of the input came", id="end"),
        pytest.param(" \n", "a URL was asked for, and an empty line came", id="empty"),
        pytest.param("page1.htm\n", "'page1.htm' is not a URL to open: it does not", id="file"),
        pytest.param("x" * (MAX_LINE + 1), "is not a URL to open", id="endless"),
    ],
)
def test_no_url(command: str, stdin: str, problem: str) -> None:
    status, output, errors = run_here(command, stdin=stdin)

    assert (status, output) == (2, "Enter - ")
    assert errors.startswith(f"sockettools {command}: ")
    assert problem in errors
    assert errors.count("\n") == 1


def test_what_is_no_text() -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"http://\xff/\n"), encoding="utf-8")
    streams = Streams(stdin, io.StringIO(), io.StringIO())

    assert main(["links"], streams) == 2


@pytest.mark.parametrize(
    ("argv", "stdin", "prompts"),
    [
        pytest.param((), "URL\n2\n18\n", "Enter - Enter count: Enter position: ", id="all"),
        pytest.param((), " URL \n 2\n18 ", "Enter - Enter count: Enter position: ", id="blanks"),
        pytest.param(("URL",), "2\n18\n", "Enter count: Enter position: ", id="numbers"),
        pytest.param(("--count=2",), "URL\n18\n", "Enter - Enter position: ", id="not the count"),
        pytest.param(("URL", "--position=18"), "2\n", "Enter count: ", id="the count"),
        pytest.param(("URL", "--position=18", "--count=2"), "", "", id="nothing"),
    ],
)
def test_what_is_missing_is_asked_for(
    practice: PracticeServer, argv: tuple[str, ...], stdin: str, prompts: str
) -> None:
    start = f"{practice.url}known_by_Samuel.html"
    argv = tuple(start if argument == "URL" else argument for argument in argv)

    status, output, errors = run_here("follow", *argv, stdin=stdin.replace("URL", start))

    pages = "".join(f"Retrieving:  {practice.url}known_by_{name}.html\n" for name in CHAIN[:3])
    assert (status, output, errors) == (0, prompts + pages, "")


@pytest.mark.parametrize(
    ("stdin", "prompts", "problem"),
    [
        pytest.param("x\n1\n", "Enter count: ", "'x' is not a whole number from 0", id="word"),
        pytest.param("1.5\n", "Enter count: ", "'1.5' is not a whole number", id="fraction"),
        pytest.param("-3\n", "Enter count: ", "'-3' is not a whole number from 0", id="negative"),
        pytest.param("\n", "Enter count: ", "a number was asked for, and an empty", id="empty"),
        pytest.param("1\n", "Enter count: Enter position: ", "the end of the input", id="end"),
        pytest.param("1\n0\n", "Enter count: Enter position: ", "'0' is not a whole", id="zero"),
    ],
)
def test_no_number(stdin: str, prompts: str, problem: str) -> None:
    status, output, errors = run_here("follow", "http://127.0.0.1:1/", stdin=stdin)

    assert (status, output) == (2, prompts)
    assert problem in errors
    assert errors.count("\n") == 1


# At a terminal.


class Terminal:
    """A process whose three streams are one terminal, as a person sees it."""

    def __init__(self, *argv: str) -> None:
        self._controller, terminal = pty.openpty()
        self.process = start_at_terminal([sys.executable, "-m", "sockettools", *argv], terminal)
        os.close(terminal)
        self.screen = ""

    def wait_for(self, text: str) -> None:
        """Read until the screen ends so; what was typed is on it too."""
        while not self.screen.endswith(text):
            self.screen += os.read(self._controller, 1000).decode()

    def type(self, text: str) -> None:
        os.write(self._controller, text.encode())

    def end(self) -> int:
        """Read the rest, and return the exit status."""
        try:
            while data := os.read(self._controller, 1000):
                self.screen += data.decode()
        except OSError:  # Linux's way to say that nobody has the other side open
            pass
        os.close(self._controller)
        return self.process.wait(PATIENCE)


def test_a_person_is_asked_one_after_the_other(practice: PracticeServer) -> None:
    start = f"{practice.url}known_by_Samuel.html"
    terminal = Terminal("follow")
    for prompt, answer in (("Enter - ", start), ("count: ", "1"), ("position: ", "18")):
        terminal.wait_for(prompt)
        terminal.type(f"{answer}\n")

    assert terminal.end() == 0
    assert terminal.screen.split("\r\n") == [
        f"Enter - {start}",
        "Enter count: 1",
        "Enter position: 18",
        f"Retrieving:  {start}",
        f"Retrieving:  {practice.url}known_by_Skyler.html",
        "",
    ]


def test_ctrl_d_at_the_prompt() -> None:
    terminal = Terminal("links")
    terminal.wait_for("Enter - ")
    terminal.type("\x04")

    assert terminal.end() == 2
    assert terminal.screen.split("\r\n") == [
        "Enter - ",
        "sockettools links: a URL was asked for, and the end of the input came",
        "",
    ]


def test_ctrl_c_at_the_prompt() -> None:
    terminal = Terminal("links")
    terminal.wait_for("Enter - ")
    terminal.process.send_signal(signal.SIGINT)

    assert terminal.end() == 130
    assert terminal.screen == "Enter - \r\n"
