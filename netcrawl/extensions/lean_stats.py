"""Scrapy's stats without a detour.

Scrapy's own look up each attribute in Python, to warn whoever passes a spider along. Some twenty
values change with every page.
"""

from __future__ import annotations

from scrapy.statscollectors import MemoryStatsCollector


class LeanStats(MemoryStatsCollector):
    """For STATS_CLASS; a spider passed along is ignored without a warning."""

    __getattribute__ = object.__getattribute__
