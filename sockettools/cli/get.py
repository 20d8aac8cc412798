"""``get``: print what a URL leads to, or save it."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from sockettools.browser.decoding import ACCEPT_ENCODING
from sockettools.browser.download import Download, file_name
from sockettools.browser.request import field_text
from sockettools.browser.retrying import REPEATABLE, is_transient, wait_before
from sockettools.cli.browsing import add_browser_arguments, browsing, read_url
from sockettools.cli.fetching import (
    add_service_arguments,
    get_from_services,
    refuse_service_options,
)
from sockettools.cli.naming import naming
from sockettools.cli.replacing import is_written_to
from sockettools.cli.saving import files_for
from sockettools.cli.showing import ShownText
from sockettools.cli.status import ExitStatus, WrongUsage, status_of
from sockettools.cli.values import count
from sockettools.errors import RemoteProtocolError, SocketToolsError
from sockettools.http1.bodies import format_fields
from sockettools.progress import ProgressBar
from sockettools.service_url import SCHEMES, scheme_of
from sockettools.text import visible
from sockettools.url import HTTP_SCHEMES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence

    from sockettools import http1
    from sockettools.browser import Response
    from sockettools.cli.browsing import Session
    from sockettools.cli.streams import Streams
    from sockettools.url import HttpUrl

HELP = "print what a URL leads to, or save it"


class _TryAgain(Exception):
    """An answer of a server that may think better of it, in ``wait`` seconds."""

    def __init__(self, problem: str, wait: float) -> None:
        super().__init__(problem)
        self.wait = wait


@dataclass(frozen=True)
class Job:
    """A URL, and the file for it; None is standard output."""

    url: HttpUrl
    file: Path | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "urls",
        metavar="URL",
        nargs="+",
        help="of http, https, ftp, ftps, gopher, gophers, imap, imaps, nntp, nntps, pop3, pop3s, "
        "smtp, smtps, telnet or telnets",
    )
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help="save to FILE, which exists once it is complete; for several URLs give several",
    )
    group.add_argument(
        "-O",
        "--remote-name",
        action="store_true",
        help="save under the last part of the URL's path",
    )
    group.add_argument(
        "-C",
        "--continue-at",
        choices=["-"],
        metavar="-",
        help="go on with a download that was interrupted, from where it got to (with -o or -O)",
    )
    group.add_argument(
        "-i", "--include", action="store_true", help="print the answer's head as well"
    )
    group.add_argument(
        "-I", "--head", action="store_true", help="ask for the head only (HEAD), and print it"
    )
    group.add_argument(
        "-f",
        "--fail",
        action="store_true",
        help="where the server answers with an error (400 and above) print no page, exit with 4",
    )
    group.add_argument(
        "--allow-truncated",
        action="store_true",
        help="take what arrived where the rest of a page does not",
    )
    request = parser.add_argument_group("method and body")
    request.add_argument(
        "-X", "--request", metavar="METHOD", help="use this method (default: GET, POST with -d)"
    )
    request.add_argument(
        "-d",
        "--data",
        action="append",
        metavar="DATA",
        help="send DATA as a form, or what is in a file if it is @FILE (@- is standard input)",
    )
    request.add_argument(
        "--compressed", action="store_true", help=f"ask for a compressed page ({ACCEPT_ENCODING})"
    )
    request.add_argument(
        "--http0.9",
        dest="http_0_9",
        action="store_true",
        help="take an answer without a head for HTTP/0.9",
    )
    request.add_argument(
        "--retry",
        type=count(0, 1000),
        default=0,
        metavar="N",
        help="try again up to N times after timeouts, broken connections, and 408, 429, 500, 502, "
        "503, 504; never what a second time could do harm, as POST",
    )
    add_browser_arguments(parser)
    add_service_arguments(parser.add_argument_group("not for http:// and https://"))


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Get every URL, and return the status of the first that failed."""
    if any(scheme_of(url) in SCHEMES for url in arguments.urls):
        return get_from_services(arguments, streams)
    _check_schemes(arguments.urls)
    refuse_service_options(arguments)
    jobs = _jobs(arguments)
    body = _body(arguments)
    worst = ExitStatus.DONE
    accept_encoding = ACCEPT_ENCODING if arguments.compressed else None
    with browsing(arguments, streams, accept_encoding=accept_encoding) as session:
        get = _Get(arguments, streams, session, body)
        for job in jobs:
            try:
                status = get.run(job)
            except BrokenPipeError:  # nobody reads the output any more, which is no news to anybody
                return ExitStatus.FAILED
            except SocketToolsError as exc:
                if len(jobs) == 1:
                    raise
                streams.note(f"sockettools get: {session.explained(exc)}")
                status = status_of(exc)
            worst = worst or status
    return worst


def _check_schemes(urls: Sequence[str]) -> None:
    for url in urls:
        scheme = scheme_of(url)
        if "://" in url and scheme not in HTTP_SCHEMES:
            known = ", ".join((*HTTP_SCHEMES, *SCHEMES))
            raise WrongUsage(f"{visible(scheme[:50])}:// is none of {known}")


def _jobs(arguments: argparse.Namespace) -> list[Job]:
    urls = [read_url(text) for text in arguments.urls]
    files = files_for(arguments, urls, lambda url: file_name(url.path))
    if arguments.request == "CONNECT":
        raise WrongUsage("-X CONNECT asks a proxy for a tunnel, not a server for a page: use -x")
    if arguments.head and arguments.data:
        raise WrongUsage("-I asks for a head, and -d sends a body: they exclude each other")
    if arguments.continue_at:
        if None in files:
            raise WrongUsage("-C - needs a file to go on with: use -o FILE or -O")
        if arguments.include or arguments.head or arguments.data:
            raise WrongUsage("-C - goes with neither -i, -I nor -d")
    return [Job(url, file) for url, file in zip(urls, files, strict=True)]


def _body(arguments: argparse.Namespace) -> bytes | None:
    if arguments.data is None:
        return None
    return b"&".join(_data(text) for text in arguments.data)


def _data(text: str) -> bytes:
    if not text.startswith("@"):
        return text.encode("utf-8", "surrogateescape")
    data = sys.stdin.buffer.read() if text == "@-" else Path(text[1:]).read_bytes()
    return data.replace(b"\r", b"").replace(b"\n", b"")  # a form has no lines, as curl has it


class _Get:
    """Gets one URL after the other, as the arguments say."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        streams: Streams,
        session: Session,
        body: bytes | None,
    ) -> None:
        self._arguments = arguments
        self._streams = streams
        self._session = session
        self._body = body
        self._has_written = False
        self._first = 0  # of the exchanges for this URL

    def run(self, job: Job) -> ExitStatus:
        """Try until it is done or there is no use in it."""
        self._has_written = False
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._try(job, attempt)
            except _TryAgain as exc:
                wait, problem = exc.wait, str(exc)
            except SocketToolsError as exc:
                found = None if self._has_written else self._wait_after(exc, attempt)
                if found is None:
                    raise
                wait, problem = found, self._session.explained(exc)
            self._note(f"{problem}; trying again in {wait:g} s")
            time.sleep(wait)

    def _wait_after(self, outcome: Response | Exception, attempt: int) -> float | None:
        """Return the seconds until the next try; None where there is none."""
        is_last = attempt > self._arguments.retry or self._method() not in REPEATABLE
        if is_last or not is_transient(outcome):
            return None
        retry_after = None if isinstance(outcome, Exception) else outcome.text_field("retry-after")
        wait = wait_before(attempt, retry_after, time.time())
        left = self._session.deadline.remaining()
        return None if left is not None and wait >= left else wait

    def _try(self, job: Job, attempt: int) -> ExitStatus:
        """Deliver the answer.

        Raises:
            _TryAgain: another try may bring a better one.
        """
        self._first = len(self._session.exchanges)
        if job.file is None or is_written_to(str(job.file)):
            return self._print(job, attempt)
        return self._save(job, job.file, attempt)

    def _method(self) -> str:
        default = "HEAD" if self._arguments.head else "GET" if self._body is None else "POST"
        return self._arguments.request or default

    def _open(self, job: Job, attempt: int, fields: tuple[tuple[str, str], ...] = ()) -> Response:
        session = self._session
        request = session.request(job.url, self._method(), self._body, fields)
        response = session.browser.open(request, session.deadline)
        if (wait := self._wait_after(response, attempt)) is not None:
            response.skip()
            raise _TryAgain(f"{response.url}: {_status_line(response)}", wait)
        return response

    def _refusal(self, response: Response) -> ExitStatus | None:
        """Return the status for an answer that is none, with ``--fail``."""
        if not self._arguments.fail or response.status_code < 400:
            return None
        self._note(f"{response.url}: {_status_line(response)}")
        response.skip()
        return ExitStatus.REFUSED

    def _save(self, job: Job, file: Path, attempt: int) -> ExitStatus:
        with (
            Download(
                file, url=str(job.url), resume=self._arguments.continue_at is not None
            ) as download,
            self._open(job, attempt, _as_given(download.fields())) as response,
        ):
            # Of a file that is complete there is no rest to get, which is no error.
            has_rest = not (download.offset and response.status_code == 416)
            if has_rest and (refusal := self._refusal(response)) is not None:
                return refusal
            if download.offset and response.status_code not in (200, 206, 416):
                raise RemoteProtocolError(
                    f"{response.url}: {_status_line(response)}; what is there of {file} is kept"
                )
            with naming(str(file)):  # what the network does is no OSError
                self._receive(download, response)
        return ExitStatus.DONE

    def _receive(self, download: Download, response: Response) -> None:
        start = download.offset
        try:
            with closing(ProgressBar(self._streams.stderr, monotonic)) as bar:
                for size in download.save(response, self._heads(response)):
                    bar.update(max(0, size - start), response.expected_size())
        except BaseException as exc:
            if isinstance(exc, RemoteProtocolError) and not is_transient(exc):
                download.discard()  # going on with it would end no better
            elif kept := download.kept():
                self._note(f"{kept} bytes are kept in {download.part}: -C - goes on from there")
            raise

    def _print(self, job: Job, attempt: int) -> ExitStatus:
        with self._open(job, attempt) as response:
            if (refusal := self._refusal(response)) is not None:
                return refusal
            if job.file is not None:
                name = str(job.file)
                with naming(name), job.file.open("ab", buffering=0) as device:
                    self._pass_on(response, device.write)
            elif self._streams.stdout.isatty():
                self._show(response)
            else:
                self._pass_on(response, self._streams.write)
        return ExitStatus.DONE

    def _pass_on(self, response: Response, write: Callable[[bytes], object]) -> None:
        """Hand the bytes on as they are."""
        if head := self._heads(response):
            write(head)
        size = 0
        with closing(ProgressBar(self._streams.stderr, monotonic)) as bar:
            for block in response.iter_bytes():
                self._has_written = True
                write(block)
                size += len(block)
                bar.update(size, response.expected_size())

    def _show(self, response: Response) -> None:
        """Show text on the terminal; see ``ShownText``."""
        shown = ShownText(self._streams)
        shown.write(self._heads(response).decode("latin-1").replace("\r\n", "\n"))
        self._has_written = shown.has_written
        try:
            shown.write_blocks(
                response.iter_bytes(), response.text_field("content-type"), str(response.url)
            )
        finally:
            self._has_written = shown.has_written

    def _heads(self, response: Response) -> bytes:
        """Return the heads that are to be printed: of the redirects as well."""
        if not (self._arguments.include or self._arguments.head):
            return b""
        earlier = [exchange.response for exchange in self._session.exchanges[self._first :]]
        return b"".join(_head(head) for head in (*earlier, response.head) if head is not None)

    def _note(self, line: str) -> None:
        self._streams.note(f"sockettools get: {line}")


def _head(response: http1.Response) -> bytes:
    if response.version == b"0.9":
        return b""
    line = b"HTTP/%b %d %b\r\n" % (response.version, response.status_code, response.reason)
    return line + format_fields(response.fields) + b"\r\n"


def _status_line(response: Response) -> str:
    reason = response.head.reason.decode("latin-1")
    return visible(f"{response.status_code} {reason}".rstrip())


def _as_given(fields: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return fields of a server's words as a request takes them: its octets go out as they came."""
    return tuple((name, field_text(value.encode("latin-1", "replace"))) for name, value in fields)
