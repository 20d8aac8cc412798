"""Feeds in files: whole documents, however often they are continued."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import pickle
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scrapy.exporters import (
    CsvItemExporter,
    JsonItemExporter,
    JsonLinesItemExporter,
    PickleItemExporter,
    XmlItemExporter,
)
from scrapy.extensions.postprocessing import GzipPlugin, PostProcessingManager

from netcrawl.feeds.files import FileFeedStorage
from netcrawl.feeds.joining import CannotAppend
from netcrawl.feeds.written import WrittenFeeds
from tests.netcrawl.feeds.values import Values, names

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Record = dict[str, str]


def write(
    path: Path,
    items: Iterable[Record],
    exporter: Any,
    options: dict[str, Any] | None = None,
    store: Values | None = None,
) -> None:
    """Write a feed as Scrapy does."""
    options = options or {}
    storage = FileFeedStorage(str(path), exporter, feed_options=options)
    storage.written = WrittenFeeds(store) if store else None  # type: ignore[arg-type]
    file: Any = storage.open()
    wrapped = file
    if plugins := options.get("postprocessing"):
        wrapped = PostProcessingManager(plugins, file, options)
    try:
        out = exporter(
            wrapped,
            fields_to_export=options.get("fields"),
            encoding=options.get("encoding"),
            indent=options.get("indent"),
            **options.get("item_export_kwargs", {}),
        )
        out.start_exporting()
        for item in items:
            out.export_item(item)
        out.finish_exporting()
    except BaseException:
        storage.discard()
        raise
    if wrapped is not file:
        wrapped.close()
    storage.store(file)


def read_json(data: bytes, options: dict[str, Any]) -> list[Record]:
    records: list[Record] = json.loads(data.decode(options.get("encoding") or "ascii"))
    return records


def read_lines(data: bytes, options: dict[str, Any]) -> list[Record]:
    if "postprocessing" in options:
        data = gzip.decompress(data)
    return [json.loads(line) for line in data.splitlines()]


def read_csv(data: bytes, options: dict[str, Any]) -> list[Record]:
    kwargs = options.get("item_export_kwargs", {})
    text = io.StringIO(data.decode(options.get("encoding") or "utf-8"), newline="")
    if not kwargs.get("include_headers_line", True):
        return [dict(zip("ab", row, strict=True)) for row in csv.reader(text)]
    return list(csv.DictReader(text, delimiter=kwargs.get("delimiter", ",")))


def read_xml(data: bytes, options: dict[str, Any]) -> list[Record]:
    root = ElementTree.fromstring(data)
    assert root.tag == options.get("item_export_kwargs", {}).get("root_element", "items")
    return [{field.tag: field.text or "" for field in item} for item in root]


def read_pickles(data: bytes, _: dict[str, Any]) -> list[Record]:
    file = io.BytesIO(data)
    records = []
    while file.tell() < len(data):
        records.append(pickle.load(file))
    return records


KINDS = [
    pytest.param(JsonItemExporter, read_json, {}, id="json"),
    pytest.param(JsonItemExporter, read_json, {"indent": 0}, id="json-lines-of-items"),
    pytest.param(JsonItemExporter, read_json, {"indent": 4, "encoding": "utf-8"}, id="json-pretty"),
    pytest.param(JsonItemExporter, read_json, {"encoding": "latin-1"}, id="json-latin-1"),
    pytest.param(JsonLinesItemExporter, read_lines, {}, id="jsonlines"),
    pytest.param(
        JsonLinesItemExporter, read_lines, {"postprocessing": [GzipPlugin]}, id="jsonlines-gzip"
    ),
    pytest.param(CsvItemExporter, read_csv, {}, id="csv"),
    pytest.param(CsvItemExporter, read_csv, {"encoding": "utf-8-sig"}, id="csv-with-mark"),
    pytest.param(CsvItemExporter, read_csv, {"encoding": "utf-16"}, id="csv-utf-16"),
    pytest.param(
        CsvItemExporter, read_csv, {"item_export_kwargs": {"delimiter": ";"}}, id="csv-semicolon"
    ),
    pytest.param(
        CsvItemExporter,
        read_csv,
        {"item_export_kwargs": {"include_headers_line": False}, "fields": ["a", "b"]},
        id="csv-without-columns",
    ),
    pytest.param(XmlItemExporter, read_xml, {}, id="xml"),
    pytest.param(XmlItemExporter, read_xml, {"indent": 2}, id="xml-pretty"),
    pytest.param(XmlItemExporter, read_xml, {"indent": 0}, id="xml-lines-of-items"),
    pytest.param(XmlItemExporter, read_xml, {"encoding": "utf-16"}, id="xml-utf-16"),
    pytest.param(
        XmlItemExporter, read_xml, {"item_export_kwargs": {"root_element": "all"}}, id="xml-root"
    ),
    pytest.param(PickleItemExporter, read_pickles, {}, id="pickle"),
]

FIRST = [{"a": "x]", "b": "</items>"}, {"a": 'q"u,;o\nte', "b": "ä"}]
SECOND = [{"a": "[", "b": "é"}]
THIRD = [{"a": "<items>", "b": "a,b"}, {"a": "", "b": "-"}]


@pytest.mark.parametrize(("exporter", "read", "options"), KINDS)
def test_a_feed_that_is_continued_is_one_document(
    exporter: type, read: Any, options: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "feed"

    for items in (FIRST, SECOND, THIRD):
        write(path, items, exporter, options)

    assert read(path.read_bytes(), options) == FIRST + SECOND + THIRD
    assert names(tmp_path) == ["feed"]


@pytest.mark.parametrize(("exporter", "read", "options"), KINDS)
def test_nothing_is_a_part_like_any_other(
    exporter: type, read: Any, options: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "feed"

    for items in ([], FIRST, [], SECOND):
        write(path, items, exporter, options)

    assert read(path.read_bytes(), options) == FIRST + SECOND


@pytest.mark.parametrize(
    ("exporter", "read", "options"),
    # A second compressed stream begins where the first one ends.
    [kind for kind in KINDS if kind.id != "jsonlines-gzip"],
)
def test_a_continued_feed_is_what_would_have_been_written_at_once(
    exporter: type,
    read: Any,  # noqa: ARG001 - of the table
    options: dict[str, Any],
    tmp_path: Path,
) -> None:
    write(tmp_path / "parts", FIRST, exporter, options)
    write(tmp_path / "parts", SECOND, exporter, options)

    write(tmp_path / "whole", FIRST + SECOND, exporter, options)

    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize(("exporter", "read", "options"), KINDS)
def test_a_job_that_goes_on_puts_its_items_in_the_place_of_its_items(
    exporter: type, read: Any, options: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "feed"
    store = Values()
    write(path, FIRST, exporter, options)

    write(path, SECOND, exporter, options, store)
    write(path, [], exporter, options, store)
    write(path, SECOND + THIRD, exporter, options, store)

    assert read(path.read_bytes(), options) == FIRST + SECOND + THIRD
    assert names(tmp_path) == ["feed"]


@pytest.mark.parametrize(("exporter", "read", "options"), KINDS)
def test_a_job_whose_feed_begins_with_it(
    exporter: type, read: Any, options: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "feed"
    store = Values()

    write(path, FIRST, exporter, options, store)
    write(path, FIRST + SECOND, exporter, options, store)

    assert read(path.read_bytes(), options) == FIRST + SECOND


class Killed(Exception):
    """What a kill does in these tests: nothing happens any more."""


@pytest.mark.parametrize("moment", ["before the note", "before the rename", "after the rename"])
@pytest.mark.parametrize("run", [1, 2])
def test_a_job_that_is_killed_while_it_writes(
    moment: str, run: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "feed.json"
    store = Values()
    write(path, FIRST, JsonItemExporter)
    if run == 2:
        write(path, SECOND, JsonItemExporter, store=store)
    before = path.read_bytes()
    rename = type(path).replace

    def killed(part: Path, target: Path) -> None:
        if moment == "after the rename":
            rename(part, target)
        raise Killed

    with monkeypatch.context() as patch:
        if moment == "before the note":
            patch.setattr(store, "commit", lambda: killed(path, path))
        patch.setattr(type(path), "replace", killed)
        with pytest.raises(Killed):
            write(path, SECOND + THIRD, JsonItemExporter, store=store)
        store.forget_what_is_not_committed()
    if moment != "after the rename":
        assert path.read_bytes() == before

    write(path, SECOND + THIRD, JsonItemExporter, store=store)

    assert json.loads(path.read_bytes()) == FIRST + SECOND + THIRD


def test_a_file_that_was_changed_since_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    store = Values()
    write(path, FIRST, JsonLinesItemExporter, store=store)
    path.write_bytes(path.read_bytes().upper())
    changed = path.read_bytes()

    with pytest.raises(CannotAppend, match="not what this job left there"):
        write(path, FIRST + SECOND, JsonLinesItemExporter, store=store)

    assert path.read_bytes() == changed
    assert names(tmp_path) == ["feed.jsonl"]


@pytest.mark.parametrize("how", ["removed", "emptied"])
def test_items_that_were_taken_away_are_written_again(how: str, tmp_path: Path) -> None:
    path = tmp_path / "feed.json"
    store = Values()
    write(path, FIRST, JsonItemExporter, store=store)
    path.unlink() if how == "removed" else path.write_bytes(b"")

    write(path, FIRST + SECOND, JsonItemExporter, store=store)

    assert json.loads(path.read_bytes()) == FIRST + SECOND


@pytest.mark.parametrize(
    ("exporter", "options", "content", "reason"),
    [
        pytest.param(JsonItemExporter, {}, b'{"a": 1}', "it is not a JSON array", id="object"),
        pytest.param(JsonItemExporter, {}, b'[{"a": 1},', "it is not a JSON array", id="killed"),
        pytest.param(JsonItemExporter, {}, b"]", "it is not a JSON array", id="only-an-end"),
        pytest.param(JsonItemExporter, {}, b"1]", "it is not a JSON array", id="no-beginning"),
        pytest.param(JsonItemExporter, {}, b" " * 9000, "it is not a JSON array", id="space"),
        pytest.param(
            JsonItemExporter, {}, b"[" + b" " * 9000 + b"]", "it is not a JSON array", id="hollow"
        ),
        pytest.param(
            XmlItemExporter, {}, b"<items><item>", "it does not end with </items>", id="xml-killed"
        ),
        pytest.param(
            XmlItemExporter,
            {},
            b"<items></items><!-- </items> -->",
            "it does not end with </items>",
            id="xml-more",
        ),
        pytest.param(
            XmlItemExporter,
            {"encoding": "utf-8"},
            b'<?xml version="1.0" encoding="iso-8859-1"?>\n<items></items>',
            "its encoding is iso-8859-1, and that of this feed is not",
            id="xml-encoding",
        ),
        pytest.param(
            CsvItemExporter,
            {},
            b"a,c\r\n1,2\r\n",
            "its columns are a, c, and those of this feed a, b; FEED_EXPORT_FIELDS sets them",
            id="columns",
        ),
        pytest.param(
            CsvItemExporter,
            {},
            b"\x1b[2J\r\n",
            r"its columns are \x1b[2J, and those of this feed a, b; FEED_EXPORT_FIELDS sets them",
            id="columns-that-do-not-print",
        ),
        pytest.param(
            JsonItemExporter,
            {"postprocessing": [GzipPlugin]},
            gzip.compress(b"[]"),
            "it is compressed",
            id="compressed",
        ),
        pytest.param(
            XmlItemExporter, {"encoding": "x"}, b"<items/>", "no encoding 'x'", id="encoding"
        ),
    ],
)
@pytest.mark.parametrize("is_job", [False, True])
def test_what_cannot_be_continued_stays_as_it_was(
    exporter: type,
    options: dict[str, Any],
    content: bytes,
    reason: str,
    is_job: bool,
    tmp_path: Path,
) -> None:
    path = tmp_path / "feed"
    path.write_bytes(content)

    with pytest.raises(CannotAppend) as refused:
        write(path, SECOND, exporter, options, Values() if is_job else None)

    assert reason in str(refused.value)
    assert path.read_bytes() == content
    assert names(tmp_path) == ["feed"]


@pytest.mark.parametrize(
    ("exporter", "content", "result"),
    [
        pytest.param(JsonItemExporter, b" \n", b'[{"a": "[", "b": "\\u00e9"}]', id="json-blank"),
        pytest.param(JsonItemExporter, b" [ \n] ", b'[{"a": "[", "b": "\\u00e9"}]', id="json-[]"),
        pytest.param(
            JsonItemExporter, b"[1]\n", b'[1,{"a": "[", "b": "\\u00e9"}]', id="json-newline"
        ),
        pytest.param(
            JsonLinesItemExporter,
            b'{"a": 1}',
            b'{"a": 1}\n{"a": "[", "b": "\\u00e9"}\n',
            id="a-line-without-its-end",
        ),
        pytest.param(
            CsvItemExporter,
            b'"a",b\n1,2',
            '"a",b\n1,2\r\n[,é\r\n'.encode(),
            id="a-row-without-its-end",
        ),
        pytest.param(
            XmlItemExporter,
            b"<items>\n<item/>\n</items>\n",
            "<items>\n<item/>\n<item><a>[</a><b>é</b></item></items>".encode(),
            id="xml-newline",
        ),
    ],
)
def test_files_of_other_writers(
    exporter: type, content: bytes, result: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "feed"
    path.write_bytes(content)

    write(path, SECOND, exporter)

    assert path.read_bytes() == result


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters="\n\r"),
    max_size=8,
)


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.fixed_dictionaries({"a": TEXTS, "b": TEXTS}), max_size=3), max_size=4),
    st.sampled_from([None, 0, 1]),
)
def test_any_json(parts: list[list[Record]], indent: int | None) -> None:
    _check_any(parts, JsonItemExporter, {"indent": indent}, read_json)


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.fixed_dictionaries({"a": TEXTS, "b": TEXTS}), max_size=3), max_size=4),
    st.fixed_dictionaries({"quoting": st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])}),
)
def test_any_csv(parts: list[list[Record]], kwargs: dict[str, Any]) -> None:
    options = {"item_export_kwargs": kwargs, "fields": ["a", "b"]}
    _check_any(parts, CsvItemExporter, options, read_csv)


def _check_any(
    parts: list[list[Record]], exporter: type, options: dict[str, Any], read: Any
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feed"
        path.touch()
        for items in parts:
            write(path, items, exporter, options)
        wanted = [item for items in parts for item in items]
        assert (read(path.read_bytes() or b"[]", options) if wanted else []) == wanted


def test_a_feed_takes_the_place_of_the_one_before_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "feed.json"
    path.write_text("before")
    storage = FileFeedStorage(str(path), JsonItemExporter, feed_options={"overwrite": True})

    file = storage.open()
    file.write(b"[]")
    file.flush()

    assert path.read_text() == "before"
    assert (tmp_path / "feed.json.part").read_text() == "[]"
    storage.store(file)
    assert path.read_text() == "[]"
    assert names(tmp_path) == ["feed.json"]


def test_lines_are_in_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    path.write_bytes(b"1\n")
    storage = FileFeedStorage(str(path), JsonLinesItemExporter)

    with storage.open() as file:
        file.write(b"2\n")
        file.flush()
        assert path.read_bytes() == b"1\n2\n"


def test_a_file_uri_and_a_folder_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a b" / "c" / "feed.json"
    storage = FileFeedStorage(
        path.as_uri(), JsonItemExporter, feed_options={"overwrite": True, "format": "json"}
    )

    storage.store(storage.open())

    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
