"""Menus of Gopher as lines for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockettools.cli.printing import print_lines
from sockettools.protocols.gopher_menu import parse_menu
from sockettools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sockettools.cli.streams import Streams
    from sockettools.protocols.gopher_menu import Item
    from sockettools.service_url import ServiceUrl

# The widths of a number and of the longest common word for a type.
_NUMBER = 4
_WORD = 8


@dataclass(frozen=True)
class MenuLine:
    """An item of a menu. ``number`` counts those that lead somewhere, from 1; 0 for others."""

    item: Item
    number: int
    url: str | None

    def shown(self, *, with_url: bool = True) -> str:
        """Return the line: number, type and text, and where it leads."""
        if not self.item.word:
            return f"{'':{_NUMBER + _WORD + 2}}{visible(self.item.text)}".rstrip()
        number = str(self.number or "")
        told = f"{number:>{_NUMBER}} {self.item.word:<{_WORD}} {visible(self.item.text)}"
        return f"{told}  {self.url}" if with_url and self.url else told.rstrip()


def menu_lines(url: ServiceUrl, items: Iterable[Item]) -> Iterator[MenuLine]:
    """Yield a line for each item of the menu that is at ``url``."""
    number = 0
    for item in items:
        target = item.url(url)
        number += target is not None
        yield MenuLine(item, number if target is not None else 0, target)


def print_menu(
    url: ServiceUrl, blocks: Iterable[bytes], streams: Streams, *, with_urls: bool = True
) -> list[str]:
    """Print a menu as it comes, and return where its numbers lead."""
    targets = []
    for line in menu_lines(url, parse_menu(blocks)):
        print_lines(streams, [line.shown(with_url=with_urls)])
        if line.url is not None:
            targets.append(line.url)
    return targets
