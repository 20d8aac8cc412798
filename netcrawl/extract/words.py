"""The words of a text, by two rules: the chapter's, and the Unicode Standard's.

Neither has a word that goes on across ASCII white space, so that a long text can be taken in
blocks.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import regex

from netcrawl.extract.text import NO_TEXT, is_all_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Tokenizer: TypeAlias = Callable[[str], list[str]]

# Characters of a block: a list of the words of the largest page would be many times its size.
BLOCK = 65_536

_ASCII_SPACE = re.compile(r"[ \t\n\r]")


def blocks(text: str, size: int = BLOCK) -> Iterator[str]:
    """Cut a text where it has white space, each ``size`` characters or a little later.

    >>> list(blocks("one two three", size=4))
    ['one two', ' three']
    """
    start = 0
    while start < len(text):
        space = _ASCII_SPACE.search(text, start + size)
        end = space.start() if space else len(text)
        yield text[start:end]
        start = end


def split_words(text: str) -> list[str]:
    """Return what stands between white space, as the chapter counts it: case and all.

    >>> split_words("Arise, fair sun")
    ['Arise,', 'fair', 'sun']
    """
    words = text.split()
    if is_all_text(text):
        return words
    return [seen for word in words if (seen := NO_TEXT.sub("", word))]


def unicode_words(text: str) -> list[str]:
    """Return the words of UAX 29 that have a letter or a digit in them, case-folded, in no order.

    Words that look alike are alike: canonical equivalents are composed, apostrophes straight, and
    what is not to be seen in a word (a soft hyphen, a direction mark) is gone. Scripts without
    spaces come out as UAX 29 has it without a dictionary: ideographs and kana other than katakana
    one by one.

    >>> unicode_words("Don’t pay 1,000 €, l'Amour!")
    ["don't", 'pay', '1,000', "l'amour"]
    """
    if text.isascii():
        return _plain_words(text.lower())
    if _NOT_PLAIN.search(text) is None:
        return _folded(_plain_words(text))
    if _LETTERLIKE_SPACE in text:
        return words_by_properties(text)
    # A few words with other characters are no reason to be slow with all.
    plain: list[str] = []
    other: list[str] = []
    for chunk in text.split():
        (other if _NOT_PLAIN.search(chunk) else plain).append(chunk)
    return _folded(_plain_words(" ".join(plain))) + words_by_properties(" ".join(other))


def words_by_properties(text: str) -> list[str]:
    """Do the same for any text, several times slower: the definition of ``unicode_words``."""
    words = (word.strip(_LETTERLIKE_SPACE) for word in _WORD.findall(text))
    return _folded([_FORMAT.sub("", word) for word in words])


def _plain_words(text: str) -> list[str]:
    words: list[str] = _PLAIN_WORD.findall(text)
    return [word for word in words if word.strip("_")] if "_" in text else words


def _folded(words: list[str]) -> list[str]:
    if not words:
        return []
    # All at once: a call for each word would take longer than finding them.
    joined = "\n".join(words)
    for apostrophe in _APOSTROPHES:
        joined = joined.replace(apostrophe, "'")
    return unicodedata.normalize("NFC", joined.casefold()).split("\n")


# The narrow no-break space, which groups the digits of a number in French, is a part of words to
# UAX 29; before an exclamation mark it is none to a reader.
_LETTERLIKE_SPACE = "\u202f"

_APOSTROPHES = "‘’＇"

# The rules WB4 to WB13b of UAX 29, on the Word_Break property of each character. The module has a
# flag for them, regex.WORD, but its boundaries fail 259 of the 1,823 cases of Unicode's own test,
# and this expression none that is about words.
_PROPERTIES = {
    # WB4: these belong to the character before.
    "x": r"[\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}]*+",
    "letter": r"[\p{WB=ALetter}\p{WB=Hebrew_Letter}]",
    "digit": r"\p{WB=Numeric}",
    "kana": r"\p{WB=Katakana}",
    "joiner": r"\p{WB=ExtendNumLet}",
    "hebrew": r"\p{WB=Hebrew_Letter}",
    "quote": r"\p{WB=Single_Quote}",
    "double": r"\p{WB=Double_Quote}",
    "in_word": r"[\p{WB=MidLetter}\p{WB=MidNumLet}\p{WB=Single_Quote}]",
    "in_number": r"[\p{WB=MidNum}\p{WB=MidNumLet}\p{WB=Single_Quote}]",
    "single": r"[[\p{Alphabetic}\p{Nd}]&&\p{WB=Other}]",
}
_RUN = """
    (?: (?: {hebrew}{x} (?: {double}{x}(?={hebrew}) | {in_word}{x}(?={letter}) )?+   # WB7b, WB7c
          | {letter}{x} (?: {in_word}{x}(?={letter}) )?+                             # WB5-7, WB9
          | {digit}{x} (?: {in_number}{x}(?={digit}) )?+                             # WB8, WB10-12
        )++
      | (?: {kana}{x} )++                                                            # WB13
    )
"""
# No joiner before the first: else a line of underscores would be tried from each of them.
_WORD = regex.compile(
    f"""
    (?: {{joiner}} (?<! {{joiner}}{{x}}{{joiner}} ) {{x}} (?: {{joiner}}{{x}} )*+ )?+
    {_RUN} (?: (?: {{joiner}}{{x}} )++ {_RUN} )*+ (?: {{joiner}}{{x}} )*+            # WB13a, WB13b
    (?: {{quote}} (?<= {{hebrew}}{{x}}{{quote}} ) {{x}} )?+                          # WB7a
    | {{single}}{{x}}
    """.format(**_PROPERTIES),
    regex.VERBOSE | regex.VERSION1,
)
_FORMAT = regex.compile(r"\p{WB=Format}+")

# The same for what European texts are written with. All of these letters are ALetter.
_LETTER = "A-Za-zÀ-ÖØ-öø-ʯΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ϿЀ-ҁҊ-ԯ"
_PLAIN_WORD = re.compile(
    rf"""
    [{_LETTER}0-9_]++
    (?: (?: (?<=[{_LETTER}]) [:·.'‘’] (?=[{_LETTER}])
          | (?<=[0-9]) [,;.'‘’] (?=[0-9]) )
        [{_LETTER}0-9_]++ )*+
    """,
    re.VERBOSE,
)
_NOT_PLAIN = re.compile(rf"[^\x00-\x7f{_LETTER}·‘’“”„\xa0«»…–—•©®°€§¡¿]")

RULES: dict[str, Tokenizer] = {"split": split_words, "words": unicode_words}
