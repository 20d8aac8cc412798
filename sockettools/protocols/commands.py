"""Which command is legal when: each protocol has a table, and one function reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sockettools.errors import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from enum import Enum

    S = TypeVar("S", bound=Enum)


def check_legal(table: Mapping[str, Collection[S]], command: str, state: S) -> None:
    """Let a command pass in the states that the table has for it.

    Raises:
        LocalProtocolError: it is not legal now, or not known.
    """
    if command not in table:
        raise LocalProtocolError(f"{command} is no command known here")
    if state not in table[command]:
        name = state.name.lower().replace("_", " ")
        raise LocalProtocolError(f"{command} is not legal in the state {name!r}")
