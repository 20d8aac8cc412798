"""What is opened has to be closed: the two kinds of ``with`` that there are here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Closing(ABC):
    """Is closed at the end of its ``with`` block."""

    @abstractmethod
    def close(self) -> None:
        """Give up what it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Running(Closing):
    """Runs in the background from the beginning of its ``with`` block to the end."""

    @abstractmethod
    def start(self) -> None:
        """Begin."""

    def __enter__(self) -> Self:
        self.start()
        return self
