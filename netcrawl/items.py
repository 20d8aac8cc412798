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
