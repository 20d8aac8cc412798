from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netcrawl.counting import CannotCount, WordCounts

if TYPE_CHECKING:
    from collections.abc import Generator


def by_definition(words: list[str], top: int | None, least: int) -> list[tuple[str, int]]:
    ranked = sorted(Counter(words).items(), key=lambda pair: (-pair[1], pair[0]))
    return [pair for pair in ranked if pair[1] >= least][:top]


WORDS = st.lists(st.text("abé\uffff\U00010000\0\n", max_size=2))


@given(
    batches=st.lists(WORDS, max_size=5),
    top=st.none() | st.integers(1, 9),
    least=st.integers(1, 3),
    max_words=st.sampled_from([0, 1, 3, 1000]),
)
def test_on_disk_or_not_the_ranking_is_the_same(
    batches: list[list[str]], top: int | None, least: int, max_words: int
) -> None:
    words = [word for batch in batches for word in batch]
    with WordCounts(max_words) as counts:
        for batch in batches:
            counts.add(batch)
        assert list(counts.ranked(top, least)) == by_definition(words, top, least)
        assert list(counts.ranked(top, least)) == by_definition(words, top, least), "once more"


def test_long_words_go_to_disk_too() -> None:
    with WordCounts(max_characters=1000) as counts:
        counts.add(["a" * 999, "a" * 999])
        before = counts.is_on_disk
        counts.add(["b" * 2, "c"])
        assert (before, counts.is_on_disk) == (False, True)
        assert [word[0] for word, _ in counts.ranked()] == ["a", "b", "c"]


def test_the_file_has_no_name_and_is_gone_at_the_end() -> None:
    def use() -> Generator[tuple[str, int], None, None]:
        with WordCounts(1) as counts:
            counts.add(f"{number:0100}" for number in range(300_000))
            (name,) = open_temporary_files()
            assert name.endswith("(deleted)")
            yield from counts.ranked()

    unfinished = use()
    next(unfinished)
    unfinished.close()
    assert not open_temporary_files()


def test_it_can_be_closed_while_it_is_read() -> None:
    counts = WordCounts(1)
    counts.add(f"{number:0100}" for number in range(300_000))
    ranked = counts.ranked()
    next(ranked)
    counts.close()
    del ranked
    assert not open_temporary_files()


def open_temporary_files() -> list[str]:
    names = []
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - a Path would be resolved
        try:
            names.append(os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115
        except OSError:  # that of the listing
            continue
    return [name for name in names if "etilqs_" in name]


def test_a_full_disk_is_one_line() -> None:
    # A limit on the size of files stands in for the disk.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with WordCounts(1000) as counts:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
        try:
            with pytest.raises(CannotCount, match="too many for the memory, and on disk: disk"):
                counts.add(f"{number:0100}" for number in range(300_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


# The peak is not ru_maxrss: that begins with what the parent has.
MEASURE = """
import re, sys
from pathlib import Path
from netcrawl.counting import WordCounts

number = int(sys.argv[1])
with WordCounts(max_words=int(sys.argv[2])) as counts:
    for start in range(0, number, 10_000):
        counts.add(f"{i * 2654435761 % 2**32:08x}" for i in range(start, start + 10_000))
    found = sum(1 for _ in counts.ranked())
peak = re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())
print(found, peak[1])
"""


def measure(number: int, max_words: int) -> tuple[int, float]:
    """Count ``number`` different words in a process of its own; return them, and its MB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(number), str(max_words)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found, kilobytes = map(int, done.stdout.split())
    return found, kilobytes / 1024


def test_memory() -> None:
    found, megabytes = measure(300_000, max_words=10_000)

    assert found == 300_000
    assert megabytes < 50


@pytest.mark.soak
def test_ten_million_different_words() -> None:
    found, megabytes = measure(10_000_000, max_words=250_000)

    assert found == 10_000_000
    assert megabytes < 200
