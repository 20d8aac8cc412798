"""``gopher``, typed and not, and the menus of ``get``."""

from __future__ import annotations

import io
import tempfile
from typing import TYPE_CHECKING

import pytest

from sockettools.cli import main
from sockettools.cli.streams import Streams
from tests.machine import needs_programs
from tests.servers.gopher import BLOB, PROGRAMS, Hole, gophernicus
from tests.servers.scripted import Client, ScriptedServer
from tests.sockettools.cli.commands import run_here
from tests.sockettools.cli.getting import get, get_at_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_gophernicus = needs_programs(*PROGRAMS)


@pytest.fixture(scope="module")
def hole() -> Iterator[Hole]:
    with gophernicus() as hole:
        yield hole


class Keyboard(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


def typed(url: str, *lines: str) -> tuple[int, str, str]:
    """Run ``gopher`` for somebody who types these lines; return status, output and errors."""
    stderr = io.StringIO()
    keyboard = Keyboard("".join(f"{line}\n" for line in lines))
    with tempfile.TemporaryFile("w+", encoding="utf-8") as stdout:
        status = main(["gopher", url], Streams(keyboard, stdout, stderr))
        stdout.flush()
        stdout.seek(0)
        return status, stdout.read(), stderr.getvalue()


def menu(base: str) -> list[str]:
    return [
        "              Welcome <b>here</b>",
        "",
        f"   1 text     Romeo  {base}/0/romeo.txt",
        f"   2 menu     Sub menu  {base}/1/sub",
        f"   3 binary   Blob  {base}/9/blob.bin",
        "   4 html     Web  http://x.invalid/?a=1&b=2",
        f"   5 html     Page  {base}/h/page.html",
        "   6 menu     Elsewhere  gopher://gopher.example.test:7070/1/x",
        f"   7 search   Search  {base}/7/cgi-bin/s.sh",
    ]


@needs_gophernicus
def test_a_menu_where_nobody_can_be_asked(hole: Hole) -> None:
    status, out, err = run_here("gopher", hole.plain)

    assert (status, err) == (0, "")
    assert out.splitlines() == menu(hole.plain)


@needs_gophernicus
def test_get_prints_the_same_menu_and_saves_it_as_it_came(hole: Hole, tmp_path: Path) -> None:
    assert get(hole.plain).out.decode().splitlines() == menu(hole.plain)
    assert get_at_terminal(hole.plain)[1].splitlines() == menu(hole.plain)
    assert get(hole.plain, "-o", str(tmp_path / "menu")).status == 0
    assert (tmp_path / "menu").read_bytes().startswith(b"iWelcome <b>here</b>\t\tnull.host\t1\r\n")


@needs_gophernicus
def test_get_prints_text_and_files(hole: Hole) -> None:
    assert get(f"{hole.plain}/9/blob.bin").out == BLOB
    refused = get(f"{hole.plain}/0/nosuch")
    assert refused.status == 4
    assert "refuses: Error: File or directory not found!" in refused.err


@needs_gophernicus
def test_a_walk(hole: Hole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = typed(
        hole.plain,
        *("1", "2", "2", "b", "b"),
        *("7", "two cats", "b"),
        *("3", "", "3", "copy.bin", "3", ""),
        *("4", "99", "0", "x", "", "q", "1"),
    )

    assert status == 0
    assert "> But soft\n.\n.leading dot\nlast line\n" in out.replace("\r", "")
    assert "deep words here" in out
    assert "Search for - " in out
    assert "result for [two cats]" in out
    assert (tmp_path / "blob.bin").read_bytes() == BLOB
    assert (tmp_path / "copy.bin").read_bytes() == BLOB
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blob.bin", "copy.bin"]
    assert "http://x.invalid/?a=1&b=2 is for another program" in out
    assert out.count("menu     Sub menu") == 4, "at first, twice on the way back, and by Enter"
    assert err.splitlines() == [
        "there is nothing before this",
        "blob.bin is there already: type another name",
        "there is no number 99 here",
        "there is no number 0 here",
        "a number opens what stands beside it, Enter shows the menu again, b goes back, q ends",
    ]


@needs_gophernicus
def test_the_end_of_the_input_ends_a_walk(hole: Hole) -> None:
    status, out, err = typed(hole.plain)

    assert (status, err) == (0, "")
    assert out.endswith(f"\n{hole.plain}> \n")


def hostile(client: Client) -> None:
    selector = client.socket.recv(4096)
    if selector == b"\r\n":
        port = client.socket.getsockname()[1]
        client.send(
            b"i\x1b[2J\xe2\x80\xae\r\n"
            b"0\x1b]0;x\x07\t/text\t127.0.0.1\t%d\r\n"
            b"9file\t/..\t127.0.0.1\t%d\r\n"
            b"1gone\t/gone\t127.0.0.1\t%d\r\n"
            b"9file\t/.\x1b[2Jrc\t127.0.0.1\t%d\r\n.\r\n" % (port, port, port, port)
        )
    elif selector == b"/text\r\n":
        client.send(b"\x1b[31mred\r\n")
    else:
        client.send(b"3\x1b[2Jgone\t\t\t1\r\n")


def test_nothing_acts_on_the_terminal_and_an_error_does_not_end_the_walk() -> None:
    with ScriptedServer(hostile) as server:
        status, out, err = typed(f"gopher://{server.address}", "1", "2", "", "3", "4")

    assert status == 0
    assert "\x1b" not in out + err
    assert r"\x1b[2J\u202e" in out
    assert r"\x1b[31mred" in out
    assert "Save as - " in out, "'..' is no name"
    assert r"Save as [\x1b[2Jrc] - " in out
    assert err == f"{server.address} refuses: \\x1b[2Jgone\n"


@pytest.mark.parametrize(
    ("url", "status", "problem"),
    [
        ("pop3://h/", 2, "it begins with none of gopher://"),
        ("gopher://h/i/x", 2, "type i is no page"),
        ("gopher://h/0/a%0d%0ab", 2, "line end"),
        ("127.0.0.1:1", 4, "127.0.0.1:1"),
    ],
)
def test_what_cannot_be_opened(url: str, status: int, problem: str) -> None:
    ended, out, err = run_here("gopher", url)

    assert (ended, out) == (status, "")
    assert problem in err
    assert err.count("\n") == 1
