"""Files as they are on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netcrawl.items import DownloadedFile
from netcrawl.pipelines.media import StorePipeline

if TYPE_CHECKING:
    from typing import Any


class FilesPipeline(StorePipeline):
    """Downloads the file of each item."""

    kind: ClassVar[str] = "files"

    async def process_item(self, item: Any) -> Any:
        """Fill in what became of it."""
        if isinstance(item, DownloadedFile):
            fetched = await self.fetch(item.url, item.page)
            item.path = fetched.path
            item.sha256 = fetched.sha256
            item.bytes = fetched.size
            item.content_type = fetched.content_type
            item.last_modified = fetched.last_modified
            item.status = fetched.status.value
            item.problem = fetched.problem
        return item
