"""Content codings: undone, but where they are what makes the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import DownloadCancelledError, DownloadFailedError, ResponseDataLossError
from scrapy.utils.httpobj import urlparse_cached

from netcrawl.download.spooled import SpooledResponse
from sockettools.browser.decoding import ACCEPT_ENCODING, decoder_for
from sockettools.errors import IncompleteMessage, RemoteProtocolError, TooLong

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.http import Headers, Response

_GZIPPED_TYPE = re.compile(
    rb"application/(?:x-)?(?:gzip|gtar-compressed|compressed-tar|tgz)\b", re.I
)
_GZIPPED_NAME = re.compile(r"\.(?:gz|tgz|svgz)$", re.IGNORECASE)
_GZIPPED_FILENAME = re.compile(rb"""filename\*?\s*=[^;]*\.(?:gz|tgz|svgz)["']?\s*(?:;|$)""", re.I)


# A body may grow to so many octets, or to so many times what came over the network, whichever is
# more; DOWNLOAD_MAXSIZE is the other limit.
MAX_GROWN = 64 * 1024 * 1024
MAX_GROWTH = 100

# What is decoded here; the others (br, zstd) Scrapy has from other libraries.
_STRICT = frozenset({b"gzip", b"x-gzip", b"deflate"})


class FileCompressionMiddleware(HttpCompressionMiddleware):
    """Scrapy's own, but half a body is none, and ``data.tar.gz`` stays one.

    Scrapy takes as much as it could decode for the whole.

    Some servers say of such a file that it is a tar file with the content coding gzip, even when
    asked for no coding. Undone, it would not be what its name says. Browsers leave it as it is.

    Where a body is in a file, whoever wrote it has undone what is to be undone.
    """

    def process_request(
        self,
        request: Request,
        spider: Spider | None = None,  # noqa: ARG002 - Scrapy warns where it is handed on
    ) -> Request | Response | None:
        """Say what codings are understood."""
        if request.meta.get("spool"):
            # On their way into a file, these are undone; Scrapy knows others.
            request.headers.setdefault("Accept-Encoding", ACCEPT_ENCODING)
        return super().process_request(request)

    def process_response(
        self,
        request: Request,
        response: Response,
        spider: Spider | None = None,  # noqa: ARG002 - Scrapy warns where it is handed on
    ) -> Request | Response:
        """Undo the codings, if there are any to undo."""
        if isinstance(response, SpooledResponse):
            return response
        is_for_files = request.headers.get("Accept-Encoding") == b"identity"
        if is_for_files and is_gzip_file(response, response.headers):
            return response
        return super().process_response(request, response)

    @staticmethod
    def _decode(body: bytes, encoding: bytes, max_size: int) -> bytes:
        if encoding not in _STRICT:
            decoded: bytes = HttpCompressionMiddleware._decode(body, encoding, max_size)
            return decoded
        most = max(MAX_GROWN, MAX_GROWTH * len(body))
        decoder = decoder_for(encoding.decode(), min(most, max_size) if max_size else most)
        assert decoder is not None
        try:
            blocks = list(decoder.decode(body))
            decoder.finish()
        except TooLong as exc:
            raise DownloadCancelledError(str(exc)) from exc
        except IncompleteMessage as exc:
            raise ResponseDataLossError(str(exc)) from exc
        except RemoteProtocolError as exc:
            raise DownloadFailedError(str(exc)) from exc
        return b"".join(blocks)


def is_gzip_file(message: Request | Response, headers: Headers) -> bool:
    """Tell whether the file itself is the gzip stream that Content-Encoding speaks of.

    ``message`` is what has the URL; ``headers`` are those of the response.
    """
    codings = b",".join(headers.getlist("Content-Encoding")).strip().lower()
    if codings not in (b"gzip", b"x-gzip"):
        return False
    return bool(
        _GZIPPED_TYPE.match(headers.get("Content-Type") or b"")
        or _GZIPPED_NAME.search(urlparse_cached(message).path)
        or _GZIPPED_FILENAME.search(headers.get("Content-Disposition") or b"")
    )
