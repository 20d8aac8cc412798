"""Requests whose header fields leave as they were written.

``scrapy.http.Headers`` is a dict of names in one spelling (``x-API-key`` becomes ``X-Api-Key``),
and has all values of a name in one place. Some servers mind the spelling, and some tell clients
apart by the order. Here both are remembered beside the dict, which stays what Scrapy and its
middlewares know; our download handler asks for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.http import Headers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from scrapy import Spider

    Written = Mapping[str, Any] | Mapping[bytes, Any] | Iterable[tuple[str | bytes, Any]]


class ExactHeaders(Headers):
    """Headers that know how, and in which order, each of their names was written first.

    Whoever writes a name decides on its spelling and place, also for later: what is set again, or
    set after it was removed, stands where the name did.

    >>> headers = ExactHeaders([("x-one", "1"), ("B", "2"), ("X-ONE", "3")])
    >>> headers["b"] = "4"
    >>> headers.setdefault("user-AGENT", "5")
    [b'5']
    >>> headers.fields()
    [(b'x-one', b'1'), (b'B', b'4'), (b'X-ONE', b'3'), (b'user-AGENT', b'5')]
    """

    def __init__(self, seq: Written | None = None, encoding: str = "utf-8") -> None:
        # The lines of the head, as the name that Scrapy knows and the one that was written.
        self._lines: list[tuple[bytes, bytes]] = []
        super().__init__(seq, encoding)

    def __setitem__(self, key: str | bytes, value: Any) -> None:
        self._note(key)
        super().__setitem__(key, value)

    def setdefault(self, key: str | bytes, def_val: Any = None) -> Any:
        """Set what is not there yet."""
        self._note(key)
        return super().setdefault(key, def_val)

    def update(self, seq: Written) -> None:  # type: ignore[override]  # as Scrapy's own
        """Set several; a name that occurs more than once has all its values."""
        if isinstance(seq, ExactHeaders):
            pairs: Iterable[tuple[Any, Any]] = seq.written()
        else:
            pairs = seq.items() if isinstance(seq, Mapping) else seq
        written = [(name, self.normvalue(value)) for name, value in pairs]
        known = {key for key, _ in self._lines}
        for name, values in written:
            if self.normkey(name) not in known:
                self._lines += [self._line(name)] * (len(values) or 1)
        super().update(written)

    def fields(self) -> list[tuple[bytes, bytes]]:
        """Return what to send, a name and a value for each line.

        Where a name has other values than were written, they take the lines that it has in turn,
        and those that are left the last one.
        """
        return [(name, value) for name, value in self.written() if value is not None]

    def written(self) -> list[tuple[bytes, bytes | None]]:
        """Return the same, and None for a name without values, for which no default is set."""
        left = {key: list(values) for key, values in dict.items(self)}
        last = {key: place for place, (key, _) in enumerate(self._lines)}
        found: list[tuple[bytes, bytes | None]] = []
        for place, (key, name) in enumerate(self._lines):
            values = left.get(key)
            if values:
                taken = len(values) if place == last[key] else 1
                found += [(name, value) for value in values[:taken]]
                del values[:taken]
            elif place == last[key] and dict.get(self, key) == []:
                found.append((name, None))
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.written(), self.encoding)

    def _note(self, name: str | bytes) -> None:
        key = self.normkey(name)
        if not any(key == known for known, _ in self._lines):
            self._lines.append(self._line(name))

    def _line(self, name: str | bytes) -> tuple[bytes, bytes]:
        return self.normkey(name), self._tobytes(name)


class ExactRequest(Request):
    """A request whose header fields are sent in the spelling and the order of ``headers``.

    They stay so in what ``replace``, ``copy`` and ``to_dict`` make of it: in redirects, retries and
    queues on disk. To have the same of another kind of request, derive from both, from this first:
    ``class ExactJsonRequest(ExactRequest, JsonRequest)``.
    """

    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what ``scrapy.Request`` does."""
        headers = args[3] if len(args) > 3 else kwargs.get("headers")
        if headers is not None and not isinstance(headers, Mapping):
            headers = list(headers)  # it is read twice
            if len(args) > 3:
                args = (*args[:3], headers, *args[4:])
            else:
                kwargs["headers"] = headers
        super().__init__(*args, **kwargs)
        exact = ExactHeaders(headers, self.encoding)
        exact.update(self.headers)  # with what another base class has added
        self._headers = exact

    @property
    def headers(self) -> Headers:
        """Its ExactHeaders."""
        return super().headers

    @headers.setter
    def headers(self, value: Written | None) -> None:
        if not isinstance(value, ExactHeaders):
            value = ExactHeaders(value, self.encoding)
        self._headers = value

    def to_dict(self, *, spider: Spider | None = None) -> dict[str, Any]:
        """Return what ``request_from_dict`` takes; ``headers`` are pairs of a name and a value."""
        found = super().to_dict(spider=spider)
        exact = self.headers
        assert isinstance(exact, ExactHeaders)
        found["headers"] = exact.written()
        return found


def header_fields(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return a name and a value for each line of a head."""
    if isinstance(headers, ExactHeaders):
        return headers.fields()
    # Not its own method, which looks each name up again.
    return [(name, value) for name, values in dict.items(headers) for value in values]
