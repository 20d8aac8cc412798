"""What ``get`` does with a URL that is not HTTP: print or save what it leads to."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from sockettools.browser.download import Download
from sockettools.browser.options import MAX_REDIRECTS
from sockettools.cli.accessing import accessing, add_login_arguments, read_service_url
from sockettools.cli.menus import print_menu
from sockettools.cli.naming import naming
from sockettools.cli.replacing import is_written_to
from sockettools.cli.saving import files_for
from sockettools.cli.showing import ShownText
from sockettools.cli.status import ExitStatus, WrongUsage, status_of
from sockettools.errors import SocketToolsError, TooLong
from sockettools.net.stream import RECEIVE_SIZE
from sockettools.progress import ProgressBar
from sockettools.service_url import SCHEMES, scheme_of
from sockettools.tasks.fetch import Wanted, fetch, file_name
from sockettools.text import visible

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sockettools.cli.streams import Streams
    from sockettools.protocols.access import Access
    from sockettools.service_url import ServiceUrl
    from sockettools.tasks.fetch import Resource

# Options of get that mean something to HTTP alone, by where argparse puts them.
_HTTP_OPTIONS = {
    "include": "-i",
    "head": "-I",
    "fail": "-f",
    "allow_truncated": "--allow-truncated",
    "request": "-X",
    "data": "-d",
    "compressed": "--compressed",
    "http_0_9": "--http0.9",
    "http_1_0": "--http1.0",
    "retry": "--retry",
    "fields": "-H",
    "cookie": "-b",
    "cookie_jar": "-c",
    "proxy": "-x",
    "har": "--har",
    "timings": "--timings",
    "delay": "--delay",
    "recv_size": "--recv-size",
    "follow": "--no-redirect",
    "max_redirs": "--max-redirs",
}
_HTTP_DEFAULTS = {"recv_size": RECEIVE_SIZE, "follow": True, "max_redirs": MAX_REDIRECTS}
_SERVICE_OPTIONS = {
    "tls": "--tls",
    "netrc_file": "--netrc-file",
    "headers": "--headers",
    "mark_read": "--mark-read",
}

_WITH_LOGIN = frozenset({"ftp", "imap", "nntp", "pop3", "smtp"})
_WITH_MESSAGES = frozenset({"imap", "nntp", "pop3"})


@dataclass(frozen=True)
class _Job:
    url: ServiceUrl
    file: Path | None


def add_service_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare the options that such a URL has, and an HTTP one has not."""
    add_login_arguments(group)
    group.add_argument(
        "--headers", action="store_true", help="of a message or an article, get its header only"
    )
    group.add_argument(
        "--mark-read", action="store_true", help="let an IMAP server note that a message was read"
    )


def refuse_service_options(arguments: argparse.Namespace) -> None:
    """Refuse what means nothing to HTTP.

    Raises:
        WrongUsage: it was given.
    """
    if given := [name for dest, name in _SERVICE_OPTIONS.items() if getattr(arguments, dest)]:
        raise WrongUsage(f"{given[0]} means nothing for an http:// or https:// URL")


def get_from_services(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Get every URL, and return the status of the first that failed.

    Raises:
        WrongUsage: an option or a URL makes no sense.
        SocketToolsError: the only URL cannot be had.
    """
    jobs = _jobs(arguments)
    worst = ExitStatus.DONE
    with accessing(arguments, streams) as access:
        for job in jobs:
            try:
                _Getting(arguments, streams, access, job).run()
            except BrokenPipeError:  # nobody reads the output any more
                return ExitStatus.FAILED
            except SocketToolsError as exc:
                if len(jobs) == 1:
                    raise
                streams.note(f"sockettools get: {exc}")
                worst = worst or status_of(exc)
    return worst


def _jobs(arguments: argparse.Namespace) -> list[_Job]:
    if any(scheme_of(text) not in SCHEMES for text in arguments.urls):
        raise WrongUsage("http:// and https:// URLs go with no others: give them to another get")
    if given := [
        name
        for dest, name in _HTTP_OPTIONS.items()
        if (value := getattr(arguments, dest)) != _HTTP_DEFAULTS.get(dest)
        and (value or dest in _HTTP_DEFAULTS)
    ]:
        raise WrongUsage(f"{given[0]} means something for http:// and https:// URLs only")
    urls = [read_service_url(text) for text in arguments.urls]
    for url in urls:
        _refuse_what_means_nothing(arguments, url)
    files = files_for(arguments, urls, _remote_name)
    if arguments.continue_at and None in files:
        raise WrongUsage("-C - needs a file to go on with: use -o FILE or -O")
    if arguments.continue_at and any(url.protocol != "ftp" for url in urls):
        raise WrongUsage("-C - goes with http, https, ftp and ftps: the others send all or nothing")
    return [_Job(url, file) for url, file in zip(urls, files, strict=True)]


def _refuse_what_means_nothing(arguments: argparse.Namespace, url: ServiceUrl) -> None:
    for name, is_given, protocols in (
        ("-u", arguments.user is not None, _WITH_LOGIN),
        ("--headers", arguments.headers, _WITH_MESSAGES),
        ("--mark-read", arguments.mark_read, frozenset({"imap"})),
    ):
        if is_given and url.protocol not in protocols:
            raise WrongUsage(f"{name} means nothing for {url.scheme}://")


def _remote_name(url: ServiceUrl) -> str | None:
    try:
        return file_name(url)
    except ValueError as exc:  # a URL that means nothing in its protocol
        raise WrongUsage(f"{url}: {exc}") from exc


class _Getting:
    """One URL on its way to where it is wanted."""

    def __init__(
        self, arguments: argparse.Namespace, streams: Streams, access: Access, job: _Job
    ) -> None:
        self._arguments = arguments
        self._streams = streams
        self._access = access
        self._url = job.url
        self._file = job.file
        self._told = 0

    def run(self) -> None:
        try:
            if self._file is None or is_written_to(str(self._file)):
                self._print()
            else:
                self._save(self._file)
        except ValueError as exc:  # a URL that means nothing in its protocol
            raise WrongUsage(f"{self._url}: {exc}") from exc

    def _print(self) -> None:
        with fetch(self._url, self._access, self._wanted(0)) as resource:
            self._begin(resource)
            if self._file is not None:
                name = str(self._file)
                with naming(name), self._file.open("ab", buffering=0) as device:
                    self._pass_on(resource, device.write)
            elif resource.media_type == "text/gopher":
                print_menu(self._url, self._counted(resource), self._streams)
            elif self._streams.stdout.isatty():
                # FTP does not say what it sends: whether it is text the octets themselves tell.
                is_told = resource.media_type != "application/octet-stream"
                ShownText(self._streams).write_blocks(
                    self._counted(resource),
                    resource.media_type if is_told else None,
                    str(self._url),
                )
            else:
                self._pass_on(resource, self._streams.write)
            self._tell(resource)

    def _pass_on(self, resource: Resource, write: Callable[[bytes], object]) -> None:
        size = 0
        with closing(ProgressBar(self._streams.stderr, monotonic)) as bar:
            for block in self._counted(resource):
                write(block)
                size += len(block)
                bar.update(size, resource.size)

    def _save(self, file: Path) -> None:
        resume = self._arguments.continue_at is not None
        with Download(file, url=str(self._url), resume=resume) as download:
            if not self._receive(download, download.offset):
                # What is here is a part of something else: all of it is got anew.
                self._receive(download, 0)

    def _receive(self, download: Download, offset: int) -> bool:
        """Return whether it is saved; False where ``offset`` is no place to go on from."""
        with fetch(self._url, self._access, self._wanted(offset)) as resource:
            self._begin(resource)
            known = download.validator()
            if resource.offset and known and known != resource.validator:
                return False
            total = None if resource.size is None else resource.offset + resource.size
            blocks = self._counted(resource)
            try:
                with (
                    closing(ProgressBar(self._streams.stderr, monotonic)) as bar,
                    naming(str(self._file)),  # what the network does is no OSError
                ):
                    for size in download.save_blocks(
                        blocks, resource.offset, total, resource.validator
                    ):
                        bar.update(size - resource.offset, resource.size)
            except BaseException as exc:
                kept = download.kept()
                if isinstance(exc, TooLong) or not kept:
                    download.discard()  # going on with it would end no better
                else:
                    self._streams.note(
                        f"sockettools get: {kept} bytes are kept in {download.part}: "
                        "-C - goes on from there"
                    )
                raise
            self._tell(resource)
        return True

    def _wanted(self, offset: int) -> Wanted:
        return Wanted(offset, self._arguments.headers, self._arguments.mark_read)

    def _tell(self, resource: Resource) -> None:
        """Show the server's words that were not shown yet."""
        for note in list(resource.notes)[self._told :]:
            self._streams.note(f"{self._url}: {visible(note)}")
        self._told = len(resource.notes)

    def _begin(self, resource: Resource) -> None:
        self._tell(resource)
        most = self._arguments.max_filesize
        if most is not None and resource.size is not None and resource.size > most:
            raise self._too_large(most)

    def _counted(self, resource: Resource) -> Iterator[bytes]:
        """Yield the blocks, as long as they are not more than was allowed."""
        most = self._arguments.max_filesize
        size = 0
        for block in resource.blocks:
            size += len(block)
            if most is not None and size > most:
                raise self._too_large(most)
            yield block

    def _too_large(self, most: int) -> TooLong:
        return TooLong(f"{self._url} has more than {most} bytes, which --max-filesize allows")
