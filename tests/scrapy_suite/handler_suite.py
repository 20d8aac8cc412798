"""The classes of Scrapy's suite, filled in for the handler named in the environment.

``python -m tests.scrapy_suite`` puts this module among Scrapy's tests, as one more of the modules
in which Scrapy does the same for each of its handlers. ``tests`` is Scrapy's package here.
"""
# mypy: disable-error-code="attr-defined, import-not-found, import-untyped, misc"

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from scrapy.exceptions import DownloadFailedError
from scrapy.utils.misc import load_object

from tests.utils import decorators

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

TEST_SECONDS = 30

coroutine_test = decorators.coroutine_test


def limited_coroutine_test(test: Callable[..., Awaitable[None]]) -> Callable[..., Any]:
    """Mark a test as Scrapy does, and end it in time.

    The reactor runs once: what interrupted it would have every later test fail.
    """

    @wraps(test)
    async def limited(*arguments: Any, **keywords: Any) -> None:
        async with asyncio.timeout(TEST_SECONDS):
            await test(*arguments, **keywords)

    marked: Callable[..., Any] = coroutine_test(limited)
    return marked


# It has to be in place when the tests are defined.
decorators.coroutine_test = limited_coroutine_test

from tests import test_downloader_handler_twisted_http11 as for_twisted  # noqa: E402
from tests.utils.bases import download_handlers_http as bases  # noqa: E402

HANDLER = os.environ["SCRAPY_SUITE_HANDLER"]

TWISTED = "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler"
AIOHTTP = "scrapy.core.downloader.handlers._aiohttp.AiohttpDownloadHandler"

# What Scrapy's tests of its own handlers leave out or expect to be otherwise. Of any other handler
# everything is expected.
EXCUSED: dict[str, set[str]] = {
    TWISTED: {"tls in tls", "default ciphers"},
    AIOHTTP: {"bindaddress", "bad header", "tunnel errors"},
}
excused = EXCUSED.get(HANDLER, set())

# Some tests look at what only a handler made of Twisted does.
of_twisted = HANDLER == TWISTED

pytestmark = pytest.mark.requires_reactor if of_twisted else pytest.mark.only_asyncio


class Handled:
    """Give the suite the handler, as a class and as settings."""

    handler_supports_tls_in_tls = "tls in tls" not in excused

    @property
    def download_handler_cls(self) -> Any:
        """Return the handler's class."""
        return load_object(HANDLER)

    @property
    def settings_dict(self) -> dict[str, Any]:
        """Return what a crawl needs to use the handler."""
        return {"DOWNLOAD_HANDLERS": {"http": HANDLER, "https": HANDLER}}


class TestHttp(Handled, bases.TestHttpBase):
    handler_supports_bindaddress_meta = "bindaddress" not in excused
    handler_bad_header_handling = "fail" if "bad header" in excused else "skip-bad"


class TestHttps(Handled, bases.TestHttpsBase):
    handler_supports_bindaddress_meta = "bindaddress" not in excused
    handler_bad_header_handling = "fail" if "bad header" in excused else "skip-bad"

    if not of_twisted:
        tls_log_message = "SSL connection to 127.0.0.1 using protocol TLSv1.3, cipher"

        @pytest.mark.skip(reason="The check is Twisted-specific")
        def test_verify_certs_deprecated(self) -> None:
            """Leave out a setting that names a class of Twisted's TLS."""


class TestSimpleHttps(Handled, bases.TestSimpleHttpsBase):
    pass


class TestHttpsWrongHostname(Handled, bases.TestHttpsWrongHostnameBase):
    pass


class TestHttpsInvalidDNSId(Handled, bases.TestHttpsInvalidDNSIdBase):
    pass


class TestHttpsInvalidDNSPattern(Handled, bases.TestHttpsInvalidDNSPatternBase):
    pass


class TestHttpsCustomCiphers(Handled, bases.TestHttpsCustomCiphersBase):
    pass


if "default ciphers" not in excused:

    class TestHttpsDefaultCiphers(Handled, bases.TestHttpsDefaultCiphersBase):
        pass


class TestHttpsTLSVersion(Handled, bases.TestHttpsTLSVersionBase):
    pass


class TestHttpWithCrawler(Handled, bases.TestHttpWithCrawlerBase):
    pass


class TestHttpsWithCrawler(TestHttpWithCrawler):
    is_secure = True


class TestHttpProxy(Handled, bases.TestHttpProxyBase):
    pass


class TestHttpsProxy(Handled, bases.TestHttpProxyBase):
    is_secure = True


@pytest.mark.requires_mitmproxy
class TestMitmProxy(Handled, bases.TestMitmProxyBase):
    pass


if of_twisted:
    test_not_configured_without_reactor = for_twisted.test_not_configured_without_reactor


@asynccontextmanager
async def canned_proxy(response: bytes, split_at: int = 0) -> AsyncGenerator[str]:
    """Serve ``response`` to any request, in two parts if asked, without Twisted."""
    connections: list[asyncio.Task[Any]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.append(task)
        try:
            await reader.read(65536)
            if split_at:
                writer.write(response[:split_at])
                await asyncio.sleep(0.1)
            writer.write(response[split_at:])
            await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


if "tunnel errors" not in excused:

    class TestTunnelingErrors(for_twisted.TestTunnelingErrors):
        """The tests of proxies that refuse, which Scrapy has for its Twisted handler only."""

        replaced: ClassVar[dict[str, Any]] = {
            "HTTP11DownloadHandler": load_object(HANDLER),
            # Both are retried by default; the first belongs to the one handler.
            "TunnelError": (for_twisted.TunnelError, DownloadFailedError),
            "_canned_proxy": canned_proxy,
        }

        @pytest.fixture(autouse=True)
        def _of_this_handler(self, monkeypatch: pytest.MonkeyPatch) -> None:
            if not of_twisted:
                for name, value in self.replaced.items():
                    monkeypatch.setattr(for_twisted, name, value)
