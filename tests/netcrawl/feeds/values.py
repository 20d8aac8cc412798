"""What tests of feeds need: the part of a store where feeds keep what they know; folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def names(folder: Path) -> list[str]:
    """Return the names of all that is in a folder."""
    return sorted(path.name for path in folder.iterdir())


class Values:
    """What is not committed can be forgotten, as in a crash."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}
        self._committed: dict[str, bytes] = {}

    def set_value(self, name: str, value: bytes) -> None:
        self._values[name] = value

    def value(self, name: str) -> bytes | None:
        return self._values.get(name)

    def commit(self) -> None:
        self._committed = dict(self._values)

    def forget_what_is_not_committed(self) -> None:
        self._values = dict(self._committed)
