"""What several ways have in common, which is said once. No network, no clock."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from netcrawl.compare.observed import ROBOTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcrawl.compare.result import Exchange, Remark, Way

# How the names of the ways through it begin.
_SCRAPY = "Scrapy"


def remarks_of(ways: Sequence[Way]) -> Iterator[tuple[str, Sequence[Remark]]]:
    """Yield whom remarks are about, and those; what all of Scrapy's have in common comes first."""
    scrapys = [way for way in ways if way.name.startswith(_SCRAPY)]
    common: list[Remark] = []
    if len(scrapys) > 1:
        common = [one for one in scrapys[0].remarks if all(one in way.remarks for way in scrapys)]
    for way in ways:
        if not common or way not in scrapys:
            yield way.name, way.remarks
            continue
        if way is scrapys[0]:
            yield f"{_SCRAPY}, with each of its {len(scrapys)} handlers", common
        if own := [one for one in way.remarks if one not in common]:
            yield f"{way.name}, besides", own


def senders(ways: Sequence[Way]) -> Iterator[tuple[str, Way]]:
    """Yield the names of those that sent the same octets, and the first of them."""
    groups: dict[tuple[bytes, ...], list[Way]] = {}
    for way in ways:
        groups.setdefault(tuple(one.request for one in way.exchanges), []).append(way)
    for same in groups.values():
        yield ", ".join(way.name for way in same), same[0]


def pairs(first: Way, other: Way) -> list[tuple[Exchange | None, Exchange | None]]:
    """Put the requests of two ways beside each other, but for those for robots.txt."""
    ours, theirs = (
        [one for one in way.exchanges if one.purpose != ROBOTS] for way in (first, other)
    )
    return list(zip_longest(ours, theirs))
