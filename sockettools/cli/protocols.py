"""``protocols``: the chapter's table of protocols, and what there is for each of them here."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from sockettools.cli.printing import print_lines
from sockettools.cli.status import ExitStatus

if TYPE_CHECKING:
    import argparse

    from sockettools.cli.streams import Streams

HELP = "print the chapter's table of protocols: use, port, Python module then, command now"


@dataclass(frozen=True)
class Protocol:
    """A row; ``module`` is Python's of 2016, with its fate in Python 3."""

    name: str
    use: str
    port: str
    module: str
    command: str


TABLE = (
    Protocol("Protocol", "Common function", "Port", "Python module", "Command here"),
    Protocol("HTTP", "Web pages", "80", "httplib, urllib, xmlrpclib", "get, follow, links, ..."),
    Protocol("NNTP", "Usenet news", "119", "nntplib (gone in 3.13)", "get, post"),
    Protocol("FTP", "File transfers", "21", "ftplib, urllib", "get, put"),
    Protocol("SMTP", "Sending email", "25", "smtplib", "send, get"),
    Protocol("POP3", "Fetching email", "110", "poplib", "get, delete"),
    Protocol("IMAP4", "Fetching email", "143", "imaplib", "get"),
    Protocol("Telnet", "Command lines", "23", "telnetlib (gone in 3.13)", "telnet, get"),
    Protocol("Gopher", "Document transfers", "70", "gopherlib, urllib (gone)", "gopher, get"),
)


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Take none."""


def main(_arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Print the table."""
    rows = [astuple(protocol) for protocol in TABLE]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print_lines(
        streams,
        [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ],
    )
    return ExitStatus.DONE
