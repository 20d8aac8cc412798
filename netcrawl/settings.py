"""Scrapy's settings for this project. What is not here has Scrapy's default."""

from sockettools import __version__

BOT_NAME = "netcrawl"
SPIDER_MODULES = ["netcrawl.spiders"]
NEWSPIDER_MODULE = "netcrawl.spiders"

# Our `crawl` ends with an exit status that tells whether the job was done.
COMMANDS_MODULE = "netcrawl.commands"

# Whoever runs a server can see in its log what visits it. If you crawl other people's sites, add
# a way to reach you: -s USER_AGENT="netcrawl (+https://your.site/contact)".
USER_AGENT = f"netcrawl/{__version__}"

# A site's owner says there what robots may fetch; the name to look for is this one.
ROBOTSTXT_OBEY = True
ROBOTSTXT_USER_AGENT = "netcrawl"

# Scrapy takes any certificate by default, and with it any page that somebody on the way makes up.
DOWNLOAD_VERIFY_CERTIFICATES = True

# Scrapy has its own for ftp.
DOWNLOAD_HANDLERS = {
    "http": "netcrawl.download.sockets.SocketDownloadHandler",
    "https": "netcrawl.download.sockets.SocketDownloadHandler",
    **dict.fromkeys(
        ("ftps", "gopher", "gophers", "imap", "imaps", "nntp", "nntps", "pop3", "pop3s"),
        "netcrawl.download.services.ServiceDownloadHandler",
    ),
}

# Where a connection to one of them begins in clear text: encrypt it if the server offers that
# (auto), encrypt it or fail (require), never (off).
SERVICE_TLS = "auto"

# Both run whatever code they are sent in this process, for anyone who can reach them.
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False

# Seconds between two requests to one domain, give or take half: no faster than a person who
# clicks. LoopbackDelay lifts it for this machine's own servers.
DOWNLOAD_DELAY = 1.0

# For Scrapy's own handlers (ftp): the default knows IPv4 only.
TWISTED_DNS_RESOLVER = "scrapy.resolver.CachingHostnameResolver"

# Seconds. A page that goes elsewhere after longer than that renews itself: following it would
# only come back to it, until the limit of redirects.
METAREFRESH_MAXDELAY = 10

# JSON with the letters themselves instead of \u escapes.
FEED_EXPORT_ENCODING = "utf-8"

# A cell of a CSV feed comes from a page, and a spreadsheet would run it as a formula. The others
# write what Scrapy's own do, for less.
FEED_EXPORTERS = {
    "csv": "netcrawl.feeds.spreadsheet.SpreadsheetCsvExporter",
    "json": "netcrawl.feeds.dataclass_json.DataclassJsonExporter",
    "jsonlines": "netcrawl.feeds.dataclass_json.DataclassJsonLinesExporter",
    "jsonl": "netcrawl.feeds.dataclass_json.DataclassJsonLinesExporter",
    "jl": "netcrawl.feeds.dataclass_json.DataclassJsonLinesExporter",
}

# DEBUG, the default, writes every request and every item: the chapter's lines would drown.
LOG_LEVEL = "INFO"

# The spider or the scraper reports the failure itself; once as an error is enough.
RETRY_GIVE_UP_LOG_LEVEL = "WARNING"

# At another level than DEBUG, there is no record of each page and item to drop.
LOG_FORMATTER = "netcrawl.extensions.log_formatter.ThriftyLogFormatter"

# What these five do to requests, one does.
SPIDER_MIDDLEWARES = {
    "netcrawl.pipelines.direct.DirectOutputMiddleware": 0,
    "scrapy.spidermiddlewares.start.StartSpiderMiddleware": None,
    "scrapy.spidermiddlewares.referer.RefererMiddleware": None,
    "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None,
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,
    "scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": None,
    "netcrawl.download.outgoing.OutgoingRequestsMiddleware": 900,
}

# With a JOBDIR, a crawl survives whatever ends it. Without one, this is Scrapy's own scheduler.
SCHEDULER = "netcrawl.frontier.scheduler.FrontierScheduler"

# What a job has done is made to last after so many seconds or finished requests; a crash takes
# what came later, and it is done again. What a callback yields waits for its end, or so many
# seconds if there is nothing else to do.
FRONTIER_COMMIT_SECONDS = 0.25
FRONTIER_COMMIT_COUNT = 50
FRONTIER_HOLD_SECONDS = 0.5

# One task for each request, where Scrapy's own has two and a coroutine for each middleware.
DOWNLOADER = "netcrawl.download.lean.LeanDownloader"

# The stats and the feed are called with each item, not told of it by tasks.
ITEM_PROCESSOR = "netcrawl.pipelines.direct.DirectItemManager"

# Its own only hands each call on, with a warning for an argument that nothing here has.
STATS_CLASS = "netcrawl.extensions.lean_stats.LeanStats"

# It parses the source of a callback, page after page, to warn of a return value that would be lost.
WARN_ON_GENERATOR_RETURN_VALUE = False

EXTENSIONS = {
    # First: if the job cannot be had, nothing else is to begin.
    "netcrawl.frontier.extension.FrontierJob": -100,
    "scrapy.extensions.feedexport.FeedExporter": None,
    "netcrawl.feeds.checked.CheckedFeedExporter": 0,
    "netcrawl.extensions.plain_errors.PlainErrors": 0,
    "netcrawl.extensions.practice.PracticeWeb": 0,
    "netcrawl.download.loopback.LoopbackDelay": 0,
    "netcrawl.download.politeness.CrawlDelay": 0,
    "netcrawl.extensions.timings.DownloadTimings": 0,
}

DOWNLOADER_MIDDLEWARES = {
    # Before robots.txt is asked for.
    "netcrawl.download.checks.UrlCheckMiddleware": 25,
    # In the places of the ones that they replace.
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "netcrawl.download.robots.CautiousRobotsTxtMiddleware": 100,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "netcrawl.download.politeness.RetryAfterMiddleware": 550,
    "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": None,
    "netcrawl.download.redirects.CheckedMetaRefreshMiddleware": 580,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": None,
    "netcrawl.download.redirects.CheckedRedirectMiddleware": 600,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "netcrawl.download.compression.FileCompressionMiddleware": 590,
    "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None,
    "netcrawl.download.cookies.OfflineCookiesMiddleware": 700,
    "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": None,
    "netcrawl.download.loopback.LoopbackProxyMiddleware": 750,
}
