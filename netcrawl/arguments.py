"""Spider arguments (``-a name=value``) as a table, checked before anything is requested."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError

from netcrawl.schemes import check_url
from sockettools.url import check_http_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from enum import Enum
    from typing import Any, TypeVar

    E = TypeVar("E", bound=Enum)


_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/?#\s]*@")


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
            shown = _USERINFO.sub(r"\1", str(text))  # a password is not repeated
            raise UsageError(f"{word}={shown!r} cannot be used: {exc}") from None
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


def count(text: str) -> int:
    """Read a whole number from 0 on."""
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return int(text)
    raise ValueError("it takes a whole number from 0 to 999999999")


def choice(members: type[E]) -> Callable[[str], E]:
    """Return a reader of the values of an enum."""

    def read(text: str) -> E:
        try:
            return members(text.strip().lower())
        except ValueError:
            words = ", ".join(str(member.value) for member in members)
            raise ValueError(f"it takes one of {words}") from None

    return read


def pattern(text: str) -> re.Pattern[str]:
    """Read a regular expression."""
    if not text:
        raise ValueError("it takes a regular expression, and an empty one fits everything")
    try:
        return re.compile(text)
    except re.error as exc:
        raise ValueError(f"it takes a regular expression ({exc})") from None


def page_urls(text: str) -> tuple[str, ...]:
    """Read one URL, or several with white space between them."""
    urls = tuple(dict.fromkeys(map(_page_url, text.split())))
    if not urls:
        raise ValueError("it takes one URL or several, such as http://example.com/")
    return urls


def url_file(text: str) -> tuple[str, ...]:
    """Read the URLs in a file: one a line, lines that begin with # left out."""
    try:
        lines = _lines(text)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise ValueError(f"it takes a file with one URL a line ({reason})") from None
    urls: dict[str, None] = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                if len(line.split()) > 1:
                    raise ValueError("there is a blank in it: one URL a line, nothing behind it")
                urls[check_url(line)] = None
            except ValueError as exc:
                raise ValueError(f"line {number}, {line.strip()!r}: {exc}") from None
    if not urls:
        raise ValueError("there is no URL in it")
    return tuple(urls)


@cache
def _lines(name: str) -> list[str]:
    # Arguments are read twice, to be checked and to be used; what is in a pipe only once.
    return Path(name).read_text(encoding="utf-8-sig").splitlines()


def folder(text: str) -> Path:
    """Read the name of a folder, which need not be there yet."""
    if not text.strip() or "\0" in text:
        raise ValueError("it takes a folder")
    try:
        path = Path(text).expanduser()
        is_file = path.exists() and not path.is_dir()
    except (OSError, RuntimeError) as exc:  # too long; of a user that there is not
        raise ValueError(f"it takes a folder ({exc})") from None
    if is_file:
        raise ValueError("it takes a folder, and is a file")
    return path


def http_url(text: str) -> str:
    """Read an absolute http(s) URL."""
    return _checked(text, check_http_url)


def _page_url(text: str) -> str:
    return _checked(text, check_url)


def _checked(text: str, check: Callable[[str], str]) -> str:
    try:
        return check(text)
    except ValueError as exc:
        raise ValueError(f"{exc} (it takes one such as http://example.com/page.html)") from None


def unknown(kind: str, word: str, names: Iterable[str]) -> str:
    """Say that there is no ``kind`` called ``word``, and what was meant or what there is."""
    names = list(names)
    nearest = difflib.get_close_matches(word, names, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(names)}"
    return f"there is no {kind} {word!r}: {hint}"
