"""``srcset``: several files for one picture, as the HTML Standard reads them (4.8.4.3.9)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# A URL ends at white space only; commas belong to it, but for those at its very end. None of
# these looks twice at a character.
_URL = re.compile(r"[\t\n\f\r ,]*+([^\t\n\f\r ]++)")
_DESCRIPTORS = re.compile(r"((?:[^,(]|\([^)]*+\)?)*+),?")
_DESCRIPTOR = re.compile(r"(?:[^\t\n\f\r (]|\([^)]*+\)?)++")

_WIDTH = re.compile(r"0*([1-9][0-9]{0,8})w")
_HEIGHT = re.compile(r"0*([1-9][0-9]{0,8})h")
_DENSITY = re.compile(r"((?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)x")

# Characters of a number.
_MAX_NUMBER = 30

# Candidates of one attribute; people write ten.
_MAX_CANDIDATES = 100


@dataclass(frozen=True)
class Candidate:
    """One of the files: ``width`` in pixels (0: not said), or ``density`` in pixels for one."""

    url: str
    width: int = 0
    density: float = 1.0

    @property
    def rank(self) -> tuple[int, float]:
        """Compares two: the greater one has more pixels, as far as they say."""
        return self.width, self.density


def parse_srcset(srcset: str) -> Iterator[Candidate]:
    """Yield the candidates in order; those that a browser would not take are left out.

    >>> [c.url for c in parse_srcset("a,b.png 1x, data:image/png;base64,AA== 2x, c.png 1q")]
    ['a,b.png', 'data:image/png;base64,AA==']
    """
    position = 0
    for _ in range(_MAX_CANDIDATES):
        match = _URL.match(srcset, position)
        if match is None:
            return
        url, position = match[1], match.end()
        descriptors: list[str] = []
        if url.endswith(","):
            url = url.rstrip(",")
        elif rest := _DESCRIPTORS.match(srcset, position):
            descriptors, position = _DESCRIPTOR.findall(rest[1]), rest.end()
        if candidate := _candidate(url, descriptors):
            yield candidate


def _candidate(url: str, descriptors: list[str]) -> Candidate | None:
    width = density = height = None
    for descriptor in descriptors:
        if len(descriptor) > _MAX_NUMBER:
            return None
        if width is None and density is None and (match := _WIDTH.fullmatch(descriptor)):
            width = int(match[1])
        elif (
            width is None
            and density is None
            and height is None
            and (match := _DENSITY.fullmatch(descriptor))
        ):
            density = float(match[1])
        elif height is None and density is None and _HEIGHT.fullmatch(descriptor):
            height = descriptor  # of a standard to come; it says nothing without a width
        else:
            return None
    if height and not width:
        return None
    return Candidate(url, width or 0, 1.0 if density is None else density)
