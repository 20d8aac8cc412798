"""Items that come back, and those of which there is a word instead."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

import pytest

from netcrawl.frontier.kept_items import UnkeepableItem, UnreadableItem, dump_item, load_item
from netcrawl.items import WordCount


@dataclass
class Stubborn:
    """Fails at what pickle asks of it."""

    page: str

    def __reduce__(self) -> Any:
        """Refuse to be taken apart."""
        raise LookupError("not me")


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({"word": "sun", "count": 2}, id="dict"),
        pytest.param(WordCount("sun", 2), id="dataclass"),
    ],
)
def test_an_item_comes_back(item: Any) -> None:
    assert load_item(dump_item(item)) == item


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        pytest.param(Stubborn("/a"), "an item cannot be kept, Stubborn: not me", id="its-class"),
        pytest.param({"f": lambda: 0}, "an item cannot be kept, dict: ", id="what-is-in-it"),
    ],
)
def test_what_cannot_be_kept_is_told(item: Any, problem: str) -> None:
    with pytest.raises(UnkeepableItem) as told:
        dump_item(item)
    assert str(told.value).startswith(problem)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"", "EOFError: ", id="nothing"),
        pytest.param(pickle.dumps(1)[:-1], "EOFError: ", id="half"),
        pytest.param(b"cno_such_module\nItem\n.", "ModuleNotFoundError: ", id="module-is-gone"),
        pytest.param(b"cnetcrawl.items\nItem\n.", "AttributeError: ", id="class-is-gone"),
        pytest.param(
            b"cnetcrawl.items\nWordCount\n(I1\ntR.", "TypeError: ", id="class-wants-something-else"
        ),
    ],
)
def test_what_cannot_be_read_is_told(data: bytes, problem: str) -> None:
    with pytest.raises(UnreadableItem) as told:
        load_item(data)
    assert str(told.value).startswith(f"an item cannot be read ({problem}")
    assert "under the name that it had in the crawl" in str(told.value)
