"""User name and password as SASL sends them: PLAIN (RFC 4616) and LOGIN.

SMTP, POP3 and IMAP carry these responses in base64 (RFC 4954, RFC 5034, RFC 9051).
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from sockettools.errors import LocalProtocolError

if TYPE_CHECKING:
    from sockettools.protocols.access import Credentials


def plain(credentials: Credentials) -> str:
    """Return the one response of PLAIN: no other identity, then user name and password.

    Raises:
        LocalProtocolError: there is a NUL in one of them, which would end it too early.

    >>> from sockettools.protocols.access import Credentials
    >>> plain(Credentials("tim", "tanstaaftanstaaf"))
    'AHRpbQB0YW5zdGFhZnRhbnN0YWFm'
    """
    if "\0" in credentials.username or "\0" in credentials.password:
        raise LocalProtocolError("the user name or the password has a NUL in it")
    return encoded(f"\0{credentials.username}\0{credentials.password}")


def login(credentials: Credentials) -> tuple[str, str]:
    """Return the two responses of LOGIN: to the question for the user name, for the password.

    LOGIN was never standardized (draft-murchison-sasl-login); some servers offer nothing else.

    >>> from sockettools.protocols.access import Credentials
    >>> login(Credentials("tim", "secret"))
    ('dGlt', 'c2VjcmV0')
    """
    return encoded(credentials.username), encoded(credentials.password)


def encoded(text: str) -> str:
    """Return a response in base64, as UTF-8.

    Raises:
        LocalProtocolError: it has half a surrogate pair in it, and is no text.
    """
    try:
        return b64encode(text.encode()).decode("ascii")
    except UnicodeEncodeError:
        raise LocalProtocolError("the user name or the password is no text") from None
