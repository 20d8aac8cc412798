"""The pictures that a page shows, or would show once its scripts had run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from netcrawl.extract.anchors import base_url
from netcrawl.extract.css import css_urls
from netcrawl.extract.srcset import Candidate, parse_srcset
from netcrawl.extract.text import one_line
from sockettools.url import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TypeAlias

    from scrapy.http import HtmlResponse

    HtmlElement: TypeAlias = Any  # lxml has no types

# References of one page that are looked at, and elements that may have some.
MAX_PICTURES = 10_000

# Characters of a URL that is not data:. No server takes one as long.
_MAX_URL = 16_384

# Characters of a data: URL that keeps the place of a picture until a script has it loaded. What
# shows the picture itself, blurred, is hardly ever longer.
_MAX_PLACEHOLDER = 4_096

# Where the scripts that load pictures late look for them: lazysizes, jQuery Lazy Load, lozad,
# WordPress and its plugins.
_LAZY_SRC = ("data-src", "data-original", "data-lazy-src", "data-lazy", "data-echo")
_LAZY_SRCSET = ("data-srcset", "data-lazy-srcset", "data-original-set")

# An element with a type of another kind is one that a browser passes over, or we would.
_TYPES = frozenset(
    f"image/{kind}"
    for kind in (
        *("avif", "apng", "bmp", "gif", "jpeg", "jpg", "pjpeg", "png", "svg+xml", "tiff"),
        *("vnd.microsoft.icon", "webp", "x-icon", "x-ms-bmp", "x-png"),
    )
)

_ICONS = frozenset(("icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon"))
_CARDS = frozenset(
    ("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src")
)

# One path, since a union of several is sorted by libxml2 in the square of the time. The limit in
# it keeps lxml from making an object of each element of a hostile page.
_ELEMENTS = (
    "(//*[self::img or self::source or self::link or self::meta or self::input or self::video"
    " or self::image or self::object or self::embed or @style or @background])"
    f"[position() <= {MAX_PICTURES}]"
)

# libxml2 takes <source> for an element that has to be closed, so what follows is inside.
_MAX_SOURCES = 50


@dataclass(frozen=True)
class Picture:
    """A picture: its absolute URL, or one that is none as it is written; and its text."""

    url: str
    alt: str


def pictures(page: HtmlResponse) -> list[Picture]:
    """Return the pictures of a page, in order, each URL once and without its fragment.

    Of an element that offers several files, it is the largest. The scheme of a URL may be any.
    """
    base = base_url(page)
    found: dict[str, str] = {}
    for reference, alt in islice(_references(page.selector.root), MAX_PICTURES):
        url = _absolute(base, reference, page.encoding)
        if url is not None:
            found[url] = found.get(url) or alt
    return [Picture(url, one_line(alt)) for url, alt in found.items()]


def _references(root: HtmlElement) -> Iterator[tuple[str, str]]:
    """Yield each URL as it is written, and the text for it."""
    sources = _Sources()
    for element in root.xpath(_ELEMENTS):
        alt = element.get("alt") or ""
        match element.tag:
            case "source":
                sources.add(element)
            case "img":
                for reference in _of_img(element, sources):
                    yield reference, alt
            case _:
                for reference in _of_other(element):
                    yield reference, alt
        for reference in css_urls(element.get("style") or ""):
            yield reference, ""
        if background := element.get("background"):
            yield background, ""


def _of_img(img: HtmlElement, sources: _Sources) -> Iterator[str]:
    """Yield what is loaded late, then what is there at first unless it only keeps the place."""
    offered = sources.of(img)
    late = _largest((*offered.late, *_late_candidates(img)))
    if late is not None:
        yield late.url
    first = _largest((*offered.first, *_first_candidates(img)))
    if first is not None and not (late and _is_placeholder(first.url)):
        yield first.url


def _of_other(element: HtmlElement) -> Iterator[str]:
    attributes: tuple[str, ...] = ()
    match element.tag:
        case "link" if _ICONS & set((element.get("rel") or "").lower().split()):
            attributes = ("href",)
        case "meta" if _CARDS & {
            (element.get(name) or "").strip().lower() for name in ("property", "name")
        }:
            attributes = ("content",)
        case "input" if (element.get("type") or "").strip().lower() == "image":
            attributes = ("src",)
        case "video":
            attributes = ("poster",)
        case "image":  # in SVG; elsewhere it is how people write img
            attributes = ("href", "xlink:href", "src")
        case "object" | "embed" if _type(element) in _TYPES:
            attributes = ("data", "src")
    for name in attributes:
        if value := element.get(name):
            yield value


@dataclass
class _Offer:
    """The largest of what the sources of a picture offer, none or one of each."""

    first: tuple[Candidate, ...] = ()
    late: tuple[Candidate, ...] = ()


class _Sources:
    """The ``<source>`` elements of the ``<picture>`` at hand, as they come."""

    def __init__(self) -> None:
        self._picture: HtmlElement | None = None
        self._offer = _Offer()

    def add(self, source: HtmlElement) -> None:
        picture = _picture_of(source)
        if picture is None or (_type(source) or "image/png") not in _TYPES:
            return
        if picture is not self._picture:
            self._picture, self._offer = picture, _Offer()
        offer = self._offer
        first = _largest((*offer.first, *parse_srcset(source.get("srcset") or "")))
        late = _largest((*offer.late, *_late_candidates(source)))
        self._offer = _Offer((first,) if first else (), (late,) if late else ())

    def of(self, img: HtmlElement) -> _Offer:
        if self._picture is None or _picture_of(img) is not self._picture:
            return _Offer()
        return self._offer


def _picture_of(element: HtmlElement) -> HtmlElement | None:
    parent = element.getparent()
    for _ in range(_MAX_SOURCES):
        if parent is None or parent.tag != "source":
            break
        parent = parent.getparent()
    return parent if parent is not None and parent.tag == "picture" else None


def _first_candidates(img: HtmlElement) -> Iterator[Candidate]:
    has_widths = False
    for candidate in parse_srcset(img.get("srcset") or ""):
        has_widths = has_widths or candidate.width > 0
        yield candidate
    # With widths the src is for browsers that do not know srcset.
    if not has_widths and (src := img.get("src")):
        yield Candidate(src)


def _late_candidates(element: HtmlElement) -> Iterator[Candidate]:
    for name in _LAZY_SRCSET:
        yield from parse_srcset(element.get(name) or "")
    for name in _LAZY_SRC:
        if src := element.get(name):
            yield Candidate(src)


def _largest(candidates: Iterable[Candidate]) -> Candidate | None:
    """Return the first of the largest ones."""
    return max(candidates, key=lambda candidate: candidate.rank, default=None)


def _is_placeholder(url: str) -> bool:
    return _is_data(url) and len(url) <= _MAX_PLACEHOLDER


def _is_data(reference: str) -> bool:
    return reference[:5].lower() == "data:"


def _type(element: HtmlElement) -> str:
    return (element.get("type") or "").partition(";")[0].strip().lower()


def _absolute(base: str, reference: str, encoding: str) -> str | None:
    reference = reference.strip()
    if not reference or reference.startswith("#"):
        return None  # the page itself
    if _is_data(reference):
        return reference
    if len(reference) > _MAX_URL:
        return None
    try:
        return resolve(base, reference, encoding).partition("#")[0]
    except ValueError:  # it leads nowhere, which is told when it is asked for
        return one_line(reference)
