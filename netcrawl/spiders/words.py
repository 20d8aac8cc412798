"""How often each word occurs: the chapter's count of romeo.txt, for one page or a whole site."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from scrapy.exceptions import CloseSpider

from netcrawl.arguments import Argument, choice, whole_number
from netcrawl.counting import CannotCount, WordCounts, packed, pieces, unpacked
from netcrawl.extract.page import as_html, as_plain_text, media_type
from netcrawl.extract.tree import tree_of
from netcrawl.extract.visible import visible_text
from netcrawl.extract.words import RULES, blocks
from netcrawl.items import PageWordCount, WordCount
from netcrawl.spiders.site import SiteSpider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from scrapy.http import Response

    from netcrawl.frontier.notes import Notes

# Notes: that a page was counted, and the counts of its words.
_COUNTED = "words: counted"
_COUNTS = "words: counts"


class Rule(Enum):
    """What a word is; see ``netcrawl.extract.words``."""

    SPLIT = "split"
    WORDS = "words"


class By(Enum):
    """What is counted together."""

    SITE = "site"
    PAGE = "page"


class WordsSpider(SiteSpider):
    """Count the words of all pages together, or of each page.

    Without ``tokens``, plain text is counted as the chapter does, and HTML by Unicode's words.
    """

    name = "words"

    arguments: ClassVar[tuple[Argument, ...]] = (
        *SiteSpider.arguments,
        Argument("tokens", choice(Rule), default=None),
        Argument("by", choice(By), default=By.SITE),
        Argument("top", whole_number, default=None),
        Argument("min", whole_number, default=1),
    )

    practice_path = "/romeo.txt"

    custom_settings: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        **SiteSpider.custom_settings,
        "ITEM_PROCESSOR": "netcrawl.pipelines.last_items.LastItemsManager",
    }

    def __init__(self, **given: Any) -> None:
        """Raise UsageError if an argument cannot be used."""
        super().__init__(**given)
        self.tokens: Rule | None = self.values["tokens"]
        self.by: By = self.values["by"]
        self.counts = WordCounts()
        self.pages_counted = 0
        self._is_told = False

    def recall(self, notes: Notes) -> None:
        """Count what was counted of the pages that are done."""
        super().recall(notes)
        self.pages_counted = sum(1 for _ in notes.read(_COUNTED))
        try:
            for _, octets in notes.read(_COUNTS):
                self.counts.add(unpacked(octets))
        except CannotCount as exc:
            raise self._cannot(exc) from exc

    def parse_page(self, response: Response) -> Iterator[PageWordCount]:
        """Count the page; yield the counts where each page has its own."""
        found = _read(response)
        if found is None:
            self.skip(response.url, f"neither text nor HTML but {media_type(response)}")
            return
        text, rule = found
        words_of = RULES[(self.tokens or rule).value]
        self.pages_counted += 1
        self.notes.add(_COUNTED)
        # A page that is not done will be counted again: its words have to be known apart.
        is_apart = self.by is By.PAGE or self.notes.are_kept
        counts = WordCounts() if is_apart else self.counts
        try:
            for block in blocks(text):
                counts.add(words_of(block))
            if self.by is By.PAGE:
                for word, count in self._ranked(counts):
                    yield PageWordCount(page=response.url, word=word, count=count)
            elif is_apart:
                for piece in pieces(counts.ranked()):
                    self.notes.add(_COUNTS, value=packed(piece))
                    self.counts.add(piece)
        except CannotCount as exc:
            raise self._cannot(exc) from exc
        finally:
            if is_apart:
                counts.close()

    def last_items(self) -> Iterator[WordCount]:
        """Yield the counts of all pages, also of those before the crawl was interrupted."""
        try:
            for word, count in self._ranked(self.counts):
                yield WordCount(word=word, count=count)
            self._is_told = True
        except CannotCount as exc:
            self.problem = self.problem or str(exc)
        finally:
            self.counts.close()

    def unfinished(self, reason: str) -> str | None:
        """Say why the job was not done; None when it was."""
        problem = super().unfinished(reason)
        if problem:
            return problem
        if not self.pages_counted:
            pages = "the page is" if self.pages_done == 1 else "the pages are"
            return f"{pages} neither text nor HTML"
        return None if self._is_told else "the counts were not written; see ITEM_PROCESSOR"

    def _cannot(self, error: CannotCount) -> CloseSpider:
        """Return what closes the spider, once the error is remembered as the reason."""
        self.problem = self.problem or str(error)
        return CloseSpider("cannot_count")

    def _ranked(self, counts: WordCounts) -> Iterator[tuple[str, int]]:
        return counts.ranked(top=self.values["top"], least=self.values["min"])


def _read(response: Response) -> tuple[str, Rule] | None:
    """Return the text that a reader sees, and how its words are told apart; None for no text."""
    if html := as_html(response):
        return visible_text(tree_of(html)), Rule.WORDS
    if plain := as_plain_text(response):
        return plain.text, Rule.SPLIT
    return None
