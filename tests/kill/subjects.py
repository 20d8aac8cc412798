"""The crawls that are killed: of spiders that know nothing of this project, and of its own."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parents[2]
OTHERS = Path(__file__).parent / "others"


def as_it_is(item: dict[str, Any]) -> dict[str, Any]:
    """Return what two crawls have to agree in: all of it."""
    return item


def without_freshness(item: dict[str, Any]) -> dict[str, Any]:
    """Leave out what Scrapy's pipelines say of a file that an interrupted run has stored."""
    for name in ("files", "images"):
        for file in item.get(name, ()):
            file.pop("status")
    return item


def without_page(item: dict[str, Any]) -> dict[str, Any]:
    """Leave out which of several pages was the first to have the link."""
    del item["page"]
    return item


def without_port(item: dict[str, Any]) -> dict[str, Any]:
    """Leave out the port, which is another one in another job."""
    item["url"] = re.sub(r":\d+/", "/", item["url"])
    return item


@dataclass(frozen=True)
class Subject:
    """A crawl. In ``arguments``, {site} and {folder} stand for the site and the campaign's folder.

    ``weight`` is how many requests one page under way may stand for. ``store`` is where its files
    are, in the folder. ``pages`` is the limit of pages, where there is one: which of them come is a
    matter of time then, and only how many is compared.
    ``may_repeat`` says that the spider asks for a page again that it finds nearer than before, by
    the way that some time before was slower.
    """

    name: str
    arguments: tuple[str, ...]
    cwd: Path = OTHERS
    feed: str = "feed.json"
    normal: Callable[[dict[str, Any]], dict[str, Any]] = as_it_is
    weight: int = 1
    store: str | None = None
    pages: int | None = None
    may_repeat: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


def _other(spider: str, **options: Any) -> Subject:
    return Subject(spider, (spider, "-a", "site={site}"), **options)


def _own(name: str, *arguments: str, **options: Any) -> Subject:
    return Subject(name, arguments, cwd=ROOT, **options)


SUBJECTS = {
    subject.name: subject
    for subject in (
        _other("rules"),
        _other("map", feed="feed.csv"),
        _other("catalogue", feed="feed.jsonl"),
        # Its pipelines are slow: pages wait for them that are downloaded.
        _other("async", weight=3),
        _other("starts"),
        _other("raising", feed="feed.xml"),
        # All that a list leads to hangs on what only the process knows.
        _other("lambdas", weight=40),
        _other("counter", weight=3),
        _other("idle"),
        _other(
            "media",
            normal=without_freshness,
            weight=3,
            store="store",
            settings={
                "FILES_STORE": "{folder}/store/files",
                "IMAGES_STORE": "{folder}/store/images",
            },
        ),
        _own("links", "links", "-a", "url={site}/", "-a", "depth=9", may_repeat=True),
        _own(
            "links-near",
            "links",
            "-a",
            "url={site}/",
            "-a",
            "depth=3",
            feed="feed.jsonl",
            may_repeat=True,
        ),
        _own(
            "words-some",
            "words",
            "-a",
            "url={site}/list/1 {site}/list/2",
            "-a",
            "depth=5",
            "-a",
            "by=page",
            "-a",
            "deny=/file/",
            "-a",
            "pages=40",
            pages=40,
        ),
        _own(
            "words", "words", "-a", "url={site}/", "-a", "depth=9", feed="feed.csv", may_repeat=True
        ),
        _own(
            "words-by-page",
            "words",
            "-a",
            "url={site}/",
            "-a",
            "depth=9",
            "-a",
            "by=page",
            may_repeat=True,
        ),
        _own("follow", "follow", "-a", "url={site}/item/1", "-a", "position=1", "-a", "count=40"),
        _own("practice", "follow", "-a", "position=3", "-a", "count=60", normal=without_port),
        _own(
            "images",
            "images",
            "-a",
            "url={site}/",
            "-a",
            "depth=3",
            "-a",
            "store={folder}/store",
            weight=3,
            store="store",
            may_repeat=True,
        ),
        _own(
            "files",
            "files",
            "-a",
            "url={site}/",
            "-a",
            "depth=3",
            "-a",
            r"match=/file/|/gone/",
            "-a",
            "store={folder}/store",
            normal=without_page,
            weight=3,
            store="store",
            may_repeat=True,
        ),
    )
}


def read_feed(path: Path, normal: Callable[[dict[str, Any]], dict[str, Any]]) -> Counter[str]:
    """Count the items of a feed, each as a text; what is cut off is no item.

    Raises:
        ValueError: it is not valid.
    """
    if not path.exists():
        return Counter()
    text = path.read_text(encoding="utf-8")
    records: list[Any]
    if path.suffix == ".json":
        records = json.loads(text) if text else []
    elif path.suffix == ".jsonl":
        records = list(filter(None, map(_line, text.splitlines())))
    elif path.suffix == ".csv":
        records = list(csv.DictReader(text.splitlines()))
    else:
        records = _xml_records(text)
    return Counter(json.dumps(normal(record), sort_keys=True) for record in records)


def _line(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _xml_records(text: str) -> list[Any]:
    from xml.etree import ElementTree

    root = ElementTree.fromstring(text)
    return [{field.tag: field.text for field in item} for item in root]
