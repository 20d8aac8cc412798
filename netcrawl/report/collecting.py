"""One look at each item, and what a report says of all of them: bounded, whatever their number."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from netcrawl.report.kinds import Kind, kind_of
from netcrawl.report.shown import link_target, number, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

# Rows of the table of items, and the characters in all of them.
MAX_ROWS = 1_000
MAX_ROW_CHARACTERS = 1_000_000

# Columns that are told of, and of these those that the table of items has.
MAX_FIELDS = 200
MAX_COLUMNS = 20

# Characters of a field's name.
_MAX_NAME = 60

MAX_STEPS = 300
MAX_PICTURES = 500
MAX_FAILURES = 200

# Words, pages and links that are kept in memory while the items are read.
MAX_WORDS = 200_000
MAX_PAGES = 200_000
MAX_EDGES = 400_000

# What is a page that a link can lead to; mail addresses, telephones and scripts are none.
_PAGE = re.compile(r"(?:https?|ftps?|gopher)://", re.IGNORECASE)

# Octets that no file has; what says so is no size.
_MAX_SIZE = 2**63

# Characters of a URL that is kept.
_MAX_URL = 2_000


@dataclass
class Field:
    """A field of items: how many have it ``filled``, and with what."""

    name: str
    filled: int = 0
    empty: int = 0
    longest: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    sample: str = ""

    @property
    def kind(self) -> str:
        """Name the types of its values, the most frequent one first."""
        return ", ".join(name for name, _ in self.kinds.most_common(3))


@dataclass(frozen=True)
class Step:
    """A page on a chain."""

    number: str
    url: str
    target: str | None
    text: str
    title: str


@dataclass(frozen=True)
class Failure:
    """What could not be had, and why; ``details`` may have several lines."""

    what: str
    target: str | None
    reason: str
    details: str = ""


@dataclass
class Failures:
    """The first of them, how many there are, and how many of each reason."""

    shown: list[Failure] = field(default_factory=list)
    number: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, failure: Failure) -> None:
        """Count one."""
        self.number += 1
        if failure.reason in self.reasons or len(self.reasons) < MAX_FAILURES:
            self.reasons[failure.reason] += 1
        if len(self.shown) < MAX_FAILURES:
            self.shown.append(failure)


@dataclass(frozen=True)
class Picture:
    """A picture that was downloaded; ``path`` is relative to a store that has to be found."""

    path: str
    thumbnail: str
    url: str
    target: str | None
    alt: str
    facts: str


@dataclass
class Collection:
    """What is known of all items."""

    number: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    fields: dict[str, Field] = field(default_factory=dict)
    fields_left_out: set[str] = field(default_factory=set)
    rows: list[dict[str, str]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)
    words_dropped: bool = False
    word_total: int = 0
    pages: dict[str, int] = field(default_factory=dict)  # URL -> its number, in order
    edges: dict[tuple[int, int], int] = field(default_factory=dict)  # pages -> how many links
    visited: set[int] = field(default_factory=set)  # pages that were read
    links_left_out: int = 0
    nowhere: int = 0  # links to no page
    pictures: dict[str, Picture] = field(default_factory=dict)  # by path
    formats: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)  # of pictures and files
    octets: int = 0  # in files
    failures: Failures = field(default_factory=Failures)
    _characters: int = 0
    _paths: set[str] = field(default_factory=set)

    def add(self, item: Mapping[str, Any]) -> None:
        """Look at an item."""
        self.number += 1
        kind = kind_of(item.keys())
        self.kinds[kind] += 1
        for name, value in item.items():
            self._add_value(str(name), value)
        self._add_row(item)
        match kind:
            case Kind.STEP:
                self._add_step(item)
            case Kind.IMAGE | Kind.FILE:
                self._add_file(item, kind)
            case Kind.WORD | Kind.PAGE_WORD:
                self._add_word(item)
            case Kind.LINK:
                self._add_link(item)
            case Kind.OTHER:
                pass

    def _add_value(self, name: str, value: Any) -> None:
        known = self.fields.get(name)
        if known is None:
            if len(self.fields) >= MAX_FIELDS:
                if len(self.fields_left_out) < MAX_PAGES:
                    self.fields_left_out.add(name[:_MAX_NAME])
                return
            known = self.fields[name] = Field(shown(name, _MAX_NAME))
        if value is None or (isinstance(value, str | list | dict) and not value):
            known.empty += 1
            return
        known.filled += 1
        known.kinds[_type_name(value)] += 1
        if isinstance(value, str):
            known.longest = max(known.longest, len(value))
        if not known.sample:
            known.sample = shown(value, 60)

    def _add_row(self, item: Mapping[str, Any]) -> None:
        if len(self.rows) >= MAX_ROWS or self._characters >= MAX_ROW_CHARACTERS:
            return
        names = [name for name in list(self.fields)[:MAX_COLUMNS] if name in item]
        row = {name: shown(item[name]) for name in names}
        self._characters += sum(map(len, row.values()))
        self.rows.append(row)

    def _add_step(self, item: Mapping[str, Any]) -> None:
        if len(self.steps) < MAX_STEPS:
            url = item["url"]
            self.steps.append(
                Step(
                    shown(item["step"], 20),
                    shown(url),
                    link_target(url),
                    shown(item.get("text")),
                    shown(item["title"]),
                )
            )

    def _add_word(self, item: Mapping[str, Any]) -> None:
        count = number(item["count"])
        if count is None or count < 0:
            return
        self.word_total += int(count)
        self.words[shown(item["word"], 60)] += int(count)
        if len(self.words) > MAX_WORDS:
            # Few of those that are rare so far can still be among the most frequent.
            self.words = Counter(dict(self.words.most_common(MAX_WORDS // 2)))
            self.words_dropped = True
        if item.get("page"):
            self._page(item["page"])

    def _add_link(self, item: Mapping[str, Any]) -> None:
        page, target = item["page"], item["url"]
        source = self._page(page) if page else None
        if source is None:
            self.links_left_out += 1
            return
        self.visited.add(source)
        if not target or not _PAGE.match(str(target)):
            self.nowhere += 1
            return
        end = self._page(str(target).partition("#")[0])
        edge = (source, end) if end is not None else None
        if edge is None or (edge not in self.edges and len(self.edges) >= MAX_EDGES):
            self.links_left_out += 1
            return
        self.edges[edge] = self.edges.get(edge, 0) + 1

    def _page(self, url: object) -> int | None:
        """Return the number of a page; None if there are too many."""
        name = str(url)[:_MAX_URL]
        known = self.pages.get(name)
        if known is None and len(self.pages) < MAX_PAGES:
            known = self.pages[name] = len(self.pages)
        return known

    def _add_file(self, item: Mapping[str, Any], kind: Kind) -> None:
        status = shown(item["status"], 20) or "unknown"
        self.statuses[status] += 1
        page = item.get("page")
        if page:
            self._page(page)
        url = item["url"]
        if status == "failed":
            reason = shown(item.get("problem")) or "no reason is given"
            self.failures.add(Failure(shown(url), link_target(url), reason))
            return
        form = item.get("format") if kind is Kind.IMAGE else item["content_type"]
        self.formats[shown(form, 40) or "unknown"] += 1
        path = item["path"]
        if not isinstance(path, str) or not path or len(path) > _MAX_URL:
            return
        size = number(item.get("bytes"))
        if path not in self._paths and len(self._paths) < MAX_PAGES:
            # The same file may have come from several places.
            self._paths.add(path)
            self.octets += int(size) if size is not None and 0 <= size < _MAX_SIZE else 0
        if kind is Kind.IMAGE and path not in self.pictures and len(self.pictures) < MAX_PICTURES:
            self.pictures[path] = _picture(item, path)


def _picture(item: Mapping[str, Any], path: str) -> Picture:
    width, height = shown(item["width"], 10), shown(item["height"], 10)
    size = f"{width} × {height}" if width and height else ""
    thumbnail = item.get("thumbnail")
    return Picture(
        path,
        thumbnail if isinstance(thumbnail, str) else "",
        shown(item["url"]),
        link_target(item["url"]),
        shown(item.get("alt")),
        " ".join(filter(None, (shown(item.get("format"), 20), size))),
    )


def _type_name(value: Any) -> str:
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list | tuple | set | frozenset):
        return "list"
    return type(value).__name__[:40]
