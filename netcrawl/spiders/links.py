"""Every link of every page: the chapter's programs that print links."""

from __future__ import annotations

from enum import Enum
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from netcrawl.arguments import Argument, choice
from netcrawl.extract.anchors import base_url, follow_links
from netcrawl.extract.links import PARSERS, hrefs_by_lexbor
from netcrawl.extract.page import as_html, media_type
from netcrawl.items import Link
from netcrawl.spiders.site import SiteSpider
from sockettools.url import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from scrapy.http import HtmlResponse, Response


class Parser(Enum):
    """How links are found; see ``netcrawl.extract.links``."""

    SOUP = "soup"
    LEXBOR = "lexbor"
    REGEX = "regex"


def installed_parser(text: str) -> Parser:
    """Read the name of a parser that can be used."""
    parser = choice(Parser)(text)
    if parser is Parser.LEXBOR and find_spec("selectolax") is None:
        raise ValueError("it needs selectolax (pip install selectolax)")
    return parser


class LinksSpider(SiteSpider):
    """List the links of each page, in order."""

    name = "links"

    arguments: ClassVar[tuple[Argument, ...]] = (
        *SiteSpider.arguments,
        Argument("parser", installed_parser, default=Parser.SOUP),
    )

    practice_path = "/book.htm"

    def __init__(self, **given: Any) -> None:
        """Raise UsageError if an argument cannot be used."""
        super().__init__(**given)
        parser: Parser = self.values["parser"]
        self.links_of = PARSERS[parser.value]
        # Not by lxml what lexbor has parsed.
        self._hrefs_by = hrefs_by_lexbor if parser is Parser.LEXBOR else None

    def links_to_follow(self, page: HtmlResponse) -> Iterator[str]:
        """Yield the URLs that a page leads to, as found by the parser of its links."""
        return follow_links(page, self._hrefs_by)

    def parse_page(self, response: Response) -> Iterator[Link]:
        """Yield an item for each link."""
        page = as_html(response)
        if page is None:
            self.skip(response.url, f"not HTML but {media_type(response)}")
            return
        base = base_url(page, self._hrefs_by)
        for position, link in enumerate(self.links_of(page.text), 1):
            yield Link(
                page=page.url,
                position=position,
                url=_absolute(base, link.href, page),
                text=link.text,
                rel=link.attributes.get("rel", ""),
                tag=link.tag,
                attributes=link.attributes,
            )


def _absolute(base: str, href: str | None, page: HtmlResponse) -> str | None:
    if href is None:
        return None
    try:
        return resolve(base, href, page.encoding)
    except ValueError:  # it leads nowhere; the attributes have it as it is written
        return None
