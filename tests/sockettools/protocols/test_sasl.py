from __future__ import annotations

from base64 import b64decode

import pytest

from sockettools.errors import LocalProtocolError
from sockettools.protocols import sasl
from sockettools.protocols.access import Credentials


def test_plain() -> None:
    assert b64decode(sasl.plain(Credentials("zoë", "pä ss"))) == "\0zoë\0pä ss".encode()


def test_login() -> None:
    assert [b64decode(part).decode() for part in sasl.login(Credentials("zoë", ""))] == ["zoë", ""]


@pytest.mark.parametrize(
    ("username", "password"),
    [
        pytest.param("a\0b", "c", id="NUL in the name"),
        pytest.param("a", "b\0c", id="NUL in the password"),
        pytest.param("a", "\udc80", id="no text"),
    ],
)
def test_what_cannot_be_sent(username: str, password: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        sasl.plain(Credentials(username, password))

    assert password not in str(caught.value) or len(password) == 1
