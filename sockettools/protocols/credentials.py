"""Who logs in: from the URL, from ``~/.netrc``, from whoever can be asked."""

from __future__ import annotations

import netrc
from pathlib import Path
from typing import TYPE_CHECKING

from sockettools.errors import SocketToolsError
from sockettools.protocols.access import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockettools.service_url import ServiceUrl


class NetrcError(SocketToolsError):
    """The file of passwords cannot be used."""


class NoPassword(SocketToolsError):
    """There is a user name, and nobody knows the password."""


class CredentialsSource:
    """Looks for credentials where they may be: URL, then netrc file, then a person.

    ``ask`` gets the question and returns what was typed, unseen; None where nobody can be asked.
    """

    def __init__(
        self, netrc_file: Path | None = None, ask: Callable[[str], str | None] | None = None
    ) -> None:
        self._netrc_file = netrc_file
        self._ask = ask

    def __call__(self, url: ServiceUrl) -> Credentials | None:
        """Return them; None where the URL names no user, and the file has none for the host.

        Raises:
            NetrcError: the file is malformed, or cannot be read.
            NoPassword: there is only a user name, and nobody to ask.
        """
        if url.username is not None and url.password is not None:
            return Credentials(url.username, url.password)
        username, password = self._from_file(url)
        if username is None:
            return None
        if password is None and self._ask is not None:
            password = self._ask(f"Password for {username} at {url.host}: ")
        if password is None:
            raise NoPassword(
                f"{url}: there is no password for {username}: write it into ~/.netrc, "
                "or be asked for it at a terminal"
            )
        return Credentials(username, password)

    def _from_file(self, url: ServiceUrl) -> tuple[str | None, str | None]:
        found = self._entry(url.host)
        if found is None or (url.username is not None and found[0] != url.username):
            return url.username, None
        return found

    def _entry(self, host: str) -> tuple[str, str | None] | None:
        if self._netrc_file is None:
            return None
        try:
            entry = netrc.netrc(str(self._netrc_file)).authenticators(host)
        except FileNotFoundError:
            return None
        except netrc.NetrcParseError as exc:
            # Its own words repeat what it has read, be it a password.
            raise NetrcError(f"{exc.filename}, line {exc.lineno}: it is malformed") from None
        except (OSError, UnicodeDecodeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "it is no text"
            raise NetrcError(f"{self._netrc_file}: {reason}") from exc
        if entry is None or not entry[0]:
            return None
        # What is not there is "" in some versions of Python.
        return entry[0], entry[2] or None


def home_netrc() -> Path | None:
    """Return where this user's ``.netrc`` is, or would be; None for one without a home."""
    try:
        return Path.home() / ".netrc"
    except RuntimeError:
        return None
