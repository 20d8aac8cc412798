"""Spider arguments (``-a name=value``) as a table, checked before anything is requested."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError

from sockettools.url import check_http_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any


@dataclass(frozen=True)
class Argument:
    """One argument: its names, what reads its text, and its value when it is not given.

    ``read`` raises ValueError with what the argument takes.
    """

    name: str
    read: Callable[[str], Any]
    default: Any
    aliases: tuple[str, ...] = ()


def read_arguments(table: Iterable[Argument], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every argument in ``table``, by its name.

    Raises:
        UsageError: an argument is unknown, given twice in two words, or not what it takes.
    """
    table = list(table)
    names = {word: argument for argument in table for word in (argument.name, *argument.aliases)}
    values = {argument.name: argument.default for argument in table}
    given_as: dict[str, str] = {}
    for word, text in given.items():
        if word not in names:
            raise UsageError(unknown("argument", word, names))
        argument = names[word]
        if argument.name in given_as:
            raise UsageError(
                f"{given_as[argument.name]} and {word} are two words for one argument: give one"
            )
        given_as[argument.name] = word
        try:
            values[argument.name] = argument.read(str(text))
        except ValueError as exc:
            raise UsageError(f"{word}={str(text)!r} cannot be used: {exc}") from None
    return values


def whole_number(text: str) -> int:
    """Read a whole number from 1 on.

    >>> whole_number(" 18 ")
    18
    """
    # int() also takes 1_8, +18 and other scripts' digits; nine of them are enough for any crawl.
    if re.fullmatch(r"0*[1-9][0-9]{0,8}", text.strip()):
        return int(text)
    raise ValueError("it takes a whole number from 1 to 999999999")


def http_url(text: str) -> str:
    """Read an absolute http(s) URL."""
    try:
        return check_http_url(text)
    except ValueError as exc:
        raise ValueError(f"{exc} (it takes one such as http://example.com/page.html)") from None


def unknown(kind: str, word: str, names: Iterable[str]) -> str:
    """Say that there is no ``kind`` called ``word``, and what was meant or what there is."""
    names = list(names)
    nearest = difflib.get_close_matches(word, names, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(names)}"
    return f"there is no {kind} {word!r}: {hint}"
