"""Requests as bytes.

What is like that of any request is left out. Callbacks are names of the spider's methods, so that
they are those of the spider that runs, as it is now; functions of modules are named as well.
"""

from __future__ import annotations

import io
import pickle
from types import MethodType
from typing import TYPE_CHECKING

from scrapy import Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from scrapy import Spider

_PROTOCOL = 5

# What stands for the spider where something refers to it.
_SPIDER = "spider"

# What most requests have, and what is therefore not written.
_DEFAULTS: dict[str, Any] = {
    "method": "GET",
    "body": b"",
    "encoding": "utf-8",
    "priority": 0,
    "dont_filter": False,
}
# These make what they hold when they are asked for it; most requests have nothing there.
_MAYBE_EMPTY = ("headers", "meta", "cookies", "flags", "cb_kwargs")

# Written by themselves.
_APART = frozenset({"url", "callback", "errback"})


class CannotSerialize(Exception):
    """A request cannot be written; the text says why."""


class CannotRestore(Exception):
    """A request cannot be read again; the text says why."""


class RequestSerializer:
    """Writes and reads the requests of one spider. What it reads must come from it: see pickle."""

    def __init__(self, spider: Spider) -> None:
        self._spider = spider
        # Functions of the spider's class, and under which name the spider has them.
        self._names: dict[Any, str] = {}

    def dumps(self, request: Request) -> bytes:
        """Write a request.

        Raises:
            CannotSerialize: something about it cannot be written.
        """
        try:
            buffer = io.BytesIO()
            _Pickler(buffer, self._spider).dump(self._record(request))
            return buffer.getvalue()
        except CannotSerialize:
            raise
        except Exception as error:
            raise CannotSerialize(_reason(error)) from error

    def loads(self, data: bytes) -> Request:
        """Read what ``dumps`` has written.

        Raises:
            CannotRestore: it is not to be had any more, as when the spider has lost a method.
        """
        try:
            record = _Unpickler(io.BytesIO(data), self._spider).load()
            kind, url, callback, errback, rest = record
            request: Request = (kind or Request)(
                url,
                callback=self._restored(callback),
                errback=self._restored(errback),
                **rest,
            )
        except CannotRestore:
            raise
        except Exception as error:
            raise CannotRestore(_reason(error)) from error
        return request

    def name(self, callback: Callable[..., Any] | None) -> object:
        """Return what stands for a callback: a name, or the function where a module has it.

        Raises:
            CannotSerialize: it has no name that is sure to lead back to it.
        """
        if callback is None:
            return None
        if getattr(callback, "__self__", None) is not self._spider:
            if isinstance(callback, MethodType):
                raise CannotSerialize(f"{callback!r} is not a method of the spider")
            return callback  # pickle knows which functions can be found again
        function = getattr(callback, "__func__", None)
        name = self._names.get(function)
        if name is None:
            name = self._names[function] = self._find(function)
        return name

    def _find(self, function: Any) -> str:
        for name in dir(self._spider):
            method = getattr(self._spider, name, None)
            if isinstance(method, MethodType) and method.__func__ is function:
                return name
        raise CannotSerialize(f"the spider has no method {function!r}")

    def _restored(self, callback: object) -> Any:
        if not isinstance(callback, str):
            return callback
        try:
            return getattr(self._spider, callback)
        except AttributeError:
            raise CannotRestore(
                f"the spider {self._spider.name!r} has no method {callback!r}"
            ) from None

    def _record(self, request: Request) -> tuple[Any, ...]:
        rest: dict[str, Any] = {}
        kind = type(request)
        if kind is Request:
            for name in _MAYBE_EMPTY:
                if value := getattr(request, name):
                    rest[name] = value
            for name, default in _DEFAULTS.items():
                if (value := getattr(request, name)) != default:
                    rest[name] = value
        else:  # whose defaults may be others
            for name in request.attributes:
                if name not in _APART:
                    rest[name] = getattr(request, name)
        if "headers" in rest:
            rest["headers"] = dict(rest["headers"])
        return (
            None if kind is Request else kind,
            request.url,
            self.name(request.callback),
            self.name(request.errback),
            rest,
        )


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, spider: Spider) -> None:
        super().__init__(file, _PROTOCOL)
        self._spider = spider

    def persistent_id(self, value: object) -> str | None:
        return _SPIDER if value is self._spider else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, spider: Spider) -> None:
        super().__init__(file)
        self._spider = spider

    def persistent_load(self, name: object) -> Spider:
        if name != _SPIDER:
            raise CannotRestore(f"it refers to {name!r}, of which nothing is known")
        return self._spider


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
