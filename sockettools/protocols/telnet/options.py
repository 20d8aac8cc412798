"""Telnet's options: which are used here, and how both sides come to agree.

The method is RFC 1143's, which cannot loop: an answer is only given to what would change something,
or to a request that is refused, and an answer is told from a request by what was sent before.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import TYPE_CHECKING

from sockettools.protocols.telnet.codec import Negotiation, Verb

if TYPE_CHECKING:
    from collections.abc import Mapping


class Option(IntEnum):
    """The numbers are IANA's."""

    BINARY = 0  # RFC 856
    ECHO = 1  # RFC 857
    SGA = 3  # suppress go ahead, RFC 858; with ECHO it means a character at a time
    TTYPE = 24  # terminal type, RFC 1091
    NAWS = 31  # window size, RFC 1073


class Side(Enum):
    """Whose use of an option it is; the value is how its end of it is named."""

    OURS = "we"
    THEIRS = "the server"


# An option is used by the sides that it has here; every other one is refused.
SUPPORTED: Mapping[int, frozenset[Side]] = {
    Option.BINARY: frozenset({Side.OURS, Side.THEIRS}),
    Option.ECHO: frozenset({Side.THEIRS}),
    Option.SGA: frozenset({Side.OURS, Side.THEIRS}),
    Option.TTYPE: frozenset({Side.OURS}),
    Option.NAWS: frozenset({Side.OURS}),
}


class State(Enum):
    """RFC 1143 section 7: whether one side uses an option, and what is under way.

    "Opposite" is its queue bit: the other wish came before the answer to this one.
    """

    NO = auto()
    YES = auto()
    WANT_NO = auto()
    WANT_NO_OPPOSITE = auto()
    WANT_YES = auto()
    WANT_YES_OPPOSITE = auto()


class Input(Enum):
    """What may happen to an option of one side."""

    HEARD_YES = auto()  # WILL for theirs, DO for ours, and we agree
    HEARD_UNWANTED = auto()  # the same, and we do not agree
    HEARD_NO = auto()  # WONT, DONT
    WISH_YES = auto()  # this side's user wants it
    WISH_NO = auto()


# The next state, and what is said: True is DO or WILL, False DONT or WONT, None nothing. RFC 1143
# section 7, in the order of its text. A wish for what is so already, or on its way, changes nothing
# and has no entry.
TABLE: Mapping[State, Mapping[Input, tuple[State, bool | None]]] = {
    State.NO: {
        Input.HEARD_YES: (State.YES, True),
        Input.HEARD_UNWANTED: (State.NO, False),
        Input.HEARD_NO: (State.NO, None),
        Input.WISH_YES: (State.WANT_YES, True),
    },
    State.YES: {
        Input.HEARD_YES: (State.YES, None),
        Input.HEARD_UNWANTED: (State.YES, None),
        Input.HEARD_NO: (State.NO, False),
        Input.WISH_NO: (State.WANT_NO, False),
    },
    State.WANT_NO: {
        # "Error: DONT answered by WILL".
        Input.HEARD_YES: (State.NO, None),
        Input.HEARD_UNWANTED: (State.NO, None),
        Input.HEARD_NO: (State.NO, None),
        Input.WISH_YES: (State.WANT_NO_OPPOSITE, None),
    },
    State.WANT_NO_OPPOSITE: {
        Input.HEARD_YES: (State.YES, None),
        Input.HEARD_UNWANTED: (State.YES, None),
        Input.HEARD_NO: (State.WANT_YES, True),
        Input.WISH_NO: (State.WANT_NO, None),
    },
    State.WANT_YES: {
        Input.HEARD_YES: (State.YES, None),
        Input.HEARD_UNWANTED: (State.YES, None),
        Input.HEARD_NO: (State.NO, None),
        Input.WISH_NO: (State.WANT_YES_OPPOSITE, None),
    },
    State.WANT_YES_OPPOSITE: {
        Input.HEARD_YES: (State.WANT_NO, False),
        Input.HEARD_UNWANTED: (State.WANT_NO, False),
        Input.HEARD_NO: (State.NO, None),
        Input.WISH_YES: (State.WANT_YES, None),
    },
}

_SPOKEN = {
    (Side.THEIRS, True): Verb.DO,
    (Side.THEIRS, False): Verb.DONT,
    (Side.OURS, True): Verb.WILL,
    (Side.OURS, False): Verb.WONT,
}

_HEARD = {
    Verb.WILL: (Side.THEIRS, True),
    Verb.WONT: (Side.THEIRS, False),
    Verb.DO: (Side.OURS, True),
    Verb.DONT: (Side.OURS, False),
}


@dataclass(frozen=True)
class Change:
    """One side has begun to use an option, or has ended it."""

    side: Side
    option: int
    is_on: bool


class Negotiator:
    """The options of one connection. What is to be sent is returned, not sent."""

    def __init__(self, supported: Mapping[int, frozenset[Side]] = SUPPORTED) -> None:
        self._supported = supported
        self._states: dict[tuple[Side, int], State] = {}

    def is_on(self, side: Side, option: int) -> bool:
        """Tell whether it is in use."""
        return self._state(side, option) is State.YES

    def in_use(self) -> list[tuple[Side, int]]:
        """Return all that are."""
        return [key for key, state in self._states.items() if state is State.YES]

    def receive(self, heard: Negotiation) -> tuple[Negotiation | None, Change | None]:
        """Take what the other side said; return the answer to it, and what it changes."""
        side, is_yes = _HEARD[heard.verb]
        if not is_yes:
            happened = Input.HEARD_NO
        elif side in self._supported.get(heard.option, ()):
            happened = Input.HEARD_YES
        else:
            happened = Input.HEARD_UNWANTED
        return self._apply(side, heard.option, happened)

    def wish(self, side: Side, option: int, is_on: bool) -> Negotiation | None:
        """Want an option to be used, or not to be; return what is to be sent for it, if anything.

        Raises:
            ValueError: it is not one that is used here on that side.
        """
        if side not in self._supported.get(option, ()):
            raise ValueError(f"option {option} is not one that {side.value} may use")
        answer, _ = self._apply(side, option, Input.WISH_YES if is_on else Input.WISH_NO)
        return answer

    def _apply(
        self, side: Side, option: int, happened: Input
    ) -> tuple[Negotiation | None, Change | None]:
        before = self._state(side, option)
        after, said = TABLE[before].get(happened, (before, None))
        if after is not before:
            self._states[side, option] = after
        answer = None if said is None else Negotiation(_SPOKEN[side, said], option)
        is_on = after is State.YES
        changed = is_on != (before is State.YES)
        return answer, Change(side, option, is_on) if changed else None

    def _state(self, side: Side, option: int) -> State:
        return self._states.get((side, option), State.NO)
