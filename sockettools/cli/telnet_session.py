"""A Telnet session of somebody at a terminal."""

from __future__ import annotations

import os
import re
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sockettools.cli.terminal import Terminal, TerminalMode
from sockettools.net.pump import pump_stream
from sockettools.protocols.telnet.codec import Command, Typing
from sockettools.protocols.telnet.options import Option, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from sockettools.cli.streams import Streams
    from sockettools.protocols.telnet.client import TelnetClient

# Ctrl-]
ESCAPE = b"\x1d"

_HELP = """\
quit            end the session (also q, and Ctrl-D)
send NAME       send brk, ayt, ip, ao, ec, el, nop, or escape (the character itself)
status          tell what is agreed on with the server
an empty line goes on"""

_COMMANDS = {name.lower(): Command[name] for name in ("BRK", "AYT", "IP", "AO", "EC", "EL", "NOP")}

# By whether the server shows what is typed (ECHO), and takes it a character at a time (SGA).
_MODES = {
    (False, False): TerminalMode.LINES,
    (True, False): TerminalMode.LINES_UNSEEN,
    (False, True): TerminalMode.CHARACTERS,
    (True, True): TerminalMode.RAW,
}

# What would end the process while its terminal is not what it was.
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Terminated(Exception):
    """A signal came that ends the process."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Quit(Exception):
    """Enough was typed."""


class TelnetSession:
    """Pumps between a terminal and a server; the terminal is restored however it ends.

    The keyboard is read by a thread of its own, which also shows the prompt; while it does, what
    the server says has to wait.
    """

    def __init__(self, streams: Streams, terminal: Terminal) -> None:
        self._streams = streams
        self._terminal = terminal
        self._client: TelnetClient | None = None
        self._showing = threading.Lock()
        self._is_at_prompt = False

    def options_changed(self) -> None:
        """Treat what is typed as the server wants it now. The thread that receives calls it."""
        with self._showing:
            self._set_mode()

    def run(self, client: TelnetClient, *, timeout: float | None, is_binary: bool) -> None:
        """Talk until one side ends.

        Raises:
            Terminated: a signal came that ends the process; the terminal is restored.
            KeyboardInterrupt: Ctrl-C, which is the server's where it takes each character.
            ReadTimeout, ReadError, WriteError: see ``pump_stream``.
        """
        self._client = client
        self._is_binary = is_binary
        self._streams.note(f"Connected to {client.peer}. Ctrl-] is for commands.")
        end = f"{client.peer} closed the connection."
        with _handling(self._handlers()):
            try:
                with self._terminal:
                    self._set_mode()
                    pump_stream(client, self._typed(), self._show, timeout=timeout, after_end=0)
            except _Quit:
                end = "Connection closed."
        self._streams.note(end)

    def _set_mode(self) -> None:
        client = self._client
        if client is None or self._is_at_prompt:
            return
        mode = _MODES[client.is_on(Side.THEIRS, Option.ECHO), client.is_on(Side.THEIRS, Option.SGA)]
        if mode is TerminalMode.RAW:
            client.typing = Typing.EXACT if self._is_binary else Typing.KEYS
        else:
            client.typing = Typing.TEXT
        self._terminal.set_mode(mode)

    def _show(self, octets: bytes) -> None:
        with self._showing:
            self._streams.write(octets)

    def _typed(self) -> Iterator[bytes]:
        """Yield what is for the server; the rest is done here."""
        rest = b""
        while typed := rest or self._terminal.read():
            before, escape, rest = typed.partition(ESCAPE)
            if before:
                yield before
            if escape:
                with self._showing:
                    command, rest = self._asked(rest)
                    yield from self._obeyed(command.split())
                    self._is_at_prompt = False
                    self._set_mode()
        raise _Quit

    def _asked(self, typed: bytes) -> tuple[str, bytes]:
        """Return a command, and what was typed behind it."""
        self._is_at_prompt = True
        self._terminal.set_mode(TerminalMode.LINES)
        self._streams.stderr.write("\ntelnet> ")
        self._streams.stderr.flush()
        while (end := re.search(rb"\r\n?|\n", typed)) is None:
            more = self._terminal.read()
            if not more:
                raise _Quit
            typed += more
        command = typed[: end.start()].replace(ESCAPE, b"")
        return command.decode("utf-8", "replace"), typed[end.end() :]

    def _obeyed(self, words: list[str]) -> Iterator[bytes]:
        client = self._client
        assert client is not None
        match words:
            case []:
                pass
            case ["quit" | "q" | "close" | "exit"]:
                raise _Quit
            case ["status"]:
                agreed = "; ".join(client.options()) or "no options"
                self._streams.note(f"Connected to {client.peer}; {agreed}.")
            case ["send", "escape"]:
                yield ESCAPE
            case ["send", name] if name.lower() in _COMMANDS:
                client.send_command(_COMMANDS[name.lower()])
            case _:
                self._streams.note(_HELP)

    def _handlers(self) -> dict[int, Callable[[int, FrameType | None], None]]:
        def end(number: int, _frame: FrameType | None) -> None:
            # One is enough, and the terminal is to be restored. Not SIG_IGN: Python complains of
            # signals that have come already and are to be ignored now.
            for other in _ENDING:
                signal.signal(other, _ignored)
            raise Terminated(number)

        def resized(_number: int, _frame: FrameType | None) -> None:
            assert self._client is not None
            with suppress(OSError):  # it is gone
                self._client.set_window_size(*self._terminal.size())

        def resumed(_number: int, _frame: FrameType | None) -> None:
            self._set_mode()  # the shell has set its own meanwhile

        return {
            **dict.fromkeys(_ENDING, end),
            signal.SIGWINCH: resized,
            signal.SIGCONT: resumed,
        }


@contextmanager
def _handling(handlers: dict[int, Callable[[int, FrameType | None], None]]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignored(_number: int, _frame: FrameType | None) -> None:
    pass


def die_of(number: int) -> None:
    """End as one does whom the signal has ended, which is what a shell wants to know."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
