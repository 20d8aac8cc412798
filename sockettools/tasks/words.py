"""Counting the words of a page, whole or as it comes in."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING

from sockettools.errors import TooLong
from sockettools.net.deadline import NEVER
from sockettools.tasks.pages import iter_text, open_page

if TYPE_CHECKING:
    from sockettools.browser import Browser, Request
    from sockettools.net.deadline import Deadline

# Different words of one page, and their characters together. All of Shakespeare has some 60,000
# between blanks; a page with more than this has no words, and would fill the memory.
MAX_WORDS = 500_000
MAX_CHARACTERS = 16_777_216


def count_words_of(browser: Browser, request: Request, deadline: Deadline = NEVER) -> Counter[str]:
    """Count the words of a page of any length.

    Raises:
        NotText: it has none.
        TooLong: it has too many different ones.
        Refusal, ...: as ``pages.open_page``.
    """
    counter = WordCounter()
    with open_page(browser, request, deadline) as response:
        for block in iter_text(response):
            counter.feed(block)
    return counter.counts


def count_words(text: str) -> Counter[str]:
    """Count what stands between white space, in the order of first appearance.

    Case and punctuation count, as in the chapter: ``sun`` and ``sun,`` are two words.

    >>> count_words("the sun and the moon")
    Counter({'the': 2, 'sun': 1, 'and': 1, 'moon': 1})
    """
    return Counter(text.split())


class WordCounter:
    """Counts the words of a text that comes in blocks.

    >>> counter = WordCounter()
    >>> counter.feed("the su")
    >>> counter.feed("n ")
    >>> counter.counts
    Counter({'the': 1, 'sun': 1})
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._size = 0  # characters of the different words
        self._torn = StringIO()  # a word whose end has not been seen

    def feed(self, text: str) -> None:
        """Take the next block; a word may go on in the one after it.

        Raises:
            TooLong: there are more than MAX_WORDS different words, or MAX_CHARACTERS in them.
        """
        if not text:
            return
        if text.split(maxsplit=1) == [text]:
            self._torn.write(text)
        else:
            words = (self._torn.getvalue() + text).split()
            self._torn = StringIO()
            if not text[-1].isspace():
                self._torn.write(words.pop())
            self._count(words)
        if len(self._counts) > MAX_WORDS:
            raise TooLong(f"there are more than {MAX_WORDS} different words")
        if self._size + self._torn.tell() > MAX_CHARACTERS:
            raise TooLong(f"the different words have more than {MAX_CHARACTERS} characters")

    def _count(self, words: list[str]) -> None:
        known = len(self._counts)
        self._counts.update(words)
        new = islice(reversed(self._counts), len(self._counts) - known)
        self._size += sum(map(len, new))

    @property
    def counts(self) -> Counter[str]:
        """The counts so far, as if the text ended here."""
        counts = self._counts.copy()
        if torn := self._torn.getvalue():
            counts[torn] += 1
        return counts
