"""A web server for tests that sends octets as they are, right or wrong."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def raw_server(*answers: bytes) -> Iterator[str]:
    """Send one answer to each client in turn, whatever it asks for; yield the URL without path."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            # The end of the test ends the waiting; a client may go before it has everything.
            with suppress(OSError):
                for answer in answers:
                    client = listener.accept()[0]
                    with client:
                        request = b""
                        while b"\r\n\r\n" not in request and (data := client.recv(65_536)):
                            request += data
                        client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
