"""Files of Scrapy's own pipelines, each there as a whole or not at all.

Scrapy writes a file in its place. Killed in that moment, it leaves a part of it, which the next run
finds, and takes for what it would download.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from scrapy.pipelines.files import FilesPipeline, FSFilesStore

if TYPE_CHECKING:
    from io import BytesIO


class WholeFilesStore(FSFilesStore):
    """Gives a file its name when all of it is written."""

    def persist_file(
        self,
        path: str | os.PathLike[str],
        buf: BytesIO,
        info: Any,
        meta: dict[str, Any] | None = None,  # noqa: ARG002 - Scrapy's signature
        headers: dict[str, str] | None = None,  # noqa: ARG002
    ) -> None:
        """Write it beside its place, then move it there."""
        target = self._get_filesystem_path(path)
        self._mkdir(target.parent, info)
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            partial.write_bytes(buf.getvalue())
            partial.replace(target)
        except OSError:
            partial.unlink(missing_ok=True)
            raise


def keep_files_whole() -> None:
    """Use it wherever Scrapy's pipelines, in this process, would use their own."""
    schemes: dict[str, Any] = FilesPipeline.STORE_SCHEMES
    for scheme, store in schemes.items():
        if store is FSFilesStore:
            schemes[scheme] = WholeFilesStore
