"""Text out of markup, made fit for a line of a feed."""

from __future__ import annotations

import re

# Control characters, half characters and noncharacters: nothing to see, and no XML feed may have
# them (XML 1.0 section 2.2).
NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


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
        pass
    else:
        return markup
    return _HALF_CHARACTER.sub("\ufffd", markup)
