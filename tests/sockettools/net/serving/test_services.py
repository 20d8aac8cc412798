from __future__ import annotations

import re
import time

import pytest

from sockettools.net.serving.services import SERVICES, Service


def conversation(service: Service, *heard: bytes) -> list[bytes]:
    """Return what is said: at first, to each message, and at the end; b"" where it is nothing."""
    said = [service.connected()]
    for data in heard:
        if service.done:
            return said
        said.append(service.received(data))
    if not service.done:
        said.append(service.ended())
    return said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("greet", [b"Thank you for connecting"], id="greet"),
        pytest.param("echo", [b"", b"a", b"b\0\xff", b""], id="echo"),
        pytest.param("discard", [b"", b"", b"", b""], id="discard"),
    ],
)
def test_what_is_said(name: str, said: list[bytes]) -> None:
    service = SERVICES[name]()

    assert conversation(service, b"a", b"b\0\xff") == said
    assert service.done


def test_time_is_seconds_since_1900(monkeypatch: pytest.MonkeyPatch) -> None:
    # The example of RFC 868: 2,208,988,800 corresponds to 00:00 1 Jan 1970 GMT.
    monkeypatch.setattr(time, "time", lambda: 0.0)

    assert conversation(SERVICES["time"]()) == [(2_208_988_800).to_bytes(4, "big")]


def test_time_goes_on_after_2036(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: float(2**32 - 2_208_988_800 + 5))

    assert conversation(SERVICES["time"]()) == [b"\0\0\0\5"]


def test_daytime_is_a_line_of_text() -> None:
    (said,) = conversation(SERVICES["daytime"]())

    assert re.fullmatch(rb"\w+day, \w+ \d\d, \d{4} \d\d:\d\d:\d\d-UTC\r\n", said)
