"""A duplicate filter that somebody may have."""

from scrapy.dupefilters import BaseDupeFilter


class OwnFilter(BaseDupeFilter):
    """Remembers in its own way."""
