"""What a way did differently from the first one, in words. No network, no clock."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from netcrawl.compare import reasons
from netcrawl.compare.amounts import listed
from netcrawl.compare.fetched import Habits
from netcrawl.compare.heads import fields_of, request_line, value_of
from netcrawl.compare.observed import OTHER, PAGE, REDIRECT, RETRY, ROBOTS
from netcrawl.compare.result import Remark
from sockettools.text import visible
from sockettools.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netcrawl.compare.result import Exchange, Way

# A delay may be half as long as it is set (DOWNLOAD_DELAY_JITTER).
SHORTEST = 0.5

# Characters of a value that a sentence has room for.
MAX_SHOWN = 100


_NONE_KNOWN = Habits()


def remarks(first: Way, way: Way, kind: str, habits: Habits = _NONE_KNOWN) -> tuple[Remark, ...]:
    """Tell what ``way``, one of this ``kind``, did differently from the ``first``."""
    return (
        *_errors(way),
        *_robots(first, way),
        *_delay(way, habits.delay),
        *_head(first, way, kind),
        *_compression(first, way, kind),
        *_cookies(first, way, kind),
        *_redirects(first, way, kind, habits),
        *_refreshes(way, kind),
        *_retries(first, way, kind, habits),
        *_connections(first, way),
        *_answer(way),
    )


def _errors(way: Way) -> Iterator[Remark]:
    if way.error:
        yield Remark("error", f"has no answer: {way.error}", "")
    for connection in way.connections:
        if connection.error and connection.error not in way.error:
            where = f"{connection.address} port {connection.port}"
            yield Remark("error", f"did not get through to {where}: {connection.error}", "")


def _robots(first: Way, way: Way) -> Iterator[Remark]:
    asked = _for(way, ROBOTS)
    if asked and not _for(first, ROBOTS):
        text = f"asks for robots.txt before the page: {counted(len(asked), 'request')} more"
        yield Remark("robots", text, reasons.ROBOTS)


def _delay(way: Way, delay: float) -> Iterator[Remark]:
    """Tell of the times when nothing was under way since the way waited."""
    if delay <= 0:
        return
    gaps = [
        after.sent - before.done
        for before, after in pairwise(way.exchanges)
        if before.done is not None and after.sent - before.done >= SHORTEST * delay
    ]
    if gaps:
        text = f"waits {sum(gaps):.1f} s between its requests"
        yield Remark("delay", text, reasons.DELAY)


def _head(first: Way, way: Way, kind: str) -> Iterator[Remark]:
    """Compare what the first requests for the page itself have in their heads."""
    ours, theirs = _page(first), _page(way)
    if ours is None or theirs is None:
        return
    version, other = (request_line(one.request)[2] or "HTTP/0.9" for one in (ours, theirs))
    if version != other:
        yield Remark("version", f"speaks {other} instead of {version}", "")
    mine = {field.name.lower(): field for field in fields_of(ours.request)}
    others = {field.name.lower(): field for field in fields_of(theirs.request)}
    for name, field in others.items():
        if name in ("accept-encoding", "cookie"):
            continue  # there are sentences of their own for them
        value = _shown(field.value)
        if name not in mine:
            yield Remark("added", f"sends {field.name}: {value}", reasons.of_field(kind, name))
        elif mine[name].value != field.value:
            text = f"sends {field.name}: {value} instead of {_shown(mine[name].value)}"
            yield Remark("value", text, reasons.of_field(kind, name))
    for name, field in mine.items():
        if name not in others and name not in ("accept-encoding", "cookie"):
            yield Remark("missing", f"sends no {field.name}", reasons.of_missing(kind, name))
    both = [name for name in mine if name in others]
    spelled = [others[name].name for name in both if others[name].name != mine[name].name]
    if spelled:
        yield Remark("case", f"spells {_names(spelled)} differently", reasons.CASE)
    order = [name for name in others if name in mine]
    if both != order:
        written = _names([others[name].name for name in order])
        yield Remark("order", f"sends its fields in another order: {written}", reasons.ORDER)


def _compression(first: Way, way: Way, kind: str) -> Iterator[Remark]:
    ours, theirs = _page(first), _page(way)
    if ours is None or theirs is None:
        return
    mine, others = (value_of(one.request, "accept-encoding") for one in (ours, theirs))
    if mine != others:
        asked = "does not say which compression it takes"
        if others is not None:
            asked = f"sends Accept-Encoding: {_shown(others)}"
        text = asked + _effect(first, way)
        yield Remark("compression", text, reasons.of_field(kind, "accept-encoding"))
    if way.answer is not None and way.answer.coding:
        text = f"leaves it to you to undo the {_shown(way.answer.coding)} of the body"
        yield Remark("compression", text, reasons.of_coding(kind))


def _effect(first: Way, way: Way) -> str:
    """Say what came of asking for compression, where both have a page."""
    ours, theirs = _final(first), _final(way)
    if ours is None or theirs is None or not (_has_page(first) and _has_page(way)):
        return ""
    mine, other = (value_of(one.answer, "content-encoding") for one in (ours, theirs))
    if mine == other:
        return "" if other else "; the server sends the page as it is"
    size = f"{theirs.octets_received:,} octets instead of {ours.octets_received:,}"
    return f"; the server sends {_shown(other) if other else 'the page as it is'}: {size}"


def _cookies(first: Way, way: Way, kind: str) -> Iterator[Remark]:
    """Compare which requests sent cookies back."""
    sets = any(value_of(one.answer, "set-cookie") is not None for one in way.exchanges)
    ours, theirs = (
        sum(value_of(one.request, "cookie") is not None for one in each.exchanges)
        for each in (first, way)
    )
    if sets and ours and not theirs:
        yield Remark("cookies", "does not send back the cookie it is given", _why(kind))
    elif theirs and not ours:
        yield Remark("cookies", "sends back the cookie it is given", _why(kind))


def _why(kind: str) -> str:
    return reasons.of_cookies(kind)


def _redirects(first: Way, way: Way, kind: str, habits: Habits) -> Iterator[Remark]:
    ours, theirs = len(_for(first, REDIRECT)), len(_for(way, REDIRECT))
    if ours != theirs:
        text = f"follows {counted(theirs, 'redirect')}, and {first.name} {ours}"
        why = ""
        if kind == "scrapy" and not habits.redirects:
            why = reasons.NO_REDIRECTS
        elif theirs:
            why = reasons.of_most_redirects(kind, way.error)
        yield Remark("redirect", text, why)


def _refreshes(way: Way, kind: str) -> Iterator[Remark]:
    """Tell what a spider for one page asked for, though no Location led there."""
    pages = [
        one
        for before, one in pairwise(one for one in way.exchanges if one.purpose != ROBOTS)
        if one.purpose == OTHER and _is_html(before)
    ]
    if kind == "scrapy" and pages:
        more = f", and {len(pages) - 1} more" if len(pages) > 1 else ""
        text = f"follows <meta http-equiv=refresh> to {_shown(pages[0].url)}{more}"
        yield Remark("redirect", text, reasons.REFRESH)


def _is_html(exchange: Exchange) -> bool:
    media_type = value_of(exchange.answer, "content-type") or ""
    return exchange.status is not None and "html" in media_type.lower()


def _retries(first: Way, way: Way, kind: str, habits: Habits) -> Iterator[Remark]:
    extra = len(_for(way, RETRY)) - len(_for(first, RETRY))
    attempts = _failed(way) - _failed(first)
    if extra > 0:
        by_handler = min(extra, _resent(way, habits)) if kind == "scrapy" else 0
        blamed = reasons.RETRIES if kind == "scrapy" and habits.retries is not None else ""
        for times, why in ((extra - by_handler, blamed), (by_handler, reasons.RESENT)):
            if times:
                yield Remark("retry", f"asks {counted(times, 'time')} more", why)
    elif attempts > 0 and not way.exchanges:
        why = reasons.RETRIES if kind == "scrapy" and habits.retries else ""
        yield Remark("retry", f"tries to connect {counted(attempts, 'time')} more", why)


def _resent(way: Way, habits: Habits) -> int:
    """Return how many repeats are more than the settings allow for each URL."""
    if habits.retries is None:
        return 0
    repeats = Counter(one.url for one in _for(way, RETRY))
    return sum(max(times - habits.retries, 0) for times in repeats.values())


def _connections(first: Way, way: Way) -> Iterator[Remark]:
    ours, theirs = _opened(first), _opened(way)
    requests = len(way.exchanges)
    kept_there = len(first.exchanges) > ours
    if theirs > 1 and _lost(way):
        # The requests do not tell which of them would have shared a connection.
        if theirs > ours:
            text = f"opens {counted(theirs, 'connection')}, and {first.name} {ours}"
            yield Remark("connections", text, reasons.LOST)
    elif theirs and requests > theirs:
        if not kept_there and not _lost(way):
            text = f"sends {requests} requests on {counted(theirs, 'connection')}"
            yield Remark("reuse", text, reasons.KEPT)
    elif requests == theirs > 1 and kept_there:
        text = f"opens a connection for each of {requests} requests, and {first.name} reuses one"
        yield Remark("connections", text, "")
    elif theirs > ours:
        text = f"opens {counted(theirs, 'connection')}, and {first.name} {ours}"
        yield Remark("connections", text, "")


def _answer(way: Way) -> Iterator[Remark]:
    """Tell which fields the caller does not get, or gets otherwise, that do not matter."""
    lost = [one.where for one in way.differences if _is_carrying(one) and not one.theirs]
    if lost:
        yield Remark("answer", f"does not hand over {_names(lost)}", reasons.HANDED)


def _is_carrying(difference: object) -> bool:
    return getattr(difference, "part", "") == "field" and not getattr(difference, "matters", True)


def _for(way: Way, purpose: str) -> list[Exchange]:
    return [one for one in way.exchanges if one.purpose == purpose]


def _page(way: Way) -> Exchange | None:
    return next(iter(_for(way, PAGE)), None)


def _final(way: Way) -> Exchange | None:
    return next((one for one in reversed(way.exchanges) if one.purpose != ROBOTS), None)


def _has_page(way: Way) -> bool:
    return way.answer is not None and way.answer.size > 0


def _opened(way: Way) -> int:
    return len(way.connections) - _failed(way) + way.more_connections


def _failed(way: Way) -> int:
    """Return how many connections came to nothing: no TLS is none, either."""
    used = {one.connection for one in way.exchanges}
    return sum(
        one.connected is None or (bool(one.error) and one.number not in used)
        for one in way.connections
    )


def _lost(way: Way) -> bool:
    """Tell whether connections broke before the end of an answer."""
    statuses: dict[str, int | None] = {}
    for one in way.exchanges:
        before = statuses.get(one.url)
        # What is asked for again after a 200 was not whole.
        cut_off = one.purpose == RETRY and before is not None and before < 300
        if one.status is None or cut_off:
            return True
        statuses[one.url] = one.status
    return False


def _shown(value: str) -> str:
    cut = f"{value[:MAX_SHOWN]}..." if len(value) > MAX_SHOWN else value
    return visible(cut)


def _names(names: Iterable[str]) -> str:
    return listed([_shown(name) for name in names])
