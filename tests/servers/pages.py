"""A web server for tests: pages given as a table, requests remembered, on a free port."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from tests.patience import SECONDS

if TYPE_CHECKING:
    from email.message import Message
    from types import TracebackType
    from typing import Self


@dataclass(frozen=True)
class Answer:
    """What the server says to a GET; ``cut`` octets are left off the end of the body."""

    body: bytes | str = b""
    content_type: str | None = "text/html; charset=utf-8"
    status: int = 200
    fields: dict[str, str] = field(default_factory=dict)
    cut: int = 0


class SlowPages(dict[str, "Answer | str"]):
    """Pages of which one does not come before it may."""

    def __init__(self, pages: dict[str, Answer | str], slow: str) -> None:
        super().__init__(pages)
        self._slow = slow
        self.is_asked_for = threading.Event()
        self.may_come = threading.Event()

    def get(self, path: str, default: object = None) -> object:  # type: ignore[override]
        """Return a page, the slow one after a while."""
        if path == self._slow:
            self.is_asked_for.set()
            assert self.may_come.wait(SECONDS)
        return super().get(path, default)


class PageServer:
    """Serves ``pages`` by path from 127.0.0.1; what is not there is a 404.

    A page with an ETag or a Last-Modified that the client has is a 304.
    """

    def __init__(self, pages: dict[str, Answer | str]) -> None:
        self.pages = pages
        self.requests: list[tuple[str, Message]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def paths(self) -> list[str]:
        """Return the paths asked for, in order, without robots.txt."""
        return [path for path, _ in self.requests if path != "/robots.txt"]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - two selves below
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests.append((self.path, self.headers))
                answer = server.pages.get(self.path, Answer("nothing here", status=404))
                if isinstance(answer, str):
                    answer = Answer(answer)
                if _is_known(answer, self.headers):
                    answer = Answer(status=304, content_type=None, fields=answer.fields)
                body = answer.body.encode() if isinstance(answer.body, str) else answer.body
                self.send_response(answer.status)
                if answer.content_type is not None:
                    self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(body)))
                for name, value in answer.fields.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body[: len(body) - answer.cut])

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep quiet."""

        return Handler


def _is_known(answer: Answer, conditions: Message) -> bool:
    """RFC 9110 section 13.2.2: where there is an If-None-Match, the date does not count."""
    if "If-None-Match" in conditions:
        return conditions["If-None-Match"] == answer.fields.get("ETag")
    since = conditions["If-Modified-Since"]
    return since is not None and since == answer.fields.get("Last-Modified")
