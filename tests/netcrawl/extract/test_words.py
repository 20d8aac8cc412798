from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netcrawl.extract import words
from netcrawl.extract.words import blocks, split_words, unicode_words, words_by_properties
from sockettools.practice.pages import ROMEO
from tests.growth import assert_linear

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(" \t\r\n", [], id="white space"),
        pytest.param("b a B a.", ["b", "a", "B", "a."], id="case and punctuation stay"),
        pytest.param("é\u00a0é\u3000e\u0301", ["é", "é", "e\u0301"], id="not ASCII"),
        pytest.param("a\x00b \x07 c\ud800", ["ab", "c"], id="what no feed may have"),
        pytest.param("a\x1cb\x85c", ["a", "b", "c"], id="controls that are white space"),
    ],
)
def test_split(text: str, expected: list[str]) -> None:
    assert split_words(text) == expected


def test_split_counts_romeo_as_the_chapter_does() -> None:
    counts = Counter(split_words(ROMEO))

    assert counts["the"] == counts["and"] == counts["is"] == 3
    assert (len(counts), counts.total()) == (26, 33)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("Arise, fair SUN!", ["arise", "fair", "sun"], id="case and punctuation"),
        pytest.param("don't L'Amour o'er 'tis dogs'", ["don't", "l'amour", "o'er", "tis", "dogs"],
                     id="apostrophes"),
        pytest.param("don’t don‘t don＇t don't", ["don't"] * 4, id="typographic apostrophes"),
        pytest.param("1984 3.14 1,000 1;2 10%", ["1984", "3.14", "1,000", "1;2", "10"],
                     id="numbers are words"),
        pytest.param("x2 2x 1st", ["x2", "2x", "1st"], id="letters and digits"),
        pytest.param("example.com e.g. a:b", ["example.com", "e.g", "a:b"], id="between letters"),
        pytest.param("a.1 1:2 a,b 1'a", ["a", "1", "1", "2", "a", "b", "1", "a"],
                     id="not between letter and digit"),
        pytest.param("snake_case _x_ __ _", ["snake_case", "_x_"], id="underscores"),
        pytest.param("well-known either/or", ["well", "known", "either", "or"], id="hyphens"),
        pytest.param("Straße STRASSE ΣΟΦΟΣ σοφος", ["strasse", "strasse", "σοφοσ", "σοφοσ"],
                     id="case-folded"),
        pytest.param("Zoë Zoe\u0308 İ", ["zoë", "zoë", "i̇"], id="composed"),
        pytest.param("co\u00adop \u200eco\u200fop\u200e a\ufeffb", ["coop", "coop", "ab"],
                     id="nothing to see"),
        pytest.param("мир, ’мир’ МИР", ["мир", "мир", "мир"], id="Cyrillic"),
        pytest.param("10\u202f000 mot\u202f! «\u202fmot\u202f»", ["10\u202f000", "mot", "mot"],
                     id="the narrow no-break space of French"),
        pytest.param("日本語", ["日", "本", "語"], id="ideographs"),
        pytest.param("ひらカタカナーカ", ["ひ", "ら", "カタカナーカ"], id="kana"),
        pytest.param("カa カ_a", ["カ", "a", "カ_a"], id="katakana and letters"),
        pytest.param("한국어 단어", ["한국어", "단어"], id="Hangul"),
        pytest.param("ไทย", ["ไ", "ท", "ย"], id="Thai, without a dictionary"),
        pytest.param("हिन्दी भाषा", ["हिन्दी", "भाषा"], id="Devanagari"),
        pytest.param("می‌خواهم", ["می‌خواهم"], id="Persian, with a non-joiner"),
        pytest.param('צה"ל ג\' א"', ['צה"ל', "ג'", "א"], id="Hebrew abbreviations"),
        pytest.param("👍 👩‍👩‍👧 🇫🇷 ™ ½ ² €", [], id="no letter and no digit"),
        pytest.param("café☕au lait", ["café", "au", "lait"], id="a picture between"),
        pytest.param("١٢٣ १२", ["١٢٣", "१२"], id="other digits"),
        pytest.param("𝐀𝐁 𐐀", ["𝐀𝐁", "𐐨"], id="beyond the first plane"),
    ],
)  # fmt: skip
def test_unicode_words(text: str, expected: list[str]) -> None:
    assert sorted(unicode_words(text)) == sorted(expected)
    assert words_by_properties(text) == expected


# From WordBreakTest.txt of Unicode 14, by the rule: × joins, ÷ separates.
@pytest.mark.parametrize(
    ("case", "rule"),
    [
        ("÷ 0041 × 0308 ÷ 0020 ÷", "WB4"),
        ("÷ 0061 × 00AD × 0041 ÷", "WB4"),
        ("÷ 0041 × 0041 × 0041 ÷", "WB5"),
        ("÷ 0041 × 003A × 0041 ÷", "WB6"),
        ("÷ 0041 ÷ 003A ÷ 003A ÷ 0041 ÷", "WB6"),
        ("÷ 0061 × 0308 × 003A × 0308 × 0061 ÷", "WB7"),
        ("÷ 05D0 × 0027 ÷", "WB7a"),
        ("÷ 05D0 × 0308 × 0027 ÷", "WB7a"),
        ("÷ 05D0 × 0022 × 05D0 ÷", "WB7b"),
        ("÷ 0031 × 0308 × 0030 ÷", "WB8"),
        ("÷ 0061 × 0031 ÷ 003A ÷ 0061 ÷", "WB9"),
        ("÷ 0031 × 0061 ÷", "WB10"),
        ("÷ 0031 × 002C × 0031 ÷", "WB11"),
        ("÷ 0031 ÷ 002C ÷ 002C ÷ 0031 ÷", "WB12"),
        ("÷ 0031 ÷ 003A ÷ 0031 ÷", "WB12"),
        ("÷ 3031 × 0308 × 3031 ÷", "WB13"),
        ("÷ 3031 ÷ 0041 ÷", "WB13"),
        ("÷ 0041 × 005F × 0030 × 005F × 3031 × 005F ÷", "WB13a"),
        ("÷ 005F × 0308 × 0041 ÷", "WB13b"),
        ("÷ 1F1E6 × 1F1E7 ÷ 0061 ÷", "WB15"),
        ("÷ 0061 ÷ 1F1E6 × 1F1E7 ÷ 0062 ÷", "WB16"),
        ("÷ 0063 × 0061 × 006E × 0027 × 0074 ÷", "WB6"),
    ],
)  # fmt: skip
def test_the_boundaries_of_uax_29(case: str, rule: str) -> None:
    segments = [
        "".join(chr(int(code, 16)) for code in segment.replace("×", " ").split())
        for segment in case.strip("÷ ").split("÷")
    ]
    expected = [segment for segment in segments if any(char.isalnum() for char in segment)]

    assert words._WORD.findall("".join(segments)) == expected, rule


MARKS = "aB1_ :;.,'\"’‘·-\n\u00a0\u0308\u200d\u00ad\u202fйאア語é"


@given(st.text(st.one_of(st.sampled_from(MARKS), st.characters()), max_size=40))
def test_fast_or_slow_the_words_are_the_same(text: str) -> None:
    assert Counter(unicode_words(text)) == Counter(words_by_properties(text))


@given(st.text(st.characters(max_codepoint=127)))
def test_fast_or_slow_the_words_are_in_the_same_order(text: str) -> None:
    assert unicode_words(text) == words_by_properties(text)


def test_each_character_that_the_fast_way_takes() -> None:
    plain = [char for char in map(chr, range(0xD800)) if not words._NOT_PLAIN.search(char)]

    for char in plain:
        for text in (char, f"a{char}a", f"1{char}1", f"a{char}1"):
            assert unicode_words(text) == words_by_properties(text), hex(ord(char))


@given(st.text("ab_'1é語\u202f \n\t\r", max_size=60), st.integers(1, 9))
@pytest.mark.parametrize("words_of", words.RULES.values(), ids=words.RULES)
def test_blocks_tear_no_word(words_of: words.Tokenizer, text: str, size: int) -> None:
    taken = [word for block in blocks(text, size) for word in words_of(block)]

    assert "".join(blocks(text, size)) == text
    assert Counter(taken) == Counter(words_of(text))


@pytest.mark.parametrize(
    "text",
    [
        lambda n: "_" * n,
        lambda n: "_\u0308" * n,
        lambda n: "_ " * n + "語",
        lambda n: "\u0308" * n,
        lambda n: "a" + "\u0308" * n + "'",
        lambda n: "a:" * n,
        lambda n: "é1" * n,
        lambda n: "א'" * n,
        lambda n: "א" + "\u0308" * n + "'\"",
        lambda n: "1," * n + "語",
        lambda n: "." * n + "語",
        lambda n: "\u202f" * n,
    ],
    ids=range(12),
)
def test_hostile_text_takes_no_longer_than_its_length(text: Callable[[int], str]) -> None:
    assert_linear(lambda n: partial(unicode_words, text(n)), 40_000)
