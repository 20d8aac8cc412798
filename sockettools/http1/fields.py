"""The fields of a message: their order, their case and their repetitions kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Field = tuple[bytes, bytes]


class Fields(Sequence[Field]):
    """A sequence of (name, value) as on the wire; a lookup does not mind the case of a name.

    >>> fields = Fields([(b"Set-Cookie", b"a=1"), (b"Vary", b"*"), (b"set-cookie", b"b=2")])
    >>> fields.get_all(b"Set-Cookie"), fields.get(b"vary"), fields.has(b"Age")
    ([b'a=1', b'b=2'], b'*', False)
    """

    __slots__ = ("_by_name", "_items")

    def __init__(self, items: Iterable[Field] = ()) -> None:
        self._items: list[Field] = list(items)
        # The last value of each name in lower case: with no name twice, all there is to know.
        self._by_name = {name.lower(): value for name, value in self._items}

    def has(self, name: bytes) -> bool:
        """Tell whether there is such a field."""
        return name.lower() in self._by_name

    def get(self, name: bytes) -> bytes | None:
        """Return the first value of a field; None when it is not there."""
        if len(self._by_name) == len(self._items):
            return self._by_name.get(name.lower())
        return next(iter(self.get_all(name)), None)

    def get_all(self, name: bytes) -> list[bytes]:
        """Return every value of a field."""
        name = name.lower()
        if name not in self._by_name:
            return []
        if len(self._by_name) == len(self._items):
            return [self._by_name[name]]
        return [value for other, value in self._items if other.lower() == name]

    def combined(self, name: bytes) -> bytes | None:
        """Return every value of a list field as one list (RFC 9110 section 5.3)."""
        last = self._by_name.get(name.lower())
        if last is None or len(self._by_name) == len(self._items):
            return last
        return b", ".join(self.get_all(name))

    def tokens(self, name: bytes) -> list[bytes]:
        """Return the members of a list field in lower case (RFC 9110 section 5.6.1).

        >>> Fields([(b"Connection", b"Upgrade, , close")]).tokens(b"connection")
        [b'upgrade', b'close']
        """
        members = (self.combined(name) or b"").lower().split(b",")
        return [member for raw in members if (member := raw.strip(b" \t"))]

    @overload
    def __getitem__(self, index: int) -> Field: ...
    @overload
    def __getitem__(self, index: slice) -> Fields: ...
    def __getitem__(self, index: int | slice) -> Field | Fields:
        return Fields(self._items[index]) if isinstance(index, slice) else self._items[index]

    def __iter__(self) -> Iterator[Field]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Fields):
            return self._items == other._items
        return self._items == list(other) if isinstance(other, (list, tuple)) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self._items))

    def __repr__(self) -> str:
        return f"Fields({self._items!r})"
