"""Pipelines that take their time, leave items out, and change them."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from zlib import crc32

from scrapy.exceptions import DropItem


def number_of(item: dict[str, Any]) -> int:
    """Return a number that is the same for the same item in every process."""
    return crc32(json.dumps(item, sort_keys=True).encode())


class SlowPipeline:
    async def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(number_of(item) % 100 / 1000)
        return item


class DroppingPipeline:
    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        if number_of(item) % 5 == 0:
            raise DropItem("every fifth", log_level="DEBUG")
        return item


class MarkingPipeline:
    async def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        return {**item, "mark": number_of(item)}
