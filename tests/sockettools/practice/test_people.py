from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.practice.people import ACQUAINTANCES, CHAIN, CHAIN_POSITION, acquaintances


def test_the_chapters_chain() -> None:
    name = "Samuel"
    chain = [name]
    for _ in range(7):
        name = acquaintances(name)[18 - 1]
        chain.append(name)

    assert chain == ["Samuel", "Skyler", "Kaidan", "Jo", "Sonni", "Seb", "Yakup", "Merina"]


@given(st.text(min_size=1) | st.sampled_from(CHAIN))
def test_a_hundred_others_for_any_name(name: str) -> None:
    known = acquaintances(name)

    assert len(set(known)) == len(known) == ACQUAINTANCES
    assert name not in known


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("Samuel", "Quentin", "Harun"), ("Zoë", "Cora", "Rowan")],
)
def test_the_same_on_every_machine(name: str, first: str, last: str) -> None:
    known = acquaintances(name)

    assert (known[0], known[-1]) == (first, last)


def test_position_18_is_no_fixed_point() -> None:
    """The chain of the chapter is a rule for eight names; the others have chains of their own."""
    ends = {acquaintances(name)[CHAIN_POSITION - 1] for name in acquaintances("Merina")}

    assert len(ends) > 30
