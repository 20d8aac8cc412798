"""The contact sheet: a page that shows pictures in the folder that it is in, opened from disk.

Whatever is in it was written by others. It has no script, and its policy allows none.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from netcrawl.pipelines.replacing import replace_file
from netcrawl.pipelines.store import StoreError
from sockettools.text import visible
from sockettools.url import HTTP_SCHEMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcrawl.items import DownloadedImage
    from netcrawl.pipelines.store import Store

SHEET = "images.html"

# What a browser shows without becoming slow, and a person looks through.
MAX_FIGURES = 10_000
MAX_FAILURES = 1_000

# Pages named with a picture, and characters of a text.
MAX_PAGES = 3
MAX_TEXT = 300

_GENERATOR = '<meta name="generator" content="netcrawl images">'

# A star is every network scheme, which file: is not.
_HEAD = f"""\
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
{_GENERATOR}
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src * file:; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width">
<title>Images</title>
<style>
body {{ font: 14px/1.4 sans-serif; margin: 1em; overflow-wrap: anywhere }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 1em }}
figure {{ margin: 0; border: 1px solid #ccc; padding: .5em }}
img {{ display: block; margin: auto; max-width: 100%; max-height: 200px; object-fit: contain;
 background: repeating-conic-gradient(#eee 0 25%, #fff 0 50%) 0 0 / 16px 16px }}
figcaption p {{ margin: .3em 0 }}
</style>
</head>
<body>
<h1>Images</h1>
"""


@dataclass
class _Figure:
    image: DownloadedImage  # the first of those that have this file
    pages: dict[str, None]


@dataclass
class Sheet:
    """What is to be shown: of many pictures the first ones, and how many there were."""

    figures: dict[str, _Figure] = field(default_factory=dict)
    failures: list[DownloadedImage] = field(default_factory=list)
    left_out: int = 0
    failed: int = 0

    @property
    def has_any(self) -> bool:
        """Whether there is something to tell."""
        return bool(self.figures or self.failed)

    def add(self, image: DownloadedImage) -> None:
        """Take an item with what became of it; the same file is shown once."""
        if image.path is None:
            self.failed += 1
            if len(self.failures) < MAX_FAILURES:
                self.failures.append(image)
        elif figure := self.figures.get(image.path):
            if len(figure.pages) <= MAX_PAGES:
                figure.pages.setdefault(image.page)
        elif len(self.figures) < MAX_FIGURES:
            self.figures[image.path] = _Figure(image, {image.page: None})
        else:
            self.left_out += 1

    def html(self) -> Iterator[str]:
        """Yield the page, piece by piece."""
        yield _HEAD
        shown = len(self.figures)
        yield f"<p>{shown:,} of this crawl; those of earlier ones in this folder are not shown."
        if self.left_out:
            yield f" {self.left_out:,} more were found than a page can show."
        if self.failed:
            yield f' <a href="#failed">{self.failed:,} could not be had.</a>'
        yield "</p>\n<main>\n"
        for figure in self.figures.values():
            yield _figure(figure)
        yield "</main>\n"
        if self.failed:
            yield f'<h2 id="failed">Not to be had: {self.failed:,}</h2>\n<ul>\n'
            for image in self.failures:
                yield f"<li>{_text(image.problem or '')}<br>on {_link(image.page)}</li>\n"
            yield "</ul>\n"
            if self.failed > len(self.failures):
                yield f"<p>and {self.failed - len(self.failures):,} more</p>\n"
        yield "</body>\n</html>\n"


def write_sheet(sheet: Sheet, store: Store) -> None:
    """Write it into the store, in the place of an earlier one.

    Raises:
        StoreError: it cannot be written, or something else has its name.
    """
    path = store.root / SHEET
    try:
        with path.open("rb") as file:
            is_ours = _GENERATOR.encode() in file.read(len(_HEAD))
    except FileNotFoundError:
        is_ours = True
    except OSError as exc:
        raise StoreError(f"{SHEET} cannot be written: {exc.strerror or exc}") from exc
    if not is_ours:
        raise StoreError(f"{SHEET} in store {store.shown} is no contact sheet, and is left alone")
    replace_file(store, SHEET, "".join(sheet.html()).encode())


def _figure(figure: _Figure) -> str:
    image = figure.image
    path = html.escape(quote(image.path or ""))
    small = html.escape(quote(image.thumbnail or image.path or ""))
    size = f'width="{image.width}" height="{image.height}" ' if image.width and image.height else ""
    shown = f'<img src="{small}" {size}loading="lazy" alt="{_plain(image.alt)}">'
    # An SVG opened by itself may run scripts, as a page from this disk. Within img it cannot.
    if image.format != "SVG":
        shown = f'<a href="{path}">{shown}</a>'
    known = [_link(page) for page in list(figure.pages)[:MAX_PAGES]]
    more = " and others" if len(figure.pages) > MAX_PAGES else ""
    return (
        f"<figure>{shown}\n<figcaption>"
        + (f"<p>{_text(image.alt)}</p>" if image.alt else "")
        + f"<p>{_facts(image)}</p><p>{_link(image.url)}</p><p>on {', '.join(known)}{more}</p>"
        + "</figcaption></figure>\n"
    )


def _facts(image: DownloadedImage) -> str:
    is_known = image.width is not None and image.height is not None
    pixels = f"{image.width} × {image.height}" if is_known else "any size"
    return f"{_text(image.format or '')}, {pixels}, {image.bytes or 0:,} bytes"


def _link(url: str) -> str:
    if url.partition(":")[0].lower() not in HTTP_SCHEMES:
        return _text(url)
    return f'<a href="{html.escape(visible(url))}" rel="noreferrer">{_text(url)}</a>'


def _text(text: str) -> str:
    """Return a text for the page, whose direction is its own affair."""
    return f"<bdi>{_plain(text)}</bdi>"


def _plain(text: str) -> str:
    cut = text[:MAX_TEXT] + ("…" if len(text) > MAX_TEXT else "")
    return html.escape(visible(cut))
