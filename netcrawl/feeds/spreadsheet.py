"""CSV that opens right in a spreadsheet, whatever a page had in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scrapy.exporters import CsvItemExporter

if TYPE_CHECKING:
    from typing import Any

# What makes a spreadsheet take a cell for a formula, which can fetch and send data (OWASP, "CSV
# injection"); a tab or a line end may hide one of the others.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")

# Not seen, and maybe not read by the spreadsheet either.
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\xad"


class SpreadsheetCsvExporter(CsvItemExporter):
    """Scrapy's own, with texts that no formula can hide in, and dicts as JSON."""

    def serialize_field(self, field: Any, name: str, value: Any) -> Any:
        """Return the cell for a value."""
        if isinstance(value, dict):
            value = json.dumps(value, ensure_ascii=False)
        return escape_formula(super().serialize_field(field, name, value))


def escape_formula(value: Any) -> Any:
    """Put an apostrophe before a text that would be a formula; spreadsheets do not show it.

    >>> escape_formula("=HYPERLINK(...)"), escape_formula("a=b"), escape_formula(-1)
    ("'=HYPERLINK(...)", 'a=b', -1)
    """
    return f"'{value}" if isinstance(value, str) and _is_formula(value) else value


def _is_formula(text: str) -> bool:
    return text.lstrip(_INVISIBLE).startswith(_FORMULA)
