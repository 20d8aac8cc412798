from __future__ import annotations

import pytest

from sockettools.net import deadline as module
from sockettools.net.deadline import NEVER, Deadline


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


@pytest.mark.parametrize(
    ("elapsed", "remaining", "has_passed"),
    [
        pytest.param(0, 2.0, False, id="at once"),
        pytest.param(1.5, 0.5, False, id="before"),
        pytest.param(2, 0.0, True, id="exactly then"),
        pytest.param(50, 0.0, True, id="after"),
    ],
)
def test_what_is_left_shrinks(
    elapsed: float, remaining: float, has_passed: bool, clock: Clock
) -> None:
    deadline = Deadline.after(2)
    clock.now += elapsed

    assert deadline.remaining() == remaining
    assert deadline.has_passed() is has_passed


def test_never_comes_never(clock: Clock) -> None:
    clock.now = 1e12

    assert NEVER.remaining() is None
    assert not NEVER.has_passed()
    assert Deadline.after(None) == NEVER


def test_zero_has_passed() -> None:
    assert Deadline.after(0).has_passed()
