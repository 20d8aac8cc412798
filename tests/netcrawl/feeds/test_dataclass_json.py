from __future__ import annotations

import io
from dataclasses import dataclass, field

import pytest
from scrapy import Field, Item
from scrapy.exporters import JsonItemExporter, JsonLinesItemExporter

from netcrawl.feeds.dataclass_json import DataclassJsonExporter, DataclassJsonLinesExporter
from netcrawl.items import Link


@dataclass
class Shouted:
    text: str = field(metadata={"serializer": str.upper})


@dataclass(slots=True)
class Slotted:
    text: str


class Old(Item):  # type: ignore[misc]
    text = Field()


def more_than_declared() -> Link:
    link = Link("http://h/", 1, "http://h/a", "a", "", "<a>", {})
    link.noticed = "later"  # type: ignore[attr-defined]
    return link


ITEMS = [
    pytest.param(Link("http://h/", 1, None, "ü", "", "<a>", {"title": "x"}), id="as it is"),
    pytest.param(more_than_declared(), id="with an attribute more"),
    pytest.param(Shouted("loud"), id="with a serializer"),
    pytest.param(Slotted("x"), id="slots"),
    pytest.param(Old(text="x"), id="an Item"),
    pytest.param({"text": "x"}, id="a dict"),
]


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize(
    ("ours", "stock"),
    [
        pytest.param(DataclassJsonExporter, JsonItemExporter, id="json"),
        pytest.param(DataclassJsonLinesExporter, JsonLinesItemExporter, id="jsonl"),
    ],
)
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="plain"),
        pytest.param({"fields_to_export": ["text"]}, id="some fields"),
        pytest.param({"fields_to_export": {"text": "words"}}, id="other names"),
        pytest.param({"export_empty_fields": True, "indent": 2}, id="empty ones, indented"),
    ],
)
def test_the_feed_is_what_scrapy_writes(
    item: object, ours: type, stock: type, options: dict[str, object]
) -> None:
    feeds = []
    for exporter_class in (ours, stock):
        file = io.BytesIO()
        exporter = exporter_class(file, encoding="utf-8", **options)
        exporter.start_exporting()
        exporter.export_item(item)
        exporter.finish_exporting()
        feeds.append(file.getvalue())

    assert feeds[0] == feeds[1]
    assert feeds[0]
