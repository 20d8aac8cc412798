"""Tables as the page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


# Characters of a text that stays on one line.
_MAX_SHORT = 20


@dataclass(frozen=True)
class Cell:
    """A cell: its text, where it leads to, what it is sorted by if not its text, and more of it."""

    text: str
    target: str | None = None
    sort: float | None = None
    details: str = ""


@dataclass(frozen=True)
class Column:
    """A column; numbers stand at the right, and long texts get room."""

    name: str
    is_number: bool = False
    is_long: bool = False

    @property
    def style(self) -> str:
        """Name the class of its cells."""
        return "number" if self.is_number else "text" if self.is_long else "short"


@dataclass(frozen=True)
class Table:
    """A table; ``left_out`` says what is not in it, if anything."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    left_out: str = ""
    is_sortable: bool = True


@dataclass
class Tile:
    """One of the figures at the top; ``value`` is None where it is not known."""

    name: str
    value: str | None
    hint: str = ""


def table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    left_out: str = "",
    is_sortable: bool = True,
) -> Table:
    """Make a table of texts, numbers and cells: a column of numbers is one."""
    made = [[_cell(value) for value in row] for row in rows]
    columns = [
        Column(
            name, bool(made) and all(row[at].sort is not None for row in made), is_long(made, at)
        )
        for at, name in enumerate(head)
    ]
    return Table(caption, columns, made, left_out, is_sortable)


def is_long(rows: Sequence[Sequence[Cell]], at: int) -> bool:
    """Say whether a column has texts that do not fit into a narrow one."""
    return any(len(row[at].text) > _MAX_SHORT for row in rows)


def _cell(value: object) -> Cell:
    if isinstance(value, Cell):
        return value
    if isinstance(value, int | float):
        return Cell(f"{value:,}", sort=value)
    return Cell(str(value))
