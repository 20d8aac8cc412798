"""Servers: one service, and four ways to serve it.

``serial`` is the chapter's loop, one client after the other; ``threads`` gives each client a
thread; ``selecting`` waits for all of them at once in a single thread; ``datagrams`` is for UDP,
which has no clients to keep apart. All have ``start``, ``close`` and ``address``.
"""

from sockettools.net.serving.blocking import SerialServer, ThreadedServer
from sockettools.net.serving.datagrams import DatagramServer
from sockettools.net.serving.limits import Limits
from sockettools.net.serving.selecting import SelectServer
from sockettools.net.serving.services import SERVICES, Service

__all__ = [
    "SERVICES",
    "DatagramServer",
    "Limits",
    "SelectServer",
    "SerialServer",
    "Service",
    "ThreadedServer",
]
