from __future__ import annotations

import csv
import io

import pytest

from netcrawl.feeds.spreadsheet import SpreadsheetCsvExporter, escape_formula
from netcrawl.items import Link


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1d1",
        "\ufeff=1",
        "\u200b\u200d@A",
    ],
)
def test_a_formula_is_text(text: str) -> None:
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("value", ["a=1", "", "1-1", " =1", -1, 1.5, None])
def test_the_rest_stays(value: object) -> None:
    assert escape_formula(value) == value


def test_a_row() -> None:
    file = io.BytesIO()
    exporter = SpreadsheetCsvExporter(file)
    exporter.start_exporting()
    exporter.export_item(Link("http://h/", 1, None, "=cmd", "", "<a>", {"title": '"ü"'}))
    exporter.finish_exporting()

    (row,) = csv.DictReader(io.StringIO(file.getvalue().decode("utf-8")))
    assert row == {
        "page": "http://h/",
        "position": "1",
        "url": "",
        "text": "'=cmd",
        "rel": "",
        "tag": "<a>",
        "attributes": '{"title": "\\"ü\\""}',
    }
