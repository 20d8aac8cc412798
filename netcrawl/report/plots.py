"""Plots as SVG that needs no script: drawn here by Vega-Lite, coloured by the page's style sheet.

Each is drawn twice, for a wide page and for a phone, and comes with a sentence and a table that say
the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import vl_convert
from markupsafe import Markup

from netcrawl.report.tables import Cell, Table, table
from netcrawl.timings import Durations
from sockettools.units import clock_text, counted, octets_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netcrawl.frontier.traffic import Traffic

# Which colours the style sheet replaces in the dark.
ACCENT = "#1f6f8b"
GOOD = "#3f7d4e"
WARNING = "#a86b12"
BAD = "#b4432f"
TEXT = "#4b5563"
GRID = "#d9dde3"

WIDE = 720
NARROW = 270

# What a plot can draw: beyond this, sums and margins would be no numbers any more.
_MAX_AMOUNT = 10**300

# Integers that are drawn and written digit by digit; a float has no more of them.
_MAX_EXACT = 2**53

# Bars of the plot of latencies for each power of ten.
_PER_DECADE = 8

_CONFIG: dict[str, Any] = {
    "aria": False,
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": TEXT,
        "titleColor": TEXT,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelPadding": 6,
        "gridColor": GRID,
        "domainColor": GRID,
        "tickColor": GRID,
        "labelOverlap": "greedy",
    },
    "axisY": {"domain": False, "ticks": False},
    "text": {"color": TEXT, "fontSize": 12},
}


@dataclass(frozen=True)
class Plot:
    """A picture in two widths, and what it shows in words and in figures."""

    wide: Markup
    narrow: Markup
    summary: str
    table: Table


@dataclass(frozen=True)
class Bar:
    """A bar, and the text behind it."""

    name: str
    amount: float
    text: str
    color: str = ACCENT


def pages_over_time(traffic: Traffic) -> Plot | None:
    """Draw how many pages came in each span of time."""
    if not any(traffic.pages):
        return None
    unit, name = _time_unit(traffic.span * len(traffic.pages))
    values = []
    for number, pages in enumerate(traffic.pages):
        begin = number * traffic.span
        shared = {"from": begin / unit, "to": (begin + traffic.span) / unit}
        values.append({**shared, "low": 0, "high": pages, "what": "pages"})
        if errors := traffic.errors[number]:
            values.append({**shared, "low": pages, "high": pages + errors, "what": "errors"})
    spec = {
        "data": {"values": values},
        "mark": {"type": "rect"},
        "encoding": {
            "x": _axis("from", f"{name} of crawling", format="~g", tickCount=6),
            "x2": {"field": "to"},
            "y": _axis("low", "pages", tickMinStep=1, format="~s"),
            "y2": {"field": "high"},
            "color": _colors({"pages": ACCENT, "errors": BAD}),
        },
    }
    peak = max(range(len(traffic.pages)), key=traffic.pages.__getitem__)
    total = sum(traffic.pages)
    seconds = traffic.seconds or traffic.span
    summary = (
        f"{counted(total, 'page')} in {_duration(seconds)}, {total / seconds:.1f} a second on "
        f"average; at most {traffic.pages[peak]:,} in {_duration(traffic.span)}, from "
        f"{clock_text(peak * traffic.span)} on."
    )
    rows = [
        (clock_text(number * traffic.span), pages, errors, octets_text(octets))
        for number, (pages, errors, octets) in enumerate(
            zip(traffic.pages, traffic.errors, traffic.octets, strict=True)
        )
    ]
    return _plot(spec, summary, ("from", "pages", "errors", "octets"), rows, height=170)


def statuses(traffic: Traffic) -> Plot | None:
    """Draw how often each status code came."""
    if not traffic.statuses:
        return None
    rows = sorted(traffic.statuses.items())
    total = sum(traffic.statuses.values())
    bars = [Bar(status, number, f"{number:,}", _status_color(status)) for status, number in rows]
    parts = [
        f"{status} for {counted(number, 'page')} ({number / total:.0%})" for status, number in rows
    ]
    summary = f"{', '.join(parts[:8])}{' and others' if len(parts) > 8 else ''}."
    return _bars(bars, summary, ("status", "pages"))


def latencies(traffic: Traffic) -> Plot | None:
    """Draw how long pages took, in steps that grow, and the median, 90 % and 99 %."""
    counts = {int(bucket): number for bucket, number in traffic.latencies.items()}
    if not counts:
        return None
    bars: dict[int, int] = {}
    for bucket, number in counts.items():
        step = math.floor(math.log10(Durations.seconds_of(bucket)) * _PER_DECADE)
        bars[step] = bars.get(step, 0) + number
    durations = Durations(counts)
    marks = [(f"p{percent}", durations.percentile(percent)) for percent in (50, 90, 99)]
    edges = [(10 ** (step / _PER_DECADE), 10 ** ((step + 1) / _PER_DECADE)) for step in bars]
    values = [
        {"from": low * 1000, "to": high * 1000, "low": 0, "high": number}
        for (low, high), number in zip(edges, bars.values(), strict=True)
    ]
    label = "datum.value >= 1000 ? format(datum.value / 1000, '~g') + ' s' "
    label += ": format(datum.value, '~g') + ' ms'"
    x = {
        "field": "from",
        "type": "quantitative",
        "scale": {"type": "log", "nice": False},
        "axis": {
            "title": "from the request to the answer",
            "labelExpr": label,
            "values": _ticks(min(edges)[0] * 1000, max(edges)[1] * 1000),
        },
    }
    spec = {
        "layer": [
            {
                "data": {"values": values},
                "mark": {"type": "rect", "color": ACCENT},
                "encoding": {
                    "x": x,
                    "x2": {"field": "to"},
                    "y": _axis("low", "pages", tickMinStep=1, format="~s"),
                    "y2": {"field": "high"},
                },
            },
            *(_mark(name, seconds) for name, seconds in marks),
        ]
    }
    summary = ", ".join(
        f"{words} within {_duration(seconds)}"
        for words, (_, seconds) in zip(
            ("Half of the pages came", "nine in ten", "99 in a hundred"), marks, strict=True
        )
    )
    rows = [
        (f"{_duration(low)} to {_duration(high)}", number)
        for (low, high), number in sorted(zip(edges, bars.values(), strict=True))
    ]
    return _plot(spec, f"{summary}.", ("took", "pages"), rows, height=170)


def _mark(name: str, seconds: float) -> dict[str, Any]:
    """Draw a line where so many pages had come; the names do not stand on one another."""
    side = {"align": "right", "dx": 3} if name == "p50" else {"align": "left", "dx": -3}
    return {
        "data": {"values": [{"at": seconds * 1000}]},
        "encoding": {"x": {"field": "at", "type": "quantitative"}},
        "layer": [
            {"mark": {"type": "rule", "color": BAD, "strokeDash": [3, 3]}},
            {
                "mark": {"type": "text", "baseline": "bottom", **side},
                "encoding": {
                    "text": {"value": name},
                    "y": {"value": -16 if name == "p99" else -3},
                },
            },
        ],
    }


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers between these two: powers of ten, and more where those are few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high < 200 * low else (1,)
    ticks = (step * 10.0**decade for decade in decades for step in steps)
    return [tick for tick in ticks if low <= tick <= high]


def words(counts: Sequence[tuple[str, int]], different: int) -> Plot | None:
    """Draw the most frequent words."""
    if not counts:
        return None
    first, number = counts[0]
    summary = f"The most frequent of {counted(different, 'word')} is “{first}”: "
    summary += f"{count_text(number)} time{'s' * (number != 1)}."
    bars = [Bar(word, count, count_text(count)) for word, count in counts]
    return _bars(bars, summary, ("word", "times"))


def count_text(number: int) -> str:
    """Write a number of anything; of one that nobody has counted, the first digits.

    >>> count_text(1_234), count_text(123456789012345678901234567890)
    ('1,234', '1.23e+29')
    """
    return f"{number:,}" if number <= _MAX_EXACT else f"{min(number, _MAX_AMOUNT):.3g}"


def amounts(bars: Sequence[Bar], summary: str, head: tuple[str, str]) -> Plot | None:
    """Draw a bar for each amount, with its text; ``head`` names both in the table."""
    return _bars(bars, summary, head) if bars else None


def lines(
    points: Mapping[str, Sequence[tuple[float, float]]], x: str, y: str, summary: str
) -> Plot | None:
    """Draw a line for each name through its points, on scales by powers of ten."""
    values = [
        {"name": name, "x": at, "y": value} for name, them in points.items() for at, value in them
    ]
    if not values:
        return None
    amounts = [it[1] for them in points.values() for it in them]
    colors = [ACCENT, BAD, WARNING, GOOD, TEXT]
    scale = {"domain": list(points), "range": [colors[at % 5] for at in range(len(points))]}
    log = {"type": "log", "nice": False}
    spec = {
        "data": {"values": values},
        "encoding": {
            "x": {
                "field": "x",
                "type": "quantitative",
                "scale": log,
                "axis": {
                    "title": x,
                    "values": sorted({at for them in points.values() for at, _ in them}),
                    "format": ",",
                },
            },
            "y": {
                "field": "y",
                "type": "quantitative",
                "scale": {"type": "log"},
                "axis": {
                    "title": y,
                    "format": "~s",
                    "values": _ticks(min(amounts) / 10, max(amounts) * 10),
                },
            },
            "color": {
                "field": "name",
                "type": "nominal",
                "scale": scale,
                "legend": {"orient": "top", "title": None, "labelColor": TEXT, "labelFontSize": 12},
            },
            "shape": {"field": "name", "type": "nominal", "scale": {"domain": list(points)}},
        },
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2}},
            {"mark": {"type": "point", "filled": True, "size": 60, "opacity": 1}},
        ],
    }
    rows = [(it["name"], it["x"], it["y"]) for it in values]
    return _plot(spec, summary, ("way", x, y), rows, height=220)


def _bars(bars: Sequence[Bar], summary: str, head: tuple[str, str]) -> Plot:
    """Draw them. No name comes twice."""
    # What draws has no integers beyond 64 bits.
    sizes = [float(min(bar.amount, _MAX_AMOUNT)) for bar in bars]
    values = [
        {"name": bar.name, "amount": size, "text": bar.text, "color": bar.color}
        for bar, size in zip(bars, sizes, strict=True)
    ]
    y = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "axis": {"title": None, "grid": False, "labelLimit": 120, "labelOverlap": False},
    }
    spec = {
        "data": {"values": values},
        "encoding": {
            "y": y,
            "x": {
                "field": "amount",
                "type": "quantitative",
                "axis": None,
                # Room for the number behind the longest bar.
                "scale": {"domainMax": max(sizes) * 1.25 or 1},
            },
        },
        "layer": [
            {
                "mark": {"type": "bar", "cornerRadiusEnd": 2, "height": {"band": 0.72}},
                "encoding": {"color": {"field": "color", "type": "nominal", "scale": None}},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 5},
                "encoding": {"text": {"field": "text", "type": "nominal"}},
            },
        ],
    }
    rows = [(bar.name, Cell(bar.text, sort=size)) for bar, size in zip(bars, sizes, strict=True)]
    return _plot(spec, summary, head, rows, height={"step": 22})


def _plot(
    spec: Mapping[str, Any],
    summary: str,
    head: tuple[str, ...],
    rows: Sequence[Sequence[object]],
    *,
    height: int | dict[str, int],
) -> Plot:
    wide, narrow = (_draw({**spec, "width": width, "height": height}) for width in (WIDE, NARROW))
    return Plot(wide, narrow, summary, table(summary, head, rows))


def _draw(spec: Mapping[str, Any]) -> Markup:
    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "autosize": {"type": "fit-x", "contains": "padding"},
        # What measures texts here knows other fonts than the reader's browser.
        "padding": {"left": 8, "right": 8, "top": 2, "bottom": 2},
        **spec,
        "config": _CONFIG,
    }
    # It escapes what is text in the SVG; and nothing is to be loaded to draw it.
    svg = vl_convert.vegalite_to_svg(whole, allowed_base_urls=[])
    # The page says in its own words what there is to see.
    return Markup(svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1))  # noqa: S704


def _axis(field: str, title: str, **axis: object) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "axis": {"title": title, **axis}}


def _colors(colors: Mapping[str, str]) -> dict[str, Any]:
    scale = {"domain": list(colors), "range": list(colors.values())}
    return {"field": "what", "type": "nominal", "scale": scale, "legend": None}


def _status_color(status: str) -> str:
    return {"2": GOOD, "3": ACCENT, "4": WARNING, "5": BAD}.get(status[:1], TEXT)


def _time_unit(seconds: float) -> tuple[float, str]:
    if seconds <= 180:
        return 1, "seconds"
    return (60, "minutes") if seconds <= 180 * 60 else (3600, "hours")


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 120 else clock_text(seconds)
