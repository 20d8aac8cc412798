"""A row of the table of pages: which paths, what they show, and the page itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from sockettools.practice.answers import Answer, Raw
from sockettools.practice.http import METHODS, READING

if TYPE_CHECKING:
    from sockettools.practice.answers import Reply
    from sockettools.practice.http import Request

Page = Answer | Raw | Callable[["Request"], "Reply"]

ANY_METHOD = METHODS

_PARAMETER = re.compile(r"\{(?P<name>\w+)(?P<number>:number)?\}")


@dataclass(frozen=True)
class Route:
    """A page, or as many as its pattern has paths.

    In the pattern ``{name}`` stands for any part between two slashes, ``{name:number}`` for one of
    digits. ``examples`` are paths, with a query where that says something, to be linked to.
    """

    pattern: str
    page: Page
    what: str
    examples: tuple[str, ...] = ()
    methods: tuple[str, ...] = READING

    @property
    def is_fixed(self) -> bool:
        """Tell whether there is only one path."""
        return "{" not in self.pattern

    @property
    def links(self) -> tuple[str, ...]:
        """Paths to try."""
        return self.examples or (self.pattern,)

    @property
    def title(self) -> str:
        """The pattern, as it is shown to people."""
        return _PARAMETER.sub(lambda match: match["name"].upper(), self.pattern)

    @property
    def takes_body(self) -> bool:
        """Tell whether the body of a request is read."""
        return self.methods != READING

    @cached_property
    def _segments(self) -> list[str]:
        return self.pattern.split("/")

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """Return the arguments in a path, which comes in parts; None if it is not of this route."""
        if len(segments) != len(self._segments):
            return None
        arguments = {}
        for expected, segment in zip(self._segments, segments, strict=True):
            parameter = _PARAMETER.fullmatch(expected)
            if parameter is None:
                if segment != expected:
                    return None
            elif not segment or (parameter["number"] and not re.fullmatch("[0-9]+", segment)):
                return None
            else:
                arguments[parameter["name"]] = segment
        return arguments

    def reply(self, request: Request) -> Reply:
        """Return what is answered.

        Raises:
            BadArgument: the page cannot do what it was asked for.
        """
        return self.page(request) if callable(self.page) else self.page


def split_path(path: str) -> list[str] | None:
    """Return the parts of a percent-encoded path, decoded; None if they are not text.

    >>> split_path("/a%2Fb/c")
    ['', 'a/b', 'c']
    """
    try:
        return [unquote_to_bytes(part).decode() for part in path.split("/")]
    except UnicodeDecodeError:
        return None
