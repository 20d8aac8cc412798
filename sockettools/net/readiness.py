"""Waiting until a non-blocking socket can go on."""

from __future__ import annotations

import selectors
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    from sockettools.net.deadline import Deadline

# For one socket and one moment: epoll and kqueue would need a descriptor of their own.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


def becomes_ready(sock: socket.socket, event: int, deadline: Deadline) -> bool:
    """Wait for ``selectors.EVENT_READ`` or ``EVENT_WRITE``; False if it did not come in time.

    A socket's own timeout would not do: it has one, and two threads may use it, each with a
    deadline of its own.
    """
    with _Selector() as selector:
        selector.register(sock, event)
        return bool(selector.select(deadline.remaining()))
