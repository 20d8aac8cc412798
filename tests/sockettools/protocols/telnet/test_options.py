"""Negotiation: RFC 1143's table, and that nobody can be kept at it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.protocols.telnet.codec import Negotiation, Verb
from sockettools.protocols.telnet.options import (
    SUPPORTED,
    TABLE,
    Change,
    Input,
    Negotiator,
    Option,
    Side,
    State,
)

DO, DONT, WILL, WONT = Verb.DO, Verb.DONT, Verb.WILL, Verb.WONT

BOTH = frozenset(Side)


def answered(*heard: Negotiation) -> list[Negotiation | None]:
    negotiator = Negotiator()
    return [negotiator.receive(words)[0] for words in heard]


@pytest.mark.parametrize(
    ("verb", "option", "answer"),
    [
        pytest.param(WILL, Option.ECHO, DO, id="server echoes"),
        pytest.param(WILL, Option.SGA, DO, id="server suppresses go ahead"),
        pytest.param(WILL, Option.BINARY, DO, id="server sends binary"),
        pytest.param(WILL, Option.TTYPE, DONT, id="server has no terminal"),
        pytest.param(WILL, Option.NAWS, DONT, id="server has no window"),
        pytest.param(WILL, 5, DONT, id="server has a status"),
        pytest.param(WILL, 255, DONT, id="server has more options"),
        pytest.param(DO, Option.ECHO, WONT, id="we do not echo"),
        pytest.param(DO, Option.SGA, WILL, id="we suppress go ahead"),
        pytest.param(DO, Option.BINARY, WILL, id="we send binary"),
        pytest.param(DO, Option.TTYPE, WILL, id="we have a terminal"),
        pytest.param(DO, Option.NAWS, WILL, id="we have a window"),
        pytest.param(DO, 39, WONT, id="our environment is nobody's business"),
        pytest.param(DO, 6, WONT, id="timing mark"),
    ],
)
def test_every_request_is_answered(verb: Verb, option: int, answer: Verb) -> None:
    assert answered(Negotiation(verb, option)) == [Negotiation(answer, option)]


def test_what_is_so_is_not_answered() -> None:
    will, wont = Negotiation(WILL, Option.ECHO), Negotiation(WONT, Option.ECHO)

    assert answered(wont, will, will, wont, wont) == [
        None,
        Negotiation(DO, Option.ECHO),
        None,
        Negotiation(DONT, Option.ECHO),
        None,
    ]


def test_changes_are_told() -> None:
    negotiator = Negotiator()

    assert negotiator.receive(Negotiation(DO, Option.NAWS))[1] == Change(
        Side.OURS, Option.NAWS, is_on=True
    )
    assert negotiator.is_on(Side.OURS, Option.NAWS)
    assert not negotiator.is_on(Side.THEIRS, Option.NAWS)
    assert negotiator.in_use() == [(Side.OURS, Option.NAWS)]
    assert negotiator.receive(Negotiation(DONT, Option.NAWS))[1] == Change(
        Side.OURS, Option.NAWS, is_on=False
    )
    assert negotiator.in_use() == []


def test_an_answer_to_a_wish_is_not_answered() -> None:
    negotiator = Negotiator()

    assert negotiator.wish(Side.THEIRS, Option.BINARY, is_on=True) == Negotiation(DO, Option.BINARY)
    assert negotiator.wish(Side.THEIRS, Option.BINARY, is_on=True) is None
    assert negotiator.receive(Negotiation(WILL, Option.BINARY)) == (
        None,
        Change(Side.THEIRS, Option.BINARY, is_on=True),
    )
    assert negotiator.wish(Side.THEIRS, Option.BINARY, is_on=True) is None


def test_a_refusal_is_taken() -> None:
    negotiator = Negotiator()
    negotiator.wish(Side.OURS, Option.BINARY, is_on=True)

    assert negotiator.receive(Negotiation(DONT, Option.BINARY)) == (None, None)
    assert not negotiator.is_on(Side.OURS, Option.BINARY)


def test_wishes_that_change_meanwhile() -> None:
    negotiator = Negotiator()
    negotiator.wish(Side.OURS, Option.BINARY, is_on=True)

    assert negotiator.wish(Side.OURS, Option.BINARY, is_on=False) is None
    # It was agreed to before the other side knew.
    assert negotiator.receive(Negotiation(DO, Option.BINARY)) == (
        Negotiation(WONT, Option.BINARY),
        None,
    )
    assert negotiator.wish(Side.OURS, Option.BINARY, is_on=True) is None
    assert negotiator.receive(Negotiation(DONT, Option.BINARY)) == (
        Negotiation(WILL, Option.BINARY),
        None,
    )
    assert negotiator.receive(Negotiation(DO, Option.BINARY))[1] is not None


def test_a_wish_for_what_is_not_known_here() -> None:
    with pytest.raises(ValueError, match="option 1 is not one that we may use"):
        Negotiator().wish(Side.OURS, Option.ECHO, is_on=True)


@pytest.mark.parametrize(("state", "happened"), list(itertools.product(State, Input)))
def test_the_table_is_whole(state: State, happened: Input) -> None:
    wish = happened in (Input.WISH_YES, Input.WISH_NO)
    if happened not in TABLE[state]:
        assert wish
        return
    after, said = TABLE[state][happened]
    # A request that is to be answered is never answered with silence where that would leave the
    # other side waiting.
    if state is State.NO and happened in (Input.HEARD_YES, Input.HEARD_UNWANTED):
        assert said is (happened is Input.HEARD_YES)
    if after is state and said is not None:
        assert happened is Input.HEARD_UNWANTED


# What either user may wish at any time, for either side, before or after what is under way arrives.
STEPS = st.lists(
    st.tuples(st.booleans(), st.sampled_from(Side), st.booleans())  # which end, whose use, on
    | st.booleans(),  # something arrives at that end
    max_size=60,
)


@given(STEPS)
def test_two_ends_always_come_to_agree(
    steps: list[tuple[bool, Side, bool] | bool],
) -> None:
    ends = [Negotiator({7: BOTH}), Negotiator({7: BOTH})]
    queues: list[list[Negotiation]] = [[], []]  # what is under way to each end
    spoken = 0

    def arrive(end: int) -> None:
        nonlocal spoken
        if queues[end]:
            answer, _ = ends[end].receive(queues[end].pop(0))
            if answer:
                spoken += 1
                queues[1 - end].append(answer)

    for step in steps:
        if isinstance(step, bool):
            arrive(int(step))
            continue
        at, side, is_on = step
        if wish := ends[at].wish(side, 7, is_on):
            queues[1 - at].append(wish)
    most = 8 * len(steps) + 8
    while any(queues):
        arrive(0)
        arrive(1)
        assert spoken <= most, "they loop"

    assert ends[0].is_on(Side.OURS, 7) == ends[1].is_on(Side.THEIRS, 7)
    assert ends[0].is_on(Side.THEIRS, 7) == ends[1].is_on(Side.OURS, 7)


@given(st.lists(st.builds(Negotiation, st.sampled_from(Verb), st.integers(0, 255)), max_size=300))
def test_whatever_is_heard_has_one_answer_at_most(heard: list[Negotiation]) -> None:
    negotiator = Negotiator()
    for words in heard:
        answer, _ = negotiator.receive(words)
        if answer is not None:
            assert answer.option == words.option
            if answer.verb in (DO, WILL):
                assert answer.option in SUPPORTED
