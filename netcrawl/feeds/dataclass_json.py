"""JSON feeds of dataclass items, at half the cost.

Scrapy's exporters see every item through an adapter that fits any kind of item, field by field.
What a dataclass without serializers comes to is what it holds.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING

from scrapy.exporters import BaseItemExporter, JsonItemExporter, JsonLinesItemExporter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class _DataclassFields(BaseItemExporter):
    def get_serialized_fields(
        self, item: Any, default_value: Any = None, include_empty: bool | None = None
    ) -> Iterable[tuple[str, Any]]:
        if self.fields_to_export is None and (
            plain := _plain_names(type(item))  # type: ignore[arg-type]  # every class is hashable
        ):
            values: dict[str, Any] = vars(item)
            if len(values) == len(plain):
                return values.items()
        return super().get_serialized_fields(item, default_value, include_empty)


@cache
def _plain_names(kind: Any) -> tuple[str, ...]:
    """Return the fields of a dataclass that are written as they are; nothing for other types."""
    if not is_dataclass(kind) or hasattr(kind, "__slots__"):
        return ()
    known = fields(kind)
    if any(field.metadata for field in known):
        return ()
    return tuple(field.name for field in known)


class DataclassJsonExporter(_DataclassFields, JsonItemExporter):
    """An array of objects."""


class DataclassJsonLinesExporter(_DataclassFields, JsonLinesItemExporter):
    """An object on each line."""
