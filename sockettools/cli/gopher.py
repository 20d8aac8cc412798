"""``gopher``: walk through menus by typing numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sockettools.browser.download import Download
from sockettools.cli.accessing import accessing, add_access_arguments, read_service_url
from sockettools.cli.menus import print_menu
from sockettools.cli.printing import print_lines, print_text
from sockettools.cli.saving import file_to_write
from sockettools.cli.showing import ShownText
from sockettools.cli.status import ExitStatus, WrongUsage
from sockettools.errors import SocketToolsError
from sockettools.protocols.gopher import parse_location
from sockettools.protocols.gopher_menu import Form, kind_of
from sockettools.service_url import parse_service_url, scheme_of
from sockettools.tasks.fetch import fetch
from sockettools.text import visible

if TYPE_CHECKING:
    import argparse

    from sockettools.cli.streams import Streams
    from sockettools.protocols.access import Access
    from sockettools.service_url import ServiceUrl

HELP = "walk through the menus of a Gopher server"

# Characters of a line that is typed.
_MAX_TYPED = 65_536

_HELP_LINE = "a number opens what stands beside it, Enter shows the menu again, b goes back, q ends"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("url", metavar="URL", help="gopher:// or gophers://, or a host")
    add_access_arguments(parser, login=False)


def main(arguments: argparse.Namespace, streams: Streams) -> ExitStatus:
    """Show a menu and ask where to go; where nobody can be asked, show what the URL leads to."""
    text = arguments.url if "://" in arguments.url else f"gopher://{arguments.url}"
    url = read_service_url(text, "gopher")
    with accessing(arguments, streams) as access:
        try:
            if streams.stdin.isatty():
                Walk(access, streams).run(url)
            else:
                _print(url, access, streams)
        except ValueError as exc:  # a URL that means nothing
            raise WrongUsage(f"{url}: {exc}") from None
    return ExitStatus.DONE


def _print(url: ServiceUrl, access: Access, streams: Streams) -> None:
    with fetch(url, access) as resource:
        if _form(url) is Form.MENU:
            print_menu(url, resource.blocks, streams)
        elif streams.stdout.isatty():
            ShownText(streams).write_blocks(resource.blocks, resource.media_type, str(url))
        else:
            for block in resource.blocks:
                streams.write(block)


class Walk:
    """A person among menus: the one that is seen, and those on the way back."""

    def __init__(self, access: Access, streams: Streams) -> None:
        self._access = access
        self._streams = streams
        self._menus: list[ServiceUrl] = []
        self._targets: list[str] = []

    def run(self, url: ServiceUrl) -> None:
        """Open the URL, then whatever is chosen, until there is no more input.

        Raises:
            ValueError, SocketToolsError, OSError: the first one cannot be opened.
        """
        self._open(url)
        while (typed := self._ask(f"{self._place()}> ")) not in (None, "q"):
            try:
                self._obey(typed or "")
            except BrokenPipeError:
                raise
            except OSError as exc:
                name = f"{exc.filename}: " if exc.filename else ""
                self._streams.note(f"{name}{exc.strerror or exc}")
            except (SocketToolsError, ValueError) as exc:
                self._streams.note(str(exc))

    def _obey(self, typed: str) -> None:
        if typed == "b":
            self._back()
        elif not typed and self._menus:
            self._show_menu(self._menus[-1])
        elif not (typed.isascii() and typed.isdecimal()):
            self._streams.note(_HELP_LINE)
        elif not 0 < int(typed[:9]) <= len(self._targets):
            self._streams.note(f"there is no number {typed[:9]} here")
        else:
            self._follow(self._targets[int(typed[:9]) - 1])

    def _place(self) -> str:
        return str(self._menus[-1]) if self._menus else "gopher"

    def _back(self) -> None:
        if len(self._menus) < 2:
            self._streams.note("there is nothing before this")
            return
        self._show_menu(self._menus[-2])
        del self._menus[-1]

    def _follow(self, target: str) -> None:
        if scheme_of(target) in ("gopher", "gophers"):
            self._open(parse_service_url(target))
        else:
            print_lines(self._streams, [f"{target} is for another program"])

    def _open(self, url: ServiceUrl) -> None:
        location = parse_location(url.path)
        if location.kind == "7" and location.search is None:
            words = self._ask("Search for - ")
            if not words:
                return
            target = f"{url}%09{quote(words.encode('utf-8', 'replace'), safe='')}"
            url = parse_service_url(target)
        if _form(url) is Form.MENU:
            self._show_menu(url)
            self._menus.append(url)
        elif location.media_type.startswith("text/"):
            with fetch(url, self._access) as resource:
                ShownText(self._streams).write_blocks(
                    resource.blocks, resource.media_type, str(url)
                )
                print_text(self._streams, "\n")
        else:
            # A name that would be hidden is offered to nobody.
            self._save(url, visible(location.name).lstrip("."))

    def _show_menu(self, url: ServiceUrl) -> None:
        with fetch(url, self._access) as resource:
            self._targets = print_menu(url, resource.blocks, self._streams, with_urls=False)

    def _save(self, url: ServiceUrl, name: str) -> None:
        typed = self._ask(f"Save as [{name}] - " if name else "Save as - ")
        name = typed or name
        if typed is None or not name:
            return
        path = file_to_write(name)
        if path.exists():
            self._streams.note(f"{name} is there already: type another name")
            return
        with fetch(url, self._access) as resource, Download(Path(path), url=str(url)) as download:
            *_, size = (0, *download.save_blocks(resource.blocks, 0, resource.size, ""))
        print_lines(self._streams, [f"{size} bytes saved in {name}"])

    def _ask(self, prompt: str) -> str | None:
        """Return a line that was typed, without the blanks around it; None at the end of input."""
        print_text(self._streams, prompt)
        try:
            line = self._streams.stdin.readline(_MAX_TYPED)
        except UnicodeDecodeError:
            return ""
        except KeyboardInterrupt:
            print_text(self._streams, "\n")
            raise
        if not line:
            print_text(self._streams, "\n")
            return None
        return line.strip()


def _form(url: ServiceUrl) -> Form:
    return kind_of(parse_location(url.path).kind).form
