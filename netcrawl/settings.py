"""Scrapy's settings for this project. What is not here has Scrapy's default."""

from scrapy.settings import default_settings

from netcrawl.parts import in_named, in_ordered, plain_values
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

# The spider or the scraper reports the failure itself; once as an error is enough.
RETRY_GIVE_UP_LOG_LEVEL = "WARNING"

# All of this project's parts, and with them what each of them changes. LOG_LEVEL is among it.
globals().update(plain_values())
DOWNLOAD_HANDLERS = in_named("DOWNLOAD_HANDLERS")  # Scrapy has its own for ftp
FEED_EXPORTERS = in_named("FEED_EXPORTERS")
FEED_STORAGES = in_named("FEED_STORAGES")
SPIDER_MIDDLEWARES = in_ordered("SPIDER_MIDDLEWARES", default_settings.SPIDER_MIDDLEWARES_BASE)
DOWNLOADER_MIDDLEWARES = in_ordered(
    "DOWNLOADER_MIDDLEWARES", default_settings.DOWNLOADER_MIDDLEWARES_BASE
)
# What EXTENSIONS names is imported, even to be left out; so this is where to leave it out.
EXTENSIONS_BASE = {
    name.replace(
        "scrapy.extensions.remote_control.RemoteControl",
        "netcrawl.extensions.remote_control.RemoteControlIfWanted",
    ): order
    for name, order in default_settings.EXTENSIONS_BASE.items()
}
EXTENSIONS = {
    **in_ordered("EXTENSIONS", default_settings.EXTENSIONS_BASE),
    # For this project's own spiders: they have it instead of a URL.
    "netcrawl.extensions.practice.PracticeWeb": 0,
}
