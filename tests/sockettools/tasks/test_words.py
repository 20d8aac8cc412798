from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.browser import Browser, Options, Request
from sockettools.errors import TooLong
from sockettools.practice.pages import ROMEO
from sockettools.tasks import words
from sockettools.tasks.pages import NotText, Refusal
from sockettools.tasks.words import WordCounter, count_words, count_words_of
from sockettools.url import parse_http_url
from tests.servers.pages import Answer, PageServer


def test_the_poem_of_the_chapter() -> None:
    counts = count_words(ROMEO)

    assert list(counts)[:4] == ["But", "soft", "what", "light"]
    assert counts["the"] == counts["and"] == counts["is"] == 3
    assert (len(counts), counts.total()) == (26, 33)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param(" \t\r\n", {}, id="white space"),
        pytest.param("b a B a.", {"b": 1, "a": 1, "B": 1, "a.": 1}, id="case and punctuation"),
        pytest.param("é\u00a0é\u3000e\u0301", {"é": 2, "e\u0301": 1}, id="not ASCII"),
    ],
)
def test_words(text: str, counts: dict[str, int]) -> None:
    assert count_words(text) == Counter(counts)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_torn_word_is_one(size: int) -> None:
    counter = WordCounter()

    for start in range(0, len(ROMEO), size):
        counter.feed(ROMEO[start : start + size])

    assert list(counter.counts.items()) == list(count_words(ROMEO).items())


@given(st.lists(st.text("ab \n\u3000", max_size=4)))
def test_any_blocks_give_the_same_counts(blocks: list[str]) -> None:
    counter = WordCounter()

    for number, block in enumerate(blocks, 1):
        counter.feed(block)
        expected = count_words("".join(blocks[:number]))
        assert list(counter.counts.items()) == list(expected.items())


def test_a_word_as_long_as_the_page() -> None:
    counter = WordCounter()

    for _ in range(100_000):
        counter.feed("ab" * 20)

    assert counter.counts == {"ab" * 2_000_000: 1}


@pytest.mark.parametrize(
    ("name", "limit", "problem"),
    [
        pytest.param("MAX_WORDS", 26, None, id="as many words"),
        pytest.param("MAX_WORDS", 25, "more than 25 different words", id="words"),
        pytest.param("MAX_CHARACTERS", 125, None, id="as many characters"),
        pytest.param("MAX_CHARACTERS", 114, "more than 114 characters", id="characters"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_limits(
    name: str, limit: int, problem: str | None, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, name, limit)
    counter = WordCounter()

    def feed() -> None:
        for _ in range(3):
            for start in range(0, len(ROMEO), size):
                counter.feed(ROMEO[start : start + size])

    if problem is None:
        feed()
        assert counter.counts["the"] == 9
    else:
        with pytest.raises(TooLong, match=problem):
            feed()


def test_a_word_without_end_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MAX_CHARACTERS", 1000)
    counter = WordCounter()

    for _ in range(1000):
        counter.feed("x")
    with pytest.raises(TooLong):
        counter.feed("x")


PAGES: dict[str, Answer | str] = {
    "/romeo.txt": Answer(ROMEO, "text/plain"),
    "/koi8": Answer("мир мир труд".encode("koi8-r"), "text/plain; charset=koi8-r"),
    "/empty": Answer("", "text/plain"),
    "/picture": Answer(b"\x89PNG", "image/png"),
}


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        pytest.param("/romeo.txt", count_words(ROMEO), id="the chapter's"),
        pytest.param("/koi8", {"мир": 2, "труд": 1}, id="charset"),
        pytest.param("/empty", {}, id="empty"),
    ],
)
@pytest.mark.parametrize("receive_size", [1, 65_536])
def test_a_page(path: str, counts: Counter[str], receive_size: int) -> None:
    with PageServer(PAGES) as server, Browser(Options(receive_size=receive_size)) as browser:
        found = count_words_of(browser, Request(parse_http_url(server.url + path)))

    assert list(found.items()) == list(counts.items())


@pytest.mark.parametrize(("path", "error"), [("/picture", NotText), ("/nosuch", Refusal)])
def test_no_page(path: str, error: type[Exception]) -> None:
    with PageServer(PAGES) as server, Browser() as browser, pytest.raises(error):
        count_words_of(browser, Request(parse_http_url(server.url + path)))
