"""What this project adds to Scrapy, part by part: a table.

The project's own settings are made of it (``netcrawl.settings``), and so is what the add-on brings
to other projects (``netcrawl.addon``). A part that is new is a row here, and nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

MIDDLEWARES = "DOWNLOADER_MIDDLEWARES"
SPIDER_MIDDLEWARES = "SPIDER_MIDDLEWARES"
EXTENSIONS = "EXTENSIONS"
HANDLERS = "DOWNLOAD_HANDLERS"
EXPORTERS = "FEED_EXPORTERS"
STORAGES = "FEED_STORAGES"

# Where the order of components is a number, and where a component stands under a name.
ORDERED = (MIDDLEWARES, SPIDER_MIDDLEWARES, EXTENSIONS)
NAMED = (HANDLERS, EXPORTERS, STORAGES)

_MIDDLEWARE = "scrapy.downloadermiddlewares"
_SPIDER_MIDDLEWARE = "scrapy.spidermiddlewares"
_JSON = "netcrawl.feeds.dataclass_json"


@dataclass(frozen=True)
class Part:
    """A part that is on where ``setting`` is true, with what it ``changes`` in a few words.

    ``replaced`` are components of Scrapy's, by setting, and what stands in their place: nothing,
    where another component of the part does their work. ``added`` are components with their order.
    ``named`` are components by their name, such as a scheme. ``values`` are plain settings.
    """

    setting: str
    default: bool
    changes: str
    replaced: dict[str, dict[str, str | None]] = field(default_factory=dict)
    added: dict[str, dict[str, int]] = field(default_factory=dict)
    named: dict[str, dict[str, str]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    needs_asyncio: bool = False


PARTS = (
    Part(
        "NETCRAWL_DOWNLOAD_HANDLER",
        True,
        "http and https by sockets and the project's own engine of HTTP; needs asyncio",
        named={
            HANDLERS: dict.fromkeys(
                ("http", "https"), "netcrawl.download.sockets.SocketDownloadHandler"
            )
        },
        needs_asyncio=True,
    ),
    Part(
        "NETCRAWL_TIMINGS",
        True,
        "percentiles of that handler's phases (resolve, connect, first byte, ...) in the stats",
        added={EXTENSIONS: {"netcrawl.extensions.timings.DownloadTimings": 0}},
    ),
    Part(
        "NETCRAWL_SERVICES",
        True,
        "handlers for ftps, gopher, imap, nntp and pop3; SERVICE_TLS says when to encrypt",
        named={
            HANDLERS: dict.fromkeys(
                ("ftps", "gopher", "gophers", "imap", "imaps", "nntp", "nntps", "pop3", "pop3s"),
                "netcrawl.download.services.ServiceDownloadHandler",
            )
        },
        # Where a connection to one of them begins in clear text: encrypt it if the server offers
        # that (auto), encrypt it or fail (require), never (off).
        values={"SERVICE_TLS": "auto"},
    ),
    Part(
        "NETCRAWL_URL_CHECK",
        True,
        "URLs that nothing can be had from fail at once, before robots.txt is asked for",
        added={MIDDLEWARES: {"netcrawl.download.checks.UrlCheckMiddleware": 25}},
    ),
    Part(
        "NETCRAWL_ROBOTS",
        True,
        "a server whose robots.txt answers 5xx is left alone (RFC 9309), if ROBOTSTXT_OBEY",
        replaced={
            MIDDLEWARES: {
                f"{_MIDDLEWARE}.robotstxt.RobotsTxtMiddleware": (
                    "netcrawl.download.robots.CautiousRobotsTxtMiddleware"
                )
            }
        },
    ),
    Part(
        "NETCRAWL_POLITENESS",
        True,
        "Crawl-delay of robots.txt (if ROBOTSTXT_OBEY) and Retry-After of answers are kept",
        replaced={
            MIDDLEWARES: {
                f"{_MIDDLEWARE}.retry.RetryMiddleware": (
                    "netcrawl.download.politeness.RetryAfterMiddleware"
                )
            }
        },
        added={EXTENSIONS: {"netcrawl.download.politeness.CrawlDelay": 0}},
    ),
    Part(
        "NETCRAWL_REDIRECTS",
        True,
        "a spider may refuse redirects (why_not_redirect), and one to the same URL is not lost",
        replaced={
            MIDDLEWARES: {
                f"{_MIDDLEWARE}.redirect.MetaRefreshMiddleware": (
                    "netcrawl.download.redirects.CheckedMetaRefreshMiddleware"
                ),
                f"{_MIDDLEWARE}.redirect.RedirectMiddleware": (
                    "netcrawl.download.redirects.CheckedRedirectMiddleware"
                ),
            }
        },
    ),
    Part(
        "NETCRAWL_COMPRESSION",
        True,
        "half a compressed body is a failure, bodies cannot grow without end, .tar.gz stays one",
        replaced={
            MIDDLEWARES: {
                f"{_MIDDLEWARE}.httpcompression.HttpCompressionMiddleware": (
                    "netcrawl.download.compression.FileCompressionMiddleware"
                )
            }
        },
    ),
    Part(
        "NETCRAWL_COOKIES",
        True,
        "no list of public suffixes is fetched at the first cookie",
        replaced={
            MIDDLEWARES: {
                f"{_MIDDLEWARE}.cookies.CookiesMiddleware": (
                    "netcrawl.download.cookies.OfflineCookiesMiddleware"
                )
            }
        },
    ),
    Part(
        "NETCRAWL_LOOPBACK_PROXY",
        True,
        "http_proxy in the environment does not apply to this machine itself",
        replaced={
            MIDDLEWARES: {
                f"{_MIDDLEWARE}.httpproxy.HttpProxyMiddleware": (
                    "netcrawl.download.loopback.LoopbackProxyMiddleware"
                )
            }
        },
    ),
    Part(
        "NETCRAWL_LOOPBACK_DELAY",
        False,
        "the project's DOWNLOAD_DELAY does not apply to this machine itself",
        added={EXTENSIONS: {"netcrawl.download.loopback.LoopbackDelay": 0}},
    ),
    Part(
        "NETCRAWL_OUTGOING",
        True,
        "one spider middleware does what five of Scrapy's do to requests",
        replaced={
            SPIDER_MIDDLEWARES: {
                f"{_SPIDER_MIDDLEWARE}.start.StartSpiderMiddleware": None,
                f"{_SPIDER_MIDDLEWARE}.referer.RefererMiddleware": None,
                f"{_SPIDER_MIDDLEWARE}.urllength.UrlLengthMiddleware": None,
                f"{_SPIDER_MIDDLEWARE}.depth.DepthMiddleware": None,
                f"{_SPIDER_MIDDLEWARE}.metacopy.MetaCopyDetectionMiddleware": None,
            }
        },
        added={SPIDER_MIDDLEWARES: {"netcrawl.download.outgoing.OutgoingRequestsMiddleware": 900}},
    ),
    Part(
        "NETCRAWL_FEEDS",
        True,
        "a feed is one whole document, or as before; one that cannot be written stops the crawl",
        replaced={
            EXTENSIONS: {
                "scrapy.extensions.feedexport.FeedExporter": (
                    "netcrawl.feeds.committed.CommittedFeedExporter"
                )
            }
        },
        named={STORAGES: dict.fromkeys(("", "file"), "netcrawl.feeds.files.FileFeedStorage")},
    ),
    Part(
        "NETCRAWL_EXPORTERS",
        True,
        "CSV whose cells no spreadsheet runs as formulas; JSON of dataclasses at half the cost",
        named={
            EXPORTERS: {
                "csv": "netcrawl.feeds.spreadsheet.SpreadsheetCsvExporter",
                "json": f"{_JSON}.DataclassJsonExporter",
                "jsonlines": f"{_JSON}.DataclassJsonLinesExporter",
                "jsonl": f"{_JSON}.DataclassJsonLinesExporter",
                "jl": f"{_JSON}.DataclassJsonLinesExporter",
            }
        },
    ),
    Part(
        "NETCRAWL_FRONTIER",
        False,
        "a crawl with a JOBDIR survives whatever ends it; that folder is not one of Scrapy's own",
        added={
            # First: if the job cannot be had, nothing else is to begin.
            EXTENSIONS: {"netcrawl.frontier.extension.FrontierJob": -100}
        },
        values={
            "SCHEDULER": "netcrawl.frontier.scheduler.FrontierScheduler",
            # What a job has done is made to last after so many seconds or finished requests; a
            # crash takes what came later, and it is done again. What a callback yields waits for
            # its end, or so many seconds if there is nothing else to do.
            "FRONTIER_COMMIT_SECONDS": 0.25,
            "FRONTIER_COMMIT_COUNT": 50,
            "FRONTIER_HOLD_SECONDS": 0.5,
        },
    ),
    Part(
        "NETCRAWL_PROGRESS",
        True,
        "a live line while a crawl runs at a terminal, and three lines at its end",
        added={EXTENSIONS: {"netcrawl.extensions.progress.LiveProgress": 0}},
    ),
    Part(
        "NETCRAWL_PLAIN_ERRORS",
        True,
        "failures of the network and the disk are one line in the log, without a traceback",
        added={EXTENSIONS: {"netcrawl.extensions.plain_errors.PlainErrors": 0}},
    ),
    Part(
        "NETCRAWL_LOG_FORMATTER",
        True,
        "no record is made of each page and item where LOG_LEVEL does not show it",
        values={"LOG_FORMATTER": "netcrawl.extensions.log_formatter.ThriftyLogFormatter"},
    ),
    Part(
        "NETCRAWL_LEAN",
        True,
        "a downloader with one task for each request; stats and feed called with each item",
        values={
            "DOWNLOADER": "netcrawl.download.lean.LeanDownloader",
            "ITEM_PROCESSOR": "netcrawl.pipelines.direct.DirectItemManager",
            # Scrapy's own looks up each of its attributes in Python.
            "STATS_CLASS": "netcrawl.extensions.lean_stats.LeanStats",
        },
    ),
    Part(
        "NETCRAWL_FAST",
        False,
        "for fast crawls: LOG_LEVEL is INFO, CONCURRENT_ITEMS 1 (a page's items go one by one, and "
        "no queue is between), callbacks are not inspected (WARN_ON_GENERATOR_RETURN_VALUE)",
        added={SPIDER_MIDDLEWARES: {"netcrawl.pipelines.direct.DirectOutputMiddleware": 0}},
        values={
            # DEBUG, the default, writes every request and every item.
            "LOG_LEVEL": "INFO",
            "CONCURRENT_ITEMS": 1,
            # It parses the source of a callback, page after page, to warn of a value returned.
            "WARN_ON_GENERATOR_RETURN_VALUE": False,
        },
    ),
)


def in_ordered(setting: str, base: dict[str, Any]) -> dict[str, int | None]:
    """Return the components of all parts in a setting; ``base`` has the order of Scrapy's own."""
    made: dict[str, int | None] = {}
    for part in PARTS:
        for old, new in part.replaced.get(setting, {}).items():
            made[old] = None
            if new is not None:
                made[new] = base[old]
        made |= part.added.get(setting, {})
    return made


def in_named(setting: str) -> dict[str, str]:
    """Return the components of all parts in a setting, by name."""
    return {name: path for part in PARTS for name, path in part.named.get(setting, {}).items()}


def plain_values() -> dict[str, Any]:
    """Return the plain settings of all parts."""
    return {name: value for part in PARTS for name, value in part.values.items()}
