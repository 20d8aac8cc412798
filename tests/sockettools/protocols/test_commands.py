from __future__ import annotations

from enum import Enum

import pytest

from sockettools.errors import LocalProtocolError
from sockettools.protocols import ftp_grammar, nntp, pop3, smtp
from sockettools.protocols.commands import check_legal
from sockettools.protocols.imap import commands as imap


class State(Enum):
    NEW = 1
    LOGGED_IN = 2


TABLE = {"USER": {State.NEW}, "LIST": {State.LOGGED_IN}, "QUIT": set(State)}


@pytest.mark.parametrize(
    ("command", "state", "problem"),
    [
        pytest.param("USER", State.NEW, "", id="legal"),
        pytest.param("QUIT", State.LOGGED_IN, "", id="legal everywhere"),
        pytest.param("LIST", State.NEW, "LIST is not legal in the state 'new'", id="too early"),
        pytest.param(
            "USER", State.LOGGED_IN, "USER is not legal in the state 'logged in'", id="too late"
        ),
        pytest.param("list", State.LOGGED_IN, "list is no command known here", id="lower case"),
        pytest.param("", State.NEW, " is no command known here", id="none"),
    ],
)
def test_legal(command: str, state: State, problem: str) -> None:
    if not problem:
        check_legal(TABLE, command, state)
        return
    with pytest.raises(LocalProtocolError) as caught:
        check_legal(TABLE, command, state)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("table", "states"),
    [
        pytest.param(ftp_grammar.COMMANDS, ftp_grammar.State, id="FTP"),
        pytest.param(imap.COMMANDS, imap.State, id="IMAP"),
        pytest.param(nntp.COMMANDS, nntp.NntpState, id="NNTP"),
        pytest.param(pop3.COMMANDS, pop3.State, id="POP3"),
        pytest.param(smtp.COMMANDS, smtp.State, id="SMTP"),
    ],
)
def test_each_command_of_each_table_is_legal_somewhere(
    table: dict[str, set[Enum]], states: type[Enum]
) -> None:
    for command, legal in table.items():
        assert command == command.upper() or " " in command
        assert legal
        assert set(legal) <= set(states)
        assert set(legal) != set(states)  # in the last one there is nobody to send it to
