"""Text out of markup, made fit for a line of a feed."""

from __future__ import annotations

import re

# Control characters, half characters and noncharacters: nothing to see, and no XML feed may have
# them (XML 1.0 section 2.2).
NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# The same the other way round, which takes half the time to find nothing.
_ALL_TEXT = re.compile("[\t-\r -~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*+")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def is_all_text(text: str) -> bool:
    r"""Tell whether there is nothing in it that ``NO_TEXT`` finds.

    >>> is_all_text("a\n"), is_all_text("a\x00")
    (True, False)
    """
    return _ALL_TEXT.fullmatch(text) is not None


def one_line(text: str) -> str:
    r"""Return the text with every run of white space as one blank.

    >>> one_line(" a\n b\x00 ")
    'a b'
    """
    return NO_TEXT.sub("", " ".join(text.split()))


def without_half_characters(markup: str) -> str:
    """Return the markup as a parser can take it.

    Some codecs of Python, which a page can name as its charset, make half characters.
    """
    try:
        markup.encode("utf-8")  # by far the fastest way to see that there are none
    except UnicodeEncodeError:
        return _HALF_CHARACTER.sub("\ufffd", markup)
    return markup


def utf8_without_half_characters(markup: str) -> bytes:
    """Return the same in UTF-8, encoded once."""
    try:
        return markup.encode("utf-8")
    except UnicodeEncodeError:
        return _HALF_CHARACTER.sub("\ufffd", markup).encode("utf-8")
