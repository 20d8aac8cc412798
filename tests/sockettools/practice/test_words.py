from __future__ import annotations

from itertools import islice

from sockettools.practice.words import ENGLISH, JAPANESE, phrase, sentences


def test_the_same_seed_says_the_same() -> None:
    first, again, other = (list(islice(sentences(ENGLISH, seed), 50)) for seed in ("a", "a", "b"))

    assert first == again != other
    assert phrase(ENGLISH, "a") == phrase(ENGLISH, "a") != phrase(ENGLISH, "b")


def test_sentences_are_written_as_their_language_has_it() -> None:
    english, japanese = next(sentences(ENGLISH, "a")), next(sentences(JAPANESE, "a"))

    assert english[0].isupper()
    assert english.endswith(".")
    assert set(english[:-1].lower().split()) <= set(ENGLISH.words)
    assert japanese.endswith("。")
    assert " " not in japanese
