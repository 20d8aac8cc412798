"""Scrapy's remote control, imported where it is wanted.

With it comes aiohttp: a tenth of what it takes to start a crawl.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import NotConfigured

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.extensions.remote_control import RemoteControl


class RemoteControlIfWanted:
    """Stands in the place of ``RemoteControl``, and makes one."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RemoteControl:
        """Raise NotConfigured unless ``REMOTE_CONTROL_ENABLED``."""
        if not crawler.settings.getbool("REMOTE_CONTROL_ENABLED"):
            raise NotConfigured
        from scrapy.extensions.remote_control import RemoteControl

        return RemoteControl.from_crawler(crawler)
