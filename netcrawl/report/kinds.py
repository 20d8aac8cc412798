"""Which items are whose: those of this project's spiders are told by their fields."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class Kind(Enum):
    """What an item is; the value is what several of them are called."""

    STEP = "pages of a chain"
    IMAGE = "pictures"
    FILE = "files"
    PAGE_WORD = "words of a page"
    WORD = "words"
    LINK = "links"
    OTHER = "items"


# The first one whose fields are all there. A feed may leave out fields, so only those are asked
# for that a section of the report needs.
_FIELDS = (
    (Kind.STEP, frozenset({"step", "url", "title"})),
    (Kind.IMAGE, frozenset({"page", "url", "path", "width", "height", "status"})),
    (Kind.FILE, frozenset({"url", "path", "status", "content_type"})),
    (Kind.PAGE_WORD, frozenset({"page", "word", "count"})),
    (Kind.WORD, frozenset({"word", "count"})),
    (Kind.LINK, frozenset({"page", "url", "position"})),
)


def kind_of(fields: Collection[str]) -> Kind:
    """Return what an item with these fields is.

    >>> kind_of(["word", "count"]), kind_of(["price"])
    (<Kind.WORD: 'words'>, <Kind.OTHER: 'items'>)
    """
    names = fields if isinstance(fields, frozenset) else frozenset(fields)
    return next((kind for kind, needed in _FIELDS if needed <= names), Kind.OTHER)
