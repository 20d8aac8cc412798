from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockettools.browser.retrying import LONGEST_ASKED_FOR, LONGEST_WAIT, is_transient, wait_before
from sockettools.errors import (
    AddressError,
    CertificateError,
    ConnectError,
    ConnectionRefused,
    ConnectTimeout,
    IncompleteMessage,
    LocalProtocolError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    ResolveError,
    TooLong,
    WriteError,
)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionRefused(), True),
        (ConnectError(), True),
        (ResolveError(), True),
        (ConnectTimeout(), True),
        (ReadTimeout(), True),
        (ReadError(), True),
        (WriteError(), True),
        (IncompleteMessage("cut"), True),
        (CertificateError(), False),
        (RemoteProtocolError("no HTTP"), False),
        (TooLong("a bomb"), False),
        (LocalProtocolError(), False),
        (AddressError(), False),
        (OSError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors(error: Exception, expected: bool) -> None:
    assert is_transient(error) is expected


NOW = 1_000_000_000.0  # Sun, 09 Sep 2001 01:46:40 GMT


@pytest.mark.parametrize(
    ("attempt", "retry_after", "expected"),
    [
        pytest.param(1, None, 1.0, id="first"),
        pytest.param(2, None, 2.0, id="twice as long"),
        pytest.param(11, None, LONGEST_WAIT, id="not longer and longer"),
        pytest.param(10**6, None, LONGEST_WAIT, id="a million"),
        pytest.param(1, "120", 120.0, id="seconds"),
        pytest.param(3, "1", 4.0, id="never less than our own"),
        pytest.param(1, "0", 1.0, id="at once"),
        pytest.param(1, " 120 ", 120.0, id="blanks"),
        pytest.param(1, "Sun, 09 Sep 2001 01:47:00 GMT", 20.0, id="date"),
        pytest.param(1, "Sun, 09 Sep 2001 01:40:00 GMT", 1.0, id="past"),
        pytest.param(1, "-5", 1.0, id="negative"),
        pytest.param(1, "soon", 1.0, id="word"),
        pytest.param(1, "1e9", 1.0, id="float"),
        pytest.param(1, "", 1.0, id="empty"),
        pytest.param(1, "999999999", LONGEST_ASKED_FOR, id="a lifetime"),
        pytest.param(1, "Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_ASKED_FOR, id="all times"),
        pytest.param(1, "²", 1.0, id="not a digit of ours"),
    ],
)
def test_wait_before(attempt: int, retry_after: str | None, expected: float) -> None:
    assert wait_before(attempt, retry_after, NOW) == expected


@given(
    attempt=st.integers(1, 1000),
    retry_after=st.none()
    | st.text(max_size=40)
    | st.from_regex(r"[0-9]{1,30}", fullmatch=True)
    | st.from_regex(
        r"(Mon, )?[0-9]{1,2} (Jan|Feb) [0-9]{1,5} [0-9]{1,2}:[0-9]{2}:[0-9]{2} (GMT|[+-][0-9]{4})",
        fullmatch=True,
    ),
)
def test_whatever_a_server_says_is_a_time_that_can_be_waited(
    attempt: int, retry_after: str | None
) -> None:
    wait = wait_before(attempt, retry_after, NOW)

    assert 1.0 <= wait <= LONGEST_ASKED_FOR
