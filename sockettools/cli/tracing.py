"""``--trace``, ``--trace-hex`` and ``--trace-json``: the options of every command that talks."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sockettools.cli.lines import LineWriter
from sockettools.cli.naming import naming
from sockettools.net.transcript import HexSink, JsonSink, TextSink, Transcript

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from sockettools.cli.streams import Streams
    from sockettools.net.transcript import Sink


def add_trace_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("seeing the conversation")
    group.add_argument(
        "--trace", action="store_true", help="write who sent what and when to standard error"
    )
    group.add_argument(
        "--trace-hex", action="store_true", help="the same as a hex dump with offsets"
    )
    group.add_argument(
        "--trace-json",
        type=Path,
        metavar="FILE",
        help="write it to FILE, one JSON object per event",
    )


@contextmanager
def transcript_of(
    arguments: argparse.Namespace, streams: Streams, more: Sequence[Sink] = ()
) -> Iterator[Transcript | None]:
    """Yield the transcript that was asked for, None if none was; ``more`` get it in any case.

    Raises:
        OSError: the file cannot be written.
    """
    sinks = list(more)

    def failed(problem: str) -> None:
        # Lines for people are never in the way: what can fail is the file, if there is one.
        file = f"{arguments.trace_json}: " if arguments.trace_json else ""
        streams.note(f"sockettools {arguments.command}: nothing more is recorded: {file}{problem}")

    with ExitStack() as stack:
        lines = LineWriter(streams.stderr)
        stack.callback(lines.close)
        if arguments.trace:
            sinks.append(TextSink(lines))
        if arguments.trace_hex:
            sinks.append(HexSink(lines))
        if arguments.trace_json is not None:
            file = arguments.trace_json.open("w", encoding="utf-8")
            stack.callback(_close, file, str(arguments.trace_json))
            sinks.append(JsonSink(file))
        yield Transcript(sinks, failed) if sinks else None


def _close(file: TextIO, name: str) -> None:
    with naming(name):
        file.close()
