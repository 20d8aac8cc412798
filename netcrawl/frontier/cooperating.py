"""The context of callbacks where Scrapy runs without asyncio.

On another reactor, Scrapy leaves the output of a callback to Twisted's Cooperator, which asks for
it from a timer, in no context in particular.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextvars import ContextVar

    from scrapy import Request
    from scrapy.core.scraper import Scraper
    from scrapy.http import Response
    from twisted.python.failure import Failure


def keep_in_cooperator(scraper: Scraper, variable: ContextVar[Any]) -> None:
    """Give the variable, wherever a callback's output is made or used, the callback's value."""
    handle = scraper.handle_spider_output_async
    process = scraper._process_spidermw_output_async
    values: dict[int, Any] = {}  # by the identity of what is being handled

    async def handle_kept(
        result: Iterable[Any] | AsyncIterator[Any],
        request: Request,
        response: Response | Failure,
    ) -> None:
        value = variable.get()
        kept: Iterator[Any] | AsyncIterator[Any]
        if isinstance(result, AsyncIterator):
            kept = _KeptAsync(result, variable, value)
        else:
            kept = _Kept(iter(result), variable, value)
        values[id(response)] = value
        try:
            await handle(kept, request, response)
        finally:
            del values[id(response)]

    async def process_kept(output: Any, response: Response | Failure) -> None:
        variable.set(values.get(id(response)))  # this coroutine has a context of its own
        await process(output, response)

    scraper.handle_spider_output_async = handle_kept  # type: ignore[method-assign]
    scraper._process_spidermw_output_async = process_kept  # type: ignore[method-assign]


class _Kept(Iterator[Any]):
    def __init__(self, outputs: Iterator[Any], variable: ContextVar[Any], value: object) -> None:
        self._outputs = outputs
        self._variable = variable
        self._value = value

    def __next__(self) -> Any:
        token = self._variable.set(self._value)
        try:
            return next(self._outputs)
        finally:
            self._variable.reset(token)


class _KeptAsync(AsyncIterator[Any]):
    def __init__(
        self, outputs: AsyncIterator[Any], variable: ContextVar[Any], value: object
    ) -> None:
        self._outputs = outputs
        self._variable = variable
        self._value = value

    async def __anext__(self) -> Any:
        # Twisted runs this coroutine in a context that is made for it.
        self._variable.set(self._value)
        return await anext(self._outputs)
