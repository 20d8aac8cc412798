"""Content codings: undone, but where they are what makes the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.utils.httpobj import urlparse_cached

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.http import Response

_GZIPPED_TYPE = re.compile(
    rb"application/(?:x-)?(?:gzip|gtar-compressed|compressed-tar|tgz)\b", re.I
)
_GZIPPED_NAME = re.compile(r"\.(?:gz|tgz|svgz)$", re.IGNORECASE)
_GZIPPED_FILENAME = re.compile(rb"""filename\*?\s*=[^;]*\.(?:gz|tgz|svgz)["']?\s*(?:;|$)""", re.I)


class FileCompressionMiddleware(HttpCompressionMiddleware):
    """Scrapy's own, but ``data.tar.gz`` stays one.

    Some servers say of such a file that it is a tar file with the content coding gzip, even when
    asked for no coding. Undone, it would not be what its name says. Browsers leave it as it is.
    """

    def process_response(
        self,
        request: Request,
        response: Response,
        spider: Spider | None = None,  # noqa: ARG002 - Scrapy warns where it is handed on
    ) -> Request | Response:
        """Undo the codings, if there are any to undo."""
        if request.headers.get("Accept-Encoding") == b"identity" and is_gzip_file(response):
            return response
        return super().process_response(request, response)


def is_gzip_file(response: Response) -> bool:
    """Tell whether the file itself is the gzip stream that Content-Encoding speaks of."""
    codings = b",".join(response.headers.getlist("Content-Encoding")).strip().lower()
    if codings not in (b"gzip", b"x-gzip"):
        return False
    headers = response.headers
    return bool(
        _GZIPPED_TYPE.match(headers.get("Content-Type") or b"")
        or _GZIPPED_NAME.search(urlparse_cached(response).path)
        or _GZIPPED_FILENAME.search(headers.get("Content-Disposition") or b"")
    )
