from __future__ import annotations

import io
import subprocess
import sys

import pytest

from sockettools import __version__
from sockettools.cli import COMMANDS, main
from sockettools.cli.streams import Streams


def run(*argv: str) -> tuple[int, str, str]:
    streams = Streams(io.StringIO(), io.StringIO(), io.StringIO())
    status = main(argv, streams)
    assert isinstance(streams.stdout, io.StringIO)
    assert isinstance(streams.stderr, io.StringIO)
    return status, streams.stdout.getvalue(), streams.stderr.getvalue()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param((), "COMMAND", id="nothing"),
        pytest.param(("practise",), "practise", id="unknown command"),
        pytest.param(("practice", "--prot", "1"), "--prot", id="unknown option"),
        pytest.param(("practice", "--port", "65536"), "'65536' is not a port", id="port"),
        pytest.param(("practice", "--port", "http"), "'http' is not a port", id="port in words"),
        pytest.param(("practice", "--port", "²"), "'²' is not a port", id="superscript digit"),
    ],
)
def test_wrong_usage(argv: tuple[str, ...], message: str) -> None:
    status, output, errors = run(*argv)

    assert status == 2
    assert output == ""
    assert message in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    status, output, _ = run(command, "--help")

    assert status == 0
    assert COMMANDS[command].HELP in " ".join(output.split())


def test_version() -> None:
    assert run("--version") == (0, f"sockettools {__version__}\n", "")


def test_python_m() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sockettools", "--version"], capture_output=True, check=True
    )

    assert done.stdout.decode().strip() == f"sockettools {__version__}"
