"""Whether and when to try again: RFC 9110 sections 10.2.3 and 15."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from sockettools.errors import CertificateError, IncompleteMessage, NetworkError, Timeout

if TYPE_CHECKING:
    from sockettools.browser.response import Response

# Answers of a server that may think better of it; curl's choice.
_TRANSIENT = {408, 429, 500, 502, 503, 504}

# Methods for which a second time does no harm.
REPEATABLE = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}

# Seconds: the first wait, which doubles each time, and the longest.
FIRST_WAIT = 1.0
LONGEST_WAIT = 600.0

# Seconds: what a server may ask for. It can name a date so far away that no call waits for it.
LONGEST_ASKED_FOR = 86_400.0


def is_transient(outcome: Response | Exception) -> bool:
    """Tell whether another try may end better."""
    if isinstance(outcome, Exception):
        is_network = isinstance(outcome, (NetworkError, Timeout, IncompleteMessage))
        return is_network and not isinstance(outcome, CertificateError)
    return outcome.status_code in _TRANSIENT


def wait_before(attempt: int, retry_after: str | None, now: float) -> float:
    """Return the seconds to wait before the second (``attempt`` 1) or a later try.

    >>> [wait_before(attempt, None, 0) for attempt in (1, 2, 3, 50)]
    [1.0, 2.0, 4.0, 600.0]
    >>> wait_before(1, "120", 0), wait_before(1, "Thu, 01 Jan 1970 00:00:30 GMT", 0)
    (120.0, 30.0)
    """
    own = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (min(attempt, 20) - 1))
    asked_for = parse_retry_after(retry_after or "", now) or 0.0
    return max(own, min(LONGEST_ASKED_FOR, asked_for))


def parse_retry_after(text: str, now: float) -> float | None:
    """Return the seconds that a server asks to wait (RFC 9110 section 10.2.3); None for nonsense.

    ``now`` is in seconds since the epoch, because the server may name a date.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError, OSError):
        return None
