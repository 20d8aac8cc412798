"""What the spiders yield. The order of the fields is the order of the columns in a feed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class FollowedPage:
    """A page on a chain of links.

    ``step`` counts the links followed to get there; ``text`` is the last one's text, "" on the
    page where the chain starts.
    """

    step: int
    url: str
    text: str
    title: str


@dataclass
class Link:
    """A link on a page: ``position`` 1 is the first.

    ``url`` is absolute, None where there is no href or it leads nowhere. ``tag`` is the element as
    the parser writes it.
    """

    page: str
    position: int
    url: str | None
    text: str
    rel: str
    tag: str
    attributes: dict[str, str]


@dataclass
class DownloadedImage:
    """A picture on a page: ``path`` is where its file is, relative to the store.

    ``url`` of one that is in the page itself is the beginning of its data: URL, and the SHA-256 of
    all of it. ``width`` and ``height`` are pixels as it is shown, None where a drawing does not
    say.
    ``status`` is downloaded, unchanged (since the last run on the same store) or failed; then
    ``problem`` says why, and there is no path. ``thumbnail`` is the path of a small copy.
    """

    page: str
    url: str
    alt: str = ""
    path: str | None = None
    sha256: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    bytes: int | None = None
    status: str | None = None
    problem: str | None = None
    thumbnail: str | None = None


@dataclass
class DownloadedFile:
    """A file: ``path`` is where it is, relative to the store.

    ``page`` is where the link to it was found, None if its URL was given. ``status`` is downloaded,
    unchanged (since the last run on the same store) or failed; then ``problem`` says why, and there
    is no path. ``last_modified`` is as the server says it.
    """

    url: str
    page: str | None = None
    path: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    content_type: str | None = None
    last_modified: str | None = None
    status: str | None = None
    problem: str | None = None


@dataclass
class WordCount:
    """How often a word occurs on all pages together."""

    word: str
    count: int


@dataclass
class PageWordCount:
    """How often a word occurs on a page."""

    page: str
    word: str
    count: int
